/* main.c - dsgate-sim: opens the listeners, starts the workers, waits for a signal.
 */
#include "dsgate/base/log.h"
#include "dsgate/base/mem.h"
#include "sim.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

enum { EXIT_USAGE = 2, DEFAULT_PORT = 8600, DESCRIPTORS_WANTED = 1024 * 1024 };

struct program {
    struct sim sim;
    struct loop *loop;
    struct tls_ctx *tls;
    struct listener *listeners[LISTEN_MOST];
    unsigned next; /* worker */
};

/* Each stream is a descriptor: as many as may be had, with privileges also more than the hard limit. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit, more = {DESCRIPTORS_WANTED, DESCRIPTORS_WANTED};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    if (limit.rlim_max < DESCRIPTORS_WANTED && setrlimit(RLIMIT_NOFILE, &more) == 0) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

/* ---- listening ---- */

static void on_accepted(void *arg, int fd, const struct address *peer)
{
    struct program *p = arg;
    worker_adopt(&p->sim.workers[p->next++ % p->sim.options.workers], fd, peer, p->tls);
}

static bool listen_at(struct program *p, unsigned i, struct buf *error)
{
    struct address address;
    struct buf name = {0};
    if (!address_parse(text_of(p->sim.options.listen[i]), DEFAULT_PORT, &address, error)) return false;
    p->listeners[i] = listener_open(p->loop, &address, 0660, on_accepted, p, error);
    if (!p->listeners[i]) return false;
    listener_address(p->listeners[i], &address);
    address_format(&address, &name);
    printf("dsgate-sim " DSGATE_VERSION " listens on " TEXT_FORMAT "%s\n", TEXT_ARGS(buf_text(&name)),
           p->tls ? " (TLS)" : "");
    fflush(stdout);
    buf_free(&name);
    return true;
}

static bool open_tls(struct program *p, struct buf *error)
{
    const struct options *o = &p->sim.options;
    struct tls_server_options tls = {.cert_file = o->tls_cert, .key_file = o->tls_key};
    if (!o->tls_cert) return true;
    p->tls = tls_server_new(&tls, error);
    return p->tls != NULL;
}

static bool open_doors(struct program *p)
{
    struct buf error = {0};
    bool open = open_tls(p, &error);
    for (unsigned i = 0; open && i < p->sim.options.listen_count; i++)
        open = listen_at(p, i, &error);
    if (!open) fprintf(stderr, "dsgate-sim: " TEXT_FORMAT "\n", TEXT_ARGS(buf_text(&error)));
    buf_free(&error);
    return open;
}

static void close_doors(struct program *p)
{
    for (unsigned i = 0; i < LISTEN_MOST; i++)
        listener_close(p->listeners[i]);
    tls_ctx_unref(p->tls);
}

/* ---- running ---- */

static void on_signal(int signal, void *arg) { loop_stop(((struct program *)arg)->loop); }

static bool open_workers(struct sim *sim)
{
    sim->workers = mem_zalloc(sim->options.workers * sizeof *sim->workers);
    for (unsigned i = 0; i < sim->options.workers; i++)
        if (!worker_open(&sim->workers[i], sim)) return false;
    return true;
}

static void close_workers(struct sim *sim)
{
    for (unsigned i = 0; sim->workers && i < sim->options.workers; i++)
        worker_close(&sim->workers[i]);
    mem_free(sim->workers);
}

static unsigned start_workers(struct sim *sim)
{
    unsigned started = 0;
    while (started < sim->options.workers && worker_start(&sim->workers[started]))
        started++;
    return started;
}

static int serve(struct program *p)
{
    static const int signals[] = {SIGTERM, SIGINT};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        loop_on_signal(p->loop, signals[i], on_signal, p);
    if (!open_workers(&p->sim)) return EXIT_FAILURE;
    unsigned started = start_workers(&p->sim);
    bool up = started == p->sim.options.workers && open_doors(p);
    if (up) loop_run(p->loop);
    for (unsigned i = 0; i < started; i++)
        worker_stop(&p->sim.workers[i]);
    return up ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int run(struct program *p)
{
    struct sim *sim = &p->sim;
    signal(SIGPIPE, SIG_IGN);
    raise_descriptor_limit();
    log_setup(LOG_WARN, false);
    p->loop = loop_new();
    if (!p->loop) return EXIT_FAILURE;
    sim->lanes = lanes_new(sim->options.concurrency);
    sim->cache = prefix_cache_new(sim->options.prefix_blocks);
    sim->record = record_new();
    int status = serve(p);
    close_doors(p);
    close_workers(sim);
    record_free(sim->record);
    prefix_cache_free(sim->cache);
    lanes_free(sim->lanes);
    loop_free(p->loop);
    return status;
}

int main(int argc, char **argv)
{
    static struct program program;
    int status = EXIT_SUCCESS;
    program.sim.rules = rules_new();
    switch (options_read(&program.sim.options, program.sim.rules, argc, argv)) {
    case OPTIONS_RUN: status = run(&program); break;
    case OPTIONS_EXIT_OK: break;
    case OPTIONS_EXIT_USAGE: status = EXIT_USAGE; break;
    }
    rules_free(program.sim.rules);
    return status;
}
