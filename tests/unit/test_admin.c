#include "dsgate/gate/admin.h"
#include "net_test.h"

enum { MOST = 32 };

static const struct shared shared;
static const struct address nowhere = {.sa.ss_family = AF_UNIX, .length = sizeof(sa_family_t)};
static int pairs[MOST + 1][2];
static struct loop *loop;
static struct admin *admin;

/* As many connections as there may be; each has sent that much. */
static void set_up_with(const char *sent)
{
    loop = loop_new();
    admin = admin_new(loop, &shared);
    for (int i = 0; i <= MOST; i++)
        make_pair(pairs[i]);
    for (int i = 0; i < MOST; i++) {
        ck_assert(admin_adopt(admin, pairs[i][0], &nowhere, NULL));
        ck_assert_int_eq(write(pairs[i][1], sent, strlen(sent)), (ssize_t)strlen(sent));
    }
    run_turns(loop, 5);
}

static void tear_down(void)
{
    admin_free(admin);
    for (int i = 0; i <= MOST; i++)
        close(pairs[i][1]);
    loop_free(loop);
}

/* Whoever floods the admin port must neither take the callers' descriptors nor keep a health check out. */
START_TEST(test_the_oldest_silent_connection_makes_room)
{
    set_up_with("");
    ck_assert(admin_adopt(admin, pairs[MOST][0], &nowhere, NULL));
    ck_assert_int_eq(read(pairs[0][1], &(char){0}, 1), 0);
    for (int i = 1; i <= MOST; i++)
        ck_assert_int_eq(read(pairs[i][1], &(char){0}, 1), -1); /* nothing has happened to the others */
    tear_down();
}
END_TEST

/* Nor does it help to begin a request. */
START_TEST(test_the_oldest_half_request_makes_room)
{
    set_up_with("GET /hea");
    ck_assert(admin_adopt(admin, pairs[MOST][0], &nowhere, NULL));
    ck_assert_int_eq(read(pairs[0][1], &(char){0}, 1), 0);
    tear_down();
}
END_TEST

TEST_MAIN("admin", test_the_oldest_silent_connection_makes_room, test_the_oldest_half_request_makes_room)
