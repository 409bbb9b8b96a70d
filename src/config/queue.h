/* queue.h - what makes a caller more than its keys: what it leaves to others, and how callers fit together. */
#ifndef DSGATE_CONFIG_QUEUE_H
#define DSGATE_CONFIG_QUEUE_H

struct reader;
struct node;

/* A class that is not told is somebody else's to tell. */
void caller_prepare(struct reader *r, struct node *n, void *caller);

/* Reports what does not fit to the keys beside it, or to the callers before. */
void caller_finish(struct reader *r, struct node *n, void *caller);

#endif
