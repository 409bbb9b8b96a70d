/* One question is several on the wire: A and AAAA, for each name of the search list or each target of a service. */
#include "dns_resolver.h"
#include "records_resolver.h"
#include "records_wire.h"
#include <features.h>

#ifdef __GLIBC__
#include <arpa/nameser.h>

/* No further question begins after this. */
#define PATIENCE (3 * USEC_PER_SEC)
/* For addresses that the machine knows by itself. */
#define SYSTEM_TTL (30 * USEC_PER_SEC)

struct asking {
    struct records_wire *wire;
    const struct records_question *question;
    usec_t until;
    enum records_verdict worst; /* of the names asked for */
    struct records_answer *out;
};

static enum records_verdict ask(struct asking *a, const char *name, unsigned type, struct records_message *m)
{
    enum records_verdict verdict = RECORDS_UNANSWERED;
    if (clock_monotonic() < a->until) verdict = records_wire_ask(a->wire, name, type, m);
    if (verdict > a->worst) a->worst = verdict;
    if (verdict >= RECORDS_GARBAGE || m->truncated) {
        if (type != ns_t_aaaa) a->out->missed |= RECORDS_MISSED_V4;
        if (type != ns_t_a) a->out->missed |= RECORDS_MISSED_V6;
    }
    a->out->left_out = a->out->left_out || m->left_out;
    return verdict;
}

/* ---- addresses ---- */

/* Adds the addresses of a name to a message, as if they had stood there. */
static void ask_hosts(struct asking *a, const char *name, struct records_message *to)
{
    static const unsigned types[] = {ns_t_a, ns_t_aaaa};
    for (int i = 0; i < 2; i++) {
        struct records_message found = {0};
        ask(a, name, types[i], &found);
        for (size_t j = 0; j < found.host_count; j++)
            records_message_add_host(to, name, &found.hosts[j].address, found.hosts[j].ttl);
        records_message_free(&found);
    }
}

static void add_record(struct records_answer *out, const struct records_host *host, unsigned port, unsigned priority,
                       unsigned weight)
{
    if (out->count == RECORDS_MAX) {
        out->left_out = true;
        return;
    }
    struct record *record = &out->at[out->count++];
    *record = (struct record){host->address, priority, weight};
    address_set_port(&record->address, port);
    out->ttl = usec_earlier(out->ttl, host->ttl);
}

static void ask_a(struct asking *a, const char *name)
{
    struct records_message m = {0};
    ask_hosts(a, name, &m);
    for (size_t i = 0; i < m.host_count; i++)
        add_record(a->out, &m.hosts[i], a->question->port, 0, 0);
    a->out->left_out = a->out->left_out || m.left_out;
    records_message_free(&m);
}

/* ---- services ---- */

static size_t add_service(struct asking *a, const struct records_message *m, const struct records_service *s)
{
    size_t before = a->out->count;
    for (size_t i = 0; i < m->host_count; i++)
        if (records_same_name(m->hosts[i].name, s->target))
            add_record(a->out, &m->hosts[i], s->port, s->priority, s->weight);
    return a->out->count - before;
}

/* A target that was asked for stands in the message from then on, for the next service there. */
static void ask_srv(struct asking *a, const char *name)
{
    struct records_message m = {0};
    ask(a, name, ns_t_srv, &m);
    for (size_t i = 0; i < m.service_count && a->out->count < RECORDS_MAX; i++) {
        const struct records_service *s = &m.services[i];
        a->out->ttl = usec_earlier(a->out->ttl, s->ttl);
        if (add_service(a, &m, s) > 0) continue;
        ask_hosts(a, s->target, &m);
        add_service(a, &m, s);
    }
    a->out->left_out = a->out->left_out || m.left_out;
    records_message_free(&m);
}

/* ---- the whole ---- */

static const char *words_for(enum records_verdict verdict)
{
    static const char *const words[] = {
        [RECORDS_NO_NAME] = "there is no such name",
        [RECORDS_NO_DATA] = "the name has no such records",
        [RECORDS_GARBAGE] = "the DNS server's answer makes no sense",
        [RECORDS_UNANSWERED] = "no DNS server gave an answer",
        [RECORDS_NO_SERVER] = "no DNS server takes the question",
    };
    return words[verdict];
}

/* Where DNS can't say, files such as /etc/hosts may. It is not asked when DNS may say more the next time, because then
 * the endpoints would come and go. */
static void ask_system(struct asking *a)
{
    bool silent = a->worst == RECORDS_GARBAGE || a->worst == RECORDS_UNANSWERED;
    struct address_list found = {0};
    if (a->question->kind != RECORDS_A || a->question->server || a->out->count || silent) return;
    if (dns_resolve_system(a->question->name, &found)) return;
    for (unsigned i = 0; i < found.count; i++)
        add_record(a->out, &(struct records_host){.address = found.at[i], .ttl = SYSTEM_TTL}, a->question->port, 0, 0);
    a->out->missed = 0;
}

/* The first name of the search list that has records is the one that is meant; after one without an answer the others
 * would be guesses. */
static void ask_names(struct asking *a)
{
    char name[RECORDS_NAME_MAX];
    for (unsigned i = 0; records_wire_candidate(a->wire, a->question->name, i, name); i++) {
        if (a->question->kind == RECORDS_SRV)
            ask_srv(a, name);
        else
            ask_a(a, name);
        if (a->out->count || a->worst >= RECORDS_GARBAGE) return;
    }
}

void records_resolve_system(const struct records_question *question, struct records_answer *out)
{
    struct asking a = {.question = question, .until = clock_monotonic() + PATIENCE, .out = out};
    a.wire = records_wire_open(question->server);
    if (!a.wire) {
        out->failure = "the system's DNS settings can't be read";
        return;
    }
    out->at = mem_alloc(RECORDS_MAX * sizeof *out->at);
    out->ttl = USEC_NEVER;
    ask_names(&a);
    ask_system(&a);
    if (out->count == 0) out->failure = words_for(a.worst == RECORDS_FOUND ? RECORDS_NO_NAME : a.worst);
    records_wire_close(a.wire);
}
#else
void records_resolve_system(const struct records_question *question, struct records_answer *out)
{
    out->failure = "this build can't ask for DNS records: its C library has no resolver for that (glibc has)";
}
#endif
