/* upstream.h - what makes an upstream more than its keys: the layers below them, and how they fit together. */
#ifndef DSGATE_CONFIG_UPSTREAM_H
#define DSGATE_CONFIG_UPSTREAM_H

struct reader;
struct node;

/* Lays the global time limits and the preset below the user's own keys. */
void upstream_prepare(struct reader *r, struct node *n, void *upstream);

/* Fills what follows from other keys, and reports what does not fit together. */
void upstream_finish(struct reader *r, struct node *n, void *upstream);

#endif
