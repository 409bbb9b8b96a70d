/* answer_form_blocks.c - a stream of Anthropic's messages as a plain answer.
 *
 * Blocks come one after the other: each is opened, filled and closed. What message_delta says of the message and its
 * usage replaces what message_start said, member by member. Events, blocks and deltas that are not known might change
 * something, so there is no answer then.
 */
#include "answer_form_private.h"
#include "assembly_private.h"
#include "dsgate/base/mem.h"
#include "dsgate/llm/stencil.h"

struct message {
    struct node root;
    struct node_budget budget;
    struct node *usage, *content;
    struct node *block;     /* the one that is open, or NULL */
    struct text block_type; /* its type, in the block */
    int64_t blocks;         /* that have been opened */
    struct buf spelled;     /* what input_json_delta has brought so far: insides of strings */
    struct stencil stencil; /* of the last delta of a text … */
    struct node *hole;      /* … which went there; NULL: this block has had none */
    bool told_usage;        /* at the end, when it is known */
};

enum { EVENT_TYPE, EVENT_MESSAGE, EVENT_INDEX, EVENT_BLOCK, EVENT_DELTA, EVENT_USAGE, EVENT_NAMES };

static const struct text event_names[EVENT_NAMES] = {
    [EVENT_TYPE] = TEXT("type"),           [EVENT_MESSAGE] = TEXT("message"), [EVENT_INDEX] = TEXT("index"),
    [EVENT_BLOCK] = TEXT("content_block"), [EVENT_DELTA] = TEXT("delta"),     [EVENT_USAGE] = TEXT("usage"),
};

/* ---- members ---- */

/* Null replaces nothing. */
static bool set_member(struct message *m, struct node *object, const struct json_iter *it)
{
    struct node *member = node_member(object, it->key, &m->budget);
    if (!member || it->type == JSON_NULL) return member;
    return node_become(member, NODE_VALUE) && node_set(member, it->value, &m->budget);
}

static bool set_members(struct message *m, struct node *object, struct text members)
{
    struct json_iter it = json_iter(members);
    while (json_next(&it))
        if (!set_member(m, object, &it)) return false;
    return true;
}

static bool append(struct message *m, struct node *list, struct text element)
{
    return (list->n == 0 || node_join(list, TEXT(","), &m->budget)) && node_join(list, element, &m->budget);
}

static bool append_all(struct message *m, struct node *list, struct text elements)
{
    struct json_iter it = json_iter(elements);
    while (json_next(&it))
        if (!append(m, list, it.value)) return false;
    return true;
}

/* ---- the message around the blocks ---- */

static bool add_content(struct message *m)
{
    m->content = node_member(&m->root, TEXT("content"), &m->budget);
    return m->content && node_become(m->content, NODE_LIST);
}

static bool add_usage(struct message *m)
{
    m->usage = node_member(&m->root, event_names[EVENT_USAGE], &m->budget);
    return m->usage && node_become(m->usage, NODE_OBJECT);
}

static bool set_start(struct message *m, const struct json_iter *it)
{
    if (text_is(it->key, "content")) return it->type == JSON_ARRAY && form_count(it->value) == 0 && add_content(m);
    if (!text_eq(it->key, event_names[EVENT_USAGE])) return set_member(m, &m->root, it);
    return it->type == JSON_OBJECT && add_usage(m) && set_members(m, m->usage, it->value);
}

static bool start_message(struct message *m, const struct json_member *event, struct text data)
{
    struct json_iter it = json_iter(event[EVENT_MESSAGE].value);
    if (m->root.first || event[EVENT_MESSAGE].type != JSON_OBJECT) return false;
    m->root.kind = NODE_OBJECT;
    while (json_next(&it))
        if (!set_start(m, &it)) return false;
    return add_content(m) && add_usage(m);
}

/* Beside `delta` and `usage` the event may have members of the message. */
static bool end_message(struct message *m, const struct json_member *event, struct text data)
{
    static const struct text known[] = {TEXT("type"), TEXT("delta"), TEXT("usage")};
    struct json_iter it = json_iter(data);
    m->told_usage = event[EVENT_USAGE].type == JSON_OBJECT;
    if (!m->usage || m->block || !m->told_usage || event[EVENT_DELTA].type != JSON_OBJECT) return false;
    while (json_next(&it)) {
        bool is_known = text_is_one_of(it.key, known, COUNT(known));
        if (!is_known && !set_member(m, &m->root, &it)) return false;
    }
    return set_members(m, &m->root, event[EVENT_DELTA].value) && set_members(m, m->usage, event[EVENT_USAGE].value);
}

/* ---- blocks ---- */

static bool has_index(const struct json_member *event, int64_t index)
{
    int64_t value;
    return event[EVENT_INDEX].type == JSON_NUMBER && json_to_i64(event[EVENT_INDEX].value, &value) && value == index;
}

static bool add_text(struct message *m, struct node *text, struct text piece)
{
    return node_become(text, NODE_TEXT) && node_join(text, piece, &m->budget);
}

/* What may go on is kept open for it, so nothing may be there twice. */
static bool set_block_member(struct message *m, const struct json_iter *it)
{
    struct node *member = node_member(m->block, it->key, &m->budget);
    if (!member || member->kind != NODE_NULL) return false;
    if (it->type == JSON_NULL) return true;
    if (it->type == JSON_STRING && !text_eq(it->key, form_block_members[BLOCK_TYPE]))
        return add_text(m, member, json_inside(it->value));
    if (it->type == JSON_ARRAY) return node_become(member, NODE_LIST) && append_all(m, member, it->value);
    return node_become(member, NODE_VALUE) && node_set(member, it->value, &m->budget);
}

static bool start_block(struct message *m, const struct json_member *event, struct text data)
{
    struct json_member members[FORM_BLOCK_MEMBERS];
    struct text block = event[EVENT_BLOCK].value;
    bool fine = m->content && !m->block && !m->told_usage && has_index(event, m->blocks) &&
                form_members(block, form_block_members, FORM_BLOCK_MEMBERS, members) &&
                members[BLOCK_TYPE].type == JSON_STRING;
    m->block = fine ? node_element(m->content, m->blocks++, &m->budget) : NULL;
    if (!m->block || !node_become(m->block, NODE_OBJECT)) return false;
    struct json_iter it = json_iter(block);
    while (json_next(&it))
        if (!set_block_member(m, &it)) return false;
    m->block_type = node_text(node_member(m->block, form_block_members[BLOCK_TYPE], &m->budget));
    return true;
}

static const struct form_delta *find_delta(const struct message *m, struct text type)
{
    for (const struct form_delta *d = form_deltas; d < form_deltas + FORM_DELTAS; d++)
        if (text_eq(d->delta, type) && text_eq(d->block, m->block_type)) return d;
    return NULL;
}

/* A delta's type and its piece. */
static const struct form_delta *read_delta(const struct message *m, struct text delta, struct json_member *piece)
{
    struct text type;
    json_get(delta, TEXT("type"), &type);
    const struct form_delta *d = find_delta(m, type);
    if (!d || form_count(delta) != 2) return NULL;
    piece->type = json_get(delta, d->piece, &piece->value);
    return piece->type == (d->manner == FORM_APPENDS ? JSON_OBJECT : JSON_STRING) ? d : NULL;
}

static bool fill_member(struct message *m, const struct form_delta *d, struct text piece, struct text data)
{
    struct node *member = node_member(m->block, form_block_members[d->member], &m->budget);
    if (!member) return false;
    switch (d->manner) {
    case FORM_JOINS:
        m->hole = stencil_cut(&m->stencil, data, json_inside(piece)) ? member : NULL;
        return add_text(m, member, json_inside(piece));
    case FORM_COMES: return member->n == 0 && add_text(m, member, json_inside(piece));
    case FORM_APPENDS: return node_become(member, NODE_LIST) && append(m, member, piece);
    case FORM_SPELLS: buf_add(&m->spelled, json_inside(piece)); break;
    }
    return true;
}

static bool fill_block(struct message *m, const struct json_member *event, struct text data)
{
    struct json_member piece;
    if (!m->block || !has_index(event, m->blocks - 1)) return false;
    const struct form_delta *d = read_delta(m, event[EVENT_DELTA].value, &piece);
    return d && fill_member(m, d, piece.value, data);
}

/* Half of a surrogate pair has become U+FFFD then. */
static bool has_lost_something(struct text spelled, struct text resolved)
{
    struct text replacement = TEXT("\xEF\xBF\xBD");
    return text_find(resolved, replacement) < resolved.n && text_find(spelled, replacement) == spelled.n;
}

static bool set_input(struct message *m, struct node *input, struct text json, struct text spelled)
{
    struct json_result result = json_scan(json, NULL, 0, NULL, JSON_DEPTH);
    bool fresh = input && (input->kind == NODE_NULL || text_is(node_text(input), "{}"));
    return fresh && result.error == JSON_FINE && result.top == JSON_OBJECT && !has_lost_something(spelled, json) &&
           node_become(input, NODE_VALUE) && node_set(input, json, &m->budget);
}

/* The pieces were of a string that holds JSON. */
static bool resolve_input(struct message *m)
{
    struct node *input = node_member(m->block, form_block_members[BLOCK_INPUT], &m->budget);
    struct buf string = {0};
    size_t n;
    BUF_ADD(&string, "\"");
    buf_add(&string, buf_text(&m->spelled));
    BUF_ADD(&string, "\"");
    char *json = mem_alloc(buf_len(&string));
    bool fine = json_to_text(buf_text(&string), json, buf_len(&string), &n) &&
                set_input(m, input, text_make(json, n), buf_text(&m->spelled));
    mem_free(json);
    buf_free(&string);
    return fine;
}

static bool stop_block(struct message *m, const struct json_member *event, struct text data)
{
    if (!m->block || !has_index(event, m->blocks - 1)) return false;
    bool fine = buf_len(&m->spelled) == 0 || resolve_input(m);
    buf_clear(&m->spelled);
    m->block = m->hole = NULL;
    return fine;
}

/* ---- events ---- */

typedef bool event_reader(struct message *m, const struct json_member *event, struct text data);

static bool pass(struct message *m, const struct json_member *event, struct text data) { return true; }

static const struct {
    struct text type;
    size_t members; /* that it has: where another would have to go nobody knows; 0: any number */
    event_reader *read;
} events[] = {
    {TEXT("\"content_block_delta\""), 3, fill_block},
    {TEXT("\"content_block_start\""), 3, start_block},
    {TEXT("\"content_block_stop\""), 2, stop_block},
    {TEXT("\"message_start\""), 2, start_message},
    {TEXT("\"message_delta\""), 0, end_message},
    {TEXT("\"message_stop\""), 1, pass},
    {TEXT("\"ping\""), 0, pass},
};

static bool read_event(void *state, struct text data)
{
    struct json_member event[EVENT_NAMES];
    if (!form_members(data, event_names, EVENT_NAMES, event)) return false;
    for (size_t i = 0; i < COUNT(events); i++) {
        if (!text_eq(event[EVENT_TYPE].value, events[i].type)) continue;
        return (events[i].members == 0 || form_count(data) == events[i].members) && events[i].read(state, event, data);
    }
    return false;
}

/* One more delta for the text that the last one was for. */
static bool repeats(void *state, struct text data)
{
    struct message *m = state;
    struct text piece;
    return m->hole && stencil_fits(&m->stencil, data, &piece) && node_join(m->hole, piece, &m->budget);
}

static bool write_message(struct message *m, struct buf *out)
{
    size_t before = buf_len(out);
    struct text stop_reason;
    if (!m->told_usage) return false;
    node_write(&m->root, out);
    struct text answer = text_from(buf_text(out), before);
    return json_scan(answer, NULL, 0, NULL, JSON_DEPTH).error == JSON_FINE &&
           json_get(answer, TEXT("stop_reason"), &stop_reason) == JSON_STRING && stop_reason.n > 2;
}

bool form_plain_messages(struct buf *out, struct text stream)
{
    struct message m = {.budget.limit = form_budget(stream)};
    bool fine = form_read_stream(FAMILY_MESSAGES, stream, repeats, read_event, &m) && write_message(&m, out);
    node_clear(&m.root);
    stencil_free(&m.stencil);
    buf_free(&m.spelled);
    return fine;
}
