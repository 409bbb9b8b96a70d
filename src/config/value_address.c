/* Hosts and addresses. Only their form is checked: whether they can be reached or bound is found out in net/. */
#include "value.h"
#include <arpa/inet.h>
#include <sys/un.h>

static bool is_ip(struct text t, int family)
{
    char zero_ended[INET6_ADDRSTRLEN], address[16];
    if (t.n == 0 || t.n >= sizeof zero_ended || memchr(t.p, '\0', t.n)) return false;
    memcpy(zero_ended, t.p, t.n);
    zero_ended[t.n] = '\0';
    return inet_pton(family, zero_ended, address) == 1;
}

static bool is_label(struct text t)
{
    if (t.n == 0 || t.n > 63) return false;
    for (size_t i = 0; i < t.n; i++) {
        char c = t.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
        if (!letter && !(c >= '0' && c <= '9')) return false;
    }
    return true;
}

/* A name that looks like an IPv4 address but is none ("10.0.0.256") is a slip, not a name. */
static bool is_host_name(struct text t)
{
    struct text rest = t, label;
    bool digits_only = true;
    if (t.n == 0 || t.n > 253 || t.p[t.n - 1] == '.') return false;
    while (text_cut(&rest, '.', &label)) {
        uint64_t number;
        if (!is_label(label)) return false;
        digits_only = digits_only && text_to_u64(label, &number);
    }
    return !digits_only;
}

const char *value_host(struct text t)
{
    if (is_ip(t, AF_INET) || is_ip(t, AF_INET6) || is_host_name(t)) return NULL;
    return "is not a host; expected a name such as api.deepseek.com or an IP address";
}

const char *value_dns_name(struct text t)
{
    return is_host_name(t) ? NULL : "is not a name to ask DNS for; expected one such as llm.example.com";
}

bool value_port(struct text t, unsigned min, unsigned *port)
{
    uint64_t value;
    if (t.n > 5 || !text_to_u64(t, &value) || value < min || value > 65535) return false;
    *port = (unsigned)value;
    return true;
}

const char *value_socket(struct text t)
{
    bool absolute = t.n >= 2 && t.p[0] == '/';
    if (absolute && t.n < sizeof((struct sockaddr_un *)0)->sun_path && !value_line(t)) return NULL;
    return "is not the path of a Unix socket; expected an absolute one of at most 107 bytes";
}

static bool is_unix_path(struct text t)
{
    static const struct text prefix = {"unix:", sizeof "unix:" - 1};
    return text_starts(t, prefix) && !value_socket(text_from(t, prefix.n));
}

/* Splits "a.b.c.d:port", "[v6]:port" or ":port"; *port is empty when there is none. */
static bool split_literal(struct text t, struct text *host, struct text *port)
{
    bool bracket = t.n && t.p[0] == '[';
    size_t end = text_find_byte(t, bracket ? ']' : ':'), colon = end + bracket;
    if (bracket && end == t.n) return false;
    *host = bracket ? text_make(t.p + 1, end - 1) : text_make(t.p, end);
    *port = text_from(t, colon + 1);
    if (colon < t.n && (t.p[colon] != ':' || port->n == 0)) return false;
    return bracket ? is_ip(*host, AF_INET6) : host->n == 0 || is_ip(*host, AF_INET);
}

const char *value_listen(struct text t)
{
    struct text host, port;
    unsigned number;
    if (is_unix_path(t)) return NULL;
    if (split_literal(t, &host, &port) && value_port(port, 0, &number)) return NULL;
    return "is not an address to listen on; expected one such as 127.0.0.1:8585, \"[::1]:8585\", :8585 or "
           "unix:/run/dsgate/dsgate.sock";
}

const char *value_pin(struct text t)
{
    struct text host, port;
    unsigned number;
    if (is_unix_path(t)) return NULL;
    if (split_literal(t, &host, &port) && host.n && (port.n == 0 || value_port(port, 1, &number))) return NULL;
    return "is not an IP address; expected one such as 192.0.2.7, 192.0.2.7:8443, \"[2001:db8::7]:443\" or "
           "unix:/run/model.sock";
}

const char *value_server(struct text t)
{
    struct text host, port;
    unsigned number;
    if (split_literal(t, &host, &port) && host.n && value_port(port, 1, &number)) return NULL;
    return "is not a server's address; expected one such as 127.0.0.1:8600 or \"[::1]:53\"";
}
