#include "dsgate/relay/upstream_fields.h"
#include "dsgate/net/http.h"

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
