/* answer_private.h - what the readers of the families' answers share. The JSON they get has passed json_scan(). */
#ifndef DSGATE_SRC_LLM_ANSWER_PRIVATE_H
#define DSGATE_SRC_LLM_ANSWER_PRIVATE_H

#include "dsgate/llm/answer.h"
#include "dsgate/llm/json.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* One reader a family, for events and whole answers alike: they differ in where the same members lie. */
void answer_read_chat(struct answer_facts *facts, struct text object);
void answer_read_embedding(struct answer_facts *facts, struct text object);
void answer_read_messages(struct answer_facts *facts, struct text object);
void answer_read_responses(struct answer_facts *facts, struct text object);

/* A usage object of any dialect; later values replace earlier ones. */
void answer_read_usage(struct usage *usage, enum json_type type, struct text value);

/* A finish_reason, stop_reason or status; anything but a non-empty string says nothing. */
void answer_read_finish(enum finish *finish, enum json_type type, struct text value);

/* Is this object an error and no answer? */
bool answer_is_error(struct text object);

/* A non-empty string, array or object, a number, true. */
bool answer_has_substance(enum json_type type, struct text value);

/* Has one of the keys (n of them) substance in the object? In one of the array's objects? */
bool answer_object_has(struct text object, const struct text *keys, size_t n);
bool answer_array_has(struct text array, const struct text *keys, size_t n);

/* The words between a JSON string's quotes, escapes unresolved; empty for other types. */
static inline struct text answer_word(enum json_type type, struct text value)
{
    return type == JSON_STRING && value.n >= 2 ? text_make(value.p + 1, value.n - 2) : TEXT_NONE;
}

#endif
