/* upstream_fields.h - the header fields that an upstream gets from the config, the same with each request and probe.
 *
 * Written as http_put() does. They hold secrets: whoever keeps them wipes them.
 */
#ifndef DSGATE_RELAY_UPSTREAM_FIELDS_H
#define DSGATE_RELAY_UPSTREAM_FIELDS_H

#include "dsgate/config/config.h"

/* An API key where this upstream looks for it: "authorization: Bearer KEY", "api-key: KEY" or "x-api-key: KEY". */
void upstream_put_key(struct buf *b, const struct conf_upstream *u, const char *key);

/* `headers:` of the config. */
void upstream_put_headers(struct buf *b, const struct conf_upstream *u);

#endif
