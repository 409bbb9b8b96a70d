/* Errors in the families' own shapes. Texts go through buf_add_json_string(): no byte of theirs can end a line or an
 * event. */
#include "answer_private.h"
#include "dsgate/llm/failure.h"

/* ---- OpenAI's ---- */

/* "name":"value" or "name":null */
static void put_member(struct buf *out, const char *name, const char *value)
{
    buf_printf(out, ",\"%s\":", name);
    if (value)
        buf_add_json_string(out, text_of(value));
    else
        BUF_ADD(out, "null");
}

/* What stands between the braces of OpenAI's error object. */
static void put_members(struct buf *out, const char *type, const char *code, struct text message, const char *param)
{
    BUF_ADD(out, "\"message\":");
    buf_add_json_string(out, message);
    put_member(out, "type", type);
    put_member(out, "param", param);
    put_member(out, "code", code);
}

static void put_openai(struct buf *out, const char *type, const char *code, struct text message, const char *param)
{
    BUF_ADD(out, "{\"error\":{");
    put_members(out, type, code, message, param);
    BUF_ADD(out, "}}");
}

/* ---- Anthropic's ---- */

/* The types that Anthropic documents, by status: its SDKs tell them to programs. */
static const struct {
    unsigned status;
    const char *type;
} anthropic_types[] = {
    {401, "authentication_error"}, {402, "billing_error"},     {403, "permission_error"}, {404, "not_found_error"},
    {408, "timeout_error"},        {413, "request_too_large"}, {429, "rate_limit_error"}, {503, "overloaded_error"},
    {504, "timeout_error"},        {529, "overloaded_error"},
};

/* Of the failure with that code; 500 when there is none. */
static unsigned status_of(const char *code)
{
    for (int f = FAIL_NONE + 1; code && f < FAILURE_COUNT; f++) {
        const struct failure_row *row = failure_row((enum failure)f);
        if (!strcmp(row->code, code)) return row->status;
    }
    return 500;
}

static const char *anthropic_type(const char *code)
{
    unsigned status = status_of(code);
    for (size_t i = 0; i < COUNT(anthropic_types); i++)
        if (anthropic_types[i].status == status) return anthropic_types[i].type;
    return status < 500 ? "invalid_request_error" : "api_error";
}

static void put_anthropic(struct buf *out, const char *code, struct text message)
{
    BUF_ADD(out, "{\"type\":\"error\",\"error\":{\"message\":");
    buf_add_json_string(out, message);
    put_member(out, "type", anthropic_type(code));
    BUF_ADD(out, "}}");
}

/* ---- the families ---- */

/* The documentation has the members at the top, the SDKs look for an `error` object: this has both. */
static void put_responses_event(struct buf *out, const char *type, const char *code, struct text message)
{
    BUF_ADD(out, "{\"type\":\"error\",\"sequence_number\":0,\"message\":");
    buf_add_json_string(out, message);
    put_member(out, "param", NULL);
    put_member(out, "code", code);
    BUF_ADD(out, ",\"error\":{");
    put_members(out, type, code, message, NULL);
    BUF_ADD(out, "}}");
}

void answer_put_error_event(struct buf *out, enum endpoint_family family, const char *type, const char *code,
                            struct text message)
{
    if (family == FAMILY_MESSAGES || family == FAMILY_RESPONSES) BUF_ADD(out, "event: error\n");
    BUF_ADD(out, "data: ");
    if (family == FAMILY_MESSAGES)
        put_anthropic(out, code, message);
    else if (family == FAMILY_RESPONSES)
        put_responses_event(out, type, code, message);
    else
        put_openai(out, type, code, message, NULL);
    BUF_ADD(out, "\n\n");
}

void answer_put_error_body(struct buf *out, enum endpoint_family family, const char *type, const char *code,
                           struct text message, const char *param)
{
    if (family == FAMILY_MESSAGES)
        put_anthropic(out, code, message);
    else
        put_openai(out, type, code, message, param);
}
