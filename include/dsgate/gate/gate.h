/* gate.h - the daemon: listeners, workers, reload and drain; everything main() needs.
 *
 * Lives on the main thread's loop.
 */
#ifndef DSGATE_GATE_GATE_H
#define DSGATE_GATE_GATE_H

#include "dsgate/config/config.h"
#include "dsgate/net/loop.h"

struct gate;

struct gate_options {
    struct loop *loop;
    /* Makes a new snapshot for a reload (refs = 1), or NULL with errors. */
    struct config *(*load)(void *arg, struct config_errors *errors);
    void *load_arg;
    /* Called once when the drain is over (or was cut short): leave the loop. */
    void (*stopped)(void *arg);
    void *stopped_arg;
};

/* Opens listeners and starts workers; NULL with sentences in *error, and nothing left running. References `config`. */
struct gate *gate_open(const struct config *config, const struct gate_options *o, struct buf *error);

/* SIGHUP: all or nothing; what is wrong is logged and the old config stays. false = it stayed. */
bool gate_reload(struct gate *g);

/* SIGTERM: no new connections; `stopped` comes when the last stream has ended, or after timeouts.drain. A second call
 * ends it now. */
void gate_drain(struct gate *g);

void gate_close(struct gate *g); /* after `stopped` */

#endif
