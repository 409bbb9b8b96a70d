/* What strings stand for. Escapes are rare and most strings are short, so text between them moves in one piece; only a
 * pair of surrogates makes an escape look ahead. */
#include "dsgate/llm/json.h"
#include "json_character.h"
#include "json_key.h"

enum { REPLACEMENT = 0xFFFD };

static uint32_t cut_hex(struct text *rest)
{
    uint64_t code;
    if (rest->n < 4 || !text_hex_to_u64(text_make(rest->p, 4), &code)) return JSON_CHARACTER_BAD;
    *rest = text_from(*rest, 4);
    return (uint32_t)code;
}

/* Cuts one escape, backslash first, off *rest: a UTF-16 code unit, or JSON_CHARACTER_BAD. */
static uint32_t cut_escape(struct text *rest)
{
    if (rest->n < 2) return JSON_CHARACTER_BAD;
    char letter = rest->p[1];
    *rest = text_from(*rest, 2);
    switch (letter) {
    case '"':
    case '\\':
    case '/': return (uint32_t)letter;
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'u': return cut_hex(rest);
    default: return JSON_CHARACTER_BAD;
    }
}

/* Whether a key with escapes stands for the name. */
static bool spells(struct text raw, struct text name)
{
    for (; raw.n && name.n; name = text_from(name, 1)) {
        if (raw.p[0] == '\\') {
            if (cut_escape(&raw) != (unsigned char)name.p[0]) return false;
        } else {
            if (raw.p[0] != name.p[0]) return false;
            raw = text_from(raw, 1);
        }
    }
    return raw.n == 0 && name.n == 0;
}

size_t json_key_find(struct text raw, const struct text *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (text_eq(raw, names[i])) return i;
    if (text_find_byte(raw, '\\') == raw.n) return n;
    for (size_t i = 0; i < n; i++)
        if (spells(raw, names[i])) return i;
    return n;
}

static bool is_high(uint32_t unit) { return unit >= 0xD800 && unit < 0xDC00; }
static bool is_low(uint32_t unit) { return unit >= 0xDC00 && unit < 0xE000; }

uint32_t json_character_cut(struct text *rest)
{
    uint32_t high = cut_escape(rest);
    if (!is_high(high)) return high;
    struct text behind = *rest;
    uint32_t low = behind.n && behind.p[0] == '\\' ? cut_escape(&behind) : JSON_CHARACTER_BAD;
    if (!is_low(low)) return high;
    *rest = behind;
    return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
}

size_t json_character_encode(uint32_t code, char out[static 4])
{
    static const unsigned char first_bits[] = {0, 0, 0xC0, 0xE0, 0xF0};
    size_t length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--, code >>= 6)
        out[i] = (char)(0x80 | (code & 0x3F));
    out[0] = (char)(first_bits[length] | code);
    return length;
}

static bool put(char *out, size_t n, size_t *length, const char *p, size_t count)
{
    if (count > n - *length) return false;
    if (count) memcpy(out + *length, p, count);
    *length += count;
    return true;
}

bool json_to_text(struct text value, char *out, size_t n, size_t *length)
{
    if (value.n < 2 || value.p[0] != '"' || value.p[value.n - 1] != '"') return false;
    struct text rest = json_inside(value);
    size_t done = 0;
    while (rest.n) {
        size_t plain = text_find_byte(rest, '\\');
        if (!put(out, n, &done, rest.p, plain)) return false;
        rest = text_from(rest, plain);
        if (rest.n == 0) break;
        char character[4];
        uint32_t code = json_character_cut(&rest);
        if (code == JSON_CHARACTER_BAD) return false;
        if (json_is_surrogate(code)) code = REPLACEMENT;
        if (!put(out, n, &done, character, json_character_encode(code, character))) return false;
    }
    *length = done;
    return true;
}
