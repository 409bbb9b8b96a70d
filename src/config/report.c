/* A hostile or merely wrong file can hold a hundred thousand mistakes. So only the first hundred found are kept, which
 * also bounds the work spent on guessing what was meant.
 */
#include "report.h"
#include "dsgate/base/mem.h"
#include <stdarg.h>
#include <stdlib.h>

enum { MISTAKES_MAX = 100, QUOTE_MAX = 64 };

struct mistake {
    const char *source;
    unsigned line, column, order;
    char *text;
};

bool report_is_full(const struct report *r) { return r->kept == MISTAKES_MAX; }

void report_add(struct report *r, unsigned line, unsigned column, const char *format, ...)
{
    r->count++;
    if (report_is_full(r)) return;
    if (!r->mistakes) r->mistakes = mem_alloc(MISTAKES_MAX * sizeof *r->mistakes);
    va_list args;
    va_start(args, format);
    char *text = NULL;
    if (vasprintf(&text, format, args) < 0) text = mem_strdup("out of memory");
    va_end(args);
    r->mistakes[r->kept] = (struct mistake){r->source, line, column, r->kept, text};
    r->kept++;
}

static int by_position(const void *left, const void *right)
{
    const struct mistake *a = left, *b = right;
    if (a->line != b->line) return a->line < b->line ? -1 : 1;
    if (a->column != b->column) return a->column < b->column ? -1 : 1;
    return a->order < b->order ? -1 : 1;
}

void report_finish(struct report *r, struct config_errors *errors)
{
    if (r->kept) qsort(r->mistakes, r->kept, sizeof *r->mistakes, by_position);
    for (unsigned i = 0; i < r->kept; i++) {
        struct mistake *m = &r->mistakes[i];
        if (m->line)
            buf_printf(&errors->text, "%s:%u:%u: %s\n", m->source, m->line, m->column, m->text);
        else
            buf_printf(&errors->text, "%s: %s\n", m->source, m->text);
        mem_free(m->text);
    }
    if (r->count > r->kept) buf_printf(&errors->text, "%s: %u more mistakes\n", r->source, r->count - r->kept);
    errors->count += r->count;
    mem_free(r->mistakes);
    r->mistakes = NULL;
}

/* C0, DEL, and the C1 controls, which are U+0080 to U+009F in UTF-8. */
static bool plays_tricks(struct text t, size_t i)
{
    unsigned char c = (unsigned char)t.p[i];
    return c < 0x20 || c == 0x7F || (c == 0xC2 && i + 1 < t.n && (unsigned char)t.p[i + 1] < 0xA0);
}

void report_quote(struct buf *out, struct text t)
{
    size_t n = t.n;
    if (n > QUOTE_MAX)
        for (n = QUOTE_MAX; n && ((unsigned char)t.p[n] & 0xC0) == 0x80;)
            n--; /* not in the middle of a character */
    buf_add_byte(out, '\'');
    for (size_t i = 0; i < n; i++)
        buf_add_byte(out, plays_tricks(t, i) ? '?' : t.p[i]);
    buf_add(out, n < t.n ? TEXT("…'") : TEXT("'"));
}

struct guess guess_begin(const char *word)
{
    struct text t = text_of(word);
    return (struct guess){t, NULL, 2 + (unsigned)(t.n < 64 ? t.n : 64) / 4};
}

void guess_offer(struct guess *g, const char *candidate)
{
    unsigned distance = text_distance(g->word, text_of(candidate));
    if (distance >= g->distance) return;
    g->distance = distance;
    g->best = candidate;
}
