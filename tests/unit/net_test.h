/* net_test.h - what the tests of the net room share: turns of a loop, pairs of sockets. */
#ifndef DSGATE_TESTS_NET_TEST_H
#define DSGATE_TESTS_NET_TEST_H

#include "../suite.h"
#include "dsgate/net/address.h"
#include "dsgate/net/loop.h"
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

struct net_test_turns {
    struct loop_after after;
    struct loop *loop;
    unsigned left;
};

static inline void net_test_count_turn(struct loop_after *after)
{
    struct net_test_turns *t = CONTAINER_OF(after, struct net_test_turns, after);
    if (--t->left == 0)
        loop_stop(t->loop);
    else
        loop_after_turn(t->loop, after);
}

/* That many turns, none of which waits: to see what happens, or that nothing does. */
static inline void run_turns(struct loop *loop, unsigned n)
{
    struct net_test_turns t = {.after.run = net_test_count_turn, .loop = loop, .left = n};
    loop_after_turn(loop, &t.after);
    loop_run(loop);
}

static inline void make_nonblocking(int fd) { ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0); }

/* Two ends of a Unix stream, non-blocking. */
static inline void make_pair(int fd[2])
{
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd), 0);
}

/* A listening TCP socket on a free port of 127.0.0.1. */
static inline int make_tcp_listener(struct address *at, int backlog)
{
    struct buf error = {0};
    ck_assert(address_parse(TEXT("127.0.0.1:0"), 0, at, &error));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&at->sa, at->length), 0);
    ck_assert_int_eq(listen(fd, backlog), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at->sa, &at->length), 0);
    return fd;
}

/* Two ends of a TCP connection, non-blocking, without Nagle's delay, and with small buffers. */
static inline void make_tcp_pair(int fd[2])
{
    struct address at;
    int listener = make_tcp_listener(&at, 1);
    fd[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(fd[0], (struct sockaddr *)&at.sa, at.length), 0);
    fd[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    ck_assert_int_ge(fd[1], 0);
    for (int i = 0; i < 2; i++) {
        make_nonblocking(fd[i]);
        ck_assert_int_eq(setsockopt(fd[i], IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)), 0);
        ck_assert_int_eq(setsockopt(fd[i], SOL_SOCKET, SO_SNDBUF, &(int){65536}, sizeof(int)), 0);
    }
    close(listener);
}

/* Ends a connection with a TCP reset. */
static inline void reset_and_close(int fd)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    close(fd);
}

#endif
