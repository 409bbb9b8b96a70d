/* The first byte chooses the family and which form the rest is. What can be said in the other form must be whole:
 * the way back exists, and once everything is there that a way adds, another one changes nothing any more but the
 * places of members. */
#include "dsgate/llm/answer_form.h"
#include "dsgate/llm/json.h"
#include <stdlib.h>

static const enum endpoint_family families[] = {FAMILY_CHAT, FAMILY_COMPLETION, FAMILY_MESSAGES, FAMILY_RESPONSES};

typedef bool way(struct buf *out, enum endpoint_family family, struct text from);

static bool to_stream(struct buf *out, enum endpoint_family family, struct text plain)
{
    return answer_to_stream(out, family, plain, true);
}

/* From memory that ends with the input, so that the sanitizer sees every byte read outside; what cannot be told leaves
 * nothing. */
static bool go(way *go_there, struct buf *out, enum endpoint_family family, struct text from)
{
    char *alone = malloc(from.n);
    if (from.n) memcpy(alone, from.p, from.n);
    bool went = go_there(out, family, text_make(alone, from.n));
    if (!went && buf_len(out)) abort();
    free(alone);
    return went;
}

/* In any order. A comparison as JSON could not tell members apart that are there twice. */
static bool has_same_bytes(struct text a, struct text b)
{
    size_t counts[256] = {0};
    for (size_t i = 0; i < a.n; i++)
        counts[(unsigned char)a.p[i]]++;
    for (size_t i = 0; i < b.n; i++)
        if (counts[(unsigned char)b.p[i]]-- == 0) return false;
    return a.n == b.n;
}

static void check_plain(enum endpoint_family family, struct text plain)
{
    struct buf stream = {0}, back = {0}, again = {0};
    if (json_scan(plain, NULL, 0, NULL, JSON_DEPTH).error != JSON_FINE) abort();
    if (go(to_stream, &stream, family, plain) && go(answer_to_plain, &back, family, buf_text(&stream))) {
        buf_free(&stream);
        if (!go(to_stream, &stream, family, buf_text(&back))) abort();
        if (!go(answer_to_plain, &again, family, buf_text(&stream))) abort();
        if (!has_same_bytes(buf_text(&back), buf_text(&again))) abort();
    }
    buf_free(&stream);
    buf_free(&back);
    buf_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) return 0;
    enum endpoint_family family = families[data[0] & 3];
    struct text from = text_make((const char *)data + 1, size - 1);
    struct buf out = {0};
    if (data[0] & 4) {
        if (json_scan(from, NULL, 0, NULL, JSON_DEPTH).error == JSON_FINE) check_plain(family, from);
        go(to_stream, &out, family, from);
    } else if (go(answer_to_plain, &out, family, from)) {
        check_plain(family, buf_text(&out));
    }
    answer_is_usage_event(family, from);
    buf_free(&out);
    return 0;
}
