/* access_file.h - the one place where all workers' lines go, without ever waiting for it. */
#ifndef METER_ACCESS_FILE_H
#define METER_ACCESS_FILE_H

#include "dsgate/meter/access_log.h"

/* false: the access log is off. */
bool access_file_wanted(const struct access_file *f);

/* A worker's way to the file: a descriptor of its own, since it may have a table of its own. Zeroed at first. */
struct access_outlet {
    int fd;
    unsigned opening; /* which of access_file's it follows; 0: none yet */
};
void access_outlet_close(const struct access_file *f, struct access_outlet *o);

/* Opens it now, while there surely are descriptors; otherwise the first write does. */
void access_outlet_open(struct access_file *f, struct access_outlet *o);

/* Takes as many whole lines off *lines as can be written now; true when nothing is left to write, here or there. Any
 * thread, each with its own outlet. */
bool access_file_write(struct access_file *f, struct access_outlet *o, struct buf *lines);

#endif
