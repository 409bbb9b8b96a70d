/* Who needs a probe is looked up once a second instead of being told: the scheduler calls nobody while it holds its
 * mutex, and a second is little beside the time between probes. */
#include "dsgate/gate/prober.h"
#include "dsgate/base/log.h"
#include "dsgate/net/curl.h"
#include <stdio.h>

#define LOOK_INTERVAL USEC_PER_SEC

/* One upstream of the current pool. */
struct watch {
    struct prober *prober;
    struct upstream *upstream;
    struct curl_get *get; /* under way */
};

struct prober {
    struct loop *loop;
    struct sched *sched;
    struct curl_door *door;
    struct pool *pool;
    struct watch *watches;
    struct sched_upstream_view *views;
    struct timer timer;
};

/* ---- one probe ---- */

static bool is_alive(unsigned status) { return status > 0 && status < 500 && status != 429; }

static void on_answer(void *arg, const struct curl_result *result)
{
    struct watch *w = arg;
    struct prober *p = w->prober;
    const struct conf_upstream *u = w->upstream->conf;
    struct health_rules rules = {u->health.interval, u->health.down_after, u->health.up_after};
    w->get = NULL;
    log_debug("probe of %s: %s%u", u->name, result->error, result->status);
    sched_note_probe(p->sched, w->upstream->state, &rules, is_alive(result->status), loop_now(p->loop));
}

/* "https://host:port/base/models": always from the config's parts. */
static void put_url(struct buf *url, const struct conf_upstream *u)
{
    bool v6 = strchr(u->host, ':') != NULL;
    buf_printf(url, v6 ? "%s://[%s]:%u" : "%s://%s:%u", u->https ? "https" : "http", u->host, u->port);
    buf_add(url, text_of(u->base_path));
    buf_add(url, text_of(u->health.path));
    buf_add_byte(url, '\0');
}

static void put_key_line(struct buf *line, const struct conf_upstream *u)
{
    bool bearer = text_eq_nocase(text_of(u->auth_header), TEXT("authorization"));
    buf_add(line, text_of(u->auth_header));
    buf_add(line, bearer ? TEXT(": Bearer ") : TEXT(": "));
    buf_add(line, text_of(u->api_key ? u->api_key : ""));
    buf_add_byte(line, '\0');
}

static void probe(struct watch *w)
{
    const struct conf_upstream *u = w->upstream->conf;
    struct buf url = {0}, key = {0};
    put_url(&url, u);
    put_key_line(&key, u);
    const char *headers[] = {key.data};
    const char *pin = u->resolve_count ? u->resolve[0] : NULL;
    bool is_unix = pin && !strncmp(pin, "unix:", 5);
    struct curl_options o = {.url = url.data,
                             .headers = headers,
                             .header_count = u->api_key ? 1 : 0,
                             .unix_socket = is_unix ? pin + 5 : NULL,
                             .connect_to = is_unix ? NULL : pin,
                             .ca_file = u->tls.ca_file,
                             .cert_file = u->tls.cert_file,
                             .key_file = u->tls.key_file,
                             .insecure = u->tls.insecure,
                             .timeout = u->health.timeout};
    w->get = curl_door_get(w->prober->door, &o, on_answer, w);
    explicit_bzero(key.data, key.capacity);
    buf_free(&key);
    buf_free(&url);
}

/* ---- all of them ---- */

static void on_timer(struct timer *timer)
{
    struct prober *p = CONTAINER_OF(timer, struct prober, timer);
    usec_t now = loop_now(p->loop);
    sched_look(p->sched, p->pool, p->views);
    for (size_t i = 0; i < p->pool->upstream_count; i++)
        if (!p->watches[i].get && p->views[i].probe_due <= now) probe(&p->watches[i]);
    timer_set(p->loop, timer, now + LOOK_INTERVAL, on_timer);
}

static void forget_pool(struct prober *p)
{
    for (size_t i = 0; p->pool && i < p->pool->upstream_count; i++)
        if (p->watches[i].get) curl_door_cancel(p->watches[i].get);
    pool_unref(p->pool);
    mem_free(p->watches);
    mem_free(p->views);
}

void prober_use_pool(struct prober *p, struct pool *pool)
{
    pool_ref(pool);
    forget_pool(p);
    p->pool = pool;
    p->watches = mem_zalloc(pool->upstream_count * sizeof *p->watches);
    p->views = mem_zalloc(pool->upstream_count * sizeof *p->views);
    for (size_t i = 0; i < pool->upstream_count; i++)
        p->watches[i] = (struct watch){.prober = p, .upstream = &pool->upstreams[i]};
    timer_set(p->loop, &p->timer, loop_now(p->loop) + LOOK_INTERVAL, on_timer);
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
