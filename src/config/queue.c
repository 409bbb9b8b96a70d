#include "queue.h"
#include "dsgate/base/mem.h"
#include "reader.h"
#include "value.h"

void caller_prepare(struct reader *r, struct node *n, void *caller)
{
    ((struct conf_caller *)caller)->priority = PRIORITY_COUNT;
}

static bool same(const char *a, const char *b) { return a && b && !strcmp(a, b); }

static void refuse_second(struct reader *r, struct node *n, const struct conf_caller *c)
{
    for (const struct conf_caller *other = r->config->callers; other < c; other++) {
        if (same(other->name, c->name)) {
            reader_error(r, node_place(n, "name"), "name: '%s' is the name of an earlier caller; expected another one",
                         c->name);
            return;
        }
        if (same(other->key_sha256, c->key_sha256)) {
            reader_error(r, node_place(n, "key_sha256"), "key_sha256: it is the key of '%s'; expected another one",
                         other->name ? other->name : "an earlier caller");
            return;
        }
    }
}

/* A ceiling that was wrong is the default, above which there is nothing. */
static void check_ceiling(struct reader *r, struct node *n, const struct conf_caller *c)
{
    struct node *priority = node_given(n, "priority");
    if (priority && c->priority < c->ceiling)
        reader_error(r, priority, "priority: P%u is above the ceiling; expected P%u or a less urgent one", c->priority,
                     c->ceiling);
}

void caller_finish(struct reader *r, struct node *n, void *caller)
{
    struct conf_caller *c = caller;
    char *written = c->key_sha256;
    if (written) c->key_sha256 = value_lower(text_of(written));
    mem_free_secret(written);
    refuse_second(r, n, c);
    check_ceiling(r, n, c);
}
