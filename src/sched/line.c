#include "line.h"
#include "sched_private.h"

void lines_init(struct lines *l)
{
    for (unsigned i = 0; i < LINE_BUCKETS; i++)
        list_init(&l->buckets[i]);
    list_init(&l->spare);
    list_init(&l->wanted);
    l->spare_count = 0;
}

static void free_line(struct line *line)
{
    for (unsigned i = 0; i < LANE_COUNT; i++)
        heap_free(&line->lanes[i]);
    mem_free(line->wishes);
    mem_free(line);
}

void lines_free(struct lines *l)
{
    for (struct list *node; (node = list_pop_front(&l->spare));)
        free_line(CONTAINER_OF(node, struct line, node));
}

/* ---- which line ---- */

static struct list *bucket_of(struct lines *l, const struct ticket *t)
{
    uint64_t h = random_mix((uintptr_t)t->row ^ (uint64_t)t->endpoint->root << 60 ^ (uint64_t)t->policy << 56);
    for (unsigned i = 0; i < sizeof t->tried.words / sizeof *t->tried.words; i++)
        h = random_mix(h ^ t->tried.words[i]);
    return &l->buckets[h % LINE_BUCKETS];
}

static bool is_for(const struct line *line, const struct ticket *t)
{
    return line->row == t->row && line->policy == t->policy && line->endpoint->root == t->endpoint->root &&
           line->endpoint->any_upstream == t->endpoint->any_upstream &&
           !memcmp(&line->tried, &t->tried, sizeof t->tried);
}

static struct line *find(struct list *bucket, const struct ticket *t)
{
    LIST_FOREACH(node, bucket) {
        struct line *line = CONTAINER_OF(node, struct line, node);
        if (is_for(line, t)) return line;
    }
    return NULL;
}

/* ---- wishes ---- */

static void wish_for(struct lines *l, struct line *line, struct candidate *c)
{
    struct wish *w = &line->wishes[line->wish_count++];
    struct account *a = c->upstream->account;
    *w = (struct wish){.line = line, .candidate = c};
    if (list_empty(&a->wishes)) list_push_back(&l->wanted, &a->wanted);
    list_push_back(&a->wishes, &w->node);
}

static void make_wishes(struct lines *l, struct line *line, const struct ticket *t)
{
    struct model_row *row = line->row;
    if (row->n > line->wish_capacity) {
        line->wish_capacity = row->n;
        line->wishes = mem_realloc(line->wishes, row->n * sizeof *line->wishes);
    }
    for (size_t i = 0; i < row->n; i++)
        if (choice_is_left(t, i)) wish_for(l, line, &row->candidates[i]);
}

static void drop_wishes(struct line *line)
{
    for (size_t i = 0; i < line->wish_count; i++) {
        struct account *a = line->wishes[i].candidate->upstream->account;
        list_remove(&line->wishes[i].node);
        if (list_empty(&a->wishes)) list_remove(&a->wanted);
    }
    line->wish_count = 0;
}

/* ---- lines come and go ---- */

static struct line *make(struct lines *l, struct list *bucket, const struct ticket *t)
{
    struct list *spare = list_pop_front(&l->spare);
    struct line *line = spare ? CONTAINER_OF(spare, struct line, node) : MEM_NEW(struct line);
    if (spare) l->spare_count--;
    line->row = t->row;
    line->endpoint = t->endpoint;
    line->policy = t->policy;
    line->tried = t->tried;
    make_wishes(l, line, t);
    list_push_back(bucket, &line->node);
    return line;
}

/* A few are kept, with their memory, for the next who have to wait. */
static void dismiss(struct lines *l, struct line *line)
{
    drop_wishes(line);
    list_remove(&line->node);
    if (l->spare_count >= LINE_SPARE_MAX) {
        free_line(line);
        return;
    }
    l->spare_count++;
    list_push_front(&l->spare, &line->node);
}

static void enter(struct line *line, struct ticket *t, const struct turn_key *key)
{
    heap_push(&line->lanes[t->lane], t, key);
    line->mask |= 1u << t->lane;
}

static void exit_lane(struct line *line, struct ticket *t)
{
    heap_remove(&line->lanes[t->lane], t);
    if (line->lanes[t->lane].count == 0) line->mask &= ~(1u << t->lane);
}

void line_join(struct lines *l, struct ticket *t, const struct turn_key *key)
{
    struct list *bucket = bucket_of(l, t);
    t->line = find(bucket, t);
    if (!t->line) t->line = make(l, bucket, t);
    enter(t->line, t, key);
}

void line_leave(struct lines *l, struct ticket *t)
{
    exit_lane(t->line, t);
    if (t->line->mask == 0) dismiss(l, t->line);
    t->line = NULL;
}

void line_change(struct ticket *t, enum lane lane, const struct turn_key *key)
{
    exit_lane(t->line, t);
    t->lane = lane;
    enter(t->line, t, key);
}
