/* outlet.h - the way of an answer's bytes to the client: back-pressure, dripping, and bytes that break the rules.
 *
 * The server frames answers correctly, which is what most answers need. An answer that must be cut into odd pieces or
 * broken goes the raw way: head and chunk framing are made here, as bytes like any others, and the connection ends with
 * the answer.
 */
#ifndef DSGATE_SIM_OUTLET_H
#define DSGATE_SIM_OUTLET_H

#include "dsgate/net/server.h"

enum ending { ENDING_NONE, ENDING_LAST /* whole */, ENDING_CUT, ENDING_RESET };

struct outlet {
    struct exchange *x;
    struct buf pending; /* made, not yet handed to the server */
    uint32_t drip;      /* bytes a tick of a raw answer; 0: as they come */
    uint32_t slow;      /* raw: so many bytes (of the head) go one a tick */
    enum ending ending; /* what comes after `pending` */
    bool raw, unframed; /* unframed: raw without chunks */
    bool begun, settled, lost;
};

/* `raw` is decided before the first byte. */
void outlet_init(struct outlet *o, struct exchange *x, bool raw);
void outlet_free(struct outlet *o);

/* The head; at the latest with the first piece. Fields are header lines without framing. In raw answers `garbage` (may
 * be empty) is put behind them as it is, and the head stays open when `endless`. */
struct outlet_head {
    struct text fields, garbage;
    bool has_length, endless;
    uint64_t length;
};

/* A piece of the body, with the head if that is still to come (head may be NULL afterwards). */
void outlet_send(struct outlet *o, const struct outlet_head *head, struct text piece, enum ending ending);
/* Nothing more is coming: the ending happens once all is sent. */
void outlet_finish(struct outlet *o, enum ending ending);
/* Bytes without framing, into a raw answer. */
void outlet_send_bytes(struct outlet *o, struct text bytes);
/* Only the first half of the head goes out. */
void outlet_halve_head(struct outlet *o, const struct outlet_head *head);

enum outlet_state {
    OUTLET_READY, /* give it more */
    OUTLET_PACED, /* more is pending: call outlet_flush() again after a tick */
    OUTLET_FULL,  /* the client is slow: wait for `drained` */
    OUTLET_LOST,  /* the client has left: wait for `gone` */
    OUTLET_OVER,  /* the ending has happened, the exchange is gone */
};
enum outlet_state outlet_flush(struct outlet *o);

#endif
