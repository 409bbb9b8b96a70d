/* Two comparisons and a look at the hole prove that a text is valid JSON and says nothing new but in the hole: what
 * stands around it was valid with another string, and a string is all that may fill it. */
#include "dsgate/llm/stencil.h"
#include "dsgate/llm/json.h"

enum { SHAPE_MAX = 2048 };

bool stencil_cut(struct stencil *s, struct text json, struct text hole)
{
    buf_clear(&s->shape);
    if (json.n - hole.n > SHAPE_MAX) return false;
    s->before = (size_t)(hole.p - json.p);
    buf_append(&s->shape, json.p, s->before);
    buf_add(&s->shape, text_from(json, s->before + hole.n));
    return true;
}

static bool is_right(struct text inside)
{
    return json_scan(text_make(inside.p - 1, inside.n + 2), NULL, 0, NULL, JSON_DEPTH).error == JSON_FINE;
}

/* Whether escaped code units are right is for the scanner to say. */
static bool is_inside_of_string(struct text t)
{
    static const char letters[8] = "\"\\/bfnrt";
    for (size_t i = 0; i < t.n; i++) {
        unsigned char c = (unsigned char)t.p[i];
        if (c < ' ' || c == '"') return false;
        if (c >= 0x80) {
            size_t length = text_utf8_length(text_from(t, i));
            if (length == 0) return false;
            i += length - 1;
        }
        if (c != '\\') continue;
        if (++i == t.n) return false;
        if (!memchr(letters, t.p[i], sizeof letters)) return is_right(t);
    }
    return true;
}

bool stencil_fits(const struct stencil *s, struct text json, struct text *hole)
{
    size_t n = buf_len(&s->shape), before = s->before, behind = n - before;
    if (n == 0 || json.n < n) return false;
    const char *shape = s->shape.data + s->shape.head;
    if (memcmp(json.p, shape, before) || memcmp(json.p + json.n - behind, shape + before, behind)) return false;
    *hole = text_make(json.p + before, json.n - n);
    return is_inside_of_string(*hole);
}

void stencil_fill(const struct stencil *s, struct text hole, struct buf *out)
{
    struct text shape = buf_text(&s->shape);
    buf_append(out, shape.p, s->before);
    buf_add(out, hole);
    buf_add(out, text_from(shape, s->before));
}

void stencil_free(struct stencil *s) { buf_free(&s->shape); }
