/* dialect.h - where the providers' versions of one API differ, as one table: a row for each dialect of the config.
 *
 * Facts change and are told by vendors' pages, so they are data; what is not known for sure is the cautious value.
 * Constant: any thread.
 */
#ifndef DSGATE_LLM_DIALECT_H
#define DSGATE_LLM_DIALECT_H

#include "dsgate/config/config.h"

/* How an upstream is asked to go on from a text that its answer shall begin with. */
enum continuation {
    CONTINUE_NONE,          /* it can't, or nobody knows */
    CONTINUE_BETA_PREFIX,   /* a last assistant message with "prefix":true, at the beta path (DeepSeek) */
    CONTINUE_PREFIX,        /* the same at the usual path (Huawei MaaS) */
    CONTINUE_TEXT,          /* a top-level "prefix":"text" (SiliconFlow) */
    CONTINUE_FINAL_MESSAGE, /* a last assistant message with "continue_final_message":true and
                             * "add_generation_prompt":false at the top level (vLLM, SGLang) */
    CONTINUE_TRAILING       /* a last assistant message is always gone on with, but refused by models that think
                             * (llama.cpp) */
};

struct dialect_row {
    enum continuation continuation; /* of chat completions; legacy completions go on from a longer prompt anywhere */
    bool continues_reasoning;       /* reasoning may be given back with the text, and goes on where it was cut */
    const char *reasoning;          /* the member that holds it: "reasoning_content" or "reasoning" */
    bool plain_streams;             /* a plain answer put together from a stream (llm/assembly.h) equals the plain
                                     * answer in each field; true only where tests prove it */
    bool heeds_temperature;         /* temperature counts while a model thinks, too, or is refused then: so 0 stands for
                                     * the same answer each time, as far as can be */
};

const struct dialect_row *dialect_row(enum conf_dialect d);

#endif
