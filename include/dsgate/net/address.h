/* address.h - socket addresses as people write them: "127.0.0.1:8585", "[::1]:8585", "unix:/run/x.sock", ":8585". */
#ifndef DSGATE_NET_ADDRESS_H
#define DSGATE_NET_ADDRESS_H

#include "dsgate/base/buf.h"
#include <sys/socket.h>

struct address {
    struct sockaddr_storage sa;
    socklen_t length;
};

#define ADDRESS_MAX 16 /* addresses kept of one name */

struct address_list {
    struct address at[ADDRESS_MAX];
    unsigned count;
};

/* A literal address (no names). default_port is used where the text has none; 0 = a port is required. ":8585" is all of
 * IPv4. false with a sentence in *error. */
bool address_parse(struct text t, unsigned default_port, struct address *out, struct buf *error);

/* A bare IPv4 or IPv6 address as it stands in a URL's host (no brackets, no port); false for a name. */
bool address_of_host(const char *host, unsigned port, struct address *out);

void address_set_port(struct address *a, unsigned port); /* does nothing to Unix sockets */

/* "127.0.0.1:8585", "[::1]:8585", "unix:/run/x.sock". */
void address_format(const struct address *a, struct buf *out);

#endif
