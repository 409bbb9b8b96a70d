/* presets.h - conf/presets.yaml, which the build puts into the program: what is known about providers, as data. */
#ifndef DSGATE_CONFIG_PRESETS_H
#define DSGATE_CONFIG_PRESETS_H

#include "reader.h"

extern const char presets_yaml[];
extern const unsigned long presets_yaml_length;

/* The mapping of the preset that `value` names; NULL when it is unknown, which is then reported. */
struct node *preset_find(struct reader *r, struct node *value);

#endif
