/* options.c - the option table: every key of dsgate.yaml with its place, default, bounds and explanation. */
#include "check.h"
#include "option.h"
#include "upstream.h"
#include "value.h"

#define ROWS(rows) (rows), sizeof(rows) / sizeof *(rows)

/* Where a field is, from the fields of the struct the table is for. */
#define LISTEN(field)   offsetof(struct conf_listen, field)
#define LIMIT(field)    offsetof(struct conf_limits, field)
#define TIMEOUT(field)  offsetof(struct conf_timeouts, field)
#define LOG(field)      offsetof(struct conf_log, field)
#define PRICE(field)    offsetof(struct conf_price, field)
#define MODEL(field)    offsetof(struct conf_model, field)
#define UPSTREAM(field) offsetof(struct conf_upstream, field)
#define CONFIG(field)   offsetof(struct config, field)

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
     .doc =
         "Client connections at once, with two file descriptors each: the client's and the upstream's. Where the "
         "descriptor limit (ulimit -n) is too low for one table, each worker takes a table of its own; what does not "
         "fit even then is answered with 503."},
    {"answer_hold", OPTION_SIZE, LIMIT(answer_hold), .fallback = "1MB", .min = "4KB", .max = "1GB",
     .doc = "How much of an answer is held back, while failing over is still possible, before it is committed to the "
            "client."},
    {"event", OPTION_SIZE, LIMIT(event), .fallback = "4MB", .min = "4KB", .max = "1GB",
     .doc = "Largest single server-sent event of an upstream."},
    {"waiting", OPTION_COUNT, LIMIT(waiting), .fallback = "10000", .min = "0", .max = "1000000",
     .doc = "Requests that may wait for an upstream at once; further ones are answered with 503 immediately."},
};
static const struct option_table limit_table = {.size = sizeof(struct conf_limits), ROWS(limit_rows)};

#define TIME(name, usual) #name, OPTION_DURATION, TIMEOUT(name), .fallback = usual, .max = "24h"
static const struct option timeout_rows[] = {
    {TIME(connect, "5s"), .min = "1ms", .doc = "Connecting to an upstream, TLS included."},
    {TIME(first_byte, "60s"), .min = "1ms", .doc = "From the sent request to the first byte of an upstream's answer."},
    {TIME(first_token, "60s"), .min = "1ms",
     .doc = "From the sent request to the first token. Keep-alive comments and blank lines are no tokens."},
    {TIME(idle, "60s"), .min = "1ms", .doc = "Between two tokens of a stream, or two pieces of another answer."},
    {TIME(total, "10m"), .min = "1ms", .doc = "A whole request, with its waiting and all attempts."},
    {TIME(commit, "15s"), .min = "1ms",
     .doc = "A stream whose first token is late is committed to its upstream after this time, so that the client sees "
            "signs of life; until then a failure can still move to another upstream unseen."},
    {TIME(request_head, "10s"), .min = "1ms", .doc = "A client's request head, in all."},
    {TIME(request_body, "60s"), .min = "1ms", .doc = "A client's request body, in all."},
    {TIME(keep_alive, "75s"), .min = "1ms", .doc = "How long an idle client connection is kept."},
    {TIME(write, "60s"), .min = "1ms", .doc = "How long a client may take none of the bytes meant for it."},
    {TIME(queue, "60s"), .min = "0s",
     .doc = "Longest wait for an upstream; 0 answers with 503 at once when all are busy."},
    {TIME(drain, "30s"), .min = "0s", .doc = "How long streams may go on after SIGTERM."},
};
static const struct option_table timeout_table = {.size = sizeof(struct conf_timeouts), ROWS(timeout_rows)};

static const char *const log_levels[] = {"error", "warn", "info", "debug", NULL};
static const char *const log_formats[] = {"text", "json", NULL};
static const struct option log_rows[] = {
    {"access", OPTION_TEXT, LOG(access), .fallback = "stdout", .check = value_file,
     .doc = "Where the access log goes, one JSON object a request: stdout, stderr, off or the path of a file."},
    {"level", OPTION_CHOICE, LOG(level), .fallback = "info", .names = log_levels,
     .doc = "What the daemon itself logs on stderr."},
    {"format", OPTION_CHOICE, LOG(format), .fallback = "text", .names = log_formats,
     .doc = "Form of the daemon's own log: lines for people, or JSON."},
};
static const struct option_table log_table = {.size = sizeof(struct conf_log), ROWS(log_rows)};

#define MONEY(name) #name, OPTION_PRICE, PRICE(name), .min = "0", .max = "1000000", .unset = "0, not known"
static const struct option price_rows[] = {
    {MONEY(cache_hit), .example = "0.003", .doc = "Prompt tokens that the provider's own cache held."},
    {MONEY(cache_miss), .example = "0.15", .doc = "All other prompt tokens."},
    {MONEY(output), .example = "0.60", .doc = "Completion tokens, thinking included."},
};
static const struct option_table price_table = {.size = sizeof(struct conf_price), ROWS(price_rows)};

static const char *const thinking_modes[] = {"enabled", "disabled", NULL};
static const struct option model_rows[] = {
    {"name", OPTION_TEXT, MODEL(name), .check = value_model, .unset = "the clients' name", .example = "deepseek-flash",
     .doc = "What this upstream calls the model. \"*\" keeps the clients' name."},
    {"thinking", OPTION_CHOICE, MODEL(thinking), .names = thinking_modes,
     .unset = "left to the client and the upstream", .example = "disabled",
     .doc = "Thinking mode of requests that do not say it themselves."},
    {"price", OPTION_SECTION, MODEL(price), .table = &price_table,
     .doc = "USD per million tokens; kept for later, nothing reads it yet."},
    {"peak_price", OPTION_SECTION, MODEL(peak_price), .table = &price_table,
     .doc = "USD per million tokens at the provider's peak hours; kept for later, nothing reads it yet."},
};
static const struct option_table model_table = {.size = sizeof(struct conf_model),
                                                ROWS(model_rows),
                                                .shorthand = "name",
                                                .check_key = value_model,
                                                .finish = check_model};

static const struct option header_rows[] = {
    {"value", OPTION_SECRET, offsetof(struct conf_header, value), .check = value_header_value, .required = true},
};
static const struct option_table header_table = {.size = sizeof(struct conf_header),
                                                 ROWS(header_rows),
                                                 .shorthand = "value",
                                                 .keys_nocase = true,
                                                 .check_key = value_header_name};

static const struct option upstream_tls_rows[] = {
    {"ca_file", OPTION_TEXT, UPSTREAM(tls.ca_file), .check = value_file, .unset = "the system's",
     .example = "/etc/dsgate/ca.pem",
     .doc = "Certificate authorities in PEM that may sign the upstream's certificate."},
    {"cert_file", OPTION_TEXT, UPSTREAM(tls.cert_file), .check = value_file, .example = "/etc/dsgate/client.pem",
     .doc = "Certificate in PEM to show to the upstream; it needs key_file."},
    {"key_file", OPTION_TEXT, UPSTREAM(tls.key_file), .check = value_file, .example = "/etc/dsgate/client.key",
     .doc = "Private key in PEM of that certificate."},
    {"server_name", OPTION_TEXT, UPSTREAM(tls.server_name), .check = value_host, .unset = "the host of base_url",
     .example = "api.deepseek.com", .doc = "Name to ask for (SNI) and to find in the upstream's certificate."},
    {"insecure", OPTION_FLAG, UPSTREAM(tls.insecure), .fallback = "false",
     .doc = "Accept any certificate. Whoever is on the way can then read the key: for experiments only."},
};
static const struct option_table upstream_tls_table = {.size = sizeof(struct conf_upstream), ROWS(upstream_tls_rows)};

#define UPSTREAM_TIME(name) #name, OPTION_DURATION, UPSTREAM(timeouts.name), .min = "1ms", .max = "24h"
static const struct option upstream_timeout_rows[] = {
    {UPSTREAM_TIME(connect), .example = "5s", .doc = "Instead of timeouts.connect for this upstream."},
    {UPSTREAM_TIME(first_byte), .example = "60s", .doc = "Instead of timeouts.first_byte."},
    {UPSTREAM_TIME(first_token), .example = "60s", .doc = "Instead of timeouts.first_token."},
    {UPSTREAM_TIME(idle), .example = "60s", .doc = "Instead of timeouts.idle."},
    {UPSTREAM_TIME(total), .example = "10m", .doc = "Instead of timeouts.total, for attempts on this upstream."},
};
static const struct option_table upstream_timeout_table = {.size = sizeof(struct conf_upstream),
                                                           ROWS(upstream_timeout_rows)};

static const struct option health_rows[] = {
    {"path", OPTION_TEXT, UPSTREAM(health.path), .fallback = "/models", .check = value_path,
     .doc = "Path below base_url's that a probe gets. It should cost nothing."},
    {"interval", OPTION_DURATION, UPSTREAM(health.interval), .fallback = "10s", .min = "100ms", .max = "24h",
     .doc = "Time between two probes."},
    {"timeout", OPTION_DURATION, UPSTREAM(health.timeout), .fallback = "5s", .min = "1ms", .max = "10m",
     .doc = "How long a probe may take in all."},
    {"down_after", OPTION_COUNT, UPSTREAM(health.down_after), .fallback = "3", .min = "1", .max = "1000",
     .doc = "Failed probes in a row that take the upstream out."},
    {"up_after", OPTION_COUNT, UPSTREAM(health.up_after), .fallback = "2", .min = "1", .max = "1000",
     .doc = "Good probes in a row that bring it back."},
};
static const struct option_table health_table = {.size = sizeof(struct conf_upstream), ROWS(health_rows)};

static const char *const auth_headers[] = {"authorization", "api-key", "x-api-key", NULL};
const char *const dialect_names[DIALECT_COUNT + 1] = {
    "openai",   "deepseek",  "ark",   "dashscope", "tencent", "huawei", "qianfan",  "siliconflow", "openrouter",
    "together", "fireworks", "azure", "nim",       "vllm",    "sglang", "llamacpp", "ollama"};

static const struct option upstream_rows[] = {
    {"name", OPTION_TEXT, UPSTREAM(name), .check = value_name, .required = true, .unset = "the preset's name",
     .example = "deepseek", .shown = SHOWN_AS_COMMENT, .doc = "Unique name of the upstream in logs and metrics."},
    {"preset", OPTION_TEXT, UPSTREAM(preset), .check = value_name, .example = "deepseek", .shown = SHOWN_SET,
     .doc = "Provider whose address, dialect and model names to begin with; keys given here override it. One of: "
            "deepseek, "
            "openai, volcengine, dashscope, tencent, huawei, qianfan, siliconflow, openrouter, together, fireworks, "
            "azure (which needs a base_url), nim, vllm, sglang, llamacpp or ollama."},
    {"dialect", OPTION_ENUM, UPSTREAM(dialect), .fallback = "openai", .names = dialect_names, .shown = SHOWN_AS_COMMENT,
     .doc =
         "Provider's way of telling errors, usage, thinking and continuations; kept for later, nothing reads it yet."},
    {"base_url", OPTION_URL, UPSTREAM(base_url), .required = true, .unset = "the preset's",
     .example = "${DEEPSEEK_BASE_URL:-https://api.deepseek.com}",
     .doc = "Where the OpenAI-compatible API begins: http or https, a host, perhaps a port and a path such as /v1."},
    {"beta_path", OPTION_TEXT, UPSTREAM(beta_path), .check = value_path, .unset = "the preset's, or not served",
     .example = "/beta",
     .doc = "Where requests below /beta go, from the root of base_url's host. A preset's path moves along with "
            "base_url: it begins where the path of base_url ends, not counting a final /v1. \"\" turns it off."},
    {"anthropic_path", OPTION_TEXT, UPSTREAM(anthropic_path), .check = value_path,
     .unset = "the preset's, or not served", .example = "/anthropic/v1",
     .doc = "Where the Anthropic API's /messages is found, from the root of base_url's host; as for beta_path."},
    {"balance_path", OPTION_TEXT, UPSTREAM(balance_path), .check = value_path, .unset = "the preset's, or not served",
     .example = "/user/balance",
     .doc = "Where the account's balance is told, from the root of base_url's host; as for beta_path."},
    {"auth_header", OPTION_CHOICE, UPSTREAM(auth_header), .fallback = "authorization", .names = auth_headers,
     .shown = SHOWN_AS_COMMENT,
     .doc = "Header that carries the key: authorization (\"Bearer KEY\"), api-key or x-api-key (KEY alone)."},
    {"api_key", OPTION_SECRET, UPSTREAM(api_key), .check = value_key, .unset = "the client's own key passes through",
     .example = "${DEEPSEEK_API_KEY:-}", .shown = SHOWN_SET,
     .doc = "Key for this upstream. An empty one lets the client's own key through."},
    {"api_key_file", OPTION_SECRET_FILE, UPSTREAM(api_key), .check = value_key, .example = "/run/secrets/deepseek",
     .doc = "Regular file of at most 64KB that holds the key; one newline at its end is dropped."},
    {"api_key_credential", OPTION_CREDENTIAL, UPSTREAM(api_key), .check = value_key, .example = "deepseek",
     .doc = "Name of the systemd credential (LoadCredential=) that holds the key."},
    {"weight", OPTION_COUNT, UPSTREAM(weight), .fallback = "1", .min = "1", .max = "1000",
     .doc = "Share of the requests, relative to the other upstreams."},
    {"max_concurrency", OPTION_COUNT, UPSTREAM(max_concurrency), .fallback = "0", .min = "0", .max = "1000000",
     .doc = "Requests in flight at once; further ones wait. 0 sets no cap."},
    {"account", OPTION_TEXT, UPSTREAM(account), .check = value_name, .unset = "an account of its own",
     .example = "main", .doc = "Upstreams with the same account share its cap."},
    {"models", OPTION_KEYED, UPSTREAM(models), UPSTREAM(model_count), .max = "1000", .table = &model_table,
     .unset = "the preset's; none: any model", .example = "deepseek-chat",
     .doc =
         "Clients' names of the models this upstream serves, each with the upstream's own name, or a mapping of the "
         "keys below. The clients' name \"*\" stands for every other model. Rows come before the preset's and replace "
         "those of the same name."},
    {"resolve", OPTION_TEXTS, UPSTREAM(resolve), UPSTREAM(resolve_count), .max = "16", .check = value_pin,
     .unset = "DNS", .example = "[192.0.2.7, \"[2001:db8::7]:443\"]",
     .doc = "Addresses to connect to instead of asking DNS for base_url's host; unix:/path works too."},
    {"headers", OPTION_KEYED, UPSTREAM(headers), UPSTREAM(header_count), .max = "64", .table = &header_table,
     .example = "{x-title: my-app}",
     .doc = "Headers set on every request to this upstream. Their values are treated as secrets."},
    {"tls", OPTION_SECTION, .table = &upstream_tls_table, .doc = "TLS towards an https upstream."},
    {"timeouts", OPTION_SECTION, .table = &upstream_timeout_table, .doc = "Time limits of this upstream."},
    {"health", OPTION_SECTION, .table = &health_table, .doc = "Active probes."},
};
const struct option_table upstream_table = {
    .size = sizeof(struct conf_upstream), ROWS(upstream_rows), .prepare = upstream_prepare, .finish = upstream_finish};

static const struct option config_rows[] = {
    {"listen", OPTION_LIST, CONFIG(listens), CONFIG(listen_count), .fallback = "127.0.0.1:8585", .min = "1",
     .max = "64", .table = &listen_table,
     .doc = "Where the API is served: an address, a list of addresses, or mappings with the keys below."},
    {"admin", OPTION_SECTION, .table = &admin_table, .example = "{listen: 127.0.0.1:8586}",
     .doc = "The administrators' side."},
    {"workers", OPTION_COUNT, CONFIG(workers), .fallback = "auto", .min = "1", .max = "256", .word = "auto",
     .doc = "Threads that serve requests; auto takes one per processor."},
    {"limits", OPTION_SECTION, CONFIG(limits), .table = &limit_table,
     .doc = "Sizes and numbers that are never exceeded."},
    {"timeouts", OPTION_SECTION, CONFIG(timeouts), .table = &timeout_table, .doc = "Time limits."},
    {"log", OPTION_SECTION, CONFIG(log), .table = &log_table, .doc = "Logs."},
    {"upstreams", OPTION_LIST, CONFIG(upstreams), CONFIG(upstream_count), .min = "1", .max = "64",
     .table = &upstream_table, .unset = "DeepSeek, with DEEPSEEK_API_KEY and DEEPSEEK_BASE_URL where set",
     .doc = "Providers and servers that requests are sent to."},
};
const struct option_table config_table = {.size = sizeof(struct config), ROWS(config_rows)};
