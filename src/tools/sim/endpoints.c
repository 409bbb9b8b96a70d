/* endpoints.c - from a request to its answer: who asks, for what, which scenario applies, then the player.
 */
#include "call.h"
#include "hash.h"
#include "player.h"
#include "visit.h"

/* ---- paths ---- */

typedef void handler(struct visit *v);

static handler serve_models, serve_model, serve_balance, serve_call, serve_embeddings;

struct endpoint {
    const char *path; /* behind /v1 and /beta; ends in '/': all below it */
    enum http_method method;
    handler *serve;
    enum api api;
    bool generates;
};

static const struct endpoint endpoints[] = {
    {"/chat/completions", HTTP_POST, serve_call, API_CHAT, true},
    {"/completions", HTTP_POST, serve_call, API_TEXT, true},
    {"/anthropic/v1/messages", HTTP_POST, serve_call, API_ANTHROPIC, true},
    {"/responses", HTTP_POST, serve_call, API_RESPONSES, true},
    {"/embeddings", HTTP_POST, serve_embeddings, API_EMBEDDINGS, true},
    {"/models", HTTP_GET, serve_models, API_CHAT, false},
    {"/models/", HTTP_GET, serve_model, API_CHAT, false},
    {"/user/balance", HTTP_GET, serve_balance, API_CHAT, false},
};

static bool strip(struct text *path, struct text prefix)
{
    bool has = text_starts(*path, prefix) && path->n > prefix.n && path->p[prefix.n] == '/';
    if (has) *path = text_from(*path, prefix.n);
    return has;
}

static const struct endpoint *find_endpoint(struct visit *v)
{
    struct text path = v->head->path;
    v->beta = strip(&path, TEXT("/beta"));
    strip(&path, TEXT("/v1"));
    v->path = path;
    for (size_t i = 0; i < sizeof endpoints / sizeof *endpoints; i++) {
        struct text own = text_of(endpoints[i].path);
        bool below = text_ends(own, TEXT("/")) && text_starts(path, own) && path.n > own.n;
        if (below || text_eq(path, own)) return &endpoints[i];
    }
    return NULL;
}

/* ---- lists ---- */

static void add_model(struct buf *out, struct text name)
{
    BUF_ADD(out, "{\"id\":");
    buf_add_json_string(out, name);
    BUF_ADD(out, ",\"object\":\"model\",\"owned_by\":\"deepseek\"}");
}

static void serve_models(struct visit *v)
{
    struct known_models models = options_models(&v->sim->options);
    struct buf body = {0};
    BUF_ADD(&body, "{\"object\":\"list\",\"data\":[");
    for (size_t i = 0; i < models.count; i++) {
        if (i) BUF_ADD(&body, ",");
        add_model(&body, text_of(models.names[i]));
    }
    BUF_ADD(&body, "]}");
    answer_json(v->x, 200, buf_text(&body));
    buf_free(&body);
}

static void serve_model(struct visit *v)
{
    struct known_models models = options_models(&v->sim->options);
    struct text name = text_from(v->path, sizeof "/models/" - 1);
    struct buf body = {0};
    if (!known_model(&models, name)) {
        visit_refuse(v, 404, "Model Not Exist");
        return;
    }
    add_model(&body, name);
    answer_json(v->x, 200, buf_text(&body));
    buf_free(&body);
}

static void serve_balance(struct visit *v)
{
    answer_json(
        v->x, 200,
        v->broke ? TEXT("{\"is_available\":false,\"balance_infos\":[{\"currency\":\"CNY\",\"total_balance\":\"0.00\","
                        "\"granted_balance\":\"0.00\",\"topped_up_balance\":\"0.00\"}]}")
                 : TEXT("{\"is_available\":true,\"balance_infos\":[{\"currency\":\"CNY\",\"total_balance\":\"110.00\","
                        "\"granted_balance\":\"10.00\",\"topped_up_balance\":\"100.00\"}]}"));
}

/* ---- calls ---- */

static unsigned use_prefix_cache(const struct visit *v)
{
    struct text parts[CALL_PARTS];
    unsigned n = call_prompt(&v->call, parts);
    return prefix_cache_use(v->sim->cache, v->account ^ hash_text(HASH_START, v->call.base), parts, n);
}

static bool enter_lane(struct visit *v)
{
    struct lane_result r = lanes_enter(v->sim->lanes, v->account, v->call.base);
    v->lane = r.lane;
    if (r.admitted) return true;
    refuse(&v->refusal, 429,
           "Too many requests. Your current concurrency is %u, which exceeds your concurrency limit of %u. Please "
           "reduce your "
           "concurrency.",
           r.busy, r.limit);
    v->refusal.type = v->refusal.code = "rate_limit_error";
    return false;
}

static bool read_call(struct visit *v)
{
    struct known_models models = options_models(&v->sim->options);
    const struct provider *provider = v->sim->options.provider;
    return call_read(&v->call, provider, v->api, v->beta, exchange_body(v->x), &v->refusal) && visit_find_scenario(v) &&
           call_check(&v->call, &models, &v->refusal);
}

static void serve_call(struct visit *v)
{
    struct pace pace;
    if (!read_call(v) || !visit_find_pace(v, &pace)) {
        visit_end_refused(v);
    } else if (visit_plays_refusal(v)) {
        return;
    } else if (!enter_lane(v)) {
        visit_end_refused(v);
    } else {
        player_start(v->x, &v->call, &v->scenario, &pace, use_prefix_cache(v), v->lane);
    }
}

static void serve_embeddings(struct visit *v)
{
    if (!read_call(v))
        visit_end_refused(v);
    else if (!visit_plays_refusal(v) && !visit_plays_silence(v))
        embeddings_answer(v->x, &v->call, v->sim->options.seed);
}

/* ---- the way in ---- */

static void serve_plain(struct visit *v, const struct endpoint *e)
{
    if (!visit_find_scenario(v))
        visit_end_refused(v);
    else if (!visit_plays_refusal(v) && !visit_plays_silence(v))
        e->serve(v);
}

static bool accepts_method(const struct endpoint *e, enum http_method m)
{
    return m == e->method || (m == HTTP_HEAD && e->method == HTTP_GET);
}

static void serve_endpoint(struct visit *v)
{
    const struct endpoint *e = find_endpoint(v);
    if (!e) {
        visit_refuse(v, 404,
                     "Not Found: the simulator serves chat/completions, completions, responses, embeddings, "
                     "anthropic/v1/messages, models and user/balance");
        return;
    }
    if (!accepts_method(e, v->head->method)) {
        visit_refuse(v, 405, "Method Not Allowed");
        return;
    }
    v->api = e->api;
    v->generates = e->generates;
    if (!visit_authenticate(v))
        visit_end_refused(v);
    else if (e->generates)
        e->serve(v);
    else
        serve_plain(v, e);
}

void endpoint_serve(struct exchange *x)
{
    struct worker *w = worker_of(x);
    struct visit v = {.x = x, .sim = w->sim, .head = exchange_head(x)};
    v.serial = atomic_fetch_add_explicit(&w->sim->serial, 1, memory_order_relaxed);
    record_count(w->sim->record, RECORD_REQUESTS, 1);
    record_request(w->sim->record, v.head, exchange_body(x), exchange_peer(x));
    serve_endpoint(&v);
}
