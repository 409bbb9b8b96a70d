/* player.h - plays one answer on one exchange: keep-alives, beats at their pace, and the scenario's fault at its
 * position. All by timers of the loop; a player that waits costs nothing but its memory.
 */
#ifndef DSGATE_SIM_PLAYER_H
#define DSGATE_SIM_PLAYER_H

#include "sim.h"

struct call;

struct pace {
    uint32_t first_token_ms, token_ms, keep_alive_ms, tokens;
};

/* Answers the exchange: its context is the player from now on, and the request's memory is given back. The lane is left
 * when the answer is over. `hit`: prompt tokens in the prefix cache. */
void player_start(struct exchange *x, const struct call *call, const struct scenario *s, const struct pace *pace,
                  unsigned hit, unsigned lane);

/* The server's callbacks for exchanges whose context is a player. */
void player_drained(struct exchange *x);
void player_gone(struct exchange *x);

#endif
