/* Container runtimes run this every few seconds: one connection, no loop, no threads. */
#include "dsgate/gate/health_check.h"
#include "dsgate/net/address.h"
#include <errno.h>
#include <netinet/in.h>
#include <sys/time.h>
#include <unistd.h>

static void use_loopback(struct address *a)
{
    if (a->sa.ss_family == AF_INET) {
        struct sockaddr_in *in = (struct sockaddr_in *)&a->sa;
        if (in->sin_addr.s_addr == htonl(INADDR_ANY)) in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    } else if (a->sa.ss_family == AF_INET6) {
        struct sockaddr_in6 *in = (struct sockaddr_in6 *)&a->sa;
        if (IN6_IS_ADDR_UNSPECIFIED(&in->sin6_addr)) in->sin6_addr = in6addr_loopback;
    }
}

static int connect_to(const struct address *a)
{
    struct timeval limit = {.tv_sec = 3};
    int fd = socket(a->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (connect(fd, (const struct sockaddr *)&a->sa, a->length) == 0) return fd;
    close(fd);
    return -1;
}

static bool answers_200(int fd)
{
    static const char question[] = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    char answer[16] = {0};
    if (send(fd, question, sizeof question - 1, MSG_NOSIGNAL) < 0) return false;
    ssize_t n = recv(fd, answer, sizeof answer - 1, MSG_WAITALL);
    return n > 12 && !memcmp(answer, "HTTP/1.1 200", 12);
}

bool health_check(const struct config *config, FILE *complaints)
{
    struct address address;
    struct buf error = {0};
    if (config->admin.listen_count == 0) {
        fputs("dsgate: the config has no admin listener to ask\n", complaints);
        return false;
    }
    const char *where = config->admin.listens[0].address;
    if (config->admin.listens[0].tls.cert_file || !address_parse(text_of(where), 0, &address, &error)) {
        fprintf(complaints, "dsgate: %s can't be asked without TLS\n", where);
        buf_free(&error);
        return false;
    }
    use_loopback(&address);
    int fd = connect_to(&address);
    bool alive = fd >= 0 && answers_200(fd);
    if (fd >= 0) close(fd);
    if (!alive) fprintf(complaints, "dsgate: %s does not answer GET /healthz with 200\n", where);
    return alive;
}
