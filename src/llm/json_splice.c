/* A body with a few bytes changed is still the old body, in pieces: what goes out is a list of them, and nothing moves.
 */
#include "dsgate/llm/json.h"

static int add_piece(struct iovec *iov, int count, struct text piece)
{
    if (piece.n == 0) return count;
    iov[count] = iov_of(piece);
    return count + 1;
}

int json_splice(struct text json, const struct json_edit *edits, size_t n, struct iovec *iov, size_t *total)
{
    int count = 0;
    const char *from = json.p;
    for (size_t i = 0; i < n; i++) {
        count = add_piece(iov, count, text_make(from, (size_t)(edits[i].cut.p - from)));
        count = add_piece(iov, count, edits[i].put);
        from = edits[i].cut.p + edits[i].cut.n;
    }
    count = add_piece(iov, count, text_make(from, (size_t)(json.p + json.n - from)));
    *total = iov_total(iov, count);
    return count;
}
