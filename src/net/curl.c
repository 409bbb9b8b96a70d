/* curl.c - see curl.h.
 *
 * libcurl's multi interface is driven by the loop: it names sockets to watch and one time-out. It must not be called
 * from inside its own timer callback, so that only sets our timer. The functions are looked up when the door first
 * opens.
 */
#include "dsgate/net/curl.h"
#include "dsgate/base/buf.h"
#include "dsgate/base/log.h"
#include <curl/curl.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#define ANSWER_MAX ((size_t)1024 * 1024)

/* The functions that are used, by their own types. */
/* clang-format off */
#define FUNCTIONS(X) \
    X(curl_global_init) \
    X(curl_multi_init) X(curl_multi_cleanup) X(curl_multi_setopt) X(curl_multi_socket_action) X(curl_multi_add_handle) \
    X(curl_multi_remove_handle) X(curl_multi_assign) X(curl_multi_info_read) \
    X(curl_easy_init) X(curl_easy_cleanup) X(curl_easy_setopt) X(curl_easy_getinfo) X(curl_easy_strerror) \
    X(curl_slist_append) X(curl_slist_free_all)
/* clang-format on */

/* curl.h wraps some names in type-checking macros; here the functions themselves are meant. */
#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_multi_setopt

struct functions {
#define X(name) __typeof__(name) *name;
    FUNCTIONS(X)
#undef X
};

struct watched {
    struct loop_io io;
    struct curl_door *door;
    struct list node;
};

struct curl_door {
    struct loop *loop;
    void *library;
    bool failed; /* there is no libcurl here: told once */
    struct functions f;
    CURLM *multi;
    struct timer timer;
    struct list gets, watched;
};

struct curl_get {
    struct list node;
    struct curl_door *door;
    CURL *easy;
    struct curl_slist *headers, *connect_to;
    bool head_ended; /* the answer's head came whole */
    size_t received;
    char error[CURL_ERROR_SIZE];
    void (*done)(void *arg, const struct curl_result *result);
    void *arg;
    struct loop_after refused; /* without libcurl the failure is told from here */
};

/* ---- opening ---- */

/* POSIX: an object pointer that dlsym() returns may be copied into a function pointer. */
static bool look_up_one(void *library, const char *name, void *function_pointer)
{
    void *at = dlsym(library, name);
    memcpy(function_pointer, &at, sizeof at);
    return at != NULL;
}

static bool look_up(struct curl_door *d)
{
    bool all = true;
#define X(name) all = look_up_one(d->library, #name, &d->f.name) && all;
    FUNCTIONS(X)
#undef X
    return all;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known);
static int on_timeout(CURLM *multi, long ms, void *arg);

static bool open_library(struct curl_door *d)
{
    static const char *const names[] = {"libcurl.so.4", "libcurl.4.dylib"};
    for (size_t i = 0; i < sizeof names / sizeof *names && !d->library; i++)
        d->library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (!d->library || !look_up(d) || d->f.curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return false;
    d->multi = d->f.curl_multi_init();
    if (!d->multi) return false;
    d->f.curl_multi_setopt(d->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    d->f.curl_multi_setopt(d->multi, CURLMOPT_SOCKETDATA, d);
    d->f.curl_multi_setopt(d->multi, CURLMOPT_TIMERFUNCTION, on_timeout);
    d->f.curl_multi_setopt(d->multi, CURLMOPT_TIMERDATA, d);
    return true;
}

static bool ensure_open(struct curl_door *d)
{
    if (d->multi || d->failed) return d->multi != NULL;
    d->failed = !open_library(d);
    if (d->failed) log_error("libcurl can't be opened: health probes are off; install the package libcurl4");
    return !d->failed;
}

/* ---- ends ---- */

static void get_free(struct curl_get *g)
{
    struct curl_door *d = g->door;
    list_remove(&g->node);
    loop_after_cancel(&g->refused);
    if (g->easy) {
        d->f.curl_multi_remove_handle(d->multi, g->easy);
        d->f.curl_easy_cleanup(g->easy);
        d->f.curl_slist_free_all(g->headers);
        d->f.curl_slist_free_all(g->connect_to);
    }
    mem_free(g);
}

static const char *why_not(const struct curl_get *g, CURLcode code)
{
    if (*g->error) return g->error;
    return code == CURLE_OK ? "the answer broke off in its head" : g->door->f.curl_easy_strerror(code);
}

static void get_done(struct curl_get *g, CURLcode code)
{
    curl_off_t connect_time = 0;
    long status = 0;
    g->door->f.curl_easy_getinfo(g->easy, CURLINFO_RESPONSE_CODE, &status);
    g->door->f.curl_easy_getinfo(g->easy, CURLINFO_CONNECT_TIME_T, &connect_time);
    struct curl_result result = {.connected = connect_time > 0};
    if (g->head_ended && status > 0)
        result.status = (unsigned)status;
    else
        snprintf(result.error, sizeof result.error, "%.150s", why_not(g, code));
    void (*done)(void *, const struct curl_result *) = g->done;
    void *arg = g->arg;
    get_free(g);
    done(arg, &result);
}

static void collect(struct curl_door *d)
{
    int left;
    for (CURLMsg *m; (m = d->f.curl_multi_info_read(d->multi, &left));) {
        char *get = NULL;
        if (m->msg != CURLMSG_DONE) continue;
        CURLcode code = m->data.result;
        d->f.curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &get);
        get_done((struct curl_get *)(void *)get, code);
    }
}

/* ---- the loop's side ---- */

static void act(struct curl_door *d, curl_socket_t fd, int events)
{
    int running;
    d->f.curl_multi_socket_action(d->multi, fd, events, &running);
    collect(d);
}

static void on_timer(struct timer *timer) { act(CONTAINER_OF(timer, struct curl_door, timer), CURL_SOCKET_TIMEOUT, 0); }

static int on_timeout(CURLM *multi, long ms, void *arg)
{
    struct curl_door *d = arg;
    (void)multi;
    timer_set(d->loop, &d->timer, ms < 0 ? USEC_NEVER : loop_now(d->loop) + ms * USEC_PER_MS, on_timer);
    return 0;
}

static void on_io(struct loop_io *io, int what)
{
    struct watched *w = CONTAINER_OF(io, struct watched, io);
    act(w->door, io->fd, (what & LOOP_READ ? CURL_CSELECT_IN : 0) | (what & LOOP_WRITE ? CURL_CSELECT_OUT : 0));
}

static void forget(struct watched *w)
{
    loop_io_stop(&w->io);
    list_remove(&w->node);
    mem_free(w);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
    struct curl_door *d = arg;
    struct watched *w = known;
    int wants = (what & CURL_POLL_IN ? LOOP_READ : 0) | (what & CURL_POLL_OUT ? LOOP_WRITE : 0);
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (w) forget(w);
        d->f.curl_multi_assign(d->multi, fd, NULL);
    } else if (w) {
        loop_io_want(&w->io, wants);
    } else {
        w = MEM_NEW(struct watched);
        w->door = d;
        list_push_back(&d->watched, &w->node);
        d->f.curl_multi_assign(d->multi, fd, w);
        loop_io_start(d->loop, &w->io, fd, wants, on_io);
    }
    return 0;
}

/* ---- requests ---- */

/* libcurl knows a status from its line on, whatever comes of the head. The last of several heads counts (1xx), and
 * trailers come here too. */
static size_t on_head_line(char *bytes, size_t size, size_t n, void *arg)
{
    struct curl_get *g = arg;
    struct text line = text_make(bytes, size * n);
    if (text_starts(line, TEXT("HTTP/")))
        g->head_ended = false;
    else if (text_is(line, "\r\n") || text_is(line, "\n"))
        g->head_ended = true;
    return line.n;
}

static size_t on_body(char *bytes, size_t size, size_t n, void *arg)
{
    struct curl_get *g = arg;
    (void)bytes;
    g->received += size * n;
    return g->received > ANSWER_MAX ? 0 : size * n;
}

/* OpenSSL looks at these variables for the system's store, which requests therefore use; libcurl does not. */
static void trust_system(struct curl_get *g)
{
    struct functions *f = &g->door->f;
    const char *file = getenv("SSL_CERT_FILE"), *folder = getenv("SSL_CERT_DIR");
    if (file) f->curl_easy_setopt(g->easy, CURLOPT_CAINFO, file);
    if (folder) f->curl_easy_setopt(g->easy, CURLOPT_CAPATH, folder);
}

/* libcurl would go on to trust its folder of public authorities beside the file, and to remember the file's old content
 * for a day. */
static void trust_file(struct curl_get *g, const char *ca_file)
{
    struct functions *f = &g->door->f;
    f->curl_easy_setopt(g->easy, CURLOPT_CAINFO, ca_file);
    f->curl_easy_setopt(g->easy, CURLOPT_CAPATH, NULL);
    f->curl_easy_setopt(g->easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
}

static void set_tls(struct curl_get *g, const struct curl_options *o)
{
    struct functions *f = &g->door->f;
    if (o->ca_file)
        trust_file(g, o->ca_file);
    else
        trust_system(g);
    if (o->cert_file) f->curl_easy_setopt(g->easy, CURLOPT_SSLCERT, o->cert_file);
    if (o->key_file) f->curl_easy_setopt(g->easy, CURLOPT_SSLKEY, o->key_file);
    f->curl_easy_setopt(g->easy, CURLOPT_SSL_VERIFYPEER, o->insecure ? 0L : 1L);
    f->curl_easy_setopt(g->easy, CURLOPT_SSL_VERIFYHOST, o->insecure ? 0L : 2L);
    f->curl_easy_setopt(g->easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
}

static void connect_to(struct curl_get *g, const char *where)
{
    struct functions *f = &g->door->f;
    if (text_starts(text_of(where), TEXT("unix:"))) {
        f->curl_easy_setopt(g->easy, CURLOPT_UNIX_SOCKET_PATH, where + strlen("unix:"));
        return;
    }
    char *rule = mem_printf("::%s", where); /* any host and port of a URL: there is but one */
    g->connect_to = f->curl_slist_append(NULL, rule);
    f->curl_easy_setopt(g->easy, CURLOPT_CONNECT_TO, g->connect_to);
    mem_free(rule);
}

/* A kept connection would prove nothing about the next one, nor be there for a renewed certificate. */
static void set_way(struct curl_get *g, const struct curl_options *o)
{
    struct functions *f = &g->door->f;
    f->curl_easy_setopt(g->easy, CURLOPT_URL, o->url);
    f->curl_easy_setopt(g->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    f->curl_easy_setopt(g->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    f->curl_easy_setopt(g->easy, CURLOPT_FRESH_CONNECT, 1L);
    f->curl_easy_setopt(g->easy, CURLOPT_FORBID_REUSE, 1L);
    f->curl_easy_setopt(g->easy, CURLOPT_PROXY, ""); /* nothing from the environment */
    connect_to(g, o->connect_to);
}

static void set_fields(struct curl_get *g, struct text fields)
{
    struct functions *f = &g->door->f;
    for (struct text line; text_cut(&fields, '\n', &line);) {
        char *field = text_dup(text_make(line.p, line.n - 1)); /* without its CR */
        g->headers = f->curl_slist_append(g->headers, field);
        mem_free_secret(field);
    }
    f->curl_easy_setopt(g->easy, CURLOPT_HTTPHEADER, g->headers);
}

static void set_up(struct curl_get *g, const struct curl_options *o)
{
    struct functions *f = &g->door->f;
    f->curl_easy_setopt(g->easy, CURLOPT_TIMEOUT_MS, (long)(o->timeout / USEC_PER_MS));
    f->curl_easy_setopt(g->easy, CURLOPT_NOSIGNAL, 1L);
    f->curl_easy_setopt(g->easy, CURLOPT_QUICK_EXIT, 1L); /* an end must not wait for a resolver thread */
    f->curl_easy_setopt(g->easy, CURLOPT_ERRORBUFFER, g->error);
    f->curl_easy_setopt(g->easy, CURLOPT_HEADERFUNCTION, on_head_line);
    f->curl_easy_setopt(g->easy, CURLOPT_HEADERDATA, g);
    f->curl_easy_setopt(g->easy, CURLOPT_WRITEFUNCTION, on_body);
    f->curl_easy_setopt(g->easy, CURLOPT_WRITEDATA, g);
    f->curl_easy_setopt(g->easy, CURLOPT_PRIVATE, g);
    set_way(g, o);
    set_fields(g, o->fields);
    set_tls(g, o);
}

static void on_refused(struct loop_after *after)
{
    struct curl_get *g = CONTAINER_OF(after, struct curl_get, refused);
    struct curl_result result = {.error = "libcurl can't be opened"};
    void (*done)(void *, const struct curl_result *) = g->done;
    void *arg = g->arg;
    get_free(g);
    done(arg, &result);
}

struct curl_get *curl_door_get(struct curl_door *d, const struct curl_options *o,
                               void (*done)(void *arg, const struct curl_result *result), void *arg)
{
    struct curl_get *g = MEM_NEW(struct curl_get);
    g->door = d;
    g->done = done;
    g->arg = arg;
    g->refused.run = on_refused;
    list_push_back(&d->gets, &g->node);
    g->easy = ensure_open(d) ? d->f.curl_easy_init() : NULL;
    if (g->easy) {
        set_up(g, o);
        d->f.curl_multi_add_handle(d->multi, g->easy);
    } else {
        loop_after_turn(d->loop, &g->refused);
    }
    return g;
}

void curl_door_cancel(struct curl_get *g) { get_free(g); }

struct curl_door *curl_door_new(struct loop *loop)
{
    struct curl_door *d = MEM_NEW(struct curl_door);
    d->loop = loop;
    list_init(&d->gets);
    list_init(&d->watched);
    return d;
}

/* The library itself stays loaded: OpenSSL, which it shares with us, may not be pulled from under threads. */
void curl_door_free(struct curl_door *d)
{
    while (!list_empty(&d->gets))
        get_free(CONTAINER_OF(d->gets.next, struct curl_get, node));
    if (d->multi) d->f.curl_multi_cleanup(d->multi);
    while (!list_empty(&d->watched))
        forget(CONTAINER_OF(d->watched.next, struct watched, node));
    timer_cancel(d->loop, &d->timer);
    mem_free(d);
}
