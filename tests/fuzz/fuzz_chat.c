/* Any request body, as the endpoint chosen by the first byte reads it. What is sent on must be valid JSON that says
 * what it has been changed to, and nothing twice, and nothing of the cache; without changes it must be the same, byte
 * for byte. */
#include "dsgate/llm/chat_cache.h"
#include "dsgate/llm/chat_edit.h"
#include <stdlib.h>

static void require(bool holds)
{
    if (!holds) abort();
}

/* False: it can't be done. */
static bool edit(const struct chat_request *r, const struct chat_changes *c, struct buf *sent)
{
    struct iovec iov[CHAT_PIECES];
    struct buf extra = {0};
    size_t total;
    int n = chat_pieces(r, c, &extra, iov, &total);
    for (int i = 0; i < n; i++)
        buf_append(sent, iov[i].iov_base, iov[i].iov_len);
    require(n == 0 || total == buf_len(sent));
    buf_free(&extra);
    return n > 0;
}

/* ---- the model's name ---- */

static void check_unchanged(const struct chat_request *r)
{
    const struct text cache = TEXT("cache");
    struct buf sent = {0};
    struct json_member left;
    require(edit(r, &(struct chat_changes){0}, &sent));
    if (r->members[CHAT_CACHE].type == JSON_ABSENT) require(text_eq(buf_text(&sent), r->body));
    require(json_scan(buf_text(&sent), &cache, 1, &left, JSON_DEPTH).error == JSON_FINE && left.type == JSON_ABSENT);
    buf_free(&sent);
}

/* ---- the cache ---- */

static void check_cache(const struct chat_request *r, enum endpoint_family family)
{
    struct chat_cache asked;
    struct buf message = {0};
    require(chat_cache_read(r, &asked, &message) == CHAT_FINE && buf_len(&message) == 0);
    require(asked.max_age >= 0 && asked.ttl >= 0 && memchr(asked.space, '\0', sizeof asked.space));
    struct chat_traits t = chat_traits(r, family);
    require(t.thinking <= THINKING_ON);
}

/* It must be readable again and belong to the same conversation. */
static void check_model(const struct chat_request *r, const struct endpoint *e)
{
    char name[] = "up/stream", thinking[] = "disabled";
    struct conf_model model = {.name = name, .thinking = thinking};
    struct buf sent = {0}, message = {0};
    struct chat_request again;
    const char *param;
    require(edit(r, &(struct chat_changes){.model = &model}, &sent));
    require(chat_read(&again, e, buf_text(&sent), &message, &param) == CHAT_FINE);
    require(strcmp(again.model, name) == 0);
    require(again.members[CHAT_STREAM].type == r->members[CHAT_STREAM].type);
    require(chat_priority(&again) == chat_priority(r) && chat_conversation(&again) == chat_conversation(r));
    buf_free(&sent);
}

/* ---- the stream ---- */

static void check_stream(const struct chat_request *r)
{
    static const struct text names[] = {TEXT("model"), TEXT("stream"), TEXT("stream_options")};
    struct json_member members[3];
    struct buf sent = {0};
    struct text usage;
    if (edit(r, &(struct chat_changes){.stream = true}, &sent)) {
        require(json_scan(buf_text(&sent), names, 3, members, JSON_DEPTH).error == JSON_FINE);
        require(members[1].type == JSON_TRUE && members[2].type == JSON_OBJECT);
        require(json_get(members[2].value, TEXT("include_usage"), &usage) == JSON_TRUE);
    } else {
        require(r->members[CHAT_STREAM_OPTIONS].type > JSON_NULL);
    }
    buf_free(&sent);
}

/* ---- going on ---- */

/* Whether it could be done, and then is valid. */
static bool goes_on(const struct chat_request *r, const struct chat_changes *c)
{
    static const struct text names[] = {TEXT("model"),
                                        TEXT("stream"),
                                        TEXT("stream_options"),
                                        TEXT("messages"),
                                        TEXT("prompt"),
                                        TEXT("max_tokens"),
                                        TEXT("max_completion_tokens"),
                                        TEXT("prefix"),
                                        TEXT("continue_final_message"),
                                        TEXT("add_generation_prompt")};
    enum { NAMES = sizeof names / sizeof *names };
    struct json_member members[NAMES];
    struct buf sent = {0};
    bool done = edit(r, c, &sent);
    if (done && c->stream) require(json_scan(buf_text(&sent), names, NAMES, members, JSON_DEPTH).error == JSON_FINE);
    if (done) require(json_scan(buf_text(&sent), NULL, 0, NULL, JSON_DEPTH).error == JSON_FINE);
    if (done) require(text_find(buf_text(&sent), buf_text(&c->sent->texts[TRANSCRIPT_CONTENT])) < buf_len(&sent));
    buf_free(&sent);
    return done;
}

static void check_sent(const struct chat_request *r, const struct endpoint *e, struct text content,
                       struct text reasoning, bool fit)
{
    struct transcript t = {.family = e->family, .tokens = {3, 4}};
    buf_add(&t.texts[TRANSCRIPT_CONTENT], content);
    buf_add(&t.texts[TRANSCRIPT_REASONING], reasoning);
    for (enum conf_dialect d = 0; d < DIALECT_COUNT; d++) {
        bool can = chat_can_continue(r, e->family) && chat_continues_at(d, true, &t);
        bool done = goes_on(r, &(struct chat_changes){.sent = &t, .dialect = d});
        require(!done || can);
        require(!fit || done == can);
        goes_on(r, &(struct chat_changes){.name = "f\"", .stream = true, .sent = &t, .dialect = d});
    }
    buf_free(&t.texts[TRANSCRIPT_CONTENT]);
    buf_free(&t.texts[TRANSCRIPT_REASONING]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) return 0;
    const struct endpoint *e = &endpoints[data[0] % endpoint_count];
    struct text body = text_make((const char *)data + 1, size - 1);
    struct chat_request r;
    struct buf message = {0};
    const char *param;
    enum chat_error error = chat_read(&r, e, body, &message, &param);
    require((error == CHAT_FINE) == (buf_len(&message) == 0));
    if (error == CHAT_FINE && e->needs_model) {
        check_unchanged(&r);
        check_cache(&r, e->family);
        check_model(&r, e);
        check_stream(&r);
        check_sent(&r, e, TEXT("so\\n"), TEXT_NONE, true);
        check_sent(&r, e, TEXT("so"), TEXT("\\u0068m"), true);
        check_sent(&r, e, text_from(body, body.n / 2), text_make(body.p, body.n / 2), false);
    }
    buf_free(&message);
    return 0;
}
