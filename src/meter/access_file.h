/* access_file.h - the one place where all workers' lines go, without ever waiting for it. */
#ifndef METER_ACCESS_FILE_H
#define METER_ACCESS_FILE_H

#include "dsgate/meter/access_log.h"

/* false: the access log is off. */
bool access_file_wanted(const struct access_file *f);

/* Takes as many whole lines off *lines as can be written now; true when nothing is left to write, here or there. Any
 * thread. */
bool access_file_write(struct access_file *f, struct buf *lines);

#endif
