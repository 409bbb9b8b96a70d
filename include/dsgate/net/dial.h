/* dial.h - from an origin to a connected descriptor: resolve, then race addresses (Happy Eyeballs, RFC 8305).
 *
 * IPv6 and IPv4 alternate; the next address is tried when the last one fails or after 250 ms; the first to connect
 * wins. Pinned addresses are dialled in the same way without asking DNS.
 */
#ifndef DSGATE_NET_DIAL_H
#define DSGATE_NET_DIAL_H

#include "dsgate/net/dns.h"
#include "dsgate/net/net_error.h"
#include "dsgate/net/origin.h"

struct dial;

struct dial_result {
    int fd;               /* >= 0: connected, the receiver's; non-blocking, close-on-exec, TCP_NODELAY; -1: failed */
    enum net_error error; /* NET_OK; the last failure: NET_RESOLVE, NET_CONNECT, NET_NO_DESCRIPTORS */
    char detail[160];     /* then: "127.0.0.1:9: connection refused", "api.test: name or service not known" */
};

/* Starts dialling; `done` comes once, on this loop, never from inside dial_start(); the dial is gone by then. `origin`
 * and `dns` must outlive it. There is no deadline here: the caller cancels. */
struct dial *dial_start(struct loop *loop, struct dns *dns, const struct origin *origin,
                        void (*done)(void *arg, const struct dial_result *result), void *arg);

/* Ends it without `done`. Not valid once `done` has been called. */
void dial_cancel(struct dial *d);

#endif
