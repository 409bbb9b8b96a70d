#include "dsgate/base/buf.h"
#include "dsgate/base/mem.h"
#include <stdarg.h>
#include <stdio.h>

enum { SMALLEST = 256 };

/* Room comes first from sliding the bytes to the front (when at least half of the storage is free there, so that the
 * cost stays linear), then from growing. */
char *buf_reserve(struct buf *b, size_t n)
{
    if (b->capacity - b->tail >= n) return b->data + b->tail;
    size_t used = buf_len(b);
    if (b->head >= b->capacity / 2 && b->capacity - used >= n) {
        memmove(b->data, b->data + b->head, used);
    } else {
        size_t capacity = b->capacity ? b->capacity : SMALLEST;
        while (capacity - used < n)
            capacity *= 2;
        char *data = mem_alloc(capacity);
        if (used) memcpy(data, b->data + b->head, used);
        mem_free(b->data);
        b->data = data;
        b->capacity = capacity;
    }
    b->head = 0;
    b->tail = used;
    return b->data + b->tail;
}

void buf_add_u64(struct buf *b, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    buf_append(b, digits + at, sizeof digits - at);
}

void buf_add_ms(struct buf *b, int64_t us)
{
    uint64_t time = us > 0 ? (uint64_t)us : 0;
    unsigned rest = (unsigned)(time % 1000);
    char decimals[] = {'.', (char)('0' + rest / 100), (char)('0' + rest / 10 % 10), (char)('0' + rest % 10)};
    buf_add_u64(b, time / 1000);
    buf_append(b, decimals, sizeof decimals);
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n > 0) {
        vsnprintf(buf_reserve(b, (size_t)n + 1), (size_t)n + 1, format, again);
        b->tail += (size_t)n;
    }
    va_end(again);
}

void buf_consume(struct buf *b, size_t n)
{
    b->head += n;
    if (b->head == b->tail) b->head = b->tail = 0;
}

void buf_free(struct buf *b)
{
    mem_free(b->data);
    *b = (struct buf){0};
}

void buf_add_json_escape(struct buf *b, uint16_t unit)
{
    static const char short_names[] = "btnvfr", digits[] = "0123456789abcdef"; /* 8…13; \v is no JSON escape */
    if (unit == '"' || unit == '\\') {
        buf_append(b, (char[]){'\\', (char)unit}, 2);
    } else if (unit >= 8 && unit <= 13 && unit != 11) {
        buf_append(b, (char[]){'\\', short_names[unit - 8]}, 2);
    } else {
        char escape[] = {
            '\\', 'u', digits[unit >> 12], digits[unit >> 8 & 15], digits[unit >> 4 & 15], digits[unit & 15]};
        buf_append(b, escape, sizeof escape);
    }
}

static bool is_plain(unsigned char c) { return c >= 0x20 && c < 0x7F && c != '"' && c != '\\'; }

/* The same for eight bytes at once: each test leaves a byte's top bit set when the byte is not plain. */
static bool are_plain(const unsigned char *p)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
    uint64_t v, quote, backslash;
    memcpy(&v, p, sizeof v);
    quote = v ^ ones * '"';
    backslash = v ^ ones * '\\';
    uint64_t low = (v - ones * 0x20) | (quote - ones) | (backslash - ones), high = v | (v + ones);
    return ((low | high) & tops) == 0;
}

void buf_add_json_string(struct buf *b, struct text t)
{
    const unsigned char *p = (const unsigned char *)t.p;
    size_t start = 0, i = 0;
    buf_add_byte(b, '"');
    while (i < t.n) {
        if (t.n - i >= 8 && are_plain(p + i)) {
            i += 8;
            continue;
        }
        if (is_plain(p[i])) {
            i++;
            continue;
        }
        size_t whole = p[i] < 0x80 ? 0 : text_utf8_length(text_from(t, i));
        if (whole) {
            i += whole;
            continue;
        }
        buf_append(b, p + start, i - start);
        if (p[i] < 0x80)
            buf_add_json_escape(b, p[i]);
        else
            BUF_ADD(b, "\xEF\xBF\xBD");
        start = ++i;
    }
    buf_append(b, p + start, i - start);
    buf_add_byte(b, '"');
}
