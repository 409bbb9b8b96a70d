/* cache.h - what fits together in what is said about the response cache. */
#ifndef DSGATE_CONFIG_CACHE_H
#define DSGATE_CONFIG_CACHE_H

struct reader;
struct node;

/* Makes answers that may be kept no larger than the memory level takes, where nothing else is said, and reports what
 * does not fit together. */
void cache_check(struct reader *r, struct node *root);

#endif
