/* Most requests have no change, or one: the model's name. So only who wants more pays for another look at the body. */
#include "chat_private.h"

/* ---- the list of changes ---- */

static void note(struct chat_edits *e, struct json_edit edit, size_t from)
{
    unsigned i = e->count++;
    for (; i > 0 && e->list[i - 1].edit.cut.p > edit.cut.p; i--)
        e->list[i] = e->list[i - 1];
    e->list[i] = (struct chat_edit){edit, from};
}

void chat_edit(struct chat_edits *e, struct text cut, struct text put)
{
    if (put.n) note(e, (struct json_edit){cut, put}, 0);
}

void chat_edit_own(struct chat_edits *e, struct text cut, size_t from)
{
    note(e, (struct json_edit){cut, text_make(NULL, buf_len(e->extra) - from)}, from);
}

static int splice(const struct chat_edits *e, struct text body, struct iovec *iov, size_t *total)
{
    struct json_edit edits[CHAT_EDITS];
    for (unsigned i = 0; i < e->count; i++) {
        edits[i] = e->list[i].edit;
        if (!edits[i].put.p) edits[i].put.p = text_from(buf_text(e->extra), e->list[i].from).p;
    }
    return json_splice(body, edits, e->count, iov, total);
}

/* ---- the model ---- */

/* Only requests with messages have a thinking mode. */
bool chat_sets_thinking(const struct chat_request *r, const struct conf_model *model)
{
    return model && model->thinking && r->members[CHAT_MESSAGES].type != JSON_ABSENT &&
           r->members[CHAT_THINKING].type == JSON_ABSENT;
}

static const char *name_to_send(const struct chat_request *r, const struct chat_changes *c)
{
    if (c->model && strcmp(c->model->name, "*") != 0) return c->model->name;
    return c->name ? c->name : r->model;
}

/* A name that stays keeps its bytes, escapes and all. */
static void change_model(struct chat_edits *e, const struct chat_request *r, const struct chat_changes *c)
{
    struct text cut = chat_new_members(r);
    const char *name = name_to_send(r, c);
    size_t from = buf_len(e->extra);
    if (strcmp(name, r->model) != 0) {
        cut = r->members[CHAT_MODEL].value;
        buf_add_json_string(e->extra, text_of(name));
    }
    if (chat_sets_thinking(r, c->model)) {
        BUF_ADD(e->extra, ",\"thinking\":{\"type\":");
        buf_add_json_string(e->extra, text_of(c->model->thinking));
        BUF_ADD(e->extra, "}");
    }
    if (buf_len(e->extra) > from) chat_edit_own(e, cut, from);
}

/* ---- the stream ---- */

/* A plain call with options for streams is a mistake, which its upstream shall tell. */
static bool change_stream(struct chat_edits *e, const struct chat_request *r)
{
    const struct json_member *stream = &r->members[CHAT_STREAM], *options = &r->members[CHAT_STREAM_OPTIONS];
    if (stream->type == JSON_ABSENT)
        chat_edit(e, chat_new_members(r), TEXT(",\"stream\":true"));
    else if (stream->type != JSON_TRUE)
        chat_edit(e, stream->value, TEXT("true"));
    if (options->type == JSON_ABSENT)
        chat_edit(e, chat_new_members(r), TEXT(",\"stream_options\":{\"include_usage\":true}"));
    else if (options->type == JSON_NULL)
        chat_edit(e, options->value, TEXT("{\"include_usage\":true}"));
    return options->type <= JSON_NULL;
}

/* ---- what is not the upstream's ---- */

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/* A member with its name and one of the commas beside it: there are others, as there is a model. Names that are looked
 * for have no quotes or colons in them, nor have their escapes. */
static struct text whole_member(struct text value)
{
    const char *begin = value.p, *end = value.p + value.n;
    for (unsigned quotes = 0; quotes < 2;)
        quotes += *--begin == '"';
    const char *before = begin - 1;
    while (is_space(*before))
        before--;
    if (*before == ',') return text_make(before, (size_t)(end - before));
    while (*end != ',')
        end++;
    return text_make(begin, (size_t)(end + 1 - begin));
}

/* Noted last: at its beginning there may be new members, which come before what is cut. */
static void cut_cache(struct chat_edits *e, const struct chat_request *r)
{
    const struct json_member *cache = &r->members[CHAT_CACHE];
    if (cache->type != JSON_ABSENT) note(e, (struct json_edit){whole_member(cache->value), TEXT("")}, 0);
}

int chat_pieces(const struct chat_request *r, const struct chat_changes *c, struct buf *extra, struct iovec *iov,
                size_t *total)
{
    struct chat_edits e; /* not zeroed: it is large, and this is done for every request */
    e.extra = extra;
    e.count = 0;
    if (!r->model[0]) return c->stream || c->sent ? 0 : json_splice(r->body, NULL, 0, iov, total);
    change_model(&e, r, c);
    if (c->stream && !change_stream(&e, r)) return 0;
    if (c->sent && !chat_go_on(&e, r, c)) return 0;
    cut_cache(&e, r);
    return splice(&e, r->body, iov, total);
}
