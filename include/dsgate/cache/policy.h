/* policy.h - may this request be answered from the cache, and may its answer be kept?
 *
 * What route, request head and request body say is brought together here once, before anything is looked up. Where they
 * contradict each other the more careful one counts. Pure.
 */
#ifndef DSGATE_CACHE_POLICY_H
#define DSGATE_CACHE_POLICY_H

#include "dsgate/cache/entry.h"
#include "dsgate/config/config.h"
#include "dsgate/llm/chat_cache.h"

/* What a client says about caching: Cache-Control (RFC 9111 section 5.2.1), or the body's member `cache` in LiteLLM's
 * form {"ttl", "s-maxage", "no-cache", "no-store", "namespace"}. */
struct cache_wishes {
    bool no_cache; /* don't answer from the cache */
    bool no_store; /* don't keep the answer */
    bool only_if_cached;
    usec_t max_age; /* entries that are older are none; USEC_NEVER: not said */
    usec_t ttl;     /* of the answer, instead of the route's; 0: not said */
};

/* What is wished in both places. */
struct cache_wishes cache_wishes_join(const struct cache_wishes *head, const struct cache_wishes *body);

/* What the request is, as far as it matters here. */
struct cache_request {
    bool cacheable; /* an endpoint whose answers depend on nothing but the request, nothing stored upstream */
    bool embedding; /* … and the same each time */
    bool zero_temperature, has_seed;
    bool thinks;   /* or may do so, as far as is known, where a model that thinks ignores the temperature: then zero
                    * promises nothing */
    bool searches; /* a tool of its provider may look at the world: neither zero nor a seed promises anything */
};

/* `thinks`: for one of the upstreams that may be asked, chat_temperature_counts() is false. */
struct cache_request cache_request_of(const struct endpoint *e, const struct chat_traits *t, bool thinks);

struct cache_plan {
    bool reads;  /* it may be answered from the cache; */
    bool stores; /* … its answer may be kept, and shared with who asks for the same meanwhile */
    bool only_if_cached;
    usec_t max_age;      /* USEC_NEVER: none */
    usec_t fresh, stale; /* of the answer, when it is kept (see entry.h) */
};

#define CACHE_TTL_MAX (30 * (usec_t)86400 * USEC_PER_SEC) /* of an answer, by its client's wish or by its route */

/* Each route's mode lets some requests take part; of those, wishes take some away. A ttl that is wished for counts up
 * to CACHE_TTL_MAX, but where callers share answers only below the route's, as others get the answer too. */
struct cache_plan cache_plan(const struct conf_cache_route *route, const struct cache_request *request,
                             const struct cache_wishes *wishes);

/* What an entry that was found is good for. */
enum cache_use {
    CACHE_USE,           /* it is the answer */
    CACHE_USE_AND_RENEW, /* it is, but a newer one is to be fetched behind the client's back */
    CACHE_KEEP,          /* only where nothing else helps */
    CACHE_IGNORE
};
/* How long it is fresh the entry says itself, and at most how long it is of any use; what a stale one is good for, the
 * route says, and whether mistakes are remembered. Who wants no older entries than max_age gets no stale ones either
 * but where nothing else helps; whose own answer is not kept renews nothing. */
enum cache_use cache_judge(const struct cache_plan *plan, const struct conf_cache_route *route,
                           const struct cache_entry *e, usec_t now);

#endif
