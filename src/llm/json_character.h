/* json_character.h - what escapes in strings stand for. */
#ifndef DSGATE_LLM_JSON_CHARACTER_H
#define DSGATE_LLM_JSON_CHARACTER_H

#include "dsgate/base/text.h"

#define JSON_CHARACTER_BAD UINT32_MAX

/* Cuts one escape, backslash first, or two that are a pair of surrogates, off *rest: its code point, that is, of a lone
 * surrogate the surrogate; or JSON_CHARACTER_BAD. */
uint32_t json_character_cut(struct text *rest);

static inline bool json_is_surrogate(uint32_t code) { return code >= 0xD800 && code < 0xE000; }

/* UTF-8 of anything but a surrogate; returns its length. */
size_t json_character_encode(uint32_t code, char out[static 4]);

#endif
