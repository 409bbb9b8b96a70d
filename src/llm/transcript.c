/* A stream is many chunks of one shape and a few others. The many cost a comparison with the stencil and an append;
 * only the others are read as JSON. */
#include "dsgate/llm/transcript.h"
#include "chunk.h"

enum { MARK_MAX = 1024 }; /* bytes; an id that is longer is none */

static bool has_transcript(enum endpoint_family family) { return family == FAMILY_CHAT || family == FAMILY_COMPLETION; }

void transcript_begin(struct transcript *t, enum endpoint_family family, size_t limit)
{
    *t = (struct transcript){.family = family, .limit = limit, .closed = !has_transcript(family)};
}

static void free_texts(struct transcript *t)
{
    for (size_t part = 0; part < TRANSCRIPT_PARTS; part++)
        buf_free(&t->texts[part]);
    for (size_t mark = 0; mark < TRANSCRIPT_MARKS; mark++)
        t->marks[mark] = TEXT_NONE;
    buf_free(&t->identity);
}

void transcript_free(struct transcript *t)
{
    free_texts(t);
    stencil_free(&t->stencil);
}

static void shut(struct transcript *t)
{
    free_texts(t);
    t->closed = true;
}

static size_t length(const struct transcript *t)
{
    return buf_len(&t->texts[TRANSCRIPT_CONTENT]) + buf_len(&t->texts[TRANSCRIPT_REASONING]);
}

static void add_text(struct transcript *t, enum transcript_part part, struct text more)
{
    if (t->closed || more.n == 0) return;
    if (more.n > t->limit - length(t)) {
        shut(t);
        return;
    }
    buf_add(&t->texts[part], more);
    t->tokens[part]++;
}

bool transcript_repeats(struct transcript *t, struct text data)
{
    struct text hole;
    if (!stencil_fits(&t->stencil, data, &hole) || hole.n == 0) return false;
    add_text(t, t->stencil_part, hole);
    return true;
}

/* ---- who is speaking ---- */

static void set_identity(struct transcript *t, const struct text marks[TRANSCRIPT_MARKS], size_t total)
{
    struct buf identity = {0};
    buf_reserve(&identity, total); /* so that it stays where the marks point */
    for (size_t mark = 0; mark < TRANSCRIPT_MARKS; mark++) {
        t->marks[mark] = text_make(identity.data + identity.tail, marks[mark].n);
        buf_add(&identity, marks[mark]);
    }
    buf_free(&t->identity);
    t->identity = identity;
}

/* Azure's first chunk has an empty id, and a fingerprint is often null until somebody knows it. */
static bool says_something(struct text mark)
{
    return mark.n && !text_is(mark, "\"\"") && !text_is(mark, "null") && !text_is(mark, "0");
}

/* False: one is too long to be kept. */
static bool keep_marks(struct transcript *t, const struct text found[TRANSCRIPT_MARKS])
{
    struct text marks[TRANSCRIPT_MARKS];
    size_t total = 0;
    bool changed = false;
    for (size_t mark = 0; mark < TRANSCRIPT_MARKS; mark++) {
        struct text kept = t->marks[mark];
        bool better = kept.n == 0 ? found[mark].n > 0 : !says_something(kept) && says_something(found[mark]);
        marks[mark] = better ? found[mark] : kept;
        t->changed |= mark == MARK_ID && kept.n && found[mark].n && !better && !text_eq(kept, found[mark]);
        changed |= better;
        if (marks[mark].n > MARK_MAX) return false;
        total += marks[mark].n;
    }
    if (changed) set_identity(t, marks, total);
    return true;
}

/* The client has seen those of `t`, be they empty. */
static bool keep_missing_marks(struct transcript *t, const struct transcript *more)
{
    struct text missing[TRANSCRIPT_MARKS];
    for (size_t mark = 0; mark < TRANSCRIPT_MARKS; mark++)
        missing[mark] = t->marks[mark].n ? TEXT_NONE : more->marks[mark];
    return keep_marks(t, missing);
}

/* A name that comes with a text tells more than one with null. */
static void keep_name(struct transcript *t, enum reasoning_name name, bool has_text)
{
    bool better = has_text && t->tokens[TRANSCRIPT_REASONING] == 0;
    if (name && (!t->reasoning_name || better)) t->reasoning_name = name;
}

/* ---- chunks and streams ---- */

void transcript_note(struct transcript *t, struct text data)
{
    struct chunk c;
    if (!has_transcript(t->family)) return;
    chunk_read(&c, t->family, data);
    if (c.plain && stencil_cut(&t->stencil, data, c.hole)) t->stencil_part = c.part;
    if (t->closed) return;
    if ((c.has & (CHUNK_CALL | CHUNK_ODD)) || !keep_marks(t, c.marks)) {
        shut(t);
        return;
    }
    keep_name(t, c.reasoning_name, c.texts[TRANSCRIPT_REASONING].n);
    for (size_t part = 0; part < TRANSCRIPT_PARTS; part++)
        add_text(t, (enum transcript_part)part, c.texts[part]);
}

/* Whether a text ends in an escape from \ud800 to \udbff. */
static bool ends_in_half(struct text t)
{
    uint64_t unit;
    size_t backslashes = 0;
    if (t.n < 6 || t.p[t.n - 5] != 'u' || !text_hex_to_u64(text_from(t, t.n - 4), &unit)) return false;
    while (backslashes < t.n - 5 && t.p[t.n - 6 - backslashes] == '\\')
        backslashes++;
    return backslashes % 2 && unit >= 0xD800 && unit < 0xDC00;
}

bool transcript_is_open(const struct transcript *t)
{
    if (t->closed || length(t) == 0) return false;
    for (size_t part = 0; part < TRANSCRIPT_PARTS; part++)
        if (ends_in_half(buf_text(&t->texts[part]))) return false;
    return true;
}

void transcript_append(struct transcript *t, const struct transcript *more)
{
    if (t->closed) return;
    if (more->closed || length(more) > t->limit - length(t) || !keep_missing_marks(t, more)) {
        shut(t);
        return;
    }
    keep_name(t, more->reasoning_name, more->tokens[TRANSCRIPT_REASONING]);
    for (size_t part = 0; part < TRANSCRIPT_PARTS; part++) {
        buf_add(&t->texts[part], buf_text(&more->texts[part]));
        t->tokens[part] += more->tokens[part];
    }
}
