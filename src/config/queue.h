/* queue.h - what makes a caller or a route more than its keys: what they leave to others, and how they fit together. */
#ifndef DSGATE_CONFIG_QUEUE_H
#define DSGATE_CONFIG_QUEUE_H

struct reader;
struct node;

/* A class that is not told is somebody else's to tell. */
void caller_prepare(struct reader *r, struct node *n, void *caller);
void route_prepare(struct reader *r, struct node *n, void *route);

/* Report what does not fit to the keys beside it, or to the callers and routes before. */
void caller_finish(struct reader *r, struct node *n, void *caller);
void route_finish(struct reader *r, struct node *n, void *route);

#endif
