/* text.h - a view of bytes, and the small things one does with words.
 *
 * A struct text never owns what it points at and need not end in NUL; it is passed by value. Bytes are bytes: nothing
 * here knows about locales, and "nocase" means ASCII.
 */
#ifndef DSGATE_BASE_TEXT_H
#define DSGATE_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct text {
    const char *p;
    size_t n;
};

#define TEXT(literal)     ((struct text){"" literal, sizeof(literal) - 1})
#define TEXT_NONE         ((struct text){NULL, 0})
#define TEXT_FORMAT       "%.*s" /* printf("…" TEXT_FORMAT "…", TEXT_ARGS(t)) */
#define TEXT_ARGS(t)      (int)(t).n, (t).p

static inline struct text text_make(const char *p, size_t n) { return (struct text){p, n}; }
static inline struct text text_of(const char *s) { return (struct text){s, s ? strlen(s) : 0}; }
static inline bool text_eq(struct text a, struct text b) { return a.n == b.n && (a.n == 0 || !memcmp(a.p, b.p, a.n)); }
static inline bool text_is(struct text a, const char *s) { return text_eq(a, text_of(s)); }

bool text_is_one_of(struct text t, const struct text *words, size_t n);
bool text_eq_nocase(struct text a, struct text b);
bool text_starts(struct text t, struct text prefix);
bool text_starts_nocase(struct text t, struct text prefix);
bool text_ends(struct text t, struct text suffix);

/* Without leading and trailing spaces and tabs. */
struct text text_trim(struct text t);

/* The part from byte `from` on; empty when from is past the end. */
struct text text_from(struct text t, size_t from);

/* Position of a byte or of a needle; t.n when absent. */
size_t text_find_byte(struct text t, char byte);
size_t text_find(struct text t, struct text needle);

/* Writes asterisks over each occurrence of a secret in the n bytes at p. Secrets of less than 8 bytes ("any", "EMPTY")
 * are left alone: they are none, and texts full of such words would be maimed. */
#define TEXT_SECRET_MIN 8
void text_redact(char *p, size_t n, struct text secret);

/* Cuts the next piece before `separator` off *rest; false when *rest is used up. A trailing separator yields no empty
 * last piece:  while (text_cut(&rest, ',', &piece)) … */
bool text_cut(struct text *rest, char separator, struct text *piece);

/* Strict decimal: digits only, no sign, no space, no overflow; false leaves *out alone. */
bool text_to_u64(struct text t, uint64_t *out);

/* Strict hexadecimal of 1 to 16 digits. */
bool text_hex_to_u64(struct text t, uint64_t *out);

/* Damerau-Levenshtein distance (adjacent swaps count 1), ignoring ASCII case, for 'did you mean'. Words longer than
 * 63 bytes count as far apart (1000). */
unsigned text_distance(struct text a, struct text b);

/* May one have been meant for the other? At least half of the longer one can stay as it is. *distance: as above. */
bool text_is_near(struct text a, struct text b, unsigned *distance);

/* Length of the character at the beginning, as valid UTF-8 (RFC 3629: no surrogates, nothing above U+10FFFF, shortest
 * form), or 0: there is none. */
size_t text_utf8_length(struct text t);

/* A NUL-terminated copy; the caller frees it with mem_free(). */
char *text_dup(struct text t);

/* A NUL-terminated copy in `out`, cut to the room there (n > 0 bytes, NUL included). */
void text_copy(struct text t, char *out, size_t n);

/* 32-bit FNV-1a: for hash tables of trusted keys, never for secrets. */
uint32_t text_hash(struct text t);

#endif
