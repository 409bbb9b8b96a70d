/* The promise as a whole: streams in all shapes that our simulator knows, cut after each token and gone on with in each
 * other shape, once and again, are to the client one stream. */
#include "../suite.h"
#include "dsgate/llm/json.h"
#include "dsgate/llm/seam.h"

/* ---- upstreams ---- */

/* Tokens as they stand in JSON; one character is cut in two. */
static const char *const words[] = {"Hel",     "lo,\\n",       "\\\"w\\\\", "\\ud83d",
                                    "\\ude00", "\xE4\xB8\x96", " \\u00e9",  "."};
enum { WORDS = sizeof words / sizeof *words, REASONING_TOKENS = 3, PROMPT_TOKENS = 50 };

/* How an upstream speaks; the bits of a number. */
struct shape {
    bool thinking, short_name, usage_separate, include_usage, legacy;
};
enum { SHAPES = 1 << 5 };

static struct shape shape_of(int bits)
{
    struct shape s = {bits & 1, bits & 2, bits & 4, bits & 8, bits & 16};
    s.thinking = s.thinking && !s.legacy;
    return s;
}

/* What one upstream has to say: tokens from `begin` to the end; the first `reasoning` of all WORDS are reasoning. */
struct speech {
    struct shape shape;
    char who; /* in its id, model and fingerprint */
    int begin, reasoning;
    bool gave_reasoning;
};

static int chunks_of(const struct speech *s) { return 1 + WORDS - s->begin + 1 + s->shape.usage_separate; }

static void put_usage(const struct speech *s, struct buf *out)
{
    int content = s->begin > s->reasoning ? s->begin - s->reasoning : 0;
    int given = content + (s->gave_reasoning ? s->begin - content : 0), prompt = PROMPT_TOKENS + given;
    int thoughts = s->reasoning > s->begin ? s->reasoning - s->begin : 0;
    buf_printf(out,
               ",\"usage\":{\"prompt_tokens\":%d,\"completion_tokens\":%d,\"total_tokens\":%d,"
               "\"prompt_tokens_details\":{\"cached_tokens\":%d}",
               prompt, WORDS - s->begin, prompt + WORDS - s->begin, prompt - 1);
    if (s->shape.thinking) buf_printf(out, ",\"completion_tokens_details\":{\"reasoning_tokens\":%d}", thoughts);
    buf_printf(out, ",\"prompt_cache_hit_tokens\":%d,\"prompt_cache_miss_tokens\":1}", prompt - 1);
}

static void put_delta(const struct speech *s, int chunk, struct buf *out)
{
    bool both = s->shape.thinking && !s->shape.short_name, first = chunk == 0;
    int token = s->begin + chunk - 1;
    const char *word = first || token >= WORDS ? "" : words[token];
    buf_printf(out, "{\"index\":0,\"delta\":{%s", first ? "\"role\":\"assistant\"," : "");
    if (first && both)
        BUF_ADD(out, "\"content\":null,\"reasoning_content\":\"\"");
    else if (!first && token < s->reasoning)
        buf_printf(out, both ? "\"content\":null,\"reasoning_content\":\"%s\"" : "\"reasoning\":\"%s\"", word);
    else
        buf_printf(out, "\"content\":\"%s\"%s", word, both ? ",\"reasoning_content\":null" : "");
    BUF_ADD(out, "}");
}

static void put_text(const struct speech *s, int chunk, struct buf *out)
{
    int token = s->begin + chunk - 1;
    buf_printf(out, "{\"text\":\"%s\",\"index\":0", chunk == 0 || token >= WORDS ? "" : words[token]);
}

/* As src/tools/sim/dialect_chat.c and dialect_text.c write them. */
static void put_chunk(const struct speech *s, int chunk, struct buf *out)
{
    int finish = WORDS - s->begin + 1, usage = finish + s->shape.usage_separate;
    buf_printf(
        out,
        "{\"id\":\"%c-1\",\"object\":\"chunk\",\"created\":%d,\"model\":\"m-%c\",\"system_fingerprint\":\"f-%c\","
        "\"choices\":[",
        s->who, s->who, s->who, s->who);
    if (chunk <= finish) {
        if (s->shape.legacy)
            put_text(s, chunk, out);
        else
            put_delta(s, chunk, out);
        buf_printf(out, ",\"logprobs\":null,\"finish_reason\":%s}", chunk == finish ? "\"stop\"" : "null");
    }
    BUF_ADD(out, "]");
    if (chunk == usage)
        put_usage(s, out);
    else if (s->shape.include_usage)
        BUF_ADD(out, ",\"usage\":null");
    BUF_ADD(out, "}");
}

/* ---- the client ---- */

/* A client, which knows one name of the reasoning. */
struct client {
    struct text reasoning_name;
    struct buf texts[TRANSCRIPT_PARTS];
    int roles, finishes, usages;
    int64_t prompt, completion, total, cached, reasoning, hit, miss;
};

static void free_client(struct client *c)
{
    for (int part = 0; part < TRANSCRIPT_PARTS; part++)
        buf_free(&c->texts[part]);
}

static void read_string(struct text object, struct text name, struct buf *out)
{
    struct text value;
    if (json_get(object, name, &value) == JSON_STRING) buf_append(out, value.p + 1, value.n - 2);
}

static int64_t number(struct text object, struct text name)
{
    int64_t n = -1;
    struct text value;
    json_get(object, name, &value);
    json_to_i64(value, &n);
    return n;
}

static void read_usage(struct client *c, struct text usage)
{
    struct text details;
    c->usages++;
    c->prompt = number(usage, TEXT("prompt_tokens"));
    c->completion = number(usage, TEXT("completion_tokens"));
    c->total = number(usage, TEXT("total_tokens"));
    c->hit = number(usage, TEXT("prompt_cache_hit_tokens"));
    c->miss = number(usage, TEXT("prompt_cache_miss_tokens"));
    json_get(usage, TEXT("prompt_tokens_details"), &details);
    c->cached = number(details, TEXT("cached_tokens"));
    json_get(usage, TEXT("completion_tokens_details"), &details);
    c->reasoning = number(details, TEXT("reasoning_tokens"));
}

static void read_choice(struct client *c, struct text choice)
{
    struct text delta, value;
    json_get(choice, TEXT("delta"), &delta);
    c->roles += json_get(delta, TEXT("role"), &value) != JSON_ABSENT;
    c->finishes += json_get(choice, TEXT("finish_reason"), &value) == JSON_STRING;
    read_string(choice, TEXT("text"), &c->texts[TRANSCRIPT_CONTENT]);
    read_string(delta, TEXT("content"), &c->texts[TRANSCRIPT_CONTENT]);
    read_string(delta, c->reasoning_name, &c->texts[TRANSCRIPT_REASONING]);
}

static void expect_mark(struct text chunk, struct text name, const char *wanted)
{
    struct text value;
    json_get(chunk, name, &value);
    ck_assert_msg(text_is(value, wanted), TEXT_FORMAT, TEXT_ARGS(chunk));
}

/* All chunks look as if the first upstream, A, had sent them. */
static void read_chunk(struct client *c, struct text chunk)
{
    struct text choices, usage;
    if (chunk.n == 0) return;
    ck_assert_int_eq(json_scan(chunk, NULL, 0, NULL, JSON_DEPTH).error, JSON_FINE);
    expect_mark(chunk, TEXT("id"), "\"A-1\"");
    expect_mark(chunk, TEXT("created"), "65");
    expect_mark(chunk, TEXT("model"), "\"m-A\"");
    expect_mark(chunk, TEXT("system_fingerprint"), "\"f-A\"");
    json_get(chunk, TEXT("choices"), &choices);
    for (struct json_iter it = json_iter(choices); json_next(&it);)
        read_choice(c, it.value);
    if (json_get(chunk, TEXT("usage"), &usage) == JSON_OBJECT) read_usage(c, usage);
}

/* ---- seams ---- */

/* One upstream speaks, until it has said `tokens` or all. What it says is noted in t as it comes, and goes to the
 * client through the seam, if there is one. */
static void speak(const struct speech *s, int tokens, struct transcript *t, struct seam *seam, struct client *c)
{
    int end = s->begin + tokens < WORDS ? 1 + tokens : chunks_of(s);
    for (int chunk = 0; chunk < end; chunk++) {
        struct buf came = {0}, mended = {0};
        put_chunk(s, chunk, &came);
        if (seam)
            seam_mend(seam, buf_text(&came), &mended);
        else
            buf_add(&mended, buf_text(&came));
        read_chunk(c, buf_text(&mended));
        if (!transcript_repeats(t, buf_text(&came))) transcript_note(t, buf_text(&came));
        buf_free(&came);
        buf_free(&mended);
    }
}

/* The next upstream goes on from what was sent. */
static void go_on(const struct speech *s, int tokens, struct transcript *sent, struct client *c)
{
    struct transcript more;
    struct seam seam;
    transcript_begin(&more, sent->family, 1000);
    seam_begin(&seam, sent, s->gave_reasoning, false);
    speak(s, tokens, &more, &seam, c);
    transcript_append(sent, &more);
    seam_free(&seam);
    transcript_free(&more);
}

/* The next upstream says `tokens` that are too many, and then how it ended. */
static void hear_end(const struct speech *s, int tokens, struct transcript *sent, struct client *c)
{
    struct seam seam;
    seam_begin(&seam, sent, s->gave_reasoning, true);
    for (int chunk = 0; chunk < chunks_of(s); chunk++) {
        struct buf came = {0}, mended = {0};
        bool is_token = chunk > 0 && chunk <= WORDS - s->begin;
        if (is_token && chunk > tokens) continue;
        put_chunk(s, chunk, &came);
        seam_mend(&seam, buf_text(&came), &mended);
        ck_assert(!is_token || buf_len(&mended) == 0);
        read_chunk(c, buf_text(&mended));
        buf_free(&came);
        buf_free(&mended);
    }
    seam_free(&seam);
}

static void expect_words(const struct buf *text, int from, int to)
{
    struct buf wanted = {0};
    for (int i = from; i < to; i++)
        buf_add(&wanted, text_of(words[i]));
    ck_assert_msg(text_eq(buf_text(text), buf_text(&wanted)), TEXT_FORMAT, TEXT_ARGS(buf_text(text)));
    buf_free(&wanted);
}

/* One end, and usage that adds up to so many tokens. */
static void expect_end(const struct client *c, int completion, int reasoning)
{
    ck_assert_int_eq(c->finishes, 1);
    ck_assert_int_eq(c->usages, 1);
    ck_assert_int_eq(c->prompt, PROMPT_TOKENS);
    ck_assert_int_eq(c->completion, completion);
    ck_assert_int_eq(c->total, PROMPT_TOKENS + completion);
    ck_assert_int_eq(c->reasoning, reasoning);
    ck_assert_int_eq(c->cached, c->hit);
    ck_assert_int_eq(c->hit + c->miss, PROMPT_TOKENS);
}

static void expect_whole(const struct client *c, const struct speech *first, const struct transcript *sent)
{
    expect_words(&c->texts[TRANSCRIPT_REASONING], 0, first->reasoning);
    expect_words(&c->texts[TRANSCRIPT_CONTENT], first->reasoning, WORDS);
    expect_words(&sent->texts[TRANSCRIPT_REASONING], 0, first->reasoning);
    expect_words(&sent->texts[TRANSCRIPT_CONTENT], first->reasoning, WORDS);
    ck_assert_int_eq(c->roles, first->shape.legacy ? 0 : 1);
    expect_end(c, WORDS, first->shape.thinking ? first->reasoning : -1);
}

/* Cut after `cuts[0]` tokens and, if there is one, after `cuts[1]`. Upstreams are only given a part of the reasoning to
 * go on from when it was all that had come. */
static void play(int first_bits, int second_bits, const int cuts[2])
{
    struct shape a = shape_of(first_bits), b = shape_of(second_bits);
    struct client c = {.reasoning_name = a.short_name ? TEXT("reasoning") : TEXT("reasoning_content")};
    struct transcript sent;
    if (a.thinking != b.thinking || a.legacy != b.legacy) return;
    int reasoning = a.thinking ? REASONING_TOKENS : 0;
    struct speech speeches[] = {{a, 'A', 0, reasoning}, {b, 'B', cuts[0], reasoning}, {a, 'C', cuts[1], reasoning}};
    speeches[1].gave_reasoning = cuts[0] <= reasoning || second_bits & 4;
    speeches[2].gave_reasoning = cuts[1] <= reasoning || first_bits & 4;
    transcript_begin(&sent, a.legacy ? FAMILY_COMPLETION : FAMILY_CHAT, 1000);
    speak(&speeches[0], cuts[0], &sent, NULL, &c);
    go_on(&speeches[1], cuts[1] - cuts[0], &sent, &c);
    if (cuts[1] < WORDS) go_on(&speeches[2], WORDS, &sent, &c);
    expect_whole(&c, &speeches[0], &sent);
    transcript_free(&sent);
    free_client(&c);
}

START_TEST(a_stream_with_seams_is_one_stream)
{
    for (int second = 0; second < SHAPES; second++)
        for (int cut = 1; cut < WORDS; cut++)
            for (int again = cut; again <= WORDS; again++)
                play(_i, second, (const int[]){cut, again});
}
END_TEST

/* The client's limit lets it have `cut` tokens; the first upstream breaks before it has said so, and the next one says
 * `more` tokens: one, as it was told, or what it likes. */
static void play_to_limit(int first_bits, int second_bits, int cut, int more)
{
    struct shape a = shape_of(first_bits), b = shape_of(second_bits);
    struct client c = {.reasoning_name = a.short_name ? TEXT("reasoning") : TEXT("reasoning_content")};
    struct transcript sent;
    if (a.thinking != b.thinking || a.legacy != b.legacy) return;
    int reasoning = a.thinking ? REASONING_TOKENS : 0, thoughts = cut < reasoning ? cut : reasoning;
    struct speech first = {a, 'A', 0, reasoning}, next = {b, 'B', cut, reasoning, second_bits & 4};
    transcript_begin(&sent, a.legacy ? FAMILY_COMPLETION : FAMILY_CHAT, 1000);
    speak(&first, cut, &sent, NULL, &c);
    hear_end(&next, more, &sent, &c);
    expect_words(&c.texts[TRANSCRIPT_REASONING], 0, thoughts);
    expect_words(&c.texts[TRANSCRIPT_CONTENT], thoughts, cut);
    ck_assert_int_eq(c.roles, a.legacy ? 0 : 1);
    expect_end(&c, cut, a.thinking ? thoughts : -1);
    transcript_free(&sent);
    free_client(&c);
}

START_TEST(nothing_is_said_beyond_the_limit)
{
    for (int second = 0; second < SHAPES; second++)
        for (int cut = 1; cut < WORDS; cut++)
            for (int more = 0; more <= WORDS - cut; more++)
                play_to_limit(_i, second, cut, more);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, a_stream_with_seams_is_one_stream, 0, SHAPES);
    tcase_add_loop_test(tests, nothing_is_said_beyond_the_limit, 0, SHAPES);
}

TEST_MAIN_ADDING("seam_streams", add_tests)
