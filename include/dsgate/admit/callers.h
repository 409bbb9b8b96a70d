/* callers.h - who asks: by the API key of a request, else by the address it comes from.
 *
 * A caller's number says whose turns a request shares in the queue. It comes from a hash under a key of this process:
 * nobody outside can choose whose turns to share, and a number tells nothing about an API key. Keys are neither kept
 * nor logged. Any thread.
 */
#ifndef DSGATE_ADMIT_CALLERS_H
#define DSGATE_ADMIT_CALLERS_H

#include "dsgate/config/config.h"
#include "dsgate/net/http.h"

#define CALLER_WEIGHT 1 /* of a caller that is not listed; the default of those that are */

struct caller_identity {
    const struct conf_caller *known; /* of the config; NULL: not listed there */
    uint64_t id;                     /* the same for the same caller as long as the process runs; never 0 */
    unsigned weight;                 /* share of the turns */
    bool own_key;                    /* not listed, but with a key, which is then another account's */
};

/* `peer`: "127.0.0.1:40412", as address_format() writes it. Keys are looked for in authorization (with or without
 * Bearer), x-api-key and api-key. SHA-256 is only computed where the config lists callers; then each of the three may
 * be the key of a listed one, and the digests of all of them are compared, in the same time whichever matches. Among
 * callers that are not listed, what is shorter than TEXT_SECRET_MIN ("EMPTY", "none") is no key. */
struct caller_identity caller_identify(const struct config *config, const struct http_head *head, struct text peer);

#endif
