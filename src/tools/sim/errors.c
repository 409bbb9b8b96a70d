#include "errors.h"
#include "dsgate/net/http.h"
#include <stdarg.h>
#include <stdio.h>

#define JSON "application/json"
#define HTML "text/html"

static const char html_502[] =
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1>"
    "</center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n";

static const char html_200[] =
    "<html>\r\n<head><title>Maintenance</title></head>\r\n<body>\r\n<h1>We will be back soon</h1>\r\n</body>\r\n"
    "</html>\r\n";

/* Rows with a message have DeepSeek's shape. */
static const struct error_row rows[] = {
    {"busy", 503, JSON,
     "Service is too busy. We advise users to temporarily switch to alternative LLM API service providers.",
     "service_unavailable_error", "service_unavailable_error", NULL, "503 at once: 'Service is too busy …'"},
    {"rate-limit", 429, JSON,
     "Too many requests. Your current concurrency is 26, which exceeds your concurrency limit of 25. Please reduce "
     "your "
     "concurrency.",
     "rate_limit_error", "rate_limit_error", NULL,
     "429: the account's concurrency limit is exceeded, without any header"},
    {"tpm-limit", 429, JSON, "Rate limit reached for TPM", "rate_limit_error", "rate_limit_error", NULL,
     "429: 'Rate limit reached for TPM'"},
    {"no-key", 401, "text/plain; charset=utf-8", NULL, NULL, NULL, "Authentication Fails (governor)",
     "401 as plain text: the request had no key"},
    {"bad-key", 401, JSON, "Authentication Fails, Your api key: ****0000 is invalid", "authentication_error",
     "invalid_request_error", NULL, "401: the key is invalid"},
    {"no-balance", 402, JSON, "Insufficient Balance", "unknown_error", "invalid_request_error", NULL,
     "402: 'Insufficient Balance'"},
    {"context-length", 400, JSON,
     "This model's maximum context length is 131072 tokens. However, you requested 140000 tokens (136000 in the "
     "messages, 4000 "
     "in the completion). Please reduce the length of the messages or completion.",
     "invalid_request_error", "invalid_request_error", NULL, "400: the prompt is longer than the model's context"},
    {"server-error", 500, JSON, "Internal Server Error", "server_error", "internal_server_error", NULL, "500"},
    {"not-found", 404, JSON, "Not Found", "invalid_request_error", "invalid_request_error", NULL, "404"},
    {"gateway-timeout", 504, HTML, NULL, NULL, NULL,
     "<html>\r\n<head><title>504 Gateway Time-out</title></head>\r\n<body>\r\n<center><h1>504 Gateway "
     "Time-out</h1></center>"
     "\r\n</body>\r\n</html>\r\n",
     "504 from a load balancer"},
    {"html-error", 502, HTML, NULL, NULL, NULL, html_502, "502 with an HTML page instead of JSON"},
    {"error-200", 200, JSON, NULL, NULL, NULL, "{\"code\":336501,\"msg\":\"Rate limit reached for RPM\"}",
     "an error under HTTP 200, as Qianfan sends it"},
    {"error-integer-code", 429, JSON, NULL, NULL, NULL,
     "{\"error\":{\"message\":\"Rate limit exceeded\",\"code\":429,\"metadata\":{\"provider_name\":\"DeepSeek\"}}}",
     "429 with an integer error.code, as OpenRouter sends it"},
    {"error-flat", 503, JSON, NULL, NULL, NULL,
     "{\"code\":50508,\"message\":\"System is too busy now. Please try again later.\",\"data\":null}",
     "503 with a flat error, as SiliconFlow sends it"},
    {"error-bare-string", 504, JSON, NULL, NULL, NULL, "\"Gateway Timeout\"",
     "504 whose body is a bare JSON string, as SiliconFlow sends it"},
    {"error-string", 401, JSON, NULL, NULL, NULL, "{\"error\":\"Unauthorized\"}",
     "401 whose error is a string, as vLLM sends it"},
    {"error-sglang", 400, JSON, NULL, NULL, NULL,
     "{\"object\":\"error\",\"message\":\"The request is too "
     "long\",\"type\":\"BadRequestError\",\"param\":null,\"code\":400}",
     "400 with SGLang's flat error object"},
    {"error-huawei", 429, JSON, NULL, NULL, NULL,
     "{\"error_code\":\"ModelArts.81101\",\"error_msg\":\"Too many requests, exceeded rate limit is 300 times per 1 "
     "minute.\"}",
     "429 with error_code and error_msg, as Huawei MaaS sends it"},
    {"error-overdue", 403, JSON, "Your account has an overdue balance.", "Forbidden", "AccountOverdueError", NULL,
     "403 AccountOverdueError, as Volcengine Ark sends it"},
    {"error-throttling", 429, JSON, "You exceeded your current quota, please check your plan and billing details.",
     "Throttling.AllocationQuota", "Throttling.AllocationQuota", NULL,
     "429 worded as quota that clears in a minute, as DashScope sends it"},
    {"busy-200", 200, JSON,
     "Service is too busy. We advise users to temporarily switch to alternative LLM API service providers.",
     "service_unavailable_error", "service_unavailable_error", NULL, "the error object of busy under HTTP 200"},
    {"html", 200, HTML, NULL, NULL, NULL, html_200, "200 with an HTML page instead of an answer"},
    {"empty-200", 200, JSON, NULL, NULL, NULL, "", "200 with no body at all"},
};

const struct error_row *error_rows(size_t *count)
{
    *count = sizeof rows / sizeof *rows;
    return rows;
}

const struct error_row *error_find(struct text name)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (text_is(name, rows[i].name)) return &rows[i];
    return NULL;
}

bool refuse(struct refusal *r, unsigned status, const char *format, ...)
{
    char message[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    *r = (struct refusal){status, JSON, "invalid_request_error", "invalid_request_error", {0}, false, ERROR_NESTED};
    buf_add(&r->message, text_of(message));
    return false;
}

bool refuse_row(struct refusal *r, const struct error_row *row)
{
    *r = (struct refusal){row->status, row->content_type, row->type, row->code, {0}, row->body != NULL, ERROR_NESTED};
    buf_add(&r->message, text_of(row->body ? row->body : row->message));
    return false;
}

bool refuse_status(struct refusal *r, unsigned status)
{
    const char *type = status >= 500 ? "server_error" : "invalid_request_error";
    *r = (struct refusal){status, JSON, type, type, {0}, false, ERROR_NESTED};
    buf_add(&r->message, text_of(http_reason(status)));
    return false;
}

void refusal_free(struct refusal *r)
{
    buf_free(&r->message);
    r->status = 0;
}

void error_object(struct buf *out, struct text message, const char *type, const char *code)
{
    BUF_ADD(out, "{\"message\":");
    buf_add_json_string(out, message);
    BUF_ADD(out, ",\"type\":");
    buf_add_json_string(out, text_of(type));
    BUF_ADD(out, ",\"param\":null,\"code\":");
    buf_add_json_string(out, text_of(code));
    BUF_ADD(out, "}");
}

static void open_member(struct buf *out, const char *opening, struct text string)
{
    buf_add(out, text_of(opening));
    buf_add_json_string(out, string);
}

/* SiliconFlow and Huawei have numbers of their own; all but the ones for "too busy" and "too many" are but likely. */
static unsigned siliconflow_code(unsigned status) { return status == 503 ? 50508 : status == 400 ? 20015 : status; }
static const char *huawei_code(unsigned status) { return status == 429 ? "ModelArts.81101" : "ModelArts.81001"; }

static void shape_body(const struct refusal *r, struct buf *out)
{
    struct text message = buf_text(&r->message);
    switch (r->shape) {
    case ERROR_NESTED:
        BUF_ADD(out, "{\"error\":");
        error_object(out, message, r->type, r->code);
        BUF_ADD(out, "}");
        break;
    case ERROR_INTEGER_CODE:
        open_member(out, "{\"error\":{\"message\":", message);
        open_member(out, ",\"type\":", text_of(r->type));
        buf_printf(out, ",\"param\":null,\"code\":%u}}", r->status);
        break;
    case ERROR_FLAT_CODE:
        buf_printf(out, "{\"code\":%u", siliconflow_code(r->status));
        open_member(out, ",\"message\":", message);
        BUF_ADD(out, ",\"data\":null}");
        break;
    case ERROR_FLAT_OBJECT:
        open_member(out, "{\"object\":\"error\",\"message\":", message);
        open_member(out, ",\"type\":", text_of(r->type));
        buf_printf(out, ",\"param\":null,\"code\":%u}", r->status);
        break;
    case ERROR_HUAWEI:
        buf_printf(out, "{\"error_code\":\"%s\"", huawei_code(r->status));
        open_member(out, ",\"error_msg\":", message);
        BUF_ADD(out, "}");
        break;
    }
}

void refusal_body(const struct refusal *r, struct buf *out)
{
    if (r->whole)
        buf_add(out, buf_text(&r->message));
    else
        shape_body(r, out);
}
