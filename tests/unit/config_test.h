/* config_test.h - loading a config in a test: what it must be, or exactly what must be said about it. */
#ifndef DSGATE_TESTS_CONFIG_TEST_H
#define DSGATE_TESTS_CONFIG_TEST_H

#include "../suite.h"
#include "dsgate/base/mem.h"
#include "dsgate/config/config.h"

/* The snapshot of a valid file; the caller unrefs it. */
static inline struct config *config_of(const char *yaml)
{
    struct config_errors errors = {0};
    struct config *c = config_parse("f", text_of(yaml), &errors);
    ck_assert_msg(c != NULL, "%s\nfailed with:\n" TEXT_FORMAT, yaml, TEXT_ARGS(buf_text(&errors.text)));
    ck_assert_uint_eq(errors.count, 0);
    config_errors_free(&errors);
    return c;
}

/* The file, which ends in a NUL byte, must fail with exactly these lines. */
static inline void expect_errors(struct text yaml, const char *expected)
{
    struct config_errors errors = {0};
    struct config *c = config_parse("f", yaml, &errors);
    char *text = buf_len(&errors.text) ? text_dup(buf_text(&errors.text)) : mem_strdup("");
    ck_assert_msg(c == NULL, "%.500s\nwas accepted", yaml.p);
    ck_assert_msg(!strcmp(text, expected), "%.500s\ngave\n%.2000s\ninstead of\n%s", yaml.p, text, expected);
    ck_assert_uint_gt(errors.count, 0);
    mem_free(text);
    config_errors_free(&errors);
}

/* A table of mistakes, and a loop test over it. */
struct mistake {
    const char *yaml, *errors;
};
#define MISTAKE_TEST(table) \
    START_TEST(test_##table) { expect_errors(text_of(table[_i].yaml), table[_i].errors); } \
    END_TEST
#define UP "upstreams:\n- name: u\n  base_url: http://h\n" /* the next key is on line 4 */

/* A new file with these bytes; the caller unlinks and frees the path. */
static inline char *file_with(const void *bytes, size_t n)
{
    char *path = mem_strdup(P_tmpdir "/dsgate-test-XXXXXX");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, bytes, n), (ssize_t)n);
    close(fd);
    return path;
}

static inline void remove_file(char *path)
{
    unlink(path);
    mem_free(path);
}

/* Variables that the configuration reads by itself must not come from whoever runs the tests. */
static inline void clean_environment(void)
{
    static const char *const names[] = {"DEEPSEEK_API_KEY", "DEEPSEEK_BASE_URL",     "DSGATE_LISTEN",
                                        "DSGATE_ADMIN",     "CREDENTIALS_DIRECTORY", "STATE_DIRECTORY",
                                        "DSGATE_TEST"};
    for (int i = 0; i < COUNT(names); i++)
        unsetenv(names[i]);
}

#endif
