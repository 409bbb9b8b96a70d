/* listeners.h - the set of listening sockets that the config asks for, kept equal to it across reloads.
 *
 * With systemd socket activation (sd_listen_fds(3)) the sockets named "admin" serve the admin port and all others the
 * API, in place of the addresses in the config.
 */
#ifndef DSGATE_GATE_LISTENERS_H
#define DSGATE_GATE_LISTENERS_H

#include "dsgate/config/config.h"
#include "dsgate/net/listen.h"
#include "dsgate/net/tls.h"

struct listeners;

/* As listener_accepted(): the callee owns fd. `tls` (NULL: plain) is borrowed for the call: who keeps it references it,
 * because a reload may put another one in its place. */
typedef void listeners_accepted(void *arg, bool admin, int fd, const struct address *peer, struct tls_ctx *tls);

struct listeners *listeners_new(struct loop *loop, listeners_accepted *accepted, void *arg);

/* Makes the open sockets those of `config`: all or nothing. Sockets whose address stays are kept and no connection is
 * lost; their TLS certificates are read anew. false with sentences in *error: everything is as before. */
bool listeners_update(struct listeners *l, const struct config *config, struct buf *error);

/* "127.0.0.1:8585 (API), 127.0.0.1:8586 (admin)". */
void listeners_describe(const struct listeners *l, struct buf *out);

/* Stops accepting on the API sockets, the admin ones stay. */
void listeners_close_api(struct listeners *l);
void listeners_free(struct listeners *l); /* NULL is fine */

#endif
