/* What the sets are for is said in json_blocks.h. */
#include "json_sets.h"

enum {
    OPERATOR = JSON_SET_OPERATOR,
    SPACE = JSON_SET_SPACE,
    ESCAPE = JSON_SET_SIMPLE_ESCAPE,
    RARE = JSON_SET_RARE_LEAD
};

/* clang-format off */
const unsigned char json_sets_of[256] = {
    ['{'] = OPERATOR, ['}'] = OPERATOR, ['['] = OPERATOR, [']'] = OPERATOR, [':'] = OPERATOR, [','] = OPERATOR,
    [' '] = SPACE, ['\t'] = SPACE, ['\n'] = SPACE, ['\r'] = SPACE,
    ['"'] = ESCAPE, ['\\'] = ESCAPE, ['/'] = ESCAPE, ['b'] = ESCAPE, ['f'] = ESCAPE, ['n'] = ESCAPE, ['r'] = ESCAPE,
    ['t'] = ESCAPE,
    [0xC0] = RARE, [0xC1] = RARE, [0xE0] = RARE, [0xED] = RARE, [0xF0] = RARE, [0xF1] = RARE, [0xF2] = RARE,
    [0xF3] = RARE, [0xF4] = RARE, [0xF5] = RARE, [0xF6] = RARE, [0xF7] = RARE, [0xF8] = RARE, [0xF9] = RARE,
    [0xFA] = RARE, [0xFB] = RARE, [0xFC] = RARE, [0xFD] = RARE, [0xFE] = RARE, [0xFF] = RARE,
};
/* clang-format on */
