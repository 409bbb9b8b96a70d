/* balance.h - who is next: smooth weighted round robin, as a pure function.
 *
 * Every eligible entry gains its weight, the richest one is chosen and pays the sum: weights 5, 1, 1 give a a b a c a a
 * rather than a a a a a b c (the scheme is nginx's). Entries that are not eligible keep what they have.
 */
#ifndef DSGATE_SCHED_BALANCE_H
#define DSGATE_SCHED_BALANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct balance_entry {
    uint32_t weight;  /* > 0 */
    bool eligible;
    int64_t current;  /* the scheme's memory; 0 at first */
};

/* Index of the choice, whose memory is updated; -1 when nothing is eligible. */
int balance_pick(struct balance_entry *entries, size_t n);

#endif
