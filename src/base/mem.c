#include "dsgate/base/mem.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static void *must(void *p)
{
    if (p) return p;
    fputs("dsgate: out of memory\n", stderr);
    abort();
}

void *mem_alloc(size_t n) { return must(malloc(n ? n : 1)); }

/* calloc() knows which memory of the system's is zero already. But glibc's, before 2.41, passes by what the thread has
 * freed lately, and looks through the heap's lists: for small blocks that costs more than to clear them. */
void *mem_zalloc(size_t n)
{
    enum { SMALL = 1024 };
    return n <= SMALL ? memset(mem_alloc(n), 0, n) : must(calloc(1, n));
}

void *mem_realloc(void *p, size_t n) { return must(realloc(p, n ? n : 1)); }
void *mem_try_alloc(size_t n) { return malloc(n ? n : 1); }
void mem_free(void *p) { free(p); }

void *mem_dup(const void *p, size_t n)
{
    void *copy = mem_alloc(n);
    if (n) memcpy(copy, p, n);
    return copy;
}

char *mem_strdup(const char *s) { return s ? mem_dup(s, strlen(s) + 1) : NULL; }

char *mem_printf(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *s = NULL;
    if (vasprintf(&s, format, args) < 0) s = NULL;
    va_end(args);
    return must(s);
}

/* calloc() would clear what it takes from the heap, and so use it. */
void *mem_pages(size_t n)
{
    void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return must(p == MAP_FAILED ? NULL : p);
}

void mem_free_pages(void *p, size_t n) { munmap(p, n); }

void mem_free_secret(char *s)
{
    if (!s) return;
    explicit_bzero(s, strlen(s));
    free(s);
}
