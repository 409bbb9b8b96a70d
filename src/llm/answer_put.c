/* Errors in the families' own shapes. Texts go through buf_add_json_string(): no byte of theirs can end a line or an
 * event. */
#include "dsgate/llm/answer.h"

/* "name":"value" or "name":null */
static void put_member(struct buf *out, const char *name, const char *value)
{
    buf_printf(out, ",\"%s\":", name);
    if (value)
        buf_add_json_string(out, text_of(value));
    else
        BUF_ADD(out, "null");
}

/* What stands between the braces of OpenAI's error object. */
static void put_members(struct buf *out, const char *type, const char *code, struct text message, const char *param)
{
    BUF_ADD(out, "\"message\":");
    buf_add_json_string(out, message);
    put_member(out, "type", type);
    put_member(out, "param", param);
    put_member(out, "code", code);
}

static void put_openai(struct buf *out, const char *type, const char *code, struct text message, const char *param)
{
    BUF_ADD(out, "{\"error\":{");
    put_members(out, type, code, message, param);
    BUF_ADD(out, "}}");
}

static void put_anthropic(struct buf *out, const char *type, struct text message)
{
    BUF_ADD(out, "{\"type\":\"error\",\"error\":{\"message\":");
    buf_add_json_string(out, message);
    put_member(out, "type", type);
    BUF_ADD(out, "}}");
}

/* The documentation has the members at the top, the SDKs look for an `error` object: this has both. */
static void put_responses_event(struct buf *out, const char *type, const char *code, struct text message)
{
    BUF_ADD(out, "{\"type\":\"error\",\"sequence_number\":0,\"message\":");
    buf_add_json_string(out, message);
    put_member(out, "param", NULL);
    put_member(out, "code", code);
    BUF_ADD(out, ",\"error\":{");
    put_members(out, type, code, message, NULL);
    BUF_ADD(out, "}}");
}

void answer_put_error_event(struct buf *out, enum endpoint_family family, const char *type, const char *code,
                            struct text message)
{
    if (family == FAMILY_MESSAGES || family == FAMILY_RESPONSES) BUF_ADD(out, "event: error\n");
    BUF_ADD(out, "data: ");
    if (family == FAMILY_MESSAGES)
        put_anthropic(out, type, message);
    else if (family == FAMILY_RESPONSES)
        put_responses_event(out, type, code, message);
    else
        put_openai(out, type, code, message, NULL);
    BUF_ADD(out, "\n\n");
}

void answer_put_error_body(struct buf *out, enum endpoint_family family, const char *type, const char *code,
                           struct text message, const char *param)
{
    if (family == FAMILY_MESSAGES)
        put_anthropic(out, type, message);
    else
        put_openai(out, type, code, message, param);
}
