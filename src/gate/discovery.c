#include "dsgate/gate/discovery.h"
#include "discovery_policy.h"
#include "discovery_with.h"
#include "dsgate/base/log.h"

enum { DNS_PORT = 53, PARTIAL_MAX = 5 /* answers in a row for which the missed endpoints stay */ };

/* One upstream with many endpoints. */
struct site {
    struct list node;
    struct discovery *discovery;
    const struct conf_upstream *conf; /* of the discovery's config */
    struct records_question question; /* points into what follows */
    char *upstream, *name, *server_text;
    struct address server;
    struct records_query query;
    usec_t due;       /* to be asked at; USEC_NEVER while it is being asked, or when it can't be */
    usec_t wait;      /* after the last failure; 0: the last answer was good */
    bool crowded;     /* more endpoints than are allowed, which has been told */
    unsigned partial; /* answers in a row that missed a part */
    struct endpoint_set known;
};

struct discovery {
    struct loop *loop;
    usec_t (*now)(const struct loop *loop);
    void (*changed)(void *arg);
    void *arg;
    struct records *records;
    const struct config *config;
    struct list sites;
    struct timer timer;
    usec_t told;              /* `changed` was called last */
    usec_t tell_due;          /* it is to be called; USEC_NEVER: nothing has changed since */
    struct discovered *found; /* of the sites that know endpoints */
    size_t found_count;
};

/* ---- what is told ---- */

static const char *kind_words(const struct site *s)
{
    return s->question.kind == RECORDS_SRV ? "SRV records" : "A and AAAA records";
}

static void log_change(const struct site *s, const struct endpoint_set *now)
{
    struct buf came = {0}, went = {0};
    unsigned arrived = endpoints_describe_missing(now, &s->known, &came);
    unsigned departed = endpoints_describe_missing(&s->known, now, &went);
    log_info("upstream '%s' has %u endpoint%s: %s" TEXT_FORMAT "%s%s" TEXT_FORMAT "%s", s->upstream, now->count,
             now->count == 1 ? "" : "s", arrived || departed ? "" : "other weights or priorities",
             TEXT_ARGS(buf_text(&came)), arrived ? " came" : "", arrived && departed ? "; " : "",
             TEXT_ARGS(buf_text(&went)), departed ? " went" : "");
    buf_free(&came);
    buf_free(&went);
}

static void log_failure(const struct site *s, const char *why)
{
    if (s->known.count)
        log_warn("upstream '%s': %s of '%s' can't be had: %s; its %u known endpoints stay", s->upstream, kind_words(s),
                 s->name, why, s->known.count);
    else
        log_warn("upstream '%s': %s of '%s' can't be had: %s; it has no endpoints until they can: check "
                 "discover.name, discover.records and discover.server",
                 s->upstream, kind_words(s), s->name, why);
}

static void note_crowd(struct site *s, unsigned dropped, bool left_out)
{
    bool crowded = dropped > 0 || left_out;
    if (crowded && !s->crowded)
        log_warn("upstream '%s' has more endpoints than the %u that are used (discover.max_endpoints)", s->upstream,
                 s->known.count);
    s->crowded = crowded;
}

/* ---- answers ---- */

static void refresh_found(struct discovery *d)
{
    size_t n = 0;
    d->found_count = 0;
    LIST_FOREACH(node, &d->sites)
        n++;
    d->found = mem_realloc(d->found, n * sizeof *d->found);
    LIST_FOREACH(node, &d->sites) {
        const struct site *s = CONTAINER_OF(node, struct site, node);
        if (s->known.count) d->found[d->found_count++] = (struct discovered){s->upstream, s->known.count, s->known.at};
    }
}

static void note_change(struct discovery *d)
{
    refresh_found(d);
    if (d->tell_due == USEC_NEVER) d->tell_due = discovery_next_tell(d->now(d->loop), d->told);
}

static void note_failure(struct site *s, const char *why)
{
    if (s->wait == 0) log_failure(s, why);
    s->wait = discovery_next_wait(s->wait);
    s->due = s->discovery->now(s->discovery->loop) + s->wait;
}

static struct endpoint_set understand(struct site *s, const struct records_answer *answer)
{
    struct endpoint_set set = endpoints_of(answer, s->question.kind);
    s->partial = answer->missed ? s->partial + 1 : 0;
    if (answer->missed && s->partial <= PARTIAL_MAX) endpoints_keep(&set, &s->known, answer->missed);
    return set;
}

/* Takes the set. */
static void use_set(struct site *s, struct endpoint_set *set)
{
    if (endpoints_same(set, &s->known)) {
        endpoint_set_free(set);
        return;
    }
    log_change(s, set);
    endpoint_set_free(&s->known);
    s->known = *set;
    note_change(s->discovery);
}

static void note_answer(struct site *s, const struct records_answer *answer)
{
    struct discovery *d = s->discovery;
    struct endpoint_set set = understand(s, answer);
    unsigned dropped = endpoints_cut(&set, s->conf->discover.max_endpoints);
    if (s->wait) log_info("upstream '%s': %s of '%s' are there again", s->upstream, kind_words(s), s->name);
    use_set(s, &set);
    note_crowd(s, dropped, answer->left_out);
    s->wait = 0;
    s->due = discovery_next_ask(d->now(d->loop), answer->ttl);
}

static void on_answered(struct records_query *q)
{
    struct site *s = CONTAINER_OF(q, struct site, query);
    struct discovery *d = s->discovery;
    if (q->answer.count)
        note_answer(s, &q->answer);
    else
        note_failure(s, q->answer.failure);
    records_answer_free(&q->answer);
    discovery_look(d);
}

/* ---- what is due ---- */

static void ask(struct site *s)
{
    s->due = USEC_NEVER;
    records_ask(s->discovery->records, &s->query, &s->question, on_answered);
}

usec_t discovery_due(const struct discovery *d)
{
    usec_t due = d->tell_due;
    LIST_FOREACH(node, &d->sites)
        due = usec_earlier(due, CONTAINER_OF(node, struct site, node)->due);
    return due;
}

static void on_timer(struct timer *timer) { discovery_look(CONTAINER_OF(timer, struct discovery, timer)); }

static void schedule(struct discovery *d)
{
    usec_t due = discovery_due(d);
    if (due == USEC_NEVER)
        timer_cancel(d->loop, &d->timer);
    else
        timer_set(d->loop, &d->timer, loop_now(d->loop) + due - d->now(d->loop), on_timer);
}

/* `changed` comes last: it may call anything here. */
void discovery_look(struct discovery *d)
{
    usec_t now = d->now(d->loop);
    LIST_FOREACH(node, &d->sites) {
        struct site *s = CONTAINER_OF(node, struct site, node);
        if (s->due <= now) ask(s);
    }
    bool tell = d->tell_due <= now;
    if (tell) {
        d->told = now;
        d->tell_due = USEC_NEVER;
    }
    schedule(d);
    if (tell) d->changed(d->arg);
}

/* ---- sites ---- */

static enum records_kind kind_of(const struct conf_discover *c)
{
    return strcmp(c->records, "srv") == 0 ? RECORDS_SRV : RECORDS_A;
}

static const char *name_of(const struct conf_upstream *u) { return u->discover.name ? u->discover.name : u->host; }

static bool asks_same(const struct site *s, const struct conf_upstream *u)
{
    if (s->question.kind != kind_of(&u->discover) || strcmp(s->name, name_of(u)) != 0) return false;
    if (s->question.kind == RECORDS_A && s->question.port != u->port) return false;
    return text_eq(text_of(s->server_text), text_of(u->discover.server));
}

static bool use_server(struct site *s)
{
    struct buf error = {0};
    bool fine = address_parse(text_of(s->server_text), DNS_PORT, &s->server, &error);
    if (fine && s->server.sa.ss_family == AF_UNIX) {
        buf_printf(&error, "'%s' is no IP address", s->server_text);
        fine = false;
    }
    if (!fine) log_error("upstream '%s': discover.server " TEXT_FORMAT, s->upstream, TEXT_ARGS(buf_text(&error)));
    buf_free(&error);
    s->question.server = &s->server;
    return fine;
}

static struct site *make_site(struct discovery *d, const struct conf_upstream *u)
{
    struct site *s = MEM_NEW(struct site);
    s->discovery = d;
    s->upstream = mem_strdup(u->name);
    s->name = mem_strdup(name_of(u));
    s->server_text = mem_strdup(u->discover.server);
    s->question = (struct records_question){.kind = kind_of(&u->discover), .name = s->name, .port = u->port};
    if (s->server_text && !use_server(s)) s->due = USEC_NEVER;
    return s;
}

static void free_site(struct site *s)
{
    records_cancel(s->discovery->records, &s->query);
    list_remove(&s->node);
    endpoint_set_free(&s->known);
    mem_free(s->upstream);
    mem_free(s->name);
    mem_free(s->server_text);
    mem_free(s);
}

/* Its endpoints stay, in so far as they still fit; it is asked for at once, since a reload is how somebody says so. */
static void keep_site(struct site *s)
{
    if (s->due != USEC_NEVER) s->due = s->discovery->now(s->discovery->loop);
}

/* The one before for the same question, out of `old`; else a new one. */
static struct site *take_site(struct discovery *d, struct list *old, const struct conf_upstream *u)
{
    LIST_FOREACH(node, old) {
        struct site *s = CONTAINER_OF(node, struct site, node);
        if (strcmp(s->upstream, u->name) != 0 || !asks_same(s, u)) continue;
        list_remove(&s->node);
        keep_site(s);
        return s;
    }
    return make_site(d, u);
}

static void free_sites(struct list *sites)
{
    LIST_FOREACH_SAFE(node, sites)
        free_site(CONTAINER_OF(node, struct site, node));
}

/* ---- the whole ---- */

void discovery_use_config(struct discovery *d, const struct config *config)
{
    struct list old, *node;
    config_ref(config);
    list_init(&old);
    while ((node = list_pop_front(&d->sites)))
        list_push_back(&old, node);
    for (size_t i = 0; i < config->upstream_count; i++) {
        const struct conf_upstream *u = &config->upstreams[i];
        if (!u->discover.records) continue;
        struct site *s = take_site(d, &old, u);
        s->conf = u;
        endpoints_cut(&s->known, u->discover.max_endpoints);
        list_push_back(&d->sites, &s->node);
    }
    free_sites(&old);
    config_unref(d->config);
    d->config = config;
    refresh_found(d);
    schedule(d);
}

const struct discovered *discovery_found(const struct discovery *d, size_t *n)
{
    *n = d->found_count;
    return d->found;
}

struct discovery *discovery_new_with(struct loop *loop, struct records *records, usec_t (*now)(const struct loop *loop),
                                     void (*changed)(void *arg), void *arg)
{
    struct discovery *d = MEM_NEW(struct discovery);
    d->loop = loop;
    d->now = now;
    d->records = records;
    d->changed = changed;
    d->arg = arg;
    d->tell_due = USEC_NEVER;
    list_init(&d->sites);
    return d;
}

struct discovery *discovery_new(struct loop *loop, void (*changed)(void *arg), void *arg)
{
    return discovery_new_with(loop, records_new(loop), loop_now, changed, arg);
}

void discovery_free(struct discovery *d)
{
    if (!d) return;
    timer_cancel(d->loop, &d->timer);
    free_sites(&d->sites);
    records_free(d->records);
    config_unref(d->config);
    mem_free(d->found);
    mem_free(d);
}
