/* control.c - /_sim/: a test sets scenarios and limits here, and asks what the simulator has seen.
 */
#include "dsgate/llm/json.h"
#include "near.h"
#include "scenario_table.h"
#include "sim.h"

typedef void handler(struct exchange *x);

static struct sim *sim_of(const struct exchange *x) { return worker_of(x)->sim; }

static void refuse_control(struct exchange *x, unsigned status, struct text why)
{
    struct refusal r = {0};
    refuse(&r, status, "dsgate-sim: " TEXT_FORMAT, TEXT_ARGS(why));
    answer_refusal(x, &r, TEXT_NONE);
}

static void answer_done(struct exchange *x) { answer_json(x, 200, TEXT("{\"ok\":true}")); }

static void answer_free(struct exchange *x, struct buf *body)
{
    answer_json(x, 200, buf_text(body));
    buf_free(body);
}

/* ---- bodies ---- */

enum { ORDER_SCENARIO, ORDER_MODEL, ORDER_PATH, ORDER_COUNT, ORDER_CONCURRENCY, ORDER_MEMBERS };
enum { STRING_MOST = 512, NUMBER_MOST = 1000000 };

static const char *const order_names[ORDER_MEMBERS] = {"scenario", "model", "path", "count", "concurrency"};

/* What a control body says. */
struct order {
    bool given[ORDER_MEMBERS];
    char strings[ORDER_COUNT][STRING_MOST];
    struct text texts[ORDER_COUNT];
    unsigned count, concurrency;
};

static bool read_number(const struct json_iter *it, const char *name, unsigned *to, struct buf *error)
{
    int64_t value;
    bool valid = it->type == JSON_NUMBER && json_to_i64(it->value, &value) && value >= 0 && value <= NUMBER_MOST;
    if (valid)
        *to = (unsigned)value;
    else
        buf_printf(error, "'%s' must be a number from 0 to %d", name, NUMBER_MOST);
    return valid;
}

static bool read_string(const struct json_iter *it, unsigned which, struct order *o, struct buf *error)
{
    size_t n = 0;
    bool valid = it->type == JSON_STRING && json_to_text(it->value, o->strings[which], STRING_MOST, &n);
    o->texts[which] = text_make(o->strings[which], n);
    if (!valid) buf_printf(error, "'%s' must be a string of less than %d bytes", order_names[which], STRING_MOST);
    return valid;
}

static bool fail_member(struct text key, unsigned allowed, struct buf *error)
{
    struct near near = near_start(key);
    buf_printf(error, "there is no member '" TEXT_FORMAT "' here", TEXT_ARGS(key));
    for (unsigned i = 0; i < ORDER_MEMBERS; i++)
        if (allowed & 1u << i) near_try(&near, order_names[i]);
    near_finish(&near, error);
    return false;
}

static bool read_member(const struct json_iter *it, unsigned allowed, struct order *o, struct buf *error)
{
    unsigned which = 0;
    while (which < ORDER_MEMBERS && !text_is(it->key, order_names[which]))
        which++;
    if (which == ORDER_MEMBERS || !(allowed & 1u << which)) return fail_member(it->key, allowed, error);
    o->given[which] = true;
    if (which == ORDER_COUNT) return read_number(it, "count", &o->count, error);
    if (which == ORDER_CONCURRENCY) return read_number(it, "concurrency", &o->concurrency, error);
    return read_string(it, which, o, error);
}

/* false: the complaint has been sent. `allowed`: bits of ORDER_*; `required` must be given. */
static bool read_order(struct exchange *x, unsigned allowed, unsigned required, struct order *o)
{
    struct buf error = {0};
    struct text body = exchange_body(x);
    struct json_result result = json_scan(body, NULL, 0, NULL, JSON_DEPTH);
    *o = (struct order){0};
    bool fine = result.error == JSON_FINE && result.top == JSON_OBJECT;
    if (!fine) buf_printf(&error, "the body must be a JSON object (%s)", json_error_text(result.error));
    for (struct json_iter it = json_iter(body); fine && json_next(&it);)
        fine = read_member(&it, allowed, o, &error);
    if (fine && !o->given[required]) {
        buf_printf(&error, "the member '%s' is missing", order_names[required]);
        fine = false;
    }
    if (!fine) refuse_control(x, 400, buf_text(&error));
    buf_free(&error);
    return fine;
}

/* ---- endpoints ---- */

static void set_scenario(struct exchange *x)
{
    static const unsigned allowed = 1u << ORDER_SCENARIO | 1u << ORDER_MODEL | 1u << ORDER_PATH | 1u << ORDER_COUNT;
    struct order o;
    struct buf error = {0};
    if (!read_order(x, allowed, ORDER_SCENARIO, &o)) return;
    struct rule_scope scope = {o.texts[ORDER_MODEL], o.texts[ORDER_PATH]};
    if (rules_set(sim_of(x)->rules, scope, o.texts[ORDER_SCENARIO], o.count, &error)) {
        sim_rules_changed(sim_of(x));
        answer_done(x);
    } else {
        refuse_control(x, 400, buf_text(&error));
    }
    buf_free(&error);
}

static void set_limits(struct exchange *x)
{
    struct order o;
    if (!read_order(x, 1u << ORDER_CONCURRENCY | 1u << ORDER_MODEL, ORDER_CONCURRENCY, &o)) return;
    if (lanes_set_limit(sim_of(x)->lanes, o.texts[ORDER_MODEL], o.concurrency))
        answer_done(x);
    else
        refuse_control(x, 400, TEXT("too many models have a limit of their own"));
}

static void reset(struct exchange *x)
{
    struct sim *sim = sim_of(x);
    rules_reset(sim->rules);
    lanes_reset(sim->lanes, sim->options.concurrency);
    prefix_cache_clear(sim->cache);
    record_reset(sim->record);
    atomic_store(&sim->serial, 0);
    sim_rules_changed(sim);
    answer_done(x);
}

static void tell_stats(struct exchange *x)
{
    struct buf body = {0};
    record_stats(sim_of(x)->record, &body);
    answer_free(x, &body);
}

static void tell_last(struct exchange *x)
{
    struct buf body = {0};
    record_last(sim_of(x)->record, &body);
    answer_free(x, &body);
}

static void tell_rules(struct exchange *x)
{
    struct buf body = {0};
    rules_list(sim_of(x)->rules, &body);
    answer_free(x, &body);
}

static void tell_scenarios(struct exchange *x)
{
    struct buf body = {0};
    scenario_list_json(&body);
    answer_free(x, &body);
}

static const struct {
    const char *path;
    enum http_method method;
    handler *serve;
} endpoints[] = {
    {"/_sim/stats", HTTP_GET, tell_stats},
    {"/_sim/last", HTTP_GET, tell_last},
    {"/_sim/scenario", HTTP_GET, tell_rules},
    {"/_sim/scenario", HTTP_POST, set_scenario},
    {"/_sim/scenarios", HTTP_GET, tell_scenarios},
    {"/_sim/limits", HTTP_POST, set_limits},
    {"/_sim/reset", HTTP_POST, reset},
};

static void refuse_path(struct exchange *x, struct text path)
{
    struct buf why = {0};
    struct near near = near_start(path);
    buf_printf(&why, "there is no %s " TEXT_FORMAT, http_method_name(exchange_head(x)->method), TEXT_ARGS(path));
    for (size_t i = 0; i < sizeof endpoints / sizeof *endpoints; i++)
        near_try(&near, endpoints[i].path);
    near_finish(&near, &why);
    refuse_control(x, 404, buf_text(&why));
    buf_free(&why);
}

void control_serve(struct exchange *x)
{
    const struct http_head *head = exchange_head(x);
    for (size_t i = 0; i < sizeof endpoints / sizeof *endpoints; i++) {
        if (head->method != endpoints[i].method || !text_is(head->path, endpoints[i].path)) continue;
        endpoints[i].serve(x);
        return;
    }
    refuse_path(x, head->path);
}
