/* The small languages inside values: units, addresses, paths, URLs. */
#include "dsgate/config/units.h"
#include "../../src/config/url.h"
#include "../../src/config/value.h"
#include "config_test.h"

#define BAD UINT64_MAX

static const struct {
    bool (*parse)(struct text, uint64_t *);
    const char *text;
    uint64_t value;
} numbers[] = {
    {units_duration, "500ms", 500000},
    {units_duration, "30s", 30000000},
    {units_duration, "10m", 600000000},
    {units_duration, "1h", 3600000000},
    {units_duration, "2D", 172800000000},
    {units_duration, "0", 0},
    {units_duration, "0s", 0},
    {units_duration, "", BAD},
    {units_duration, "5", BAD},
    {units_duration, "s", BAD},
    {units_duration, "1.5s", BAD},
    {units_duration, "-1s", BAD},
    {units_duration, " 1s", BAD},
    {units_duration, "1 s", BAD},
    {units_duration, "1sec", BAD},
    {units_duration, "5124095576030h", BAD},
    {units_size, "0", 0},
    {units_size, "4096", 4096},
    {units_size, "64B", 64},
    {units_size, "32KB", 32768},
    {units_size, "1kib", 1024},
    {units_size, "2K", 2048},
    {units_size, "10MB", 10485760},
    {units_size, "1M", 1048576},
    {units_size, "3MiB", 3145728},
    {units_size, "1G", 1073741824},
    {units_size, "17179869183GB", 18446744072635809792u},
    {units_size, "17179869184GB", BAD},
    {units_size, "18446744073709551616", BAD},
    {units_size, "1TB", BAD},
    {units_size, "0x10", BAD},
    {units_size, "MB", BAD},
    {units_octal, "0660", 0660},
    {units_octal, "777", 0777},
    {units_octal, "0", 0},
    {units_octal, "8", BAD},
    {units_octal, "", BAD},
    {units_octal, "0000000", BAD},
    {units_percent, "20%", 20},
    {units_percent, "0%", 0},
    {units_percent, "20", BAD},
    {units_percent, "%", BAD},
    {units_percent, "", BAD},
    {units_percent, "2.5%", BAD},
    {units_percent, "-1%", BAD},
    {units_percent, "20 %", BAD},
    {units_percent, "20%%", BAD},
    {units_decimal, "0", 0},
    {units_decimal, "0.15", 150000000},
    {units_decimal, "12", 12000000000},
    {units_decimal, "0.000000001", 1},
    {units_decimal, "0.0000000001", BAD},
    {units_decimal, "1.", BAD},
    {units_decimal, ".5", BAD},
    {units_decimal, "1.2.3", BAD},
    {units_decimal, "-1", BAD},
    {units_decimal, "1e3", BAD},
    {units_decimal, "18446744074", BAD},
};

START_TEST(test_numbers)
{
    uint64_t value = BAD;
    bool good = numbers[_i].parse(text_of(numbers[_i].text), &value);
    ck_assert_msg(good == (numbers[_i].value != BAD), "%s", numbers[_i].text);
    if (good) ck_assert_msg(value == numbers[_i].value, "%s gave %llu", numbers[_i].text, (unsigned long long)value);
}
END_TEST

#define PATH_107                                                                                                       \
    "/123456789/123456789/123456789/123456789/123456789/123456789/123456789/123456789/123456789/123456789/123456"

#define SHA "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct {
    const char *(*check)(struct text);
    const char *text;
    bool good;
} values[] = {
    {value_listen, "127.0.0.1:8585", true},
    {value_listen, ":0", true},
    {value_listen, ":65535", true},
    {value_listen, "[::1]:1", true},
    {value_listen, "[2001:db8::1]:443", true},
    {value_listen, "unix:/x", true},
    {value_listen, "unix:" PATH_107, true},
    {value_listen, "unix:" PATH_107 "7", false},
    {value_listen, "unix:x", false},
    {value_listen, "unix:/", false},
    {value_listen, "unix:/a\nb", false},
    {value_listen, "", false},
    {value_listen, ":", false},
    {value_listen, "127.0.0.1", false},
    {value_listen, "127.0.0.1:", false},
    {value_listen, "127.0.0.1:x", false},
    {value_listen, "127.0.0.1:65536", false},
    {value_listen, "127.0.0.1:000001", false},
    {value_listen, "127.0.0.256:1", false},
    {value_listen, "127.1:1", false},
    {value_listen, "::1:1", false},
    {value_listen, "[::1]", false},
    {value_listen, "[::1]1", false},
    {value_listen, "[::1", false},
    {value_listen, "[127.0.0.1]:1", false},
    {value_listen, "[]:1", false},
    {value_listen, "*:1", false},
    {value_pin, "192.0.2.7", true},
    {value_pin, "192.0.2.7:1", true},
    {value_pin, "[::1]", true},
    {value_pin, "[::1]:8443", true},
    {value_pin, "unix:/x", true},
    {value_pin, "192.0.2.7:0", false},
    {value_pin, ":1", false},
    {value_pin, "", false},
    {value_pin, "::1", false},
    {value_pin, "host", false},
    {value_pin, "192.0.2.7:", false},
    {value_host, "api.deepseek.com", true},
    {value_host, "my_host-1", true},
    {value_host, "::1", true},
    {value_host, "1.2.3.4", true},
    {value_host, "1a.2", true},
    {value_host, "1.2.3", false},
    {value_host, "1.2.3.4.", false},
    {value_host, ".a", false},
    {value_host, "a..b", false},
    {value_host, "a b", false},
    {value_host, "", false},
    {value_host, "[::1]", false},
    {value_host, "a/b", false},
    {value_path, "/v1", true},
    {value_path, "/a/b-c_d.e~f", true},
    {value_path, "/...", true},
    {value_path, "", false},
    {value_path, "/", false},
    {value_path, "v1", false},
    {value_path, "/v1/", false},
    {value_path, "//v1", false},
    {value_path, "/a//b", false},
    {value_path, "/.", false},
    {value_path, "/a/../b", false},
    {value_path, "/a%2fb", false},
    {value_path, "/a?b", false},
    {value_path, "/a\\b", false},
    {value_path, "/a b", false},
    {value_header_name, "X-Title", true},
    {value_header_name, "x!#$%&'*+.^_`|~9", true},
    {value_header_name, "", false},
    {value_header_name, "a:b", false},
    {value_header_name, "a b", false},
    {value_header_name, "a\r\nb", false},
    {value_header_name, "HOST", false},
    {value_header_name, "transfer-encoding", false},
    {value_header_name, "Connection", false},
    {value_header_name, "te", false},
    {value_header_name, "Upgrade", false},
    {value_header_name, "expect", false},
    {value_header_value, "a b", true},
    {value_header_value, "a\tb", false},
    {value_header_value, "a\r\nb", false},
    {value_header_value, "a ", false},
    {value_header_value, "\x7f", false},
    {value_header_value, "\xc3\xa9", false},
    {value_key, "sk-~!", true},
    {value_key, "a b", false},
    {value_key, "a\n", false},
    {value_model, "deepseek-ai/DeepSeek-V4:free", true},
    {value_model, "*", true},
    {value_model, "", false},
    {value_model, "a\"", false},
    {value_model, "a\\", false},
    {value_name, "A.b_c-9", true},
    {value_name, "0123456789012345678901234567890123456789012345678901234567890123", true},
    {value_name, "01234567890123456789012345678901234567890123456789012345678901234", false},
    {value_name, "", false},
    {value_name, "a/b", false},
    {value_dns_name, "llm.example.com", true},
    {value_dns_name, "_vllm._tcp.service.consul", true},
    {value_dns_name, "127.0.0.1", false},
    {value_dns_name, "::1", false},
    {value_dns_name, "a..b", false},
    {value_dns_name, "", false},
    {value_server, "127.0.0.1:8600", true},
    {value_server, "[::1]:53", true},
    {value_server, "127.0.0.1", false},
    {value_server, ":53", false},
    {value_server, "127.0.0.1:0", false},
    {value_server, "unix:/x", false},
    {value_server, "consul:8600", false},
    {value_server, "", false},
    {value_pattern, "*", true},
    {value_pattern, "deepseek-[a-z]?", true},
    {value_pattern, "", false},
    {value_pattern, "a b", false},
    {value_pattern, "a\\*", false},
    {value_sha256, SHA, true},
    {value_sha256, "0123456789ABCDEFabcdef0123456789ABCDEFabcdef0123456789ABCDEFabcd", true},
    {value_sha256, SHA "0", false},
    {value_sha256, "g123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", false},
    {value_sha256, "@123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", false},
    {value_sha256, "0123456789abcdef", false},
    {value_sha256, "", false},
    {value_window, "Mon-Fri 01:00-04:00", true},
    {value_window, "22:00-06:00 +08:00", true},
    {value_window, "Sat,Sun 00:00-24:00 UTC", true},
    {value_window, "Mon 1-4", false},
    {value_window, "01:00-25:00", false},
    {value_window, "01:00-04:00 Mars/Olympus", false},
    {value_window, "", false},
    {value_time_zone, "UTC", true},
    {value_time_zone, "+08:00", true},
    {value_time_zone, "-03:30", true},
    {value_time_zone, "Mars/Olympus", false},
    {value_time_zone, "../../etc/passwd", false},
    {value_time_zone, "+25:00", false},
    {value_time_zone, "", false},
    {value_file, "/a b/c", true},
    {value_file, "/a\nb", false},
};

START_TEST(test_values)
{
    const char *why = values[_i].check(text_of(values[_i].text));
    ck_assert_msg(!why == values[_i].good, "'%s': %s", values[_i].text, why ? why : "accepted");
}
END_TEST

START_TEST(test_values_with_nul)
{
    static const struct text bad = TEXT("/a\0b");
    ck_assert_ptr_nonnull(value_line(bad));
    ck_assert_ptr_nonnull(value_key(bad));
    ck_assert_ptr_nonnull(value_path(bad));
    ck_assert_ptr_nonnull(value_header_name(bad));
    ck_assert_ptr_nonnull(value_header_value(bad));
    ck_assert_ptr_nonnull(value_host(TEXT("1.2.3.4\0")));
    ck_assert_ptr_nonnull(value_listen(TEXT("unix:/a\0b")));
}
END_TEST

static const struct {
    const char *url;
    bool https;
    const char *host;
    unsigned port;
    const char *path;
} urls[] = {
    {"https://api.deepseek.com", true, "api.deepseek.com", 443, ""},
    {"http://h", false, "h", 80, ""},
    {"HTTPS://H.Example:8443/V1", true, "h.example", 8443, "/V1"},
    {"http://h/", false, "h", 80, ""},
    {"http://h//", false, "h", 80, ""},
    {"http://h:65535/a/b/", false, "h", 65535, "/a/b"},
    {"http://[::1]", false, "::1", 80, ""},
    {"https://[2001:DB8::1]:1/v1", true, "2001:db8::1", 1, "/v1"},
    {"http://1.2.3.4:80", false, "1.2.3.4", 80, ""},
};

START_TEST(test_urls)
{
    struct url u;
    ck_assert_ptr_null(url_parse(text_of(urls[_i].url), &u));
    ck_assert_int_eq(u.https, urls[_i].https);
    ck_assert_str_eq(u.host, urls[_i].host);
    ck_assert_uint_eq(u.port, urls[_i].port);
    ck_assert_str_eq(u.path, urls[_i].path);
    mem_free(u.host);
    mem_free(u.path);
}
END_TEST

START_TEST(test_bad_urls)
{
    static const char *const bad[] = {"",
                                      "http:/h",
                                      "http://[1.2.3.4]",
                                      "http://::1",
                                      "http://[::1]x",
                                      "http://h:x",
                                      "http://h:80:80",
                                      "http://h:65536",
                                      "http://h\\@x",
                                      "http://h//x",
                                      "http://h/%41",
                                      "http://a@b:80",
                                      "http://h\x01",
                                      "http://[h]:80",
                                      "http://h/\xc3\xa9"};
    for (int i = 0; i < COUNT(bad); i++) {
        struct url u;
        ck_assert_msg(url_parse(text_of(bad[i]), &u) != NULL, "%s", bad[i]);
    }
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, clean_environment, clean_environment);
    tcase_add_loop_test(tests, test_numbers, 0, COUNT(numbers));
    tcase_add_loop_test(tests, test_values, 0, COUNT(values));
    tcase_add_test(tests, test_values_with_nul);
    tcase_add_loop_test(tests, test_urls, 0, COUNT(urls));
    tcase_add_test(tests, test_bad_urls);
}

TEST_MAIN_ADDING("config values", add_tests)
