/* A resumed handshake saves a signature and, before TLS 1.3, a round trip. OpenSSL's own cache is of no use to clients:
 * it finds sessions by their ID, not by whom they were made with. */
#include "dsgate/base/list.h"
#include "tls_private.h"
#include <pthread.h>

enum { SESSIONS_MAX = 64 };

struct entry {
    struct list node;
    char *name;
    SSL_SESSION *session;
};

struct tls_sessions {
    pthread_mutex_t mutex;
    struct list entries; /* the newest first */
    unsigned count;
};

struct tls_sessions *tls_sessions_new(void)
{
    struct tls_sessions *s = MEM_NEW(struct tls_sessions);
    pthread_mutex_init(&s->mutex, NULL);
    list_init(&s->entries);
    return s;
}

static void remove_entry(struct tls_sessions *s, struct entry *e)
{
    list_remove(&e->node);
    s->count--;
    SSL_SESSION_free(e->session);
    mem_free(e->name);
    mem_free(e);
}

static struct entry *find(struct tls_sessions *s, const char *name)
{
    LIST_FOREACH(node, &s->entries)
    {
        struct entry *e = CONTAINER_OF(node, struct entry, node);
        if (strcmp(e->name, name) == 0) return e;
    }
    return NULL;
}

void tls_sessions_put(struct tls_sessions *s, const char *name, SSL_SESSION *session)
{
    struct entry *e = MEM_NEW(struct entry);
    e->name = mem_strdup(name);
    e->session = session;
    pthread_mutex_lock(&s->mutex);
    struct entry *old = find(s, name);
    if (!old && s->count == SESSIONS_MAX) old = CONTAINER_OF(s->entries.prev, struct entry, node);
    if (old) remove_entry(s, old);
    list_push_front(&s->entries, &e->node);
    s->count++;
    pthread_mutex_unlock(&s->mutex);
}

SSL_SESSION *tls_sessions_get(struct tls_sessions *s, const char *name)
{
    SSL_SESSION *session = NULL;
    pthread_mutex_lock(&s->mutex);
    struct entry *e = find(s, name);
    if (e && SSL_SESSION_is_resumable(e->session) && SSL_SESSION_up_ref(e->session)) session = e->session;
    pthread_mutex_unlock(&s->mutex);
    return session;
}

void tls_sessions_free(struct tls_sessions *s)
{
    if (!s) return;
    LIST_FOREACH_SAFE(node, &s->entries)
    remove_entry(s, CONTAINER_OF(node, struct entry, node));
    pthread_mutex_destroy(&s->mutex);
    mem_free(s);
}
