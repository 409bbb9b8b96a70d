/* Of a valid object the canonical text is valid, its own canonical text, and the same when all members come in the
 * opposite order and those that are left out have never been there. Anything else must do no harm. */
#include "dsgate/base/mem.h"
#include "dsgate/llm/canonical.h"
#include "dsgate/llm/json.h"
#include <stdlib.h>

enum { DEPTH = 64, MEMBERS_MAX = 100 };

static const struct text without[] = {TEXT("user"), TEXT("stream")};
enum { WITHOUT = sizeof without / sizeof *without };

static void expect(bool condition)
{
    if (!condition) abort();
}

/* ---- the reference: members from the greatest name to the smallest, by the simplest of sorts ---- */

struct member {
    struct text raw, value, name; /* the name is resolved, and owned */
    enum json_type type;
};

static struct text resolved(struct text raw)
{
    char *room = mem_alloc(raw.n + 2);
    size_t length;
    expect(json_to_text(text_make(raw.p - 1, raw.n + 2), room, raw.n + 2, &length));
    return text_make(room, length);
}

static bool is_less(struct text a, struct text b)
{
    int order = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);
    return order < 0 || (order == 0 && a.n < b.n);
}

static size_t collect(struct text object, struct member members[static MEMBERS_MAX])
{
    size_t n = 0;
    for (struct json_iter it = json_iter(object); n < MEMBERS_MAX && json_next(&it); n++) {
        struct member m = {it.key, it.value, resolved(it.key), it.type};
        size_t at = n;
        for (; at && is_less(members[at - 1].name, m.name); at--)
            members[at] = members[at - 1];
        members[at] = m;
    }
    return n;
}

static void put_reversed(struct text value, enum json_type type, bool top, struct buf *out);

static void put_object(struct text object, bool top, struct buf *out)
{
    struct member members[MEMBERS_MAX];
    size_t n = collect(object, members);
    bool first = true;
    for (size_t i = 0; i < n; i++) {
        struct member *m = &members[i];
        if (!top || !text_is_one_of(m->name, without, WITHOUT)) {
            buf_add_byte(out, first ? '{' : ',');
            first = false;
            buf_append(out, m->raw.p - 1, m->raw.n + 2);
            BUF_ADD(out, " : ");
            put_reversed(m->value, m->type, false, out);
        }
        mem_free((void *)(uintptr_t)m->name.p);
    }
    buf_add(out, first ? TEXT("{}") : TEXT("}"));
}

static void put_array(struct text array, struct buf *out)
{
    bool first = true;
    buf_add_byte(out, '[');
    for (struct json_iter it = json_iter(array); json_next(&it); first = false) {
        if (!first) BUF_ADD(out, " ,\n");
        put_reversed(it.value, it.type, false, out);
    }
    buf_add_byte(out, ']');
}

static void put_reversed(struct text value, enum json_type type, bool top, struct buf *out)
{
    if (type == JSON_OBJECT)
        put_object(value, top, out);
    else if (type == JSON_ARRAY)
        put_array(value, out);
    else
        buf_add(out, value);
}

/* ---- the properties ---- */

static bool may_be_too_many(struct text json)
{
    size_t colons = 0;
    for (size_t i = 0; i < json.n; i++)
        colons += json.p[i] == ':';
    return colons > MEMBERS_MAX;
}

static void check_text(struct text canonical)
{
    struct buf again = {0};
    expect(json_scan(canonical, NULL, 0, NULL, DEPTH).error == JSON_FINE);
    expect(canonical_write(canonical, NULL, 0, &again) && text_eq(buf_text(&again), canonical));
    buf_free(&again);
}

static void check_order(struct text json, struct text canonical)
{
    struct buf reversed = {0}, again = {0};
    put_reversed(json, JSON_OBJECT, true, &reversed);
    expect(json_scan(buf_text(&reversed), NULL, 0, NULL, DEPTH).error == JSON_FINE);
    expect(canonical_write(buf_text(&reversed), NULL, 0, &again) && text_eq(buf_text(&again), canonical));
    buf_free(&reversed);
    buf_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text json = text_make((const char *)data, size);
    struct buf canonical = {0};
    struct json_result result = json_scan(json, NULL, 0, NULL, DEPTH);
    bool written = canonical_write(json, without, WITHOUT, &canonical);
    if (result.error == JSON_FINE && result.top == JSON_OBJECT && !may_be_too_many(json)) {
        expect(written && buf_len(&canonical) <= 2 * json.n);
        check_text(buf_text(&canonical));
        check_order(json, buf_text(&canonical));
    }
    buf_free(&canonical);
    return 0;
}
