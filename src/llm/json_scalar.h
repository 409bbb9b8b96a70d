/* json_scalar.h - the values that are neither strings nor containers. */
#ifndef DSGATE_LLM_JSON_SCALAR_H
#define DSGATE_LLM_JSON_SCALAR_H

#include "dsgate/llm/json.h"

/* What a value is by its first byte; JSON_ABSENT when no value begins so. */
enum json_type json_type_of(char first);

/* Passes the number or literal name that begins at *at. On an error *at is the offending byte. The byte after a scalar
 * is left for others to judge only when it is white space, an operator or a quote. */
enum json_error json_scalar_pass(struct text json, size_t *at);

#endif
