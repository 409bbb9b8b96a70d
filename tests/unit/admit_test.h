/* admit_test.h - what the tests of the admit room share: request heads from text. */
#ifndef DSGATE_TESTS_ADMIT_TEST_H
#define DSGATE_TESTS_ADMIT_TEST_H

#include "dsgate/net/http.h"
#include "net_test.h"
#include <stdio.h>

/* A request of that line with a Host and those fields ("name: value\r\n"…). The head points into memory that the next
 * call uses again. */
static inline const struct http_head *make_head(const char *line, const char *fields)
{
    static char bytes[16384];
    static struct http_head head;
    static const struct http_limits limits = {.line = 8192, .head = 16384, .fields = HTTP_FIELDS_MAX, .body = 1024};
    enum http_error error = HTTP_FINE;
    size_t scanned = 0;
    int n = snprintf(bytes, sizeof bytes, "%s HTTP/1.1\r\nHost: x\r\n%s\r\n", line, fields);
    enum http_parse parse = http_parse_request(text_make(bytes, (size_t)n), &limits, &scanned, &head, &error);
    ck_assert_msg(parse == HTTP_PARSE_DONE, "%s: %s", fields, http_error_text(error));
    return &head;
}

#endif
