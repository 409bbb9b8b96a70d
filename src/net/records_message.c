#include "records_message.h"
#include <arpa/nameser.h>
#include <netinet/in.h>
#include <resolv.h>

enum { ALIASES_MAX = 8, SERVICE_BYTES = 6 /* priority, weight, port: RFC 2782 */ };

struct reading {
    ns_msg message;
    unsigned type;
    const char *name; /* what the records must be of: the question's, or what that is an alias of */
    char names[2][NS_MAXDNAME];
    usec_t ttl; /* the smallest of the aliases */
    struct records_message *out;
};

/* The top bit must not count as a sign, so that RFC 2181 section 8 takes it for zero. */
static usec_t ttl_of(const ns_rr *rr)
{
    uint32_t seconds = (uint32_t)ns_rr_ttl(*rr);
    return seconds > INT32_MAX ? 0 : (usec_t)seconds * USEC_PER_SEC;
}

bool records_same_name(const char *a, const char *b) { return text_eq_nocase(text_of(a), text_of(b)); }

/* ---- what is found ---- */

/* Room for one more item, in blocks that double; NULL when there are enough. */
static void *grow(struct records_message *m, void *items, size_t count, size_t size)
{
    if (count >= RECORDS_MAX) {
        m->left_out = true;
        return NULL;
    }
    bool full = (count & (count - 1)) == 0;
    return full ? mem_realloc(items, (count ? count * 2 : 1) * size) : items;
}

void records_message_add_host(struct records_message *m, const char *name, const struct address *address, usec_t ttl)
{
    struct records_host *hosts = grow(m, m->hosts, m->host_count, sizeof *hosts);
    if (!hosts) return;
    m->hosts = hosts;
    hosts[m->host_count++] = (struct records_host){mem_strdup(name), *address, ttl};
}

static void add_service(struct records_message *m, const struct records_service *service, const char *target)
{
    struct records_service *services = grow(m, m->services, m->service_count, sizeof *services);
    if (!services) return;
    m->services = services;
    services[m->service_count] = *service;
    services[m->service_count++].target = mem_strdup(target);
}

void records_message_free(struct records_message *m)
{
    for (size_t i = 0; i < m->host_count; i++)
        mem_free(m->hosts[i].name);
    for (size_t i = 0; i < m->service_count; i++)
        mem_free(m->services[i].target);
    mem_free(m->hosts);
    mem_free(m->services);
    *m = (struct records_message){0};
}

/* ---- one record ---- */

static bool read_address(const ns_rr *rr, struct address *out)
{
    struct sockaddr_in *in = (struct sockaddr_in *)&out->sa;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&out->sa;
    *out = (struct address){0};
    if (ns_rr_type(*rr) == ns_t_a && ns_rr_rdlen(*rr) == sizeof in->sin_addr) {
        in->sin_family = AF_INET;
        memcpy(&in->sin_addr, ns_rr_rdata(*rr), sizeof in->sin_addr);
        out->length = sizeof *in;
    } else if (ns_rr_type(*rr) == ns_t_aaaa && ns_rr_rdlen(*rr) == sizeof in6->sin6_addr) {
        in6->sin6_family = AF_INET6;
        memcpy(&in6->sin6_addr, ns_rr_rdata(*rr), sizeof in6->sin6_addr);
        out->length = sizeof *in6;
    }
    return out->length > 0;
}

/* The name in a record's data that begins `at` bytes into it and must end with it. */
static bool read_name(const struct reading *r, const ns_rr *rr, size_t at, char out[static NS_MAXDNAME])
{
    const uint8_t *start = ns_rr_rdata(*rr) + at, *end = ns_rr_rdata(*rr) + ns_rr_rdlen(*rr);
    if (at >= ns_rr_rdlen(*rr)) return false;
    int n = dn_expand(ns_msg_base(r->message), ns_msg_end(r->message), start, out, NS_MAXDNAME);
    return n > 0 && start + n == end;
}

/* An empty target says that there is no such service (RFC 2782), and port 0 can't be reached. */
static bool read_service(const struct reading *r, const ns_rr *rr)
{
    char target[NS_MAXDNAME];
    const uint8_t *data = ns_rr_rdata(*rr);
    if (!read_name(r, rr, SERVICE_BYTES, target)) return false;
    struct records_service service = {.ttl = usec_earlier(r->ttl, ttl_of(rr))};
    NS_GET16(service.priority, data);
    NS_GET16(service.weight, data);
    NS_GET16(service.port, data);
    if (target[0] && service.port) add_service(r->out, &service, target);
    return true;
}

/* ---- sections ---- */

static bool is_of(const ns_rr *rr, unsigned type) { return ns_rr_class(*rr) == ns_c_in && ns_rr_type(*rr) == type; }

/* Goes one alias further, if there is one. */
static bool follow_alias(struct reading *r)
{
    char *next = r->name == r->names[0] ? r->names[1] : r->names[0];
    ns_rr rr;
    for (int i = 0; i < ns_msg_count(r->message, ns_s_an); i++) {
        if (ns_parserr(&r->message, ns_s_an, i, &rr) < 0) return false;
        if (!is_of(&rr, ns_t_cname) || !records_same_name(ns_rr_name(rr), r->name)) continue;
        if (!read_name(r, &rr, 0, next)) return false;
        r->name = next;
        r->ttl = usec_earlier(r->ttl, ttl_of(&rr));
        return true;
    }
    return false;
}

static bool read_answers(struct reading *r)
{
    struct address address;
    ns_rr rr;
    for (int i = 0; i < ns_msg_count(r->message, ns_s_an); i++) {
        if (ns_parserr(&r->message, ns_s_an, i, &rr) < 0) return false;
        if (!is_of(&rr, r->type) || !records_same_name(ns_rr_name(rr), r->name)) continue;
        if (r->type == ns_t_srv ? !read_service(r, &rr) : !read_address(&rr, &address)) return false;
        if (r->type != ns_t_srv) records_message_add_host(r->out, NULL, &address, usec_earlier(r->ttl, ttl_of(&rr)));
    }
    return true;
}

/* Servers add what they like here, so that what can't be read or used is passed over. */
static void read_additional(struct reading *r)
{
    struct address address;
    ns_rr rr;
    for (int i = 0; i < ns_msg_count(r->message, ns_s_ar); i++) {
        if (ns_parserr(&r->message, ns_s_ar, i, &rr) < 0) return;
        if (ns_rr_class(rr) != ns_c_in || !read_address(&rr, &address)) continue;
        records_message_add_host(r->out, ns_rr_name(rr), &address, ttl_of(&rr));
    }
}

/* The name that was asked for, as the message repeats it. */
static bool read_question(struct reading *r)
{
    ns_rr rr;
    if (ns_msg_count(r->message, ns_s_qd) != 1 || ns_parserr(&r->message, ns_s_qd, 0, &rr) < 0) return false;
    if (ns_rr_type(rr) != r->type) return false;
    text_copy(text_of(ns_rr_name(rr)), r->names[0], sizeof r->names[0]);
    r->name = r->names[0];
    return true;
}

static enum records_verdict read_sections(struct reading *r)
{
    struct records_message *out = r->out;
    int code = ns_msg_getflag(r->message, ns_f_rcode);
    if (code == ns_r_nxdomain) return RECORDS_NO_NAME;
    if (code != ns_r_noerror) return RECORDS_UNANSWERED;
    for (int i = 0; i < ALIASES_MAX && follow_alias(r); i++)
        continue;
    if (!read_answers(r)) return RECORDS_GARBAGE;
    if (r->type == ns_t_srv) read_additional(r);
    return (r->type == ns_t_srv ? out->service_count : out->host_count) ? RECORDS_FOUND : RECORDS_NO_DATA;
}

enum records_verdict records_read(const uint8_t *message, size_t n, unsigned type, struct records_message *out)
{
    struct reading r = {.type = type, .ttl = USEC_NEVER, .out = out};
    if (n > NS_MAXMSG || ns_initparse(message, (int)n, &r.message) < 0) return RECORDS_GARBAGE;
    if (!ns_msg_getflag(r.message, ns_f_qr) || !read_question(&r)) return RECORDS_GARBAGE;
    enum records_verdict verdict = read_sections(&r);
    if (verdict != RECORDS_FOUND) records_message_free(out);
    out->truncated = ns_msg_getflag(r.message, ns_f_tc);
    return verdict;
}
