/* config.h - the whole configuration as one immutable, refcounted snapshot.
 *
 * A snapshot is made from a file (or from nothing but the environment), checked completely, and never changed; a reload
 * makes another one. Requests keep the snapshot they began with. Any thread may read one it holds a reference to.
 *
 * The structs below are filled by the option table (config/options.c), which is also where every key, default, bound
 * and explanation is written down, once. Strings are owned by the snapshot; NULL = not set. Times are microseconds,
 * sizes bytes.
 */
#ifndef DSGATE_CONFIG_CONFIG_H
#define DSGATE_CONFIG_CONFIG_H

#include "dsgate/base/buf.h"
#include "dsgate/base/clock.h"
#include <stdatomic.h>
#include <stdio.h>

struct conf_listen {
    char *address;         /* as address.h writes them: "127.0.0.1:8585", "unix:/run/dsgate.sock" */
    unsigned mode;         /* permissions of a Unix socket, octal in the file: 0660 */
    struct {
        char *cert_file, *key_file, *client_ca_file; /* cert_file set = TLS */
    } tls;
};

struct conf_limits {
    uint64_t body;         /* request body */
    uint64_t bodies;       /* all request bodies at once */
    uint64_t headers;      /* request head */
    unsigned header_count;
    unsigned connections;  /* client connections at once */
    uint64_t answer_hold;  /* bytes of an answer held back before it is committed to the client */
    uint64_t event;        /* one server-sent event */
    unsigned waiting;      /* requests that wait for an upstream */
};

struct conf_timeouts {
    usec_t connect, first_byte, first_token, idle, total; /* towards upstreams */
    usec_t commit;         /* a stream whose first token is late is committed to its upstream after this */
    usec_t request_head, request_body, keep_alive, write; /* towards clients */
    usec_t queue;          /* longest wait for an upstream */
    usec_t drain;          /* SIGTERM: how long streams may finish */
};

struct conf_log {
    char *access;          /* "stdout", "stderr", "off" or a file's path */
    char *level;           /* "error", "warn", "info", "debug" */
    char *format;          /* of the daemon's own log: "text" or "json" */
};

/* Names in the file: openai deepseek ark dashscope tencent huawei qianfan siliconflow openrouter together fireworks
 * azure nim vllm sglang llamacpp ollama. */
enum conf_dialect {
    DIALECT_OPENAI, DIALECT_DEEPSEEK, DIALECT_ARK, DIALECT_DASHSCOPE, DIALECT_TENCENT, DIALECT_HUAWEI, DIALECT_QIANFAN,
    DIALECT_SILICONFLOW, DIALECT_OPENROUTER, DIALECT_TOGETHER, DIALECT_FIREWORKS, DIALECT_AZURE, DIALECT_NIM,
    DIALECT_VLLM, DIALECT_SGLANG, DIALECT_LLAMACPP, DIALECT_OLLAMA, DIALECT_COUNT
};

/* USD per million tokens. */
struct conf_price {
    double cache_hit, cache_miss, output;
};

/* One row of an upstream's model map: what clients say, what the upstream is told. In the file a row's value is the
 * upstream's name for it or {name:, thinking: enabled|disabled, price: {cache_hit:, cache_miss:, output:}, peak_price:
 * {…}}. The client name "*" stands for every other model; the upstream name "*" keeps the client's. */
struct conf_model {
    char *client_name, *name;
    char *thinking;        /* set in requests that do not say themselves; NULL = leave alone */
    struct conf_price price, peak_price; /* all zero = unknown */
};

struct conf_header {
    char *name, *value;
};

struct conf_upstream {
    char *name;            /* unique; [A-Za-z0-9._-]{1,64}: it becomes a metric label */
    char *preset;
    enum conf_dialect dialect;
    char *base_url;        /* as written, and taken apart: */
    bool https;
    char *host;
    unsigned port;
    char *base_path;       /* "" or "/v1", never a trailing slash */
    char *beta_path;       /* where /beta/… goes on the same origin ("/beta"); NULL = not served */
    char *anthropic_path;  /* where …/v1/messages goes ("/anthropic/v1"); NULL = not served */
    char *balance_path;    /* "/user/balance"; NULL = not served */
    char *auth_header;     /* "authorization" (value "Bearer KEY"), "api-key" or "x-api-key" (value KEY) */
    char *api_key;         /* NULL: the client's own key passes through */
    unsigned weight;       /* 1…1000 */
    unsigned max_concurrency; /* 0 = no cap */
    char *account;         /* upstreams with one account share its cap; NULL: its own */
    struct conf_model *models;
    size_t model_count;    /* 0: any model */
    char **resolve;        /* pinned addresses "1.2.3.4", "[::1]:8443", "unix:/run/x.sock" */
    size_t resolve_count;
    struct conf_header *headers; /* set on every request to this upstream */
    size_t header_count;
    struct {
        char *ca_file, *cert_file, *key_file, *server_name;
        bool insecure;
    } tls;
    struct conf_timeouts timeouts; /* connect, first_byte, first_token, idle, total: its own, or the global ones */
    struct {
        char *path;        /* below base_path; "/models" */
        usec_t interval, timeout;
        unsigned down_after, up_after;
    } health;
};

struct config {
    atomic_uint refs;
    char *source;          /* file name, or "environment" */
    struct conf_listen *listens;
    size_t listen_count;
    struct {
        struct conf_listen *listens; /* none: no admin listener */
        size_t listen_count;
    } admin;
    unsigned workers;      /* 0 = auto */
    struct conf_limits limits;
    struct conf_timeouts timeouts;
    struct conf_log log;
    struct conf_upstream *upstreams;
    size_t upstream_count;
};

/* Every mistake of a file at once. */
struct config_errors {
    struct buf text;       /* lines "file:line:column: what; what was expected; did you mean …\n" */
    unsigned count;
};

/* From a file (refs = 1), or NULL with errors. ${NAME} and ${NAME:-default} come from the environment; secrets' values
 * never appear in errors. */
struct config *config_load(const char *path, struct config_errors *errors);
/* The same from bytes; `name` stands for the file in errors. For tests and fuzzing. */
struct config *config_parse(const char *name, struct text yaml, struct config_errors *errors);
/* Without a file: DEEPSEEK_API_KEY (else the client's key passes through), DEEPSEEK_BASE_URL, DSGATE_LISTEN,
 * DSGATE_ADMIN. */
struct config *config_from_environment(struct config_errors *errors);
void config_errors_free(struct config_errors *errors);

struct config *config_ref(const struct config *c); /* casts const away only for the count */
void config_unref(const struct config *c);         /* wipes secrets; NULL is fine */

/* The annotated reference file, generated from the option table; and the same as mdoc list items for dsgate.yaml(5). */
void config_write_reference(FILE *out);
void config_write_manual(FILE *out);

#endif
