#include "assembly_private.h"
#include "dsgate/base/mem.h"

/* ---- children ---- */

static struct node *add_child(struct node *parent, struct node **at, struct text key, int64_t index,
                              struct node_budget *budget)
{
    size_t size = sizeof(struct node) + key.n, left = budget->limit - budget->used;
    if (parent->children == NODE_CHILDREN || key.n > left || size > left) return NULL;
    struct node *child = mem_alloc(size);
    char *name = (char *)(child + 1);
    if (key.n) memcpy(name, key.p, key.n);
    *child = (struct node){.next = *at, .key = text_make(name, key.n), .index = index};
    *at = child;
    parent->children++;
    budget->used += size;
    return child;
}

struct node *node_member(struct node *object, struct text key, struct node_budget *budget)
{
    struct node **at = &object->first;
    while (*at && !text_eq((*at)->key, key))
        at = &(*at)->next;
    if (*at) return *at;
    return text_find_byte(key, '\\') < key.n ? NULL : add_child(object, at, key, 0, budget);
}

struct node *node_element(struct node *list, int64_t index, struct node_budget *budget)
{
    struct node **at = &list->first;
    while (*at && (*at)->index < index)
        at = &(*at)->next;
    return *at && (*at)->index == index ? *at : add_child(list, at, TEXT_NONE, index, budget);
}

/* ---- one node ---- */

bool node_become(struct node *n, enum node_kind kind)
{
    if (n->kind == NODE_NULL) n->kind = kind;
    return n->kind == kind;
}

/* With a quarter to spare while there is room for it, so that appending costs little and little is wasted. */
static bool grow(struct node *n, size_t need, struct node_budget *budget)
{
    size_t left = budget->limit - budget->used, more = need - n->room, spare = need / 4;
    if (more > left) return false;
    if (spare <= left - more) more += spare;
    n->bytes = mem_realloc(n->bytes, n->room + more);
    n->room += more;
    budget->used += more;
    return true;
}

bool node_join(struct node *n, struct text more, struct node_budget *budget)
{
    if (more.n == 0) return true;
    if (more.n > n->room - n->n && !grow(n, n->n + more.n, budget)) return false;
    memcpy(n->bytes + n->n, more.p, more.n);
    n->n += more.n;
    return true;
}

bool node_set(struct node *n, struct text bytes, struct node_budget *budget)
{
    n->n = 0;
    return node_join(n, bytes, budget);
}

/* ---- all of it; as deep as the chunks were, which json_scan() bounds ---- */

static void write_members(const struct node *object, struct buf *out)
{
    for (const struct node *child = object->first; child; child = child->next) {
        if (child != object->first) BUF_ADD(out, ",");
        BUF_ADD(out, "\"");
        buf_add(out, child->key);
        BUF_ADD(out, "\":");
        node_write(child, out);
    }
}

static void write_elements(const struct node *list, struct buf *out)
{
    for (const struct node *child = list->first; child; child = child->next) {
        if (child != list->first) BUF_ADD(out, ",");
        node_write(child, out);
    }
    if (list->first && list->n) BUF_ADD(out, ",");
    buf_add(out, node_text(list));
}

void node_write(const struct node *n, struct buf *out)
{
    static const char brackets[][2] = {[NODE_TEXT] = {'"', '"'}, [NODE_LIST] = {'[', ']'}, [NODE_OBJECT] = {'{', '}'}};
    if (n->kind == NODE_NULL) BUF_ADD(out, "null");
    if (n->kind == NODE_VALUE) buf_add(out, node_text(n));
    if (n->kind <= NODE_VALUE) return;
    buf_add_byte(out, brackets[n->kind][0]);
    if (n->kind == NODE_TEXT)
        buf_add(out, node_text(n));
    else if (n->kind == NODE_LIST)
        write_elements(n, out);
    else
        write_members(n, out);
    buf_add_byte(out, brackets[n->kind][1]);
}

void node_clear(struct node *n)
{
    while (n->first) {
        struct node *child = n->first;
        n->first = child->next;
        node_clear(child);
        mem_free(child);
    }
    mem_free(n->bytes);
}
