/* Quotas over restarts: one scheduler after the other with one state file. */
#include "config_test.h"
#include "dsgate/base/log.h"
#include "dsgate/gate/ledger.h"
#include <sys/resource.h>

#define LIMITED "quota: {requests_per_day: 1000}"
#define A       "- {name: a, base_url: 'http://a', " LIMITED "}\n"
#define B       "- {name: b, base_url: 'http://b', " LIMITED "}\n"
#define B_MOVED "- {name: b, base_url: 'http://elsewhere', " LIMITED "}\n"
#define B_FREE  "- {name: b, base_url: 'http://b'}\n"

static const usec_t now = 1000 * USEC_PER_SEC;
static usec_t wall;
enum { TODAY = 20783 };

static char folder[] = "/tmp/dsgate-test-XXXXXX", path[64];
static struct sched *sched;
static struct pool *pool;
static struct ledger *ledger;

static void set_up(void)
{
    clean_environment();
    log_set_level(LOG_INFO);
    wall = (TODAY * INT64_C(86400) + 3600) * USEC_PER_SEC;
    strcpy(folder, "/tmp/dsgate-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/state.db", folder);
}

static void tear_down(void)
{
    unlink(path);
    ck_assert_int_eq(rmdir(folder), 0);
}

static void reload(const char *upstreams)
{
    struct buf error = {0};
    char *yaml = mem_printf("upstreams:\n%s", upstreams);
    struct config *config = config_of(yaml);
    struct pool *next = pool_new(config, pool, NULL, 0, &error);
    ck_assert_msg(next != NULL, TEXT_FORMAT, TEXT_ARGS(buf_text(&error)));
    sched_use_pool(sched, next, now);
    sched_upkeep(sched, now, wall);
    pool_unref(pool);
    config_unref(config);
    mem_free(yaml);
    pool = next;
}

static void start(const char *file, const char *upstreams)
{
    struct buf error = {0};
    sched = sched_new();
    reload(upstreams);
    ledger = ledger_open(file, &error);
    ck_assert_msg(ledger != NULL, TEXT_FORMAT, TEXT_ARGS(buf_text(&error)));
    ledger_restore(ledger, sched, pool);
}

static void stop(void)
{
    ledger_close(ledger);
    pool_unref(pool);
    sched_free(sched);
    pool = NULL;
}

static struct upstream *upstream(const char *name)
{
    struct upstream *u = pool_find_upstream(pool, text_of(name));
    ck_assert_msg(u != NULL, "%s", name);
    return u;
}

static void use(const char *name, uint64_t requests)
{
    struct quota_day used = {TODAY, requests, 10 * requests, 0.5};
    sched_restore_quota(sched, upstream(name), &used);
}

static void expect_used(const char *name, uint64_t requests)
{
    struct quota_day used = sched_quota_today(sched, upstream(name));
    ck_assert_msg(used.day == TODAY && used.requests == requests && used.tokens == 10 * requests, "%s: day %lld, %llu",
                  name, (long long)used.day, (unsigned long long)used.requests);
}

START_TEST(test_what_was_used_survives)
{
    start(path, A B);
    use("a", 5);
    ledger_save(ledger, sched, pool);
    use("a", 2);
    use("b", 1);
    ledger_save(ledger, sched, pool);
    use("b", 100); /* after the last save: a killed gateway loses that */
    stop();
    start(path, A B);
    expect_used("a", 7);
    expect_used("b", 1);
    ledger_restore(ledger, sched, pool);
    expect_used("a", 7);
    stop();
}
END_TEST

START_TEST(test_days_that_are_over_do_not_count)
{
    start(path, A);
    use("a", 5);
    ledger_save(ledger, sched, pool);
    stop();
    wall += 86400 * USEC_PER_SEC;
    start(path, A);
    sched_upkeep(sched, now, wall);
    ck_assert_uint_eq(sched_quota_today(sched, upstream("a")).requests, 0);
    ledger_save(ledger, sched, pool);
    stop();
    wall -= 86400 * USEC_PER_SEC; /* whose clock had run ahead: nothing was used, so that nothing was overwritten */
    start(path, A);
    expect_used("a", 5);
    stop();
}
END_TEST

START_TEST(test_upstreams_come_and_go)
{
    start(path, A B);
    use("a", 5);
    use("b", 6);
    ledger_save(ledger, sched, pool);
    stop();
    start(path, A); /* b is unknown, its row stays */
    use("a", 1);
    ledger_save(ledger, sched, pool);
    reload(A B);
    ledger_save(ledger, sched, pool);
    expect_used("a", 6);
    expect_used("b", 6);
    use("b", 1);
    ledger_save(ledger, sched, pool);
    reload(A);
    ledger_save(ledger, sched, pool);
    reload(A B_MOVED);
    ledger_restore(ledger, sched, pool);
    expect_used("b", 7);
    stop();
    start(path, A B);
    expect_used("a", 6);
    expect_used("b", 7);
    stop();
}
END_TEST

START_TEST(test_without_a_quota_nothing_is_saved)
{
    start(path, A B_FREE);
    use("b", 6);
    ledger_save(ledger, sched, pool);
    reload(A B);
    ledger_save(ledger, sched, pool);
    expect_used("b", 6);
    stop();
    start(path, A B);
    expect_used("b", 6);
    use("b", 1);
    stop();
    start(path, B_FREE);
    use("b", 9);
    ledger_save(ledger, sched, pool);
    stop();
    start(path, B);
    expect_used("b", 6);
    stop();
}
END_TEST

START_TEST(test_no_file)
{
    start(NULL, A);
    use("a", 5);
    ledger_save(ledger, sched, pool);
    ledger_restore(ledger, sched, pool);
    expect_used("a", 5);
    stop();
    ledger_close(NULL);
}
END_TEST

/* ---- trouble ---- */

static void limit_files(rlim_t most)
{
    struct rlimit limit;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = most ? most : limit.rlim_max;
    setrlimit(RLIMIT_FSIZE, &limit);
}

/* The daemon's log goes to a pipe, which no limit of files concerns. */
static int log_pipe[2], stderr_kept;

static void catch_log(void)
{
    ck_assert_int_eq(pipe(log_pipe), 0);
    stderr_kept = dup(STDERR_FILENO);
    dup2(log_pipe[1], STDERR_FILENO);
    close(log_pipe[1]);
}

static unsigned lines_caught(void)
{
    char bytes[4096];
    unsigned lines = 0;
    dup2(stderr_kept, STDERR_FILENO);
    close(stderr_kept);
    ssize_t n = read(log_pipe[0], bytes, sizeof bytes);
    for (ssize_t i = 0; i < n; i++)
        lines += bytes[i] == '\n';
    close(log_pipe[0]);
    return lines;
}

START_TEST(test_a_write_that_fails_is_told_once_and_tried_again)
{
    start(path, A);
    use("a", 5);
    catch_log();
    limit_files(100);
    for (int i = 0; i < 3; i++)
        ledger_save(ledger, sched, pool);
    limit_files(0);
    ck_assert_uint_eq(lines_caught(), 1);
    catch_log();
    for (int i = 0; i < 3; i++)
        ledger_save(ledger, sched, pool);
    ck_assert_uint_eq(lines_caught(), 1);
    stop();
    start(path, A);
    expect_used("a", 5);
    stop();
}
END_TEST

START_TEST(test_a_file_that_cannot_be_used)
{
    struct buf error = {0};
    ck_assert_ptr_null(ledger_open("/nowhere/state.db", &error));
    ck_assert(text_starts(buf_text(&error), TEXT("cannot open the state file '/nowhere/state.db': ")));
    buf_free(&error);
}
END_TEST

TEST_MAIN_WITH("ledger", set_up, tear_down, test_what_was_used_survives, test_days_that_are_over_do_not_count,
               test_upstreams_come_and_go, test_without_a_quota_nothing_is_saved, test_no_file,
               test_a_write_that_fails_is_told_once_and_tried_again, test_a_file_that_cannot_be_used)
