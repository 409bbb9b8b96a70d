/* check.h - mistakes that no single key has, only several together. */
#ifndef DSGATE_CONFIG_CHECK_H
#define DSGATE_CONFIG_CHECK_H

struct reader;
struct node;
struct conf_upstream;

/* One listener; one row of a model map; one upstream; the whole file. */
void check_listen(struct reader *r, struct node *n, void *listener);
void check_model(struct reader *r, struct node *n, void *model);
void check_upstream(struct reader *r, struct node *n, const struct conf_upstream *u);
void check_config(struct reader *r, struct node *root);

#endif
