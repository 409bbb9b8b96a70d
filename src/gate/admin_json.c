#include "admin_json.h"
#include "dsgate/gate/reply.h"

/* Keys are our own words, which need no escapes. */
static void begin(struct admin_json *j, const char *key)
{
    if (j->follows) BUF_ADD(&j->out, ",");
    j->follows = true;
    if (key) buf_printf(&j->out, "\"%s\":", key);
}

void admin_json_open(struct admin_json *j, const char *key, char bracket)
{
    begin(j, key);
    buf_add_byte(&j->out, bracket);
    j->follows = false;
}

void admin_json_close(struct admin_json *j, char bracket)
{
    buf_add_byte(&j->out, bracket);
    j->follows = true;
}

void admin_json_text(struct admin_json *j, const char *key, struct text value)
{
    begin(j, key);
    if (value.p)
        buf_add_json_string(&j->out, value);
    else
        BUF_ADD(&j->out, "null");
}

void admin_json_flag(struct admin_json *j, const char *key, bool value)
{
    begin(j, key);
    buf_add(&j->out, value ? TEXT("true") : TEXT("false"));
}

void admin_json_u64(struct admin_json *j, const char *key, uint64_t value)
{
    begin(j, key);
    buf_add_u64(&j->out, value);
}

void admin_json_double(struct admin_json *j, const char *key, double value)
{
    begin(j, key);
    buf_printf(&j->out, "%.9g", value);
}

void admin_json_ms(struct admin_json *j, const char *key, usec_t time)
{
    begin(j, key);
    buf_add_ms(&j->out, time);
}

void admin_json_null(struct admin_json *j, const char *key) { admin_json_text(j, key, TEXT_NONE); }

void admin_json_send(struct admin_json *j, struct exchange *x)
{
    BUF_ADD(&j->out, "\n");
    reply_body(x, 200, TEXT("application/json"), buf_text(&j->out));
    buf_free(&j->out);
}
