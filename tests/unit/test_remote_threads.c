/* Workers on threads of their own: each has a connection that comes, goes and times out as chance has it; what they
 * share must add up, and going and coming is logged in turns. Run it under ThreadSanitizer. */
#include "dsgate/base/random.h"
#include "remote_fixture.h"

enum { WORKERS = 6, STEPS = 6000 };

struct actor {
    pthread_t thread;
    uint64_t seed;
    struct remote_stats seen;
};

static const struct cache_key key = {{1}};
static const struct cache_facts facts = {
    .key = {{1}}, .status = 200, .fresh = 10000 * USEC_PER_SEC, .tenant = TEXT("t"), .model = TEXT("m")};

static void on_done(struct remote_call *call, struct cache_entry *e) { cache_entry_unref(e); }

static void ask(struct actor *a, struct remote *r, struct redis *redis, struct random_source *random)
{
    struct remote_call call = {0};
    if (!remote_get(r, &call, &key, facts.tenant, facts.model, on_done)) {
        a->seen.skipped++;
        return;
    }
    fake_loop.now += (usec_t)random_below(random, 50 * USEC_PER_MS);
    if (random_below(random, 3)) {
        a->seen.timeouts++;
        fake_fail(redis, REDIS_TIMEOUT);
    } else if (random_below(random, 8)) {
        a->seen.misses++;
        fake_says(redis, REDIS_NIL, TEXT_NONE);
    } else {
        a->seen.errors++;
        fake_says(redis, REDIS_ERROR, TEXT("LOADING"));
    }
}

static void put(struct actor *a, struct remote *r, struct redis *redis, struct cache_entry *e)
{
    unsigned before = redis->count;
    remote_put(r, e);
    if (redis->count == before) {
        a->seen.dropped++;
        return;
    }
    a->seen.stored++;
    fake_says(redis, REDIS_STATUS, TEXT("OK"));
}

static void change_connection(struct redis *redis, bool up)
{
    if (up && redis->state != REDIS_UP)
        fake_connect(redis);
    else if (!up)
        fake_disconnect(redis, "closed");
    while (redis->count > 0) /* the question about its settings */
        fake_says(redis, REDIS_ERROR, TEXT("NOPERM"));
}

static void *run(void *arg)
{
    struct actor *a = arg;
    struct random_source random;
    struct redis *redis;
    struct remote *r = new_worker(&redis);
    struct cache_entry *e = cache_entry_new(&facts, NULL, 0);
    random_seed(&random, a->seed);
    for (int i = 0; i < STEPS; i++) {
        fake_loop.now += (usec_t)random_below(&random, (uint64_t)USEC_PER_SEC / 4);
        switch (random_below(&random, 16)) {
        case 0: change_connection(redis, random_below(&random, 2)); break;
        case 1: stats_of(); break;
        case 2:
        case 3: put(a, r, redis, e); break;
        default: ask(a, r, redis, &random); break;
        }
    }
    remote_free(r);
    cache_entry_unref(e);
    buf_free(&sent_words);
    return NULL;
}

static unsigned count_lines(const char *having)
{
    struct text rest = buf_text(&log_text), line;
    unsigned n = 0;
    while (text_cut(&rest, '\n', &line))
        n += text_find(line, text_of(having)) < line.n;
    return n;
}

START_TEST(all_adds_up)
{
    static struct actor actors[WORKERS];
    struct remote_stats sum = {0};
    begin_gateway();
    for (int i = 0; i < WORKERS; i++) {
        actors[i].seed = (uint64_t)i;
        pthread_create(&actors[i].thread, NULL, run, &actors[i]);
    }
    for (int i = 0; i < WORKERS; i++) {
        pthread_join(actors[i].thread, NULL);
        const struct remote_stats *s = &actors[i].seen;
        sum.timeouts += s->timeouts, sum.misses += s->misses, sum.errors += s->errors, sum.skipped += s->skipped;
        sum.stored += s->stored, sum.dropped += s->dropped;
    }
    struct remote_stats got = stats_of();
    ck_assert(got.timeouts == sum.timeouts && got.misses == sum.misses && got.errors == sum.errors);
    ck_assert(got.skipped == sum.skipped && got.stored == sum.stored && got.dropped == sum.dropped);
    ck_assert(sum.timeouts > 0 && sum.misses > 0 && sum.stored > 0 && sum.dropped > 0);
    int gone = (int)count_lines("goes on without it"), back = (int)count_lines("answers");
    ck_assert_int_gt(gone, 5);
    ck_assert_int_le(abs(gone - back), 1);
    end_gateway();
}
END_TEST

TEST_MAIN("remote_threads", all_adds_up)
