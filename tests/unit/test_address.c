#include "dsgate/net/address.h"
#include "net_test.h"
#include <sys/un.h>

#define LONG_PATH_107                                                                                                  \
    "/0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345"

static const struct {
    const char *text;
    unsigned default_port;
    const char *formatted;
} good[] = {
    {"127.0.0.1:8585", 0, "127.0.0.1:8585"},
    {"127.0.0.1", 80, "127.0.0.1:80"},
    {"127.0.0.1:81", 80, "127.0.0.1:81"},
    {"0.0.0.0:0", 0, "0.0.0.0:0"},
    {":8585", 0, "0.0.0.0:8585"},
    {"[::1]:8585", 0, "[::1]:8585"},
    {"[::1]", 443, "[::1]:443"},
    {"[::]:65535", 0, "[::]:65535"},
    {"[2001:0db8:0::0001]:1", 0, "[2001:db8::1]:1"},
    {"unix:/run/x.sock", 0, "unix:/run/x.sock"},
    {"unix:x", 0, "unix:x"},
    {"unix:" LONG_PATH_107, 0, "unix:" LONG_PATH_107},
};

START_TEST(test_good_addresses)
{
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct address a;
        struct buf error = {0}, out = {0};
        ck_assert_msg(address_parse(text_of(good[i].text), good[i].default_port, &a, &error), "%s", good[i].text);
        address_format(&a, &out);
        ck_assert_msg(text_is(buf_text(&out), good[i].formatted), "%s gave " TEXT_FORMAT, good[i].text,
                      TEXT_ARGS(buf_text(&out)));
        ck_assert_uint_eq(buf_len(&error), 0);
        buf_free(&out);
    }
}
END_TEST

static const struct {
    const char *text, *error;
} bad[] = {
    {"", "'' is not a literal address such as 127.0.0.1:8585, [::1]:8585 or unix:/run/x.sock"},
    {"localhost:80", "'localhost:80' is not a literal address such as 127.0.0.1:8585, [::1]:8585 or unix:/run/x.sock"},
    {"127.0.0.1", "'127.0.0.1' has no port"},
    {"[::1]", "'[::1]' has no port"},
    {"127.0.0.1:", "'127.0.0.1:' has a port that is not a number from 0 to 65535"},
    {"127.0.0.1:65536", "'127.0.0.1:65536' has a port that is not a number from 0 to 65535"},
    {"127.0.0.1:-1", "'127.0.0.1:-1' has a port that is not a number from 0 to 65535"},
    {"127.0.0.1:8x", "'127.0.0.1:8x' has a port that is not a number from 0 to 65535"},
    {":", "':' has a port that is not a number from 0 to 65535"},
    {"[::1:80", "'[::1:80' is not an address such as 127.0.0.1:8585 or [::1]:8585"},
    {"[::1]80", "'[::1]80' is not an address such as 127.0.0.1:8585 or [::1]:8585"},
    {"[127.0.0.1]:80",
     "'[127.0.0.1]:80' is not a literal address such as 127.0.0.1:8585, [::1]:8585 or unix:/run/x.sock"},
    {"[]:80", "'[]:80' is not a literal address such as 127.0.0.1:8585, [::1]:8585 or unix:/run/x.sock"},
    {"127.0.0.256:80",
     "'127.0.0.256:80' is not a literal address such as 127.0.0.1:8585, [::1]:8585 or unix:/run/x.sock"},
    {"unix:", "'unix:' has no path after 'unix:'"},
    {"unix:" LONG_PATH_107 "x", "'unix:" LONG_PATH_107 "x' is longer than a Unix socket's path may be (107 bytes)"},
};

START_TEST(test_bad_addresses)
{
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct address a;
        struct buf error = {0};
        ck_assert_msg(!address_parse(text_of(bad[i].text), 0, &a, &error), "%s", bad[i].text);
        ck_assert_msg(text_is(buf_text(&error), bad[i].error), "%s gave " TEXT_FORMAT, bad[i].text,
                      TEXT_ARGS(buf_text(&error)));
        buf_free(&error);
    }
}
END_TEST

START_TEST(test_no_nul_in_a_path)
{
    struct address a;
    struct buf error = {0};
    ck_assert(!address_parse(text_make("unix:/a\0b", 9), 0, &a, &error));
    buf_free(&error);
}
END_TEST

static const struct {
    const char *host, *formatted; /* NULL: a name */
} hosts[] = {
    {"127.0.0.1", "127.0.0.1:7"},
    {"::1", "[::1]:7"},
    {"localhost", NULL},
    {"", NULL},
    {"127.1", NULL},
    {"[::1]", NULL},
    {"1.2.3.4.5", NULL},
    {"::g", NULL},
    {"api.deepseek.com", NULL},
};

START_TEST(test_bare_hosts)
{
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        struct address a;
        struct buf out = {0};
        bool literal = address_of_host(hosts[i].host, 7, &a);
        ck_assert_msg(literal == (hosts[i].formatted != NULL), "%s", hosts[i].host);
        if (literal) address_format(&a, &out);
        if (literal) ck_assert(text_is(buf_text(&out), hosts[i].formatted));
        buf_free(&out);
    }
}
END_TEST

START_TEST(test_peers_without_a_path)
{
    struct address unnamed = {.sa.ss_family = AF_UNIX, .length = sizeof(sa_family_t)};
    struct address abstract = {.sa.ss_family = AF_UNIX, .length = offsetof(struct sockaddr_un, sun_path) + 5};
    struct address none = {0};
    struct buf out = {0};
    memcpy(((struct sockaddr_un *)&abstract.sa)->sun_path, "\0name", 5);
    address_format(&unnamed, &out);
    BUF_ADD(&out, " ");
    address_format(&abstract, &out);
    BUF_ADD(&out, " ");
    address_format(&none, &out);
    ck_assert(text_is(buf_text(&out), "unix: unix:@name unknown"));
    buf_free(&out);
}
END_TEST

TEST_MAIN("address", test_good_addresses, test_bad_addresses, test_no_nul_in_a_path, test_bare_hosts,
          test_peers_without_a_path)
