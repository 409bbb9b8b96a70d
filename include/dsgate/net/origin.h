/* origin.h - where an upstream's connections go: scheme, host, port, TLS, pins.
 *
 * Immutable and refcounted; connections to equal origins may be shared. Any thread.
 */
#ifndef DSGATE_NET_ORIGIN_H
#define DSGATE_NET_ORIGIN_H

#include "dsgate/net/address.h"
#include "dsgate/net/tls.h"
#include <stdatomic.h>

struct origin {
    atomic_uint refs;
    char *host;            /* without brackets */
    unsigned port;
    char *authority;       /* value of the Host field: port left out when it is the scheme's default */
    struct tls_ctx *tls;   /* NULL: plain http */
    char *server_name;     /* SNI, and what the certificate must be for; equals host by default */
    struct address_list pins; /* `resolve:`; when count > 0, DNS is not asked */
};

/* Takes its own copies; refs `tls` (NULL: plain http). server_name and pins may be NULL. */
struct origin *origin_new(const char *host, unsigned port, struct tls_ctx *tls, const char *server_name,
                          const struct address_list *pins);
struct origin *origin_ref(struct origin *o);
void origin_unref(struct origin *o); /* NULL is fine */
/* Equal in every part; TLS contexts are equal only if they are one. */
bool origin_same(const struct origin *a, const struct origin *b);

#endif
