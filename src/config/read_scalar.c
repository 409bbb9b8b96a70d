/* One value of the file into one field. */
#include "dsgate/base/mem.h"
#include "dsgate/config/units.h"
#include "reader.h"
#include "redis_url.h"
#include "secret.h"
#include "url.h"
#include "value.h"

static bool parse_number(const struct option *o, struct text t, uint64_t *out)
{
    switch (o->type) {
    case OPTION_MODE: return units_octal(t, out);
    case OPTION_SIZE: return units_size(t, out);
    case OPTION_DURATION: return units_duration(t, out);
    case OPTION_PERCENT: return units_percent(t, out);
    case OPTION_DECIMAL:
    case OPTION_PRICE: return units_decimal(t, out);
    default: return text_to_u64(t, out);
    }
}

static void store_number(const struct option *o, uint64_t value, void *field)
{
    switch (o->type) {
    case OPTION_SIZE:
    case OPTION_COUNT64: *(uint64_t *)field = value; break;
    case OPTION_DURATION: *(usec_t *)field = (usec_t)value; break;
    case OPTION_DECIMAL:
    case OPTION_PRICE: *(double *)field = (double)value / UNITS_DECIMAL_SCALE; break;
    default: *(unsigned *)field = (unsigned)value;
    }
}

static bool in_range(const struct option *o, uint64_t value)
{
    uint64_t min = 0, max = 0;
    return parse_number(o, text_of(o->min), &min) && parse_number(o, text_of(o->max), &max) && value >= min &&
           value <= max;
}

/* "30" for a time is the commonest slip; saying "did you mean '30s'?" is kinder than guessing it silently. */
static void refuse_number(struct reader *r, const struct option *o, struct node *value)
{
    uint64_t number;
    struct buf range = {0};
    option_add_range(o, &range);
    bool unit_missing = value->value == value->written && text_to_u64(text_of(value->value), &number);
    if (unit_missing && o->type == OPTION_DURATION)
        reader_value_error(r, o, value, "has no unit; did you mean '%ss'?", value->value);
    else if (unit_missing && o->type == OPTION_PERCENT)
        reader_value_error(r, o, value, "has no unit; expected %s", option_expects(o));
    else
        reader_value_error(r, o, value, "is not %s; expected " TEXT_FORMAT, option_expects(o),
                           TEXT_ARGS(buf_text(&range)));
    buf_free(&range);
}

static void read_number(struct reader *r, const struct option *o, struct node *value, void *field)
{
    uint64_t number = 0;
    struct text t = text_of(value->value);
    if (o->word && text_is(t, o->word)) {
        store_number(o, 0, field);
    } else if (o->never && text_is(t, o->never)) {
        store_number(o, (uint64_t)USEC_NEVER, field);
    } else if (!parse_number(o, t, &number)) {
        refuse_number(r, o, value);
    } else if (!in_range(o, number)) {
        struct buf range = {0};
        option_add_range(o, &range);
        reader_value_error(r, o, value, "is out of range; expected " TEXT_FORMAT, TEXT_ARGS(buf_text(&range)));
        buf_free(&range);
    } else {
        store_number(o, number, field);
    }
}

static void read_flag(struct reader *r, const struct option *o, struct node *value, bool *field)
{
    bool yes = !strcmp(value->value, "true"), no = !strcmp(value->value, "false");
    if (yes || no)
        *field = yes;
    else
        reader_value_error(r, o, value, "is neither true nor false");
}

static void replace_text(const struct option *o, const char *value, void *base)
{
    option_release(o, base);
    if (*value) *(char **)(void *)((char *)base + o->offset) = mem_strdup(value);
}

/* An empty text takes a preset's value away, or ends up as "not set"; where a default must hold, it is a slip. */
static void read_text(struct reader *r, const struct option *o, struct node *value, void *base)
{
    struct text t = text_of(value->value);
    const char *why = t.n == 0 ? NULL : o->check ? o->check(t) : value_line(t);
    if (t.n == 0 && o->fallback)
        reader_error(r, value, "%s: empty; expected %s", o->key, option_expects(o));
    else if (why)
        reader_value_error(r, o, value, "%s", why);
    else
        replace_text(o, value->value, base);
}

static bool is_choice(const struct option *o, unsigned i, struct text written)
{
    if (!o->aliases) return text_is(written, o->names[i]);
    return text_eq_nocase(written, text_of(o->names[i])) || text_eq_nocase(written, text_of(o->aliases[i]));
}

static void store_choice(const struct option *o, unsigned i, const char *written, void *base)
{
    void *field = (char *)base + o->offset;
    switch (o->type) {
    case OPTION_CHOICE: replace_text(o, written, base); break;
    case OPTION_SWITCH: *(bool *)field = i == 0; break;
    default: *(unsigned *)field = i;
    }
}

/* Names that have aliases are short, and near to any short word: P4 may mean anything. */
static void read_choice(struct reader *r, const struct option *o, struct node *value, void *base)
{
    struct guess g = guess_begin(value->value);
    for (unsigned i = 0; o->names[i]; i++) {
        guess_offer(&g, o->aliases ? o->aliases[i] : o->names[i]);
        if (!is_choice(o, i, text_of(value->value))) continue;
        store_choice(o, i, value->value, base);
        return;
    }
    reader_unknown_word(r, o, value, &g);
}

/* Documentation often shows where a request goes, not where the API begins. A variable's value is not shown. */
static void refuse_endpoint(struct reader *r, const struct option *o, struct node *value, struct text endpoint)
{
    struct text base = text_of(value->value);
    while (base.p[base.n - 1] == '/')
        base.n--;
    base.n -= endpoint.n;
    if (value->value == value->written)
        reader_value_error(r, o, value, "ends in an endpoint; did you mean '" TEXT_FORMAT "'?", TEXT_ARGS(base));
    else
        reader_value_error(r, o, value, "ends in an endpoint; expected it without " TEXT_FORMAT, TEXT_ARGS(endpoint));
}

/* The longest one comes first. */
static struct text endpoint_at_end(struct text path)
{
    static const char *const endpoints[] = {"/chat/completions", "/completions", "/embeddings", "/responses"};
    for (size_t i = 0; i < sizeof endpoints / sizeof *endpoints; i++)
        if (text_ends(path, text_of(endpoints[i]))) return text_of(endpoints[i]);
    return TEXT_NONE;
}

static void read_url(struct reader *r, const struct option *o, struct node *value, struct conf_upstream *u)
{
    struct url url;
    const char *why = url_parse(text_of(value->value), &url);
    if (why) {
        reader_value_error(r, o, value, "%s", why);
        return;
    }
    struct text endpoint = endpoint_at_end(text_of(url.path));
    if (endpoint.n) refuse_endpoint(r, o, value, endpoint);
    option_release(o, u);
    u->base_url = mem_strdup(value->value);
    u->https = url.https;
    u->host = url.host;
    u->port = url.port;
    u->base_path = url.path;
}

static void read_redis_url(struct reader *r, const struct option *o, struct node *value, struct conf_redis *c)
{
    option_release(o, c);
    const char *why = *value->value ? redis_url_parse(text_of(value->value), c) : NULL;
    if (why) reader_value_error(r, o, value, "%s", why);
}

/* api_key_file, api_key_credential and password_file. */
static void read_secret_elsewhere(struct reader *r, const struct option *o, struct node *value, void *base)
{
    const char *why = NULL;
    char *secret = o->type == OPTION_CREDENTIAL ? secret_from_credential(value->value, &why)
                                                : secret_from_file(value->value, &why);
    if (!secret) {
        reader_value_error(r, o, value, "cannot be read: %s", why);
    } else if (!*secret) {
        reader_value_error(r, o, value, "holds nothing; expected a secret");
    } else if (o->check(text_of(secret))) {
        reader_value_error(r, o, value, "holds what %s", o->check(text_of(secret)));
    } else {
        replace_text(o, secret, base);
    }
    mem_free_secret(secret);
}

void read_scalar(struct reader *r, const struct option *o, struct node *value, void *base)
{
    void *field = (char *)base + o->offset;
    if (!reader_expect(r, o->key, value, NODE_SCALAR, option_expects(o))) return;
    switch (o->type) {
    case OPTION_FLAG: read_flag(r, o, value, field); break;
    case OPTION_TEXT:
    case OPTION_SECRET: read_text(r, o, value, base); break;
    case OPTION_CHOICE:
    case OPTION_SWITCH:
    case OPTION_ENUM: read_choice(r, o, value, base); break;
    case OPTION_URL: read_url(r, o, value, base); break;
    case OPTION_REDIS_URL: read_redis_url(r, o, value, base); break;
    case OPTION_SECRET_FILE:
    case OPTION_CREDENTIAL: read_secret_elsewhere(r, o, value, base); break;
    default: read_number(r, o, value, field);
    }
}
