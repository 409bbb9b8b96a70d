/* json_sets.h - the sets of bytes that a block pass asks for, as a table to look them up in. */
#ifndef DSGATE_LLM_JSON_SETS_H
#define DSGATE_LLM_JSON_SETS_H

/* JSON_SET_RARE_LEAD holds only bytes from 0x80 on, the other sets only bytes below; its bit is bit 7. */
enum { JSON_SET_OPERATOR = 1, JSON_SET_SPACE = 2, JSON_SET_SIMPLE_ESCAPE = 4, JSON_SET_RARE_LEAD = 128 };

/* For each byte the sets that it is in. */
extern const unsigned char json_sets_of[256];

#endif
