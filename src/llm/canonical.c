/* One walk writes the text in the order in which it comes; objects whose members are out of order are noted on the way
 * and put right in the end (canonical_order.c). The grammar is known to be right, so what stands where is looked at
 * only as far as the text's form depends on it. */
#include "canonical_private.h"
#include "dsgate/llm/json.h"
#include "json_scalar.h"

/* A container that is open. */
struct level {
    uint32_t members; /* the number of its first one among those of all open objects */
    uint32_t piece;   /* in which it begins */
    bool object;
    bool disordered; /* its own members */
    bool linked;     /* it or something in it is in pieces, which must stay */
};

struct canonical {
    struct text rest;
    const struct text *without;
    size_t without_count;
    struct buf *out;
    size_t start; /* of the text in `out` */
    struct order order;
    uint32_t seen; /* members, of closed objects too */
    bool key_due;  /* the next string names a member */
    bool unwanted; /* the member of the top level that is being written */
    unsigned depth;
    struct level levels[JSON_DEPTH_MAX];
};

static const char *written(const struct canonical *c) { return buf_text(c->out).p + c->start; }
static uint32_t position(const struct canonical *c) { return (uint32_t)(buf_len(c->out) - c->start); }
static void skip(struct canonical *c, size_t n) { c->rest = text_from(c->rest, n); }

static uint32_t member_count(const struct canonical *c, const struct level *level)
{
    return c->order.member_count - level->members;
}

static void write_name(struct canonical *c, uint32_t begin)
{
    struct order_member *m = order_add_member(&c->order);
    m->name = begin + 1;
    m->name_length = position(c) - begin - 2;
    struct text name = text_make(written(c) + m->name, m->name_length);
    if (c->depth == 1) c->unwanted = text_is_one_of(name, c->without, c->without_count);
    buf_add_byte(c->out, ':');
}

static bool begin_member(struct canonical *c, struct level *level)
{
    uint32_t end = position(c), before = member_count(c, level);
    if (before == CANONICAL_MEMBERS || c->seen++ == CANONICAL_ALL) return false;
    if (before) buf_add_byte(c->out, ',');
    uint32_t begin = position(c);
    order_split(&c->order, end, begin, before > 0);
    if (!canonical_string(&c->rest, c->out)) return false;
    write_name(c, begin);
    if (before && !order_is_kept(&c->order, written(c))) level->disordered = true;
    c->key_due = false;
    return true;
}

/* As if it had never been there. */
static void drop_member(struct canonical *c)
{
    uint32_t before = c->order.members[--c->order.member_count].first - 1;
    c->out->tail = c->out->head + c->start + c->order.pieces[before].end;
    order_rejoin(&c->order, before);
    c->unwanted = false;
}

static void end_member(struct canonical *c, const struct level *level)
{
    if (member_count(c, level) == 0) return;
    if (c->unwanted && c->depth == 1)
        drop_member(c);
    else
        c->order.members[c->order.member_count - 1].last = c->order.count - 1;
}

static bool open_container(struct canonical *c, bool object)
{
    if (c->depth == JSON_DEPTH_MAX) return false;
    buf_add_byte(c->out, c->rest.p[0]);
    skip(c, 1);
    c->levels[c->depth++] = (struct level){c->order.member_count, c->order.count - 1, object};
    c->key_due = object;
    return true;
}

static void close_object(struct canonical *c, struct level *level)
{
    end_member(c, level);
    if (level->disordered) {
        uint32_t end = position(c);
        order_split(&c->order, end, end, false);
        order_link(&c->order, written(c), level->members, level->piece);
        level->linked = true;
    } else if (!level->linked) {
        order_rejoin(&c->order, level->piece);
    }
    c->order.member_count = level->members;
    c->key_due = false;
}

static bool close_container(struct canonical *c, struct level *level, bool object)
{
    if (level->object != object) return false;
    if (object) close_object(c, level);
    buf_add_byte(c->out, c->rest.p[0]);
    skip(c, 1);
    c->depth--;
    if (c->depth && level->linked) level[-1].linked = true;
    return true;
}

static void pass_comma(struct canonical *c, const struct level *level)
{
    skip(c, 1);
    c->key_due = level->object;
    if (level->object)
        end_member(c, level);
    else
        buf_add_byte(c->out, ',');
}

static bool write_scalar(struct canonical *c)
{
    size_t n = 0;
    if (json_scalar_pass(c->rest, &n) != JSON_FINE) return false;
    struct text scalar = text_make(c->rest.p, n);
    if (json_type_of(scalar.p[0]) == JSON_NUMBER)
        canonical_number(scalar, c->out);
    else
        buf_add(c->out, scalar);
    skip(c, n);
    return true;
}

/* Inside a container. Colons have been written with the names before them. */
static bool take_token(struct canonical *c, struct level *level)
{
    switch (c->rest.p[0]) {
    case ' ':
    case '\t':
    case '\n':
    case '\r':
    case ':': skip(c, 1); return true;
    case ',': pass_comma(c, level); return true;
    case '{': return open_container(c, true);
    case '[': return open_container(c, false);
    case '}': return close_container(c, level, true);
    case ']': return close_container(c, level, false);
    case '"': return c->key_due ? begin_member(c, level) : canonical_string(&c->rest, c->out);
    default: return write_scalar(c);
    }
}

static bool write_object(struct canonical *c)
{
    open_container(c, true);
    while (c->depth && c->rest.n)
        if (!take_token(c, &c->levels[c->depth - 1])) return false;
    return c->depth == 0;
}

/* Written in order behind itself, and then moved to its place: so `out` keeps its storage, and the next text that is
 * written to it needs none. There is room for as much before, since nothing may move meanwhile. */
static void put_in_order(struct canonical *c)
{
    uint32_t end = position(c);
    buf_reserve(c->out, end);
    order_write(&c->order, written(c), end, c->out);
    char *text = c->out->data + c->out->head + c->start;
    memmove(text, text + end, buf_len(c->out) - c->start - end);
    c->out->tail -= end;
}

/* Field by field: the levels need no value. */
static void begin(struct canonical *c, struct text object, const struct text *without, size_t n, struct buf *out)
{
    c->rest = object;
    c->without = without;
    c->without_count = n;
    c->out = out;
    c->start = buf_len(out);
    c->key_due = c->unwanted = false;
    c->depth = c->seen = 0;
    order_init(&c->order);
}

bool canonical_write(struct text json, const struct text *without, size_t n, struct buf *out)
{
    struct canonical c;
    struct json_iter it = json_iter(json);
    if (!it.rest.p || it.array || json.n > UINT32_MAX / 2) return false; /* numbers may get twice as long */
    buf_reserve(out, json.n);
    begin(&c, text_make(it.rest.p - 1, it.rest.n + 1), without, n, out);
    bool whole = write_object(&c);
    if (whole && c.levels[0].linked) put_in_order(&c);
    order_free(&c.order);
    return whole;
}
