/* Who has come under suspicion is looked up instead of being told: the scheduler calls nobody while it holds its mutex.
 * A look costs a lock for each upstream, and there are no more of them than there might be probes. */
#include "dsgate/gate/prober.h"
#include "dsgate/base/log.h"
#include "dsgate/net/curl.h"
#include "dsgate/net/http.h"
#include "dsgate/relay/upstream_fields.h"

#define LOOK_INTERVAL USEC_PER_SEC

/* One upstream of the current pool. */
struct watch {
    struct prober *prober;
    struct upstream *upstream;
    struct curl_get *get; /* under way */
    unsigned pin;         /* the one that is asked, if there are any */
};

struct prober {
    struct loop *loop;
    struct sched *sched;
    struct curl_door *door;
    struct pool *pool;
    struct watch **watches; /* one an upstream */
    struct timer timer;
};

/* ---- one probe ---- */

static void ask(struct watch *w, unsigned pin);
static void look(struct prober *p);

/* A pin that takes no connection is passed over for the next, as by requests. One that does is what they go to as well,
 * so that its answer is the upstream's. */
static void on_answer(void *arg, const struct curl_result *result)
{
    struct watch *w = arg;
    struct prober *p = w->prober;
    const struct conf_upstream *u = w->upstream->conf;
    struct health_rules rules = health_rules_of(u);
    w->get = NULL;
    log_debug("probe of %s: %s, status %u", w->upstream->name, result->status ? "answered" : result->error,
              result->status);
    if (!result->connected && w->pin + 1 < w->upstream->origin->pins.count) {
        ask(w, w->pin + 1);
        return;
    }
    sched_note_probe(p->sched, w->upstream->state, &rules, health_is_alive(result->status), loop_now(p->loop));
    look(p);
}

static void put_host(struct buf *b, const char *host, unsigned port)
{
    buf_printf(b, strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, port);
}

/* "https://host:port/base/models": the host is the one that the certificate must be for. */
static void put_url(struct buf *url, const struct conf_upstream *u, const struct origin *o)
{
    buf_add(url, o->tls ? TEXT("https://") : TEXT("http://"));
    put_host(url, o->tls ? o->server_name : o->host, o->port);
    buf_add(url, text_of(u->base_path));
    buf_add(url, text_of(u->health.path));
    buf_add_byte(url, '\0');
}

static void put_place(struct buf *place, const struct origin *o, unsigned pin)
{
    if (o->pins.count)
        address_format(&o->pins.at[pin], place);
    else
        put_host(place, o->host, o->port);
    buf_add_byte(place, '\0');
}

static void put_fields(struct buf *fields, const struct conf_upstream *u, const struct origin *o)
{
    http_put(fields, TEXT("Host"), text_of(o->authority));
    if (conf_key_count(u)) upstream_put_key(fields, u, conf_key(u, 0));
    upstream_put_headers(fields, u);
}

static void ask(struct watch *w, unsigned pin)
{
    const struct conf_upstream *u = w->upstream->conf;
    struct buf url = {0}, place = {0}, fields = {0};
    put_url(&url, u, w->upstream->origin);
    put_place(&place, w->upstream->origin, pin);
    put_fields(&fields, u, w->upstream->origin);
    struct curl_options o = {.url = url.data,
                             .connect_to = place.data,
                             .fields = buf_text(&fields),
                             .ca_file = u->tls.ca_file,
                             .cert_file = u->tls.cert_file,
                             .key_file = u->tls.key_file,
                             .insecure = u->tls.insecure,
                             .timeout = u->health.timeout};
    w->pin = pin;
    w->get = curl_door_get(w->prober->door, &o, on_answer, w);
    explicit_bzero(fields.data, fields.capacity);
    buf_free(&fields);
    buf_free(&place);
    buf_free(&url);
}

/* ---- all of them ---- */

/* What is found in DNS has probes of its own; what stands in for it has no address. */
static bool is_probed(const struct watch *w)
{
    return !w->upstream->unknown && w->upstream->conf->health.when != PROBES_NEVER;
}

static void on_timer(struct timer *timer) { look(CONTAINER_OF(timer, struct prober, timer)); }

/* Asks who is due, and looks again when the next one is, or may be. */
static void look(struct prober *p)
{
    usec_t now = loop_now(p->loop), next = now + LOOK_INTERVAL;
    for (size_t i = 0; i < p->pool->upstream_count; i++) {
        struct watch *w = p->watches[i];
        if (w->get || !is_probed(w)) continue;
        usec_t due = sched_probe_due(p->sched, w->upstream);
        if (due <= now)
            ask(w, 0);
        else
            next = usec_earlier(next, usec_earlier(due, now + w->upstream->conf->health.interval));
    }
    timer_set(p->loop, &p->timer, next, on_timer);
}

static void free_watch(struct watch *w)
{
    if (!w) return;
    if (w->get) curl_door_cancel(w->get);
    mem_free(w);
}

/* Endpoints that come and go must not keep the others from being probed: a probe under way goes on, if its upstream is
 * still there. */
static struct watch *take_over(struct prober *p, const struct upstream *u)
{
    for (size_t i = 0; p->pool && i < p->pool->upstream_count; i++) {
        struct watch *w = p->watches[i];
        if (!w || w->upstream->state != u->state) continue;
        p->watches[i] = NULL;
        return w;
    }
    return MEM_NEW(struct watch);
}

static struct watch **watch_all(struct prober *p, struct pool *pool)
{
    struct watch **watches = mem_alloc(pool->upstream_count * sizeof *watches);
    for (size_t i = 0; i < pool->upstream_count; i++) {
        watches[i] = take_over(p, &pool->upstreams[i]);
        watches[i]->prober = p;
        watches[i]->upstream = &pool->upstreams[i];
    }
    return watches;
}

static void forget_pool(struct prober *p)
{
    for (size_t i = 0; p->pool && i < p->pool->upstream_count; i++)
        free_watch(p->watches[i]);
    pool_unref(p->pool);
    mem_free(p->watches);
}

void prober_use_pool(struct prober *p, struct pool *pool)
{
    struct watch **watches = watch_all(p, pool);
    pool_ref(pool);
    forget_pool(p);
    p->pool = pool;
    p->watches = watches;
    timer_set(p->loop, &p->timer, loop_now(p->loop), on_timer);
}

struct prober *prober_new(struct loop *loop, struct sched *sched)
{
    struct prober *p = MEM_NEW(struct prober);
    p->loop = loop;
    p->sched = sched;
    p->door = curl_door_new(loop);
    return p;
}

void prober_free(struct prober *p)
{
    timer_cancel(p->loop, &p->timer);
    forget_pool(p);
    curl_door_free(p->door);
    mem_free(p);
}
