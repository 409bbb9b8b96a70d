/* plan_text.c - the texts of a plan, token by token. */
#include "hash.h"
#include "plan.h"
#include "prose.h"

static const char json_opening[] = "{\"answer\": \"", json_closing[] = "\"}";

static uint64_t seed_of(const struct plan *p, enum beat_kind kind, unsigned choice)
{
    uint64_t seed = choice ? hash_mix(p->text_seed + choice) : p->text_seed;
    return kind == BEAT_REASONING ? hash_mix(seed) : seed;
}

/* JSON mode: prose is put into a member, its own quotes and controls escaped. */
static void add_json_token(uint64_t seed, unsigned i, unsigned whole, struct buf *out)
{
    struct buf plain = {0}, quoted = {0};
    prose_token(seed, i, &plain);
    buf_add_json_string(&quoted, buf_text(&plain));
    if (i == 0) buf_add(out, text_of(json_opening));
    buf_append(out, quoted.data + 1, buf_len(&quoted) - 2);
    if (i + 1 == whole) buf_add(out, text_of(json_closing));
    buf_free(&plain);
    buf_free(&quoted);
}

/* Token i of the whole text. */
static void add_token(const struct plan *p, enum beat_kind kind, unsigned choice, unsigned i, struct buf *out)
{
    if (kind == BEAT_CONTENT && p->json_object)
        add_json_token(seed_of(p, kind, choice), i, p->content.whole, out);
    else
        prose_token(seed_of(p, kind, choice), i, out);
}

void plan_token(const struct plan *p, enum beat_kind kind, unsigned choice, unsigned i, struct buf *out)
{
    const struct span *span = plan_span(p, kind);
    struct buf token = {0};
    if (i || !span->skip) {
        add_token(p, kind, choice, span->from + i, out);
        return;
    }
    add_token(p, kind, choice, span->from, &token);
    buf_add(out, text_from(buf_text(&token), span->skip));
    buf_free(&token);
}

unsigned plan_run(const struct plan *p, struct beat b, unsigned *first)
{
    unsigned left = plan_span(p, b.kind)->count - b.index * p->stride;
    *first = b.index * p->stride;
    return left < p->stride ? left : p->stride;
}

void plan_text(const struct plan *p, struct beat b, struct buf *out)
{
    unsigned first, count = plan_run(p, b, &first);
    for (unsigned i = 0; i < count; i++)
        plan_token(p, b.kind, b.choice, first + i, out);
}

void plan_whole_text(const struct plan *p, enum beat_kind kind, unsigned choice, struct buf *out)
{
    for (unsigned i = 0; i < plan_span(p, kind)->count; i++)
        plan_token(p, kind, choice, i, out);
}

/* ---- finding ---- */

bool plan_skip(struct plan *p, enum beat_kind kind, struct text given)
{
    struct span *span = kind == BEAT_REASONING ? &p->reasoning : &p->content;
    struct buf one = {0};
    unsigned token = 0, skip = 0;
    bool same = true;
    while (given.n && same && token < span->whole) {
        buf_clear(&one);
        add_token(p, kind, 0, token, &one);
        size_t n = buf_len(&one) < given.n ? buf_len(&one) : given.n;
        same = !memcmp(one.data, given.p, n);
        skip = n < buf_len(&one) ? (unsigned)n : 0;
        token += skip == 0;
        given = text_from(given, n);
    }
    buf_free(&one);
    if (!same || given.n) return false;
    *span = (struct span){token, span->whole - token, skip, span->whole};
    return true;
}
