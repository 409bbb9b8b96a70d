/* What every exporter tells about its process; a value that the kernel does not give is left out. */
#include "dsgate/base/mem.h"
#include "metrics_private.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static bool read_proc(const char *path, char out[static 1024])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, out, 1023) : -1;
    if (fd >= 0) close(fd);
    out[n > 0 ? n : 0] = '\0';
    return n > 0;
}

static void write_value(struct buf *out, const char *name, const char *help, unsigned long long value)
{
    metrics_write_head(out, name, "gauge", help);
    buf_printf(out, "%s %llu\n", name, value);
}

static void write_memory(struct buf *out)
{
    char statm[1024];
    unsigned long long pages, page_size = (unsigned long long)sysconf(_SC_PAGESIZE);
    if (read_proc("/proc/self/statm", statm) && sscanf(statm, "%*u %llu", &pages) == 1)
        write_value(out, "process_resident_memory_bytes", "Resident memory size in bytes.", pages * page_size);
}

static uint64_t usec_of(struct timeval tv) { return (uint64_t)tv.tv_sec * USEC_PER_SEC + (uint64_t)tv.tv_usec; }

static void write_cpu(struct buf *out)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) < 0) return;
    metrics_write_head(out, "process_cpu_seconds_total", "counter", "Total user and system CPU time spent in seconds.");
    BUF_ADD(out, "process_cpu_seconds_total ");
    metrics_write_seconds(out, usec_of(usage.ru_utime) + usec_of(usage.ru_stime));
    BUF_ADD(out, "\n");
}

/* Entries of a folder of descriptors that are numbers. */
static unsigned long long count_descriptors(const char *folder)
{
    unsigned long long count = 0;
    DIR *dir = opendir(folder);
    if (!dir) return 0;
    for (struct dirent *d; (d = readdir(dir));)
        count += d->d_name[0] != '.';
    closedir(dir);
    return count;
}

/* Of all tables there are; what several have in common counts in each, and so does the limit. */
static void write_descriptors(const struct metrics *m, struct buf *out)
{
    struct rlimit limit;
    unsigned long long tables = 1, count = count_descriptors("/proc/self/fd");
    LIST_FOREACH(node, &m->shards) {
        int thread = atomic_load(&CONTAINER_OF(node, struct metrics_shard, node)->thread);
        char folder[48];
        if (!thread) continue;
        snprintf(folder, sizeof folder, "/proc/self/task/%d/fd", thread);
        count += count_descriptors(folder);
        tables++;
    }
    /* But for the one that reads the folder. */
    if (count) write_value(out, "process_open_fds", "Number of open file descriptors.", count - 1);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        write_value(out, "process_max_fds", "Maximum number of open file descriptors.", tables * limit.rlim_cur);
}

/* The kernel tells the start in clock ticks since boot: field 22, the 20th behind the name, which may hold anything. */
static bool read_start(unsigned long long *ticks)
{
    char stat[1024];
    const char *name_end = read_proc("/proc/self/stat", stat) ? strrchr(stat, ')') : NULL;
    return name_end &&
           sscanf(name_end + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
                  ticks) == 1;
}

static void write_start(struct buf *out)
{
    unsigned long long ticks, per_second = (unsigned long long)sysconf(_SC_CLK_TCK);
    struct timespec up;
    if (clock_gettime(CLOCK_BOOTTIME, &up) < 0 || !read_start(&ticks)) return;
    usec_t booted = clock_wall() - ((usec_t)up.tv_sec * USEC_PER_SEC + up.tv_nsec / 1000);
    metrics_write_head(out, "process_start_time_seconds", "gauge",
                       "Start time of the process since unix epoch in seconds.");
    BUF_ADD(out, "process_start_time_seconds ");
    metrics_write_seconds(out, (uint64_t)booted + ticks * USEC_PER_SEC / per_second);
    BUF_ADD(out, "\n");
}

void metrics_write_process(const struct metrics *m, struct buf *out)
{
    write_memory(out);
    write_cpu(out);
    write_descriptors(m, out);
    write_start(out);
}
