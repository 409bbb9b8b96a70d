/* access_fixture.h - a loop, a place for a log, and what the tests of the access log share. */
#ifndef DSGATE_TESTS_ACCESS_FIXTURE_H
#define DSGATE_TESTS_ACCESS_FIXTURE_H

#include "dsgate/base/log.h"
#include "dsgate/llm/json.h"
#include "dsgate/meter/access_log.h"
#include "net_test.h"
#include <stdio.h>

static struct loop *loop;
static char folder[64], path[96], moved[96];

static inline void set_up(void)
{
    log_set_level(LOG_ERROR);
    loop = loop_new();
    snprintf(folder, sizeof folder, "%s/dsgate-test-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : P_tmpdir);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/access.log", folder);
    snprintf(moved, sizeof moved, "%s/access.log.1", folder);
}

static inline void tear_down(void)
{
    loop_free(loop);
    unlink(path);
    unlink(moved);
    rmdir(folder);
}

static inline struct access_file *open_file(const char *target)
{
    struct buf error = {0};
    struct access_file *f = access_file_open(target, &error);
    ck_assert_msg(f != NULL, TEXT_FORMAT, TEXT_ARGS(buf_text(&error)));
    return f;
}

/* Everything that can be read from the descriptor now. */
static inline void read_into(int fd, struct buf *out)
{
    ssize_t n;
    while ((n = read(fd, buf_reserve(out, 65536), 65536)) > 0)
        buf_commit(out, (size_t)n);
}

#define WALL (INT64_C(1795247541) * USEC_PER_SEC + 123456) /* 2026-11-21T07:52:21.123Z */

static const struct access_entry simple = {
    .wall = WALL, .method = TEXT("GET"), .path = TEXT("/"), .endpoint = "unknown"};

/* One whole JSON object; members: path, model, request_id. */
static inline void must_be_json(struct text line, struct json_member members[3])
{
    static const struct text wanted[] = {TEXT("path"), TEXT("model"), TEXT("request_id")};
    struct json_result r = json_scan(line, wanted, 3, members, JSON_DEPTH);
    ck_assert_msg(r.error == JSON_FINE, "%s at %zu: " TEXT_FORMAT, json_error_text(r.error), r.position,
                  TEXT_ARGS(line));
}

#endif
