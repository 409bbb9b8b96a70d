/* matrix.h - the answers of the matrix: what each kind of request is answered with, event by event.
 *
 * An answer is a row of events, one token each. Who is asked to go on from a text finds out how many of them it is, and
 * says the others.
 */
#ifndef DSGATE_TESTS_SCENARIO_MATRIX_H
#define DSGATE_TESTS_SCENARIO_MATRIX_H

#include "scenario.h"

/* clang-format off */
enum part { ROLE_ONLY, THOUGHT, CONTENT, CALL, ARGUMENTS, PIECE, END, END_OF_PIECES, PARTS };

/* What stands around an event's text. */
static const struct { const char *before, *after; } forms[PARTS] = {
    [ROLE_ONLY]     = {"\"delta\":{\"role\":\"assistant\",\"content\":\"", "\"}"},
    [THOUGHT]       = {"\"delta\":{\"content\":null,\"reasoning_content\":\"", "\"}"},
    [CONTENT]       = {"\"delta\":{\"content\":\"", "\"}"},
    [CALL]          = {"\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"call_1\",\"type\":\"function\",\"function\":"
                       "{\"name\":\"", "\",\"arguments\":\"\"}}]}"},
    [ARGUMENTS]     = {"\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"", "\"}}]}"},
    [PIECE]         = {"\"text\":\"", "\""},
    [END]           = {"\"delta\":{\"content\":\"", "\"}"},
    [END_OF_PIECES] = {"\"text\":\"", "\""},
};

struct token { enum part part; int choice; const char *text; };
enum { EVENTS = 12 };

struct kind {
    const char *name, *path, *ask; /* members of the request */
    const char *object, *plain_object, *finish;
    bool goes_on;                  /* somebody else can, when a part of it was seen */
    bool rides;                    /* a plain call of it can be made as a stream */
    int roles, choices, count;     /* events before the first token; choices; events */
    struct token events[EVENTS];
};

#define MESSAGES   "\"messages\":[" QUESTION "]"
#define PROMPT     "def f("
#define CHAT       "/v1/chat/completions"
#define OBJECTS    "chat.completion.chunk", "chat.completion"

static const struct kind kinds[] = {
    {"chat", CHAT, MESSAGES, OBJECTS, "stop", true, true, 1, 1, 7,
     {{ROLE_ONLY, 0, ""}, {CONTENT, 0, "One"}, {CONTENT, 0, " \\\"two\\\""}, {CONTENT, 0, "\\n"},
      {CONTENT, 0, "\\u00e4\xe2\x82\xac"}, {CONTENT, 0, "!"}, {END, 0, ""}}},
    {"reasoning", CHAT, MESSAGES ",\"thinking\":{\"type\":\"enabled\"}", OBJECTS, "stop", true, true, 1, 1, 7,
     {{ROLE_ONLY, 0, ""}, {THOUGHT, 0, "I"}, {THOUGHT, 0, " think"}, {THOUGHT, 0, " so"},
      {CONTENT, 0, "One"}, {CONTENT, 0, " two"}, {END, 0, ""}}},
    {"tool", CHAT, MESSAGES ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]", OBJECTS, "tool_calls",
     false, true, 1, 1, 6,
     {{ROLE_ONLY, 0, ""}, {CALL, 0, "f"}, {ARGUMENTS, 0, "{\\\"x\\\""}, {ARGUMENTS, 0, ":"}, {ARGUMENTS, 0, "1}"},
      {END, 0, ""}}},
    {"choices", CHAT, MESSAGES ",\"n\":2", OBJECTS, "stop", false, true, 2, 2, 8,
     {{ROLE_ONLY, 0, ""}, {ROLE_ONLY, 1, ""}, {CONTENT, 0, "One"}, {CONTENT, 1, "Eins"}, {CONTENT, 0, " two"},
      {CONTENT, 1, " zwei"}, {END, 0, ""}, {END, 1, ""}}},
    {"completion", "/v1/completions", "\"prompt\":\"" PROMPT "\"", "text_completion", "text_completion", "stop",
     true, false, 0, 1, 5,
     {{PIECE, 0, "x"}, {PIECE, 0, ", y"}, {PIECE, 0, "):\\n"}, {PIECE, 0, "  pass"}, {END_OF_PIECES, 0, ""}}},
};
/* clang-format on */

enum { PROMPT_TOKENS = 10 };

static inline bool is_end(enum part part) { return part == END || part == END_OF_PIECES; }
static inline int token_count(const struct kind *k) { return k->count - k->roles - k->choices; }

/* ---- streams ---- */

static inline void add_usage(struct buf *out, int prompt, int completion)
{
    buf_printf(out, "\"usage\":{\"prompt_tokens\":%d,\"completion_tokens\":%d,\"total_tokens\":%d}", prompt, completion,
               prompt + completion);
}

/* An event of an answer with this id that was told `given` tokens. The last one has the usage. */
static inline void add_event(struct buf *out, const struct kind *k, const char *id, int i, int given)
{
    const struct token *e = &k->events[i];
    buf_printf(out, "data: {\"id\":\"%s\",\"object\":\"%s\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":%d,",
               id, k->object, e->choice);
    buf_printf(out, "%s%s%s,\"logprobs\":null,\"finish_reason\":", forms[e->part].before, e->text,
               forms[e->part].after);
    if (is_end(e->part))
        buf_printf(out, "\"%s\"}],", k->finish);
    else
        buf_printf(out, "null}],");
    if (i == k->count - 1)
        add_usage(out, PROMPT_TOKENS + given, token_count(k) - given);
    else
        buf_printf(out, "\"usage\":null");
    buf_printf(out, "}\n\n");
}

static inline void add_events(struct buf *out, const struct kind *k, const char *id, int from, int to, int given)
{
    for (int i = from; i < to; i++)
        add_event(out, k, id, i, given);
}

/* ---- plain answers ---- */

/* The texts of some kinds of parts of the first n events, one after the other. */
static inline void add_text(struct buf *out, const struct kind *k, int choice, enum part part, int n)
{
    for (int i = 0; i < n; i++)
        if (k->events[i].part == part && k->events[i].choice == choice) buf_add(out, text_of(k->events[i].text));
}

static inline bool has_part(const struct kind *k, enum part part)
{
    for (int i = 0; i < k->count; i++)
        if (k->events[i].part == part) return true;
    return false;
}

static inline void add_message(struct buf *out, const struct kind *k, int choice)
{
    buf_printf(out, "\"message\":{\"role\":\"assistant\",\"content\":\"");
    add_text(out, k, choice, CONTENT, k->count);
    if (has_part(k, THOUGHT)) {
        buf_printf(out, "\",\"reasoning_content\":\"");
        add_text(out, k, choice, THOUGHT, k->count);
    }
    buf_printf(out, "\"");
    if (has_part(k, CALL)) {
        buf_printf(out,
                   ",\"tool_calls\":[{\"index\":0,\"id\":\"call_1\",\"type\":\"function\",\"function\":{\"name\":\"");
        add_text(out, k, choice, CALL, k->count);
        buf_printf(out, "\",\"arguments\":\"");
        add_text(out, k, choice, ARGUMENTS, k->count);
        buf_printf(out, "\"}}]");
    }
    buf_printf(out, "}");
}

static inline void add_choice(struct buf *out, const struct kind *k, int choice)
{
    buf_printf(out, "%s{\"index\":%d,", choice ? "," : "", choice);
    if (has_part(k, PIECE)) {
        buf_printf(out, "\"text\":\"");
        add_text(out, k, choice, PIECE, k->count);
        buf_printf(out, "\"");
    } else {
        add_message(out, k, choice);
    }
    buf_printf(out, ",\"logprobs\":null,\"finish_reason\":\"%s\"}", k->finish);
}

static inline void add_plain(struct buf *out, const struct kind *k, const char *id)
{
    buf_printf(out, "{\"id\":\"%s\",\"object\":\"%s\",\"created\":1,\"model\":\"m\",\"choices\":[", id,
               k->plain_object);
    for (int choice = 0; choice < k->choices; choice++)
        add_choice(out, k, choice);
    buf_printf(out, "],");
    add_usage(out, PROMPT_TOKENS, token_count(k));
    buf_printf(out, "}");
}

/* ---- what is asked for ---- */

/* Who is to go on after the first n events is told so. */
static inline void add_told(struct buf *out, const struct kind *k, int n)
{
    if (!k->rides) {
        buf_printf(out, "\"prompt\":\"" PROMPT);
        add_text(out, k, 0, PIECE, n);
        buf_printf(out, "\"");
        return;
    }
    buf_printf(out, "{\"role\":\"assistant\",\"content\":\"");
    add_text(out, k, 0, CONTENT, n);
    if (k->events[k->roles].part == THOUGHT) {
        buf_printf(out, "\",\"reasoning_content\":\"");
        add_text(out, k, 0, THOUGHT, n);
    }
    buf_printf(out, "\",\"prefix\":true}");
}

/* So many tokens are in the request that was taken last. The test fails when they are no beginning of the answer. */
static inline int tokens_told(const struct kind *k)
{
    int told = 0;
    for (int n = 1; n <= token_count(k) && k->goes_on; n++) {
        struct buf text = {0};
        add_told(&text, k, k->roles + n);
        if (text_find(text_of(taken_body), buf_text(&text)) < strlen(taken_body)) told = n;
        buf_free(&text);
    }
    bool goes_on = strstr(taken_body, "\"prefix\"") || (!k->rides && !strstr(taken_body, "\"" PROMPT "\""));
    ck_assert_msg(goes_on == (told > 0), "what is this to go on from? %s", taken_body);
    return told;
}

#endif
