/* listen.h - listening sockets: open, accept with care, close.
 *
 * accept() pauses for a moment when descriptors run out (EMFILE, ENFILE, ENOBUFS), and says so once, instead of
 * spinning.
 */
#ifndef DSGATE_NET_LISTEN_H
#define DSGATE_NET_LISTEN_H

#include "dsgate/net/address.h"
#include "dsgate/net/loop.h"

struct listener;

/* Called for each accepted connection: non-blocking, close-on-exec, TCP_NODELAY set. The callee owns fd. */
typedef void listener_accepted(void *arg, int fd, const struct address *peer);

/* Binds and listens; starts accepting at once. A stale Unix socket file (nobody listens on it) is replaced, a live one
 * is an error. unix_mode: permissions of a Unix socket, e.g. 0660. NULL with a sentence in *error. */
struct listener *listener_open(struct loop *loop, const struct address *address, unsigned unix_mode,
                               listener_accepted *accepted, void *arg, struct buf *error);

/* Takes over a socket that is already listening (systemd socket activation). */
struct listener *listener_adopt(struct loop *loop, int fd, listener_accepted *accepted, void *arg);

/* What it is really bound to (port 0 has become a number). */
void listener_address(const struct listener *l, struct address *out);

void listener_close(struct listener *l); /* removes its Unix socket file; NULL is fine */

#endif
