#include "dsgate/gate/ledger.h"
#include "dsgate/base/log.h"
#include "dsgate/base/mem.h"
#include "ledger_file.h"
#include <stdlib.h>

/* What stands in the file about an upstream. */
struct entry {
    char *upstream;
    struct quota_day saved;
    const struct upstream_state *state; /* in the last pool, told what was used; NULL: it was not there */
};

struct ledger {
    struct ledger_file *file; /* NULL: nothing is kept */
    char *path;
    struct entry *entries;
    size_t count;
    bool failing; /* the last save; told once */
};

/* ---- opening ---- */

static struct entry *add_entry(struct ledger *l, const char *upstream)
{
    l->entries = mem_realloc(l->entries, (l->count + 1) * sizeof *l->entries);
    l->entries[l->count] = (struct entry){.upstream = mem_strdup(upstream)};
    return &l->entries[l->count++];
}

static void on_row(void *arg, const struct ledger_row *row) { add_entry(arg, row->upstream)->saved = row->used; }

struct ledger *ledger_open(const char *path, struct buf *error)
{
    struct ledger *l = MEM_NEW(struct ledger);
    if (!path) return l;
    l->path = mem_strdup(path);
    l->file = ledger_file_open(path, error);
    if (l->file && ledger_file_read(l->file, on_row, l, error)) return l;
    ledger_close(l);
    return NULL;
}

void ledger_close(struct ledger *l)
{
    if (!l) return;
    ledger_file_close(l->file);
    for (size_t i = 0; i < l->count; i++)
        mem_free(l->entries[i].upstream);
    mem_free(l->entries);
    mem_free(l->path);
    mem_free(l);
}

/* ---- restoring ---- */

static struct entry *find_entry(const struct ledger *l, const char *upstream)
{
    for (size_t i = 0; i < l->count; i++)
        if (!strcmp(l->entries[i].upstream, upstream)) return &l->entries[i];
    return NULL;
}

/* An upstream that a reload leaves out, or sends elsewhere, forgets its quota; the file still knows. */
static void restore_one(struct entry *e, struct sched *sched, const struct pool *pool)
{
    struct upstream *u = pool_find_upstream(pool, text_of(e->upstream));
    if (u && u->state != e->state) sched_restore_quota(sched, u, &e->saved);
    e->state = u ? u->state : NULL;
}

void ledger_restore(struct ledger *l, struct sched *sched, const struct pool *pool)
{
    for (size_t i = 0; i < l->count; i++)
        restore_one(&l->entries[i], sched, pool);
}

/* ---- saving ---- */

static bool same_day(const struct quota_day *a, const struct quota_day *b)
{
    return a->day == b->day && a->requests == b->requests && a->tokens == b->tokens && !(a->cost < b->cost) &&
           !(a->cost > b->cost);
}

/* Fills *row; false: there is nothing to write. A day on which nothing was used is not worth a row. */
static bool take_change(const struct ledger *l, struct sched *sched, const struct upstream *u, struct ledger_row *row)
{
    if (!quota_is_limited(&u->conf->quota)) return false;
    const struct entry *e = find_entry(l, u->name);
    *row = (struct ledger_row){u->name, sched_quota_today(sched, u)};
    bool nothing = !row->used.requests && !row->used.tokens && !(row->used.cost > 0);
    return !nothing && !(e && same_day(&row->used, &e->saved));
}

static void tell_outcome(struct ledger *l, const char *wrong)
{
    if (wrong && !l->failing)
        log_error("cannot write the state file '%s': %s; it is tried again, until then a restart forgets what quotas "
                  "have been used",
                  l->path, wrong);
    if (!wrong && l->failing) log_info("the state file '%s' can be written again", l->path);
    l->failing = wrong != NULL;
}

static void note_saved(struct ledger *l, const struct upstream *u, const struct quota_day *used)
{
    struct entry *e = find_entry(l, u->name);
    if (!e) e = add_entry(l, u->name);
    e->saved = *used;
    e->state = u->state;
}

void ledger_save(struct ledger *l, struct sched *sched, const struct pool *pool)
{
    const struct upstream *changed[POOL_UPSTREAMS_MAX];
    struct ledger_row rows[POOL_UPSTREAMS_MAX];
    size_t n = 0;
    if (!l->file) return;
    ledger_restore(l, sched, pool);
    for (size_t i = 0; i < pool->upstream_count; i++) {
        changed[n] = &pool->upstreams[i];
        n += take_change(l, sched, changed[n], &rows[n]);
    }
    if (n == 0) return;
    const char *wrong = ledger_file_write(l->file, rows, n);
    tell_outcome(l, wrong);
    for (size_t i = 0; !wrong && i < n; i++)
        note_saved(l, changed[i], &rows[i].used);
}
