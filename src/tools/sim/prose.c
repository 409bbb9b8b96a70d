/* prose.c - words, sentences, now and then Chinese and emoji: characters of one to four bytes, so that whoever cuts a
 * stream in the wrong place is found out.
 */
#include "prose.h"
#include "hash.h"

static const char *const words[] = {
    " the",         " a",           " model",     " answer",  " stream",  " token",  " gateway",     " request",
    " carries",     " keeps",       " small",     " careful", " bright",  " river",  " morning",     " letter",
    " garden",      " signal",      " quiet",     " finds",   " of",      " and",    " with",        " under",
    " between",     " before",      " because",   " while",   " every",   " some",   " returns",     " opens",
    " follows",     " measure",     " pattern",   " window",  " journey", " number", " simple",      " \"quoted\"",
    " line\nbreak", " back\\slash", " tab\tstop", " naïve",   " café",    " Größe",  " 深度",        " 求索",
    " 模型",        " 回答",        " 你好，",    " 世界",    " 🚀",       " 🌊",      " 👩‍💻", " ✓",
    " 42",          " 3.14",        " e=mc²",     " → ",
};
enum { WORDS = sizeof words / sizeof *words, SENTENCE = 11 /* one token in so many ends a sentence */ };

static bool ends_sentence(uint64_t seed, unsigned i) { return hash_pick(~seed, i, SENTENCE) == 0; }
static bool begins_sentence(uint64_t seed, unsigned i) { return i == 0 || ends_sentence(seed, i - 1); }

static void add_word(const char *word, bool first, bool capital, struct buf *out)
{
    if (first) word++; /* without its space */
    const char *letter = *word == ' ' ? word + 1 : word;
    if (!capital || *letter < 'a' || *letter > 'z') {
        buf_add(out, text_of(word));
        return;
    }
    buf_append(out, word, (size_t)(letter - word));
    buf_add_byte(out, (char)(*letter - 'a' + 'A'));
    buf_add(out, text_of(letter + 1));
}

void prose_token(uint64_t seed, unsigned i, struct buf *out)
{
    add_word(words[hash_pick(seed, i, WORDS)], i == 0, begins_sentence(seed, i), out);
    if (ends_sentence(seed, i)) buf_add_byte(out, '.');
}
