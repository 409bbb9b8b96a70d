/* admit.h - may this request come in: endpoint, method, hints, body, model.
 *
 * Looks only at the request and the pool; decides once, before anything is queued. What a caller did wrong is said in
 * words and with the parameter's name.
 */
#ifndef DSGATE_ADMIT_ADMIT_H
#define DSGATE_ADMIT_ADMIT_H

#include "dsgate/admit/hints.h"
#include "dsgate/llm/chat.h"
#include "dsgate/llm/failure.h"
#include "dsgate/net/http.h"

struct admission {
    const struct endpoint *endpoint; /* NULL with FAIL_NO_ENDPOINT, and with FAIL_BAD_HINT when there is none either */
    struct hints hints;
    struct chat_request chat;        /* zeroed for endpoints without a JSON body */
    struct buf message;              /* the caller's sentence, when a failure has more to say than its row */
    const char *param;               /* the member or header to blame; NULL = none */
};

/* FAIL_NONE or why not. `a` is zeroed before; admission_free() after. The model map is asked by the caller
 * (sched/pool.h). */
enum failure admit(struct admission *a, const struct http_head *head, struct text body);
void admission_free(struct admission *a);

/* The failure that stands for a malformed HTTP request. */
enum failure admit_http_failure(enum http_error e);

#endif
