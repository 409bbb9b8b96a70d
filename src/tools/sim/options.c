#include "options.h"
#include "near.h"
#include "scenario_table.h"
#include <getopt.h>
#include <stdio.h>

static const char help[] =
    "usage: dsgate-sim [OPTION]...\n"
    "\n"
    "Simulates DeepSeek's API, and everything that can go wrong with it, to test apps and gateways without a key or "
    "cost.\n"
    "Point the client's base URL at http://127.0.0.1:8600; any key will do.\n"
    "\n"
    "Serving\n"
    "  -l, --listen ADDRESS         listen there, for instance 127.0.0.1:8600 (the default), [::1]:0 or "
    "unix:/run/sim.sock;\n"
    "                               may be repeated\n"
    "      --tls-cert FILE          speak TLS with this certificate chain (PEM) …\n"
    "      --tls-key FILE           … and its private key\n"
    "  -w, --workers N              threads that serve (1)\n"
    "      --body-limit BYTES       largest request body (33554432)\n"
    "\n"
    "Answers\n"
    "  -d, --dialect NAME           answer as this provider does where it differs from DeepSeek: huawei, siliconflow, "
    "vllm,\n"
    "                               sglang, llamacpp, ollama, openrouter, … (deepseek)\n"
    "      --seed N                 the same seed and request give the same text and ids (1)\n"
    "      --created SECONDS        `created` of all answers, seconds since 1970 (the clock)\n"
    "      --tokens N               length of the content; reasoning has half as many (32)\n"
    "      --first-token-ms N       time to the first token (50)\n"
    "      --token-ms N             time between tokens; 0 = as fast as the client takes them (5)\n"
    "      --keep-alive-ms N        time between keep-alive comments (200)\n"
    "      --prefix-cache BLOCKS    size of the prefix cache in blocks of 64 tokens; 0 = no hits (65536)\n"
    "\n"
    "Who may ask for what\n"
    "  -m, --model NAME             serve this model besides deepseek-flash, deepseek-v4-flash and deepseek-v4-pro;\n"
    "                               may be repeated\n"
    "      --any-model              serve every model\n"
    "  -k, --key KEY                accept only this key (may be repeated); without it any key that does not contain\n"
    "                               'invalid' (401); keys that contain 'broke' have no balance (402)\n"
    "      --concurrency N          requests at a time of one key for one model, 429 above; 0 = any (0)\n"
    "\n"
    "What shall go wrong\n"
    "  -s, --scenario SPEC          play this scenario for all models\n"
    "  -S, --model-scenario MODEL=SPEC\n"
    "                               … for one model; may be repeated\n"
    "  -L, --list-scenarios         print all scenarios and how to combine them\n"
    "  A request may choose for itself: by its model name (deepseek-flash@busy, sim:busy) or by the headers\n"
    "  x-sim-scenario, x-sim-tokens, x-sim-first-token-ms, x-sim-token-ms and x-sim-keep-alive-ms.\n"
    "  Tests steer and ask at /_sim/: POST scenario, limits, reset; GET stats, last, scenario, scenarios.\n"
    "\n"
    "  -h, --help                   print this\n"
    "  -V, --version                print the version\n"
    "\n"
    "See dsgate-sim(1).\n";

enum { OPTION_TLS_CERT = 256, OPTION_TLS_KEY, OPTION_ANY_MODEL, OPTION_NUMBER /* and above: a row of `numbers` */ };

/* Options that are plain numbers. */
static const struct number_option {
    const char *name;
    size_t field; /* offset in struct options: an unsigned, or with `wide` a uint64_t */
    bool wide;
    uint64_t fallback, least, most;
} numbers[] = {
    {"workers", offsetof(struct options, workers), false, 1, 1, WORKERS_MOST},
    {"body-limit", offsetof(struct options, body_limit), true, 33554432, 1, 1073741824},
    {"seed", offsetof(struct options, seed), true, 1, 0, UINT64_MAX},
    {"created", offsetof(struct options, created), true, 0, 0, 253402300799},
    {"tokens", offsetof(struct options, tokens), false, 32, 0, 1000000},
    {"first-token-ms", offsetof(struct options, first_token_ms), false, 50, 0, 3600000},
    {"token-ms", offsetof(struct options, token_ms), false, 5, 0, 60000},
    {"keep-alive-ms", offsetof(struct options, keep_alive_ms), false, 200, 1, 600000},
    {"prefix-cache", offsetof(struct options, prefix_blocks), false, 65536, 0, 16777216},
    {"concurrency", offsetof(struct options, concurrency), false, 0, 0, 1000000},
};
enum { NUMBERS = sizeof numbers / sizeof *numbers, OTHERS = 12 };

static const struct option others[OTHERS] = {{"listen", required_argument, NULL, 'l'},
                                             {"tls-cert", required_argument, NULL, OPTION_TLS_CERT},
                                             {"tls-key", required_argument, NULL, OPTION_TLS_KEY},
                                             {"model", required_argument, NULL, 'm'},
                                             {"any-model", no_argument, NULL, OPTION_ANY_MODEL},
                                             {"key", required_argument, NULL, 'k'},
                                             {"scenario", required_argument, NULL, 's'},
                                             {"model-scenario", required_argument, NULL, 'S'},
                                             {"list-scenarios", no_argument, NULL, 'L'},
                                             {"dialect", required_argument, NULL, 'd'},
                                             {"help", no_argument, NULL, 'h'},
                                             {"version", no_argument, NULL, 'V'}};

static const char *const default_models[] = {"deepseek-flash", "deepseek-v4-flash", "deepseek-v4-pro"};

struct known_models options_models(const struct options *o)
{
    return (struct known_models){o->models, o->model_count, o->any_model};
}

/* ---- values ---- */

static void store_number(struct options *o, const struct number_option *n, uint64_t value)
{
    char *field = (char *)o + n->field;
    if (n->wide)
        memcpy(field, &value, sizeof value);
    else
        memcpy(field, &(unsigned){(unsigned)value}, sizeof(unsigned));
}

static bool read_number(struct options *o, const struct number_option *n, const char *value)
{
    uint64_t number;
    bool valid = text_to_u64(text_of(value), &number) && number >= n->least && number <= n->most;
    if (valid)
        store_number(o, n, number);
    else
        fprintf(stderr, "dsgate-sim: --%s takes a number from %llu to %llu, not '%s'\n", n->name,
                (unsigned long long)n->least, (unsigned long long)n->most, value);
    return valid;
}

static bool add_string(const char **list, unsigned *count, unsigned most, const char *value, const char *name)
{
    if (*count < most) {
        list[(*count)++] = value;
        return true;
    }
    fprintf(stderr, "dsgate-sim: --%s may be given at most %u times\n", name, most);
    return false;
}

static bool choose_provider(struct options *o, const char *name)
{
    size_t count;
    struct buf error = {0};
    struct near near = near_start(text_of(name));
    o->provider = provider_find(text_of(name));
    if (o->provider) return true;
    const struct provider *rows = provider_rows(&count);
    for (size_t i = 0; i < count; i++)
        near_try(&near, rows[i].name);
    near_finish(&near, &error);
    fprintf(stderr, "dsgate-sim: there is no dialect '%s'" TEXT_FORMAT "\n", name, TEXT_ARGS(buf_text(&error)));
    buf_free(&error);
    return false;
}

static bool add_scenario(struct rules *rules, struct text model, struct text spec)
{
    struct buf error = {0};
    bool fine = rules_set(rules, (struct rule_scope){.model = model}, spec, 0, &error);
    if (!fine) fprintf(stderr, "dsgate-sim: " TEXT_FORMAT "\n", TEXT_ARGS(buf_text(&error)));
    buf_free(&error);
    return fine;
}

static bool add_model_scenario(struct rules *rules, struct text value)
{
    size_t equals = text_find_byte(value, '=');
    if (equals > 0 && equals < value.n)
        return add_scenario(rules, text_make(value.p, equals), text_from(value, equals + 1));
    fputs("dsgate-sim: --model-scenario takes MODEL=SPEC\n", stderr);
    return false;
}

static bool read_option(struct options *o, struct rules *rules, int option, const char *value)
{
    switch (option) {
    case 'l': return add_string(o->listen, &o->listen_count, LISTEN_MOST, value, "listen");
    case 'm': return add_string(o->models, &o->model_count, MODELS_MOST, value, "model");
    case 'k': return add_string(o->keys, &o->key_count, KEYS_MOST, value, "key");
    case 's': return add_scenario(rules, TEXT_NONE, text_of(value));
    case 'S': return add_model_scenario(rules, text_of(value));
    case 'd': return choose_provider(o, value);
    case 'w': return read_number(o, &numbers[0], value);
    case OPTION_TLS_CERT: o->tls_cert = value; return true;
    case OPTION_TLS_KEY: o->tls_key = value; return true;
    case OPTION_ANY_MODEL: o->any_model = true; return true;
    default: return option >= OPTION_NUMBER && read_number(o, &numbers[option - OPTION_NUMBER], value);
    }
}

/* ---- the whole ---- */

static void print_scenarios(void)
{
    struct buf out = {0};
    scenario_list(&out);
    fwrite(out.data, 1, buf_len(&out), stdout);
    buf_free(&out);
}

static void set_defaults(struct options *o)
{
    size_t providers;
    *o = (struct options){.provider = provider_rows(&providers)};
    for (size_t i = 0; i < NUMBERS; i++)
        store_number(o, &numbers[i], numbers[i].fallback);
    for (size_t i = 0; i < sizeof default_models / sizeof *default_models; i++)
        o->models[o->model_count++] = default_models[i];
}

static void fill_table(struct option *table)
{
    memcpy(table, others, sizeof others);
    for (int i = 0; i < NUMBERS; i++)
        table[OTHERS + i] = (struct option){numbers[i].name, required_argument, NULL, OPTION_NUMBER + i};
    table[OTHERS + NUMBERS] = (struct option){0};
}

static bool complete(struct options *o, struct rules *rules)
{
    if (!o->listen_count) o->listen[o->listen_count++] = "127.0.0.1:8600";
    rules_keep(rules);
    if (!o->tls_cert == !o->tls_key) return true;
    fputs("dsgate-sim: --tls-cert and --tls-key belong together\n", stderr);
    return false;
}

static enum options_verdict fail(void)
{
    fputs("dsgate-sim --help says what there is\n", stderr);
    return OPTIONS_EXIT_USAGE;
}

enum options_verdict options_read(struct options *o, struct rules *rules, int argc, char **argv)
{
    struct option table[OTHERS + NUMBERS + 1];
    fill_table(table);
    set_defaults(o);
    for (int option; (option = getopt_long(argc, argv, "l:m:k:s:S:w:d:LhV", table, NULL)) != -1;) {
        if (option == 'h' || option == 'V' || option == 'L') {
            if (option == 'L') print_scenarios();
            if (option != 'L') fputs(option == 'h' ? help : "dsgate-sim " DSGATE_VERSION "\n", stdout);
            return OPTIONS_EXIT_OK;
        }
        if (!read_option(o, rules, option, optarg)) return fail();
    }
    if (optind < argc) {
        fprintf(stderr, "dsgate-sim: '%s' is no option\n", argv[optind]);
        return fail();
    }
    return complete(o, rules) ? OPTIONS_RUN : OPTIONS_EXIT_USAGE;
}
