#include "check.h"
#include "dsgate/base/mem.h"
#include "reader.h"

/* Where to point at: the key's value, or what should have held it. */
static struct node *place(struct node *n, const char *key)
{
    struct node *value = node_given(n, key);
    return value ? value : n;
}

/* Nothing is said about a value that was already wrong. */
static void check_pair(struct reader *r, struct node *tls, const char *cert, const char *key)
{
    struct node *cert_node = node_given(tls, "cert_file"), *key_node = node_given(tls, "key_file");
    if (cert && !key && !(key_node && key_node->broken))
        reader_error(r, place(tls, "cert_file"), "cert_file: key_file is missing; expected both");
    if (key && !cert && !(cert_node && cert_node->broken))
        reader_error(r, place(tls, "key_file"), "key_file: cert_file is missing; expected both");
}

void check_listen(struct reader *r, struct node *n, void *listener)
{
    const struct conf_listen *l = listener;
    struct node *tls = place(n, "tls");
    check_pair(r, tls, l->tls.cert_file, l->tls.key_file);
    if (l->tls.client_ca_file && !l->tls.cert_file && !l->tls.key_file)
        reader_error(r, place(tls, "client_ca_file"), "client_ca_file: cert_file is missing; expected TLS to be on");
}

void check_model(struct reader *r, struct node *n, void *model)
{
    struct conf_model *m = model;
    struct node *name = n->kind == NODE_MAP ? node_given(n, "name") : n;
    if (!m->name && !(name && name->broken)) m->name = mem_strdup(m->client_name);
}

static void check_name(struct reader *r, struct node *n, const struct conf_upstream *u)
{
    struct node *at = place(n, "name");
    if (!u->name) return;
    for (const struct conf_upstream *other = r->config->upstreams; other < u; other++) {
        if (!other->name || strcmp(other->name, u->name) != 0) continue;
        reader_error(r, at, "name: '%s' is the name of an earlier upstream; expected another one", u->name);
        return;
    }
}

static void check_secrets(struct reader *r, struct node *n)
{
    static const char *const keys[] = {"api_key", "api_key_file", "api_key_credential"};
    const char *first = NULL;
    for (unsigned i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct node *value = node_given(n, keys[i]);
        if (value && first) reader_error(r, value, "%s: %s is given too; expected one of them", keys[i], first);
        if (value && !first) first = keys[i];
    }
}

static void check_headers(struct reader *r, struct node *n, const struct conf_upstream *u)
{
    for (size_t i = 0; i < u->header_count; i++) {
        const char *name = u->headers[i].name;
        if (!u->api_key || !u->auth_header || !text_eq_nocase(text_of(name), text_of(u->auth_header))) continue;
        reader_error(r, place(n, "headers"), "headers: '%s' is set by the API key; expected one of them", name);
    }
}

static bool asks_for_something(const struct node *tls)
{
    for (size_t i = 0; i < tls->count; i++) {
        const struct node *value = tls->entries[i].value;
        bool nothing = node_is_null(value) || (value->kind == NODE_SCALAR && !*value->value);
        if (!nothing && !(value->kind == NODE_SCALAR && !strcmp(value->value, "false"))) return true;
    }
    return false;
}

/* Whoever sets up TLS and then writes http:// believes to be safe. */
static void check_tls(struct reader *r, struct node *n, const struct conf_upstream *u)
{
    struct node *tls = node_given(n, "tls");
    if (!tls || tls->kind != NODE_MAP) return;
    check_pair(r, tls, u->tls.cert_file, u->tls.key_file);
    if (u->base_url && !u->https && asks_for_something(tls))
        reader_error(r, tls, "tls: base_url is http; expected https, or no tls");
}

void check_upstream(struct reader *r, struct node *n, const struct conf_upstream *u)
{
    check_name(r, n, u);
    check_secrets(r, n);
    check_headers(r, n, u);
    check_tls(r, n, u);
}

/* The kernel picks another port each time for port 0. */
static bool is_taken(const struct conf_listen *list, size_t count, const char *address)
{
    if (!address || text_ends(text_of(address), TEXT(":0"))) return false;
    for (size_t i = 0; i < count; i++)
        if (list[i].address && !strcmp(list[i].address, address)) return true;
    return false;
}

static void refuse_twice(struct reader *r, struct node *at, const struct conf_listen *list, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (is_taken(list, i, list[i].address))
            reader_error(r, at, "listen: '%s' is given twice; expected it once", list[i].address);
}

void check_config(struct reader *r, struct node *root)
{
    const struct config *c = r->config;
    struct node *api = place(root, "listen"), *admin = place(place(root, "admin"), "listen");
    refuse_twice(r, api, c->listens, c->listen_count);
    refuse_twice(r, admin, c->admin.listens, c->admin.listen_count);
    for (size_t i = 0; i < c->admin.listen_count; i++)
        if (is_taken(c->listens, c->listen_count, c->admin.listens[i].address))
            reader_error(r, admin, "admin.listen: '%s' is an address of the API; expected another one",
                         c->admin.listens[i].address);
}
