/* Discovery with names, time and a config of our own. Its timer runs on real time, in which nothing here is due. */
#include "../../src/gate/discovery_with.h"
#include "../../src/net/records_resolver.h"
#include "dsgate/base/log.h"
#include "net_test.h"
#include <dirent.h>
#include <pthread.h>
#include <sched.h>

/* ---- the names: what is said of each, and how often it was asked for ---- */

enum { NAMES = 3 };
static struct said {
    const char *name, *addresses; /* "10.0.0.1:80 10.0.0.2:80"; of services "[PRIORITY WEIGHT ADDRESS ]…" */
    usec_t ttl;
    unsigned missed, calls;
    bool left_out;
} names[NAMES];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static unsigned next_number(struct text *rest)
{
    struct text word = TEXT_NONE;
    uint64_t n = 0;
    ck_assert(text_cut(rest, ' ', &word) && text_to_u64(word, &n));
    return (unsigned)n;
}

static void fill(const struct said *said, const struct records_question *q, struct records_answer *out)
{
    struct text rest = text_of(said->addresses), word;
    struct buf error = {0};
    out->at = mem_zalloc(20 * sizeof *out->at);
    out->ttl = said->ttl;
    out->missed = said->missed;
    out->left_out = said->left_out;
    while (rest.n) {
        struct record *r = &out->at[out->count++];
        if (q->kind == RECORDS_SRV) r->priority = next_number(&rest);
        if (q->kind == RECORDS_SRV) r->weight = next_number(&rest);
        ck_assert(text_cut(&rest, ' ', &word));
        ck_assert(address_parse(word, q->port, &r->address, &error));
    }
    if (out->count == 0) out->failure = "it was told to fail";
}

static void resolve(const struct records_question *q, struct records_answer *out)
{
    pthread_mutex_lock(&mutex);
    for (int i = 0; i < NAMES; i++)
        if (names[i].name && !strcmp(names[i].name, q->name)) {
            names[i].calls++;
            fill(&names[i], q, out);
        }
    pthread_mutex_unlock(&mutex);
    if (!out->at) out->failure = "there is no such name";
}

static void say(int i, const char *name, const char *addresses, int ttl_seconds)
{
    pthread_mutex_lock(&mutex);
    unsigned calls = names[i].calls;
    names[i] = (struct said){.name = name, .addresses = addresses, .ttl = ttl_seconds * USEC_PER_SEC, .calls = calls};
    pthread_mutex_unlock(&mutex);
}

static void say_missed(int i, unsigned missed)
{
    pthread_mutex_lock(&mutex);
    names[i].missed = missed;
    pthread_mutex_unlock(&mutex);
}

static unsigned calls_of(int i)
{
    pthread_mutex_lock(&mutex);
    unsigned n = names[i].calls;
    pthread_mutex_unlock(&mutex);
    return n;
}

/* ---- the config: never freed, so a count that does not come to its end is enough ---- */

static struct conf_upstream upstreams[2][NAMES];
static struct config configs[2];

static void set_upstream(int config, int i, const char *name, const char *records, const char *host)
{
    struct conf_upstream *u = &upstreams[config][i];
    *u = (struct conf_upstream){.port = 80};
    u->name = (char *)(uintptr_t)name;
    u->host = (char *)(uintptr_t)host;
    u->discover.records = (char *)(uintptr_t)records;
    u->discover.max_endpoints = 3;
    configs[config].upstreams = upstreams[config];
    if (configs[config].upstream_count <= (size_t)i) configs[config].upstream_count = (size_t)i + 1;
}

/* ---- the world ---- */

static struct loop *loop;
static struct discovery *discovery;
static usec_t now;
static unsigned changes, tasks_before;

static unsigned count_tasks(void)
{
    unsigned n = 0;
    DIR *tasks = opendir("/proc/self/task");
    ck_assert_ptr_nonnull(tasks);
    while (readdir(tasks))
        n++;
    closedir(tasks);
    return n;
}

static void *wait_for_mutex(void *arg)
{
    pthread_mutex_lock(&mutex);
    pthread_mutex_unlock(&mutex);
    return NULL;
}

/* With a thread of ours, because ThreadSanitizer starts one of its own with the first. */
static void count_before(void)
{
    pthread_t thread;
    pthread_mutex_lock(&mutex);
    ck_assert_int_eq(pthread_create(&thread, NULL, wait_for_mutex, NULL), 0);
    tasks_before = count_tasks() - 1;
    pthread_mutex_unlock(&mutex);
    pthread_join(thread, NULL);
}

static usec_t fake_now(const struct loop *l) { return now; }
static void on_changed(void *arg) { ++*(unsigned *)arg; }

static void set_up(void)
{
    log_set_level(LOG_ERROR);
    if (!tasks_before) count_before();
    memset(names, 0, sizeof names);
    memset(upstreams, 0, sizeof upstreams);
    for (int i = 0; i < 2; i++)
        configs[i] = (struct config){.refs = 1};
    now = 1000 * USEC_PER_SEC;
    changes = 0;
    loop = loop_new();
    discovery = discovery_new_with(loop, records_new_with(loop, resolve), fake_now, on_changed, &changes);
}

static void tear_down(void)
{
    discovery_free(discovery);
    loop_free(loop);
    for (int i = 0; i < 2; i++)
        ck_assert_uint_eq(configs[i].refs, 1);
}

static unsigned count_calls(void)
{
    unsigned n = 0;
    for (int i = 0; i < NAMES; i++)
        n += calls_of(i);
    return n;
}

/* Lets so much time pass and everything happen that is due then: so many questions. Threads that ask end when there is
 * nothing left to be asked; then all answers are in the loop's mail. */
static void pass(usec_t time, unsigned asked)
{
    unsigned before = count_calls();
    now += time;
    discovery_look(discovery);
    while (count_tasks() > tasks_before)
        sched_yield();
    run_turns(loop, 2);
    ck_assert_uint_eq(count_calls(), before + asked);
}

/* "NAME: ADDRESS WEIGHT[ backup], …; " for each upstream. */
static void check_found(const char *expected)
{
    size_t n;
    struct buf words = {0};
    const struct discovered *found = discovery_found(discovery, &n);
    for (size_t i = 0; i < n; i++) {
        buf_printf(&words, "%s:", found[i].upstream);
        for (unsigned j = 0; j < found[i].count; j++) {
            const struct discovered_endpoint *e = &found[i].endpoints[j];
            BUF_ADD(&words, " ");
            address_format(&e->address, &words);
            if (e->weight) buf_printf(&words, " %u", e->weight);
            if (e->backup) BUF_ADD(&words, " backup");
            BUF_ADD(&words, ",");
        }
        BUF_ADD(&words, "; ");
    }
    ck_assert_msg(text_is(buf_text(&words), expected), TEXT_FORMAT, TEXT_ARGS(buf_text(&words)));
    buf_free(&words);
}

static void start_with_a(const char *addresses, int ttl_seconds)
{
    say(0, "a.test", addresses, ttl_seconds);
    set_upstream(0, 0, "a", "a", "a.test");
    discovery_use_config(discovery, &configs[0]);
    pass(0, 1);
}

/* ---- tests ---- */

START_TEST(test_endpoints_come_and_go)
{
    start_with_a("10.0.0.2 10.0.0.1", 30);
    check_found("a: 10.0.0.1:80, 10.0.0.2:80,; ");
    ck_assert_uint_eq(changes, 1);
    say(0, "a.test", "10.0.0.2 10.0.0.3", 30);
    pass(29 * USEC_PER_SEC, 0);
    pass(1 * USEC_PER_SEC, 1);
    check_found("a: 10.0.0.2:80, 10.0.0.3:80,; ");
    ck_assert_uint_eq(changes, 2);
}
END_TEST

START_TEST(test_the_same_again_is_no_change)
{
    start_with_a("10.0.0.2 10.0.0.1", 1);
    say(0, "a.test", "10.0.0.1 10.0.0.2 10.0.0.1", 1);
    for (int i = 0; i < 5; i++)
        pass(USEC_PER_SEC, 1);
    ck_assert_uint_eq(changes, 1);
}
END_TEST

START_TEST(test_time_to_live_has_bounds)
{
    start_with_a("10.0.0.1", 0);
    ck_assert_int_eq(discovery_due(discovery), now + USEC_PER_SEC);
    say(0, "a.test", "10.0.0.1", 86400);
    pass(USEC_PER_SEC, 1);
    ck_assert_int_eq(discovery_due(discovery), now + 300 * USEC_PER_SEC);
}
END_TEST

START_TEST(test_the_last_good_answer_outlives_failures)
{
    const int waits[] = {1, 2, 4, 8, 16, 32, 60, 60};
    start_with_a("10.0.0.1", 5);
    say(0, "a.test", "", 0);
    pass(5 * USEC_PER_SEC, 1);
    for (int i = 0; i < COUNT(waits); i++) {
        ck_assert_int_eq(discovery_due(discovery), now + waits[i] * USEC_PER_SEC);
        pass(waits[i] * USEC_PER_SEC, 1);
    }
    check_found("a: 10.0.0.1:80,; ");
    ck_assert_uint_eq(changes, 1);
    say(0, "a.test", "10.0.0.1 10.0.0.2", 5);
    pass(60 * USEC_PER_SEC, 1);
    check_found("a: 10.0.0.1:80, 10.0.0.2:80,; ");
    ck_assert_int_eq(discovery_due(discovery), now + 5 * USEC_PER_SEC);
    say(0, "a.test", "", 0);
    pass(5 * USEC_PER_SEC, 1);
    ck_assert_int_eq(discovery_due(discovery), now + USEC_PER_SEC); /* from the beginning again */
}
END_TEST

START_TEST(test_nothing_at_first)
{
    start_with_a("", 0);
    check_found("");
    ck_assert_uint_eq(changes, 0);
    say(0, "a.test", "10.0.0.1", 5);
    pass(USEC_PER_SEC, 1);
    check_found("a: 10.0.0.1:80,; ");
    ck_assert_uint_eq(changes, 1);
}
END_TEST

START_TEST(test_more_than_max_endpoints)
{
    start_with_a("10.0.0.5 10.0.0.4 10.0.0.3 10.0.0.2 10.0.0.1", 1);
    check_found("a: 10.0.0.1:80, 10.0.0.2:80, 10.0.0.3:80,; ");
    say(0, "a.test", "10.0.0.3 10.0.0.5 10.0.0.1 10.0.0.4 10.0.0.2", 1);
    pass(USEC_PER_SEC, 1);
    ck_assert_uint_eq(changes, 1);
}
END_TEST

START_TEST(test_services)
{
    say(0, "_a._tcp.test", "1 0 10.0.0.1:8001 2 5000 10.0.0.2:8002 1 2500 10.0.0.3:8003", 1);
    set_upstream(0, 0, "s", "srv", "base.test");
    upstreams[0][0].discover.name = (char *)(uintptr_t) "_a._tcp.test";
    discovery_use_config(discovery, &configs[0]);
    pass(0, 1);
    check_found("s: 10.0.0.1:8001 1, 10.0.0.3:8003 500, 10.0.0.2:8002 1000 backup,; ");
    say(0, "_a._tcp.test", "1 0 10.0.0.1:8001 2 5000 10.0.0.2:8002 2 2500 10.0.0.3:8003", 1);
    pass(USEC_PER_SEC, 1);
    ck_assert_uint_eq(changes, 2);
    check_found("s: 10.0.0.1:8001 1, 10.0.0.2:8002 1000 backup, 10.0.0.3:8003 500 backup,; ");
}
END_TEST

START_TEST(test_a_missed_family_stays_for_five_answers)
{
    start_with_a("10.0.0.1 [2001:db8::1]:80", 1);
    say(0, "a.test", "10.0.0.2", 1);
    say_missed(0, RECORDS_MISSED_V6);
    for (int i = 0; i < 5; i++) {
        pass(USEC_PER_SEC, 1);
        check_found("a: 10.0.0.2:80, [2001:db8::1]:80,; ");
    }
    pass(USEC_PER_SEC, 1);
    check_found("a: 10.0.0.2:80,; ");
}
END_TEST

/* Several upstreams, one call a second. */
START_TEST(test_changes_are_told_once_a_second)
{
    say(1, "b.test", "", 0);
    set_upstream(0, 1, "b", "a", "b.test");
    say(0, "a.test", "10.0.0.1", 30);
    set_upstream(0, 0, "a", "a", "a.test");
    discovery_use_config(discovery, &configs[0]);
    pass(0, 2);
    ck_assert_uint_eq(changes, 1);
    now += 1; /* b fails at first, so that it is asked again 1 s later; a's change was told 1 s before, then */
    say(1, "b.test", "10.0.1.1", 1);
    pass(USEC_PER_SEC - 1, 1);
    ck_assert_uint_eq(changes, 2);
    check_found("a: 10.0.0.1:80,; b: 10.0.1.1:80,; ");
    discovery_use_config(discovery, &configs[0]); /* asks at once */
    say(0, "a.test", "10.0.0.2", 30);
    say(1, "b.test", "10.0.1.2", 30);
    pass(USEC_PER_SEC / 2, 2);
    ck_assert_uint_eq(changes, 2);
    check_found("a: 10.0.0.2:80,; b: 10.0.1.2:80,; "); /* for a reload in between */
    ck_assert_int_eq(discovery_due(discovery), now + USEC_PER_SEC / 2);
    pass(USEC_PER_SEC / 2, 0);
    ck_assert_uint_eq(changes, 3);
    pass(USEC_PER_SEC, 0);
    ck_assert_uint_eq(changes, 3);
}
END_TEST

START_TEST(test_what_a_reload_keeps)
{
    say(0, "a.test", "10.0.0.1", 30);
    say(1, "b.test", "10.0.1.1", 30);
    say(2, "c.test", "10.0.2.1", 30);
    set_upstream(0, 0, "a", "a", "a.test");
    set_upstream(0, 1, "b", "a", "b.test");
    set_upstream(0, 2, "plain", NULL, "c.test");
    discovery_use_config(discovery, &configs[0]);
    pass(0, 2);
    check_found("a: 10.0.0.1:80,; b: 10.0.1.1:80,; ");
    set_upstream(1, 0, "b", "a", "c.test"); /* another question: nothing of the old answer may be used */
    set_upstream(1, 1, "a", "a", "a.test");
    discovery_use_config(discovery, &configs[1]);
    check_found("a: 10.0.0.1:80,; ");
    pass(2 * USEC_PER_SEC, 2);
    check_found("b: 10.0.2.1:80,; a: 10.0.0.1:80,; ");
    pass(USEC_PER_SEC, 0);
    ck_assert_uint_eq(changes, 3);
    configs[0].upstream_count = 0;
    discovery_use_config(discovery, &configs[0]);
    check_found("");
    ck_assert_int_eq(discovery_due(discovery), USEC_NEVER);
}
END_TEST

START_TEST(test_other_questions)
{
    const char *other[] = {"port", "kind", "server", "name"};
    for (int i = 0; i < COUNT(other); i++) {
        start_with_a("10.0.0.1", 30);
        check_found("a: 10.0.0.1:80,; ");
        struct conf_upstream *u = &upstreams[1][0];
        set_upstream(1, 0, "a", i == 1 ? "srv" : "a", "a.test");
        if (i == 0) u->port = 81;
        if (i == 2) u->discover.server = (char *)(uintptr_t) "127.0.0.1:5353";
        if (i == 3) u->discover.name = (char *)(uintptr_t) "other.test";
        discovery_use_config(discovery, &configs[1]);
        check_found("");
        tear_down();
        set_up();
    }
}
END_TEST

START_TEST(test_a_lower_max_counts_at_once)
{
    start_with_a("10.0.0.1 10.0.0.2 10.0.0.3", 30);
    set_upstream(1, 0, "a", "a", "a.test");
    upstreams[1][0].discover.max_endpoints = 1;
    discovery_use_config(discovery, &configs[1]);
    check_found("a: 10.0.0.1:80,; ");
}
END_TEST

START_TEST(test_a_server_that_is_no_address)
{
    log_set_level((enum log_level) - 1);
    set_upstream(0, 0, "a", "a", "a.test");
    upstreams[0][0].discover.server = (char *)(uintptr_t) "unix:/run/dns.sock";
    discovery_use_config(discovery, &configs[0]);
    ck_assert_int_eq(discovery_due(discovery), USEC_NEVER);
    discovery_use_config(discovery, &configs[0]);
    ck_assert_int_eq(discovery_due(discovery), USEC_NEVER);
}
END_TEST

START_TEST(test_freeing_while_it_is_asked)
{
    say(0, "a.test", "10.0.0.1", 30);
    set_upstream(0, 0, "a", "a", "a.test");
    discovery_use_config(discovery, &configs[0]);
    discovery_look(discovery);
    ck_assert_int_eq(discovery_due(discovery), USEC_NEVER);
}
END_TEST

TEST_MAIN_WITH("discovery", set_up, tear_down, test_endpoints_come_and_go, test_the_same_again_is_no_change,
               test_time_to_live_has_bounds, test_the_last_good_answer_outlives_failures, test_nothing_at_first,
               test_more_than_max_endpoints, test_services, test_a_missed_family_stays_for_five_answers,
               test_changes_are_told_once_a_second, test_what_a_reload_keeps, test_other_questions,
               test_a_lower_max_counts_at_once, test_a_server_that_is_no_address, test_freeing_while_it_is_asked)
