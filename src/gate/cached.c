/* cached.c - whether a request may be answered from the cache, or its answer kept; whose it is; and its key. */
#include "dsgate/gate/cached.h"
#include "dsgate/gate/worker.h"
#include "dsgate/llm/canonical.h"
#include "dsgate/llm/chat_cache.h"
#include "dsgate/relay/upstream_fields.h"

/* ---- the plan ---- */

/* OpenAI's streams tell it only to who asks; everything else always does. */
static bool wants_usage(const struct admission *a)
{
    bool by_wish = a->endpoint->family == FAMILY_CHAT || a->endpoint->family == FAMILY_COMPLETION;
    return !by_wish || !admission_wants_stream(a) || chat_wants_usage(&a->chat);
}

/* ---- whose ---- */

/* Either the cookies or all others. */
static bool counts(const struct http_head *head, const struct http_field *f, bool cookies)
{
    bool is_cookie = text_eq_nocase(http_field_name(head, f), TEXT("cookie"));
    return f->value_length && upstream_is_credential(head, f) && is_cookie == cookies;
}

static size_t count_credentials(const struct http_head *head, bool cookies, struct text *last)
{
    size_t n = 0;
    for (unsigned i = 0; i < head->field_count; i++) {
        if (!counts(head, &head->fields[i], cookies)) continue;
        *last = http_field_value(head, &head->fields[i]);
        n++;
    }
    return n;
}

/* Of several their digests, which can't be mixed up. None is copied. */
static void name_by_several(const struct http_head *head, bool cookies, char tenant[static CACHE_TENANT_MAX])
{
    unsigned char digests[HTTP_FIELDS_MAX][DIGEST_BYTES];
    size_t n = 0;
    for (unsigned i = 0; i < head->field_count; i++) {
        const struct http_field *f = &head->fields[i];
        const struct text parts[] = {http_field_name(head, f), TEXT(":"), http_field_value(head, f)};
        if (counts(head, f, cookies)) digest_sha256_parts(parts, sizeof parts / sizeof *parts, digests[n++]);
    }
    cache_tenant_of_credentials(tenant, text_make((const char *)digests, n * DIGEST_BYTES));
}

/* All that could be a key counts, since which one does is up to the upstream; cookies only where there is nothing else,
 * as some are set by what is in between, and come and go. */
static void name_by_credentials(const struct http_head *head, char tenant[static CACHE_TENANT_MAX])
{
    struct text last = TEXT_NONE;
    size_t n = count_credentials(head, false, &last);
    bool cookies = n == 0;
    if (cookies) n = count_credentials(head, true, &last);
    if (n > 1)
        name_by_several(head, cookies, tenant);
    else
        cache_tenant_of_credentials(tenant, last);
}

static void name_tenant(const struct request *r, char tenant[static CACHE_TENANT_MAX])
{
    if (r->route->cache.shared)
        text_copy(text_of(cache_tenant_shared), tenant, CACHE_TENANT_MAX);
    else if (r->caller.known)
        cache_tenant_of_caller(tenant, r->caller.known->name);
    else
        name_by_credentials(request_head(r), tenant);
}

/* ---- the key ---- */

/* What changes only how an answer is delivered or who is held to have asked for it. */
enum left_out { STREAM, STREAM_OPTIONS, CACHE, USER, USER_ID, METADATA, SAFETY_IDENTIFIER, PROMPT_CACHE_KEY, LEFT_OUT };
static const struct text left_out[LEFT_OUT] = {
    [STREAM] = TEXT("stream"),
    [STREAM_OPTIONS] = TEXT("stream_options"),
    [CACHE] = TEXT("cache"),
    [USER] = TEXT("user"),
    [USER_ID] = TEXT("user_id"),
    [METADATA] = TEXT("metadata"),
    [SAFETY_IDENTIFIER] = TEXT("safety_identifier"),
    [PROMPT_CACHE_KEY] = TEXT("prompt_cache_key"),
};

/* Versions and features of the API are chosen by such fields, and by the query, which no field's name looks like. */
static void put_fields(const struct http_head *head, struct buf *out)
{
    if (head->query.n) http_put(out, TEXT("?"), head->query);
    for (unsigned i = 0; i < head->field_count; i++) {
        struct text name = http_field_name(head, &head->fields[i]);
        if (text_starts_nocase(name, TEXT("anthropic-")) || text_starts_nocase(name, TEXT("openai-")))
            http_put(out, name, http_field_value(head, &head->fields[i]));
    }
}

/* The worker's scratch holds all that is needed meanwhile. False: the body is none that can be compared. */
static bool make_key(const struct request *r, struct text space, struct request_cache *c)
{
    struct buf *scratch = &r->worker->scratch;
    struct cache_key_parts parts = {
        .tenant = text_of(c->tenant), .space = space, .endpoint = text_of(r->admission.endpoint->label)};
    buf_clear(scratch);
    put_fields(request_head(r), scratch);
    size_t fields = buf_len(scratch);
    if (!canonical_write(r->admission.chat.body, left_out, LEFT_OUT, scratch)) return false;
    parts.fields = text_make(buf_text(scratch).p, fields);
    parts.canonical = text_from(buf_text(scratch), fields);
    cache_key_make(&c->key, &parts);
    return true;
}

/* ---- all of it ---- */

/* Wherever the request may go. */
static bool temperature_counts(const struct request *r, const struct chat_traits *traits)
{
    for (size_t i = 0; i < r->row->n; i++) {
        const struct candidate *c = &r->row->candidates[i];
        if (!chat_temperature_counts(&r->admission.chat, traits, c->upstream->conf->dialect, c->listed)) return false;
    }
    return true;
}

static struct cache_request describe(const struct request *r)
{
    const struct endpoint *e = r->admission.endpoint;
    struct chat_traits traits = chat_traits(&r->admission.chat, e->family);
    return cache_request_of(e, &traits, traits.zero_temperature && !temperature_counts(r, &traits));
}

static struct cache_wishes wishes_of(const struct request *r, const struct chat_cache *asked)
{
    const struct hints *hints = &r->admission.hints;
    struct cache_wishes head = {.no_cache = hints->cache.no_cache,
                                .no_store = hints->cache.no_store,
                                .only_if_cached = hints->cache.only_if_cached,
                                .max_age = hints->max_age};
    struct cache_wishes body = {
        .no_cache = asked->no_cache, .no_store = asked->no_store, .max_age = asked->max_age, .ttl = asked->ttl};
    return cache_wishes_join(&head, &body);
}

static void keep_plan(struct request *r, const struct cache_plan *plan)
{
    struct request_cache *c = r->cache ? r->cache : MEM_NEW(struct request_cache);
    r->cache = c;
    c->request = r;
    c->plan = *plan;
    if (c->renews) c->plan.reads = c->plan.only_if_cached = false;
    c->wants_stream = admission_wants_stream(&r->admission);
    c->wants_usage = wants_usage(&r->admission);
    name_tenant(r, c->tenant);
}

bool cached_begin(struct request *r)
{
    struct chat_cache body;
    if (!r->admission.endpoint->needs_model || r->route->cache.mode == CACHE_OFF) return false;
    if (chat_cache_read(&r->admission.chat, &body, NULL) != CHAT_FINE) return false;
    struct cache_request about = describe(r);
    struct cache_wishes wishes = wishes_of(r, &body);
    struct cache_plan plan = cache_plan(&r->route->cache, &about, &wishes);
    if (!plan.reads && !plan.stores) return false;
    keep_plan(r, &plan);
    r->cache->planned = make_key(r, text_of(body.space), r->cache);
    return r->cache->planned;
}

/* ---- for the others ---- */

/* In that order there is no gap for a purge to fall into. */
bool cached_put(const struct request *r, struct cache_entry *e)
{
    struct cache_memory *memory = r->worker->shared->memory;
    const struct flight_lead *lead = &r->cache->lead;
    cache_memory_put(memory, e);
    if (flight_is_current(lead)) return true;
    cache_memory_purge(memory, &(struct cache_selection){.key = &e->facts.key});
    return false;
}

/* No more than whether there is usage, and that only of streams. */
static bool are_usual(const struct request *r, const struct json_member *options)
{
    if (options->type <= JSON_NULL) return true;
    if (options->type != JSON_OBJECT || !chat_wants_stream(&r->admission.chat)) return false;
    for (struct json_iter it = json_iter(options->value); json_next(&it);)
        if (!text_is(it.key, "include_usage") || (it.type != JSON_TRUE && it.type != JSON_FALSE)) return false;
    return true;
}

/* Callers who share may send whatever fields they like, too, some of which no upstream takes. */
bool cached_asks_as_others(const struct request *r)
{
    struct json_member given[LEFT_OUT];
    json_scan(r->admission.chat.body, left_out, LEFT_OUT, given, JSON_DEPTH);
    for (int i = USER; i < LEFT_OUT; i++)
        if (given[i].type != JSON_ABSENT) return false;
    return !r->route->cache.shared && are_usual(r, &given[STREAM_OPTIONS]);
}

enum cache_result cached_result(const struct request *r)
{
    return r->cache && r->cache->planned ? r->cache->result : CACHE_RESULT_BYPASS;
}

struct flight_terms cached_terms(const struct request *r)
{
    const struct request_cache *c = r->cache;
    return (struct flight_terms){.key = c->key,
                                 .wants_usage = c->wants_usage,
                                 .priority = r->ticket.priority,
                                 .patience = r->deadline - r->began};
}

void cached_free(struct request_cache *c)
{
    if (!c) return;
    remote_forget(&c->call);
    flight_leave(&c->follower);
    list_remove(&c->ghost);
    loop_after_cancel(&c->begins);
    timer_cancel(c->request->worker->loop, &c->pace);
    cache_entry_unref(c->heard);
    cache_entry_unref(c->spare);
    cache_entry_unref(c->entry);
    sse_reader_free(&c->events);
    buf_free(&c->made);
    server_request_free(c->kept);
    mem_free(c);
}
