/* main.c - command line, signals, the service manager's notifications; everything else is in gate/.
 */
#include "dsgate/base/log.h"
#include "dsgate/base/mem.h"
#include "dsgate/config/config.h"
#include "dsgate/cache/remote.h"
#include "dsgate/gate/config_check.h"
#include "dsgate/gate/gate.h"
#include "dsgate/gate/health_check.h"
#include "dsgate/gate/notify.h"
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

enum { EXIT_USAGE = 2 };

static const char usage[] =
    "usage: dsgate [run] [-c FILE]     serve (without FILE: from DEEPSEEK_API_KEY and friends)\n"
    "       dsgate check [-c FILE]     say whether the config is right, without serving\n"
    "       dsgate health [-c FILE]    ask the admin port of a running gateway whether it is alive\n"
    "       dsgate reference [--man]   print every option with its default and meaning\n"
    "       dsgate --version | --help\n"
    "\n"
    "Signals: SIGHUP reloads the config, SIGTERM and SIGINT end after the requests under way, a second one at once.\n"
    "See dsgate(1) and dsgate.yaml(5).\n";

struct program {
    const char *config_file; /* NULL: the environment */
    struct loop *loop;
    struct gate *gate;
    struct notify *notify;
};

static struct config *load(void *arg, struct config_errors *errors)
{
    const struct program *p = arg;
    return p->config_file ? config_load(p->config_file, errors) : config_from_environment(errors);
}

/* NULL after saying what is wrong. */
static struct config *load_or_tell(struct program *p)
{
    struct config_errors errors = {0};
    struct config *config = load(p, &errors);
    if (!config) {
        fwrite(errors.text.data + errors.text.head, 1, buf_len(&errors.text), stderr);
        fprintf(stderr, "dsgate: %u mistake%s in the config\n", errors.count, errors.count == 1 ? "" : "s");
    }
    config_errors_free(&errors);
    return config;
}

/* ---- dsgate run ---- */

static void on_stopped(void *arg) { loop_stop(((struct program *)arg)->loop); }

static void on_signal(int signal, void *arg)
{
    struct program *p = arg;
    if (signal == SIGHUP) {
        notify_reloading(p->notify);
        gate_reload(p->gate);
        notify_ready(p->notify);
        return;
    }
    notify_stopping(p->notify);
    gate_drain(p->gate);
}

static enum log_level level_of(const char *name)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    for (int i = 0; i < 4; i++)
        if (!strcmp(names[i], name)) return (enum log_level)i;
    return LOG_INFO;
}

/* Requests hold keys: no core dumps, no ptrace by other processes of this user. */
static void keep_secrets(void)
{
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    prctl(PR_SET_DUMPABLE, 0);
}

/* What keeps the gateway from starting, line by line; returns how many. */
static unsigned tell(const char *before, struct text lines)
{
    unsigned count = 0;
    for (struct text line; text_cut(&lines, '\n', &line); count++)
        fprintf(stderr, "%s: " TEXT_FORMAT "\n", before, TEXT_ARGS(line));
    return count;
}

static int serve(struct program *p, const struct config *config)
{
    static const int signals[] = {SIGHUP, SIGTERM, SIGINT};
    struct buf error = {0};
    struct gate_options options = {p->loop, load, p, on_stopped, p};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        loop_on_signal(p->loop, signals[i], on_signal, p);
    p->gate = gate_open(config, &options, &error);
    if (!p->gate) {
        tell("dsgate", buf_text(&error));
        buf_free(&error);
        return EXIT_FAILURE;
    }
    notify_ready(p->notify);
    loop_run(p->loop);
    gate_close(p->gate);
    return EXIT_SUCCESS;
}

/* Long bodies come and go all the time: given back to the kernel and faulted in again, a megabyte costs more than all
 * else that is done with it. So the allocator keeps its memory; workers that have come to rest return it
 * (gate/worker.c). */
static void keep_memory(void)
{
    mallopt(M_MMAP_THRESHOLD, 32 * 1024 * 1024);
    mallopt(M_TRIM_THRESHOLD, 256 * 1024 * 1024);
}

static int run(struct program *p)
{
    signal(SIGPIPE, SIG_IGN);
    keep_secrets();
    keep_memory();
    struct config *config = load_or_tell(p);
    if (!config) return EXIT_FAILURE;
    log_setup(level_of(config->log.level), !strcmp(config->log.format, "json"));
    p->loop = loop_new();
    if (!p->loop) return EXIT_FAILURE;
    p->notify = notify_open(p->loop);
    int status = serve(p, config);
    config_unref(config);
    notify_close(p->notify);
    loop_free(p->loop);
    return status;
}

/* ---- the other commands ---- */

static bool would_start(const struct config *config)
{
    struct buf errors = {0}, warnings = {0};
    bool fine = config_check(config, &errors, &warnings);
    if (fine) remote_check(&config->cache.redis, &warnings);
    char *warning = mem_printf("%s: warning", config->source);
    tell(warning, buf_text(&warnings));
    unsigned count = tell(config->source, buf_text(&errors));
    if (!fine) fprintf(stderr, "dsgate: %u reason%s not to start\n", count, count == 1 ? "" : "s");
    mem_free(warning);
    buf_free(&errors);
    buf_free(&warnings);
    return fine;
}

static int check(struct program *p)
{
    struct config *config = load_or_tell(p);
    if (!config) return EXIT_FAILURE;
    bool fine = would_start(config);
    if (fine)
        printf("%s: the config is right (%zu upstream%s)\n", config->source, config->upstream_count,
               config->upstream_count == 1 ? "" : "s");
    config_unref(config);
    return fine ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int health(struct program *p)
{
    struct config *config = load_or_tell(p);
    if (!config) return EXIT_FAILURE;
    bool alive = health_check(config, stderr);
    config_unref(config);
    return alive ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int reference(bool manual)
{
    if (manual)
        config_write_manual(stdout);
    else
        config_write_reference(stdout);
    return ferror(stdout) || fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int fail_usage(void)
{
    fputs(usage, stderr);
    return EXIT_USAGE;
}

static int dispatch(struct program *p, const char *command, bool manual)
{
    if (!strcmp(command, "run")) return run(p);
    if (!strcmp(command, "check")) return check(p);
    if (!strcmp(command, "health")) return health(p);
    if (!strcmp(command, "reference")) return reference(manual);
    fprintf(stderr, "dsgate: there is no command '%s'%s\n", command,
            access(command, F_OK) == 0 ? "; a config file is given with -c" : "");
    return fail_usage();
}

static int refuse_argument(const char *command, const char *argument)
{
    fprintf(stderr, "dsgate: '%s' is one argument too many; a config file is given with -c: dsgate %s -c %s\n",
            argument, command, argument);
    return fail_usage();
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"help", no_argument, NULL, 'h'},
                                            {"man", no_argument, NULL, 'm'},
                                            {"version", no_argument, NULL, 'v'},
                                            {0}};
    struct program program = {0};
    bool manual = false;
    for (int o; (o = getopt_long(argc, argv, "c:hvV", options, NULL)) != -1;) {
        switch (o) {
        case 'c': program.config_file = optarg; break;
        case 'm': manual = true; break;
        case 'h': fputs(usage, stdout); return EXIT_SUCCESS;
        case 'v':
        case 'V': puts("dsgate " DSGATE_VERSION); return EXIT_SUCCESS;
        default: return fail_usage();
        }
    }
    if (argc - optind > 1) return refuse_argument(argv[optind], argv[optind + 1]);
    return dispatch(&program, optind < argc ? argv[optind] : "run", manual);
}
