/* records_wire.h - one question to the DNS servers and back: glibc's resolver, with an end to each wait.
 *
 * The only file that knows struct __res_state. One thread at a time.
 */
#ifndef DSGATE_NET_RECORDS_WIRE_H
#define DSGATE_NET_RECORDS_WIRE_H

#include "records_message.h"

struct records_wire;

/* Servers and search domains of resolv.conf(5), or one server alone without search domains. NULL: the system's settings
 * can't be read. */
struct records_wire *records_wire_open(const struct address *server);
void records_wire_close(struct records_wire *w);

/* Asks for exactly this name. Takes up to 3 s, and a little more when the answer has to come over TCP. *out is as after
 * records_read(), with `truncated` where the rest could not be had. */
enum records_verdict records_wire_ask(struct records_wire *w, const char *name, unsigned type,
                                      struct records_message *out);

/* The i-th of the full names that `name` may stand for, in the order of resolv.conf(5): `search` and `ndots`. false:
 * there are no more. */
#define RECORDS_NAME_MAX 1025
bool records_wire_candidate(const struct records_wire *w, const char *name, unsigned i, char out[RECORDS_NAME_MAX]);

#endif
