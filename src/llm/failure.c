#include "dsgate/llm/failure.h"

static const struct failure_row rows[FAILURE_COUNT] = {
#define X(id, status, type, code, retry_after, advice, text) [id] = {status, type, code, retry_after, advice, text},
    FAILURES(X)
#undef X
};

const struct failure_row *failure_row(enum failure f) { return &rows[f]; }
