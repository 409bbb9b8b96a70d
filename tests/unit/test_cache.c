#include "dsgate/cache/cache.h"
#include "net_test.h"

START_TEST(test_verdicts)
{
    ck_assert_int_eq(cache_lookup(false), CACHE_BYPASS);
    ck_assert_int_eq(cache_lookup(true), CACHE_MISS_REFUSED);
    ck_assert_str_eq(cache_bypass, "bypass");
}
END_TEST

TEST_MAIN("cache", test_verdicts)
