/* ledger.h - what must survive a restart: what each upstream has used of its quota today.
 *
 * One SQLite file with one small table. What has changed is written every few seconds and at the end, in one
 * transaction, with a write-ahead log that is not waited for: a gateway that is killed loses what was used since the
 * last ledger_save(), a machine that loses power perhaps half a minute more, and neither breaks the file.
 *
 * A file that can't be used keeps the gateway from starting, since quotas that begin anew with each start are none.
 * What fails later does not stop it: that is logged once, tried again with each save, and logged when it works again.
 *
 * The file is locked for as long as it is open, so that a second gateway with the same one does not start: two would
 * overwrite each other's sums and exceed each quota together. Each needs a file of its own, and a share of the quota. A
 * gateway that takes over from another one on the same machine starts when that one has ended. The file belongs on a
 * local disk, where locks can be trusted; state.db-wal beside it is a part of it.
 *
 * All on the main loop's thread. A save takes a tenth of a millisecond; one in about fifty writes the log back and
 * waits for the disk once. Only ledger_open() waits for others, a quarter of a second for a lock.
 */
#ifndef DSGATE_GATE_LEDGER_H
#define DSGATE_GATE_LEDGER_H

#include "dsgate/sched/sched.h"

struct ledger;

/* Whether a file that is there could be opened, or there is none; locks aside. False with a sentence in *error. Nothing
 * is created. Not while this process has it open: its lock would go. */
bool ledger_check(const char *path, struct buf *error);

/* Makes the file where there is none (mode 0600, in a folder that exists) and reads it. NULL with a sentence in *error:
 * it can't be opened or written, is in use, is no database or one of another program, is damaged, or comes from a newer
 * dsgate. Path NULL: a ledger that keeps nothing. */
struct ledger *ledger_open(const char *path, struct buf *error);

/* Gives the scheduler what the pool's upstreams had used today. To be called for each new pool: an upstream that was
 * given it before, and has not left since, is passed over. What is known of others stays in the file for a month. */
void ledger_restore(struct ledger *l, struct sched *sched, const struct pool *pool);

/* Writes what upstreams with a quota have used, where it differs from what was written last; restores first, as above.
 * Cheap when nothing has changed. A write that fails is tried again by the next save. */
void ledger_save(struct ledger *l, struct sched *sched, const struct pool *pool);

void ledger_close(struct ledger *l); /* does not save; NULL is fine */

#endif
