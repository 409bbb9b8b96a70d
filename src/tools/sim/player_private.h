/* player_private.h - shared by player.c (a player's life and pace), stages.c (an answer as it should be) and strike.c
 * (as it should not). */
#ifndef DSGATE_SIM_PLAYER_PRIVATE_H
#define DSGATE_SIM_PLAYER_PRIVATE_H

#include "dialect.h"
#include "outlet.h"
#include "player.h"

struct player;

/* Does the next part of the answer; returns how long to wait for the one after it, USEC_NEVER: for ever. */
typedef usec_t stage(struct player *p);

#define FAULT_NEVER UINT32_MAX

struct player {
    struct worker *worker;
    struct outlet outlet;
    struct plan plan;
    struct scenario scenario;
    struct timer timer;
    stage *stage;
    usec_t due, resume; /* resume: when a stall ends */
    usec_t interval, keep_alive, first_token;
    uint64_t sent;        /* of an answer that is no stream: bytes of its body so far */
    uint64_t length;      /* announced by a Content-Length that lies */
    uint32_t beat;        /* the next one of a stream */
    uint32_t fault_at;    /* beats before the fault; FAULT_NEVER: none to come */
    uint32_t keep_alives; /* still to send */
    uint32_t filler;      /* bytes (or interim responses) of an endless fault so far */
    uint32_t interims;    /* 100 responses still to send */
    uint32_t tokens;      /* generated so far */
    struct buf rest;      /* of an event that is interrupted by a fault */
    uint32_t lane;
    bool full;   /* waits for `drained` */
    bool struck; /* by a fault */
};

/* ---- stages.c ---- */

usec_t stage_start(struct player *p); /* before the head */
usec_t stage_first(struct player *p); /* the same when interim responses are through */
usec_t stage_body(struct player *p);  /* the beats of a stream, or a whole answer */

/* Sends bytes of the body, the head before them if need be. */
void stage_send(struct player *p, struct text piece, enum ending ending);
/* One keep-alive: a comment, or an empty line. */
void stage_send_keep_alive(struct player *p);
/* The head; its texts are valid until the worker's next callback. */
struct outlet_head stage_head(struct player *p);
/* What comes next, made into the worker's scratch: a stream's next beat, or the rest of a whole answer. */
struct text stage_make_next(struct player *p);

/* ---- strike.c, strike_flood.c ---- */

void strike_count(struct player *p);
/* Interim responses, then stage_first(). */
usec_t strike_interims(struct player *p);
/* Too much of something. */
usec_t strike_headers(struct player *p);
usec_t strike_blank(struct player *p);
usec_t strike_huge_event(struct player *p);
/* Bytes that are no UTF-8 inside the next text. */
usec_t strike_bad_utf8(struct player *p);
/* Where the text of an event, or of a whole answer, begins: behind the quote of the member that holds it; 0: none. */
size_t strike_text_place(struct text event);

/* Whether the scenario needs bytes that the server would not write. */
bool strike_needs_raw(const struct scenario *s);
/* Whether the scenario leaves its mark before the body; strike_head() does it then. */
bool strike_wants_head(const struct scenario *s);
usec_t strike_head(struct player *p);
/* The fault, now that its position is reached. */
usec_t strike(struct player *p);
/* An error under HTTP 200 instead of an answer that is no stream. */
usec_t strike_whole_error(struct player *p);

#endif
