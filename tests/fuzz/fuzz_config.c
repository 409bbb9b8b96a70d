/* Any bytes as a config file. Secrets named in it may be read from files that happen to exist; nothing is written. */
#include "dsgate/config/config.h"
#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    clearenv();
    setenv("A", "value", 1);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config_errors errors = {0};
    struct config *c = config_parse("fuzz", text_make((const char *)data, size), &errors);
    if ((c != NULL) != (errors.count == 0)) abort();
    config_unref(c);
    config_errors_free(&errors);
    return 0;
}
