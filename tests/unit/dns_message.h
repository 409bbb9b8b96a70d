/* dns_message.h - DNS messages for tests, put together by hand: RFC 1035 section 4. */
#ifndef DSGATE_TESTS_DNS_MESSAGE_H
#define DSGATE_TESTS_DNS_MESSAGE_H

#include "dsgate/base/buf.h"
#include <arpa/inet.h>
#include <arpa/nameser.h>

enum { FLAGS_ANSWER = 0x8180, FLAGS_TRUNCATED = 0x8380, FLAGS_NO_NAME = 0x8183, FLAGS_FAILED = 0x8182 };

static inline void put_u16(struct buf *b, unsigned v)
{
    buf_add_byte(b, (char)(v >> 8));
    buf_add_byte(b, (char)v);
}

static inline void put_u32(struct buf *b, uint32_t v)
{
    put_u16(b, v >> 16);
    put_u16(b, v & 0xffff);
}

static inline void put_name(struct buf *b, const char *name)
{
    struct text rest = text_of(name), label;
    while (text_cut(&rest, '.', &label)) {
        buf_add_byte(b, (char)label.n);
        buf_add(b, label);
    }
    buf_add_byte(b, 0);
}

static inline void put_head(struct buf *b, unsigned id, unsigned flags, unsigned answers, unsigned additional)
{
    put_u16(b, id);
    put_u16(b, flags);
    put_u16(b, 1);
    put_u16(b, answers);
    put_u16(b, 0);
    put_u16(b, additional);
}

static inline void put_question(struct buf *b, const char *name, unsigned type)
{
    put_name(b, name);
    put_u16(b, type);
    put_u16(b, ns_c_in);
}

static inline void put_record(struct buf *b, const char *name, unsigned type, uint32_t ttl, struct text data)
{
    put_name(b, name);
    put_u16(b, type);
    put_u16(b, ns_c_in);
    put_u32(b, ttl);
    put_u16(b, (unsigned)data.n);
    buf_add(b, data);
}

/* A or AAAA, as the address has it. */
static inline void put_host(struct buf *b, const char *name, uint32_t ttl, const char *address)
{
    char bytes[16];
    bool v6 = strchr(address, ':') != NULL;
    inet_pton(v6 ? AF_INET6 : AF_INET, address, bytes);
    put_record(b, name, v6 ? ns_t_aaaa : ns_t_a, ttl, text_make(bytes, v6 ? 16 : 4));
}

static inline void put_alias(struct buf *b, const char *name, uint32_t ttl, const char *target)
{
    struct buf data = {0};
    put_name(&data, target);
    put_record(b, name, ns_t_cname, ttl, buf_text(&data));
    buf_free(&data);
}

static inline void put_service(struct buf *b, const char *name, uint32_t ttl, unsigned priority, unsigned weight,
                               unsigned port, const char *target)
{
    struct buf data = {0};
    put_u16(&data, priority);
    put_u16(&data, weight);
    put_u16(&data, port);
    put_name(&data, target);
    put_record(b, name, ns_t_srv, ttl, buf_text(&data));
    buf_free(&data);
}

#endif
