/* The first byte chooses the dialect, the second one the status. Whatever the body says, the answer is one of those
 * that there are, and only the client can have sent too much. */
#include "dsgate/llm/complaint.h"
#include <stdlib.h>
#include <string.h>

static bool is_listed(const char *reason)
{
    for (size_t i = 0; complaint_reasons[i]; i++)
        if (complaint_reasons[i] == reason) return true;
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned statuses[] = {200, 400, 401, 403, 404, 413, 422, 429, 500, 502, 503, 504, 529, 302, 0};
    if (size < 2) return 0;
    struct complaint c = complaint_read((enum conf_dialect)(data[0] % DIALECT_COUNT),
                                        statuses[data[1] % (sizeof statuses / sizeof *statuses)],
                                        text_make((const char *)data + 2, size - 2));
    if (!is_listed(c.reason) || (c.context_length && c.blame != BLAME_CLIENT)) abort();
    if (c.context_length != !strcmp(c.reason, "context_length")) abort();
    return 0;
}
