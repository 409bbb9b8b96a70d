/* report.h - every mistake of a file at once, in the order in which they stand there. */
#ifndef DSGATE_CONFIG_REPORT_H
#define DSGATE_CONFIG_REPORT_H

#include "dsgate/config/config.h"

struct report {
    const char *source; /* what the next mistakes are in: a file's name; must outlive the report */
    struct mistake *mistakes;
    unsigned kept;  /* of them */
    unsigned count; /* of all, also those that are not shown */
};

/* Line 0: about the whole file. */
void report_add(struct report *r, unsigned line, unsigned column, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* True when further mistakes are only counted: then there is no use in working out a good text. */
bool report_is_full(const struct report *r);

/* Sorts, writes "file:line:column: text" lines and frees. */
void report_finish(struct report *r, struct config_errors *errors);

/* Adds 'text' in single quotes, cut when it is long, with '?' for whatever could play tricks on a terminal. */
void report_quote(struct buf *out, struct text t);

/* Looks for the word that was meant: offer every candidate, then `best` is the nearest or NULL. */
struct guess {
    struct text word;
    const char *best;
    unsigned distance; /* a candidate must be nearer than this */
};

struct guess guess_begin(const char *word);
void guess_offer(struct guess *g, const char *candidate);

#endif
