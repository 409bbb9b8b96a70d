/* Each question narrows the row's entries down a little further: what is left to try, what of that is up, what has
 * room. */
#include "choice.h"

static bool has_room(const struct upstream *u) { return u->cap == 0 || u->account->in_flight < u->cap; }

/* Marks in the row's entries what is left for this ticket and says how many that are. State that lives in one upstream
 * is not in any other, hence `any_upstream`. */
static size_t mark_left(const struct ticket *t)
{
    size_t left = 0;
    bool settled = false;
    for (size_t i = 0; i < t->row->n; i++) {
        const struct upstream *u = t->row->candidates[i].upstream;
        bool serves = !settled && upstream_serves(u, t->endpoint);
        bool fits = serves && !(t->tried >> u->index & 1);
        if (serves && !t->endpoint->any_upstream) settled = true;
        t->row->balance[i].eligible = fits;
        left += fits;
    }
    return left;
}

static void mark_up(const struct model_row *row)
{
    bool any_up = false;
    for (size_t i = 0; i < row->n; i++)
        any_up |= row->balance[i].eligible && !row->candidates[i].upstream->state->health.down;
    for (size_t i = 0; any_up && i < row->n; i++)
        row->balance[i].eligible &= !row->candidates[i].upstream->state->health.down;
}

static bool mark_room(const struct model_row *row)
{
    bool any = false;
    for (size_t i = 0; i < row->n; i++) {
        row->balance[i].eligible &= has_room(row->candidates[i].upstream);
        any |= row->balance[i].eligible;
    }
    return any;
}

/* Marks whom the ticket may get now; CHOICE_TAKEN: there are some. */
static enum choice look(const struct ticket *t)
{
    if (mark_left(t) == 0) return CHOICE_NONE;
    mark_up(t->row);
    return mark_room(t->row) ? CHOICE_TAKEN : CHOICE_LATER;
}

bool choice_possible(const struct ticket *t) { return look(t) == CHOICE_TAKEN; }

enum choice choice_take(struct ticket *t)
{
    enum choice choice = look(t);
    if (choice != CHOICE_TAKEN) return choice;
    const struct candidate *c = &t->row->candidates[balance_pick(t->row->balance, t->row->n)];
    c->upstream->state->in_flight++;
    c->upstream->account->in_flight++;
    t->lease = (struct lease){c->upstream, c->model};
    return CHOICE_TAKEN;
}

bool choice_offers(const struct model_row *row, const struct account *account)
{
    for (size_t i = 0; i < row->n; i++)
        if (row->candidates[i].upstream->account == account && has_room(row->candidates[i].upstream)) return true;
    return false;
}

/* What is left for a ticket does not change while it waits, so both find the same accounts. */
static void add_wish(const struct ticket *t, unsigned one)
{
    mark_left(t);
    for (size_t i = 0; i < t->row->n; i++)
        if (t->row->balance[i].eligible) t->row->candidates[i].upstream->account->wanted += one;
}

void choice_want(const struct ticket *t) { add_wish(t, 1); }
void choice_want_no_more(const struct ticket *t) { add_wish(t, -1u); }
