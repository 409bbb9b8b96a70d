/* glibc's resolver asks over UDP: it chooses ids, retries, checks who answers, and knows resolv.conf(5). Over TCP it
 * would wait for ever for a server that takes the connection and says nothing. So truncated answers are taken as they
 * are (RES_IGNTC), and asked for again over TCP from here. */
#include "records_wire.h"
#include <features.h>

#ifdef __GLIBC__
#include <arpa/nameser.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

_Static_assert(RECORDS_NAME_MAX == NS_MAXDNAME, "a name as the resolver writes it");

enum { WAIT_SECONDS = 1, TCP_SECONDS = 2 /* for each of its steps */, QUERY_MAX = 512 };
enum { FLAGS_BYTE = 2, TRUNCATED = 2 }; /* of a message's head: RFC 1035 section 4.1.1 */

struct records_wire {
    struct __res_state state;
    bool own_server, always_tcp;
    uint8_t answer[NS_MAXMSG];
};

/* ---- settings ---- */

/* Each server is waited for once; a single one is asked twice. */
static void set_patience(struct __res_state *s)
{
    s->retrans = WAIT_SECONDS;
    s->retry = s->nscount > 1 ? 1 : 2;
}

/* The resolver keeps IPv6 servers beside its list, as memory that it frees. Where the list has no
 * family, they count. */
static void use_server(struct __res_state *s, const struct address *server)
{
    for (int i = 0; i < MAXNS; i++) {
        free(s->_u._ext.nsaddrs[i]);
        s->_u._ext.nsaddrs[i] = NULL;
        s->_u._ext.nssocks[i] = -1;
    }
    s->nscount = 1;
    s->nsaddr_list[0] = (struct sockaddr_in){0};
    s->_u._ext.nscount = 0;
    if (server->sa.ss_family == AF_INET) {
        memcpy(&s->nsaddr_list[0], &server->sa, sizeof s->nsaddr_list[0]);
        return;
    }
    s->_u._ext.nsaddrs[0] = malloc(sizeof(struct sockaddr_in6));
    if (s->_u._ext.nsaddrs[0]) memcpy(s->_u._ext.nsaddrs[0], &server->sa, sizeof(struct sockaddr_in6));
}

struct records_wire *records_wire_open(const struct address *server)
{
    struct records_wire *w = MEM_NEW(struct records_wire);
    if (res_ninit(&w->state) < 0) {
        mem_free(w);
        return NULL;
    }
    if (server) use_server(&w->state, server);
    w->own_server = server != NULL;
    w->always_tcp = (w->state.options & RES_USEVC) != 0;
    w->state.options = (w->state.options & ~(unsigned long)RES_USEVC) | RES_IGNTC | RES_USE_EDNS0;
    set_patience(&w->state);
    return w;
}

void records_wire_close(struct records_wire *w)
{
    res_nclose(&w->state);
    mem_free(w);
}

/* ---- names ---- */

static unsigned count_dots(const char *name)
{
    unsigned n = 0;
    for (; *name; name++)
        n += *name == '.';
    return n;
}

/* A name that ends in a dot is whole, and one server of its own has nothing to do with the system's domains. */
static unsigned count_domains(const struct records_wire *w, const char *name)
{
    unsigned n = 0;
    if (w->own_server || text_ends(text_of(name), TEXT("."))) return 0;
    while (n < MAXDNSRCH && w->state.dnsrch[n])
        n++;
    return n;
}

/* "search ." is a common setting and means the root, whose name has nothing after the dot. */
bool records_wire_candidate(const struct records_wire *w, const char *name, unsigned i, char out[RECORDS_NAME_MAX])
{
    unsigned domains = count_domains(w, name);
    bool whole_first = count_dots(name) >= w->state.ndots;
    if (i > domains) return false;
    if (i == (whole_first ? 0 : domains)) return snprintf(out, RECORDS_NAME_MAX, "%s", name) < RECORDS_NAME_MAX;
    const char *domain = w->state.dnsrch[whole_first ? i - 1 : i];
    return snprintf(out, RECORDS_NAME_MAX, "%s.%s", name, domain + (domain[0] == '.')) < RECORDS_NAME_MAX;
}

/* ---- TCP ---- */

/* A server that sends byte after byte may not go on for ever. */
static bool receive_all(int fd, uint8_t *to, size_t n, usec_t until)
{
    while (n > 0 && clock_monotonic() < until) {
        ssize_t got = recv(fd, to, n, 0);
        if (got <= 0) return false;
        to += got;
        n -= (size_t)got;
    }
    return n == 0;
}

static int connect_to(const struct sockaddr *sa, socklen_t length)
{
    struct timeval limit = {.tv_sec = TCP_SECONDS};
    int fd = socket(sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (connect(fd, sa, length) == 0) return fd;
    close(fd);
    return -1;
}

/* The answer's length; 0: there is none. Messages have their length before them (RFC 1035 section 4.2.2). */
static size_t exchange(struct records_wire *w, int fd, const uint8_t *query, size_t n)
{
    uint8_t framed[2 + QUERY_MAX] = {(uint8_t)(n >> 8), (uint8_t)n}, prefix[2];
    usec_t until = clock_monotonic() + TCP_SECONDS * USEC_PER_SEC;
    memcpy(framed + 2, query, n);
    if (send(fd, framed, 2 + n, MSG_NOSIGNAL) != (ssize_t)(2 + n)) return 0;
    if (!receive_all(fd, prefix, sizeof prefix, until)) return 0;
    size_t length = (size_t)prefix[0] << 8 | prefix[1];
    if (length < NS_HFIXEDSZ || !receive_all(fd, w->answer, length, until)) return 0;
    return memcmp(w->answer, query, NS_INT16SZ) == 0 ? length : 0; /* the id */
}

static size_t ask_server_over_tcp(struct records_wire *w, int server, const uint8_t *query, size_t n)
{
    const struct sockaddr_in *in = &w->state.nsaddr_list[server];
    const struct sockaddr_in6 *in6 = w->state._u._ext.nsaddrs[server];
    bool v4 = in->sin_family == AF_INET;
    if (!v4 && !in6) return 0;
    int fd = v4 ? connect_to((const struct sockaddr *)in, sizeof *in)
                : connect_to((const struct sockaddr *)in6, sizeof *in6);
    if (fd < 0) return 0;
    size_t length = exchange(w, fd, query, n);
    close(fd);
    return length;
}

static size_t ask_over_tcp(struct records_wire *w, const char *name, unsigned type)
{
    uint8_t query[QUERY_MAX];
    size_t length = 0;
    int n = res_nmkquery(&w->state, ns_o_query, name, ns_c_in, (int)type, NULL, 0, NULL, query, sizeof query);
    for (int i = 0; n > 0 && i < w->state.nscount && length == 0; i++)
        length = ask_server_over_tcp(w, i, query, (size_t)n);
    return length;
}

/* ---- the question ---- */

/* Only what the resolver has accepted is in the buffer for sure: it writes anybody's messages there. It returns -1 as
 * well for answers that say no. */
static enum records_verdict ask_over_udp(struct records_wire *w, const char *name, unsigned type,
                                         struct records_message *out)
{
    errno = 0;
    int n = res_nquery(&w->state, name, ns_c_in, (int)type, w->answer, sizeof w->answer);
    if (n > 0) return records_read(w->answer, (size_t)n, type, out);
    if (w->state.res_h_errno == HOST_NOT_FOUND) return RECORDS_NO_NAME;
    if (w->state.res_h_errno == NO_DATA) {
        out->truncated = (w->answer[FLAGS_BYTE] & TRUNCATED) != 0;
        return RECORDS_NO_DATA;
    }
    return errno == ECONNREFUSED ? RECORDS_NO_SERVER : RECORDS_UNANSWERED;
}

enum records_verdict records_wire_ask(struct records_wire *w, const char *name, unsigned type,
                                      struct records_message *out)
{
    enum records_verdict verdict = RECORDS_UNANSWERED;
    if (!w->always_tcp) verdict = ask_over_udp(w, name, type, out);
    if (!w->always_tcp && !out->truncated) return verdict;
    size_t n = ask_over_tcp(w, name, type);
    if (n == 0) return verdict == RECORDS_NO_DATA ? RECORDS_UNANSWERED : verdict;
    records_message_free(out);
    return records_read(w->answer, n, type, out);
}
#endif
