/* Any bytes as a TZif file. What is accepted must answer for every time: offsets are at most a day, and the time until
 * which one counts lies ahead and is kept to. */
#include "../../src/base/tzif.h"
#include <stdlib.h>

/* Seconds that a usec_t can hold. */
static const int64_t times[] = {-9223372036854, -5000000000, -1, 0, 1, 1774767600, 4102444800, 9223372036854};

static void walk(const struct tzif *z, int64_t second)
{
    for (int steps = 0; steps < 20; steps++) {
        int64_t until, same;
        int32_t offset = tzif_offset(z, second, &until);
        if (offset < -93599 || offset > 93599 || until <= second) abort();
        if (tzif_offset(z, until - 1, &same) != offset && until != INT64_MAX) abort();
        if (until > 9223372036854) return;
        second = until;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tzif z;
    if (tzif_parse(text_make((const char *)data, size), &z)) return 0;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        walk(&z, times[i]);
    tzif_free(&z);
    return 0;
}
