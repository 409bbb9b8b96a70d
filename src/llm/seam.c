/* A chunk is read, the few places that have to change are listed, and all else is copied. Most chunks need not even be
 * read: the text between the same bytes as last time stands between the same mended bytes. */
#include "dsgate/llm/seam.h"
#include "chunk.h"
#include <inttypes.h>
#include <stdio.h>

void seam_begin(struct seam *s, const struct transcript *sent, bool gave_reasoning, bool spent)
{
    *s = (struct seam){.sent = sent, .gave_reasoning = gave_reasoning, .spent = spent};
}

void seam_free(struct seam *s)
{
    stencil_free(&s->came);
    stencil_free(&s->mended);
}

/* ---- what changes ---- */

enum count { PROMPT, COMPLETION, TOTAL, HIT, MISS, CACHED, REASONING, COUNTS };
enum { EDITS_MAX = TRANSCRIPT_MARKS + 1 /* role */ + REASONING_NAMES - 1 + COUNTS };

struct edits {
    struct json_edit list[EDITS_MAX]; /* in the order of their places */
    size_t n;
    char numbers[COUNTS][20]; /* what is put for counts */
};

static void add_edit(struct edits *e, struct text cut, struct text put)
{
    size_t at = e->n++;
    for (; at > 0 && e->list[at - 1].cut.p > cut.p; at--)
        e->list[at] = e->list[at - 1];
    e->list[at] = (struct json_edit){cut, put};
}

static void mend_marks(struct edits *e, const struct transcript *sent, const struct chunk *c)
{
    for (size_t mark = 0; mark < TRANSCRIPT_MARKS; mark++)
        if (c->marks[mark].n && sent->marks[mark].n) add_edit(e, c->marks[mark], sent->marks[mark]);
}

/* A delta may have both names, mostly one of them with null: then they change places, unless the text is where the
 * client looks for it already. */
static void mend_reasoning(struct edits *e, const struct transcript *sent, const struct chunk *c)
{
    if (!c->reasoning_name || !sent->reasoning_name || c->reasoning_name == sent->reasoning_name) return;
    enum reasoning_name from = c->reasoning_name, to = sent->reasoning_name;
    bool both = c->reasoning[to].n, moves = c->texts[TRANSCRIPT_REASONING].n && !(c->has & CHUNK_COPY);
    if (both && !moves) return;
    add_edit(e, c->reasoning[from], chunk_reasoning_names[to]);
    if (both) add_edit(e, c->reasoning[to], chunk_reasoning_names[from]);
}

static void mend_speech(struct edits *e, const struct transcript *sent, const struct chunk *c)
{
    if (c->role.n) add_edit(e, c->role, TEXT_NONE);
    mend_reasoning(e, sent, c);
}

/* Nobody needs to know what would have come next. */
static void keep_end(struct edits *e, const struct chunk *c)
{
    if (c->speech.n) add_edit(e, c->speech, c->family == FAMILY_CHAT ? TEXT("{}") : TEXT("\"\""));
    if (c->finish.n) add_edit(e, c->finish, TEXT("\"length\""));
}

/* ---- usage ---- */

static const int64_t absent = -1, absurd = 1000000000;

static const struct {
    struct text parent, name; /* parent: the member of usage that it stands in */
} count_names[COUNTS] = {
    [PROMPT] = {TEXT(""), TEXT("prompt_tokens")},
    [COMPLETION] = {TEXT(""), TEXT("completion_tokens")},
    [TOTAL] = {TEXT(""), TEXT("total_tokens")},
    [HIT] = {TEXT(""), TEXT("prompt_cache_hit_tokens")},
    [MISS] = {TEXT(""), TEXT("prompt_cache_miss_tokens")},
    [CACHED] = {TEXT("prompt_tokens_details"), TEXT("cached_tokens")},
    [REASONING] = {TEXT("completion_tokens_details"), TEXT("reasoning_tokens")},
};

/* *place: where the number stands. */
static int64_t find_count(struct text usage, enum count count, struct text *place)
{
    int64_t n = absent;
    struct text parent = usage;
    if (count_names[count].parent.n) json_get(usage, count_names[count].parent, &parent);
    json_get(parent, count_names[count].name, place);
    return json_to_i64(*place, &n) && n >= 0 && n <= absurd ? n : absent;
}

static int64_t at_most(int64_t n, int64_t limit) { return n < limit ? n : limit; }

static void correct_prompt(int64_t counts[COUNTS], int64_t given)
{
    if (counts[PROMPT] == absent) return;
    int64_t prompt = counts[PROMPT] > given ? counts[PROMPT] - given : 0;
    counts[PROMPT] = prompt;
    counts[HIT] = at_most(counts[HIT], prompt);
    counts[CACHED] = at_most(counts[CACHED], prompt);
    if (counts[HIT] != absent && counts[MISS] != absent) counts[MISS] = prompt - counts[HIT];
}

static void forget_generated(int64_t counts[COUNTS])
{
    counts[COMPLETION] = at_most(counts[COMPLETION], 0);
    counts[REASONING] = at_most(counts[REASONING], 0);
}

static void correct_counts(int64_t counts[COUNTS], const struct seam *s)
{
    int64_t content = (int64_t)s->sent->tokens[TRANSCRIPT_CONTENT];
    int64_t reasoning = (int64_t)s->sent->tokens[TRANSCRIPT_REASONING];
    if (s->spent) forget_generated(counts);
    correct_prompt(counts, content + (s->gave_reasoning ? reasoning : 0));
    if (counts[COMPLETION] != absent) counts[COMPLETION] += content + reasoning;
    if (counts[REASONING] != absent) counts[REASONING] += reasoning;
    if (counts[TOTAL] != absent && counts[PROMPT] != absent && counts[COMPLETION] != absent)
        counts[TOTAL] = counts[PROMPT] + counts[COMPLETION];
}

void seam_correct_usage(const struct seam *s, struct usage *usage)
{
    int64_t counts[COUNTS] = {[PROMPT] = usage->prompt, [COMPLETION] = usage->completion,
                              [CACHED] = usage->cached, [REASONING] = usage->reasoning,
                              [TOTAL] = absent,         [HIT] = absent,
                              [MISS] = absent};
    correct_counts(counts, s);
    *usage = (struct usage){true, counts[PROMPT], counts[COMPLETION], counts[CACHED], counts[REASONING]};
}

static void mend_usage(struct edits *e, const struct seam *s, struct text usage)
{
    struct text places[COUNTS];
    int64_t counts[COUNTS];
    for (size_t i = 0; i < COUNTS; i++)
        counts[i] = find_count(usage, (enum count)i, &places[i]);
    correct_counts(counts, s);
    for (size_t i = 0; i < COUNTS; i++) {
        if (counts[i] == absent) continue;
        snprintf(e->numbers[i], sizeof e->numbers[i], "%" PRId64, counts[i]);
        add_edit(e, places[i], text_of(e->numbers[i]));
    }
}

/* ---- chunks ---- */

/* Where in the mended text stands what stood at `at`? */
static size_t moved(const struct edits *e, struct text data, const char *at)
{
    size_t offset = (size_t)(at - data.p);
    for (size_t i = 0; i < e->n && e->list[i].cut.p < at; i++)
        offset += e->list[i].put.n - e->list[i].cut.n;
    return offset;
}

static void write_edited(const struct edits *e, struct text data, struct buf *out)
{
    struct iovec pieces[2 * EDITS_MAX + 1];
    size_t total;
    int n = json_splice(data, e->list, e->n, pieces, &total);
    buf_reserve(out, total);
    for (int i = 0; i < n; i++)
        buf_append(out, pieces[i].iov_base, pieces[i].iov_len);
}

/* Both or none: a chunk that fits the one is written with the other. */
static void cut_stencils(struct seam *s, const struct edits *e, const struct chunk *c, struct text data,
                         struct text mended)
{
    size_t at = moved(e, data, c->hole.p);
    bool kept = stencil_cut(&s->mended, mended, text_make(mended.p + at, c->hole.n));
    if (kept)
        stencil_cut(&s->came, data, c->hole);
    else
        stencil_free(&s->came);
}

static void mend(struct seam *s, const struct chunk *c, struct text data, struct buf *out)
{
    struct edits e = {.n = 0};
    size_t start = buf_len(out);
    mend_marks(&e, s->sent, c);
    if (s->spent)
        keep_end(&e, c);
    else
        mend_speech(&e, s->sent, c);
    if (c->usage.n) mend_usage(&e, s, c->usage);
    write_edited(&e, data, out);
    if (c->plain && !s->spent) cut_stencils(s, &e, c, data, text_from(buf_text(out), start));
}

void seam_mend(struct seam *s, struct text data, struct buf *out)
{
    const unsigned end = CHUNK_END | CHUNK_ERROR | CHUNK_OTHER;
    struct text hole;
    if (stencil_fits(&s->came, data, &hole) && hole.n) {
        stencil_fill(&s->mended, hole, out);
        return;
    }
    struct chunk c;
    chunk_read(&c, s->sent->family, data);
    if (!c.object)
        buf_add(out, data);
    else if (s->spent ? c.has & end : c.has)
        mend(s, &c, data, out);
}
