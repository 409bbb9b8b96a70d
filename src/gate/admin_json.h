/* admin_json.h - JSON for the admin port's pages, member by member. A key that is NULL makes an element of an array. */
#ifndef GATE_ADMIN_JSON_H
#define GATE_ADMIN_JSON_H

#include "dsgate/base/buf.h"
#include "dsgate/base/clock.h"
#include "dsgate/net/server.h"

struct admin_json {
    struct buf out; /* all zeros at first; admin_json_send() frees it */
    bool follows;   /* something stands before in the same object or array */
};

void admin_json_open(struct admin_json *j, const char *key, char bracket); /* '{' or '[' */
void admin_json_close(struct admin_json *j, char bracket);                 /* '}' or ']' */

void admin_json_text(struct admin_json *j, const char *key, struct text value); /* null without a pointer */
void admin_json_flag(struct admin_json *j, const char *key, bool value);
void admin_json_u64(struct admin_json *j, const char *key, uint64_t value);
void admin_json_double(struct admin_json *j, const char *key, double value); /* finite */
void admin_json_ms(struct admin_json *j, const char *key, usec_t time);      /* milliseconds: 12.034 */
void admin_json_null(struct admin_json *j, const char *key);

/* Answers with it, status 200. */
void admin_json_send(struct admin_json *j, struct exchange *x);

#endif
