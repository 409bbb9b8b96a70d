/* What a turn costs: nanoseconds to grant and release while there is room, and to wait and be served while 1,000,
 * 10,000 or 100,000 tickets wait for 50 models at 16 upstreams, limited by account or by model.
 *
 * Each figure is the best of several rounds, since whatever disturbs a round only adds to it. Aims: less than 300 ns
 * with room, less than 2 µs with a queue, and no faster growth than log n: at most 1/3 more for ten times as many,
 * where the processor's caches allow it.
 */
#include "dsgate/base/log.h"
#include "dsgate/base/random.h"
#include "dsgate/sched/sched.h"
#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 7, REPEATS = 100000, BATCH = 64, CALLERS = 100 };
enum { MODELS = 50, UPSTREAMS = 16, CAP = 100, MODEL_CAP = 4, WAITING_LEAST = 1000, WAITING_MOST = 100000 };

static struct sched *sched;
static struct pool *pool;
static struct loop *loop;
static struct loop_after end_of_turn;
static struct sched_inbox inbox;
static struct random_source source;
static struct ticket *tickets;
static struct ticket **holders, *settled[BATCH]; /* who has a lease; who has just got one */
static size_t ticket_count, holder_count, settled_count;
static usec_t now = 1000 * USEC_PER_SEC;

static void stop_loop(struct loop_after *after)
{
    (void)after;
    loop_stop(loop);
}

static void take_settled(struct ticket *t)
{
    if (!t->lease.upstream || settled_count == BATCH) abort();
    settled[settled_count++] = t;
}

static void deliver(void)
{
    loop_after_turn(loop, &end_of_turn);
    loop_run(loop);
}

/* ---- a pool ---- */

static void add_upstream(struct buf *yaml, unsigned i, bool by_model, bool capped)
{
    buf_printf(yaml, "- {name: u%u, base_url: 'http://127.0.0.1:1', adaptive: false, weight: %u, models: {", i,
               1 + i % 5);
    for (unsigned m = 0; m < MODELS; m++)
        buf_printf(yaml, "m%u: m%u, ", m, m);
    buf_printf(yaml, "}");
    if (capped && !by_model) buf_printf(yaml, ", max_concurrency: %d", CAP);
    for (unsigned m = 0; capped && by_model && m < MODELS; m++)
        buf_printf(yaml, "%sm%u: %d", m ? ", " : ", max_concurrency: {", m, MODEL_CAP);
    buf_printf(yaml, capped && by_model ? "}}\n" : "}\n");
}

static void set_up(unsigned upstreams, bool by_model, bool capped)
{
    struct buf yaml = {0}, error = {0};
    struct config_errors errors = {0};
    buf_printf(&yaml, "queue: {max_waiting: 1000000, classes: {P3: {start_below: 100%%}}}\nupstreams:\n");
    for (unsigned i = 0; i < upstreams; i++)
        add_upstream(&yaml, i, by_model, capped);
    struct config *config = config_parse("bench", buf_text(&yaml), &errors);
    pool = config ? pool_new(config, NULL, NULL, 0, &error) : NULL;
    if (!pool) {
        fprintf(stderr, TEXT_FORMAT TEXT_FORMAT, TEXT_ARGS(buf_text(&errors.text)), TEXT_ARGS(buf_text(&error)));
        exit(1);
    }
    config_unref(config);
    buf_free(&yaml);
    sched = sched_new();
    sched_use_pool(sched, pool, now);
    sched_inbox_open(sched, &inbox, loop, take_settled);
}

static void tear_down(void)
{
    deliver();
    sched_inbox_close(&inbox);
    sched_free(sched);
    pool_unref(pool);
}

/* ---- tickets ---- */

static void fill_ticket(struct ticket *t, size_t i)
{
    char model[16];
    snprintf(model, sizeof model, "m%zu", i % MODELS);
    *t = (struct ticket){.row = pool_find_model(pool, text_of(model)),
                         .endpoint = endpoint_find(TEXT("/v1/chat/completions")),
                         .priority = PRIORITY_P1 + (enum conf_priority)random_below(&source, 3),
                         .caller = random_below(&source, CALLERS),
                         .caller_weight = 1,
                         .deadline =
                             random_below(&source, 2) ? USEC_NEVER : now + (usec_t)random_below(&source, 1000000),
                         .latest = USEC_NEVER,
                         .inbox = &inbox,
                         .label = "bench"};
}

static enum sched_answer ask(struct ticket *t)
{
    t->asked = 0;
    return sched_ask(sched, t, now);
}

static void release(struct ticket *t)
{
    static const struct result success = {.outcome = OUTCOME_SUCCESS, .first_token = 1000};
    sched_release(sched, &t->lease, &success, now);
}

/* Until every place is taken and n tickets wait. */
static void fill(size_t n)
{
    size_t waiting = 0;
    ticket_count = holder_count = 0;
    while (waiting < n) {
        struct ticket *t = &tickets[ticket_count++];
        fill_ticket(t, ticket_count);
        if (ask(t) == SCHED_GRANTED)
            holders[holder_count++] = t;
        else
            waiting++;
    }
}

static void drop_all(void)
{
    for (size_t i = 0; i < ticket_count; i++)
        sched_cancel(sched, &tickets[i], now);
    for (size_t i = 0; i < holder_count; i++)
        release(holders[i]);
}

/* ---- what is measured: nanoseconds for one ---- */

static double per(usec_t begun, double count) { return (double)(clock_monotonic() - begun) * 1000.0 / count; }

static double grant_and_release(void)
{
    struct ticket *t = &tickets[0];
    fill_ticket(t, 0);
    usec_t begun = clock_monotonic();
    for (int i = 0; i < REPEATS; i++) {
        if (ask(t) != SCHED_GRANTED) abort();
        release(t);
    }
    return per(begun, REPEATS);
}

/* Each release serves one that waits, and who has released asks again. The loop has a turn for every 64. */
static void turn_over(void)
{
    struct ticket *released[BATCH];
    size_t from = random_below(&source, holder_count - BATCH);
    settled_count = 0;
    for (size_t i = 0; i < BATCH; i++)
        release(released[i] = holders[from + i]);
    deliver();
    if (settled_count != BATCH) abort();
    for (size_t i = 0; i < BATCH; i++) {
        holders[from + i] = settled[i];
        if (ask(released[i]) != SCHED_WAITING) abort();
    }
}

static double push_and_pop(void)
{
    usec_t begun = clock_monotonic();
    for (int i = 0; i < REPEATS / BATCH; i++)
        turn_over();
    return per(begun, REPEATS / BATCH * BATCH);
}

static double cancel(void)
{
    enum { CANCELLED = 500 };
    struct ticket *chosen[CANCELLED];
    for (int i = 0; i < CANCELLED; i++) {
        do
            chosen[i] = &tickets[random_below(&source, ticket_count)];
        while (chosen[i]->state != TICKET_WAITING);
    }
    usec_t begun = clock_monotonic();
    for (int i = 0; i < CANCELLED; i++)
        sched_cancel(sched, chosen[i], now);
    double spent = per(begun, CANCELLED);
    for (int i = 0; i < CANCELLED; i++)
        if (chosen[i]->state == TICKET_IDLE && ask(chosen[i]) != SCHED_WAITING) abort();
    return spent;
}

/* Nothing has changed but the time. */
static double tick(void)
{
    enum { TICKS = 200 };
    usec_t begun = clock_monotonic();
    for (int i = 0; i < TICKS; i++)
        sched_tick(sched, now);
    return per(begun, TICKS);
}

static double best_of(double (*measure)(void))
{
    double best = measure();
    for (int round = 1; round < ROUNDS; round++) {
        double spent = measure();
        if (spent < best) best = spent;
    }
    return best;
}

/* ---- the table ---- */

static void report_free(unsigned upstreams)
{
    set_up(upstreams, false, false);
    printf("grant and release, %2u upstreams with room  %8.0f ns\n", upstreams, best_of(grant_and_release));
    tear_down();
}

static void report_queue(bool by_model)
{
    double before = 0;
    printf("\nlimits by %-8s %12s %8s %10s %10s\n", by_model ? "model" : "account", "push + pop", "growth", "cancel",
           "tick");
    for (size_t n = WAITING_LEAST; n <= WAITING_MOST; n *= 10) {
        set_up(UPSTREAMS, by_model, true);
        fill(n);
        double turn = best_of(push_and_pop);
        printf("%8zu waiting %12.0f ns %7.2f %7.0f ns %7.0f ns\n", n, turn, before > 0 ? turn / before : 1.0,
               best_of(cancel), best_of(tick));
        before = turn;
        drop_all();
        tear_down();
    }
}

int main(void)
{
    enum { TICKETS = WAITING_MOST + UPSTREAMS * MODELS * MODEL_CAP };
    log_set_level(LOG_ERROR);
    random_seed(&source, 1);
    loop = loop_new();
    end_of_turn.run = stop_loop;
    tickets = calloc(TICKETS, sizeof *tickets);
    holders = calloc(TICKETS, sizeof *holders);
    if (!loop || !tickets || !holders) abort();
    report_free(1);
    report_free(UPSTREAMS);
    report_queue(false);
    report_queue(true);
    free(holders);
    free(tickets);
    loop_free(loop);
    return 0;
}
