/* reader.h - nodes through the option table into structs. */
#ifndef DSGATE_CONFIG_READER_H
#define DSGATE_CONFIG_READER_H

#include "node.h"
#include "option.h"
#include "report.h"

struct reader {
    struct report *report;
    struct config *config;
    struct node *presets; /* conf/presets.yaml, parsed when the first preset is asked for */
};

/* Sets every field of a table that has a default. */
void read_defaults(struct reader *r, const struct option_table *t, void *base);

/* All keys of a mapping into a struct; keys that the mapping does not give leave the struct alone, so that mappings can
 * be laid over one another. Unknown keys are reported. */
void read_mapping(struct reader *r, const struct option_table *t, struct node *map, void *base);

/* One option from its value, replacing what was there. */
void read_option(struct reader *r, const struct option *o, struct node *value, void *base);

/* Numbers, words, texts and secrets (read_scalar.c); lists of texts, lists and keyed mappings (read_array.c). */
void read_scalar(struct reader *r, const struct option *o, struct node *value, void *base);
void read_texts(struct reader *r, const struct option *o, struct node *value, void *base);
void read_list(struct reader *r, const struct option *o, struct node *value, void *base);
void read_keyed(struct reader *r, const struct option *o, struct node *value, void *base);

/* Defaults, the table's prepare, the node itself (mapping or shorthand), required keys (also of its sections), the
 * table's finish. */
void read_element(struct reader *r, const struct option_table *t, struct node *n, void *element);

/* A mistake at a node; the node counts as broken afterwards. */
void reader_error(struct reader *r, struct node *at, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* "KEY: 'VALUE' what", where VALUE is not shown when it is or might be a secret. */
void reader_value_error(struct reader *r, const struct option *o, struct node *value, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* "KEY: 'VALUE' is unknown; did you mean …", or what is expected when nothing is near. */
void reader_unknown_word(struct reader *r, const struct option *o, struct node *value, const struct guess *g);

/* false with "KEY: found a list; expected …" unless the node is of the kind. */
bool reader_expect(struct reader *r, const char *key, struct node *n, enum node_kind kind, const char *expected);

#endif
