/* The order of questions decides what a caller is told first: the gateway's own headers, then path, then body. */
#include "dsgate/admit/admit.h"
#include "dsgate/base/siphash.h"

/* "This endpoint takes GET, HEAD or POST." */
static enum failure refuse_method(struct admission *a)
{
    const char *separator = " ";
    BUF_ADD(&a->message, "This endpoint takes");
    for (unsigned m = 0, rest = a->endpoint->methods; rest; m++) {
        bool takes = rest & 1;
        rest >>= 1;
        if (!takes) continue;
        buf_printf(&a->message, "%s%s", separator, http_method_name((enum http_method)m));
        separator = rest & (rest - 1) ? ", " : " or "; /* more than one is left */
    }
    BUF_ADD(&a->message, ".");
    return FAIL_METHOD;
}

/* The first coding but identity, which is none (RFC 9110 section 8.4); empty when there is none. */
static struct text find_coding(const struct http_head *head)
{
    for (unsigned i = 0; i < head->field_count; i++) {
        if (head->fields[i].id != HTTP_CONTENT_ENCODING) continue;
        for (struct text rest = http_field_value(head, &head->fields[i]), coding; text_cut(&rest, ',', &coding);) {
            coding = text_trim(coding);
            if (coding.n && !text_eq_nocase(coding, TEXT("identity"))) return coding;
        }
    }
    return TEXT_NONE;
}

/* Said before anybody tries to read it as JSON: "unexpected byte" would help nobody. */
static enum failure refuse_coding(struct admission *a, struct text coding)
{
    BUF_ADD(&a->message, "The request body has the content coding '");
    buf_add(&a->message, coding);
    BUF_ADD(&a->message, "'; it must be sent without any.");
    a->param = "content-encoding";
    return FAIL_CONTENT_CODING;
}

static enum failure read_body(struct admission *a, struct text body)
{
    switch (chat_read(&a->chat, a->endpoint, body, &a->message, &a->param)) {
    case CHAT_FINE: return FAIL_NONE;
    case CHAT_BAD_JSON: return FAIL_BAD_JSON;
    case CHAT_MISSING: return FAIL_MISSING_FIELD;
    case CHAT_BAD_TYPE: return FAIL_BAD_FIELD;
    }
    return FAIL_INTERNAL;
}

enum failure admit(struct admission *a, const struct http_head *head, struct text body)
{
    a->endpoint = endpoint_find(head->path); /* first: it settles the shape of errors */
    if (!hints_read(&a->hints, head, &a->message, &a->param)) return FAIL_BAD_HINT;
    if (!a->endpoint || a->endpoint->kind == ENDPOINT_UNKNOWN) return FAIL_NO_ENDPOINT;
    if (!(a->endpoint->methods >> head->method & 1)) return refuse_method(a);
    if (a->endpoint->family == FAMILY_OPAQUE) return FAIL_NONE; /* the upstream's to judge */
    struct text coding = find_coding(head);
    if (coding.n) return refuse_coding(a, coding);
    return read_body(a, body);
}

void admission_free(struct admission *a) { buf_free(&a->message); }

uint64_t admission_conversation(const struct admission *a)
{
    static const struct siphash_key fixed;
    return a->hints.session.n ? siphash(&fixed, a->hints.session) : chat_conversation(&a->chat);
}

enum failure admit_http_failure(enum http_error e)
{
    switch (e) {
    case HTTP_FINE: return FAIL_NONE;
    case HTTP_BAD_REQUEST_LINE:
    case HTTP_BAD_TARGET:
    case HTTP_BAD_FIELD:
    case HTTP_BAD_LINE_END:
    case HTTP_BAD_BYTE:
    case HTTP_BAD_HOST:
    case HTTP_BAD_LENGTH:
    case HTTP_AMBIGUOUS_FRAMING:
    case HTTP_BAD_CHUNK: return FAIL_BAD_REQUEST;
    case HTTP_BAD_STATUS_LINE: return FAIL_UPSTREAM_BAD_ANSWER;
    case HTTP_BAD_VERSION: return FAIL_VERSION;
    case HTTP_BAD_CODING: return FAIL_NOT_IMPLEMENTED;
    case HTTP_BAD_EXPECT: return FAIL_EXPECTATION;
    case HTTP_LINE_TOO_LONG: return FAIL_URI_TOO_LONG;
    case HTTP_HEAD_TOO_LARGE:
    case HTTP_TOO_MANY_FIELDS: return FAIL_HEADERS_TOO_LARGE;
    case HTTP_BODY_TOO_LARGE: return FAIL_BODY_TOO_LARGE;
    case HTTP_TIMEOUT: return FAIL_REQUEST_TIMEOUT;
    case HTTP_NO_ROOM: return FAIL_MEMORY;
    case HTTP_ERROR_COUNT: break;
    }
    return FAIL_INTERNAL;
}
