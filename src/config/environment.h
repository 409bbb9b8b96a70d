/* environment.h - ${NAME} and ${NAME:-default} in values, and the configuration that comes from nothing but the
 * environment. */
#ifndef DSGATE_CONFIG_ENVIRONMENT_H
#define DSGATE_CONFIG_ENVIRONMENT_H

#include "node.h"
#include "report.h"

/* Replaces ${NAME} (must be set), ${NAME:-default} (when NAME is unset or empty) and $$ (a dollar) in every value of
 * the tree, not in its keys. Any other dollar stands for itself. Works on the parsed tree, so that what a variable
 * holds is never read as YAML. */
void environment_expand(struct report *report, struct node *n);

/* The file for state where systemd gives a folder for it (StateDirectory=), or in the first of several; else NULL. The
 * caller's. */
char *environment_state_file(void);

/* The YAML of a configuration without a file. */
extern const struct text environment_yaml;

#endif
