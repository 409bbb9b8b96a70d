/* metrics_fixture.h - metrics with one shard, and a scrape's page to look for series in. */
#ifndef DSGATE_TESTS_METRICS_FIXTURE_H
#define DSGATE_TESTS_METRICS_FIXTURE_H

#include "dsgate/meter/metrics.h"
#include "net_test.h"
#include <stdio.h>

static const char *const known_reasons[] = {"busy", "cut", "other", "cut", "connect_timeout", NULL};
static struct metrics *m;
static struct metrics_shard *shard;
static struct buf page;

static inline void set_up(void)
{
    m = metrics_new(known_reasons);
    shard = metrics_shard_new(m);
}

static inline void tear_down(void)
{
    metrics_free(m);
    buf_free(&page);
}

static inline void scrape_with(const struct metrics_queue *queue, const struct metrics_upstream *upstreams, size_t n)
{
    buf_clear(&page);
    metrics_write(m, queue, upstreams, n, NULL, &page);
}

static inline void scrape_cache(const struct metrics_cache *cache)
{
    static const struct metrics_queue nobody;
    buf_clear(&page);
    metrics_write(m, &nobody, NULL, 0, cache, &page);
}

static inline void scrape(void) { scrape_cache(NULL); }

/* The value of a series as it is written; "" when there is no such series. */
static inline const char *value(const char *series)
{
    static char found[64];
    struct text line, name = text_of(series);
    found[0] = '\0';
    for (struct text rest = buf_text(&page); text_cut(&rest, '\n', &line);)
        if (text_starts(line, name) && line.n > name.n && line.p[name.n] == ' ')
            snprintf(found, sizeof found, TEXT_FORMAT, TEXT_ARGS(text_from(line, name.n + 1)));
    return found;
}

static inline void promtool_must_agree(void)
{
    if (system("command -v promtool >/dev/null 2>&1") != 0) return;
    FILE *f = popen("promtool check metrics", "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(page.data, 1, buf_len(&page), f), buf_len(&page));
    ck_assert_int_eq(pclose(f), 0);
}

#endif
