/* Accepting must survive two things: a process out of descriptors, where a level-triggered loop would spin on the one
 * connection it can't take, and a Unix socket file left behind by a process that crashed. */
#include "dsgate/net/listen.h"
#include "dsgate/base/log.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 4096, ACCEPTS_PER_TURN = 64 };
#define ACCEPT_PAUSE (100 * USEC_PER_MS)

struct listener {
    struct loop *loop;
    struct loop_io io;
    struct timer timer;
    int fd;
    bool short_of_descriptors;
    bool *closed; /* set while accepting: tells accept_ready() that a callback closed the listener */
    listener_accepted *accepted;
    void *arg;
    bool owns_file; /* a Unix socket file that we made */
    dev_t file_dev;
    ino_t file_ino;
};

/* ---- accepting ---- */

static void start_again(struct timer *timer)
{
    struct listener *l = CONTAINER_OF(timer, struct listener, timer);
    loop_io_want(&l->io, LOOP_READ);
}

static void pause_accepting(struct listener *l, int error)
{
    if (!l->short_of_descriptors) log_warn("cannot accept connections for now: %s", strerror(error));
    l->short_of_descriptors = true;
    loop_io_want(&l->io, 0);
    timer_set(l->loop, &l->timer, loop_now(l->loop) + ACCEPT_PAUSE, start_again);
}

/* Whether accept(2) can be called again at once: the connection in question was broken, not we. */
static bool peers_fault(int error)
{
    switch (error) {
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case EPERM:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH: return true;
    default: return false;
    }
}

static int accept_one(struct listener *l, struct address *peer)
{
    peer->length = sizeof peer->sa;
    int fd = accept4(l->fd, (struct sockaddr *)&peer->sa, &peer->length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0 && l->short_of_descriptors) {
        l->short_of_descriptors = false;
        log_info("accepting connections again");
    }
    return fd;
}

/* Bounded, so that a flood of connections leaves turns to those that are served already. */
static void accept_ready(struct loop_io *io, int what)
{
    struct listener *l = CONTAINER_OF(io, struct listener, io);
    struct address peer;
    bool closed = false;
    l->closed = &closed;
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        int fd = accept_one(l, &peer);
        if (fd >= 0) {
            l->accepted(l->arg, fd, &peer);
            if (closed) return;
        } else if (!peers_fault(errno)) {
            if (errno != EAGAIN) pause_accepting(l, errno);
            break;
        }
    }
    l->closed = NULL;
}

/* ---- opening ---- */

static bool somebody_listens(const struct address *a)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool live = fd < 0 || connect(fd, (const struct sockaddr *)&a->sa, a->length) == 0 || errno == EAGAIN;
    if (fd >= 0) close(fd);
    return live;
}

/* Only a socket is ever removed: connect(2) refuses on an ordinary file, too. */
static void remove_stale_file(const struct address *a)
{
    const char *path = ((const struct sockaddr_un *)&a->sa)->sun_path;
    struct stat st;
    if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode) && !somebody_listens(a)) unlink(path);
}

/* The mode is set on the socket first: bind(2) gives the file no more than that, so that it is at no time more open
 * than asked for; chmod(2) then adds what the umask took. */
static bool bind_unix(int fd, const struct address *a, unsigned mode)
{
    const char *path = ((const struct sockaddr_un *)&a->sa)->sun_path;
    remove_stale_file(a);
    return fchmod(fd, mode) == 0 && bind(fd, (const struct sockaddr *)&a->sa, a->length) == 0 && chmod(path, mode) == 0;
}

static bool bind_ip(int fd, const struct address *a)
{
    int one = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (a->sa.ss_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    return bind(fd, (const struct sockaddr *)&a->sa, a->length) == 0;
}

/* -1 with errno set when it fails. */
static int open_socket(const struct address *a, unsigned unix_mode)
{
    bool is_unix = a->sa.ss_family == AF_UNIX;
    int fd = socket(a->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    if ((is_unix ? bind_unix(fd, a, unix_mode) : bind_ip(fd, a)) && listen(fd, BACKLOG) == 0) return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static void remember_file(struct listener *l, const struct address *a)
{
    struct stat st;
    if (a->sa.ss_family != AF_UNIX || lstat(((const struct sockaddr_un *)&a->sa)->sun_path, &st) != 0) return;
    l->owns_file = true;
    l->file_dev = st.st_dev;
    l->file_ino = st.st_ino;
}

struct listener *listener_open(struct loop *loop, const struct address *address, unsigned unix_mode,
                               listener_accepted *accepted, void *arg, struct buf *error)
{
    int fd = open_socket(address, unix_mode);
    if (fd < 0) {
        int cause = errno;
        BUF_ADD(error, "cannot listen on ");
        address_format(address, error);
        buf_printf(error, ": %s", strerror(cause));
        return NULL;
    }
    struct listener *l = listener_adopt(loop, fd, accepted, arg);
    remember_file(l, address);
    return l;
}

struct listener *listener_adopt(struct loop *loop, int fd, listener_accepted *accepted, void *arg)
{
    struct listener *l = MEM_NEW(struct listener);
    int one = 1;
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    /* Accepted sockets inherit it: one system call less a connection. Unix sockets refuse it, which is fine. */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    l->loop = loop;
    l->fd = fd;
    l->accepted = accepted;
    l->arg = arg;
    loop_io_start(loop, &l->io, fd, LOOP_READ, accept_ready);
    return l;
}

void listener_address(const struct listener *l, struct address *out)
{
    *out = (struct address){.length = sizeof out->sa};
    if (getsockname(l->fd, (struct sockaddr *)&out->sa, &out->length) < 0) out->length = 0;
}

/* ---- closing ---- */

/* The file may belong to a successor by now, who replaced ours. */
static void remove_file(const struct listener *l)
{
    struct address a;
    struct stat st;
    listener_address(l, &a);
    const char *path = ((const struct sockaddr_un *)&a.sa)->sun_path;
    if (lstat(path, &st) == 0 && st.st_dev == l->file_dev && st.st_ino == l->file_ino) unlink(path);
}

void listener_close(struct listener *l)
{
    if (!l) return;
    if (l->closed) *l->closed = true;
    if (l->owns_file) remove_file(l);
    loop_io_stop(&l->io);
    timer_cancel(l->loop, &l->timer);
    close(l->fd);
    mem_free(l);
}
