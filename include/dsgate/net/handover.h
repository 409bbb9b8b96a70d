/* handover.h - descriptors on their way from one thread to another.
 *
 * Threads may have descriptor tables of their own (gate/worker.h). Then a number means nothing to another thread, and a
 * descriptor travels as SCM_RIGHTS through a Unix socket (unix(7)), which also wakes the receiver. What goes with it
 * stays in memory: only its address travels. In order; nothing is lost when the socket is full.
 */
#ifndef DSGATE_NET_HANDOVER_H
#define DSGATE_NET_HANDOVER_H

#include "dsgate/net/loop.h"

struct handover; /* one way, from one loop to another */

/* Part of what the sender wants to be known with the descriptor; the receiver's from `arrived` on. */
struct handed {
    struct list node;
    int fd; /* in `arrived`: the receiver's to close; -1: it got lost, since the receiver has no descriptor left */
};

/* `arrived` is called on the loop `to`. NULL when the kernel refuses; errno says why. */
struct handover *handover_new(struct loop *from, struct loop *to, void (*arrived)(void *arg, struct handed *item),
                              void *arg);

/* On the loop `from`. The descriptor leaves this thread: it is closed here. */
void handover_send(struct handover *h, struct handed *item);

/* When neither loop runs any more, but both are still there. What is under way arrives with fd -1. NULL is fine. */
void handover_free(struct handover *h);

#endif
