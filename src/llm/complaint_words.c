/* Everybody's error has a code and a message somewhere, so the members with those names are taken wherever errors are
 * put: at the top, in `error`, in a choice's `error`, in a failed `response`, and in what OpenRouter quotes of others.
 */
#include "complaint_private.h"
#include "dsgate/llm/json.h"

enum { LEVELS = 4 /* of containers that are looked into */, STATUS_FIRST = 400, STATUS_LAST = 599 };

enum part { PART_NONE, PART_CODE, PART_MESSAGE, PART_INSIDE };

static const struct {
    struct text key;
    enum part part;
} parts[] = {
    {TEXT("code"), PART_CODE},       {TEXT("type"), PART_CODE},         {TEXT("error_code"), PART_CODE},
    {TEXT("status"), PART_CODE},     {TEXT("status_code"), PART_CODE},  {TEXT("message"), PART_MESSAGE},
    {TEXT("msg"), PART_MESSAGE},     {TEXT("error_msg"), PART_MESSAGE}, {TEXT("raw"), PART_MESSAGE},
    {TEXT("error"), PART_INSIDE},    {TEXT("innererror"), PART_INSIDE}, {TEXT("detail"), PART_INSIDE},
    {TEXT("metadata"), PART_INSIDE}, {TEXT("choices"), PART_INSIDE},    {TEXT("response"), PART_INSIDE},
};

static enum part part_of(struct text key)
{
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (text_eq(key, parts[i].key)) return parts[i].part;
    return PART_NONE;
}

/* Codes are words of the vendor's, which need no escapes. */
static void take_code(struct complaint_words *w, enum json_type type, struct text value)
{
    uint64_t number;
    if ((type != JSON_STRING && type != JSON_NUMBER) || w->count == COMPLAINT_CODES) return;
    struct text code = type == JSON_STRING ? json_inside(value) : value;
    w->codes[w->count++] = code;
    if (w->status == 0 && text_to_u64(code, &number) && number >= STATUS_FIRST && number <= STATUS_LAST)
        w->status = (unsigned)number;
}

/* There is room: all of them lie in the body, and are longer there. */
static void take_message(struct complaint_words *w, enum json_type type, struct text value)
{
    char *to = w->messages + w->n;
    size_t n;
    if (type != JSON_STRING || !json_to_text(value, to, sizeof w->messages - w->n, &n)) return;
    for (size_t i = 0; i < n; i++)
        if (to[i] >= 'A' && to[i] <= 'Z') to[i] = (char)(to[i] - 'A' + 'a');
    to[n] = '\n';
    w->n += n + 1;
}

static void look_inside(struct complaint_words *w, enum json_type type, struct text value, unsigned level)
{
    if (type == JSON_STRING) take_message(w, type, value);
    if (level == LEVELS) return;
    struct json_iter it = json_iter(value); /* of nothing, where it is no container */
    while (json_next(&it)) {
        enum part part = it.array ? PART_INSIDE : part_of(it.key);
        if (part == PART_CODE) take_code(w, it.type, it.value);
        if (part == PART_MESSAGE) take_message(w, it.type, it.value);
        if (part == PART_INSIDE) look_inside(w, it.type, it.value, level + 1);
    }
}

/* Also without the empty lines that some upstreams send while a request waits. */
static struct text trim(struct text t)
{
    while (t.n && (unsigned char)t.p[0] <= ' ')
        t = text_from(t, 1);
    while (t.n && (unsigned char)t.p[t.n - 1] <= ' ')
        t.n--;
    return t;
}

void complaint_words_read(struct complaint_words *w, struct text body)
{
    w->count = w->n = w->status = 0;
    if (body.n > COMPLAINT_BYTES) return;
    struct text value = trim(body);
    struct json_result json = json_scan(value, NULL, 0, NULL, JSON_DEPTH);
    if (json.error == JSON_FINE) look_inside(w, json.top, value, 0);
}
