/* The protocol is one datagram with a few words; the library for it would be the larger dependency. */
#include "dsgate/gate/notify.h"
#include "dsgate/base/text.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct notify {
    struct loop *loop;
    int fd; /* -1: nobody wants to know */
    struct sockaddr_un to;
    socklen_t to_length;
    struct timer watchdog;
    usec_t period;
};

static void tell(struct notify *n, const char *state)
{
    if (n->fd < 0) return;
    ssize_t sent = sendto(n->fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&n->to, n->to_length);
    (void)sent; /* a manager that does not listen changes nothing for us */
}

static void on_watchdog(struct timer *timer)
{
    struct notify *n = CONTAINER_OF(timer, struct notify, watchdog);
    tell(n, "WATCHDOG=1");
    timer_set(n->loop, timer, loop_now(n->loop) + n->period, on_watchdog);
}

static void start_watchdog(struct notify *n)
{
    uint64_t usec;
    if (!text_to_u64(text_of(getenv("WATCHDOG_USEC")), &usec) || usec < 2 || usec > INT64_MAX / 2) return;
    n->period = (usec_t)usec / 2;
    on_watchdog(&n->watchdog);
}

struct notify *notify_open(struct loop *loop)
{
    struct notify *n = MEM_NEW(struct notify);
    struct text path = text_of(getenv("NOTIFY_SOCKET"));
    n->loop = loop;
    n->fd = -1;
    if (path.n < 2 || path.n >= sizeof n->to.sun_path) return n;
    n->to.sun_family = AF_UNIX;
    memcpy(n->to.sun_path, path.p, path.n);
    if (path.p[0] == '@') n->to.sun_path[0] = '\0'; /* the abstract name space */
    n->to_length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.n);
    n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (n->fd >= 0) start_watchdog(n);
    return n;
}

void notify_ready(struct notify *n) { tell(n, "READY=1\nSTATUS=serving"); }

/* Type=notify-reload wants the time at which the reload began. */
void notify_reloading(struct notify *n)
{
    char state[80];
    snprintf(state, sizeof state, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)clock_monotonic());
    tell(n, state);
}

void notify_stopping(struct notify *n) { tell(n, "STOPPING=1\nSTATUS=draining"); }

void notify_close(struct notify *n)
{
    timer_cancel(n->loop, &n->watchdog);
    if (n->fd >= 0) close(n->fd);
    mem_free(n);
}
