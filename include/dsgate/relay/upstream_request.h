/* upstream_request.h - the request as the upstream gets it: without what was for the gateway, with its key.
 *
 * Where it goes is decided by the config alone: scheme, host, port and base path are the upstream's, never the
 * client's.
 */
#ifndef DSGATE_RELAY_UPSTREAM_REQUEST_H
#define DSGATE_RELAY_UPSTREAM_REQUEST_H

#include "dsgate/llm/chat_edit.h"
#include "dsgate/net/http.h"
#include "dsgate/net/origin.h"

struct relay_source {                  /* the client's request; all must outlive the attempt */
    const struct endpoint *endpoint;
    const struct http_head *head;
    const struct chat_request *chat;   /* zeroed chat.body: no JSON body */
    struct text body;
    bool (*consumes)(const struct http_head *head, const struct http_field *f); /* fields not to forward */
    const char *model;                 /* asked for instead of the client's (a fallback); NULL: the client's */
    const struct transcript *sent;     /* the answer goes on from here; NULL: it begins */
    bool plain_stream;                 /* a plain call, made as a stream */
};

struct relay_target {
    const struct conf_upstream *upstream;
    struct origin *origin;
    const struct conf_model *model;    /* NULL: the client's name */
    const char *key;                   /* one of the upstream's; NULL: the client's own goes through */
};

#define RELAY_PIECES (1 + CHAT_PIECES)

/* Fills `iov` (RELAY_PIECES) with head and body; `bytes` gets the head and what is new in the body, and must outlive
 * the iov. Returns the number of pieces; 0 when this upstream does not serve the endpoint, or the body can't be changed
 * as it must be (chat_pieces()). What goes on in DeepSeek's way goes to the beta path, whatever the client's was. The
 * head contains the upstream's secret: wipe `bytes` with relay_request_free(). */
int relay_request_write(const struct relay_source *from, const struct relay_target *to, struct buf bytes[2],
                        struct iovec *iov);
void relay_request_free(struct buf bytes[2]);

#endif
