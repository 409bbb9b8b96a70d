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
    int standard_fd; /* when there is no path */
    int pipe_fd;     /* keeps a named pipe's reader while no worker has it open; -1: it is none */
    bool may_block;
    unsigned generation;      /* counts openings, from 1 */
    struct buf partial_line;  /* the rest of a line whose beginning is written */
    int error;                /* of the last write; told once */
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
static bool try_path(struct access_file *f, const char *path, struct buf *error)
{
    int fd = open_path(path);
    if (fd < 0) {
        buf_printf(error, "cannot open the access log '%s': %s", path, strerror(errno));
        return false;
    }
    int old = f->pipe_fd;
    f->may_block = blocks(fd);
    f->pipe_fd = f->may_block ? fd : -1;
    if (f->pipe_fd < 0) close(fd);
    if (old >= 0) close(old);
    return true;
}

struct access_file *access_file_open(const char *target, struct buf *error)
{
    bool off = !strcmp(target, "off"), out = !strcmp(target, "stdout"), err = !strcmp(target, "stderr");
    struct access_file *f = MEM_NEW(struct access_file);
    pthread_mutex_init(&f->mutex, NULL);
    f->off = off;
    f->standard_fd = out ? STDOUT_FILENO : err ? STDERR_FILENO : -1;
    f->pipe_fd = -1;
    f->generation = 1;
    if (out || err) f->may_block = blocks(f->standard_fd);
    if (!off && !out && !err) f->path = mem_strdup(target);
    if (!f->path || try_path(f, f->path, error)) return f;
    access_file_close(f);
    return NULL;
}

bool access_file_reopen(struct access_file *f, struct buf *error)
{
    if (!f->path) return true;
    pthread_mutex_lock(&f->mutex);
    bool fine = try_path(f, f->path, error);
    if (fine) {
        f->generation++;
        buf_clear(&f->partial_line);
    }
    pthread_mutex_unlock(&f->mutex);
    return fine;
}

void access_file_close(struct access_file *f)
{
    if (!f) return;
    if (f->pipe_fd >= 0) close(f->pipe_fd);
    pthread_mutex_destroy(&f->mutex);
    buf_free(&f->partial_line);
    mem_free(f->path);
    mem_free(f);
}

bool access_file_wanted(const struct access_file *f) { return !f->off; }

void access_handle_close(const struct access_file *f, struct access_handle *h)
{
    if (f->path && h->generation) close(h->fd);
    h->generation = 0;
}

/* ---- writing, under the mutex ---- */

/* Told once for each reopening, although it is tried again with every write. */
static void tell_not_open(const struct access_file *f, struct access_handle *h, int error)
{
    if (h->told == f->generation) return;
    h->told = f->generation;
    log_warn("cannot open the access log '%s'%s: %s", f->path, h->generation ? ", which goes on in the old file" : "",
             strerror(error));
}

/* A handle that can't follow stays where it is: better lines in the old file than none. */
static bool reopen_if_stale(struct access_file *f, struct access_handle *h)
{
    if (h->generation == f->generation) return true;
    int fd = f->path ? open_path(f->path) : f->standard_fd;
    if (fd < 0) {
        tell_not_open(f, h, errno);
        return h->generation != 0;
    }
    access_handle_close(f, h);
    h->fd = fd;
    h->generation = f->generation;
    return true;
}

void access_handle_open(struct access_file *f, struct access_handle *h)
{
    pthread_mutex_lock(&f->mutex);
    reopen_if_stale(f, h);
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
    buf_consume(&f->partial_line, push(f, fd, buf_text(&f->partial_line)));
    if (buf_len(&f->partial_line)) return;
    struct text all = buf_text(lines);
    size_t done = push(f, fd, all);
    if (done > 0 && all.p[done - 1] != '\n') {
        struct text rest = text_from(all, done);
        rest.n = text_find_byte(rest, '\n') + 1;
        buf_add(&f->partial_line, rest);
        done += rest.n;
    }
    buf_consume(lines, done);
}

bool access_file_write(struct access_file *f, struct access_handle *h, struct buf *lines)
{
    pthread_mutex_lock(&f->mutex);
    int before = f->error;
    if (reopen_if_stale(f, h)) push_lines(f, h->fd, lines);
    int after = f->error;
    bool all = buf_len(&f->partial_line) == 0 && buf_len(lines) == 0;
    pthread_mutex_unlock(&f->mutex);
    if (after && after != before) log_warn("cannot write the access log: %s", strerror(after));
    if (before && !after) log_info("the access log can be written again");
    return all;
}
