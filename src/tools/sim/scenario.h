/* scenario.h - what shall go wrong, as a sentence: "keepalive-then-answer=3+eof@mid-content".
 *
 *   SPEC     = ONE *( "|" ONE )                   the first whose conditions hold
 *   ONE      = PART *( "+" PART )
 *   PART     = NAME [ "=" VALUE ] [ "@" POSITION ]
 *   POSITION = before-headers | during-headers | after-headers | first-event | mid-reasoning | mid-content |
 * mid-tool-call | last-chunk | before-done | event-N | random
 *
 * A number of three digits as NAME is an error of that status. Parts that contradict each other: the last one wins.
 */
#ifndef DSGATE_SIM_SCENARIO_H
#define DSGATE_SIM_SCENARIO_H

#include "dsgate/base/buf.h"

struct error_row;

/* What happens at the position. */
enum fault {
    FAULT_NONE,
    FAULT_EOF,            /* the connection is closed */
    FAULT_RESET,          /* … with a TCP reset */
    FAULT_END,            /* the answer ends as if it were whole */
    FAULT_STALL,          /* silence, the socket stays open */
    FAULT_STALL_COMMENTS, /* the same with comments still flowing */
    FAULT_HALF_EVENT,     /* half of the next event, then the connection is closed */
    FAULT_BAD_JSON,       /* an event whose JSON is cut, then on */
    FAULT_ERROR,          /* an error event, then the end without [DONE] */
    FAULT_ERROR_DONE,     /* an error event, then [DONE] */
    FAULT_BAD_CHUNK,      /* a chunk size that is no number, then the connection is closed */
    FAULT_BAD_UTF8,       /* bytes that are no UTF-8 inside a text, then on */
    FAULT_HUGE_EVENT,     /* a text of so many megabytes in one event, then on */
    FAULT_BLANK,          /* white space without end */
};

/* How the head of the answer is spoilt. */
enum head_fault { HEAD_FINE, HEAD_GARBAGE, HEAD_ENDLESS, HEAD_BAD_LENGTH, HEAD_SLOW, HEAD_INTERIM };

/* The position names how much of the answer is sent before the fault. */
enum position {
    AT_BEFORE_HEADERS,
    AT_DURING_HEADERS,
    AT_AFTER_HEADERS,
    AT_FIRST_EVENT,
    AT_MID_REASONING,
    AT_MID_CONTENT,
    AT_MID_TOOL_CALL,
    AT_LAST_CHUNK,  /* all but the chunk with finish_reason */
    AT_BEFORE_DONE, /* all but the last event */
    AT_EVENT,       /* scenario.event events */
    AT_RANDOM,      /* at least one event, at most all but the last, by scenario.draw */
    POSITIONS
};

/* What is sent while the request "waits for inference". */
enum opening { OPENING_COMMENTS, OPENING_BLANK };

struct scenario { /* zeroed: nothing goes wrong */
    enum fault fault;
    enum position at;
    uint32_t event;
    enum head_fault head;
    const struct error_row *error; /* answer with this; `status` != 0: with that */
    enum opening opening;
    uint32_t keep_alives;
    uint32_t fault_value;                           /* stall: resume after so many ms; 0 = never */
    uint32_t status, retry_after, retry_after_date; /* seconds; 0 = none */
    uint32_t tool_calls, huge_mb, drip, slow_head_ms, event_mb;
    uint32_t length_error, length_short; /* bytes that Content-Length is above, or below, the truth */
    uint32_t interims;                   /* 100 responses before the head; 0 = without end */
    uint32_t fail_first, ratio; /* conditions; ratio in millionths + 1, 0 = always */
    /* flags */
    uint32_t usage_separate, usage_none, usage_negative, reasoning_field, empty_content, early, two_done, changing_ids,
        wrong_type;
    char finish[32]; /* finish_reason instead of the natural one */
    bool cut_short;  /* that reason came in mid-answer */
    bool spoils;     /* something goes wrong, not only conditions are given */
    uint64_t id;     /* of the spec's words */
    uint64_t draw;   /* what is random, set for each request */
};

/* A whole spec: what it holds for a request is the first part whose conditions hold. Shares add up: "ratio=0.1+A|ratio=
 * 0.2+B" is A for one request in ten and B for two others. */
enum { SCENARIO_MIX_MOST = 8 };
struct scenario_mix {
    struct scenario parts[SCENARIO_MIX_MOST];
    unsigned count;
};

/* false with a sentence that names near scenarios in *error. An empty spec or "none" is the normal answer. */
bool scenario_parse(struct text spec, struct scenario_mix *out, struct buf *error);
/* One of its parts, without '|'. */
bool scenario_parse_one(struct text spec, struct scenario *out, struct buf *error);

/* Whether the scenario is an answer that is an error from the start. */
static inline bool scenario_refuses(const struct scenario *s) { return s->error || s->status; }

/* The name of a position (its enum's). */
const char *position_name(enum position p);

#endif
