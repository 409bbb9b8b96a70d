/* redis_url.h - a Redis server's URL, as its clients write them, taken apart strictly.
 *
 *   redis://[[user]:password@]host[:port][/database]     rediss:// with TLS
 *   unix:/path, unix://[[user]:password@]/path, redis+unix://…     a socket
 *
 * and with any of them ?db=database. User, password and path may have %-escapes.
 */
#ifndef DSGATE_CONFIG_REDIS_URL_H
#define DSGATE_CONFIG_REDIS_URL_H

#include "dsgate/config/config.h"

/* NULL, and all that a URL tells is in *c, where nothing of it was before: redis_url_release() frees it. Or what is
 * wrong: "has …; expected …", and nothing is there. */
const char *redis_url_parse(struct text t, struct conf_redis *c);
void redis_url_release(struct conf_redis *c);

#endif
