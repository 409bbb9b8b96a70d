/* answer_form_chunks.c - a stream of chat or legacy completions as a plain answer: llm/assembly puts it together, and
 * here is what makes sure that it can. */
#include "answer_form_private.h"
#include "dsgate/llm/assembly.h"

struct chunks {
    struct assembly *assembly;
    struct buf id; /* the first that says something */
};

enum { CHUNK_ID, CHUNK_CHOICES, CHUNK_USAGE, CHUNK_NAMES };
static const struct text chunk_names[CHUNK_NAMES] = {TEXT("id"), TEXT("choices"), TEXT("usage")};

/* Two ids are two answers. Some upstreams begin with an empty one. */
static bool is_same_answer(struct chunks *c, const struct json_member *id)
{
    if (id->type <= JSON_NULL || text_is(id->value, "\"\"")) return true;
    if (buf_len(&c->id) == 0) buf_add(&c->id, id->value);
    return text_eq(buf_text(&c->id), id->value);
}

static bool read_chunk(void *state, struct text data)
{
    struct chunks *c = state;
    struct json_member m[CHUNK_NAMES];
    return form_members(data, chunk_names, CHUNK_NAMES, m) && m[CHUNK_CHOICES].type == JSON_ARRAY &&
           is_same_answer(c, &m[CHUNK_ID]) && assembly_add(c->assembly, data);
}

static bool repeats(void *state, struct text data)
{
    struct chunks *c = state;
    return assembly_repeats(c->assembly, data);
}

static bool has_ended(struct text choice)
{
    struct json_member finish;
    finish.type = json_get(choice, TEXT("finish_reason"), &finish.value);
    return finish.type == JSON_STRING && form_has_substance(&finish);
}

static bool have_all_ended(struct text answer)
{
    struct text choices;
    json_get(answer, TEXT("choices"), &choices);
    struct json_iter choice = json_iter(choices);
    while (json_next(&choice))
        if (!has_ended(choice.value)) return false;
    return true;
}

static bool to_plain(struct buf *out, enum endpoint_family family, struct text stream)
{
    struct chunks c = {.assembly = assembly_new(family, form_budget(stream))};
    size_t before = buf_len(out);
    bool fine = form_read_stream(family, stream, repeats, read_chunk, &c) && assembly_write(c.assembly, out) &&
                have_all_ended(text_from(buf_text(out), before));
    assembly_free(c.assembly);
    buf_free(&c.id);
    return fine;
}

bool form_plain_chat(struct buf *out, struct text stream) { return to_plain(out, FAMILY_CHAT, stream); }
bool form_plain_completion(struct buf *out, struct text stream) { return to_plain(out, FAMILY_COMPLETION, stream); }

/* ---- the chunk that has only usage ---- */

bool answer_is_usage_event(enum endpoint_family family, struct text data)
{
    struct json_member m[CHUNK_NAMES];
    if (family != FAMILY_CHAT && family != FAMILY_COMPLETION) return false;
    if (!form_members(data, chunk_names, CHUNK_NAMES, m)) return false;
    return m[CHUNK_CHOICES].type == JSON_ARRAY && !form_has_substance(&m[CHUNK_CHOICES]) &&
           m[CHUNK_USAGE].type == JSON_OBJECT;
}
