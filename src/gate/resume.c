/* resume.c - a stream that breaks after its first token is gone on with by another upstream, and the client sees one.
 *
 * What has been given so far is kept as a transcript by the reading (llm/transcript.h), told to the next upstream in
 * its dialect's way (llm/chat_edit.h), and the seam mends the chunks of the new stream (llm/seam.h). A plain answer
 * that is put together from a stream goes on the same way, on the same sheet.
 */
#include "dsgate/gate/worker.h"
#include "dsgate/llm/chat_edit.h"

/* ---- may it be? ---- */

static bool was_the_clients_fault(const struct request *r)
{
    return r->failed.verdict == VERDICT_NONE && attempt_complaint(r->lead->attempt)->blame == BLAME_CLIENT &&
           attempt_offence(r->lead->attempt).n > 0;
}

/* What has said its end is whole, whatever came after it: to go on from there would add to it. */
static bool has_ended(const struct attempt *a)
{
    enum finish f = attempt_facts(a)->finish;
    return f > FINISH_NONE && f < FINISH_EXHAUSTED;
}

/* The client's request is kept for it; of long ones too many would fill the memory that is for requests. */
bool resume_needs_request(const struct request *r)
{
    const struct transcript *t = attempt_transcript(r->lead->attempt);
    uint64_t bodies = atomic_load_explicit(r->worker->shared->bodies, memory_order_relaxed);
    return r->route->continues && !t->closed && bodies < r->pool->config->limits.bodies / 2;
}

static bool is_possible(const struct request *r)
{
    const struct admission *a = &r->admission;
    return r->route->continues && dispatch_may_try(r) && !was_the_clients_fault(r) && request_head(r) &&
           !has_ended(r->lead->attempt) && transcript_is_open(attempt_transcript(r->lead->attempt)) &&
           chat_can_continue(&a->chat, a->endpoint->family);
}

/* Who can't go on from there is not asked, and who has been tried only when nobody else is left. False, and nothing is
 * barred: nobody can. */
static bool bar_others(struct request *r, const struct transcript *sent)
{
    struct upstream_set tried = r->ticket.tried, barred = {0};
    bool any = false, another = false;
    upstream_set_add(&tried, r->lead->upstream->index);
    for (size_t i = 0; i < r->row->n; i++) {
        const struct upstream *u = r->row->candidates[i].upstream;
        bool can = chat_continues_at(u->conf->dialect, u->conf->beta_path != NULL, sent);
        if (!can) upstream_set_add(&barred, u->index);
        any |= can;
        another |= can && !upstream_set_has(&tried, u->index);
    }
    if (!any) return false;
    if (!another) tried = (struct upstream_set){0};
    upstream_set_join(&tried, &barred);
    r->ticket.tried = tried;
    r->barred = barred;
    return true;
}

/* ---- what it needs ---- */

static void keep_transcript(struct request *r)
{
    struct attempt *a = r->lead->attempt;
    if (!r->resume.sent) {
        r->resume.sent = MEM_NEW(struct transcript);
        transcript_begin(r->resume.sent, r->admission.endpoint->family, RESUME_TEXT_MAX);
    }
    transcript_append(r->resume.sent, attempt_transcript(a));
}

void resume_forget(struct request *r)
{
    if (r->resume.sent) transcript_free(r->resume.sent);
    mem_free(r->resume.sent);
    r->resume.sent = NULL;
    assembly_free(r->resume.partial);
    r->resume.partial = NULL;
}

/* The client has, or will have, all that the transcript says. */
static void keep_shown(struct request *r)
{
    struct attempt *a = r->lead->attempt;
    if (attempt_answer(a)->is_stream)
        stream_show(r, attempt_unshown(a));
    else if (!r->resume.partial)
        r->resume.partial = attempt_take_partial(a);
}

/* The client may hear it, but not the gateway's key in it. */
static void keep_offence(struct request *r)
{
    struct text offence = attempt_offence(r->lead->attempt);
    if (offence.n == 0) return;
    buf_clear(&r->resume.offence);
    buf_add(&r->resume.offence, offence);
    text_redact(r->resume.offence.data + r->resume.offence.head, offence.n, text_of(r->lead->key));
}

/* Appends what the lead has given. False: nobody can go on from there; then the lead's tokens are told by itself. */
static bool find_others(struct request *r)
{
    uint64_t before[TRANSCRIPT_PARTS] = {0};
    if (r->resume.sent) memcpy(before, r->resume.sent->tokens, sizeof before);
    keep_transcript(r);
    if (transcript_is_open(r->resume.sent) && bar_others(r, r->resume.sent)) return true;
    memcpy(r->resume.sent->tokens, before, sizeof before);
    return false;
}

bool resume_prepare(struct request *r)
{
    keep_offence(r);
    if (!is_possible(r) || !find_others(r)) return false;
    r->resume.tokens += attempt_tokens(r->lead->attempt);
    keep_shown(r);
    budget_charge(r->worker->shared->retries);
    r->resume.times++;
    metrics_count(r->worker->metrics, METRICS_CONTINUED);
    r->paused = false;
    pulse_begin(r);
    return true;
}

void resume_abandon(struct request *r)
{
    bool was_gone_on_with = r->resume.tokens > 0;
    r->wasted += r->resume.tokens;
    r->resume.tokens = 0;
    resume_forget(r);
    if (was_gone_on_with) r->barred = r->ticket.tried = (struct upstream_set){0};
}
