/* Whose file it is and of which version stands in its first hundred bytes (https://www.sqlite.org/fileformat.html), and
 * they are looked at before SQLite is: so a check needs no lock and leaves no trace, and no foreign file is touched. */
#include "ledger_file.h"
#include "dsgate/base/mem.h"
#include "dsgate/gate/ledger.h"
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    HEADER_SIZE = 72,   /* as far as we look */
    VERSION_AT = 60,    /* PRAGMA user_version */
    OWNER_AT = 68,      /* PRAGMA application_id */
    OWNER = 0x64736774, /* "dsgt" */
    VERSION = 1,
    BUSY_MS = 250
};

struct ledger_file {
    sqlite3 *db;
    sqlite3_stmt *put;
    char *path;
};

/* ---- before SQLite ---- */

static uint32_t read_u32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* NULL: ours, or empty. */
static const char *judge_header(const unsigned char *header, ssize_t n)
{
    if (n == 0) return NULL;
    if (n < HEADER_SIZE || memcmp(header, "SQLite format 3", 16) != 0) return "it is no database";
    if (read_u32(header + OWNER_AT) != OWNER) return "it is a database of another program";
    if (read_u32(header + VERSION_AT) > VERSION) return "it was written by a newer dsgate";
    return NULL;
}

static bool refuse(const char *path, const char *why, struct buf *error)
{
    buf_printf(error, "cannot use the state file '%s': %s; expected one of dsgate's own, or a path that is free", path,
               why);
    return false;
}

static bool look_inside(int fd, const char *path, struct buf *error)
{
    unsigned char header[HEADER_SIZE];
    struct stat st;
    if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode)) return refuse(path, "it is no regular file", error);
    ssize_t n = pread(fd, header, sizeof header, 0);
    const char *why = n < 0 ? strerror(errno) : judge_header(header, n);
    return why ? refuse(path, why, error) : true;
}

/* Closing it drops every lock of this process on the file. O_NONBLOCK: a device is refused, not waited for. */
static bool try_file(const char *path, int flags, struct buf *error)
{
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | flags, 0600);
    if (fd < 0) {
        buf_printf(error,
                   "cannot open the state file '%s': %s; expected a file that the gateway's user may write, in a "
                   "folder that exists",
                   path, strerror(errno));
        return false;
    }
    bool fine = look_inside(fd, path, error);
    close(fd);
    return fine;
}

bool ledger_check(const char *path, struct buf *error)
{
    struct stat st;
    return (stat(path, &st) < 0 && errno == ENOENT) || try_file(path, 0, error);
}

/* ---- opening ---- */

static const char *advice(const struct ledger_file *f, int code)
{
    switch (code & 0xFF) {
    case SQLITE_BUSY: return "it is in use by another process; expected a file of its own for each gateway";
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT: return "it is damaged; move it away, and quotas begin anew";
    default: return sqlite3_errmsg(f->db);
    }
}

static void tell(const struct ledger_file *f, int code, struct buf *error)
{
    buf_printf(error, "cannot use the state file '%s': %s", f->path, advice(f, code));
}

/* Each start writes once, so that a full disk or a folder that may not be written shows now. The lock stays from here
 * on. Rows of upstreams that are gone leave after a month. */
static int set_up(struct ledger_file *f)
{
    char *sql = mem_printf("PRAGMA locking_mode = EXCLUSIVE;"
                           "BEGIN EXCLUSIVE;"
                           "PRAGMA application_id = %d;"
                           "PRAGMA user_version = %d;"
                           "CREATE TABLE IF NOT EXISTS quota (upstream TEXT PRIMARY KEY NOT NULL, day INTEGER NOT NULL,"
                           " requests INTEGER NOT NULL, tokens INTEGER NOT NULL, cost REAL NOT NULL) WITHOUT ROWID;"
                           "DELETE FROM quota"
                           " WHERE day < min((SELECT max(day) FROM quota), strftime('%%s') / 86400) - 31;"
                           "COMMIT;"
                           "PRAGMA journal_mode = WAL;"
                           "PRAGMA synchronous = NORMAL;"
                           "PRAGMA wal_autocheckpoint = 100;",
                           OWNER, VERSION);
    int code = sqlite3_exec(f->db, sql, NULL, NULL, NULL);
    mem_free(sql);
    if (code != SQLITE_OK) return code;
    return sqlite3_prepare_v2(f->db, "REPLACE INTO quota VALUES (?, ?, ?, ?, ?)", -1, &f->put, NULL);
}

/* A name of a file and nothing else: SQLite sees more in ":memory:" and "file:". */
static int open_database(struct ledger_file *f)
{
    char *name = *f->path == '/' ? mem_strdup(f->path) : mem_printf("./%s", f->path);
    int code = sqlite3_open_v2(name, &f->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    mem_free(name);
    if (code != SQLITE_OK) return code;
    sqlite3_busy_timeout(f->db, BUSY_MS);
    return set_up(f);
}

struct ledger_file *ledger_file_open(const char *path, struct buf *error)
{
    if (!try_file(path, O_CREAT, error)) return NULL;
    struct ledger_file *f = MEM_NEW(struct ledger_file);
    f->path = mem_strdup(path);
    int code = open_database(f);
    if (code == SQLITE_OK) return f;
    tell(f, code, error);
    ledger_file_close(f);
    return NULL;
}

void ledger_file_close(struct ledger_file *f)
{
    if (!f) return;
    sqlite3_finalize(f->put);
    sqlite3_close(f->db);
    mem_free(f->path);
    mem_free(f);
}

/* ---- rows ---- */

static uint64_t column_count(sqlite3_stmt *s, int column)
{
    int64_t n = sqlite3_column_int64(s, column);
    return n > 0 ? (uint64_t)n : 0;
}

static void tell_row(sqlite3_stmt *s, void (*tell_one)(void *arg, const struct ledger_row *row), void *arg)
{
    struct ledger_row row = {
        (const char *)sqlite3_column_text(s, 0),
        {sqlite3_column_int64(s, 1), column_count(s, 2), column_count(s, 3), sqlite3_column_double(s, 4)}};
    if (row.upstream) tell_one(arg, &row);
}

bool ledger_file_read(struct ledger_file *f, void (*tell_one)(void *arg, const struct ledger_row *row), void *arg,
                      struct buf *error)
{
    sqlite3_stmt *s = NULL;
    int code = sqlite3_prepare_v2(f->db, "SELECT upstream, day, requests, tokens, cost FROM quota", -1, &s, NULL);
    if (code == SQLITE_OK)
        while ((code = sqlite3_step(s)) == SQLITE_ROW)
            tell_row(s, tell_one, arg);
    if (code != SQLITE_DONE) tell(f, code, error);
    sqlite3_finalize(s);
    return code == SQLITE_DONE;
}

static int64_t clamp(uint64_t n) { return n < INT64_MAX ? (int64_t)n : INT64_MAX; }

static int put(struct ledger_file *f, const struct ledger_row *row)
{
    sqlite3_bind_text(f->put, 1, row->upstream, -1, SQLITE_STATIC);
    sqlite3_bind_int64(f->put, 2, row->used.day);
    sqlite3_bind_int64(f->put, 3, clamp(row->used.requests));
    sqlite3_bind_int64(f->put, 4, clamp(row->used.tokens));
    sqlite3_bind_double(f->put, 5, row->used.cost);
    sqlite3_step(f->put);
    return sqlite3_reset(f->put);
}

const char *ledger_file_write(struct ledger_file *f, const struct ledger_row *rows, size_t n)
{
    int code = sqlite3_exec(f->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    for (size_t i = 0; code == SQLITE_OK && i < n; i++)
        code = put(f, &rows[i]);
    if (code == SQLITE_OK) code = sqlite3_exec(f->db, "COMMIT", NULL, NULL, NULL);
    if (code == SQLITE_OK) return NULL;
    /* Some errors end the transaction, others leave that to us. */
    if (!sqlite3_get_autocommit(f->db)) sqlite3_exec(f->db, "ROLLBACK", NULL, NULL, NULL);
    return sqlite3_errstr(code);
}
