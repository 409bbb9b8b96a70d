#include "../../src/cache/envelope_private.h"
#include "../suite.h"
#include "dsgate/base/mem.h"
#include "dsgate/base/random.h"

static const struct cache_facts stream_facts = {.key = {{1, 2, 3}},
                                                .status = 200,
                                                .stream = true,
                                                .has_usage = true,
                                                .created = 1700000000 * USEC_PER_SEC,
                                                .fresh = 300 * USEC_PER_SEC,
                                                .stale = 3600 * USEC_PER_SEC,
                                                .prompt = 258,
                                                .completion = 7,
                                                .tenant = TEXT("key-0123456789abcdef"),
                                                .model = TEXT("deepseek-v4"),
                                                .type = TEXT("text/event-stream; charset=utf-8")};

static struct buf envelope_of(const struct cache_facts *facts, struct text body)
{
    struct iovec piece = iov_of(body);
    struct cache_entry *e = cache_entry_new(facts, &piece, 1);
    struct buf out = {0};
    envelope_write(e, &out);
    cache_entry_unref(e);
    return out;
}

/* Read back under its own key and tenant. */
static struct cache_entry *read_as(struct text value, const struct cache_facts *facts, enum envelope_fault *fault)
{
    struct cache_entry *e = envelope_read(value, &facts->key, facts->tenant, fault);
    ck_assert((e != NULL) == (*fault == ENVELOPE_FINE));
    return e;
}

static enum envelope_fault fault_of(struct text value, const struct cache_facts *facts)
{
    enum envelope_fault fault;
    cache_entry_unref(read_as(value, facts, &fault));
    return fault;
}

static void expect_same(const struct cache_facts *a, const struct cache_facts *b)
{
    ck_assert(cache_key_same(&a->key, &b->key));
    ck_assert_uint_eq(a->status, b->status);
    ck_assert(a->stream == b->stream && a->has_usage == b->has_usage);
    ck_assert(a->created == b->created && a->fresh == b->fresh && a->stale == b->stale);
    ck_assert(a->prompt == b->prompt && a->completion == b->completion);
    ck_assert(text_eq(a->tenant, b->tenant) && text_eq(a->model, b->model) && text_eq(a->type, b->type));
}

static void expect_identity(const struct cache_facts *facts, struct text body)
{
    struct buf value = envelope_of(facts, body);
    enum envelope_fault fault;
    struct cache_entry *e = read_as(buf_text(&value), facts, &fault);
    ck_assert_str_eq(envelope_fault_name(fault), "fine");
    expect_same(&e->facts, facts);
    ck_assert(text_eq(e->body, body));
    ck_assert_uint_eq(atomic_load(&e->refs), 1);
    cache_entry_unref(e);
    buf_free(&value);
}

static struct text longest(char *string, size_t room, char of)
{
    memset(string, of, room - 1);
    return text_make(string, room - 1);
}

START_TEST(what_is_written_is_read)
{
    struct cache_facts full = stream_facts;
    char tenant[CACHE_TENANT_MAX], model[CACHE_MODEL_MAX], type[CACHE_TYPE_MAX];
    full.tenant = longest(tenant, sizeof tenant, 't');
    full.model = longest(model, sizeof model, '\xE4');
    full.type = longest(type, sizeof type, '\t');
    full.created = full.fresh = full.stale = INT64_MAX / 4;
    full.prompt = full.completion = UINT32_MAX;
    memset(full.key.bytes, 0xFF, sizeof full.key.bytes);
    const struct cache_facts rows[] = {stream_facts,
                                       full,
                                       {.status = 400},
                                       {.status = 499, .has_usage = true},
                                       {.status = 200, .stream = true, .tenant = TEXT("shared")}};
    static const struct text bodies[] = {TEXT("data: {}\n\n"), TEXT("\0\xFF"), TEXT(""), TEXT("DSGC\1")};
    for (int i = 0; i < COUNT(rows); i++)
        for (int b = 0; b < COUNT(bodies); b++)
            expect_identity(&rows[i], bodies[b]);
}
END_TEST

START_TEST(a_large_body_and_what_stands_before)
{
    size_t n = (size_t)4 << 20;
    char *body = mem_alloc(n);
    for (size_t i = 0; i < n; i++)
        body[i] = (char)random_mix(i);
    expect_identity(&stream_facts, text_make(body, n));
    mem_free(body);
    struct buf both = envelope_of(&stream_facts, TEXT("one"));
    struct iovec piece = iov_of(TEXT("two"));
    struct cache_entry *e = cache_entry_new(&stream_facts, &piece, 1);
    size_t first = buf_len(&both);
    envelope_write(e, &both);
    ck_assert_int_eq(fault_of(text_make(both.data, first), &stream_facts), ENVELOPE_FINE);
    ck_assert_int_eq(fault_of(text_from(buf_text(&both), first), &stream_facts), ENVELOPE_FINE);
    cache_entry_unref(e);
    buf_free(&both);
}
END_TEST

/* Other replicas, newer and older ones too, have to read it. */
START_TEST(the_bytes_are_as_the_header_says)
{
    static const struct cache_facts facts = {.key = {{0xAA}},
                                             .status = 404,
                                             .stream = true,
                                             .created = 0x0102,
                                             .fresh = 3,
                                             .stale = 4,
                                             .prompt = 5,
                                             .completion = 6,
                                             .tenant = TEXT("te"),
                                             .model = TEXT("m"),
                                             .type = TEXT("typ")};
    static const struct text head = TEXT("DSGC\1\1\x01\x94\0\0\0\x56"), /* 32 + 40 + 12 + 2 */
        times = TEXT("\0\0\0\0\0\0\1\2"
                     "\0\0\0\0\0\0\0\3"
                     "\0\0\0\0\0\0\0\4"
                     "\0\0\0\0\0\0\0\5"
                     "\0\0\0\0\0\0\0\6"),
                             tail = TEXT("\0\2te\0\1m\0\3typhi");
    struct buf value = envelope_of(&facts, TEXT("hi"));
    struct text all = buf_text(&value);
    ck_assert_uint_eq(all.n, 20 + 0x56);
    ck_assert(text_starts(all, head));
    ck_assert_mem_eq(all.p + 12, "\x30\x53\x1F\xA5\x93\x83\xF0\x23", 8);
    ck_assert_mem_eq(all.p + 20, facts.key.bytes, 32);
    ck_assert_mem_eq(all.p + 52, times.p, times.n);
    ck_assert(text_ends(all, tail));
    buf_free(&value);
}
END_TEST

START_TEST(every_changed_byte_is_found)
{
    struct buf value = envelope_of(&stream_facts, TEXT("data: {\"a\":1}\n\n"));
    for (size_t i = 0; i < buf_len(&value); i++) {
        enum envelope_fault expected = i < ENVELOPE_VERSION_AT    ? ENVELOPE_FOREIGN
                                       : i == ENVELOPE_VERSION_AT ? ENVELOPE_VERSION_UNKNOWN
                                                                  : ENVELOPE_DAMAGED;
        for (unsigned change = 1; change < 256; change++) {
            value.data[i] = (char)((unsigned char)value.data[i] ^ change);
            enum envelope_fault fault = fault_of(buf_text(&value), &stream_facts);
            ck_assert_msg(fault == expected, "byte %zu: %s", i, envelope_fault_name(fault));
            value.data[i] = (char)((unsigned char)value.data[i] ^ change);
        }
    }
    ck_assert_int_eq(fault_of(buf_text(&value), &stream_facts), ENVELOPE_FINE);
    buf_free(&value);
}
END_TEST

START_TEST(what_is_cut_or_grown_is_found)
{
    struct buf value = envelope_of(&stream_facts, TEXT("data: {\"a\":1}\n\n"));
    for (size_t n = 0; n < buf_len(&value); n++) {
        enum envelope_fault fault = fault_of(text_make(value.data, n), &stream_facts);
        ck_assert_int_eq(fault, n < ENVELOPE_VERSION_AT ? ENVELOPE_FOREIGN : ENVELOPE_DAMAGED);
    }
    buf_add_byte(&value, '\n');
    ck_assert_int_eq(fault_of(buf_text(&value), &stream_facts), ENVELOPE_DAMAGED);
    buf_free(&value);
}
END_TEST

START_TEST(what_is_not_ours)
{
    static const struct text foreign[] = {TEXT(""), TEXT("D"), TEXT("dsgc\1"), TEXT("{\"a\":1}"), TEXT("\0\0\0\0\0\0")};
    for (int i = 0; i < COUNT(foreign); i++)
        ck_assert_int_eq(fault_of(foreign[i], &stream_facts), ENVELOPE_FOREIGN);
    ck_assert_int_eq(fault_of(TEXT_NONE, &stream_facts), ENVELOPE_FOREIGN);
    ck_assert_int_eq(fault_of(TEXT("DSGC\2 something else"), &stream_facts), ENVELOPE_VERSION_UNKNOWN);
    ck_assert_int_eq(fault_of(TEXT("DSGC\1 something else"), &stream_facts), ENVELOPE_DAMAGED);
}
END_TEST

START_TEST(it_belongs_to_one_key_and_tenant)
{
    struct buf value = envelope_of(&stream_facts, TEXT("x"));
    struct cache_facts other_key = stream_facts, other_tenant = stream_facts;
    other_key.key.bytes[31] ^= 1;
    other_tenant.tenant.n--;
    ck_assert_int_eq(fault_of(buf_text(&value), &other_key), ENVELOPE_MISPLACED);
    ck_assert_int_eq(fault_of(buf_text(&value), &other_tenant), ENVELOPE_MISPLACED);
    buf_free(&value);
}
END_TEST

/* Bytes of a sound envelope are overwritten, and the checksum is made to agree: somebody else writes such values. */
START_TEST(fields_have_their_ranges)
{
    enum { TOKENS = ENVELOPE_TIMES_AT + 3 * 8, TENANT = ENVELOPE_TENANT_AT };
    enum { MODEL = TENANT + 2 + 20, TYPE = MODEL + 2 + 11, BODY = TYPE + 2 + 32 };
    static const struct {
        size_t at;
        struct text bytes;
        enum envelope_fault fault;
    } rows[] = {
        {ENVELOPE_FLAGS_AT, TEXT("\0"), ENVELOPE_FINE},
        {ENVELOPE_FLAGS_AT, TEXT("\4"), ENVELOPE_DAMAGED},
        {ENVELOPE_FLAGS_AT, TEXT("\x83"), ENVELOPE_DAMAGED},
        {ENVELOPE_STATUS_AT, TEXT("\0\0"), ENVELOPE_DAMAGED},
        {ENVELOPE_STATUS_AT, TEXT("\0\xC9"), ENVELOPE_DAMAGED}, /* 201 */
        {ENVELOPE_STATUS_AT, TEXT("\1\x8F"), ENVELOPE_DAMAGED}, /* 399 */
        {ENVELOPE_STATUS_AT, TEXT("\1\x90"), ENVELOPE_FINE},    /* 400 */
        {ENVELOPE_STATUS_AT, TEXT("\1\xF3"), ENVELOPE_FINE},    /* 499 */
        {ENVELOPE_STATUS_AT, TEXT("\1\xF4"), ENVELOPE_DAMAGED}, /* 500 */
        {ENVELOPE_STATUS_AT, TEXT("\xFF\xC8"), ENVELOPE_DAMAGED},
        {ENVELOPE_TIMES_AT, TEXT("\x20\0\0\0\0\0\0\0"), ENVELOPE_DAMAGED}, /* INT64_MAX / 4 + 1 */
        {ENVELOPE_TIMES_AT, TEXT("\x1F\xFF\xFF\xFF\xFF\xFF\xFF\xFF"), ENVELOPE_FINE},
        {ENVELOPE_TIMES_AT + 8, TEXT("\xFF"), ENVELOPE_DAMAGED}, /* negative */
        {ENVELOPE_TIMES_AT + 16, TEXT("\x7F"), ENVELOPE_DAMAGED},
        {TOKENS, TEXT("\0\0\0\1"), ENVELOPE_DAMAGED}, /* 2^32 and more */
        {TOKENS, TEXT("\0\0\0\0\xFF\xFF\xFF\xFF"), ENVELOPE_FINE},
        {TOKENS + 8, TEXT("\xFF"), ENVELOPE_DAMAGED},
        {TENANT + 2, TEXT("k\0"), ENVELOPE_DAMAGED},
        {TENANT, TEXT("\0\x48"), ENVELOPE_DAMAGED}, /* 72: no room for a NUL */
        {TENANT, TEXT("\xFF\xFF"), ENVELOPE_DAMAGED},
        {MODEL + 2, TEXT("\n"), ENVELOPE_DAMAGED},
        {MODEL + 12, TEXT("\x7F"), ENVELOPE_DAMAGED},
        {MODEL + 2, TEXT("\xE6\xB7\xB1"), ENVELOPE_FINE},
        {TYPE + 2, TEXT("\r\n"), ENVELOPE_DAMAGED},
        {TYPE + 2, TEXT("\t"), ENVELOPE_FINE},
        {TYPE, TEXT("\0\0"), ENVELOPE_FINE},      /* what was the type is body then */
        {TYPE, TEXT("\0\x25"), ENVELOPE_DAMAGED}, /* beyond the end */
        {BODY, TEXT("\0\n\x7F"), ENVELOPE_FINE},
    };
    for (int i = 0; i < COUNT(rows); i++) {
        struct buf value = envelope_of(&stream_facts, TEXT("body"));
        memcpy(value.data + rows[i].at, rows[i].bytes.p, rows[i].bytes.n);
        envelope_seal(value.data, buf_len(&value));
        enum envelope_fault fault = fault_of(buf_text(&value), &stream_facts);
        ck_assert_msg(fault == rows[i].fault, "row %d: %s", i, envelope_fault_name(fault));
        buf_free(&value);
    }
}
END_TEST

/* Wherever the facts end too soon. */
START_TEST(sealed_but_short)
{
    struct buf value = envelope_of(&stream_facts, TEXT(""));
    for (size_t n = ENVELOPE_REST_AT; n < buf_len(&value); n++) {
        char *copy = mem_dup(value.data, n);
        envelope_seal(copy, n);
        ck_assert_int_eq(fault_of(text_make(copy, n), &stream_facts), ENVELOPE_DAMAGED);
        mem_free(copy);
    }
    buf_free(&value);
}
END_TEST

TEST_MAIN("envelope", what_is_written_is_read, a_large_body_and_what_stands_before, the_bytes_are_as_the_header_says,
          every_changed_byte_is_found, what_is_cut_or_grown_is_found, what_is_not_ours,
          it_belongs_to_one_key_and_tenant, fields_have_their_ranges, sealed_but_short)
