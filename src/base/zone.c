#include "dsgate/base/zone.h"
#include "dsgate/base/file.h"
#include "dsgate/base/mem.h"
#include "tzif.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    FILE_MAX = 65536, /* the largest of the database has 3.5 KB */
    NAME_MAX_BYTES = 64,
    HOURS_MOST = 14, /* what the world uses: from -12:00 to +14:00 */
    MINUTE = 60,
    HOUR = 3600,
    DAY = 86400
};

struct zone {
    struct tzif times;
};

/* ---- offsets: "+08:00" ---- */

static bool read_two_digits(const char *p, unsigned most, int32_t *out)
{
    uint64_t value;
    if (!text_to_u64(text_make(p, 2), &value) || value > most) return false;
    *out = (int32_t)value;
    return true;
}

static bool read_offset(struct text t, int32_t *offset)
{
    int32_t hours, minutes;
    if (t.n != 6 || (*t.p != '+' && *t.p != '-') || t.p[3] != ':') return false;
    if (!read_two_digits(t.p + 1, HOURS_MOST, &hours) || !read_two_digits(t.p + 4, 59, &minutes)) return false;
    int32_t size = hours * HOUR + minutes * MINUTE;
    *offset = *t.p == '-' ? -size : size;
    return size <= HOURS_MOST * HOUR;
}

/* ---- names: "Asia/Shanghai" ---- */

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '+';
}

/* Words of such bytes with single slashes between them; so there is no "..", and the path stays in the folder. */
static bool is_name(struct text t)
{
    bool in_word = false;
    if (t.n == 0 || t.n > NAME_MAX_BYTES || *t.p == '+' || *t.p == '-') return false;
    for (size_t i = 0; i < t.n; i++) {
        if (!is_name_byte(t.p[i]) && !(t.p[i] == '/' && in_word)) return false;
        in_word = t.p[i] != '/';
    }
    return in_word;
}

static const char *folder(void)
{
    const char *set = getenv("TZDIR");
    return set && *set ? set : "/usr/share/zoneinfo";
}

/* Every database has UTC. */
static bool is_installed(void)
{
    char *path = mem_printf("%s/UTC", folder());
    bool found = access(path, F_OK) == 0;
    mem_free(path);
    return found;
}

static void tell_unknown(struct text name, struct buf *error)
{
    if (is_installed())
        buf_printf(error,
                   "there is no time zone '" TEXT_FORMAT "' in %s; expected UTC, an offset like +08:00, or a name like "
                   "Asia/Shanghai",
                   TEXT_ARGS(name), folder());
    else
        buf_printf(error,
                   "time zone '" TEXT_FORMAT "' needs the time zone database, which is not in %s; install the package "
                   "tzdata, or write an offset like +08:00",
                   TEXT_ARGS(name), folder());
}

static bool read_file(struct text name, struct tzif *times, struct buf *error)
{
    size_t n = 0;
    const char *wrong;
    char *path = mem_printf("%s/" TEXT_FORMAT, folder(), TEXT_ARGS(name));
    errno = 0;
    char *bytes = file_read(path, FILE_MAX, true, &n, &wrong);
    bool absent = !bytes && (errno == ENOENT || errno == ENOTDIR);
    if (bytes) wrong = tzif_parse(text_make(bytes, n), times);
    if (absent)
        tell_unknown(name, error);
    else if (wrong)
        buf_printf(error, "time zone '" TEXT_FORMAT "': %s cannot be used: %s", TEXT_ARGS(name), path, wrong);
    if (bytes) file_wipe(bytes, n);
    mem_free(path);
    return !wrong;
}

/* ---- zones ---- */

static bool read_times(struct text name, struct tzif *times, struct buf *error)
{
    if (text_is(name, "UTC") || read_offset(name, &times->first)) return true;
    if (is_name(name)) return read_file(name, times, error);
    buf_printf(error,
               "'" TEXT_FORMAT "' is no time zone; expected UTC, an offset from -14:00 to +14:00, or a name like "
               "Asia/Shanghai",
               TEXT_ARGS(name));
    return false;
}

struct zone *zone_open(struct text name, struct buf *error)
{
    struct tzif times = {0};
    if (!read_times(name, &times, error)) return NULL;
    struct zone *z = MEM_NEW(struct zone);
    z->times = times;
    return z;
}

void zone_close(struct zone *z)
{
    if (!z) return;
    tzif_free(&z->times);
    mem_free(z);
}

/* ---- asking ---- */

int32_t zone_offset(const struct zone *z, usec_t wall)
{
    int64_t until;
    return tzif_offset(&z->times, floor_div(wall, USEC_PER_SEC), &until);
}

int64_t zone_local(const struct zone *z, usec_t wall) { return floor_div(wall, USEC_PER_SEC) + zone_offset(z, wall); }

int64_t zone_day(const struct zone *z, usec_t wall) { return floor_div(zone_local(z, wall), DAY); }

static usec_t to_usec(int64_t second) { return second > INT64_MAX / USEC_PER_SEC ? USEC_NEVER : second * USEC_PER_SEC; }

/* From one change of the offset to the next, until midnight has come. */
usec_t zone_next_day(const struct zone *z, usec_t wall)
{
    int64_t second = floor_div(wall, USEC_PER_SEC), midnight = (zone_day(z, wall) + 1) * DAY;
    for (int64_t until;; second = until) {
        int64_t candidate = midnight - tzif_offset(&z->times, second, &until);
        if (candidate <= second) return to_usec(second);
        if (candidate < until) return to_usec(candidate);
    }
}
