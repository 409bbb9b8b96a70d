/* The socket holds some hundred items. A burst of connections while the receiver is busy may be longer, so what the
 * socket does not take waits here, with its descriptor still in the sender's table. */
#include "dsgate/net/handover.h"
#include "dsgate/base/mem.h"
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ITEMS_PER_TURN = 64 };

struct handover {
    struct loop_io sender, receiver;
    int receive_fd, send_fd;
    atomic_uint sent; /* released and acquired, since C does not know that a socket orders memory */
    struct list waiting;
    void (*arrived)(void *arg, struct handover_item *item);
    void *arg;
};

union rights {
    struct cmsghdr head;
    char bytes[CMSG_SPACE(sizeof(int))];
};

/* ---- sending ---- */

static ssize_t send_item(int to, struct handover_item *item)
{
    struct iovec address = {&item, sizeof item};
    union rights rights = {.head = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
    struct msghdr m = {.msg_iov = &address, .msg_iovlen = 1};
    if (item->fd >= 0) {
        m.msg_control = rights.bytes;
        m.msg_controllen = sizeof rights.bytes;
        memcpy(CMSG_DATA(&rights.head), &item->fd, sizeof item->fd);
    }
    return sendmsg(to, &m, MSG_NOSIGNAL);
}

static void close_here(struct handover_item *item)
{
    if (item->fd >= 0) close(item->fd);
    item->fd = -1;
}

/* false: the socket is full. Once it is sent, the item is the receiver's. */
static bool try_send(struct handover *h, struct handover_item *item)
{
    int fd = item->fd;
    atomic_fetch_add_explicit(&h->sent, 1, memory_order_release);
    if (send_item(h->send_fd, item) >= 0) {
        if (fd >= 0) close(fd);
        return true;
    }
    if (errno == ETOOMANYREFS) close_here(item); /* next time it goes without its descriptor */
    return false;
}

static void on_writable(struct loop_io *io, int what)
{
    struct handover *h = CONTAINER_OF(io, struct handover, sender);
    (void)what;
    while (!list_empty(&h->waiting)) {
        struct list *node = list_pop_front(&h->waiting);
        if (try_send(h, CONTAINER_OF(node, struct handover_item, node))) continue;
        list_push_front(&h->waiting, node);
        return;
    }
    loop_io_want(io, 0);
}

void handover_send(struct handover *h, struct handover_item *item)
{
    if (list_empty(&h->waiting) && try_send(h, item)) return;
    list_push_back(&h->waiting, &item->node);
    loop_io_want(&h->sender, LOOP_WRITE);
}

/* ---- receiving ---- */

static struct handover_item *receive(struct handover *h)
{
    struct handover_item *item;
    struct iovec address = {&item, sizeof item};
    union rights rights;
    struct msghdr m = {
        .msg_iov = &address, .msg_iovlen = 1, .msg_control = rights.bytes, .msg_controllen = sizeof rights.bytes};
    ssize_t n;
    do
        n = recvmsg(h->receive_fd, &m, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n != sizeof item) return NULL;
    atomic_load_explicit(&h->sent, memory_order_acquire);
    struct cmsghdr *head = CMSG_FIRSTHDR(&m); /* the kernel leaves it out when there is no number for it */
    item->fd = -1;
    if (head && head->cmsg_type == SCM_RIGHTS) memcpy(&item->fd, CMSG_DATA(head), sizeof item->fd);
    return item;
}

/* Bounded, so that a flood of connections leaves turns to those that are served already. */
static void on_readable(struct loop_io *io, int what)
{
    struct handover *h = CONTAINER_OF(io, struct handover, receiver);
    struct handover_item *item;
    (void)what;
    for (int i = 0; i < ITEMS_PER_TURN && (item = receive(h)); i++)
        h->arrived(h->arg, item);
}

/* ---- making and ending ---- */

struct handover *handover_new(struct loop *from, struct loop *to,
                              void (*arrived)(void *arg, struct handover_item *item), void *arg)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) < 0) return NULL;
    struct handover *h = MEM_NEW(struct handover);
    h->receive_fd = ends[0];
    h->send_fd = ends[1];
    h->arrived = arrived;
    h->arg = arg;
    list_init(&h->waiting);
    loop_io_start(to, &h->receiver, ends[0], LOOP_READ, on_readable);
    loop_io_start(from, &h->sender, ends[1], 0, on_writable);
    return h;
}

static void drop(struct handover *h, struct handover_item *item)
{
    close_here(item);
    h->arrived(h->arg, item);
}

void handover_free(struct handover *h)
{
    if (!h) return;
    loop_io_stop(&h->sender);
    loop_io_stop(&h->receiver);
    for (struct handover_item *item; (item = receive(h));)
        drop(h, item);
    for (struct list *node; (node = list_pop_front(&h->waiting));)
        drop(h, CONTAINER_OF(node, struct handover_item, node));
    close(h->receive_fd);
    close(h->send_fd);
    mem_free(h);
}
