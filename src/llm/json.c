/* The door: chooses the implementation for this processor, and sees to it that an error leaves nothing behind that a
 * careless caller could take for an answer. */
#include "json_scan.h"
#include <stdatomic.h>

const char *json_error_text(enum json_error e)
{
    switch (e) {
#define X(id, text) \
    case id: return text;
        JSON_ERRORS(X)
#undef X
    }
    return "unknown error";
}

bool json_level_works(enum json_level level)
{
    switch (level) {
    case JSON_PLAIN: return true;
#if defined(__x86_64__)
    case JSON_SSE2: return true;
    case JSON_AVX2:
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("pclmul");
    case JSON_AVX512:
        return json_level_works(JSON_AVX2) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512vbmi");
#endif
    default: return false;
    }
}

static void pass(enum json_level level, struct json_walk *w)
{
    switch (level) {
#if defined(__x86_64__)
    case JSON_AVX512: json_pass_avx512(w); break;
    case JSON_AVX2: json_pass_avx2(w); break;
    case JSON_SSE2: json_pass_sse2(w); break;
#endif
    default: json_pass_plain(w); break;
    }
}

struct json_result json_scan_with(enum json_level level, struct text json, const struct text *names, size_t n,
                                  struct json_member *members, unsigned max_depth)
{
    struct json_walk w;
    json_walk_init(&w, json, names, n, members, max_depth);
    pass(level, &w);
    if (w.result.error != JSON_FINE) json_walk_forget(&w);
    return w.result;
}

static enum json_level best_level(void)
{
    enum json_level level = JSON_AVX512;
    while (!json_level_works(level))
        level--;
    return level;
}

/* Threads that come first together all find the same, so no lock is needed. */
struct json_result json_scan(struct text json, const struct text *names, size_t n, struct json_member *members,
                             unsigned max_depth)
{
    enum { UNKNOWN = -1 };
    static _Atomic int known = UNKNOWN;
    int level = atomic_load_explicit(&known, memory_order_relaxed);
    if (level == UNKNOWN) {
        level = (int)best_level();
        atomic_store_explicit(&known, level, memory_order_relaxed);
    }
    return json_scan_with((enum json_level)level, json, names, n, members, max_depth);
}
