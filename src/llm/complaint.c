/* Messages quote what the client has sent. So words in them may clear an upstream of blame and tell more of what its
 * status has said already, but never alone make it busy or its key bad: whoever could make an upstream quote some words
 * could take it away from the others. Codes are the vendor's own.
 */
#include "dsgate/llm/complaint.h"
#include "complaint_private.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum reason { BUSY, RATE, QUOTA, KEY, BALANCE, ACCESS, MODEL, CONTEXT, POLICY, REQUEST, TIMEOUT, ERROR, REASONS };

const char *const complaint_reasons[] = {
    [BUSY] = "busy",       [RATE] = "rate",       [QUOTA] = "quota",     [KEY] = "key",
    [BALANCE] = "balance", [ACCESS] = "access",   [MODEL] = "model",     [CONTEXT] = "context_length",
    [POLICY] = "content",  [REQUEST] = "request", [TIMEOUT] = "timeout", [ERROR] = "error",
    [REASONS] = NULL,
};

/* ---- by words ---- */

enum { ANY = DIALECT_COUNT };

/* A row's status: one of HTTP's, or one of these. */
enum {
    EVER,   /* whatever the status */
    MISTAKE /* one with which a request may be refused: 400, 413, 422, 500, and 200 with no other inside */
};

struct row {
    int dialect;
    unsigned status;
    const char *code;  /* one of the body's codes or types; "x*" begins so, "*x*" has it inside; NULL = any */
    const char *words; /* stand in a message; lower case; NULL = any */
    enum blame blame;
    enum reason reason;
    unsigned clears_in;
};

/* clang-format off */
static const struct row rows[] = {
    /* Volcengine Ark: volcengine.com/docs/82379/1299023 */
    {DIALECT_ARK, EVER, "AccountOverdueError", NULL, BLAME_KEY, BALANCE, 0},
    {DIALECT_ARK, EVER, "ModelNotOpen", NULL, BLAME_KEY, ACCESS, 0},
    {DIALECT_ARK, EVER, "InvalidEndpointOrModel.ModelIDAccessDisabled", NULL, BLAME_KEY, ACCESS, 0},
    {DIALECT_ARK, EVER, "InvalidEndpoint.ClosedEndpoint", NULL, BLAME_UPSTREAM, ERROR, 0}, /* "temporarily", with 400 */
    {DIALECT_ARK, EVER, "SetLimitExceeded", NULL, BLAME_KEY, QUOTA, 0}, /* the account's own limit */
    {DIALECT_ARK, EVER, "QuotaExceeded", NULL, BLAME_KEY, QUOTA, 0},    /* the free trial is used up */
    {DIALECT_ARK, EVER, "RateLimitExceeded*", NULL, BLAME_BUSY, RATE, 0},
    {DIALECT_ARK, EVER, "ServerOverloaded", NULL, BLAME_BUSY, BUSY, 0},
    {DIALECT_ARK, EVER, "*SensitiveContentDetected*", NULL, BLAME_CLIENT, POLICY, 0},
    /* Alibaba DashScope: help.aliyun.com/zh/model-studio/error-code. Tokens a minute are called a quota there. */
    {DIALECT_DASHSCOPE, EVER, "Throttling.AllocationQuota", NULL, BLAME_BUSY, RATE, 60},
    {DIALECT_DASHSCOPE, 429, "insufficient_quota", NULL, BLAME_BUSY, RATE, 60}, /* the same, in OpenAI's words */
    {DIALECT_DASHSCOPE, EVER, "Throttling*", NULL, BLAME_BUSY, RATE, 0},
    {DIALECT_DASHSCOPE, EVER, "Arrearage", NULL, BLAME_KEY, BALANCE, 0}, /* with 400 */
    {DIALECT_DASHSCOPE, EVER, "AllocationQuota.FreeTierOnly", NULL, BLAME_KEY, QUOTA, 0},
    {DIALECT_DASHSCOPE, EVER, "DataInspectionFailed", NULL, BLAME_CLIENT, POLICY, 0},
    /* Huawei MaaS: support.huaweicloud.com/model-call-maas/model-call-035.html */
    {DIALECT_HUAWEI, EVER, "ModelArts.81101", NULL, BLAME_BUSY, RATE, 0}, /* requests a minute */
    {DIALECT_HUAWEI, EVER, "ModelArts.81103", NULL, BLAME_BUSY, RATE, 0}, /* tokens a minute */
    {DIALECT_HUAWEI, EVER, "ModelArts.81002", NULL, BLAME_KEY, KEY, 0},   /* with 400 */
    {DIALECT_HUAWEI, EVER, "ModelArts.4905", NULL, BLAME_KEY, KEY, 0},    /* with 400 */
    {DIALECT_HUAWEI, EVER, "ModelArts.81004", NULL, BLAME_KEY, ACCESS, 0},
    {DIALECT_HUAWEI, EVER, "ModelArts.81015", NULL, BLAME_KEY, ACCESS, 0},
    {DIALECT_HUAWEI, EVER, "ModelArts.81005", NULL, BLAME_KEY, QUOTA, 0},
    {DIALECT_HUAWEI, EVER, "ModelArts.4207", NULL, BLAME_KEY, QUOTA, 0},
    {DIALECT_HUAWEI, EVER, "ModelArts.81006", NULL, BLAME_KEY, BALANCE, 0}, /* frozen */
    {DIALECT_HUAWEI, EVER, "ModelArts.81011", NULL, BLAME_CLIENT, POLICY, 0}, /* with 403 */
    {DIALECT_HUAWEI, EVER, "ModelArts.81013", NULL, BLAME_CLIENT, POLICY, 0},
    /* Baidu Qianfan: ai.baidu.com/ai-doc/WENXINWORKSHOP/tlmyncueh; also under 200 */
    {DIALECT_QIANFAN, EVER, "336501", NULL, BLAME_BUSY, RATE, 0}, /* requests a minute */
    {DIALECT_QIANFAN, EVER, "336502", NULL, BLAME_BUSY, RATE, 0}, /* tokens a minute */
    {DIALECT_QIANFAN, EVER, "18", NULL, BLAME_BUSY, RATE, 0},     /* requests a second */
    {DIALECT_QIANFAN, EVER, "4", NULL, BLAME_BUSY, BUSY, 0},      /* the cluster's limit */
    {DIALECT_QIANFAN, EVER, "2", NULL, BLAME_BUSY, BUSY, 0},      /* temporarily unavailable */
    {DIALECT_QIANFAN, EVER, "336100", NULL, BLAME_BUSY, BUSY, 0}, /* try again */
    {DIALECT_QIANFAN, EVER, "17", NULL, BLAME_KEY, QUOTA, 0},     /* of the day, or not paid */
    {DIALECT_QIANFAN, EVER, "19", NULL, BLAME_KEY, QUOTA, 0},
    {DIALECT_QIANFAN, EVER, "6", NULL, BLAME_KEY, ACCESS, 0},
    {DIALECT_QIANFAN, EVER, "13", NULL, BLAME_KEY, KEY, 0},
    {DIALECT_QIANFAN, EVER, "14", NULL, BLAME_KEY, KEY, 0},
    {DIALECT_QIANFAN, EVER, "110", NULL, BLAME_KEY, KEY, 0},
    {DIALECT_QIANFAN, EVER, "111", NULL, BLAME_KEY, KEY, 0},
    {DIALECT_QIANFAN, EVER, "336103", NULL, BLAME_CLIENT, CONTEXT, 0},
    {DIALECT_QIANFAN, EVER, "336007", NULL, BLAME_CLIENT, CONTEXT, 0},
    {DIALECT_QIANFAN, EVER, "tokens_too_long", NULL, BLAME_CLIENT, CONTEXT, 0},
    {DIALECT_QIANFAN, EVER, "characters_too_long", NULL, BLAME_CLIENT, CONTEXT, 0},
    {DIALECT_QIANFAN, EVER, "336001", NULL, BLAME_CLIENT, REQUEST, 0},
    {DIALECT_QIANFAN, EVER, "336002", NULL, BLAME_CLIENT, REQUEST, 0},
    /* SiliconFlow: docs.siliconflow.cn/faqs/error-code */
    {DIALECT_SILICONFLOW, EVER, "50508", NULL, BLAME_BUSY, BUSY, 0},
    {DIALECT_SILICONFLOW, EVER, "50505", NULL, BLAME_BUSY, BUSY, 0},
    {DIALECT_SILICONFLOW, EVER, "30001", NULL, BLAME_KEY, BALANCE, 0},
    {DIALECT_SILICONFLOW, EVER, "30011", NULL, BLAME_KEY, BALANCE, 0},
    {DIALECT_SILICONFLOW, EVER, "20012", NULL, BLAME_UNKNOWN, MODEL, 0}, /* with 400 */
    {DIALECT_SILICONFLOW, 504, NULL, NULL, BLAME_BUSY, BUSY, 0},         /* "the load is high" */
    /* OpenRouter: openrouter.ai/docs/api/reference/errors-and-debugging */
    {DIALECT_OPENROUTER, 403, NULL, "flagged", BLAME_CLIENT, POLICY, 0},
    {DIALECT_OPENROUTER, 403, NULL, "moderation", BLAME_CLIENT, POLICY, 0},
    {DIALECT_OPENROUTER, 403, NULL, "guardrail", BLAME_CLIENT, POLICY, 0},
    /* Fireworks: docs.fireworks.ai/guides/inference-error-codes */
    {DIALECT_FIREWORKS, 412, NULL, NULL, BLAME_KEY, BALANCE, 0}, /* the account is suspended */
    {DIALECT_SGLANG, MISTAKE, NULL, "request is too long", BLAME_CLIENT, CONTEXT, 0},

    /* codes of OpenAI's, Azure's and Anthropic's, which many others use as well, and llama.cpp's */
    {ANY, EVER, "context_length_exceeded", NULL, BLAME_CLIENT, CONTEXT, 0},
    {ANY, EVER, "exceed_context_size_error", NULL, BLAME_CLIENT, CONTEXT, 0},
    {ANY, EVER, "content_policy_violation", NULL, BLAME_CLIENT, POLICY, 0},
    {ANY, EVER, "content_filter", NULL, BLAME_CLIENT, POLICY, 0},
    {ANY, EVER, "data_inspection_failed", NULL, BLAME_CLIENT, POLICY, 0},
    {ANY, EVER, "sensitive_words_detected", NULL, BLAME_CLIENT, POLICY, 0},
    {ANY, EVER, "insufficient_quota", NULL, BLAME_KEY, QUOTA, 0}, /* with 429 */
    {ANY, EVER, "insufficient_user_quota", NULL, BLAME_KEY, BALANCE, 0},
    {ANY, EVER, "exceeded_current_quota_error", NULL, BLAME_KEY, QUOTA, 0},
    {ANY, EVER, "billing_hard_limit_reached", NULL, BLAME_KEY, QUOTA, 0},
    {ANY, EVER, "billing_not_active", NULL, BLAME_KEY, BALANCE, 0},
    {ANY, EVER, "billing_error", NULL, BLAME_KEY, BALANCE, 0},
    {ANY, EVER, "invalid_api_key", NULL, BLAME_KEY, KEY, 0},
    {ANY, EVER, "authentication_error", NULL, BLAME_KEY, KEY, 0},
    {ANY, EVER, "permission_error", NULL, BLAME_KEY, ACCESS, 0},
    {ANY, EVER, "model_not_found", NULL, BLAME_UNKNOWN, MODEL, 0},
    {ANY, EVER, "rate_limit_error", NULL, BLAME_BUSY, RATE, 0},
    {ANY, EVER, "rate_limit_exceeded", NULL, BLAME_BUSY, RATE, 0},
    {ANY, EVER, "overloaded_error", NULL, BLAME_BUSY, BUSY, 0},
    {ANY, EVER, "server_is_overloaded", NULL, BLAME_BUSY, BUSY, 0},
    {ANY, EVER, "service_unavailable_error", NULL, BLAME_BUSY, BUSY, 0},
    /* how it is said that a prompt is too long */
    {ANY, MISTAKE, NULL, "context length", BLAME_CLIENT, CONTEXT, 0}, /* DeepSeek, OpenAI, vLLM, SGLang, … */
    {ANY, MISTAKE, NULL, "context window", BLAME_CLIENT, CONTEXT, 0},
    {ANY, MISTAKE, NULL, "context size", BLAME_CLIENT, CONTEXT, 0},   /* llama.cpp */
    {ANY, MISTAKE, NULL, "exceed context", BLAME_CLIENT, CONTEXT, 0},
    {ANY, MISTAKE, NULL, "exceeds context", BLAME_CLIENT, CONTEXT, 0},
    {ANY, MISTAKE, NULL, "prompt is too long", BLAME_CLIENT, CONTEXT, 0}, /* Anthropic */
    {ANY, MISTAKE, NULL, "prompt too long", BLAME_CLIENT, CONTEXT, 0},
    {ANY, MISTAKE, NULL, "tokens too long", BLAME_CLIENT, CONTEXT, 0},
    {ANY, MISTAKE, NULL, "input is too long", BLAME_CLIENT, CONTEXT, 0},
    {ANY, MISTAKE, NULL, "input length", BLAME_CLIENT, CONTEXT, 0},       /* DashScope, Huawei, SGLang */
    {ANY, MISTAKE, NULL, "maximum model length", BLAME_CLIENT, CONTEXT, 0}, /* vLLM */
    {ANY, MISTAKE, NULL, "maximum prompt length", BLAME_CLIENT, CONTEXT, 0},
    /* … and that nobody here will answer that */
    {ANY, MISTAKE, NULL, "content exists risk", BLAME_CLIENT, POLICY, 0}, /* DeepSeek */
    {ANY, MISTAKE, NULL, "content policy", BLAME_CLIENT, POLICY, 0},
    {ANY, MISTAKE, NULL, "content management policy", BLAME_CLIENT, POLICY, 0}, /* Azure */
    {ANY, MISTAKE, NULL, "inappropriate content", BLAME_CLIENT, POLICY, 0},
    {ANY, MISTAKE, NULL, "risk control", BLAME_CLIENT, POLICY, 0},
    {ANY, MISTAKE, NULL, "sensitive information", BLAME_CLIENT, POLICY, 0},
    {ANY, 400, NULL, "model not exist", BLAME_UNKNOWN, MODEL, 0}, /* DeepSeek */
    /* what a status alone leaves open */
    {ANY, 403, NULL, "balance", BLAME_KEY, BALANCE, 0},
    {ANY, 403, NULL, "overdue", BLAME_KEY, BALANCE, 0},
    {ANY, 403, NULL, "quota", BLAME_KEY, QUOTA, 0},
};

/* ---- by status alone: the first range counts ---- */

static const struct {
    unsigned first, last;
    enum blame blame;
    enum reason reason;
} statuses[] = {
    {401, 401, BLAME_KEY, KEY},
    {402, 402, BLAME_KEY, BALANCE},
    {403, 403, BLAME_KEY, ACCESS},
    {404, 405, BLAME_UNKNOWN, MODEL},    /* no such model here, or no such path */
    {407, 407, BLAME_UPSTREAM, ERROR},   /* a proxy on the way */
    {408, 408, BLAME_UPSTREAM, TIMEOUT},
    {409, 409, BLAME_UNKNOWN, ERROR},
    {410, 410, BLAME_UNKNOWN, MODEL},    /* retired */
    {421, 421, BLAME_UPSTREAM, ERROR},
    {423, 423, BLAME_BUSY, BUSY},
    {424, 424, BLAME_UPSTREAM, ERROR},   /* something that it needs has failed */
    {425, 425, BLAME_BUSY, BUSY},
    {426, 426, BLAME_UPSTREAM, ERROR},
    {429, 429, BLAME_BUSY, RATE},
    {451, 451, BLAME_CLIENT, POLICY},
    {499, 499, BLAME_UPSTREAM, TIMEOUT}, /* a proxy on the way was tired of waiting */
    {400, 499, BLAME_CLIENT, REQUEST},
    {503, 503, BLAME_BUSY, BUSY},
    {504, 504, BLAME_UPSTREAM, TIMEOUT},
    {522, 522, BLAME_UPSTREAM, TIMEOUT}, /* Cloudflare's */
    {524, 524, BLAME_UPSTREAM, TIMEOUT},
    {529, 529, BLAME_BUSY, BUSY},        /* Anthropic's */
};
/* clang-format on */

static struct complaint make(enum blame blame, enum reason reason, unsigned clears_in)
{
    return (struct complaint){.blame = blame,
                              .context_length = reason == CONTEXT,
                              .clears_in = clears_in,
                              .reason = complaint_reasons[reason]};
}

static struct complaint read_status(unsigned status)
{
    for (size_t i = 0; i < COUNT(statuses); i++)
        if (status >= statuses[i].first && status <= statuses[i].last)
            return make(statuses[i].blame, statuses[i].reason, 0);
    return make(BLAME_UPSTREAM, ERROR, 0);
}

/* ---- matching ---- */

static bool status_matches(unsigned wanted, unsigned status)
{
    if (wanted == MISTAKE) return status == 0 || status == 400 || status == 413 || status == 422 || status == 500;
    return wanted == EVER || wanted == status;
}

static bool code_is(struct text code, struct text pattern)
{
    if (!text_ends(pattern, TEXT("*"))) return text_eq(code, pattern);
    struct text word = text_make(pattern.p, pattern.n - 1);
    if (!text_starts(word, TEXT("*"))) return text_starts(code, word);
    return text_find(code, text_from(word, 1)) < code.n;
}

static bool has_code(const struct complaint_words *w, const char *pattern)
{
    for (size_t i = 0; i < w->count; i++)
        if (code_is(w->codes[i], text_of(pattern))) return true;
    return false;
}

static bool matches(const struct row *r, enum conf_dialect dialect, unsigned status, const struct complaint_words *w)
{
    struct text messages = text_make(w->messages, w->n);
    return (r->dialect == ANY || r->dialect == (int)dialect) && status_matches(r->status, status) &&
           (!r->code || has_code(w, r->code)) && (!r->words || text_find(messages, text_of(r->words)) < messages.n);
}

/* Under 200 the status that counts is the one inside; 0: there is none. */
struct complaint complaint_read(enum conf_dialect dialect, unsigned status, struct text body)
{
    struct complaint_words w;
    complaint_words_read(&w, body);
    if (status / 100 == 2) status = w.status;
    for (size_t i = 0; i < COUNT(rows); i++)
        if (matches(&rows[i], dialect, status, &w)) return make(rows[i].blame, rows[i].reason, rows[i].clears_in);
    return read_status(status);
}
