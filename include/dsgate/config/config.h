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

/* TLS towards a server. */
struct conf_client_tls {
    char *ca_file, *cert_file, *key_file, *server_name;
    bool insecure;
};

struct conf_limits {
    uint64_t body;         /* request body */
    uint64_t bodies;       /* all request bodies at once */
    uint64_t headers;      /* request head */
    unsigned header_count;
    unsigned connections;  /* client connections at once */
    uint64_t answer_hold;  /* bytes of an answer held back before it is committed to the client */
    uint64_t event;        /* one server-sent event */
};

struct conf_timeouts {
    usec_t connect, first_byte, first_token, idle, total; /* towards upstreams */
    usec_t commit;         /* a stream whose first token is late gets its head and keep-alives from the gateway after
                            * this, and then as often */
    usec_t request_head, request_body, keep_alive, write; /* towards clients */
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

/* P0 urgent, P1 interactive, P2 normal, P3 batch. */
enum conf_priority { PRIORITY_P0, PRIORITY_P1, PRIORITY_P2, PRIORITY_P3, PRIORITY_COUNT };
extern const char *const conf_priority_names[PRIORITY_COUNT + 1]; /* P0 … P3, then NULL */
extern const char *const conf_priority_words[PRIORITY_COUNT + 1]; /* urgent high normal low, then NULL */

/* How an upstream is chosen. */
enum conf_policy { POLICY_WEIGHTED, POLICY_LEAST_BUSY, POLICY_LATENCY, POLICY_COST, POLICY_AFFINITY, POLICY_COUNT };
extern const char *const conf_policy_names[POLICY_COUNT + 1]; /* weighted least_busy latency cost affinity, then NULL */

/* primary: serves. backup: only while no primary can, or for who may not wait. standby: only while many wait. */
enum conf_tier { TIER_PRIMARY, TIER_BACKUP, TIER_STANDBY, TIER_COUNT };
extern const char *const conf_tier_names[TIER_COUNT + 1]; /* then NULL */

/* When probes are sent: only after a failure, always, never. */
enum conf_probes { PROBES_SUSPECTED, PROBES_ALWAYS, PROBES_NEVER };

/* A model of one upstream as that upstream calls it ("*": all of them together) and its most calls in flight. */
struct conf_cap {
    char *model;
    unsigned limit;        /* 0 = none */
};

/* One class of the queue. */
struct conf_class {
    usec_t max_wait;       /* who has waited longer goes before others: see sched/lane.h */
    usec_t timeout;        /* longest wait; then 503 */
    unsigned max_waiting;  /* further ones are refused; 0 = none but queue.max_waiting */
    unsigned start_below;  /* percent of an upstream's limit in use from which on none is started; 100: always */
    char **off_peak;       /* windows (base/calendar.h) in which start_below does not count */
    size_t off_peak_count;
};

struct conf_queue {
    unsigned reserve_p0;   /* percent of every limit that only P0 may use */
    unsigned max_waiting;  /* requests that wait, all classes together */
    enum conf_priority priority; /* of requests that do not say */
    enum conf_priority ceiling;  /* of callers that are not listed */
    struct conf_class classes[PRIORITY_COUNT];
};

/* When and how often a request is tried again: see relay/retry.h. */
struct conf_retry {
    unsigned attempts;     /* of one request at most, the first one included; 1…20 */
    usec_t base, cap;      /* delay after the first failure, and at most */
    double factor;         /* 1…10 */
    unsigned jitter;       /* percent of the delay; 0…100 */
    usec_t retry_after;    /* an upstream's Retry-After counts as this when it is longer */
    unsigned empty;        /* so many times an answer without any content is taken for a failure; 0…5 */
};

/* A second attempt beside the first when its first token is late. */
struct conf_hedge {
    usec_t after;          /* 0: the upstream's own p95; USEC_NEVER: off */
    unsigned budget;       /* percent of the requests that may be hedged, over time; 0…100 */
};

/* What is done when nothing else has helped; in order. Just one of model, stale and answer. */
struct conf_rung {
    char *model;           /* another model is asked, by its client's name */
    bool stale;            /* an answer from the cache that is too old is given, if there is one */
    char *answer;          /* a fixed answer is given; UTF-8 */
    bool context_length;   /* only for requests that are too long for the model (and no other); with `model` only */
};

/* Which requests are answered from the cache: those whose answers are the same each time, as far as can be seen
 * (cache/policy.h); all of them; none. */
enum conf_cache_mode { CACHE_DETERMINISTIC, CACHE_ALWAYS, CACHE_OFF };

struct conf_cache_route {
    enum conf_cache_mode mode;
    bool shared;           /* callers get each other's answers; else each has its own */
    usec_t ttl;            /* how long an answer is given to who asks for the same */
    usec_t revalidate;     /* … and for so long after that, while a new one is fetched (stale-while-revalidate) */
    usec_t stale;          /* … and for so long after ttl for want of anything better (stale-if-error); 0 where the
                            * fallback does not say `stale` */
    usec_t negative;       /* how long an upstream's word that a request is malformed is remembered; 0: not at all */
    unsigned pace;         /* events a second of a stream from the cache; 0: at once */
};

/* A Redis server. */
struct conf_redis {
    char *url;             /* as written, but for the password; NULL: there is none. Taken apart: */
    bool uses_tls;         /* rediss:// */
    char *host;            /* lower case, an IPv6 address without its brackets; NULL: */
    char *path;            /* … of a Unix socket */
    unsigned port, database;
    char *user, *password; /* NULL: none. The password is the URL's, or in a file */
    struct conf_client_tls tls;
    usec_t timeout;        /* of each question */
    char *prefix;          /* of all names there */
};

/* Whether both mean the same server, asked in the same way. */
bool conf_redis_same(const struct conf_redis *a, const struct conf_redis *b);

#define CONF_CACHE_SHARE 16 /* one answer takes no more than this part of the memory level */
struct conf_cache {
    uint64_t memory;       /* bytes of the memory level; 0: there is none */
    uint64_t entry;        /* bytes of one answer; at most memory / CONF_CACHE_SHARE, if there is memory */
    struct conf_redis redis;
};

/* First match wins. */
struct conf_route {
    char **models;         /* fnmatch(3) patterns of clients' model names */
    size_t model_count;
    enum conf_policy policy;
    enum conf_priority priority; /* PRIORITY_COUNT: the queue's */
    struct conf_retry retry;
    struct conf_hedge hedge;
    bool continues;        /* streams that break are gone on with elsewhere */
    bool plain_streams;    /* plain calls are made as streams where llm/dialect.h says that nobody can tell */
    struct conf_cache_route cache;
    struct conf_rung *fallback;
    size_t fallback_count;
};

/* Somebody whose requests are known by their API key. */
struct conf_caller {
    char *name;            /* unique; it becomes a metric label */
    char *key_sha256;      /* 64 lower-case hexadecimal digits */
    enum conf_priority priority; /* of requests that do not say; PRIORITY_COUNT: the route's or the queue's */
    enum conf_priority ceiling;  /* the most urgent that it may have */
    unsigned weight;       /* share of the turns, relative to other callers; 1…1000 */
};

/* 0 = no limit. Days begin at midnight in `zone`. */
struct conf_quota {
    uint64_t requests_per_minute, tokens_per_minute;
    uint64_t requests_per_day, tokens_per_day;
    double cost_per_day;   /* USD */
    char *zone;            /* IANA name, or "+08:00"; "UTC" */
};

struct conf_breaker {
    unsigned failures;     /* in a row that open it; 0 = never */
    unsigned failure_rate; /* percent of a window's results that opens it; 0 = never */
    unsigned volume;       /* least results in the window for that */
    usec_t window;
    usec_t open, open_max; /* how long it stays open at first, and at most when trials keep failing */
    unsigned half_open;    /* percent of its share that is let through as a trial */
    unsigned trials;       /* at once at most; and so many successes close it */
};

enum { CONF_ENDPOINTS_MAX = 256 }; /* of all upstreams: one each, or max_endpoints */

/* Many endpoints behind one name. */
struct conf_discover {
    char *records;         /* "a" (A and AAAA) or "srv"; NULL = off: base_url is one endpoint */
    char *name;            /* to ask for; NULL: base_url's host */
    char *server;          /* DNS server "127.0.0.1:8600"; NULL: the system's */
    unsigned max_endpoints;
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
    char *api_key;         /* NULL: the client's own key passes through, unless there are several: */
    char **api_keys;       /* used in turn; then api_key is NULL. conf_key() tells either */
    size_t api_key_count;
    unsigned weight;       /* 1…1000 */
    struct conf_cap *caps; /* of the account: in all ("*") and by model */
    size_t cap_count;
    bool adaptive;         /* let 429 and 503 lower the limits for a while */
    char *account;         /* upstreams with one account share its caps; NULL: its own */
    enum conf_tier tier;
    struct {
        unsigned queue;    /* a standby joins while more than so many requests wait */
    } activate;
    char *zone;            /* preferred when it is the gateway's; NULL = none */
    unsigned canary;       /* percent of the requests it could get, whatever the weights; 0 = by weight */
    usec_t slow_start;     /* after a recovery its share grows for so long */
    struct conf_quota quota;
    char **peak;           /* windows in which peak_price counts */
    size_t peak_count;
    struct conf_breaker breaker;
    struct conf_discover discover;
    struct conf_model *models;
    size_t model_count;    /* 0: any model */
    char **resolve;        /* pinned addresses "1.2.3.4", "[::1]:8443", "unix:/run/x.sock" */
    size_t resolve_count;
    struct conf_header *headers; /* set on every request to this upstream */
    size_t header_count;
    struct conf_client_tls tls;
    struct conf_timeouts timeouts; /* connect, first_byte, first_token, idle, total: its own, or the global ones */
    struct {
        char *path;        /* below base_path; "/models" */
        enum conf_probes when;
        usec_t interval, timeout;
        unsigned down_after, up_after;
    } health;
};

/* The i-th of an upstream's own keys, i below conf_key_count(); NULL, 0: it has none. */
static inline const char *conf_key(const struct conf_upstream *u, unsigned i)
{
    return i < u->api_key_count ? u->api_keys[i] : u->api_key;
}
static inline unsigned conf_key_count(const struct conf_upstream *u)
{
    return u->api_key_count ? (unsigned)u->api_key_count : u->api_key != NULL;
}

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
    char *zone;            /* where the gateway is; NULL: no upstream is nearer than another */
    struct {
        char *file;        /* what must survive a restart; NULL: nothing does */
    } state;
    struct conf_queue queue;
    struct conf_cache cache;
    struct conf_caller *callers;
    size_t caller_count;
    struct conf_route *routes;
    size_t route_count;
    struct conf_route other; /* the defaults: for models that no route matches */
    struct {
        unsigned budget;   /* percent of the requests that may be retried, over time; 0…100 */
        unsigned floor;    /* retries a second that are always allowed; 0…1000 */
    } retries;
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
