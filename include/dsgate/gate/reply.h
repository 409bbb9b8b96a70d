/* reply.h - what the gateway itself writes to clients: its header fields and its error answers.
 */
#ifndef DSGATE_GATE_REPLY_H
#define DSGATE_GATE_REPLY_H

#include "dsgate/gate/request.h"

/* Appends x-request-id, x-dsgate-upstream, -attempts, -queue-ms, -cache, -overhead-ms. */
void reply_put_fields(struct buf *fields, const struct request *r);

/* Sends the answer of r->failure in the shape of the request's family; the exchange is complete afterwards. */
void reply_failure(struct request *r);

/* The same without a request: malformed HTTP, connection limits, the admin port. `message` NULL: the row's sentence. */
void reply_error(struct exchange *x, enum failure f, const char *request_id, const char *message);

/* A whole small answer. */
void reply_body(struct exchange *x, unsigned status, struct text content_type, struct text body);

#endif
