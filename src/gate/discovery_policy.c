#include "discovery_policy.h"
#include <netinet/in.h>
#include <stdlib.h>

#define ASK_MIN  (1 * USEC_PER_SEC)
#define ASK_MAX  (300 * USEC_PER_SEC)
#define WAIT_MIN (1 * USEC_PER_SEC)
#define WAIT_MAX (60 * USEC_PER_SEC)
#define TELL_MIN (1 * USEC_PER_SEC)

enum { WEIGHT_MAX = 1000, WORDS_MAX = 16 /* addresses in one line of the log */ };

/* ---- order ---- */

static int compare_numbers(uint64_t a, uint64_t b) { return (a > b) - (a < b); }

/* Only the parts that make an address: the rest of the storage is nobody's. */
static int compare_addresses(const struct address *a, const struct address *b)
{
    int order = compare_numbers(a->sa.ss_family, b->sa.ss_family);
    if (order) return order;
    if (a->sa.ss_family == AF_INET) {
        const struct sockaddr_in *x = (const struct sockaddr_in *)&a->sa, *y = (const struct sockaddr_in *)&b->sa;
        order = memcmp(&x->sin_addr, &y->sin_addr, sizeof x->sin_addr);
        return order ? order : compare_numbers(ntohs(x->sin_port), ntohs(y->sin_port));
    }
    const struct sockaddr_in6 *x = (const struct sockaddr_in6 *)&a->sa, *y = (const struct sockaddr_in6 *)&b->sa;
    order = memcmp(&x->sin6_addr, &y->sin6_addr, sizeof x->sin6_addr);
    return order ? order : compare_numbers(ntohs(x->sin6_port), ntohs(y->sin6_port));
}

/* The best first, among those of one address. */
static int by_address(const void *left, const void *right)
{
    const struct discovered_endpoint *a = left, *b = right;
    int order = compare_addresses(&a->address, &b->address);
    if (!order) order = a->backup - b->backup;
    return order ? order : compare_numbers(b->weight, a->weight);
}

static int by_rank(const void *left, const void *right)
{
    const struct discovered_endpoint *a = left, *b = right;
    int order = a->backup - b->backup;
    return order ? order : compare_addresses(&a->address, &b->address);
}

static void sort(struct endpoint_set *s)
{
    unsigned kept = 0;
    if (s->count == 0) return;
    qsort(s->at, s->count, sizeof *s->at, by_address);
    for (unsigned i = 1; i < s->count; i++)
        if (compare_addresses(&s->at[kept].address, &s->at[i].address)) s->at[++kept] = s->at[i];
    s->count = kept + 1;
    qsort(s->at, s->count, sizeof *s->at, by_rank);
}

/* ---- sets ---- */

void endpoint_set_free(struct endpoint_set *s)
{
    mem_free(s->at);
    *s = (struct endpoint_set){0};
}

struct extremes {
    unsigned priority, weight; /* the lowest, the highest */
};

static struct extremes find_extremes(const struct records_answer *answer)
{
    struct extremes e = {.priority = UINT32_MAX};
    for (size_t i = 0; i < answer->count; i++) {
        if (answer->at[i].priority < e.priority) e.priority = answer->at[i].priority;
        if (answer->at[i].weight > e.weight) e.weight = answer->at[i].weight;
    }
    return e;
}

/* RFC 2782 lets weight 0 have next to nothing, and the largest is 65535. */
static unsigned scale_weight(unsigned weight, unsigned highest)
{
    unsigned scaled = highest > WEIGHT_MAX ? (unsigned)((uint64_t)weight * WEIGHT_MAX / highest) : weight;
    return scaled ? scaled : 1;
}

struct endpoint_set endpoints_of(const struct records_answer *answer, enum records_kind kind)
{
    struct endpoint_set s = {.at = mem_zalloc(answer->count * sizeof *s.at), .count = (unsigned)answer->count};
    struct extremes e = find_extremes(answer);
    for (unsigned i = 0; i < s.count; i++) {
        s.at[i].address = answer->at[i].address;
        if (kind != RECORDS_SRV) continue;
        s.at[i].weight = scale_weight(answer->at[i].weight, e.weight);
        s.at[i].backup = answer->at[i].priority != e.priority;
    }
    sort(&s);
    return s;
}

static unsigned family_of(const struct discovered_endpoint *e)
{
    return e->address.sa.ss_family == AF_INET ? RECORDS_MISSED_V4 : RECORDS_MISSED_V6;
}

static bool has(const struct endpoint_set *s, const struct discovered_endpoint *e)
{
    for (unsigned i = 0; i < s->count; i++)
        if (compare_addresses(&s->at[i].address, &e->address) == 0) return true;
    return false;
}

void endpoints_keep(struct endpoint_set *s, const struct endpoint_set *known, unsigned missed)
{
    s->at = mem_realloc(s->at, (s->count + known->count) * sizeof *s->at);
    for (unsigned i = 0; i < known->count; i++)
        if ((family_of(&known->at[i]) & missed) && !has(s, &known->at[i])) s->at[s->count++] = known->at[i];
    sort(s);
}

unsigned endpoints_cut(struct endpoint_set *s, unsigned max)
{
    unsigned dropped = s->count > max ? s->count - max : 0;
    s->count -= dropped;
    return dropped;
}

bool endpoints_same(const struct endpoint_set *a, const struct endpoint_set *b)
{
    if (a->count != b->count) return false;
    for (unsigned i = 0; i < a->count; i++) {
        const struct discovered_endpoint *x = &a->at[i], *y = &b->at[i];
        if (x->weight != y->weight || x->backup != y->backup || compare_addresses(&x->address, &y->address))
            return false;
    }
    return true;
}

unsigned endpoints_describe_missing(const struct endpoint_set *a, const struct endpoint_set *b, struct buf *out)
{
    unsigned n = 0;
    for (unsigned i = 0; i < a->count; i++) {
        if (has(b, &a->at[i]) || n++ >= WORDS_MAX) continue;
        if (n > 1) BUF_ADD(out, ", ");
        address_format(&a->at[i].address, out);
    }
    if (n > WORDS_MAX) buf_printf(out, " and %u more", n - WORDS_MAX);
    return n;
}

/* ---- times ---- */

static usec_t clamp(usec_t t, usec_t min, usec_t max) { return t < min ? min : t > max ? max : t; }

usec_t discovery_next_ask(usec_t now, usec_t ttl) { return now + clamp(ttl, ASK_MIN, ASK_MAX); }

usec_t discovery_next_wait(usec_t wait) { return clamp(wait * 2, WAIT_MIN, WAIT_MAX); }

usec_t discovery_next_tell(usec_t now, usec_t told) { return told && now < told + TELL_MIN ? told + TELL_MIN : now; }
