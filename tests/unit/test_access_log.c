#include "access_fixture.h"

static void read_file(const char *name, struct buf *out)
{
    int fd = open(name, O_RDONLY);
    ck_assert_int_ge(fd, 0);
    read_into(fd, out);
    close(fd);
}

/* What one entry looks like in the file. */
static void written(const struct access_entry *e, struct buf *out)
{
    struct access_file *f = open_file(path);
    struct access_log *l = access_log_new(f, loop);
    access_log_add(l, e);
    access_log_free(l);
    access_file_close(f);
    read_file(path, out);
    ck_assert_int_eq(unlink(path), 0);
}

static void must_be(struct buf *have, const char *wanted)
{
    buf_add_byte(have, '\0');
    ck_assert_str_eq(have->data, wanted);
    buf_free(have);
}

START_TEST(test_a_line_with_everything)
{
    static const struct access_step steps[] = {{"admit", 20}, {"queue", 1000}, {"dispatch", 1234567}};
    struct access_entry e = {.wall = WALL,
                             .request_id = TEXT("r-1"),
                             .trace_id = TEXT("4bf92f3577b34da6a3ce929d0e0e4736"),
                             .peer = TEXT("127.0.0.1:40412"),
                             .method = TEXT("POST"),
                             .path = TEXT("/v1/chat/completions?key=secret"),
                             .model = TEXT("deepseek-flash"),
                             .endpoint = "chat",
                             .class = "P1",
                             .caller = "app \"one\"",
                             .status = 200,
                             .error = "upstream_cut",
                             .upstream = "ark",
                             .upstream_trace = TEXT("tr-9"),
                             .attempts = 3,
                             .streamed = true,
                             .client_gone = true,
                             .cut = true,
                             .bytes_in = 1024,
                             .bytes_out = UINT64_MAX,
                             .duration = 1234567,
                             .first_token = 9,
                             .steps = steps,
                             .step_count = 3,
                             .usage = {true, 18, 345, 0, 315},
                             .finish = FINISH_STOP,
                             .reasons = "busy,connect",
                             .detail = "127.0.0.1:9: \"no\"",
                             .oddity = "ended_twice",
                             .fallback = "model:deepseek-v4-pro",
                             .hedges = 1,
                             .continued = 2,
                             .wasted = UINT64_MAX,
                             .plain_stream = true,
                             .cache = CACHE_RESULT_STALE,
                             .cache_age = 71999999,
                             .saved = 363};
    struct buf line = {0};
    written(&e, &line);
    must_be(&line,
            "{\"time\":\"2026-11-21T07:52:21.123Z\",\"request_id\":\"r-1\","
            "\"trace_id\":\"4bf92f3577b34da6a3ce929d0e0e4736\",\"peer\":\"127.0.0.1:40412\",\"method\":\"POST\","
            "\"path\":\"/v1/chat/completions\",\"endpoint\":\"chat\",\"model\":\"deepseek-flash\","
            "\"class\":\"P1\",\"caller\":\"app \\\"one\\\"\",\"status\":200,"
            "\"error\":\"upstream_cut\",\"upstream\":\"ark\",\"upstream_trace\":\"tr-9\",\"attempts\":3,"
            "\"hedges\":1,\"continued\":2,\"fallback\":\"model:deepseek-v4-pro\","
            "\"reasons\":\"busy,connect\",\"detail\":\"127.0.0.1:9: "
            "\\\"no\\\"\",\"oddity\":\"ended_twice\",\"wasted_tokens\":18446744073709551615,"
            "\"cache\":\"stale\",\"cache_age\":71,\"saved_tokens\":363,\"stream\":true,\"plain_stream\":true,"
            "\"client_gone\":true,\"cut\":true,\"bytes_in\":1024,"
            "\"bytes_out\":18446744073709551615,\"duration_ms\":1234.567,\"first_token_ms\":0.009,"
            "\"steps\":{\"admit\":0.020,\"queue\":1.000,\"dispatch\":1234.567},"
            "\"tokens\":{\"prompt\":18,\"completion\":345,\"cached\":0,\"reasoning\":315},\"finish\":\"stop\"}\n");
}
END_TEST

START_TEST(test_a_line_with_next_to_nothing)
{
    struct access_entry e = {.wall = WALL, .endpoint = "unknown", .method = TEXT("GET"), .path = TEXT("/")};
    struct buf line = {0};
    written(&e, &line);
    must_be(&line, "{\"time\":\"2026-11-21T07:52:21.123Z\",\"method\":\"GET\",\"path\":\"/\",\"endpoint\":\"unknown\","
                   "\"bytes_in\":0,\"bytes_out\":0,\"duration_ms\":0.000}\n");
}
END_TEST

START_TEST(test_what_the_cache_did)
{
    static const struct {
        struct access_entry e;
        const char *members;
    } rows[] = {{{.cache = CACHE_RESULT_BYPASS, .cache_age = 71 * USEC_PER_SEC}, ""},
                {{.cache = CACHE_RESULT_MISS, .cache_age = 71 * USEC_PER_SEC}, ",\"cache\":\"miss\""},
                {{.cache = CACHE_RESULT_HIT_MEMORY, .cache_age = USEC_PER_SEC - 1},
                 ",\"cache\":\"hit-memory\",\"cache_age\":0"},
                {{.cache = CACHE_RESULT_HIT_REDIS, .cache_age = USEC_PER_SEC, .saved = UINT64_MAX},
                 ",\"cache\":\"hit-redis\",\"cache_age\":1,\"saved_tokens\":18446744073709551615"},
                {{.cache = CACHE_RESULT_JOINED, .saved = 5}, ",\"cache\":\"joined\",\"saved_tokens\":5"}};
    for (int i = 0; i < COUNT(rows); i++) {
        struct buf line = {0}, wanted = {0};
        written(&rows[i].e, &line);
        buf_printf(&wanted,
                   "{\"time\":\"1970-01-01T00:00:00.000Z\"%s,\"bytes_in\":0,\"bytes_out\":0,"
                   "\"duration_ms\":0.000}\n",
                   rows[i].members);
        buf_add_byte(&wanted, '\0');
        must_be(&line, wanted.data);
        buf_free(&wanted);
    }
}
END_TEST

START_TEST(test_hostile_strings)
{
    static const struct {
        struct text raw;
        const char *json;
    } rows[] = {{TEXT("a\"b\\c"), "\"a\\\"b\\\\c\""},
                {TEXT("new\r\nline\ttab"), "\"new\\r\\nline\\ttab\""},
                {TEXT("nul\0esc\x1b"), "\"nul\\u0000esc\\u001b\""},
                {TEXT("\xe6\x96\x87"), "\"\xe6\x96\x87\""},
                {TEXT("\xff\xc3"), "\"\xef\xbf\xbd\xef\xbf\xbd\""},
                {TEXT("\"}\n{\"forged\":1"), "\"\\\"}\\n{\\\"forged\\\":1\""}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct access_entry e = {
            .path = TEXT("/"), .model = rows[i].raw, .peer = rows[i].raw, .upstream_trace = rows[i].raw};
        struct json_member members[3];
        struct buf line = {0};
        written(&e, &line);
        must_be_json(buf_text(&line), members);
        ck_assert_uint_eq(text_find_byte(buf_text(&line), '\n'), buf_len(&line) - 1);
        ck_assert(text_is(members[1].value, rows[i].json));
        buf_free(&line);
    }
}
END_TEST

/* Every byte everywhere: still one line of valid JSON. */
START_TEST(test_all_bytes)
{
    char bytes[256];
    for (int i = 0; i < 256; i++)
        bytes[i] = (char)i;
    struct text all = text_make(bytes, sizeof bytes);
    struct access_entry e = {.request_id = all,
                             .trace_id = all,
                             .peer = all,
                             .method = all,
                             .path = all,
                             .model = all,
                             .upstream_trace = all};
    struct json_member members[3];
    struct buf line = {0};
    written(&e, &line);
    must_be_json(buf_text(&line), members);
    ck_assert_uint_eq(text_find_byte(buf_text(&line), '\n'), buf_len(&line) - 1);
    buf_free(&line);
}
END_TEST

START_TEST(test_long_strings_are_cut_between_characters)
{
    char text[1000];
    struct json_member members[3];
    for (size_t lead = 0; lead < 3; lead++) {
        struct buf line = {0};
        memset(text, 'x', lead);
        for (size_t i = lead; i + 3 <= sizeof text; i += 3)
            memcpy(text + i, "\xe6\x96\x87", 3);
        struct access_entry e = {.path = TEXT("/"), .model = text_make(text, 900 + lead)};
        written(&e, &line);
        must_be_json(buf_text(&line), members);
        size_t whole = lead + (256 - lead) / 3 * 3;
        ck_assert_uint_eq(members[1].value.n, whole + 2);
        ck_assert(!memcmp(members[1].value.p + 1, text, whole));
        buf_free(&line);
    }
}
END_TEST

TEST_MAIN_WITH("access_log", set_up, tear_down, test_a_line_with_everything, test_a_line_with_next_to_nothing,
               test_what_the_cache_did, test_hostile_strings, test_all_bytes,
               test_long_strings_are_cut_between_characters)
