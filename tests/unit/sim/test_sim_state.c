/* What the simulator remembers between requests: prefixes, lanes, rules. */
#include "../../../src/tools/sim/lanes.h"
#include "../../../src/tools/sim/prefix_cache.h"
#include "../../../src/tools/sim/rules.h"
#include "../../suite.h"
#include <stdio.h>

/* ---- prefix cache: a block is 64 tokens of 4 bytes ---- */

static char prompt[8 * 256];

static void fill_prompt(void)
{
    for (size_t i = 0; i < sizeof prompt; i++)
        prompt[i] = (char)('a' + i % 23);
}

static unsigned use(struct prefix_cache *c, uint64_t owner, size_t bytes)
{
    struct text part = {prompt, bytes};
    return prefix_cache_use(c, owner, &part, 1);
}

START_TEST(whole_blocks_hit)
{
    struct prefix_cache *c = prefix_cache_new(100);
    ck_assert_uint_eq(use(c, 1, 600), 0);
    ck_assert_uint_eq(use(c, 1, 600), 128);
    ck_assert_uint_eq(use(c, 1, 511), 64);
    ck_assert_uint_eq(use(c, 1, 255), 0);
    ck_assert_uint_eq(use(c, 1, 2048), 128);
    ck_assert_uint_eq(use(c, 1, 2048), 512);
    ck_assert_uint_eq(use(c, 2, 2048), 0); /* somebody else's */
    prefix_cache_clear(c);
    ck_assert_uint_eq(use(c, 1, 2048), 0);
    prefix_cache_free(c);
}
END_TEST

START_TEST(a_change_early_on_spoils_all_behind_it)
{
    struct prefix_cache *c = prefix_cache_new(100);
    use(c, 1, 1024);
    prompt[300] ^= 1;
    ck_assert_uint_eq(use(c, 1, 1024), 64);
    fill_prompt();
    prefix_cache_free(c);
}
END_TEST

START_TEST(parts_are_one_text)
{
    struct prefix_cache *c = prefix_cache_new(100);
    use(c, 1, 1024);
    struct text parts[] = {{prompt, 100}, {prompt + 100, 0}, {prompt + 100, 924}};
    ck_assert_uint_eq(prefix_cache_use(c, 1, parts, 3), 256);
    prefix_cache_free(c);
}
END_TEST

START_TEST(the_oldest_blocks_make_room)
{
    struct prefix_cache *c = prefix_cache_new(4);
    use(c, 1, 1024); /* all four blocks */
    use(c, 1, 512);  /* the first two are young again */
    use(c, 2, 512);  /* takes the place of the last two */
    ck_assert_uint_eq(use(c, 1, 512), 128);
    ck_assert_uint_eq(use(c, 2, 512), 128);
    ck_assert_uint_eq(use(c, 1, 1024), 128);
    prefix_cache_free(c);
}
END_TEST

START_TEST(without_blocks_nothing_hits)
{
    struct prefix_cache *c = prefix_cache_new(0);
    ck_assert_uint_eq(use(c, 1, 2048), 0);
    ck_assert_uint_eq(use(c, 1, 2048), 0);
    prefix_cache_free(c);
}
END_TEST

START_TEST(tokens_round_up)
{
    ck_assert_uint_eq(prefix_tokens(0), 0);
    ck_assert_uint_eq(prefix_tokens(1), 1);
    ck_assert_uint_eq(prefix_tokens(4), 1);
    ck_assert_uint_eq(prefix_tokens(5), 2);
}
END_TEST

/* ---- lanes ---- */

START_TEST(the_limit_is_for_each_account_and_model)
{
    struct lanes *l = lanes_new(2);
    struct lane_result first = lanes_enter(l, 1, TEXT("a"));
    ck_assert(first.admitted && lanes_enter(l, 1, TEXT("a")).admitted);
    struct lane_result third = lanes_enter(l, 1, TEXT("a"));
    ck_assert(!third.admitted);
    ck_assert_uint_eq(third.busy, 3);
    ck_assert_uint_eq(third.limit, 2);
    ck_assert(lanes_enter(l, 2, TEXT("a")).admitted);
    ck_assert(lanes_enter(l, 1, TEXT("b")).admitted);
    lanes_leave(l, first.lane);
    ck_assert(lanes_enter(l, 1, TEXT("a")).admitted);
    lanes_free(l);
}
END_TEST

START_TEST(a_model_may_have_its_own_limit)
{
    struct lanes *l = lanes_new(0);
    ck_assert(lanes_set_limit(l, TEXT("a"), 1));
    ck_assert(lanes_enter(l, 1, TEXT("a")).admitted);
    ck_assert(!lanes_enter(l, 1, TEXT("a")).admitted);
    for (int i = 0; i < 100; i++)
        ck_assert(lanes_enter(l, 1, TEXT("b")).admitted);
    ck_assert(lanes_set_limit(l, TEXT("a"), 3));
    ck_assert(lanes_enter(l, 1, TEXT("a")).admitted);
    lanes_reset(l, 1);
    ck_assert_uint_eq(lanes_enter(l, 1, TEXT("a")).busy, 3); /* who is under way stays */
    lanes_free(l);
}
END_TEST

START_TEST(models_with_limits_are_bounded)
{
    struct lanes *l = lanes_new(0);
    char name[32];
    for (int i = 0; i < 64; i++) {
        snprintf(name, sizeof name, "model-%d", i);
        ck_assert(lanes_set_limit(l, text_of(name), 1));
    }
    ck_assert(!lanes_set_limit(l, TEXT("one-more"), 1));
    ck_assert(lanes_set_limit(l, TEXT("model-0"), 2));
    lanes_free(l);
}
END_TEST

/* Many more lanes than there is room for: counts stay right, whoever shares. */
START_TEST(lanes_are_reused)
{
    struct lanes *l = lanes_new(1);
    for (uint64_t account = 0; account < 10 * LANES_MOST; account++) {
        struct lane_result r = lanes_enter(l, account, TEXT("m"));
        ck_assert(r.admitted);
        lanes_leave(l, r.lane);
    }
    lanes_free(l);
}
END_TEST

START_TEST(strikes_are_counted_apart)
{
    struct lanes *l = lanes_new(0);
    ck_assert(lanes_strike(l, 1, TEXT("a"), 9, 2));
    ck_assert(lanes_strike(l, 1, TEXT("a"), 9, 2));
    ck_assert(!lanes_strike(l, 1, TEXT("a"), 9, 2));
    ck_assert(lanes_strike(l, 1, TEXT("b"), 9, 2));
    ck_assert(lanes_strike(l, 2, TEXT("a"), 9, 2));
    ck_assert(lanes_strike(l, 1, TEXT("a"), 8, 2));
    lanes_reset(l, 0);
    ck_assert(lanes_strike(l, 1, TEXT("a"), 9, 2));
    lanes_free(l);
}
END_TEST

/* ---- rules ---- */

static void set(struct rules *r, const char *model, const char *path, const char *spec, unsigned count)
{
    struct buf error = {0};
    ck_assert(rules_set(r, (struct rule_scope){text_of(model), text_of(path)}, text_of(spec), count, &error));
    buf_free(&error);
}

/* The status of the scenario that a request meets; 0: none. */
static uint32_t met(struct rules *r, const char *model, const char *path, bool generates)
{
    struct scenario_mix mix = {.count = 0};
    bool found = rules_find(r, (struct rule_scope){text_of(model), text_of(path)}, generates, &mix);
    ck_assert_int_eq(found, mix.count == 1);
    return found ? mix.parts[0].status : 0;
}

START_TEST(the_nearest_scope_wins)
{
    struct rules *r = rules_new();
    ck_assert_uint_eq(met(r, "a", "/chat", true), 0);
    set(r, "", "", "500", 0);
    set(r, "a", "", "501", 0);
    set(r, "", "/models", "502", 0);
    set(r, "a", "/models", "503", 0);
    ck_assert_uint_eq(met(r, "b", "/chat", true), 500);
    ck_assert_uint_eq(met(r, "a", "/chat", true), 501);
    ck_assert_uint_eq(met(r, "", "/models", false), 502);
    ck_assert_uint_eq(met(r, "a", "/models", false), 503);
    ck_assert_uint_eq(met(r, "a", "/user/balance", false), 0); /* only rules with a path touch what generates nothing */
    rules_free(r);
}
END_TEST

START_TEST(a_count_runs_out_and_uncovers_the_rule_below)
{
    struct rules *r = rules_new();
    set(r, "", "", "500", 0);
    rules_keep(r);
    set(r, "", "", "501", 2);
    ck_assert_uint_eq(met(r, "a", "/x", true), 501);
    ck_assert_uint_eq(met(r, "a", "/x", true), 501);
    ck_assert_uint_eq(met(r, "a", "/x", true), 500);
    set(r, "", "", "502", 0);
    set(r, "", "", "503", 0); /* instead of 502, not on top of it */
    rules_reset(r);
    ck_assert_uint_eq(met(r, "a", "/x", true), 500);
    rules_free(r);
}
END_TEST

START_TEST(rules_are_bounded)
{
    struct rules *r = rules_new();
    struct buf error = {0};
    char model[32];
    for (int i = 0; i < RULES_MOST; i++) {
        snprintf(model, sizeof model, "m%d", i);
        set(r, model, "", "busy", 0);
    }
    ck_assert(!rules_set(r, (struct rule_scope){TEXT("more"), TEXT_NONE}, TEXT("busy"), 0, &error));
    ck_assert(text_find(buf_text(&error), TEXT("/_sim/reset")) < buf_len(&error));
    set(r, "m0", "", "500", 0);
    ck_assert_uint_eq(met(r, "m0", "/x", true), 500);
    buf_free(&error);
    rules_free(r);
}
END_TEST

START_TEST(a_bad_spec_changes_nothing)
{
    struct rules *r = rules_new();
    struct buf error = {0};
    set(r, "", "", "500", 0);
    ck_assert(!rules_set(r, (struct rule_scope){TEXT_NONE, TEXT_NONE}, TEXT("bussy"), 0, &error));
    ck_assert_uint_eq(met(r, "a", "/x", true), 500);
    buf_free(&error);
    rules_free(r);
}
END_TEST

START_TEST(early_responses_are_for_all_or_none)
{
    struct rules *r = rules_new();
    ck_assert(!rules_want_early(r));
    set(r, "a", "", "early-response", 0);
    ck_assert(!rules_want_early(r));
    set(r, "", "", "early-response", 0);
    ck_assert(rules_want_early(r));
    set(r, "", "", "ratio=0.1+busy|early-response", 0);
    ck_assert(rules_want_early(r));
    rules_reset(r);
    ck_assert(!rules_want_early(r));
    rules_free(r);
}
END_TEST

START_TEST(the_list_is_json)
{
    struct rules *r = rules_new();
    struct buf out = {0};
    set(r, "a\"b", "/x", "busy", 3);
    set(r, "", "", "eof", 0);
    rules_list(r, &out);
    ck_assert(text_is(buf_text(&out), "[{\"scenario\":\"eof\",\"model\":\"\",\"path\":\"\",\"count\":0},"
                                      "{\"scenario\":\"busy\",\"model\":\"a\\\"b\",\"path\":\"/x\",\"count\":3}]"));
    buf_free(&out);
    rules_free(r);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_unchecked_fixture(tests, fill_prompt, NULL);
    tcase_add_test(tests, whole_blocks_hit);
    tcase_add_test(tests, a_change_early_on_spoils_all_behind_it);
    tcase_add_test(tests, parts_are_one_text);
    tcase_add_test(tests, the_oldest_blocks_make_room);
    tcase_add_test(tests, without_blocks_nothing_hits);
    tcase_add_test(tests, tokens_round_up);
    tcase_add_test(tests, the_limit_is_for_each_account_and_model);
    tcase_add_test(tests, a_model_may_have_its_own_limit);
    tcase_add_test(tests, models_with_limits_are_bounded);
    tcase_add_test(tests, lanes_are_reused);
    tcase_add_test(tests, strikes_are_counted_apart);
    tcase_add_test(tests, the_nearest_scope_wins);
    tcase_add_test(tests, a_count_runs_out_and_uncovers_the_rule_below);
    tcase_add_test(tests, rules_are_bounded);
    tcase_add_test(tests, a_bad_spec_changes_nothing);
    tcase_add_test(tests, early_responses_are_for_all_or_none);
    tcase_add_test(tests, the_list_is_json);
}

TEST_MAIN_ADDING("sim_state", add_tests)
