#include "dns_resolver.h"
#include <netdb.h>

const char *dns_resolve_system(const char *host, struct address_list *out)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG},
                    *found = NULL;
    int error = getaddrinfo(host, NULL, &hints, &found);
    if (error) return gai_strerror(error);
    for (struct addrinfo *a = found; a && out->count < ADDRESS_MAX; a = a->ai_next) {
        if (a->ai_family != AF_INET && a->ai_family != AF_INET6) continue;
        struct address *to = &out->at[out->count++];
        memcpy(&to->sa, a->ai_addr, a->ai_addrlen);
        to->length = a->ai_addrlen;
    }
    freeaddrinfo(found);
    return out->count ? NULL : "the name has no address";
}
