/* The part of the option table that is about the response cache: where answers are kept, and by a route which of them.
 */
#include "options.h"
#include "value.h"

#define CACHE(field) offsetof(struct conf_cache, field)
#define REDIS(field) offsetof(struct conf_redis, field)
#define ROUTE(field) offsetof(struct conf_cache_route, field)

static const struct option redis_rows[] = {
    {"url", OPTION_REDIS_URL, REDIS(url), .unset = "there is none", .example = "redis://127.0.0.1:6379/0",
     .doc = "redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE], rediss:// for TLS, or unix:/PATH[?db=DATABASE] for a "
            "socket. In a user or password, characters such as @ : / ? # % are written as %40 %3A %2F %3F %23 %25."},
    {"password_file", OPTION_SECRET_FILE, REDIS(password), .check = value_line, .example = "/run/secrets/redis",
     .doc = "Regular file of at most 64KB that holds the password; one newline at its end is dropped."},
    {"tls", OPTION_SECTION, REDIS(tls), .table = &client_tls_table, .doc = "TLS towards a rediss server."},
    {"timeout", OPTION_DURATION, REDIS(timeout), .fallback = "50ms", .min = "1ms", .max = "10s",
     .doc = "A question that is not answered by then counts as a miss, and the request goes on."},
    {"prefix", OPTION_TEXT, REDIS(prefix), .fallback = "dsgate", .check = value_prefix,
     .doc = "All names there begin with it. Gateways with the same one share what they keep, as long as their clocks "
            "agree within 10 s."},
};
static const struct option_table redis_table = {
    .size = sizeof(struct conf_redis), ROWS(redis_rows), .shorthand = "url"};

static const struct option cache_rows[] = {
    {"memory", OPTION_SIZE, CACHE(memory), .fallback = "256MB", .min = "1MB", .max = "1024GB", .word = "0",
     .doc = "Memory for answers, their bookkeeping included; with 0 none are kept there."},
    {"entry", OPTION_SIZE, CACHE(entry), .fallback = "1MB", .min = "1KB", .max = "256MB",
     .doc = "Larger answers are not kept, nor are plain ones above limits.answer_hold. It is at most a sixteenth of "
            "memory, also where it is not set."},
    {"redis", OPTION_SECTION, CACHE(redis), .table = &redis_table, .example = "redis://127.0.0.1:6379/0",
     .shown = SHOWN_AS_COMMENT,
     .doc = "A Redis server that keeps answers as well: for several gateways, and over restarts. Just a URL stands for "
            "{url: URL}. A change counts from the next start on."},
};
const struct option_table cache_table = {.size = sizeof(struct conf_cache), ROWS(cache_rows)};

static const char *const modes[] = {"deterministic", "always", "off", NULL};
static const char *const scopes[] = {"shared", "tenant", NULL};
#define TIME(usual, least, most) .fallback = usual, .min = least, .max = most
static const struct option cache_route_rows[] = {
    {"mode", OPTION_ENUM, ROUTE(mode), .fallback = "deterministic", .names = modes,
     .doc = "deterministic: answers that are the same each time, as far as can be seen: embeddings, and of requests "
            "with a seed, or with temperature 0 where the model does not think. always: all answers. off: none."},
    {"scope", OPTION_SWITCH, ROUTE(shared), .fallback = "tenant", .names = scopes,
     .doc = "tenant: each caller, known by its API key, gets its own answers only. shared: all callers share theirs."},
    {"ttl", OPTION_DURATION, ROUTE(ttl), TIME("300s", "1s", "30d"),
     .doc = "How long an answer is given again. A request may ask for another time, by {cache: {ttl: SECONDS}} in its "
            "body; with scope: shared only for a shorter one."},
    {"stale_while_revalidate", OPTION_DURATION, ROUTE(revalidate), TIME("0s", "0s", "30d"),
     .doc = "For so long after its ttl an answer is still given, while a new one is fetched."},
    {"stale_if_error", OPTION_DURATION, ROUTE(stale), TIME("1h", "0s", "30d"),
     .doc = "For so long after its ttl an answer is kept for the fallback stale. Without that fallback it is not."},
    {"negative", OPTION_DURATION, ROUTE(negative), TIME("0s", "0s", "1h"),
     .doc = "How long an upstream's word that a request is malformed (400) is given again; 0s: not at all."},
    {"pace", OPTION_COUNT, ROUTE(pace), .fallback = "0", .min = "0", .max = "10000",
     .doc = "Events a second of a stream that comes from the cache; 0: as fast as the client takes them."},
};
const struct option_table cache_route_table = {
    .size = sizeof(struct conf_cache_route), ROWS(cache_route_rows), .shorthand = "mode"};
