/* assembly.h - a plain answer of chat or legacy completions, put together from the chunks of a stream.
 *
 * In a delta, strings are joined, as is a legacy completion's text; what has an `index` (choices, tool calls) is merged
 * by it and comes in its order; other lists are joined, objects merged member by member. Role, id, type and the like
 * are the first that was said, and a function's name that is said again is said once. Around the delta, values are the
 * last that was said: usage whole; id, object, created, model and system_fingerprint the first. null never replaces
 * anything.
 *
 * Members that nobody knows are kept, in the order in which they first came, and numbers keep their digits. `delta`
 * becomes `message`, "object" loses its ".chunk", and what a plain answer has though a stream may leave it out
 * (logprobs null, content "" beside a tool call, unless it was said to be null) is there. A member that is there twice
 * counts as two pieces.
 *
 * One user at a time.
 */
#ifndef DSGATE_LLM_ASSEMBLY_H
#define DSGATE_LLM_ASSEMBLY_H

#include "dsgate/llm/endpoint.h"

struct assembly;

/* For FAMILY_CHAT and FAMILY_COMPLETION. limit: bytes of memory for all that is kept of the answer. */
struct assembly *assembly_new(enum endpoint_family family, size_t limit);
void assembly_free(struct assembly *a); /* NULL is fine */

/* One chunk's data (valid JSON). False, from then on: the whole would take more than the limit, or more than 256
 * members or indexes in one place; or this is no chunk, or contradicts the others in shape (a string where an object
 * was), or has a key with escapes or a whole `message`, of which nobody knows what they would become. */
bool assembly_add(struct assembly *a, struct text data);

/* The same for any bytes, if they look like the chunk before and say nothing new but in one text: that proves them
 * valid JSON. False: they have to be looked at, and then added. */
bool assembly_repeats(struct assembly *a, struct text data);

/* Appends the answer. False, and nothing is appended: there is none (no choice), or it is not valid JSON (texts that
 * are not UTF-8). */
bool assembly_write(struct assembly *a, struct buf *out);

#endif
