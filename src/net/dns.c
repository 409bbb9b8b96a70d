/* An answer can be on its way to a loop when its asker gives up and is freed. So what travels is not the query but a
 * struct dns_answer of our own: cancelling cuts the answer's link to its query, on the one thread that also delivers
 * it. An answer that has not set out yet never does, because its loop may be gone by then.
 *
 * getaddrinfo(3) can't be interrupted, and takes half a minute when no name server answers. So the end does not wait
 * for it: the last to leave, owner or thread, frees what they share. */
#include "dsgate/net/dns.h"
#include "dns_resolver.h"
#include "dsgate/base/log.h"
#include <pthread.h>
#include <signal.h>

enum { THREADS = 2, NAMES_MAX = 256, HOST_MAX = 253 /* RFC 1035 section 2.3.4, without the last dot */ };
#define GOOD_FOR   (30 * USEC_PER_SEC)
#define STALE_FOR  (600 * USEC_PER_SEC)
#define FAILED_FOR (1 * USEC_PER_SEC)

struct name {
    struct list node;   /* in dns.names, the last used first */
    struct list job;    /* in dns.jobs while it waits for a thread */
    struct list askers; /* of struct dns_answer */
    uint32_t hash;
    bool looking_up;               /* waits for a thread, or has one */
    usec_t fresh_until;            /* the last outcome counts until then */
    usec_t usable_until;           /* and `addresses` until then */
    struct address_list addresses; /* of the last success */
    const char *failure;           /* of the last lookup; NULL when it succeeded */
    char host[HOST_MAX + 1];
};

struct dns_answer {
    struct loop_post post;
    struct list node; /* in name.askers, then in dns.travelling */
    struct dns *dns;
    struct loop *loop;
    struct dns_query *query; /* NULL: cancelled on the way */
    bool travelling;
    unsigned port;
    struct address_list addresses;
    const char *failure;
};

struct dns {
    dns_resolver *resolve;
    usec_t (*now)(void);
    pthread_mutex_t mutex; /* guards all that follows */
    pthread_cond_t work;
    bool stopping;
    struct list names;
    unsigned name_count;
    struct list jobs;       /* of struct name */
    struct list travelling; /* of struct dns_answer, posted and not delivered */
    unsigned thread_count;
    unsigned holders; /* threads, and the owner until dns_free() */
};

static void give(const struct address_list *from, unsigned port, struct address_list *to)
{
    to->count = from->count;
    for (unsigned i = 0; i < from->count; i++) {
        to->at[i] = from->at[i];
        address_set_port(&to->at[i], port);
    }
}

/* ---- answers on their way to a loop ---- */

static void deliver(struct loop_post *post)
{
    struct dns_answer *a = CONTAINER_OF(post, struct dns_answer, post);
    pthread_mutex_lock(&a->dns->mutex);
    list_remove(&a->node);
    pthread_mutex_unlock(&a->dns->mutex);
    struct dns_query *q = a->query;
    if (q) {
        give(&a->addresses, a->port, &q->result);
        q->failure = a->failure;
        q->coming = NULL;
    }
    mem_free(a);
    if (q) q->answered(q);
}

/* A failure leaves the last good answer in place as long as that is usable. */
static void conclude(struct dns *d, struct name *name, const struct address_list *found, const char *failure)
{
    usec_t now = d->now();
    struct list *node;
    name->looking_up = false;
    name->failure = failure;
    name->fresh_until = now + (failure ? FAILED_FOR : GOOD_FOR);
    if (!failure) {
        name->addresses = *found;
        name->usable_until = now + STALE_FOR;
    }
    bool usable = now < name->usable_until;
    while ((node = list_pop_front(&name->askers))) {
        struct dns_answer *a = CONTAINER_OF(node, struct dns_answer, node);
        if (usable) a->addresses = name->addresses;
        a->failure = usable ? NULL : failure;
        a->travelling = true;
        list_push_back(&d->travelling, &a->node);
        loop_post(a->loop, &a->post);
    }
}

/* ---- threads ---- */

static void look_up(struct dns *d, struct name *name)
{
    struct address_list found = {0};
    pthread_mutex_unlock(&d->mutex);
    const char *failure = d->resolve(name->host, &found); /* busy names are not evicted, so it stays */
    pthread_mutex_lock(&d->mutex);
    conclude(d, name, &found, failure);
}

static void forget_name(struct dns *d, struct name *name)
{
    list_remove(&name->node);
    d->name_count--;
    mem_free(name);
}

/* Takes the mutex locked, and leaves nothing behind if nobody else is there. */
static void leave(struct dns *d)
{
    bool last = --d->holders == 0;
    pthread_mutex_unlock(&d->mutex);
    if (!last) return;
    LIST_FOREACH_SAFE(node, &d->names)
    forget_name(d, CONTAINER_OF(node, struct name, node));
    pthread_cond_destroy(&d->work);
    pthread_mutex_destroy(&d->mutex);
    mem_free(d);
}

static void *resolve_names(void *arg)
{
    struct dns *d = arg;
    pthread_mutex_lock(&d->mutex);
    while (!d->stopping) {
        struct list *job = list_pop_front(&d->jobs);
        if (job)
            look_up(d, CONTAINER_OF(job, struct name, job));
        else
            pthread_cond_wait(&d->work, &d->mutex);
    }
    leave(d);
    return NULL;
}

/* Signals are for the main thread. */
static bool start_thread(struct dns *d)
{
    pthread_t thread;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&thread, NULL, resolve_names, d);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error) {
        log_error("cannot start a resolver thread: %s", strerror(error));
        return false;
    }
    pthread_detach(thread);
    d->thread_count++;
    d->holders++;
    return true;
}

void dns_start(struct dns *d)
{
    pthread_mutex_lock(&d->mutex);
    while (d->thread_count < THREADS && start_thread(d))
        continue;
    pthread_mutex_unlock(&d->mutex);
}

static void begin_lookup(struct dns *d, struct name *name)
{
    if (name->looking_up) return;
    name->looking_up = true;
    if (d->thread_count < THREADS && !start_thread(d) && d->thread_count == 0) {
        conclude(d, name, NULL, "no thread could be started to look it up");
        return;
    }
    list_push_back(&d->jobs, &name->job);
    pthread_cond_signal(&d->work);
}

/* ---- names ---- */

static struct name *find_name(struct dns *d, const char *host, uint32_t hash)
{
    LIST_FOREACH(node, &d->names)
    {
        struct name *name = CONTAINER_OF(node, struct name, node);
        if (name->hash != hash || strcmp(name->host, host) != 0) continue;
        list_remove(&name->node);
        list_push_front(&d->names, &name->node);
        return name;
    }
    return NULL;
}

/* Makes room by forgetting the name that was unused for longest; false when all are being looked up. */
static bool make_room(struct dns *d)
{
    if (d->name_count < NAMES_MAX) return true;
    for (struct list *node = d->names.prev; node != &d->names; node = node->prev) {
        struct name *name = CONTAINER_OF(node, struct name, node);
        if (name->looking_up) continue;
        forget_name(d, name);
        return true;
    }
    return false;
}

static struct name *add_name(struct dns *d, const char *host, uint32_t hash)
{
    if (!make_room(d)) return NULL;
    struct name *name = MEM_NEW(struct name);
    name->hash = hash;
    memcpy(name->host, host, strlen(host) + 1);
    list_init(&name->askers);
    list_push_front(&d->names, &name->node);
    d->name_count++;
    return name;
}

/* ---- asking ---- */

static void await(struct dns *d, struct name *name, struct loop *loop, struct dns_query *q, unsigned port)
{
    struct dns_answer *a = MEM_NEW(struct dns_answer);
    a->post.deliver = deliver;
    a->dns = d;
    a->loop = loop;
    a->query = q;
    a->port = port;
    q->coming = a;
    list_push_back(&name->askers, &a->node);
}

static bool ask_locked(struct dns *d, struct loop *loop, struct dns_query *q, const char *host, unsigned port)
{
    uint32_t hash = text_hash(text_of(host));
    struct name *name = find_name(d, host, hash);
    if (!name) name = add_name(d, host, hash);
    if (!name) {
        q->failure = "too many names are being looked up";
        return true;
    }
    usec_t now = d->now();
    bool fresh = now < name->fresh_until, usable = now < name->usable_until;
    if (usable) give(&name->addresses, port, &q->result);
    if (fresh && !usable) q->failure = name->failure;
    if (!fresh && !usable) await(d, name, loop, q, port);
    if (!fresh) begin_lookup(d, name);
    return fresh || usable;
}

bool dns_ask(struct dns *d, struct loop *loop, struct dns_query *q, const char *host, unsigned port,
             void (*answered)(struct dns_query *q))
{
    q->answered = answered;
    q->result.count = 0;
    q->failure = NULL;
    q->coming = NULL;
    if (address_of_host(host, port, &q->result.at[0])) {
        q->result.count = 1;
        return true;
    }
    if (host[0] == '\0' || strlen(host) > HOST_MAX) {
        q->failure = "not a host name";
        return true;
    }
    pthread_mutex_lock(&d->mutex);
    bool known = ask_locked(d, loop, q, host, port);
    pthread_mutex_unlock(&d->mutex);
    return known;
}

void dns_cancel(struct dns *d, struct dns_query *q)
{
    struct dns_answer *a = q->coming;
    if (!a) return;
    q->coming = NULL;
    pthread_mutex_lock(&d->mutex);
    a->query = NULL;
    if (!a->travelling) {
        list_remove(&a->node);
        mem_free(a);
    }
    pthread_mutex_unlock(&d->mutex);
}

/* ---- the whole ---- */

struct dns *dns_new_with(dns_resolver *resolve, usec_t (*now)(void))
{
    struct dns *d = MEM_NEW(struct dns);
    d->resolve = resolve;
    d->now = now;
    d->holders = 1;
    pthread_mutex_init(&d->mutex, NULL);
    pthread_cond_init(&d->work, NULL);
    list_init(&d->names);
    list_init(&d->jobs);
    list_init(&d->travelling);
    return d;
}

struct dns *dns_new(void) { return dns_new_with(dns_resolve_system, clock_monotonic); }

static void drop_answers(struct list *answers)
{
    struct list *node;
    while ((node = list_pop_front(answers)))
        mem_free(CONTAINER_OF(node, struct dns_answer, node));
}

void dns_free(struct dns *d)
{
    pthread_mutex_lock(&d->mutex);
    d->stopping = true;
    pthread_cond_broadcast(&d->work);
    LIST_FOREACH(node, &d->names)
    drop_answers(&CONTAINER_OF(node, struct name, node)->askers);
    drop_answers(&d->travelling);
    leave(d);
}
