/* Each worker opens the file for itself, at its first line and again at the first one after a reopening. What is
 * appended in one call stays together, whoever else appends.
 *
 * Standard output is often a pipe that somebody reads slowly, and it is shared: making it non-blocking would hit every
 * other program that has it. So a pipe, socket or terminal is asked first, and gets no more at once than a pipe that
 * says yes must take. A line that was taken in part is completed before any other line, whoever's it is. */
#include "access_file.h"
#include "dsgate/base/log.h"
#include "dsgate/base/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

struct access_file {
    pthread_mutex_t mutex;
    char *path; /* NULL: not ours to open or close */
    bool off;
    int standard; /* descriptor, when there is no path */
    bool may_block;
    unsigned opening; /* counts openings, from 1 */
    struct buf torn;  /* the rest of a line whose beginning is written */
    int error;        /* of the last opening or write; told once */
};

/* ---- opening ---- */

static bool blocks(int fd)
{
    struct stat st;
    if (fstat(fd, &st) < 0) return false;
    return S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode) || isatty(fd);
}

/* O_NONBLOCK: a named pipe without a reader is an error here, not a wait. */
static int open_path(const char *path)
{
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
}

/* Whether the workers will be able to; the file then exists. */
static bool try_path(const char *path, bool *may_block, struct buf *error)
{
    int fd = open_path(path);
    if (fd < 0) {
        buf_printf(error, "cannot open the access log '%s': %s", path, strerror(errno));
        return false;
    }
    *may_block = blocks(fd);
    close(fd);
    return true;
}

struct access_file *access_file_open(const char *target, struct buf *error)
{
    bool off = !strcmp(target, "off"), out = !strcmp(target, "stdout"), err = !strcmp(target, "stderr");
    int standard = out ? STDOUT_FILENO : err ? STDERR_FILENO : -1;
    bool named = !off && standard < 0, may_block = !named && blocks(standard);
    if (named && !try_path(target, &may_block, error)) return NULL;
    struct access_file *f = MEM_NEW(struct access_file);
    pthread_mutex_init(&f->mutex, NULL);
    f->path = named ? mem_strdup(target) : NULL;
    f->off = off;
    f->standard = standard;
    f->may_block = may_block;
    f->opening = 1;
    return f;
}

bool access_file_reopen(struct access_file *f, struct buf *error)
{
    bool may_block;
    if (!f->path) return true;
    if (!try_path(f->path, &may_block, error)) return false;
    pthread_mutex_lock(&f->mutex);
    f->opening++;
    f->may_block = may_block;
    buf_clear(&f->torn);
    pthread_mutex_unlock(&f->mutex);
    return true;
}

void access_file_close(struct access_file *f)
{
    if (!f) return;
    pthread_mutex_destroy(&f->mutex);
    buf_free(&f->torn);
    mem_free(f->path);
    mem_free(f);
}

bool access_file_wanted(const struct access_file *f) { return !f->off; }

void access_outlet_close(const struct access_file *f, struct access_outlet *o)
{
    if (f->path && o->opening) close(o->fd);
    o->opening = 0;
}

/* ---- writing, under the mutex ---- */

/* An outlet that can't follow stays where it is: better lines in the old file than none. */
static bool follow(struct access_file *f, struct access_outlet *o)
{
    if (o->opening == f->opening) return true;
    int fd = f->path ? open_path(f->path) : f->standard;
    if (fd >= 0) {
        access_outlet_close(f, o);
        o->fd = fd;
    } else if (o->opening == 0) {
        f->error = errno;
        return false;
    } else {
        log_warn("cannot reopen the access log '%s', which goes on in the old file: %s", f->path, strerror(errno));
    }
    o->opening = f->opening;
    return true;
}

void access_outlet_open(struct access_file *f, struct access_outlet *o)
{
    pthread_mutex_lock(&f->mutex);
    follow(f, o);
    pthread_mutex_unlock(&f->mutex);
}

static bool ready(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    return poll(&p, 1, 0) > 0;
}

static size_t push(struct access_file *f, int fd, struct text bytes)
{
    size_t done = 0;
    while (done < bytes.n && (!f->may_block || ready(fd))) {
        size_t n = bytes.n - done;
        if (f->may_block && n > PIPE_BUF) n = PIPE_BUF;
        ssize_t written = write(fd, bytes.p + done, n);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0 && errno == EAGAIN) break;
        f->error = written < 0 ? errno : 0;
        if (written <= 0) break;
        done += (size_t)written;
    }
    return done;
}

static void push_lines(struct access_file *f, int fd, struct buf *lines)
{
    buf_consume(&f->torn, push(f, fd, buf_text(&f->torn)));
    if (buf_len(&f->torn)) return;
    struct text all = buf_text(lines);
    size_t done = push(f, fd, all);
    if (done > 0 && all.p[done - 1] != '\n') {
        struct text rest = text_from(all, done);
        rest.n = text_find_byte(rest, '\n') + 1;
        buf_add(&f->torn, rest);
        done += rest.n;
    }
    buf_consume(lines, done);
}

bool access_file_write(struct access_file *f, struct access_outlet *o, struct buf *lines)
{
    pthread_mutex_lock(&f->mutex);
    int before = f->error;
    if (follow(f, o)) push_lines(f, o->fd, lines);
    int after = f->error;
    bool all = buf_len(&f->torn) == 0 && buf_len(lines) == 0;
    pthread_mutex_unlock(&f->mutex);
    if (after && after != before) log_warn("cannot write the access log: %s", strerror(after));
    if (before && !after) log_info("the access log can be written again");
    return all;
}
