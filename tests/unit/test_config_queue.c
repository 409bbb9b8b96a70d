/* Who waits for what: the queue, callers, the gateway's zone, and the file for state. */
#include "config_test.h"

#define SHA   "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER "f123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* ---- the queue ---- */

START_TEST(test_queue_defaults)
{
    struct config *c = config_of("");
    const struct conf_queue *q = &c->queue;
    static const usec_t max_wait[] = {0, 500 * USEC_PER_MS, 5 * USEC_PER_SEC, 60 * USEC_PER_SEC};
    static const unsigned seconds[] = {60, 60, 60, 600}, start_below[] = {100, 100, 100, 50};
    ck_assert_uint_eq(q->reserve_p0, 20);
    ck_assert_uint_eq(q->max_waiting, 10000);
    ck_assert_int_eq(q->priority, PRIORITY_P2);
    ck_assert_int_eq(q->ceiling, PRIORITY_P0);
    for (int i = 0; i < PRIORITY_COUNT; i++) {
        ck_assert_int_eq(q->classes[i].max_wait, max_wait[i]);
        ck_assert_int_eq(q->classes[i].timeout, seconds[i] * USEC_PER_SEC);
        ck_assert_uint_eq(q->classes[i].max_waiting, 0);
        ck_assert_uint_eq(q->classes[i].start_below, start_below[i]);
        ck_assert_uint_eq(q->classes[i].off_peak_count, 0);
    }
    ck_assert_uint_eq(c->caller_count, 0);
    ck_assert_uint_eq(c->route_count, 0);
    ck_assert_ptr_null(c->zone);
    ck_assert_ptr_null(c->state.file);
    config_unref(c);
}
END_TEST

START_TEST(test_queue)
{
    struct config *c = config_of("queue:\n"
                                 "  reserve_p0: 0%\n"
                                 "  max_waiting: 0\n"
                                 "  priority: P3\n"
                                 "  ceiling: high\n"
                                 "  classes:\n"
                                 "    P0: {timeout: 0s, max_waiting: 7}\n"
                                 "    P1: {max_wait: 1s}\n"
                                 "    P3: {max_wait: 24h, timeout: 24h, start_below: 100%,\n"
                                 "         off_peak: [\"22:00-06:00 +08:00\", 'Sat,Sun 00:00-24:00']}\n");
    const struct conf_queue *q = &c->queue;
    const struct conf_class *p3 = &q->classes[PRIORITY_P3];
    ck_assert_uint_eq(q->reserve_p0 + q->max_waiting, 0);
    ck_assert_int_eq(q->priority, PRIORITY_P3);
    ck_assert_int_eq(q->ceiling, PRIORITY_P1);
    ck_assert_int_eq(q->classes[PRIORITY_P0].timeout, 0);
    ck_assert_uint_eq(q->classes[PRIORITY_P0].max_waiting, 7);
    ck_assert_int_eq(q->classes[PRIORITY_P1].max_wait, USEC_PER_SEC);
    ck_assert_int_eq(q->classes[PRIORITY_P2].max_wait, 5 * USEC_PER_SEC);
    ck_assert_int_eq(p3->max_wait, 86400 * USEC_PER_SEC);
    ck_assert_int_eq(p3->timeout, 86400 * USEC_PER_SEC);
    ck_assert_uint_eq(p3->start_below, 100);
    ck_assert_uint_eq(p3->off_peak_count, 2);
    ck_assert_str_eq(p3->off_peak[0], "22:00-06:00 +08:00");
    ck_assert_str_eq(p3->off_peak[1], "Sat,Sun 00:00-24:00");
    config_unref(c);
}
END_TEST

static const struct {
    const char *word;
    enum conf_priority priority;
} priorities[] = {
    {"P0", PRIORITY_P0},     {"p1", PRIORITY_P1},   {"P2", PRIORITY_P2},     {"p3", PRIORITY_P3},
    {"urgent", PRIORITY_P0}, {"HIGH", PRIORITY_P1}, {"Normal", PRIORITY_P2}, {"low", PRIORITY_P3},
};

START_TEST(test_priorities)
{
    char yaml[100];
    snprintf(yaml, sizeof yaml, "queue: {priority: %s}", priorities[_i].word);
    struct config *c = config_of(yaml);
    ck_assert_int_eq(c->queue.priority, priorities[_i].priority);
    config_unref(c);
}
END_TEST

#define WINDOW \
    "is not a window of the week; expected one such as \"Mon-Fri 01:00-04:00\" or \"Sat,Sun 00:00-24:00 " \
    "Asia/Shanghai\", in a time zone that this system knows\n"

START_TEST(test_what_fits_together)
{
    config_unref(config_of("queue: {ceiling: P3, classes: {P1: {timeout: 0s}, P2: {max_wait: 2s, timeout: 2s}}}\n"));
}
END_TEST

static const struct mistake queue_mistakes[] = {
    {"queue: 3\n", "f:1:8: queue: found text; expected a mapping\n"},
    {"queue: {reserve_p0: 91%}\n", "f:1:21: reserve_p0: '91%' is out of range; expected 0% to 90%\n"},
    {"queue: {reserve_p0: 20}\n", "f:1:21: reserve_p0: '20' has no unit; expected a percentage such as 20%\n"},
    {"queue: {reserve_p0: most}\n", "f:1:21: reserve_p0: 'most' is not a percentage such as 20%; expected 0% to 90%\n"},
    {"queue: {reserve_p0: 4294967316%}\n", "f:1:21: reserve_p0: '4294967316%' is out of range; expected 0% to 90%\n"},
    {"queue: {max_waiting: 1000001}\n", "f:1:22: max_waiting: '1000001' is out of range; expected 0 to 1000000\n"},
    {"queue: {priority: P4}\n",
     "f:1:19: priority: 'P4' is unknown; expected P0 (urgent), P1 (high), P2 (normal) or P3 (low)\n"},
    {"queue: {ceiling: urgnt}\n", "f:1:18: ceiling: 'urgnt' is unknown; did you mean 'urgent'?\n"},
    {"queue: {ceiling: ''}\n",
     "f:1:18: ceiling: '' is unknown; expected P0 (urgent), P1 (high), P2 (normal) or P3 (low)\n"},
    {"queue: {classes: {p1: {}}}\n", "f:1:19: unknown key 'p1'; did you mean 'P1'?\n"},
    {"queue: {classes: {P0: {max_wait: 1s}}}\n", "f:1:24: unknown key 'max_wait'; did you mean 'max_waiting'?\n"},
    {"queue: {classes: {P1: {off_peak: []}}}\n",
     "f:1:24: unknown key 'off_peak'; expected max_wait, timeout or max_waiting\n"},
    {"queue: {classes: {P2: {start_below: 50%}}}\n",
     "f:1:24: unknown key 'start_below'; expected max_wait, timeout or max_waiting\n"},
    {"queue: {classes: {P2: {timeout: 60}}}\n", "f:1:33: timeout: '60' has no unit; did you mean '60s'?\n"},
    {"queue: {classes: {P2: {timeout: 25h}}}\n", "f:1:33: timeout: '25h' is out of range; expected 0s to 24h\n"},
    {"queue: {classes: {P3: {start_below: 0%}}}\n", "f:1:37: start_below: '0%' is out of range; expected 1% to 100%\n"},
    {"queue: {classes: {P3: {off_peak: nights}}}\n", "f:1:34: off_peak: 'nights' " WINDOW},
    {"queue: {classes: {P3: {off_peak: ['01:00-02:00', '']}}}\n", "f:1:50: off_peak: empty; expected text\n"},
    {"queue: {classes: {P3: {off_peak: ['01:00-02:00 Mars/Olympus', '${DSGATE_TEST:-secret}']}}}\n",
     "f:1:35: off_peak: '01:00-02:00 Mars/Olympus' " WINDOW
     "f:1:63: off_peak: the value of '${DSGATE_TEST:-secret}' " WINDOW},
    {"queue: {classes: {P3: {timeout: 1s, max_wait: 2s}}}\n",
     "f:1:47: max_wait: it is longer than timeout; expected at most as long\n"},
    {"queue: {priority: P0, ceiling: P2}\n",
     "f:1:19: priority: P0 is above the ceiling; expected P2 or a less urgent one\n"},
    /* What is wrong by itself is compared with nothing. */
    {"queue: {priority: P4, ceiling: P3}\n",
     "f:1:19: priority: 'P4' is unknown; expected P0 (urgent), P1 (high), P2 (normal) or P3 (low)\n"},
    {"queue: {classes: {P2: {max_wait: 23h, timeout: 60}}}\n",
     "f:1:48: timeout: '60' has no unit; did you mean '60s'?\n"},
    {"limits: {waiting: 3}\n", "f:1:10: unknown key 'waiting'; expected body, bodies, headers, header_count, "
                               "connections, answer_hold or event\n"},
};

/* ---- callers ---- */

START_TEST(test_callers)
{
    struct config *c =
        config_of("callers:\n"
                  "- {name: chat, key_sha256: 0123456789ABCDEFabcdef0123456789ABCDEFabcdef0123456789ABCDEFabcd}\n"
                  "- {name: batch, key_sha256: " SHA ", priority: low, ceiling: P2, weight: 1000}\n");
    const struct conf_caller *a = &c->callers[0], *b = &c->callers[1];
    ck_assert_uint_eq(c->caller_count, 2);
    ck_assert_str_eq(a->name, "chat");
    ck_assert_str_eq(a->key_sha256, "0123456789abcdefabcdef0123456789abcdefabcdef0123456789abcdefabcd");
    ck_assert_int_eq(a->priority, PRIORITY_COUNT);
    ck_assert_int_eq(a->ceiling, PRIORITY_P0);
    ck_assert_uint_eq(a->weight, 1);
    ck_assert_int_eq(b->priority, PRIORITY_P3);
    ck_assert_int_eq(b->ceiling, PRIORITY_P2);
    ck_assert_uint_eq(b->weight, 1000);
    config_unref(c);
}
END_TEST

#define CALLER(rest) "callers:\n- {name: a, key_sha256: " SHA rest "}\n"
#define DIGEST \
    "the value (not shown) is not a SHA-256; expected the 64 digits that printf %s \"$KEY\" | sha256sum prints\n"

static const struct mistake caller_mistakes[] = {
    {"callers: a\n", "f:1:10: callers: found text; expected a mapping\n"},
    {"callers: [{}]\n", "f:1:11: name is missing; expected text\nf:1:11: key_sha256 is missing; expected text\n"},
    {"callers: [{name: a b, key_sha256: " SHA "}]\n",
     "f:1:18: name: 'a b' is not a name; expected 1 to 64 of A-Z a-z 0-9 . _ -\n"},
    {"callers: [{name: a, key_sha256: sk-secret}]\n", "f:1:33: key_sha256: " DIGEST},
    {"callers: [{name: a, key_sha256: secret}]\n", "f:1:33: key_sha256: " DIGEST},
    {"callers: [{name: a, key_sha256: ''}]\n", "f:1:33: key_sha256 is missing; expected text\n"},
    {"callers: [{name: a, key: secret, key_sha256: " SHA "}]\n",
     "f:1:21: unknown key 'key'; expected name, key_sha256, priority, ceiling or weight\n"},
    {CALLER(", weight: 0"), "f:2:99: weight: '0' is out of range; expected 1 to 1000\n"},
    {CALLER("") "- {name: a, key_sha256: " OTHER "}\n",
     "f:3:10: name: 'a' is the name of an earlier caller; expected another one\n"},
    {CALLER("") "- {name: b, key_sha256: 0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF}\n",
     "f:3:25: key_sha256: it is the key of 'a'; expected another one\n"},
    {CALLER(", priority: P0, ceiling: P1"),
     "f:2:101: priority: P0 is above the ceiling; expected P1 or a less urgent one\n"},
    {CALLER(", priority: urgent, ceiling: low"),
     "f:2:101: priority: P0 is above the ceiling; expected P3 or a less urgent one\n"},
    {CALLER(", priority: P0, ceiling: P9"),
     "f:2:114: ceiling: 'P9' is unknown; expected P0 (urgent), P1 (high), P2 (normal) or P3 (low)\n"},
};

/* ---- zones ---- */

START_TEST(test_zones)
{
    struct config *c =
        config_of("zone: east\nupstreams: [{preset: deepseek, zone: west}, {preset: ollama, zone: east}, "
                  "{preset: vllm}]\n");
    ck_assert_str_eq(c->zone, "east");
    ck_assert_str_eq(c->upstreams[0].zone, "west");
    ck_assert_str_eq(c->upstreams[1].zone, "east");
    ck_assert_ptr_null(c->upstreams[2].zone);
    config_unref(c);
}
END_TEST

#define TWO(a, b) "upstreams: [{preset: deepseek" a "}, {preset: ollama" b "}]\n"

static const struct mistake zone_mistakes[] = {
    {"zone: a b\n", "f:1:7: zone: 'a b' is not a name; expected 1 to 64 of A-Z a-z 0-9 . _ -\n"},
    {TWO(", zone: a b", ""), "f:1:38: zone: 'a b' is not a name; expected 1 to 64 of A-Z a-z 0-9 . _ -\n"},
    {TWO("", ", zone: east"), "f:1:56: zone: the gateway's own zone is missing; expected zone at the top level too\n"},
    {"zone: cn-eats\n" TWO(", zone: cn-east", ", zone: eu-1"),
     "f:1:7: zone: no upstream is in 'cn-eats'; did you mean 'cn-east'?\n"},
    {"zone: mars\n" TWO(", zone: cn-east", ", zone: eu-1"),
     "f:1:7: zone: no upstream is in 'mars'; expected cn-east or eu-1\n"},
    {"zone: mars\n" TWO(", zone: cn-east", ", zone: cn-east"),
     "f:1:7: zone: no upstream is in 'mars'; expected cn-east\n"},
    {"zone: mars\n" TWO("", ""), "f:1:7: zone: no upstream is in 'mars'; expected the zone of an upstream\n"},
    {"zone: mars\n", "f:1:7: zone: no upstream is in 'mars'; expected the zone of an upstream\n"},
    {"zone: east\n" TWO(", zone: [east]", ""), "f:2:38: zone: found a list; expected text\n"},
};

/* ---- state ---- */

static const struct {
    const char *yaml, *directory, *file;
} states[] = {
    {"", NULL, NULL},
    {"", "/var/lib/dsgate", "/var/lib/dsgate/state.db"},
    {"", "/var/lib/dsgate:/var/lib/other", "/var/lib/dsgate/state.db"},
    {"", "", NULL},
    {"", "relative", NULL},
    {"state: {file: }", "/s", "/s/state.db"},
    {"state: {file: /x/y.db}", "/s", "/x/y.db"},
    {"state: {file: /x/y.db}", NULL, "/x/y.db"},
    {"state: {file: ''}", "/s", NULL},
};

START_TEST(test_state)
{
    if (states[_i].directory) setenv("STATE_DIRECTORY", states[_i].directory, 1);
    struct config *c = config_of(states[_i].yaml);
    ck_assert_pstr_eq(c->state.file, states[_i].file);
    config_unref(c);
}
END_TEST

static const struct mistake state_mistakes[] = {
    {"state: /x\n", "f:1:8: state: found text; expected a mapping\n"},
    {"state: {file: \"a\\nb\"}\n", "f:1:15: file: 'a?b' has a control character; expected the path of a file\n"},
};

MISTAKE_TEST(queue_mistakes)
MISTAKE_TEST(caller_mistakes)
MISTAKE_TEST(zone_mistakes)
MISTAKE_TEST(state_mistakes)

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, clean_environment, clean_environment);
    tcase_add_test(tests, test_queue_defaults);
    tcase_add_test(tests, test_queue);
    tcase_add_loop_test(tests, test_priorities, 0, COUNT(priorities));
    tcase_add_test(tests, test_what_fits_together);
    tcase_add_loop_test(tests, test_queue_mistakes, 0, COUNT(queue_mistakes));
    tcase_add_test(tests, test_callers);
    tcase_add_loop_test(tests, test_caller_mistakes, 0, COUNT(caller_mistakes));
    tcase_add_test(tests, test_zones);
    tcase_add_loop_test(tests, test_zone_mistakes, 0, COUNT(zone_mistakes));
    tcase_add_loop_test(tests, test_state, 0, COUNT(states));
    tcase_add_loop_test(tests, test_state_mistakes, 0, COUNT(state_mistakes));
}

TEST_MAIN_ADDING("config queue", add_tests)
