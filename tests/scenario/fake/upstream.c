/* What upstreams are asked, and what they answer. */
#include "../../assertions.h"
#include "gateway.h"
#include <stdio.h>

void upstream_json(struct wire *w, unsigned status, const char *body)
{
    char *answer = mem_printf("HTTP/1.1 %u X\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                              status, strlen(body), body);
    wire_send(w, text_of(answer));
    mem_free(answer);
    fake_settle();
}

void upstream_stream_head(struct wire *w)
{
    wire_send(w, TEXT("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"));
    fake_settle();
}

void upstream_chunk(struct wire *w, const char *bytes)
{
    char *chunk = mem_printf("%zx\r\n%s\r\n", strlen(bytes), bytes);
    wire_send(w, text_of(chunk));
    mem_free(chunk);
    fake_settle();
}

void upstream_stream_end(struct wire *w)
{
    wire_send(w, TEXT("0\r\n\r\n"));
    fake_settle();
}

void upstream_close(struct wire *w)
{
    wire_close(w);
    fake_settle();
}

bool upstream_got_request(const struct wire *w)
{
    struct http_limits limits = {.line = 8192, .head = 65536, .fields = HTTP_FIELDS_MAX, .body = UINT64_MAX};
    struct http_head head;
    size_t scanned = 0;
    enum http_error error;
    struct text in = wire_received(w);
    if (http_parse_request(in, &limits, &scanned, &head, &error) != HTTP_PARSE_DONE) return false;
    return in.n == head.length + head.content_length;
}

char taken_path[256], taken_body[4096];

struct wire *upstream_take(struct wire *w)
{
    struct http_limits limits = {.line = 8192, .head = 65536, .fields = HTTP_FIELDS_MAX, .body = UINT64_MAX};
    struct http_head head;
    size_t scanned = 0;
    enum http_error error;
    ck_assert_msg(w && upstream_got_request(w), "there is no request");
    http_parse_request(wire_received(w), &limits, &scanned, &head, &error);
    text_copy(head.path, taken_path, sizeof taken_path);
    text_copy(text_from(wire_received(w), head.length), taken_body, sizeof taken_body);
    wire_clear(w);
    return w;
}

const char *delta_of(const char *id, const char *members)
{
    static char events[4][1024];
    static unsigned next;
    char *event = events[next++ % 4];
    snprintf(event, sizeof events[0],
             "data: {\"id\":\"%s\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\","
             "\"choices\":[{\"index\":0,\"delta\":%s,\"logprobs\":null,\"finish_reason\":null}],"
             "\"usage\":null}\n\n",
             id, members);
    return event;
}

const char *delta_text(const char *id, const char *text)
{
    char members[512];
    snprintf(members, sizeof members, "{\"content\":\"%s\"}", text);
    return delta_of(id, members);
}

const char *delta(const char *text) { return delta_text("1", text); }

void upstream_stream_finish(struct wire *w)
{
    upstream_chunk(w, finish_event);
    upstream_chunk(w, done_event);
    upstream_stream_end(w);
}

const char finish_event[] =
    "data: {\"id\":\"1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,"
    "\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2,\"total_tokens\":"
    "5}}\n\n";
const char done_event[] = "data: [DONE]\n\n";
