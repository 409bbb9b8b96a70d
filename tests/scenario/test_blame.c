/* What clients cause must not take upstreams, accounts or keys away from the others. */
#include "scenario.h"

static const char body[] = "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}";

static struct wire *ask(const char *headers)
{
    struct wire *client = gateway_connect();
    client_post(client, "/v1/chat/completions", headers, body);
    return client;
}

static struct wire *busy_wire(struct fake_upstream *u)
{
    for (unsigned i = 0; i < u->wire_count; i++)
        if (upstream_got_request(u->wires[i])) return u->wires[i];
    return NULL;
}

static void answer(struct fake_upstream *u, unsigned status)
{
    struct wire *w = busy_wire(u);
    ck_assert_msg(w != NULL, "%s has no request", u->host);
    wire_clear(w);
    upstream_json(w, status, "{\"answer\":1}");
}

/* ---- time ---- */

/* A call that had to wait leaves the upstream less time than it is given as a rule. */
START_TEST(time_spent_in_the_queue_is_not_the_upstreams)
{
    begin(QUIET "timeouts: {total: 10s}\n"
                "upstreams: [{name: a, base_url: 'http://a.test:80/v1', max_concurrency: 1}]\n"
                "queue: {reserve_p0: 0%}\n");
    struct wire *first = ask(""), *second = ask("");
    fake_run(8 * USEC_PER_SEC);
    answer(&a, 200);
    ck_answer(first, 200, "{\"answer\":1}");
    ck_assert_uint_eq(gateway_in_flight("a"), 1);
    fake_run(3 * USEC_PER_SEC);
    ck_error(second, 504, "deadline_exceeded");
    ck_assert_uint_eq(gateway_attempts("a", "fault"), 0);
    gateway_end();
}
END_TEST

TEST_MAIN("blame", time_spent_in_the_queue_is_not_the_upstreams)
