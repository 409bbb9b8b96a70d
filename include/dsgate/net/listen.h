/* listen.h - listening sockets: open, accept with care, close.
 *
 * accept() pauses for 100 ms when descriptors or memory run out (EMFILE, ENFILE, ENOBUFS, ENOMEM) instead of spinning,
 * and logs that it began and that it is over. A listener belongs to the loop that it was opened on.
 */
#ifndef DSGATE_NET_LISTEN_H
#define DSGATE_NET_LISTEN_H

#include "dsgate/net/address.h"
#include "dsgate/net/loop.h"

struct listener;

/* Called for each accepted connection: non-blocking, close-on-exec, TCP_NODELAY set. The callee owns fd; `peer` is gone
 * afterwards. It may close the listener. */
typedef void listener_accepted(void *arg, int fd, const struct address *peer);

/* Binds and listens; starts accepting at once. A stale Unix socket file (nobody listens on it) is replaced, a live one
 * is an error. unix_mode: permissions of a Unix socket, e.g. 0660. NULL with a sentence in *error (no newline). */
struct listener *listener_open(struct loop *loop, const struct address *address, unsigned unix_mode,
                               listener_accepted *accepted, void *arg, struct buf *error);

/* Takes over a socket that is already listening (systemd socket activation); never NULL. A Unix socket's file stays at
 * the end. */
struct listener *listener_adopt(struct loop *loop, int fd, listener_accepted *accepted, void *arg);

/* What it is really bound to (port 0 has become a number); length 0 when the kernel does not say. */
void listener_address(const struct listener *l, struct address *out);

/* Removes its Unix socket file, unless another one stands there by now. NULL is fine. */
void listener_close(struct listener *l);

#endif
