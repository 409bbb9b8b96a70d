/* Every fault, at every position, for every kind of request: what the first attempt breaks, others mend, or the client
 * is told. The integration tests play a matrix by the same rules with a real daemon; here it is whole within seconds.
 *
 * Which bytes the client gets is known exactly, since each attempt has an id of its own.
 */
#include "dsgate/base/log.h"
#include "matrix_faults.h"

/* clang-format off */
#define RULES(more) \
    QUIET "timeouts: {first_byte: 6s, first_token: 5s, idle: 5s, commit: 1m}\n" \
    ROUTE("hedge: off, retry: {jitter: 0%}" more) "upstreams:\n"
#define ONE   DEEPSEEK(a, "")
#define THREE DEEPSEEK(a, ", weight: 90") DEEPSEEK(b, ", weight: 9") DEEPSEEK(c, "")

static const char *const ways[WAYS] = {"stream", "ride", "plain"};
static const char *const deliveries[DELIVERIES] = {"one by one", "at once", "torn"};
static const char *const worlds[WAYS][2] = {
    [STREAM] = {RULES("") ONE, RULES("") THREE},
    [RIDE]   = {RULES("") ONE, RULES("") THREE},
    [PLAIN]  = {RULES(", plain: off") ONE, RULES(", plain: off") THREE},
};
/* clang-format on */

/* ---- what the client is owed ---- */

struct expected {
    enum { WHOLE, BROKEN, PASSED_ON } answer;
    unsigned attempts;
    int told;           /* tokens that the second attempt is to go on from */
    bool seen;          /* the client has a part of the first attempt */
    const char *reason; /* why the first attempt has failed; NULL: it has not */
};

/* What is broken within the same read has not been shown yet. It begins anew, unless somebody can go on with it. */
static bool is_seen(const struct cell *cell)
{
    enum progress progress = progress_of(cell);
    bool found_at_once = cell->delivery == AT_ONCE && cell->fault->in_bytes && progress == SOME;
    return cell->way == STREAM && progress != NOTHING && (cell->kind->goes_on || !found_at_once);
}

static struct expected expect_break(const struct cell *cell)
{
    enum progress progress = progress_of(cell);
    bool seen = is_seen(cell), goes_on = cell->kind->goes_on && progress == SOME;
    if (progress == OVER) return (struct expected){.attempts = 1, .seen = seen};
    const char *reason = cell->fault->word ? cell->fault->word(cell) : cell->fault->reason;
    struct expected e = {.attempts = 2, .seen = seen, .reason = reason};
    if (goes_on) e.told = cell->position - cell->kind->roles;
    if (seen && !goes_on) e = (struct expected){BROKEN, .attempts = 1, .seen = seen, .reason = reason};
    return e;
}

static struct expected expect_whole(const struct cell *cell)
{
    const struct fault *f = cell->fault;
    bool refused = f->clients || (f->final && !cell->three);
    return (struct expected){refused ? PASSED_ON : WHOLE, .attempts = refused ? 1 : 2, .reason = f->reason};
}

/* ---- the play ---- */

static char story[160];
static struct wire *client;

static bool has_all(enum way way)
{
    struct text got = wire_received(client);
    bool ended = wire_program_closed(client) || wire_program_finished(client);
    return ended || text_ends(got, TEXT("\r\n0\r\n\r\n")) || (got.n && way != STREAM) ||
           text_find(got, TEXT("content-length: ")) < got.n;
}

static struct wire *asked_wire(void)
{
    struct wire *w = busy_wire(&a);
    if (!w) w = busy_wire(&b);
    return w ? w : busy_wire(&c);
}

/* The right answer of this attempt, to what it was asked: it may have been told a beginning. */
static void answer_rightly(struct wire *w, const struct cell *cell, unsigned attempt, int told)
{
    const struct kind *k = cell->kind;
    struct buf bytes = {0};
    char id[16];
    snprintf(id, sizeof id, "id%u", attempt);
    send_head(w, cell);
    if (cell->way == PLAIN) {
        add_plain(&bytes, k, id);
    } else {
        add_events(&bytes, k, id, 0, k->roles, told);
        add_events(&bytes, k, id, k->roles + told, k->count, told);
        buf_add(&bytes, text_of(done_event));
    }
    send_buf(w, cell, &bytes);
    end_message(w, cell);
}

static void serve(const struct cell *cell, unsigned attempt, const struct expected *e)
{
    struct wire *w = upstream_take(asked_wire());
    int told = tokens_told(cell->kind);
    ck_assert_int_eq(strstr(taken_body, "\"stream\":true") != NULL, cell->way != PLAIN);
    ck_assert_int_eq(told, attempt == 1 ? 0 : e->told);
    if (attempt > 1) {
        answer_rightly(w, cell, attempt, told);
    } else {
        begin_answer(w, cell);
        cell->fault->breaks(w, cell);
        deliver(w, cell);
        fake_settle();
    }
}

static void ask_for(const struct cell *cell)
{
    char *body = mem_printf("{\"model\":\"m\",%s%s}", cell->kind->ask, cell->way == STREAM ? ",\"stream\":true" : "");
    client = gateway_connect();
    client_post(client, cell->kind->path, "", body);
    mem_free(body);
}

/* Takes signs of life out of a stream. */
static void strip_comments(char *body)
{
    char *out = body;
    for (char *end; *body; body = end) {
        end = strstr(body, "\n\n");
        end = end ? end + 2 : body + strlen(body);
        if (*body == ':') continue;
        memmove(out, body, (size_t)(end - body));
        out += end - body;
    }
    *out = '\0';
}

static void add_expected(struct buf *out, const struct cell *cell, const struct expected *e)
{
    const char *id = e->seen || e->told || e->attempts == 1 ? FIRST_ID : "id2";
    if (e->answer == PASSED_ON)
        buf_printf(out, ERROR);
    else if (cell->way != STREAM)
        add_plain(out, cell->kind, id);
    else
        add_events(out, cell->kind, id, 0, e->answer == BROKEN ? cell->position : cell->kind->count, 0);
    /* what has said its end and then breaks is whole without it */
    if (cell->way == STREAM && e->answer == WHOLE && e->attempts > 1) buf_printf(out, "%s", done_event);
    buf_add_byte(out, '\0');
}

/* Behind the part that was seen: one error, and no end. */
static void check_broken(const struct client_answer *got, const char *expected)
{
    ck_assert_msg(!strncmp(got->body, expected, strlen(expected)), "got:\n%s\nexpected:\n%s", got->body, expected);
    const char *rest = got->body + strlen(expected), *end = strstr(rest, "\n\n");
    ck_assert_msg(!strncmp(rest, "data: {\"error\":{", 16) && end && !end[2], "%s", rest);
    ck_assert(!got->complete);
}

static void check_answer(const struct cell *cell, const struct expected *e)
{
    struct buf expected = {0};
    struct client_answer got = client_read(client);
    add_expected(&expected, cell, e);
    ck_assert_msg(got.status == (e->answer == PASSED_ON ? cell->fault->status : 200), "%u: %s", got.status, got.body);
    if (cell->way == STREAM) strip_comments(got.body);
    const char *body = expected.data + expected.head;
    if (e->answer == BROKEN)
        check_broken(&got, body);
    else
        ck_assert_msg(!strcmp(got.body, body) && got.complete, "got:\n%s\nexpected:\n%s", got.body, body);
    ck_assert(!got.has_more);
    ck_assert_uint_eq(strtoul(client_field("x-dsgate-attempts"), NULL, 10), e->seen ? 1 : e->attempts);
    mem_free(got.body);
    buf_free(&expected);
}

/* Why it has failed, and what came of it, as the metrics tell it. */
static void check_books(const struct expected *e)
{
    if (e->reason) {
        char *sample = mem_printf("dsgate_attempt_failures_total{reason=\"%s\"}", e->reason);
        ck_assert_msg(gateway_metric(sample) == 1, "not for this reason: %s", e->reason);
        mem_free(sample);
    }
    if (e->answer == WHOLE && !e->reason) ck_assert_uint_eq(gateway_attempts("a", "success"), 1);
    if (e->answer == WHOLE) ck_assert_uint_eq(gateway_metric("dsgate_streams_cut_total"), 0);
    unsigned continued = e->told > 0;
    ck_assert_uint_eq(gateway_metric("dsgate_continuations_total{result=\"continued\"}"), continued);
}

static void play(const struct cell *cell, const struct expected *e)
{
    unsigned attempts = 0;
    snprintf(story, sizeof story, "%s as %s, %s at %d, %s, %s", cell->kind->name, ways[cell->way], cell->fault->name,
             cell->position, cell->three ? "three upstreams" : "one upstream", deliveries[cell->delivery]);
    begin(worlds[cell->way][cell->three]);
    ask_for(cell);
    for (int i = 0; i < 200 && !has_all(cell->way); i++)
        if (asked_wire())
            serve(cell, ++attempts, e);
        else
            fake_run(100 * MS);
    fake_run(2 * USEC_PER_SEC);
    ck_assert_ptr_null(asked_wire());
    ck_assert_uint_eq(attempts, e->attempts);
    check_answer(cell, e);
    check_books(e);
    gateway_end();
    story[0] = '\0';
}

/* ---- all cells ---- */

static unsigned play_breaks(struct cell *cell)
{
    unsigned played = 0;
    int last = cell->way == PLAIN ? QUARTERS - 1 : cell->kind->count;
    for (cell->position = BEFORE_HEAD; cell->position <= last; cell->position++)
        for (int i = 0; i < COUNT(faults); i++) {
            cell->fault = &faults[i];
            if (faults[i].fits && !faults[i].fits(cell)) continue;
            struct expected e = expect_break(cell);
            play(cell, &e);
            played++;
        }
    return played;
}

static unsigned play_wholes(struct cell *cell)
{
    cell->position = BEFORE_HEAD;
    for (int i = 0; i < COUNT(wholes); i++) {
        cell->fault = &wholes[i];
        struct expected e = expect_whole(cell);
        play(cell, &e);
    }
    return COUNT(wholes);
}

static unsigned play_kind(struct cell *cell, unsigned (*play_some)(struct cell *cell))
{
    unsigned played = 0;
    for (int three = 0; three < 2; three++)
        for (enum delivery delivery = 0; delivery < DELIVERIES; delivery++) {
            cell->three = three;
            cell->delivery = delivery;
            played += play_some(cell);
        }
    return played;
}

static void play_all(enum way way, unsigned (*play_some)(struct cell *cell), unsigned at_least)
{
    unsigned played = 0;
    for (int k = 0; k < COUNT(kinds); k++)
        if (way != RIDE || kinds[k].rides) played += play_kind(&(struct cell){&kinds[k], .way = way}, play_some);
    ck_assert_uint_ge(played, at_least);
}

START_TEST(streams_that_break) { play_all(STREAM, play_breaks, 2200); }
END_TEST

START_TEST(plain_calls_that_break) { play_all(RIDE, play_breaks, 1800); }
END_TEST

START_TEST(really_plain_calls_that_break) { play_all(PLAIN, play_breaks, 900); }
END_TEST

START_TEST(answers_that_are_none)
{
    for (enum way way = 0; way < WAYS; way++)
        play_all(way, play_wholes, 250);
}
END_TEST

/* The daemon's own log would tell of each busy upstream. */
static void be_quiet(void) { log_set_level(LOG_ERROR); }

/* A cell that has ended well is not told. */
static void tell_story(void)
{
    if (*story) fprintf(stderr, "the cell was: %s\n", story);
}

TEST_MAIN_WITH("matrix", be_quiet, tell_story, streams_that_break, plain_calls_that_break,
               really_plain_calls_that_break, answers_that_are_none)
