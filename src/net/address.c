#include "dsgate/net/address.h"
#include <arpa/inet.h>
#include <stddef.h>
#include <sys/un.h>

static bool refuse(struct buf *error, struct text t, const char *why)
{
    buf_printf(error, "'" TEXT_FORMAT "' %s", TEXT_ARGS(t), why);
    return false;
}

static bool parse_unix(struct text t, struct address *out, struct buf *error)
{
    struct sockaddr_un *un = (struct sockaddr_un *)&out->sa;
    struct text path = text_from(t, sizeof "unix:" - 1);
    if (path.n == 0) return refuse(error, t, "has no path after 'unix:'");
    if (path.n >= sizeof un->sun_path)
        return refuse(error, t, "is longer than a Unix socket's path may be (107 bytes)");
    if (memchr(path.p, '\0', path.n)) return refuse(error, t, "has a NUL byte in its path");
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, path.p, path.n);
    out->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.n + 1);
    return true;
}

static bool parse_ip(struct text host, bool v6, struct address *out)
{
    char name[INET6_ADDRSTRLEN];
    if (host.n >= sizeof name) return false;
    memcpy(name, host.p, host.n);
    name[host.n] = '\0';
    if (v6) {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&out->sa;
        in6->sin6_family = AF_INET6;
        out->length = sizeof *in6;
        return inet_pton(AF_INET6, name, &in6->sin6_addr) == 1;
    }
    struct sockaddr_in *in = (struct sockaddr_in *)&out->sa;
    in->sin_family = AF_INET;
    out->length = sizeof *in;
    return inet_pton(AF_INET, name, &in->sin_addr) == 1;
}

/* What is left of "[::1]:80", "127.0.0.1:80" and ":80" once the port is off. *port is TEXT_NONE when there is none. */
static bool split_port(struct text t, struct text *host, struct text *port, bool *v6)
{
    *port = TEXT_NONE;
    *v6 = t.n > 0 && t.p[0] == '[';
    size_t end = *v6 ? text_find_byte(t, ']') : text_find_byte(t, ':');
    if (*v6 && end == t.n) return false;
    *host = *v6 ? text_make(t.p + 1, end - 1) : text_make(t.p, end);
    struct text rest = text_from(t, *v6 ? end + 1 : end);
    if (rest.n == 0) return true;
    *port = text_from(rest, 1);
    return rest.p[0] == ':';
}

bool address_parse(struct text t, unsigned default_port, struct address *out, struct buf *error)
{
    *out = (struct address){0};
    if (text_starts(t, TEXT("unix:"))) return parse_unix(t, out, error);
    struct text host, port;
    bool v6;
    if (!split_port(t, &host, &port, &v6))
        return refuse(error, t, "is not an address such as 127.0.0.1:8585 or [::1]:8585");
    bool any = !v6 && host.n == 0 && port.p;
    if (!parse_ip(any ? TEXT("0.0.0.0") : host, v6, out))
        return refuse(error, t, "is not a literal address such as 127.0.0.1:8585, [::1]:8585 or unix:/run/x.sock");
    uint64_t number = default_port;
    if (port.p ? !text_to_u64(port, &number) || number > 65535 : number == 0)
        return refuse(error, t, port.p ? "has a port that is not a number from 0 to 65535" : "has no port");
    address_set_port(out, (unsigned)number);
    return true;
}

bool address_of_host(const char *host, unsigned port, struct address *out)
{
    *out = (struct address){0};
    if (!parse_ip(text_of(host), strchr(host, ':') != NULL, out)) return false;
    address_set_port(out, port);
    return true;
}

void address_set_port(struct address *a, unsigned port)
{
    if (a->sa.ss_family == AF_INET) ((struct sockaddr_in *)&a->sa)->sin_port = htons((uint16_t)port);
    if (a->sa.ss_family == AF_INET6) ((struct sockaddr_in6 *)&a->sa)->sin6_port = htons((uint16_t)port);
}

/* An unnamed peer has no path at all; an abstract name begins with NUL, which people write as '@'. */
static void format_unix(const struct address *a, struct buf *out)
{
    const struct sockaddr_un *un = (const struct sockaddr_un *)&a->sa;
    size_t start = offsetof(struct sockaddr_un, sun_path), n = a->length > start ? a->length - start : 0;
    BUF_ADD(out, "unix:");
    if (n && un->sun_path[0] == '\0') {
        BUF_ADD(out, "@");
        buf_append(out, un->sun_path + 1, n - 1);
    } else if (n) {
        buf_append(out, un->sun_path, strnlen(un->sun_path, n));
    }
}

void address_format(const struct address *a, struct buf *out)
{
    char name[INET6_ADDRSTRLEN];
    const struct sockaddr_in *in = (const struct sockaddr_in *)&a->sa;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&a->sa;
    switch (a->sa.ss_family) {
    case AF_INET:
        buf_printf(out, "%s:%u", inet_ntop(AF_INET, &in->sin_addr, name, sizeof name), ntohs(in->sin_port));
        break;
    case AF_INET6:
        buf_printf(out, "[%s]:%u", inet_ntop(AF_INET6, &in6->sin6_addr, name, sizeof name), ntohs(in6->sin6_port));
        break;
    case AF_UNIX: format_unix(a, out); break;
    default: BUF_ADD(out, "unknown");
    }
}
