/* json_key.h - finding out which name a member's key stands for, which may be written with escapes. */
#ifndef DSGATE_LLM_JSON_KEY_H
#define DSGATE_LLM_JSON_KEY_H

#include "dsgate/base/text.h"

/* The index of the name, one of n in plain ASCII, that `raw`, a key without its quotes, stands for; n for none. */
size_t json_key_find(struct text raw, const struct text *names, size_t n);

#endif
