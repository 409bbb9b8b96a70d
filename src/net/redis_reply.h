/* redis_reply.h - from bytes to replies (RESP2), by hiredis' reader. Whoever sends the bytes may be anybody: what is
 * announced is not believed, and what one reply may take is bounded.
 */
#ifndef DSGATE_SRC_NET_REDIS_REPLY_H
#define DSGATE_SRC_NET_REDIS_REPLY_H

#include "dsgate/net/redis.h"

struct redis_reader;

/* reply_max: bytes of one reply, as it is on the wire. */
struct redis_reader *redis_reader_new(size_t reply_max);
void redis_reader_free(struct redis_reader *r); /* NULL is fine */

void redis_reader_feed(struct redis_reader *r, struct text bytes); /* copied */
/* The next whole reply, to be freed by the caller; NULL: it has not come yet, or nothing can be read any more. */
struct redis_reply *redis_reader_next(struct redis_reader *r);
/* Why nothing can be read any more, in words; NULL as long as all is well. */
const char *redis_reader_failure(const struct redis_reader *r);

void redis_reply_free(struct redis_reply *reply);

/* Values in all arrays of one reply. */
enum { REDIS_ITEMS_MAX = 65536 };

#endif
