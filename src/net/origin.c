#include "dsgate/net/origin.h"
#include "dsgate/base/mem.h"

static char *make_authority(const char *host, unsigned port, unsigned default_port)
{
    bool v6 = strchr(host, ':') != NULL;
    const char *open = v6 ? "[" : "", *close = v6 ? "]" : "";
    if (port == default_port) return mem_printf("%s%s%s", open, host, close);
    return mem_printf("%s%s%s:%u", open, host, close, port);
}

struct origin *origin_new(const char *host, unsigned port, struct tls_ctx *tls, const char *server_name,
                          const struct address_list *pins)
{
    struct origin *o = MEM_NEW(struct origin);
    atomic_init(&o->refs, 1);
    o->host = mem_strdup(host);
    o->port = port;
    o->authority = make_authority(host, port, tls ? 443 : 80);
    o->tls = tls ? tls_ctx_ref(tls) : NULL;
    o->server_name = mem_strdup(server_name ? server_name : host);
    if (pins) o->pins = *pins;
    return o;
}

struct origin *origin_ref(struct origin *o)
{
    atomic_fetch_add_explicit(&o->refs, 1, memory_order_relaxed);
    return o;
}

void origin_unref(struct origin *o)
{
    if (!o || atomic_fetch_sub_explicit(&o->refs, 1, memory_order_acq_rel) != 1) return;
    tls_ctx_unref(o->tls);
    mem_free(o->host);
    mem_free(o->authority);
    mem_free(o->server_name);
    mem_free(o);
}

static bool same_pins(const struct address_list *a, const struct address_list *b)
{
    if (a->count != b->count) return false;
    for (unsigned i = 0; i < a->count; i++)
        if (a->at[i].length != b->at[i].length || memcmp(&a->at[i].sa, &b->at[i].sa, a->at[i].length) != 0)
            return false;
    return true;
}

bool origin_same(const struct origin *a, const struct origin *b)
{
    if (a == b) return true;
    return a->port == b->port && a->tls == b->tls && text_eq_nocase(text_of(a->host), text_of(b->host)) &&
           text_eq_nocase(text_of(a->server_name), text_of(b->server_name)) && same_pins(&a->pins, &b->pins);
}
