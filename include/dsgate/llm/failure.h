/* failure.h - every failure a client can see, one row each: status, type, code, metric label, retry advice, sentence.
 *
 * What client libraries do with them decides the numbers: they obey Retry-After only below a minute, and try again on
 * every 5xx by themselves, unless x-should-retry: false tells them that the gateway has already tried everything.
 */
#ifndef DSGATE_LLM_FAILURE_H
#define DSGATE_LLM_FAILURE_H

#include <stdbool.h>

#define RETRY_AFTER_MAX 59 /* seconds; OpenAI's and Vercel's client libraries do not wait longer */

enum advice { ADVISE_NOTHING, ADVISE_RETRY, ADVISE_NO_RETRY }; /* x-should-retry: absent, true, false */

/*    identifier              status  type                     code                  Retry-After, x-should-retry,
 *    sentence */
#define FAILURES(X) \
    X(FAIL_BAD_REQUEST,           400, "invalid_request_error", "bad_request",                 0, ADVISE_NO_RETRY, \
      "The request is not valid HTTP.") \
    X(FAIL_BAD_JSON,              400, "invalid_request_error", "invalid_json",                0, ADVISE_NO_RETRY, \
      "The request body is not valid JSON.") \
    X(FAIL_MISSING_FIELD,         400, "invalid_request_error", "missing_required_parameter",  0, ADVISE_NO_RETRY, \
      "A required field is missing.") \
    X(FAIL_BAD_FIELD,             400, "invalid_request_error", "invalid_type",                0, ADVISE_NO_RETRY, \
      "A field has the wrong type.") \
    X(FAIL_BAD_HINT,              400, "invalid_request_error", "invalid_header",              0, ADVISE_NO_RETRY, \
      "A request header is not valid.") \
    X(FAIL_NO_ENDPOINT,           404, "invalid_request_error", "unknown_url",                 0, ADVISE_NO_RETRY, \
      "There is no such endpoint.") \
    X(FAIL_NOT_SERVED,            404, "invalid_request_error", "endpoint_not_served",         0, ADVISE_NO_RETRY, \
      "None of the configured upstreams serves this endpoint.") \
    X(FAIL_MODEL_NOT_FOUND,       404, "invalid_request_error", "model_not_found",             0, ADVISE_NO_RETRY, \
      "The model does not exist.") \
    X(FAIL_METHOD,                405, "invalid_request_error", "method_not_allowed",          0, ADVISE_NO_RETRY, \
      "This endpoint does not support that method.") \
    X(FAIL_REQUEST_TIMEOUT,       408, "invalid_request_error", "request_timeout",             0, ADVISE_NOTHING, \
      "The request did not arrive in time.") \
    X(FAIL_BODY_TOO_LARGE,        413, "invalid_request_error", "request_too_large",           0, ADVISE_NO_RETRY, \
      "The request body is larger than this gateway allows.") \
    X(FAIL_CONTENT_CODING,        415, "invalid_request_error", "unsupported_content_encoding", 0, ADVISE_NO_RETRY, \
      "Request bodies must be sent without a content encoding.") \
    X(FAIL_URI_TOO_LONG,          414, "invalid_request_error", "uri_too_long",                0, ADVISE_NO_RETRY, \
      "The request line is too long.") \
    X(FAIL_EXPECTATION,           417, "invalid_request_error", "expectation_failed",          0, ADVISE_NO_RETRY, \
      "That expectation can't be met.") \
    X(FAIL_HEADERS_TOO_LARGE,     431, "invalid_request_error", "headers_too_large",           0, ADVISE_NO_RETRY, \
      "The request headers are too large.") \
    X(FAIL_INTERNAL,              500, "server_error",          "gateway_internal_error",      1, ADVISE_NOTHING, \
      "The gateway failed.") \
    X(FAIL_NOT_IMPLEMENTED,       501, "invalid_request_error", "not_implemented",             0, ADVISE_NO_RETRY, \
      "That transfer coding is not supported.") \
    X(FAIL_UPSTREAM_UNREACHABLE,  502, "upstream_error",        "upstream_unreachable",        2, ADVISE_NO_RETRY, \
      "No upstream could be reached.") \
    X(FAIL_UPSTREAM_BAD_ANSWER,   502, "upstream_error",        "upstream_bad_answer",         2, ADVISE_NO_RETRY, \
      "The upstream's answer is not usable.") \
    X(FAIL_UPSTREAM_CUT,          502, "upstream_error",        "upstream_cut",                2, ADVISE_NO_RETRY, \
      "The upstream broke off in the middle of its answer.") \
    X(FAIL_UPSTREAM_BUSY,         503, "upstream_error",        "upstream_busy",               2, ADVISE_NO_RETRY, \
      "The upstream has too much to do.") \
    X(FAIL_CONNECTIONS,           503, "server_error",          "gateway_connection_limit",    2, ADVISE_RETRY, \
      "The gateway has reached its connection limit.") \
    X(FAIL_MEMORY,                503, "server_error",          "gateway_memory_limit",        2, ADVISE_RETRY, \
      "Other requests fill the memory that is set aside for request bodies.") \
    X(FAIL_QUEUE_FULL,            503, "server_error",          "gateway_queue_full",          5, ADVISE_RETRY, \
      "Too many requests are waiting for an upstream.") \
    X(FAIL_QUEUE_TIMEOUT,         503, "server_error",          "gateway_queue_timeout",       5, ADVISE_NOTHING, \
      "No upstream became free in time.") \
    X(FAIL_QUEUE_LATE,            503, "server_error",          "gateway_deadline_unreachable", 5, ADVISE_RETRY, \
      "At the present rate the request's turn would come too late.") \
    X(FAIL_UPSTREAMS_CLOSED,      503, "upstream_error",        "upstreams_unavailable",       5, ADVISE_NOTHING, \
      "All upstreams for this request are down, cooling down or out of quota for longer than it can wait.") \
    X(FAIL_SHUTTING_DOWN,         503, "server_error",          "gateway_shutting_down",       1, ADVISE_RETRY, \
      "The gateway is being shut down.") \
    X(FAIL_DEADLINE,              504, "server_error",          "deadline_exceeded",           0, ADVISE_NOTHING, \
      "The request's deadline passed before there was an answer.") \
    X(FAIL_UPSTREAM_TIMEOUT,      504, "upstream_error",        "upstream_timeout",            2, ADVISE_NO_RETRY, \
      "The upstream did not answer in time.") \
    X(FAIL_NOT_CACHED,            504, "invalid_request_error", "not_cached",                  0, ADVISE_NO_RETRY, \
      "only-if-cached was asked for and there is no cached answer.") \
    X(FAIL_VERSION,               505, "invalid_request_error", "http_version_not_supported",  0, ADVISE_NO_RETRY, \
      "Only HTTP/1.0 and HTTP/1.1 are supported.")

enum failure {
    FAIL_NONE,
#define X(id, status, type, code, retry_after, advice, text) id,
    FAILURES(X)
#undef X
        FAILURE_COUNT
};

struct failure_row {
    unsigned status;
    const char *type, *code; /* code is also the metric label */
    unsigned retry_after;    /* seconds; 0 = none */
    enum advice advice;
    const char *text;
};

const struct failure_row *failure_row(enum failure f); /* f != FAIL_NONE */

#endif
