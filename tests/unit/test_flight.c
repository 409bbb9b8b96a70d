/* Who leads, who follows, what they are told. */
#include "flight_fixture.h"

START_TEST(followers_get_the_answer_from_its_beginning)
{
    static const struct play rows[] = {
        {"BFrwrwrLr", "~ab~ab~."}, /* as it comes */
        {"BwwFrLr", "abab~."},
        {"BwFLr", "ab."},        /* from the entry alone, */
        {"BwFswwLr", "ababab."}, /* … or the rest from it */
        {"BFwrwlr", "ab~ab."},   /* there is none */
        {"BFLr", "."},
        {"BFlrr", ".."},
        {"BwLF", "-"},
        {"BwFFrLr", "ab~."},
    };
    RUN_PLAYS(rows);
}
END_TEST

START_TEST(a_crash_is_told_once_what_was_begun_is_read)
{
    static const struct play rows[] = {
        {"BFCr", "!"},      {"BFwCr", "!"}, /* has had nothing: somebody else's answer will do */
        {"BFwrCr", "ab~!"}, {"BFwrwCr", "ab~ab!"}, {"BFwrwwCrr", "ab~abab!!"}, {"BCF", "-"},
    };
    RUN_PLAYS(rows);
}
END_TEST

START_TEST(news_come_once_for_each_wait)
{
    static const struct play rows[] = {
        {"BFtwtt", "n"},                                           /* the first is unasked */
        {"BwFt", "n"},         {"BFwwt", "n"},    {"BFwtwt", "n"}, /* who does not read has no use for more of them */
        {"BFwtrtwt", "nab~n"}, {"BFwrt", "ab~"},                   /* read before it came */
        {"BFwrwt", "ab~n"},    {"BFwst", "abn"}, /* … but who has not been told that there is no more may be told of
                                                    what it had */
        {"BFrrrwt", "~~~n"},   {"BFLt", "n"},     {"BFlt", "n"},   {"BFCt", "n"},
        {"BFwtrLt", "nab~n"},  {"BFFFwt", "nnn"}, {"BFFwXt", "n"}, /* not for who has left */
        {"BFXwt", ""},
    };
    RUN_PLAYS(rows);
}
END_TEST

START_TEST(a_deserted_lead_is_told_if_it_wants_to_know)
{
    static const struct play rows[] = {
        {"BWtt", "d"},    {"Bt", ""},     {"BFWtt", ""},  {"BFWXtt", "d"},   {"BFXt", ""},
        {"BFFWXt", ""},   {"BFXWt", "d"}, {"BFWXFt", ""}, {"BFWXFtLr", "."}, {"BWtF", "d-"}, /* nobody joins any more */
        {"BFWXWWt", "d"}, {"BWLt", ""},   {"BFWCXt", ""}, {"BFWXCt", ""},
    };
    RUN_PLAYS(rows);
}
END_TEST

START_TEST(a_lead_closes_when_nobody_follows)
{
    static const struct play rows[] = {
        {"BcF", "c-"}, {"BFcF", ""}, {"BFXcF", "c-"}, {"BFcwtr", "nab~"}, {"BccC", "cc"}, {"BwcLF", "c-"},
    };
    RUN_PLAYS(rows);
}
END_TEST

START_TEST(who_may_follow)
{
    static const struct {
        struct flight_terms lead, follower;
        bool starts, may;
    } rows[] = {
        {{.priority = PRIORITY_P2, .patience = 9}, {.priority = PRIORITY_P2, .patience = 9}, false, true},
        {{.priority = PRIORITY_P2, .patience = 9}, {.priority = PRIORITY_P1, .patience = 9}, false, false},
        {{.priority = PRIORITY_P2, .patience = 9}, {.priority = PRIORITY_P1, .patience = 9}, true, true},
        {{.priority = PRIORITY_P1, .patience = 9}, {.priority = PRIORITY_P2, .patience = 9}, false, true},
        {{.patience = 9}, {.patience = 10}, true, false},
        {{.patience = 9}, {.patience = 8}, true, true},
        {{.patience = 9}, {.patience = USEC_NEVER}, true, false},
        {{.patience = USEC_NEVER}, {.patience = USEC_NEVER}, true, true},
        {{.wants_usage = true}, {.wants_usage = true}, true, true},
        {{.wants_usage = true}, {.wants_usage = false}, true, true},
        {{.wants_usage = false}, {.wants_usage = true}, true, false},
        {{.key = {{1}}}, {.key = {{2}}}, true, false},
        {{.key = {{0, [31] = 1}}}, {.key = {{0, [31] = 2}}}, true, false}, /* neighbours in the table */
    };
    for (int i = 0; i < COUNT(rows); i++) {
        flight_begin(flights, &lead, &inbox, &rows[i].lead);
        if (rows[i].starts) flight_starts(&lead);
        bool may = flight_follow(flights, &who[0], &inbox, &rows[i].follower, on_news);
        ck_assert_msg(may == rows[i].may, "row %d", i);
        leave_all();
    }
}
END_TEST

START_TEST(a_newer_flight_takes_the_place_of_an_older_one)
{
    struct flight_lead other = {0};
    begin();
    ck_assert(follow(&who[0]));
    flight_begin(flights, &other, &inbox, &(struct flight_terms){.key = usual.key, .patience = USEC_NEVER});
    flight_starts(&other);
    ck_assert(follow(&who[1]));
    ck_assert_uint_eq(flight_followers(&lead), 1);
    ck_assert_uint_eq(flight_followers(&other), 1);
    write_text(TEXT("old"));
    read_all(&who[0]);
    read_all(&who[1]);
    land();
    ck_assert(follow(&who[2])); /* the older one's end is not the newer one's */
    flight_crash(&other, "", 0);
    read_all(&who[0]);
    read_all(&who[2]);
    ck_assert(!follow(&who[3]));
    ck_assert(text_is(buf_text(&told), "old~~.!"));
    begin();
    flight_begin(flights, &other, &inbox, &usual);
    flight_crash(&other, "", 0);
    ck_assert(!follow(&who[3])); /* the older one does not come back */
}
END_TEST

/* More keys than the table has buckets for. */
START_TEST(each_key_has_its_own)
{
    enum { KEYS = 20000 };
    struct flight_lead *leads = mem_zalloc(KEYS * sizeof *leads);
    struct flight_terms terms = usual;
    for (uint32_t i = 0; i < KEYS; i++) {
        memcpy(terms.key.bytes, &i, sizeof i);
        flight_begin(flights, &leads[i], &inbox, &terms);
    }
    ck_assert_uint_eq(stats_now().flights, KEYS);
    for (uint32_t i = 0; i < KEYS; i += 2)
        flight_crash(&leads[i], "", 0);
    for (uint32_t i = 0; i < KEYS; i++) {
        memcpy(terms.key.bytes, &i, sizeof i);
        ck_assert_int_eq(flight_follow(flights, who, &inbox, &terms, on_news), i % 2);
        if (i % 2) ck_assert_uint_eq(flight_followers(&leads[i]), 1);
        flight_leave(who);
        flight_crash(&leads[i], "", 0);
    }
    mem_free(leads);
}
END_TEST

START_TEST(who_asks_first_leads)
{
    ck_assert(!flight_join(flights, &who[0], &lead, &inbox, &usual, on_news));
    ck_assert_ptr_null(who[0].flight);
    for (int i = 1; i < FOLLOWERS; i++) {
        struct flight_lead none = {0};
        ck_assert(flight_join(flights, &who[i], &none, &inbox, &usual, on_news));
        ck_assert_ptr_null(none.flight);
    }
    ck_assert_uint_eq(flight_followers(&lead), FOLLOWERS - 1);
    struct flights_stats stats = stats_now();
    ck_assert_uint_eq(stats.flights, 1);
    ck_assert_uint_eq(stats.followers, FOLLOWERS - 1);
    ck_assert_uint_eq(stats.led, 1);
    ck_assert_uint_eq(stats.followed, FOLLOWERS - 1);
    ck_assert_uint_eq(stats.lost, 0);
}
END_TEST

START_TEST(what_a_purge_has_forgotten_is_not_kept)
{
    struct flight_lead other = {0};
    begin();
    ck_assert(follow(&who[0]));
    ck_assert(flight_is_current(&lead));
    flights_forget(flights);
    ck_assert(!flight_is_current(&lead));
    ck_assert(!flight_join(flights, &who[1], &other, &inbox, &usual, on_news));
    ck_assert(flight_is_current(&other));
    write_text(TEXT("ab"));
    land();
    ck_assert(!flight_is_current(&lead)); /* told after its end, too */
    read_all(&who[0]);
    ck_assert(text_is(buf_text(&told), "ab."));
    flight_crash(&other, "", 0);
}
END_TEST

START_TEST(followers_know_how_it_begins)
{
    struct cache_facts facts = {.status = 404, .type = TEXT("application/json")};
    begin();
    ck_assert(follow(&who[0]));
    ck_assert_ptr_null(flight_head(&who[0]));
    write_text(TEXT("ab"));
    ck_assert_mem_eq(flight_head(&who[0]), &head, sizeof head);
    flight_write(&lead, NULL, NULL, 0); /* not said again */
    ck_assert_mem_eq(flight_head(&who[0]), &head, sizeof head);
    leave_all();
    begin();
    ck_assert(follow(&who[0]));
    struct iovec found = iov_of(TEXT("found"));
    struct cache_entry *e = cache_entry_new(&facts, &found, 1);
    flight_land(&lead, e); /* found elsewhere */
    cache_entry_unref(e);
    ck_assert_uint_eq(flight_head(&who[0])->status, 404);
    ck_assert(!flight_head(&who[0])->stream);
    ck_assert_str_eq(flight_head(&who[0])->type, "application/json");
    read_all(&who[0]);
    ck_assert(text_is(buf_text(&told), "found."));
}
END_TEST

START_TEST(followers_hear_what_the_lead_says)
{
    char what[] = "why";
    size_t n;
    begin();
    ck_assert(follow(&who[0]) && follow(&who[1]));
    flight_crash(&lead, what, sizeof what);
    memset(what, 'x', sizeof what);
    for (int i = 0; i < 2; i++) {
        read_all(&who[i]);
        ck_assert_str_eq(flight_failure(&who[i], &n), "why");
        ck_assert_uint_eq(n, sizeof what);
    }
    flight_crash(&lead, what, sizeof what); /* it leads none: harmless */
    flight_leave(&who[0]);
    flight_leave(&who[0]);
}
END_TEST

/* ---- inboxes ---- */

static unsigned deliveries;
static void (*deliver)(struct loop_post *post);

static void count_delivery(struct loop_post *post)
{
    deliveries++;
    deliver(post);
}

START_TEST(many_followers_cost_one_post)
{
    deliver = inbox.post.deliver;
    inbox.post.deliver = count_delivery;
    deliveries = 0;
    begin();
    for (int i = 0; i < FOLLOWERS; i++)
        ck_assert(follow(&who[i]));
    write_text(TEXT("ab"));
    write_text(TEXT("cd"));
    run_turns(loop, 2);
    ck_assert_uint_eq(deliveries, 1);
    ck_assert_uint_eq(buf_len(&told), FOLLOWERS);
    write_text(TEXT("ef")); /* nobody is hungry */
    flight_watch(&lead);    /* … nor has left the lead alone */
    flight_leave(&who[0]);
    run_turns(loop, 2);
    ck_assert_uint_eq(deliveries, 1);
}
END_TEST

static void read_and_go_on(struct follower *f)
{
    on_news(f);
    for (struct text bytes; flight_read(f, &bytes) == FLIGHT_BYTES;)
        continue;
    write_text(TEXT("more"));
}

/* A lead that always has more, and followers that always want it, leave the loop time for others. */
START_TEST(news_of_one_delivery_end)
{
    begin();
    ck_assert(flight_follow(flights, &who[0], &inbox, &usual, read_and_go_on));
    write_text(TEXT("ab"));
    for (unsigned turns = 1; turns < 10; turns++) {
        run_turns(loop, 1);
        ck_assert_uint_eq(buf_len(&told), turns);
    }
}
END_TEST

static void leave_together(struct follower *f)
{
    on_news(f);
    for (int i = 0; i < FOLLOWERS; i++)
        flight_leave(&who[i]);
}

START_TEST(who_hears_news_may_end_it_for_others)
{
    begin();
    for (int i = 0; i < FOLLOWERS; i++)
        ck_assert(flight_follow(flights, &who[i], &inbox, &usual, leave_together));
    land();
    run_turns(loop, 2);
    ck_assert(text_is(buf_text(&told), "n"));
}
END_TEST

/* One worker's followers leave, and its loop goes, while the post of their news is under way. */
START_TEST(a_loop_may_end_with_news_unheard)
{
    struct loop *short_one = loop_new();
    struct flight_inbox other;
    flight_inbox_open(flights, &other, short_one);
    begin();
    ck_assert(follow(&who[0]));
    ck_assert(flight_follow(flights, &who[1], &other, &usual, on_news));
    write_text(TEXT("ab"));
    flight_leave(&who[1]);
    flight_inbox_close(&other);
    loop_free(short_one);
    write_text(TEXT("cd"));
    run_turns(loop, 2);
    read_all(&who[0]);
    ck_assert(text_is(buf_text(&told), "nabcd~"));
}
END_TEST

TEST_MAIN_WITH("flight", set_up, tear_down, followers_get_the_answer_from_its_beginning,
               a_crash_is_told_once_what_was_begun_is_read, news_come_once_for_each_wait,
               a_deserted_lead_is_told_if_it_wants_to_know, a_lead_closes_when_nobody_follows, who_may_follow,
               a_newer_flight_takes_the_place_of_an_older_one, each_key_has_its_own, who_asks_first_leads,
               what_a_purge_has_forgotten_is_not_kept, followers_know_how_it_begins, followers_hear_what_the_lead_says,
               many_followers_cost_one_post, news_of_one_delivery_end, who_hears_news_may_end_it_for_others,
               a_loop_may_end_with_news_unheard)
