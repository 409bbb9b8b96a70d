/* options.h - the command line. */
#ifndef DSGATE_SIM_OPTIONS_H
#define DSGATE_SIM_OPTIONS_H

#include "call.h"
#include "rules.h"

enum { LISTEN_MOST = 16, MODELS_MOST = 64, KEYS_MOST = 64, WORKERS_MOST = 64 };

struct options {
    const char *listen[LISTEN_MOST], *models[MODELS_MOST], *keys[KEYS_MOST];
    unsigned listen_count, model_count, key_count;
    const char *tls_cert, *tls_key;
    const struct provider *provider;
    bool any_model;
    unsigned workers, concurrency, tokens, first_token_ms, token_ms, keep_alive_ms, prefix_blocks;
    uint64_t seed, created, body_limit; /* created: seconds; 0 = the clock */
};

enum options_verdict { OPTIONS_RUN, OPTIONS_EXIT_OK, OPTIONS_EXIT_USAGE };

/* Fills the options with the command line or defaults, and the scenarios into `rules`. Prints help, lists and
 * complaints itself. The strings stay argv's. */
enum options_verdict options_read(struct options *o, struct rules *rules, int argc, char **argv);

struct known_models options_models(const struct options *o);

#endif
