#include "../suite.h"
#include "dsgate/base/buf.h"
#include "dsgate/llm/complaint.h"

#define OPENAI(message, type, code) \
    "{\"error\":{\"message\":\"" message "\",\"type\":\"" type "\",\"param\":null,\"code\":\"" code "\"}}"
#define INVALID                 "invalid_request_error"
#define NUMBERED(code, message) "{\"error\":{\"code\":" code ",\"message\":\"" message "\"}}"
#define FLAT(code, message)     "{\"code\":" code ",\"message\":\"" message "\",\"data\":null}"
#define HUAWEI(code, message)   "{\"error_code\":\"ModelArts." code "\",\"error_msg\":\"" message "\"}"
#define QIANFAN(code, message)  "{\"code\":" code ",\"msg\":\"" message "\"}"
#define SGLANG(message) \
    "{\"object\":\"error\",\"message\":\"" message "\",\"type\":\"BadRequestError\",\"param\":null,\"code\":400}"
#define HTML(title) "<html>\r\n<head><title>" title "</title></head>\r\n<body>\r\n</body>\r\n</html>\r\n"

/* Names as short as a table needs. */
enum {
    OPENAI_ = DIALECT_OPENAI,
    DEEPSEEK = DIALECT_DEEPSEEK,
    ARK = DIALECT_ARK,
    DASHSCOPE = DIALECT_DASHSCOPE,
    MAAS = DIALECT_HUAWEI,
    BAIDU = DIALECT_QIANFAN,
    SILICON = DIALECT_SILICONFLOW,
    OPENROUTER = DIALECT_OPENROUTER,
    VLLM = DIALECT_VLLM,
    LLAMACPP = DIALECT_LLAMACPP
};

/* `reason` with its '!' when the prompt was too long. */
static const struct {
    int dialect;
    unsigned status;
    const char *body;
    enum blame blame;
    const char *reason;
    unsigned clears_in;
} complaints[] = {
    /* DeepSeek */
    {DEEPSEEK, 400,
     OPENAI("This model's maximum context length is 131072 tokens. However, you requested 140000 tokens "
            "(136000 in the messages, 4000 in the completion). Please reduce the length of the messages or completion.",
            INVALID, INVALID),
     BLAME_CLIENT, "context_length!"},
    {DEEPSEEK, 400, OPENAI("Content Exists Risk", INVALID, INVALID), BLAME_CLIENT, "content"},
    {DEEPSEEK, 400, OPENAI("Model Not Exist", INVALID, INVALID), BLAME_UNKNOWN, "model"},
    {DEEPSEEK, 400, OPENAI("stream_options should be set along with stream = true", INVALID, INVALID), BLAME_CLIENT,
     "request"},
    {DEEPSEEK, 401, OPENAI("Authentication Fails, Your api key: ****0000 is invalid", "authentication_error", INVALID),
     BLAME_KEY, "key"},
    {DEEPSEEK, 413, OPENAI("maximum context length", INVALID, INVALID), BLAME_CLIENT, "context_length!"},
    {DEEPSEEK, 422, OPENAI("maximum context length", INVALID, INVALID), BLAME_CLIENT, "context_length!"},
    {DEEPSEEK, 200, OPENAI("maximum context length", INVALID, INVALID), BLAME_CLIENT, "context_length!"},
    {DEEPSEEK, 401, "Authentication Fails (governor)", BLAME_KEY, "key"},
    {DEEPSEEK, 402, OPENAI("Insufficient Balance", "unknown_error", INVALID), BLAME_KEY, "balance"},
    {DEEPSEEK, 422,
     OPENAI("Failed to deserialize the JSON body into the target type: messages[0].role: unknown variant "
            "`developer`",
            INVALID, INVALID),
     BLAME_CLIENT, "request"},
    {DEEPSEEK, 422, "Failed to deserialize the JSON body into the target type: messages", BLAME_CLIENT, "request"},
    {DEEPSEEK, 429,
     OPENAI("Too many requests. Your current concurrency is 26, which exceeds your concurrency limit of "
            "25. Please reduce your concurrency.",
            "rate_limit_error", "rate_limit_error"),
     BLAME_BUSY, "rate"},
    {DEEPSEEK, 429, OPENAI("Rate limit reached for TPM", "rate_limit_error", "rate_limit_error"), BLAME_BUSY, "rate"},
    {DEEPSEEK, 500, OPENAI("Internal Server Error", "server_error", "internal_server_error"), BLAME_UPSTREAM, "error"},
    {DEEPSEEK, 503,
     OPENAI("Service is too busy. We advise users to temporarily switch to alternative LLM API service "
            "providers.",
            "service_unavailable_error", "service_unavailable_error"),
     BLAME_BUSY, "busy"},
    {DEEPSEEK, 200, OPENAI("Service is too busy.", "service_unavailable_error", "service_unavailable_error"),
     BLAME_BUSY, "busy"},
    {DEEPSEEK, 200, "\n\n\n" OPENAI("Rate limit reached for TPM", "rate_limit_error", "rate_limit_error") "\n",
     BLAME_BUSY, "rate"},
    /* Volcengine Ark */
    {ARK, 403,
     OPENAI("The request failed because your account has an overdue balance.", "Forbidden", "AccountOverdueError"),
     BLAME_KEY, "balance"},
    {ARK, 404,
     OPENAI("Your account 1 has not activated the model deepseek-v4-pro. Please activate the model service in "
            "the Ark Console.",
            "NotFound", "ModelNotOpen"),
     BLAME_KEY, "access"},
    {ARK, 404,
     OPENAI("The model or endpoint x does not exist or you do not have access to it.", "NotFound",
            "InvalidEndpointOrModel.NotFound"),
     BLAME_UNKNOWN, "model"},
    {ARK, 400,
     OPENAI("The request targeted an endpoint that is currently closed or temporarily unavailable.", "BadRequest",
            "InvalidEndpoint.ClosedEndpoint"),
     BLAME_UPSTREAM, "error"},
    {ARK, 429,
     OPENAI("The Requests Per Minute (RPM) limit of the associated endpoint for your account has been "
            "exceeded.",
            "TooManyRequests", "RateLimitExceeded.EndpointRPMExceeded"),
     BLAME_BUSY, "rate"},
    {ARK, 429,
     OPENAI("The Tokens Per Minute (TPM) limit …", "TooManyRequests", "RateLimitExceeded.EndpointTPMExceeded"),
     BLAME_BUSY, "rate"},
    {ARK, 200, OPENAI("…", "TooManyRequests", "RateLimitExceeded.EndpointTPMExceeded"), BLAME_BUSY, "rate"},
    {ARK, 429,
     OPENAI("The service is currently unable to handle additional requests.", "TooManyRequests", "ServerOverloaded"),
     BLAME_BUSY, "busy"},
    {ARK, 429,
     OPENAI("Your account has reached the set inference limit for the model.", "TooManyRequests", "SetLimitExceeded"),
     BLAME_KEY, "quota"},
    {ARK, 400,
     OPENAI("The request failed because the input text may contain sensitive information.", "BadRequest",
            "InputTextSensitiveContentDetected"),
     BLAME_CLIENT, "content"},
    {ARK, 400, OPENAI("…", "BadRequest", "SensitiveContentDetected.Violence"), BLAME_CLIENT, "content"},
    /* Alibaba DashScope */
    {DASHSCOPE, 429,
     OPENAI("You exceeded your current quota, please check your plan and billing details.",
            "Throttling.AllocationQuota", "Throttling.AllocationQuota"),
     BLAME_BUSY, "rate", 60},
    {DASHSCOPE, 429,
     OPENAI("You exceeded your current quota, please check your plan and billing details.", "insufficient_quota",
            "insufficient_quota"),
     BLAME_BUSY, "rate", 60},
    {DASHSCOPE, 200, "{\"code\":\"Throttling.AllocationQuota\",\"message\":\"Allocated quota exceeded\"}", BLAME_BUSY,
     "rate", 60},
    {DASHSCOPE, 200, "{\"code\":\"Throttling.RateQuota\",\"message\":\"Requests rate limit exceeded\"}", BLAME_BUSY,
     "rate"},
    {DASHSCOPE, 400,
     OPENAI("Access denied, please make sure your account is in good standing.", "Arrearage", "Arrearage"), BLAME_KEY,
     "balance"},
    {DASHSCOPE, 403,
     OPENAI("The free tier of the model has been exhausted.", "AllocationQuota.FreeTierOnly",
            "AllocationQuota.FreeTierOnly"),
     BLAME_KEY, "quota"},
    {DASHSCOPE, 400, OPENAI("Range of input length should be [1, 129024]", "InvalidParameter", "InvalidParameter"),
     BLAME_CLIENT, "context_length!"},
    {DASHSCOPE, 400,
     OPENAI("Input data may contain inappropriate content.", "data_inspection_failed", "data_inspection_failed"),
     BLAME_CLIENT, "content"},
    {DASHSCOPE, 400, "{\"code\":\"DataInspectionFailed\",\"message\":\"…\"}", BLAME_CLIENT, "content"},
    /* Tencent names none of its own */
    {DIALECT_TENCENT, 429, OPENAI("QPM limit exceeded", "rate_limit_error", "429"), BLAME_BUSY, "rate"},
    /* Huawei MaaS */
    {MAAS, 429, HUAWEI("81101", "Too many requests, exceeded rate limit is 300 times per 1 minute."), BLAME_BUSY,
     "rate"},
    {MAAS, 200, HUAWEI("81103", "Too many requests. exceeded rate limit is 10 tokens per minute."), BLAME_BUSY, "rate"},
    {MAAS, 400, HUAWEI("81002", "Failed to get the authorization header."), BLAME_KEY, "key"},
    {MAAS, 401, HUAWEI("81005", "The free quota has been used up."), BLAME_KEY, "quota"},
    {MAAS, 403, HUAWEI("81004", "Invalid request because you do not have access to it."), BLAME_KEY, "access"},
    {MAAS, 403, HUAWEI("81011", "May contain sensitive information"), BLAME_CLIENT, "content"},
    {MAAS, 404, HUAWEI("81009", "Invalid model."), BLAME_UNKNOWN, "model"},
    {MAAS, 400, HUAWEI("81001", "the prompt length 151499 must less than the maximum input length 129024."),
     BLAME_CLIENT, "context_length!"},
    /* Baidu Qianfan */
    {BAIDU, 200, QIANFAN("336501", "Rate limit reached for RPM"), BLAME_BUSY, "rate"},
    {BAIDU, 200, QIANFAN("336502", "Rate limit reached for TPM"), BLAME_BUSY, "rate"},
    {BAIDU, 200, "{\"error_code\":18,\"error_msg\":\"Open api qps request limit reached\"}", BLAME_BUSY, "rate"},
    {BAIDU, 200, "{\"error_code\":17,\"error_msg\":\"Open api daily request limit reached\"}", BLAME_KEY, "quota"},
    {BAIDU, 200, "{\"error_code\":110,\"error_msg\":\"Access token invalid or no longer valid\"}", BLAME_KEY, "key"},
    {BAIDU, 200, "{\"error_code\":336103,\"error_msg\":\"Prompt tokens too long\"}", BLAME_CLIENT, "context_length!"},
    {BAIDU, 200, "{\"error_code\":336000,\"error_msg\":\"Internal error\"}", BLAME_UPSTREAM, "error"},
    {BAIDU, 400, OPENAI("Prompt tokens too long", INVALID, "tokens_too_long"), BLAME_CLIENT, "context_length!"},
    {BAIDU, 400, OPENAI("the max input characters is 5000", INVALID, "characters_too_long"), BLAME_CLIENT,
     "context_length!"},
    /* SiliconFlow */
    {SILICON, 503, FLAT("50508", "System is too busy now. Please try again later."), BLAME_BUSY, "busy"},
    {SILICON, 200, FLAT("50508", "System is too busy now. Please try again later."), BLAME_BUSY, "busy"},
    {SILICON, 403, FLAT("30001", "Sorry, your account balance is insufficient"), BLAME_KEY, "balance"},
    {SILICON, 400, FLAT("20012", "Model does not exist. Please check it carefully."), BLAME_UNKNOWN, "model"},
    {SILICON, 400, FLAT("20015", "The parameter is invalid."), BLAME_CLIENT, "request"},
    {SILICON, 401, "\"Invalid token\"", BLAME_KEY, "key"},
    {SILICON, 404, "\"404 page not found\"", BLAME_UNKNOWN, "model"},
    {SILICON, 504, "\"Gateway Timeout\"", BLAME_BUSY, "busy"},
    /* OpenRouter */
    {OPENROUTER, 429,
     "{\"error\":{\"message\":\"Rate limit exceeded\",\"code\":429,\"metadata\":{\"provider_name\":"
     "\"DeepSeek\"}}}",
     BLAME_BUSY, "rate"},
    {OPENROUTER, 200, NUMBERED("400", "Bad Request"), BLAME_CLIENT, "request"},
    {OPENROUTER, 200, NUMBERED("401", "Invalid credentials"), BLAME_KEY, "key"},
    {OPENROUTER, 200, NUMBERED("402", "Insufficient credits"), BLAME_KEY, "balance"},
    {OPENROUTER, 200, NUMBERED("403", "Your chosen model requires moderation and your input was flagged"), BLAME_CLIENT,
     "content"},
    {OPENROUTER, 200, NUMBERED("403", "Forbidden"), BLAME_KEY, "access"},
    {OPENROUTER, 200, NUMBERED("408", "Your request timed out"), BLAME_UPSTREAM, "timeout"},
    {OPENROUTER, 200, NUMBERED("429", "You are being rate limited"), BLAME_BUSY, "rate"},
    {OPENROUTER, 200, NUMBERED("502", "Provider disconnected"), BLAME_UPSTREAM, "error"},
    {OPENROUTER, 200, NUMBERED("503", "No available model provider"), BLAME_BUSY, "busy"},
    {OPENROUTER, 200, NUMBERED("\"429\"", "a number in a string"), BLAME_BUSY, "rate"},
    {OPENROUTER, 200,
     "{\"id\":\"x\",\"error\":{\"code\":\"server_error\",\"message\":\"Provider disconnected\"},"
     "\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\"}]}",
     BLAME_UPSTREAM, "error"},
    {OPENROUTER, 200, "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\"}]}",
     BLAME_UPSTREAM, "error"},
    {OPENROUTER, 200,
     "{\"choices\":[{\"finish_reason\":\"error\",\"error\":{\"code\":429,\"message\":\"x\"},\"message\":"
     "{\"content\":\"maximum context length\"}}]}",
     BLAME_BUSY, "rate"},
    {OPENROUTER, 400,
     "{\"error\":{\"message\":\"Provider returned error\",\"code\":400,\"metadata\":{\"raw\":\"{\\\"error"
     "\\\":{\\\"message\\\":\\\"This model's maximum context length is 131072 tokens.\\\"}}\"}}}",
     BLAME_CLIENT, "context_length!"},
    /* Together, Fireworks, Azure, NIM */
    {DIALECT_TOGETHER, 429, OPENAI("Dynamic rate limit", "dynamic_request_limited", ""), BLAME_BUSY, "rate"},
    {DIALECT_TOGETHER, 503, OPENAI("Overloaded", "server_error", ""), BLAME_BUSY, "busy"},
    {DIALECT_FIREWORKS, 503, OPENAI("load shed", "error", ""), BLAME_BUSY, "busy"},
    {DIALECT_FIREWORKS, 412, OPENAI("Account x is suspended", "error", ""), BLAME_KEY, "balance"},
    {DIALECT_AZURE, 400,
     "{\"error\":{\"message\":\"The response was filtered due to the prompt triggering Azure OpenAI's "
     "content management policy.\",\"code\":null,\"innererror\":{\"code\":\"ResponsibleAIPolicyViolation\"}}}",
     BLAME_CLIENT, "content"},
    {DIALECT_AZURE, 400, OPENAI("filtered", "", "content_filter"), BLAME_CLIENT, "content"},
    {DIALECT_NIM, 429, "{\"status\":429,\"title\":\"Too Many Requests\"}", BLAME_BUSY, "rate"},
    /* vLLM, SGLang, llama.cpp, Ollama */
    {VLLM, 401, "{\"error\":\"Unauthorized\"}", BLAME_KEY, "key"},
    {VLLM, 404, SGLANG("The model `x` does not exist."), BLAME_UNKNOWN, "model"},
    {VLLM, 400, NUMBERED("400", "The decoder prompt (length 9000) is longer than the maximum model length of 8192."),
     BLAME_CLIENT, "context_length!"},
    {VLLM, 200, NUMBERED("500", "Internal server error"), BLAME_UPSTREAM, "error"},
    {VLLM, 422, "{\"detail\":[{\"type\":\"missing\",\"loc\":[\"body\",\"messages\"],\"msg\":\"Field required\"}]}",
     BLAME_CLIENT, "request"},
    {DIALECT_SGLANG, 400, SGLANG("The request is too long"), BLAME_CLIENT, "context_length!"},
    {DIALECT_SGLANG, 400, SGLANG("The input (9000 tokens) is longer than the model's context length (8192 tokens)."),
     BLAME_CLIENT, "context_length!"},
    {DIALECT_SGLANG, 400, SGLANG("messages must not be empty"), BLAME_CLIENT, "request"},
    {DIALECT_SGLANG, 200, SGLANG("messages must not be empty"), BLAME_CLIENT, "request"},
    {LLAMACPP, 400,
     "{\"error\":{\"code\":400,\"message\":\"the request exceeds the available context size. try increasing "
     "the context size or enable context "
     "shift\",\"type\":\"exceed_context_size_error\",\"n_prompt_tokens\":14429,\"n_ctx\":"
     "8192}}",
     BLAME_CLIENT, "context_length!"},
    {LLAMACPP, 500, "{\"error\":{\"code\":500,\"message\":\"…\",\"type\":\"exceed_context_size_error\"}}", BLAME_CLIENT,
     "context_length!"},
    {LLAMACPP, 503, "{\"error\":{\"code\":503,\"message\":\"Loading model\",\"type\":\"unavailable_error\"}}",
     BLAME_BUSY, "busy"},
    {DIALECT_OLLAMA, 404, OPENAI("model 'x' not found", "api_error", ""), BLAME_UNKNOWN, "model"},
    /* OpenAI, Anthropic and who speaks like them */
    {OPENAI_, 400, OPENAI("Your input exceeds the context window of this model.", INVALID, "context_length_exceeded"),
     BLAME_CLIENT, "context_length!"},
    {OPENAI_, 200,
     "{\"type\":\"response.failed\",\"response\":{\"status\":\"failed\",\"error\":{\"code\":"
     "\"context_length_exceeded\",\"message\":\"…\"}}}",
     BLAME_CLIENT, "context_length!"},
    {OPENAI_, 400,
     "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"prompt is too long: "
     "210000 tokens > 200000 maximum\"}}",
     BLAME_CLIENT, "context_length!"},
    {OPENAI_, 429, OPENAI("You exceeded your current quota", "insufficient_quota", "insufficient_quota"), BLAME_KEY,
     "quota"},
    {OPENAI_, 200, OPENAI("…", "insufficient_quota", "insufficient_quota"), BLAME_KEY, "quota"},
    {OPENAI_, 400, OPENAI("…", "image_generation_user_error", "content_policy_violation"), BLAME_CLIENT, "content"},
    {OPENAI_, 403, OPENAI("no access", INVALID, "model_not_found"), BLAME_UNKNOWN, "model"},
    {OPENAI_, 403, OPENAI("Your balance is used up", "", ""), BLAME_KEY, "balance"},
    {OPENAI_, 529, "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}",
     BLAME_BUSY, "busy"},
    {OPENAI_, 200, "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}",
     BLAME_BUSY, "busy"},
    {OPENAI_, 400, "\n\"Prompt is too long\"\n", BLAME_CLIENT, "context_length!"},
    {OPENAI_, 429, OPENAI("Too many tokens: shorten the context length", "", ""), BLAME_BUSY, "rate"},
    {OPENAI_, 503, OPENAI("No node with that context window is free", "", ""), BLAME_BUSY, "busy"},
    {OPENAI_, 200, "{\"error\":{\"code\":429},\"status\":500}", BLAME_BUSY, "rate"},
    {OPENAI_, 201, NUMBERED("429", "not only 200"), BLAME_BUSY, "rate"},
    /* 200 that says no more */
    {OPENAI_, 200, "", BLAME_UPSTREAM, "error"},
    {OPENAI_, 200, "{\"error\":{\"message\":\"\"}}", BLAME_UPSTREAM, "error"},
    {OPENAI_, 200, "\"oops\"", BLAME_UPSTREAM, "error"},
    {OPENAI_, 200, FLAT("50508", "busy elsewhere"), BLAME_UPSTREAM, "error"},
    {OPENAI_, 200, NUMBERED("200", "no error"), BLAME_UPSTREAM, "error"},
    {OPENAI_, 200, NUMBERED("600", "no status"), BLAME_UPSTREAM, "error"},
    {OPENAI_, 200, HTML("Welcome"), BLAME_UPSTREAM, "error"},
    /* bodies that say nothing */
    {OPENAI_, 502, HTML("502 Bad Gateway"), BLAME_UPSTREAM, "error"},
    {OPENAI_, 504, HTML("504 Gateway Time-out"), BLAME_UPSTREAM, "timeout"},
    {OPENAI_, 400, HTML("maximum context length"), BLAME_CLIENT, "request"},
    {OPENAI_, 429, "{\"error\":{\"code\":\"insufficient_quota\"", BLAME_BUSY, "rate"},
    {OPENAI_, 429, "{\"error\":{\"code\":\"insufficient_quota\",\"message\":\"\xff\"}}", BLAME_BUSY, "rate"},
};

static void check(enum conf_dialect dialect, unsigned status, struct text body, enum blame blame, const char *reason,
                  unsigned clears_in)
{
    struct complaint c = complaint_read(dialect, status, body);
    struct text wanted = text_of(reason);
    bool context = text_ends(wanted, TEXT("!"));
    wanted.n -= context;
    ck_assert_msg(c.blame == blame && text_is(wanted, c.reason) && c.context_length == context &&
                      c.clears_in == clears_in,
                  "%u " TEXT_FORMAT ": blame %d, %s%s, %u", status, (int)(body.n < 300 ? body.n : 300), body.p, c.blame,
                  c.reason, c.context_length ? "!" : "", c.clears_in);
}

START_TEST(vendors_complaints)
{
    check((enum conf_dialect)complaints[_i].dialect, complaints[_i].status, text_of(complaints[_i].body),
          complaints[_i].blame, complaints[_i].reason, complaints[_i].clears_in);
}
END_TEST

/* ---- by status ---- */

static const struct {
    unsigned first, last;
    enum blame blame;
    const char *reason;
} statuses[] = {
    {0, 199, BLAME_UPSTREAM, "error"},     {200, 399, BLAME_UPSTREAM, "error"},   {400, 400, BLAME_CLIENT, "request"},
    {401, 401, BLAME_KEY, "key"},          {402, 402, BLAME_KEY, "balance"},      {403, 403, BLAME_KEY, "access"},
    {404, 405, BLAME_UNKNOWN, "model"},    {406, 406, BLAME_CLIENT, "request"},   {407, 407, BLAME_UPSTREAM, "error"},
    {408, 408, BLAME_UPSTREAM, "timeout"}, {409, 409, BLAME_UNKNOWN, "error"},    {410, 410, BLAME_UNKNOWN, "model"},
    {411, 420, BLAME_CLIENT, "request"},   {421, 421, BLAME_UPSTREAM, "error"},   {422, 422, BLAME_CLIENT, "request"},
    {423, 423, BLAME_BUSY, "busy"},        {424, 424, BLAME_UPSTREAM, "error"},   {425, 425, BLAME_BUSY, "busy"},
    {426, 426, BLAME_UPSTREAM, "error"},   {427, 428, BLAME_CLIENT, "request"},   {429, 429, BLAME_BUSY, "rate"},
    {430, 450, BLAME_CLIENT, "request"},   {451, 451, BLAME_CLIENT, "content"},   {452, 498, BLAME_CLIENT, "request"},
    {499, 499, BLAME_UPSTREAM, "timeout"}, {500, 502, BLAME_UPSTREAM, "error"},   {503, 503, BLAME_BUSY, "busy"},
    {504, 504, BLAME_UPSTREAM, "timeout"}, {505, 521, BLAME_UPSTREAM, "error"},   {522, 522, BLAME_UPSTREAM, "timeout"},
    {523, 523, BLAME_UPSTREAM, "error"},   {524, 524, BLAME_UPSTREAM, "timeout"}, {525, 528, BLAME_UPSTREAM, "error"},
    {529, 529, BLAME_BUSY, "busy"},        {530, 999, BLAME_UPSTREAM, "error"},
};

START_TEST(every_status_has_a_meaning)
{
    unsigned next = 0;
    for (int i = 0; i < COUNT(statuses); i++) {
        ck_assert_uint_eq(statuses[i].first, next);
        for (; next <= statuses[i].last; next++)
            check(DIALECT_OPENAI, next, TEXT_NONE, statuses[i].blame, statuses[i].reason, 0);
    }
}
END_TEST

/* ---- what a client can bring about ---- */

/* Messages quote requests: none of these may cost an upstream its key or its limit. */
static const char *const quotes[] = {
    "insufficient balance",
    "overdue",
    "quota",
    "rate limit",
    "service is too busy",
    "overloaded",
    "invalid api key",
    "insufficient_quota",
    "Throttling.AllocationQuota",
    "50508",
    "rate_limit_error",
    "suspended",
    "unauthorized",
};

START_TEST(quoted_words_blame_nobody)
{
    static const unsigned refused[] = {200, 400, 413, 422, 500};
    for (int dialect = 0; dialect < DIALECT_COUNT; dialect++)
        for (int i = 0; i < COUNT(refused); i++) {
            struct buf body = {0};
            buf_printf(&body, "{\"error\":{\"message\":\"unknown role `%s`\",\"type\":\"invalid_request_error\"}}",
                       quotes[_i]);
            struct complaint c = complaint_read((enum conf_dialect)dialect, refused[i], buf_text(&body));
            ck_assert_msg(c.blame != BLAME_KEY && c.blame != BLAME_BUSY, "%s with %u", quotes[_i], refused[i]);
            buf_free(&body);
        }
}
END_TEST

/* ---- anything at all ---- */

static void add_many(struct buf *out, const char *what, unsigned count)
{
    while (count--)
        buf_add(out, text_of(what));
}

/* The words are there, but too far away to be looked for. */
START_TEST(long_bodies_say_nothing)
{
    struct buf body = {0};
    BUF_ADD(&body, "{\"error\":{\"code\":\"insufficient_quota\",\"message\":\"");
    add_many(&body, "x", 16000);
    BUF_ADD(&body, "\"}}");
    check(DIALECT_OPENAI, 429, buf_text(&body), BLAME_KEY, "quota", 0);
    buf_clear(&body);
    BUF_ADD(&body, "{\"error\":{\"code\":\"insufficient_quota\",\"message\":\"");
    add_many(&body, "x", 1 << 20);
    BUF_ADD(&body, "\"}}");
    check(DIALECT_OPENAI, 429, buf_text(&body), BLAME_BUSY, "rate", 0);
    buf_free(&body);
}
END_TEST

START_TEST(odd_shapes_are_survived)
{
    static const char *const odd[][3] = {
        {"[", "[", "]"},
        {"{\"error\":", "{\"error\":", "}"},
        {"{\"choices\":[", "{\"choices\":[", "]}"},
    };
    for (int i = 0; i < COUNT(odd); i++) {
        struct buf body = {0};
        add_many(&body, odd[i][0], 60);
        BUF_ADD(&body, "1");
        add_many(&body, odd[i][2], 60);
        check(DIALECT_OPENAI, 418, buf_text(&body), BLAME_CLIENT, "request", 0);
        buf_free(&body);
    }
    check(DIALECT_OPENAI, 418, TEXT("{\"error\":[{\"code\":{}},{\"code\":null},{\"message\":[]},{\"code\":\"\"}]}"),
          BLAME_CLIENT, "request", 0);
    check(DIALECT_OPENAI, 418,
          TEXT("{\"code\":1,\"code\":2,\"code\":3,\"code\":4,\"code\":5,\"code\":6,\"code\":7,\"code\":8,\"code\":9}"),
          BLAME_CLIENT, "request", 0);
}
END_TEST

/* From memory that ends with the body, so that a sanitizer sees a step too far. */
START_TEST(every_prefix_has_an_answer)
{
    struct text body = text_of(complaints[_i].body);
    for (size_t n = 0; n < body.n; n++) {
        char *alone = malloc(n ? n : 1);
        ck_assert_ptr_nonnull(alone);
        memcpy(alone, body.p, n);
        struct complaint c =
            complaint_read((enum conf_dialect)complaints[_i].dialect, complaints[_i].status, text_make(alone, n));
        ck_assert_ptr_nonnull(c.reason);
        free(alone);
    }
}
END_TEST

START_TEST(reasons_are_all_listed)
{
    int listed = 0, given = 0;
    for (; complaint_reasons[listed]; listed++) {
        bool used = false;
        for (int i = 0; i < COUNT(complaints); i++)
            used |= !strncmp(complaints[i].reason, complaint_reasons[listed], strlen(complaint_reasons[listed]));
        given += used;
    }
    ck_assert_int_eq(listed, 12);
    ck_assert_int_eq(given, listed);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, vendors_complaints, 0, COUNT(complaints));
    tcase_add_test(tests, every_status_has_a_meaning);
    tcase_add_loop_test(tests, quoted_words_blame_nobody, 0, COUNT(quotes));
    tcase_add_test(tests, long_bodies_say_nothing);
    tcase_add_test(tests, odd_shapes_are_survived);
    tcase_add_loop_test(tests, every_prefix_has_an_answer, 0, COUNT(complaints));
    tcase_add_test(tests, reasons_are_all_listed);
}

TEST_MAIN_ADDING("complaint", add_tests)
