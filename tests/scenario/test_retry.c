/* Attempts that fail before the client has seen anything: who is asked next, when, how often, and when no more. */
#include "scenario.h"

#define MS USEC_PER_MS

/* Waits are exact. */
#define EXACTLY(rules) QUIET ROUTE("retry: {jitter: 0%" rules "}")
/* Failures don't take it out. */
#define PATIENT ", breaker: {failures: 0, failure_rate: 0%}"
#define ALONE   "upstreams:\n" UPSTREAM(a, "")

static const char busy[] = "{\"error\":{\"message\":\"busy\"}}";
static const char good[] = "{\"choices\":[{\"message\":{\"content\":\"good\"},\"finish_reason\":\"stop\"}]}";
static const char empty[] = "{\"choices\":[{\"message\":{\"content\":\"\"},\"finish_reason\":\"stop\"}]}";

/* The upstream's answer to the request that waits there; the test fails when there is none. */
static void answer(struct fake_upstream *u, unsigned status, const char *body)
{
    upstream_json(upstream_take(busy_wire(u)), status, body);
}

/* It breaks the connection, which is a new one: on an old one that would not be its failure. */
static void reset(struct fake_upstream *u)
{
    wire_reset(upstream_take(busy_wire(u)));
    fake_settle();
}

/* … busy, with header fields. */
static void say_busy(struct fake_upstream *u, const char *fields)
{
    char *bytes = mem_printf("HTTP/1.1 503 X\r\n%sContent-Length: %zu\r\n\r\n%s", fields, strlen(busy), busy);
    wire_send(upstream_take(busy_wire(u)), text_of(bytes));
    fake_settle();
    mem_free(bytes);
}

/* The upstream is asked after exactly this time, and not before. */
#define ck_asked_after(u, time) \
    do { \
        fake_run((time)-1); \
        ck_assert_msg(!busy_wire(u), "%s was asked too early", (u)->host); \
        fake_run(1); \
        ck_assert_msg(busy_wire(u) != NULL, "%s was not asked", (u)->host); \
    } while (0)

/* What the last answer's header says of attempts. */
#define ck_attempts(count, reasons) \
    do { \
        ck_assert_str_eq(client_field("x-dsgate-attempts"), count); \
        ck_assert_str_eq(client_field("x-dsgate-reasons"), reasons); \
    } while (0)

/* ---- who, and when ---- */

START_TEST(another_upstream_is_asked_at_once)
{
    begin(QUIET A_THEN_B);
    struct wire *client = ask("");
    usec_t asked = fake_now();
    answer(&a, 503, busy);
    answer(&b, 200, good);
    ck_answer(client, 200, good);
    ck_attempts("2", "busy");
    ck_assert_str_eq(client_field("x-dsgate-upstream"), "b");
    ck_assert_int_eq(fake_now(), asked);
    ck_assert_uint_eq(gateway_attempts("a", "busy"), 1);
    ck_assert_uint_eq(gateway_attempts("b", "success"), 1);
    ck_assert_uint_eq(gateway_metric("dsgate_retries_total"), 1);
    ck_assert_uint_eq(gateway_metric("dsgate_attempt_failures_total{reason=\"busy\"}"), 1);
    gateway_end();
}
END_TEST

/* Five attempts, and between them 500 ms, 1 s, 2 s and 4 s. Then the upstream has the last word. */
START_TEST(a_lone_upstream_is_given_time)
{
    begin(EXACTLY("") ALONE);
    struct wire *client = ask("");
    for (usec_t wait = 500 * MS; wait <= 4000 * MS; wait *= 2) {
        answer(&a, 503, busy);
        ck_assert_uint_eq(wire_received(client).n, 0);
        ck_asked_after(&a, wait);
    }
    answer(&a, 503, busy);
    ck_answer(client, 503, busy);
    ck_attempts("5", "busy,busy,busy,busy,busy");
    ck_assert_str_eq(client_field("x-should-retry"), "false");
    ck_assert_uint_eq(gateway_attempts("a", "busy"), 5);
    ck_assert_uint_eq(gateway_metric("dsgate_retries_total"), 4);
    gateway_end();
}
END_TEST

START_TEST(a_lone_upstream_that_recovers_answers)
{
    begin(EXACTLY("") ALONE);
    struct wire *client = ask("");
    reset(&a);
    ck_asked_after(&a, 500 * MS);
    answer(&a, 200, good);
    ck_answer(client, 200, good);
    ck_attempts("2", "reset");
    gateway_end();
}
END_TEST

START_TEST(base_factor_and_cap_are_the_routes)
{
    begin(EXACTLY(", base: 4s, factor: 1.5, cap: 7s") ALONE);
    struct wire *client = ask("");
    static const usec_t waits[] = {4000 * MS, 6000 * MS, 7000 * MS, 7000 * MS};
    for (int i = 0; i < COUNT(waits); i++) {
        answer(&a, 503, busy);
        ck_asked_after(&a, waits[i]);
    }
    answer(&a, 200, good);
    ck_answer(client, 200, good);
    gateway_end();
}
END_TEST

/* Not all come back at once: some sooner and some later, and none by more than a fifth. */
START_TEST(waits_are_not_all_the_same)
{
    enum { CLIENTS = 32 };
    begin(QUIET "retries: {floor: 1000}\nupstreams:\n" UPSTREAM(a, PATIENT));
    for (int i = 0; i < CLIENTS; i++)
        ask("");
    while (busy_wire(&a))
        reset(&a);
    fake_run(399 * MS);
    ck_assert_ptr_null(busy_wire(&a));
    fake_run(101 * MS);
    unsigned sooner = gateway_in_flight("a");
    ck_assert_uint_gt(sooner, 0);
    ck_assert_uint_lt(sooner, CLIENTS);
    fake_run(101 * MS);
    ck_assert_uint_eq(gateway_in_flight("a"), CLIENTS);
    gateway_end();
}
END_TEST

/* With two upstreams each round asks both, without a wait between them. */
START_TEST(rounds_go_through_all_of_them)
{
    begin(EXACTLY("") A_THEN_B);
    struct wire *client = ask("");
    answer(&a, 503, busy);
    answer(&b, 503, busy);
    ck_asked_after(&a, 500 * MS);
    answer(&a, 503, busy);
    answer(&b, 503, busy);
    ck_asked_after(&a, 1000 * MS);
    answer(&a, 200, good);
    ck_answer(client, 200, good);
    ck_attempts("5", "busy,busy,busy,busy");
    gateway_end();
}
END_TEST

START_TEST(attempts_are_counted)
{
    begin(QUIET ROUTE("retry: {attempts: 3, jitter: 0%}") A_THEN_B);
    struct wire *client = ask("");
    answer(&a, 503, busy);
    answer(&b, 503, busy);
    fake_run(500 * MS);
    answer(&a, 503, busy);
    ck_answer(client, 503, busy);
    ck_attempts("3", "busy,busy,busy");
    ck_assert_uint_eq(a.dials + b.dials, 2);
    gateway_end();
}
END_TEST

/* ---- deadlines ---- */

/* Nobody is kept waiting for an attempt that would come too late. */
START_TEST(who_has_no_time_for_another_try_hears_it_at_once)
{
    begin(EXACTLY("") ALONE);
    struct wire *client = ask("X-Dsgate-Timeout: 500ms\r\n");
    usec_t asked = fake_now();
    answer(&a, 503, busy);
    ck_answer(client, 503, busy);
    ck_attempts("1", "busy");
    ck_assert_int_eq(fake_now(), asked);
    gateway_end();
}
END_TEST

START_TEST(who_has_time_for_another_try_gets_it)
{
    begin(EXACTLY("") ALONE);
    struct wire *client = ask("X-Dsgate-Timeout: 501ms\r\n");
    answer(&a, 503, busy);
    ck_asked_after(&a, 500 * MS);
    fake_run(MS);
    ck_answer(client, 503, busy);
    ck_attempts("2", "busy,deadline");
    ck_assert_uint_eq(gateway_attempts("a", "neutral"), 1);
    gateway_end();
}
END_TEST

/* ---- Retry-After ---- */

START_TEST(retry_after_is_waited_for)
{
    begin(EXACTLY("") ALONE);
    struct wire *client = ask("");
    say_busy(&a, "Retry-After: 3\r\n");
    ck_asked_after(&a, 3000 * MS);
    answer(&a, 200, good);
    ck_answer(client, 200, good);
    ck_attempts("2", "busy");
    gateway_end();
}
END_TEST

START_TEST(retry_after_as_a_date_is_waited_for)
{
    char date[30];
    begin(EXACTLY("") ALONE);
    clock_format_http(loop_wall(fake_loop()) + 3 * USEC_PER_SEC, date);
    char *field = mem_printf("Retry-After: %s\r\n", date);
    struct wire *client = ask("");
    say_busy(&a, field);
    mem_free(field);
    ck_asked_after(&a, 3000 * MS);
    answer(&a, 200, good);
    ck_answer(client, 200, good);
    gateway_end();
}
END_TEST

/* Dates are whole seconds: whoever comes as soon as one begins comes too early by what has passed of this one. A date
 * that has passed is no wait. */
START_TEST(retry_after_as_a_date_is_rounded_up)
{
    static const struct {
        int seconds;
        usec_t wait;
    } rows[] = {{3, 3000 * MS}, {-10, 500 * MS}};
    for (int i = 0; i < COUNT(rows); i++) {
        char date[30];
        begin(EXACTLY("") ALONE);
        fake_run(300 * MS);
        clock_format_http(loop_wall(fake_loop()) + rows[i].seconds * USEC_PER_SEC, date);
        char *field = mem_printf("Retry-After: %s\r\n", date);
        ask("");
        say_busy(&a, field);
        mem_free(field);
        ck_asked_after(&a, rows[i].wait);
        gateway_end();
    }
}
END_TEST

/* A shorter one does not shorten the wait. */
START_TEST(retry_after_is_a_least_time)
{
    begin(EXACTLY(", base: 2s") ALONE);
    struct wire *client = ask("");
    say_busy(&a, "Retry-After: 1\r\n");
    ck_asked_after(&a, 2000 * MS);
    answer(&a, 200, good);
    ck_answer(client, 200, good);
    gateway_end();
}
END_TEST

/* An hour is not waited for: the account rests for a minute at most, and then it is asked. */
START_TEST(retry_after_is_capped)
{
    begin(EXACTLY("") ALONE);
    struct wire *client = ask("");
    say_busy(&a, "Retry-After: 3600\r\n");
    fake_run(59 * USEC_PER_SEC);
    ck_assert_ptr_null(busy_wire(&a));
    fake_run(2 * USEC_PER_SEC);
    answer(&a, 200, good);
    ck_answer(client, 200, good);
    gateway_end();
}
END_TEST

/* Where limits do not follow the answers the account does not rest, and the route's own cap is all that counts. */
START_TEST(retry_after_is_capped_by_the_route)
{
    static const char *const fields[] = {"Retry-After: 3600\r\n", "Retry-After: 18446744073709551615\r\n"};
    for (int i = 0; i < COUNT(fields); i++) {
        begin(EXACTLY(", retry_after: 2s") "upstreams:\n" UPSTREAM(a, ", adaptive: false"));
        struct wire *client = ask("");
        say_busy(&a, fields[i]);
        ck_asked_after(&a, 2000 * MS);
        answer(&a, 200, good);
        ck_answer(client, 200, good);
        gateway_end();
    }
}
END_TEST

/* Who can't wait for so long hears what the upstream has said. */
START_TEST(retry_after_beyond_the_deadline_is_told_at_once)
{
    begin(EXACTLY("") ALONE);
    struct wire *client = ask("X-Dsgate-Timeout: 10s\r\n");
    say_busy(&a, "Retry-After: 30\r\n");
    ck_answer(client, 503, busy);
    ck_assert_str_eq(client_field("retry-after"), "30");
    gateway_end();
}
END_TEST

START_TEST(retry_after_is_not_waited_for_while_another_is_free)
{
    begin(EXACTLY("") A_THEN_B);
    struct wire *client = ask("");
    usec_t asked = fake_now();
    say_busy(&a, "Retry-After: 30\r\n");
    answer(&b, 200, good);
    ck_answer(client, 200, good);
    ck_assert_int_eq(fake_now(), asked);
    gateway_end();
}
END_TEST

/* The rest that one asks for holds up nobody who may be asked sooner. */
START_TEST(the_shortest_rest_is_waited_for)
{
    begin(EXACTLY("") A_THEN_B);
    struct wire *client = ask("X-Dsgate-Timeout: 10s\r\n");
    answer(&a, 500, busy);
    say_busy(&b, "Retry-After: 30\r\n");
    ck_asked_after(&a, 500 * MS);
    answer(&a, 200, good);
    ck_answer(client, 200, good);
    ck_attempts("3", "error,busy");
    gateway_end();
}
END_TEST

/* What was asked for in an earlier round is over. */
START_TEST(each_round_has_its_own_rest)
{
    begin(EXACTLY("") A_THEN_B);
    struct wire *client = ask("");
    say_busy(&a, "Retry-After: 4\r\n");
    say_busy(&b, "Retry-After: 30\r\n");
    ck_asked_after(&a, 4000 * MS);
    answer(&a, 500, busy);
    ck_asked_after(&a, 1000 * MS);
    answer(&a, 200, good);
    ck_answer(client, 200, good);
    gateway_end();
}
END_TEST

/* Who will not be asked again has no say in it. */
START_TEST(a_refusal_does_not_shorten_the_rest)
{
    begin(EXACTLY("") A_THEN_B);
    struct wire *client = ask("");
    say_busy(&a, "Retry-After: 2\r\n");
    answer(&b, 404, busy);
    ck_asked_after(&a, 2000 * MS);
    answer(&a, 200, good);
    ck_answer(client, 200, good);
    ck_attempts("3", "busy,model");
    gateway_end();
}
END_TEST

/* ---- while it waits ---- */

#define B_TAKES_ONE "upstreams:\n" UPSTREAM(a, ", weight: 9") UPSTREAM(b, ", max_concurrency: 1")

/* A client whose request has failed at a, while b is full; another one's is under way at b. */
static struct wire *fail_while_b_is_full(struct wire **other)
{
    begin(EXACTLY("") B_TAKES_ONE);
    struct wire *client;
    *other = NULL;
    while (!busy_wire(&b)) {
        *other = ask("");
        if (busy_wire(&a)) answer(&a, 200, good);
    }
    client = ask("");
    answer(&a, 503, busy);
    ck_assert_uint_eq(gateway_waiting(), 1);
    return client;
}

/* Waiting for one that has failed does not mean to miss the turn at one that was full. */
START_TEST(an_untried_upstream_that_becomes_free_takes_over)
{
    struct wire *other, *client = fail_while_b_is_full(&other);
    fake_run(200 * MS);
    ck_assert_ptr_null(busy_wire(&a));
    answer(&b, 200, good);
    ck_answer(other, 200, good);
    answer(&b, 200, good);
    ck_answer(client, 200, good);
    ck_attempts("2", "busy");
    ck_assert_str_eq(client_field("x-dsgate-upstream"), "b");
    ck_assert_uint_eq(gateway_waiting(), 0);
    gateway_end();
}
END_TEST

/* Also when the config was read again before it failed. */
START_TEST(a_reload_before_the_failure_changes_nothing)
{
    static const char yaml[] = EXACTLY("") B_TAKES_ONE;
    struct wire *other = NULL;
    begin(yaml);
    while (!busy_wire(&b)) {
        other = ask("");
        if (busy_wire(&a)) answer(&a, 200, good);
    }
    struct wire *client = ask("");
    gateway_reload(yaml);
    answer(&a, 503, busy);
    ck_assert_uint_eq(gateway_waiting(), 1);
    answer(&b, 200, good);
    ck_answer(other, 200, good);
    answer(&b, 200, good);
    ck_answer(client, 200, good);
    gateway_end();
}
END_TEST

/* Who loses its place in the queue while it backs off has lost nothing but that. */
START_TEST(a_queue_that_is_full_does_not_end_the_wait)
{
    begin(EXACTLY("") "queue: {max_waiting: 1}\nupstreams:\n" UPSTREAM(a, ", weight: 9, max_concurrency: 1")
              UPSTREAM(b, ", max_concurrency: 1"));
    struct wire *client = ask("X-Dsgate-Priority: P3\r\n");
    struct wire *at_a = upstream_take(busy_wire(&a));
    ask("");
    struct wire *at_b = upstream_take(busy_wire(&b));
    upstream_json(at_a, 503, busy);
    ck_assert_uint_eq(gateway_waiting(), 1);
    ask("X-Dsgate-Priority: P1\r\n"); /* a is free */
    at_a = upstream_take(busy_wire(&a));
    struct wire *urgent = ask("X-Dsgate-Priority: P1\r\n"); /* nobody is: it takes the client's place */
    ck_assert_uint_eq(gateway_waiting(), 1);
    ck_assert_uint_eq(wire_received(client).n, 0);
    upstream_json(at_b, 200, good);
    answer(&b, 200, good);
    ck_answer(urgent, 200, good);
    upstream_json(at_a, 200, good);
    ck_asked_after(&a, 500 * MS);
    answer(&a, 200, good);
    ck_answer(client, 200, good);
    gateway_end();
}
END_TEST

START_TEST(an_untried_upstream_that_stays_full_is_not_waited_for)
{
    struct wire *other, *client = fail_while_b_is_full(&other);
    ck_asked_after(&a, 500 * MS);
    ck_assert_uint_eq(gateway_waiting(), 0);
    answer(&a, 200, good);
    ck_answer(client, 200, good);
    ck_assert_str_eq(client_field("x-dsgate-upstream"), "a");
    answer(&b, 200, good);
    ck_answer(other, 200, good);
    gateway_end();
}
END_TEST

/* A breaker that opens meanwhile is waited for, where there is time. */
START_TEST(a_breaker_that_opens_is_waited_for)
{
    static const char hasty[] = EXACTLY("") "upstreams:\n" UPSTREAM(a, ", breaker: {failures: 1, open: 10s}");
    begin(hasty);
    struct wire *client = ask("");
    answer(&a, 500, busy);
    fake_run(7900 * MS); /* 10 s, give or take a fifth */
    ck_assert_ptr_null(busy_wire(&a));
    fake_run(4200 * MS);
    answer(&a, 200, good);
    ck_answer(client, 200, good);
    ck_attempts("2", "error");
    gateway_end();
    begin(hasty);
    client = ask("X-Dsgate-Timeout: 3s\r\n");
    answer(&a, 500, busy);
    fake_run(500 * MS); /* when it would be asked it can't be */
    ck_answer(client, 500, busy);
    ck_attempts("1", "error");
    gateway_end();
}
END_TEST

START_TEST(a_client_that_leaves_is_not_retried_for)
{
    begin(EXACTLY("") ALONE);
    struct wire *client = ask("");
    answer(&a, 503, busy);
    wire_close(client);
    fake_settle();
    ck_assert(wire_program_closed(client));
    fake_run(60 * USEC_PER_SEC);
    ck_assert_ptr_null(busy_wire(&a));
    ck_assert_uint_eq(gateway_metric("dsgate_clients_gone_total"), 1);
    ck_assert_uint_eq(gateway_metric("dsgate_retries_total"), 0);
    ck_assert_uint_eq(gateway_metric("dsgate_requests_in_flight"), 0);
    gateway_end();
}
END_TEST

START_TEST(a_client_that_leaves_the_queue_while_it_backs_off_leaves_nothing)
{
    struct wire *other, *client = fail_while_b_is_full(&other);
    wire_close(client);
    fake_settle();
    ck_assert_uint_eq(gateway_waiting(), 0);
    answer(&b, 200, good);
    ck_answer(other, 200, good);
    ck_assert_ptr_null(busy_wire(&b));
    gateway_end();
}
END_TEST

START_TEST(a_reload_does_not_end_the_wait)
{
    for (int slow = 0; slow < 2; slow++) {
        begin(EXACTLY("") ALONE);
        struct wire *client = ask("");
        answer(&a, 503, busy);
        fake_run(200 * MS);
        if (slow)
            gateway_begin_reload(EXACTLY("") ALONE);
        else
            gateway_reload(EXACTLY("") ALONE);
        ck_asked_after(&a, 300 * MS);
        if (slow) gateway_end_reload();
        answer(&a, 200, good);
        ck_answer(client, 200, good);
        ck_attempts("2", "busy");
        gateway_end();
    }
}
END_TEST

/* What it began with counts to the end, and is not asked by anybody else any more. */
START_TEST(a_reload_that_takes_the_upstream_away_does_not_end_the_wait)
{
    struct wire *other, *client = fail_while_b_is_full(&other);
    gateway_reload(EXACTLY("") "upstreams:\n" UPSTREAM(c, ""));
    ck_asked_after(&a, 500 * MS);
    answer(&a, 200, good);
    ck_answer(client, 200, good);
    answer(&b, 200, good);
    ck_answer(other, 200, good);
    gateway_end();
}
END_TEST

/* Streams and waits may go on while the gateway drains; its end is told. */
START_TEST(a_shutdown_lets_it_wait_and_then_ends_it)
{
    begin(EXACTLY("") ALONE);
    struct wire *client = ask("");
    answer(&a, 503, busy);
    gateway_drain();
    ck_assert(!gateway_has_drained());
    ck_asked_after(&a, 500 * MS);
    answer(&a, 200, good);
    ck_answer(client, 200, good);
    wire_close(client);
    fake_settle();
    ck_assert(gateway_has_drained());
    gateway_end();
    begin(EXACTLY("") ALONE);
    client = ask("");
    answer(&a, 503, busy);
    gateway_stop();
    ck_error(client, 503, "gateway_shutting_down");
    ck_attempts("1", "busy");
    gateway_end();
}
END_TEST

/* ---- the budget ---- */

/* The gateway begins with ten retries saved up; these are spent. */
static void spend_savings(void)
{
    for (int i = 0; i < 10; i++) {
        struct wire *client = ask("");
        answer(busy_wire(&a) ? &a : &b, 500, busy);
        answer(busy_wire(&a) ? &a : &b, 200, good);
        ck_answer(client, 200, good);
    }
}

#define PATIENT_TWO "upstreams:\n" UPSTREAM(a, ", weight: 9" PATIENT) UPSTREAM(b, PATIENT)

/* When all fail, retries do not become the storm that they are to survive. */
START_TEST(the_budget_denies_retries_and_says_so)
{
    begin(QUIET "retries: {budget: 0%, floor: 0}\n" PATIENT_TWO);
    spend_savings();
    struct wire *client = ask("");
    struct fake_upstream *first = busy_wire(&a) ? &a : &b;
    answer(first, 503, busy);
    ck_answer(client, 503, busy);
    ck_attempts("1", "busy,retry_budget");
    ck_assert_uint_eq(gateway_metric("dsgate_retries_denied_total"), 1);
    ck_assert_uint_eq(gateway_metric("dsgate_retries_total"), 10);
    gateway_end();
}
END_TEST

/* Five requests earn one retry. */
/* To go on with a stream is never denied, but it spends what retries live on. */
START_TEST(going_on_spends_the_budget)
{
    begin(EXACTLY("") "retries: {budget: 0%, floor: 0}\nupstreams:\n" DEEPSEEK(a, ", weight: 9" PATIENT)
              DEEPSEEK(b, PATIENT));
    for (int i = 0; i < 11; i++) {
        struct wire *client = ask_stream("");
        upstream_close(begin_stream(busy_wire(&a) ? &a : &b, "1", "Hel"));
        upstream_stream_finish(begin_stream(busy_wire(&a) ? &a : &b, "1", "lo"));
        struct client_answer got = client_read(client);
        ck_assert(got.complete);
        mem_free(got.body);
    }
    struct wire *client = ask("");
    answer(busy_wire(&a) ? &a : &b, 503, busy);
    ck_answer(client, 503, busy);
    ck_attempts("1", "busy,retry_budget");
    gateway_end();
}
END_TEST

START_TEST(requests_earn_retries)
{
    begin(QUIET "retries: {budget: 20%, floor: 0}\n" ROUTE("retry: {attempts: 2}") PATIENT_TWO);
    spend_savings(); /* which are two requests' worth of retries again */
    unsigned retried = 0;
    for (int i = 0; i < 50; i++) {
        struct wire *client = ask("");
        answer(busy_wire(&a) ? &a : &b, 500, busy);
        struct fake_upstream *again = busy_wire(&a) ? &a : busy_wire(&b) ? &b : NULL;
        retried += again != NULL;
        if (again) answer(again, 200, good);
        ck_assert_uint_gt(wire_received(client).n, 0);
    }
    ck_assert_uint_eq(retried, 12);
    ck_assert_uint_eq(gateway_metric("dsgate_retries_denied_total"), 38);
    gateway_end();
}
END_TEST

/* A gateway with little to do may retry all the same: so often a second. */
START_TEST(a_few_retries_a_second_are_free)
{
    begin(QUIET "retries: {budget: 0%, floor: 2}\n" PATIENT_TWO);
    for (int second = 0; second < 5; second++) {
        for (int i = 0; i < 2; i++) {
            struct wire *client = ask("");
            answer(busy_wire(&a) ? &a : &b, 500, busy);
            answer(busy_wire(&a) ? &a : &b, 200, good);
            ck_answer(client, 200, good);
        }
        fake_run(USEC_PER_SEC);
    }
    spend_savings(); /* which are still there, but for the two that were free */
    ck_assert_uint_eq(gateway_metric("dsgate_retries_denied_total"), 0);
    gateway_end();
}
END_TEST

/* ---- what is no fault of the upstream ---- */

START_TEST(what_one_does_not_know_another_may_know)
{
    begin(EXACTLY("") A_THEN_B);
    struct wire *client = ask("");
    answer(&a, 404, busy);
    answer(&b, 200, good);
    ck_answer(client, 200, good);
    ck_attempts("2", "model");
    ck_assert_uint_eq(gateway_attempts("a", "neutral"), 1);
    gateway_end();
}
END_TEST

/* And it will not know it after a while: it is not asked again, and no retry is spent. */
START_TEST(what_nobody_knows_is_told_at_once)
{
    begin(EXACTLY("") A_THEN_B);
    struct wire *client = ask("");
    answer(&a, 404, busy);
    answer(&b, 404, busy);
    ck_answer(client, 404, busy);
    ck_attempts("2", "model,model");
    gateway_end();
    begin(EXACTLY("") A_THEN_B);
    client = ask("");
    answer(&a, 404, busy);
    answer(&b, 503, busy);
    fake_run(USEC_PER_SEC);
    answer(&b, 200, good); /* which was only busy */
    ck_answer(client, 200, good);
    ck_attempts("3", "model,busy");
    gateway_end();
}
END_TEST

START_TEST(a_refused_key_goes_elsewhere)
{
    begin(EXACTLY("") A_THEN_B);
    struct wire *client = ask("");
    answer(&a, 401, busy);
    answer(&b, 200, good);
    ck_answer(client, 200, good);
    ck_attempts("2", "key");
    ck_assert_uint_eq(gateway_attempts("a", "key"), 1);
    gateway_end();
}
END_TEST

/* An upstream with another key is asked with that one, at once. */
START_TEST(a_second_key_is_used_at_once)
{
    begin(EXACTLY("") "upstreams: [{name: a, base_url: 'http://a.test:80/v1', api_keys: [sk-one, sk-two]}]\n");
    struct wire *client = ask("");
    usec_t asked = fake_now();
    ck_assert(has_received(busy_wire(&a), "Bearer sk-one\r\n"));
    answer(&a, 401, busy);
    ck_assert(has_received(busy_wire(&a), "Bearer sk-two\r\n"));
    answer(&a, 200, good);
    ck_answer(client, 200, good);
    ck_attempts("2", "key");
    ck_assert_int_eq(fake_now(), asked);
    gateway_end();
}
END_TEST

START_TEST(each_key_is_used_once)
{
    begin(EXACTLY("") "upstreams: [{name: a, base_url: 'http://a.test:80/v1', api_keys: [sk-one, sk-two]}]\n");
    struct wire *client = ask("");
    answer(&a, 401, busy);
    answer(&a, 401, busy);
    ck_answer(client, 401, busy);
    ck_attempts("2", "key,key");
    client = ask(""); /* both rest: what one of them is told now is for the client */
    answer(&a, 401, busy);
    ck_answer(client, 401, busy);
    ck_attempts("1", "key");
    gateway_end();
}
END_TEST

/* It may be what the model has to say: so one more is asked, and what it says counts. */
START_TEST(an_empty_answer_is_doubted_once)
{
    begin(EXACTLY("") A_THEN_B);
    struct wire *client = ask("");
    answer(&a, 200, empty);
    answer(&b, 200, good);
    ck_answer(client, 200, good);
    ck_attempts("2", "empty_content");
    client = ask("");
    answer(&a, 200, empty);
    answer(&b, 200, empty);
    ck_answer(client, 200, empty);
    ck_attempts("2", "empty_content");
    ck_assert_uint_eq(gateway_attempts("a", "neutral"), 2);
    ck_assert_uint_eq(gateway_attempts("b", "success"), 2);
    gateway_end();
}
END_TEST

START_TEST(an_empty_answer_may_be_believed_at_once)
{
    begin(EXACTLY(", empty: 0") A_THEN_B);
    struct wire *client = ask("");
    answer(&a, 200, empty);
    ck_answer(client, 200, empty);
    ck_attempts("1", "");
    gateway_end();
}
END_TEST

/* With nobody else the same one is asked again, after a while; and when nothing comes of it, it was an answer. */
START_TEST(an_empty_answer_is_an_answer_in_the_end)
{
    begin(EXACTLY("") ALONE);
    struct wire *client = ask("");
    char *bytes =
        mem_printf("HTTP/1.1 200 X\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s", strlen(empty), empty);
    wire_send(upstream_take(busy_wire(&a)), text_of(bytes));
    fake_settle();
    mem_free(bytes);
    for (usec_t wait = 500 * MS; wait <= 4000 * MS; wait *= 2) {
        ck_asked_after(&a, wait);
        reset(&a);
    }
    ck_answer(client, 200, empty);
    ck_attempts("5", "empty_content,reset,reset,reset,reset");
    gateway_end();
}
END_TEST

/* The same of a stream that says nothing but its role and its end. */
START_TEST(an_empty_stream_is_doubted_once)
{
    begin(EXACTLY("") A_THEN_B);
    struct wire *client = ask_stream("");
    for (int i = 0; i < 2; i++) {
        struct wire *w = upstream_take(busy_wire(i ? &b : &a));
        upstream_stream_head(w);
        upstream_chunk(w, delta_of("1", "{\"role\":\"assistant\",\"content\":\"\"}"));
        ck_assert_uint_eq(wire_received(client).n, 0);
        upstream_stream_finish(w);
    }
    char *expected =
        mem_printf("%s%s%s", delta_of("1", "{\"role\":\"assistant\",\"content\":\"\"}"), finish_event, done_event);
    ck_answer(client, 200, expected);
    ck_attempts("2", "empty_content");
    mem_free(expected);
    gateway_end();
}
END_TEST

/* An error that is encoded, though nobody has asked for that, is one by its status. */
START_TEST(an_error_that_cannot_be_read_goes_elsewhere)
{
    begin(QUIET A_THEN_B);
    struct wire *client = ask("");
    say_busy(&a, "Content-Encoding: gzip\r\n");
    answer(&b, 200, good);
    ck_answer(client, 200, good);
    ck_attempts("2", "busy");
    ck_assert_uint_eq(gateway_attempts("a", "busy"), 1);
    gateway_end();
}
END_TEST

/* It would say the same again, for longer than anybody waits. */
START_TEST(what_does_not_pass_is_told_at_once)
{
    static const unsigned statuses[] = {401, 402, 403, 404};
    for (size_t i = 0; i < COUNT(statuses); i++) {
        begin(EXACTLY("") ALONE);
        struct wire *client = ask("");
        answer(&a, statuses[i], busy);
        ck_answer(client, statuses[i], busy);
        ck_assert_str_eq(client_field("x-dsgate-attempts"), "1");
        gateway_end();
    }
}
END_TEST

/* … unless somebody else may have recovered by then. */
START_TEST(a_refusal_does_not_keep_from_asking_who_was_busy)
{
    begin(EXACTLY("") A_THEN_B);
    struct wire *client = ask("");
    answer(&a, 503, busy);
    answer(&b, 401, busy);
    ck_asked_after(&a, 500 * MS);
    answer(&a, 200, good);
    ck_answer(client, 200, good);
    ck_attempts("3", "busy,key");
    gateway_end();
}
END_TEST

TEST_MAIN("retry", another_upstream_is_asked_at_once, an_error_that_cannot_be_read_goes_elsewhere,
          what_does_not_pass_is_told_at_once, a_refusal_does_not_keep_from_asking_who_was_busy,
          a_lone_upstream_is_given_time, a_lone_upstream_that_recovers_answers, base_factor_and_cap_are_the_routes,
          waits_are_not_all_the_same, rounds_go_through_all_of_them, attempts_are_counted,
          who_has_no_time_for_another_try_hears_it_at_once, who_has_time_for_another_try_gets_it,
          retry_after_is_waited_for, retry_after_as_a_date_is_waited_for, retry_after_as_a_date_is_rounded_up,
          retry_after_is_a_least_time, retry_after_is_capped, retry_after_is_capped_by_the_route,
          retry_after_beyond_the_deadline_is_told_at_once, retry_after_is_not_waited_for_while_another_is_free,
          the_shortest_rest_is_waited_for, each_round_has_its_own_rest, a_refusal_does_not_shorten_the_rest,
          an_untried_upstream_that_becomes_free_takes_over, a_reload_before_the_failure_changes_nothing,
          a_queue_that_is_full_does_not_end_the_wait, an_untried_upstream_that_stays_full_is_not_waited_for,
          a_breaker_that_opens_is_waited_for, a_client_that_leaves_is_not_retried_for,
          a_client_that_leaves_the_queue_while_it_backs_off_leaves_nothing, a_reload_does_not_end_the_wait,
          a_reload_that_takes_the_upstream_away_does_not_end_the_wait, a_shutdown_lets_it_wait_and_then_ends_it,
          the_budget_denies_retries_and_says_so, going_on_spends_the_budget, requests_earn_retries,
          a_few_retries_a_second_are_free, what_one_does_not_know_another_may_know, what_nobody_knows_is_told_at_once,
          a_refused_key_goes_elsewhere, a_second_key_is_used_at_once, each_key_is_used_once,
          an_empty_answer_is_doubted_once, an_empty_answer_may_be_believed_at_once,
          an_empty_answer_is_an_answer_in_the_end, an_empty_stream_is_doubted_once)
