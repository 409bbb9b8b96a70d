/* remote_check.c - one look at the server, before anybody depends on it. */
#include "remote_private.h"

#define CHECK_TIME (5 * USEC_PER_SEC)

struct check {
    struct loop *loop;
    struct redis *redis;
    struct redis_call call;
    const char *url;
    struct buf *warnings;
    bool over;
};

static void end(struct check *c)
{
    c->over = true;
    loop_stop(c->loop);
}

static void replied(struct redis_call *call, const struct redis_reply *reply)
{
    struct check *c = CONTAINER_OF(call, struct check, call);
    struct buf advice = {0};
    if (remote_advice(reply, &advice))
        buf_printf(c->warnings, "cache.redis: %s " TEXT_FORMAT "\n", c->url, TEXT_ARGS(buf_text(&advice)));
    buf_free(&advice);
    end(c);
}

static void tell_useless(struct check *c, const char *why)
{
    buf_printf(c->warnings, "cache.redis: %s cannot be used (%s); the cache would go on without it\n", c->url, why);
    end(c);
}

static void failed(struct redis_call *call, enum redis_failure why)
{
    tell_useless(CONTAINER_OF(call, struct check, call), why == REDIS_TIMEOUT ? "it does not answer" : "it hangs up");
}

static void changed(void *arg, enum redis_state state, const char *why)
{
    struct check *c = arg;
    usec_t deadline = loop_now(c->loop) + CHECK_TIME / 2;
    if (c->over || state == REDIS_CONNECTING) return;
    if (state == REDIS_DOWN)
        tell_useless(c, why);
    else if (!redis_send(c->redis, &c->call, remote_advice_question, 3, deadline, replied, failed))
        tell_useless(c, "it takes no commands");
}

static void ask(struct check *c, struct remote_shared *s)
{
    struct dns *dns = dns_new();
    struct redis_options options = remote_options(s);
    options.connect_timeout = CHECK_TIME / 2;
    options.reply_max = 65536; /* settings are short */
    options.changed = changed;
    options.arg = c;
    c->redis = redis_new(c->loop, dns, &options);
    loop_run(c->loop);
    redis_free(c->redis);
    dns_free(dns);
}

void remote_check(const struct conf_redis *c, struct buf *warnings)
{
    struct buf error = {0};
    struct remote_shared *s = remote_shared_new(c, &error);
    struct check check = {.loop = s ? loop_new() : NULL, .url = c->url, .warnings = warnings};
    if (check.loop) ask(&check, s);
    if (check.loop) loop_free(check.loop);
    remote_shared_free(s);
    buf_free(&error); /* config_check() tells about files that are wrong */
}
