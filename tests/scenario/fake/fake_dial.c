/* fake_dial.c - dial.h: connections to the test's upstreams. */
#include "dsgate/net/dial.h"
#include "fake.h"
#include <stdio.h>

struct dial {
    struct loop_after after;
    const struct origin *origin;
    void (*done)(void *arg, const struct dial_result *result);
    void *arg;
};

static struct list upstreams = {&upstreams, &upstreams};

void fake_upstream_add(struct fake_upstream *u) { list_push_back(&upstreams, &u->node); }

struct wire *fake_newest_wire(const struct fake_upstream *u) { return u->wires[(u->wire_count - 1) % FAKE_WIRES]; }

/* The structs of an earlier test, which may hold other values by now, are not touched. */
void fake_upstreams_begin(void) { list_init(&upstreams); }

static struct fake_upstream *find(const struct origin *o)
{
    LIST_FOREACH(node, &upstreams) {
        struct fake_upstream *u = CONTAINER_OF(node, struct fake_upstream, node);
        if (u->port == o->port && !strcmp(u->host, o->host)) return u;
    }
    return NULL;
}

static void arrive(struct loop_after *after)
{
    struct dial *d = CONTAINER_OF(after, struct dial, after);
    struct fake_upstream *u = find(d->origin);
    struct dial_result result = {.fd = -1, .error = u ? u->refuses : NET_RESOLVE};
    if (u && u->hangs) return;
    if (u && u->refuses == NET_OK) {
        struct wire *w = wire_new();
        if (u->window) wire_window(w, u->window);
        u->wires[u->wire_count++ % FAKE_WIRES] = w;
        result.fd = wire_fd(w);
    }
    snprintf(result.detail, sizeof result.detail, "%s", net_error_text(result.error));
    void (*done)(void *, const struct dial_result *) = d->done;
    void *arg = d->arg;
    mem_free(d);
    done(arg, &result);
}

struct dial *dial_start(struct loop *loop, struct dns *dns, const struct origin *origin,
                        void (*done)(void *arg, const struct dial_result *result), void *arg)
{
    struct dial *d = MEM_NEW(struct dial);
    struct fake_upstream *u = find(origin);
    (void)dns;
    if (u) u->dials++;
    d->origin = origin;
    d->done = done;
    d->arg = arg;
    d->after.run = arrive;
    loop_after_turn(loop, &d->after);
    return d;
}

void dial_cancel(struct dial *d)
{
    loop_after_cancel(&d->after);
    mem_free(d);
}
