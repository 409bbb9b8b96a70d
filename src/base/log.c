#include "dsgate/base/log.h"
#include "dsgate/base/buf.h"
#include "dsgate/base/clock.h"
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

static atomic_int threshold = LOG_INFO;
static bool as_json;
static const char *const names[] = {"error", "warn", "info", "debug"};

void log_setup(enum log_level level, bool json)
{
    log_set_level(level);
    as_json = json;
}

void log_set_level(enum log_level level) { atomic_store_explicit(&threshold, (int)level, memory_order_relaxed); }

bool log_wants(enum log_level level) { return (int)level <= atomic_load_explicit(&threshold, memory_order_relaxed); }

void log_line(enum log_level level, const char *format, ...)
{
    if (!log_wants(level)) return;
    char message[2048], when[25];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(message, sizeof message, format, args);
    va_end(args);
    if (n < 0) return;
    struct text text = text_make(message, (size_t)n < sizeof message ? (size_t)n : sizeof message - 1);
    clock_format_iso(clock_wall(), when);
    struct buf line = {0};
    if (as_json) {
        buf_printf(&line, "{\"time\":\"%s\",\"level\":\"%s\",\"msg\":", when, names[level]);
        buf_add_json_string(&line, text);
        BUF_ADD(&line, "}\n");
    } else {
        buf_printf(&line, "%s %-5s ", when, names[level]);
        for (size_t i = 0; i < text.n; i++)
            buf_add_byte(&line, (unsigned char)message[i] < 0x20 ? ' ' : message[i]);
        BUF_ADD(&line, "\n");
    }
    ssize_t written = write(STDERR_FILENO, line.data, buf_len(&line));
    (void)written; /* a log that can't be written is dropped: see log.h */
    buf_free(&line);
}
