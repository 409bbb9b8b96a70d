/* yaml.h - YAML bytes to nodes; the only door to libyaml. */
#ifndef DSGATE_CONFIG_YAML_H
#define DSGATE_CONFIG_YAML_H

#include "node.h"
#include "report.h"

/* NULL when a mistake was reported. An empty file is an empty mapping. Duplicate keys are reported, the tree is still
 * returned. */
struct node *nodes_from_yaml(struct report *report, struct text yaml);

#endif
