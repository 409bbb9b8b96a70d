#include "dsgate/net/http.h"

static const struct {
    const char *name, *text;
    unsigned status;
} errors[] = {
#define X(id, name, status, text) [id] = {name, text, status},
    HTTP_ERRORS(X)
#undef X
};

unsigned http_error_status(enum http_error e) { return errors[e].status; }
const char *http_error_text(enum http_error e) { return errors[e].text; }
const char *http_error_name(enum http_error e) { return errors[e].name; }
