/* The modules that a start uses are asked themselves wherever they can be without a trace, so that the two never
 * disagree for long; what they would create is only looked for. Files are looked at one by one before that, because
 * those modules stop at the first one that is wrong. */
#include "dsgate/gate/config_check.h"
#include "dsgate/base/mem.h"
#include "dsgate/gate/ledger.h"
#include "dsgate/net/address.h"
#include "dsgate/net/tls.h"
#include "dsgate/sched/pool.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* What is looked at, and where to tell about it. */
struct subject {
    const char *kind, *name; /* "listen 127.0.0.1:8585", "upstream 'a'" */
    struct buf *errors;
};

/* The start of a sentence about it. */
static struct buf *about(const struct subject *s)
{
    buf_printf(s->errors, "%s%s%s: ", s->kind, *s->name ? " " : "", s->name);
    return s->errors;
}

/* ---- certificates and keys ---- */

static bool can_read(const struct subject *s, const char *key, const char *file)
{
    if (!file || eaccess(file, R_OK) == 0) return true;
    const char *error = strerror(errno);
    buf_printf(about(s), "tls.%s: '%s' cannot be read: %s; expected a file in PEM that the gateway's user may read\n",
               key, file, error);
    return false;
}

/* Takes the context and the sentence. */
static void judge_context(const struct subject *s, struct tls_ctx *ctx, struct buf *why)
{
    if (!ctx)
        buf_printf(about(s), TEXT_FORMAT "; expected files in PEM that belong together\n", TEXT_ARGS(buf_text(why)));
    tls_ctx_unref(ctx);
    buf_free(why);
}

static void check_server_tls(const struct subject *s, const struct conf_listen *l)
{
    struct buf why = {0};
    const struct tls_server_options o = {l->tls.cert_file, l->tls.key_file, l->tls.client_ca_file};
    bool cert = can_read(s, "cert_file", o.cert_file), key = can_read(s, "key_file", o.key_file);
    bool ca = can_read(s, "client_ca_file", o.client_ca_file);
    if (o.cert_file && cert && key && ca) judge_context(s, tls_server_new(&o, &why), &why);
}

/* The system's own authorities take long to read, and a start goes on without them. */
static void check_client_tls(const struct subject *s, const struct conf_client_tls *tls)
{
    struct buf why = {0};
    const struct tls_client_options o = {tls->ca_file, tls->cert_file, tls->key_file, tls->insecure};
    bool ca = can_read(s, "ca_file", o.ca_file), cert = can_read(s, "cert_file", o.cert_file);
    bool key = can_read(s, "key_file", o.key_file);
    if ((o.ca_file || o.cert_file) && ca && cert && key) judge_context(s, tls_client_new(&o, &why), &why);
}

/* ---- places ---- */

/* A file there could be made, and one that is there be replaced. */
static void check_folder(const struct subject *s, const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = mem_printf("%.*s.", slash ? (int)(slash + 1 - path) : 0, path);
    if (eaccess(folder, W_OK | X_OK) < 0) {
        const char *error = strerror(errno);
        buf_printf(about(s),
                   "the folder of '%s' cannot be written: %s; expected one that exists and that the gateway's user may "
                   "write\n",
                   path, error);
    }
    mem_free(folder);
}

static void check_socket_file(const struct subject *s, const char *path)
{
    struct stat st;
    if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
        buf_printf(about(s), "'%s' exists and is no socket; expected a path that is free\n", path);
    else
        check_folder(s, path);
}

/* As the access log opens it, but for making it. */
static void check_access_log(const char *path, struct buf *errors)
{
    const struct subject s = {"log.access", "", errors};
    if (!strcmp(path, "off") || !strcmp(path, "stdout") || !strcmp(path, "stderr")) return;
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    const char *error = strerror(errno);
    if (fd >= 0)
        close(fd);
    else if (errno == ENOENT)
        check_folder(&s, path);
    else
        buf_printf(about(&s), "'%s' cannot be written: %s; expected a file that the gateway's user may write\n", path,
                   error);
}

/* A gateway that runs with this very file has it locked, which is no reason to refuse it. */
static void check_state_file(const struct config *c, struct buf *errors)
{
    const struct subject s = {"state.file", "", errors};
    struct buf why = {0};
    if (!c->state.file) return;
    check_folder(&s, c->state.file);
    if (!ledger_check(c->state.file, &why)) buf_printf(about(&s), TEXT_FORMAT "\n", TEXT_ARGS(buf_text(&why)));
    buf_free(&why);
}

/* ---- listeners ---- */

static bool is_for_this_machine(const struct address *a)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)&a->sa;
    const struct in6_addr *six = &((const struct sockaddr_in6 *)&a->sa)->sin6_addr;
    if (a->sa.ss_family == AF_INET) return ntohl(in->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    if (a->sa.ss_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(six) || (IN6_IS_ADDR_V4MAPPED(six) && six->s6_addr[12] == IN_LOOPBACKNET);
    return true;
}

static void check_listen(const struct conf_listen *l, bool admin, struct buf *errors, struct buf *warnings)
{
    const struct subject s = {admin ? "admin.listen" : "listen", l->address, errors};
    const struct subject warning = {s.kind, s.name, warnings};
    struct address a;
    struct buf why = {0};
    if (!address_parse(text_of(l->address), 0, &a, &why))
        buf_printf(about(&s), TEXT_FORMAT "\n", TEXT_ARGS(buf_text(&why)));
    else if (a.sa.ss_family == AF_UNIX)
        check_socket_file(&s, ((const struct sockaddr_un *)&a.sa)->sun_path);
    else if (admin && !is_for_this_machine(&a) && !l->tls.client_ca_file)
        BUF_ADD(about(&warning), "other machines can reach it, and it asks nobody for a key; expected a loopback "
                                 "address, a Unix socket, or client_ca_file\n");
    check_server_tls(&s, l);
    buf_free(&why);
}

/* ---- all of it ---- */

static void check_upstreams(const struct config *c, struct buf *errors)
{
    for (size_t i = 0; i < c->upstream_count; i++) {
        char *name = mem_printf("'%s'", c->upstreams[i].name);
        const struct subject s = {"upstream", name, errors};
        if (c->upstreams[i].https) check_client_tls(&s, &c->upstreams[i].tls);
        mem_free(name);
    }
}

bool config_check(const struct config *config, struct buf *errors, struct buf *warnings)
{
    size_t before = buf_len(errors);
    for (size_t i = 0; i < config->listen_count; i++)
        check_listen(&config->listens[i], false, errors, warnings);
    for (size_t i = 0; i < config->admin.listen_count; i++)
        check_listen(&config->admin.listens[i], true, errors, warnings);
    check_access_log(config->log.access, errors);
    check_state_file(config, errors);
    check_upstreams(config, errors);
    if (config->cache.redis.uses_tls)
        check_client_tls(&(struct subject){"cache.redis", "", errors}, &config->cache.redis.tls);
    /* What no check of ours foresaw; its words would repeat theirs. */
    if (buf_len(errors) == before) pool_unref(pool_new(config, NULL, NULL, 0, errors));
    return buf_len(errors) == before;
}
