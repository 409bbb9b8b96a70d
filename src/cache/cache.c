#include "dsgate/cache/cache.h"

enum cache_verdict cache_lookup(bool only_if_cached) { return only_if_cached ? CACHE_MISS_REFUSED : CACHE_BYPASS; }

const char *cache_verdict_name(enum cache_verdict v) { return v == CACHE_MISS_REFUSED ? "miss" : "bypass"; }
