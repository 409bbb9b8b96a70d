/* json_key.h - comparing a member's key, which may be written with escapes, with a name. */
#ifndef DSGATE_LLM_JSON_KEY_H
#define DSGATE_LLM_JSON_KEY_H

#include "dsgate/base/text.h"

/* `raw` is a key without its quotes, `name` plain ASCII. */
bool json_key_is(struct text raw, struct text name);

#endif
