/* Any request body, as the endpoint chosen by the first byte reads it. What is sent on must be readable again, say the
 * upstream's model, and belong to the same conversation. */
#include "dsgate/llm/chat.h"
#include <stdlib.h>

static void check_sent(const struct chat_request *r, const struct endpoint *e)
{
    char name[] = "up/stream", thinking[] = "disabled";
    struct conf_model model = {.name = name, .thinking = thinking};
    struct iovec iov[CHAT_PIECES];
    struct buf extra = {0}, sent = {0}, message = {0};
    struct chat_request again;
    const char *param;
    size_t total;
    int n = chat_pieces(r, &model, &extra, iov, &total);
    for (int i = 0; i < n; i++)
        buf_append(&sent, iov[i].iov_base, iov[i].iov_len);
    if (buf_len(&sent) != total) abort();
    if (chat_read(&again, e, buf_text(&sent), &message, &param) != CHAT_FINE) abort();
    if (strcmp(again.model, name) != 0) abort();
    if (again.members[CHAT_STREAM].type != r->members[CHAT_STREAM].type) abort();
    if (chat_priority(&again) != chat_priority(r) || chat_conversation(&again) != chat_conversation(r)) abort();
    buf_free(&extra);
    buf_free(&sent);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) return 0;
    const struct endpoint *e = &endpoints[data[0] % endpoint_count];
    struct chat_request r;
    struct buf message = {0};
    const char *param;
    enum chat_error error = chat_read(&r, e, text_make((const char *)data + 1, size - 1), &message, &param);
    if ((error == CHAT_FINE) != (buf_len(&message) == 0)) abort();
    if (error == CHAT_FINE && e->needs_model) check_sent(&r, e);
    buf_free(&message);
    return 0;
}
