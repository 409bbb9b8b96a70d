/* How a request goes on from a text that its answer has begun with. What was sent is the inside of a JSON string, so it
 * goes into the new body as it is; but an upstream has written it, so it is checked first: what is not valid JSON would
 * make the whole request invalid, and be taken for the client's mistake.
 */
#include "chat_private.h"

enum member {
    MAX_TOKENS,
    MAX_COMPLETION_TOKENS,
    BEST_OF,
    LOGPROBS,
    TOP_LOGPROBS,
    ECHO,
    RESPONSE_FORMAT,
    PREFIX,
    CONTINUE_FINAL,
    ADD_PROMPT,
    GUIDED_JSON,
    GUIDED_REGEX,
    GUIDED_CHOICE,
    GUIDED_GRAMMAR,
    STRUCTURED_OUTPUTS,
    GRAMMAR,
    JSON_SCHEMA,
    REGEX,
    EBNF,
    MEMBERS
};

static const struct text names[MEMBERS] = {
    [MAX_TOKENS] = TEXT("max_tokens"),
    [MAX_COMPLETION_TOKENS] = TEXT("max_completion_tokens"),
    [BEST_OF] = TEXT("best_of"),
    [LOGPROBS] = TEXT("logprobs"),
    [TOP_LOGPROBS] = TEXT("top_logprobs"),
    [ECHO] = TEXT("echo"),
    [RESPONSE_FORMAT] = TEXT("response_format"),
    /* The client itself says where the answer begins. */
    [PREFIX] = TEXT("prefix"),
    [CONTINUE_FINAL] = TEXT("continue_final_message"),
    [ADD_PROMPT] = TEXT("add_generation_prompt"),
    /* What vLLM, SGLang and llama.cpp call a response_format. */
    [GUIDED_JSON] = TEXT("guided_json"),
    [GUIDED_REGEX] = TEXT("guided_regex"),
    [GUIDED_CHOICE] = TEXT("guided_choice"),
    [GUIDED_GRAMMAR] = TEXT("guided_grammar"),
    [STRUCTURED_OUTPUTS] = TEXT("structured_outputs"),
    [GRAMMAR] = TEXT("grammar"),
    [JSON_SCHEMA] = TEXT("json_schema"),
    [REGEX] = TEXT("regex"),
    [EBNF] = TEXT("ebnf"),
};

static struct text content_of(const struct transcript *t) { return buf_text(&t->texts[TRANSCRIPT_CONTENT]); }
static struct text reasoning_of(const struct transcript *t) { return buf_text(&t->texts[TRANSCRIPT_REASONING]); }

/* ---- whether ---- */

static bool is_text_format(struct text format)
{
    struct text type;
    return json_get(format, TEXT("type"), &type) == JSON_STRING && text_is(type, "\"text\"");
}

/* Whether a member that is there leaves room for going on. */
static bool is_harmless(enum member m, const struct json_member *given)
{
    int64_t number;
    switch (m) {
    case MAX_TOKENS:
    case MAX_COMPLETION_TOKENS: return true;
    case BEST_OF: return given->type == JSON_NULL || (json_to_i64(given->value, &number) && number == 1);
    case LOGPROBS:
    case ECHO: return given->type == JSON_NULL || given->type == JSON_FALSE;
    case RESPONSE_FORMAT: return given->type == JSON_NULL || is_text_format(given->value);
    case PREFIX:
    case CONTINUE_FINAL:
    case ADD_PROMPT: return false; /* a second one can't be added, whatever this one says */
    default: return given->type == JSON_NULL;
    }
}

static bool ends_with_assistant(struct text messages)
{
    struct text last = TEXT_NONE, role;
    char word[16];
    size_t n;
    for (struct json_iter it = json_iter(messages); json_next(&it);)
        last = it.value;
    return json_get(last, TEXT("role"), &role) == JSON_STRING && json_to_text(role, word, sizeof word, &n) &&
           text_is(text_make(word, n), "assistant");
}

static bool has_room(const struct chat_request *r, enum endpoint_family family)
{
    const struct json_member *messages = &r->members[CHAT_MESSAGES];
    if (chat_more_choices(r) > 0) return false;
    if (family == FAMILY_COMPLETION) return r->members[CHAT_PROMPT].type == JSON_STRING;
    return family == FAMILY_CHAT && messages->type == JSON_ARRAY && !ends_with_assistant(messages->value);
}

/* As chat_can_continue(); where a member appears twice, nobody knows which one counts. */
static bool can_continue(const struct chat_request *r, enum endpoint_family family, struct json_member *members)
{
    if (!has_room(r, family)) return false;
    if (json_scan(r->body, names, MEMBERS, members, JSON_DEPTH).error != JSON_FINE) return false;
    for (enum member m = 0; m < MEMBERS; m++)
        if (members[m].type != JSON_ABSENT && !is_harmless(m, &members[m])) return false;
    return true;
}

bool chat_can_continue(const struct chat_request *r, enum endpoint_family family)
{
    struct json_member members[MEMBERS];
    return can_continue(r, family, members);
}

bool chat_continues_at(enum conf_dialect d, bool has_beta, const struct transcript *sent)
{
    const struct dialect_row *row = dialect_row(d);
    bool spoke = content_of(sent).n > 0, thought = reasoning_of(sent).n > 0;
    if (sent->family == FAMILY_COMPLETION) return spoke;
    if (row->continuation == CONTINUE_NONE) return false;
    if (row->continuation == CONTINUE_BETA_PREFIX && !has_beta) return false;
    if (row->continuation == CONTINUE_TRAILING && thought) return false;
    return spoke || (thought && row->continues_reasoning);
}

/* ---- what is left ---- */

static uint64_t tokens_of(const struct transcript *t)
{
    return t->tokens[TRANSCRIPT_CONTENT] + t->tokens[TRANSCRIPT_REASONING];
}

/* What is no count, or none that makes sense, limits nothing. */
static bool is_spent(const struct json_member *limit, const struct transcript *t)
{
    int64_t most;
    return json_to_i64(limit->value, &most) && most > 0 && (uint64_t)most <= tokens_of(t);
}

bool chat_is_spent(const struct chat_request *r, const struct transcript *sent)
{
    struct json_member members[MEMBERS];
    return can_continue(r, sent->family, members) &&
           (is_spent(&members[MAX_TOKENS], sent) || is_spent(&members[MAX_COMPLETION_TOKENS], sent));
}

/* ---- how ---- */

static bool is_string_inside(struct text t)
{
    struct buf quoted = {0};
    BUF_ADD(&quoted, "\"");
    buf_add(&quoted, t);
    BUF_ADD(&quoted, "\"");
    struct json_result result = json_scan(buf_text(&quoted), NULL, 0, NULL, JSON_DEPTH);
    buf_free(&quoted);
    return result.error == JSON_FINE;
}

/* What has been generated already counts, whether or not it is given back. No provider takes a limit of 0. */
static void lower_limit(struct chat_edits *e, const struct json_member *limit, const struct transcript *t)
{
    uint64_t spent = tokens_of(t);
    size_t from = buf_len(e->extra);
    int64_t most;
    if (!json_to_i64(limit->value, &most) || most <= 1) return;
    buf_add_u64(e->extra, is_spent(limit, t) ? 1 : (uint64_t)most - spent);
    chat_edit_own(e, limit->value, from);
}

static void add_text(struct chat_edits *e, struct text place, struct text text)
{
    chat_edit(e, place, TEXT(",\"prefix\":\""));
    chat_edit(e, place, text);
    chat_edit(e, place, TEXT("\""));
}

static void add_reasoning(struct chat_edits *e, struct text place, const char *name, struct text reasoning)
{
    size_t from = buf_len(e->extra);
    if (reasoning.n == 0) return;
    buf_printf(e->extra, "\",\"%s\":\"", name);
    chat_edit_own(e, place, from);
    chat_edit(e, place, reasoning);
}

/* The place before the last byte of a string or an array. */
static struct text end_of(struct text value) { return text_make(value.p + value.n - 1, 0); }

#define OPENING "{\"role\":\"assistant\",\"content\":\""

static void add_message(struct chat_edits *e, struct text messages, const struct dialect_row *row, struct text content,
                        struct text reasoning)
{
    struct text place = end_of(messages);
    struct json_iter it = json_iter(messages);
    bool flagged = row->continuation == CONTINUE_BETA_PREFIX || row->continuation == CONTINUE_PREFIX;
    chat_edit(e, place, json_next(&it) ? TEXT("," OPENING) : TEXT(OPENING));
    chat_edit(e, place, content);
    add_reasoning(e, place, row->reasoning, reasoning);
    chat_edit(e, place, flagged ? TEXT("\",\"prefix\":true}") : TEXT("\"}"));
}

bool chat_go_on(struct chat_edits *e, const struct chat_request *r, const struct chat_changes *c)
{
    const struct dialect_row *row = dialect_row(c->dialect);
    const struct transcript *t = c->sent;
    struct text content = content_of(t), reasoning = row->continues_reasoning ? reasoning_of(t) : TEXT_NONE;
    struct json_member members[MEMBERS];
    if (!chat_continues_at(c->dialect, true, t) || !can_continue(r, t->family, members)) return false;
    if (!is_string_inside(content) || !is_string_inside(reasoning)) return false;
    lower_limit(e, &members[MAX_TOKENS], t);
    lower_limit(e, &members[MAX_COMPLETION_TOKENS], t);
    if (row->continuation == CONTINUE_FINAL_MESSAGE && t->family == FAMILY_CHAT)
        chat_edit(e, chat_new_members(r), TEXT(",\"continue_final_message\":true,\"add_generation_prompt\":false"));
    if (t->family == FAMILY_COMPLETION)
        chat_edit(e, end_of(r->members[CHAT_PROMPT].value), content);
    else if (row->continuation == CONTINUE_TEXT)
        add_text(e, chat_new_members(r), content);
    else
        add_message(e, r->members[CHAT_MESSAGES].value, row, content, reasoning);
    return true;
}
