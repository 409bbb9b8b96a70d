/* hiredis' reader finds the values and asks us to make them. Its own makers would do it in another shape, and the one
 * for arrays allocates whatever is announced, in plain 0.14 without a check for overflow (CVE-2021-32765). */
#include "redis_reply.h"
#include <hiredis/hiredis.h>

#if HIREDIS_MAJOR >= 1
typedef size_t array_size;
#else
typedef int array_size;
#endif

struct redis_reader {
    redisReader *reader;
    size_t reply_max;
    size_t size;  /* bytes of the reply that is being read, so far */
    size_t items; /* values that its arrays have announced */
    const char *refusal;
};

/* ---- making values ---- */

static const char later_protocol[] = "a reply of a later protocol";

/* The reader then says that it is out of memory; our words go first. */
static void *refuse(struct redis_reader *r, const char *why)
{
    r->refusal = why;
    return NULL;
}

/* In the array that it is part of, or on its own. */
static struct redis_reply *make_value(const redisReadTask *task, enum redis_type type)
{
    const struct redis_reply *array = task->parent ? task->parent->obj : NULL;
    struct redis_reply *value = array ? (struct redis_reply *)&array->items[task->idx] : MEM_NEW(struct redis_reply);
    value->type = type;
    return value;
}

static enum redis_type type_of(const redisReadTask *task)
{
    switch (task->type) {
    case REDIS_REPLY_STRING: return REDIS_STRING;
    case REDIS_REPLY_STATUS: return REDIS_STATUS;
    case REDIS_REPLY_ERROR: return REDIS_ERROR;
    case REDIS_REPLY_ARRAY: return REDIS_ARRAY;
    default: return REDIS_NIL; /* a type of RESP3: nobody asked for these */
    }
}

/* The reader does not look at what ends a string. When that is no line's end, replies are out of step. */
static void *make_string(const redisReadTask *task, char *p, size_t n)
{
    struct redis_reader *r = task->privdata;
    enum redis_type type = type_of(task);
    if (type == REDIS_NIL) return refuse(r, later_protocol);
    if (p[n] != '\r' || p[n + 1] != '\n') return refuse(r, "a string that is longer than announced");
    char *copy = mem_try_alloc(n);
    if (!copy) return refuse(r, "no memory for a reply");
    memcpy(copy, p, n);
    struct redis_reply *value = make_value(task, type);
    value->text = text_make(copy, n);
    return value;
}

static void *make_array(const redisReadTask *task, array_size announced)
{
    struct redis_reader *r = task->privdata;
    size_t count = (size_t)announced;
    if (type_of(task) != REDIS_ARRAY) return refuse(r, later_protocol);
    if (task->parent && task->parent->parent) return refuse(r, "arrays in arrays in an array");
    if (count > REDIS_ITEMS_MAX - r->items) return refuse(r, "an array of too many values");
    r->items += count;
    struct redis_reply *value = make_value(task, REDIS_ARRAY);
    value->items = mem_zalloc(count * sizeof *value->items);
    value->count = count;
    return value;
}

static void *make_integer(const redisReadTask *task, long long integer)
{
    struct redis_reply *value = make_value(task, REDIS_INTEGER);
    value->integer = integer;
    return value;
}

static void *make_nil(const redisReadTask *task) { return make_value(task, REDIS_NIL); }

#if HIREDIS_MAJOR >= 1
static void *refuse_double(const redisReadTask *task, double d, char *p, size_t n)
{
    return refuse(task->privdata, later_protocol);
}

static void *refuse_bool(const redisReadTask *task, int b) { return refuse(task->privdata, later_protocol); }
#endif

static void free_values(struct redis_reply *value)
{
    mem_free((char *)value->text.p);
    for (size_t i = 0; i < value->count; i++)
        free_values((struct redis_reply *)&value->items[i]);
    mem_free((struct redis_reply *)value->items);
}

void redis_reply_free(struct redis_reply *reply)
{
    free_values(reply);
    mem_free(reply);
}

static void free_root(void *reply) { redis_reply_free(reply); }

static redisReplyObjectFunctions makers = {
    .createString = make_string,
    .createArray = make_array,
    .createInteger = make_integer,
    .createNil = make_nil,
    .freeObject = free_root,
#if HIREDIS_MAJOR >= 1
    .createDouble = refuse_double,
    .createBool = refuse_bool,
#endif
};

/* ---- reading ---- */

struct redis_reader *redis_reader_new(size_t reply_max)
{
    struct redis_reader *r = MEM_NEW(struct redis_reader);
    r->reply_max = reply_max;
    r->reader = redisReaderCreateWithFunctions(&makers);
    if (r->reader)
        r->reader->privdata = r;
    else
        r->refusal = "no memory for replies";
    return r;
}

void redis_reader_free(struct redis_reader *r)
{
    if (!r) return;
    if (r->reader) redisReaderFree(r->reader);
    mem_free(r);
}

/* The reader drops what it has read only now and then, so that no byte of a long reply is moved often. */
void redis_reader_feed(struct redis_reader *r, struct text bytes)
{
    if (redis_reader_failure(r)) return;
    redisReaderFeed(r->reader, bytes.p, bytes.n);
    r->size += bytes.n;
}

/* Until a reply is whole, all that was fed since the last one belongs to it. */
struct redis_reply *redis_reader_next(struct redis_reader *r)
{
    void *reply = NULL;
    if (redis_reader_failure(r) || redisReaderGetReply(r->reader, &reply) != REDIS_OK) return NULL;
    size_t unread = reply ? r->reader->len - r->reader->pos : 0;
    bool too_long = r->size - unread > r->reply_max;
    if (too_long) r->refusal = "a reply that is too long";
    if (too_long && reply) redis_reply_free(reply);
    if (too_long || !reply) return NULL;
    r->size = unread;
    r->items = 0;
    return reply;
}

const char *redis_reader_failure(const struct redis_reader *r)
{
    if (r->refusal) return r->refusal;
    return r->reader->err ? r->reader->errstr : NULL;
}
