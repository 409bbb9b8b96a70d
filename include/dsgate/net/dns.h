/* dns.h - names to addresses, off the loop.
 *
 * getaddrinfo(3) runs on a small pool of threads; answers are cached for 30 s, failures for 1 s, and a name whose renewal
 * fails keeps its last good answer for 10 minutes (an upstream should not die with its DNS server). Lookups of the
 * same name that run at once share one call. One struct dns serves all loops.
 */
#ifndef DSGATE_NET_DNS_H
#define DSGATE_NET_DNS_H

#include "dsgate/net/address.h"
#include "dsgate/net/loop.h"

struct dns;

struct dns *dns_new(void);
void dns_free(struct dns *d); /* waits for threads in getaddrinfo; no lookups may be pending */

/* One question; embedded in the asker, on the asker's loop. */
struct dns_query {
    struct loop_post post;
    struct loop *loop;
    void (*answered)(struct dns_query *q); /* on the asker's loop, never from inside dns_ask() */
    struct address_list result;            /* count == 0: no address */
    const char *failure;                   /* then: why, in words; static */
    struct list node;
    bool pending, cancelled;
};

/* true: q->result is filled already (cached or a literal address), `answered` will not be called. false: it will be. The
 * port goes into the addresses. */
bool dns_ask(struct dns *d, struct loop *loop, struct dns_query *q, const char *host, unsigned port,
             void (*answered)(struct dns_query *q));

/* After this `answered` is not called and q may be freed. */
void dns_cancel(struct dns *d, struct dns_query *q);

#endif
