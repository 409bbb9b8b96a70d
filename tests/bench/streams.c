/* streams.c - holds many streams open at once and checks every byte of every one.
 *
 *   streams PORT COUNT BODY_FILE [header…]
 *
 * All streams send the same request; a deterministic upstream (dsgate-sim --created N) answers all alike, so one that
 * lost, repeated or reordered an event has another digest than the rest. Prints one line of JSON; exit 1 unless all
 * streams are whole and equal.
 */
#include "dsgate/base/clock.h"
#include "dsgate/base/mem.h"
#include "dsgate/net/http.h"
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { IN_BATCH = 200 }; /* connections started before the answers are looked at: no burst beyond a listen queue */

static const usec_t give_up_after = 180 * USEC_PER_SEC;

struct stream {
    int fd;
    bool head_done, refused, whole;
    struct buf head;
    struct http_body body;
    uint64_t digest, bytes, events;
};

static struct buf request;
static struct stream *streams;
static unsigned refused_status; /* of the last answer that was no 200 */
static int poll_fd, total, open_now, most_open, finished;

static void die(const char *what)
{
    perror(what);
    exit(2);
}

static void build_request(int argc, char **argv)
{
    char body[65536];
    FILE *file = fopen(argv[3], "rb");
    if (!file) die(argv[3]);
    size_t n = fread(body, 1, sizeof body, file);
    fclose(file);
    buf_printf(&request,
               "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
               "application/json\r\nContent-Length: %zu\r\n",
               n);
    for (int i = 4; i < argc; i++)
        buf_printf(&request, "%s\r\n", argv[i]);
    BUF_ADD(&request, "\r\n");
    buf_append(&request, body, n);
}

static void start(struct stream *s, unsigned port)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = s};
    s->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (s->fd < 0 || connect(s->fd, (struct sockaddr *)&to, sizeof to) < 0) die("connect");
    if (send(s->fd, request.data, buf_len(&request), MSG_NOSIGNAL) != (ssize_t)buf_len(&request)) die("send");
    s->digest = 1469598103934665603u;
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, s->fd, &e);
    if (++open_now > most_open) most_open = open_now;
}

static void end(struct stream *s, bool whole)
{
    s->whole = whole;
    close(s->fd);
    buf_free(&s->head);
    open_now--;
    finished++;
}

static void take_payload(struct stream *s, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        s->digest = (s->digest ^ (unsigned char)p[i]) * 1099511628211u;
    for (const char *at = p; (at = memmem(at, n - (size_t)(at - p), "\n\n", 2)); at += 2)
        s->events++;
    s->bytes += n;
}

static bool take_head(struct stream *s, char **p, size_t *n)
{
    struct http_limits limits = {.line = 8192, .head = 65536, .fields = HTTP_FIELDS_MAX, .body = UINT64_MAX};
    struct http_head head;
    enum http_error error;
    size_t scanned = 0;
    buf_append(&s->head, *p, *n);
    if (http_parse_answer(buf_text(&s->head), &limits, &scanned, false, &head, &error) != HTTP_PARSE_DONE) return false;
    if (head.status != 200) {
        refused_status = head.status;
        s->refused = true;
        return false;
    }
    http_body_init(&s->body, &head, UINT64_MAX);
    s->head_done = true;
    *n = buf_len(&s->head) - head.length;
    memmove(*p, s->head.data + head.length, *n);
    return true;
}

static void serve(struct stream *s)
{
    char block[65536], *p = block;
    ssize_t got = recv(s->fd, block, sizeof block / 2, 0);
    size_t n = (size_t)got, payload, used;
    if (got <= 0) {
        end(s, false);
        return;
    }
    if (!s->head_done && !take_head(s, &p, &n)) {
        if (s->refused) end(s, false);
        return;
    }
    if (http_body_feed(&s->body, p, n, &payload, &used) != HTTP_FINE) {
        end(s, false);
        return;
    }
    take_payload(s, p, payload);
    if (s->body.done) end(s, true);
}

static void serve_ready(int wait_ms)
{
    struct epoll_event events[256];
    int n = epoll_wait(poll_fd, events, 256, wait_ms);
    for (int i = 0; i < n; i++)
        serve(events[i].data.ptr);
}

static int report(usec_t took)
{
    int whole = 0, equal = 0;
    uint64_t events = 0;
    for (int i = 0; i < total; i++) {
        whole += streams[i].whole;
        equal += streams[i].whole && streams[i].digest == streams[0].digest && streams[i].bytes == streams[0].bytes;
        events += streams[i].events;
    }
    printf("{\"streams\":%d,\"open_at_once\":%d,\"whole\":%d,\"equal\":%d,\"events\":%llu,\"refused_status\":%u,"
           "\"bytes_each\":%llu,\"digest\":\"%016llx\",\"seconds\":%.1f}\n",
           total, most_open, whole, equal, (unsigned long long)events, refused_status,
           (unsigned long long)streams[0].bytes, (unsigned long long)streams[0].digest, (double)took / USEC_PER_SEC);
    return whole == total && equal == total ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct rlimit files = {1048576, 1048576};
    if (argc < 4) {
        fputs("usage: streams PORT COUNT BODY_FILE [header...]\n", stderr);
        return 2;
    }
    if (setrlimit(RLIMIT_NOFILE, &files) < 0) {
        getrlimit(RLIMIT_NOFILE, &files);
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    build_request(argc, argv);
    total = atoi(argv[2]);
    streams = mem_zalloc((size_t)total * sizeof *streams);
    poll_fd = epoll_create1(0);
    usec_t began = clock_monotonic();
    for (int i = 0; i < total; i++) {
        start(&streams[i], (unsigned)atoi(argv[1]));
        if (i % IN_BATCH == IN_BATCH - 1) serve_ready(0);
    }
    while (finished < total && clock_monotonic() - began < give_up_after)
        serve_ready(1000);
    return report(clock_monotonic() - began);
}
