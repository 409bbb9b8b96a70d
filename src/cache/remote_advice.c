#include "remote_private.h"

/* What is asked for often stays; entries always have an EX, so that a server which keeps other data as well need not
 * drop any of that. */
#define SET_IT "set maxmemory-policy to allkeys-lfu, or to volatile-lfu where it keeps other data, too"

bool remote_policy_advice(struct text policy, uint64_t maxmemory, struct buf *advice)
{
    if (policy.n == 0 || text_ends(policy, TEXT("-lfu")) || text_ends(policy, TEXT("-lru"))) return false;
    bool refuses = text_is(policy, "noeviction");
    if (refuses && maxmemory == 0) return false;
    buf_printf(advice,
               refuses ? "refuses new answers once its memory is full (maxmemory-policy " TEXT_FORMAT "): " SET_IT
                       : "drops answers whether they are asked for or not (maxmemory-policy " TEXT_FORMAT "): " SET_IT,
               TEXT_ARGS(policy));
    return true;
}

const struct text remote_advice_question[3] = {{"CONFIG", 6}, {"GET", 3}, {"maxmemory*", 10}};

/* Names and values in turn. */
static struct text setting_of(const struct redis_reply *reply, const char *name)
{
    for (size_t i = 0; reply->type == REDIS_ARRAY && i + 1 < reply->count; i += 2)
        if (text_is(reply->items[i].text, name)) return reply->items[i + 1].text;
    return TEXT_NONE;
}

bool remote_advice(const struct redis_reply *reply, struct buf *advice)
{
    uint64_t limit = 0;
    text_to_u64(setting_of(reply, "maxmemory"), &limit);
    return remote_policy_advice(setting_of(reply, "maxmemory-policy"), limit, advice);
}
