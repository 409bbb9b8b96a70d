/* config_check.h - what a start would find out about a configuration beyond its file, without starting: certificates
 * and keys, addresses, the places of Unix sockets, of the access log and of the state file. For `dsgate check`.
 */
#ifndef DSGATE_GATE_CONFIG_CHECK_H
#define DSGATE_GATE_CONFIG_CHECK_H

#include "dsgate/config/config.h"

/* Whether a start would go well, as far as this user and this moment can tell. Nothing is bound, created or asked of a
 * network. Appends all of what would keep it from starting to *errors, and what an operator should know to *warnings:
 * sentences, one a line, "where: what; what to do". Main thread. */
bool config_check(const struct config *config, struct buf *errors, struct buf *warnings);

#endif
