/* The first byte says what was asked for; the rest is a DNS server's answer. Whatever it is, what is found is bounded,
 * and nothing is found in what is refused.
 */
#include "../../src/net/records_message.h"
#include <arpa/nameser.h>
#include <stdlib.h>

static void require(bool condition)
{
    if (!condition) abort();
}

static void require_promises(const struct records_message *m, unsigned type)
{
    require(m->host_count <= RECORDS_MAX && m->service_count <= RECORDS_MAX);
    for (size_t i = 0; i < m->host_count; i++) {
        const struct records_host *h = &m->hosts[i];
        require(h->address.sa.ss_family == AF_INET || h->address.sa.ss_family == AF_INET6);
        require(h->ttl >= 0 && h->ttl <= INT32_MAX * USEC_PER_SEC);
        require((h->name != NULL) == (type == ns_t_srv));
    }
    for (size_t i = 0; i < m->service_count; i++) {
        const struct records_service *s = &m->services[i];
        require(s->target[0] && strlen(s->target) < NS_MAXDNAME && s->ttl >= 0);
        require(s->port > 0 && s->port <= 65535 && s->priority <= 65535 && s->weight <= 65535);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned types[] = {ns_t_a, ns_t_aaaa, ns_t_srv};
    struct records_message m = {0};
    if (size < 1) return 0;
    unsigned type = types[data[0] % 3];
    enum records_verdict verdict = records_read(data + 1, size - 1, type, &m);
    require(verdict <= RECORDS_UNANSWERED);
    if (verdict == RECORDS_FOUND)
        require(type == ns_t_srv ? m.service_count > 0 : m.host_count > 0);
    else
        require(!m.hosts && !m.services);
    require_promises(&m, type);
    records_message_free(&m);
    return 0;
}
