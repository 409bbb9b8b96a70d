#include "secret.h"
#include "dsgate/base/file.h"
#include "dsgate/base/mem.h"
#include "value.h"
#include <stdlib.h>

enum { SECRET_MAX = 65536 };

char *secret_from_file(const char *path, const char **why)
{
    size_t n;
    char *bytes = file_read(path, SECRET_MAX, true, &n, why), *secret = NULL;
    if (!bytes) return NULL;
    struct text t = text_make(bytes, n);
    if (text_ends(t, TEXT("\n"))) t.n--;
    if (text_ends(t, TEXT("\r"))) t.n--;
    if (text_find_byte(t, '\0') < t.n)
        *why = "it holds a NUL byte";
    else
        secret = text_dup(t);
    file_wipe(bytes, n);
    return secret;
}

char *secret_from_credential(const char *name, const char **why)
{
    const char *directory = getenv("CREDENTIALS_DIRECTORY");
    *why = "not a credential's name";
    if (value_name(text_of(name)) || name[0] == '.') return NULL;
    *why = "CREDENTIALS_DIRECTORY is not set; expected a systemd unit with LoadCredential=";
    if (!directory || !*directory) return NULL;
    char *path = mem_printf("%s/%s", directory, name);
    char *secret = secret_from_file(path, why);
    mem_free(path);
    return secret;
}
