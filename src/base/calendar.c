#include "dsgate/base/calendar.h"

enum { DAYS = 7, EVERY_DAY = (1 << DAYS) - 1, MINUTES_OF_DAY = 24 * 60, MINUTES_OF_WEEK = DAYS * MINUTES_OF_DAY };

/* ---- days: "Mon-Fri", "Sat,Sun" ---- */

static const char day_names[DAYS][4] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

static bool find_day(struct text t, unsigned *day)
{
    for (*day = 0; *day < DAYS; ++*day)
        if (text_eq_nocase(t, text_of(day_names[*day]))) return true;
    return false;
}

/* One day, or from one to another, over the end of the week if need be. */
static bool add_days(struct text t, unsigned *days)
{
    unsigned first, last;
    size_t dash = text_find_byte(t, '-');
    if (!find_day(text_make(t.p, dash), &first)) return false;
    last = first;
    if (dash < t.n && !find_day(text_from(t, dash + 1), &last)) return false;
    for (unsigned day = first;; day = (day + 1) % DAYS) {
        *days |= 1u << day;
        if (day == last) return true;
    }
}

static bool read_days(struct text t, unsigned *days)
{
    struct text part;
    *days = 0;
    if (text_ends(t, TEXT(","))) return false;
    while (text_cut(&t, ',', &part))
        if (!add_days(part, days)) return false;
    return *days != 0;
}

/* ---- hours: "01:00-04:00" ---- */

static bool read_time(struct text t, unsigned *minutes)
{
    uint64_t hours, past;
    if (t.n != 5 || t.p[2] != ':') return false;
    if (!text_to_u64(text_make(t.p, 2), &hours) || !text_to_u64(text_from(t, 3), &past) || past > 59) return false;
    *minutes = (unsigned)(hours * 60 + past);
    return *minutes <= MINUTES_OF_DAY;
}

static bool read_hours(struct text t, struct window *w)
{
    size_t dash = text_find_byte(t, '-');
    return dash < t.n && read_time(text_make(t.p, dash), &w->from) && read_time(text_from(t, dash + 1), &w->to) &&
           w->from < MINUTES_OF_DAY;
}

/* ---- windows ---- */

static struct text take_word(struct text *rest)
{
    struct text word;
    *rest = text_trim(*rest);
    return text_cut(rest, ' ', &word) ? word : TEXT_NONE;
}

/* Only hours have a digit first. */
static bool begins_with_digit(struct text t) { return t.n && *t.p >= '0' && *t.p <= '9'; }

static bool complain(struct text window, bool days_are_fine, struct buf *error)
{
    buf_printf(error,
               "'" TEXT_FORMAT "' is no window of the week; expected %sHH:MM-HH:MM, like 'Mon-Fri 01:00-04:00' or "
               "'Sat,Sun 00:00-24:00 Asia/Shanghai'",
               TEXT_ARGS(window), days_are_fine ? "" : "days (Mon Tue Wed Thu Fri Sat Sun), or hours as ");
    return false;
}

bool window_parse(struct text t, struct window *w, struct buf *error)
{
    struct text rest = t, word = take_word(&rest);
    *w = (struct window){.days = EVERY_DAY};
    bool days = begins_with_digit(word);
    if (!days) {
        days = read_days(word, &w->days);
        word = take_word(&rest);
    }
    if (!days || !read_hours(word, w)) return complain(t, days, error);
    rest = text_trim(rest);
    w->zone = zone_open(rest.n ? rest : TEXT("UTC"), error);
    return w->zone != NULL;
}

void window_free(struct window *w)
{
    zone_close(w->zone);
    *w = (struct window){0};
}

static bool begins_on(const struct window *w, unsigned day) { return w->days >> day % DAYS & 1; }

bool window_is_open(const struct window *w, usec_t wall)
{
    int64_t minutes = floor_div(zone_local(w->zone, wall), 60) + 3 * MINUTES_OF_DAY; /* 1970 began with a Thursday */
    unsigned of_week = (unsigned)(minutes - floor_div(minutes, MINUTES_OF_WEEK) * MINUTES_OF_WEEK);
    unsigned day = of_week / MINUTES_OF_DAY, minute = of_week % MINUTES_OF_DAY;
    if (w->from < w->to) return begins_on(w, day) && minute >= w->from && minute < w->to;
    return (minute >= w->from && begins_on(w, day)) || (minute < w->to && begins_on(w, day + DAYS - 1));
}
