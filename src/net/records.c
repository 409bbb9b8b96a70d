/* As in dns.c, what travels to the loop is a struct of our own: cancelling cuts its link to the query. A thread that
 * waits for a server can't be interrupted, so that nobody waits for it: the last to leave, owner or thread, frees what
 * they share. */
#include "dsgate/base/log.h"
#include "records_resolver.h"
#include <pthread.h>
#include <signal.h>

enum { THREADS_MAX = 8 };

enum stage { WAITING, ASKED, TRAVELLING };

struct records_job {
    struct loop_post post;
    struct list node; /* in records.waiting, then in none, then in records.travelling */
    struct records *records;
    struct records_query *query; /* NULL: cancelled */
    enum stage stage;
    struct records_question question; /* points into what follows */
    struct address server;
    char *name;
    struct records_answer answer;
};

struct records {
    records_resolver *resolve;
    struct loop *loop;
    pthread_mutex_t mutex; /* guards all that follows, and the jobs but for what is being asked */
    bool stopping;
    struct list waiting, travelling; /* of struct records_job */
    unsigned threads;
    unsigned holders; /* threads, and the owner until records_free() */
};

void records_answer_free(struct records_answer *a)
{
    mem_free(a->at);
    *a = (struct records_answer){0};
}

static void free_job(struct records_job *job)
{
    records_answer_free(&job->answer);
    mem_free(job->name);
    mem_free(job);
}

/* ---- answers on their way to the loop ---- */

static void deliver(struct loop_post *post)
{
    struct records_job *job = CONTAINER_OF(post, struct records_job, post);
    struct records_query *q = job->query;
    pthread_mutex_lock(&job->records->mutex);
    list_remove(&job->node);
    pthread_mutex_unlock(&job->records->mutex);
    if (q) {
        q->answer = job->answer;
        q->job = NULL;
        job->answer = (struct records_answer){0};
    }
    free_job(job);
    if (q) q->answered(q);
}

static void send_home(struct records *r, struct records_job *job)
{
    if (!job->query) {
        free_job(job);
        return;
    }
    job->stage = TRAVELLING;
    list_push_back(&r->travelling, &job->node);
    loop_post(r->loop, &job->post);
}

/* ---- threads ---- */

/* Takes the mutex locked, and leaves nothing behind if nobody else is there. */
static void leave(struct records *r)
{
    bool last = --r->holders == 0;
    pthread_mutex_unlock(&r->mutex);
    if (!last) return;
    pthread_mutex_destroy(&r->mutex);
    mem_free(r);
}

/* Ends with the last question: nothing may be asked for minutes. */
static void *ask_servers(void *arg)
{
    struct records *r = arg;
    struct list *node;
    pthread_mutex_lock(&r->mutex);
    while (!r->stopping && (node = list_pop_front(&r->waiting))) {
        struct records_job *job = CONTAINER_OF(node, struct records_job, node);
        job->stage = ASKED;
        pthread_mutex_unlock(&r->mutex);
        r->resolve(&job->question, &job->answer);
        pthread_mutex_lock(&r->mutex);
        send_home(r, job);
    }
    r->threads--;
    leave(r);
    return NULL;
}

/* Signals are for the main thread. */
static bool start_thread(struct records *r)
{
    pthread_t thread;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&thread, NULL, ask_servers, r);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error) {
        log_warn("a DNS thread can't be started: %s", strerror(error));
        return false;
    }
    pthread_detach(thread);
    r->threads++;
    r->holders++;
    return true;
}

/* ---- asking ---- */

static struct records_job *make_job(struct records *r, struct records_query *q, const struct records_question *question)
{
    struct records_job *job = MEM_NEW(struct records_job);
    job->post.deliver = deliver;
    job->records = r;
    job->query = q;
    job->name = mem_strdup(question->name);
    job->question = *question;
    job->question.name = job->name;
    if (question->server) {
        job->server = *question->server;
        job->question.server = &job->server;
    }
    return job;
}

void records_ask(struct records *r, struct records_query *q, const struct records_question *question,
                 void (*answered)(struct records_query *q))
{
    struct records_job *job = make_job(r, q, question);
    q->answered = answered;
    q->answer = (struct records_answer){0};
    q->job = job;
    pthread_mutex_lock(&r->mutex);
    if (r->threads < THREADS_MAX && !start_thread(r) && r->threads == 0) {
        job->answer.failure = "no thread could be started to ask for it";
        send_home(r, job);
    } else {
        list_push_back(&r->waiting, &job->node);
    }
    pthread_mutex_unlock(&r->mutex);
}

/* What is being asked is freed by its thread, and what travels by deliver(). */
void records_cancel(struct records *r, struct records_query *q)
{
    struct records_job *job = q->job;
    if (!job) return;
    q->job = NULL;
    pthread_mutex_lock(&r->mutex);
    job->query = NULL;
    if (job->stage == WAITING) {
        list_remove(&job->node);
        free_job(job);
    }
    pthread_mutex_unlock(&r->mutex);
}

/* ---- the whole ---- */

struct records *records_new_with(struct loop *loop, records_resolver *resolve)
{
    struct records *r = MEM_NEW(struct records);
    r->resolve = resolve;
    r->loop = loop;
    r->holders = 1;
    pthread_mutex_init(&r->mutex, NULL);
    list_init(&r->waiting);
    list_init(&r->travelling);
    return r;
}

struct records *records_new(struct loop *loop) { return records_new_with(loop, records_resolve_system); }

static void drop_jobs(struct list *jobs)
{
    struct list *node;
    while ((node = list_pop_front(jobs)))
        free_job(CONTAINER_OF(node, struct records_job, node));
}

void records_free(struct records *r)
{
    pthread_mutex_lock(&r->mutex);
    r->stopping = true;
    drop_jobs(&r->waiting);
    drop_jobs(&r->travelling);
    leave(r);
}
