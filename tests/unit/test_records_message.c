/* Bytes in, records out: each message is put together by hand. */
#include "../../src/net/records_message.h"
#include "dns_message.h"
#include "net_test.h"

static struct buf message;
static struct records_message found;

static void set_up(void) { buf_clear(&message); }

static void tear_down(void)
{
    records_message_free(&found);
    buf_free(&message);
}

static void begin(unsigned flags, unsigned answers, unsigned additional, const char *name, unsigned type)
{
    put_head(&message, 7, flags, answers, additional);
    put_question(&message, name, type);
}

static enum records_verdict read_as(unsigned type)
{
    char *alone = mem_dup(buf_text(&message).p, buf_len(&message)); /* so that a sanitizer sees each byte outside */
    records_message_free(&found);
    enum records_verdict v = records_read((uint8_t *)alone, buf_len(&message), type, &found);
    mem_free(alone);
    ck_assert(v == RECORDS_FOUND || (!found.hosts && !found.services));
    return v;
}

/* "10.0.0.1:0 7, " for each host, with its name where it has one. */
static void check_hosts(const char *expected)
{
    struct buf words = {0};
    for (size_t i = 0; i < found.host_count; i++) {
        if (found.hosts[i].name) buf_printf(&words, "%s ", found.hosts[i].name);
        address_format(&found.hosts[i].address, &words);
        buf_printf(&words, " %d, ", (int)(found.hosts[i].ttl / USEC_PER_SEC));
    }
    ck_assert_msg(text_is(buf_text(&words), expected), TEXT_FORMAT, TEXT_ARGS(buf_text(&words)));
    buf_free(&words);
}

START_TEST(test_addresses)
{
    begin(FLAGS_ANSWER, 2, 0, "a.test", ns_t_a);
    put_host(&message, "a.test", 7, "10.0.0.1");
    put_host(&message, "A.Test", 0, "10.0.0.2");
    ck_assert_int_eq(read_as(ns_t_a), RECORDS_FOUND);
    check_hosts("10.0.0.1:0 7, 10.0.0.2:0 0, ");
    ck_assert(!found.left_out && !found.truncated);
    buf_clear(&message);
    begin(FLAGS_TRUNCATED, 1, 0, "a.test", ns_t_aaaa);
    put_host(&message, "a.test", 3600, "2001:db8::1");
    ck_assert_int_eq(read_as(ns_t_aaaa), RECORDS_FOUND);
    check_hosts("[2001:db8::1]:0 3600, ");
    ck_assert(found.truncated);
}
END_TEST

START_TEST(test_a_time_to_live_with_the_top_bit_is_zero)
{
    begin(FLAGS_ANSWER, 1, 0, "a.test", ns_t_a);
    put_host(&message, "a.test", 0x80000001u, "10.0.0.1");
    ck_assert_int_eq(read_as(ns_t_a), RECORDS_FOUND);
    check_hosts("10.0.0.1:0 0, ");
}
END_TEST

/* In any order, with the smallest time to live on the way. */
START_TEST(test_aliases_are_followed)
{
    begin(FLAGS_ANSWER, 4, 0, "a.test", ns_t_a);
    put_host(&message, "c.test", 60, "10.0.0.3");
    put_alias(&message, "b.test", 5, "c.test");
    put_alias(&message, "a.test", 50, "b.test");
    put_host(&message, "stranger.test", 1, "10.6.6.6");
    ck_assert_int_eq(read_as(ns_t_a), RECORDS_FOUND);
    check_hosts("10.0.0.3:0 5, ");
}
END_TEST

START_TEST(test_aliases_in_a_circle_end)
{
    begin(FLAGS_ANSWER, 3, 0, "a.test", ns_t_a);
    put_alias(&message, "a.test", 5, "b.test");
    put_alias(&message, "b.test", 5, "a.test");
    put_host(&message, "c.test", 5, "10.0.0.3");
    ck_assert_int_eq(read_as(ns_t_a), RECORDS_NO_DATA);
}
END_TEST

START_TEST(test_answers_that_say_no)
{
    begin(FLAGS_NO_NAME, 0, 0, "a.test", ns_t_a);
    ck_assert_int_eq(read_as(ns_t_a), RECORDS_NO_NAME);
    buf_clear(&message);
    begin(FLAGS_FAILED, 0, 0, "a.test", ns_t_a);
    ck_assert_int_eq(read_as(ns_t_a), RECORDS_UNANSWERED);
    buf_clear(&message);
    begin(FLAGS_TRUNCATED, 0, 0, "a.test", ns_t_a);
    ck_assert_int_eq(read_as(ns_t_a), RECORDS_NO_DATA);
    ck_assert(found.truncated);
}
END_TEST

START_TEST(test_wrong_types_and_names_do_not_count)
{
    begin(FLAGS_ANSWER, 3, 0, "a.test", ns_t_a);
    put_host(&message, "a.test", 5, "2001:db8::1");
    put_host(&message, "b.test", 5, "10.0.0.2");
    put_record(&message, "a.test", ns_t_txt, 5, TEXT("\4text"));
    ck_assert_int_eq(read_as(ns_t_a), RECORDS_NO_DATA);
    ck_assert_int_eq(read_as(ns_t_aaaa), RECORDS_GARBAGE); /* that was not the question */
}
END_TEST

START_TEST(test_services_with_their_addresses)
{
    begin(FLAGS_ANSWER, 4, 3, "_a._tcp.test", ns_t_srv);
    put_service(&message, "_a._tcp.test", 9, 1, 65535, 8000, "n1.test");
    put_service(&message, "_a._tcp.test", 8, 2, 0, 8001, "n2.test");
    put_service(&message, "_a._tcp.test", 8, 0, 1, 8001, "");     /* there is none */
    put_service(&message, "_a._tcp.test", 8, 0, 1, 0, "n3.test"); /* can't be reached */
    put_host(&message, "n1.test", 4, "10.0.0.1");
    put_record(&message, "n1.test", ns_t_a, 4, TEXT("123")); /* passed over */
    put_host(&message, "n1.test", 4, "::1");
    ck_assert_int_eq(read_as(ns_t_srv), RECORDS_FOUND);
    check_hosts("n1.test 10.0.0.1:0 4, n1.test [::1]:0 4, ");
    ck_assert_uint_eq(found.service_count, 2);
    const struct records_service *s = found.services;
    ck_assert_str_eq(s[0].target, "n1.test");
    ck_assert_uint_eq(s[0].priority, 1);
    ck_assert_uint_eq(s[0].weight, 65535);
    ck_assert_uint_eq(s[0].port, 8000);
    ck_assert_int_eq(s[0].ttl, 9 * USEC_PER_SEC);
    ck_assert_str_eq(s[1].target, "n2.test");
}
END_TEST

static void put_raw_service(struct text data)
{
    buf_clear(&message);
    begin(FLAGS_ANSWER, 1, 0, "s.test", ns_t_srv);
    put_record(&message, "s.test", ns_t_srv, 5, data);
}

START_TEST(test_malformed_records)
{
    const struct text services[] = {TEXT(""),
                                    TEXT("\0\0\0\0\0"),
                                    TEXT("\0\0\0\0\0\1"),
                                    TEXT("\0\0\0\0\0\1\2a"),
                                    TEXT("\0\0\0\0\0\1\1a\0x") /* more than a name */,
                                    TEXT("\0\0\0\0\0\1\xc0\x30") /* points to itself */,
                                    TEXT("\0\0\0\0\0\1\xff\xff") /* points outside */};
    for (int i = 0; i < COUNT(services); i++) {
        put_raw_service(services[i]);
        ck_assert_msg(read_as(ns_t_srv) == RECORDS_GARBAGE, "%d", i);
    }
    buf_clear(&message);
    begin(FLAGS_ANSWER, 1, 0, "a.test", ns_t_a);
    put_record(&message, "a.test", ns_t_a, 5, TEXT("12345"));
    ck_assert_int_eq(read_as(ns_t_a), RECORDS_GARBAGE);
}
END_TEST

START_TEST(test_no_messages_at_all)
{
    const struct text bytes[] = {TEXT(""),
                                 TEXT("\0\7\x81\x80"),
                                 TEXT("GET / HTTP/1.1\r\n\r\n"),
                                 TEXT("\0\7\x01\0\0\1\0\0\0\0\0\0\1a\0\0\1\0\1") /* a question */,
                                 TEXT("\0\7\x81\x80\0\0\0\0\0\0\0\0") /* the answer to none */,
                                 TEXT("\0\7\x81\x80\0\1\xff\xff\0\0\0\0\1a\0\0\1\0\1") /* 65535 records */};
    for (int i = 0; i < COUNT(bytes); i++) {
        buf_clear(&message);
        buf_add(&message, bytes[i]);
        ck_assert_msg(read_as(ns_t_a) == RECORDS_GARBAGE, "%d", i);
    }
}
END_TEST

/* However much of a message arrives, or whatever follows it. */
START_TEST(test_cut_messages)
{
    begin(FLAGS_ANSWER, 2, 1, "_a._tcp.test", ns_t_srv);
    put_service(&message, "_a._tcp.test", 9, 1, 2, 8000, "n1.test");
    put_service(&message, "_a._tcp.test", 9, 1, 2, 8001, "n1.test");
    put_host(&message, "n1.test", 4, "10.0.0.1");
    for (size_t whole = message.tail; --message.tail > 0;)
        ck_assert_msg(read_as(ns_t_srv) == RECORDS_GARBAGE, "%zu of %zu", message.tail, whole);
}
END_TEST

START_TEST(test_more_than_there_is_room_for)
{
    begin(FLAGS_ANSWER, RECORDS_MAX + 1, 0, "a", ns_t_a);
    for (unsigned i = 0; i <= RECORDS_MAX; i++) {
        char address[32];
        snprintf(address, sizeof address, "10.0.%u.%u", i / 256, i % 256);
        put_host(&message, "a", 5, address);
    }
    ck_assert_int_eq(read_as(ns_t_a), RECORDS_FOUND);
    ck_assert_uint_eq(found.host_count, RECORDS_MAX);
    ck_assert(found.left_out);
}
END_TEST

TEST_MAIN_WITH("records_message", set_up, tear_down, test_addresses, test_a_time_to_live_with_the_top_bit_is_zero,
               test_aliases_are_followed, test_aliases_in_a_circle_end, test_answers_that_say_no,
               test_wrong_types_and_names_do_not_count, test_services_with_their_addresses, test_malformed_records,
               test_no_messages_at_all, test_cut_messages, test_more_than_there_is_room_for)
