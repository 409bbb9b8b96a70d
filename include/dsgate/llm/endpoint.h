/* endpoint.h - the API's endpoints as one table: what a path is, how its body and answer are to be read.
 *
 * The table is constant: rows may be kept, compared and read by any thread.
 */
#ifndef DSGATE_LLM_ENDPOINT_H
#define DSGATE_LLM_ENDPOINT_H

#include "dsgate/config/config.h"

enum endpoint_family { /* the shape of requests, answers and stream events */
    FAMILY_CHAT,       /* OpenAI chat completions */
    FAMILY_COMPLETION, /* OpenAI (legacy) completions, FIM */
    FAMILY_EMBEDDING,
    FAMILY_MESSAGES,   /* Anthropic messages */
    FAMILY_RESPONSES,  /* OpenAI responses */
    FAMILY_OPAQUE      /* anything else: not looked into */
};

/* Which of an upstream's paths it goes below. */
enum endpoint_root { ROOT_BASE, ROOT_BETA, ROOT_ANTHROPIC, ROOT_BALANCE };

enum endpoint_kind {
    ENDPOINT_RELAY,
    ENDPOINT_MODELS, /* answered by the gateway, merged */
    ENDPOINT_UNKNOWN /* no such endpoint; `family` is the shape in which clients that go there must be told so */
};

struct endpoint {
    const char *label;    /* metric label and log field: "chat", "messages", … */
    const char *path;     /* the client's after the optional /v1; a trailing '*' matches any rest but none */
    enum endpoint_kind kind;
    enum endpoint_family family;
    enum endpoint_root root;
    unsigned methods;     /* bit set: 1u << enum http_method (the numbers are those of net/http.h); GET and HEAD go
                           * together */
    bool needs_model;     /* a JSON object with a `model` string is required */
    const char *needs;    /* another required member: "messages", "prompt", "input"; NULL = none */
    bool replayable;      /* sending it twice costs money at most: failover may replay it */
    bool any_upstream;    /* false: always the first in config order that serves it (state lives there: files) */
    bool says_text;       /* its answers are a model's words: they may be streamed, or said by somebody else */
};

extern const struct endpoint endpoints[];
extern const unsigned endpoint_count; /* the last row is the catch-all for /v1/… */

/* The row for a request path. NULL or a row of ENDPOINT_UNKNOWN: no such endpoint here (404). Paths never match that
 * could climb out of an upstream's base path or hide another endpoint's name: dot segments (also "..;x"), "//", bytes
 * that RFC 3986 does not allow in a path, and encoded ones that need no encoding or change the path's meaning: letters,
 * digits, "-._~", '/', '\', '%', control bytes. Any number of leading /v1 counts as one; one slash at the end is borne
 * with. */
const struct endpoint *endpoint_find(struct text path);

/* The path to ask of an upstream, appended to *out, for a client_path that endpoint_find() has led to `e`; false when
 * this upstream does not serve the endpoint. */
bool endpoint_upstream_path(const struct endpoint *e, const struct conf_upstream *u, struct text client_path,
                            struct buf *out);

#endif
