/* pulse.c - signs of life for streams whose next token is late.
 *
 * Clients and what is between them and us give connections up that are silent for long. So after timeouts.commit the
 * gateway begins the answer itself, with a comment, which no client takes for a token; which upstream will give the
 * answer stays open. The price is that a failure can then only be told inside the stream.
 */
#include "dsgate/gate/reply.h"
#include "dsgate/gate/worker.h"

static void on_timer(struct timer *timer);

static void watch(struct request *r)
{
    struct loop *loop = r->worker->loop;
    timer_set(loop, &r->pulse_timer, loop_now(loop) + r->pool->config->timeouts.commit, on_timer);
}

static void on_timer(struct timer *timer)
{
    struct request *r = CONTAINER_OF(timer, struct request, pulse_timer);
    if (reply_keep_alive(r)) watch(r);
}

void pulse_begin(struct request *r)
{
    bool wanted = r->exchange && admission_wants_stream(&r->admission);
    if (wanted && !timer_is_set(&r->pulse_timer)) watch(r);
}

void pulse_stop(struct request *r) { timer_cancel(r->worker->loop, &r->pulse_timer); }
