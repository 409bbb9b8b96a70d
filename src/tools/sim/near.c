#include "near.h"

struct near near_start(struct text word) { return (struct near){.word = word}; }

static bool is_near(const struct near *n, struct text candidate, unsigned distance)
{
    if (n->word.n >= 3 && text_find(candidate, n->word) < candidate.n) return true;
    return distance <= 1 + n->word.n / 4;
}

void near_try(struct near *n, const char *candidate)
{
    unsigned distance = text_distance(n->word, text_of(candidate));
    if (!is_near(n, text_of(candidate), distance)) return;
    unsigned at = n->count < NEAR_MOST ? n->count++ : NEAR_MOST;
    for (; at > 0 && n->distances[at - 1] > distance; at--) {
        if (at == NEAR_MOST) continue;
        n->names[at] = n->names[at - 1];
        n->distances[at] = n->distances[at - 1];
    }
    if (at == NEAR_MOST) return;
    n->names[at] = candidate;
    n->distances[at] = distance;
}

void near_finish(const struct near *n, struct buf *out)
{
    for (unsigned i = 0; i < n->count; i++)
        buf_printf(out, "%s'%s'", i == 0 ? "; did you mean " : i + 1 < n->count ? ", " : " or ", n->names[i]);
    if (n->count) BUF_ADD(out, "?");
}
