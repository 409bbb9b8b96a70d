#include "dsgate/config/units.h"

struct unit {
    const char *name;
    uint64_t factor;
};

/* Digits and then the name of a unit. */
static bool number_with_unit(struct text t, const struct unit *units, uint64_t *out)
{
    size_t digits = 0;
    while (digits < t.n && t.p[digits] >= '0' && t.p[digits] <= '9')
        digits++;
    uint64_t value;
    if (!text_to_u64(text_make(t.p, digits), &value)) return false;
    for (const struct unit *u = units; u->name; u++)
        if (text_eq_nocase(text_from(t, digits), text_of(u->name)))
            return !__builtin_mul_overflow(value, u->factor, out);
    return false;
}

bool units_duration(struct text t, uint64_t *out)
{
    static const struct unit units[] = {{"ms", 1000},       {"s", 1000000},      {"m", 60000000},
                                        {"h", 3600000000u}, {"d", 86400000000u}, {0}};
    if (text_is(t, "0")) return *out = 0, true;
    return number_with_unit(t, units, out);
}

bool units_size(struct text t, uint64_t *out)
{
    enum { K = 1 << 10, M = 1 << 20, G = 1 << 30 };
    static const struct unit units[] = {{"", 1},  {"B", 1},   {"KB", K}, {"K", K}, {"KiB", K}, {"MB", M},
                                        {"M", M}, {"MiB", M}, {"GB", G}, {"G", G}, {"GiB", G}, {0}};
    return number_with_unit(t, units, out);
}

bool units_octal(struct text t, uint64_t *out)
{
    uint64_t value = 0;
    if (t.n == 0 || t.n > 6) return false;
    for (size_t i = 0; i < t.n; i++) {
        if (t.p[i] < '0' || t.p[i] > '7') return false;
        value = value << 3 | (uint64_t)(t.p[i] - '0');
    }
    *out = value;
    return true;
}

bool units_percent(struct text t, uint64_t *out)
{
    return text_ends(t, TEXT("%")) && text_to_u64(text_make(t.p, t.n - 1), out);
}

bool units_decimal(struct text t, uint64_t *out)
{
    enum { DECIMALS = 9 };
    size_t point = text_find_byte(t, '.');
    struct text decimals = text_from(t, point + 1);
    uint64_t whole, part = 0;
    if (!text_to_u64(text_make(t.p, point), &whole)) return false;
    if (point < t.n && (decimals.n > DECIMALS || !text_to_u64(decimals, &part))) return false;
    for (size_t i = decimals.n; i < DECIMALS; i++)
        part *= 10;
    return !__builtin_mul_overflow(whole, (uint64_t)1000000000, out) && !__builtin_add_overflow(*out, part, out);
}
