/* options.c - the option table: every key of dsgate.yaml with its place, default, bounds and explanation. */
#include "options.h"
#include "check.h"
#include "value.h"

/* Where a field is, from the fields of the struct the table is for. */
#define LISTEN(field)  offsetof(struct conf_listen, field)
#define LIMIT(field)   offsetof(struct conf_limits, field)
#define TIMEOUT(field) offsetof(struct conf_timeouts, field)
#define LOG(field)     offsetof(struct conf_log, field)
#define CONFIG(field)  offsetof(struct config, field)

static const struct option listen_tls_rows[] = {
    {"cert_file", OPTION_TEXT, LISTEN(tls.cert_file), .check = value_file, .example = "/etc/dsgate/server.pem",
     .doc = "Certificate chain in PEM; it turns TLS on and needs key_file."},
    {"key_file", OPTION_TEXT, LISTEN(tls.key_file), .check = value_file, .example = "/etc/dsgate/server.key",
     .doc = "Private key in PEM of the certificate."},
    {"client_ca_file", OPTION_TEXT, LISTEN(tls.client_ca_file), .check = value_file,
     .example = "/etc/dsgate/clients.pem",
     .doc = "Certificate authorities in PEM; with them every client must show a certificate that one of them signed."},
};
static const struct option_table listen_tls_table = {.size = sizeof(struct conf_listen), ROWS(listen_tls_rows)};

static const struct option listen_rows[] = {
    {"address", OPTION_TEXT, LISTEN(address), .check = value_listen, .required = true, .example = "127.0.0.1:8585",
     .doc = "Literal address: 127.0.0.1:8585, \"[::1]:8585\", :8585 for every interface, or "
            "unix:/run/dsgate/dsgate.sock."},
    {"mode", OPTION_MODE, LISTEN(mode), .fallback = "0660", .min = "0", .max = "0777",
     .doc = "Permissions of a Unix socket."},
    {"tls", OPTION_SECTION, .table = &listen_tls_table, .doc = "TLS 1.2 or later towards clients."},
};
static const struct option_table listen_table = {
    .size = sizeof(struct conf_listen), ROWS(listen_rows), .shorthand = "address", .finish = check_listen};

static const struct option admin_rows[] = {
    {"listen", OPTION_LIST, CONFIG(admin.listens), CONFIG(admin.listen_count), .fallback = "127.0.0.1:8586",
     .max = "64", .word = "off", .table = &listen_table,
     .doc = "Where health, metrics and administration are served, never on the API's addresses: an address, a list, or "
            "mappings, as for the API. Keep it on addresses that only operators reach."},
};
static const struct option_table admin_table = {.size = sizeof(struct config), ROWS(admin_rows)};

static const struct option limit_rows[] = {
    {"body", OPTION_SIZE, LIMIT(body), .fallback = "10MB", .min = "1KB", .max = "1GB",
     .doc = "Largest request body; a larger one is answered with 413."},
    {"bodies", OPTION_SIZE, LIMIT(bodies), .fallback = "1GB", .min = "1MB", .max = "1024GB",
     .doc = "Memory for request bodies over 16KB, all together; what does not fit is answered with 503."},
    {"headers", OPTION_SIZE, LIMIT(headers), .fallback = "32KB", .min = "1KB", .max = "1MB",
     .doc = "Largest request head, from the request line to the blank line; a larger one is answered with 431."},
    {"header_count", OPTION_COUNT, LIMIT(header_count), .fallback = "100", .min = "10", .max = "128",
     .doc = "Most header fields of one request or answer."},
    {"connections", OPTION_COUNT, LIMIT(connections), .fallback = "20000", .min = "1", .max = "1000000",
     .doc = "Client connections at once, with two file descriptors each: the client's and the upstream's. Where the "
            "descriptor limit (ulimit -n) is too low for one table, each worker takes a table of its own; what does "
            "not fit even then is answered with 503."},
    {"answer_hold", OPTION_SIZE, LIMIT(answer_hold), .fallback = "1MB", .min = "4KB", .max = "1GB",
     .doc = "How much of an answer is held back, while failing over is still possible, before it is committed to the "
            "client."},
    {"event", OPTION_SIZE, LIMIT(event), .fallback = "4MB", .min = "4KB", .max = "1GB",
     .doc = "Largest single server-sent event of an upstream."},
};
static const struct option_table limit_table = {.size = sizeof(struct conf_limits), ROWS(limit_rows)};

#define TIME(name, usual) #name, OPTION_DURATION, TIMEOUT(name), .fallback = usual, .max = "24h"
static const struct option timeout_rows[] = {
    {TIME(connect, "5s"), .min = "1ms", .doc = "Connecting to an upstream, TLS included."},
    {TIME(first_byte, "60s"), .min = "1ms", .doc = "From the sent request to the first byte of an upstream's answer."},
    {TIME(first_token, "60s"), .min = "1ms",
     .doc = "From the sent request to the first token of a stream. Keep-alive comments, blank lines and events without "
            "content are no tokens. An answer that is no stream, nor made as one (see plain), has none: first_byte and "
            "idle watch it."},
    {TIME(idle, "60s"), .min = "1ms", .doc = "Between two tokens of a stream, or two pieces of another answer."},
    {TIME(total, "10m"), .min = "1ms", .doc = "A whole request, with its waiting and all attempts."},
    {TIME(commit, "15s"), .min = "1ms",
     .doc = "A stream whose first token is late gets status 200 and a keep-alive comment from the gateway after this "
            "time, and then as often again, so that time-outs on the client's side don't end it; failing over stays "
            "possible. Counted from its first attempt: who waits for a first turn can still be told with a status."},
    {TIME(request_head, "10s"), .min = "1ms", .doc = "A client's request head, in all."},
    {TIME(request_body, "60s"), .min = "1ms", .doc = "A client's request body, in all."},
    {TIME(keep_alive, "75s"), .min = "1ms", .doc = "How long an idle client connection is kept."},
    {TIME(write, "60s"), .min = "1ms", .doc = "How long a client may take none of the bytes meant for it."},
    {TIME(drain, "30s"), .min = "0s", .doc = "How long streams may go on after SIGTERM."},
};
static const struct option_table timeout_table = {.size = sizeof(struct conf_timeouts), ROWS(timeout_rows)};

static const char *const log_levels[] = {"error", "warn", "info", "debug", NULL};
static const char *const log_formats[] = {"text", "json", NULL};
static const struct option log_rows[] = {
    {"access", OPTION_TEXT, LOG(access), .fallback = "stdout", .check = value_file,
     .doc = "Where the access log goes, one JSON object a request: stdout, stderr, off or the path of a file. A change "
            "counts from the next start on."},
    {"level", OPTION_CHOICE, LOG(level), .fallback = "info", .names = log_levels,
     .doc = "What the daemon itself logs on stderr."},
    {"format", OPTION_CHOICE, LOG(format), .fallback = "text", .names = log_formats,
     .doc = "Form of the daemon's own log: lines for people, or JSON."},
};
static const struct option_table log_table = {.size = sizeof(struct conf_log), ROWS(log_rows)};

static const struct option state_rows[] = {
    {"file", OPTION_TEXT, CONFIG(state.file), .check = value_file,
     .unset = "$STATE_DIRECTORY/state.db where systemd gives a StateDirectory, else nothing survives a restart",
     .example = "/var/lib/dsgate/state.db",
     .doc =
         "File for what must survive a restart, such as the quotas used today. \"\" turns it off. A change counts from "
         "the next start on."},
};
static const struct option_table state_table = {.size = sizeof(struct config), ROWS(state_rows)};

static const struct option retries_rows[] = {
    {"budget", OPTION_PERCENT, CONFIG(retries.budget), .fallback = "20%", .min = "0%", .max = "100%",
     .doc = "They are at most this share of its requests, over time."},
    {"floor", OPTION_COUNT, CONFIG(retries.floor), .fallback = "10", .min = "0", .max = "1000",
     .doc = "So many a second are always allowed."},
};
static const struct option_table retries_table = {.size = sizeof(struct config), ROWS(retries_rows)};

static const struct option config_rows[] = {
    {"listen", OPTION_LIST, CONFIG(listens), CONFIG(listen_count), .fallback = "127.0.0.1:8585", .min = "1",
     .max = "64", .table = &listen_table,
     .doc = "Where the API is served: an address, a list of addresses, or mappings with the keys below."},
    {"admin", OPTION_SECTION, .table = &admin_table, .example = "{listen: 127.0.0.1:8586}",
     .doc = "The administrators' side."},
    {"workers", OPTION_COUNT, CONFIG(workers), .fallback = "auto", .min = "1", .max = "256", .word = "auto",
     .doc = "Threads that serve requests; auto takes one per processor. A change counts from the next start on."},
    {"zone", OPTION_TEXT, CONFIG(zone), .check = value_name, .unset = "no upstream is nearer than another",
     .example = "cn-east",
     .doc = "Where this gateway stands, by any name: upstreams with the same name are preferred while they have room."},
    {"limits", OPTION_SECTION, CONFIG(limits), .table = &limit_table,
     .doc = "Sizes and numbers that are never exceeded."},
    {"timeouts", OPTION_SECTION, CONFIG(timeouts), .table = &timeout_table, .doc = "Time limits."},
    {"log", OPTION_SECTION, CONFIG(log), .table = &log_table, .doc = "Logs."},
    {"state", OPTION_SECTION, .table = &state_table, .doc = "What is kept on disk."},
    {"queue", OPTION_SECTION, CONFIG(queue), .table = &queue_table,
     .doc = "How requests wait for an upstream, in four classes: P0 urgent, P1 interactive, P2 normal, P3 batch."},
    {"cache", OPTION_SECTION, CONFIG(cache), .table = &cache_table,
     .doc = "Where answers are kept; which of them, a route's own cache says."},
    {"callers", OPTION_LIST, CONFIG(callers), CONFIG(caller_count), .max = "1000", .table = &caller_table,
     .shown = SHOWN_AS_COMMENT,
     .doc = "Who is known by the API key that it sends. Anybody else may call too, as queue says."},
    {"routes", OPTION_LIST, CONFIG(routes), CONFIG(route_count), .max = "256", .table = &route_table,
     .shown = SHOWN_AS_COMMENT,
     .doc = "How requests are treated, by the model that they name; the first match wins. A model that none matches "
            "has the defaults below; a last route whose match is {models: [\"*\"]} changes them for all the others."},
    {"retries", OPTION_SECTION, .table = &retries_table, .example = "{budget: 20%}",
     .doc = "Retries of the whole gateway, so that they never become the storm that they are to survive."},
    {"upstreams", OPTION_LIST, CONFIG(upstreams), CONFIG(upstream_count), .min = "1", .max = "64",
     .table = &upstream_table, .unset = "DeepSeek, with DEEPSEEK_API_KEY and DEEPSEEK_BASE_URL where set",
     .doc = "Providers and servers that requests are sent to."},
};
const struct option_table config_table = {.size = sizeof(struct config), ROWS(config_rows)};
