/* dns_server.h - a DNS server on a thread, over UDP and TCP on one free port of 127.0.0.1.
 *
 * What it says is up to the test: `answer` puts a whole message for a question, or nothing to stay silent.
 */
#ifndef DSGATE_TESTS_DNS_SERVER_H
#define DSGATE_TESTS_DNS_SERVER_H

#include "dns_message.h"
#include "net_test.h"
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

struct dns_question {
    unsigned id, type;
    char name[256];
    bool tcp;
};

struct dns_server {
    void (*answer)(const struct dns_question *q, struct buf *out);
    struct address address;
    int udp, tcp, end[2];
    atomic_uint asked; /* questions so far */
    pthread_t thread;
};

/* Labels to dots; the test's own names are short and uncompressed. */
static inline void dns_server_read(const uint8_t *m, size_t n, struct dns_question *q)
{
    size_t at = 12, to = 0;
    q->id = (unsigned)m[0] << 8 | m[1];
    while (at < n && m[at] && to + m[at] + 1 < sizeof q->name) {
        if (to) q->name[to++] = '.';
        memcpy(q->name + to, m + at + 1, m[at]);
        to += m[at];
        at += m[at] + 1u;
    }
    q->name[to] = '\0';
    q->type = (unsigned)m[at + 1] << 8 | m[at + 2];
}

static inline void dns_server_udp(struct dns_server *s)
{
    uint8_t m[2048];
    struct sockaddr_storage peer;
    socklen_t length = sizeof peer;
    struct dns_question q = {0};
    struct buf out = {0};
    ssize_t n = recvfrom(s->udp, m, sizeof m, 0, (struct sockaddr *)&peer, &length);
    if (n < 17) return;
    dns_server_read(m, (size_t)n, &q);
    atomic_fetch_add(&s->asked, 1);
    s->answer(&q, &out);
    if (buf_len(&out)) sendto(s->udp, buf_text(&out).p, buf_len(&out), 0, (struct sockaddr *)&peer, length);
    buf_free(&out);
}

/* One question a connection. */
static inline void dns_server_tcp(struct dns_server *s)
{
    uint8_t m[2048];
    struct dns_question q = {.tcp = true};
    struct buf out = {0}, framed = {0};
    int fd = accept4(s->tcp, NULL, NULL, SOCK_CLOEXEC);
    ssize_t n = recv(fd, m, sizeof m, 0);
    if (n > 19) {
        dns_server_read(m + 2, (size_t)n - 2, &q);
        s->answer(&q, &out);
        put_u16(&framed, (unsigned)buf_len(&out));
        buf_add(&framed, buf_text(&out));
        if (buf_len(&out)) send(fd, framed.data, buf_len(&framed), MSG_NOSIGNAL);
    }
    close(fd);
    buf_free(&framed);
    buf_free(&out);
}

static inline void *dns_server_run(void *arg)
{
    struct dns_server *s = arg;
    struct pollfd fds[] = {
        {.fd = s->udp, .events = POLLIN}, {.fd = s->tcp, .events = POLLIN}, {.fd = s->end[0], .events = POLLIN}};
    while (poll(fds, 3, -1) > 0 && !fds[2].revents) {
        if (fds[0].revents) dns_server_udp(s);
        if (fds[1].revents) dns_server_tcp(s);
    }
    return NULL;
}

/* The port of the TCP socket may be taken for UDP; then another one is tried. */
static inline void dns_server_start(struct dns_server *s, void (*answer)(const struct dns_question *q, struct buf *out))
{
    s->answer = answer;
    for (;;) {
        s->tcp = make_tcp_listener(&s->address, 16);
        s->udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (bind(s->udp, (struct sockaddr *)&s->address.sa, s->address.length) == 0) break;
        close(s->tcp);
        close(s->udp);
    }
    ck_assert_int_eq(pipe2(s->end, O_CLOEXEC), 0);
    ck_assert_int_eq(pthread_create(&s->thread, NULL, dns_server_run, s), 0);
}

static inline void dns_server_stop(struct dns_server *s)
{
    ck_assert_int_eq(write(s->end[1], "x", 1), 1);
    pthread_join(s->thread, NULL);
    for (int i = 0; i < 4; i++)
        close(((int[]){s->udp, s->tcp, s->end[0], s->end[1]})[i]);
}

#endif
