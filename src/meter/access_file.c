/* Standard output is often a pipe that somebody reads slowly, and it is shared: making it non-blocking would hit every
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
    int fd;
    bool may_block;
    struct buf torn; /* the rest of a line whose beginning is written */
    int error;       /* of the last write; told once */
};

/* ---- opening ---- */

static bool blocks(int fd)
{
    struct stat st;
    if (fstat(fd, &st) < 0) return false;
    return S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode) || isatty(fd);
}

/* O_NONBLOCK: a named pipe without a reader is an error here, not a wait. */
static int open_path(const char *path, struct buf *error)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
    if (fd < 0) buf_printf(error, "cannot open the access log '%s': %s", path, strerror(errno));
    return fd;
}

struct access_file *access_file_open(const char *target, struct buf *error)
{
    bool off = !strcmp(target, "off"), out = !strcmp(target, "stdout"), err = !strcmp(target, "stderr");
    bool named = !off && !out && !err;
    int fd = off ? -1 : out ? STDOUT_FILENO : err ? STDERR_FILENO : open_path(target, error);
    if (named && fd < 0) return NULL;
    struct access_file *f = MEM_NEW(struct access_file);
    pthread_mutex_init(&f->mutex, NULL);
    f->path = named ? mem_strdup(target) : NULL;
    f->off = off;
    f->fd = fd;
    f->may_block = blocks(fd);
    return f;
}

bool access_file_reopen(struct access_file *f, struct buf *error)
{
    if (!f->path) return true;
    int fd = open_path(f->path, error);
    if (fd < 0) return false;
    pthread_mutex_lock(&f->mutex);
    int old = f->fd;
    f->fd = fd;
    f->may_block = blocks(fd);
    buf_clear(&f->torn);
    pthread_mutex_unlock(&f->mutex);
    close(old);
    return true;
}

void access_file_close(struct access_file *f)
{
    if (!f) return;
    if (f->path) close(f->fd);
    pthread_mutex_destroy(&f->mutex);
    buf_free(&f->torn);
    mem_free(f->path);
    mem_free(f);
}

bool access_file_wanted(const struct access_file *f) { return !f->off; }

/* ---- writing, under the mutex ---- */

static bool ready(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    return poll(&p, 1, 0) > 0;
}

static size_t push(struct access_file *f, struct text bytes)
{
    size_t done = 0;
    while (done < bytes.n && (!f->may_block || ready(f->fd))) {
        size_t n = bytes.n - done;
        if (f->may_block && n > PIPE_BUF) n = PIPE_BUF;
        ssize_t written = write(f->fd, bytes.p + done, n);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0 && errno == EAGAIN) break;
        f->error = written < 0 ? errno : 0;
        if (written <= 0) break;
        done += (size_t)written;
    }
    return done;
}

static void push_lines(struct access_file *f, struct buf *lines)
{
    buf_consume(&f->torn, push(f, buf_text(&f->torn)));
    if (buf_len(&f->torn)) return;
    struct text all = buf_text(lines);
    size_t done = push(f, all);
    if (done > 0 && all.p[done - 1] != '\n') {
        struct text rest = text_from(all, done);
        rest.n = text_find_byte(rest, '\n') + 1;
        buf_add(&f->torn, rest);
        done += rest.n;
    }
    buf_consume(lines, done);
}

bool access_file_write(struct access_file *f, struct buf *lines)
{
    pthread_mutex_lock(&f->mutex);
    int before = f->error;
    push_lines(f, lines);
    int after = f->error;
    bool all = buf_len(&f->torn) == 0 && buf_len(lines) == 0;
    pthread_mutex_unlock(&f->mutex);
    if (after && after != before) log_warn("cannot write the access log: %s", strerror(after));
    if (before && !after) log_info("the access log can be written again");
    return all;
}
