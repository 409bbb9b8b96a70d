/* ledger_file.h - the ledger's file and table. See gate/ledger.h for what becomes of it in all kinds of trouble. */
#ifndef DSGATE_GATE_LEDGER_FILE_H
#define DSGATE_GATE_LEDGER_FILE_H

#include "dsgate/sched/quota.h"

struct ledger_file;

struct ledger_row {
    const char *upstream;
    struct quota_day used;
};

/* NULL with a sentence in *error. */
struct ledger_file *ledger_file_open(const char *path, struct buf *error);
void ledger_file_close(struct ledger_file *f); /* NULL is fine */

/* Tells each row; its name is valid during the call. False with a sentence in *error. */
bool ledger_file_read(struct ledger_file *f, void (*tell_one)(void *arg, const struct ledger_row *row), void *arg,
                      struct buf *error);

/* All rows or none of them; each replaces the one of its upstream. NULL, or what went wrong. */
const char *ledger_file_write(struct ledger_file *f, const struct ledger_row *rows, size_t n);

#endif
