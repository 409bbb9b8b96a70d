/* scenario_table.h - the rows behind scenario_parse() and --list-scenarios; private to scenario*.c and the listing. */
#ifndef DSGATE_SIM_SCENARIO_TABLE_H
#define DSGATE_SIM_SCENARIO_TABLE_H

#include "scenario.h"

enum value_kind { VALUE_NONE, VALUE_NUMBER, VALUE_SHARE /* 0 to 1 */, VALUE_WORD };

struct scenario_row {
    const char *name;
    const char *value_name; /* "N", "MS"; NULL: takes no value */
    enum value_kind kind;
    uint32_t fallback, least, most; /* of the value */
    size_t field;                   /* offset of the uint32_t (or word) it is stored in; 0: none */
    enum fault fault;
    enum position at; /* the fault's default position */
    enum head_fault head;
    enum opening opening;
    const char *finish;
    bool condition; /* says when or how, not what */
    const char *summary;
};

const struct scenario_row *scenario_rows(size_t *count);

/* Prints every scenario with one sentence each, as text or as a JSON array. */
void scenario_list(struct buf *out);
void scenario_list_json(struct buf *out);

#endif
