/* The budget that all retries share. */
#include "retry.h"

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

TEST_MAIN("retry_budget", the_budget_denies_retries_and_says_so, going_on_spends_the_budget, requests_earn_retries,
          a_few_retries_a_second_are_free)
