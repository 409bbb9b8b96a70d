/* remote_name.h - what entries are called in Redis (see remote.h), and patterns that find them. Pure. */
#ifndef CACHE_REMOTE_NAME_H
#define CACHE_REMOTE_NAME_H

#include "dsgate/base/buf.h"
#include "dsgate/cache/key.h"

/* Appended to *out. */
void remote_name(struct buf *out, const char *prefix, struct text tenant, struct text model,
                 const struct cache_key *key);

/* A pattern for SCAN's MATCH, in which TEXT_NONE is any tenant or model, and NULL any key; what Redis would read as a
 * pattern in the prefix is escaped. */
void remote_name_pattern(struct buf *out, const char *prefix, struct text tenant, struct text model,
                         const struct cache_key *key);

#endif
