/* An upstream's Retry-After: waited for within reason, and by nobody who can be served elsewhere. */
#include "retry.h"

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

TEST_MAIN("retry_after", retry_after_is_waited_for, retry_after_as_a_date_is_waited_for,
          retry_after_as_a_date_is_rounded_up, retry_after_is_a_least_time, retry_after_is_capped,
          retry_after_is_capped_by_the_route, retry_after_beyond_the_deadline_is_told_at_once,
          retry_after_is_not_waited_for_while_another_is_free, the_shortest_rest_is_waited_for,
          each_round_has_its_own_rest, a_refusal_does_not_shorten_the_rest)
