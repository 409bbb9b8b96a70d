/* What an operator may change: whether an upstream gets calls, and how many. It is gone with the process; what is to
 * stay belongs into the config.
 *
 * The port asks nobody for a key, so a web page that the operator happens to have open must not get through. A page may
 * post forms and texts anywhere, but JSON only after the browser has asked here first, which is never granted. And a
 * page whose own name has been pointed at this machine gives itself away by that name in Host. */
#include "admin_private.h"
#include "dsgate/base/log.h"
#include "dsgate/llm/json.h"

enum { WEIGHT_MAX = 1000 };

/* ---- who may ---- */

static bool is_json(const struct http_head *head)
{
    struct text type = http_value(head, HTTP_CONTENT_TYPE);
    type.n = text_find_byte(type, ';');
    return text_eq_nocase(text_trim(type), TEXT("application/json"));
}

/* An address, or the one name that nobody else can have. */
static bool is_unmistakable(struct text host)
{
    struct address address;
    struct buf error = {0};
    bool literal = address_parse(host, 1, &address, &error) && address.sa.ss_family != AF_UNIX;
    buf_free(&error);
    return literal || text_eq_nocase(text_make(host.p, text_find_byte(host, ':')), TEXT("localhost"));
}

/* Browsers can't reach Unix sockets. */
static bool is_from_socket(const struct exchange *x) { return text_starts(text_of(exchange_peer(x)), TEXT("unix:")); }

bool admin_may_change(struct exchange *x)
{
    struct buf message = {0};
    if (!is_json(exchange_head(x)))
        BUF_ADD(&message, "Content-Type must be application/json.");
    else if (!is_from_socket(x) && !is_unmistakable(http_value(exchange_head(x), HTTP_HOST)))
        BUF_ADD(&message, "Host must be an IP address or localhost: by any other name a web page could have got here.");
    else
        return true;
    admin_refuse(x, FAIL_BAD_HINT, &message);
    return false;
}

/* ---- what ---- */

enum { DRAINING, WEIGHT, MEMBERS };

static const struct text names[MEMBERS] = {[DRAINING] = TEXT("draining"), [WEIGHT] = TEXT("weight")};

struct change {
    struct json_member members[MEMBERS];
    int64_t weight;
};

#define EXPECTED "expected {\"draining\": true or false, \"weight\": 0 to 1000 (0: the config's)}, or one of the two."

/* Has it any member but those? */
static bool find_unknown(struct text body, struct text *key)
{
    for (struct json_iter it = json_iter(body); json_next(&it);) {
        *key = it.key;
        if (!text_eq(it.key, names[DRAINING]) && !text_eq(it.key, names[WEIGHT])) return true;
    }
    return false;
}

static enum failure read_change(struct change *c, struct text body, struct buf *message)
{
    const struct json_member *draining = &c->members[DRAINING], *weight = &c->members[WEIGHT];
    struct json_result result = json_scan(body, names, MEMBERS, c->members, JSON_DEPTH);
    struct text key;
    if (result.error != JSON_FINE) {
        buf_printf(message, "The body is not valid: %s at byte %zu; " EXPECTED, json_error_text(result.error),
                   result.position);
        return FAIL_BAD_JSON;
    }
    if (find_unknown(body, &key))
        buf_printf(message, "'" TEXT_FORMAT "' is unknown; " EXPECTED, TEXT_ARGS(key));
    else if (draining->type == JSON_ABSENT && weight->type == JSON_ABSENT)
        BUF_ADD(message, "The body says nothing; " EXPECTED);
    else if (draining->type != JSON_ABSENT && draining->type != JSON_TRUE && draining->type != JSON_FALSE)
        BUF_ADD(message, "'draining' is neither true nor false; " EXPECTED);
    else if (weight->type != JSON_ABSENT &&
             (!json_to_i64(weight->value, &c->weight) || c->weight < 0 || c->weight > WEIGHT_MAX))
        BUF_ADD(message, "'weight' is no whole number from 0 to 1000; " EXPECTED);
    return buf_len(message) ? FAIL_BAD_FIELD : FAIL_NONE;
}

static void apply(struct admin *a, struct upstream *u, const struct change *c, const char *peer)
{
    usec_t now = loop_now(a->loop);
    if (c->members[DRAINING].type != JSON_ABSENT) {
        bool draining = c->members[DRAINING].type == JSON_TRUE;
        sched_set_draining(a->shared->sched, u, draining, now);
        log_info("upstream '%s': %s by an operator (%s)", u->name, draining ? "drained" : "put back", peer);
    }
    if (c->members[WEIGHT].type != JSON_ABSENT) {
        sched_set_weight(a->shared->sched, u, (unsigned)c->weight, now);
        log_info("upstream '%s': weight set to %u%s by an operator (%s)", u->name,
                 c->weight ? (unsigned)c->weight : u->weight, c->weight ? "" : ", the config's,", peer);
    }
}

/* All of it or nothing; the answer shows what has come of it. */
void admin_change_upstream(struct admin *a, struct exchange *x, struct text rest)
{
    struct change change;
    struct buf message = {0};
    if (!admin_may_change(x)) return;
    struct upstream *u = admin_find_upstream(a, x, rest);
    if (!u) return;
    enum failure failure = read_change(&change, exchange_body(x), &message);
    if (failure) {
        admin_refuse(x, failure, &message);
        return;
    }
    apply(a, u, &change, exchange_peer(x));
    admin_show_upstream(a, x, rest);
}
