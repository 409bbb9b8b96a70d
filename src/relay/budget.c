#include "dsgate/relay/budget.h"

enum { WHOLE = 100 }; /* hundredths of a call */
#define MOST ((int_fast64_t)BUDGET_SAVINGS * WHOLE)

static int_fast64_t load(const atomic_int_fast64_t *n) { return atomic_load_explicit(n, memory_order_relaxed); }

/* Nothing else is read by who sees these numbers, so no order is needed. On failure *old is what stands there now. */
static bool swap(atomic_int_fast64_t *n, int_fast64_t *old, int_fast64_t new)
{
    return atomic_compare_exchange_weak_explicit(n, old, new, memory_order_relaxed, memory_order_relaxed);
}

void budget_init(struct budget *b, unsigned savings)
{
    atomic_init(&b->savings, savings < BUDGET_SAVINGS ? (int_fast64_t)savings * WHOLE : MOST);
    atomic_init(&b->free_at, 0);
}

/* As a rule savings are full, and then nothing is written: the processors need not pass the line around. */
static void change(struct budget *b, int_fast64_t by)
{
    int_fast64_t old = load(&b->savings), new;
    do {
        new = old + by;
        if (new > MOST) new = MOST;
        if (new < -MOST) new = -MOST;
    } while (new != old && !swap(&b->savings, &old, new));
}

void budget_earn(struct budget *b, unsigned percent) { change(b, percent); }

void budget_charge(struct budget *b) { change(b, -WHOLE); }

/* Each free call is paid off by the time until the next one; debts of less than a second are fine. (Known as the
 * generic cell rate algorithm.) */
static bool spend_free(struct budget *b, unsigned free, usec_t now)
{
    if (free == 0) return false;
    usec_t pause = (USEC_PER_SEC + free - 1) / free;
    int_fast64_t old = load(&b->free_at), from;
    do {
        from = usec_later(old, now);
        if (from - now >= USEC_PER_SEC) return false;
    } while (!swap(&b->free_at, &old, from + pause));
    return true;
}

static bool spend_savings(struct budget *b)
{
    int_fast64_t old = load(&b->savings);
    do {
        if (old < WHOLE) return false;
    } while (!swap(&b->savings, &old, old - WHOLE));
    return true;
}

/* The free ones first: they can't be kept. */
bool budget_spend(struct budget *b, unsigned free, usec_t now) { return spend_free(b, free, now) || spend_savings(b); }
