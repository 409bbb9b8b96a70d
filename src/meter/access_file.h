/* access_file.h - the one place where all workers' lines go, without ever waiting for it. */
#ifndef METER_ACCESS_FILE_H
#define METER_ACCESS_FILE_H

#include "dsgate/meter/access_log.h"

/* false: the access log is off. */
bool access_file_wanted(const struct access_file *f);

/* A worker's descriptor of the file: it may have a table of its own. Zeroed at first; used by one thread. */
struct access_handle {
    int fd;
    unsigned generation; /* of access_file's openings; 0: not open */
    unsigned told;       /* the generation whose opening failed, and was told of */
};

/* Opens it now, while there surely are descriptors; otherwise the first write does. */
void access_handle_open(struct access_file *f, struct access_handle *h);
void access_handle_close(const struct access_file *f, struct access_handle *h);

/* Takes as many whole lines off *lines as can be written now; true when nothing is left to write, here or there. Any
 * thread, each with its own handle. */
bool access_file_write(struct access_file *f, struct access_handle *h, struct buf *lines);

#endif
