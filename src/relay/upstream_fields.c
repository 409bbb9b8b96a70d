#include "dsgate/relay/upstream_fields.h"

/* Fields beside the key that say, at one provider or another, who asks and who pays. */
static const struct text account_fields[] = {TEXT("cookie"),
                                             TEXT("openai-organization"),
                                             TEXT("openai-project"),
                                             TEXT("x-dashscope-workspace"),
                                             TEXT("x-goog-api-key"),
                                             TEXT("x-goog-user-project"),
                                             TEXT("ocp-apim-subscription-key")};

static bool names_account(struct text name)
{
    for (size_t i = 0; i < sizeof account_fields / sizeof *account_fields; i++)
        if (text_eq_nocase(name, account_fields[i])) return true;
    return false;
}

bool upstream_is_credential(const struct http_head *head, const struct http_field *f)
{
    if (f->id == HTTP_AUTHORIZATION || f->id == HTTP_X_API_KEY || f->id == HTTP_API_KEY) return true;
    return f->id == HTTP_OTHER && names_account(http_field_name(head, f));
}

void upstream_put_key(struct buf *b, const struct conf_upstream *u, const char *secret)
{
    struct text key = text_of(secret);
    if (!text_eq_nocase(text_of(u->auth_header), TEXT("authorization"))) {
        http_put(b, text_of(u->auth_header), key);
        return;
    }
    BUF_ADD(b, "Authorization: Bearer ");
    buf_add(b, key);
    BUF_ADD(b, "\r\n");
}

void upstream_put_headers(struct buf *b, const struct conf_upstream *u)
{
    for (size_t i = 0; i < u->header_count; i++)
        http_put(b, text_of(u->headers[i].name), text_of(u->headers[i].value));
}
