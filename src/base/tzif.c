/* A file has a block with times of 32 bits and, but for version 1, another one with times of 64 bits and a line of text
 * behind it; only the last block counts. Everything is bounded by what the header says and the file has. */
#include "tzif.h"
#include "dsgate/base/mem.h"

enum {
    HEADER_SIZE = 44,
    TYPE_SIZE = 6,
    OFFSET_LEAST = -89999, /* the offsets that RFC 9636 section 3.2 asks writers to keep to: about a day */
    OFFSET_MOST = 93599
};

struct header {
    char version;
    uint32_t ut_flags, standard_flags, leap_seconds, transitions, types, name_bytes;
    unsigned time_size;
};

static uint32_t read_u32(const char *p)
{
    const unsigned char *b = (const unsigned char *)p;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static int64_t read_time(const char *p, unsigned size)
{
    if (size == 4) return (int32_t)read_u32(p);
    return (int64_t)((uint64_t)read_u32(p) << 32 | read_u32(p + 4));
}

/* ---- blocks ---- */

static bool read_header(struct text *rest, unsigned time_size, struct header *h)
{
    if (rest->n < HEADER_SIZE || memcmp(rest->p, "TZif", 4) != 0) return false;
    const char *counts = rest->p + 20;
    *h = (struct header){rest->p[4],
                         read_u32(counts),
                         read_u32(counts + 4),
                         read_u32(counts + 8),
                         read_u32(counts + 12),
                         read_u32(counts + 16),
                         read_u32(counts + 20),
                         time_size};
    *rest = text_from(*rest, HEADER_SIZE);
    return true;
}

/* 32-bit numbers times small ones: no overflow. */
static uint64_t block_size(const struct header *h)
{
    return (uint64_t)h->transitions * (h->time_size + 1) + (uint64_t)h->types * TYPE_SIZE + h->name_bytes +
           (uint64_t)h->leap_seconds * (h->time_size + 4) + h->standard_flags + h->ut_flags;
}

static bool take_block(struct text *rest, const struct header *h, struct text *block)
{
    uint64_t size = block_size(h);
    if (size > rest->n) return false;
    *block = text_make(rest->p, size);
    *rest = text_from(*rest, size);
    return true;
}

/* The block that counts, and in *rest what is behind it. */
static const char *find_block(struct text *rest, struct header *h, struct text *block)
{
    if (!read_header(rest, 4, h)) return "it does not begin as a TZif file does (RFC 9636)";
    if (h->version != '\0' && (h->version < '2' || h->version > '4')) return "its version is none of 1 to 4";
    if (!take_block(rest, h, block)) return "it is cut short";
    if (h->version == '\0') return NULL;
    if (!read_header(rest, 8, h)) return "its second header is missing";
    return take_block(rest, h, block) ? NULL : "it is cut short";
}

/* ---- what a block says ---- */

static const char *read_transitions(const struct header *h, const char *block, struct tzif *out)
{
    const char *indexes = block + (size_t)h->transitions * h->time_size, *types = indexes + h->transitions;
    out->first = (int32_t)read_u32(types);
    out->transitions = mem_alloc(h->transitions * sizeof *out->transitions);
    for (; out->count < h->transitions; out->count++) {
        struct transition *t = &out->transitions[out->count];
        unsigned type = (unsigned char)indexes[out->count];
        if (type >= h->types) return "a transition has a type that it does not define";
        t->at = read_time(block + out->count * h->time_size, h->time_size);
        t->offset = (int32_t)read_u32(types + (size_t)type * TYPE_SIZE);
        if (out->count && t->at <= t[-1].at) return "its transitions do not ascend";
    }
    return NULL;
}

static const char *check_types(const struct header *h, const char *types)
{
    for (uint32_t i = 0; i < h->types; i++) {
        int32_t offset = (int32_t)read_u32(types + (size_t)i * TYPE_SIZE);
        if (offset < OFFSET_LEAST || offset > OFFSET_MOST) return "an offset is larger than a day";
    }
    return NULL;
}

static const char *read_block(const struct header *h, const char *block, struct tzif *out)
{
    if (h->types == 0 || h->types > 256) return "it has not between 1 and 256 types of local time";
    if (h->leap_seconds) return "it counts leap seconds, which the time of this machine does not";
    const char *wrong = check_types(h, block + (size_t)h->transitions * (h->time_size + 1));
    return wrong ? wrong : read_transitions(h, block, out);
}

/* "\nCST-8\n"; "\n\n": nothing is known of later times. */
static const char *read_footer(struct text rest, struct tzif *out)
{
    struct text line = text_from(rest, 1);
    size_t end = text_find_byte(line, '\n');
    if (rest.n == 0 || *rest.p != '\n' || end == line.n) return "its last line is missing";
    line.n = end;
    out->has_rule = line.n > 0;
    return line.n == 0 || posix_tz_parse(line, &out->rule) ? NULL : "its last line is not a TZ string of POSIX";
}

const char *tzif_parse(struct text bytes, struct tzif *out)
{
    struct header h;
    struct text block;
    *out = (struct tzif){0};
    const char *wrong = find_block(&bytes, &h, &block);
    if (!wrong) wrong = read_block(&h, block.p, out);
    if (!wrong && h.version != '\0') wrong = read_footer(bytes, out);
    if (wrong) tzif_free(out);
    return wrong;
}

void tzif_free(struct tzif *z)
{
    mem_free(z->transitions);
    *z = (struct tzif){0};
}

/* ---- asking ---- */

/* How many transitions have happened by then. */
static size_t count_past(const struct tzif *z, int64_t second)
{
    size_t low = 0, high = z->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (z->transitions[middle].at <= second)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int32_t tzif_offset(const struct tzif *z, int64_t second, int64_t *until)
{
    size_t past = count_past(z, second);
    if (past == z->count && z->has_rule) return posix_tz_offset(&z->rule, second, until);
    *until = past < z->count ? z->transitions[past].at : INT64_MAX;
    return past ? z->transitions[past - 1].offset : z->first;
}
