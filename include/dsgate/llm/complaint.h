/* complaint.h - what an upstream means when it says no: one table of dialect, status and words.
 *
 * Statuses are not enough: some providers say "busy" with 200, some call a quota that clears in a minute the same as
 * one that is spent, and some tell with 403 that a bill was not paid. The first row that matches counts; rows of one
 * dialect come before those of all. Sources: the vendors' pages on errors. Pure and constant: any thread.
 *
 * Messages may quote the request. So words in them, unlike codes, never make an upstream busy or a key bad.
 */
#ifndef DSGATE_LLM_COMPLAINT_H
#define DSGATE_LLM_COMPLAINT_H

#include "dsgate/config/config.h"

/* Who is to blame, and so what follows. */
enum blame {
    BLAME_UPSTREAM, /* it is broken: counts against it, another one is asked */
    BLAME_BUSY,     /* back-pressure: it works and has too much to do; another one is asked */
    BLAME_KEY,      /* the gateway's key, its balance, or what it may do: another key or upstream is asked */
    BLAME_CLIENT,   /* the request itself: its answer goes to the client at once */
    BLAME_UNKNOWN   /* nobody can tell (e.g. 404: this upstream has no such model, or nobody has): another one is asked,
                     * nothing is counted */
};

struct complaint {
    enum blame blame;
    bool context_length; /* with CLIENT: the prompt is longer than this model takes */
    unsigned clears_in;  /* seconds after which it is over, where the provider's words say so; 0 = not known */
    const char *reason;  /* for logs and metrics: "busy", "rate", "key", "balance", "context_length", … Static */
};

/* An error answer with this status and body; also one under 200, of which the body alone tells (also where it has the
 * status as a number inside). The body may be anything, and be cut: what is not JSON, or longer than 16 KB, leaves
 * the status to tell. */
struct complaint complaint_read(enum conf_dialect dialect, unsigned status, struct text body);

/* Every `reason` that complaint_read() can give, ended by NULL: for metrics. */
extern const char *const complaint_reasons[];

#endif
