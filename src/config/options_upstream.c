/* The part of the option table that is about upstreams. */
#include "check.h"
#include "options.h"
#include "upstream.h"
#include "value.h"

#define PRICE(field)    offsetof(struct conf_price, field)
#define MODEL(field)    offsetof(struct conf_model, field)
#define TLS(field)      offsetof(struct conf_client_tls, field)
#define UPSTREAM(field) offsetof(struct conf_upstream, field)

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
     .doc = "USD per million tokens, for the policy cost and for quota.cost_per_day."},
    {"peak_price", OPTION_SECTION, MODEL(peak_price), .table = &price_table, .unset = "price counts at all hours",
     .doc = "The same in the upstream's peak windows."},
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

static const struct option client_tls_rows[] = {
    {"ca_file", OPTION_TEXT, TLS(ca_file), .check = value_file, .unset = "the system's",
     .example = "/etc/dsgate/ca.pem",
     .doc = "Certificate authorities in PEM that may sign the server's certificate."},
    {"cert_file", OPTION_TEXT, TLS(cert_file), .check = value_file, .example = "/etc/dsgate/client.pem",
     .doc = "Certificate in PEM to show to the server; it needs key_file."},
    {"key_file", OPTION_TEXT, TLS(key_file), .check = value_file, .example = "/etc/dsgate/client.key",
     .doc = "Private key in PEM of that certificate."},
    {"server_name", OPTION_TEXT, TLS(server_name), .check = value_host, .unset = "the host of the URL",
     .example = "llm.example.com", .doc = "Name to ask for (SNI) and to find in the server's certificate."},
    {"insecure", OPTION_FLAG, TLS(insecure), .fallback = "false",
     .doc = "Accept any certificate. Whoever is on the way can then read everything: for experiments only."},
};
const struct option_table client_tls_table = {.size = sizeof(struct conf_client_tls), ROWS(client_tls_rows)};

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

static const char *const probe_times[] = {"suspected", "always", "never", NULL};
static const struct option health_rows[] = {
    {"when", OPTION_ENUM, UPSTREAM(health.when), .fallback = "suspected", .names = probe_times,
     .doc = "When probes are sent: while it is suspected, because a call or probe has failed, always or never."},
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

#define BREAKER(name)         #name, OPTION_COUNT, UPSTREAM(breaker.name)
#define BREAKER_PERCENT(name) #name, OPTION_PERCENT, UPSTREAM(breaker.name)
#define BREAKER_TIME(name)    #name, OPTION_DURATION, UPSTREAM(breaker.name)
static const struct option breaker_rows[] = {
    {BREAKER(failures), .fallback = "5", .min = "0", .max = "1000", .doc = "Failures in a row that open it; 0: never."},
    {BREAKER_PERCENT(failure_rate), .fallback = "50%", .min = "0%", .max = "100%",
     .doc = "Share of failures in the window that opens it; 0%: never."},
    {BREAKER(volume), .fallback = "20", .min = "1", .max = "1000000",
     .doc = "Results that there must be in the window before failure_rate counts."},
    {BREAKER_TIME(window), .fallback = "60s", .min = "1s", .max = "1h", .doc = "How far back failure_rate looks."},
    {BREAKER_TIME(open), .fallback = "30s", .min = "100ms", .max = "24h",
     .doc = "How long it stays open; then a few trials are let through. Each time one fails it grows."},
    {BREAKER_TIME(open_max), .fallback = "5m", .min = "100ms", .max = "24h", .doc = "Longest that it grows to."},
    {BREAKER_PERCENT(half_open), .fallback = "10%", .min = "1%", .max = "100%",
     .doc = "Part of its share of the requests that is let through as trials."},
    {BREAKER(trials), .fallback = "3", .min = "1", .max = "100",
     .doc = "Trials at once at most; as many good ones in a row close it."},
};
static const struct option_table breaker_table = {.size = sizeof(struct conf_upstream), ROWS(breaker_rows)};

#define QUOTA(name) #name, OPTION_COUNT64, UPSTREAM(quota.name), .fallback = "0", .min = "0", .max = "1000000000000000"
static const struct option quota_rows[] = {
    {QUOTA(requests_per_minute), .doc = "Most requests in any 60 seconds."},
    {QUOTA(tokens_per_minute), .doc = "Most tokens in any 60 seconds, prompts and completions together."},
    {QUOTA(requests_per_day), .doc = "Most requests in a day."},
    {QUOTA(tokens_per_day), .doc = "Most tokens in a day."},
    {"cost_per_day", OPTION_PRICE, UPSTREAM(quota.cost_per_day), .fallback = "0", .min = "0", .max = "1000000000",
     .doc = "Most money in a day, in USD by the models' prices."},
    {"zone", OPTION_TEXT, UPSTREAM(quota.zone), .fallback = "UTC", .check = value_time_zone,
     .doc = "Time zone in which days begin: UTC, an offset such as +08:00 or a name such as Asia/Shanghai."},
};
static const struct option_table quota_table = {.size = sizeof(struct conf_upstream), ROWS(quota_rows)};

static const char *const record_types[] = {"a", "srv", NULL};
static const struct option discover_rows[] = {
    {"records", OPTION_CHOICE, UPSTREAM(discover.records), .names = record_types, .unset = "base_url is one endpoint",
     .example = "srv",
     .doc = "What to ask DNS for: a takes every address (A and AAAA) as an endpoint, srv every SRV record with its "
            "port, weight and priority."},
    {"name", OPTION_TEXT, UPSTREAM(discover.name), .check = value_dns_name, .unset = "the host of base_url",
     .example = "_vllm._tcp.service.consul", .doc = "Name to ask for; SRV records need one."},
    {"server", OPTION_TEXT, UPSTREAM(discover.server), .check = value_server, .unset = "the system's",
     .example = "127.0.0.1:8600", .doc = "DNS server to ask, with its port."},
    {"max_endpoints", OPTION_COUNT, UPSTREAM(discover.max_endpoints), .fallback = "32", .min = "1", .max = "128",
     .shown = SHOWN_AS_COMMENT,
     .doc = "Endpoints that are used at most. All upstreams together, with those that are no name for many, have at "
            "most 256."},
};
static const struct option_table discover_table = {.size = sizeof(struct conf_upstream), ROWS(discover_rows)};

static const struct option activate_rows[] = {
    {"queue", OPTION_COUNT, UPSTREAM(activate.queue), .fallback = "100", .min = "0", .max = "1000000",
     .shown = SHOWN_AS_COMMENT,
     .doc = "It joins when more requests than this wait, and leaves when for 30 s no more than half as many have "
            "waited. Batch work that is only held back does not count."},
};
static const struct option_table activate_table = {.size = sizeof(struct conf_upstream), ROWS(activate_rows)};

/* The only row has the key of its owner, so that it is what mistakes are told about. */
static const struct option cap_rows[] = {
    {"max_concurrency", OPTION_COUNT, offsetof(struct conf_cap, limit), .min = "0", .max = "1000000"},
};
static const struct option_table cap_table = {.size = sizeof(struct conf_cap),
                                              ROWS(cap_rows),
                                              .shorthand = "max_concurrency",
                                              .check_key = value_model,
                                              .finish = check_cap};

const char *const conf_tier_names[TIER_COUNT + 1] = {"primary", "backup", "standby"};
static const char *const auth_headers[] = {"authorization", "api-key", "x-api-key", NULL};
static const char *const dialect_names[DIALECT_COUNT + 1] = {
    "openai",   "deepseek",  "ark",   "dashscope", "tencent", "huawei", "qianfan",  "siliconflow", "openrouter",
    "together", "fireworks", "azure", "nim",       "vllm",    "sglang", "llamacpp", "ollama"};

static const struct option upstream_rows[] = {
    {"name", OPTION_TEXT, UPSTREAM(name), .check = value_name, .required = true, .unset = "the preset's name",
     .example = "deepseek", .shown = SHOWN_AS_COMMENT, .doc = "Unique name of the upstream in logs and metrics."},
    {"preset", OPTION_TEXT, UPSTREAM(preset), .check = value_name, .example = "deepseek", .shown = SHOWN_SET,
     .doc = "Provider whose address, dialect and model names to begin with; keys given here override it. One of: "
            "deepseek, openai, volcengine, dashscope, tencent, huawei, qianfan, siliconflow, openrouter, together, "
            "fireworks, azure (which needs a base_url), nim, vllm, sglang, llamacpp or ollama."},
    {"dialect", OPTION_ENUM, UPSTREAM(dialect), .fallback = "openai", .names = dialect_names, .shown = SHOWN_AS_COMMENT,
     .doc = "Provider's way of telling errors, usage and thinking, and of going on from a given text: it decides where "
            "`continue` and `plain` of a route can work."},
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
    {"api_keys", OPTION_SECRETS, UPSTREAM(api_keys), UPSTREAM(api_key_count), .min = "1", .max = "32",
     .check = value_key, .example = "[\"${KEY_1}\", \"${KEY_2}\"]",
     .doc = "Several keys, used in turn. One that is refused (401, 402, 403) rests for a minute, and for twice as long "
            "each further time, 30 min at most."},
    {"weight", OPTION_COUNT, UPSTREAM(weight), .fallback = "1", .min = "1", .max = "1000",
     .doc = "Share of the requests, relative to the other upstreams."},
    {"max_concurrency", OPTION_KEYED, UPSTREAM(caps), UPSTREAM(cap_count), .max = "1000", .alone = true,
     .table = &cap_table, .unset = "no limit", .example = "{deepseek-v4-pro: 500, \"*\": 2500}",
     .doc = "Requests in flight at once; further ones wait. A number counts all models together; a mapping has one for "
            "each model, by the upstream's name, and \"*\" for all together. 0 sets no limit."},
    {"adaptive", OPTION_FLAG, UPSTREAM(adaptive), .fallback = "true",
     .doc = "When the upstream answers that it is busy (429, nothing but keep-alives, or 503 to more than half of its "
            "calls), lower these limits for a while, and send nothing at all for as long as its Retry-After says (60s "
            "at most)."},
    {"account", OPTION_TEXT, UPSTREAM(account), .check = value_name, .unset = "an account of its own",
     .example = "main", .doc = "Upstreams with the same account share its limits."},
    {"tier", OPTION_ENUM, UPSTREAM(tier), .fallback = "primary", .names = conf_tier_names,
     .doc = "A primary serves. A backup serves while no primary can, and, when all primaries are full, takes P0 and P1 "
            "that has waited for its max_wait. A standby serves while many wait."},
    {"activate", OPTION_SECTION, .table = &activate_table, .example = "{queue: 100}", .doc = "When a standby joins."},
    {"zone", OPTION_TEXT, UPSTREAM(zone), .check = value_name, .unset = "none", .example = "cn-east",
     .doc = "Where it stands; the gateway's own zone must be told then."},
    {"canary", OPTION_PERCENT, UPSTREAM(canary), .fallback = "0%", .min = "0%", .max = "100%",
     .doc = "This part of the requests, and no more while others can serve; 0%: no canary, the weights count. All "
            "canaries together stay below 100%."},
    {"slow_start", OPTION_DURATION, UPSTREAM(slow_start), .fallback = "30s", .min = "0s", .max = "1h",
     .doc = "After a recovery its share grows for so long."},
    {"quota", OPTION_SECTION, .table = &quota_table,
     .doc = "What it may use up; 0 sets no limit. Then the others serve until there is room again. Tokens of answers "
            "that tell no usage are estimated: one for each event, and one for four bytes of the request."},
    {"peak", OPTION_TEXTS, UPSTREAM(peak), UPSTREAM(peak_count), .max = "32", .check = value_window,
     .unset = "the preset's, or none", .example = "[\"Mon-Fri 09:00-18:00 Asia/Shanghai\"]",
     .doc = "Windows in which peak_price counts, as \"[DAYS ]HH:MM-HH:MM[ ZONE]\": every day and UTC, where not told."},
    {"breaker", OPTION_SECTION, .table = &breaker_table,
     .doc = "Circuit breaker, one for each model: who keeps failing is not asked for a while."},
    {"models", OPTION_KEYED, UPSTREAM(models), UPSTREAM(model_count), .max = "1000", .table = &model_table,
     .unset = "the preset's; none: any model", .example = "deepseek-chat",
     .doc = "Clients' names of the models this upstream serves, each with the upstream's own name, or a mapping of "
            "the keys below. The clients' name \"*\" stands for every other model. Rows come before the preset's and "
            "replace those of the same name."},
    {"resolve", OPTION_TEXTS, UPSTREAM(resolve), UPSTREAM(resolve_count), .max = "16", .check = value_pin,
     .unset = "DNS", .example = "[192.0.2.7, \"[2001:db8::7]:443\"]",
     .doc = "Addresses to connect to instead of asking DNS for base_url's host; unix:/path works too."},
    {"discover", OPTION_SECTION, .table = &discover_table, .example = "{records: a}",
     .doc = "Many endpoints behind one name, looked for in DNS again and again. Each has a breaker, limits and a quota "
            "of its own; with `account` they share the limits."},
    {"headers", OPTION_KEYED, UPSTREAM(headers), UPSTREAM(header_count), .max = "64", .table = &header_table,
     .example = "{x-title: my-app}",
     .doc = "Headers set on every request to this upstream. Their values are treated as secrets."},
    {"tls", OPTION_SECTION, UPSTREAM(tls), .table = &client_tls_table, .doc = "TLS towards an https upstream."},
    {"timeouts", OPTION_SECTION, .table = &upstream_timeout_table, .doc = "Time limits of this upstream."},
    {"health", OPTION_SECTION, .table = &health_table, .doc = "Active probes."},
};
const struct option_table upstream_table = {
    .size = sizeof(struct conf_upstream), ROWS(upstream_rows), .prepare = upstream_prepare, .finish = upstream_finish};
