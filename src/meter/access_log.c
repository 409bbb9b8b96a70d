/* A line a request, written by hand: printf would cost more than the rest of the line. */
#include "access_file.h"
#include "dsgate/base/log.h"
#include "dsgate/base/mem.h"

enum { FLUSH_BYTES = 32 * 1024, BACKLOG_BYTES = 1024 * 1024, STRING_MAX = 256 };
#define FLUSH_DELAY (100 * USEC_PER_MS)

struct access_log {
    struct access_file *file;
    struct access_handle handle;
    struct loop *loop;
    struct timer timer;
    bool timer_runs;
    struct buf lines;
    size_t enough; /* so many bytes are written without waiting for the timer */
    uint64_t lost, told;
};

/* ---- values ---- */

/* At most STRING_MAX bytes, and not half a character at the end. */
static struct text shorten(struct text t)
{
    if (t.n <= STRING_MAX) return t;
    t.n = STRING_MAX;
    while (t.n > STRING_MAX - 4 && ((unsigned char)t.p[t.n] & 0xC0) == 0x80)
        t.n--;
    return t;
}

static void put_string(struct buf *b, struct text key, struct text value)
{
    if (value.n == 0) return;
    buf_add(b, key);
    buf_add_json_string(b, shorten(value));
}

static void put_number(struct buf *b, struct text key, uint64_t value)
{
    buf_add(b, key);
    buf_add_u64(b, value);
}

static void put_flag(struct buf *b, struct text key, bool value)
{
    if (!value) return;
    buf_add(b, key);
    BUF_ADD(b, "true");
}

static void put_ms(struct buf *b, struct text key, usec_t time)
{
    buf_add(b, key);
    buf_add_ms(b, time);
}

#define KEY(name) TEXT(",\"" name "\":")

/* ---- the line ---- */

static void put_time(struct buf *b, usec_t wall)
{
    char when[25];
    clock_format_iso(wall, when);
    BUF_ADD(b, "{\"time\":\"");
    buf_append(b, when, sizeof when - 1);
    BUF_ADD(b, "\"");
}

static void put_request(struct buf *b, const struct access_entry *e)
{
    put_string(b, KEY("request_id"), e->request_id);
    put_string(b, KEY("trace_id"), e->trace_id);
    put_string(b, KEY("peer"), e->peer);
    put_string(b, KEY("method"), e->method);
    put_string(b, KEY("path"), text_make(e->path.p, text_find_byte(e->path, '?'))); /* keys may stand in the query */
    put_string(b, KEY("endpoint"), text_of(e->endpoint));
    put_string(b, KEY("model"), e->model);
    put_string(b, KEY("class"), text_of(e->class));
    put_string(b, KEY("caller"), text_of(e->caller));
}

static void put_attempts(struct buf *b, const struct access_entry *e)
{
    if (e->attempts) put_number(b, KEY("attempts"), e->attempts);
    if (e->hedges) put_number(b, KEY("hedges"), e->hedges);
    if (e->continued) put_number(b, KEY("continued"), e->continued);
    put_string(b, KEY("fallback"), text_of(e->fallback));
    put_string(b, KEY("reasons"), text_of(e->reasons));
    put_string(b, KEY("detail"), text_of(e->detail));
    put_string(b, KEY("oddity"), text_of(e->oddity));
    if (e->wasted) put_number(b, KEY("wasted_tokens"), e->wasted);
}

static void put_cache(struct buf *b, const struct access_entry *e)
{
    if (e->cache == CACHE_RESULT_BYPASS) return;
    put_string(b, KEY("cache"), text_of(cache_result_name(e->cache)));
    if (cache_result_is_entry(e->cache)) put_number(b, KEY("cache_age"), (uint64_t)(e->cache_age / USEC_PER_SEC));
    if (e->saved) put_number(b, KEY("saved_tokens"), e->saved);
}

static void put_answer(struct buf *b, const struct access_entry *e)
{
    if (e->status) put_number(b, KEY("status"), e->status);
    put_string(b, KEY("error"), text_of(e->error));
    put_string(b, KEY("upstream"), text_of(e->upstream));
    put_string(b, KEY("upstream_trace"), e->upstream_trace);
    put_attempts(b, e);
    put_cache(b, e);
    put_flag(b, KEY("stream"), e->streamed);
    put_flag(b, KEY("plain_stream"), e->plain_stream);
    put_flag(b, KEY("renewal"), e->renewal);
    put_flag(b, KEY("client_gone"), e->client_gone);
    put_flag(b, KEY("cut"), e->cut);
    put_number(b, KEY("bytes_in"), e->bytes_in);
    put_number(b, KEY("bytes_out"), e->bytes_out);
}

static void put_steps(struct buf *b, const struct access_entry *e)
{
    for (size_t i = 0; i < e->step_count; i++) {
        buf_add(b, i ? TEXT(",\"") : TEXT(",\"steps\":{\""));
        buf_add(b, text_of(e->steps[i].name));
        put_ms(b, TEXT("\":"), e->steps[i].time);
    }
    if (e->step_count) BUF_ADD(b, "}");
}

static void put_times(struct buf *b, const struct access_entry *e)
{
    put_ms(b, KEY("duration_ms"), e->duration);
    if (e->first_token) put_ms(b, KEY("first_token_ms"), e->first_token);
    put_steps(b, e);
}

static void put_tokens(struct buf *b, const struct usage *u)
{
    if (!u->known) return;
    put_number(b, TEXT(",\"tokens\":{\"prompt\":"), (uint64_t)u->prompt);
    put_number(b, KEY("completion"), (uint64_t)u->completion);
    put_number(b, KEY("cached"), (uint64_t)u->cached);
    put_number(b, KEY("reasoning"), (uint64_t)u->reasoning);
    BUF_ADD(b, "}");
}

static void put_line(struct buf *b, const struct access_entry *e)
{
    put_time(b, e->wall);
    put_request(b, e);
    put_answer(b, e);
    put_times(b, e);
    put_tokens(b, &e->usage);
    if (e->finish != FINISH_NONE) put_string(b, KEY("finish"), text_of(finish_name(e->finish)));
    BUF_ADD(b, "}\n");
}

/* ---- gathering and writing ---- */

static void tell_lost(struct access_log *l)
{
    if (l->lost == l->told) return;
    log_warn("the access log lost %llu lines, since its reader was too slow", (unsigned long long)(l->lost - l->told));
    l->told = l->lost;
}

/* When the file does not take everything, the next try is due after as many new bytes, or when the timer comes:
 * requests do not pay for a reader that is away, and one that is back is served as fast as lines come. */
static bool flush(struct access_log *l)
{
    bool all = access_file_write(l->file, &l->handle, &l->lines);
    l->enough = buf_len(&l->lines) + FLUSH_BYTES;
    if (!all) return false;
    if (l->lines.capacity > 4 * FLUSH_BYTES) buf_free(&l->lines); /* of a backlog */
    tell_lost(l);
    return true;
}

static void on_timer(struct timer *timer);

static void run_timer(struct access_log *l)
{
    if (l->timer_runs) return;
    l->timer_runs = true;
    timer_set(l->loop, &l->timer, loop_now(l->loop) + FLUSH_DELAY, on_timer);
}

static void on_timer(struct timer *timer)
{
    struct access_log *l = CONTAINER_OF(timer, struct access_log, timer);
    l->timer_runs = false;
    if (!flush(l)) run_timer(l);
}

void access_log_add(struct access_log *l, const struct access_entry *e)
{
    if (!access_file_wanted(l->file)) return;
    if (buf_len(&l->lines) >= BACKLOG_BYTES) {
        l->lost++;
        return;
    }
    put_line(&l->lines, e);
    if (buf_len(&l->lines) < l->enough || !flush(l)) run_timer(l);
}

struct access_log *access_log_new(struct access_file *f, struct loop *loop)
{
    struct access_log *l = MEM_NEW(struct access_log);
    l->file = f;
    l->loop = loop;
    l->enough = FLUSH_BYTES;
    return l;
}

void access_log_open(struct access_log *l)
{
    if (access_file_wanted(l->file)) access_handle_open(l->file, &l->handle);
}

void access_log_free(struct access_log *l)
{
    timer_cancel(l->loop, &l->timer);
    if (access_file_wanted(l->file)) flush(l);
    for (struct text rest = buf_text(&l->lines), line; text_cut(&rest, '\n', &line);)
        l->lost++;
    tell_lost(l);
    access_handle_close(l->file, &l->handle);
    buf_free(&l->lines);
    mem_free(l);
}

uint64_t access_log_lost(const struct access_log *l) { return l->lost; }
