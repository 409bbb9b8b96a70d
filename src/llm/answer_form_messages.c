/* answer_form_messages.c - a plain answer of Anthropic's messages as a stream.
 *
 * message_start has the whole message but for its content, how it ended and what it cost; each content block is opened,
 * filled and closed by events of its own, and message_delta brings the rest. A block of which nobody knows how it is
 * filled is opened as it is: so do Anthropic's streams with blocks that come whole.
 */
#include "answer_form_private.h"

#define TOOL_INPUT(type) \
    { \
        TEXT(type), TEXT("\"input_json_delta\""), BLOCK_INPUT, TEXT("partial_json"), FORM_SPELLS \
    }

const struct text form_block_members[FORM_BLOCK_MEMBERS] = {
    [BLOCK_TYPE] = TEXT("type"),         [BLOCK_TEXT] = TEXT("text"),           [BLOCK_CITATIONS] = TEXT("citations"),
    [BLOCK_THINKING] = TEXT("thinking"), [BLOCK_SIGNATURE] = TEXT("signature"), [BLOCK_INPUT] = TEXT("input"),
};

const struct form_delta form_deltas[FORM_DELTAS] = {
    {TEXT("\"text\""), TEXT("\"text_delta\""), BLOCK_TEXT, TEXT("text"), FORM_JOINS},
    {TEXT("\"text\""), TEXT("\"citations_delta\""), BLOCK_CITATIONS, TEXT("citation"), FORM_APPENDS},
    {TEXT("\"thinking\""), TEXT("\"thinking_delta\""), BLOCK_THINKING, TEXT("thinking"), FORM_JOINS},
    {TEXT("\"thinking\""), TEXT("\"signature_delta\""), BLOCK_SIGNATURE, TEXT("signature"), FORM_COMES},
    TOOL_INPUT("\"tool_use\""),
    TOOL_INPUT("\"server_tool_use\""),
    TOOL_INPUT("\"mcp_tool_use\""),
};

/* Of each manner: which values come in deltas, and what stands in their place when the block is opened. */
static const struct {
    enum json_type type;
    struct text empty;
} manners[] = {
    [FORM_JOINS] = {JSON_STRING, TEXT("\"\"")},
    [FORM_COMES] = {JSON_STRING, TEXT("\"\"")},
    [FORM_APPENDS] = {JSON_ARRAY, TEXT("[]")},
    [FORM_SPELLS] = {JSON_OBJECT, TEXT("{}")},
};

/* ---- blocks ---- */

struct block {
    struct text whole;
    unsigned index;
    struct json_member m[FORM_BLOCK_MEMBERS];
};

static void open_block_event(struct buf *out, const char *name, unsigned index)
{
    answer_open_event(out, name);
    buf_printf(out, ",\"index\":%u", index);
}

static bool comes_in_deltas(const struct block *b, const struct form_delta *d)
{
    const struct json_member *m = &b->m[d->member];
    return text_eq(b->m[BLOCK_TYPE].value, d->block) && m->type == manners[d->manner].type && form_has_substance(m);
}

static bool start_block(struct form_writer *w, const struct block *b)
{
    struct form_swap swaps[FORM_DELTAS];
    size_t n = 0;
    for (const struct form_delta *d = form_deltas; d < form_deltas + FORM_DELTAS; d++)
        if (comes_in_deltas(b, d))
            swaps[n++] = (struct form_swap){form_block_members[d->member], manners[d->manner].empty};
    open_block_event(w->out, "content_block_start", b->index);
    BUF_ADD(w->out, ",\"content_block\":");
    form_put_object(w->out, b->whole, swaps, n);
    return form_close_event(w);
}

static bool put_piece(struct form_writer *w, const struct block *b, const struct form_delta *d, struct text piece)
{
    open_block_event(w->out, "content_block_delta", b->index);
    buf_printf(w->out, ",\"delta\":{\"type\":" TEXT_FORMAT ",\"" TEXT_FORMAT "\":", TEXT_ARGS(d->delta),
               TEXT_ARGS(d->piece));
    if (d->manner == FORM_SPELLS)
        buf_add_json_string(w->out, piece);
    else
        buf_add(w->out, piece);
    BUF_ADD(w->out, "}");
    return form_close_event(w);
}

static bool put_pieces(struct form_writer *w, const struct block *b, const struct form_delta *d)
{
    struct text value = b->m[d->member].value;
    if (d->manner != FORM_APPENDS) return put_piece(w, b, d, value);
    struct json_iter it = json_iter(value);
    while (json_next(&it))
        if (!put_piece(w, b, d, it.value)) return false;
    return true;
}

static bool put_block(struct form_writer *w, struct block *b)
{
    bool fine = form_members(b->whole, form_block_members, FORM_BLOCK_MEMBERS, b->m) &&
                b->m[BLOCK_TYPE].type == JSON_STRING && start_block(w, b);
    for (const struct form_delta *d = form_deltas; fine && d < form_deltas + FORM_DELTAS; d++)
        fine = !comes_in_deltas(b, d) || put_pieces(w, b, d);
    if (!fine) return false;
    open_block_event(w->out, "content_block_stop", b->index);
    return form_close_event(w);
}

/* ---- the message ---- */

enum { MESSAGE_CONTENT, MESSAGE_USAGE, MESSAGE_STOP, MESSAGE_NAMES = MESSAGE_STOP + 3 };

static const struct text message_names[MESSAGE_NAMES] = {
    [MESSAGE_CONTENT] = TEXT("content"),       [MESSAGE_USAGE] = TEXT("usage"),
    [MESSAGE_STOP] = TEXT("stop_reason"),      [MESSAGE_STOP + 1] = TEXT("stop_sequence"),
    [MESSAGE_STOP + 2] = TEXT("stop_details"),
};

static const struct text output_tokens = TEXT("output_tokens");

static bool put_start(struct form_writer *w, struct text message, const struct json_member *m)
{
    struct buf usage = {0};
    struct form_swap swaps[MESSAGE_NAMES];
    form_put_object(&usage, m[MESSAGE_USAGE].value, &(struct form_swap){output_tokens, TEXT("0")}, 1);
    for (size_t i = 0; i < MESSAGE_NAMES; i++)
        swaps[i] = (struct form_swap){message_names[i], TEXT("null")};
    swaps[MESSAGE_CONTENT].value = TEXT("[]");
    swaps[MESSAGE_USAGE].value = buf_text(&usage);
    answer_open_event(w->out, "message_start");
    BUF_ADD(w->out, ",\"message\":");
    form_put_object(w->out, message, swaps, MESSAGE_NAMES);
    buf_free(&usage);
    return form_close_event(w);
}

static bool put_blocks(struct form_writer *w, struct text content)
{
    struct json_iter it = json_iter(content);
    for (struct block b = {.index = 0}; json_next(&it); b.index++) {
        b.whole = it.value;
        if (!put_block(w, &b)) return false;
    }
    return true;
}

static bool put_end(struct form_writer *w, const struct json_member *m)
{
    const char *comma = "";
    answer_open_event(w->out, "message_delta");
    BUF_ADD(w->out, ",\"delta\":{");
    for (size_t i = MESSAGE_STOP; i < MESSAGE_NAMES; i++) {
        if (m[i].type == JSON_ABSENT) continue;
        buf_printf(w->out, "%s\"" TEXT_FORMAT "\":", comma, TEXT_ARGS(message_names[i]));
        buf_add(w->out, m[i].value);
        comma = ",";
    }
    BUF_ADD(w->out, "},\"usage\":");
    buf_add(w->out, m[MESSAGE_USAGE].value);
    if (!form_close_event(w)) return false;
    answer_open_event(w->out, "message_stop");
    return form_close_event(w);
}

/* Clients' libraries take for granted that an end has a reason and a count. */
static bool is_whole(const struct json_member *m)
{
    struct json_member count;
    return m[MESSAGE_CONTENT].type == JSON_ARRAY && m[MESSAGE_STOP].type == JSON_STRING &&
           form_has_substance(&m[MESSAGE_STOP]) && form_members(m[MESSAGE_USAGE].value, &output_tokens, 1, &count) &&
           count.type == JSON_NUMBER;
}

void form_stream_messages(struct form_writer *w, struct text plain, bool usage)
{
    struct json_member m[MESSAGE_NAMES];
    bool fine = form_members(plain, message_names, MESSAGE_NAMES, m) && is_whole(m) && put_start(w, plain, m) &&
                put_blocks(w, m[MESSAGE_CONTENT].value) && put_end(w, m);
    if (!fine) w->failed = true;
}
