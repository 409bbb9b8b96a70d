/* How requests are treated, by their model: retries, hedging, going on, plain calls, and what is done at last. */
#include "config_test.h"

/* ---- which route, and where it leads ---- */

START_TEST(test_routes)
{
    static const char *const policies[] = {"weighted", "least_busy", "latency", "cost", "affinity"};
    struct config *c = config_of("upstreams: [{preset: deepseek}]\n"
                                 "routes:\n"
                                 "- {match: {models: [a, 'b-[xy]']}, policy: weighted}\n"
                                 "- {match: {models: 'b*'}, policy: least_busy, priority: P3}\n"
                                 "- {match: {models: c}, policy: latency}\n"
                                 "- {match: {models: d}, policy: cost}\n"
                                 "- {match: {models: '*'}, policy: affinity}\n");
    ck_assert_uint_eq(c->route_count, COUNT(policies));
    ck_assert_uint_eq(c->routes[0].model_count, 2);
    ck_assert_str_eq(c->routes[0].models[0], "a");
    ck_assert_str_eq(c->routes[0].models[1], "b-[xy]");
    for (unsigned i = 0; i < c->route_count; i++)
        ck_assert_uint_eq(c->routes[i].policy, i);
    ck_assert_int_eq(c->routes[0].priority, PRIORITY_COUNT);
    ck_assert_int_eq(c->routes[1].priority, PRIORITY_P3);
    config_unref(c);
    c = config_of("routes: {match: {models: '*'}}");
    ck_assert_int_eq(c->routes[0].policy, POLICY_WEIGHTED);
    config_unref(c);
    c = config_of("routes: {match: {models: '*'}, policy: cost}"); /* the environment's upstream has prices */
    config_unref(c);
}
END_TEST

static const struct mistake route_mistakes[] = {
    {"routes: [a]\n", "f:1:10: routes: found text; expected a mapping\n"},
    {"routes: [{policy: latency}]\n", "f:1:10: match is missing; expected a mapping\n"},
    {"routes: [{match: a}]\n", "f:1:18: match: found text; expected a mapping such as {models: [\"deepseek-*\"]}\n"},
    {"routes: [{match: {}}]\n", "f:1:18: models is missing; expected text or a list of texts\n"},
    {"routes: [{match: {models: }}]\n", "f:1:18: models is missing; expected text or a list of texts\n"},
    {"routes: [{match: {models: []}}]\n", "f:1:27: models: found 0; expected 1 to 256 of them\n"},
    {"routes: [{match: {models: ['']}}]\n", "f:1:28: models: empty; expected text\n"},
    {"routes: [{match: {models: 'a b'}}]\n",
     "f:1:27: models: 'a b' is not a pattern of models' names; expected one such as deepseek-*, without quotes or "
     "backslashes\n"},
    {"routes: [{match: {model: a}}]\n", "f:1:18: models is missing; expected text or a list of texts\n"
                                        "f:1:19: unknown key 'model'; did you mean 'models'?\n"},
    {"routes: [{match: {models: a}, policy: cheapest}]\n",
     "f:1:39: policy: 'cheapest' is unknown; expected weighted, least_busy, latency, cost or affinity\n"},
    {"routes: [{match: {models: a}, policy: least-busy}]\n",
     "f:1:39: policy: 'least-busy' is unknown; did you mean 'least_busy'?\n"},
    {"routes:\n- {match: {models: [a, '*']}}\n- {match: {models: b}}\n- {match: {models: c}}\n",
     "f:3:3: routes: an earlier one matches every model; expected this one before it\n"
     "f:4:3: routes: an earlier one matches every model; expected this one before it\n"},
    {"routes:\n- {match: {models: '**'}}\n- {match: {models: '*'}}\n",
     "f:3:3: routes: an earlier one matches every model; expected this one before it\n"},
    {UP "routes: [{match: {models: a}}, {match: {models: b}, policy: cost}]\n",
     "f:4:61: policy: cost has nothing to compare, no model has a price; expected price in an upstream's models\n"},
    {UP "routes: {match: {models: b}, policy: cost}\n",
     "f:4:38: policy: cost has nothing to compare, no model has a price; expected price in an upstream's models\n"},
    {UP "  models: {a: {price: {output: x}}}\nroutes: {match: {models: b}, policy: cost}\n",
     "f:4:32: output: 'x' is not a decimal number such as 0.15; expected 0 to 1000000\n"},
};

/* ---- defaults ---- */

static void expect_defaults(const struct conf_route *r)
{
    ck_assert_int_eq(r->policy, POLICY_WEIGHTED);
    ck_assert_int_eq(r->priority, PRIORITY_COUNT);
    ck_assert_uint_eq(r->retry.attempts, 5);
    ck_assert_int_eq(r->retry.base, 500 * USEC_PER_MS);
    ck_assert_double_eq(r->retry.factor, 2);
    ck_assert_int_eq(r->retry.cap, 10 * USEC_PER_SEC);
    ck_assert_uint_eq(r->retry.jitter, 20);
    ck_assert_int_eq(r->retry.retry_after, 60 * USEC_PER_SEC);
    ck_assert_uint_eq(r->retry.empty, 1);
    ck_assert_int_eq(r->hedge.after, 0);
    ck_assert_uint_eq(r->hedge.budget, 5);
    ck_assert(r->continues);
    ck_assert(r->plain_streams);
    ck_assert_uint_eq(r->fallback_count, 0);
    ck_assert_ptr_null(r->fallback);
}

START_TEST(test_defaults_of_a_route)
{
    struct config *c = config_of("routes: {match: {models: a}, retry: {}, hedge: {}, fallback: []}");
    expect_defaults(&c->routes[0]);
    expect_defaults(&c->other);
    config_unref(c);
}
END_TEST

/* Models that no route matches, whatever the file is about; and without a file. */
START_TEST(test_defaults_of_all_others)
{
    static const char *const files[] = {"", UP, "routes: {match: {models: a}, hedge: off, retry: {attempts: 1}}"};
    struct config_errors errors = {0};
    for (int i = 0; i <= COUNT(files); i++) {
        struct config *c = i < COUNT(files) ? config_of(files[i]) : config_from_environment(&errors);
        ck_assert_ptr_nonnull(c);
        expect_defaults(&c->other);
        ck_assert_uint_eq(c->other.model_count, 0);
        ck_assert_uint_eq(c->retries.budget, 20);
        ck_assert_uint_eq(c->retries.floor, 10);
        config_unref(c);
    }
}
END_TEST

/* ---- forms ---- */

START_TEST(test_everything_else)
{
    struct config *c =
        config_of("routes:\n"
                  "- match: {models: a}\n"
                  "  retry: {attempts: 20, base: 4s, factor: 1.5, cap: 4s, jitter: 0%, retry_after: 0s,\n"
                  "          empty: 0}\n"
                  "  hedge: {after: 300ms, budget: 100%}\n"
                  "  continue: false\n"
                  "  plain: off\n"
                  "retries: {budget: 100%, floor: 1000}\n");
    const struct conf_route *r = &c->routes[0];
    ck_assert_uint_eq(r->retry.attempts, 20);
    ck_assert_int_eq(r->retry.base, 4 * USEC_PER_SEC);
    ck_assert_double_eq(r->retry.factor, 1.5);
    ck_assert_int_eq(r->retry.cap, 4 * USEC_PER_SEC);
    ck_assert_uint_eq(r->retry.jitter, 0);
    ck_assert_int_eq(r->retry.retry_after, 0);
    ck_assert_uint_eq(r->retry.empty, 0);
    ck_assert_int_eq(r->hedge.after, 300 * USEC_PER_MS);
    ck_assert_uint_eq(r->hedge.budget, 100);
    ck_assert(!r->continues);
    ck_assert(!r->plain_streams);
    ck_assert_uint_eq(c->retries.budget, 100);
    ck_assert_uint_eq(c->retries.floor, 1000);
    expect_defaults(&c->other);
    config_unref(c);
    c = config_of("routes: {match: {models: a}, retry: {cap: 100ms}, continue: true, plain: auto}\n"
                  "retries: {budget: 0%, floor: 0}\n");
    ck_assert_int_eq(c->routes[0].retry.base, 500 * USEC_PER_MS);
    ck_assert_int_eq(c->routes[0].retry.cap, 100 * USEC_PER_MS);
    ck_assert(c->routes[0].continues && c->routes[0].plain_streams);
    ck_assert_uint_eq(c->retries.budget + c->retries.floor, 0);
    config_unref(c);
}
END_TEST

static const struct {
    const char *yaml;
    usec_t after;
    unsigned budget;
} hedges[] = {
    {"off", USEC_NEVER, 5},
    {"p95", 0, 5},
    {"1ms", USEC_PER_MS, 5},
    {"24h", 86400 * USEC_PER_SEC, 5},
    {"{after: off}", USEC_NEVER, 5},
    {"{after: p95, budget: 0%}", 0, 0},
    {"{budget: 10%}", 0, 10},
    {"{after: 2s}", 2 * USEC_PER_SEC, 5},
    {"", 0, 5},
    {"${DSGATE_TEST:-off}", USEC_NEVER, 5},
};

START_TEST(test_hedges)
{
    char yaml[100];
    snprintf(yaml, sizeof yaml, "routes:\n- match: {models: a}\n  hedge: %s\n", hedges[_i].yaml);
    struct config *c = config_of(yaml);
    ck_assert_int_eq(c->routes[0].hedge.after, hedges[_i].after);
    ck_assert_uint_eq(c->routes[0].hedge.budget, hedges[_i].budget);
    config_unref(c);
}
END_TEST

START_TEST(test_fallback)
{
    struct config *c = config_of("routes:\n"
                                 "- match: {models: a}\n"
                                 "  fallback:\n"
                                 "  - {model: deepseek-v4-pro, on: context_length}\n"
                                 "  - model: deepseek-flash\n"
                                 "  - answer: \"Später\\n\\twieder. \\U0001F642\"\n"
                                 "- {match: {models: b}, fallback: {model: deepseek-flash}}\n"
                                 "- {match: {models: c}, fallback: {answer: sk-ip}}\n"
                                 "- {match: {models: d}, fallback: [{model: deepseek-flash}, stale, {answer: x}]}\n"
                                 "- {match: {models: e}, fallback: stale}\n");
    const struct conf_rung *rungs = c->routes[0].fallback;
    ck_assert_uint_eq(c->routes[0].fallback_count, 3);
    ck_assert_str_eq(rungs[0].model, "deepseek-v4-pro");
    ck_assert(rungs[0].context_length);
    ck_assert_ptr_null(rungs[0].answer);
    ck_assert_str_eq(rungs[1].model, "deepseek-flash");
    ck_assert(!rungs[1].context_length);
    ck_assert_ptr_null(rungs[2].model);
    ck_assert_str_eq(rungs[2].answer, "Später\n\twieder. 🙂");
    ck_assert(!rungs[2].context_length);
    ck_assert_uint_eq(c->routes[1].fallback_count, 1);
    ck_assert_str_eq(c->routes[1].fallback[0].model, "deepseek-flash");
    ck_assert_uint_eq(c->routes[2].fallback_count, 1);
    ck_assert_str_eq(c->routes[2].fallback[0].answer, "sk-ip");
    for (int i = 0; i < 3; i++)
        ck_assert(c->routes[3].fallback[i].stale == (i == 1));
    ck_assert_uint_eq(c->routes[4].fallback_count, 1);
    ck_assert(c->routes[4].fallback[0].stale);
    ck_assert(!c->routes[4].fallback[0].model && !c->routes[4].fallback[0].answer);
    config_unref(c);
}
END_TEST

/* Whoever takes any model takes a fallback's, too. */
START_TEST(test_fallback_to_any_model)
{
    config_unref(config_of(UP "routes: {match: {models: a}, fallback: {model: whatever}}\n"));
    config_unref(
        config_of(UP "  models: {x: y, '*': '*'}\nroutes: {match: {models: a}, fallback: {model: whatever}}\n"));
    config_unref(config_of("upstreams: [{preset: deepseek}, {preset: ollama}]\n"
                           "routes: {match: {models: a}, fallback: {model: whatever}}\n"));
}
END_TEST

START_TEST(test_sixteen_rungs)
{
    struct buf yaml = {0};
    BUF_ADD(&yaml, UP "routes: {match: {models: a}, fallback: [");
    for (int i = 1; i <= 15; i++)
        buf_printf(&yaml, "{model: m%d}, ", i);
    size_t fifteen = buf_len(&yaml);
    buf_append(&yaml, "{answer: x}]}", sizeof "{answer: x}]}");
    struct config *c = config_of(yaml.data);
    ck_assert_uint_eq(c->routes[0].fallback_count, 16);
    config_unref(c);
    yaml.tail = yaml.head + fifteen;
    BUF_ADD(&yaml, "{model: m16}, ");
    buf_append(&yaml, "{answer: x}]}", sizeof "{answer: x}]}");
    expect_errors(text_of(yaml.data), "f:4:40: fallback: found 17; expected 0 to 16 of them\n");
    buf_free(&yaml);
}
END_TEST

/* ---- mistakes ---- */

#define ROUTE(rest)     "routes: {match: {models: a}, " rest "}\n" /* the rest begins at 1:30 */
#define FALLBACK(rungs) ROUTE("fallback: [" rungs "]")             /* at 1:41 */
#define NO_TIME         "is not a time such as 500ms, 30s, 10m or 1h; expected p95, off or 1ms to 24h\n"
#define NO_ANSWER \
    "is not an answer; expected at most 64KB of UTF-8 without control characters but tabs and " \
    "line ends\n"

static const struct mistake retry_mistakes[] = {
    {ROUTE("retry: 3"), "f:1:37: retry: found text; expected a mapping such as {attempts: 5}\n"},
    {ROUTE("retry: off"), "f:1:37: retry: found text; expected a mapping such as {attempts: 5}\n"},
    {ROUTE("retry: {attempt: 3}"), "f:1:38: unknown key 'attempt'; did you mean 'attempts'?\n"},
    {ROUTE("retry: {attempts: 0}"), "f:1:48: attempts: '0' is out of range; expected 1 to 20\n"},
    {ROUTE("retry: {attempts: 21}"), "f:1:48: attempts: '21' is out of range; expected 1 to 20\n"},
    {ROUTE("retry: {attempts: many}"), "f:1:48: attempts: 'many' is not a whole number; expected 1 to 20\n"},
    {ROUTE("retry: {base: 4}"), "f:1:44: base: '4' has no unit; did you mean '4s'?\n"},
    {ROUTE("retry: {base: 0s}"), "f:1:44: base: '0s' is out of range; expected 1ms to 10m\n"},
    {ROUTE("retry: {cap: 11m}"), "f:1:43: cap: '11m' is out of range; expected 1ms to 10m\n"},
    {ROUTE("retry: {base: 2s, cap: 1s}"), "f:1:44: base: it is longer than cap; expected at most as long\n"},
    {ROUTE("retry: {base: 11s}"), "f:1:44: base: it is longer than cap; expected at most as long\n"},
    {ROUTE("retry: {base: 11s, cap: 5}"), "f:1:54: cap: '5' has no unit; did you mean '5s'?\n"},
    {ROUTE("retry: {factor: 0.9}"), "f:1:46: factor: '0.9' is out of range; expected 1 to 10\n"},
    {ROUTE("retry: {factor: 10.1}"), "f:1:46: factor: '10.1' is out of range; expected 1 to 10\n"},
    {ROUTE("retry: {factor: x}"), "f:1:46: factor: 'x' is not a decimal number such as 1.5; expected 1 to 10\n"},
    {ROUTE("retry: {factor: 1.0000000001}"),
     "f:1:46: factor: '1.0000000001' is not a decimal number such as 1.5; expected 1 to 10\n"},
    {ROUTE("retry: {jitter: 101%}"), "f:1:46: jitter: '101%' is out of range; expected 0% to 100%\n"},
    {ROUTE("retry: {jitter: 0.2}"), "f:1:46: jitter: '0.2' is not a percentage such as 20%; expected 0% to 100%\n"},
    {ROUTE("retry: {retry_after: never}"),
     "f:1:51: retry_after: 'never' is not a time such as 500ms, 30s, 10m or 1h; expected 0s to 24h\n"},
    {ROUTE("retry: {empty: 6}"), "f:1:45: empty: '6' is out of range; expected 0 to 5\n"},
    {"retries: 20%\n", "f:1:10: retries: found text; expected a mapping such as {budget: 20%}\n"},
    {"retries: {budget: 101%}\n", "f:1:19: budget: '101%' is out of range; expected 0% to 100%\n"},
    {"retries: {budget: 20}\n", "f:1:19: budget: '20' has no unit; expected a percentage such as 20%\n"},
    {"retries: {floor: 1001}\n", "f:1:18: floor: '1001' is out of range; expected 0 to 1000\n"},
    {"retries: {flor: 1}\n", "f:1:11: unknown key 'flor'; did you mean 'floor'?\n"},
    {"retry: {attempts: 1}\n", "f:1:1: unknown key 'retry'; expected listen, admin, workers, zone, limits, timeouts, "
                               "log, state, queue, cache, callers, routes, retries or upstreams\n"},
};

static const struct mistake hedge_mistakes[] = {
    {ROUTE("hedge: [off]"), "f:1:37: hedge: found a list; expected text or a mapping such as {after: p95}\n"},
    {ROUTE("hedge: p99"), "f:1:37: after: 'p99' " NO_TIME},
    {ROUTE("hedge: ''"), "f:1:37: after: '' " NO_TIME},
    {ROUTE("hedge: Off"), "f:1:37: after: 'Off' " NO_TIME},
    {ROUTE("hedge: true"), "f:1:37: after: 'true' " NO_TIME},
    {ROUTE("hedge: 2"), "f:1:37: after: '2' has no unit; did you mean '2s'?\n"},
    {ROUTE("hedge: 0s"), "f:1:37: after: '0s' is out of range; expected p95, off or 1ms to 24h\n"},
    {ROUTE("hedge: {after: 25h}"), "f:1:45: after: '25h' is out of range; expected p95, off or 1ms to 24h\n"},
    {ROUTE("hedge: {after: [p95]}"), "f:1:45: after: found a list; expected a time such as 500ms, 30s, 10m or 1h\n"},
    {ROUTE("hedge: {budget: 101%}"), "f:1:46: budget: '101%' is out of range; expected 0% to 100%\n"},
    {ROUTE("hedge: {budget: off}"), "f:1:46: budget: 'off' is not a percentage such as 20%; expected 0% to 100%\n"},
    {ROUTE("hedge: {of: 1}"), "f:1:38: unknown key 'of'; expected after or budget\n"},
    {ROUTE("hedge: '${DSGATE_TEST:-later}'"), "f:1:37: after: the value of '${DSGATE_TEST:-later}' " NO_TIME},
};

static const struct mistake way_mistakes[] = {
    {ROUTE("continue: no"), "f:1:40: continue: 'no' is neither true nor false\n"},
    {ROUTE("continue: []"), "f:1:40: continue: found a list; expected true or false\n"},
    {ROUTE("continues: true"), "f:1:30: unknown key 'continues'; did you mean 'continue'?\n"},
    {ROUTE("plain: on"), "f:1:37: plain: 'on' is unknown; expected auto or off\n"},
    {ROUTE("plain: false"), "f:1:37: plain: 'false' is unknown; expected auto or off\n"},
    {ROUTE("plain: atuo"), "f:1:37: plain: 'atuo' is unknown; did you mean 'auto'?\n"},
    {ROUTE("plain: {}"), "f:1:37: plain: found a mapping; expected a word\n"},
    {ROUTE("plain: ''"), "f:1:37: plain: '' is unknown; expected auto or off\n"},
};

static const struct mistake fallback_mistakes[] = {
    {FALLBACK("stael"), "f:1:41: stale: 'stael' is unknown; did you mean 'stale'?\n"},
    {ROUTE("fallback: deepseek-flash"), "f:1:40: stale: 'deepseek-flash' is unknown; expected stale\n"},
    {FALLBACK("{stale: 1h}"), "f:1:49: stale: '1h' is unknown; expected stale\n"},
    {FALLBACK("[stale]"), "f:1:41: fallback: found a list; expected text or a mapping\n"},
    {FALLBACK("{models: a}"), "f:1:42: unknown key 'models'; did you mean 'model'?\n"},
    {FALLBACK("{when: a}"), "f:1:42: unknown key 'when'; expected model, on, stale or answer\n"},
    {FALLBACK("stale, stale"), "f:1:48: stale: it is given earlier; expected it once\n"},
    {FALLBACK("{answer: x}, stale"),
     "f:1:54: fallback: an earlier answer is always given; expected nothing after it\n"},
    {FALLBACK("{stale: stale, model: deepseek-flash}"), "f:1:49: stale: model is given too; expected one of them\n"},
    {FALLBACK("{stale: stale, answer: x}"), "f:1:49: stale: answer is given too; expected one of them\n"},
    {FALLBACK("{stale: stale, on: context_length}"),
     "f:1:60: on: it is for a model only; expected model beside it\n"},
    {FALLBACK("~"), "f:1:41: fallback: model, stale and answer are missing; expected one of them\n"},
    {FALLBACK("{}"), "f:1:41: fallback: model, stale and answer are missing; expected one of them\n"},
    {FALLBACK("{model: ''}"), "f:1:41: fallback: model, stale and answer are missing; expected one of them\n"},
    {FALLBACK("{on: context_length}"), "f:1:41: fallback: model, stale and answer are missing; expected one of them\n"},
    {ROUTE("fallback: {}"), "f:1:40: fallback: model, stale and answer are missing; expected one of them\n"},
    {FALLBACK("{model: deepseek-flash, answer: x}"), "f:1:73: answer: model is given too; expected one of them\n"},
    {FALLBACK("{answer: x, on: context_length}"), "f:1:57: on: it is for a model only; expected model beside it\n"},
    {FALLBACK("{model: deepseek-flash, on: error}"), "f:1:69: on: 'error' is unknown; expected context_length\n"},
    {FALLBACK("{model: deepseek-flash, on: context_lenght}"),
     "f:1:69: on: 'context_lenght' is unknown; did you mean 'context_length'?\n"},
    {FALLBACK("{model: deepseek-flash, on: true}"), "f:1:69: on: 'true' is unknown; expected context_length\n"},
    {FALLBACK("{model: 'a b'}"), "f:1:49: model: 'a b' is not a model's name; expected 1 to 256 visible ASCII "
                                 "characters, no quotes or backslashes\n"},
    {FALLBACK("{answer: x}, {answer: y}, {model: deepseek-flash}"),
     "f:1:54: fallback: an earlier answer is always given; expected nothing after it\nf:1:67: fallback: an earlier "
     "answer is always given; expected nothing after it\n"},
    {FALLBACK("{model: deepseek-flash}, {model: deepseek-v4-pro}, {model: deepseek-flash}"),
     "f:1:100: model: 'deepseek-flash' is asked earlier; expected another one\n"},
    {FALLBACK("{model: deepseek-flash}, {model: deepseek-flash, on: context_length}, {model: deepseek-flash}"),
     "f:1:119: model: 'deepseek-flash' is asked earlier; expected another one\n"},
    {FALLBACK("{model: [deepseek-flash]}, {answer: {}}"),
     "f:1:49: model: found a list; expected text\nf:1:77: answer: found a mapping; expected text\n"},
    {FALLBACK("{answer: \"bell\\a\"}, {answer: \"\\x7F\"}"),
     "f:1:50: answer: 'bell?' " NO_ANSWER "f:1:70: answer: '?' " NO_ANSWER},
    {FALLBACK("{answer: \"two\\r\\nlines\"}"), "f:1:50: answer: 'two??lines' " NO_ANSWER},
    {FALLBACK("{model: deepsek-flash}"),
     "f:1:49: model: no upstream serves 'deepsek-flash'; did you mean 'deepseek-flash'?\n"},
    {FALLBACK("{model: gpt-4o}, {model: whatever}"),
     "f:1:49: model: no upstream serves 'gpt-4o'; expected one of the upstreams' models\nf:1:66: model: no upstream "
     "serves 'whatever'; expected one of the upstreams' models\n"},
    {ROUTE("fallback: {model: gpt-4o}"),
     "f:1:48: model: no upstream serves 'gpt-4o'; expected one of the upstreams' models\n"},
    {"routes:\n- match: {models: a}\n- match: {models: b}\n  fallback:\n  - model: deepseek-flash\n"
     "  - {on: context_length, model: deepseek-flsh}\n",
     "f:6:33: model: no upstream serves 'deepseek-flsh'; did you mean 'deepseek-flash'?\n"},
    {UP "  models: {a: b}\nroutes: {match: {models: a}, fallback: {model: b}}\n",
     "f:5:48: model: no upstream serves 'b'; did you mean 'a'?\n"},
    {UP "  models: {a: {price: {output: x}}}\nroutes: {match: {models: a}, fallback: {model: b}}\n",
     "f:4:32: output: 'x' is not a decimal number such as 0.15; expected 0 to 1000000\n"},
};

/* What a variable holds is not told, and need not be UTF-8 as the file must. */
START_TEST(test_answers_of_variables)
{
    setenv("DSGATE_TEST", "caf\xe9", 1);
    expect_errors(text_of(FALLBACK("{answer: '${DSGATE_TEST}'}")),
                  "f:1:50: answer: the value of '${DSGATE_TEST}' " NO_ANSWER);
    setenv("DSGATE_TEST", "caf\xc3\xa9", 1);
    struct config *c = config_of(FALLBACK("{answer: '${DSGATE_TEST}'}"));
    ck_assert_str_eq(c->routes[0].fallback[0].answer, "caf\xc3\xa9");
    config_unref(c);
    setenv("DSGATE_TEST", "", 1);
    expect_errors(text_of(FALLBACK("{answer: '${DSGATE_TEST}'}")),
                  "f:1:41: fallback: model, stale and answer are missing; expected one of them\n");
}
END_TEST

START_TEST(test_answers_are_bounded)
{
    static const char begin[] = "routes: {match: {models: a}, fallback: {answer: ";
    enum { MOST = 65536 };
    char *yaml = mem_zalloc(sizeof begin + MOST + 3);
    memcpy(yaml, begin, sizeof begin - 1);
    memset(yaml + sizeof begin - 1, 'x', MOST);
    strcpy(yaml + sizeof begin - 1 + MOST, "}}");
    config_unref(config_of(yaml));
    strcpy(yaml + sizeof begin - 1 + MOST, "x}}");
    expect_errors(text_of(yaml),
                  "f:1:49: answer: 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…' " NO_ANSWER);
    mem_free(yaml);
}
END_TEST

MISTAKE_TEST(route_mistakes)
MISTAKE_TEST(retry_mistakes)
MISTAKE_TEST(hedge_mistakes)
MISTAKE_TEST(way_mistakes)
MISTAKE_TEST(fallback_mistakes)

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, clean_environment, clean_environment);
    tcase_add_test(tests, test_routes);
    tcase_add_loop_test(tests, test_route_mistakes, 0, COUNT(route_mistakes));
    tcase_add_test(tests, test_defaults_of_a_route);
    tcase_add_test(tests, test_defaults_of_all_others);
    tcase_add_test(tests, test_everything_else);
    tcase_add_loop_test(tests, test_hedges, 0, COUNT(hedges));
    tcase_add_test(tests, test_fallback);
    tcase_add_test(tests, test_fallback_to_any_model);
    tcase_add_test(tests, test_sixteen_rungs);
    tcase_add_test(tests, test_answers_of_variables);
    tcase_add_test(tests, test_answers_are_bounded);
    tcase_add_loop_test(tests, test_retry_mistakes, 0, COUNT(retry_mistakes));
    tcase_add_loop_test(tests, test_hedge_mistakes, 0, COUNT(hedge_mistakes));
    tcase_add_loop_test(tests, test_way_mistakes, 0, COUNT(way_mistakes));
    tcase_add_loop_test(tests, test_fallback_mistakes, 0, COUNT(fallback_mistakes));
}

TEST_MAIN_ADDING("config routes", add_tests)
