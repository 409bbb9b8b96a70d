/* The first byte chooses the family. The fast path for events after the first token must see all that the thorough one
 * sees. */
#include "dsgate/llm/answer.h"
#include <stdlib.h>

static void check_usage(const struct usage *u)
{
    if (u->prompt < 0 || u->completion < 0 || u->cached < 0 || u->cached > u->prompt) abort();
    if (u->reasoning < 0 || u->reasoning > u->completion) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) return 0;
    enum endpoint_family family = (enum endpoint_family)(data[0] % (FAMILY_OPAQUE + 1));
    struct text json = text_make((const char *)data + 1, size - 1);
    struct answer_facts body = {0}, thorough = {0}, fast = {0};
    answer_read_body(&body, family, json);
    answer_read_event(&thorough, family, TEXT_NONE, json, false);
    answer_read_event(&fast, family, TEXT_NONE, json, true);
    check_usage(&body.usage);
    if (fast.finish != thorough.finish || fast.error != thorough.error || fast.done != thorough.done) abort();
    if (fast.usage.known != thorough.usage.known || fast.usage.prompt != thorough.usage.prompt) abort();
    return 0;
}
