/* answer_form_responses.c - a plain answer of OpenAI's responses as a stream.
 *
 * The last event has the whole answer, and before it the same story is told in pieces: items are opened, filled and
 * closed, and so are their parts. Those of which nobody knows how they are filled are opened as they are.
 */
#include "answer_form_private.h"
#include <stdio.h>

/* ---- events ---- */

/* `name` may be the beginning of one, and `rest` what is behind it. */
static void open_event(struct form_writer *w, struct text name, const char *rest)
{
    char whole[64];
    snprintf(whole, sizeof whole, TEXT_FORMAT "%s", TEXT_ARGS(name), rest);
    answer_open_event(w->out, whole);
    buf_printf(w->out, ",\"sequence_number\":%u", w->events);
}

static void put(struct form_writer *w, const char *name, struct text value)
{
    buf_printf(w->out, ",\"%s\":", name);
    buf_add(w->out, value);
}

static bool put_response(struct form_writer *w, const char *name, struct text response)
{
    open_event(w, TEXT("response."), name);
    put(w, "response", response);
    return form_close_event(w);
}

/* ---- items ---- */

enum { ITEM_TYPE, ITEM_ID, ITEM_NAME, ITEM_STATUS, ITEM_CONTENT, ITEM_SUMMARY, ITEM_ARGUMENTS, ITEM_INPUT, ITEM_NAMES };

static const struct text item_names[ITEM_NAMES] = {
    [ITEM_TYPE] = TEXT("type"),           [ITEM_ID] = TEXT("id"),           [ITEM_NAME] = TEXT("name"),
    [ITEM_STATUS] = TEXT("status"),       [ITEM_CONTENT] = TEXT("content"), [ITEM_SUMMARY] = TEXT("summary"),
    [ITEM_ARGUMENTS] = TEXT("arguments"), [ITEM_INPUT] = TEXT("input"),
};

struct item {
    struct text whole;
    unsigned index;
    struct json_member m[ITEM_NAMES];
};

/* What items are filled with: texts of their own, or lists of parts. */
static const struct filling {
    struct text item; /* its type, with quotes */
    int member;
    enum json_type type;
    struct text event; /* how their events begin */
    const char *index; /* of a part, by this name */
} fillings[] = {
    {TEXT("\"function_call\""), ITEM_ARGUMENTS, JSON_STRING, TEXT("response.function_call_arguments"), NULL},
    {TEXT("\"mcp_call\""), ITEM_ARGUMENTS, JSON_STRING, TEXT("response.mcp_call_arguments"), NULL},
    {TEXT("\"custom_tool_call\""), ITEM_INPUT, JSON_STRING, TEXT("response.custom_tool_call_input"), NULL},
    {TEXT("\"reasoning\""), ITEM_SUMMARY, JSON_ARRAY, TEXT("response.reasoning_summary_part"), "summary_index"},
    {TEXT("\"reasoning\""), ITEM_CONTENT, JSON_ARRAY, TEXT("response.content_part"), "content_index"},
    {TEXT("\"message\""), ITEM_CONTENT, JSON_ARRAY, TEXT("response.content_part"), "content_index"},
};

static bool fills(const struct filling *f, const struct item *item)
{
    return text_eq(f->item, item->m[ITEM_TYPE].value) && item->m[f->member].type == f->type;
}

static bool open_item(struct form_writer *w, const struct item *item)
{
    struct form_swap swaps[COUNT(fillings) + 1];
    size_t n = 0;
    for (const struct filling *f = fillings; f < fillings + COUNT(fillings); f++)
        if (fills(f, item))
            swaps[n++] = (struct form_swap){item_names[f->member], f->type == JSON_ARRAY ? TEXT("[]") : TEXT("\"\"")};
    if (item->m[ITEM_STATUS].type == JSON_STRING)
        swaps[n++] = (struct form_swap){item_names[ITEM_STATUS], TEXT("\"in_progress\"")};
    open_event(w, TEXT("response.output_item.added"), "");
    buf_printf(w->out, ",\"output_index\":%u,\"item\":", item->index);
    form_put_object(w->out, item->whole, swaps, n);
    return form_close_event(w);
}

static bool close_item(struct form_writer *w, const struct item *item)
{
    open_event(w, TEXT("response.output_item.done"), "");
    buf_printf(w->out, ",\"output_index\":%u", item->index);
    put(w, "item", item->whole);
    return form_close_event(w);
}

/* Events below an item: they name it. */
static void open_inner(struct form_writer *w, const struct item *item, struct text name, const char *rest)
{
    open_event(w, name, rest);
    put(w, "item_id", item->m[ITEM_ID].value);
    buf_printf(w->out, ",\"output_index\":%u", item->index);
}

static bool put_string(struct form_writer *w, const struct item *item, const struct filling *f)
{
    const struct json_member *m = &item->m[f->member];
    if (form_has_substance(m)) {
        open_inner(w, item, f->event, ".delta");
        put(w, "delta", m->value);
        if (!form_close_event(w)) return false;
    }
    open_inner(w, item, f->event, ".done");
    if (item->m[ITEM_NAME].type == JSON_STRING) put(w, "name", item->m[ITEM_NAME].value);
    put(w, f->member == ITEM_INPUT ? "input" : "arguments", m->value);
    return form_close_event(w);
}

/* ---- parts ---- */

enum { PART_TYPE, PART_TEXT, PART_REFUSAL, PART_ANNOTATIONS, PART_LOGPROBS, PART_NAMES };

static const struct text part_names[PART_NAMES] = {
    [PART_TYPE] = TEXT("type"),         [PART_TEXT] = TEXT("text"),
    [PART_REFUSAL] = TEXT("refusal"),   [PART_ANNOTATIONS] = TEXT("annotations"),
    [PART_LOGPROBS] = TEXT("logprobs"),
};

static const struct part_kind {
    struct text type; /* with quotes */
    int member;
    struct text event;
    bool has_logprobs;
} part_kinds[] = {
    {TEXT("\"output_text\""), PART_TEXT, TEXT("response.output_text"), true},
    {TEXT("\"refusal\""), PART_REFUSAL, TEXT("response.refusal"), false},
    {TEXT("\"reasoning_text\""), PART_TEXT, TEXT("response.reasoning_text"), false},
    {TEXT("\"summary_text\""), PART_TEXT, TEXT("response.reasoning_summary_text"), false},
};

struct part {
    const struct item *item;
    const struct filling *filling; /* of the list that it is in */
    const struct part_kind *kind;  /* NULL: not known */
    struct text whole;
    unsigned index;
    struct json_member m[PART_NAMES];
};

static const struct part_kind *find_kind(const struct json_member *m)
{
    for (const struct part_kind *k = part_kinds; k < part_kinds + COUNT(part_kinds); k++)
        if (text_eq(k->type, m[PART_TYPE].value) && m[k->member].type == JSON_STRING) return k;
    return NULL;
}

static void open_part_event(struct form_writer *w, const struct part *p, struct text name, const char *rest)
{
    open_inner(w, p->item, name, rest);
    buf_printf(w->out, ",\"%s\":%u", p->filling->index, p->index);
}

static bool open_part(struct form_writer *w, const struct part *p)
{
    struct form_swap swaps[PART_NAMES];
    size_t n = 0;
    if (p->kind) swaps[n++] = (struct form_swap){part_names[p->kind->member], TEXT("\"\"")};
    for (size_t i = PART_ANNOTATIONS; p->kind && i < PART_NAMES; i++)
        if (p->m[i].type == JSON_ARRAY) swaps[n++] = (struct form_swap){part_names[i], TEXT("[]")};
    open_part_event(w, p, p->filling->event, ".added");
    BUF_ADD(w->out, ",\"part\":");
    form_put_object(w->out, p->whole, swaps, n);
    return form_close_event(w);
}

static bool put_text(struct form_writer *w, const struct part *p, const char *what, const char *member)
{
    open_part_event(w, p, p->kind->event, what);
    put(w, member, p->m[p->kind->member].value);
    if (p->kind->has_logprobs)
        put(w, "logprobs", p->m[PART_LOGPROBS].type == JSON_ARRAY ? p->m[PART_LOGPROBS].value : TEXT("[]"));
    return form_close_event(w);
}

static bool put_annotations(struct form_writer *w, const struct part *p)
{
    struct json_iter it = json_iter(p->m[PART_ANNOTATIONS].value);
    for (unsigned i = 0; json_next(&it); i++) {
        open_part_event(w, p, p->kind->event, ".annotation.added");
        buf_printf(w->out, ",\"annotation_index\":%u", i);
        put(w, "annotation", it.value);
        if (!form_close_event(w)) return false;
    }
    return true;
}

static bool fill_part(struct form_writer *w, const struct part *p)
{
    const struct json_member *text = &p->m[p->kind->member];
    return (!form_has_substance(text) || put_text(w, p, ".delta", "delta")) && put_annotations(w, p) &&
           put_text(w, p, ".done", p->kind->member == PART_REFUSAL ? "refusal" : "text");
}

static bool put_part(struct form_writer *w, struct part *p)
{
    if (!form_members(p->whole, part_names, PART_NAMES, p->m)) return false;
    p->kind = find_kind(p->m);
    if (!open_part(w, p) || (p->kind && !fill_part(w, p))) return false;
    open_part_event(w, p, p->filling->event, ".done");
    put(w, "part", p->whole);
    return form_close_event(w);
}

static bool put_parts(struct form_writer *w, const struct item *item, const struct filling *f)
{
    struct json_iter it = json_iter(item->m[f->member].value);
    for (struct part p = {.item = item, .filling = f}; json_next(&it); p.index++) {
        p.whole = it.value;
        if (!put_part(w, &p)) return false;
    }
    return true;
}

/* ---- the whole ---- */

static bool put_item(struct form_writer *w, struct item *item)
{
    if (!form_members(item->whole, item_names, ITEM_NAMES, item->m) || !open_item(w, item)) return false;
    for (const struct filling *f = fillings; f < fillings + COUNT(fillings); f++) {
        if (!fills(f, item)) continue;
        if (item->m[ITEM_ID].type != JSON_STRING) return false;
        if (!(f->type == JSON_ARRAY ? put_parts : put_string)(w, item, f)) return false;
    }
    return close_item(w, item);
}

static bool put_output(struct form_writer *w, struct text output)
{
    struct json_iter it = json_iter(output);
    for (struct item item = {.index = 0}; json_next(&it); item.index++) {
        item.whole = it.value;
        if (!put_item(w, &item)) return false;
    }
    return true;
}

/* As it was before there was any output. */
static bool put_beginning(struct form_writer *w, struct text plain)
{
    static const struct form_swap swaps[] = {
        {TEXT("status"), TEXT("\"in_progress\"")},  {TEXT("output"), TEXT("[]")},         {TEXT("usage"), TEXT("null")},
        {TEXT("incomplete_details"), TEXT("null")}, {TEXT("completed_at"), TEXT("null")},
    };
    struct buf response = {0};
    form_put_object(&response, plain, swaps, COUNT(swaps));
    bool fine = put_response(w, "created", buf_text(&response)) && put_response(w, "in_progress", buf_text(&response));
    buf_free(&response);
    return fine;
}

void form_stream_responses(struct form_writer *w, struct text plain, bool usage)
{
    enum { STATUS, OUTPUT, NAMES };
    static const struct text names[NAMES] = {TEXT("status"), TEXT("output")};
    struct json_member m[NAMES];
    bool fine = form_members(plain, names, NAMES, m) && m[OUTPUT].type == JSON_ARRAY;
    bool completed = fine && text_is(m[STATUS].value, "\"completed\"");
    bool incomplete = fine && text_is(m[STATUS].value, "\"incomplete\"");
    if ((!completed && !incomplete) || !put_beginning(w, plain) || !put_output(w, m[OUTPUT].value) ||
        !put_response(w, completed ? "completed" : "incomplete", plain))
        w->failed = true;
}
