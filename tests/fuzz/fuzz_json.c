/* All implementations must report what the oracle of the unit tests reports. Valid texts are then walked: what the
 * iterator finds must be what the scan found, and each value must be valid by itself. */
#include "../../src/llm/json_scan.h"
#include "../unit/json_oracle.h"
#include <stdlib.h>

enum { DEPTH = 16 };

static const struct text names[] = {TEXT("a"), TEXT("model"), TEXT("messages")};
enum { NAMES = sizeof names / sizeof *names };

static void expect(bool condition)
{
    if (!condition) abort();
}

static enum json_type compare_levels(struct text json)
{
    struct json_result wanted = json_oracle(json, DEPTH), result = {0};
    for (int level = JSON_PLAIN; level < JSON_LEVELS; level++) {
        if (!json_level_works((enum json_level)level)) continue;
        result = json_scan_with((enum json_level)level, json, NULL, 0, NULL, DEPTH);
        expect(result.error == wanted.error && result.position == wanted.position);
    }
    return result.error == JSON_FINE ? result.top : JSON_ABSENT;
}

static void compare_members(struct text object)
{
    struct json_member members[NAMES], others[NAMES];
    struct json_result result = json_scan(object, names, NAMES, members, DEPTH);
    expect(result.error == JSON_FINE || result.error == JSON_DUPLICATE);
    for (int level = JSON_PLAIN; level < JSON_LEVELS; level++) {
        if (!json_level_works((enum json_level)level)) continue;
        struct json_result other = json_scan_with((enum json_level)level, object, names, NAMES, others, DEPTH);
        expect(other.error == result.error && other.position == result.position);
        expect(!memcmp(members, others, sizeof members));
    }
    for (size_t i = 0; i < NAMES && result.error == JSON_FINE; i++) {
        struct text value;
        expect(json_get(object, names[i], &value) == members[i].type);
        expect(value.p == members[i].value.p && value.n == members[i].value.n);
    }
}

static void read_scalars(struct text value)
{
    int64_t integer;
    double number;
    size_t length;
    char *room = malloc(value.n);
    json_to_i64(value, &integer);
    json_to_double(value, &number);
    if (json_to_text(value, room, value.n, &length)) expect(length + 2 <= value.n);
    free(room);
}

static void walk(struct text json, enum json_type type, unsigned depth)
{
    expect(depth <= DEPTH);
    read_scalars(json);
    for (struct json_iter it = json_iter(json); json_next(&it);) {
        expect(json_scan(it.value, NULL, 0, NULL, DEPTH).top == it.type);
        if (depth < 3) walk(it.value, it.type, depth + 1);
    }
    if (type == JSON_OBJECT) compare_members(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text json = text_make((const char *)data, size), value;
    enum json_type type = compare_levels(json);
    if (type != JSON_ABSENT) {
        walk(json, type, 0);
    } else {
        for (struct json_iter it = json_iter(json); json_next(&it);)
            read_scalars(it.value);
        json_get(json, names[0], &value);
    }
    return 0;
}
