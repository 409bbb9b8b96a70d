/* file.h - small files, read whole. */
#ifndef DSGATE_BASE_FILE_H
#define DSGATE_BASE_FILE_H

#include "dsgate/base/text.h"

/* All bytes of a file of at most `limit` bytes, with a NUL behind them; the caller gives them back with file_wipe().
 * With `regular` anything but a regular file is refused (a device or a pipe could give bytes without end, or wait for
 * ever). NULL: *why says, as strerror() does; when the
 * file could not be opened, errno does, too. */
char *file_read(const char *path, size_t limit, bool regular, size_t *length, const char **why);
void file_wipe(char *bytes, size_t length);

#endif
