/* redis.c - commands and their replies.
 *
 * Replies come in the order of the commands and do not say whose they are. So each command leaves a note of who waits
 * for its reply; a waiter that leaves, or whose time is up, is crossed out there and its reply falls to nobody. */
#include "redis_private.h"

#define PATIENCE (5 * USEC_PER_SEC) /* with one command: then the server does not read */

struct asked {
    struct redis_call *call; /* NULL: nobody waits */
    usec_t sent;
    bool told; /* by redis_tell() */
};

/* ---- who waits ---- */

static struct asked *asked_at(struct redis *r, uint64_t i)
{
    void *first = r->asked.data + r->asked.head;
    return (struct asked *)first + i;
}

static uint64_t asked_count(const struct redis *r) { return buf_len(&r->asked) / sizeof(struct asked); }

/* Deadlines mostly come in the order of sending, so that this looks at few. */
static void wait_for(struct redis *r, struct redis_call *call)
{
    struct list *before = r->waiting.prev;
    while (before != &r->waiting && CONTAINER_OF(before, struct redis_call, node)->deadline > call->deadline)
        before = before->prev;
    list_insert_before(before->next, &call->node);
}

static void end_call(struct redis_call *call)
{
    list_remove(&call->node);
    call->redis = NULL;
}

static struct redis_call *first_waiting(const struct redis *r)
{
    return list_empty(&r->waiting) ? NULL : CONTAINER_OF(r->waiting.next, struct redis_call, node);
}

void redis_forget(struct redis_call *call)
{
    struct redis *r = call->redis;
    if (!r) return;
    if (call->number >= r->answered) asked_at(r, call->number - r->answered)->call = NULL;
    end_call(call);
}

static void fail(struct redis_call *call, enum redis_failure why)
{
    redis_forget(call);
    call->failed(call, why);
}

/* ---- sending ---- */

static void ask(struct redis *r, struct asked a, const struct text *argv, size_t argc)
{
    a.sent = loop_now(r->loop);
    buf_append(&r->asked, &a, sizeof a);
    redis_put(r, argv, argc);
}

/* The timer is for the first deadline only: most are never reached. */
static void look_in_time(struct redis *r)
{
    usec_t due = redis_calls_due(r);
    if (due < r->timer.due) timer_set(r->loop, &r->timer, due, r->timer.fire);
}

static bool may_send(const struct redis *r, const struct text *argv, size_t argc)
{
    size_t bytes = conn_unsent(&r->conn) + buf_len(&r->out);
    for (size_t i = 0; i < argc; i++)
        bytes += argv[i].n;
    return r->state == REDIS_UP && bytes <= r->options.unsent_max;
}

bool redis_send(struct redis *r, struct redis_call *call, const struct text *argv, size_t argc, usec_t deadline,
                void (*replied)(struct redis_call *call, const struct redis_reply *reply),
                void (*failed)(struct redis_call *call, enum redis_failure why))
{
    if (!may_send(r, argv, argc)) return false;
    *call = (struct redis_call){.deadline = deadline, .redis = r, .replied = replied, .failed = failed};
    call->number = r->answered + asked_count(r);
    ask(r, (struct asked){.call = call}, argv, argc);
    wait_for(r, call);
    look_in_time(r);
    return true;
}

bool redis_tell(struct redis *r, const struct text *argv, size_t argc)
{
    if (!may_send(r, argv, argc)) return false;
    ask(r, (struct asked){.told = true}, argv, argc);
    look_in_time(r);
    return true;
}

/* ---- what becomes of it ---- */

bool redis_calls_heard(struct redis *r, const struct redis_reply *reply)
{
    if (asked_count(r) == 0) return false;
    struct asked a = *asked_at(r, 0);
    buf_consume(&r->asked, sizeof a);
    r->answered++;
    if (a.told && reply->type == REDIS_ERROR) r->errors++;
    if (a.call) {
        end_call(a.call);
        a.call->replied(a.call, reply);
    }
    return true;
}

usec_t redis_calls_due(struct redis *r)
{
    const struct redis_call *first = first_waiting(r);
    usec_t silence = asked_count(r) ? asked_at(r, 0)->sent + PATIENCE : USEC_NEVER;
    return first ? usec_earlier(first->deadline, silence) : silence;
}

bool redis_calls_expire(struct redis *r, usec_t now)
{
    struct redis_call *call;
    while ((call = first_waiting(r)) && call->deadline <= now)
        fail(call, REDIS_TIMEOUT);
    return asked_count(r) == 0 || now - asked_at(r, 0)->sent < PATIENCE;
}

void redis_calls_drop(struct redis *r)
{
    r->answered += asked_count(r);
    buf_free(&r->asked);
}

void redis_calls_fail(struct redis *r)
{
    struct redis_call *call;
    while ((call = first_waiting(r)))
        fail(call, REDIS_LOST);
}

/* ---- life ---- */

struct redis *redis_new(struct loop *loop, struct dns *dns, const struct redis_options *o)
{
    struct redis *r = MEM_NEW(struct redis);
    r->loop = loop;
    r->dns = dns;
    r->options = *o;
    r->options.origin = origin_ref(o->origin);
    r->options.user = r->user = mem_strdup(o->user);
    r->options.password = r->password = mem_strdup(o->password);
    list_init(&r->waiting);
    random_seed_fresh(&r->random);
    redis_link_begin(r);
    return r;
}

void redis_destroy(struct redis *r)
{
    origin_unref(r->options.origin);
    mem_free_secret(r->user);
    mem_free_secret(r->password);
    mem_free(r);
}

void redis_free(struct redis *r)
{
    if (!r) return;
    redis_link_end(r);
    redis_calls_drop(r);
    while (first_waiting(r))
        end_call(first_waiting(r));
    r->gone = true;
    if (!r->busy) redis_destroy(r);
}

enum redis_state redis_state(const struct redis *r) { return r->state; }
uint64_t redis_errors(const struct redis *r) { return r->errors; }
