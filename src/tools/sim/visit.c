#include "visit.h"
#include "hash.h"

/* ---- who ---- */

static struct text key_of(const struct http_head *head)
{
    struct text value = http_value(head, HTTP_AUTHORIZATION), bearer = TEXT("Bearer ");
    if (value.n > bearer.n && text_eq_nocase(text_make(value.p, bearer.n), bearer))
        return text_trim(text_from(value, bearer.n));
    value = http_value(head, HTTP_X_API_KEY);
    return value.n ? value : http_value(head, HTTP_API_KEY);
}

static bool contains(struct text t, struct text needle) { return text_find(t, needle) < t.n; }

static bool key_is_listed(const struct options *o, struct text key)
{
    for (unsigned i = 0; i < o->key_count; i++)
        if (text_is(key, o->keys[i])) return true;
    return o->key_count == 0;
}

static bool refuse_key(struct visit *v, struct text key)
{
    struct text tail = key.n > 4 ? text_from(key, key.n - 4) : key;
    refuse(&v->refusal, 401, "Authentication Fails, Your api key: ****" TEXT_FORMAT " is invalid", TEXT_ARGS(tail));
    v->refusal.type = "authentication_error";
    return false;
}

bool visit_authenticate(struct visit *v)
{
    struct text key = key_of(v->head);
    if (!key.n) return refuse_row(&v->refusal, error_find(TEXT("no-key")));
    if (contains(key, TEXT("invalid")) || !key_is_listed(&v->sim->options, key)) return refuse_key(v, key);
    v->account = hash_mix(hash_text(HASH_START, key));
    v->broke = contains(key, TEXT("broke"));
    return v->broke && v->generates ? refuse_row(&v->refusal, error_find(TEXT("no-balance"))) : true;
}

/* ---- which scenario ---- */

static struct text sim_header(const struct visit *v, struct text name)
{
    const struct http_field *f = http_find_named(v->head, name);
    return f ? http_field_value(v->head, f) : TEXT_NONE;
}

/* The first part of the spec whose conditions hold. One draw decides for all shares, so that they add up; it goes by
 * the number of the request, so that a retry may have better luck. */
static const struct scenario *choose_part(struct visit *v, const struct scenario_mix *mix)
{
    uint64_t lot = hash_pick(v->sim->options.seed, v->serial, 1000000), shares = 0;
    for (unsigned i = 0; i < mix->count; i++) {
        const struct scenario *s = &mix->parts[i];
        if (s->ratio) shares += s->ratio - 1;
        if (s->ratio && lot >= shares) continue;
        if (!s->fail_first || lanes_strike(v->sim->lanes, v->account, v->call.base, s->id, s->fail_first)) return s;
    }
    return NULL;
}

static bool find_mix(struct visit *v, struct scenario_mix *mix, struct buf *error)
{
    struct text header = sim_header(v, TEXT("x-sim-scenario"));
    if (header.p) return scenario_parse(header, mix, error);
    if (v->call.spec.n) return scenario_parse(v->call.spec, mix, error);
    rules_find(v->sim->rules, (struct rule_scope){v->call.base, v->path}, v->generates, mix);
    return true;
}

bool visit_find_scenario(struct visit *v)
{
    struct buf error = {0};
    struct scenario_mix mix = {.count = 0};
    bool found = find_mix(v, &mix, &error);
    if (!found) refuse(&v->refusal, 400, "dsgate-sim: " TEXT_FORMAT, TEXT_ARGS(buf_text(&error)));
    buf_free(&error);
    const struct scenario *part = found ? choose_part(v, &mix) : NULL;
    v->scenario = part ? *part : (struct scenario){0};
    v->scenario.draw = hash_mix(v->sim->options.seed ^ hash_mix(~v->serial));
    return found;
}

/* ---- how fast ---- */

static bool read_knob(struct visit *v, const char *name, uint32_t most, uint32_t *value)
{
    struct text header = sim_header(v, text_of(name));
    uint64_t number;
    if (!header.p) return true;
    if (!text_to_u64(header, &number) || number > most)
        return refuse(&v->refusal, 400, "dsgate-sim: %s must be a number from 0 to %u", name, most);
    *value = (uint32_t)number;
    return true;
}

bool visit_find_pace(struct visit *v, struct pace *pace)
{
    const struct options *o = &v->sim->options;
    *pace = (struct pace){o->first_token_ms, o->token_ms, o->keep_alive_ms, o->tokens};
    return read_knob(v, "x-sim-first-token-ms", 3600000, &pace->first_token_ms) &&
           read_knob(v, "x-sim-token-ms", 60000, &pace->token_ms) &&
           read_knob(v, "x-sim-keep-alive-ms", 600000, &pace->keep_alive_ms) &&
           read_knob(v, "x-sim-tokens", 1000000, &pace->tokens);
}

/* ---- answers without a player ---- */

static void end_refused(struct visit *v, struct text fields)
{
    v->refusal.shape = v->sim->options.provider->errors;
    answer_refusal(v->x, &v->refusal, fields);
}

void visit_end_refused(struct visit *v) { end_refused(v, TEXT_NONE); }

void visit_refuse(struct visit *v, unsigned status, const char *message)
{
    refuse(&v->refusal, status, "%s", message);
    visit_end_refused(v);
}

static void add_retry_after(const struct visit *v, struct buf *fields)
{
    const struct scenario *s = &v->scenario;
    char date[30];
    if (s->retry_after) http_put_u64(fields, TEXT("Retry-After"), s->retry_after);
    if (!s->retry_after_date) return;
    clock_format_http(clock_wall() + s->retry_after_date * USEC_PER_SEC, date);
    http_put(fields, TEXT("Retry-After"), text_of(date));
}

bool visit_plays_refusal(struct visit *v)
{
    struct buf fields = {0};
    const struct scenario *s = &v->scenario;
    if (!scenario_refuses(s)) return false;
    if (s->error)
        refuse_row(&v->refusal, s->error);
    else
        refuse_status(&v->refusal, s->status);
    add_retry_after(v, &fields);
    record_count(v->sim->record, RECORD_FAULTS, 1);
    end_refused(v, buf_text(&fields));
    buf_free(&fields);
    return true;
}

bool visit_plays_silence(struct visit *v)
{
    const struct scenario *s = &v->scenario;
    if (!s->fault) return false;
    record_count(v->sim->record, RECORD_FAULTS, 1);
    if (s->fault == FAULT_RESET)
        exchange_abort(v->x);
    else if (s->fault != FAULT_STALL && s->fault != FAULT_STALL_COMMENTS)
        exchange_cut(v->x);
    return true; /* a stall: nothing is sent until the client leaves */
}
