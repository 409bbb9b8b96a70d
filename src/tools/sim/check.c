/* check.c - what DeepSeek, or the provider in its place, refuses, in its words. One function a rule; the first one that
 * is broken answers.
 */
#include "call.h"
#include "prefix_cache.h"

enum { CONTEXT_TOKENS = 1048576, OUTPUT_MOST = 393216, FIM_OUTPUT_MOST = 4096, STOPS_MOST = 16, USER_ID_MOST = 512 };

typedef bool check(const struct call *c, struct refusal *r);

static bool is_given(const struct call *c, enum call_member m)
{
    return call_get(c, m)->type != JSON_ABSENT && call_get(c, m)->type != JSON_NULL;
}

/* ---- required members ---- */

static bool check_prompt(const struct call *c, struct refusal *r)
{
    static const struct {
        enum call_member member;
        const char *name;
    } required[] = {[API_CHAT] = {CALL_MESSAGES, "messages"},
                    [API_TEXT] = {CALL_PROMPT, "prompt"},
                    [API_ANTHROPIC] = {CALL_MESSAGES, "messages"},
                    [API_RESPONSES] = {CALL_INPUT, "input"},
                    [API_EMBEDDINGS] = {CALL_INPUT, "input"}};
    if (!is_given(c, required[c->api].member))
        return call_refuse_shape(c, r, "missing field `%s`", required[c->api].name);
    bool wants_array = required[c->api].member == CALL_MESSAGES;
    if (wants_array && call_get(c, CALL_MESSAGES)->type != JSON_ARRAY)
        return call_refuse_shape(c, r, "messages: invalid type, expected a sequence");
    if (c->api == API_ANTHROPIC && !is_given(c, CALL_MAX_TOKENS))
        return call_refuse_shape(c, r, "missing field `max_tokens`");
    return true;
}

/* ---- messages ---- */

static bool known_role(const struct call *c, struct text role)
{
    static const char *const roles[] = {"\"user\"", "\"assistant\"", "\"system\"", "\"tool\""};
    size_t known = c->api == API_ANTHROPIC ? 2 : 4;
    for (size_t i = 0; i < known; i++)
        if (text_is(role, roles[i])) return true;
    return false;
}

static bool check_role(const struct call *c, unsigned index, struct text message, struct refusal *r)
{
    struct text role;
    enum json_type type = json_get(message, TEXT("role"), &role);
    if (type != JSON_STRING) return call_refuse_shape(c, r, "messages[%u]: missing field `role`", index);
    if (known_role(c, role)) return true;
    return call_refuse_shape(c, r, "messages[%u].role: unknown variant `" TEXT_FORMAT "`, expected one of %s", index,
                             role.n < 66 ? (int)role.n - 2 : 64, role.p + 1,
                             c->api == API_ANTHROPIC ? "`user`, `assistant`" : "`system`, `user`, `assistant`, `tool`");
}

static bool check_messages(const struct call *c, struct refusal *r)
{
    unsigned index = 0;
    if (c->api != API_CHAT && c->api != API_ANTHROPIC) return true;
    for (struct json_iter it = json_iter(call_get(c, CALL_MESSAGES)->value); json_next(&it); index++)
        if (!check_role(c, index, it.value, r)) return false;
    return index ? true : refuse(r, 400, "Empty input messages");
}

/* In thinking mode with tools, the model must get back what it thought before it called a tool. */
static bool check_reasoning(const struct call *c, struct refusal *r)
{
    unsigned index = 0;
    if (c->api != API_CHAT || !c->thinking || !c->tools.n) return true;
    for (struct json_iter it = json_iter(call_get(c, CALL_MESSAGES)->value); json_next(&it); index++) {
        struct text calls, reasoning;
        if (json_get(it.value, TEXT("tool_calls"), &calls) != JSON_ARRAY) continue;
        if (json_get(it.value, TEXT("reasoning_content"), &reasoning) == JSON_STRING) continue;
        return refuse(r, 400, "Missing `reasoning_content` field in the assistant message at message index %u", index);
    }
    return true;
}

static bool check_resume(const struct call *c, struct refusal *r)
{
    if (!c->continues) return true;
    if (c->provider->resume == RESUME_BETA_PREFIX && !c->beta)
        return refuse(r, 400,
                      "prefix is only available when using beta api (set base_url=\"https://api.deepseek.com/beta\")");
    if (c->provider->forbids_prompt && call_get(c, CALL_GENERATION_PROMPT)->type != JSON_FALSE)
        return refuse(r, 400, "Cannot set both `continue_final_message` and `add_generation_prompt` to True.");
    if (c->provider->resume == RESUME_TRAILING && c->thinking)
        return refuse(r, 400, "Assistant response prefill is incompatible with enable_thinking.");
    return true;
}

/* ---- bounds ---- */

static bool check_max_tokens(const struct call *c, struct refusal *r)
{
    int64_t most = c->api == API_TEXT ? FIM_OUTPUT_MOST : OUTPUT_MOST;
    if (c->max_tokens >= 0 && c->max_tokens <= most) return true;
    return refuse(r, 400, "Invalid max_tokens value, the valid range of max_tokens is [1, %lld]", (long long)most);
}

static bool check_range(const struct call *c, enum call_member m, const char *name, double most, struct refusal *r)
{
    double value;
    if (!is_given(c, m)) return true;
    if (json_to_double(call_get(c, m)->value, &value) && value >= 0 && value <= most) return true;
    return refuse(r, 400, "Invalid %s value, the valid range of %s is [0, %.1f]", name, name, most);
}

static bool check_sampling(const struct call *c, struct refusal *r)
{
    return check_range(c, CALL_TEMPERATURE, "temperature", 2, r) && check_range(c, CALL_TOP_P, "top_p", 1, r);
}

static bool check_choices(const struct call *c, struct refusal *r)
{
    if (c->n < 1 || c->n > CHOICES_MOST)
        return refuse(r, 400, "Invalid n value, the valid range of n is [1, %d]", CHOICES_MOST);
    if (c->top_logprobs < 0 || c->top_logprobs > TOP_LOGPROBS_MOST)
        return refuse(r, 400, "Invalid top_logprobs value, the valid range of top_logprobs is [0, %d]",
                      TOP_LOGPROBS_MOST);
    if (c->top_logprobs == 0 || c->logprobs) return true;
    return refuse(r, 400, "Invalid top_logprobs value, top_logprobs should be set along with logprobs = true");
}

static bool check_stop(const struct call *c, struct refusal *r)
{
    unsigned count = 0;
    for (struct json_iter it = json_iter(call_get(c, CALL_STOP)->value); json_next(&it);)
        count++;
    if (call_get(c, CALL_STOP)->type != JSON_ARRAY || count <= STOPS_MOST) return true;
    return refuse(r, 400, "Invalid stop value, at most %d stop sequences are supported", STOPS_MOST);
}

static bool check_user_id(const struct call *c, struct refusal *r)
{
    const struct json_member *m = call_get(c, CALL_USER_ID);
    if (m->type != JSON_STRING || m->value.n <= USER_ID_MOST + 2) return true;
    return refuse(r, 400, "Invalid user_id value, the maximum length of user_id is %d", USER_ID_MOST);
}

static bool check_stream_options(const struct call *c, struct refusal *r)
{
    if (c->stream || !is_given(c, CALL_STREAM_OPTIONS)) return true;
    return refuse(r, 400, "stream_options should be set along with stream = true");
}

static bool check_context(const struct call *c, struct refusal *r)
{
    struct text parts[CALL_PARTS];
    size_t bytes = 0;
    unsigned n = call_prompt(c, parts);
    for (unsigned i = 0; i < n; i++)
        bytes += parts[i].n;
    unsigned prompt = prefix_tokens(bytes), output = (unsigned)c->max_tokens;
    if (prompt + output <= CONTEXT_TOKENS) return true;
    return refuse(r, 400,
                  "This model's maximum context length is %d tokens. However, you requested %u tokens (%u in the "
                  "messages, %u in the "
                  "completion). Please reduce the length of the messages or completion.",
                  CONTEXT_TOKENS, prompt + output, prompt, output);
}

/* ---- the whole ---- */

bool known_model(const struct known_models *models, struct text name)
{
    if (models->any || text_is(name, "sim")) return true;
    for (size_t i = 0; i < models->count; i++)
        if (text_is(name, models->names[i])) return true;
    return false;
}

bool call_check(const struct call *c, const struct known_models *models, struct refusal *r)
{
    static check *const checks[] = {check_prompt,   check_messages,  check_stream_options, check_max_tokens,
                                    check_sampling, check_choices,   check_stop,           check_user_id,
                                    check_resume,   check_reasoning, check_context};
    if (c->api != API_EMBEDDINGS && !known_model(models, c->base)) return refuse(r, 400, "Model Not Exist");
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        if (!checks[i](c, r)) return false;
    return true;
}
