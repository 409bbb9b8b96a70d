/* json_walk.h - the grammar of JSON over the tokens that a block pass finds (see json_blocks.h).
 *
 * A token is the first byte of something outside strings: one of {}[]:, or the opening quote of a string, or the first
 * byte of anything else that is not white space.
 */
#ifndef DSGATE_LLM_JSON_WALK_H
#define DSGATE_LLM_JSON_WALK_H

#include "dsgate/llm/json.h"

/* What may come next. */
enum json_state {
    JSON_REFUSED,
    JSON_TOP,       /* the whole value */
    JSON_FIRST_KEY, /* or the object's end */
    JSON_KEY,
    JSON_COLON,
    JSON_MEMBER,        /* its value */
    JSON_MEMBER_END,    /* a comma, or the object's end */
    JSON_FIRST_ELEMENT, /* or the array's end */
    JSON_ELEMENT,
    JSON_ELEMENT_END, /* a comma, or the array's end */
    JSON_DONE         /* nothing */
};

struct json_walk {
    struct text text;
    const struct text *names;
    struct json_member *members;
    size_t n;
    unsigned max_depth;

    enum json_state state;
    unsigned depth;             /* open containers */
    const char *key;            /* the opening quote of the last key at the top level */
    struct json_member *member; /* the wanted member whose value is being passed, or NULL */
    struct json_result result;
    uint64_t objects[JSON_DEPTH_MAX / 64]; /* a bit for each open container: set for an object */
};

void json_walk_init(struct json_walk *w, struct text json, const struct text *names, size_t n,
                    struct json_member *members, unsigned max_depth);

/* Makes all members absent. */
void json_walk_forget(struct json_walk *w);

/* Takes the tokens of the text from `offset` on: masks[i] has a bit for each byte of the 64 from offset + 64 * i on,
 * and bit i of `filled` says whether there is such a mask. false on an error, which is then in w->result. */
bool json_walk_tokens(struct json_walk *w, size_t offset, const uint64_t *masks, uint64_t filled);

/* Notes an error and returns false. */
bool json_walk_refuse(struct json_walk *w, enum json_error error, size_t position);

/* All tokens have been taken: is the text complete? */
void json_walk_end(struct json_walk *w, bool in_string);

#endif
