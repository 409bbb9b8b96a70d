/* net_error.h - the ways in which talking to a peer fails, with their stable names for logs and metrics. */
#ifndef DSGATE_NET_NET_ERROR_H
#define DSGATE_NET_NET_ERROR_H

/*      identifier            name                    what it means */
#define NET_ERRORS(X) \
    X(NET_OK,                 "ok",                   "no error") \
    X(NET_RESOLVE,            "resolve",              "the name has no address") \
    X(NET_CONNECT,            "connect",              "no address accepted a connection") \
    X(NET_CONNECT_TIMEOUT,    "connect_timeout",      "no connection (TCP and TLS) within the connect time") \
    X(NET_TLS,                "tls",                  "TLS handshake or certificate verification failed") \
    X(NET_RESET,              "reset",                "the connection broke before the first byte of the answer") \
    X(NET_FIRST_BYTE_TIMEOUT, "first_byte_timeout",   "no byte of the answer within the first-byte time") \
    X(NET_IDLE_TIMEOUT,       "idle_timeout",         "silence in the middle of the answer") \
    X(NET_TOTAL_TIMEOUT,      "total_timeout",        "the answer took longer than the total time") \
    X(NET_BAD_ANSWER,         "bad_answer",           "the answer is not valid HTTP") \
    X(NET_CUT,                "cut",                  "the connection broke in the middle of the answer") \
    X(NET_NO_DESCRIPTORS,     "no_descriptors",       "this process has no file descriptors left")

enum net_error {
#define X(id, name, what) id,
    NET_ERRORS(X)
#undef X
        NET_ERROR_COUNT
};

const char *net_error_name(enum net_error e); /* "connect_timeout" */
const char *net_error_text(enum net_error e); /* the sentence */

#endif
