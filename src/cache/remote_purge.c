/* remote_purge.c - entries are found by their names and dropped, a few hundred at a time, so that the server serves
 * others meanwhile. */
#include "dsgate/base/mem.h"
#include "remote_name.h"
#include "remote_private.h"
#include <stdio.h>

#define STEP_TIME  (3 * USEC_PER_SEC)
#define PURGE_TIME (300 * USEC_PER_SEC) /* some servers have names without end, or a cursor that goes round */

static struct remote *owner(struct redis_call *call) { return CONTAINER_OF(call, struct remote, purge.call); }

/* Whoever hears of it may begin another one, or free all of it. */
static void finish(struct remote *r, long long dropped)
{
    void (*done)(void *arg, long long dropped) = r->purge.done;
    r->purge.done = NULL;
    done(r->purge.arg, dropped);
}

static void failed(struct redis_call *call, enum redis_failure why) { finish(owner(call), -1); }

static bool step(struct remote *r, const struct text *argv, size_t argc,
                 void (*replied)(struct redis_call *call, const struct redis_reply *reply))
{
    return redis_send(r->redis, &r->purge.call, argv, argc, loop_clock(r->loop) + STEP_TIME, replied, failed);
}

static void scanned(struct redis_call *call, const struct redis_reply *reply);

static bool scan(struct remote *r)
{
    if (loop_clock(r->loop) >= r->purge.end) return false;
    const struct text argv[] = {
        TEXT("SCAN"), text_of(r->purge.cursor), TEXT("MATCH"), buf_text(&r->purge.pattern), TEXT("COUNT"), TEXT("500")};
    return step(r, argv, 6, scanned);
}

static void go_on(struct remote *r)
{
    if (!strcmp(r->purge.cursor, "0"))
        finish(r, r->purge.dropped);
    else if (!scan(r))
        finish(r, -1);
}

static void unlinked(struct redis_call *call, const struct redis_reply *reply)
{
    struct remote *r = owner(call);
    remote_note_reply(r, reply);
    if (reply->type != REDIS_INTEGER) {
        finish(r, -1);
        return;
    }
    r->purge.dropped += reply->integer;
    go_on(r);
}

static bool unlink_all(struct remote *r, const struct redis_reply *names, size_t n)
{
    struct text *argv = mem_alloc((n + 1) * sizeof *argv);
    argv[0] = TEXT("UNLINK");
    for (size_t i = 0; i < n; i++)
        argv[i + 1] = names[i].text;
    bool sent = step(r, argv, n + 1, unlinked);
    mem_free(argv);
    return sent;
}

/* A cursor is a number of 64 bits. */
static bool is_scan_reply(const struct remote *r, const struct redis_reply *reply)
{
    if (reply->type != REDIS_ARRAY || reply->count != 2 || reply->items[1].type != REDIS_ARRAY) return false;
    size_t n = reply->items[0].text.n;
    return n > 0 && n < sizeof r->purge.cursor;
}

static void scanned(struct redis_call *call, const struct redis_reply *reply)
{
    struct remote *r = owner(call);
    remote_note_reply(r, reply);
    if (!is_scan_reply(r, reply)) {
        finish(r, -1);
        return;
    }
    const struct redis_reply *names = &reply->items[1];
    text_copy(reply->items[0].text, r->purge.cursor, sizeof r->purge.cursor);
    if (names->count == 0)
        go_on(r);
    else if (!unlink_all(r, names->items, names->count))
        finish(r, -1);
}

/* The name itself is known where all of its parts are. */
static bool begin(struct remote *r, const struct cache_selection *s)
{
    struct buf *pattern = &r->purge.pattern;
    struct text tenant = text_of(s->tenant), model = text_of(s->model);
    bool one = s->key && s->tenant && s->model;
    buf_clear(pattern);
    (one ? remote_name : remote_name_pattern)(pattern, r->shared->prefix, tenant, model, s->key);
    snprintf(r->purge.cursor, sizeof r->purge.cursor, "0");
    r->purge.end = loop_clock(r->loop) + PURGE_TIME;
    if (!one) return scan(r);
    const struct redis_reply name = {.type = REDIS_STRING, .text = buf_text(pattern)};
    return unlink_all(r, &name, 1);
}

bool remote_purge(struct remote *r, const struct cache_selection *s, void (*done)(void *arg, long long dropped),
                  void *arg)
{
    if (r->purge.done || !begin(r, s)) return false;
    r->purge.dropped = 0;
    r->purge.done = done;
    r->purge.arg = arg;
    return true;
}
