/* reply.h - what the gateway itself writes to clients: its header fields and its error answers.
 */
#ifndef DSGATE_GATE_REPLY_H
#define DSGATE_GATE_REPLY_H

#include "dsgate/gate/request.h"

/* Appends x-request-id, x-dsgate-upstream, -attempts, -queue-ms, -cache, -overhead-ms. */
void reply_put_fields(struct buf *fields, const struct request *r);

/* What the client's library is told about trying again: nothing, when the gateway itself could try only once. */
enum advice reply_advice(const struct request *r, enum advice advice);

/* Each sends a whole answer; the exchange is complete afterwards. false: the client left unnoticed, nothing was sent,
 * and request_cancel() comes after this turn. */
bool reply_failure(struct request *r);                /* what r->failure says, in the shape of the request's family */
bool reply_json(struct request *r, struct text body); /* status 200 */

/* The same without a request, so that nobody has to be told: malformed HTTP and the admin port. `message` NULL: the
 * row's sentence. */
void reply_error(struct exchange *x, enum failure f, const char *request_id, const char *message);
void reply_body(struct exchange *x, unsigned status, struct text content_type, struct text body);

#endif
