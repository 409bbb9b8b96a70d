/* reading.h - one upstream's answer, read up to the point where it may be shown to the client, and beyond.
 *
 * The difficulty: an answer that has begun with 200 may still turn out to be an error, empty, or broken, and what the
 * client has seen can't be taken back. So the first bytes are held until a real token has come (streams), or until all
 * is there (plain answers, errors); only then is the answer committed. Comments, role-only deltas and blank lines are
 * no tokens.
 *
 * Pure: bytes in, decisions out, no clock and no socket.
 */
#ifndef DSGATE_RELAY_READING_H
#define DSGATE_RELAY_READING_H

#include "dsgate/base/iov.h"
#include "dsgate/llm/answer.h"
#include "dsgate/llm/sse.h"

enum reading_mode {
    READ_EVENTS, /* server-sent events of a known family: passed on event by event */
    READ_PLAIN,  /* one JSON document of a known family: held whole */
    READ_ERROR,  /* status 400 and above: held whole */
    READ_OPAQUE  /* anything else: passed on as it comes */
};

struct reading {
    enum reading_mode mode;
    enum endpoint_family family;
    unsigned status;
    size_t hold_limit;
    bool committed;
    bool key_is_ours;     /* the caller's to set: the client is not to blame for 401, 402 and 403 */
    struct buf held;      /* bytes that may not be shown yet, or that had to be put together from pieces */
    struct sse_reader sse;
    uint64_t events; /* with data, so far: comments and blank lines are no progress */
    struct answer_facts facts;
};

/* Why an answer is no good, and the word for it in logs. */
#define READING_REASONS(X) \
    X(READING_EMPTY_ANSWER,    "empty_answer") \
    X(READING_EMPTY_STREAM,    "empty_stream") \
    X(READING_BAD_JSON,        "bad_json") \
    X(READING_ERROR_STATUS,    "error_status")    /* one that another upstream could mend */ \
    X(READING_ERROR_UNDER_200, "error_200")       /* a whole answer that is an error object */ \
    X(READING_ERROR_EVENT,     "error_event")     /* before any token */ \
    X(READING_EVENT_TOO_LARGE, "event_too_large") \
    X(READING_CUT,             "cut")             /* a stream that ended before it had said so */

enum reading_reason {
#define X(id, name) id,
    READING_REASONS(X)
#undef X
};
const char *reading_reason_name(enum reading_reason r);

enum reading_verdict {
    READING_HOLD,   /* nothing to show yet */
    READING_PASS,   /* show `out`; from now on the answer is committed */
    READING_REFUSE  /* this answer is no good (`reason`); if it was committed before, it is cut here */
};

struct reading_step {
    enum reading_verdict verdict;
    struct iovec out[3];  /* with READING_PASS; valid until the next call */
    int n;
    enum reading_reason reason; /* with READING_REFUSE */
};

/* content_type and encoding: values of the answer's fields, may be empty. An encoded body is opaque. */
void reading_init(struct reading *r, enum endpoint_family family, unsigned status, struct text content_type,
                  struct text encoding, size_t hold_limit, size_t event_limit);
void reading_free(struct reading *r);

/* The next payload bytes; `end` when the message is complete. */
struct reading_step reading_feed(struct reading *r, struct text in, bool end);

/* Commits now, token or not: returns what is held (PASS, perhaps with n == 0). */
struct reading_step reading_commit(struct reading *r);

/* The upstream broke off: may what came stand as complete? True only for streams that have said their end. */
bool reading_is_complete(const struct reading *r);

#endif
