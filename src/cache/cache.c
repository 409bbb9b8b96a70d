#include "dsgate/cache/cache.h"

enum cache_verdict cache_lookup(bool only_if_cached) { return only_if_cached ? CACHE_MISS_REFUSED : CACHE_BYPASS; }

const char cache_bypass[] = "bypass";
