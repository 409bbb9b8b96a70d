#include "dsgate/gate/admin.h"
#include "net_test.h"

enum { MOST = 32 };

/* Whoever floods the admin port must not take the callers' descriptors. */
START_TEST(test_connections_are_few)
{
    static const struct shared shared;
    static const struct address nowhere = {.sa.ss_family = AF_UNIX, .length = sizeof(sa_family_t)};
    int pairs[MOST + 1][2];
    struct loop *loop = loop_new();
    struct admin *admin = admin_new(loop, &shared);
    for (int i = 0; i < MOST; i++) {
        make_pair(pairs[i]);
        ck_assert(admin_adopt(admin, pairs[i][0], &nowhere, NULL));
    }
    make_pair(pairs[MOST]);
    ck_assert(!admin_adopt(admin, pairs[MOST][0], &nowhere, NULL));
    close(pairs[0][1]); /* one that leaves makes room */
    run_turns(loop, 5);
    ck_assert(admin_adopt(admin, pairs[MOST][0], &nowhere, NULL));
    admin_free(admin);
    for (int i = 1; i <= MOST; i++)
        close(pairs[i][1]);
    loop_free(loop);
}
END_TEST

TEST_MAIN("admin", test_connections_are_few)
