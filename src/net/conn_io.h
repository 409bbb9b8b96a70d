/* conn_io.h - how a conn's bytes get to the socket and back, plain or through TLS; conn.c decides when. */
#ifndef DSGATE_NET_CONN_IO_H
#define DSGATE_NET_CONN_IO_H

#include "dsgate/net/conn.h"

/* Bytes taken, perhaps fewer than given, or CONN_FAILED. With TLS, up to one record that the socket refused is put into
 * c->unsent and counts as taken: OpenSSL insists on getting the same bytes again. */
ssize_t conn_io_send(struct conn *c, const struct iovec *iov, int n);

/* Sends from c->unsent what the socket takes; false when it is broken. */
bool conn_io_flush(struct conn *c);

/* As conn_read(). Asks the loop for another look when TLS has more. */
ssize_t conn_io_receive(struct conn *c, void *p, size_t cap);

#endif
