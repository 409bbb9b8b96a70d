/* Strict on purpose: two readers of one lenient URL may see two hosts, and a key would go to the wrong one. */
#include "url.h"
#include "dsgate/base/mem.h"
#include "value.h"

struct parts {
    bool https;
    struct text host, port, path;
};

static const char *cut_scheme(struct text *rest, bool *https)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (int i = 0; i < 2; i++) {
        struct text scheme = text_of(schemes[i]);
        if (!text_starts_nocase(*rest, scheme)) continue;
        *https = i == 1;
        *rest = text_from(*rest, scheme.n);
        return NULL;
    }
    size_t separator = text_find(*rest, TEXT("://"));
    if (separator == 0 || separator == rest->n || text_find_byte(*rest, '/') < separator)
        return "has no scheme; expected http:// or https:// and a host";
    return "has an unknown scheme; expected http:// or https://";
}

const char *url_authority(struct text t, struct text *host, struct text *port)
{
    bool bracket = t.n && t.p[0] == '[';
    size_t end = text_find_byte(t, bracket ? ']' : ':'), colon = end + bracket;
    if (bracket && end == t.n) return "has a '[' without its ']'; expected ://[ADDRESS]:PORT";
    *host = bracket ? text_make(t.p + 1, end - 1) : text_make(t.p, end);
    *port = text_from(t, colon + 1);
    if (host->n == 0) return "has no host; expected one behind its ://";
    if (bracket != (text_find_byte(*host, ':') < host->n) || value_host(*host))
        return "has a host that is neither a name nor an IP address; expected one such as llm.example.com";
    if (colon < t.n && (t.p[colon] != ':' || port->n == 0))
        return "has no port after its host's ':'; expected 1 to 65535";
    return NULL;
}

static const char *split(struct text t, struct parts *p)
{
    for (size_t i = 0; i < t.n; i++)
        if (t.p[i] <= ' ' || t.p[i] > '~')
            return "has a space, a control character or one outside ASCII; expected none of them";
    const char *why = cut_scheme(&t, &p->https);
    if (why) return why;
    if (text_find_byte(t, '?') < t.n || text_find_byte(t, '#') < t.n)
        return "has a query or a fragment; expected nothing behind the path";
    size_t slash = text_find_byte(t, '/');
    struct text authority = text_make(t.p, slash);
    if (text_find_byte(authority, '@') < authority.n) return "has a user name or password; expected the key in api_key";
    p->path = text_from(t, slash);
    while (p->path.n && p->path.p[p->path.n - 1] == '/')
        p->path.n--;
    return url_authority(authority, &p->host, &p->port);
}

const char *url_parse(struct text t, struct url *out)
{
    struct parts p = {0};
    unsigned port;
    const char *why = split(t, &p);
    if (why) return why;
    port = p.https ? 443 : 80;
    if (p.port.n && !value_port(p.port, 1, &port)) return "has a port out of range; expected 1 to 65535";
    if (p.path.n && value_path(p.path))
        return "has a path with '//', '.', '..' or characters that need escaping; expected one such as /v1";
    *out = (struct url){p.https, value_lower(p.host), port, text_dup(p.path)};
    return NULL;
}
