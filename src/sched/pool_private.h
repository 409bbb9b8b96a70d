/* pool_private.h - what pool.c and pool_models.c tell each other. */
#ifndef SCHED_POOL_PRIVATE_H
#define SCHED_POOL_PRIVATE_H

#include "dsgate/sched/pool.h"

/* Fills p->rows, p->any and p->all from p->upstreams. */
void pool_build_rows(struct pool *p);
void pool_free_rows(struct pool *p);

#endif
