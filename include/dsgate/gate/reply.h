/* reply.h - what the gateway itself writes to clients: its header fields and its error answers.
 */
#ifndef DSGATE_GATE_REPLY_H
#define DSGATE_GATE_REPLY_H

#include "dsgate/gate/request.h"

/* Appends x-request-id, x-dsgate-upstream, -attempts, -reasons, -fallback, -queue-ms, -cache, -cache-key, -overhead-ms.
 * whose: the attempt whose answer it is; NULL: the gateway gives it, or nobody knows yet. */
void reply_put_fields(struct buf *fields, const struct request *r, const struct runner *whose);

/* What the client's library is told about trying again: nothing, when the gateway itself could try only once. */
enum advice reply_advice(const struct request *r, enum advice advice);

/* Each sends a whole answer; the exchange is complete afterwards. false: the client left unnoticed, nothing was sent,
 * and request_cancel() comes after this turn. */
bool reply_failure(struct request *r);                /* what r->failure says, in the shape of the request's family */
bool reply_json(struct request *r, struct text body); /* status 200 */

/* A fixed text as if a model had said it, in the shape of the request's family, plain or as a stream. */
bool reply_fixed(struct request *r, const char *text);

/* A comment in the client's stream, whose head it may begin; the answer goes on. false: as above. */
bool reply_keep_alive(struct request *r);

/* What an upstream has said instead of an answer is what reply_break() will tell a stream, where its clients could read
 * that: an error of one line of JSON, in families whose events have no names. */
void reply_quote(struct request *r, struct text body);

/* An answer that has begun ends without its end: a stream is told why in an event of its own, which r->failure or the
 * upstream's words say; anything else is reset. The exchange is gone. */
void reply_break(struct request *r);

/* The same without a request, so that nobody has to be told: malformed HTTP and the admin port. `message` NULL: the
 * row's sentence. */
void reply_error(struct exchange *x, enum failure f, const char *request_id, const char *message);
void reply_body(struct exchange *x, unsigned status, struct text content_type, struct text body);

#endif
