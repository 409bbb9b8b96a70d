/* The plain, SSE2, AVX2 and AVX-512 implementations and the oracle say the same, about the same byte: around all block
 * ends, for all small wrongs, and for many random texts, right ones and damaged ones. */
#include "dsgate/base/buf.h"
#include "dsgate/base/random.h"
#include "json_test.h"

/* A string of `before` letters, then `inside`, then `behind` letters, in an array. */
static struct text in_string(char *out, size_t before, struct text inside, size_t behind)
{
    size_t n = 0;
    memcpy(out, "[\"", 2), n += 2;
    memset(out + n, 'a', before), n += before;
    memcpy(out + n, inside.p, inside.n), n += inside.n;
    memset(out + n, 'z', behind), n += behind;
    memcpy(out + n, "\"]", 2), n += 2;
    return text_make(out, n);
}

static const struct text fragments[] = {
    TEXT("\\\""),
    TEXT("\\\\"),
    TEXT("\\\\\\\""),
    TEXT("\\\\\\\\\\\\\\\\"),
    TEXT("\\\\\\\\\\\\\\\\\\n"),
    TEXT("\\u00e9"),
    TEXT("\\uD83D\\uDE00"),
    TEXT("\\u12\\u1234"),
    TEXT("\\x"),
    TEXT("\\u123x"),
    TEXT("\\ux"),
    TEXT("\\\\u"),
    TEXT("\x1F"),
    TEXT("\n"),
    TEXT("\\\n"),
    TEXT("\"\""),
    TEXT("\",\""),
    TEXT("\"]\"["),
    TEXT("\", 12345e-10 , \""),
    TEXT("\",true,\""),
    TEXT("\",{\"k\" : \"v\"},\""),
    TEXT("\" , nul , \""),
    TEXT("\" \\\" \""),
    TEXT("\",1234567x,\""),
    TEXT("\xC3\xA9"),
    TEXT("\xE4\xB8\xAD\xE6\x96\x87"),
    TEXT("\xF0\x9F\x98\x80"),
    TEXT("\xED\x9F\xBF"),
    TEXT("\xE0\xA0\x80"),
    TEXT("\xF4\x8F\xBF\xBF"),
    TEXT("\xF0\x90\x80\x80"),
    TEXT("\xC3"),
    TEXT("\xE4\xB8"),
    TEXT("\xF0\x9F\x98"),
    TEXT("\x80"),
    TEXT("\xC0\x80"),
    TEXT("\xE0\x80\x80"),
    TEXT("\xED\xA0\x80"),
    TEXT("\xF0\x80\x80\x80"),
    TEXT("\xF4\x90\x80\x80"),
    TEXT("\xF5\x80\x80\x80"),
    TEXT("\xFF"),
    TEXT("\xE4\xB8\xAD\xAD"),
    TEXT("\xE4\\u1234"),
    TEXT("\\\xC3\xA9"),
    TEXT("\\\x80"),
    TEXT("\\u\x80"),
    TEXT("\\u12\xC3\xA9"),
};

static void try_fragments_behind(size_t first, size_t last)
{
    char text[4200];
    for (size_t i = 0; i < COUNT(fragments); i++)
        for (size_t before = first; before <= last; before++) {
            struct text whole = in_string(text, before, fragments[i], before % 7);
            expect_as_oracle(whole);
            for (size_t cut = 1; cut < fragments[i].n + 10 && cut < whole.n; cut++)
                expect_as_oracle(text_make(whole.p, whole.n - cut));
        }
}

START_TEST(fragments_across_block_ends) { try_fragments_behind(0, 140); }
END_TEST

/* A batch is some power of two of blocks. */
START_TEST(fragments_across_batch_ends)
{
    for (size_t end = 256; end <= 4096; end *= 2)
        try_fragments_behind(end - 16, end + 2);
}
END_TEST

/* Inside a string and outside, at the end of a block and within it: every pair of bytes. */
START_TEST(every_pair_of_bytes)
{
    char text[512];
    for (unsigned pair = 0; pair < 0x10000; pair++) {
        const char bytes[2] = {(char)(pair >> 8), (char)pair};
        expect_as_oracle(in_string(text, pair % 3 ? 59 + pair % 4 : 3, text_make(bytes, 2), 2));
        expect_as_oracle(text_make(bytes, 2));
    }
}
END_TEST

/* Every lead with every second byte, and then too few, enough or too many others. */
START_TEST(every_lead_and_second_byte)
{
    static const char tail[] = {(char)0x80, (char)0xBF, (char)0x80};
    char text[512];
    for (unsigned lead = 0xC0; lead <= 0xFF; lead++)
        for (unsigned second = 0x7E; second <= 0xC2; second++)
            for (size_t more = 0; more <= sizeof tail; more++) {
                char bytes[2 + sizeof tail] = {(char)lead, (char)second};
                memcpy(bytes + 2, tail, more);
                expect_as_oracle(in_string(text, 58 + (lead + second) % 7, text_make(bytes, 2 + more), 1));
            }
}
END_TEST

START_TEST(every_length)
{
    char text[512];
    for (size_t n = 0; n < 300; n++) {
        struct text t = in_string(text, n, TEXT(""), 0);
        ck_assert_int_eq(expect_as_oracle(t).error, JSON_FINE);
        text[2 + n / 2] = '\x01';
        expect_result(t, JSON_DEPTH, JSON_BAD_STRING, 2 + n / 2);
        memset(text, ' ', n);
        expect_result(text_make(text, n), JSON_DEPTH, JSON_EMPTY, n);
        text[n] = '7';
        expect_result(text_make(text, n + 1), JSON_DEPTH, JSON_FINE, 0);
    }
}
END_TEST

static void add_random(struct buf *b, struct random_source *r, const struct text *choices, size_t n)
{
    buf_add(b, choices[random_below(r, n)]);
}

static void add_space(struct buf *b, struct random_source *r)
{
    static const struct text spaces[] = {TEXT(""), TEXT(""), TEXT(""), TEXT(" "), TEXT("\n  "), TEXT("\t\r\n")};
    add_random(b, r, spaces, COUNT(spaces));
}

static void add_string(struct buf *b, struct random_source *r)
{
    static const struct text parts[] = {
        TEXT("a"),
        TEXT("the quick brown fox "),
        TEXT("\\\""),
        TEXT("\\\\"),
        TEXT("\\n"),
        TEXT("\\u4E2d"),
        TEXT("\xC3\xA9"),
        TEXT("\xE4\xB8\xAD\xE6\x96\x87"),
        TEXT("\xF0\x9F\x98\x80"),
        TEXT("{}[]:, "),
        TEXT("\\ud83d\\ude00"),
        TEXT("\xED\x95\x9C"),
        TEXT("\xE0\xA4\x95"),
        TEXT("\\/"),
    };
    buf_add_byte(b, '"');
    for (uint64_t n = random_below(r, random_below(r, 10) ? 6 : 40); n; n--)
        add_random(b, r, parts, COUNT(parts));
    buf_add_byte(b, '"');
}

static void add_scalar(struct buf *b, struct random_source *r)
{
    static const struct text scalars[] = {TEXT("0"),    TEXT("-12"),   TEXT("3.25"), TEXT("1e9"),
                                          TEXT("true"), TEXT("false"), TEXT("null"), TEXT("-0.0E+12")};
    add_random(b, r, scalars, COUNT(scalars));
}

static void add_value(struct buf *b, struct random_source *r, unsigned depth)
{
    uint64_t kind = random_below(r, depth < 6 ? 8 : 4);
    bool object = kind >= 6;
    add_space(b, r);
    if (kind < 4) {
        if (kind < 2)
            add_scalar(b, r);
        else
            add_string(b, r);
    } else {
        buf_add_byte(b, object ? '{' : '[');
        for (uint64_t i = 0, n = random_below(r, 6); i < n; i++) {
            if (i) buf_add_byte(b, ',');
            add_space(b, r);
            if (object) add_string(b, r), add_space(b, r), buf_add_byte(b, ':');
            add_value(b, r, depth + 1);
        }
        add_space(b, r);
        buf_add_byte(b, object ? '}' : ']');
    }
    add_space(b, r);
}

/* Changes, drops or doubles a byte, or cuts the text. */
static void damage(struct buf *b, struct random_source *r)
{
    static const char bytes[] = "\"\\{}[]:, 0-.eutfn/\n\x01\x1F\x7F\x80\xA0\xC2\xE4\xED\xF0\xFF";
    size_t n = buf_len(b), at = (size_t)random_below(r, n);
    char *p = b->data + b->head;
    switch (random_below(r, 8)) {
    case 0: b->tail = b->head + at + 1; break;
    case 1: memmove(p + at, p + at + 1, n - at - 1), b->tail--; break;
    case 2:
        buf_add_byte(b, ' ');
        p = b->data + b->head;
        memmove(p + at + 1, p + at, n - at);
        break;
    case 3: p[at] = (char)random_next(r); break;
    default: p[at] = bytes[random_below(r, sizeof bytes)]; break;
    }
    if (buf_len(b) == 0) buf_add_byte(b, '1');
}

START_TEST(random_texts)
{
    enum { TEXTS = 6000, DAMAGES = 3 };
    struct random_source r;
    struct buf b = {0};
    unsigned refused = 0;
    random_seed(&r, 8259);
    for (unsigned i = 0; i < TEXTS; i++) {
        buf_clear(&b);
        add_value(&b, &r, 0);
        ck_assert_int_eq(expect_as_oracle(buf_text(&b)).error, JSON_FINE);
        for (unsigned k = 0; k < DAMAGES; k++) {
            damage(&b, &r);
            refused += expect_as_oracle(buf_text(&b)).error != JSON_FINE;
        }
    }
    ck_assert_uint_gt(refused, TEXTS);
    buf_free(&b);
}
END_TEST

/* Not even close to JSON, and of all lengths around the vectors' and blocks' sizes. */
START_TEST(random_bytes)
{
    static const char likely[] = "\"\"\"\\\\{}[]:,  0123-.eutrfalsn\n\x80\xBF\xC3\xE4\xE0\xED\xF0\xF4";
    struct random_source r;
    char text[200];
    random_seed(&r, 3629);
    for (unsigned i = 0; i < 60000; i++) {
        size_t n = i % sizeof text;
        for (size_t k = 0; k < n; k++)
            text[k] = likely[random_below(&r, sizeof likely)];
        if (n && i % 2) text[0] = '"';
        expect_as_oracle(text_make(text, n));
    }
}
END_TEST

START_TEST(every_level_is_tried)
{
    ck_assert(json_level_works(JSON_PLAIN));
#if defined(__x86_64__)
    ck_assert(json_level_works(JSON_SSE2));
    ck_assert(json_level_works(JSON_AVX2) || !__builtin_cpu_supports("avx2"));
    ck_assert(json_level_works(JSON_AVX512) || !__builtin_cpu_supports("avx512vbmi"));
#endif
    ck_assert(!json_level_works(JSON_LEVELS));
}
END_TEST

TEST_MAIN("json_levels", fragments_across_block_ends, fragments_across_batch_ends, every_pair_of_bytes,
          every_lead_and_second_byte, every_length, random_texts, random_bytes, every_level_is_tried)
