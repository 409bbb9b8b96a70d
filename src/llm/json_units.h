/* json_units.h - sizes shared by the block pass (json_blocks.h) and its per-processor parts. */
#ifndef DSGATE_LLM_JSON_UNITS_H
#define DSGATE_LLM_JSON_UNITS_H

enum {
    BLOCK = 64, /* bytes: one bit each in a mask */
    GROUP = 4,  /* blocks whose UTF-8 is checked together */
    BATCH = 32  /* blocks scanned before their tokens are looked at: whole groups */
};

/* Kinds of bytes that most texts have none of, as byte_kinds() reports them. */
enum { HAS_HIGH = 1 /* from 0x80 on */, HAS_CONTROL = 2 /* below 0x20 */ };

#endif
