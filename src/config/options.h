/* options.h - what the files that hold the option table share: options.c the top level, options_queue.c who waits for
 * what, options_route.c how requests are treated, options_cache.c what is kept of them, options_upstream.c the
 * upstreams.
 */
#ifndef DSGATE_CONFIG_OPTIONS_H
#define DSGATE_CONFIG_OPTIONS_H

#include "option.h"

#define ROWS(rows)      (rows), sizeof(rows) / sizeof *(rows)
#define PRIORITY(field) OPTION_ENUM, field, .names = conf_priority_names, .aliases = conf_priority_words

extern const struct option_table queue_table;       /* struct conf_queue */
extern const struct option_table caller_table;      /* struct conf_caller */
extern const struct option_table route_table;       /* struct conf_route */
extern const struct option_table cache_table;       /* struct conf_cache */
extern const struct option_table cache_route_table; /* struct conf_cache_route */
extern const struct option_table client_tls_table;  /* struct conf_client_tls */

#endif
