/* What is written down, who reads which of it, and when it goes. */
#include "../../src/cache/flight_private.h"
#include "dsgate/base/random.h"
#include "flight_fixture.h"

/* ---- answers that can be kept ---- */

/* Any cut of an answer into pieces and into reads gives the same bytes. */
static void fill(struct buf *b, size_t n, struct random_source *random)
{
    for (size_t i = 0; i < n; i += 8) {
        uint64_t word = random_next(random);
        buf_append(b, &word, n - i < 8 ? n - i : 8);
    }
}

static void write_piece(struct text *rest, size_t most, struct random_source *random)
{
    struct iovec pieces[3];
    for (int i = 0; i < COUNT(pieces); i++) {
        size_t n = random_below(random, most);
        struct text piece = text_make(rest->p, n < rest->n ? n : rest->n);
        pieces[i] = iov_of(piece);
        *rest = text_from(*rest, piece.n);
    }
    ck_assert(flight_write(&lead, &head, pieces, COUNT(pieces)));
}

static enum flight_state expect_next(struct follower *f, struct text all)
{
    struct text bytes;
    size_t offset = f->offset;
    enum flight_state state = flight_read(f, &bytes);
    if (state != FLIGHT_BYTES) return state;
    ck_assert_uint_gt(bytes.n, 0);
    ck_assert_uint_le(bytes.n, FLIGHT_SLICE);
    ck_assert_uint_eq(f->offset, offset + bytes.n);
    ck_assert(text_eq(bytes, text_make(all.p + offset, bytes.n)));
    return state;
}

static void read_now_and_then(struct text all, unsigned one_in, struct random_source *random)
{
    for (int i = 0; i < FOLLOWERS; i++)
        if (who[i].flight && random_below(random, one_in) == 0) expect_next(&who[i], all);
}

START_TEST(any_cut_gives_the_same_bytes)
{
    static const size_t sizes[] = {1, 100, 2047, 2048, 2049, 40000, 65536, 65537, 300000, 1000000};
    struct random_source random;
    random_seed(&random, 7);
    for (int round = 0; round < 4 * COUNT(sizes); round++) {
        struct buf answer = {0};
        fill(&answer, sizes[round % COUNT(sizes)], &random);
        struct text all = buf_text(&answer), rest = all;
        begin();
        for (int i = 0; rest.n > 0; i++) {
            if (i < FOLLOWERS) ck_assert(follow(&who[i]));
            write_piece(&rest, 1 + random_below(&random, 1 + sizes[round % COUNT(sizes)]), &random);
            read_now_and_then(all, 1 + (unsigned)round % 4, &random);
        }
        land();
        for (int i = 0; i < FOLLOWERS; i++)
            while (who[i].flight && expect_next(&who[i], all) != FLIGHT_END)
                continue;
        leave_all();
        buf_free(&answer);
    }
}
END_TEST

/* How many bytes are kept for the followers of a flight. */
static size_t kept(const struct flight *f)
{
    size_t n = 0;
    LIST_FOREACH(node, &f->chunks)
        n += CONTAINER_OF(node, struct flight_chunk, node)->capacity;
    return n;
}

START_TEST(followers_change_over_to_the_entry)
{
    struct text first, next;
    begin();
    ck_assert(follow(&who[0]) && follow(&who[1]));
    write_text(TEXT("abcd"));
    struct cache_entry *e = flight_entry(&lead, &(struct cache_facts){.key = usual.key, .status = 200});
    ck_assert(text_is(e->body, "abcd"));
    ck_assert_int_eq(flight_read(&who[0], &first), FLIGHT_BYTES);
    flight_land(&lead, e);
    ck_assert_uint_eq(kept(who[0].flight), 0);
    ck_assert(text_is(first, "abcd")); /* what it has been given stays until its next read */
    ck_assert_int_eq(flight_read(&who[0], &next), FLIGHT_END);
    ck_assert_int_eq(flight_read(&who[1], &next), FLIGHT_BYTES);
    ck_assert_ptr_eq(next.p, e->body.p);
    ck_assert_ptr_eq(who[1].entry, e);
    cache_entry_unref(e); /* theirs stays */
    ck_assert(text_is(next, "abcd"));
    ck_assert_int_eq(flight_read(&who[1], &next), FLIGHT_END);
}
END_TEST

/* Plain answers come in one piece, streams in many: neither takes much more than it is long. */
START_TEST(chunks_fit)
{
    static const struct {
        size_t piece, times, most;
    } rows[] = {{1, 1, 1},         {1000, 1, 1000},   {5000, 1, 5000},     {200, 2, 400},       {200, 10, 4000},
                {200, 100, 40000}, {65536, 1, 65536}, {200000, 1, 200000}, {250, 4000, 1065536}};
    static char bytes[200000];
    for (int i = 0; i < COUNT(rows); i++) {
        begin();
        for (size_t n = 0; n < rows[i].times; n++)
            write_text(text_make(bytes, rows[i].piece));
        ck_assert_msg(kept(lead.flight) <= rows[i].most, "row %d: %zu", i, kept(lead.flight));
        leave_all();
    }
}
END_TEST

/* ---- those that outgrow the limit ---- */

static void limit_to(size_t limit) { flights_limit(flights, limit); }

START_TEST(what_is_too_large_is_for_those_who_have_joined)
{
    static const struct play rows[] = {
        {"BwwFr", "abab~"},
        {"BwwwF", "0-"}, /* nobody reads it, nobody can */
        {"BFrwrwrwrLr", "~ab~ab~ab~."},
        {"BFwwrwwrLr", "abab~abab~."}, /* 4 bytes behind */
        {"BFwwrwwrCr", "abab~abab~!"},
        {"BFwwrwwwr", "abab~?"}, /* 6 */
        {"BFwwwr", "?"},
        {"BFwwrwwwLr", "abab~?"},
        {"BFwwwrwrLr", "???"}, /* once lost, always lost */
        {"BFwwwXw", "0"},
        {"BFrwwwt", "~n"},
        {"BFwwwWXt", "d"},
    };
    limit_to(4);
    RUN_PLAYS(rows);
}
END_TEST

/* A reader that keeps up, and one that stands still with what it was given. */
START_TEST(what_nobody_needs_any_more_goes)
{
    enum { LEAST = 100000, PIECE = 1000, ALL = 2000000 };
    static char piece[PIECE];
    struct text standing, bytes;
    limit_to(LEAST);
    begin();
    ck_assert(follow(&who[0]) && follow(&who[1]));
    for (size_t written = 0; written < ALL; written += PIECE) {
        memset(piece, (char)(written / PIECE), PIECE);
        write_text(text_make(piece, PIECE));
        while (flight_read(&who[0], &bytes) == FLIGHT_BYTES)
            ck_assert_int_eq(bytes.p[0], piece[0]);
        if (written == 0) ck_assert_int_eq(flight_read(&who[1], &standing), FLIGHT_BYTES);
        ck_assert_uint_le(kept(lead.flight), LEAST + 2 * FLIGHT_SLICE);
    }
    for (size_t i = 0; i < PIECE; i++)
        ck_assert_int_eq(standing.p[i], 0);
    ck_assert_int_eq(flight_read(&who[1], &bytes), FLIGHT_LOST);
    ck_assert_uint_eq(stats_now().lost, 1);
    ck_assert_uint_le(kept(lead.flight), 2 * FLIGHT_SLICE); /* all that is left is where the other one reads */
    ck_assert_ptr_null(flight_entry(&lead, &(struct cache_facts){0}));
}
END_TEST

/* Who is slow but has not left holds back what it has not read; then nobody does. */
START_TEST(leaving_frees_what_only_one_would_read)
{
    static char piece[100000];
    limit_to(sizeof piece);
    begin();
    ck_assert(follow(&who[0]) && follow(&who[1]));
    write_text(text_make(piece, sizeof piece));
    struct text bytes;
    while (flight_read(&who[0], &bytes) == FLIGHT_BYTES)
        continue;
    flight_read(&who[1], &bytes);
    write_text(text_make(piece, 1));
    ck_assert_uint_gt(kept(lead.flight), 2 * FLIGHT_SLICE);
    flight_leave(&who[1]);
    ck_assert_uint_le(kept(lead.flight), 2 * FLIGHT_SLICE);
    ck_assert_int_eq(flight_read(&who[0], &bytes), FLIGHT_BYTES);
    ck_assert_uint_eq(bytes.n, 1);
}
END_TEST

START_TEST(what_nobody_wants_is_not_copied)
{
    limit_to(4);
    begin();
    ck_assert(!write_text(TEXT("abcde")));
    ck_assert(!write_text(TEXT("fghij")));
    ck_assert_uint_eq(lead.flight->written, 5);
}
END_TEST

START_TEST(a_limit_counts_for_those_that_begin)
{
    static const struct play old[] = {{"BwwFr", "abab~"}}, new[] = {{"BwwF", "0-"}};
    limit_to(4);
    RUN_PLAYS(old);
    begin();
    limit_to(3);
    ck_assert(write_text(TEXT("abcd")));
    ck_assert(follow(&who[0]));
    leave_all();
    RUN_PLAYS(new);
}
END_TEST

TEST_MAIN_WITH("flight_bytes", set_up, tear_down, any_cut_gives_the_same_bytes, followers_change_over_to_the_entry,
               chunks_fit, what_is_too_large_is_for_those_who_have_joined, what_nobody_needs_any_more_goes,
               leaving_frees_what_only_one_would_read, what_nobody_wants_is_not_copied,
               a_limit_counts_for_those_that_begin)
