/* Tickets that are granted now or never, as hedges are, and how a lease knows when its first token is late. */
#include "sched_fixture.h"

/* Asks as who has no time to wait: its ticket is gone when it returns. */
static enum sched_answer hedge_row(const struct ticket *like, struct model_row *row, struct lease *lease)
{
    struct ticket ticket = *like;
    ticket.lease = (struct lease){0};
    ticket.now_or_never = true;
    ticket.inbox = NULL;
    ticket.row = row;
    ticket.asked = 0;
    enum sched_answer answer = sched_ask(sched, &ticket, now);
    ck_assert(answer == SCHED_GRANTED || answer == SCHED_NONE);
    ck_assert_int_eq(answer == SCHED_GRANTED, ticket.lease.upstream != NULL);
    ck_assert_int_eq(ticket.state, TICKET_IDLE);
    ck_assert_int_eq(ticket.retry_after, 0);
    ck_assert_int_eq(memcmp(&ticket.tried, &like->tried, sizeof like->tried), 0);
    *lease = ticket.lease;
    memset(&ticket, 0xEE, sizeof ticket);
    return answer;
}

/* Where it went; like t[0]. */
static const char *hedge(struct lease *lease)
{
    return hedge_row(&t[0], &pool->all, lease) == SCHED_GRANTED ? lease->upstream->name : "none";
}

static const char *hedge_as(enum conf_priority priority, struct lease *lease)
{
    t[0].priority = priority;
    return hedge(lease);
}

static void end(struct lease *lease, enum outcome o)
{
    sched_release(sched, lease, &(struct result){.outcome = o}, now);
    ck_assert_ptr_null(lease->upstream);
}

/* ---- it counts as a call, not as a turn ---- */

START_TEST(test_granted_like_any)
{
    struct lease lease;
    use("- {name: a, " AT ", max_concurrency: 1, api_keys: [k]}\n");
    ck_assert_str_eq(hedge(&lease), "a");
    ck_assert_str_eq(lease.key, "k");
    ck_assert_int_eq(lease.priority, PRIORITY_P2);
    ck_assert_int_eq(lease.began, now);
    ck_assert_uint_eq(view(0).in_flight, 1);
    ck_assert_uint_eq(view(0).targets[0].picks, 1);
    expect(1, SCHED_WAITING); /* the place is taken */
    end(&lease, OUTCOME_FAULT);
    ck_assert_str_eq(deliveries(), "b");
    ck_assert_uint_eq(atomic_load(&pool->upstreams[0].state->outcomes[OUTCOME_FAULT]), 1);
    release(&t[1], OUTCOME_SUCCESS);
    ck_assert_uint_eq(view(0).in_flight, 0);
}
END_TEST

START_TEST(test_no_turn_is_counted)
{
    static const struct sched_queue_view nothing;
    struct lease lease;
    use(ONE);
    for (enum conf_priority p = 0; p < PRIORITY_COUNT; p++) {
        struct lease second;
        ck_assert_str_eq(hedge_as(p, &lease), "a");
        ck_assert_str_eq(hedge_as(p, &second), "none");
        end(&lease, OUTCOME_SUCCESS);
    }
    struct sched_queue_view seen = queue();
    ck_assert_int_eq(memcmp(seen.classes, nothing.classes, sizeof seen.classes), 0);
    ck_assert_uint_eq(seen.waiting, 0);
    for (int i = 0; i < PRIORITY_COUNT; i++)
        ck_assert_uint_eq(pool->upstreams[0].account->turns[i], 0);
}
END_TEST

/* How fast a queue moves is what its own turns say. */
START_TEST(test_the_rate_of_a_queue_stays)
{
    use(ONE "- {name: b, " AT ", models: {m: m}}\n");
    struct model_row *row = pool_find_model(pool, TEXT("m"));
    double rates[2];
    for (int hedges = 0; hedges < 2; hedges++) {
        upstream_set_add(&t[1].tried, 1);
        expect(1, SCHED_GRANTED);
        for (int i = 2; i < 22; i++) {
            upstream_set_add(&t[i].tried, 1);
            expect(i, SCHED_WAITING);
        }
        for (int i = 1; i < 22; i++) {
            struct lease leases[3];
            for (int k = 0; hedges && k < 3; k++)
                ck_assert_int_eq(hedge_row(&t[0], row, &leases[k]), SCHED_GRANTED);
            now += 100 * USEC_PER_MS;
            release(&t[i], OUTCOME_SUCCESS);
            ck_assert_uint_eq(strlen(deliveries()), i < 21);
            for (int k = 0; hedges && k < 3; k++)
                end(&leases[k], OUTCOME_SUCCESS);
        }
        rates[hedges] = queue().classes[PRIORITY_P2].rate;
        now += 3600 * USEC_PER_SEC;
    }
    ck_assert_double_eq_tol(rates[0], 10, 0.01);
    ck_assert_double_eq_tol(rates[1], rates[0], 1e-9);
}
END_TEST

/* Two callers have turns in turn, however often one of them hedges. */
START_TEST(test_hedges_cost_their_caller_no_turns)
{
    for (int hedges = 0; hedges < 2; hedges++) {
        use("- {name: a, " AT ", max_concurrency: 1}\n- {name: b, " AT ", models: {m: m}}\n");
        struct model_row *row = pool_find_model(pool, TEXT("m"));
        for (int i = 1; i < 8; i++) {
            t[i].caller = i < 5 ? 1 : 2;
            upstream_set_add(&t[i].tried, 1);
            expect(i, i == 1 ? SCHED_GRANTED : SCHED_WAITING);
        }
        for (int i = 0; hedges && i < 50; i++) {
            struct lease lease;
            ck_assert_int_eq(hedge_row(&t[1], row, &lease), SCHED_NONE);
            t[0].caller = 1;
            ck_assert_int_eq(hedge_row(&t[0], row, &lease), SCHED_GRANTED);
            end(&lease, OUTCOME_SUCCESS);
        }
        static const int order[] = {1, 2, 5, 3, 6, 4, 7};
        for (int i = 0; i < COUNT(order); i++) {
            release(&t[order[i]], OUTCOME_SUCCESS);
            if (i + 1 < COUNT(order)) ck_assert_int_eq(deliveries()[0], 'a' + order[i + 1]);
        }
        now += 3600 * USEC_PER_SEC;
    }
}
END_TEST

START_TEST(test_quotas_count_it)
{
    struct lease lease;
    use("- {name: a, " AT ", quota: {requests_per_minute: 2}}\n");
    for (int i = 0; i < 2; i++) {
        ck_assert_str_eq(hedge(&lease), "a");
        end(&lease, OUTCOME_SUCCESS);
    }
    ck_assert_str_eq(hedge(&lease), "none");
    t[1].latest = now + USEC_PER_SEC;
    expect(1, SCHED_CLOSED);
}
END_TEST

/* ---- never ---- */

START_TEST(test_limits_hold_it_back)
{
    struct lease leases[5];
    use("- {name: a, " AT ", max_concurrency: 5}\nqueue: {reserve_p0: 20%, classes: {P3: {start_below: 50%}}}\n");
    for (int i = 0; i < 3; i++)
        ck_assert_str_eq(hedge_as(PRIORITY_P3, &leases[i]), "a");
    ck_assert_str_eq(hedge_as(PRIORITY_P3, &leases[3]), "none");
    ck_assert_str_eq(hedge_as(PRIORITY_P1, &leases[3]), "a");
    ck_assert_str_eq(hedge_as(PRIORITY_P1, &leases[4]), "none"); /* the last place is P0's */
    ck_assert_str_eq(hedge_as(PRIORITY_P0, &leases[4]), "a");
    ck_assert_str_eq(hedge_as(PRIORITY_P0, &(struct lease){0}), "none");
    for (int i = 0; i < 5; i++)
        end(&leases[i], OUTCOME_SUCCESS);
    ck_assert_uint_eq(view(0).in_flight, 0);
    ck_assert_uint_eq(pool->upstreams[0].account->common, 0);
}
END_TEST

START_TEST(test_whoever_is_tried_or_shut_is_not_asked)
{
    struct lease lease;
    use(FREE);
    upstream_set_add(&t[0].tried, 0);
    ck_assert_str_eq(hedge(&lease), "b");
    end(&lease, OUTCOME_SUCCESS);
    take_down(1);
    ck_assert_str_eq(hedge(&lease), "none");
    bring_up(1);
    sched_set_draining(sched, &pool->upstreams[1], true, now);
    ck_assert_str_eq(hedge(&lease), "none");
    sched_set_draining(sched, &pool->upstreams[1], false, now);
    ck_assert_str_eq(hedge(&lease), "b");
    sched_release(sched, &lease, &(struct result){.outcome = OUTCOME_BUSY, .retry_after = 9 * USEC_PER_SEC}, now);
    ck_assert_str_eq(hedge(&lease), "none");
    upstream_set_add(&t[0].tried, 1);
    ck_assert_str_eq(hedge(&lease), "none");
}
END_TEST

/* It would otherwise be told to ask again, in another pool. */
START_TEST(test_in_an_old_pool)
{
    struct lease lease, second;
    struct pool *old = use(ONE);
    use(ONE);
    ck_assert_int_eq(hedge_row(&t[0], &old->all, &lease), SCHED_GRANTED);
    ck_assert_ptr_eq(lease.upstream, &old->upstreams[0]);
    ck_assert_int_eq(hedge_row(&t[0], &old->all, &second), SCHED_NONE);
    ck_assert_str_eq(hedge(&second), "none");
    end(&lease, OUTCOME_SUCCESS);
    ck_assert_str_eq(hedge(&second), "a");
    end(&second, OUTCOME_SUCCESS);
}
END_TEST

static void open_breaker(const char *upstreams)
{
    use(upstreams);
    for (int i = 0; i < 5; i++) {
        expect(1, SCHED_GRANTED);
        ck_assert_str_eq(upstream_of(&t[1]), "a");
        release(&t[1], OUTCOME_FAULT);
    }
    ck_assert_int_eq(view(0).targets[0].breaker, BREAKER_OPEN);
}

/* A trial is for a call that would be made anyway. */
START_TEST(test_trials_are_not_for_it)
{
    struct lease lease;
    open_breaker(ONE);
    now += view(0).targets[0].opens_in;
    ck_assert_str_eq(hedge(&lease), "none");
    ck_assert_uint_eq(view(0).targets[0].half_opened, 0); /* nor has it changed anything */
    expect(1, SCHED_GRANTED);
    ck_assert(t[1].lease.trial);
    release(&t[1], OUTCOME_SUCCESS);
    ck_assert_int_eq(view(0).targets[0].breaker, BREAKER_HALF_OPEN);
    ck_assert_str_eq(hedge(&lease), "none");
    while (view(0).targets[0].breaker == BREAKER_HALF_OPEN) {
        expect(1, SCHED_GRANTED);
        release(&t[1], OUTCOME_SUCCESS);
    }
    ck_assert_str_eq(hedge(&lease), "a");
    ck_assert(!lease.trial);
    end(&lease, OUTCOME_SUCCESS);
}
END_TEST

START_TEST(test_it_goes_where_no_trial_is_wanted)
{
    struct lease lease;
    open_breaker("- {name: a, " AT "}\n- {name: b, " AT ", tier: backup}\n");
    ck_assert_str_eq(hedge(&lease), "b");
    end(&lease, OUTCOME_SUCCESS);
    now += view(0).targets[0].opens_in;
    ck_assert_str_eq(hedge(&lease), "b");
    end(&lease, OUTCOME_SUCCESS);
}
END_TEST

START_TEST(test_backups_are_for_it_as_for_others)
{
    struct lease first, lease;
    use(ONE "- {name: b, " AT ", max_concurrency: 1, tier: backup}\n");
    ck_assert_str_eq(hedge(&first), "a");
    ck_assert_str_eq(hedge_as(PRIORITY_P2, &lease), "none");
    ck_assert_str_eq(hedge_as(PRIORITY_P0, &lease), "b");
    end(&lease, OUTCOME_SUCCESS);
    upstream_set_add(&t[0].tried, 0);
    ck_assert_str_eq(hedge_as(PRIORITY_P2, &lease), "b");
    end(&lease, OUTCOME_SUCCESS);
    end(&first, OUTCOME_SUCCESS);
}
END_TEST

START_TEST(test_standbys_are_not_called_for_it)
{
    struct lease lease;
    use("- {name: s, " AT ", tier: standby, activate: {queue: 0}}\n" ONE);
    upstream_set_add(&t[0].tried, 1);
    ck_assert_str_eq(hedge(&lease), "none");
    expect(1, SCHED_GRANTED);
    expect(2, SCHED_WAITING); /* it joins */
    pass(0);
    ck_assert_str_eq(deliveries(), "c");
    ck_assert_str_eq(hedge(&lease), "s");
    end(&lease, OUTCOME_SUCCESS);
    release_range(1, 3);
}
END_TEST

/* Others go there when nobody else is left, to hear what it says. */
START_TEST(test_refused_keys_are_no_help)
{
    struct lease lease;
    use("- {name: a, " AT ", api_keys: [k]}\n");
    expect(1, SCHED_GRANTED);
    release(&t[1], OUTCOME_KEY);
    ck_assert_str_eq(hedge(&lease), "none");
    expect(1, SCHED_GRANTED);
    release(&t[1], OUTCOME_SUCCESS);
}
END_TEST

/* ---- who waits goes first ---- */

/* What has opened by time is found out by the next tick, and a hedge may come before that. */
START_TEST(test_who_waits_goes_first)
{
    struct lease lease;
    use(ONE);
    expect(1, SCHED_GRANTED);
    release_result(&t[1], (struct result){.outcome = OUTCOME_BUSY, .retry_after = 5 * USEC_PER_SEC});
    expect(2, SCHED_WAITING);
    ck_assert_str_eq(hedge(&lease), "none");
    now += 6 * USEC_PER_SEC;
    ck_assert_str_eq(hedge(&lease), "none");
    ck_assert_str_eq(deliveries(), "c");
    release(&t[2], OUTCOME_SUCCESS);
    ck_assert_str_eq(hedge(&lease), "a");
    end(&lease, OUTCOME_SUCCESS);
}
END_TEST

START_TEST(test_what_they_leave_it_may_have)
{
    struct lease lease;
    use("- {name: a, " AT ", adaptive: false, max_concurrency: 2}\n");
    take_down(0);
    expect(1, SCHED_WAITING);
    ck_assert_str_eq(hedge(&lease), "none");
    pool->upstreams[0].state->health.down = false; /* as time does, without a tick */
    ck_assert_str_eq(hedge(&lease), "a");
    ck_assert_str_eq(deliveries(), "b");
    ck_assert_uint_eq(view(0).in_flight, 2);
    ck_assert_uint_eq(queue().classes[PRIORITY_P2].granted, 1);
    end(&lease, OUTCOME_SUCCESS);
    release(&t[1], OUTCOME_SUCCESS);
}
END_TEST

/* Whoever could not use the place is not in its way. */
START_TEST(test_who_could_not_use_it_is_not_in_the_way)
{
    struct lease lease;
    use("- {name: a, " AT ", models: {x: x, y: y}, max_concurrency: {'*': 3, x: 1}}\n");
    ck_assert_int_eq(ask_model(&t[1], "x"), SCHED_GRANTED);
    ck_assert_int_eq(ask_model(&t[2], "x"), SCHED_WAITING);
    ck_assert_int_eq(hedge_row(&t[0], pool_find_model(pool, TEXT("x")), &lease), SCHED_NONE);
    ck_assert_int_eq(hedge_row(&t[0], pool_find_model(pool, TEXT("y")), &lease), SCHED_GRANTED);
    ck_assert_str_eq(deliveries(), "");
    end(&lease, OUTCOME_SUCCESS);
    ck_assert_str_eq(deliveries(), "");
    release(&t[1], OUTCOME_SUCCESS);
    ck_assert_str_eq(deliveries(), "c");
    release(&t[2], OUTCOME_SUCCESS);
}
END_TEST

/* ---- when a first token is late ---- */

static usec_t slow_after(struct model_row *row)
{
    ck_assert_int_eq(ask_row(&t[0], row), SCHED_GRANTED);
    usec_t slow = t[0].lease.slow_after;
    release(&t[0], OUTCOME_NEUTRAL);
    return slow;
}

static void give_results(struct model_row *row, unsigned times, struct result result)
{
    for (unsigned i = 0; i < times; i++) {
        ck_assert_int_eq(ask_row(&t[1], row), SCHED_GRANTED);
        release_result(&t[1], result);
    }
}

static struct result token_after(enum outcome o, usec_t first_token)
{
    return (struct result){.outcome = o, .first_token = first_token};
}

#define ROW(model) pool_find_model(pool, TEXT(model))

START_TEST(test_a_lease_knows_when_its_first_token_is_late)
{
    enum { END = 305835 }; /* 7/6 × 2^18 µs, where the bucket of 300 ms ends */
    use("- {name: a, " AT ", models: {x: x, y: y}}\n");
    give_results(ROW("x"), SPREAD_LEAST - 1, token_after(OUTCOME_SUCCESS, 300000));
    ck_assert_int_eq(slow_after(ROW("x")), 0);
    give_results(ROW("x"), 1, token_after(OUTCOME_SUCCESS, 300000));
    ck_assert_int_eq(slow_after(ROW("x")), END);
    ck_assert_int_eq(slow_after(ROW("y")), 0); /* each model its own */
    use("- {name: a, " AT ", models: {x: x, y: y}, weight: 9}\n");
    ck_assert_int_eq(slow_after(ROW("x")), END); /* a reload does not forget it */
    struct lease lease;
    ck_assert_int_eq(hedge_row(&t[0], ROW("x"), &lease), SCHED_GRANTED);
    ck_assert_int_eq(lease.slow_after, END);
    end(&lease, OUTCOME_NEUTRAL);
}
END_TEST

START_TEST(test_what_says_nothing_of_first_tokens)
{
    use("- {name: a, " AT ", adaptive: false, breaker: {failures: 0, failure_rate: 0%}}\n");
    give_results(&pool->all, 50, token_after(OUTCOME_SUCCESS, 0)); /* a plain answer */
    give_results(&pool->all, 50, token_after(OUTCOME_FAULT, 300000));
    give_results(&pool->all, 50, token_after(OUTCOME_BUSY, 300000));
    give_results(&pool->all, 50, token_after(OUTCOME_NEUTRAL, 300000));
    ck_assert_int_eq(slow_after(&pool->all), 0);
}
END_TEST

/* Who was given up would have taken longer still. */
START_TEST(test_what_was_waited_for_in_vain_is_a_sample)
{
    use("- {name: a, " AT "}\n");
    give_results(&pool->all, 95, token_after(OUTCOME_SUCCESS, 300000));
    give_results(&pool->all, 5, (struct result){.outcome = OUTCOME_NEUTRAL, .waited = 8000000});
    ck_assert_int_lt(slow_after(&pool->all), 400000);
    give_results(&pool->all, 1, (struct result){.outcome = OUTCOME_NEUTRAL, .waited = 8000000});
    ck_assert_int_gt(slow_after(&pool->all), 8000000);
    ck_assert_int_gt(view(0).targets[0].first_token, 300000);
    ck_assert_double_eq(view(0).targets[0].failing, 0);
}
END_TEST

/* ---- first tokens that are late ---- */

static unsigned limit_of_a(void) { return view(0).targets[0].limit; }

/* One may be chance. New calls keep away before the late ones have ended, and their ends count no more. */
START_TEST(test_late_first_tokens_in_a_row_are_back_pressure)
{
    struct lease lease[4];
    use("- {name: a, " AT "}\n");
    for (int i = 0; i < 4; i++)
        ck_assert_str_eq(hedge(&lease[i]), "a");
    pass(1000);
    sched_note_late(sched, &lease[0], now);
    ck_assert_uint_eq(limit_of_a(), LIMIT_NONE);
    sched_note_late(sched, &lease[1], now);
    ck_assert_uint_eq(limit_of_a(), 3);
    pass(1000);
    for (int i = 0; i < 4; i++)
        sched_release(sched, &lease[i], &(struct result){.outcome = OUTCOME_BUSY, .waited = 2000}, now);
    ck_assert_uint_eq(limit_of_a(), 3);
    ck_assert_uint_eq(atomic_load(&pool->upstreams[0].state->outcomes[OUTCOME_BUSY]), 4);
}
END_TEST

START_TEST(test_late_first_tokens_among_others_are_chance)
{
    struct lease late, good;
    use("- {name: a, " AT "}\n");
    for (int i = 0; i < 5; i++) {
        ck_assert_str_eq(hedge(&late), "a");
        ck_assert_str_eq(hedge(&good), "a");
        sched_note_late(sched, &late, now);
        sched_release(sched, &late, &(struct result){.outcome = OUTCOME_BUSY, .waited = 2000}, now);
        end(&good, OUTCOME_SUCCESS);
    }
    ck_assert_uint_eq(limit_of_a(), LIMIT_NONE);
    ck_assert_uint_eq(atomic_load(&pool->upstreams[0].state->outcomes[OUTCOME_NEUTRAL]), 5);
}
END_TEST

TEST_MAIN_WITH("sched_hedges", set_up, tear_down, test_granted_like_any, test_no_turn_is_counted,
               test_the_rate_of_a_queue_stays, test_hedges_cost_their_caller_no_turns, test_quotas_count_it,
               test_limits_hold_it_back, test_whoever_is_tried_or_shut_is_not_asked, test_in_an_old_pool,
               test_trials_are_not_for_it, test_it_goes_where_no_trial_is_wanted, test_backups_are_for_it_as_for_others,
               test_standbys_are_not_called_for_it, test_refused_keys_are_no_help, test_who_waits_goes_first,
               test_what_they_leave_it_may_have, test_who_could_not_use_it_is_not_in_the_way,
               test_a_lease_knows_when_its_first_token_is_late, test_what_says_nothing_of_first_tokens,
               test_what_was_waited_for_in_vain_is_a_sample, test_late_first_tokens_in_a_row_are_back_pressure,
               test_late_first_tokens_among_others_are_chance)
