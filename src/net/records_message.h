/* records_message.h - one answer of a DNS server: bytes in, records out.
 *
 * Pure. The bytes are hostile: whatever they are, this returns a verdict, and never more than RECORDS_MAX of a kind.
 * Aliases (CNAME) are followed from the name in the message's own question; records of other names don't count.
 */
#ifndef DSGATE_NET_RECORDS_MESSAGE_H
#define DSGATE_NET_RECORDS_MESSAGE_H

#include "dsgate/net/records.h"

/* From the best to the worst. */
enum records_verdict {
    RECORDS_FOUND,
    RECORDS_NO_NAME,    /* NXDOMAIN */
    RECORDS_NO_DATA,    /* the name exists without such records */
    RECORDS_GARBAGE,    /* no answer as RFC 1035 has it */
    RECORDS_UNANSWERED, /* nothing within the time, or the server can't or won't */
    RECORDS_NO_SERVER   /* nobody listens there */
};

struct records_service {
    unsigned priority, weight, port;
    usec_t ttl;
    char *target;
};

struct records_host {
    char *name; /* whose address it is; NULL: the question's */
    struct address address;
    usec_t ttl;
};

/* All zeros is an empty one. */
struct records_message {
    struct records_service *services; /* of an SRV question */
    struct records_host *hosts;       /* the answer to A and AAAA; of SRV what stands in the additional section */
    size_t service_count, host_count;
    bool left_out;  /* more than RECORDS_MAX of a kind */
    bool truncated; /* the server says that there is more */
};

/* `type` (ns_t_a, ns_t_aaaa, ns_t_srv) is what was asked for. *out is empty before; it holds records, for the caller to
 * free, only when some were found. */
enum records_verdict records_read(const uint8_t *message, size_t n, unsigned type, struct records_message *out);

/* Copies the name. */
void records_message_add_host(struct records_message *m, const char *name, const struct address *address, usec_t ttl);

/* Names are compared as DNS does, whatever their case (RFC 4343). */
bool records_same_name(const char *a, const char *b);

void records_message_free(struct records_message *m); /* and empties it */

#endif
