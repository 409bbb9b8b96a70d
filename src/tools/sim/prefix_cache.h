/* prefix_cache.h - the server-side prefix cache behind usage.prompt_cache_hit_tokens.
 *
 * A prompt is remembered in blocks of 64 tokens; a later prompt hits as many leading blocks as it shares with one that
 * is remembered. Bounded: the block that was used longest ago is forgotten first. Any thread.
 */
#ifndef DSGATE_SIM_PREFIX_CACHE_H
#define DSGATE_SIM_PREFIX_CACHE_H

#include "dsgate/base/text.h"

struct prefix_cache;

/* blocks 0: remembers nothing, every prompt misses. */
struct prefix_cache *prefix_cache_new(unsigned blocks);
void prefix_cache_free(struct prefix_cache *c);
void prefix_cache_clear(struct prefix_cache *c);

/* Tokens of a text: a rough but fixed count. */
unsigned prefix_tokens(size_t bytes);

/* How many tokens of the prompt (its parts in order) are remembered already; then remembers all of it. `owner`
 * separates accounts and models. */
unsigned prefix_cache_use(struct prefix_cache *c, uint64_t owner, const struct text *parts, unsigned n);

#endif
