/* A binary heap ordered by where entries are filed, not by when they are due: a deadline that moves later leaves the
 * heap alone, and the entry corrects itself when it comes up early. */
#include "dsgate/net/timers.h"
#include "dsgate/base/mem.h"

static void place(struct timers *t, size_t position, struct timer *timer)
{
    t->heap[position] = timer;
    timer->position = position;
}

static void sift_up(struct timers *t, struct timer *timer)
{
    size_t at = timer->position;
    for (; at > 1 && t->heap[at / 2]->filed > timer->filed; at /= 2)
        place(t, at, t->heap[at / 2]);
    place(t, at, timer);
}

static void sift_down(struct timers *t, struct timer *timer)
{
    size_t at = timer->position;
    for (size_t child = 2 * at; child <= t->count; child = 2 * at) {
        if (child < t->count && t->heap[child + 1]->filed < t->heap[child]->filed) child++;
        if (t->heap[child]->filed >= timer->filed) break;
        place(t, at, t->heap[child]);
        at = child;
    }
    place(t, at, timer);
}

static void file(struct timers *t, struct timer *timer)
{
    if (t->count + 1 >= t->capacity) {
        t->capacity = t->capacity ? 2 * t->capacity : 64;
        t->heap = mem_realloc(t->heap, t->capacity * sizeof *t->heap);
    }
    place(t, ++t->count, timer);
    sift_up(t, timer);
}

static void take_out(struct timers *t, struct timer *timer)
{
    struct timer *last = t->heap[t->count--];
    if (last != timer) {
        place(t, timer->position, last);
        sift_up(t, last);
        sift_down(t, last);
    }
    timer->position = 0;
}

void timers_set(struct timers *t, struct timer *timer, usec_t due)
{
    timer->due = due;
    if (timer->position && due >= timer->filed) return;
    if (due == USEC_NEVER) return;
    timer->filed = due;
    if (timer->position)
        sift_up(t, timer);
    else
        file(t, timer);
}

void timers_cancel(struct timers *t, struct timer *timer)
{
    timer->due = USEC_NEVER;
    if (timer->position) take_out(t, timer);
}

usec_t timers_next(const struct timers *t) { return t->count ? t->heap[1]->filed : USEC_NEVER; }

struct timer *timers_pop_due(struct timers *t, usec_t now)
{
    while (t->count && t->heap[1]->filed <= now) {
        struct timer *timer = t->heap[1];
        if (timer->due > timer->filed && timer->due != USEC_NEVER) {
            timer->filed = timer->due;
            sift_down(t, timer);
            continue;
        }
        take_out(t, timer);
        if (timer->due == USEC_NEVER) continue;
        timer->due = USEC_NEVER;
        return timer;
    }
    return NULL;
}

void timers_free(struct timers *t)
{
    mem_free(t->heap);
    *t = (struct timers){0};
}
