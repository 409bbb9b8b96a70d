/* serve_private.h - what STREAM without an upstream is made of.
 *
 * serve.c  out of an entry; and how either is sent
 * along.c  along with the answer that an identical call gets
 */
#ifndef GATE_SERVE_PRIVATE_H
#define GATE_SERVE_PRIVATE_H

#include "dsgate/gate/cached.h"
#include "dsgate/gate/worker.h"

#define SERVE_SLICE ((size_t)64 * 1024) /* bytes at once; and as many may lie with us for a slow client */

/* Sends the next bytes, with the head before the first of them. False: the client is gone. */
bool serve_send(struct request *r, struct text bytes, bool last);
/* Whether events are looked at one by one from now on: the usage may be told in one of its own, which its client does
 * not expect. */
void serve_look_at_events(struct request *r, bool tells_usage);
/* Cuts off what is to be sent next; valid until the next call, in the worker's scratch perhaps. */
struct text serve_next_piece(struct request *r, struct text *bytes);
/* What the answer that is given has cost once. */
void serve_note_savings(struct request_cache *c, const struct cache_entry *e);

/* Goes on reading, for STREAM. */
enum flow along_run(struct request *r);
/* Reads no more; harmless when it does not. */
void along_leave(struct request *r);

#endif
