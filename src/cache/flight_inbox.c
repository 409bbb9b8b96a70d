/* News: whoever has some is put into its inbox, and an inbox is posted to once, however many are in it. */
#include "flight_private.h"
#include <sched.h>

/* ---- one hold of a shard's lock ---- */

void flight_hold_begin(struct flight_hold *h, struct flight_shard *shard)
{
    h->shard = shard;
    h->gone = NULL;
    list_init(&h->wake);
    list_init(&h->garbage);
    pthread_mutex_lock(&shard->mutex);
}

static void free_flight(struct flight *f)
{
    flight_chunks_free(&f->chunks);
    cache_entry_unref(f->entry);
    mem_free(f->failure);
    mem_free(f);
}

void flight_hold_end(struct flight_hold *h)
{
    pthread_mutex_unlock(&h->shard->mutex);
    for (struct list *node; (node = list_pop_front(&h->wake));) {
        struct flight_inbox *inbox = CONTAINER_OF(node, struct flight_inbox, node);
        loop_post(inbox->loop, &inbox->post);
        atomic_fetch_sub(&inbox->posting, 1);
    }
    flight_chunks_free(&h->garbage);
    if (h->gone) free_flight(h->gone);
}

/* ---- putting in ---- */

static void rouse(struct flight_hold *h, struct flight_inbox *inbox)
{
    if (inbox->posted) return;
    inbox->posted = true;
    atomic_fetch_add(&inbox->posting, 1);
    list_push_back(&h->wake, &inbox->node);
}

void flight_give_news(struct flight_hold *h, struct flight_inbox *inbox, struct list *followers)
{
    pthread_mutex_lock(&inbox->mutex);
    list_move_all(&inbox->news, followers);
    rouse(h, inbox);
    pthread_mutex_unlock(&inbox->mutex);
}

void flight_tell_all(struct flight_hold *h, struct flight *f)
{
    LIST_FOREACH(node, &f->groups) {
        struct flight_group *g = CONTAINER_OF(node, struct flight_group, node);
        if (!list_empty(&g->hungry)) flight_give_news(h, g->inbox, &g->hungry);
    }
}

void flight_tell_lead(struct flight_hold *h, struct flight *f)
{
    if (!f->lead || !f->watched || f->followers > 0) return;
    struct flight_inbox *inbox = f->lead->inbox;
    pthread_mutex_lock(&inbox->mutex);
    if (!list_linked(&f->lead->node)) list_push_back(&inbox->deserted, &f->lead->node);
    rouse(h, inbox);
    pthread_mutex_unlock(&inbox->mutex);
}

void flight_drop_news(struct flight_inbox *inbox, struct list *node)
{
    pthread_mutex_lock(&inbox->mutex);
    list_remove(node);
    pthread_mutex_unlock(&inbox->mutex);
}

/* ---- taking out ---- */

static struct flight_lead *take_deserted(struct flight_inbox *inbox)
{
    pthread_mutex_lock(&inbox->mutex);
    struct list *node = list_pop_front(&inbox->deserted);
    pthread_mutex_unlock(&inbox->mutex);
    return node ? CONTAINER_OF(node, struct flight_lead, node) : NULL;
}

/* What comes meanwhile is for the next turn: followers of a busy lead must not keep the loop from all else. Taken out
 * of the inbox they are touched by this thread alone. */
static void deliver(struct loop_post *post)
{
    struct flight_inbox *inbox = CONTAINER_OF(post, struct flight_inbox, post);
    struct list now;
    list_init(&now);
    pthread_mutex_lock(&inbox->mutex);
    list_move_all(&now, &inbox->news);
    inbox->posted = false;
    pthread_mutex_unlock(&inbox->mutex);
    for (struct list *node; (node = list_pop_front(&now));) {
        struct follower *who = CONTAINER_OF(node, struct follower, news_node);
        who->news(who);
    }
    for (struct flight_lead *lead; (lead = take_deserted(inbox));)
        if (flight_close(lead)) lead->deserted(lead); /* else somebody has joined since */
}

void flight_inbox_open(struct flights *f, struct flight_inbox *inbox, struct loop *loop)
{
    *inbox = (struct flight_inbox){.flights = f, .loop = loop, .post = {.deliver = deliver}};
    list_init(&inbox->news);
    list_init(&inbox->deserted);
    pthread_mutex_init(&inbox->mutex, NULL);
}

/* A post may still be in the loop's mail, and finds nothing; the mutex, which is memory alone, stays for it to see that.
 */
void flight_inbox_close(struct flight_inbox *inbox)
{
    while (atomic_load(&inbox->posting) > 0)
        sched_yield();
}
