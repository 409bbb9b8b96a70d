/* dns.h - names to addresses, off the loop.
 *
 * getaddrinfo(3) runs on a small pool of threads. Answers are cached for 30 s, failures for 1 s. Lookups of the same
 * name that run at once share one call. An answer older than 30 s is still given, at once, until it is 10 minutes old,
 * while a lookup in the background renews it: neither an upstream nor each request should hang on its DNS server.
 * One struct dns serves all loops.
 */
#ifndef DSGATE_NET_DNS_H
#define DSGATE_NET_DNS_H

#include "dsgate/net/address.h"
#include "dsgate/net/loop.h"

struct dns;

struct dns *dns_new(void);
/* Starts the threads now, which otherwise the first lookups do: they have the descriptor table of who starts them. */
void dns_start(struct dns *d);
/* Does not wait for threads in getaddrinfo(3): these end by themselves and touch no loop. No lookup may be pending, and
 * no loop with an answer in its mail may run again. */
void dns_free(struct dns *d);

/* One question; embedded in the asker, on the asker's loop. Zeroed before first use. */
struct dns_query {
    void (*answered)(struct dns_query *q); /* on the asker's loop, never from inside dns_ask() */
    struct address_list result;            /* in the resolver's order (RFC 6724); count == 0: no address */
    const char *failure;                   /* then: why, in words; static */
    struct dns_answer *coming;             /* dns.c's; NULL unless the answer is still to come */
};

/* true: q->result is filled already (cached or a literal address), `answered` will not be called. false: it will be.
 * The port goes into the addresses. */
bool dns_ask(struct dns *d, struct loop *loop, struct dns_query *q, const char *host, unsigned port,
             void (*answered)(struct dns_query *q));

/* On the asker's loop. After this `answered` is not called, and q may be freed; so may the loop once it has stopped.
 * Harmless when nothing is pending or q is zeroed. */
void dns_cancel(struct dns *d, struct dns_query *q);

#endif
