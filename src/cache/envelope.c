#include "dsgate/base/siphash.h"
#include "envelope_private.h"

/* Three such times can be added. */
#define TIME_MAX (INT64_MAX / 4)
/* More than any usage comes to (llm/answer_usage.c), and counters take billions of them. */
#define TOKENS_MAX UINT32_MAX

static const struct text magic = TEXT("DSGC");

const char *envelope_fault_name(enum envelope_fault f)
{
    static const char *const names[ENVELOPE_FAULT_COUNT] = {
#define X(id, name) name,
        ENVELOPE_FAULTS(X)
#undef X
    };
    return names[f];
}

static void write_number(char *to, uint64_t value, size_t bytes)
{
    for (; bytes > 0; value >>= 8)
        to[--bytes] = (char)value;
}

static uint64_t read_number(const char *from, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++)
        value = value << 8 | (unsigned char)from[i];
    return value;
}

/* A hash of the beginning, in which that of the rest stands where the checksum will: nothing needs to be copied. */
static uint64_t checksum_of(struct text value)
{
    static const struct siphash_key key = {{UINT64_C(0x6473676174652063), UINT64_C(0x616368652076616C)}};
    char beginning[ENVELOPE_REST_AT];
    memcpy(beginning, value.p, ENVELOPE_CHECKSUM_AT);
    write_number(beginning + ENVELOPE_CHECKSUM_AT, siphash(&key, text_from(value, ENVELOPE_REST_AT)), 8);
    return siphash(&key, text_make(beginning, sizeof beginning));
}

/* ---- writing ---- */

void envelope_seal(char *value, size_t n)
{
    write_number(value + ENVELOPE_LENGTH_AT, n - ENVELOPE_REST_AT, 4);
    write_number(value + ENVELOPE_CHECKSUM_AT, checksum_of(text_make(value, n)), 8);
}

static void add_number(struct buf *b, uint64_t value, size_t bytes)
{
    write_number(buf_reserve(b, bytes), value, bytes);
    buf_commit(b, bytes);
}

static void add_string(struct buf *b, struct text t)
{
    add_number(b, t.n, 2);
    buf_add(b, t);
}

static void add_facts(struct buf *b, const struct cache_facts *f)
{
    const uint64_t numbers[] = {(uint64_t)f->created, (uint64_t)f->fresh, (uint64_t)f->stale, f->prompt, f->completion};
    buf_append(b, f->key.bytes, CACHE_KEY_BYTES);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        add_number(b, numbers[i], 8);
    add_string(b, f->tenant);
    add_string(b, f->model);
    add_string(b, f->type);
}

void envelope_write(const struct cache_entry *e, struct buf *out)
{
    size_t start = buf_len(out);
    buf_reserve(out, e->size); /* which is more */
    buf_add(out, magic);
    buf_add_byte(out, ENVELOPE_VERSION);
    buf_add_byte(out, (char)((e->facts.stream ? ENVELOPE_STREAM : 0) | (e->facts.has_usage ? ENVELOPE_USAGE : 0)));
    add_number(out, e->facts.status, 2);
    add_number(out, 0, ENVELOPE_REST_AT - ENVELOPE_LENGTH_AT);
    add_facts(out, &e->facts);
    buf_add(out, e->body);
    envelope_seal(out->data + out->head + start, buf_len(out) - start);
}

/* ---- reading: what has the right checksum may still have been written by anybody ---- */

static bool take_number(struct text *rest, size_t bytes, uint64_t *out)
{
    if (rest->n < bytes) return false;
    *out = read_number(rest->p, bytes);
    *rest = text_from(*rest, bytes);
    return true;
}

static bool take_time(struct text *rest, usec_t *out)
{
    uint64_t number;
    if (!take_number(rest, 8, &number) || number > TIME_MAX) return false;
    *out = (usec_t)number;
    return true;
}

static bool take_tokens(struct text *rest, uint64_t *out) { return take_number(rest, 8, out) && *out <= TOKENS_MAX; }

/* It may go into a head or a log line: as there, no control characters but tabs. */
static bool is_printable(struct text t)
{
    for (size_t i = 0; i < t.n; i++) {
        unsigned char byte = (unsigned char)t.p[i];
        if ((byte < 0x20 && byte != '\t') || byte == 0x7F) return false;
    }
    return true;
}

/* It stays where it is. */
static bool take_string(struct text *rest, size_t max, struct text *out)
{
    uint64_t length;
    if (!take_number(rest, 2, &length) || length >= max || length > rest->n) return false;
    *out = text_make(rest->p, (size_t)length);
    *rest = text_from(*rest, out->n);
    return is_printable(*out);
}

static bool read_beginning(struct text value, struct cache_facts *f)
{
    unsigned flags = (unsigned char)value.p[ENVELOPE_FLAGS_AT];
    f->status = (unsigned)read_number(value.p + ENVELOPE_STATUS_AT, 2);
    f->stream = flags & ENVELOPE_STREAM;
    f->has_usage = flags & ENVELOPE_USAGE;
    return !(flags & ~(unsigned)ENVELOPE_FLAGS) && (f->status == 200 || (f->status >= 400 && f->status <= 499));
}

static bool take_facts(struct text *rest, struct cache_facts *f)
{
    if (rest->n < CACHE_KEY_BYTES) return false;
    memcpy(f->key.bytes, rest->p, CACHE_KEY_BYTES);
    *rest = text_from(*rest, CACHE_KEY_BYTES);
    return take_time(rest, &f->created) && take_time(rest, &f->fresh) && take_time(rest, &f->stale) &&
           take_tokens(rest, &f->prompt) && take_tokens(rest, &f->completion) &&
           take_string(rest, CACHE_TENANT_MAX, &f->tenant) && take_string(rest, CACHE_MODEL_MAX, &f->model) &&
           take_string(rest, CACHE_TYPE_MAX, &f->type);
}

static enum envelope_fault check_wrapping(struct text value)
{
    if (!text_starts(value, magic)) return ENVELOPE_FOREIGN;
    if (value.n <= ENVELOPE_VERSION_AT) return ENVELOPE_DAMAGED;
    if (value.p[ENVELOPE_VERSION_AT] != ENVELOPE_VERSION) return ENVELOPE_VERSION_UNKNOWN;
    if (value.n < ENVELOPE_REST_AT || read_number(value.p + ENVELOPE_LENGTH_AT, 4) != value.n - ENVELOPE_REST_AT ||
        read_number(value.p + ENVELOPE_CHECKSUM_AT, 8) != checksum_of(value))
        return ENVELOPE_DAMAGED;
    return ENVELOPE_FINE;
}

struct cache_entry *envelope_read(struct text value, const struct cache_key *key, struct text tenant,
                                  enum envelope_fault *fault)
{
    struct cache_facts facts = {0};
    *fault = check_wrapping(value);
    if (*fault != ENVELOPE_FINE) return NULL;
    struct text rest = text_from(value, ENVELOPE_REST_AT);
    if (!read_beginning(value, &facts) || !take_facts(&rest, &facts))
        *fault = ENVELOPE_DAMAGED;
    else if (!cache_key_same(&facts.key, key) || !text_eq(facts.tenant, tenant))
        *fault = ENVELOPE_MISPLACED;
    if (*fault != ENVELOPE_FINE) return NULL;
    struct iovec body = iov_of(rest);
    return cache_entry_new(&facts, &body, 1);
}
