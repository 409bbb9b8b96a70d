/* A name often has addresses that do not work (IPv6 without a route, a dead host), and waiting for each in turn costs
 * seconds. RFC 8305: start the next after 250 ms without giving up the earlier ones; the first to connect wins. */
#include "dsgate/net/dial.h"
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <unistd.h>

#define NEXT_AFTER (250 * USEC_PER_MS)

struct attempt {
    struct loop_io io;
    struct dial *dial;
    int fd;
};

struct dial {
    struct loop *loop;
    struct dns *dns;
    const struct origin *origin;
    void (*done)(void *arg, const struct dial_result *result);
    void *arg;
    struct dns_query query;
    struct loop_after start; /* for addresses known at once: dial_start() must not call back */
    struct timer timer;
    struct address_list addresses; /* in the order of trying */
    struct attempt attempts[ADDRESS_MAX];
    unsigned tried, under_way;
    struct dial_result result;
};

static void try_next(struct dial *d);

/* ---- the end ---- */

static void drop_attempts(struct dial *d, const struct attempt *but)
{
    for (unsigned i = 0; i < d->tried; i++) {
        struct attempt *a = &d->attempts[i];
        loop_io_stop(&a->io);
        if (a->fd >= 0 && a != but) close(a->fd);
    }
}

static void free_dial(struct dial *d)
{
    timer_cancel(d->loop, &d->timer);
    loop_after_cancel(&d->start);
    dns_cancel(d->dns, &d->query);
    mem_free(d);
}

static void finish(struct dial *d, const struct attempt *winner)
{
    void (*done)(void *arg, const struct dial_result *result) = d->done;
    void *arg = d->arg;
    struct dial_result result = d->result;
    result.fd = winner ? winner->fd : -1;
    drop_attempts(d, winner);
    free_dial(d);
    done(arg, &result);
}

static void win(struct attempt *a)
{
    int one = 1;
    setsockopt(a->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one); /* a Unix socket refuses, which is fine */
    setsockopt(a->fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
    a->dial->result.error = NET_OK;
    a->dial->result.detail[0] = '\0';
    finish(a->dial, a);
}

/* "where: why", with a small first letter as in the middle of a sentence. */
static void note_failure(struct dial *d, enum net_error error, const char *where, const char *why)
{
    d->result.error = error;
    snprintf(d->result.detail, sizeof d->result.detail, "%s: %c%s", where, tolower((unsigned char)why[0]), why + 1);
}

static void note_connect_failure(struct dial *d, const struct address *a, int cause)
{
    struct buf where = {0};
    bool ours = cause == EMFILE || cause == ENFILE;
    address_format(a, &where);
    buf_add_byte(&where, '\0');
    note_failure(d, ours ? NET_NO_DESCRIPTORS : NET_CONNECT, where.data, strerror(cause));
    buf_free(&where);
}

/* ---- attempts ---- */

static void connect_ready(struct loop_io *io, int what)
{
    struct attempt *a = CONTAINER_OF(io, struct attempt, io);
    struct dial *d = a->dial;
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(a->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0) error = errno;
    if (error == 0) {
        win(a);
        return;
    }
    note_connect_failure(d, &d->addresses.at[a - d->attempts], error);
    loop_io_stop(&a->io);
    close(a->fd);
    a->fd = -1;
    d->under_way--;
    try_next(d);
}

/* 0: connected; EINPROGRESS: under way; else why not. */
static int connect_to(struct attempt *a, const struct address *to)
{
    a->fd = socket(to->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (a->fd < 0) return errno;
    if (connect(a->fd, (const struct sockaddr *)&to->sa, to->length) == 0) return 0;
    int error = errno;
    if (error == EINPROGRESS) return error;
    close(a->fd);
    a->fd = -1;
    return error;
}

static void time_for_next(struct timer *timer) { try_next(CONTAINER_OF(timer, struct dial, timer)); }

/* Starts the next attempt that does not fail at once. */
static void try_next(struct dial *d)
{
    while (d->tried < d->addresses.count) {
        const struct address *to = &d->addresses.at[d->tried];
        struct attempt *a = &d->attempts[d->tried++];
        a->dial = d;
        int error = connect_to(a, to);
        if (error == 0) {
            win(a);
            return;
        }
        if (error == EINPROGRESS) {
            d->under_way++;
            loop_io_start(d->loop, &a->io, a->fd, LOOP_WRITE, connect_ready);
            timer_set(d->loop, &d->timer, loop_now(d->loop) + NEXT_AFTER, time_for_next);
            return;
        }
        note_connect_failure(d, to, error);
    }
    if (d->under_way == 0) finish(d, NULL);
}

/* ---- addresses ---- */

/* The families alternate, beginning with that of the first address; within a family the resolver's order stays. */
static void interleave(const struct address_list *from, struct address_list *to)
{
    bool used[ADDRESS_MAX] = {false};
    int wanted = from->count ? from->at[0].sa.ss_family : 0;
    for (to->count = 0; to->count < from->count; to->count++) {
        unsigned pick = ADDRESS_MAX;
        for (unsigned i = from->count; i-- > 0;) {
            bool better =
                pick == ADDRESS_MAX || from->at[i].sa.ss_family == wanted || from->at[pick].sa.ss_family != wanted;
            if (!used[i] && better) pick = i;
        }
        used[pick] = true;
        to->at[to->count] = from->at[pick];
        wanted = from->at[pick].sa.ss_family == AF_INET6 ? AF_INET : AF_INET6;
    }
}

static void addresses_known(struct dial *d, const struct address_list *known, const char *failure)
{
    interleave(known, &d->addresses);
    if (known->count == 0) note_failure(d, NET_RESOLVE, d->origin->host, failure);
    try_next(d);
}

static void name_answered(struct dns_query *q)
{
    struct dial *d = CONTAINER_OF(q, struct dial, query);
    addresses_known(d, &q->result, q->failure);
}

static void start_at_once(struct loop_after *after)
{
    struct dial *d = CONTAINER_OF(after, struct dial, start);
    bool pinned = d->origin->pins.count > 0;
    addresses_known(d, pinned ? &d->origin->pins : &d->query.result, d->query.failure);
}

struct dial *dial_start(struct loop *loop, struct dns *dns, const struct origin *origin,
                        void (*done)(void *arg, const struct dial_result *result), void *arg)
{
    struct dial *d = MEM_NEW(struct dial);
    d->loop = loop;
    d->dns = dns;
    d->origin = origin;
    d->done = done;
    d->arg = arg;
    d->start.run = start_at_once;
    if (origin->pins.count > 0 || dns_ask(dns, loop, &d->query, origin->host, origin->port, name_answered))
        loop_after_turn(loop, &d->start);
    return d;
}

void dial_cancel(struct dial *d)
{
    drop_attempts(d, NULL);
    free_dial(d);
}
