/* provider.h - which service is simulated (--dialect): where others that serve DeepSeek's models differ from DeepSeek,
 * as one table.
 *
 * Made from the providers' own pages and sources and not from the gateway's table, so that each can prove the other
 * wrong. Constant: any thread.
 */
#ifndef DSGATE_SIM_PROVIDER_H
#define DSGATE_SIM_PROVIDER_H

#include "dsgate/base/text.h"

/* How a chat request says that its answer has begun already. */
enum resume {
    RESUME_NONE,          /* it cannot: an assistant message at the end is a turn like any other */
    RESUME_BETA_PREFIX,   /* a last assistant message with "prefix":true, below /beta; refused elsewhere */
    RESUME_PREFIX,        /* the same at the usual path */
    RESUME_TEXT,          /* a top-level "prefix":"text" */
    RESUME_FINAL_MESSAGE, /* a last assistant message and "continue_final_message":true */
    RESUME_TRAILING       /* any last assistant message, while not thinking */
};

/* What errors that are made here look like. */
enum error_shape {
    ERROR_NESTED,       /* {"error":{"message":…,"type":…,"param":null,"code":"…"}} */
    ERROR_INTEGER_CODE, /* the same with the status as code */
    ERROR_FLAT_CODE,    /* {"code":…,"message":…,"data":null} */
    ERROR_FLAT_OBJECT,  /* {"object":"error","message":…,"type":…,"param":null,"code":status} */
    ERROR_HUAWEI        /* {"error_code":…,"error_msg":…} */
};

struct provider {
    const char *name; /* as in the gateway's config */
    enum resume resume;
    bool resumes_reasoning; /* reasoning that is given back goes on where it was cut */
    bool forbids_prompt;    /* continue_final_message demands add_generation_prompt:false */
    bool has_template;      /* chat_template_kwargs turn thinking off */
    bool reasoning_field;   /* `reasoning` instead of `reasoning_content` */
    bool usage_separate;    /* usage on a chunk of its own */
    enum error_shape errors;
};

/* The first row is DeepSeek's. */
const struct provider *provider_rows(size_t *count);
/* NULL when no row has this name. */
const struct provider *provider_find(struct text name);

#endif
