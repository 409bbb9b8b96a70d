/* record.c - an answer of an upstream is written down while its client gets it: for those who have joined, who read it
 * at their own pace, and for the cache, where only what is whole and good is kept. */
#include "dsgate/gate/cached.h"
#include "dsgate/gate/worker.h"

static bool record_is_on(const struct request *r) { return r->cache && r->cache->lead.flight; }

bool record_close(struct request *r) { return !record_is_on(r) || flight_close(&r->cache->lead); }

/* ---- the beginning ---- */

bool record_begin(struct request *r)
{
    struct request_cache *c = r->cache;
    struct flight_terms terms = cached_terms(r);
    if (c->lead.flight) return true;
    if (!c->plan.stores || c->alone) return false;
    flight_begin(r->worker->shared->flights, &c->lead, &r->worker->flights, &terms);
    return true;
}

void record_turn(struct request *r)
{
    if (record_is_on(r)) flight_starts(&r->cache->lead);
}

void record_wait(struct request *r)
{
    if (record_is_on(r)) flight_waits(&r->cache->lead);
}

static struct text content_type(struct text fields)
{
    for (struct text line; text_cut(&fields, '\n', &line);)
        if (text_starts_nocase(line, TEXT("content-type:"))) return text_trim(text_make(line.p + 13, line.n - 14));
    return TEXT_NONE;
}

void record_head(struct request *r, unsigned status)
{
    if (!record_is_on(r)) return;
    const struct attempt_answer *answer = attempt_answer(r->lead->attempt);
    struct flight_head *head = &r->cache->head;
    *head = (struct flight_head){.status = status, .stream = answer->is_stream, .usage = r->cache->wants_usage};
    text_copy(content_type(buf_text(&answer->fields)), head->type, sizeof head->type);
    r->cache->is_own_mistake = status >= 400 && !cached_asks_as_others(r);
}

/* ---- the end ---- */

static bool is_clients_mistake(const struct request *r)
{
    return attempt_complaint(r->lead->attempt)->blame == BLAME_CLIENT;
}

/* What is no text (embeddings, counts) has no finish_reason, and no token. */
static bool is_good(const struct request *r)
{
    const struct attempt *a = r->lead->attempt;
    const struct answer_facts *facts = attempt_facts(a);
    bool ended = facts->finish == FINISH_STOP || facts->finish == FINISH_LENGTH || facts->finish == FINISH_TOOL;
    bool says_something = facts->token || attempt_tokens(a) > 0;
    bool whole = (facts->done || facts->valid) && !facts->error && !attempt_oddity(a);
    return whole && !r->exhausted && !r->fallback && (!r->admission.endpoint->says_text || (ended && says_something));
}

/* For how long, in *facts. Zero: not at all. */
static void decide_time(const struct request *r, struct cache_facts *facts)
{
    const struct request_cache *c = r->cache;
    if (facts->status == 200 && is_good(r)) {
        facts->fresh = c->plan.fresh;
        facts->stale = c->plan.stale;
    } else if ((facts->status == 400 || facts->status == 422) && is_clients_mistake(r)) {
        facts->fresh = r->route->cache.negative;
    }
}

/* Their strings are the request's. */
static struct cache_facts facts_of(const struct request *r)
{
    const struct request_cache *c = r->cache;
    struct usage usage = attempt_usage(r->lead->attempt);
    struct cache_facts facts = {.key = c->key,
                                .status = c->head.status,
                                .stream = c->head.stream,
                                .has_usage = usage.known || c->wants_usage,
                                .created = loop_wall(r->worker->loop),
                                .prompt = usage_count(usage.prompt),
                                .completion = usage_count(usage.completion),
                                .tenant = text_of(c->tenant),
                                .model = text_of(r->admission.chat.model),
                                .type = text_of(c->head.type)};
    decide_time(r, &facts);
    return facts;
}

/* Mistakes are remembered here only: they are cheap to make again elsewhere. */
static void keep(const struct request *r, struct cache_entry *e)
{
    const struct worker *w = r->worker;
    if (!cached_put(r, e)) return;
    if (w->remote && e->facts.status < 400) remote_put(w->remote, e);
    metrics_count(w->metrics, METRICS_CACHE_STORED);
}

/* Whoever has joined gets what the client gets, be it kept or not; and finds it in memory when it comes too late to
 * join. Takes the reference; NULL: it has grown too large to be kept. */
static void land(struct request *r, struct cache_entry *e)
{
    if (e && e->facts.fresh) keep(r, e);
    flight_land(&r->cache->lead, e);
    cache_entry_unref(e);
}

/* What comes in one piece, as plain answers do, need not be written down before. */
static bool is_all_here(const struct request *r)
{
    return r->out.last && !r->cache->written && iov_total(r->out.pieces, r->out.n) <= r->pool->config->cache.entry;
}

/* An error for want of anything better is this request's own: the others have tries of theirs. */
static bool is_for_all(const struct request *r)
{
    return r->cache->head.status < 400 || (is_clients_mistake(r) && !r->cache->is_own_mistake);
}

/* Whoever has joined meanwhile asks again. */
void record_stop(struct request *r)
{
    if (record_is_on(r)) flight_crash(&r->cache->lead, NULL, 0);
}

/* An error that is too long to be read is passed on as it comes, and nothing has failed then. */
static enum failure failure_of(const struct request *r)
{
    if (r->failure) return r->failure;
    return r->failed.failure ? r->failed.failure : FAIL_UPSTREAM_BAD_ANSWER;
}

void record_fail(struct request *r)
{
    if (!record_is_on(r)) return;
    struct flight_word word = {.failure = failure_of(r),
                               .reason = r->failed.reason,
                               .attempts = r->attempts,
                               .is_own_mistake = r->cache->is_own_mistake,
                               .retry_after = r->retry_after};
    flight_crash(&r->cache->lead, &word, sizeof word);
}

/* False: it is too long to be kept, and nobody has joined. */
static bool write_down(struct request *r)
{
    struct request_cache *c = r->cache;
    c->written = true;
    if (flight_write(&c->lead, &c->head, r->out.pieces, r->out.n)) return true;
    record_stop(r);
    return false;
}

/* All of this before the client hears it: who asks again after an error, perhaps on another worker, must not join what
 * has failed. */
void record_out(struct request *r)
{
    if (!record_is_on(r)) return;
    if (!is_for_all(r)) {
        record_fail(r);
        return;
    }
    bool at_once = is_all_here(r);
    if ((!at_once && !write_down(r)) || !r->out.last) return;
    struct cache_facts facts = facts_of(r);
    land(r, at_once ? cache_entry_new(&facts, r->out.pieces, r->out.n) : flight_entry(&r->cache->lead, &facts));
}
