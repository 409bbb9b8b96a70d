/* The part of the option table that is about who waits for what: the queue and callers. */
#include "options.h"
#include "queue.h"
#include "value.h"

#define CLASS(field)  offsetof(struct conf_class, field)
#define QUEUE(field)  offsetof(struct conf_queue, field)
#define CALLER(field) offsetof(struct conf_caller, field)

const char *const conf_priority_names[PRIORITY_COUNT + 1] = {"P0", "P1", "P2", "P3"};
const char *const conf_priority_words[PRIORITY_COUNT + 1] = {"urgent", "high", "normal", "low"};

/* Every class has a table of its own, since defaults and some keys are different. */
#define MAX_WAIT(usual) "max_wait", OPTION_DURATION, CLASS(max_wait), .fallback = usual, .min = "0s", .max = "24h"
#define TIMEOUT(usual) \
    "timeout", OPTION_DURATION, CLASS(timeout), \
        .fallback = usual, .min = "0s", .max = "24h", \
        .doc = "Longest wait, then it is answered with 503; 0s answers so at once when all are busy."
#define MAX_WAITING \
    "max_waiting", OPTION_COUNT, CLASS(max_waiting), \
        .fallback = "0", .min = "0", .max = "1000000", \
        .doc = "Requests of this class that may wait at once; 0 sets no limit but queue.max_waiting."

static const struct option p0_rows[] = {{TIMEOUT("60s")}, {MAX_WAITING}};
static const struct option p1_rows[] = {
    {MAX_WAIT("500ms"), .doc = "After this wait it goes before everything but P0, and may use backup upstreams."},
    {TIMEOUT("60s")},
    {MAX_WAITING},
};
static const struct option p2_rows[] = {
    {MAX_WAIT("5s"), .doc = "After this wait it is late: one of 16 turns of P1 then goes to the classes below."},
    {TIMEOUT("60s")},
    {MAX_WAITING},
};
static const struct option p3_rows[] = {
    {MAX_WAIT("60s"),
     .doc = "Its latest start: after this wait start_below does not count, and one of 16 turns of P1, and of four of "
            "P2, goes to the classes below."},
    {TIMEOUT("10m")},
    {MAX_WAITING},
    {"start_below", OPTION_PERCENT, CLASS(start_below), .fallback = "50%", .min = "1%", .max = "100%",
     .doc = "It starts only on upstreams of whose limit less than this is in use; 100%: always."},
    {"off_peak", OPTION_TEXTS, CLASS(off_peak), CLASS(off_peak_count), .max = "32", .check = value_window,
     .unset = "none", .example = "[\"22:00-06:00 Asia/Shanghai\", \"Sat,Sun 00:00-24:00\"]",
     .doc = "Windows in which start_below does not count, as \"[DAYS ]HH:MM-HH:MM[ ZONE]\": every day and UTC, where "
            "not told."},
};
static const struct option_table class_tables[PRIORITY_COUNT] = {
    {.size = sizeof(struct conf_class), ROWS(p0_rows)},
    {.size = sizeof(struct conf_class), ROWS(p1_rows)},
    {.size = sizeof(struct conf_class), ROWS(p2_rows)},
    {.size = sizeof(struct conf_class), ROWS(p3_rows)},
};

#define ONE_CLASS(name) #name, OPTION_SECTION, QUEUE(classes[PRIORITY_##name]), .table = &class_tables[PRIORITY_##name]
static const struct option class_rows[] = {
    {ONE_CLASS(P0), .doc = "Urgent: goes first, and has a part of every limit to itself."},
    {ONE_CLASS(P1), .doc = "Interactive: somebody sits and waits."},
    {ONE_CLASS(P2), .doc = "Normal."},
    {ONE_CLASS(P3), .doc = "Batch: what is left, or at night."},
};
static const struct option_table classes_table = {.size = sizeof(struct conf_queue), ROWS(class_rows)};

static const struct option queue_rows[] = {
    {"reserve_p0", OPTION_PERCENT, QUEUE(reserve_p0), .fallback = "20%", .min = "0%", .max = "90%",
     .doc = "Part of every concurrency limit that only P0 may use, rounded down: of a limit below 5, 20% is nothing."},
    {"max_waiting", OPTION_COUNT, QUEUE(max_waiting), .fallback = "10000", .min = "0", .max = "1000000",
     .doc = "Requests that may wait at once, all classes together; further ones are refused immediately."},
    {"priority", PRIORITY(QUEUE(priority)), .fallback = "P2",
     .doc = "Class of requests for which neither they, nor their caller, nor their route say one."},
    {"ceiling", PRIORITY(QUEUE(ceiling)), .fallback = "P0",
     .doc = "Most urgent class that is given to whoever is not one of the callers."},
    {"classes", OPTION_SECTION, .table = &classes_table, .doc = "One section for each class."},
};
const struct option_table queue_table = {.size = sizeof(struct conf_queue), ROWS(queue_rows)};

static const struct option caller_rows[] = {
    {"name", OPTION_TEXT, CALLER(name), .check = value_name, .required = true, .example = "chat-app",
     .doc = "Unique name of the caller in logs and metrics."},
    {"key_sha256", OPTION_SECRET, CALLER(key_sha256), .check = value_sha256, .required = true,
     .example = "83168f341c233f758e9a39b32b6a1638a2cc765a38a8f7a32b80e74d49aba68f",
     .doc = "SHA-256 of the API key that it sends, as 64 hexadecimal digits: printf %s \"$KEY\" | sha256sum"},
    {"priority", PRIORITY(CALLER(priority)), .unset = "its route's, or the queue's", .example = "P1",
     .doc = "Class of its requests that do not say one."},
    {"ceiling", PRIORITY(CALLER(ceiling)), .fallback = "P0", .doc = "Most urgent class that its requests may have."},
    {"weight", OPTION_COUNT, CALLER(weight), .fallback = "1", .min = "1", .max = "1000",
     .doc = "Share of its class's turns while several callers wait, relative to the others."},
};
const struct option_table caller_table = {
    .size = sizeof(struct conf_caller), ROWS(caller_rows), .prepare = caller_prepare, .finish = caller_finish};
