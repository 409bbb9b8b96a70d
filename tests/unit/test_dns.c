#include "../../src/net/dns_resolver.h"
#include "net_test.h"
#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>

/* A resolver of our own: "NAME" has the address that `answer` says, and a closed gate holds lookups back. */
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t moved = PTHREAD_COND_INITIALIZER;
static bool gate_open;
static unsigned waiting, calls;
static const char *answer, *failure; /* guarded by the gate */
static atomic_llong now;

static usec_t fake_now(void) { return atomic_load(&now); }

static const char *fake_resolve(const char *host, struct address_list *out)
{
    pthread_mutex_lock(&gate);
    calls++;
    waiting++;
    pthread_cond_broadcast(&moved);
    while (!gate_open)
        pthread_cond_wait(&moved, &gate);
    waiting--;
    pthread_cond_broadcast(&moved);
    const char *why = failure;
    if (!why) ck_assert(address_of_host(answer, 0, &out->at[out->count++]));
    pthread_mutex_unlock(&gate);
    return why;
}

static void set_gate(bool open)
{
    pthread_mutex_lock(&gate);
    gate_open = open;
    pthread_cond_broadcast(&moved);
    pthread_mutex_unlock(&gate);
}

static void set_answer(const char *address, const char *why)
{
    pthread_mutex_lock(&gate);
    answer = address;
    failure = why;
    pthread_mutex_unlock(&gate);
}

static unsigned calls_made(void)
{
    pthread_mutex_lock(&gate);
    unsigned n = calls;
    pthread_mutex_unlock(&gate);
    return n;
}

static void wait_until_held(unsigned n)
{
    pthread_mutex_lock(&gate);
    while (waiting < n)
        pthread_cond_wait(&moved, &gate);
    pthread_mutex_unlock(&gate);
}

static void wait_until_free(void)
{
    pthread_mutex_lock(&gate);
    while (waiting > 0)
        pthread_cond_wait(&moved, &gate);
    pthread_mutex_unlock(&gate);
}

/* ---- questions ---- */

static struct loop *loop;
static struct dns *dns;
static unsigned answered_count, stop_at, tasks_before;

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

static void *wait_for_gate(void *arg)
{
    pthread_mutex_lock(&gate);
    while (!gate_open)
        pthread_cond_wait(&moved, &gate);
    pthread_mutex_unlock(&gate);
    return NULL;
}

/* With a thread of ours, because ThreadSanitizer starts one of its own with the first. */
static unsigned count_others(void)
{
    pthread_t thread;
    set_gate(false);
    ck_assert_int_eq(pthread_create(&thread, NULL, wait_for_gate, NULL), 0);
    unsigned n = count_tasks() - 1;
    set_gate(true);
    pthread_join(thread, NULL);
    return n;
}

static void set_up(void)
{
    tasks_before = count_others();
    loop = loop_new();
    dns = dns_new_with(fake_resolve, fake_now);
    set_gate(true);
    set_answer("10.0.0.1", NULL);
    calls = answered_count = stop_at = 0;
    atomic_store(&now, 1000 * USEC_PER_SEC);
}

static void tear_down(void)
{
    set_gate(true);
    dns_free(dns);
    loop_free(loop);
    while (count_tasks() > tasks_before) /* dns_free() does not wait for them */
        sched_yield();
}

static void on_answered(struct dns_query *q)
{
    if (++answered_count == stop_at) loop_stop(loop);
}

static void on_forbidden(struct dns_query *q) { ck_abort_msg("a cancelled query was answered"); }

static void wait_answers(unsigned n)
{
    stop_at = n;
    if (answered_count < n) loop_run(loop);
    ck_assert_uint_eq(answered_count, n);
}

static void check_result(const struct dns_query *q, const char *expected)
{
    struct buf words = {0};
    for (unsigned i = 0; i < q->result.count; i++)
        address_format(&q->result.at[i], &words);
    if (q->result.count == 0) buf_add(&words, text_of(q->failure));
    ck_assert_msg(text_is(buf_text(&words), expected), TEXT_FORMAT " is not %s", TEXT_ARGS(buf_text(&words)), expected);
    ck_assert_int_eq(q->failure == NULL, q->result.count > 0);
    buf_free(&words);
}

/* Asks, and says whether the answer was there at once. */
static bool ask(const char *host, unsigned port, const char *expected)
{
    struct dns_query q = {0};
    unsigned before = answered_count;
    bool at_once = dns_ask(dns, loop, &q, host, port, on_answered);
    if (!at_once) wait_answers(before + 1);
    check_result(&q, expected);
    return at_once;
}

/* The IPv4 address known for a name that is known. */
static uint32_t known_address(const char *host)
{
    struct dns_query q = {0};
    ck_assert(dns_ask(dns, loop, &q, host, 80, on_answered));
    ck_assert_uint_eq(q.result.count, 1);
    return ntohl(((struct sockaddr_in *)&q.result.at[0].sa)->sin_addr.s_addr);
}

/* ---- what needs no lookup ---- */

START_TEST(test_literals_and_nonsense_are_answered_at_once)
{
    char longest[300];
    ck_assert(ask("127.0.0.1", 80, "127.0.0.1:80"));
    ck_assert(ask("::1", 443, "[::1]:443"));
    ck_assert(ask("", 80, "not a host name"));
    memset(longest, 'a', sizeof longest);
    longest[254] = '\0';
    ck_assert(ask(longest, 80, "not a host name"));
    ck_assert_uint_eq(calls_made(), 0);
    longest[253] = '\0';
    ck_assert(!ask(longest, 80, "10.0.0.1:80"));
}
END_TEST

/* ---- the cache ---- */

START_TEST(test_answers_are_cached_for_30_seconds)
{
    ck_assert(!ask("a.test", 80, "10.0.0.1:80"));
    set_answer("10.0.0.2", NULL);
    ck_assert(ask("a.test", 81, "10.0.0.1:81"));
    atomic_fetch_add(&now, 30 * USEC_PER_SEC - 1);
    ck_assert(ask("a.test", 80, "10.0.0.1:80"));
    ck_assert_uint_eq(calls_made(), 1);
    ck_assert(!ask("b.test", 80, "10.0.0.2:80"));
    ck_assert_uint_eq(calls_made(), 2);
}
END_TEST

START_TEST(test_old_answers_are_given_while_they_are_renewed)
{
    ck_assert(!ask("a.test", 80, "10.0.0.1:80"));
    set_answer("10.0.0.2", NULL);
    set_gate(false);
    atomic_fetch_add(&now, 30 * USEC_PER_SEC);
    ck_assert(ask("a.test", 80, "10.0.0.1:80"));
    ck_assert(ask("a.test", 80, "10.0.0.1:80"));
    wait_until_held(1);
    ck_assert_uint_eq(calls_made(), 2);
    set_gate(true);
    while (known_address("a.test") == 0x0a000001)
        sched_yield();
    ck_assert(ask("a.test", 80, "10.0.0.2:80"));
    ck_assert_uint_eq(calls_made(), 2);
}
END_TEST

START_TEST(test_failures_are_cached_for_a_second)
{
    set_answer(NULL, "no such name");
    ck_assert(!ask("a.test", 80, "no such name"));
    set_answer("10.0.0.1", NULL);
    ck_assert(ask("a.test", 80, "no such name"));
    atomic_fetch_add(&now, USEC_PER_SEC);
    ck_assert(!ask("a.test", 80, "10.0.0.1:80"));
    ck_assert_uint_eq(calls_made(), 2);
}
END_TEST

START_TEST(test_the_last_good_answer_outlives_failures_for_ten_minutes)
{
    ck_assert(!ask("a.test", 80, "10.0.0.1:80"));
    set_answer(NULL, "the server is down");
    for (unsigned i = 1; i < 600; i++) {
        atomic_fetch_add(&now, USEC_PER_SEC);
        ck_assert(ask("a.test", 80, "10.0.0.1:80"));
        while (calls_made() < (i < 30 ? 1u : 2u))
            sched_yield();
    }
    atomic_fetch_add(&now, USEC_PER_SEC);
    struct dns_query q = {0};
    if (!dns_ask(dns, loop, &q, "a.test", 80, on_answered)) wait_answers(1 + answered_count);
    check_result(&q, "the server is down");
}
END_TEST

START_TEST(test_names_are_bounded)
{
    char name[32];
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "%d.test", i);
        ck_assert(!ask(name, 80, "10.0.0.1:80"));
    }
    ck_assert(ask("299.test", 80, "10.0.0.1:80"));
    ck_assert(ask("44.test", 80, "10.0.0.1:80"));
    ck_assert(!ask("43.test", 80, "10.0.0.1:80"));
    ck_assert_uint_eq(calls_made(), 301);
}
END_TEST

/* ---- several at once ---- */

START_TEST(test_lookups_of_one_name_are_shared)
{
    struct dns_query q[10] = {0};
    set_gate(false);
    for (unsigned i = 0; i < 10; i++)
        ck_assert(!dns_ask(dns, loop, &q[i], "a.test", 80 + i, on_answered));
    wait_until_held(1);
    ck_assert_uint_eq(answered_count, 0);
    set_gate(true);
    wait_answers(10);
    check_result(&q[0], "10.0.0.1:80");
    check_result(&q[9], "10.0.0.1:89");
    ck_assert_uint_eq(calls_made(), 1);
}
END_TEST

START_TEST(test_too_many_names_at_once)
{
    static struct dns_query q[257];
    char name[32];
    set_gate(false);
    for (int i = 0; i < 256; i++) {
        snprintf(name, sizeof name, "%d.test", i);
        ck_assert(!dns_ask(dns, loop, &q[i], name, 80, on_answered));
    }
    ck_assert(dns_ask(dns, loop, &q[256], "one-more.test", 80, on_answered));
    check_result(&q[256], "too many names are being looked up");
    set_gate(true);
    wait_answers(256);
    check_result(&q[255], "10.0.0.1:80");
}
END_TEST

START_TEST(test_cancelling_before_the_answer)
{
    struct dns_query *cancelled = MEM_NEW(struct dns_query), kept = {0};
    set_gate(false);
    ck_assert(!dns_ask(dns, loop, cancelled, "a.test", 80, on_forbidden));
    ck_assert(!dns_ask(dns, loop, &kept, "a.test", 80, on_answered));
    dns_cancel(dns, cancelled);
    dns_cancel(dns, cancelled);
    mem_free(cancelled);
    set_gate(true);
    wait_answers(1);
    check_result(&kept, "10.0.0.1:80");
    dns_cancel(dns, &kept);
}
END_TEST

/* Each query is cancelled some time between the lookup and the delivery: for sanitizers above all. */
START_TEST(test_cancelling_at_any_time)
{
    char name[32];
    for (int i = 0; i < 500; i++) {
        struct dns_query *q = MEM_NEW(struct dns_query);
        snprintf(name, sizeof name, "%d.test", i);
        ck_assert(!dns_ask(dns, loop, q, name, 80, on_forbidden));
        if (i % 3 == 1) sched_yield();
        if (i % 3 == 2)
            while (calls_made() <= (unsigned)i)
                sched_yield();
        dns_cancel(dns, q);
        mem_free(q);
        if (i % 10 == 0) run_turns(loop, 1);
    }
}
END_TEST

static void *ask_from_own_loop(void *arg)
{
    struct loop *own = loop_new();
    for (int i = 0; i < 200; i++) {
        struct dns_query q = {0};
        char name[32];
        snprintf(name, sizeof name, "%d.test", i);
        bool at_once = dns_ask(dns, own, &q, name, 80, arg);
        while (!at_once && q.coming)
            run_turns(own, 1);
        check_result(&q, "10.0.0.1:80");
    }
    loop_free(own);
    return NULL;
}

static void on_nothing(struct dns_query *q) {}

START_TEST(test_several_loops_share_one_dns)
{
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, ask_from_own_loop, (void *)on_nothing);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    ck_assert_uint_eq(calls_made(), 200);
}
END_TEST

START_TEST(test_freeing_with_answers_on_their_way)
{
    struct dns_query q = {0};
    ck_assert(!dns_ask(dns, loop, &q, "a.test", 80, on_forbidden));
    dns_cancel(dns, &q);
    dns_free(dns);
    dns = dns_new();
}
END_TEST

/* A worker ends, and its loop with it, while the name of a request that it gave up is still being looked up. */
START_TEST(test_a_loop_may_end_after_cancelling)
{
    struct loop *own = loop_new();
    struct dns_query q = {0};
    set_gate(false);
    ck_assert(!dns_ask(dns, own, &q, "a.test", 80, on_forbidden));
    wait_until_held(1);
    dns_cancel(dns, &q);
    loop_free(own);
    set_gate(true);
    ask("a.test", 80, "10.0.0.1:80");
    ck_assert_uint_eq(calls_made(), 1);
}
END_TEST

/* The process must not wait for a name server that does not answer. */
START_TEST(test_freeing_does_not_wait_for_a_lookup)
{
    struct dns_query q = {0};
    set_gate(false);
    ck_assert(!dns_ask(dns, loop, &q, "a.test", 80, on_forbidden));
    wait_until_held(1);
    dns_cancel(dns, &q);
    dns_free(dns);
    wait_until_held(1);
    set_gate(true);
    wait_until_free();
    dns = dns_new();
}
END_TEST

START_TEST(test_the_systems_resolver)
{
    struct address_list found = {0};
    ck_assert_ptr_null(dns_resolve_system("localhost", &found));
    ck_assert_uint_ge(found.count, 1);
    found.count = 0;
    ck_assert_ptr_nonnull(dns_resolve_system("no..such..name", &found));
    ck_assert_uint_eq(found.count, 0);
}
END_TEST

TEST_MAIN_WITH("dns", set_up, tear_down, test_literals_and_nonsense_are_answered_at_once,
               test_answers_are_cached_for_30_seconds, test_old_answers_are_given_while_they_are_renewed,
               test_failures_are_cached_for_a_second, test_the_last_good_answer_outlives_failures_for_ten_minutes,
               test_names_are_bounded, test_lookups_of_one_name_are_shared, test_too_many_names_at_once,
               test_cancelling_before_the_answer, test_cancelling_at_any_time, test_several_loops_share_one_dns,
               test_freeing_with_answers_on_their_way, test_a_loop_may_end_after_cancelling,
               test_freeing_does_not_wait_for_a_lookup, test_the_systems_resolver)
