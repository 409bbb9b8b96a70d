/* listeners.c - see listeners.h.
 *
 * An update first opens what is new and reads all certificates; only when everything is there does it close what is no
 * longer wanted.
 */
#include "dsgate/gate/listeners.h"
#include "dsgate/base/mem.h"
#include <stdlib.h>
#include <unistd.h>

enum { FIRST_ACTIVATED = 3 }; /* SD_LISTEN_FDS_START */

struct entry {
    struct list node;
    struct listeners *owner;
    char *address; /* as configured; NULL: handed over by systemd */
    bool admin;
    struct listener *socket;
    struct tls_ctx *tls;
};

struct listeners {
    struct loop *loop;
    listeners_accepted *accepted;
    void *arg;
    struct list entries;
    bool activated_api, activated_admin;
};

static void on_accepted(void *arg, int fd, const struct address *peer)
{
    struct entry *e = arg;
    e->owner->accepted(e->owner->arg, e->admin, fd, peer, e->tls);
}

static void entry_free(struct entry *e)
{
    list_remove(&e->node);
    listener_close(e->socket);
    tls_ctx_unref(e->tls);
    mem_free(e->address);
    mem_free(e);
}

static struct entry *entry_new(struct listeners *l, const char *address, bool admin)
{
    struct entry *e = MEM_NEW(struct entry);
    e->owner = l;
    e->address = mem_strdup(address);
    e->admin = admin;
    return e;
}

/* ---- systemd's sockets ---- */

static void adopt(struct listeners *l, int fd, bool admin)
{
    struct entry *e = entry_new(l, NULL, admin);
    e->socket = listener_adopt(l->loop, fd, on_accepted, e);
    list_push_back(&l->entries, &e->node);
    if (admin)
        l->activated_admin = true;
    else
        l->activated_api = true;
}

static void adopt_activated(struct listeners *l)
{
    uint64_t pid = 0, count = 0;
    struct text names = text_of(getenv("LISTEN_FDNAMES")), name;
    if (!text_to_u64(text_of(getenv("LISTEN_PID")), &pid) || pid != (uint64_t)getpid()) return;
    if (!text_to_u64(text_of(getenv("LISTEN_FDS")), &count) || count > 64) return;
    for (uint64_t i = 0; i < count; i++) {
        bool named = text_cut(&names, ':', &name);
        adopt(l, FIRST_ACTIVATED + (int)i, named && text_is(name, "admin"));
    }
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
}

struct listeners *listeners_new(struct loop *loop, listeners_accepted *accepted, void *arg)
{
    struct listeners *l = MEM_NEW(struct listeners);
    l->loop = loop;
    l->accepted = accepted;
    l->arg = arg;
    list_init(&l->entries);
    adopt_activated(l);
    return l;
}

/* ---- following the config ---- */

static struct entry *find(const struct list *entries, const char *address, bool admin)
{
    LIST_FOREACH(node, entries) {
        struct entry *e = CONTAINER_OF(node, struct entry, node);
        if (e->address && e->admin == admin && !strcmp(e->address, address)) return e;
    }
    return NULL;
}

static bool make_tls(const struct conf_listen *c, struct tls_ctx **tls, struct buf *error)
{
    *tls = NULL;
    if (!c->tls.cert_file) return true;
    struct tls_server_options o = {c->tls.cert_file, c->tls.key_file, c->tls.client_ca_file};
    *tls = tls_server_new(&o, error);
    return *tls != NULL;
}

/* A wanted listener: on `fresh`, with a socket only when its address is new; else an open entry takes its certificate.
 */
static bool prepare(struct listeners *l, const struct conf_listen *c, bool admin, struct list *fresh, struct buf *error)
{
    struct address address;
    struct entry *e = entry_new(l, c->address, admin);
    list_push_back(fresh, &e->node);
    if (!make_tls(c, &e->tls, error)) return false;
    if (find(&l->entries, c->address, admin)) return true;
    if (!address_parse(text_of(c->address), 0, &address, error)) return false;
    e->socket = listener_open(l->loop, &address, c->mode, on_accepted, e, error);
    return e->socket != NULL;
}

static bool prepare_all(struct listeners *l, const struct config *config, struct list *fresh, struct buf *error)
{
    for (size_t i = 0; i < config->listen_count && !l->activated_api; i++)
        if (!prepare(l, &config->listens[i], false, fresh, error)) return false;
    for (size_t i = 0; i < config->admin.listen_count && !l->activated_admin; i++)
        if (!prepare(l, &config->admin.listens[i], true, fresh, error)) return false;
    return true;
}

static void close_unwanted(struct listeners *l, const struct list *fresh)
{
    LIST_FOREACH_SAFE(node, &l->entries) {
        struct entry *e = CONTAINER_OF(node, struct entry, node);
        if (e->address && !find(fresh, e->address, e->admin)) entry_free(e);
    }
}

static void take_over(struct listeners *l, struct list *fresh)
{
    for (struct list *node; (node = list_pop_front(fresh));) {
        struct entry *e = CONTAINER_OF(node, struct entry, node), *old = find(&l->entries, e->address, e->admin);
        if (!old) {
            list_push_back(&l->entries, &e->node);
            continue;
        }
        struct tls_ctx *outdated = old->tls;
        old->tls = e->tls;
        e->tls = outdated;
        entry_free(e);
    }
}

bool listeners_update(struct listeners *l, const struct config *config, struct buf *error)
{
    struct list fresh;
    list_init(&fresh);
    bool fine = prepare_all(l, config, &fresh, error);
    if (fine) {
        close_unwanted(l, &fresh);
        take_over(l, &fresh);
    }
    while (!list_empty(&fresh))
        entry_free(CONTAINER_OF(fresh.next, struct entry, node));
    return fine;
}

void listeners_describe(const struct listeners *l, struct buf *out)
{
    LIST_FOREACH(node, &l->entries) {
        struct entry *e = CONTAINER_OF(node, struct entry, node);
        struct address address;
        listener_address(e->socket, &address);
        if (node != l->entries.next) BUF_ADD(out, ", ");
        address_format(&address, out);
        buf_add(out, text_of(e->admin ? " (admin)" : e->tls ? " (API, TLS)" : " (API)"));
    }
}

void listeners_close_api(struct listeners *l)
{
    LIST_FOREACH_SAFE(node, &l->entries) {
        struct entry *e = CONTAINER_OF(node, struct entry, node);
        if (!e->admin) entry_free(e);
    }
}

void listeners_free(struct listeners *l)
{
    if (!l) return;
    while (!list_empty(&l->entries))
        entry_free(CONTAINER_OF(l->entries.next, struct entry, node));
    mem_free(l);
}
