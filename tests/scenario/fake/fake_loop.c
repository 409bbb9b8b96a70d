/* fake_loop.c - loop.h with virtual time. */
#include "../../assertions.h"
#include "dsgate/net/timers.h"
#include "fake.h"

struct loop {
    usec_t now;
    struct timers timers;
    struct list after;
    struct loop_post *posts, **posts_end;
    char scratch[LOOP_SCRATCH];
};

static struct loop world;

void fake_begin(void)
{
    world = (struct loop){.now = 1000 * USEC_PER_SEC};
    list_init(&world.after);
    world.posts_end = &world.posts;
    fake_conns_begin();
    fake_upstreams_begin();
}

void fake_end(void)
{
    fake_settle();
    unsigned open = fake_conns_end();
    ck_assert_msg(open == 0, "%u connections were left open", open);
    timers_free(&world.timers);
}

struct loop *fake_loop(void) { return &world; }
usec_t fake_now(void) { return world.now; }

static bool deliver_post(void)
{
    struct loop_post *post = world.posts;
    if (!post) return false;
    world.posts = post->next;
    if (!world.posts) world.posts_end = &world.posts;
    post->deliver(post);
    return true;
}

static bool run_afters(void)
{
    struct list *node = list_pop_front(&world.after);
    if (!node) return false;
    struct loop_after *after = CONTAINER_OF(node, struct loop_after, node);
    after->run(after);
    return true;
}

static bool fire_timer(void)
{
    struct timer *timer = timers_pop_due(&world.timers, world.now);
    if (!timer) return false;
    timer->fire(timer);
    return true;
}

/* One event, then what it asked for after the turn. */
static bool turn(void)
{
    bool happened = deliver_post() || fire_timer() || fake_conns_step();
    while (run_afters())
        happened = true;
    return happened;
}

void fake_settle(void)
{
    for (unsigned i = 0; turn(); i++)
        ck_assert_msg(i < 1000000, "the program is busy for ever");
}

void fake_run(usec_t duration)
{
    usec_t until = world.now + duration;
    fake_settle();
    for (usec_t next; (next = timers_next(&world.timers)) <= until;) {
        if (next > world.now) world.now = next;
        fake_settle();
    }
    world.now = until;
    fake_settle();
}

/* ---- loop.h ---- */

struct loop *loop_new(void) { return &world; }
void loop_free(struct loop *loop)
{
    loop->posts = NULL;
    loop->posts_end = &loop->posts;
}
void loop_run(struct loop *loop) { (void)loop; }
void loop_stop(struct loop *loop) { (void)loop; }
usec_t loop_now(const struct loop *loop) { return loop->now; }
usec_t loop_clock(const struct loop *loop) { return loop->now; }
usec_t loop_wall(const struct loop *loop) { return loop->now + INT64_C(1700000000) * USEC_PER_SEC; }
char *loop_scratch(struct loop *loop) { return loop->scratch; }

void timer_set(struct loop *loop, struct timer *timer, usec_t due, void (*fire)(struct timer *timer))
{
    timer->fire = fire;
    timers_set(&loop->timers, timer, due);
}

void timer_cancel(struct loop *loop, struct timer *timer) { timers_cancel(&loop->timers, timer); }

void loop_post(struct loop *loop, struct loop_post *post)
{
    post->next = NULL;
    *loop->posts_end = post;
    loop->posts_end = &post->next;
}

void loop_after_turn(struct loop *loop, struct loop_after *after)
{
    if (!list_linked(&after->node)) list_push_back(&loop->after, &after->node);
}

void loop_after_cancel(struct loop_after *after) { list_remove(&after->node); }

/* Descriptors are wires here: nothing that watches real ones runs in a scenario. */
void loop_io_start(struct loop *loop, struct loop_io *io, int fd, int wants,
                   void (*ready)(struct loop_io *io, int what))
{
    (void)loop, (void)io, (void)fd, (void)wants, (void)ready;
    ck_abort_msg("a scenario touched a real descriptor");
}
void loop_io_want(struct loop_io *io, int wants) { (void)io, (void)wants; }
void loop_io_stop(struct loop_io *io) { (void)io; }
void loop_on_signal(struct loop *loop, int signal, void (*arrived)(int signal, void *arg), void *arg)
{
    (void)loop, (void)signal, (void)arrived, (void)arg;
}
