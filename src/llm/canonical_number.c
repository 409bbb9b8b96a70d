/* A number is its significant digits and a power of ten: 12.50 is 125e-1, 100 is 1e2, 7 is 7. Nothing is calculated but
 * the exponent, and that may have more digits than any integer type. */
#include "canonical_private.h"

struct number {
    bool negative, exponent_negative;
    struct text whole, fraction, exponent; /* digits */
};

static bool cut_byte(struct text *rest, char byte)
{
    bool there = rest->n && rest->p[0] == byte;
    if (there) *rest = text_from(*rest, 1);
    return there;
}

static struct text cut_digits(struct text *rest)
{
    size_t n = 0;
    while (n < rest->n && rest->p[n] >= '0' && rest->p[n] <= '9')
        n++;
    struct text digits = text_make(rest->p, n);
    *rest = text_from(*rest, n);
    return digits;
}

static struct number parse(struct text t)
{
    struct number n = {.fraction = TEXT_NONE, .exponent = TEXT("0")};
    n.negative = cut_byte(&t, '-');
    n.whole = cut_digits(&t);
    if (cut_byte(&t, '.')) n.fraction = cut_digits(&t);
    if (cut_byte(&t, 'e') || cut_byte(&t, 'E')) {
        n.exponent_negative = cut_byte(&t, '-');
        cut_byte(&t, '+');
        n.exponent = cut_digits(&t);
    }
    return n;
}

static struct text without_leading_zeros(struct text digits)
{
    while (cut_byte(&digits, '0'))
        ;
    return digits;
}

static struct text without_trailing_zeros(struct text digits)
{
    while (digits.n && digits.p[digits.n - 1] == '0')
        digits.n--;
    return digits;
}

/* Leaves the significant digits, if any, and returns what their place adds to the exponent. */
static int64_t strip(struct number *n)
{
    size_t decimals = n->fraction.n, digits = n->whole.n + decimals;
    n->fraction = without_trailing_zeros(n->fraction);
    if (n->fraction.n == 0) n->whole = without_trailing_zeros(n->whole);
    size_t zeros = digits - n->whole.n - n->fraction.n;
    n->whole = without_leading_zeros(n->whole);
    if (n->whole.n == 0) n->fraction = without_leading_zeros(n->fraction);
    return (int64_t)zeros - (int64_t)decimals;
}

/* The last digit takes all of it, and what is too much, or less than nothing, is carried. */
static void add_to_digits(char *digits, size_t n, int64_t addend)
{
    for (; n && addend; n--) {
        int64_t sum = digits[n - 1] - '0' + addend, digit = (sum % 10 + 10) % 10;
        digits[n - 1] = (char)('0' + digit);
        addend = (sum - digit) / 10;
    }
}

/* An exponent beyond 64 bits, which no text is long enough to bring near to zero. */
static void write_long_exponent(const struct number *n, int64_t addend, struct buf *out)
{
    struct text exponent = without_leading_zeros(n->exponent);
    char *digits = buf_reserve(out, exponent.n + 1);
    digits[0] = '0'; /* for a carry */
    memcpy(digits + 1, exponent.p, exponent.n);
    add_to_digits(digits, exponent.n + 1, n->exponent_negative ? -addend : addend);
    struct text sum = without_leading_zeros(text_make(digits, exponent.n + 1));
    memmove(digits, sum.p, sum.n);
    buf_commit(out, sum.n);
}

static void write_exponent(const struct number *n, int64_t addend, struct buf *out)
{
    uint64_t magnitude;
    if (!text_to_u64(n->exponent, &magnitude) || magnitude > INT64_MAX / 2) {
        buf_append(out, "e-", n->exponent_negative ? 2 : 1);
        write_long_exponent(n, addend, out);
        return;
    }
    int64_t exponent = (n->exponent_negative ? -(int64_t)magnitude : (int64_t)magnitude) + addend;
    if (exponent == 0) return;
    buf_append(out, "e-", exponent < 0 ? 2 : 1);
    buf_add_u64(out, exponent < 0 ? (uint64_t)-exponent : (uint64_t)exponent);
}

/* An integer that does not end in 0, as most are: it is canonical. */
static bool is_short(struct text number)
{
    struct text rest = number;
    cut_byte(&rest, '-');
    cut_digits(&rest);
    return rest.n == 0 && number.p[number.n - 1] != '0';
}

void canonical_number(struct text number, struct buf *out)
{
    if (is_short(number)) {
        buf_add(out, number);
        return;
    }
    struct number n = parse(number);
    int64_t addend = strip(&n);
    if (n.whole.n + n.fraction.n == 0) {
        buf_add_byte(out, '0');
        return;
    }
    if (n.negative) buf_add_byte(out, '-');
    buf_add(out, n.whole);
    buf_add(out, n.fraction);
    write_exponent(&n, addend, out);
}
