/* Who is refused must not cost more than one write, which a fresh socket always takes: so the answer is composed once.
 */
#include "dsgate/gate/capacity.h"
#include "dsgate/base/log.h"
#include "dsgate/base/mem.h"
#include "dsgate/llm/answer.h"
#include "dsgate/llm/failure.h"
#include "dsgate/net/http.h"
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SPARE = 64 /* listeners, logs, probes, certificates being read … */ };

struct capacity {
    rlim_t limit, open;  /* descriptors of each table: at most, and before anything is served */
    unsigned most;       /* connections */
    bool by_descriptors; /* not the config, but the descriptor limit says so */
    bool told;
    struct buf refusal;
};

/* ---- descriptors ---- */

static rlim_t raise_limit(void)
{
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
        getrlimit(RLIMIT_NOFILE, &files);
    }
    return files.rlim_cur;
}

/* A new descriptor gets the lowest number that is free. */
void capacity_note_open(struct capacity *c)
{
    int next = dup(STDERR_FILENO);
    if (next >= 0) close(next);
    c->open = next > 0 ? (rlim_t)next : 0;
}

/* Where there is not even room for what is spared, what there is serves as well as it can. */
unsigned capacity_of_table(const struct capacity *c)
{
    rlim_t reserve = c->open + SPARE;
    if (c->limit > 2 * reserve) return (unsigned)((c->limit - reserve) / 2);
    return c->limit > c->open + 8 ? (unsigned)((c->limit - c->open) / 4) : 1;
}

/* ---- the limit ---- */

void capacity_set(struct capacity *c, unsigned wanted, unsigned tables)
{
    unsigned long room = (unsigned long)capacity_of_table(c) * tables;
    c->by_descriptors = room < wanted;
    c->most = c->by_descriptors ? (unsigned)room : wanted;
    c->told = false;
    log_info("up to %u client connections (%s; descriptor limit %llu%s)", c->most,
             c->by_descriptors ? "bounded by the descriptor limit" : "limits.connections", (unsigned long long)c->limit,
             tables > 1 ? " for each worker" : "");
}

bool capacity_admits(const struct capacity *c, unsigned connections) { return connections < c->most; }

static void tell_once(struct capacity *c)
{
    if (c->told) return;
    c->told = true;
    log_warn("connection limit of %u reached (%s): further clients are answered 503", c->most,
             c->by_descriptors ? "raise the descriptor limit, LimitNOFILE= or ulimit -n" : "limits.connections");
}

void capacity_refuse(struct capacity *c, int fd, bool tls)
{
    tell_once(c);
    if (!tls) {
        ssize_t sent = send(fd, c->refusal.data, buf_len(&c->refusal), MSG_NOSIGNAL);
        (void)sent;
        shutdown(fd, SHUT_WR);
    }
    close(fd);
}

/* ---- making ---- */

static void compose_refusal(struct buf *out)
{
    const struct failure_row *row = failure_row(FAIL_CONNECTIONS);
    struct buf body = {0};
    answer_put_error_body(&body, FAMILY_CHAT, row->type, row->code, text_of(row->text), NULL);
    http_put_status(out, row->status);
    BUF_ADD(out, "Content-Type: application/json\r\nx-should-retry: true\r\nConnection: close\r\n");
    http_put_u64(out, TEXT("Retry-After"), row->retry_after);
    http_put_u64(out, TEXT("Content-Length"), buf_len(&body));
    http_put_end(out);
    buf_add(out, buf_text(&body));
    buf_free(&body);
}

struct capacity *capacity_new(void)
{
    struct capacity *c = MEM_NEW(struct capacity);
    c->limit = raise_limit();
    compose_refusal(&c->refusal);
    return c;
}

void capacity_free(struct capacity *c)
{
    buf_free(&c->refusal);
    mem_free(c);
}
