/* admit.h - may this request come in: endpoint, method, hints, the body's coding, the body.
 *
 * Looks only at the request, and decides once, before anything is queued. Whether there is such a model is for the
 * caller to find out (sched/pool.h). What a client did wrong is said in words and with the parameter's name. Nothing
 * here is shared: any thread.
 */
#ifndef DSGATE_ADMIT_ADMIT_H
#define DSGATE_ADMIT_ADMIT_H

#include "dsgate/admit/hints.h"
#include "dsgate/llm/chat.h"
#include "dsgate/llm/failure.h"
#include "dsgate/net/http.h"

struct admission {
    const struct endpoint *endpoint; /* NULL or of ENDPOINT_UNKNOWN with FAIL_NO_ENDPOINT, perhaps with FAIL_BAD_HINT */
    struct hints hints;
    struct chat_request chat;        /* zeroed for endpoints without a JSON body, and until the body's turn comes */
    struct buf message;              /* the client's sentence, when a failure has more to say than its row */
    const char *param;               /* the member or header to blame; NULL = none. Static */
};

/* FAIL_NONE or why not. `a` is zeroed before, and points into the head and the body afterwards, which must outlive it;
 * admission_free() frees the message, whatever came out. */
enum failure admit(struct admission *a, const struct http_head *head, struct text body);
void admission_free(struct admission *a);

/* Whether its client wants events; false where there is nothing that could be streamed. Once admitted. */
static inline bool admission_wants_stream(const struct admission *a)
{
    return a->endpoint->says_text && chat_wants_stream(&a->chat);
}

/* Which conversation an admitted request belongs to, for affinity: what X-Dsgate-Session names, else
 * chat_conversation(), which reads the body; 0 = there is nothing to go by. The same in every process. */
uint64_t admission_conversation(const struct admission *a);

/* The failure that stands for a malformed HTTP request; FAIL_NONE for HTTP_FINE. */
enum failure admit_http_failure(enum http_error e);

#endif
