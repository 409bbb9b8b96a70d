/* errors.h - every error answer that DeepSeek, or another provider, is known to give, as one table of data.
 *
 * The texts are the providers' own: a client or gateway that recognises an error by its words must meet the true words
 * here.
 */
#ifndef DSGATE_SIM_ERRORS_H
#define DSGATE_SIM_ERRORS_H

#include "dsgate/base/buf.h"
#include "provider.h"

struct error_row {
    const char *name; /* also the scenario's name */
    unsigned status;
    const char *content_type;
    const char *message, *type, *code; /* DeepSeek's shape is made of these; */
    const char *body;                  /* unless the whole body is given */
    const char *summary;               /* for --list-scenarios */
};

/* NULL when no row has this name. */
const struct error_row *error_find(struct text name);
const struct error_row *error_rows(size_t *count);

/* An error as it came about: a row, or one of the service's own with words about this very request. */
struct refusal {
    unsigned status; /* 0: nothing refused */
    const char *content_type, *type, *code;
    struct buf message; /* the error's message, or the whole body when `whole` */
    bool whole;
    enum error_shape shape; /* unless whole */
};

/* Always returns false, so that checks can end in `return refuse(…)`. The first form is a 4xx of DeepSeek's usual type
 * and code. */
bool refuse(struct refusal *r, unsigned status, const char *format, ...) __attribute__((format(printf, 3, 4)));
bool refuse_row(struct refusal *r, const struct error_row *row);
/* Any status as a scenario: "418". */
bool refuse_status(struct refusal *r, unsigned status);
void refusal_free(struct refusal *r);

/* The body of the answer. */
void refusal_body(const struct refusal *r, struct buf *out);
/* The error object alone: {"message":…,"type":…,"param":null,"code":…}, for errors inside a stream. */
void error_object(struct buf *out, struct text message, const char *type, const char *code);

#endif
