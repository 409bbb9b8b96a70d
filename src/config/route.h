/* route.h - what makes a route more than its keys: what it leaves to others, and what fits together in it. */
#ifndef DSGATE_CONFIG_ROUTE_H
#define DSGATE_CONFIG_ROUTE_H

struct reader;
struct node;
struct conf_route;

/* A class that is not told is somebody else's to tell. */
void route_prepare(struct reader *r, struct node *n, void *route);

/* Reports what does not fit to the keys beside it, or to the routes before. */
void route_finish(struct reader *r, struct node *n, void *route);

/* A route on which nothing was said. */
void route_defaults(struct reader *r, struct conf_route *route);

#endif
