/* http_head.c - a head becomes a record.
 *
 * The search for the empty line has already checked line ends and control bytes, so that each line can be taken apart
 * without looking for its end first: every loop below stops at the line's CR at the latest.
 */
#include "http_private.h"

/* One line, "name: value" CR LF, at p. Returns where the next one begins, NULL when malformed: white space before the
 * colon or at the line's start (a folded line) is no part of a name. */
static const char *read_field(const struct http_head *head, const char *p, const char *end, struct http_field *f)
{
    const char *name = p;
    while (http_is(*p, HTTP_IN_TOKEN))
        p++;
    if (p == name || *p != ':' || p - name > UINT16_MAX) return NULL;
    f->name = (uint32_t)(name - head->base);
    f->name_length = (uint16_t)(p - name);
    f->id = (uint16_t)http_name_id(text_make(name, f->name_length));
    f->hop = HTTP_HOP_NAMES >> f->id & 1;
    do
        p++;
    while (*p == ' ' || *p == '\t');
    const char *value = p;
    while (*(p = http_find_control(p, end)) == '\t')
        p++;
    const char *next = p + 2;
    while (p > value && (p[-1] == ' ' || p[-1] == '\t'))
        p--;
    f->value = (uint32_t)(value - head->base);
    f->value_length = (uint32_t)(p - value);
    return next;
}

static void note(struct http_seen *seen, enum http_name id, unsigned at)
{
    uint64_t bit = HTTP_BIT(id);
    if (seen->present & bit)
        seen->repeated |= bit;
    else
        seen->first[id] = (uint8_t)at;
    seen->present |= bit;
}

/* The lines from p on; the head ends with an empty one. */
static enum http_error read_fields(struct http_head *head, const char *p, const struct http_limits *limits,
                                   struct http_seen *seen)
{
    const char *end = head->base + head->length;
    unsigned most = limits->fields < HTTP_FIELDS_MAX ? limits->fields : HTTP_FIELDS_MAX;
    while (*p != '\r') {
        if (head->field_count == most) return HTTP_TOO_MANY_FIELDS;
        struct http_field *f = &head->fields[head->field_count];
        p = read_field(head, p, end, f);
        if (!p) return HTTP_BAD_FIELD;
        note(seen, (enum http_name)f->id, head->field_count++);
    }
    return HTTP_FINE;
}

/* Finds the head's end and cuts the first line off. */
static enum http_parse begin(struct text in, const struct http_limits *limits, size_t *scanned, struct http_head *head,
                             struct text *line, enum http_error *error)
{
    size_t length;
    *error = http_find_end(in, limits, scanned, &length);
    if (*error != HTTP_FINE) return HTTP_PARSE_BAD;
    if (length == 0) return HTTP_PARSE_MORE;
    memset(head, 0, offsetof(struct http_head, fields));
    head->base = in.p;
    head->length = (uint32_t)length;
    *line = text_make(in.p, text_find_byte(text_make(in.p, length), '\r'));
    return HTTP_PARSE_DONE;
}

enum http_parse http_parse_request(struct text in, const struct http_limits *limits, size_t *scanned,
                                   struct http_head *head, enum http_error *error)
{
    struct text line;
    struct http_seen seen = {0};
    enum http_parse result = begin(in, limits, scanned, head, &line, error);
    if (result != HTTP_PARSE_DONE) return result;
    *error = http_read_request_line(head, line);
    if (*error == HTTP_FINE) *error = read_fields(head, line.p + line.n + 2, limits, &seen);
    if (*error == HTTP_FINE) *error = http_judge_request(head, &seen, limits);
    return *error == HTTP_FINE ? HTTP_PARSE_DONE : HTTP_PARSE_BAD;
}

enum http_parse http_parse_answer(struct text in, const struct http_limits *limits, size_t *scanned, bool to_head,
                                  struct http_head *head, enum http_error *error)
{
    struct text line;
    struct http_seen seen = {0};
    enum http_parse result = begin(in, limits, scanned, head, &line, error);
    if (result != HTTP_PARSE_DONE) return result;
    *error = http_read_status_line(head, line);
    if (*error == HTTP_FINE) *error = read_fields(head, line.p + line.n + 2, limits, &seen);
    if (*error == HTTP_FINE) *error = http_judge_answer(head, &seen, limits, to_head);
    return *error == HTTP_FINE ? HTTP_PARSE_DONE : HTTP_PARSE_BAD;
}

/* ---- copies ---- */

size_t http_head_size(const struct http_head *h)
{
    return offsetof(struct http_head, fields) + h->field_count * sizeof *h->fields;
}

static void rebase(struct text *t, const char *from, const char *to)
{
    if (t->p) t->p = to + (t->p - from);
}

void http_head_copy(struct http_head *to, const struct http_head *from, const char *new_base)
{
    memcpy(to, from, http_head_size(from));
    to->base = new_base;
    rebase(&to->method_text, from->base, new_base);
    rebase(&to->target, from->base, new_base);
    rebase(&to->path, from->base, new_base);
    rebase(&to->query, from->base, new_base);
    rebase(&to->reason, from->base, new_base);
}
