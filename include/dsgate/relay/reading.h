/* reading.h - one upstream's answer, read up to the point where it may be shown to the client, and beyond.
 *
 * The difficulty: an answer that has begun with 200 may still turn out to be an error, empty, or broken, and what the
 * client has seen can't be taken back. So the first bytes are held until a real token has come (streams), or until all
 * is there (plain answers, errors); only then is the answer committed. Comments, role-only deltas and blank lines are
 * no tokens. What breaks later is found out before it is shown: an error event or a finish_reason that means failure is
 * never passed on as if the answer had ended.
 *
 * Pure: bytes in, decisions out, no clock and no socket.
 */
#ifndef DSGATE_RELAY_READING_H
#define DSGATE_RELAY_READING_H

#include "dsgate/base/iov.h"
#include "dsgate/llm/answer.h"
#include "dsgate/llm/assembly.h"
#include "dsgate/llm/complaint.h"
#include "dsgate/llm/seam.h"
#include "dsgate/llm/sse.h"

enum reading_mode {
    READ_NOTHING, /* no answer yet */
    READ_EVENTS, /* server-sent events of a known family: passed on event by event */
    READ_PLAIN,  /* one JSON document of a known family: held whole */
    READ_ERROR,  /* status 400 and above: held whole */
    READ_OPAQUE  /* anything else: passed on as it comes */
};

/* What is known before the answer; what it points to must outlive the reading. */
struct reading_options {
    enum endpoint_family family;
    enum conf_dialect dialect;
    size_t hold_limit, event_limit; /* bytes held; bytes of one event */
    size_t transcript_limit;        /* bytes of text that are kept for going on elsewhere; 0: none */
    unsigned more_choices;          /* that the client has asked for, beside the first */
    bool key_is_ours;               /* the client is not to blame for 401, 402 and 403 */
    bool takes_empty;               /* an answer without any content is an answer */
    bool assembles;                 /* a stream for a client that wants a plain answer: it gets the whole at the end */
    const struct transcript *sent;  /* this answer goes on from there; NULL: from the beginning */
    bool spent;                     /* with `sent`: that is all the client allows, and this answer only tells the end:
                                     * its text is not shown, and is no token */
    struct assembly *partial;       /* with `assembles` and `sent`: what was put together by then, to be added to */
};

/* Why an answer is no good, and the word for it in logs. */
#define READING_REASONS(X) \
    X(READING_EMPTY_ANSWER,     "empty_answer")     /* no bytes, or blank ones */ \
    X(READING_EMPTY_STREAM,     "empty_stream")     /* it ended before any token, and had not said so */ \
    X(READING_EMPTY_CONTENT,    "empty_content")    /* a whole answer that says nothing */ \
    X(READING_BAD_JSON,         "bad_json") \
    X(READING_HTML,             "html")             /* somebody's error page */ \
    X(READING_ERROR_STATUS,     "error_status")     /* one that another upstream could mend */ \
    X(READING_ERROR_UNDER_200,  "error_200")        /* a whole answer that is an error object */ \
    X(READING_ERROR_EVENT,      "error_event") \
    X(READING_EXHAUSTED,        "exhausted")        /* finish_reason insufficient_system_resource */ \
    X(READING_ABORTED,          "aborted")          /* finish_reason aborted, error, … */ \
    X(READING_BAD_EVENT,        "bad_event")        /* an event whose JSON is broken */ \
    X(READING_NO_STREAM,        "no_stream")        /* it must be a stream that can be read, and is none */ \
    X(READING_EVENT_TOO_LARGE,  "event_too_large") \
    X(READING_ANSWER_TOO_LARGE, "answer_too_large") /* … to be put together */ \
    X(READING_CUT,              "cut")              /* a stream that ended before it had said so */

enum reading_reason {
#define X(id, name) id,
    READING_REASONS(X)
#undef X
        READING_REASON_COUNT
};
const char *reading_reason_name(enum reading_reason r);

struct reading {
    struct reading_options o;
    enum reading_mode mode;
    unsigned status;
    bool unreadable;           /* a stream that is encoded */
    bool spoke;                /* an event with data has come */
    bool committed;
    bool ended_twice;          /* [DONE], and more behind it */
    bool passed;               /* what is held has been shown by the last step */
    struct buf held;           /* bytes that have not been shown, or that had to be put together from pieces */
    struct buf offence;        /* after READING_ERROR_EVENT: the event as it came */
    struct sse_reader sse;
    uint64_t tokens;           /* events with content so far: comments, blank lines and empty deltas are no progress */
    struct answer_facts facts;
    struct complaint complaint; /* with an error: what it means */
    struct transcript transcript; /* of this answer alone */
    struct reading_seam {
        struct seam seam;
        struct buf mended;     /* the last chunk */
    } *seam;                   /* with o.sent */
    struct assembly *assembly; /* with o.assembles; o.partial, or our own */
};

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

/* content_type and encoding: values of the answer's fields, may be empty. An encoded answer is opaque, but for
 * errors. `r`: zeroed but for the options. */
void reading_begin(struct reading *r, unsigned status, struct text content_type, struct text encoding);
void reading_free(struct reading *r);

/* The next payload bytes; `end` when the message is complete. */
struct reading_step reading_feed(struct reading *r, struct text in, bool end);

/* The rest of an answer that stands as complete although its message did not end. */
struct reading_step reading_finish(struct reading *r);

/* The upstream broke off: may what came stand as complete? True only for streams that have said their end, be it that
 * all choices have a finish_reason. What is wrong behind that is left out, and ends the stream. */
bool reading_is_complete(const struct reading *r);

/* Whether all that came, as far as can be seen, are comments or blank lines. */
bool reading_says_nothing(const struct reading *r);

/* After READING_REFUSE, or when the upstream broke off: whole events that were good and have not been shown. */
struct text reading_unshown(const struct reading *r);

/* The partial answer of a stream that broke is given to the caller, who frees it; NULL: there is none. */
struct assembly *reading_take_partial(struct reading *r);

#endif
