/* What can happen while a stream is gone on with: slow clients, clients that leave, reloads, the end. */
#include "resume.h"

START_TEST(a_client_that_leaves_ends_it)
{
    for (int waiting = 0; waiting < 2; waiting++) {
        begin(waiting ? RULES ALONE : RULES TWO);
        struct wire *client = ask_stream("");
        upstream_close(begin_stream(&a, "A", "Hel"));
        struct wire *second = waiting ? NULL : upstream_take(busy_wire(&b));
        wire_close(client);
        fake_settle();
        if (second) ck_assert(wire_program_closed(second));
        fake_run(20 * USEC_PER_SEC);
        ck_assert_ptr_null(busy_wire(&a));
        ck_assert_uint_eq(gateway_metric("dsgate_clients_gone_total"), 1);
        gateway_end();
    }
}
END_TEST

/* Sends texts until the program wants no more for now; so many. */
static unsigned send_until_paused(struct wire *w, const char *id)
{
    unsigned sent = 0;
    for (; sent < 10000 && !wire_reading_paused(w); sent++)
        upstream_chunk(w, delta_text(id, "x"));
    ck_assert(wire_reading_paused(w));
    return sent;
}

/* What a slow client has not taken yet is not lost, and whoever goes on is held back as the first one was. */
START_TEST(a_slow_client_gets_it_all)
{
    struct buf expected = {0};
    begin(RULES TWO);
    struct wire *client = ask_stream("");
    wire_window(client, 1000);
    struct wire *first = begin_stream(&a, "A", "");
    unsigned sent = send_until_paused(first, "A");
    upstream_close(first);
    ck_assert_ptr_null(busy_wire(&b)); /* its end comes after what it has sent */
    wire_window(client, 100 * 1000);
    fake_settle();
    wire_window(client, 1000);
    struct wire *second = begin_stream(&b, "B", "");
    sent += send_until_paused(second, "B");
    fake_run(30 * USEC_PER_SEC);
    wire_window(client, SIZE_MAX);
    fake_settle();
    end_stream(second, "B", 100000, 0);
    buf_add(&expected, text_of(delta_of("A", ROLE)));
    for (unsigned i = 0; i < sent; i++)
        buf_add(&expected, text_of(delta_text("A", "x")));
    struct client_answer answer = client_read(client);
    ck_assert(answer.complete);
    ck_assert(text_starts(text_of(answer.body), buf_text(&expected)));
    ck_assert(text_starts(text_from(text_of(answer.body), buf_len(&expected)), TEXT("data: {\"id\":\"A\"")));
    ck_assert(text_ends(text_of(answer.body), TEXT("\n\ndata: [DONE]\n\n")));
    mem_free(answer.body);
    buf_free(&expected);
    gateway_end();
}
END_TEST

/* Also when the first one failed while it was held back. */
START_TEST(who_goes_on_for_a_slow_client_is_held_back_too)
{
    begin(RULES "upstreams:\n" DEEPSEEK(a, ", weight: 9, timeouts: {total: 5s}") DEEPSEEK(b, ""));
    struct wire *client = ask_stream("");
    wire_window(client, 1000);
    send_until_paused(begin_stream(&a, "A", ""), "A");
    fake_run(5000 * MS);
    send_until_paused(begin_stream(&b, "B", ""), "B");
    gateway_end();
}
END_TEST

/* What an upstream has said before is not what the gateway itself has come to. */
static void (*const with_and_without_words[])(struct wire *w) = {upstream_close, break_by_error};

/* The deadline counts in all of it: when nobody can go on in time, that is told at once, and so is its passing. */
START_TEST(the_deadline_ends_it)
{
    begin(RULES ALONE);
    struct wire *client = ask_stream("X-Dsgate-Timeout: 3s\r\n");
    struct wire *first = begin_stream(&a, "A", "Hel");
    fake_run(2600 * MS);
    upstream_close(first);
    ck_broken(client, "Hel", "upstream_cut");
    gateway_end();
    for (int i = 0; i < COUNT(with_and_without_words); i++) {
        begin(RULES TWO);
        client = ask_stream("X-Dsgate-Timeout: 3s\r\n");
        first = begin_stream(&a, "A", "Hel");
        fake_run(2600 * MS);
        with_and_without_words[i](first);
        struct wire *second = upstream_take(busy_wire(&b));
        fake_run(400 * MS);
        ck_assert(wire_program_closed(second));
        ck_broken(client, "Hel", "deadline_exceeded");
        ck_assert_uint_eq(gateway_attempts("b", "neutral"), 1);
        gateway_end();
    }
}
END_TEST

START_TEST(a_shutdown_in_the_middle_is_told)
{
    for (int i = 0; i < COUNT(with_and_without_words); i++) {
        begin(RULES TWO);
        struct wire *client = ask_stream("");
        with_and_without_words[i](begin_stream(&a, "A", "Hel"));
        struct wire *second = upstream_take(busy_wire(&b));
        gateway_stop();
        ck_broken(client, "Hel", "gateway_shutting_down");
        ck_assert(wire_program_closed(second));
        gateway_end();
    }
}
END_TEST

START_TEST(a_reload_in_the_middle_changes_nothing)
{
    begin(RULES ALONE);
    struct wire *client = ask_stream("");
    upstream_close(begin_stream(&a, "A", "Hel"));
    gateway_reload(RULES "upstreams:\n" DEEPSEEK(b, ""));
    fake_run(500 * MS);
    end_stream(begin_stream(&a, "B", "lo"), "B", 9, 4);
    ck_seamless(client, "Hel", "lo", 8, 5);
    gateway_end();
}
END_TEST

TEST_MAIN("resume_meanwhile", a_client_that_leaves_ends_it, a_slow_client_gets_it_all,
          who_goes_on_for_a_slow_client_is_held_back_too, the_deadline_ends_it, a_shutdown_in_the_middle_is_told,
          a_reload_in_the_middle_changes_nothing)
