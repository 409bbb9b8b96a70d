/* Is it an error? Under any status, and in any of the shapes in which vendors say no:
 *   {"error":{…}}  {"error":"…"}  {"type":"error",…}  {"object":"error",…}  {"code":…,"message":…}
 * {"error_code":…,"error_msg":…}
 */
#include "answer_private.h"

enum { SAYS_ERROR = 1, HAS_CODE = 2, HAS_MESSAGE = 4, HAS_ANSWER = 8 };

static const struct mark {
    struct text key, value; /* value: the only one that counts; empty = any with substance */
    unsigned bit;
} marks[] = {
    {TEXT("error"), TEXT(""), SAYS_ERROR},         {TEXT("object"), TEXT("\"error\""), SAYS_ERROR},
    {TEXT("type"), TEXT("\"error\""), SAYS_ERROR}, {TEXT("code"), TEXT(""), HAS_CODE},
    {TEXT("error_code"), TEXT(""), HAS_CODE},      {TEXT("message"), TEXT(""), HAS_MESSAGE},
    {TEXT("msg"), TEXT(""), HAS_MESSAGE},          {TEXT("error_msg"), TEXT(""), HAS_MESSAGE},
    {TEXT("choices"), TEXT(""), HAS_ANSWER},       {TEXT("content"), TEXT(""), HAS_ANSWER},
    {TEXT("output"), TEXT(""), HAS_ANSWER},        {TEXT("data"), TEXT(""), HAS_ANSWER},
};

static unsigned mark_of(const struct json_iter *it)
{
    for (const struct mark *m = marks; m < marks + COUNT(marks); m++) {
        if (!text_eq(it->key, m->key)) continue;
        bool counts = m->value.n ? text_eq(it->value, m->value) : answer_has_substance(it->type, it->value);
        return counts ? m->bit : 0;
    }
    return 0;
}

bool answer_is_error(struct text object)
{
    unsigned found = 0;
    for (struct json_iter it = json_iter(object); json_next(&it);)
        found |= mark_of(&it);
    if (found & SAYS_ERROR) return true;
    return (found & HAS_CODE) && (found & HAS_MESSAGE) && !(found & HAS_ANSWER);
}
