/* Upstreams and their models. Labels are the config's, so there are as many series as it has upstreams and models. */
#include "metrics_private.h"

/* ---- each upstream ---- */

static uint64_t up_of(const struct metrics_upstream *u) { return u->up; }
static uint64_t draining_of(const struct metrics_upstream *u) { return u->draining; }
static uint64_t in_flight_of(const struct metrics_upstream *u) { return u->in_flight; }
static uint64_t weight_of(const struct metrics_upstream *u) { return u->weight; }
static uint64_t keys_cooling_of(const struct metrics_upstream *u) { return u->keys_cooling; }
static uint64_t standing_by_of(const struct metrics_upstream *u) { return u->standing_by; }
static uint64_t spent_of(const struct metrics_upstream *u) { return u->spent; }
static uint64_t limit_of_all(const struct metrics_upstream *u) { return u->limit; }

static void write_gauges(const struct metrics_upstream *upstreams, size_t n, struct buf *out)
{
    static const struct {
        const char *name, *help;
        uint64_t (*value)(const struct metrics_upstream *u);
        bool only_if_set;
    } gauges[] = {
        {"dsgate_upstream_up", "1 when the upstream is up.", up_of},
        {"dsgate_upstream_draining", "1 when an operator has taken the upstream out.", draining_of},
        {"dsgate_upstream_in_flight", "Calls under way at the upstream.", in_flight_of},
        {"dsgate_upstream_weight", "The upstream's weight.", weight_of},
        {"dsgate_upstream_keys_cooling", "API keys of the upstream that it has refused lately.", keys_cooling_of},
        {"dsgate_upstream_standing_by", "1 when the upstream is a standby that has not joined.", standing_by_of},
        {"dsgate_upstream_spent", "1 when the upstream's quota has no room.", spent_of},
        {"dsgate_upstream_concurrency_limit",
         "Calls that may be under way at once for all models together, where there is a limit.", limit_of_all,
         .only_if_set = true},
    };
    for (size_t g = 0; g < sizeof gauges / sizeof *gauges; g++) {
        metrics_write_head(out, gauges[g].name, "gauge", gauges[g].help);
        for (size_t i = 0; i < n; i++) {
            uint64_t value = gauges[g].value(&upstreams[i]);
            if (!value && gauges[g].only_if_set) continue;
            buf_printf(out, "%s{upstream=\"%s\"}", gauges[g].name, upstreams[i].name);
            metrics_write_value(out, value);
        }
    }
}

static void write_attempts(const struct metrics_upstream *upstreams, size_t n, struct buf *out)
{
    /* enum outcome lives next door, in sched/ */
    static const char *const outcomes[METRICS_OUTCOMES] = {"success", "fault", "busy", "key", "neutral"};
    metrics_write_head(out, "dsgate_attempts_total", "counter", "Attempts by upstream and outcome.");
    for (size_t i = 0; i < n; i++) {
        for (unsigned o = 0; o < METRICS_OUTCOMES; o++) {
            buf_printf(out, "dsgate_attempts_total{upstream=\"%s\",outcome=\"%s\"}", upstreams[i].name, outcomes[o]);
            metrics_write_value(out, upstreams[i].outcomes[o]);
        }
    }
}

static void write_used(struct buf *out, const struct metrics_upstream *u, const char *what)
{
    buf_printf(out, "dsgate_quota_used{upstream=\"%s\",what=\"%s\"}", u->name, what);
}

static void write_quotas(const struct metrics_upstream *upstreams, size_t n, struct buf *out)
{
    metrics_write_head(out, "dsgate_quota_used", "gauge",
                       "What was used today of the upstream's quota: requests, tokens, cost in USD.");
    for (size_t i = 0; i < n; i++) {
        if (!upstreams[i].has_quota) continue;
        write_used(out, &upstreams[i], "requests");
        metrics_write_value(out, upstreams[i].today.requests);
        write_used(out, &upstreams[i], "tokens");
        metrics_write_value(out, upstreams[i].today.tokens);
        write_used(out, &upstreams[i], "cost");
        buf_printf(out, " %.9g\n", upstreams[i].today.cost);
    }
}

/* ---- each of its models ---- */

static uint64_t breaker_of(const struct metrics_target *t) { return t->breaker; }
static uint64_t limit_of(const struct metrics_target *t) { return t->limit; }
static uint64_t calls_of(const struct metrics_target *t) { return t->in_flight; }
static uint64_t picks_of(const struct metrics_target *t) { return t->picks; }

static const struct family {
    const char *name, *type, *help;
    uint64_t (*value)(const struct metrics_target *t);
    bool only_if_set;
} families[] = {
    {"dsgate_breaker_state", "gauge", "The circuit breaker: 0 closed, 1 half open, 2 open.", breaker_of},
    {"dsgate_concurrency_limit", "gauge", "Calls that may be under way at once, where there is a limit now.", limit_of,
     .only_if_set = true},
    {"dsgate_target_in_flight", "gauge", "Calls under way at the upstream for the model.", calls_of},
    {"dsgate_picks_total", "counter", "Turns that the upstream was given.", picks_of},
};

/* `rest` of the labels, from a comma on. */
static void write_target(struct buf *out, const char *name, const struct metrics_upstream *u,
                         const struct metrics_target *t, const char *rest, uint64_t value)
{
    buf_printf(out, "%s{upstream=\"%s\",model=\"", name, u->name);
    metrics_write_label(out, t->model);
    buf_printf(out, "\"%s}", rest);
    metrics_write_value(out, value);
}

static void write_family(const struct family *f, const struct metrics_upstream *upstreams, size_t n, struct buf *out)
{
    metrics_write_head(out, f->name, f->type, f->help);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < upstreams[i].target_count; k++) {
            const struct metrics_target *t = &upstreams[i].targets[k];
            uint64_t value = f->value(t);
            if (value || !f->only_if_set) write_target(out, f->name, &upstreams[i], t, "", value);
        }
    }
}

static void write_transitions(const struct metrics_upstream *upstreams, size_t n, struct buf *out)
{
    static const char *const rests[METRICS_BREAKER_STATES] = {[METRICS_CLOSED] = ",to=\"closed\"",
                                                              [METRICS_HALF_OPEN] = ",to=\"half_open\"",
                                                              [METRICS_OPEN] = ",to=\"open\""};
    metrics_write_head(out, "dsgate_breaker_transitions_total", "counter",
                       "How often a circuit breaker has changed, by the state it went to.");
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < upstreams[i].target_count; k++)
            for (unsigned to = 0; to < METRICS_BREAKER_STATES; to++)
                write_target(out, "dsgate_breaker_transitions_total", &upstreams[i], &upstreams[i].targets[k],
                             rests[to], upstreams[i].targets[k].transitions[to]);
}

void metrics_write_upstreams(const struct metrics_upstream *upstreams, size_t n, struct buf *out)
{
    write_gauges(upstreams, n, out);
    write_attempts(upstreams, n, out);
    write_quotas(upstreams, n, out);
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        write_family(&families[i], upstreams, n, out);
    write_transitions(upstreams, n, out);
}
