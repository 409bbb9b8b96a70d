#include "environment.h"
#include "dsgate/base/mem.h"
#include <stdlib.h>

const struct text environment_yaml = TEXT("listen: '${DSGATE_LISTEN:-127.0.0.1:8585}'\n"
                                          "admin: {listen: '${DSGATE_ADMIN:-127.0.0.1:8586}'}\n"
                                          "upstreams:\n"
                                          "  - preset: deepseek\n"
                                          "    base_url: '${DEEPSEEK_BASE_URL:-https://api.deepseek.com}'\n"
                                          "    api_key: '${DEEPSEEK_API_KEY:-}'\n");

/* Fixed and wiped after use: a growing buffer would leave copies of secrets behind in freed memory. */
struct expansion {
    char bytes[16384];
    size_t used;
    struct report *report;
    struct node *node;
};

/* `name` is quoted between the two halves of the sentence; it may be empty. */
static bool fail(struct expansion *e, const char *before, struct text name, const char *after)
{
    struct buf text = {0};
    buf_add(&text, text_of(before));
    if (name.n) report_quote(&text, name);
    buf_add(&text, text_of(after));
    report_add(e->report, e->node->line, e->node->column, TEXT_FORMAT, TEXT_ARGS(buf_text(&text)));
    buf_free(&text);
    return false;
}

static bool put(struct expansion *e, struct text t)
{
    if (t.n > sizeof e->bytes - e->used) return fail(e, "longer than 16KB with its variables replaced", TEXT_NONE, "");
    if (t.n) memcpy(e->bytes + e->used, t.p, t.n);
    e->used += t.n;
    return true;
}

static bool is_variable_name(struct text t)
{
    if (t.n == 0 || t.n > 255 || (t.p[0] >= '0' && t.p[0] <= '9')) return false;
    for (size_t i = 0; i < t.n; i++) {
        char c = t.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_')) return false;
    }
    return true;
}

/* What stands between the braces: NAME or NAME:-default. */
static bool put_variable(struct expansion *e, struct text inside)
{
    size_t colon = text_find(inside, TEXT(":-"));
    bool has_default = colon < inside.n;
    struct text name = text_make(inside.p, colon);
    if (!is_variable_name(name))
        return fail(e, "not a variable's name: ", name, "; expected ${NAME} or ${NAME:-default}, or $$ for a dollar");
    char zero_ended[256];
    memcpy(zero_ended, name.p, name.n);
    zero_ended[name.n] = '\0';
    const char *value = getenv(zero_ended);
    if (has_default && (!value || !*value)) return put(e, text_from(inside, colon + 2));
    if (!value)
        return fail(e, "environment variable ", name, " is not set; expected it, or a default: ${NAME:-default}");
    return put(e, text_of(value));
}

static bool expand_text(struct expansion *e, struct text rest)
{
    while (rest.n) {
        size_t dollar = text_find_byte(rest, '$');
        if (!put(e, text_make(rest.p, dollar))) return false;
        rest = text_from(rest, dollar);
        if (text_starts(rest, TEXT("${"))) {
            size_t end = text_find_byte(rest, '}');
            if (end == rest.n)
                return fail(e, "a ${ without its }", TEXT_NONE, "; expected ${NAME}, or $$ for a dollar");
            if (!put_variable(e, text_make(rest.p + 2, end - 2))) return false;
            rest = text_from(rest, end + 1);
        } else if (rest.n) {
            if (!put(e, TEXT("$"))) return false;
            rest = text_from(rest, text_starts(rest, TEXT("$$")) ? 2 : 1);
        }
    }
    return true;
}

static void expand_scalar(struct report *report, struct node *n)
{
    struct text written = text_of(n->written);
    if (text_find_byte(written, '$') == written.n) return;
    struct expansion *e = MEM_NEW(struct expansion);
    e->report = report;
    e->node = n;
    if (expand_text(e, written))
        n->value = text_dup(text_make(e->bytes, e->used));
    else
        n->broken = true;
    explicit_bzero(e->bytes, e->used);
    mem_free(e);
}

void environment_expand(struct report *report, struct node *n)
{
    if (n->kind == NODE_SCALAR) expand_scalar(report, n);
    for (size_t i = 0; i < n->count; i++)
        environment_expand(report, n->entries[i].value);
}

char *environment_state_file(void)
{
    const char *folders = getenv("STATE_DIRECTORY");
    if (!folders || *folders != '/') return NULL;
    return mem_printf("%.*s/state.db", (int)strcspn(folders, ":"), folders);
}
