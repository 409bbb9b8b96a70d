/* What becomes of a chunk behind the seam, byte for byte. */
#include "../suite.h"
#include "dsgate/llm/json.h"
#include "dsgate/llm/seam.h"
#include <stdio.h>

#define OLD \
    "\"id\":\"old\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"system_fingerprint\":\"f\""
#define NEW \
    "\"id\":\"a new one\",\"object\":\"chat.completion.chunk\",\"created\":1764660903,\"model\":\"other/m\"," \
    "\"system_fingerprint\":null"
#define DELTA(delta)    ",\"choices\":[{\"index\":0,\"delta\":{" delta "},\"logprobs\":null,\"finish_reason\":null}]"
#define CAME(delta)     "{" NEW DELTA(delta) "}"
#define MENDED(delta)   "{" OLD DELTA(delta) "}"
#define USAGE(usage)    ",\"choices\":[],\"usage\":{" usage "}}"
#define CALL(arguments) "\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"" arguments "\"}}]"
#define FIM(id, text)   "{\"id\":\"" id "\",\"choices\":[{\"text\":\"" text "\",\"index\":0,\"finish_reason\":null}]}"

/* What the client has. The first two: three tokens of reasoning and two of content. */
enum sent { SENT_DEEPSEEK, SENT_VLLM, SENT_LEGACY, SENT_NAMELESS, SENT_NOTHING };

static const struct {
    enum endpoint_family family;
    const char *chunks[5];
} sent_chunks[] = {
    [SENT_DEEPSEEK] = {FAMILY_CHAT,
                       {"{" OLD DELTA("\"content\":null,\"reasoning_content\":\"1\"") "}",
                        "{" OLD DELTA("\"content\":null,\"reasoning_content\":\"2\"") "}",
                        "{" OLD DELTA("\"content\":null,\"reasoning_content\":\"3\"") "}",
                        "{" OLD DELTA("\"content\":\"4\"") "}", "{" OLD DELTA("\"content\":\"5\"") "}"}},
    [SENT_VLLM] = {FAMILY_CHAT,
                   {"{" OLD DELTA("\"reasoning\":\"1\"") "}", "{" OLD DELTA("\"reasoning\":\"2\"") "}",
                    "{" OLD DELTA("\"reasoning\":\"3\"") "}", "{" OLD DELTA("\"content\":\"4\"") "}",
                    "{" OLD DELTA("\"content\":\"5\"") "}"}},
    [SENT_LEGACY] = {FAMILY_COMPLETION, {FIM("old", "1"), FIM("old", "2")}},
    [SENT_NAMELESS] = {FAMILY_CHAT, {"{\"choices\":[{\"delta\":{\"content\":\"1\"}}]}"}},
    [SENT_NOTHING] = {FAMILY_CHAT, {NULL}},
};

static void begin_sent(struct transcript *t, enum sent sent)
{
    transcript_begin(t, sent_chunks[sent].family, 1000);
    for (int i = 0; i < 5 && sent_chunks[sent].chunks[i]; i++)
        transcript_note(t, text_of(sent_chunks[sent].chunks[i]));
}

/* Reads from a copy that lies alone in memory and is gone afterwards. */
static void give(struct seam *s, struct text chunk, struct buf *out)
{
    char *alone = malloc(chunk.n ? chunk.n : 1);
    if (chunk.n) memcpy(alone, chunk.p, chunk.n);
    seam_mend(s, text_make(alone, chunk.n), out);
    free(alone);
}

static const struct sample {
    const char *name;
    enum sent sent;
    bool gave_reasoning;
    const char *came, *mended; /* NULL: nothing; "": as it came */
} samples[] = {
    {"text", SENT_DEEPSEEK, false, CAME("\"content\":\"x\""), MENDED("\"content\":\"x\"")},
    {"reasoning beside null", SENT_DEEPSEEK, false, CAME("\"content\":null,\"reasoning_content\":\"x\""),
     MENDED("\"content\":null,\"reasoning_content\":\"x\"")},
    {"legacy text", SENT_LEGACY, false, FIM("new", "x"), FIM("old", "x")},
    {"legacy empty text", SENT_LEGACY, false, FIM("new", ""), NULL},
    {"white space, escaped keys, other order", SENT_DEEPSEEK, false,
     " { \"choices\" : [ { \"delta\" : { \"content\" : \"x\" } } ] ,\n\"i\\u0064\" : \"new\" , \"created\":2.5 } ",
     " { \"choices\" : [ { \"delta\" : { \"content\" : \"x\" } } ] ,\n\"i\\u0064\" : \"old\" , \"created\":1 } "},
    {"marks of any type", SENT_DEEPSEEK, false, "{\"id\":[{}],\"model\":{\"a\":1},\"x\":1}",
     "{\"id\":\"old\",\"model\":\"m\",\"x\":1}"},
    {"marks that were never given stay", SENT_NAMELESS, false, CAME("\"content\":\"x\""), ""},
    {"marks elsewhere stay", SENT_DEEPSEEK, false,
     "{\"x\":{\"id\":1},\"choices\":[{\"id\":2,\"delta\":{\"content\":\"x\"}}]}", ""},

    /* nothing new */
    {"role", SENT_DEEPSEEK, false, CAME("\"role\":\"assistant\",\"content\":\"\""), NULL},
    {"role, thinking", SENT_DEEPSEEK, false, CAME("\"role\":\"assistant\",\"content\":null,\"reasoning_content\":\"\""),
     NULL},
    {"empty text", SENT_DEEPSEEK, false, CAME("\"content\":\"\""), NULL},
    {"empty delta", SENT_DEEPSEEK, false, CAME(""), NULL},
    {"no tool calls", SENT_DEEPSEEK, false, CAME("\"tool_calls\":[],\"refusal\":null"), NULL},
    {"no choices", SENT_DEEPSEEK, false, "{" NEW ",\"choices\":[],\"usage\":null,\"service_tier\":\"default\"}", NULL},
    {"an empty object", SENT_DEEPSEEK, false, "{}", NULL},
    {"no delta", SENT_DEEPSEEK, false, "{\"choices\":[{\"index\":0,\"delta\":null,\"finish_reason\":null}]}", NULL},

    /* the role */
    {"role before text", SENT_DEEPSEEK, false, CAME("\"role\":\"assistant\",\"content\":\"x\""),
     MENDED("\"content\":\"x\"")},
    {"role behind text", SENT_DEEPSEEK, false, CAME("\"content\":\"x\" ,\n \"role\" : \"assistant\" "),
     MENDED("\"content\":\"x\"  ")},
    {"role between", SENT_DEEPSEEK, false, CAME("\"content\":\"x\", \"role\":\"assistant\" , \"y\":[1]"),
     MENDED("\"content\":\"x\", \"y\":[1]")},
    {"role alone, at the end", SENT_DEEPSEEK, false,
     "{\"choices\":[{\"delta\":{ \"role\":\"assistant\" },\"finish_reason\":\"stop\"}]}",
     "{\"choices\":[{\"delta\":{  },\"finish_reason\":\"stop\"}]}"},
    {"a role twice", SENT_NAMELESS, false, "{\"choices\":[{\"delta\":{\"role\":\"a\",\"role\":\"b\"}}]}",
     "{\"choices\":[{\"delta\":{\"role\":\"a\"}}]}"},

    /* the name of the reasoning */
    {"vllm after deepseek", SENT_DEEPSEEK, false, CAME("\"reasoning\":\"x\""), MENDED("\"reasoning_content\":\"x\"")},
    {"deepseek after vllm", SENT_VLLM, false, CAME("\"content\":null,\"reasoning_content\":\"x\""),
     MENDED("\"content\":null,\"reasoning\":\"x\"")},
    {"null is called the same", SENT_VLLM, false, CAME("\"content\":\"x\",\"reasoning_content\":null"),
     MENDED("\"content\":\"x\",\"reasoning\":null")},
    {"vllm after vllm", SENT_VLLM, false, CAME("\"reasoning\":\"x\""), MENDED("\"reasoning\":\"x\"")},
    {"both, the wanted one null", SENT_DEEPSEEK, false, CAME("\"reasoning\":\"x\",\"reasoning_content\":null"),
     MENDED("\"reasoning_content\":\"x\",\"reasoning\":null")},
    {"both, the other one null", SENT_DEEPSEEK, false, CAME("\"reasoning\":null,\"reasoning_content\":\"x\""),
     MENDED("\"reasoning\":null,\"reasoning_content\":\"x\"")},
    {"both null", SENT_DEEPSEEK, false, CAME("\"content\":\"x\",\"reasoning\":null,\"reasoning_content\":null"),
     MENDED("\"content\":\"x\",\"reasoning\":null,\"reasoning_content\":null")},
    {"both the same", SENT_DEEPSEEK, false, CAME("\"reasoning\":\"x\",\"reasoning_content\":\"x\""),
     MENDED("\"reasoning\":\"x\",\"reasoning_content\":\"x\"")},
    {"never named", SENT_NAMELESS, false, "{\"choices\":[{\"delta\":{\"reasoning\":\"x\"}}]}", ""},

    /* what else goes on */
    {"tool call", SENT_DEEPSEEK, false, CAME("\"role\":\"assistant\",\"content\":null," CALL("{")),
     MENDED("\"content\":null," CALL("{"))},
    {"a tool call's name", SENT_DEEPSEEK, false, CAME("\"tool_calls\":[{\"id\":\"c\"}]"),
     MENDED("\"tool_calls\":[{\"id\":\"c\"}]")},
    {"refusal", SENT_DEEPSEEK, false, CAME("\"refusal\":\"No\""), MENDED("\"refusal\":\"No\"")},
    {"an error", SENT_DEEPSEEK, false, "{\"error\":{\"message\":\"x\",\"code\":500}}", ""},
    {"a member nobody knows", SENT_DEEPSEEK, false, "{\"id\":\"new\",\"choices\":[],\"prompt_filter_results\":[{}]}",
     "{\"id\":\"old\",\"choices\":[],\"prompt_filter_results\":[{}]}"},
    {"logprobs", SENT_NOTHING, false, "{\"choices\":[{\"delta\":{},\"logprobs\":{\"content\":[]}}]}", ""},
    {"another choice", SENT_NOTHING, false, "{\"choices\":[{\"index\":1,\"delta\":{}}]}", ""},
    {"the end", SENT_DEEPSEEK, false,
     "{" NEW ",\"choices\":[{\"delta\":{\"content\":\"\"},\"finish_reason\":\"stop\"}]}",
     "{" OLD ",\"choices\":[{\"delta\":{\"content\":\"\"},\"finish_reason\":\"stop\"}]}"},
    {"an array", SENT_DEEPSEEK, false, "[{\"id\":\"new\"}]", ""},
    {"a string", SENT_DEEPSEEK, false, "\"Internal Server Error\"", ""},
    {"a number", SENT_DEEPSEEK, false, " 7 ", ""},
    {"null", SENT_DEEPSEEK, false, "null", ""},
    {"choices are an object", SENT_DEEPSEEK, false, "{\"choices\":{\"delta\":{\"role\":\"a\"}}}", ""},
    {"a choice is an array", SENT_DEEPSEEK, false, "{\"choices\":[[{\"delta\":{\"role\":\"a\"}}]]}", ""},
    {"delta is an array", SENT_DEEPSEEK, false, "{\"choices\":[{\"delta\":[\"role\",\"content\"]}]}", ""},

    /* usage: 2 tokens of content and 3 of reasoning were sent */
    {"usage of its own", SENT_DEEPSEEK, true,
     "{" NEW USAGE("\"prompt_tokens\":105,\"completion_tokens\":10,\"total_tokens\":115"),
     "{" OLD USAGE("\"prompt_tokens\":100,\"completion_tokens\":15,\"total_tokens\":115")},
    {"reasoning was not given", SENT_DEEPSEEK, false,
     "{" NEW USAGE("\"total_tokens\": 112, \"prompt_tokens\": 102, \"completion_tokens\": 10"),
     "{" OLD USAGE("\"total_tokens\": 115, \"prompt_tokens\": 100, \"completion_tokens\": 15")},
    {"on the last chunk, with details", SENT_DEEPSEEK, true,
     "{" NEW
     ",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":\"stop\"}],"
     "\"usage\":{\"prompt_tokens\":23,\"completion_tokens\":345,\"total_tokens\":368,\"prompt_tokens_details\":{"
     "\"cached_tokens\":20},\"completion_tokens_details\":{\"reasoning_tokens\":315},\"prompt_cache_hit_tokens\":20,"
     "\"prompt_cache_miss_tokens\":3}}",
     "{" OLD ",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"},\"finish_reason\":\"stop\"}],"
     "\"usage\":{\"prompt_tokens\":18,\"completion_tokens\":350,\"total_tokens\":368,\"prompt_tokens_details\":{"
     "\"cached_tokens\":18},\"completion_tokens_details\":{\"reasoning_tokens\":318},\"prompt_cache_hit_tokens\":18,"
     "\"prompt_cache_miss_tokens\":0}}"},
    {"usage before the choices", SENT_DEEPSEEK, true,
     "{\"usage\":{\"completion_tokens\":1},\"id\":\"new\",\"choices\":[{\"delta\":{\"role\":\"a\",\"content\":\"x\"}}]"
     "}",
     "{\"usage\":{\"completion_tokens\":6},\"id\":\"old\",\"choices\":[{\"delta\":{\"content\":\"x\"}}]}"},
    {"a smaller cache stays", SENT_DEEPSEEK, true,
     "{" NEW USAGE("\"prompt_tokens\":105,\"prompt_cache_hit_tokens\":64,\"prompt_cache_miss_tokens\":41"),
     "{" OLD USAGE("\"prompt_tokens\":100,\"prompt_cache_hit_tokens\":64,\"prompt_cache_miss_tokens\":36")},
    {"a miss without a hit", SENT_DEEPSEEK, true,
     "{" NEW USAGE("\"prompt_tokens\":105,\"prompt_cache_miss_tokens\":41"),
     "{" OLD USAGE("\"prompt_tokens\":100,\"prompt_cache_miss_tokens\":41")},
    {"never negative", SENT_DEEPSEEK, true,
     "{" NEW USAGE("\"prompt_tokens\":3,\"completion_tokens\":1,\"total_tokens\":4,\"prompt_cache_hit_tokens\":3,"
                   "\"prompt_cache_miss_tokens\":0"),
     "{" OLD USAGE("\"prompt_tokens\":0,\"completion_tokens\":6,\"total_tokens\":6,\"prompt_cache_hit_tokens\":0,"
                   "\"prompt_cache_miss_tokens\":0")},
    {"counts that make no sense", SENT_DEEPSEEK, true,
     "{" NEW USAGE("\"prompt_tokens\":-7,\"completion_tokens\":1.5,\"total_tokens\":9,\"prompt_cache_hit_tokens\":3,"
                   "\"prompt_cache_miss_tokens\":\"4\""),
     "{" OLD USAGE("\"prompt_tokens\":-7,\"completion_tokens\":1.5,\"total_tokens\":9,\"prompt_cache_hit_tokens\":3,"
                   "\"prompt_cache_miss_tokens\":\"4\"")},
    {"absurd counts", SENT_DEEPSEEK, true,
     "{" NEW USAGE("\"prompt_tokens\":1000000001,\"completion_tokens\":9223372036854775807,\"total_tokens\":1e3"),
     "{" OLD USAGE("\"prompt_tokens\":1000000001,\"completion_tokens\":9223372036854775807,\"total_tokens\":1e3")},
    {"the largest count", SENT_DEEPSEEK, true, "{" NEW USAGE("\"completion_tokens\":1000000000"),
     "{" OLD USAGE("\"completion_tokens\":1000000005")},
    {"a total of one", SENT_DEEPSEEK, true, "{" NEW USAGE("\"completion_tokens\":1,\"total_tokens\":4"),
     "{" OLD USAGE("\"completion_tokens\":6,\"total_tokens\":4")},
    {"details of other types", SENT_DEEPSEEK, true,
     "{" NEW USAGE("\"prompt_tokens_details\":[\"cached_tokens\",9],\"completion_tokens_details\":null,\"x\":1"),
     "{" OLD USAGE("\"prompt_tokens_details\":[\"cached_tokens\",9],\"completion_tokens_details\":null,\"x\":1")},
    {"usage is an array", SENT_NAMELESS, true, "{\"usage\":[{\"prompt_tokens\":5}]}", ""},
    {"usage is a number", SENT_NAMELESS, true, "{\"usage\":5}", ""},
    {"a count twice", SENT_DEEPSEEK, true, "{\"usage\":{\"completion_tokens\":1,\"completion_tokens\":2}}",
     "{\"usage\":{\"completion_tokens\":6,\"completion_tokens\":2}}"},
    {"nothing was sent", SENT_NOTHING, true,
     "{\"id\":\"a\","
     "\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2,\"total_tokens\":7}}",
     ""},
    {"legacy usage", SENT_LEGACY, false,
     "{\"id\":\"new\",\"choices\":[{\"text\":\"\",\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":7,"
     "\"completion_tokens\":4,\"total_tokens\":11}}",
     "{\"id\":\"old\",\"choices\":[{\"text\":\"\",\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":5,"
     "\"completion_tokens\":6,\"total_tokens\":11}}"},
};

/* Twice, as the second time may be done by comparison, and behind what is in `out` already. */
static void ck_mended(const struct sample *row, bool spent)
{
    struct transcript sent;
    struct seam s;
    struct text came = text_of(row->came), wanted = row->mended && !*row->mended ? came : text_of(row->mended);
    ck_assert_int_eq(json_scan(came, NULL, 0, NULL, JSON_DEPTH).error, JSON_FINE);
    begin_sent(&sent, row->sent);
    seam_begin(&s, &sent, row->gave_reasoning, spent);
    for (int times = 0; times < 2; times++) {
        struct buf out = {0};
        BUF_ADD(&out, "data: ");
        give(&s, came, &out);
        struct text mended = text_from(buf_text(&out), 6);
        ck_assert_msg(text_eq(mended, wanted), "%s: " TEXT_FORMAT, row->name, TEXT_ARGS(mended));
        buf_free(&out);
    }
    seam_free(&s);
    transcript_free(&sent);
}

START_TEST(mends) { ck_mended(&samples[_i], false); }
END_TEST

/* The client has all the tokens it allows: 5, or 2 of the legacy kind. */
static const struct sample ends[] = {
    {"text", SENT_DEEPSEEK, true, CAME("\"content\":\"x\""), NULL},
    {"reasoning", SENT_DEEPSEEK, true, CAME("\"content\":null,\"reasoning_content\":\"x\""), NULL},
    {"reasoning by both names", SENT_VLLM, true, CAME("\"reasoning\":\"x\",\"reasoning_content\":\"x\""), NULL},
    {"role and text", SENT_DEEPSEEK, true, CAME("\"role\":\"assistant\",\"content\":\"x\""), NULL},
    {"legacy text", SENT_LEGACY, true, FIM("new", "x"), NULL},
    {"tool call", SENT_DEEPSEEK, true, CAME(CALL("{")), NULL},
    {"refusal", SENT_DEEPSEEK, true, CAME("\"refusal\":\"No\""), NULL},
    {"a text twice", SENT_DEEPSEEK, true, CAME("\"content\":\"x\",\"content\":\"y\""), NULL},
    {"empty delta", SENT_DEEPSEEK, true, CAME(""), NULL},

    {"text beside what is not known", SENT_DEEPSEEK, true, "{\"provider\":\"p\"" DELTA("\"content\":\"x\"") "}",
     "{\"provider\":\"p\",\"choices\":[{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":null}]}"},
    {"an error", SENT_DEEPSEEK, true, "{\"error\":{\"message\":\"x\",\"code\":500}}", ""},
    {"no object", SENT_DEEPSEEK, true, "[1]", ""},

    {"the end", SENT_DEEPSEEK, true,
     "{" NEW ",\"choices\":[{\"finish_reason\" : \"stop\",\"delta\": {\"content\":\"\"} }]}",
     "{" OLD ",\"choices\":[{\"finish_reason\" : \"length\",\"delta\": {} }]}"},
    {"the end, of length", SENT_DEEPSEEK, true, "{" NEW ",\"choices\":[{\"delta\":{},\"finish_reason\":\"length\"}]}",
     "{" OLD ",\"choices\":[{\"delta\":{},\"finish_reason\":\"length\"}]}"},
    {"the end, of a call", SENT_DEEPSEEK, true,
     "{" NEW ",\"choices\":[{\"delta\":{" CALL("}") "},\"finish_reason\":\"tool_calls\"}]}",
     "{" OLD ",\"choices\":[{\"delta\":{},\"finish_reason\":\"length\"}]}"},
    {"the end, with role, text and reasoning", SENT_VLLM, true,
     "{" NEW ",\"choices\":[{\"delta\":{\"reasoning_content\":\"x\",\"role\":\"assistant\",\"content\":\"y\"},"
     "\"finish_reason\":\"stop\"}]}",
     "{" OLD ",\"choices\":[{\"delta\":{},\"finish_reason\":\"length\"}]}"},
    {"the end, without a delta", SENT_DEEPSEEK, true, "{\"choices\":[{\"delta\":null,\"finish_reason\":\"stop\"}]}",
     "{\"choices\":[{\"delta\":null,\"finish_reason\":\"length\"}]}"},

    {"usage, of one token too many", SENT_DEEPSEEK, true,
     "{" NEW USAGE("\"prompt_tokens\":105,\"completion_tokens\":1,\"total_tokens\":106"),
     "{" OLD USAGE("\"prompt_tokens\":100,\"completion_tokens\":5,\"total_tokens\":105")},
    {"usage, of many more", SENT_DEEPSEEK, false,
     "{" NEW USAGE("\"prompt_tokens\":102,\"completion_tokens\":70,\"total_tokens\":172,"
                   "\"completion_tokens_details\":{\"reasoning_tokens\":60}"),
     "{" OLD USAGE("\"prompt_tokens\":100,\"completion_tokens\":5,\"total_tokens\":105,"
                   "\"completion_tokens_details\":{\"reasoning_tokens\":3}")},
    {"usage, of none", SENT_DEEPSEEK, true,
     "{" NEW USAGE("\"prompt_tokens\":105,\"completion_tokens\":0,\"total_tokens\":105"),
     "{" OLD USAGE("\"prompt_tokens\":100,\"completion_tokens\":5,\"total_tokens\":105")},
    {"usage without counts", SENT_DEEPSEEK, true, "{" NEW USAGE("\"completion_tokens\":-1,\"total_tokens\":4"),
     "{" OLD USAGE("\"completion_tokens\":-1,\"total_tokens\":4")},
    {"the end and usage, legacy", SENT_LEGACY, false,
     "{\"id\":\"new\",\"choices\":[{\"text\":\"x\",\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":7,"
     "\"completion_tokens\":1,\"total_tokens\":8}}",
     "{\"id\":\"old\",\"choices\":[{\"text\":\"\",\"finish_reason\":\"length\"}],\"usage\":{\"prompt_tokens\":5,"
     "\"completion_tokens\":2,\"total_tokens\":7}}"},
};

START_TEST(only_the_end_is_shown) { ck_mended(&ends[_i], true); }
END_TEST

static struct usage usage_in(struct text chunk)
{
    struct answer_facts facts = {0};
    answer_read_event(&facts, FAMILY_CHAT, TEXT_NONE, chunk, false);
    return facts.usage;
}

/* What the client is told is what is counted. Counts that the upstream does not tell (often reasoning) still count, and
 * one that it tells twice, differently, may be either.
 */
static void ck_usage(const struct sample *row, bool spent)
{
    struct transcript sent;
    struct seam s;
    struct usage came = usage_in(text_of(row->came)), told = usage_in(text_of(row->mended)), counted = came;
    if (!came.known || !row->mended || !*row->mended || !strcmp(row->name, "a count twice")) return;
    begin_sent(&sent, row->sent);
    seam_begin(&s, &sent, row->gave_reasoning, spent);
    seam_correct_usage(&s, &counted);
    ck_assert_msg(counted.prompt == told.prompt && counted.cached == told.cached, "%s: the prompt", row->name);
    if (came.completion && told.completion)
        ck_assert_msg(counted.completion == told.completion, "%s: the completion", row->name);
    if (came.reasoning) ck_assert_msg(counted.reasoning == told.reasoning, "%s: the reasoning", row->name);
    seam_free(&s);
    transcript_free(&sent);
}

START_TEST(usage_is_counted_as_it_is_told)
{
    for (size_t i = 0; i < COUNT(samples); i++)
        ck_usage(&samples[i], false);
    for (size_t i = 0; i < COUNT(ends); i++)
        ck_usage(&ends[i], true);
}
END_TEST

/* Shapes come and go; each chunk is mended as a seam would that has seen no other. */
START_TEST(chunks_do_not_depend_on_each_other)
{
    static const char *const chunks[] = {
        CAME("\"role\":\"assistant\",\"content\":\"\""),
        CAME("\"reasoning\":\"a\""),
        CAME("\"reasoning\":\"\\n\\\"\""),
        CAME("\"content\":\"b\""),
        CAME("\"content\":\"\""),
        CAME("\"content\":\"a longer one\""),
        CAME("\"content\":\"c\",\"role\":\"assistant\""),
        CAME("\"content\":\"d\",\"role\":\"assistant\""),
        CAME(CALL("{\\\"")),
        CAME(CALL("a")),
        CAME("\"content\":\"e\""),
        "{" NEW USAGE("\"completion_tokens\":1"),
        "{" NEW DELTA("\"content\":\"f\"") ",\"usage\":{\"completion_tokens\":1}}",
        CAME("\"content\":\"g\""),
        "{\"provider\":\"p\"" DELTA("\"content\":\"h\"") "}",
        "{\"provider\":\"p\"" DELTA("\"content\":\"\"") "}",
    };
    struct transcript sent;
    struct seam old;
    begin_sent(&sent, SENT_DEEPSEEK);
    seam_begin(&old, &sent, true, false);
    for (int i = 0; i < COUNT(chunks) * COUNT(chunks); i++) {
        struct text chunk = text_of(chunks[i % 2 ? i % COUNT(chunks) : i / COUNT(chunks)]);
        struct buf by_old = {0}, by_fresh = {0};
        struct seam fresh;
        seam_begin(&fresh, &sent, true, false);
        give(&old, chunk, &by_old);
        give(&fresh, chunk, &by_fresh);
        ck_assert_msg(text_eq(buf_text(&by_old), buf_text(&by_fresh)), TEXT_FORMAT, TEXT_ARGS(buf_text(&by_old)));
        seam_free(&fresh);
        buf_free(&by_old);
        buf_free(&by_fresh);
    }
    seam_free(&old);
    transcript_free(&sent);
}
END_TEST

/* Shapes that are too long for a stencil before the mending, behind it, or both, by turns with one that is not. */
static void put_long(struct buf *out, const char *id, int filling, int token)
{
    buf_printf(out, "{\"id\":\"%s\",\"x\":\"%0*d\"" DELTA("\"content\":\"%d\"") "}", id, filling, 0, token);
}

START_TEST(long_shapes)
{
    static const int lengths[] = {1800, 1930, 2000, 3000};
    static const char *const ids[] = {"1",
                                      "an id that is so long that it matters much whether it is that one or the other"};
    for (int i = 0; i < 2 * COUNT(lengths); i++) {
        const char *id = ids[i % 2], *new_id = ids[1 - i % 2];
        struct transcript sent;
        struct seam s;
        struct buf first = {0};
        put_long(&first, id, 1, 0);
        transcript_begin(&sent, FAMILY_CHAT, 100);
        transcript_note(&sent, buf_text(&first));
        seam_begin(&s, &sent, false, false);
        for (int token = 0; token < 8; token++) {
            struct buf came = {0}, wanted = {0}, mended = {0};
            int filling = token / 2 % 2 ? lengths[i / 2] : 1;
            put_long(&came, new_id, filling, token);
            put_long(&wanted, id, filling, token);
            give(&s, buf_text(&came), &mended);
            ck_assert_msg(text_eq(buf_text(&mended), buf_text(&wanted)), "%d: " TEXT_FORMAT, lengths[i / 2],
                          TEXT_ARGS(buf_text(&mended)));
            buf_free(&came);
            buf_free(&wanted);
            buf_free(&mended);
        }
        seam_free(&s);
        transcript_free(&sent);
        buf_free(&first);
    }
}
END_TEST

START_TEST(large_chunks_are_harmless)
{
    struct transcript sent;
    struct seam s;
    struct buf chunk = {0}, out = {0};
    begin_sent(&sent, SENT_VLLM);
    seam_begin(&s, &sent, true, false);
    BUF_ADD(&chunk, "{\"choices\":[{\"delta\":{\"role\":\"a\",\"reasoning_content\":\"");
    for (int i = 0; i < 5000000; i++)
        BUF_ADD(&chunk, "\\n");
    BUF_ADD(&chunk, "\"}}]}");
    give(&s, buf_text(&chunk), &out);
    give(&s, buf_text(&chunk), &out);
    size_t shorter = sizeof("\"role\":\"a\",_content") - 1;
    ck_assert_uint_eq(buf_len(&out), 2 * (buf_len(&chunk) - shorter));
    ck_assert(text_starts(buf_text(&out), TEXT("{\"choices\":[{\"delta\":{\"reasoning\":\"\\n\\n")));
    buf_free(&chunk);
    buf_free(&out);
    seam_free(&s);
    transcript_free(&sent);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, mends, 0, COUNT(samples));
    tcase_add_loop_test(tests, only_the_end_is_shown, 0, COUNT(ends));
    tcase_add_test(tests, usage_is_counted_as_it_is_told);
    tcase_add_test(tests, chunks_do_not_depend_on_each_other);
    tcase_add_test(tests, long_shapes);
    tcase_add_test(tests, large_chunks_are_harmless);
}

TEST_MAIN_ADDING("seam", add_tests)
