/* http_bytes.c - classes of bytes, and the search for control bytes.
 *
 * Most bytes of a head are looked at for one thing only: whether they are control bytes. Sixteen at a time, that costs
 * next to nothing; the loop behind it takes the rest, and everything on machines without SSE2.
 */
#include "http_private.h"
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define K HTTP_IN_TOKEN
#define T HTTP_IN_TARGET
#define H HTTP_IN_HOST
const uint8_t http_classes[256] = {
    ['!'] = K | T,
    ['"'] = T,
    ['#'] = K,
    ['$' ... '\''] = K | T,
    ['(' ... ')'] = T,
    ['*' ... '+'] = K | T,
    [','] = T,
    ['-' ... '.'] = K | T | H,
    ['/'] = T,
    ['0' ... '9'] = K | T | H,
    [':' ... '@'] = T,
    ['A' ... 'Z'] = K | T | H,
    ['[' ... ']'] = T,
    ['^'] = K | T,
    ['_'] = K | T | H,
    ['`'] = K | T,
    ['a' ... 'z'] = K | T | H,
    ['{'] = T,
    ['|'] = K | T,
    ['}'] = T,
    ['~'] = K | T | H,
};
#undef K
#undef T
#undef H

bool http_all(struct text t, enum http_class class)
{
    for (size_t i = 0; i < t.n; i++)
        if (!http_is(t.p[i], class)) return false;
    return true;
}

#ifdef __SSE2__
static unsigned controls_of_16(const char *p)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
    __m128i del = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f));
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(low, del));
}
#endif

const char *http_find_control(const char *p, const char *end)
{
#ifdef __SSE2__
    for (; end - p >= 16; p += 16) {
        unsigned found = controls_of_16(p);
        if (found) return p + __builtin_ctz(found);
    }
#endif
    while (p < end && (unsigned char)*p >= 0x20 && *p != 0x7f)
        p++;
    return p;
}
