/* records.h - DNS records with their times to live, asked for off the loop.
 *
 * getaddrinfo(3), which net/dns uses, tells neither how long an answer is good nor services (SRV). So this asks DNS
 * itself, through glibc's resolver, on threads that exist only while something is asked. Names that DNS doesn't know
 * but the machine does (/etc/hosts) are still found by RECORDS_A without a server of its own; they are good for 30 s.
 * With another C library each question fails with words that say so.
 *
 * A question takes 2 to 6 s at most when servers are silent. What comes back is data from a network: bounded by
 * RECORDS_MAX, and every message that is malformed counts as no answer.
 *
 * Sources: RFC 1035 (messages), RFC 2181 sections 5.2 and 8 (times to live), RFC 2782 (SRV), RFC 7766 (TCP).
 */
#ifndef DSGATE_NET_RECORDS_H
#define DSGATE_NET_RECORDS_H

#include "dsgate/net/address.h"
#include "dsgate/net/loop.h"

enum { RECORDS_MAX = 1024 }; /* records of one answer */

enum records_kind { RECORDS_A /* A and AAAA */, RECORDS_SRV /* and the addresses of its targets */ };

struct records_question {
    enum records_kind kind;
    const char *name;             /* looked for in the system's search domains as well, unless there is a server */
    unsigned port;                /* of RECORDS_A; services have their own */
    const struct address *server; /* IPv4 or IPv6; NULL: the system's */
};

struct record {
    struct address address;
    unsigned priority, weight; /* of services, 0…65535: the lowest priority comes first; else 0 */
};

/* What was not answered although other parts were: such endpoints may still be there. */
enum { RECORDS_MISSED_V4 = 1, RECORDS_MISSED_V6 = 2 };

struct records_answer {
    struct record *at; /* in no order; a record may be there twice */
    size_t count;
    usec_t ttl;          /* the smallest; 0 is possible */
    bool left_out;       /* there were more than RECORDS_MAX */
    unsigned missed;     /* RECORDS_MISSED_… */
    const char *failure; /* count == 0: why, in words; static */
};

void records_answer_free(struct records_answer *a); /* and empties it */

struct records;

/* For questions from this loop, and on its thread. */
struct records *records_new(struct loop *loop);
/* Does not wait for servers. No question may be pending, and the loop may not run again. */
void records_free(struct records *r);

/* One question; embedded in the asker. Zeroed before first use. */
struct records_query {
    void (*answered)(struct records_query *q); /* on the loop, never from inside records_ask() */
    struct records_answer answer;              /* the asker's from then on: records_answer_free() */
    struct records_job *job;                   /* records.c's; NULL unless the answer is still to come */
};

/* Copies the question. `answered` comes exactly once, unless it is cancelled. */
void records_ask(struct records *r, struct records_query *q, const struct records_question *question,
                 void (*answered)(struct records_query *q));
/* After this `answered` is not called. Harmless when nothing is pending or q is zeroed. */
void records_cancel(struct records *r, struct records_query *q);

#endif
