/* embeddings.c - POST /embeddings, which DeepSeek has not: OpenAI's shape, so that apps that mix both can be tested.
 *
 * A vector is made from its input's bytes: equal inputs have equal vectors. Lengths are not one; nobody should search
 * with these.
 */
#include "base64.h"
#include "call.h"
#include "hash.h"
#include "sim.h"

enum { DIMENSIONS = 16, DIMENSIONS_MOST = 4096, INPUTS_MOST = 2048 };

struct job {
    unsigned dimensions;
    bool base64;
    uint64_t seed;
};

static float component(const struct job *j, uint64_t input, unsigned i)
{
    return (float)hash_pick(input ^ j->seed, i, 2000001) / 1e6f - 1.0f;
}

static void add_vector(const struct job *j, uint64_t input, struct buf *out)
{
    if (!j->base64) {
        BUF_ADD(out, "[");
        for (unsigned i = 0; i < j->dimensions; i++)
            buf_printf(out, "%s%.6f", i ? "," : "", (double)component(j, input, i));
        BUF_ADD(out, "]");
        return;
    }
    struct buf floats = {0};
    for (unsigned i = 0; i < j->dimensions; i++) {
        float f = component(j, input, i);
        buf_append(&floats, &f, sizeof f);
    }
    BUF_ADD(out, "\"");
    base64_add(out, buf_text(&floats));
    BUF_ADD(out, "\"");
    buf_free(&floats);
}

static void add_input(const struct job *j, struct text input, unsigned index, struct buf *out)
{
    if (index) BUF_ADD(out, ",");
    buf_printf(out, "{\"object\":\"embedding\",\"index\":%u,\"embedding\":", index);
    add_vector(j, hash_text(HASH_START, input), out);
    BUF_ADD(out, "}");
}

/* A string, an array of tokens (one input each), or an array of either. */
static void add_inputs(const struct job *j, const struct json_member *input, struct buf *out)
{
    unsigned index = 0;
    struct json_iter it = json_iter(input->value);
    bool several = input->type == JSON_ARRAY && json_next(&it) && it.type != JSON_NUMBER;
    if (!several) {
        add_input(j, input->value, 0, out);
        return;
    }
    do
        add_input(j, it.value, index++, out);
    while (index < INPUTS_MOST && json_next(&it));
}

void embeddings_answer(struct exchange *x, const struct call *call, uint64_t seed)
{
    struct buf body = {0};
    int64_t dimensions;
    const struct json_member *wanted = call_get(call, CALL_DIMENSIONS), *input = call_get(call, CALL_INPUT);
    bool valid = json_to_i64(wanted->value, &dimensions) && dimensions >= 1 && dimensions <= DIMENSIONS_MOST;
    struct job job = {.dimensions = valid ? (unsigned)dimensions : DIMENSIONS,
                      .base64 = text_is(call_get(call, CALL_ENCODING_FORMAT)->value, "\"base64\""),
                      .seed = seed};
    unsigned tokens = prefix_tokens(input->value.n);
    BUF_ADD(&body, "{\"object\":\"list\",\"data\":[");
    add_inputs(&job, input, &body);
    BUF_ADD(&body, "],\"model\":");
    buf_add_json_string(&body, text_of(call->model));
    buf_printf(&body, ",\"usage\":{\"prompt_tokens\":%u,\"total_tokens\":%u}}", tokens, tokens);
    answer_json(x, 200, buf_text(&body));
    buf_free(&body);
}
