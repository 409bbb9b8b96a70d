/* steps.c - the short steps of a request's life, and how one leads to the next. The table of them all is in steps.h;
 * lookup.c, queue.c, dispatch.c, stream.c and finish.c hold the longer ones. */
#include "dsgate/gate/steps.h"
#include "dsgate/gate/cached.h"
#include "dsgate/gate/worker.h"

/* ---- READ ---- */

static void set_request_id(struct request *r, struct text given)
{
    if (given.n && given.n < sizeof r->id)
        memcpy(r->id, given.p, given.n);
    else
        random_hex(&r->worker->random, r->id, 32);
}

static enum flow read_run(struct request *r)
{
    const struct http_head *head = request_head(r);
    text_copy(head->path, r->path, sizeof r->path);
    if (r->exchange) text_copy(text_of(exchange_peer(r->exchange)), r->peer, sizeof r->peer);
    r->method = head->method;
    r->bytes_in = request_body(r).n;
    return FLOW_NEXT;
}

/* ---- ADMIT ---- */

static void set_deadline(struct request *r)
{
    usec_t total = r->pool->config->timeouts.total, wanted = r->admission.hints.timeout;
    r->deadline = r->began + (wanted ? usec_earlier(wanted, total) : total);
}

static enum flow unknown_model(struct request *r)
{
    struct buf *message = &r->admission.message;
    BUF_ADD(message, "The model '");
    buf_add(message, text_of(r->admission.chat.model));
    BUF_ADD(message, "' does not exist here.");
    struct buf near = {0};
    pool_near_models(r->pool, text_of(r->admission.chat.model), &near);
    if (buf_len(&near)) {
        BUF_ADD(message, " Did you mean ");
        buf_add(message, buf_text(&near));
        BUF_ADD(message, "?");
    }
    buf_free(&near);
    r->admission.param = "model";
    return request_fail(r, FAIL_MODEL_NOT_FOUND);
}

static enum flow admit_run(struct request *r)
{
    struct admission *a = &r->admission;
    enum failure refused = admit(a, request_head(r), request_body(r));
    set_request_id(r, a->hints.request_id);
    set_deadline(r);
    if (refused) return request_fail(r, refused);
    r->row = a->endpoint->needs_model ? pool_find_model(r->pool, text_of(a->chat.model)) : &r->pool->all;
    if (!r->row) return unknown_model(r);
    queue_classify(r);
    return FLOW_NEXT;
}

/* ---- the table ---- */

/* Steps that never wait have nothing to cancel. */
#define read_cancel   NULL
#define admit_cancel  NULL
#define finish_cancel NULL

static const struct {
    const char *name;
    enum flow (*run)(struct request *r);
    void (*cancel)(struct request *r);
} steps[STEP_COUNT] = {
#define X(id, name) [STEP_##id] = {#name, name##_run, name##_cancel},
    STEPS(X)
#undef X
};

const char *step_name(enum step s) { return steps[s].name; }

/* Time is counted from turn to turn, since reading the clock is not free. Only ADMIT, which scans the body, may take
 * long within a turn. */
static void leave_step(struct request *r, enum step s)
{
    struct loop *loop = r->worker->loop;
    usec_t now = s == STEP_ADMIT ? loop_clock(loop) : loop_now(loop);
    if (now <= r->entered) return; /* the clock was read before in this turn */
    r->spent[s] += now - r->entered;
    r->entered = now;
}

void request_run(struct request *r)
{
    for (;;) {
        enum step ran = r->step;
        enum flow flow = steps[ran].run(r);
        if (flow == FLOW_DONE || flow == FLOW_WAIT) return;
        leave_step(r, ran);
        if (flow == FLOW_NEXT) r->step = ran + 1;
    }
}

/* Whatever the step waits for does not come any more. */
static void leave_early(struct request *r)
{
    if (steps[r->step].cancel) steps[r->step].cancel(r);
    leave_step(r, r->step);
}

void request_shut_down(struct request *r)
{
    leave_early(r);
    r->failed = (struct attempt_failure){.verdict = VERDICT_NONE, .failure = FAIL_SHUTTING_DOWN, .reason = "shutdown"};
    request_fail(r, FAIL_SHUTTING_DOWN);
    request_run(r);
}

void request_cancel(struct request *r)
{
    if (ghost_stay(r)) return;
    leave_early(r);
    r->client_gone |= r->exchange != NULL; /* the gateway's own never had one */
    r->exchange = NULL;
    r->step = STEP_FINISH;
    request_run(r);
}

enum flow request_jump(struct request *r, enum step to)
{
    r->step = to;
    return FLOW_JUMP;
}

enum flow request_fail(struct request *r, enum failure f)
{
    r->failure = f;
    record_fail(r); /* before the client hears it */
    return request_jump(r, STEP_STREAM);
}
