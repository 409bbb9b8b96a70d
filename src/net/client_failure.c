/* client_failure.c - what is told of a call that failed: why, how far the answer had come, and whether it was just a
 * kept connection that had grown too old. */
#include "client_private.h"
#include <stdio.h>

bool call_was_answered(const struct client_call *call)
{
    return call->state == CALL_BODY || call->interim || (call->uc && buf_len(&call->uc->in));
}

/* The error's own words, where they are true of this call. */
static const char *sentence(const struct client_call *call, enum net_error error)
{
    if (error == NET_FIRST_BYTE_TIMEOUT && call_was_answered(call)) return "no whole head within the first-byte time";
    if (error == NET_IDLE_TIMEOUT && call->state == CALL_SENDING)
        return "no byte of the request was taken within the idle time";
    return net_error_text(error);
}

static void put_body_place(const struct http_body *b, char *place, size_t n)
{
    unsigned long long received = b->received, left = b->left;
    if (b->framing == HTTP_LENGTH)
        snprintf(place, n, " (after %llu of %llu bytes)", received, received + left);
    else
        snprintf(place, n, " (after %llu bytes of a %s)", received,
                 b->framing == HTTP_CHUNKED ? "chunked body" : "body without length");
}

/* How far the answer had come. Heads that can't be read are told by what is wrong with them. */
static void put_place(const struct client_call *call, enum net_error error, char *place, size_t n)
{
    place[0] = '\0';
    if (call->state == CALL_BODY) {
        put_body_place(&call->body, place, n);
    } else if (error != NET_BAD_ANSWER && call_was_answered(call)) {
        size_t bytes = buf_len(&call->uc->in);
        if (call->interim)
            snprintf(place, n, " (after %u interim answer(s) and %zu bytes of a head)", call->interim, bytes);
        else
            snprintf(place, n, " (after %zu bytes of a head)", bytes);
    }
}

void call_describe_failure(const struct client_call *call, enum net_error error, const char *detail,
                           struct client_failure *why)
{
    char place[80];
    put_place(call, error, place, sizeof place);
    *why = (struct client_failure){.error = error, .sent = call->state >= CALL_SENDING};
    why->reused = call->reused && error == NET_RESET && !call_was_answered(call);
    snprintf(why->detail, sizeof why->detail, "%s%s", detail && *detail ? detail : sentence(call, error), place);
}
