/* scenario_table.c - all scenarios but the error answers, which have their own table (errors.c). */
#include "scenario_table.h"
#include "dsgate/base/mem.h"
#include "errors.h"
#include <stddef.h>

#define STORE(member)           .field = offsetof(struct scenario, member)
#define FLAG(member)            STORE(member), .fallback = 1
#define NUMBER(what, d, lo, hi) .value_name = what, .kind = VALUE_NUMBER, .fallback = d, .least = lo, .most = hi

static const struct scenario_row rows[] = {
    /* while the request waits */
    {"keepalive-then-answer", NUMBER("N", 5, 1, 100000), STORE(keep_alives),
     .summary = "200, N keep-alives (comments in a stream, else empty lines), then the answer"},
    {"keepalive-then-close", NUMBER("N", 5, 1, 100000), STORE(keep_alives), .fault = FAULT_EOF, .at = AT_AFTER_HEADERS,
     .summary = "200, N keep-alives, then the connection is closed"},
    {"blank-lines", NUMBER("N", 5, 1, 100000), STORE(keep_alives), .opening = OPENING_BLANK,
     .summary = "200, N empty lines even in a stream, then the answer"},
    {"whitespace-only", NUMBER("N", 5, 1, 100000), STORE(keep_alives), .opening = OPENING_BLANK, .fault = FAULT_END,
     .at = AT_AFTER_HEADERS, .summary = "200 with N empty lines and nothing else, ended properly"},
    /* cut, silent or broken at a position */
    {"eof", .fault = FAULT_EOF, .at = AT_MID_CONTENT, .summary = "the connection is closed there"},
    {"reset", .fault = FAULT_RESET, .at = AT_MID_CONTENT, .summary = "the connection is reset there"},
    {"end", .fault = FAULT_END, .at = AT_MID_CONTENT,
     .summary = "the answer ends there as if it were whole: framing intact, no [DONE]"},
    {"stall", NUMBER("MS", 0, 0, 3600000), STORE(fault_value), .fault = FAULT_STALL, .at = AT_MID_REASONING,
     .summary = "silence there with the socket open, for ever or for MS milliseconds"},
    {"stall-with-comments", NUMBER("MS", 0, 0, 3600000), STORE(fault_value), .fault = FAULT_STALL_COMMENTS,
     .at = AT_MID_REASONING, .summary = "the same with keep-alive comments still flowing"},
    {"hang", .fault = FAULT_STALL, .at = AT_BEFORE_HEADERS, .summary = "the request is taken and never answered"},
    {"half-event", .fault = FAULT_HALF_EVENT, .at = AT_MID_CONTENT,
     .summary = "half an event, then the connection is closed"},
    {"bad-json", .fault = FAULT_BAD_JSON, .at = AT_MID_CONTENT,
     .summary = "an event there whose JSON is cut; then the answer goes on"},
    {"error-first-event", .fault = FAULT_ERROR, .at = AT_AFTER_HEADERS,
     .summary = "the first event of a 200 stream is an error"},
    {"error-mid-stream", .fault = FAULT_ERROR, .at = AT_MID_CONTENT,
     .summary = "an error event there, then the end without [DONE]"},
    {"error-then-done", .fault = FAULT_ERROR_DONE, .at = AT_MID_CONTENT,
     .summary = "an error event there, then [DONE], as vLLM does"},
    {"bad-chunk", .fault = FAULT_BAD_CHUNK, .at = AT_MID_CONTENT,
     .summary = "a chunk size that is no number there, then the connection is closed"},
    {"bad-utf8", .fault = FAULT_BAD_UTF8, .at = AT_MID_CONTENT,
     .summary = "bytes that are no UTF-8 inside a text there; then the answer goes on"},
    {"huge-event", NUMBER("MB", 50, 1, 256), STORE(event_mb), .fault = FAULT_HUGE_EVENT, .at = AT_MID_CONTENT,
     .summary = "one event there whose text is so many megabytes long; then the answer goes on"},
    {"endless-blank", .fault = FAULT_BLANK, .at = AT_AFTER_HEADERS,
     .summary = "empty lines without end (64 MB, then the connection is closed), as fast as they are taken"},
    /* the head */
    {"slow-headers", NUMBER("MS", 20, 1, 60000), STORE(slow_head_ms), .head = HEAD_SLOW,
     .summary = "the head comes byte by byte, MS milliseconds apart"},
    {"header-garbage", .head = HEAD_GARBAGE, .summary = "a head with lines that are no header fields"},
    {"endless-headers", .head = HEAD_ENDLESS,
     .summary = "header lines without end (64 MB, then the connection is closed)"},
    {"bad-length", NUMBER("N", 10, 1, 1000000), STORE(length_error), .head = HEAD_BAD_LENGTH,
     .summary = "Content-Length announces N bytes more than come"},
    {"short-length", NUMBER("N", 10, 1, 1000000), STORE(length_short), .head = HEAD_BAD_LENGTH,
     .summary = "Content-Length announces N bytes fewer than come"},
    {"continue-100", NUMBER("N", 3, 0, 1000000), STORE(interims), .head = HEAD_INTERIM,
     .summary = "N responses 100 Continue before the head; 0: without end (64 MB, then the connection is closed)"},
    {"wrong-type", FLAG(wrong_type),
     .summary = "Content-Type application/json on a stream, text/plain on an answer that is none"},
    {"early-response", FLAG(early),
     .summary = "503 and a close as soon as the head of a request with a body is there (only as the default scenario)"},
    /* the shape of the answer */
    {"usage-separate", FLAG(usage_separate),
     .summary = "usage on a chunk of its own with choices:[], as Ark, DashScope and vLLM do"},
    {"usage-none", FLAG(usage_none), .summary = "no usage anywhere"},
    {"usage-negative", FLAG(usage_negative), .summary = "usage that counts fewer than no completion tokens"},
    {"two-done", FLAG(two_done), .summary = "what ends the stream, such as [DONE], comes twice"},
    {"changing-ids", FLAG(changing_ids), .summary = "another id and model on each chunk"},
    {"reasoning-field", FLAG(reasoning_field),
     .summary = "`reasoning` instead of `reasoning_content`, as vLLM, Ollama and OpenRouter do"},
    {"empty-content", FLAG(empty_content), .summary = "a complete answer with empty content"},
    {"tool-call", NUMBER("N", 1, 1, 8), STORE(tool_calls), .summary = "calls N tools if the request offers any"},
    {"exhausted", .finish = "insufficient_system_resource",
     .summary = "half an answer with finish_reason insufficient_system_resource under HTTP 200"},
    {"aborted", .finish = "aborted", .summary = "half an answer with finish_reason aborted under HTTP 200"},
    {"filtered", .finish = "content_filter", .summary = "half an answer with finish_reason content_filter"},
    {"finish", .value_name = "WORD", .kind = VALUE_WORD, STORE(finish),
     .summary = "the whole answer with this finish_reason, such as eos, abort or error"},
    {"huge", NUMBER("MB", 10, 1, 64), STORE(huge_mb),
     .summary = "a content of about so many megabytes, as fast as it is taken"},
    {"drip", NUMBER("N", 1, 1, 1000000), STORE(drip),
     .summary = "N bytes of the raw answer every token-ms, cut anywhere: in characters, events, chunk sizes"},
    /* headers and conditions */
    {"retry-after", NUMBER("S", 1, 1, 86400), STORE(retry_after), .condition = true,
     .summary = "the error (429 if none is named) carries Retry-After: S"},
    {"retry-after-date", NUMBER("S", 1, 1, 86400), STORE(retry_after_date), .condition = true,
     .summary = "the same as an HTTP date S seconds from now"},
    {"fail-first", NUMBER("N", 1, 1, 1000000), STORE(fail_first), .condition = true,
     .summary = "the other parts (busy if none) apply to the first N requests of each key and model only"},
    {"ratio", .value_name = "P", .kind = VALUE_SHARE, .fallback = 500001, STORE(ratio), .condition = true,
     .summary =
         "the other parts (busy if none) apply to a share P (0 to 1) of the requests, by their number and the seed"},
};

const struct scenario_row *scenario_rows(size_t *count)
{
    *count = sizeof rows / sizeof *rows;
    return rows;
}

/* ---- listing ---- */

typedef void line_writer(struct buf *out, const char *usage, const char *summary);

static void each_scenario(struct buf *out, line_writer *write)
{
    size_t count;
    const struct error_row *errors = error_rows(&count);
    for (size_t i = 0; i < count; i++)
        write(out, errors[i].name, errors[i].summary);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct scenario_row *r = &rows[i];
        char *usage = mem_printf("%s%s%s%s", r->name, r->value_name ? "=" : "", r->value_name ? r->value_name : "",
                                 r->fault && r->at != AT_BEFORE_HEADERS ? "@POSITION" : "");
        write(out, usage, r->summary);
        mem_free(usage);
    }
}

static void write_line(struct buf *out, const char *usage, const char *summary)
{
    buf_printf(out, "%-32s %s\n", usage, summary);
}

void scenario_list(struct buf *out)
{
    each_scenario(out, write_line);
    write_line(out, "NNN", "any status from 400 to 599 with a plain error");
    BUF_ADD(out, "\nPOSITION, how much of the answer is sent before:");
    for (int p = 0; p < POSITIONS; p++)
        buf_printf(out, "%s %s", p ? "," : "", position_name(p));
    BUF_ADD(out, ".\nJoin several by '+': ratio=0.2+busy+retry-after=3\n"
                 "Give each its share of the requests by '|': ratio=0.05+eof@random|ratio=0.02+exhausted\n");
}

static void write_object(struct buf *out, const char *usage, const char *summary)
{
    if (buf_len(out) > 1) BUF_ADD(out, ",");
    BUF_ADD(out, "{\"scenario\":");
    buf_add_json_string(out, text_of(usage));
    BUF_ADD(out, ",\"summary\":");
    buf_add_json_string(out, text_of(summary));
    BUF_ADD(out, "}");
}

void scenario_list_json(struct buf *out)
{
    BUF_ADD(out, "[");
    each_scenario(out, write_object);
    BUF_ADD(out, "]");
}
