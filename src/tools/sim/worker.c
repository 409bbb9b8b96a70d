/* worker.c - a thread with a loop and a server: connections come by post from the main thread, requests go to the
 * endpoints.
 */
#include "dsgate/base/log.h"
#include "dsgate/base/mem.h"
#include "player.h"
#include <stdio.h>
#include <sys/prctl.h>

/* ---- the server's callbacks ---- */

static void on_request(struct server *s, struct exchange *x)
{
    if (text_starts(exchange_head(x)->path, TEXT("/_sim")))
        control_serve(x);
    else
        endpoint_serve(x);
}

/* The early-response scenario lets no body in at all, so each body is "too large" as soon as its head is there. */
static void on_malformed(struct server *s, struct exchange *x, enum http_error error)
{
    struct sim *sim = worker_of(x)->sim;
    struct refusal r = {0};
    if (error == HTTP_BODY_TOO_LARGE && rules_want_early(sim->rules)) {
        record_count(sim->record, RECORD_FAULTS, 1);
        refuse_row(&r, error_find(TEXT("busy")));
    } else {
        record_count(sim->record, RECORD_MALFORMED, 1);
        refuse(&r, http_error_status(error), "dsgate-sim: %s", http_error_text(error));
    }
    answer_refusal(x, &r, TEXT_NONE);
}

static void on_disconnected(struct server *s)
{
    struct worker *w = server_arg(s);
    record_move(w->sim->record, RECORD_OPEN_CONNECTIONS, -1);
}

static const struct server_ops server_callbacks = {
    .request = on_request,
    .malformed = on_malformed,
    .gone = player_gone,
    .drained = player_drained,
    .disconnected = on_disconnected,
};

static struct server_options server_options_of(struct sim *sim)
{
    return (struct server_options){.limits = {.line = 64 * 1024,
                                              .head = 256 * 1024,
                                              .fields = HTTP_FIELDS_MAX,
                                              .body = rules_want_early(sim->rules) ? 0 : sim->options.body_limit},
                                   .head_timeout = 60 * USEC_PER_SEC,
                                   .body_timeout = 600 * USEC_PER_SEC,
                                   .keep_alive_timeout = 600 * USEC_PER_SEC,
                                   .write_timeout = 3600 * USEC_PER_SEC};
}

/* ---- thread ---- */

static void *thread_main(void *arg)
{
    struct worker *w = arg;
    prctl(PR_SET_NAME, "sim-worker");
    loop_run(w->loop);
    server_free(w->server); /* its `gone` callbacks end every player; they need this thread's loop */
    w->server = NULL;
    return NULL;
}

bool worker_open(struct worker *w, struct sim *sim)
{
    struct server_options options = server_options_of(sim);
    w->sim = sim;
    w->loop = loop_new();
    if (!w->loop) return false;
    w->server = server_new(w->loop, &options, &server_callbacks, w);
    return true;
}

bool worker_start(struct worker *w)
{
    bool started = pthread_create(&w->thread, NULL, thread_main, w) == 0;
    if (!started) log_error("cannot start a thread");
    return started;
}

void worker_stop(struct worker *w)
{
    loop_stop(w->loop);
    pthread_join(w->thread, NULL);
}

void worker_close(struct worker *w)
{
    if (w->server) server_free(w->server);
    if (w->loop) loop_free(w->loop);
    buf_free(&w->scratch);
    buf_free(&w->fields);
}

/* ---- posts ---- */

struct message {
    struct loop_post post;
    struct worker *worker;
    int fd;
    struct address peer;
    struct tls_ctx *tls;
};

static void deliver_connection(struct loop_post *post)
{
    struct message *m = CONTAINER_OF(post, struct message, post);
    server_adopt(m->worker->server, m->fd, &m->peer, m->tls);
    tls_ctx_unref(m->tls);
    mem_free(m);
}

void worker_adopt(struct worker *w, int fd, const struct address *peer, struct tls_ctx *tls)
{
    struct message *m = MEM_NEW(struct message);
    *m = (struct message){.worker = w, .fd = fd, .peer = *peer, .tls = tls ? tls_ctx_ref(tls) : NULL};
    m->post.deliver = deliver_connection;
    record_count(w->sim->record, RECORD_CONNECTIONS, 1);
    record_move(w->sim->record, RECORD_OPEN_CONNECTIONS, 1);
    loop_post(w->loop, &m->post);
}

static void deliver_rules(struct loop_post *post)
{
    struct message *m = CONTAINER_OF(post, struct message, post);
    struct server_options options = server_options_of(m->worker->sim);
    server_set_options(m->worker->server, &options);
    mem_free(m);
}

void sim_rules_changed(struct sim *sim)
{
    for (unsigned i = 0; i < sim->options.workers; i++) {
        struct message *m = MEM_NEW(struct message);
        m->worker = &sim->workers[i];
        m->post.deliver = deliver_rules;
        loop_post(m->worker->loop, &m->post);
    }
}
