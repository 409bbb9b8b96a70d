/* answer_form_chat.c - a plain answer of chat or legacy completions as a stream.
 *
 * A choice becomes one chunk that opens it, one for each of its texts, and one that says how it ended. What nobody
 * knows comes once: beside the first chunk's choices, in the opening delta, or beside the finish_reason.
 */
#include "answer_form_private.h"

/* ---- chunks ---- */

enum { ANSWER_ID, ANSWER_OBJECT, ANSWER_CREATED, ANSWER_MODEL, ANSWER_FINGERPRINT, ANSWER_TIER };
enum { ANSWER_CHOICES = ANSWER_TIER + 1, ANSWER_USAGE, ANSWER_NAMES };

static const struct text answer_names[ANSWER_NAMES] = {
    [ANSWER_ID] = TEXT("id"),
    [ANSWER_OBJECT] = TEXT("object"),
    [ANSWER_CREATED] = TEXT("created"),
    [ANSWER_MODEL] = TEXT("model"),
    [ANSWER_TIER] = TEXT("service_tier"),
    [ANSWER_FINGERPRINT] = TEXT("system_fingerprint"),
    [ANSWER_CHOICES] = TEXT("choices"),
    [ANSWER_USAGE] = TEXT("usage"),
};

struct chunk_writer {
    struct form_writer *w;
    struct text plain;
    struct json_member m[ANSWER_NAMES];
    struct buf head;  /* what each chunk says of the answer */
    bool tells_usage; /* chunks have a `usage`, and it is null in all but the last */
    bool begun;
};

/* All but the choices, usage and what only the first chunk has. */
static void make_head(struct chunk_writer *c)
{
    for (size_t i = 0; i < ANSWER_CHOICES; i++) {
        if (c->m[i].type == JSON_ABSENT) continue;
        bool whole = i == ANSWER_OBJECT && text_is(c->m[i].value, "\"chat.completion\"");
        struct text value = whole ? TEXT("\"chat.completion.chunk\"") : c->m[i].value;
        buf_printf(&c->head, "\"" TEXT_FORMAT "\":", TEXT_ARGS(answer_names[i]));
        buf_add(&c->head, value);
        BUF_ADD(&c->head, ",");
    }
}

static void open_chunk(struct chunk_writer *c)
{
    BUF_ADD(c->w->out, "data: {");
    buf_add(c->w->out, buf_text(&c->head));
    BUF_ADD(c->w->out, "\"choices\":[");
}

static void put_unknown(struct chunk_writer *c)
{
    struct form_swap known[ANSWER_NAMES];
    for (size_t i = 0; i < ANSWER_NAMES; i++)
        known[i] = (struct form_swap){.name = answer_names[i]};
    form_put_members(c->w->out, c->plain, known, ANSWER_NAMES, true);
}

static bool close_chunk(struct chunk_writer *c, struct text usage)
{
    BUF_ADD(c->w->out, "]");
    if (c->tells_usage) {
        BUF_ADD(c->w->out, ",\"usage\":");
        buf_add(c->w->out, usage);
    }
    if (!c->begun) put_unknown(c);
    c->begun = true;
    return form_close_event(c->w);
}

/* ---- choices ---- */

enum { CHOICE_INDEX, CHOICE_SPEECH, CHOICE_LOGPROBS, CHOICE_FINISH, CHOICE_NAMES };

struct choice {
    const struct text *names;
    struct text whole;
    struct json_member m[CHOICE_NAMES];
    int64_t index;
    struct text logprobs; /* come with the text that they are about, or at the end */
};

static void open_choice(struct chunk_writer *c, const struct choice *choice, const char *speech)
{
    open_chunk(c);
    buf_printf(c->w->out, "{\"index\":%lld,\"%s\":", (long long)choice->index, speech);
}

static void put_logprobs(struct chunk_writer *c, struct choice *choice)
{
    BUF_ADD(c->w->out, ",\"logprobs\":");
    buf_add(c->w->out, choice->logprobs);
    choice->logprobs = TEXT("null");
}

static bool close_choice(struct chunk_writer *c)
{
    BUF_ADD(c->w->out, ",\"finish_reason\":null}");
    return close_chunk(c, TEXT("null"));
}

static bool put_end(struct chunk_writer *c, struct choice *choice, const char *speech, const char *nothing)
{
    struct form_swap known[CHOICE_NAMES];
    for (size_t i = 0; i < CHOICE_NAMES; i++)
        known[i] = (struct form_swap){.name = choice->names[i]};
    open_choice(c, choice, speech);
    buf_add(c->w->out, text_of(nothing));
    put_logprobs(c, choice);
    BUF_ADD(c->w->out, ",\"finish_reason\":");
    buf_add(c->w->out, choice->m[CHOICE_FINISH].value);
    form_put_members(c->w->out, choice->whole, known, CHOICE_NAMES, true);
    BUF_ADD(c->w->out, "}");
    return close_chunk(c, TEXT("null"));
}

/* Absent or null, and then it is what it was, or else a whole number; of a sensible size. They grow, so this bounds as
 * well how many there are. */
static bool read_index(const struct json_member *m, int64_t *index)
{
    bool is_said = m->type > JSON_NULL;
    if (is_said && (m->type != JSON_NUMBER || !json_to_i64(m->value, index))) return false;
    return *index < ANSWER_EVENTS;
}

typedef bool choice_writer(struct chunk_writer *c, struct choice *choice);

/* Their places are the index of those that have none. */
static bool put_choice(struct chunk_writer *c, struct choice *choice, choice_writer *put)
{
    struct json_member *m = choice->m;
    int64_t least = choice->index;
    bool fine = form_members(choice->whole, choice->names, CHOICE_NAMES, m) &&
                read_index(&m[CHOICE_INDEX], &choice->index) && choice->index >= least &&
                m[CHOICE_FINISH].type == JSON_STRING && form_has_substance(&m[CHOICE_FINISH]);
    choice->logprobs = fine && m[CHOICE_LOGPROBS].type ? m[CHOICE_LOGPROBS].value : TEXT("null");
    return fine && put(c, choice);
}

static bool put_choices(struct chunk_writer *c, const struct text *names, choice_writer *put)
{
    struct json_iter it = json_iter(c->m[ANSWER_CHOICES].value);
    struct choice choice = {.names = names};
    for (; json_next(&it); choice.index++) {
        choice.whole = it.value;
        if (!put_choice(c, &choice, put)) return false;
    }
    return c->begun;
}

static bool put_usage(struct chunk_writer *c)
{
    if (!c->tells_usage || c->m[ANSWER_USAGE].type == JSON_NULL) return true;
    open_chunk(c);
    return close_chunk(c, c->m[ANSWER_USAGE].value);
}

static void to_stream(struct form_writer *w, struct text plain, bool usage, const struct text *names,
                      choice_writer *put)
{
    struct chunk_writer c = {.w = w, .plain = plain};
    bool fine = form_members(plain, answer_names, ANSWER_NAMES, c.m) && c.m[ANSWER_CHOICES].type == JSON_ARRAY;
    if (fine) make_head(&c);
    c.tells_usage = usage && fine && c.m[ANSWER_USAGE].type;
    if (!fine || !put_choices(&c, names, put) || !put_usage(&c)) w->failed = true;
    BUF_ADD(w->out, "data: [DONE]\n\n");
    buf_free(&c.head);
}

/* ---- chat ---- */

static const struct text chat_names[CHOICE_NAMES] = {TEXT("index"), TEXT("message"), TEXT("logprobs"),
                                                     TEXT("finish_reason")};

/* In the order in which models say them. */
enum { SAYS_ROLE, SAYS_REASONING_CONTENT, SAYS_REASONING, SAYS_CONTENT, SAYS_REFUSAL, SAYS_CALLS, SAYS_NAMES };

static const struct text message_names[SAYS_NAMES] = {
    [SAYS_ROLE] = TEXT("role"),           [SAYS_REASONING_CONTENT] = TEXT("reasoning_content"),
    [SAYS_REASONING] = TEXT("reasoning"), [SAYS_CONTENT] = TEXT("content"),
    [SAYS_REFUSAL] = TEXT("refusal"),     [SAYS_CALLS] = TEXT("tool_calls"),
};

static bool is_text(const struct json_member *m) { return m->type == JSON_STRING && form_has_substance(m); }
static bool is_list(const struct json_member *m) { return m->type == JSON_ARRAY && form_has_substance(m); }

/* The role and all that is not said in a delta of its own. */
static bool put_opening(struct chunk_writer *c, struct choice *choice, const struct json_member *m)
{
    struct form_swap swaps[SAYS_NAMES];
    size_t n = 0;
    swaps[n++] = (struct form_swap){.name = message_names[SAYS_ROLE]};
    for (size_t i = SAYS_REASONING_CONTENT; i < SAYS_NAMES; i++) {
        bool later = i == SAYS_CALLS ? is_list(&m[i]) : is_text(&m[i]);
        if (later) swaps[n++] = (struct form_swap){message_names[i], i == SAYS_CONTENT ? TEXT("\"\"") : TEXT_NONE};
    }
    open_choice(c, choice, "delta");
    BUF_ADD(c->w->out, "{\"role\":");
    buf_add(c->w->out, m[SAYS_ROLE].type == JSON_STRING ? m[SAYS_ROLE].value : TEXT("\"assistant\""));
    form_put_members(c->w->out, choice->m[CHOICE_SPEECH].value, swaps, n, true);
    BUF_ADD(c->w->out, "},\"logprobs\":null");
    return close_choice(c);
}

static void put_text(struct buf *out, size_t name, struct text value, bool more)
{
    buf_printf(out, "%s\"" TEXT_FORMAT "\":", more ? "," : "", TEXT_ARGS(message_names[name]));
    buf_add(out, value);
}

/* One delta for two neighbours, as reasoning by both its names is said once, or for one text (first == last); none
 * where there is no text. */
static bool put_texts(struct chunk_writer *c, struct choice *choice, const struct json_member *m, size_t first,
                      size_t last)
{
    bool has_first = is_text(&m[first]), has_last = last > first && is_text(&m[last]);
    if (!has_first && !has_last) return true;
    open_choice(c, choice, "delta");
    BUF_ADD(c->w->out, "{");
    if (has_first) put_text(c->w->out, first, m[first].value, false);
    if (has_last) put_text(c->w->out, last, m[last].value, has_first);
    BUF_ADD(c->w->out, "}");
    if (first == SAYS_CONTENT)
        put_logprobs(c, choice);
    else
        BUF_ADD(c->w->out, ",\"logprobs\":null");
    return close_choice(c);
}

/* Clients tell calls apart by their index; some plain answers have it too. */
static bool put_call(struct buf *out, struct text call, int64_t *next)
{
    static const struct text name = TEXT("index");
    struct json_member m;
    int64_t index = *next;
    if (!form_members(call, &name, 1, &m) || !read_index(&m, &index) || index < *next) return false;
    buf_printf(out, "{\"index\":%lld", (long long)index);
    form_put_members(out, call, &(struct form_swap){.name = name}, 1, true);
    BUF_ADD(out, "}");
    *next = index + 1;
    return true;
}

static bool put_calls(struct chunk_writer *c, struct choice *choice, const struct json_member *calls)
{
    struct json_iter it = json_iter(calls->value);
    if (!is_list(calls)) return true;
    open_choice(c, choice, "delta");
    BUF_ADD(c->w->out, "{\"tool_calls\":[");
    for (int64_t next = 0; json_next(&it);) {
        if (next) BUF_ADD(c->w->out, ",");
        if (!put_call(c->w->out, it.value, &next)) return false;
    }
    BUF_ADD(c->w->out, "]},\"logprobs\":null");
    return close_choice(c);
}

static bool put_chat_choice(struct chunk_writer *c, struct choice *choice)
{
    struct json_member m[SAYS_NAMES];
    const struct json_member *message = &choice->m[CHOICE_SPEECH];
    if (message->type != JSON_OBJECT || !form_members(message->value, message_names, SAYS_NAMES, m)) return false;
    return put_opening(c, choice, m) && put_texts(c, choice, m, SAYS_REASONING_CONTENT, SAYS_REASONING) &&
           put_texts(c, choice, m, SAYS_CONTENT, SAYS_CONTENT) && put_texts(c, choice, m, SAYS_REFUSAL, SAYS_REFUSAL) &&
           put_calls(c, choice, &m[SAYS_CALLS]) && put_end(c, choice, "delta", "{}");
}

void form_stream_chat(struct form_writer *w, struct text plain, bool usage)
{
    to_stream(w, plain, usage, chat_names, put_chat_choice);
}

/* ---- legacy completions ---- */

static const struct text completion_names[CHOICE_NAMES] = {TEXT("index"), TEXT("text"), TEXT("logprobs"),
                                                           TEXT("finish_reason")};

static bool put_completion_choice(struct chunk_writer *c, struct choice *choice)
{
    const struct json_member *text = &choice->m[CHOICE_SPEECH];
    if (text->type != JSON_STRING) return false;
    if (is_text(text)) {
        open_choice(c, choice, "text");
        buf_add(c->w->out, text->value);
        put_logprobs(c, choice);
        if (!close_choice(c)) return false;
    }
    return put_end(c, choice, "text", "\"\"");
}

void form_stream_completion(struct form_writer *w, struct text plain, bool usage)
{
    to_stream(w, plain, usage, completion_names, put_completion_choice);
}
