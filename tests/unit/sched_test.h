/* sched_test.h - what the tests of the sched room share: pools from a few lines of YAML. */
#ifndef DSGATE_TESTS_SCHED_TEST_H
#define DSGATE_TESTS_SCHED_TEST_H

#include "dsgate/sched/pool.h"
#include "net_test.h"

/* `upstreams`: rows of the list; other sections may follow them. */
static inline struct config *make_config(const char *upstreams)
{
    struct buf yaml = {0};
    struct config_errors errors = {0};
    buf_printf(&yaml, "upstreams:\n%s", upstreams);
    struct config *config = config_parse("test.yaml", buf_text(&yaml), &errors);
    ck_assert_msg(config != NULL, TEXT_FORMAT, TEXT_ARGS(buf_text(&errors.text)));
    config_errors_free(&errors);
    buf_free(&yaml);
    return config;
}

static inline struct pool *make_discovered_pool(const char *upstreams, const struct pool *previous,
                                                const struct discovered *found, size_t found_count)
{
    struct buf error = {0};
    struct config *config = make_config(upstreams);
    struct pool *p = pool_new(config, previous, found, found_count, &error);
    ck_assert_msg(p != NULL, TEXT_FORMAT, TEXT_ARGS(buf_text(&error)));
    config_unref(config);
    buf_free(&error);
    return p;
}

static inline struct pool *make_pool(const char *upstreams, const struct pool *previous)
{
    return make_discovered_pool(upstreams, previous, NULL, 0);
}

#endif
