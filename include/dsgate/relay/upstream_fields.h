/* upstream_fields.h - the header fields that an upstream gets from the config, the same with each request and probe;
 * and which ones of a client's are in their place.
 *
 * Written as http_put() does. They hold secrets: whoever keeps them wipes them.
 */
#ifndef DSGATE_RELAY_UPSTREAM_FIELDS_H
#define DSGATE_RELAY_UPSTREAM_FIELDS_H

#include "dsgate/config/config.h"
#include "dsgate/net/http.h"

/* An API key where this upstream looks for it: "authorization: Bearer KEY", "api-key: KEY" or "x-api-key: KEY". */
void upstream_put_key(struct buf *b, const struct conf_upstream *u, const char *key);

/* `headers:` of the config. */
void upstream_put_headers(struct buf *b, const struct conf_upstream *u);

/* Fields in which clients carry keys and what goes with them: they reach only an upstream that has no key of its own,
 * as one that has would refuse it with another one's account. */
bool upstream_is_credential(const struct http_head *head, const struct http_field *f);

#endif
