/* What people wrote for the gateway is checked and complained about; what a library adds unasked never fails a call. */
#include "dsgate/admit/hints.h"
#include "dsgate/config/units.h"

/* Longer ones are as good as none, and sums with the clock can't overflow. */
#define TIMEOUT_MAX (24 * 3600 * USEC_PER_SEC)

static usec_t at_most(uint64_t time) { return time < (uint64_t)TIMEOUT_MAX ? (usec_t)time : TIMEOUT_MAX; }

/* ---- time-outs ---- */

static bool read_duration(struct text t, uint64_t *out)
{
    uint64_t seconds;
    if (!text_to_u64(t, &seconds)) return units_duration(t, out);
    if (__builtin_mul_overflow(seconds, (uint64_t)USEC_PER_SEC, out)) *out = UINT64_MAX;
    return true;
}

static bool read_own_timeout(struct hints *h, struct text value)
{
    uint64_t time = 0;
    if (!read_duration(value, &time) || time == 0) return false;
    h->timeout = at_most(time);
    return true;
}

/* Whole seconds; some libraries write decimals, which are dropped. */
static void read_stainless_timeout(struct hints *h, struct text value)
{
    uint64_t time;
    value.n = text_find_byte(value, '.');
    if (text_to_u64(value, &time) && read_duration(value, &time)) h->timeout = at_most(time);
}

/* ---- the class, and the conversation ---- */

static bool read_priority(struct hints *h, struct text value)
{
    for (enum conf_priority p = 0; p < PRIORITY_COUNT; p++) {
        bool named = text_eq_nocase(value, text_of(conf_priority_names[p]));
        if (!named && !text_eq_nocase(value, text_of(conf_priority_words[p]))) continue;
        h->priority = p;
        return true;
    }
    return false;
}

static bool read_session(struct hints *h, struct text value)
{
    if (value.n > HINTS_SESSION_MAX) return false;
    h->session = value;
    return true;
}

/* ---- names ---- */

static void read_request_id(struct hints *h, struct text value)
{
    enum { LONGEST = 128 };
    if (value.n > LONGEST) return;
    for (size_t i = 0; i < value.n; i++)
        if (value.p[i] <= ' ' || value.p[i] > '~') return;
    h->request_id = value;
}

/* Lower-case hexadecimal and not all zero. */
static bool is_trace_number(struct text t)
{
    bool zero = true;
    for (size_t i = 0; i < t.n; i++) {
        bool digit = t.p[i] >= '0' && t.p[i] <= '9';
        if (!digit && !(t.p[i] >= 'a' && t.p[i] <= 'f')) return false;
        zero &= t.p[i] == '0';
    }
    return !zero;
}

/* "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" (W3C Trace Context section 3.2). */
static void read_traceparent(struct hints *h, struct text value)
{
    enum { TRACE = 3, TRACE_LENGTH = 32, PARENT = 36, PARENT_LENGTH = 16, FLAGS = 53, WHOLE = 55 };
    uint64_t flags;
    if (value.n != WHOLE || !text_starts(value, TEXT("00-"))) return;
    if (value.p[PARENT - 1] != '-' || value.p[FLAGS - 1] != '-') return;
    if (!is_trace_number(text_make(value.p + TRACE, TRACE_LENGTH))) return;
    if (!is_trace_number(text_make(value.p + PARENT, PARENT_LENGTH))) return;
    if (!text_hex_to_u64(text_from(value, FLAGS), &flags)) return;
    memcpy(h->trace_id, value.p + TRACE, TRACE_LENGTH);
    h->trace_id[TRACE_LENGTH] = '\0';
}

/* ---- the cache ---- */

/* The next one of a list, and what stands behind its '=', which may be quoted (RFC 9111 section 5.2). */
static bool next_directive(struct text *rest, struct text *name, struct text *argument)
{
    bool quoted = false;
    size_t end = 0;
    if (rest->n == 0) return false;
    for (; end < rest->n && (quoted || rest->p[end] != ','); end++) {
        if (rest->p[end] == '"') quoted = !quoted;
        if (rest->p[end] == '\\' && quoted && end + 1 < rest->n) end++;
    }
    struct text directive = text_make(rest->p, end);
    *rest = text_from(*rest, end + 1);
    size_t equals = text_find_byte(directive, '=');
    *name = text_trim(text_make(directive.p, equals));
    *argument = text_trim(text_from(directive, equals + 1));
    bool in_quotes = argument->n > 1 && argument->p[0] == '"' && argument->p[argument->n - 1] == '"';
    if (in_quotes) *argument = text_make(argument->p + 1, argument->n - 2);
    return true;
}

/* What is no number makes every answer too old (RFC 9111 section 4.2.1); what is too large for one is as good as the
 * number that section 1.2.2 has for it. */
static usec_t read_age(struct text argument)
{
    static const uint64_t most = (uint64_t)1 << 31;
    uint64_t seconds = most;
    for (size_t i = 0; i < argument.n; i++)
        if (argument.p[i] < '0' || argument.p[i] > '9') return 0;
    if (argument.n == 0) return 0;
    text_to_u64(argument, &seconds);
    return (usec_t)(seconds < most ? seconds : most) * USEC_PER_SEC;
}

/* Of several the more careful ones count. */
static void read_cache_control(struct hints *h, struct text value)
{
    for (struct text name, argument; next_directive(&value, &name, &argument);) {
        h->cache.no_cache |= text_eq_nocase(name, TEXT("no-cache"));
        h->cache.no_store |= text_eq_nocase(name, TEXT("no-store"));
        h->cache.only_if_cached |= text_eq_nocase(name, TEXT("only-if-cached"));
        if (!text_eq_nocase(name, TEXT("max-age"))) continue;
        usec_t age = read_age(argument);
        if (age < h->max_age) h->max_age = age;
    }
}

/* What HTTP/1.0 had in its place; where both are there it does not count (RFC 9111 section 5.4). */
static void read_pragma(struct hints *h, const struct http_head *head)
{
    const struct http_field *end = head->fields + head->field_count;
    for (const struct http_field *f = head->fields; f < end; f++)
        if (f->id == HTTP_CACHE_CONTROL) return;
    for (const struct http_field *f = head->fields; f < end; f++) {
        if (f->id != HTTP_OTHER || !text_eq_nocase(http_field_name(head, f), TEXT("pragma"))) continue;
        struct text value = http_field_value(head, f);
        for (struct text name, argument; next_directive(&value, &name, &argument);)
            h->cache.no_cache |= text_eq_nocase(name, TEXT("no-cache"));
    }
}

/* ---- all of them ---- */

/* What people write for the gateway. */
enum own { OWN_TIMEOUT, OWN_PRIORITY, OWN_SESSION, OWN_COUNT };
#define OWN_PREFIX "x-dsgate-"

static const struct {
    const char *name;
    bool (*read)(struct hints *h, struct text value);
    const char *expected;
} own[OWN_COUNT] = {
    [OWN_TIMEOUT] = {OWN_PREFIX "timeout", read_own_timeout,
                     "X-Dsgate-Timeout must be a time above zero, such as 500ms, 30s, 2m or 30 (seconds)."},
    [OWN_PRIORITY] = {OWN_PREFIX "priority", read_priority,
                      "X-Dsgate-Priority must be P0 (urgent), P1 (high), P2 (normal) or P3 (low), by number or by "
                      "word."},
    [OWN_SESSION] = {OWN_PREFIX "session", read_session, "X-Dsgate-Session must be at most 256 bytes long."},
};

static bool is_own(struct text name) { return text_starts_nocase(name, TEXT(OWN_PREFIX)); }

/* Of several with one name the first counts. */
static void note_own(const struct http_head *head, const struct http_field *f, const struct http_field **found)
{
    struct text name = http_field_name(head, f);
    for (unsigned i = 0; is_own(name) && i < OWN_COUNT; i++)
        if (!found[i] && text_eq_nocase(name, text_of(own[i].name))) found[i] = f;
}

static void read_librarys(struct hints *h, const struct http_head *head, const struct http_field *f)
{
    struct text value = http_field_value(head, f);
    switch (f->id) {
    case HTTP_X_STAINLESS_TIMEOUT: read_stainless_timeout(h, value); break;
    case HTTP_X_REQUEST_ID: read_request_id(h, value); break;
    case HTTP_TRACEPARENT: read_traceparent(h, value); break;
    case HTTP_CACHE_CONTROL: read_cache_control(h, value); break;
    default: break;
    }
}

bool hints_read(struct hints *h, const struct http_head *head, struct buf *message, const char **param)
{
    const struct http_field *found[OWN_COUNT] = {NULL};
    bool fine = true;
    *h = (struct hints){.priority = PRIORITY_COUNT, .max_age = USEC_NEVER};
    for (unsigned i = head->field_count; i-- > 0;)
        read_librarys(h, head, &head->fields[i]); /* backwards, so that here, too, the first has the last word */
    for (unsigned i = 0; i < head->field_count; i++)
        if (head->fields[i].id == HTTP_OTHER) note_own(head, &head->fields[i], found);
    read_pragma(h, head);
    for (unsigned i = 0; i < OWN_COUNT; i++) {
        if (!found[i] || own[i].read(h, http_field_value(head, found[i])) || !fine) continue;
        fine = false;
        *param = own[i].name;
        buf_add(message, text_of(own[i].expected));
    }
    return fine;
}

bool hints_consumes(const struct http_head *head, const struct http_field *f)
{
    struct text name = http_field_name(head, f);
    switch (f->id) {
    case HTTP_ACCEPT_ENCODING:
    case HTTP_CACHE_CONTROL:
    case HTTP_EXPECT:
    case HTTP_IDEMPOTENCY_KEY:
    case HTTP_TRACEPARENT:
    case HTTP_X_REQUEST_ID:
    case HTTP_X_STAINLESS_TIMEOUT: return true;
    case HTTP_OTHER: break;
    default: return f->hop;
    }
    if (f->hop || text_eq_nocase(name, TEXT("tracestate"))) return true;
    return is_own(name);
}
