/* Where the connections of a pool's upstreams go. Origins and TLS contexts that are the same are shared within the pool
 * and with the one before, so that their connections stay in use. */
#include "pool_private.h"

static bool equal(const char *a, const char *b) { return text_eq(text_of(a), text_of(b)); }

static bool same_tls(const struct conf_upstream *a, const struct conf_upstream *b)
{
    return a->https && b->https && a->tls.insecure == b->tls.insecure && equal(a->tls.ca_file, b->tls.ca_file) &&
           equal(a->tls.cert_file, b->tls.cert_file) && equal(a->tls.key_file, b->tls.key_file);
}

static struct tls_ctx *find_tls(const struct pool *p, const struct conf_upstream *conf)
{
    for (size_t i = 0; p && i < p->upstream_count; i++)
        if (p->upstreams[i].origin && same_tls(p->upstreams[i].conf, conf)) return p->upstreams[i].origin->tls;
    return NULL;
}

static struct tls_ctx *tls_for(const struct pool *p, const struct pool *previous, const struct conf_upstream *conf,
                               struct buf *why)
{
    bool from_files = conf->tls.ca_file || conf->tls.cert_file || conf->tls.key_file;
    struct tls_ctx *found = find_tls(p, conf);
    if (!found && !from_files) found = find_tls(previous, conf);
    if (found) return tls_ctx_ref(found);
    struct tls_client_options options = {.ca_file = conf->tls.ca_file,
                                         .cert_file = conf->tls.cert_file,
                                         .key_file = conf->tls.key_file,
                                         .insecure = conf->tls.insecure};
    return tls_client_new(&options, why);
}

static bool read_pins(const struct conf_upstream *conf, struct address_list *pins, struct buf *why)
{
    if (conf->resolve_count > ADDRESS_MAX) {
        buf_printf(why, "has more than %d pinned addresses", ADDRESS_MAX);
        return false;
    }
    for (; pins->count < conf->resolve_count; pins->count++)
        if (!address_parse(text_of(conf->resolve[pins->count]), conf->port, &pins->at[pins->count], why)) return false;
    return true;
}

static struct origin *find_origin(const struct pool *p, const struct origin *wanted)
{
    for (size_t i = 0; p && i < p->upstream_count; i++)
        if (p->upstreams[i].origin && origin_same(p->upstreams[i].origin, wanted)) return p->upstreams[i].origin;
    return NULL;
}

struct origin *pool_origin(const struct pool *p, const struct pool *previous, const struct conf_upstream *conf,
                           const struct address *found, struct buf *why)
{
    struct address_list pins = {.count = 0};
    if (found)
        pins.at[pins.count++] = *found;
    else if (!read_pins(conf, &pins, why))
        return NULL;
    struct tls_ctx *tls = conf->https ? tls_for(p, previous, conf, why) : NULL;
    if (conf->https && !tls) return NULL;
    struct origin *fresh = origin_new(conf->host, conf->port, tls, conf->tls.server_name, &pins);
    tls_ctx_unref(tls);
    struct origin *same = find_origin(p, fresh);
    if (!same) same = find_origin(previous, fresh);
    if (!same) return fresh;
    origin_unref(fresh);
    return origin_ref(same);
}
