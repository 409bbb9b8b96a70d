/* The first byte chooses the limit; each line is a chunk. Once they are taken as they are, and once with white space
 * that makes each differ from the one before in more than its text: whatever is quick with chunks that are alike must
 * not change the answer. */
#include "dsgate/llm/assembly.h"
#include "dsgate/llm/json.h"
#include <stdlib.h>

struct outcome {
    struct buf answer;
    bool taken, written;
};

/* Each chunk lies alone in memory, so that the sanitizer sees every byte read outside. */
static bool add_alone(struct assembly *a, struct text chunk, unsigned spaces)
{
    char *alone = malloc(chunk.n + spaces);
    memset(alone, ' ', spaces);
    memcpy(alone + spaces, chunk.p, chunk.n);
    bool taken = assembly_add(a, text_make(alone, chunk.n + spaces));
    free(alone);
    return taken;
}

static struct outcome assemble(struct text lines, size_t limit, bool spread)
{
    struct assembly *a = assembly_new(FAMILY_CHAT, limit);
    struct outcome o = {.taken = true};
    struct text line;
    for (unsigned n = 0; text_cut(&lines, '\n', &line); n++)
        if (json_scan(line, NULL, 0, NULL, JSON_DEPTH).error == JSON_FINE)
            o.taken = add_alone(a, line, spread ? n % 2 : 0) && o.taken;
    o.written = assembly_write(a, &o.answer);
    assembly_free(a);
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) return 0;
    size_t limit = (size_t)data[0] * 256;
    struct text lines = text_make((const char *)data + 1, size - 1);
    struct outcome as_they_are = assemble(lines, limit, false), spread = assemble(lines, limit, true);
    if (as_they_are.written && !as_they_are.taken) abort();
    if (buf_len(&as_they_are.answer) > (as_they_are.written ? limit : 0)) abort();
    if (as_they_are.taken != spread.taken || as_they_are.written != spread.written) abort();
    if (!text_eq(buf_text(&as_they_are.answer), buf_text(&spread.answer))) abort();
    buf_free(&as_they_are.answer);
    buf_free(&spread.answer);
    return 0;
}
