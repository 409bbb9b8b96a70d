/* redis_test.h - what the tests of net/redis share: calls that note what becomes of them, and a note of the states. */
#ifndef DSGATE_TESTS_REDIS_TEST_H
#define DSGATE_TESTS_REDIS_TEST_H

#include "../suite.h"
#include "dsgate/net/redis.h"

static struct redis *redis;
static char states[2048];        /* "up" and "down: why", each with a full stop */
static void (*redis_then)(void); /* what the next callback does, once */

static inline void redis_go_on(void)
{
    void (*then)(void) = redis_then;
    redis_then = NULL;
    if (then) then();
}

static inline void redis_note_state(void *arg, enum redis_state state, const char *why)
{
    size_t used = strlen(states);
    ck_assert_int_ne(state, REDIS_CONNECTING);
    ck_assert_int_eq(state, redis_state(redis));
    snprintf(states + used, sizeof states - used, "%s%s%s.", used ? " " : "", state == REDIS_UP ? "up" : "down: ", why);
    redis_go_on();
}

/* ---- replies as words ---- */

/* $string +status -error :integer _ [an,array] */
static inline void redis_put_reply(struct buf *b, const struct redis_reply *reply)
{
    buf_add_byte(b, "_$+-:["[reply->type]);
    buf_add(b, reply->text);
    if (reply->type == REDIS_INTEGER) buf_printf(b, "%lld", reply->integer);
    for (size_t i = 0; i < reply->count; i++) {
        if (i) buf_add_byte(b, ',');
        redis_put_reply(b, &reply->items[i]);
    }
    if (reply->type == REDIS_ARRAY) buf_add_byte(b, ']');
}

/* ---- calls ---- */

struct note {
    struct redis_call call;
    struct buf heard; /* the reply as above, "timeout" or "lost"; empty until then */
};

static inline void note_reply(struct redis_call *call, const struct redis_reply *reply)
{
    struct note *n = CONTAINER_OF(call, struct note, call);
    ck_assert_uint_eq(buf_len(&n->heard), 0);
    ck_assert_ptr_null(call->redis);
    redis_put_reply(&n->heard, reply);
    redis_go_on();
}

static inline void note_failure(struct redis_call *call, enum redis_failure why)
{
    struct note *n = CONTAINER_OF(call, struct note, call);
    ck_assert_uint_eq(buf_len(&n->heard), 0);
    ck_assert_ptr_null(call->redis);
    buf_add(&n->heard, why == REDIS_TIMEOUT ? TEXT("timeout") : TEXT("lost"));
    redis_go_on();
}

/* Words are separated by one space each. */
static inline bool send_words(struct note *n, const char *words, usec_t deadline)
{
    struct text argv[8], rest = text_of(words);
    size_t argc = 0;
    while (text_cut(&rest, ' ', &argv[argc]))
        argc++;
    buf_free(&n->heard);
    return redis_send(redis, &n->call, argv, argc, deadline, note_reply, note_failure);
}

#define ck_heard(n, words) \
    ck_assert_msg(text_is(buf_text(&(n)->heard), words), "heard '" TEXT_FORMAT "', expected '%s'", \
                  TEXT_ARGS(buf_text(&(n)->heard)), words)

#endif
