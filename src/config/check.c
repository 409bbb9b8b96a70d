#include "check.h"
#include "cache.h"
#include "dsgate/base/mem.h"
#include "reader.h"

/* Nothing is said about a value that was already wrong. */
void check_pair(struct reader *r, struct node *tls, const char *cert, const char *key)
{
    struct node *cert_node = node_given(tls, "cert_file"), *key_node = node_given(tls, "key_file");
    if (cert && !key && !(key_node && key_node->broken))
        reader_error(r, node_place(tls, "cert_file"), "cert_file: key_file is missing; expected both");
    if (key && !cert && !(cert_node && cert_node->broken))
        reader_error(r, node_place(tls, "key_file"), "key_file: cert_file is missing; expected both");
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

/* Whoever sets up TLS and then writes a URL without it believes to be safe. */
void check_client_tls(struct reader *r, struct node *section, const struct conf_client_tls *tls, const char *plain)
{
    if (!section || section->kind != NODE_MAP) return;
    check_pair(r, section, tls->cert_file, tls->key_file);
    if (plain && asks_for_something(section)) reader_error(r, section, "tls: %s, or no tls", plain);
}

void check_listen(struct reader *r, struct node *n, void *listener)
{
    const struct conf_listen *l = listener;
    struct node *tls = node_place(n, "tls");
    check_pair(r, tls, l->tls.cert_file, l->tls.key_file);
    if (l->tls.client_ca_file && !l->tls.cert_file && !l->tls.key_file)
        reader_error(r, node_place(tls, "client_ca_file"),
                     "client_ca_file: cert_file is missing; expected TLS to be on");
}

void check_model(struct reader *r, struct node *n, void *model)
{
    struct conf_model *m = model;
    struct node *name = n->kind == NODE_MAP ? node_given(n, "name") : n;
    if (!m->name && !(name && name->broken)) m->name = mem_strdup(m->client_name);
}

/* Nobody knows whether `model:` without a number stands for none or was not finished. */
void check_cap(struct reader *r, struct node *n, void *cap)
{
    if (node_is_null(n)) reader_error(r, n, "max_concurrency is missing; expected a whole number");
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
    struct node *api = node_place(root, "listen"), *admin = node_place(node_place(root, "admin"), "listen");
    refuse_twice(r, api, c->listens, c->listen_count);
    refuse_twice(r, admin, c->admin.listens, c->admin.listen_count);
    for (size_t i = 0; i < c->admin.listen_count; i++)
        if (is_taken(c->listens, c->listen_count, c->admin.listens[i].address))
            reader_error(r, admin, "admin.listen: '%s' is an address of the API; expected another one",
                         c->admin.listens[i].address);
    check_together(r, root);
    cache_check(r, root);
}
