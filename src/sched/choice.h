/* choice.h - which upstream a ticket gets. Called with the scheduler's mutex held. */
#ifndef SCHED_CHOICE_H
#define SCHED_CHOICE_H

#include "dsgate/sched/sched.h"

enum choice {
    CHOICE_TAKEN, /* ticket->lease is set and counted */
    CHOICE_LATER, /* what is left to try is full, or down while others are up */
    CHOICE_NONE   /* nothing is left to try */
};

enum choice choice_take(struct ticket *t);

/* Would choice_take() take something? */
bool choice_possible(const struct ticket *t);

/* The ticket begins or ceases to wait for the accounts of all upstreams it could still get. */
void choice_want(const struct ticket *t);
void choice_want_no_more(const struct ticket *t);

/* Has one of the row's upstreams this account, and room? */
bool choice_offers(const struct model_row *row, const struct account *account);

#endif
