/* handover.h - descriptors on their way from one thread to another.
 *
 * Threads may have descriptor tables of their own (gate/worker_thread.h). Then a number means nothing to another
 * thread, and a descriptor travels as SCM_RIGHTS through a Unix socket (unix(7)), which also wakes the receiver. The
 * message that goes with it stays in memory: only its address travels. Items arrive in order, and each of them does.
 */
#ifndef DSGATE_NET_HANDOVER_H
#define DSGATE_NET_HANDOVER_H

#include "dsgate/net/loop.h"

struct handover; /* one way, from one loop to another */

/* Embed this in the message that goes with the descriptor. From `arrived` on the receiver owns that message. */
struct handover_item {
    struct list node;
    int fd; /* in `arrived`: the receiver's to close; -1: it could not be delivered, and is closed */
};

/* `arrived` is called on the loop `to`. NULL when the kernel refuses; errno says why. */
struct handover *handover_new(struct loop *from, struct loop *to,
                              void (*arrived)(void *arg, struct handover_item *item), void *arg);

/* On the loop `from`. The descriptor leaves this thread: it is closed here. */
void handover_send(struct handover *h, struct handover_item *item);

/* When neither loop runs any more, but both are still there. What is under way arrives with fd -1. NULL is fine. */
void handover_free(struct handover *h);

#endif
