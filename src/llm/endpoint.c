/* Which request is what, and where it goes. A path that reaches an upstream is either the table's own text or a rest
 * behind a '*', and that rest must not climb out of the upstream's base path or hide another endpoint's name, however
 * the upstream decodes it.
 */
#include "dsgate/llm/endpoint.h"

/* clang-format off */
/* Bits for struct endpoint.methods; the numbers are those of enum http_method, which this room can't see. HEAD asks for
 * what GET would tell (RFC 9110 section 9.3.2), so where GET may go it may go. */
enum {
    HEAD = 1u << 1, GET = 1u << 0 | HEAD, POST = 1u << 2, PUT = 1u << 3, PATCH = 1u << 4, DELETE = 1u << 5,
    OPTIONS = 1u << 6
};
enum { ANY = GET | POST | PUT | PATCH | DELETE | OPTIONS };

/* A call of a model: any upstream may serve it, and asking twice costs money at most. */
#define CALL(label, path, family, root, needs) \
    {label, path, ENDPOINT_RELAY, family, root, POST, true, needs, true, true, true}
/* … whose answer is no text. */
#define FIGURES(label, path, family, root, needs) \
    {label, path, ENDPOINT_RELAY, family, root, POST, true, needs, true, true, false}
/* What lives on one upstream, and is not to be done twice. */
#define STORED(label, path, root, methods) \
    {label, path, ENDPOINT_RELAY, FAMILY_OPAQUE, root, methods, false, NULL, false, false, false}
/* Nothing is served there. */
#define UNKNOWN(path, family) \
    {"unknown", path, ENDPOINT_UNKNOWN, family, ROOT_BASE, ANY, false, NULL, false, false, false}
#define MODELS(path) {"models", path, ENDPOINT_MODELS, FAMILY_OPAQUE, ROOT_BASE, GET, false, NULL, true, true, false}

const struct endpoint endpoints[] = {
    CALL("chat",             "/chat/completions",                   FAMILY_CHAT,       ROOT_BASE,      "messages"),
    CALL("completions",      "/completions",                        FAMILY_COMPLETION, ROOT_BASE,      "prompt"),
    FIGURES("embeddings",    "/embeddings",                         FAMILY_EMBEDDING,  ROOT_BASE,      "input"),
    CALL("beta_chat",        "/beta/chat/completions",              FAMILY_CHAT,       ROOT_BETA,      "messages"),
    CALL("beta_completions", "/beta/completions",                   FAMILY_COMPLETION, ROOT_BETA,      "prompt"),
    CALL("messages",         "/messages",                           FAMILY_MESSAGES,   ROOT_ANTHROPIC, "messages"),
    CALL("messages",         "/anthropic/v1/messages",              FAMILY_MESSAGES,   ROOT_ANTHROPIC, "messages"),
    FIGURES("count_tokens",  "/messages/count_tokens",              FAMILY_MESSAGES,   ROOT_ANTHROPIC, "messages"),
    FIGURES("count_tokens",  "/anthropic/v1/messages/count_tokens", FAMILY_MESSAGES,   ROOT_ANTHROPIC, "messages"),
    /* A stored prompt or an earlier response may stand in for `input`. */
    CALL("responses",        "/responses",                          FAMILY_RESPONSES,  ROOT_BASE,      NULL),
    MODELS("/models"),
    MODELS("/models/*"),
    {"balance", "/user/balance", ENDPOINT_RELAY, FAMILY_OPAQUE, ROOT_BALANCE, GET, false, NULL, true, false, false},
    STORED("responses_stored", "/responses/*",             ROOT_BASE,      GET | POST | DELETE),
    STORED("messages_stored",  "/messages/*",              ROOT_ANTHROPIC, GET | POST | DELETE),
    STORED("messages_stored",  "/anthropic/v1/messages/*", ROOT_ANTHROPIC, GET | POST | DELETE),
    STORED("batches",          "/batches",                 ROOT_BASE,      GET | POST),
    STORED("batches",          "/batches/*",               ROOT_BASE,      GET | POST),
    STORED("files",            "/files",                   ROOT_BASE,      GET | POST),
    STORED("files",            "/files/*",                 ROOT_BASE,      GET | DELETE),
    UNKNOWN("/anthropic/*", FAMILY_MESSAGES),
    STORED("other",            "/v1/*",                    ROOT_BASE,      ANY),
};
/* clang-format on */

const unsigned endpoint_count = sizeof endpoints / sizeof *endpoints;

/* RFC 3986 section 2.3: encoded or not, these bytes mean the same. */
static bool is_unreserved(unsigned char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c && strchr("-._~", c));
}

/* What RFC 3986 allows in a path segment as it is. */
static bool is_plain(unsigned char c) { return is_unreserved(c) || (c && strchr("!$&'()*+,;=:@", c)); }

/* Unreserved bytes are encoded only to hide them; '/', '\' and '%' would mean something else once decoded; control
 * bytes are never meant well. */
static bool is_safe_escape(struct text digits)
{
    uint64_t c;
    if (!text_hex_to_u64(digits, &c) || c < 0x20 || c == 0x7F) return false;
    return !is_unreserved((unsigned char)c) && !strchr("/\\%", (int)c);
}

static bool is_safe_segment(struct text segment)
{
    struct text name = text_make(segment.p, text_find_byte(segment, ';')); /* some servers drop ";parameters" first */
    if (segment.n == 0 || text_is(name, ".") || text_is(name, "..")) return false;
    for (size_t i = 0; i < segment.n; i++) {
        if (is_plain((unsigned char)segment.p[i])) continue;
        if (segment.p[i] != '%' || segment.n - i < 3 || !is_safe_escape(text_make(segment.p + i + 1, 2))) return false;
        i += 2;
    }
    return true;
}

static bool is_safe(struct text path)
{
    struct text segment;
    if (path.n == 0 || path.p[0] != '/') return false;
    for (struct text rest = text_from(path, 1); text_cut(&rest, '/', &segment);)
        if (!is_safe_segment(segment)) return false;
    return true;
}

static bool is_open(const struct endpoint *e) { return text_ends(text_of(e->path), TEXT("*")); }

/* An open row wants at least one byte of rest; the others bear with a slash at the end. */
static bool matches(const struct endpoint *e, struct text path)
{
    struct text row = text_of(e->path);
    if (is_open(e)) return path.n >= row.n && text_starts(path, text_make(row.p, row.n - 1));
    return text_starts(path, row) && (path.n == row.n || text_is(text_from(path, row.n), "/"));
}

/* Without /v1, however often: else "/v1/v1/chat/completions" would be a second name for a known endpoint. */
static struct text below_version(struct text path)
{
    while (text_starts(path, TEXT("/v1/")))
        path = text_from(path, 3);
    return path;
}

const struct endpoint *endpoint_find(struct text path)
{
    if (!is_safe(path)) return NULL;
    struct text below = below_version(path);
    for (const struct endpoint *e = endpoints; e < endpoints + endpoint_count; e++)
        if (matches(e, below) || matches(e, path)) return e;
    return NULL;
}

bool endpoint_upstream_path(const struct endpoint *e, const struct conf_upstream *u, struct text client_path,
                            struct buf *out)
{
    const struct {
        const char *path;
        struct text prefix; /* of the client's path, which the upstream's own path stands for */
    } roots[] = {
        [ROOT_BASE] = {u->base_path, TEXT("")},
        [ROOT_BETA] = {u->beta_path, TEXT("/beta")},
        [ROOT_ANTHROPIC] = {u->anthropic_path, TEXT("/anthropic/v1")},
        [ROOT_BALANCE] = {u->balance_path, TEXT("/user/balance")},
    };
    struct text rest = is_open(e) ? below_version(client_path) : text_of(e->path), prefix = roots[e->root].prefix;
    if (!roots[e->root].path) return false;
    if (text_starts(rest, prefix)) rest = text_from(rest, prefix.n);
    buf_add(out, text_of(roots[e->root].path));
    buf_add(out, rest);
    return true;
}
