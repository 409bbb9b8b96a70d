/* config.c - from bytes to a checked snapshot: parse, replace variables, read through the table, check, report. */
#include "dsgate/config/config.h"
#include "check.h"
#include "dsgate/base/file.h"
#include "dsgate/base/mem.h"
#include "environment.h"
#include "options.h"
#include "reader.h"
#include "route.h"
#include "yaml.h"

enum { FILE_MAX = 1 << 20 };

/* A file that names no upstreams gets the environment's. */
static void read_default_upstreams(struct reader *r)
{
    const char *source = r->report->source;
    r->report->source = "environment";
    struct node *root = nodes_from_yaml(r->report, environment_yaml);
    struct node *upstreams = root ? node_given(root, "upstreams") : NULL;
    if (upstreams) {
        node_forget_places(upstreams);
        environment_expand(r->report, upstreams);
        read_option(r, option_find(&config_table, "upstreams"), upstreams, r->config);
    }
    node_free(root);
    r->report->source = source;
}

/* What is neither in the file nor a default that could stand in the table. An empty state.file is one that is given. */
static void fill_in(struct config *c, struct node *root)
{
    if (!node_given(node_place(root, "state"), "file")) c->state.file = environment_state_file();
    for (unsigned i = PRIORITY_P0; i < PRIORITY_P3; i++)
        c->queue.classes[i].start_below = 100;
}

static void read_root(struct report *report, struct node *root, struct config *c)
{
    struct reader r = {.report = report, .config = c};
    if (root->kind != NODE_MAP && !node_is_null(root)) {
        reader_error(&r, root, "found %s; expected a mapping of options", node_kind_name(root));
        return;
    }
    environment_expand(report, root);
    read_defaults(&r, &config_table, c);
    route_defaults(&r, &c->other);
    read_mapping(&r, &config_table, root, c);
    if (!node_given(root, "upstreams")) read_default_upstreams(&r);
    fill_in(c, root);
    check_config(&r, root);
    node_free(r.presets);
}

static struct config *finish(struct report *report, struct config *c, struct config_errors *errors)
{
    bool failed = report->count > 0;
    report_finish(report, errors);
    if (!failed) return c;
    config_unref(c);
    return NULL;
}

static struct config *read_yaml(const char *name, struct text yaml, bool from_file, struct config_errors *errors)
{
    struct report report = {.source = name};
    struct node *root = nodes_from_yaml(&report, yaml);
    struct config *c = MEM_NEW(struct config);
    atomic_init(&c->refs, 1);
    c->source = mem_strdup(name);
    if (root && !from_file) node_forget_places(root);
    if (root) read_root(&report, root, c);
    node_free(root);
    return finish(&report, c, errors);
}

struct config *config_parse(const char *name, struct text yaml, struct config_errors *errors)
{
    return read_yaml(name, yaml, true, errors);
}

struct config *config_from_environment(struct config_errors *errors)
{
    return read_yaml("environment", environment_yaml, false, errors);
}

struct config *config_load(const char *path, struct config_errors *errors)
{
    size_t n;
    const char *why;
    char *bytes = file_read(path, FILE_MAX, false, &n, &why);
    if (!bytes) {
        struct report report = {.source = path};
        report_add(&report, 0, 0, "cannot be read: %s", why);
        return finish(&report, NULL, errors);
    }
    struct config *c = config_parse(path, text_make(bytes, n), errors);
    file_wipe(bytes, n);
    return c;
}

void config_errors_free(struct config_errors *errors)
{
    buf_free(&errors->text);
    errors->count = 0;
}

struct config *config_ref(const struct config *c)
{
    struct config *mutable = (struct config *)(uintptr_t)c;
    atomic_fetch_add_explicit(&mutable->refs, 1, memory_order_relaxed);
    return mutable;
}

void config_unref(const struct config *c)
{
    struct config *mutable = (struct config *)(uintptr_t)c;
    if (!c || atomic_fetch_sub_explicit(&mutable->refs, 1, memory_order_acq_rel) != 1) return;
    option_release_all(&config_table, mutable);
    option_release_all(&route_table, &mutable->other);
    mem_free(mutable->source);
    mem_free(mutable);
}
