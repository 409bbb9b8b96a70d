/* http_bench.c - what HTTP/1.1 costs as bytes: nanoseconds per head parsed, head written, and read of a chunked body.
 *
 * Each job runs in several rounds; the fastest round counts, since whatever disturbs a round only adds to it.
 */
#include "dsgate/net/http.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 15, REPEATS = 100000, EVENTS = 8 };

static const struct text request = TEXT("POST /v1/chat/completions HTTP/1.1\r\n"
                                        "Host: 127.0.0.1:8585\r\n"
                                        "Accept-Encoding: gzip, deflate, br, zstd\r\n"
                                        "Connection: keep-alive\r\n"
                                        "Accept: application/json\r\n"
                                        "Content-Type: application/json\r\n"
                                        "User-Agent: OpenAI/Python 1.109.1\r\n"
                                        "X-Stainless-Lang: python\r\n"
                                        "X-Stainless-Package-Version: 1.109.1\r\n"
                                        "X-Stainless-Runtime-Version: 3.12.3\r\n"
                                        "Authorization: Bearer sk-0123456789abcdef0123456789abcdef\r\n"
                                        "x-stainless-timeout: 600\r\n"
                                        "Content-Length: 1024\r\n\r\n");

static const struct text answer = TEXT("HTTP/1.1 200 OK\r\n"
                                       "Date: Fri, 21 Nov 2025 08:00:00 GMT\r\n"
                                       "Content-Type: text/event-stream; charset=utf-8\r\n"
                                       "Transfer-Encoding: chunked\r\n"
                                       "Connection: keep-alive\r\n"
                                       "Vary: origin, access-control-request-method, access-control-request-headers\r\n"
                                       "Access-Control-Allow-Credentials: true\r\n"
                                       "x-ds-trace-id: 4f2a0c7d9e8b6a5f4e3d2c1b0a998877\r\n"
                                       "Cache-Control: no-cache\r\n"
                                       "Server: elb\r\n\r\n");

static const struct http_limits limits = {.line = 8192, .head = 32768, .fields = HTTP_FIELDS_MAX, .body = 1 << 20};

struct job {
    const char *name;
    void (*run)(void);
    double per; /* pieces of work in a run */
};

static struct http_head head;
static struct buf out;

static void parse_request(void)
{
    size_t scanned = 0;
    enum http_error error;
    if (http_parse_request(request, &limits, &scanned, &head, &error) != HTTP_PARSE_DONE) abort();
}

static void parse_answer(void)
{
    size_t scanned = 0;
    enum http_error error;
    if (http_parse_answer(answer, &limits, &scanned, false, &head, &error) != HTTP_PARSE_DONE) abort();
}

static void write_request(void)
{
    buf_clear(&out);
    http_put_request(&out, TEXT("POST"), TEXT("/v1/chat/completions"));
    for (unsigned i = 0; i < head.field_count; i++)
        http_put(&out, http_field_name(&head, &head.fields[i]), http_field_value(&head, &head.fields[i]));
    http_put_u64(&out, TEXT("Content-Length"), 1024);
    http_put_end(&out);
}

/* One event of 250 bytes a chunk, as DeepSeek sends them. The read is in place, so it is made anew each time. */
static void read_chunks(void)
{
    char read[EVENTS * 300], *p = read;
    struct http_body body;
    size_t payload, used;
    for (unsigned i = 0; i < EVENTS; i++) {
        p += http_chunk_size(p, 250);
        memset(p, 'x', 250);
        memcpy(p + 250, "\r\n", 2);
        p += 252;
    }
    http_body_init(&body, &(struct http_head){.framing = HTTP_CHUNKED}, UINT64_MAX);
    if (http_body_feed(&body, read, (size_t)(p - read), &payload, &used) != HTTP_FINE || payload != EVENTS * 250)
        abort();
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double fastest(const struct job *job)
{
    double best = 0;
    for (int round = 0; round < ROUNDS; round++) {
        double start = now();
        for (int i = 0; i < REPEATS; i++)
            job->run();
        double each = (now() - start) / REPEATS / job->per;
        if (round == 0 || each < best) best = each;
    }
    return best;
}

int main(void)
{
    static const struct job jobs[] = {{"parse an answer's head", parse_answer, 1},
                                      {"parse a request's head", parse_request, 1},
                                      {"write that head", write_request, 1},
                                      {"make and read a chunk of 250 bytes", read_chunks, EVENTS}};
    for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++)
        printf("%-36s %6.1f ns\n", jobs[i].name, fastest(&jobs[i]));
    printf("request: %zu bytes, %u fields; answer: %zu bytes\n", request.n, head.field_count, answer.n);
    buf_free(&out);
    return 0;
}
