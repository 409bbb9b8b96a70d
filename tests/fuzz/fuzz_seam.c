/* Lines are chunks: those before an empty line are what was sent, those behind it come after the seam. Comparing with
 * the last chunk must give what reading gives, and valid JSON must stay so. The first line is one byte: which family,
 * whether the reasoning was given back, a small or a large limit, and whether the client's own limit is spent. */
#include "dsgate/llm/answer.h"
#include "dsgate/llm/json.h"
#include "dsgate/llm/seam.h"
#include <stdlib.h>

static void expect(bool condition)
{
    if (!condition) abort();
}

static enum json_error error_of(struct text json) { return json_scan(json, NULL, 0, NULL, JSON_DEPTH).error; }

/* ---- transcripts ---- */

static void expect_same(const struct transcript *a, const struct transcript *b)
{
    expect(a->closed == b->closed && transcript_is_open(a) == transcript_is_open(b));
    for (int part = 0; part < TRANSCRIPT_PARTS && !a->closed; part++)
        expect(a->tokens[part] == b->tokens[part] && text_eq(buf_text(&a->texts[part]), buf_text(&b->texts[part])));
    for (int mark = 0; mark < TRANSCRIPT_MARKS; mark++)
        expect(text_eq(a->marks[mark], b->marks[mark]));
    expect(a->reasoning_name == b->reasoning_name || a->closed);
}

/* The joined texts are the inside of a string. */
static void expect_texts(const struct transcript *t)
{
    for (int part = 0; part < TRANSCRIPT_PARTS; part++) {
        struct buf string = {0};
        BUF_ADD(&string, "\"");
        buf_add(&string, buf_text(&t->texts[part]));
        BUF_ADD(&string, "\"");
        expect(error_of(buf_text(&string)) == JSON_FINE);
        buf_free(&string);
    }
    expect(buf_len(&t->texts[TRANSCRIPT_CONTENT]) + buf_len(&t->texts[TRANSCRIPT_REASONING]) <= t->limit);
}

/* What repeats has nothing that the reader would want to know. */
static void expect_quiet(enum endpoint_family family, struct text chunk)
{
    struct answer_facts facts = {0};
    answer_read_event(&facts, family, TEXT_NONE, chunk, false);
    expect(facts.finish == FINISH_NONE && !facts.usage.known && !facts.error && !facts.done);
}

/* `fast` compares, `slow` reads everything. False: no valid JSON, which nobody notes. */
static bool note(struct transcript *fast, struct transcript *slow, struct text chunk)
{
    enum json_error error = error_of(chunk);
    if (error == JSON_BAD_UTF8) return false;
    bool repeats = transcript_repeats(fast, chunk);
    if (error != JSON_FINE) {
        expect(!repeats);
        return false;
    }
    if (repeats)
        expect_quiet(fast->family, chunk);
    else
        transcript_note(fast, chunk);
    transcript_note(slow, chunk);
    expect_same(fast, slow);
    return true;
}

/* ---- the seam ---- */

static void expect_silence(enum endpoint_family family, struct text chunk)
{
    struct transcript heard;
    transcript_begin(&heard, family, SIZE_MAX);
    if (chunk.n) transcript_note(&heard, chunk);
    expect(!transcript_is_open(&heard));
    transcript_free(&heard);
}

static void mend(struct seam *s, struct text chunk)
{
    struct seam fresh;
    struct buf mended = {0}, wanted = {0};
    seam_begin(&fresh, s->sent, s->gave_reasoning, s->spent);
    seam_mend(s, chunk, &mended);
    seam_mend(&fresh, chunk, &wanted);
    expect(text_eq(buf_text(&mended), buf_text(&wanted)));
    expect(buf_len(&mended) == 0 || error_of(buf_text(&mended)) == JSON_FINE);
    if (s->spent) expect_silence(s->sent->family, buf_text(&mended));
    seam_free(&fresh);
    buf_free(&mended);
    buf_free(&wanted);
}

struct play {
    struct transcript sent, sent_slow, more, more_slow;
    struct seam seam;
    bool resumed;
};

static void begin(struct play *p, uint8_t bits)
{
    enum endpoint_family family = bits & 1 ? FAMILY_COMPLETION : FAMILY_CHAT;
    size_t limit = bits & 4 ? 10 : 10000;
    transcript_begin(&p->sent, family, limit);
    transcript_begin(&p->sent_slow, family, limit);
    transcript_begin(&p->more, family, limit);
    transcript_begin(&p->more_slow, family, limit);
    seam_begin(&p->seam, &p->sent, bits & 2, bits & 8);
    p->resumed = false;
}

static void take(struct play *p, struct text chunk)
{
    if (chunk.n == 0)
        p->resumed = true;
    else if (!p->resumed)
        note(&p->sent, &p->sent_slow, chunk);
    else if (note(&p->more, &p->more_slow, chunk))
        mend(&p->seam, chunk);
}

static void end(struct play *p)
{
    transcript_append(&p->sent, &p->more);
    transcript_append(&p->sent_slow, &p->more_slow);
    expect_same(&p->sent, &p->sent_slow);
    expect_texts(&p->sent);
    transcript_free(&p->sent);
    transcript_free(&p->sent_slow);
    transcript_free(&p->more);
    transcript_free(&p->more_slow);
    seam_free(&p->seam);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct play p;
    if (size < 2) return 0;
    struct text rest = text_make((const char *)data + 2, size - 2), chunk;
    begin(&p, data[0]);
    while (text_cut(&rest, '\n', &chunk))
        take(&p, chunk);
    end(&p);
    return 0;
}
