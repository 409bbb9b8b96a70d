/* The difficulty: clients choose the headers, and must not choose with them what the upstream takes for its host, its
 * key or the end of the body. */
#include "dsgate/relay/upstream_request.h"
#include "dsgate/base/mem.h"
#include "dsgate/relay/upstream_fields.h"

/* Anthropic's shape carries the key in x-api-key; servers that only know bearer tokens find theirs as well. */
static void put_key(struct buf *b, const struct endpoint *e, const struct relay_target *to)
{
    bool anthropic = e->root == ROOT_ANTHROPIC;
    if (anthropic) http_put(b, TEXT("x-api-key"), text_of(to->key));
    if (!anthropic || !text_eq_nocase(text_of(to->upstream->auth_header), TEXT("x-api-key")))
        upstream_put_key(b, to->upstream, to->key);
}

static bool set_by_config(const struct conf_upstream *u, struct text name)
{
    for (size_t i = 0; i < u->header_count; i++)
        if (text_eq_nocase(text_of(u->headers[i].name), name)) return true;
    return false;
}

static bool forwards(const struct relay_source *from, const struct relay_target *to, const struct http_field *f)
{
    const struct conf_upstream *u = to->upstream;
    if (f->hop || f->id == HTTP_HOST || f->id == HTTP_CONTENT_LENGTH) return false;
    if (to->key && upstream_is_credential(from->head, f)) return false;
    if (from->consumes(from->head, f)) return false;
    return u->header_count == 0 || !set_by_config(u, http_field_name(from->head, f));
}

/* Clients of plain calls may say that they want JSON; a list that leaves room for events stays. */
static struct text value_for(const struct relay_source *from, const struct http_field *f)
{
    struct text value = http_field_value(from->head, f);
    if (!from->plain_stream || f->id != HTTP_ACCEPT || text_find(value, TEXT("*/*")) < value.n) return value;
    return TEXT("text/event-stream");
}

static void put_fields(struct buf *b, const struct relay_source *from, const struct relay_target *to)
{
    http_put(b, TEXT("Host"), text_of(to->origin->authority));
    if (to->key) put_key(b, from->endpoint, to);
    for (unsigned i = 0; i < from->head->field_count; i++) {
        const struct http_field *f = &from->head->fields[i];
        if (forwards(from, to, f)) http_put(b, http_field_name(from->head, f), value_for(from, f));
    }
    upstream_put_headers(b, to->upstream);
}

static const struct endpoint *endpoint_for(const struct relay_source *from, const struct relay_target *to)
{
    bool goes_on = from->sent && from->sent->family == FAMILY_CHAT;
    if (!goes_on || dialect_row(to->upstream->dialect)->continuation != CONTINUE_BETA_PREFIX) return from->endpoint;
    return endpoint_find(TEXT("/beta/chat/completions"));
}

static bool put_request_line(struct buf *b, const struct relay_source *from, const struct relay_target *to)
{
    buf_add(b, from->head->method_text);
    BUF_ADD(b, " ");
    if (!endpoint_upstream_path(endpoint_for(from, to), to->upstream, from->head->path, b)) return false;
    if (from->head->query.n) {
        BUF_ADD(b, "?");
        buf_add(b, from->head->query);
    }
    BUF_ADD(b, " HTTP/1.1\r\n");
    return true;
}

/* false: the body can't be changed as it must be. */
static bool put_body(const struct relay_source *from, const struct relay_target *to, struct buf *extra,
                     struct iovec *iov, int *pieces, size_t *total)
{
    struct chat_changes changes = {.model = to->model,
                                   .name = from->model,
                                   .stream = from->plain_stream,
                                   .sent = from->sent,
                                   .dialect = to->upstream->dialect};
    if (from->chat->body.n) {
        *pieces = chat_pieces(from->chat, &changes, extra, iov, total);
        return *pieces > 0;
    }
    *total = from->body.n;
    *pieces = from->body.n > 0;
    iov[0] = iov_of(from->body);
    return true;
}

int relay_request_write(const struct relay_source *from, const struct relay_target *to, struct buf bytes[2],
                        struct iovec *iov)
{
    int pieces;
    size_t total;
    struct buf *head = &bytes[0];
    buf_clear(head);
    buf_clear(&bytes[1]);
    if (!put_request_line(head, from, to) || !put_body(from, to, &bytes[1], iov + 1, &pieces, &total)) return 0;
    put_fields(head, from, to);
    if (total || from->head->framing != HTTP_NO_BODY) http_put_u64(head, TEXT("Content-Length"), total);
    http_put_end(head);
    iov[0] = iov_of(buf_text(head));
    return 1 + pieces;
}

void relay_request_free(struct buf bytes[2])
{
    if (bytes[0].data) explicit_bzero(bytes[0].data, bytes[0].capacity);
    buf_free(&bytes[0]);
    buf_free(&bytes[1]);
}
