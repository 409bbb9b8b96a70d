/* base64.h - RFC 4648 section 4, encoding only: bytes that must travel inside JSON. */
#ifndef DSGATE_SIM_BASE64_H
#define DSGATE_SIM_BASE64_H

#include "dsgate/base/buf.h"

/* Appends the encoding with padding, without quotes. */
void base64_add(struct buf *out, struct text bytes);

#endif
