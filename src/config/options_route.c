/* The part of the option table that is about how requests are treated, by the model that they name. */
#include "options.h"
#include "route.h"
#include "value.h"

#define ROUTE(field) offsetof(struct conf_route, field)
#define RETRY(field) offsetof(struct conf_retry, field)
#define HEDGE(field) offsetof(struct conf_hedge, field)
#define RUNG(field)  offsetof(struct conf_rung, field)

static const struct option match_rows[] = {
    {"models", OPTION_TEXTS, ROUTE(models), ROUTE(model_count), .min = "1", .max = "256", .check = value_pattern,
     .required = true, .example = "[\"deepseek-*\"]",
     .doc = "Models as clients name them, or patterns: * stands for any characters, ? for one, [ab] for one of them."},
};
static const struct option_table match_table = {.size = sizeof(struct conf_route), ROWS(match_rows)};

static const struct option retry_rows[] = {
    {"attempts", OPTION_COUNT, RETRY(attempts), .fallback = "5", .min = "1", .max = "20",
     .doc = "Attempts of one request at most, the first one included."},
    {"base", OPTION_DURATION, RETRY(base), .fallback = "500ms", .min = "1ms", .max = "10m",
     .doc = "Wait after the first failed attempt where no other upstream is free; one that is free is asked at once."},
    {"factor", OPTION_DECIMAL, RETRY(factor), .fallback = "2", .min = "1", .max = "10",
     .doc = "Each further wait is so many times as long as the one before."},
    {"cap", OPTION_DURATION, RETRY(cap), .fallback = "10s", .min = "1ms", .max = "10m",
     .doc = "Longest wait that it grows to."},
    {"jitter", OPTION_PERCENT, RETRY(jitter), .fallback = "20%", .min = "0%", .max = "100%",
     .doc = "By so much a wait is longer or shorter at random, so that not all come back at once."},
    {"retry_after", OPTION_DURATION, RETRY(retry_after), .fallback = "60s", .min = "0s", .max = "24h",
     .doc = "An upstream's Retry-After is waited for, but not for longer than this."},
    {"empty", OPTION_COUNT, RETRY(empty), .fallback = "1", .min = "0", .max = "5",
     .doc = "So many times an answer without any content counts as a failure; the next one is passed on."},
};
static const struct option_table retry_table = {.size = sizeof(struct conf_retry), ROWS(retry_rows)};

static const struct option hedge_rows[] = {
    {"after", OPTION_DURATION, HEDGE(after), .fallback = "p95", .min = "1ms", .max = "24h", .word = "p95",
     .never = "off",
     .doc =
         "How late: a time, or p95, within which 95% of the upstream's own answers had their first token. While that "
         "is not known, and with off, there is no second attempt."},
    {"budget", OPTION_PERCENT, HEDGE(budget), .fallback = "5%", .min = "0%", .max = "100%",
     .doc = "Part of the requests that may have a second attempt, over time."},
};
static const struct option_table hedge_table = {
    .size = sizeof(struct conf_hedge), ROWS(hedge_rows), .shorthand = "after"};

/* Explained by the row of `fallback`. */
static const char *const rung_causes[] = {"context_length", NULL};
static const char *const rung_words[] = {"stale", NULL};
static const struct option rung_rows[] = {
    {"model", OPTION_TEXT, RUNG(model), .check = value_model},
    {"on", OPTION_SWITCH, RUNG(context_length), .names = rung_causes},
    {"stale", OPTION_SWITCH, RUNG(stale), .names = rung_words},
    {"answer", OPTION_TEXT, RUNG(answer), .check = value_answer},
};
static const struct option_table rung_table = {
    .size = sizeof(struct conf_rung), ROWS(rung_rows), .shorthand = "stale"};

const char *const conf_policy_names[POLICY_COUNT + 1] = {"weighted", "least_busy", "latency", "cost", "affinity"};
static const char *const plain_ways[] = {"auto", "off", NULL};
static const struct option route_rows[] = {
    {"match", OPTION_SECTION, .table = &match_table, .required = true, .example = "{models: [\"deepseek-*\"]}",
     .doc = "Which requests it is for."},
    {"policy", OPTION_ENUM, ROUTE(policy), .fallback = "weighted", .names = conf_policy_names,
     .doc = "How one of several upstreams is chosen: in proportion to the weights; the least busy; the one with the "
            "soonest first token; the cheapest; or always the same for one conversation, whose beginning it then has "
            "in its cache."},
    {"priority", PRIORITY(ROUTE(priority)), .unset = "the queue's", .example = "P3",
     .doc = "Class of requests for which neither they nor their caller say one."},
    {"retry", OPTION_SECTION, ROUTE(retry), .table = &retry_table, .example = "{attempts: 5}",
     .doc = "When and how often a request is tried again that has failed before its client saw a part of the answer."},
    {"hedge", OPTION_SECTION, ROUTE(hedge), .table = &hedge_table, .example = "{after: p95}",
     .doc = "When the first token is late, a second attempt begins at an upstream of another account. The first token "
            "of either wins, and the other attempt is cancelled. `hedge: off` stands for {after: off}."},
    {"continue", OPTION_FLAG, ROUTE(continues), .fallback = "true",
     .doc = "A stream that breaks is gone on with by an upstream that can go on from a given text, so that the client "
            "sees one whole stream. Otherwise it ends in an error event."},
    {"plain", OPTION_SWITCH, ROUTE(plain_streams), .fallback = "auto", .names = plain_ways,
     .doc = "auto makes plain calls as streams and puts the answers together, so that first-token time-outs, hedging "
            "and going on after a cut work for them too; only towards upstreams whose dialect is known exactly, today "
            "deepseek. off makes none."},
    {"cache", OPTION_SECTION, ROUTE(cache), .table = &cache_route_table, .example = "{mode: deterministic}",
     .doc = "Which answers are kept, and given to who asks the same. `cache: off` stands for {mode: off}."},
    {"fallback", OPTION_LIST, ROUTE(fallback), ROUTE(fallback_count), .max = "16", .table = &rung_table,
     .unset = "the error is passed on",
     .example = "[{model: deepseek-v4-pro, on: context_length}, stale, {answer: \"Please try again.\"}]",
     .doc = "What is done when nothing else has helped, in order. {model: NAME} asks another model, by its clients' "
            "name; with on: context_length only for requests that are too long for theirs. stale gives an answer from "
            "the cache that is older than its ttl, if there is one. {answer: TEXT} gives a fixed answer, and comes "
            "last. The header x-dsgate-fallback tells the client. Embeddings and counts of tokens get no other model "
            "and no fixed answer."},
};
const struct option_table route_table = {
    .size = sizeof(struct conf_route), ROWS(route_rows), .prepare = route_prepare, .finish = route_finish};
