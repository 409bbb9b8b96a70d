/* Done for each member of each answer, so every step counts. None looks for the end of the text: they all stop at a
 * closing brace, and those that pass one see to it that it is not the last. So nothing is read behind an object that
 * is not valid after all.
 */
#include "answer_private.h"

static inline const char *space_end(const char *at)
{
    while (answer_is_space(*at))
        at++;
    return at;
}

/* Behind a separator and the white space around it, which is rare. */
static inline const char *separator_end(const char *at, char separator)
{
    if (*at != separator) at = space_end(at);
    return *at == separator ? space_end(at + 1) : at;
}

static inline const char *bracket_end(const struct answer_walk *w, const char *at) { return at + (at < w->last); }

/* Whether an odd number of backslashes ends before `quote`; a string's opening quote ends the search. */
static bool is_escaped(const char *quote)
{
    const char *first = quote;
    while (first[-1] == '\\')
        first--;
    return (quote - first) % 2;
}

static inline const char *string_end(const struct answer_walk *w, const char *at)
{
    do {
        at = memchr(at + 1, '"', (size_t)(w->last - at - 1));
        if (!at) return w->last;
    } while (at[-1] == '\\' && is_escaped(at));
    return at + 1;
}

static inline const char *scalar_end(const char *at)
{
    static const bool ends[256] = {
        [','] = true, [']'] = true, ['}'] = true, [' '] = true, ['\t'] = true, ['\n'] = true, ['\r'] = true,
    };
    while (!ends[(unsigned char)*at])
        at++;
    return at;
}

static const char *container_end(const struct answer_walk *w, const char *at)
{
    size_t depth = 0;
    while (at < w->last) {
        char c = *at;
        at = c == '"' ? string_end(w, at) : at + 1;
        depth += c == '{' || c == '[';
        if ((c == '}' || c == ']') && --depth == 0) break;
    }
    return at;
}

static inline const char *value_end(const struct answer_walk *w, const char *at)
{
    if (*at == '"') return string_end(w, at);
    return *at == '{' || *at == '[' ? container_end(w, at) : scalar_end(at);
}

/* What stands between the quotes. */
static inline struct text unquoted(const char *at, const char *behind)
{
    size_t n = (size_t)(behind - at);
    return text_make(at + 1, n < 2 ? 0 : n - 2);
}

/* ---- the walk ---- */

void answer_walk_object(struct answer_walk *w, answer_reader *read)
{
    if (*w->at != '{') return;
    const char *at = space_end(w->at + 1);
    while (*at == '"') {
        const char *behind = string_end(w, at), *value = separator_end(behind, ':');
        w->at = value;
        read(w, unquoted(at, behind));
        at = separator_end(w->at == value ? value_end(w, value) : w->at, ',');
    }
    w->at = bracket_end(w, at);
}

void answer_walk_array(struct answer_walk *w, answer_reader *read)
{
    if (*w->at != '[') return;
    const char *at = space_end(w->at + 1);
    while (*at != ']' && *at != '}') {
        w->at = at;
        answer_walk_object(w, read);
        at = separator_end(w->at == at ? value_end(w, at) : w->at, ',');
    }
    w->at = bracket_end(w, at);
}

/* ---- single values ---- */

bool answer_has_substance(const struct answer_walk *w)
{
    char behind;
    switch (*w->at) {
    case 'n':
    case 'f': return false;
    case '"': return w->at[1] != '"';
    case '[':
    case '{': behind = *space_end(w->at + 1); return behind != ']' && behind != '}';
    default: return true;
    }
}

struct text answer_word(const struct answer_walk *w)
{
    return *w->at == '"' ? unquoted(w->at, string_end(w, w->at)) : TEXT_NONE;
}

bool answer_take_count(struct answer_walk *w, uint64_t *n)
{
    const char *behind = scalar_end(w->at);
    if (!text_to_u64(text_make(w->at, (size_t)(behind - w->at)), n)) return false;
    w->at = behind;
    return true;
}
