/* url.h - an upstream's base URL, taken apart strictly. */
#ifndef DSGATE_CONFIG_URL_H
#define DSGATE_CONFIG_URL_H

#include "dsgate/base/text.h"

struct url {
    bool https;
    char *host;    /* lower case, an IPv6 address without its brackets */
    unsigned port; /* the scheme's own when the URL names none */
    char *path;    /* "" or "/v1", never with '/' at the end */
};

/* "host", "host:port", "[v6]" or "[v6]:port", as views; *port is empty when there is none. NULL, or what is wrong. */
const char *url_authority(struct text t, struct text *host, struct text *port);

/* NULL and *out filled (host and path are then the caller's), or what is wrong: "has …; expected …". */
const char *url_parse(struct text t, struct url *out);

#endif
