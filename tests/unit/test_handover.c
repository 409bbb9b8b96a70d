/* Descriptors reach another thread in order, whole, and even when the two have different tables. */
#include "dsgate/base/mem.h"
#include "dsgate/net/handover.h"
#include "net_test.h"
#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

static struct loop *here, *there;
static struct handover *handover;

/* What has arrived: which items, and how many of them without a descriptor. */
static unsigned arrived, lost;

struct parcel {
    struct handover_item item;
    unsigned number;
};

/* Each descriptor is the writing end of a pipe, and says which item it came with. */
static void on_arrived(void *arg, struct handover_item *item)
{
    struct parcel *p = CONTAINER_OF(item, struct parcel, item);
    ck_assert_uint_eq(p->number, arrived);
    arrived++;
    if (item->fd >= 0) {
        ck_assert_int_eq(write(item->fd, &p->number, sizeof p->number), sizeof p->number);
        ck_assert_int_eq(fcntl(item->fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
        close(item->fd);
    } else {
        lost++;
    }
    mem_free(p);
    if (arg && arrived == *(unsigned *)arg) loop_stop(there);
}

static void set_up_for(unsigned *all)
{
    here = loop_new();
    there = loop_new();
    handover = handover_new(here, there, on_arrived, all);
    ck_assert_ptr_nonnull(handover);
    arrived = lost = 0;
}

static void set_up(void) { set_up_for(NULL); }

static void tear_down(void)
{
    handover_free(handover);
    loop_free(here);
    loop_free(there);
}

static void send_one(int fd, unsigned number)
{
    struct parcel *p = MEM_NEW(struct parcel);
    p->item.fd = fd;
    p->number = number;
    handover_send(handover, &p->item);
}

static void expect_number(int from, unsigned number)
{
    unsigned got;
    ck_assert_int_eq(read(from, &got, sizeof got), sizeof got);
    ck_assert_uint_eq(got, number);
}

static unsigned open_descriptors(void)
{
    unsigned n = 0;
    DIR *dir = opendir("/proc/self/fd");
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

START_TEST(test_descriptors_arrive_and_leave)
{
    int ends[2];
    unsigned before = open_descriptors();
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
        send_one(ends[1], i);
        ck_assert_int_eq(fcntl(ends[1], F_GETFD), -1); /* no longer ours */
        run_turns(there, 2);
        expect_number(ends[0], i);
        ck_assert_int_eq(read(ends[0], &(char){0}, 1), 0); /* nobody else has the writing end */
        close(ends[0]);
    }
    ck_assert_uint_eq(arrived, 3);
    ck_assert_uint_eq(open_descriptors(), before);
}
END_TEST

START_TEST(test_a_burst_waits_in_order)
{
    enum { MANY = 3000 };
    int ends[2];
    unsigned before = open_descriptors();
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    for (unsigned i = 0; i < MANY; i++)
        send_one(dup(ends[1]), i);
    ck_assert_uint_eq(arrived, 0);
    for (int i = 0; i < MANY && arrived < MANY; i++) {
        run_turns(there, 1);
        run_turns(here, 1);
    }
    ck_assert_uint_eq(arrived, MANY);
    ck_assert_uint_eq(lost, 0);
    for (unsigned i = 0; i < MANY; i++)
        expect_number(ends[0], i);
    close(ends[0]);
    close(ends[1]);
    ck_assert_uint_eq(open_descriptors(), before);
}
END_TEST

START_TEST(test_a_receiver_without_room_is_told)
{
    int ends[2];
    struct rlimit usual, full;
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    int extra = dup(ends[1]);
    send_one(extra, 0); /* its number is free now: the lowest one */
    getrlimit(RLIMIT_NOFILE, &usual);
    full = (struct rlimit){(rlim_t)extra, usual.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &full), 0);
    run_turns(there, 2);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &usual), 0);
    ck_assert_uint_eq(arrived, 1);
    ck_assert_uint_eq(lost, 1);
    close(ends[1]);
    ck_assert_int_eq(read(ends[0], &(char){0}, 1), 0); /* it is closed, not leaked */
    close(ends[0]);
}
END_TEST

START_TEST(test_what_is_under_way_at_the_end)
{
    enum { MANY = 1000 };
    int ends[2];
    unsigned before = open_descriptors();
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    for (unsigned i = 0; i < MANY; i++)
        send_one(dup(ends[1]), i);
    handover_free(handover);
    ck_assert_uint_eq(lost, MANY);
    close(ends[0]);
    close(ends[1]);
    handover = handover_new(here, there, on_arrived, NULL);
    ck_assert_uint_eq(open_descriptors(), before);
}
END_TEST

/* ---- another table ---- */

/* ThreadSanitizer takes equal numbers for the same descriptor. */
#ifdef __SANITIZE_THREAD__
enum { TABLES_MAY_DIFFER = 0 };
#else
enum { TABLES_MAY_DIFFER = 1 };
#endif

static void *receive_elsewhere(void *settled)
{
    if (TABLES_MAY_DIFFER) ck_assert_int_eq(unshare(CLONE_FILES), 0);
    pthread_barrier_wait(settled);
    loop_run(there);
    return NULL;
}

START_TEST(test_another_thread_with_another_table)
{
    enum { MANY = 3000 };
    unsigned all = MANY;
    pthread_t thread;
    pthread_barrier_t settled;
    int ends[2];
    tear_down();
    set_up_for(&all);
    pthread_barrier_init(&settled, NULL, 2);
    ck_assert_int_eq(pthread_create(&thread, NULL, receive_elsewhere, &settled), 0);
    pthread_barrier_wait(&settled);
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0); /* the other thread does not have these */
    for (unsigned i = 0; i < MANY; i++)
        send_one(dup(ends[1]), i);
    close(ends[1]);
    for (unsigned i = 0; i < MANY; i++) {
        run_turns(here, 1); /* sends what had to wait */
        expect_number(ends[0], i);
    }
    pthread_join(thread, NULL);
    pthread_barrier_destroy(&settled);
    ck_assert_uint_eq(lost, 0);
    ck_assert_int_eq(read(ends[0], &(char){0}, 1), 0);
    close(ends[0]);
}
END_TEST

TEST_MAIN_WITH("handover", set_up, tear_down, test_descriptors_arrive_and_leave, test_a_burst_waits_in_order,
               test_a_receiver_without_room_is_told, test_what_is_under_way_at_the_end,
               test_another_thread_with_another_table)
