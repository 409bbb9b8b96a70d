/* rules.h - which scenario a request meets: rules by path, by model, or for all, changed while others read. Any thread.
 */
#ifndef DSGATE_SIM_RULES_H
#define DSGATE_SIM_RULES_H

#include "scenario.h"

struct rules;

struct rule_scope {
    struct text model, path; /* empty: any */
};

enum { RULES_MOST = 256 };

struct rules *rules_new(void);
void rules_free(struct rules *r);

/* Requests of this scope meet this scenario from now on, instead of an earlier rule of the same scope: the next `count`
 * of them, or all (0). false with a sentence in *error. */
bool rules_set(struct rules *r, struct rule_scope scope, struct text spec, unsigned count, struct buf *error);

/* The rules of now are those of the command line, to which rules_reset() returns. */
void rules_keep(struct rules *r);
void rules_reset(struct rules *r);

/* The scenario for a request; the nearest scope wins: path, then model, then all. Rules without a path count only where
 * `generates` (endpoints that produce tokens). false: none. */
bool rules_find(struct rules *r, struct rule_scope request, bool generates, struct scenario_mix *out);

/* Whether the rule for all asks for early responses. */
bool rules_want_early(struct rules *r);

/* All rules as a JSON array. */
void rules_list(struct rules *r, struct buf *out);

#endif
