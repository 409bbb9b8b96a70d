/* call.h - a request to the API as the service understands it: what was asked, found in the body's bytes without a
 * copy.
 */
#ifndef DSGATE_SIM_CALL_H
#define DSGATE_SIM_CALL_H

#include "dsgate/llm/json.h"
#include "errors.h"
#include "provider.h"

enum api { API_CHAT, API_TEXT, API_ANTHROPIC, API_RESPONSES, API_EMBEDDINGS };

#define CALL_MEMBERS(X)                                                                                                \
    X(MODEL, "model")                                                                                                  \
    X(MESSAGES, "messages")                                                                                            \
    X(STREAM, "stream")                                                                                                \
    X(STREAM_OPTIONS, "stream_options")                                                                                \
    X(MAX_TOKENS, "max_tokens")                                                                                        \
    X(MAX_COMPLETION_TOKENS, "max_completion_tokens")                                                                  \
    X(MAX_OUTPUT_TOKENS, "max_output_tokens")                                                                          \
    X(THINKING, "thinking")                                                                                            \
    X(TOOLS, "tools")                                                                                                  \
    X(TOOL_CHOICE, "tool_choice") X(RESPONSE_FORMAT, "response_format") X(PROMPT, "prompt") X(SUFFIX, "suffix")        \
        X(INPUT, "input") X(INSTRUCTIONS, "instructions") X(SYSTEM, "system") X(STOP, "stop") X(USER_ID, "user_id")    \
            X(TEMPERATURE, "temperature") X(TOP_P, "top_p") X(PREFIX, "prefix")                                        \
                X(CONTINUE_FINAL, "continue_final_message") X(DIMENSIONS, "dimensions")                                \
                    X(ENCODING_FORMAT, "encoding_format") X(GENERATION_PROMPT, "add_generation_prompt")                \
                        X(TEMPLATE_KWARGS, "chat_template_kwargs") X(N, "n") X(LOGPROBS, "logprobs")                   \
                            X(TOP_LOGPROBS, "top_logprobs")

enum call_member {
#define X(id, name) CALL_##id,
    CALL_MEMBERS(X)
#undef X
        CALL_MEMBER_COUNT
};

enum { MODEL_MOST = 192 /* bytes of a model name, its scenario included */ };
enum { CHOICES_MOST = 16, TOP_LOGPROBS_MOST = 20 };

struct call {
    const struct provider *provider;
    enum api api;
    bool beta; /* below /beta/ */
    struct text body;
    struct json_member members[CALL_MEMBER_COUNT];
    char model[MODEL_MOST]; /* as asked for */
    struct text base, spec; /* "deepseek-flash@busy" is base "deepseek-flash" and spec "busy" */
    bool stream, include_usage, thinking, json_object;
    int64_t max_tokens;    /* 0 = not given */
    int64_t n;             /* choices */
    bool logprobs;
    int64_t top_logprobs;
    struct text tools;     /* the array, or empty */
    bool wants_tool;       /* it asks for a call, by tool_choice or in words */
    struct text tool_name; /* the function that tool_choice names, raw without quotes; empty: the first */
    /* The text to go on with, in the provider's way, as raw JSON strings without quotes; empty: none. A prompt that is
     * longer by it is the plan's matter. */
    struct text given_content, given_reasoning;
    bool continues;
    bool message_given;       /* the last message holds that text */
    struct text conversation; /* the bytes of all other messages: the array without its end */
};

static inline const struct json_member *call_get(const struct call *c, enum call_member m) { return &c->members[m]; }

/* Reads the body. false: it is no acceptable JSON object, in DeepSeek's words in *r. Types of members are checked for
 * the members that are read; the rules of the service are call_check()'s. */
bool call_read(struct call *c, const struct provider *provider, enum api api, bool beta, struct text body,
               struct refusal *r);

/* The service's own checks. `models`: names that are known, `any_model`: all are. */
struct known_models {
    const char *const *names;
    size_t count;
    bool any;
};
bool call_check(const struct call *c, const struct known_models *models, struct refusal *r);

/* A name that is known; "sim" always is. */
bool known_model(const struct known_models *models, struct text name);

/* The prompt's parts in the order in which a model reads them, without a text that is to be continued: at most
 * CALL_PARTS. */
enum { CALL_PARTS = 4 };
unsigned call_prompt(const struct call *c, struct text parts[static CALL_PARTS]);

/* Hash of what the answer's text depends on: the conversation without a text that is to be continued, and without
 * `prompt`, which may have such a text at its end. */
uint64_t call_hash(const struct call *c, uint64_t seed);

/* A 422 in the words of DeepSeek's deserialiser. Always returns false. */
bool call_refuse_shape(const struct call *c, struct refusal *r, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* "at line 3 column 14" of a position, as serde_json says it. */
void call_place(struct text body, size_t position, struct buf *out);

#endif
