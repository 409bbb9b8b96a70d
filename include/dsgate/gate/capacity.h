/* capacity.h - how many client connections there may be, and what those hear that are too many.
 *
 * Each connection may need two descriptors, its own and its upstream's, so the config's limit is met only where the
 * process's descriptor limit (RLIMIT_NOFILE, see setrlimit(2)) allows it. That limit counts for a table of descriptors.
 * The main thread's.
 */
#ifndef DSGATE_GATE_CAPACITY_H
#define DSGATE_GATE_CAPACITY_H

#include <stdbool.h>

struct capacity;

/* Raises the descriptor limit as far as it goes. */
struct capacity *capacity_new(void);
void capacity_free(struct capacity *c);

/* What is open now, before anything is served, is open in every table. Call it when the workers are made. */
void capacity_note_open(struct capacity *c);

/* Client connections for which one table has room. */
unsigned capacity_of_table(const struct capacity *c);

/* For connections from now on: as many as are wanted, if `tables` tables hold them. Says in the log what came out. */
void capacity_set(struct capacity *c, unsigned wanted, unsigned tables);

/* Whether there is room for one more. */
bool capacity_admits(const struct capacity *c, unsigned connections);

/* Answers 503 (a TLS client just sees the end) and closes the descriptor. */
void capacity_refuse(struct capacity *c, int fd, bool tls);

#endif
