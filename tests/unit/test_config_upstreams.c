/* What an upstream has beyond its address: keys, limits, tiers, canaries, quotas, breakers, discovery. */
#include "config_test.h"

static struct config *upstream_with(const char *keys)
{
    char *yaml = mem_printf(UP "%s", keys);
    struct config *c = config_of(yaml);
    mem_free(yaml);
    return c;
}

/* ---- defaults ---- */

static void check_default_breaker(const struct conf_breaker *b)
{
    ck_assert_uint_eq(b->failures, 5);
    ck_assert_uint_eq(b->failure_rate, 50);
    ck_assert_uint_eq(b->volume, 20);
    ck_assert_int_eq(b->window, 60 * USEC_PER_SEC);
    ck_assert_int_eq(b->open, 30 * USEC_PER_SEC);
    ck_assert_int_eq(b->open_max, 300 * USEC_PER_SEC);
    ck_assert_uint_eq(b->half_open, 10);
    ck_assert_uint_eq(b->trials, 3);
}

START_TEST(test_defaults)
{
    struct config *c = upstream_with("");
    const struct conf_upstream *u = &c->upstreams[0];
    ck_assert_uint_eq(u->api_key_count + u->cap_count + u->peak_count, 0);
    ck_assert_uint_eq(conf_key_count(u), 0);
    ck_assert(u->adaptive);
    ck_assert_int_eq(u->tier, TIER_PRIMARY);
    ck_assert_uint_eq(u->activate.queue, 100);
    ck_assert_ptr_null(u->zone);
    ck_assert_uint_eq(u->canary, 0);
    ck_assert_int_eq(u->slow_start, 30 * USEC_PER_SEC);
    ck_assert_uint_eq(u->quota.requests_per_minute + u->quota.tokens_per_minute, 0);
    ck_assert_uint_eq(u->quota.requests_per_day + u->quota.tokens_per_day, 0);
    ck_assert(u->quota.cost_per_day == 0.0);
    ck_assert_str_eq(u->quota.zone, "UTC");
    check_default_breaker(&u->breaker);
    ck_assert_ptr_null(u->discover.records);
    ck_assert_ptr_null(u->discover.name);
    ck_assert_ptr_null(u->discover.server);
    ck_assert_uint_eq(u->discover.max_endpoints, 32);
    ck_assert_int_eq(u->health.when, PROBES_SUSPECTED);
    config_unref(c);
}
END_TEST

/* ---- keys ---- */

START_TEST(test_api_keys)
{
    setenv("DSGATE_TEST", "k-2", 1);
    struct config *c = upstream_with("  api_keys: [k-1, '${DSGATE_TEST}']\n");
    const struct conf_upstream *u = &c->upstreams[0];
    ck_assert_uint_eq(u->api_key_count, 2);
    ck_assert_uint_eq(conf_key_count(u), 2);
    ck_assert_str_eq(conf_key(u, 0), "k-1");
    ck_assert_str_eq(conf_key(u, 1), "k-2");
    ck_assert_ptr_null(u->api_key);
    config_unref(c);
    c = upstream_with("  api_keys: k-1\n");
    ck_assert_uint_eq(conf_key_count(&c->upstreams[0]), 1);
    ck_assert_str_eq(conf_key(&c->upstreams[0], 0), "k-1");
    config_unref(c);
}
END_TEST

#define KEY \
    "the value (not shown) would break a header; expected at most 8192 visible ASCII characters without spaces\n"
#define TEN "k0, k1, k2, k3, k4, k5, k6, k7, k8, k9, "

static const struct mistake key_mistakes[] = {
    {UP "  api_keys: []\n", "f:4:13: api_keys: found 0; expected 1 to 32 of them\n"},
    {UP "  api_keys: [" TEN TEN TEN "a, b, c]\n", "f:4:13: api_keys: found 33; expected 1 to 32 of them\n"},
    {UP "  api_keys: {a: secret}\n", "f:4:13: api_keys: found a mapping; expected text or a list of texts\n"},
    {UP "  api_keys: [a, [secret]]\n", "f:4:17: api_keys: found a list; expected text\n"},
    {UP "  api_keys: [a, 'secret key']\n", "f:4:17: api_keys: " KEY},
    {UP "  api_keys: [a, '']\n", "f:4:17: api_keys: empty; expected text\n"},
    {UP "  api_keys: [secret, a, b, secret, secret]\n",
     "f:4:28: api_keys: the value (not shown) is given twice; expected it once\n"
     "f:4:36: api_keys: the value (not shown) is given twice; expected it once\n"},
    {UP "  api_key: a\n  api_keys: [b]\n", "f:5:13: api_keys: api_key is given too; expected one of them\n"},
    {UP "  api_keys: [b]\n  api_key_credential: c\n",
     "f:4:13: api_keys: api_key_credential is given too; expected one of them\n"
     "f:5:23: api_key_credential: the value (not shown) cannot be read: CREDENTIALS_DIRECTORY is not set; expected a "
     "systemd unit with LoadCredential=\n"},
    {UP "  api_keys: [a]\n  headers: {authorization: b}\n",
     "f:5:12: headers: 'authorization' is set by the API key; expected one of them\n"},
};

/* ---- limits ---- */

START_TEST(test_max_concurrency)
{
    struct config *c = upstream_with("  max_concurrency: 0\n  adaptive: false\n");
    ck_assert_uint_eq(c->upstreams[0].cap_count, 1);
    ck_assert_str_eq(c->upstreams[0].caps[0].model, "*");
    ck_assert_uint_eq(c->upstreams[0].caps[0].limit, 0);
    ck_assert(!c->upstreams[0].adaptive);
    config_unref(c);
    c = upstream_with("  max_concurrency: {a: 500, '*': 1000000}\n");
    ck_assert_uint_eq(c->upstreams[0].cap_count, 2);
    ck_assert_str_eq(c->upstreams[0].caps[0].model, "a");
    ck_assert_uint_eq(c->upstreams[0].caps[0].limit, 500);
    ck_assert_str_eq(c->upstreams[0].caps[1].model, "*");
    ck_assert_uint_eq(c->upstreams[0].caps[1].limit, 1000000);
    config_unref(c);
}
END_TEST

/* By the upstream's own name, or any where it may have more than its map says. */
static const char *const known_caps[] = {
    "  models: {chat: flash}\n  max_concurrency: {flash: 1}\n",
    "  models: {chat: }\n  max_concurrency: {chat: 1, '*': 1}\n",
    "  models: {chat: '*'}\n  max_concurrency: {chat: 1}\n",
    "  models: {chat: flash, '*': '*'}\n  max_concurrency: {other: 1}\n",
    "  models: {chat: flash}\n  account: main\n  max_concurrency: {other: 1}\n",
};

START_TEST(test_known_caps)
{
    struct config *c = upstream_with(known_caps[_i]);
    ck_assert_uint_eq(c->upstreams[0].caps[0].limit, 1);
    config_unref(c);
}
END_TEST

static const struct mistake limit_mistakes[] = {
    {UP "  max_concurrency: many\n", "f:4:20: max_concurrency: 'many' is not a whole number; expected 0 to 1000000\n"},
    {UP "  max_concurrency: 1000001\n", "f:4:20: max_concurrency: '1000001' is out of range; expected 0 to 1000000\n"},
    {UP "  max_concurrency: ''\n", "f:4:20: max_concurrency: '' is not a whole number; expected 0 to 1000000\n"},
    {UP "  max_concurrency: [1]\n", "f:4:20: max_concurrency: found a list; expected a whole number or a mapping\n"},
    {UP "  max_concurrency: {a: x, b: }\n",
     "f:4:24: max_concurrency: 'x' is not a whole number; expected 0 to 1000000\n"
     "f:4:30: max_concurrency is missing; expected a whole number\n"},
    {UP "  max_concurrency: {a b: 1}\n",
     "f:4:21: max_concurrency: 'a b' is not a model's name; expected 1 to 256 visible ASCII characters, no quotes or "
     "backslashes\n"},
    {"upstreams: [{preset: deepseek, max_concurrency: {deepseek-flsh: 1}}]\n",
     "f:1:50: max_concurrency: 'deepseek-flsh' is not the upstream's name of a model; did you mean "
     "'deepseek-flash'?\n"},
    {UP "  models: {x: y}\n  max_concurrency: {'*': 1, completely-different: 1}\n",
     "f:5:29: max_concurrency: 'completely-different' is not the upstream's name of a model; expected one that models "
     "has\n"},
    {UP "  adaptive: 1\n", "f:4:13: adaptive: '1' is neither true nor false\n"},
};

/* ---- tiers and canaries ---- */

START_TEST(test_tiers)
{
    struct config *c = config_of("upstreams:\n"
                                 "- {preset: deepseek, tier: primary, slow_start: 0s}\n"
                                 "- {preset: ollama, tier: backup, slow_start: 1h}\n"
                                 "- {preset: vllm, tier: standby}\n"
                                 "- {preset: sglang, tier: standby, activate: {queue: 7}}\n");
    static const enum conf_tier tiers[] = {TIER_PRIMARY, TIER_BACKUP, TIER_STANDBY, TIER_STANDBY};
    for (int i = 0; i < COUNT(tiers); i++)
        ck_assert_int_eq(c->upstreams[i].tier, tiers[i]);
    ck_assert_uint_eq(c->upstreams[2].activate.queue, 100);
    ck_assert_uint_eq(c->upstreams[3].activate.queue, 7);
    ck_assert_int_eq(c->upstreams[0].slow_start, 0);
    ck_assert_int_eq(c->upstreams[1].slow_start, 3600 * USEC_PER_SEC);
    config_unref(c);
}
END_TEST

START_TEST(test_canaries)
{
    struct config *c =
        config_of("upstreams: [{preset: deepseek}, {preset: ollama, canary: 1%}, {preset: vllm, canary: 98%}]");
    ck_assert_uint_eq(c->upstreams[0].canary, 0);
    ck_assert_uint_eq(c->upstreams[1].canary, 1);
    ck_assert_uint_eq(c->upstreams[2].canary, 98);
    config_unref(c);
}
END_TEST

#define TWO(a, b) "upstreams:\n- {preset: deepseek" a "}\n- {preset: ollama" b "}\n"

static const struct mistake tier_mistakes[] = {
    {TWO(", tier: primray", ""), "f:2:28: tier: 'primray' is unknown; did you mean 'primary'?\n"},
    {TWO(", tier: spare", ""), "f:2:28: tier: 'spare' is unknown; expected primary, backup or standby\n"},
    {TWO(", tier: backup", ", tier: standby"), "f:2:28: tier: no upstream is primary; expected one or more\n"},
    {UP "  tier: standby\n", "f:4:9: tier: no upstream is primary; expected one or more\n"},
    {TWO(", tier: backup", ", tier: x"), "f:3:26: tier: 'x' is unknown; expected primary, backup or standby\n"},
    {TWO("", ", activate: {queue: 5}"),
     "f:3:30: activate: it is for a standby only; expected tier: standby beside it\n"},
    {TWO("", ", tier: backup, activate: {queue: 5}"),
     "f:3:44: activate: it is for a standby only; expected tier: standby beside it\n"},
    {TWO("", ", tier: stndby, activate: {queue: 5}"), "f:3:26: tier: 'stndby' is unknown; did you mean 'standby'?\n"},
    {TWO("", ", tier: standby, activate: 5"),
     "f:3:45: activate: found text; expected a mapping such as {queue: 100}\n"},
    {TWO("", ", tier: standby, activate: {queue: 1000001}"),
     "f:3:53: queue: '1000001' is out of range; expected 0 to 1000000\n"},
    {TWO("", ", slow_start: 2h"), "f:3:32: slow_start: '2h' is out of range; expected 0s to 1h\n"},
    {TWO("", ", canary: 101%"), "f:3:28: canary: '101%' is out of range; expected 0% to 100%\n"},
    {TWO("", ", canary: 0.1%"), "f:3:28: canary: '0.1%' is not a percentage such as 20%; expected 0% to 100%\n"},
    {TWO("", ", canary: 100%"), "f:3:28: canary: all together are 100%; expected less than 100%\n"},
    {TWO("", ", canary: 50%") "- {preset: vllm, canary: 60%}\n- {preset: sglang, canary: 1%}\n",
     "f:4:26: canary: all together are 110%; expected less than 100%\n"},
    {UP "  canary: 5%\n", "f:4:11: canary: no other upstream is primary; expected one for the rest of the requests\n"},
    {TWO(", tier: backup", ", canary: 5%"),
     "f:3:28: canary: no other upstream is primary; expected one for the rest of the requests\n"},
    {TWO(", canary: 6%", ", canary: 5%"),
     "f:3:28: canary: no other upstream is primary; expected one for the rest of the requests\n"},
};

/* ---- quotas and peak hours ---- */

START_TEST(test_quota)
{
    struct config *c =
        config_of("upstreams:\n"
                  "- preset: deepseek\n"
                  "  quota: {requests_per_minute: 1, tokens_per_minute: 5000000000, requests_per_day: 3,\n"
                  "          tokens_per_day: 1000000000000000, cost_per_day: 12.5, zone: '+08:00'}\n");
    const struct conf_quota *q = &c->upstreams[0].quota;
    ck_assert_uint_eq(q->requests_per_minute, 1);
    ck_assert_uint_eq(q->tokens_per_minute, 5000000000u);
    ck_assert_uint_eq(q->requests_per_day, 3);
    ck_assert_uint_eq(q->tokens_per_day, 1000000000000000u);
    ck_assert(q->cost_per_day == 12.5);
    ck_assert_str_eq(q->zone, "+08:00");
    config_unref(c);
}
END_TEST

START_TEST(test_peak)
{
    struct config *c = config_of("upstreams: [{preset: deepseek}, {preset: deepseek, name: b, peak: []}, "
                                 "{preset: deepseek, name: c, peak: 'Sat 01:00-02:00'}]");
    ck_assert_uint_eq(c->upstreams[0].peak_count, 2);
    ck_assert_str_eq(c->upstreams[0].peak[0], "Mon-Fri 01:00-04:00 UTC");
    ck_assert_str_eq(c->upstreams[0].peak[1], "Mon-Fri 06:00-10:00 UTC");
    ck_assert_uint_eq(c->upstreams[1].peak_count, 0);
    ck_assert_uint_eq(c->upstreams[2].peak_count, 1);
    ck_assert_str_eq(c->upstreams[2].peak[0], "Sat 01:00-02:00");
    config_unref(c);
}
END_TEST

static const struct mistake quota_mistakes[] = {
    {UP "  quota: 500\n", "f:4:10: quota: found text; expected a mapping\n"},
    {UP "  quota: {tokens_per_day: 1000000000000001}\n",
     "f:4:27: tokens_per_day: '1000000000000001' is out of range; expected 0 to 1000000000000000\n"},
    {UP "  quota: {requests_per_minute: 1.5}\n",
     "f:4:32: requests_per_minute: '1.5' is not a whole number; expected 0 to 1000000000000000\n"},
    {UP "  quota: {requests: 3}\n",
     "f:4:11: unknown key 'requests'; expected requests_per_minute, tokens_per_minute, requests_per_day, "
     "tokens_per_day, cost_per_day or zone\n"},
    {UP "  quota: {cost_per_day: -1}\n",
     "f:4:25: cost_per_day: '-1' is not a decimal number such as 0.15; expected 0 to 1000000000\n"},
    {UP "  quota: {cost_per_day: 1}\n", "f:4:25: cost_per_day: no model has a price; expected price in models\n"},
    {UP "  quota: {cost_per_day: 1}\n  models: {a: b}\n",
     "f:4:25: cost_per_day: no model has a price; expected price in models\n"},
    {UP "  quota: {cost_per_day: 1}\n  models: {a: {price: {output: x}}}\n",
     "f:5:32: output: 'x' is not a decimal number such as 0.15; expected 0 to 1000000\n"},
    {UP "  quota: {zone: Mars/Olympus}\n",
     "f:4:17: zone: 'Mars/Olympus' is not a time zone that this system knows; expected UTC, +08:00 or one such as "
     "Asia/Shanghai\n"},
    {UP "  quota: {zone: ''}\n", "f:4:17: zone: empty; expected text\n"},
    {UP "  peak: [9-5]\n",
     "f:4:10: peak: '9-5' is not a window of the week; expected one such as \"Mon-Fri 01:00-04:00\" or \"Sat,Sun "
     "00:00-24:00 Asia/Shanghai\", in a time zone that this system knows\n"},
};

/* ---- breakers, probes, discovery ---- */

START_TEST(test_breaker_and_probes)
{
    struct config *c = upstream_with("  breaker: {failures: 0, failure_rate: 0%, volume: 1, window: 1h, open: 5m,\n"
                                     "            open_max: 5m, half_open: 100%, trials: 100}\n"
                                     "  health: {when: never}\n");
    const struct conf_breaker *b = &c->upstreams[0].breaker;
    ck_assert_uint_eq(b->failures + b->failure_rate, 0);
    ck_assert_uint_eq(b->volume, 1);
    ck_assert_int_eq(b->window, 3600 * USEC_PER_SEC);
    ck_assert_int_eq(b->open, 300 * USEC_PER_SEC);
    ck_assert_int_eq(b->open_max, 300 * USEC_PER_SEC);
    ck_assert_uint_eq(b->half_open, 100);
    ck_assert_uint_eq(b->trials, 100);
    ck_assert_int_eq(c->upstreams[0].health.when, PROBES_NEVER);
    config_unref(c);
    c = upstream_with("  health: {when: always}\n");
    ck_assert_int_eq(c->upstreams[0].health.when, PROBES_ALWAYS);
    config_unref(c);
}
END_TEST

START_TEST(test_discover)
{
    struct config *c = upstream_with("  discover: {records: srv, name: _v._tcp.service.consul, server: '[::1]:53', "
                                     "max_endpoints: 128}\n");
    const struct conf_discover *d = &c->upstreams[0].discover;
    ck_assert_str_eq(d->records, "srv");
    ck_assert_str_eq(d->name, "_v._tcp.service.consul");
    ck_assert_str_eq(d->server, "[::1]:53");
    ck_assert_uint_eq(d->max_endpoints, 128);
    config_unref(c);
    c = upstream_with("  discover: {records: a}\n  resolve: []\n");
    ck_assert_str_eq(c->upstreams[0].discover.records, "a");
    ck_assert_ptr_null(c->upstreams[0].discover.name);
    config_unref(c);
    config_unref(upstream_with("  discover: {}\n"));
}
END_TEST

static const struct mistake breaker_mistakes[] = {
    {UP "  breaker: {failures: 1001}\n", "f:4:23: failures: '1001' is out of range; expected 0 to 1000\n"},
    {UP "  breaker: {failure_rate: 50}\n",
     "f:4:27: failure_rate: '50' has no unit; expected a percentage such as 20%\n"},
    {UP "  breaker: {window: 500ms}\n", "f:4:21: window: '500ms' is out of range; expected 1s to 1h\n"},
    {UP "  breaker: {half_open: 0%}\n", "f:4:24: half_open: '0%' is out of range; expected 1% to 100%\n"},
    {UP "  breaker: {trials: 0}\n", "f:4:21: trials: '0' is out of range; expected 1 to 100\n"},
    {UP "  breaker: {open: 10m}\n", "f:4:19: open_max: it is less than open; expected as much or more\n"},
    {UP "  breaker: {open_max: 29s}\n", "f:4:23: open_max: it is less than open; expected as much or more\n"},
    {UP "  breaker: {open: 2s, open_max: 1s}\n", "f:4:33: open_max: it is less than open; expected as much or more\n"},
    {UP "  breaker: {open: 10m, open_max: 20}\n", "f:4:34: open_max: '20' has no unit; did you mean '20s'?\n"},
    {UP "  health: {when: sometimes}\n", "f:4:18: when: 'sometimes' is unknown; expected suspected, always or never\n"},
};

#define MANY(name, most) \
    "- {name: " name ", base_url: 'http://h', discover: {records: a, max_endpoints: " most "}}\n"

START_TEST(test_endpoints_in_all)
{
    config_unref(config_of("upstreams:\n- {preset: ollama}\n" MANY("b", "128") MANY("c", "127")));
}
END_TEST

static const struct mistake discover_mistakes[] = {
    {UP "  discover: a\n", "f:4:13: discover: found text; expected a mapping such as {records: a}\n"},
    {UP "  discover: {records: aaaa}\n", "f:4:23: records: 'aaaa' is unknown; expected a or srv\n"},
    {UP "  discover: {name: h}\n", "f:4:13: records is missing; expected a or srv\n"},
    {UP "  discover: {records: srv}\n", "f:4:13: name is missing; expected the name of SRV records\n"},
    {UP "  discover: {records: a}\n  resolve: 192.0.2.7\n",
     "f:4:13: discover: resolve is given too; expected one of them\n"},
    {UP "  discover: {records: a, name: 192.0.2.7}\n",
     "f:4:32: name: '192.0.2.7' is not a name to ask DNS for; expected one such as llm.example.com\n"},
    {UP "  discover: {records: a, server: consul}\n",
     "f:4:34: server: 'consul' is not a server's address; expected one such as 127.0.0.1:8600 or \"[::1]:53\"\n"},
    {UP "  discover: {records: a, max_endpoints: 129}\n",
     "f:4:41: max_endpoints: '129' is out of range; expected 1 to 128\n"},
    {UP "  discover: {records: a, max_endpoints: 128}\n- {preset: ollama}\n" MANY("b", "127") MANY("c", "1"),
     "f:7:73: max_endpoints: with the upstreams before it there may be 257 endpoints; expected at most 256 in all\n"},
    {"upstreams: [{preset: vllm, discover: {records: a}}]\n",
     "f:1:38: discover: base_url has an address; expected a name to ask for\n"},
};

MISTAKE_TEST(key_mistakes)
MISTAKE_TEST(limit_mistakes)
MISTAKE_TEST(tier_mistakes)
MISTAKE_TEST(quota_mistakes)
MISTAKE_TEST(breaker_mistakes)
MISTAKE_TEST(discover_mistakes)

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, clean_environment, clean_environment);
    tcase_add_test(tests, test_defaults);
    tcase_add_test(tests, test_api_keys);
    tcase_add_loop_test(tests, test_key_mistakes, 0, COUNT(key_mistakes));
    tcase_add_test(tests, test_max_concurrency);
    tcase_add_loop_test(tests, test_known_caps, 0, COUNT(known_caps));
    tcase_add_loop_test(tests, test_limit_mistakes, 0, COUNT(limit_mistakes));
    tcase_add_test(tests, test_tiers);
    tcase_add_test(tests, test_canaries);
    tcase_add_loop_test(tests, test_tier_mistakes, 0, COUNT(tier_mistakes));
    tcase_add_test(tests, test_quota);
    tcase_add_test(tests, test_peak);
    tcase_add_loop_test(tests, test_quota_mistakes, 0, COUNT(quota_mistakes));
    tcase_add_test(tests, test_breaker_and_probes);
    tcase_add_test(tests, test_discover);
    tcase_add_test(tests, test_endpoints_in_all);
    tcase_add_loop_test(tests, test_breaker_mistakes, 0, COUNT(breaker_mistakes));
    tcase_add_loop_test(tests, test_discover_mistakes, 0, COUNT(discover_mistakes));
}

TEST_MAIN_ADDING("config upstreams", add_tests)
