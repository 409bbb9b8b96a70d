/* iov.h - bytes as writev(2) takes them.
 *
 * A struct iovec has no const: what is only ever written out gets its pointer cast here, and nowhere else.
 */
#ifndef DSGATE_BASE_IOV_H
#define DSGATE_BASE_IOV_H

#include "dsgate/base/text.h"
#include <sys/uio.h>

static inline struct iovec iov_of(struct text t) { return (struct iovec){(void *)(uintptr_t)t.p, t.n}; }

static inline size_t iov_total(const struct iovec *iov, int n)
{
    size_t total = 0;
    for (int i = 0; i < n; i++) total += iov[i].iov_len;
    return total;
}

#endif
