/* What the turns of one conversation have in common, so that they meet on one upstream and find the prompt's beginning
 * in its cache. The client's own name for it is best. Else it is how the messages begin: later turns only append to
 * them. Some clients write a message's text as a string in one turn and as a part with a cache mark in the next, so it
 * is the text that counts.
 *
 * Applications have long system prompts, and their questions often stand in long templates. So of the beginning, which
 * may end in the time of day, the first bytes count, and of the first question both ends.
 *
 * None of these members is in the table of chat.c: bodies are scanned for them only where somebody wants to know. */
#include "dsgate/base/siphash.h"
#include "dsgate/llm/chat.h"

/* Bytes that count, and messages among which the first question is looked for. */
enum { BEGINNING_MAX = 2048, QUESTION_MAX = 2048, PROMPT_MAX = 1024, MESSAGES_MAX = 64 };

enum member { CACHE_KEY, CONVERSATION, USER, USER_ID, SAFETY_IDENTIFIER, METADATA, SYSTEM, INSTRUCTIONS, MEMBERS };

static const struct text names[MEMBERS] = {
    [CACHE_KEY] = TEXT("prompt_cache_key"),
    [CONVERSATION] = TEXT("conversation"),
    [USER] = TEXT("user"),
    [USER_ID] = TEXT("user_id"),
    [SAFETY_IDENTIFIER] = TEXT("safety_identifier"),
    [METADATA] = TEXT("metadata"),
    [SYSTEM] = TEXT("system"),
    [INSTRUCTIONS] = TEXT("instructions"),
};

/* ---- hashing piece by piece ---- */

struct sum {
    uint64_t hash; /* of the pieces so far: the next one is hashed under it. 0: there was none */
    size_t left;   /* bytes that still count */
    bool ends;     /* of a piece that is too long both ends count, not only the first bytes */
};

static void mix(struct sum *s, struct text piece)
{
    const struct siphash_key key = {{s->hash, 0}};
    s->hash = siphash(&key, piece);
    s->left -= piece.n;
}

static void add(struct sum *s, struct text piece)
{
    size_t most = s->left, half = most / 2;
    if (most == 0) return;
    if (piece.n > most && s->ends) {
        mix(s, text_make(piece.p, half));
        mix(s, text_from(piece, piece.n - half));
        s->left = 0;
    } else {
        mix(s, text_make(piece.p, piece.n < most ? piece.n : most));
    }
}

/* ---- how messages begin ---- */

/* A mark for the cache moves on with each turn. */
static void add_members(struct sum *s, struct text object)
{
    for (struct json_iter it = json_iter(object); s->left && json_next(&it);)
        if (!text_is(it.key, "cache_control")) add(s, it.value);
}

static void add_content(struct sum *s, struct text content, enum json_type type)
{
    if (type != JSON_ARRAY) {
        add(s, content);
        return;
    }
    for (struct json_iter part = json_iter(content); s->left && json_next(&part);) {
        struct text words;
        if (part.type == JSON_OBJECT && json_get(part.value, TEXT("text"), &words) == JSON_STRING)
            add(s, words);
        else if (part.type == JSON_OBJECT)
            add_members(s, part.value);
        else
            add(s, part.value);
    }
}

static bool is_question(struct text message)
{
    struct text role;
    return json_get(message, TEXT("role"), &role) == JSON_STRING && text_is(role, "\"user\"");
}

static void add_message(struct sum *s, const struct json_iter *message)
{
    struct text content;
    enum json_type type = json_get(message->value, TEXT("content"), &content);
    if (type == JSON_ABSENT)
        add(s, message->value);
    else
        add_content(s, content, type);
}

/* Up to the first question. */
static void add_messages(struct sum *s, struct text messages)
{
    struct json_iter it = json_iter(messages);
    for (unsigned i = 0; i < MESSAGES_MAX && json_next(&it); i++) {
        bool question = is_question(it.value);
        if (question) s->ends = true, s->left = QUESTION_MAX;
        add_message(s, &it);
        if (question) return;
    }
}

/* An array of strings or tokens is no conversation. */
static bool holds_messages(const struct json_member *m)
{
    struct json_iter it = json_iter(m->value);
    return m->type == JSON_ARRAY && json_next(&it) && it.type == JSON_OBJECT;
}

static uint64_t hash_beginning(const struct chat_request *r, const struct json_member *members)
{
    const struct json_member *turns = &r->members[CHAT_MESSAGES];
    struct sum s = {.left = BEGINNING_MAX};
    for (enum member m = SYSTEM; m <= INSTRUCTIONS; m++)
        if (members[m].type != JSON_ABSENT) add_content(&s, members[m].value, members[m].type);
    if (turns->type == JSON_ABSENT) turns = &r->members[CHAT_INPUT];
    if (holds_messages(turns)) {
        add_messages(&s, turns->value);
    } else {
        s.left = PROMPT_MAX;
        if (turns->type == JSON_ABSENT) turns = &r->members[CHAT_PROMPT];
        if (turns->type != JSON_ABSENT) add(&s, turns->value);
    }
    return s.hash;
}

/* ---- the client's own name ---- */

/* A name is a text that is not empty, or a number; of an object it is the member `key`. Empty: there is none. */
static struct text name_of(const struct json_member *m, struct text key)
{
    struct text value = m->value;
    enum json_type type = m->type == JSON_OBJECT ? json_get(m->value, key, &value) : m->type;
    bool usable = type == JSON_NUMBER || (type == JSON_STRING && !text_is(value, "\"\""));
    return usable ? value : TEXT_NONE;
}

static uint64_t hash_name(const struct json_member *members)
{
    for (enum member m = CACHE_KEY; m <= METADATA; m++) {
        struct text name = name_of(&members[m], m == METADATA ? TEXT("user_id") : TEXT("id"));
        struct sum s = {.left = BEGINNING_MAX, .ends = true};
        if (name.n) add(&s, name);
        if (s.hash) return s.hash;
    }
    return 0;
}

uint64_t chat_conversation(const struct chat_request *r)
{
    struct json_member members[MEMBERS];
    json_scan(r->body, names, MEMBERS, members, JSON_DEPTH); /* where a name appears twice, or there is no JSON: none */
    uint64_t hash = hash_name(members);
    return hash ? hash : hash_beginning(r, members);
}
