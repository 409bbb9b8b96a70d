#include "posix_tz.h"
#include "dsgate/base/clock.h"

enum { MINUTE = 60, HOUR = 3600, DAY = 86400 };

/* ---- reading ---- */

static bool take(struct text *t, char byte)
{
    if (t->n == 0 || *t->p != byte) return false;
    *t = text_from(*t, 1);
    return true;
}

static bool take_number(struct text *t, int least, int most, int *out)
{
    size_t n = 0;
    uint64_t value;
    while (n < t->n && t->p[n] >= '0' && t->p[n] <= '9')
        n++;
    if (!text_to_u64(text_make(t->p, n), &value) || value > (unsigned)most || (int)value < least) return false;
    *out = (int)value;
    *t = text_from(*t, n);
    return true;
}

static bool is_letter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

/* "EST", or "<+0330>": what is inside does not matter, but that it ends does. */
static bool take_name(struct text *t)
{
    size_t n = 0;
    if (take(t, '<')) {
        n = text_find_byte(*t, '>');
        if (n == t->n) return false;
        *t = text_from(*t, n + 1);
        return n >= 3;
    }
    while (n < t->n && is_letter(t->p[n]))
        n++;
    *t = text_from(*t, n);
    return n >= 3;
}

/* "[+-]hh[:mm[:ss]]" */
static bool take_time(struct text *t, int hours_most, int32_t *out)
{
    int hours, minutes = 0, seconds = 0;
    bool negative = take(t, '-');
    if (!negative) take(t, '+');
    if (!take_number(t, 0, hours_most, &hours)) return false;
    if (take(t, ':')) {
        if (!take_number(t, 0, 59, &minutes)) return false;
        if (take(t, ':') && !take_number(t, 0, 59, &seconds)) return false;
    }
    int32_t time = hours * HOUR + minutes * MINUTE + seconds;
    *out = negative ? -time : time;
    return true;
}

static bool take_day(struct text *t, struct yearly_change *c)
{
    if (take(t, 'J')) {
        c->kind = DAY_OF_COMMON_YEAR;
        return take_number(t, 1, 365, &c->day);
    }
    if (!take(t, 'M')) {
        c->kind = DAY_OF_YEAR;
        return take_number(t, 0, 365, &c->day);
    }
    c->kind = DAY_OF_WEEK_OF_MONTH;
    return take_number(t, 1, 12, &c->month) && take(t, '.') && take_number(t, 1, 5, &c->week) && take(t, '.') &&
           take_number(t, 0, 6, &c->day);
}

static bool take_change(struct text *t, struct yearly_change *c)
{
    c->time = 2 * HOUR;
    return take(t, ',') && take_day(t, c) && (!take(t, '/') || take_time(t, 167, &c->time));
}

/* Offsets are written west of UTC there. */
static bool take_offset(struct text *t, int32_t *east)
{
    if (!take_time(t, 24, east)) return false;
    *east = -*east;
    return true;
}

bool posix_tz_parse(struct text t, struct posix_tz *out)
{
    *out = (struct posix_tz){0};
    if (!take_name(&t) || !take_offset(&t, &out->standard)) return false;
    out->has_dst = t.n > 0;
    if (!out->has_dst) return true;
    out->dst = out->standard + HOUR;
    if (!take_name(&t) || (t.n && *t.p != ',' && !take_offset(&t, &out->dst))) return false;
    return take_change(&t, &out->dst_begins) && take_change(&t, &out->dst_ends) && t.n == 0;
}

/* ---- the calendar ---- */

static bool is_leap(int64_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

/* 1 January, in days since 1970. */
static int64_t year_begins(int64_t year)
{
    int64_t before = year - 1;
    return 365 * (year - 1970) + floor_div(before, 4) - floor_div(before, 100) + floor_div(before, 400) - 477;
}

static int64_t year_of(int64_t day)
{
    int64_t year = 1970 + floor_div(day * 400, 146097);
    while (year_begins(year) > day)
        year--;
    while (year_begins(year + 1) <= day)
        year++;
    return year;
}

static const short month_begins[13] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};

static int day_of_month_begin(int64_t year, int month)
{
    return month_begins[month - 1] + (month > 2 && is_leap(year));
}

static int64_t day_of_week_of_month(int64_t year, const struct yearly_change *c)
{
    int64_t begin = year_begins(year) + day_of_month_begin(year, c->month);
    int64_t end = year_begins(year) + month_begins[c->month] + (c->month > 1 && is_leap(year));
    int64_t weekday = 4 + begin - 7 * floor_div(4 + begin, 7); /* 1970 began with a Thursday */
    int64_t day = begin + (c->day - weekday + 7) % 7 + 7 * (c->week - 1);
    return day < end ? day : day - 7;
}

static int64_t day_of_change(int64_t year, const struct yearly_change *c)
{
    switch (c->kind) {
    case DAY_OF_YEAR: return year_begins(year) + c->day;
    case DAY_OF_COMMON_YEAR: return year_begins(year) + c->day - 1 + (c->day > 59 && is_leap(year));
    case DAY_OF_WEEK_OF_MONTH: return day_of_week_of_month(year, c);
    }
    return 0;
}

/* ---- asking ---- */

/* The last change so far and the next one. */
struct around {
    int64_t second;
    int64_t last, next;
    int32_t offset;
};

/* Of two at the same time the later one counts. */
static void look_at(struct around *a, int64_t at, int32_t offset)
{
    if (at > a->second) {
        if (at < a->next) a->next = at;
    } else if (at >= a->last) {
        a->last = at;
        a->offset = offset;
    }
}

static void look_at_year(struct around *a, const struct posix_tz *r, int64_t year)
{
    int64_t begins = day_of_change(year, &r->dst_begins) * DAY + r->dst_begins.time - r->standard;
    int64_t ends = day_of_change(year, &r->dst_ends) * DAY + r->dst_ends.time - r->dst;
    if (begins <= ends) look_at(a, begins, r->dst);
    look_at(a, ends, r->standard);
    if (begins > ends) look_at(a, begins, r->dst);
}

/* A change may lie a week outside its year, so that the nearest ones may be those of the year before the last or after
 * the next. Daylight saving time all year ("EST5EDT,0/0,J365/25") ends as it begins anew. */
int32_t posix_tz_offset(const struct posix_tz *rule, int64_t second, int64_t *until)
{
    struct around a = {second, INT64_MIN, INT64_MAX, rule->standard};
    if (rule->has_dst) {
        int64_t year = year_of(floor_div(second, DAY));
        for (int64_t y = year - 2; y <= year + 2; y++)
            look_at_year(&a, rule, y);
    }
    *until = a.next;
    return a.offset;
}
