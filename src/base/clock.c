#include "dsgate/base/clock.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

static usec_t read_clock(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (usec_t)ts.tv_sec * USEC_PER_SEC + ts.tv_nsec / 1000;
}

usec_t clock_monotonic(void) { return read_clock(CLOCK_MONOTONIC); }
usec_t clock_wall(void) { return read_clock(CLOCK_REALTIME); }

static void put2(char *p, int value)
{
    p[0] = (char)('0' + value / 10);
    p[1] = (char)('0' + value % 10);
}

/* Written by hand: it runs once a request, and printf costs more than the rest of a log line. */
void clock_format_iso(usec_t wall, char out[static 25])
{
    time_t seconds = (time_t)(wall / USEC_PER_SEC);
    int ms = (int)(wall % USEC_PER_SEC / 1000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    memcpy(out, "0000-00-00T00:00:00.000Z", 25);
    put2(out, (tm.tm_year + 1900) / 100);
    put2(out + 2, (tm.tm_year + 1900) % 100);
    put2(out + 5, tm.tm_mon + 1);
    put2(out + 8, tm.tm_mday);
    put2(out + 11, tm.tm_hour);
    put2(out + 14, tm.tm_min);
    put2(out + 17, tm.tm_sec);
    out[20] = (char)('0' + ms / 100);
    put2(out + 21, ms % 100);
}

void clock_format_http(usec_t wall, char out[static 30])
{
    static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t seconds = (time_t)(wall / USEC_PER_SEC);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    memcpy(out, "Ddd, 00 Mmm 0000 00:00:00 GMT", 30);
    memcpy(out, days + 3 * tm.tm_wday, 3);
    put2(out + 5, tm.tm_mday);
    memcpy(out + 8, months + 3 * tm.tm_mon, 3);
    put2(out + 12, (tm.tm_year + 1900) / 100);
    put2(out + 14, (tm.tm_year + 1900) % 100);
    put2(out + 17, tm.tm_hour);
    put2(out + 20, tm.tm_min);
    put2(out + 23, tm.tm_sec);
}

bool clock_parse_http(struct text t, usec_t *wall)
{
    char copy[30];
    struct tm tm = {0};
    if (t.n != sizeof copy - 1) return false;
    text_copy(t, copy, sizeof copy);
    const char *end = strptime(copy, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    if (!end || *end) return false;
    *wall = (usec_t)timegm(&tm) * USEC_PER_SEC;
    return true;
}
