/* notify.h - the service manager is told how we are: sd_notify(3)'s protocol, without its library.
 *
 * Does nothing when NOTIFY_SOCKET is not set. With WATCHDOG_USEC set, the main loop says twice per period that it
 * lives.
 */
#ifndef DSGATE_GATE_NOTIFY_H
#define DSGATE_GATE_NOTIFY_H

#include "dsgate/net/loop.h"

struct notify;

struct notify *notify_open(struct loop *loop); /* never NULL */
void notify_ready(struct notify *n);
void notify_reloading(struct notify *n);
void notify_stopping(struct notify *n);
void notify_close(struct notify *n);

#endif
