/* Who takes part in the cache, by what route, request and client say, and what an entry is good for. */
#include "../suite.h"
#include "dsgate/cache/policy.h"

#define S USEC_PER_SEC

/* ---- the plan: every combination ---- */

static const usec_t ages[] = {USEC_NEVER, 60 * S, 0}, ttls[] = {0, 10 * S, 1000 * S, CACHE_TTL_MAX + S};

/* The bits of a number, one after the other. */
static bool next_bit(unsigned *bits)
{
    bool bit = *bits & 1;
    *bits >>= 1;
    return bit;
}

/* Written the other way round: from what keeps a request out. */
static void expect_plan(const struct conf_cache_route *route, const struct cache_request *r,
                        const struct cache_wishes *w)
{
    struct cache_plan plan = cache_plan(route, r, w);
    bool out = route->mode == CACHE_OFF || !r->cacheable;
    if (route->mode == CACHE_DETERMINISTIC && !r->embedding) {
        out |= r->searches;
        out |= !r->has_seed && !r->zero_temperature;
        out |= !r->has_seed && r->thinks;
    }
    ck_assert(plan.reads == (!out && !w->no_cache && w->max_age != 0));
    ck_assert(plan.stores == (!out && !w->no_store));
    ck_assert(plan.only_if_cached == w->only_if_cached);
    ck_assert_int_eq(plan.max_age, w->max_age);
    usec_t longest = route->shared ? 300 * S : CACHE_TTL_MAX, ttl = w->ttl ? w->ttl : 300 * S;
    ck_assert_int_eq(plan.fresh, out ? 0 : ttl < longest ? ttl : longest);
    ck_assert_int_eq(plan.stale, out ? 0 : 40 * S);
}

START_TEST(every_plan)
{
    enum { BITS = 10 };
    for (unsigned i = 0; i < 1u << BITS; i++) {
        unsigned bits = i;
        struct conf_cache_route route = {.mode = (enum conf_cache_mode)_i, .ttl = 300 * S};
        route.shared = next_bit(&bits);
        route.revalidate = next_bit(&bits) ? 40 * S : 7 * S;
        route.stale = 47 * S - route.revalidate;
        struct cache_request r = {next_bit(&bits), next_bit(&bits), next_bit(&bits),
                                  next_bit(&bits), next_bit(&bits), next_bit(&bits)};
        bool no_cache = next_bit(&bits), no_store = next_bit(&bits);
        for (int j = 0; j < 2 * COUNT(ages) * COUNT(ttls); j++) {
            struct cache_wishes w = {no_cache, no_store, j % 2, ages[j / 2 % COUNT(ages)], ttls[j / 2 / COUNT(ages)]};
            expect_plan(&route, &r, &w);
        }
    }
}
END_TEST

/* ---- and by hand: what people would ask ---- */

#define SAYS_NOTHING .max_age = USEC_NEVER

static const struct {
    const char *what;
    enum conf_cache_mode mode;
    struct cache_request request;
    struct cache_wishes wishes;
    bool reads, stores;
} plans[] = {
    {"warm chat", CACHE_DETERMINISTIC, {.cacheable = true}, {SAYS_NOTHING}, false, false},
    {"cold chat", CACHE_DETERMINISTIC, {.cacheable = true, .zero_temperature = true}, {SAYS_NOTHING}, true, true},
    {"cold thoughts",
     CACHE_DETERMINISTIC,
     {.cacheable = true, .zero_temperature = true, .thinks = true},
     {SAYS_NOTHING},
     false,
     false},
    {"thoughts with a seed",
     CACHE_DETERMINISTIC,
     {.cacheable = true, .has_seed = true, .thinks = true},
     {SAYS_NOTHING},
     true,
     true},
    {"today's news",
     CACHE_DETERMINISTIC,
     {.cacheable = true, .zero_temperature = true, .has_seed = true, .searches = true},
     {SAYS_NOTHING},
     false,
     false},
    {"embedding", CACHE_DETERMINISTIC, {.cacheable = true, .embedding = true}, {SAYS_NOTHING}, true, true},
    {"always", CACHE_ALWAYS, {.cacheable = true, .searches = true, .thinks = true}, {SAYS_NOTHING}, true, true},
    {"conversation", CACHE_ALWAYS, {.has_seed = true}, {SAYS_NOTHING}, false, false},
    {"off", CACHE_OFF, {.cacheable = true, .embedding = true, .has_seed = true}, {SAYS_NOTHING}, false, false},
    {"new", CACHE_ALWAYS, {.cacheable = true}, {.no_cache = true, SAYS_NOTHING}, false, true},
    {"newest", CACHE_ALWAYS, {.cacheable = true}, {.max_age = 0}, false, true},
    {"secret", CACHE_ALWAYS, {.cacheable = true}, {.no_store = true, SAYS_NOTHING}, true, false},
    {"both", CACHE_ALWAYS, {.cacheable = true}, {.no_cache = true, .no_store = true, SAYS_NOTHING}, false, false},
    {"nonsense",
     CACHE_ALWAYS,
     {.cacheable = true},
     {.no_cache = true, .only_if_cached = true, SAYS_NOTHING},
     false,
     true},
    {"secret for long",
     CACHE_ALWAYS,
     {.cacheable = true},
     {.no_store = true, .ttl = 60 * S, SAYS_NOTHING},
     true,
     false},
};

START_TEST(well_known_plans)
{
    struct conf_cache_route route = {.mode = plans[_i].mode, .ttl = 300 * S};
    struct cache_plan plan = cache_plan(&route, &plans[_i].request, &plans[_i].wishes);
    ck_assert_msg(plan.reads == plans[_i].reads, "%s", plans[_i].what);
    ck_assert_msg(plan.stores == plans[_i].stores, "%s", plans[_i].what);
}
END_TEST

/* ---- wishes from two places ---- */

static const struct {
    struct cache_wishes head, body, joined;
} wishes[] = {
    {{SAYS_NOTHING}, {SAYS_NOTHING}, {SAYS_NOTHING}},
    {{.no_cache = true, SAYS_NOTHING}, {SAYS_NOTHING}, {.no_cache = true, SAYS_NOTHING}},
    {{.no_store = true, SAYS_NOTHING}, {.no_cache = true, SAYS_NOTHING}, {true, true, SAYS_NOTHING}},
    {{.only_if_cached = true, SAYS_NOTHING}, {.max_age = 0}, {.only_if_cached = true, .max_age = 0}},
    {{.max_age = 9}, {.max_age = 7}, {.max_age = 7}},
    {{SAYS_NOTHING}, {.ttl = 5, SAYS_NOTHING}, {.ttl = 5, SAYS_NOTHING}},
    {{.ttl = 4, SAYS_NOTHING}, {.ttl = 5, SAYS_NOTHING}, {.ttl = 4, SAYS_NOTHING}},
};

static void expect_wishes(struct cache_wishes a, struct cache_wishes b)
{
    ck_assert(a.no_cache == b.no_cache && a.no_store == b.no_store && a.only_if_cached == b.only_if_cached);
    ck_assert_int_eq(a.max_age, b.max_age);
    ck_assert_int_eq(a.ttl, b.ttl);
}

START_TEST(joined_wishes)
{
    expect_wishes(cache_wishes_join(&wishes[_i].head, &wishes[_i].body), wishes[_i].joined);
    expect_wishes(cache_wishes_join(&wishes[_i].body, &wishes[_i].head), wishes[_i].joined);
}
END_TEST

/* ---- requests ---- */

static const struct {
    const char *path;
    bool cacheable, embedding;
} paths[] = {
    {"/v1/chat/completions", true, false},
    {"/v1/completions", true, false},
    {"/beta/chat/completions", true, false},
    {"/beta/completions", true, false},
    {"/v1/messages", true, false},
    {"/v1/responses", true, false},
    {"/v1/embeddings", true, true},
    {"/v1/messages/count_tokens", false, false},
    {"/v1/models", false, false},
    {"/user/balance", false, false},
    {"/v1/responses/r1", false, false},
    {"/v1/batches", false, false},
    {"/v1/files", false, false},
    {"/v1/audio/speech", false, false},
};

START_TEST(which_endpoints)
{
    const struct endpoint *e = endpoint_find(text_of(paths[_i].path));
    struct cache_request r = cache_request_of(e, &(struct chat_traits){0}, false);
    ck_assert(r.cacheable == paths[_i].cacheable);
    ck_assert(r.embedding == paths[_i].embedding);
    ck_assert(!r.zero_temperature && !r.has_seed && !r.thinks && !r.searches);
    ck_assert(!cache_request_of(e, &(struct chat_traits){.stored = true}, false).cacheable);
}
END_TEST

START_TEST(what_is_taken_over)
{
    const struct endpoint *e = endpoint_find(TEXT("/v1/chat/completions"));
    ck_assert(cache_request_of(e, &(struct chat_traits){.zero_temperature = true}, false).zero_temperature);
    ck_assert(cache_request_of(e, &(struct chat_traits){.has_seed = true}, false).has_seed);
    ck_assert(cache_request_of(e, &(struct chat_traits){.searches = true}, false).searches);
    ck_assert(cache_request_of(e, &(struct chat_traits){0}, true).thinks);
}
END_TEST

/* ---- what an entry is good for ---- */

/* It is fresh for 100 s, and of use for 200 s more. */
static const struct {
    usec_t revalidate, stale; /* the route's */
    usec_t age, max_age;
    bool only_if_cached, no_store;
    enum cache_use use;
} uses[] = {
    {0, 0, 0, USEC_NEVER, false, false, CACHE_USE},
    {0, 0, -5 * S, USEC_NEVER, false, false, CACHE_USE}, /* clocks disagree */
    {0, 0, 100 * S - 1, USEC_NEVER, false, false, CACHE_USE},
    {0, 0, 99 * S, USEC_NEVER, true, true, CACHE_USE},
    {0, 0, 100 * S, USEC_NEVER, false, false, CACHE_IGNORE},
    /* not too old for who asks */
    {0, 0, 60 * S, 60 * S, false, false, CACHE_USE},
    {0, 0, 60 * S + 1, 60 * S, false, false, CACHE_IGNORE},
    {50 * S, 50 * S, 60 * S + 1, 60 * S, false, false, CACHE_IGNORE},
    /* renewed meanwhile */
    {50 * S, 0, 100 * S, USEC_NEVER, false, false, CACHE_USE_AND_RENEW},
    {50 * S, 0, 150 * S - 1, USEC_NEVER, false, false, CACHE_USE_AND_RENEW},
    {50 * S, 0, 150 * S, USEC_NEVER, false, false, CACHE_IGNORE},
    {50 * S, 0, 120 * S, USEC_NEVER, true, false, CACHE_USE_AND_RENEW},
    {50 * S, 0, 120 * S, USEC_NEVER, false, true, CACHE_IGNORE},
    {50 * S, 0, 120 * S, 3600 * S, false, false, CACHE_IGNORE},
    /* for want of anything better */
    {0, 200 * S, 100 * S, USEC_NEVER, false, false, CACHE_KEEP},
    {0, 200 * S, 300 * S - 1, USEC_NEVER, false, false, CACHE_KEEP},
    {0, 200 * S, 120 * S, USEC_NEVER, true, false, CACHE_IGNORE}, /* it would not be asked for anything better */
    {0, 200 * S, 120 * S, 3600 * S, false, false, CACHE_KEEP},
    {0, 50 * S, 150 * S, USEC_NEVER, false, false, CACHE_IGNORE},
    /* both */
    {50 * S, 200 * S, 149 * S, USEC_NEVER, false, false, CACHE_USE_AND_RENEW},
    {50 * S, 200 * S, 150 * S, USEC_NEVER, false, false, CACHE_KEEP},
    {50 * S, 200 * S, 149 * S, USEC_NEVER, false, true, CACHE_KEEP},
    {50 * S, 200 * S, 149 * S, 3600 * S, false, false, CACHE_KEEP},
    {150 * S, 50 * S, 200 * S, USEC_NEVER, false, false, CACHE_USE_AND_RENEW},
    /* the route's times are longer than the entry is of use */
    {9000 * S, 9000 * S, 300 * S, USEC_NEVER, false, false, CACHE_IGNORE},
};

static enum cache_use judge(const struct cache_facts *facts, const struct cache_plan *plan,
                            const struct conf_cache_route *route, usec_t age)
{
    struct cache_entry *e = cache_entry_new(facts, NULL, 0);
    enum cache_use use = cache_judge(plan, route, e, facts->created + age);
    cache_entry_unref(e);
    return use;
}

START_TEST(what_an_entry_is_good_for)
{
    struct conf_cache_route route = {.ttl = 100 * S, .revalidate = uses[_i].revalidate, .stale = uses[_i].stale};
    struct cache_facts facts = {.status = 200, .created = 1000000 * S, .fresh = 100 * S, .stale = 200 * S};
    struct cache_plan plan = {.reads = true,
                              .stores = !uses[_i].no_store,
                              .only_if_cached = uses[_i].only_if_cached,
                              .max_age = uses[_i].max_age};
    ck_assert_int_eq(judge(&facts, &plan, &route, uses[_i].age), uses[_i].use);
    plan.reads = false;
    ck_assert_int_eq(judge(&facts, &plan, &route, uses[_i].age), CACHE_IGNORE);
}
END_TEST

static const struct {
    usec_t negative, age; /* the route's, by now */
    enum cache_use use;
} memories[] = {
    {10 * S, 0, CACHE_USE},         {10 * S, 10 * S - 1, CACHE_USE},
    {10 * S, 10 * S, CACHE_IGNORE}, {5 * S, 5 * S, CACHE_IGNORE},
    {0, 0, CACHE_IGNORE},           {60 * S, 9 * S, CACHE_USE},
    {60 * S, 10 * S, CACHE_IGNORE},
};

START_TEST(how_long_mistakes_are_remembered)
{
    struct conf_cache_route route = {.ttl = 300 * S, .stale = 3600 * S, .negative = memories[_i].negative};
    struct cache_facts facts = {.status = 400, .created = 1000000 * S, .fresh = 10 * S};
    struct cache_plan plan = {.reads = true, .stores = true, .max_age = USEC_NEVER};
    ck_assert_int_eq(judge(&facts, &plan, &route, memories[_i].age), memories[_i].use);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, every_plan, CACHE_DETERMINISTIC, CACHE_OFF + 1);
    tcase_add_loop_test(tests, well_known_plans, 0, COUNT(plans));
    tcase_add_loop_test(tests, joined_wishes, 0, COUNT(wishes));
    tcase_add_loop_test(tests, which_endpoints, 0, COUNT(paths));
    tcase_add_test(tests, what_is_taken_over);
    tcase_add_loop_test(tests, what_an_entry_is_good_for, 0, COUNT(uses));
    tcase_add_loop_test(tests, how_long_mistakes_are_remembered, 0, COUNT(memories));
}

TEST_MAIN_ADDING("cache_policy", add_tests)
