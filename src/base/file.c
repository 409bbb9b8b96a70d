#include "dsgate/base/file.h"
#include "dsgate/base/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char *fail(int fd, char *bytes, size_t length, const char *what, const char **why)
{
    if (fd >= 0) close(fd);
    if (bytes) file_wipe(bytes, length);
    *why = what;
    return NULL;
}

/* Up to `limit` bytes; short only at the end of the file. */
static bool read_up_to(int fd, char *bytes, size_t limit, size_t *length)
{
    *length = 0;
    while (*length < limit) {
        ssize_t n = read(fd, bytes + *length, limit - *length);
        if (n == 0) return true;
        if (n < 0 && errno != EINTR) return false;
        if (n > 0) *length += (size_t)n;
    }
    return true;
}

char *file_read(const char *path, size_t limit, bool regular, size_t *length, const char **why)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | (regular ? O_NONBLOCK : 0));
    if (fd < 0 || fstat(fd, &st) < 0) return fail(fd, NULL, 0, strerror(errno), why);
    if (regular && !S_ISREG(st.st_mode)) return fail(fd, NULL, 0, "not a regular file", why);
    char *bytes = mem_alloc(limit + 1); /* one more, to see that there is more */
    if (!read_up_to(fd, bytes, limit + 1, length)) return fail(fd, bytes, *length, strerror(errno), why);
    if (*length > limit) return fail(fd, bytes, *length, "too large", why);
    close(fd);
    bytes[*length] = '\0';
    return bytes;
}

void file_wipe(char *bytes, size_t length)
{
    explicit_bzero(bytes, length);
    mem_free(bytes);
}
