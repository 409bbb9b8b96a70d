/* records_resolver.h - what records.c stands on, so that tests can put in their own answers. */
#ifndef DSGATE_NET_RECORDS_RESOLVER_H
#define DSGATE_NET_RECORDS_RESOLVER_H

#include "dsgate/net/records.h"

/* Fills *out, which is empty. Runs on any thread and may block. */
typedef void records_resolver(const struct records_question *question, struct records_answer *out);

records_resolver records_resolve_system; /* glibc's resolver */

struct records *records_new_with(struct loop *loop, records_resolver *resolve);

#endif
