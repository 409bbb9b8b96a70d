/* tool_call.h - a call of one of the request's tools, with arguments made up from the tool's own JSON schema.
 */
#ifndef DSGATE_SIM_TOOL_CALL_H
#define DSGATE_SIM_TOOL_CALL_H

#include "call.h"

struct tool_call {
    char *name; /* a JSON string with its quotes, as the request has it */
    char id[33];
    struct buf arguments; /* a JSON object */
};

/* Calls function number `index`, counted from the one that the request names. */
void tool_call_make(struct tool_call *t, const struct call *call, unsigned index, uint64_t seed);
void tool_call_free(struct tool_call *t);

enum { TOOL_CALL_TOKENS = 4 /* that a call costs besides its arguments */ };

/* The arguments in pieces as they are streamed, cut between characters. */
unsigned tool_call_pieces(const struct tool_call *t);
struct text tool_call_piece(const struct tool_call *t, unsigned i);
size_t tool_call_offset(const struct tool_call *t, unsigned i); /* of piece i; behind the last one, the length */

#endif
