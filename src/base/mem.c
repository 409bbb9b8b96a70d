#include "dsgate/base/mem.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *must(void *p)
{
    if (p) return p;
    fputs("dsgate: out of memory\n", stderr);
    abort();
}

void *mem_alloc(size_t n) { return must(malloc(n ? n : 1)); }
void *mem_zalloc(size_t n) { return must(calloc(1, n ? n : 1)); }
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

void mem_free_secret(char *s)
{
    if (!s) return;
    explicit_bzero(s, strlen(s));
    free(s);
}
