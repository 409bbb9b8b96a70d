/* chat_cache.h - what a request body has to do with the response cache: what it asks of it, in its member `cache`, and
 * what decides whether its answer may be given to others, or again.
 *
 * Pure; any thread.
 */
#ifndef DSGATE_LLM_CHAT_CACHE_H
#define DSGATE_LLM_CHAT_CACHE_H

#include "dsgate/base/clock.h"
#include "dsgate/llm/chat.h"
#include "dsgate/llm/dialect.h"

/* ---- what it asks for ---- */

#define CHAT_SPACE_MAX 256 /* bytes of a namespace, with its NUL */

/* LiteLLM's form: {"ttl": 60, "s-maxage": 60, "no-cache": true, "no-store": true, "namespace": "text"}, in seconds.
 * "s-max-age" is another name of "s-maxage"; what else it holds, `null` and what is not given say nothing. */
struct chat_cache {
    bool no_cache;              /* don't answer from the cache */
    bool no_store;              /* don't keep the answer; a ttl of 0 says so too */
    usec_t max_age;             /* answers that are older are none; USEC_NEVER: not said */
    usec_t ttl;                 /* of the answer; 0: not said */
    char space[CHAT_SPACE_MAX]; /* only answers of the same name count; NUL-terminated, "" = none */
};

/* Reads it. CHAT_BAD_TYPE: a sentence for the client is appended to *message. chat_read() has made sure that this does
 * not happen to what it has read. */
enum chat_error chat_cache_read(const struct chat_request *r, struct chat_cache *out, struct buf *message);

/* ---- what its answer depends on ---- */

enum chat_thinking { THINKING_UNSAID, THINKING_OFF, THINKING_ON };

struct chat_traits {
    bool zero_temperature;
    bool has_seed;
    /* Told by thinking (DeepSeek, Ark, Anthropic), enable_thinking (DashScope, SiliconFlow), chat_template_kwargs
     * (vLLM, SGLang), reasoning_effort (OpenAI) or reasoning (Responses, OpenRouter). Where they contradict each other
     * it is on. Legacy completions never think. */
    enum chat_thinking thinking;
    /* It goes on from, or asks for, what is stored with one provider: previous_response_id, conversation, a stored
     * prompt, background or a container. */
    bool stored;
    /* A tool of the provider's own may look at the world: web search by any name, or a tool that is neither the
     * client's function nor a custom one. What client's tools do is known only by what the next request says. */
    bool searches;
};

/* Reads the body once more, where it must: without a seed and with another temperature than 0, thinking and searches
 * are not looked for, nor is `stored` outside of Responses and Messages, which alone have it. A member that appears
 * twice counts as whatever is more careful. What an image's or file's URL leads to is taken for unchanging. */
struct chat_traits chat_traits(const struct chat_request *r, enum endpoint_family family);

/* Whether temperature 0 counts at an upstream of this dialect, by its row of the model (NULL: it has none), so that the
 * answer is the same each time as far as can be. DeepSeek ignores it in thinking mode, which is on unless said
 * otherwise (by the request, else by the row); of providers that are not known to heed it the same is taken for
 * granted. */
bool chat_temperature_counts(const struct chat_request *r, const struct chat_traits *t, enum conf_dialect d,
                             const struct conf_model *model);

#endif
