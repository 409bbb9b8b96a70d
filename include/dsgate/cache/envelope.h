/* envelope.h - an entry as the bytes that Redis keeps: so that foreign, damaged and older values are told from ours.
 *
 *   "DSGC" | format version (1 byte) | flags (1) | status (2) | length of the rest (4) | checksum (8)
 *   key (32) | created, fresh, stale (8 each) | prompt, completion (8 each)
 *   tenant, model, type: length (2) and bytes each | body: the rest
 *
 * Numbers are big-endian; flags: 1 = stream, 2 = has_usage. The checksum (SipHash-2-4 under a fixed key: it guards
 * against accidents, not against who may write to the Redis) is over the twelve bytes before it and, in its place, the
 * same hash of the rest. Pure; any thread.
 */
#ifndef DSGATE_CACHE_ENVELOPE_H
#define DSGATE_CACHE_ENVELOPE_H

#include "dsgate/base/buf.h"
#include "dsgate/cache/entry.h"

enum { ENVELOPE_VERSION = 1 };

/* Appended to *out. Its facts are as entry.h says, no time above INT64_MAX / 4, strings without control characters
 * (tabs are none): others would not be read. The body is below 4 GB. */
void envelope_write(const struct cache_entry *e, struct buf *out);

/* Why a value is none of ours. */
#define ENVELOPE_FAULTS(X) \
    X(ENVELOPE_FINE,     "fine") \
    X(ENVELOPE_FOREIGN,  "foreign")  /* it does not begin like one */ \
    X(ENVELOPE_VERSION_UNKNOWN, "version") \
    X(ENVELOPE_DAMAGED,  "damaged")  /* lengths or checksum do not agree, or a field is out of its range */ \
    X(ENVELOPE_MISPLACED, "misplaced") /* it belongs to another key or tenant */

enum envelope_fault {
#define X(id, name) id,
    ENVELOPE_FAULTS(X)
#undef X
        ENVELOPE_FAULT_COUNT
};
const char *envelope_fault_name(enum envelope_fault f);

/* The entry in `value`, with one reference, or NULL and why in *fault. It must be the one of this key and tenant. It is
 * as envelope_write() demands it, whatever the bytes are: its times can be added, its strings printed. */
struct cache_entry *envelope_read(struct text value, const struct cache_key *key, struct text tenant,
                                  enum envelope_fault *fault);

#endif
