/* value.h - what a value may look like: all that later becomes a header, a path, a label or an address is checked here,
 * so that the rest of the program never meets a CR, LF, NUL or space where the wire would break.
 *
 * Each returns NULL when the text is fine, else what is wrong with it as the end of a sentence: "is not …; expected …".
 */
#ifndef DSGATE_CONFIG_VALUE_H
#define DSGATE_CONFIG_VALUE_H

#include "dsgate/base/text.h"

const char *value_line(struct text t);         /* no control characters */
const char *value_file(struct text t);         /* a file's path */
const char *value_name(struct text t);         /* an upstream's or account's name: it becomes a metric label */
const char *value_model(struct text t);        /* a model's name */
const char *value_key(struct text t);          /* an API key: visible ASCII */
const char *value_header_name(struct text t);  /* a token, and none that frames the message or belongs to one hop */
const char *value_header_value(struct text t); /* visible ASCII and inner spaces */
const char *value_path(struct text t);         /* the path of a URL: "/v1"; no query, no dot segments */
const char *value_host(struct text t);         /* a name or an IP address without brackets */
const char *value_dns_name(struct text t);     /* a name, no address */
const char *value_listen(struct text t);       /* a literal address to listen on */
const char *value_pin(struct text t);          /* a literal address to connect to; the port may be missing */
const char *value_server(struct text t);       /* a literal address of a server with its port; no Unix socket */
const char *value_pattern(struct text t);      /* a pattern of models' names */
const char *value_sha256(struct text t);       /* 64 hexadecimal digits */
const char *value_window(struct text t);       /* hours of the week: see base/calendar.h */
const char *value_time_zone(struct text t);
const char *value_prefix(struct text t);       /* the beginning of names in Redis: no pattern, no space */
const char *value_socket(struct text t);       /* the path of a Unix socket */
const char *value_answer(struct text t);       /* what a client is told: UTF-8, perhaps several lines */

/* A copy with all ASCII letters in lower case; the caller's. */
char *value_lower(struct text t);

/* The port after "host:"; min is 0 or 1. */
bool value_port(struct text t, unsigned min, unsigned *port);

#endif
