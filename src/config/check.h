/* check.h - mistakes that no single key has, only several together. */
#ifndef DSGATE_CONFIG_CHECK_H
#define DSGATE_CONFIG_CHECK_H

#include <stdbool.h>

struct reader;
struct node;
struct conf_upstream;
struct conf_client_tls;

/* One listener; one row of a model map; one of max_concurrency; one upstream (check_upstream.c). */
void check_listen(struct reader *r, struct node *n, void *listener);
void check_model(struct reader *r, struct node *n, void *model);
void check_cap(struct reader *r, struct node *n, void *cap);
void check_upstream(struct reader *r, struct node *n, const struct conf_upstream *u);

/* The upstreams beside each other and what else is told about them (check_together.c); the whole file. */
void check_together(struct reader *r, struct node *root);
void check_config(struct reader *r, struct node *root);

/* Is the price of any of its models known? */
bool check_has_price(const struct conf_upstream *u);

/* A section `tls` (NULL: there is none) towards a server: certificate and key, and whether it is asked for in vain.
 * plain: what speaks against TLS, as "base_url is http; expected https"; NULL: nothing. */
void check_client_tls(struct reader *r, struct node *section, const struct conf_client_tls *tls, const char *plain);

/* The certificate and the key of a section `tls`: both or none. */
void check_pair(struct reader *r, struct node *tls, const char *cert, const char *key);

#endif
