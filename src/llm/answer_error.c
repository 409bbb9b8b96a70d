/* Is it an error? Under any status, and in any of the shapes in which vendors say no:
 *   {"error":{…}}  {"error":"…"}  {"type":"error",…}  {"object":"error",…}  {"code":…,"message":…}
 * {"error_code":…,"error_msg":…}
 */
#include "answer_private.h"

enum { NOTHING = 0, SAYS_ERROR = 1, HAS_CODE = 2, HAS_MESSAGE = 4, HAS_ANSWER = 8, HAS_TYPE = 16 };

/* What a member with substance tells. A type tells something only when it is "error". */
#define MARKS(X)                                                                                                       \
    X("error", SAYS_ERROR)                                                                                             \
    X("object", HAS_TYPE)                                                                                              \
    X("type", HAS_TYPE)                                                                                                \
    X("code", HAS_CODE)                                                                                                \
    X("error_code", HAS_CODE)                                                                                          \
    X("message", HAS_MESSAGE)                                                                                          \
    X("msg", HAS_MESSAGE)                                                                                              \
    X("error_msg", HAS_MESSAGE)                                                                                        \
    X("choices", HAS_ANSWER)                                                                                           \
    X("content", HAS_ANSWER)                                                                                           \
    X("output", HAS_ANSWER)                                                                                            \
    X("data", HAS_ANSWER)

static unsigned mark_of(struct text key)
{
#define X(name, mark)                                                                                                  \
    if (text_eq(key, TEXT(name))) return mark;
    MARKS(X)
#undef X
    return NOTHING;
}

void answer_note_error(struct answer_walk *w, struct text key)
{
    unsigned mark = mark_of(key);
    if (mark == NOTHING || !answer_has_substance(w)) return;
    if (mark == HAS_TYPE) mark = text_eq(answer_word(w), TEXT("error")) ? SAYS_ERROR : NOTHING;
    w->marks |= mark;
}

bool answer_is_error(const struct answer_walk *w)
{
    if (w->marks & SAYS_ERROR) return true;
    return (w->marks & HAS_CODE) && (w->marks & HAS_MESSAGE) && !(w->marks & HAS_ANSWER);
}
