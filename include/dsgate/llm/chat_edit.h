/* chat_edit.h - the body that an upstream gets: the client's, with the few bytes changed that the gateway must change.
 *
 * Nothing is ever written anew: members are replaced, inserted or cut out in the client's bytes. The member `cache` is
 * for the gateway (llm/chat_cache.h), and always cut out. Pure; any thread.
 */
#ifndef DSGATE_LLM_CHAT_EDIT_H
#define DSGATE_LLM_CHAT_EDIT_H

#include "dsgate/llm/chat.h"
#include "dsgate/llm/dialect.h"
#include "dsgate/llm/transcript.h"

struct chat_changes {
    const struct conf_model *model; /* the upstream's row: its name, and `thinking` where the request says nothing;
                                     * NULL: the name goes on as it is; called "*": likewise */
    const char *name;               /* the model that is asked for instead of the client's (a fallback), which `model`
                                     * then maps; NULL: the client's */
    bool stream;                    /* a plain call becomes a stream that tells its usage; not one with stream_options,
                                     * which is a mistake that its upstream shall tell */
    const struct transcript *sent;  /* go on from here; NULL: from the beginning */
    enum conf_dialect dialect;      /* … in this dialect's way */
};

/* The changed body as pieces: at most CHAT_PIECES iovecs, returned; *total = their length. What is new is appended to
 * `extra`; pieces point into the body, into `extra` and into the transcript, which must all outlive them unchanged. 0:
 * it can't be done: this dialect can't go on from that, this request can't be gone on with, what was sent is not valid
 * inside a JSON string, or a member that would have to change appears twice. A body that chat_read() did not read goes
 * on as it is, or, with `stream` or `sent`, not at all. */
#define CHAT_PIECES 19
int chat_pieces(const struct chat_request *r, const struct chat_changes *c, struct buf *extra, struct iovec *iov,
                size_t *total);

/* Whether an answer to this request could be gone on with at all: one choice, no logprobs, no response_format that
 * begins anew, no `echo`, a string as prompt, and no text that the answer is told to begin with already. Reads the body
 * once more: for who needs it. */
bool chat_can_continue(const struct chat_request *r, enum endpoint_family family);

/* Whether what was sent is all that the request's max_tokens or max_completion_tokens allow. The one who goes on is
 * still asked for a token, since only a whole answer tells its end and its usage; its text is too much (llm/seam.h).
 * Tokens are counted as in the transcript: where an upstream puts several into one chunk, or one into several, that is
 * an estimate, and the client may get some more than it has asked for, or less. */
bool chat_is_spent(const struct chat_request *r, const struct transcript *sent);

/* Whether an upstream of this dialect can go on from what was sent. has_beta: it has a beta path. */
bool chat_continues_at(enum conf_dialect d, bool has_beta, const struct transcript *sent);

#endif
