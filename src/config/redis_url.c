/* A password is often pasted, with characters in it that end it in some readers and not in others. So whatever could be
 * read in two ways is refused, with the way to write it. */
#include "redis_url.h"
#include "dsgate/base/mem.h"
#include "url.h"
#include "value.h"

enum { PORT = 6379, DATABASE_MAX = 65535 };

struct parts {
    bool tls, socket;
    struct text user, password; /* still escaped */
    struct text where;          /* host and port */
    struct text path, query;    /* with '/', without '?' */
};

static const char *cut_scheme(struct text *rest, struct parts *p)
{
    static const struct {
        struct text name;
        bool tls, socket;
    } schemes[] = {{TEXT("redis://"), false, false},
                   {TEXT("rediss://"), true, false},
                   {TEXT("redis+unix://"), false, true},
                   {TEXT("unix://"), false, true},
                   {TEXT("unix:"), false, true}};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        if (!text_starts_nocase(*rest, schemes[i].name)) continue;
        p->tls = schemes[i].tls;
        p->socket = schemes[i].socket;
        *rest = text_from(*rest, schemes[i].name.n);
        return NULL;
    }
    return "has no scheme of Redis; expected redis:// or rediss:// and a host, or unix:/ and a path";
}

/* Everything before the first '/' or '?', split at its '@' and ':'. There is no other '@'. */
static void split_authority(struct text authority, struct parts *p)
{
    size_t at = text_find_byte(authority, '@');
    struct text login = at < authority.n ? text_make(authority.p, at) : TEXT_NONE;
    size_t colon = text_find_byte(login, ':');
    p->user = text_make(login.p, colon);
    p->password = text_from(login, colon + 1);
    p->where = at < authority.n ? text_from(authority, at + 1) : authority;
}

/* One '@' at most, before the end of host and port, and no '#'. */
static bool has_stray(struct text t, size_t end)
{
    size_t at = text_find_byte(t, '@');
    struct text behind = text_from(t, at + 1);
    return text_find_byte(t, '#') < t.n || (at < t.n && at > end) || text_find_byte(behind, '@') < behind.n;
}

static const char *split(struct text t, struct parts *p)
{
    for (size_t i = 0; i < t.n; i++)
        if (t.p[i] <= ' ' || t.p[i] > '~')
            return "has a space, a control character or one outside ASCII; expected them as %XX";
    const char *why = cut_scheme(&t, p);
    if (why) return why;
    size_t question = text_find_byte(t, '?'), slash = text_find_byte(t, '/');
    size_t end = slash < question ? slash : question;
    if (has_stray(t, end))
        return "has a '/', '?', '#' or '@' where none can be; expected them as %2F, %3F, %23 or %40 in a user or "
               "password";
    split_authority(text_make(t.p, end), p);
    p->path = text_make(t.p + end, question - end);
    p->query = text_from(t, question + 1);
    return NULL;
}

/* ---- escapes ---- */

/* In place; what is left over behind is wiped. */
static const char *resolve_escapes(char *s)
{
    char *to = s, *from = s;
    for (; *from; to++) {
        uint64_t byte = (unsigned char)*from;
        bool escaped = *from == '%';
        if (escaped && (!from[1] || !text_hex_to_u64(text_make(from + 1, 2), &byte)))
            return "has a '%' without two hexadecimal digits; expected %25 for a percent sign";
        if (byte < 0x20 || byte == 0x7F) return "has an escape for a control character; expected none";
        *to = (char)byte;
        from += escaped ? 3 : 1;
    }
    memset(to, 0, (size_t)(from - to));
    return NULL;
}

/* What is empty is not there. */
static const char *unescape(struct text t, char **out)
{
    *out = t.n ? text_dup(t) : NULL;
    return *out ? resolve_escapes(*out) : NULL;
}

/* ---- where to ---- */

static const char *read_socket(const struct parts *p, struct conf_redis *c)
{
    if (p->where.n) return "has a host before its path; expected unix:/ and the path of a socket";
    const char *why = unescape(p->path, &c->path);
    if (why) return why;
    if (c->path && !value_socket(text_of(c->path))) return NULL;
    return "has no path that a socket can have; expected an absolute one of at most 107 bytes";
}

static const char *read_host(const struct parts *p, struct conf_redis *c)
{
    struct text host, port;
    const char *why = url_authority(p->where, &host, &port);
    if (why) return why;
    c->port = PORT;
    if (port.n && !value_port(port, 1, &c->port)) return "has a port out of range; expected 1 to 65535";
    c->host = value_lower(host);
    return NULL;
}

static const char *read_database(const struct parts *p, struct conf_redis *c)
{
    struct text path = p->socket ? TEXT_NONE : text_from(p->path, 1), query = p->query;
    uint64_t number = 0;
    if (query.n && !text_starts(query, TEXT("db="))) return "has a query; expected none, or ?db=NUMBER";
    if (query.n && path.n) return "has a database in its path and in its query; expected one of them";
    struct text written = query.n ? text_from(query, sizeof "db=" - 1) : path;
    bool none = query.n == 0 && path.n == 0;
    if (!none && (!text_to_u64(written, &number) || number > DATABASE_MAX))
        return "has no number for its database; expected 0 to 65535";
    c->database = (unsigned)number;
    return NULL;
}

/* ---- all together ---- */

static char *without_password(struct text t, struct text password)
{
    if (password.n == 0) return text_dup(t);
    struct text before = text_make(t.p, (size_t)(password.p - t.p)), after = text_from(t, before.n + password.n);
    return mem_printf(TEXT_FORMAT "***" TEXT_FORMAT, TEXT_ARGS(before), TEXT_ARGS(after));
}

static const char *read_parts(struct text t, struct conf_redis *c)
{
    struct parts p = {0};
    const char *why = split(t, &p);
    if (!why) why = unescape(p.user, &c->user);
    if (!why) why = unescape(p.password, &c->password);
    if (!why) why = p.socket ? read_socket(&p, c) : read_host(&p, c);
    if (!why) why = read_database(&p, c);
    if (why) return why;
    c->uses_tls = p.tls;
    c->url = without_password(t, p.password);
    return NULL;
}

const char *redis_url_parse(struct text t, struct conf_redis *c)
{
    const char *why = read_parts(t, c);
    if (why) redis_url_release(c);
    return why;
}

void redis_url_release(struct conf_redis *c)
{
    mem_free(c->url);
    mem_free(c->host);
    mem_free(c->path);
    mem_free(c->user);
    mem_free_secret(c->password);
    c->url = c->host = c->path = c->user = c->password = NULL;
}
