#include "../../src/net/records_resolver.h"
#include "../../src/net/records_wire.h"
#include "dns_server.h"
#include <dirent.h>

/* ---- a server whose answer is told by the name ---- */

static struct dns_server server;

static void put_addresses(const struct dns_question *q, struct buf *out, unsigned n)
{
    put_head(out, q->id, FLAGS_ANSWER, n, 0);
    put_question(out, q->name, q->type);
    for (unsigned i = 0; i < n; i++) {
        char address[32];
        snprintf(address, sizeof address, "10.0.%u.%u", i / 256, i % 256);
        put_host(out, q->name, 30, address);
    }
}

static void put_nothing(const struct dns_question *q, struct buf *out, unsigned flags)
{
    put_head(out, q->id, flags, 0, 0);
    put_question(out, q->name, q->type);
}

static void put_one(const struct dns_question *q, struct buf *out, uint32_t ttl, const char *address)
{
    put_head(out, q->id, FLAGS_ANSWER, 1, 0);
    put_question(out, q->name, q->type);
    put_host(out, q->name, ttl, address);
}

/* n1 stands in the additional section, n2 does not. */
static void put_services(const struct dns_question *q, struct buf *out)
{
    put_head(out, q->id, FLAGS_ANSWER, 3, 1);
    put_question(out, q->name, q->type);
    put_service(out, q->name, 20, 1, 5, 8001, "n1.test");
    put_service(out, q->name, 20, 2, 6, 8002, "both.test");
    put_service(out, q->name, 20, 2, 7, 8003, "gone.test");
    put_host(out, "N1.test", 11, "10.0.0.1");
}

/* The right head and question, and then no records. */
static void put_garbage(const struct dns_question *q, struct buf *out)
{
    put_head(out, q->id, FLAGS_ANSWER, 3, 0);
    put_question(out, q->name, q->type);
    BUF_ADD(out, "\xc0\xff\xff\xff garbage");
}

/* Over UDP only that there is more; over TCP all of it. */
static void put_many(const struct dns_question *q, struct buf *out, unsigned n)
{
    if (q->tcp)
        put_addresses(q, out, n);
    else
        put_nothing(q, out, FLAGS_TRUNCATED);
}

static void answer_a(const struct dns_question *q, struct buf *out)
{
    if (!strcmp(q->name, "both.test"))
        put_one(q, out, 60, "10.0.0.2");
    else if (!strcmp(q->name, "four.test"))
        put_one(q, out, 0, "10.0.0.4");
    else if (!strcmp(q->name, "half.test"))
        put_one(q, out, 30, "10.0.0.5");
    else if (!strcmp(q->name, "many.test"))
        put_many(q, out, 1000);
    else if (!strcmp(q->name, "toomany.test"))
        put_many(q, out, 1500);
    else if (strcmp(q->name, "udponly.test") != 0)
        put_nothing(q, out, FLAGS_ANSWER);
    else if (!q->tcp)
        put_many(q, out, 0);
}

static void answer_aaaa(const struct dns_question *q, struct buf *out)
{
    if (!strcmp(q->name, "both.test"))
        put_one(q, out, 40, "2001:db8::2");
    else
        put_nothing(q, out, strcmp(q->name, "half.test") ? FLAGS_ANSWER : FLAGS_FAILED);
}

static void answer(const struct dns_question *q, struct buf *out)
{
    if (!strcmp(q->name, "silent.test")) return;
    if (!strcmp(q->name, "none.test"))
        put_nothing(q, out, FLAGS_NO_NAME);
    else if (!strcmp(q->name, "garbage.test"))
        put_garbage(q, out);
    else if (q->type == ns_t_srv)
        put_services(q, out);
    else if (q->type == ns_t_a)
        answer_a(q, out);
    else
        answer_aaaa(q, out);
}

static void ask_server(enum records_kind kind, const char *name, struct records_answer *out)
{
    struct records_question q = {.kind = kind, .name = name, .port = 80, .server = &server.address};
    dns_server_start(&server, answer);
    records_resolve_system(&q, out);
    dns_server_stop(&server);
    ck_assert((out->count == 0) == (out->failure != NULL));
}

static void check_answer(enum records_kind kind, const char *name, const char *expected)
{
    struct records_answer found = {0};
    struct buf words = {0};
    ask_server(kind, name, &found);
    for (size_t i = 0; i < found.count; i++) {
        address_format(&found.at[i].address, &words);
        if (kind == RECORDS_SRV) buf_printf(&words, " priority %u weight %u", found.at[i].priority, found.at[i].weight);
        BUF_ADD(&words, ", ");
    }
    if (found.count) buf_printf(&words, "%d s", (int)(found.ttl / USEC_PER_SEC));
    if (found.count && found.missed) buf_printf(&words, ", missed %u", found.missed);
    if (found.failure) buf_add(&words, text_of(found.failure));
    ck_assert_msg(text_is(buf_text(&words), expected), TEXT_FORMAT, TEXT_ARGS(buf_text(&words)));
    buf_free(&words);
    records_answer_free(&found);
}

START_TEST(test_both_families_and_the_smallest_time)
{
    check_answer(RECORDS_A, "both.test", "10.0.0.2:80, [2001:db8::2]:80, 40 s");
}
END_TEST

START_TEST(test_one_family_is_enough) { check_answer(RECORDS_A, "four.test", "10.0.0.4:80, 0 s"); }
END_TEST

START_TEST(test_a_family_without_an_answer_is_told)
{
    check_answer(RECORDS_A, "half.test", "10.0.0.5:80, 30 s, missed 2");
}
END_TEST

START_TEST(test_services_and_their_targets)
{
    check_answer(RECORDS_SRV, "_a._tcp.test",
                 "10.0.0.1:8001 priority 1 weight 5, 10.0.0.2:8002 priority 2 weight 6, "
                 "[2001:db8::2]:8002 priority 2 weight 6, 11 s");
}
END_TEST

START_TEST(test_nothing_is_told_in_words)
{
    check_answer(RECORDS_A, "none.test", "there is no such name");
    check_answer(RECORDS_A, "gone.test", "the name has no such records");
    check_answer(RECORDS_A, "garbage.test", "the DNS server's answer makes no sense");
    check_answer(RECORDS_SRV, "silent.test", "no DNS server gave an answer");
}
END_TEST

START_TEST(test_long_answers_come_over_tcp)
{
    struct records_answer found = {0};
    ask_server(RECORDS_A, "many.test", &found);
    ck_assert_uint_eq(found.count, 1000);
    ck_assert(!found.left_out && !found.missed);
    records_answer_free(&found);
    ask_server(RECORDS_A, "toomany.test", &found);
    ck_assert_uint_eq(found.count, RECORDS_MAX);
    ck_assert(found.left_out && !found.missed);
    records_answer_free(&found);
    check_answer(RECORDS_A, "udponly.test", "no DNS server gave an answer");
}
END_TEST

START_TEST(test_no_server_there)
{
    struct records_answer found = {0};
    struct address nowhere;
    close(make_tcp_listener(&nowhere, 1));
    struct records_question q = {.kind = RECORDS_A, .name = "localhost", .port = 80, .server = &nowhere};
    records_resolve_system(&q, &found);
    ck_assert_str_eq(found.failure, "no DNS server takes the question");
    records_answer_free(&found);
}
END_TEST

START_TEST(test_a_server_with_ipv6)
{
    struct records_answer found = {0};
    struct address nowhere;
    ck_assert(address_of_host("::1", 9, &nowhere));
    struct records_question q = {.kind = RECORDS_A, .name = "a.test", .port = 80, .server = &nowhere};
    records_resolve_system(&q, &found);
    ck_assert_uint_eq(found.count, 0);
    ck_assert_ptr_nonnull(found.failure);
    records_answer_free(&found);
}
END_TEST

static void check_candidates(const char *name, const struct address *own_server, const char *expected)
{
    struct buf words = {0};
    char candidate[RECORDS_NAME_MAX];
    struct records_wire *w = records_wire_open(own_server);
    for (unsigned i = 0; records_wire_candidate(w, name, i, candidate); i++)
        buf_printf(&words, "%s, ", candidate);
    ck_assert_msg(text_is(buf_text(&words), expected), TEXT_FORMAT, TEXT_ARGS(buf_text(&words)));
    records_wire_close(w);
    buf_free(&words);
}

START_TEST(test_search_domains)
{
    struct address own;
    char too_long[RECORDS_NAME_MAX + 1];
    ck_assert(address_of_host("127.0.0.1", 53, &own));
    check_candidates("a", NULL, "a.ns.svc.test, a., a.svc.test, a, ");
    check_candidates("a.b.c", NULL, "a.b.c, a.b.c.ns.svc.test, a.b.c., a.b.c.svc.test, ");
    check_candidates("a.", NULL, "a., ");
    check_candidates("a", &own, "a, ");
    memset(too_long, 'a', RECORDS_NAME_MAX);
    too_long[RECORDS_NAME_MAX] = '\0';
    check_candidates(too_long, &own, "");
}
END_TEST

/* ---- threads: a resolver of our own, which a closed gate holds back ---- */

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t moved = PTHREAD_COND_INITIALIZER;
static bool gate_open;
static unsigned held, calls;

static struct loop *loop;
static struct records *records;
static unsigned answered_count, stop_at;

static void fake_resolve(const struct records_question *q, struct records_answer *out)
{
    pthread_mutex_lock(&gate);
    calls++;
    held++;
    pthread_cond_broadcast(&moved);
    while (!gate_open)
        pthread_cond_wait(&moved, &gate);
    held--;
    pthread_cond_broadcast(&moved);
    pthread_mutex_unlock(&gate);
    out->at = MEM_NEW(struct record);
    out->count = 1;
    out->at[0].address = *q->server;
    address_set_port(&out->at[0].address, q->port + (unsigned)strlen(q->name));
}

static void set_gate(bool open)
{
    pthread_mutex_lock(&gate);
    gate_open = open;
    pthread_cond_broadcast(&moved);
    pthread_mutex_unlock(&gate);
}

static unsigned wait_until_held(unsigned n, bool exactly)
{
    pthread_mutex_lock(&gate);
    while (exactly ? held != n : held < n)
        pthread_cond_wait(&moved, &gate);
    unsigned all = calls;
    pthread_mutex_unlock(&gate);
    return all;
}

/* The resolver reads these variables with its settings, once. */
static void set_up(void)
{
    setenv("LOCALDOMAIN", "ns.svc.test . svc.test", 1);
    setenv("RES_OPTIONS", "ndots:2", 1);
    loop = loop_new();
    records = records_new_with(loop, fake_resolve);
    set_gate(true);
    calls = answered_count = stop_at = 0;
}

static unsigned count_tasks(void)
{
    unsigned n = 0;
    DIR *tasks = opendir("/proc/self/task");
    while (readdir(tasks))
        n++;
    closedir(tasks);
    return n;
}

/* records_free() does not wait for threads; sanitizers' own are there from the first. */
static void tear_down(void)
{
    set_gate(true);
    records_free(records);
    loop_free(loop);
    wait_until_held(0, true);
}

static void on_answered(struct records_query *q)
{
    ck_assert_ptr_null(q->job);
    if (++answered_count == stop_at) loop_stop(loop);
}

static void on_forbidden(struct records_query *q) { ck_abort_msg("a cancelled query was answered"); }

/* The question's own memory is gone when it is asked. */
static void ask_briefly(struct records_query *q, void (*answered)(struct records_query *q))
{
    struct address at;
    char name[] = "abcd";
    ck_assert(address_of_host("10.0.0.9", 0, &at));
    struct records_question question = {.kind = RECORDS_A, .name = name, .port = 80, .server = &at};
    records_ask(records, q, &question, answered);
    memset(name, 'x', sizeof name);
    memset(&at, 0, sizeof at);
}

static void wait_answers(unsigned n)
{
    stop_at = n;
    if (answered_count < n) loop_run(loop);
    ck_assert_uint_eq(answered_count, n);
}

static void check_query(struct records_query *q)
{
    struct buf words = {0};
    ck_assert_uint_eq(q->answer.count, 1);
    address_format(&q->answer.at[0].address, &words);
    ck_assert_msg(text_is(buf_text(&words), "10.0.0.9:84"), TEXT_FORMAT, TEXT_ARGS(buf_text(&words)));
    buf_free(&words);
    records_answer_free(&q->answer);
}

START_TEST(test_an_answer_comes_on_the_loop)
{
    struct records_query q = {0};
    ask_briefly(&q, on_answered);
    ck_assert_uint_eq(answered_count, 0);
    wait_answers(1);
    check_query(&q);
}
END_TEST

START_TEST(test_many_questions_share_a_few_threads)
{
    struct records_query q[100] = {0};
    unsigned before = count_tasks();
    set_gate(false);
    for (int i = 0; i < COUNT(q); i++)
        ask_briefly(&q[i], on_answered);
    wait_until_held(8, true);
    ck_assert_uint_le(count_tasks(), before + 9); /* a sanitizer may start one of its own */
    set_gate(true);
    wait_answers(100);
    for (int i = 0; i < COUNT(q); i++)
        check_query(&q[i]);
}
END_TEST

/* Before it is asked, while it is, and while its answer travels. */
START_TEST(test_cancelling_at_any_time)
{
    struct records_query q[20] = {0};
    for (int round = 0; round < 200; round++) {
        set_gate(round % 2);
        for (int i = 0; i < COUNT(q); i++)
            ask_briefly(&q[i], on_forbidden);
        if (round % 6 == 0) wait_until_held(8, true);
        for (int i = 0; i < COUNT(q); i++)
            records_cancel(records, &q[i]);
        records_cancel(records, &q[0]);
        set_gate(true);
        if (round % 10 == 0) run_turns(loop, 1);
    }
    ask_briefly(&q[0], on_answered);
    wait_answers(1);
    check_query(&q[0]);
}
END_TEST

START_TEST(test_freeing_does_not_wait_for_a_server)
{
    struct records_query q[20] = {0};
    set_gate(false);
    for (int i = 0; i < COUNT(q); i++)
        ask_briefly(&q[i], on_forbidden);
    wait_until_held(8, true);
    for (int i = 0; i < COUNT(q); i++)
        records_cancel(records, &q[i]);
    records_free(records);
    ck_assert_uint_eq(wait_until_held(8, true), 8);
    set_gate(true);
    wait_until_held(0, true);
    records = records_new(loop);
}
END_TEST

static void on_answered_ask_again(struct records_query *q)
{
    records_answer_free(&q->answer);
    on_answered(q);
    if (answered_count < 50) ask_briefly(q, on_answered_ask_again);
}

START_TEST(test_asking_again_from_the_answer)
{
    struct records_query q = {0};
    ask_briefly(&q, on_answered_ask_again);
    wait_answers(50);
}
END_TEST

TEST_MAIN_WITH("records", set_up, tear_down, test_both_families_and_the_smallest_time, test_one_family_is_enough,
               test_a_family_without_an_answer_is_told, test_services_and_their_targets, test_nothing_is_told_in_words,
               test_long_answers_come_over_tcp, test_no_server_there, test_a_server_with_ipv6, test_search_domains,
               test_an_answer_comes_on_the_loop, test_many_questions_share_a_few_threads, test_cancelling_at_any_time,
               test_freeing_does_not_wait_for_a_server, test_asking_again_from_the_answer)
