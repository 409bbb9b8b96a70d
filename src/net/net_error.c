#include "dsgate/net/net_error.h"

const char *net_error_name(enum net_error e)
{
    static const char *const names[] = {
#define X(id, name, what) [id] = name,
        NET_ERRORS(X)
#undef X
    };
    return (unsigned)e < NET_ERROR_COUNT ? names[e] : "unknown";
}

const char *net_error_text(enum net_error e)
{
    static const char *const texts[] = {
#define X(id, name, what) [id] = what,
        NET_ERRORS(X)
#undef X
    };
    return (unsigned)e < NET_ERROR_COUNT ? texts[e] : "unknown error";
}
