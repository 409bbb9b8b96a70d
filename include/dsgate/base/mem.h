/* mem.h - memory that is always there.
 *
 * A daemon that is out of memory in the middle of a small allocation has nothing sensible left to do, and code that
 * pretends otherwise is never tested. So the plain calls end the process with one line on stderr (systemd or Docker
 * restarts it), and only sizes that a peer chooses go through mem_try_alloc(), whose NULL must be handled.
 *
 * Threading: as malloc. Ownership: whatever these return is the caller's and goes back through mem_free().
 */
#ifndef DSGATE_BASE_MEM_H
#define DSGATE_BASE_MEM_H

#include <stddef.h>

/* Never NULL, contents undefined; n == 0 is treated as 1. */
void *mem_alloc(size_t n);

/* Never NULL, all bytes zero. */
void *mem_zalloc(size_t n);

/* Never NULL; p may be NULL. On return p is invalid. */
void *mem_realloc(void *p, size_t n);

/* NULL when there is no memory: for sizes that come from outside. */
void *mem_try_alloc(size_t n);

/* A copy of n bytes (mem_dup) or of a C string (mem_strdup; NULL gives NULL). */
void *mem_dup(const void *p, size_t n);
char *mem_strdup(const char *s);

/* A C string from a printf format. */
char *mem_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* NULL is fine. */
void mem_free(void *p);

/* n zero bytes at the beginning of a page, which take no memory before they are used: for large tables that may stay
 * nearly empty. They go back through mem_free_pages() with the same n. */
void *mem_pages(size_t n);
void mem_free_pages(void *p, size_t n);

/* Overwrites a secret so that the compiler can't drop the write, then frees it. NULL is fine. */
void mem_free_secret(char *s);

/* A zeroed struct: MEM_NEW(struct foo). */
#define MEM_NEW(type) ((type *)mem_zalloc(sizeof(type)))

/* The struct that embeds `member` at `ptr`. */
#define CONTAINER_OF(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

#endif
