/* http_framing.c - what the fields mean for the connection and the body (RFC 9110 sections 7.6.1 and 10.1.1, RFC 9112
 * sections 6 and 9).
 *
 * Two programs that disagree about where a body ends can be made to see different requests, so anything but one plain
 * Content-Length or one plain "chunked" is refused, in answers as well.
 */
#include "http_private.h"

/* More options than this in Connection can only be meant to make us search. */
enum { CONNECTION_OPTIONS_MAX = 32 };

/* Fields that Connection has no say over, see struct http_field. */
static const uint64_t protected_names = HTTP_BIT(HTTP_AUTHORIZATION) | HTTP_BIT(HTTP_X_API_KEY) |
                                        HTTP_BIT(HTTP_API_KEY) | HTTP_BIT(HTTP_HOST) | HTTP_BIT(HTTP_CONTENT_LENGTH) |
                                        HTTP_BIT(HTTP_CONTENT_TYPE) | HTTP_BIT(HTTP_CONTENT_ENCODING);

static bool has(const struct http_seen *seen, enum http_name id) { return seen->present & HTTP_BIT(id); }

static struct text value_of(const struct http_head *head, const struct http_seen *seen, enum http_name id)
{
    return http_field_value(head, &head->fields[seen->first[id]]);
}

/* ---- length ---- */

static enum http_error read_coding(struct http_head *head, struct text value)
{
    if (head->minor == 0)
        return HTTP_AMBIGUOUS_FRAMING; /* such peers don't know it, and what passed it on may not either */
    if (!text_eq_nocase(value, TEXT("chunked"))) return HTTP_BAD_CODING;
    head->framing = HTTP_CHUNKED;
    return HTTP_FINE;
}

static enum http_error read_length(struct http_head *head, struct text value)
{
    if (value.n > 19 || !text_to_u64(value, &head->content_length)) return HTTP_BAD_LENGTH;
    head->framing = HTTP_LENGTH;
    return HTTP_FINE;
}

/* Leaves the framing as it is when the fields say nothing. */
static enum http_error read_framing(struct http_head *head, const struct http_seen *seen)
{
    const uint64_t both = HTTP_BIT(HTTP_CONTENT_LENGTH) | HTTP_BIT(HTTP_TRANSFER_ENCODING);
    if (seen->repeated & both || (seen->present & both) == both) return HTTP_AMBIGUOUS_FRAMING;
    if (has(seen, HTTP_TRANSFER_ENCODING)) return read_coding(head, value_of(head, seen, HTTP_TRANSFER_ENCODING));
    if (has(seen, HTTP_CONTENT_LENGTH)) return read_length(head, value_of(head, seen, HTTP_CONTENT_LENGTH));
    return HTTP_FINE;
}

/* ---- Connection ---- */

struct options {
    unsigned count;
    bool close, keep_alive;
};

static void mark_hop(struct http_head *head, struct text name)
{
    enum http_name id = http_name_id(name);
    if (protected_names >> id & 1) return;
    for (unsigned i = 0; i < head->field_count; i++) {
        struct http_field *f = &head->fields[i];
        if (f->id == id && (id != HTTP_OTHER || text_eq_nocase(http_field_name(head, f), name))) f->hop = true;
    }
}

static void take_option(struct http_head *head, struct options *o, struct text option)
{
    if (text_eq_nocase(option, TEXT("close")))
        o->close = true;
    else if (text_eq_nocase(option, TEXT("keep-alive")))
        o->keep_alive = true;
    else
        mark_hop(head, option);
}

static enum http_error take_options(struct http_head *head, struct options *o, struct text list)
{
    struct text option;
    while (text_cut(&list, ',', &option)) {
        option = text_trim(option);
        if (option.n == 0) continue;
        if (!http_all(option, HTTP_IN_TOKEN) || ++o->count > CONNECTION_OPTIONS_MAX) return HTTP_BAD_FIELD;
        take_option(head, o, option);
    }
    return HTTP_FINE;
}

static enum http_error read_connection(struct http_head *head, const struct http_seen *seen)
{
    struct options o = {0};
    unsigned i = has(seen, HTTP_CONNECTION) ? seen->first[HTTP_CONNECTION] : head->field_count;
    for (; i < head->field_count; i++) {
        if (head->fields[i].id != HTTP_CONNECTION) continue;
        enum http_error error = take_options(head, &o, http_field_value(head, &head->fields[i]));
        if (error != HTTP_FINE) return error;
    }
    head->keep_alive = !o.close && (head->minor == 1 || o.keep_alive);
    return HTTP_FINE;
}

/* ---- requests ---- */

static enum http_error read_host(const struct http_head *head, const struct http_seen *seen)
{
    if (!has(seen, HTTP_HOST)) return head->minor == 0 ? HTTP_FINE : HTTP_BAD_HOST;
    bool valid = !(seen->repeated & HTTP_BIT(HTTP_HOST)) && http_is_authority(value_of(head, seen, HTTP_HOST));
    return valid ? HTTP_FINE : HTTP_BAD_HOST;
}

/* A client of HTTP/1.0 can't wait for an interim answer, whatever it says. */
static enum http_error read_expect(struct http_head *head, const struct http_seen *seen)
{
    if (!has(seen, HTTP_EXPECT)) return HTTP_FINE;
    if (seen->repeated & HTTP_BIT(HTTP_EXPECT)) return HTTP_BAD_EXPECT;
    if (!text_eq_nocase(value_of(head, seen, HTTP_EXPECT), TEXT("100-continue"))) return HTTP_BAD_EXPECT;
    head->expect_continue = head->minor == 1;
    return HTTP_FINE;
}

enum http_error http_judge_request(struct http_head *head, const struct http_seen *seen,
                                   const struct http_limits *limits)
{
    head->framing = HTTP_NO_BODY;
    enum http_error error = read_framing(head, seen);
    if (error == HTTP_FINE) error = read_host(head, seen);
    if (error == HTTP_FINE) error = read_connection(head, seen);
    if (error == HTTP_FINE) error = read_expect(head, seen);
    if (error != HTTP_FINE) return error;
    return head->content_length > limits->body ? HTTP_BODY_TOO_LARGE : HTTP_FINE;
}

/* ---- answers ---- */

static bool is_interim(unsigned status) { return status < 200; }

/* A body that must not be there but was announced could be taken for the next answer. After an interim answer that
 * comes at once, so it is refused; otherwise the connection serves no more. */
static enum http_error drop_body(struct http_head *head, bool to_head)
{
    bool announced = head->framing == HTTP_CHUNKED || (head->framing == HTTP_LENGTH && head->content_length);
    head->framing = HTTP_NO_BODY;
    if (to_head && !is_interim(head->status)) return HTTP_FINE;
    head->content_length = 0;
    if (announced && is_interim(head->status)) return HTTP_AMBIGUOUS_FRAMING;
    if (announced && head->status == 204) head->keep_alive = false;
    return HTTP_FINE;
}

enum http_error http_judge_answer(struct http_head *head, const struct http_seen *seen,
                                  const struct http_limits *limits, bool to_head)
{
    head->framing = HTTP_UNTIL_CLOSE;
    enum http_error error = read_framing(head, seen);
    if (error == HTTP_FINE) error = read_connection(head, seen);
    if (error != HTTP_FINE) return error;
    if (to_head || is_interim(head->status) || head->status == 204 || head->status == 304)
        return drop_body(head, to_head);
    if (head->framing == HTTP_UNTIL_CLOSE) head->keep_alive = false;
    return head->content_length > limits->body ? HTTP_BODY_TOO_LARGE : HTTP_FINE;
}
