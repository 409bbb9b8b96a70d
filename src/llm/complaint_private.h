/* complaint_private.h - what an error body says, out of the shapes in which vendors say no. */
#ifndef DSGATE_SRC_LLM_COMPLAINT_PRIVATE_H
#define DSGATE_SRC_LLM_COMPLAINT_PRIVATE_H

#include "dsgate/base/text.h"

enum { COMPLAINT_BYTES = 16384, COMPLAINT_CODES = 8 };

struct complaint_words {
    struct text codes[COMPLAINT_CODES]; /* codes and types, numbers too: as they stand in the body */
    size_t count;
    unsigned status; /* the first code that is one of HTTP's from 400 on; 0 = none */
    size_t n;
    char messages[COMPLAINT_BYTES]; /* all messages in lower case, a line each */
};

/* A body that is no JSON, or longer than COMPLAINT_BYTES, says nothing. */
void complaint_words_read(struct complaint_words *w, struct text body);

#endif
