#include "dsgate/meter/cache_result.h"

const char *cache_result_name(enum cache_result r)
{
#define X(id, name) name,
    static const char *const names[CACHE_RESULT_COUNT] = {CACHE_RESULTS(X)};
#undef X
    return names[r];
}
