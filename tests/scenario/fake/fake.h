/* fake.h - a network and a clock made of memory.
 *
 * The objects in this folder have the symbols of net/loop, net/conn and net/dial; everything above them is the real
 * program. Time stands still until fake_run() plays it: bytes and deadlines happen in a fixed order, so that a scenario
 * gives the same result every time and takes no time at all. The test sees each connection from outside as a wire.
 */
#ifndef DSGATE_TESTS_SCENARIO_FAKE_H
#define DSGATE_TESTS_SCENARIO_FAKE_H

#include "dsgate/net/conn.h"

/* ---- the world ---- */

void fake_begin(void);        /* a fresh world: no connections, time 1000 s; one that a failed test left is forgotten */
void fake_end(void);          /* frees wires; fails the test when the program left a connection open */
struct loop *fake_loop(void);
usec_t fake_now(void);
void fake_run(usec_t duration); /* plays everything that happens within */
void fake_settle(void);         /* plays what happens now, without time passing */

/* ---- one connection, seen from outside ---- */

struct wire;

/* A new connection's descriptor for conn_open(), as a client of the program would cause it. */
struct wire *wire_new(void);
int wire_fd(const struct wire *w);

void wire_send(struct wire *w, struct text bytes);
void wire_send_pieces(struct wire *w, struct text bytes, size_t piece); /* each piece is read on its own */
void wire_close(struct wire *w);                                        /* clean end of our sending side */
void wire_reset(struct wire *w);
void wire_window(struct wire *w, size_t bytes); /* takes so much more, then writes stall; default: all */
struct text wire_received(const struct wire *w);
void wire_clear(struct wire *w);                /* forgets what was received */
void wire_give_back(struct wire *w, struct text bytes); /* as if these had been received just now */
bool wire_program_closed(const struct wire *w); /* the program closed it, in whichever way */
bool wire_program_reset(const struct wire *w);
bool wire_program_finished(const struct wire *w); /* the program ended its sending side cleanly */
bool wire_reading_paused(const struct wire *w);
size_t wire_unsent(const struct wire *w); /* bytes that the program holds until they are taken */

/* ---- upstreams ---- */

enum { FAKE_WIRES = 64 };
struct fake_upstream {
    const char *host;
    unsigned port;
    enum net_error refuses;      /* dials fail with it; NET_OK: they connect */
    bool hangs;                  /* dials never end */
    size_t window;               /* wire_window() of new connections; 0: all */
    unsigned dials;
    struct wire *wires[FAKE_WIRES]; /* connections that the program made, in order; later ones begin anew */
    unsigned wire_count;
    struct list node;
};
void fake_upstream_add(struct fake_upstream *u); /* the struct is the test's, until fake_end() */
struct wire *fake_newest_wire(const struct fake_upstream *u); /* there is one */

/* ---- between the files of this folder ---- */

bool fake_conns_step(void);      /* serves one ready connection; false: none is ready */
void fake_conns_begin(void);
unsigned fake_conns_end(void);   /* how many the program left open */
void fake_upstreams_begin(void);

#endif
