/* dns_resolver.h - what dns.c stands on, so that tests can put in their own names and their own time. */
#ifndef DSGATE_NET_DNS_RESOLVER_H
#define DSGATE_NET_DNS_RESOLVER_H

#include "dsgate/base/clock.h"
#include "dsgate/net/dns.h"

/* Fills *out (ports 0) and returns NULL, or returns why there is no address, in static words. Runs on any thread and
 * may block. */
typedef const char *dns_resolver(const char *host, struct address_list *out);

const char *dns_resolve_system(const char *host, struct address_list *out); /* getaddrinfo(3) */

struct dns *dns_new_with(dns_resolver *resolve, usec_t (*now)(void));

#endif
