/* What repeated members mean depends on where they stand. Around the choices a chunk says everything anew, so whole
 * values replace each other. In a choice, lists (logprobs) go on and everything else is said anew. In a delta, strings
 * go on as well, but for those that name something, and so does a legacy completion's text. */
#include "assembly_private.h"
#include "dsgate/base/mem.h"
#include "dsgate/llm/json.h"
#include "dsgate/llm/stencil.h"
#include <stdio.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Where a choice has its words: so in a chunk, so in the whole answer. */
static const struct speech {
    struct text said, whole;
    enum json_type type;
} speeches[] = {
    [FAMILY_CHAT] = {TEXT("delta"), TEXT("message"), JSON_OBJECT},
    [FAMILY_COMPLETION] = {TEXT("text"), TEXT("text"), JSON_STRING},
};

struct assembly {
    const struct speech *speech;
    struct node root;
    struct node_budget budget;
    bool useless;           /* has said false */
    struct stencil stencil; /* of the last chunk, if one text is all that it would change when it came again */
    struct node *hole;      /* that text; NULL: there is no such stencil */
    unsigned changes;       /* of the chunk that is being read: what it would change when it came again … */
    struct node *changed;   /* … the last text of them, or NULL if that was no text */
    struct text piece;      /* … and what was added to it */
};

enum manner { SAID_ANEW, GOES_ON }; /* outside of a delta; inside */

/* The same on all chunks; some upstreams begin with one that has empty ones. */
static const struct text firsts[] = {TEXT("id"), TEXT("object"), TEXT("created"), TEXT("model"),
                                     TEXT("system_fingerprint")};

/* In a delta: no pieces of texts. Some upstreams repeat them, and some repeat them as empty strings. */
static const struct text labels[] = {TEXT("id"), TEXT("type"), TEXT("role"), TEXT("object"), TEXT("format")};

static bool says_nothing(const struct node *n)
{
    return n->n == 0 || text_is(node_text(n), "\"\"") || text_is(node_text(n), "0");
}

static bool set_first(struct assembly *a, struct node *n, struct text value)
{
    return !says_nothing(n) || node_set(n, value, &a->budget);
}

static void note_change(struct assembly *a, struct node *text, struct text piece)
{
    a->changes++;
    a->changed = text;
    a->piece = piece;
}

/* ---- values of a choice ---- */

static bool merge_object(struct assembly *a, struct node *n, struct text object, enum manner manner);

/* A name comes whole, and with some upstreams again and again; so a piece that is all we have is no piece. */
static bool join_string(struct assembly *a, struct node *n, struct text inside)
{
    bool is_name = text_is(n->key, "name");
    if (inside.n == 0 || (is_name && text_eq(node_text(n), inside))) return true;
    note_change(a, is_name ? NULL : n, inside);
    return node_join(n, inside, &a->budget);
}

static bool merge_string(struct assembly *a, struct node *n, struct text value, enum manner manner)
{
    if (manner == GOES_ON && !text_is_one_of(n->key, labels, COUNT(labels)))
        return node_become(n, NODE_TEXT) && join_string(a, n, json_inside(value));
    if (!node_become(n, NODE_VALUE)) return false;
    return manner == GOES_ON ? set_first(a, n, value) : node_set(n, value, &a->budget);
}

static bool has_index(struct text element, int64_t *index)
{
    struct text value;
    return json_get(element, TEXT("index"), &value) == JSON_NUMBER && json_to_i64(value, index);
}

static bool add_element(struct assembly *a, struct node *list, struct text value)
{
    note_change(a, NULL, value);
    return (list->n == 0 || node_join(list, TEXT(","), &a->budget)) && node_join(list, value, &a->budget);
}

/* Outside of a delta lists are of tokens, and one that is called "index" is no index. */
static bool merge_list(struct assembly *a, struct node *n, struct text list, enum manner manner)
{
    if (!node_become(n, NODE_LIST)) return false;
    struct json_iter it = json_iter(list);
    for (int64_t index; json_next(&it);) {
        if (manner == GOES_ON && has_index(it.value, &index)) {
            struct node *element = node_element(n, index, &a->budget);
            if (!element || !merge_object(a, element, it.value, manner)) return false;
        } else if (!add_element(a, n, it.value)) {
            return false;
        }
    }
    return true;
}

static bool merge_value(struct assembly *a, struct node *n, enum json_type type, struct text value, enum manner manner)
{
    switch (type) {
    case JSON_NULL: return true;
    case JSON_STRING: return merge_string(a, n, value, manner);
    case JSON_ARRAY: return merge_list(a, n, value, manner);
    case JSON_OBJECT: return merge_object(a, n, value, manner);
    default: return node_become(n, NODE_VALUE) && node_set(n, value, &a->budget);
    }
}

static bool merge_object(struct assembly *a, struct node *n, struct text object, enum manner manner)
{
    if (!node_become(n, NODE_OBJECT)) return false;
    struct json_iter it = json_iter(object);
    while (json_next(&it)) {
        struct node *member = node_member(n, it.key, &a->budget);
        if (!member || !merge_value(a, member, it.type, it.value, manner)) return false;
    }
    return true;
}

/* ---- choices ---- */

/* A `message` beside deltas, as some upstreams end a stream with, would be there twice. */
static bool merge_choice_member(struct assembly *a, struct node *choice, const struct json_iter *it)
{
    const struct speech *s = a->speech;
    bool is_speech = text_eq(it->key, s->said);
    if (is_speech ? it->type != s->type && it->type != JSON_NULL : text_eq(it->key, s->whole)) return false;
    struct node *member = node_member(choice, is_speech ? s->whole : it->key, &a->budget);
    return member && merge_value(a, member, it->type, it->value, is_speech ? GOES_ON : SAID_ANEW);
}

/* Where choices have no index, their position is it. */
static bool merge_choices(struct assembly *a, struct node *n, struct text list)
{
    if (!node_become(n, NODE_LIST)) return false;
    struct json_iter it = json_iter(list);
    for (int64_t position = 0; json_next(&it); position++) {
        int64_t index = position;
        if (it.type != JSON_OBJECT) return false;
        has_index(it.value, &index);
        struct node *choice = node_element(n, index, &a->budget);
        if (!choice || !node_become(choice, NODE_OBJECT)) return false;
        struct json_iter member = json_iter(it.value);
        while (json_next(&member))
            if (!merge_choice_member(a, choice, &member)) return false;
    }
    return true;
}

/* ---- chunks ---- */

/* "chat.completion.chunk" is "chat.completion" when it is whole. */
static bool set_object(struct assembly *a, struct node *n, struct text value)
{
    struct text suffix = TEXT(".chunk\"");
    if (!text_ends(value, suffix)) return set_first(a, n, value);
    if (!says_nothing(n)) return true;
    return node_set(n, text_make(value.p, value.n - suffix.n), &a->budget) && node_join(n, TEXT("\""), &a->budget);
}

static bool merge_member(struct assembly *a, struct node *n, enum json_type type, struct text value)
{
    if (type == JSON_NULL) return true;
    if (text_is(n->key, "choices")) return type == JSON_ARRAY && merge_choices(a, n, value);
    n->kind = NODE_VALUE;
    if (text_is(n->key, "object")) return set_object(a, n, value);
    if (text_is_one_of(n->key, firsts, COUNT(firsts))) return set_first(a, n, value);
    return node_set(n, value, &a->budget);
}

static bool merge_chunk(struct assembly *a, struct text data)
{
    struct json_iter it = json_iter(data);
    if (!it.rest.p || it.array) return false;
    while (json_next(&it)) {
        struct node *member = node_member(&a->root, it.key, &a->budget);
        if (!member || !merge_member(a, member, it.type, it.value)) return false;
    }
    return true;
}

struct assembly *assembly_new(enum endpoint_family family, size_t limit)
{
    struct assembly *a = MEM_NEW(struct assembly);
    a->speech = &speeches[family];
    a->root.kind = NODE_OBJECT;
    a->budget.limit = limit;
    return a;
}

void assembly_free(struct assembly *a)
{
    if (!a) return;
    node_clear(&a->root);
    stencil_free(&a->stencil);
    mem_free(a);
}

static bool read_chunk(struct assembly *a, struct text data)
{
    a->changes = 0;
    if (!merge_chunk(a, data)) return false;
    a->hole = a->changes == 1 ? a->changed : NULL;
    if (a->hole) stencil_cut(&a->stencil, data, a->piece);
    return true;
}

bool assembly_repeats(struct assembly *a, struct text data)
{
    struct text piece;
    if (a->useless || !a->hole || !stencil_fits(&a->stencil, data, &piece)) return false;
    a->useless = !node_join(a->hole, piece, &a->budget);
    return !a->useless;
}

bool assembly_add(struct assembly *a, struct text data)
{
    if (assembly_repeats(a, data)) return true;
    a->useless = a->useless || !read_chunk(a, data);
    return !a->useless;
}

/* ---- the answer ---- */

static bool set_missing(struct assembly *a, struct node *object, struct text key, struct text value)
{
    struct node *n = node_member(object, key, &a->budget);
    return n && (n->kind != NODE_NULL || (node_become(n, NODE_VALUE) && node_set(n, value, &a->budget)));
}

/* A content of which nothing but null was said is null in a plain answer as well. */
static bool complete_content(struct assembly *a, struct node *message)
{
    unsigned before = message->children;
    struct node *content = node_member(message, TEXT("content"), &a->budget);
    return content && (message->children == before || node_become(content, NODE_TEXT));
}

static bool complete_message(struct assembly *a, struct node *message)
{
    return node_become(message, NODE_OBJECT) && set_missing(a, message, TEXT("role"), TEXT("\"assistant\"")) &&
           complete_content(a, message);
}

/* What a plain answer has though no chunk may have said it. */
static bool complete_choice(struct assembly *a, struct node *choice)
{
    char index[24];
    snprintf(index, sizeof index, "%lld", (long long)choice->index);
    struct node *speech = node_member(choice, a->speech->whole, &a->budget);
    return speech && set_missing(a, choice, TEXT("index"), text_of(index)) &&
           set_missing(a, choice, TEXT("logprobs"), TEXT("null")) &&
           (a->speech->type == JSON_OBJECT ? complete_message(a, speech) : node_become(speech, NODE_TEXT));
}

static bool complete(struct assembly *a)
{
    struct node *choices = node_member(&a->root, TEXT("choices"), &a->budget);
    if (!choices || !choices->first) return false;
    for (struct node *choice = choices->first; choice; choice = choice->next)
        if (!complete_choice(a, choice)) return false;
    return true;
}

bool assembly_write(struct assembly *a, struct buf *out)
{
    size_t before = buf_len(out);
    if (a->useless || !complete(a)) return false;
    buf_reserve(out, a->budget.used); /* a node takes more than its quotes and commas */
    node_write(&a->root, out);
    struct text answer = text_from(buf_text(out), before);
    if (json_scan(answer, NULL, 0, NULL, JSON_DEPTH).error == JSON_FINE) return true;
    out->tail = out->head + before;
    return false;
}
