/* remote.c - what exists: once for the gateway, once for each worker. */
#include "dsgate/base/mem.h"
#include "remote_private.h"

#define CONNECT_TIME (2 * USEC_PER_SEC)
#define UNSENT_MAX   ((size_t)32 << 20)  /* of a worker: entries that the server does not take as fast as they come */
#define REPLY_MAX    ((size_t)256 << 20) /* no entry is so large, whatever another replica's config allows */

/* ---- once for the gateway ---- */

static struct origin *socket_origin(const struct conf_redis *c, struct buf *error)
{
    struct address_list pins = {.count = 1};
    char *address = mem_printf("unix:%s", c->path);
    bool good = address_parse(text_of(address), 0, &pins.at[0], error);
    mem_free(address);
    return good ? origin_new("localhost", 0, NULL, NULL, &pins) : NULL;
}

static struct origin *host_origin(const struct conf_redis *c, struct buf *error)
{
    struct tls_client_options options = {.ca_file = c->tls.ca_file,
                                         .cert_file = c->tls.cert_file,
                                         .key_file = c->tls.key_file,
                                         .insecure = c->tls.insecure};
    struct tls_ctx *tls = c->uses_tls ? tls_client_new(&options, error) : NULL;
    if (c->uses_tls && !tls) return NULL;
    struct origin *origin = origin_new(c->host, c->port, tls, c->tls.server_name, NULL);
    tls_ctx_unref(tls);
    return origin;
}

struct remote_shared *remote_shared_new(const struct conf_redis *c, struct buf *error)
{
    if (!c->url) return NULL;
    struct origin *origin = c->host ? host_origin(c, error) : socket_origin(c, error);
    if (!origin) return NULL;
    struct remote_shared *s = MEM_NEW(struct remote_shared);
    s->origin = origin;
    s->url = mem_strdup(c->url);
    s->user = mem_strdup(c->user);
    s->password = mem_strdup(c->password);
    s->prefix = mem_strdup(c->prefix);
    s->database = c->database;
    s->timeout = c->timeout;
    pthread_mutex_init(&s->mutex, NULL);
    return s;
}

void remote_shared_free(struct remote_shared *s)
{
    if (!s) return;
    pthread_mutex_destroy(&s->mutex);
    origin_unref(s->origin);
    mem_free(s->url);
    mem_free(s->user);
    mem_free_secret(s->password);
    mem_free(s->prefix);
    mem_free(s);
}

void remote_read_stats(struct remote_shared *s, struct remote_stats *out)
{
    remote_hold(s);
    *out = s->stats;
    out->up = s->health.told == REMOTE_THERE;
    remote_release(s, REMOTE_NO_NEWS, 0, TEXT_NONE);
}

struct redis_options remote_options(const struct remote_shared *s)
{
    return (struct redis_options){.origin = s->origin,
                                  .user = s->user,
                                  .password = s->password,
                                  .database = s->database,
                                  .connect_timeout = CONNECT_TIME,
                                  .unsent_max = UNSENT_MAX,
                                  .reply_max = REPLY_MAX};
}

/* ---- once for each worker ---- */

struct remote *remote_new(struct remote_shared *s, struct loop *loop, struct dns *dns)
{
    struct remote *r = MEM_NEW(struct remote);
    struct redis_options options = remote_options(s);
    options.changed = remote_link_changed;
    options.arg = r;
    r->shared = s;
    r->loop = loop;
    r->redis = redis_new(loop, dns, &options);
    return r;
}

void remote_free(struct remote *r)
{
    if (!r) return;
    remote_link_ended(r);
    redis_free(r->redis);
    buf_free(&r->name);
    buf_free(&r->purge.pattern);
    mem_free(r);
}
