/* Every sequence of a few events, with two upstreams, hedging and going on: whatever happens in whatever order, the
 * client gets one answer, and nothing is left behind.
 *
 * An oracle keeps books of what each attempt was asked to go on from, and of what it has said. So at each end it is
 * known which texts the client may have: those of one attempt, from where it began, and not a word of another one.
 */
#include "dsgate/base/log.h"
#include "scenario.h"

/* clang-format off */
static const char world[] =
    QUIET "timeouts: {first_byte: 5s, first_token: 5s, idle: 5s, total: 30s, commit: 3s}\n"
    ROUTE("hedge: {after: 1s, budget: 100%}, retry: {attempts: 3, jitter: 0%}")
    "upstreams:\n" DEEPSEEK(a, ", weight: 9") DEEPSEEK(b, "");
/* clang-format on */

#define SOON (1 * USEC_PER_SEC)  /* hedges and further tries are due within it */
#define LATE (6 * USEC_PER_SEC)  /* and every wait for an upstream is over */
#define ALL  (40 * USEC_PER_SEC) /* and every request */

/* What upstream a does, what b does, and the rest of the world. */
/* clang-format off */
enum happening {
    A_TOKEN, A_FINISH, A_CUT, A_BUSY, A_ALIVE,
    B_TOKEN, B_FINISH, B_CUT, B_BUSY, B_ALIVE,
    TIME_SOON, TIME_LATE, CLIENT_LEAVES, DRAIN, STOP, EVENTS
};
/* clang-format on */
enum { OF_AN_UPSTREAM = B_TOKEN - A_TOKEN };
static const char *const names[EVENTS] = {"a token", "a finish", "a cut",         "a busy", "a alive",
                                          "b token", "b finish", "b cut",         "b busy", "b alive",
                                          "soon",    "late",     "client leaves", "drain",  "stop"};

/* ---- the books ---- */

struct said {
    char text[256]; /* what it was to go on from, and what it has added */
    bool finished;
};

static struct said attempts[8];
static unsigned attempt_count;

struct side {
    struct fake_upstream *upstream;
    struct wire *wire; /* of the request under way; NULL: none */
    struct said *said;
    bool has_head;
    unsigned tokens;
};

static struct side sides[2];
static struct wire *client;
static bool streams, left, draining, stopped;

/* The text that a request tells its answer to begin with. */
static void read_given(char *out, size_t n)
{
    static const char opening[] = "{\"role\":\"assistant\",\"content\":\"";
    const char *given = strstr(taken_body, opening);
    *out = '\0';
    if (!given) return;
    given += strlen(opening);
    snprintf(out, n, "%.*s", (int)strcspn(given, "\""), given);
}

/* Notes what the program has begun and ended. */
static void look_at(struct side *s)
{
    if (s->wire && wire_program_closed(s->wire)) s->wire = NULL;
    struct wire *asked = busy_wire(s->upstream);
    if (!asked) return;
    ck_assert_msg(!s->wire, "it is asked twice at once");
    ck_assert_msg(attempt_count < 3, "there are more attempts than may be");
    *s = (struct side){.upstream = s->upstream, .wire = upstream_take(asked), .said = &attempts[attempt_count++]};
    *s->said = (struct said){0};
    read_given(s->said->text, sizeof s->said->text);
}

static unsigned in_flight(void) { return gateway_in_flight("a") + gateway_in_flight("b"); }

static void look(void)
{
    look_at(&sides[0]);
    look_at(&sides[1]);
    if (streams && has_received(client, "\"content\":\"")) ck_assert_uint_le(in_flight(), 1);
    if (left || stopped) ck_assert_uint_eq(in_flight(), 0);
}

/* ---- events ---- */

/* Connections are not used again: one that breaks then would be tried a second time. */
static void send_head(struct side *s, const char *status)
{
    char *head = mem_printf("HTTP/1.1 %s\r\nConnection: close\r\n\r\n", status);
    wire_send(s->wire, text_of(head));
    fake_settle();
    mem_free(head);
    s->has_head = true;
}

static void say(struct side *s, const char *bytes)
{
    if (!s->has_head) send_head(s, "200 X\r\nContent-Type: text/event-stream");
    wire_send(s->wire, text_of(bytes));
    fake_settle();
}

static int number_of(const struct side *s) { return (int)(s->said - attempts); }

/* Each token is another one: a1.2 is the second one of the second attempt, which a made. */
static void say_token(struct side *s)
{
    char token[32], id[16];
    snprintf(id, sizeof id, "id%d", number_of(s));
    snprintf(token, sizeof token, "%c%d.%u ", s->upstream->host[0], number_of(s), ++s->tokens);
    strncat(s->said->text, token, sizeof s->said->text - strlen(s->said->text) - 1);
    say(s, delta_text(id, token));
}

static void say_end(struct side *s)
{
    char *end = mem_printf("data: {\"id\":\"id%d\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\","
                           "\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":{"
                           "\"prompt_tokens\":9,\"completion_tokens\":9,\"total_tokens\":18}}\n\ndata: [DONE]\n\n",
                           number_of(s));
    struct wire *w = s->wire;
    s->said->finished = true;
    say(s, end);
    wire_close(w);
    mem_free(end);
}

static void do_one_thing(struct side *s, enum happening e)
{
    struct wire *w = s->wire;
    switch (e) {
    case A_TOKEN: say_token(s); break;
    case A_FINISH: say_end(s); break;
    case A_ALIVE: say(s, ": keep-alive\n\n"); break;
    case A_BUSY: send_head(s, "503 X\r\nContent-Length: 0"); break;
    default: wire_close(w); break;
    }
}

static void happen(enum happening e)
{
    if (e < TIME_SOON) do_one_thing(&sides[e / OF_AN_UPSTREAM], e % OF_AN_UPSTREAM);
    if (e == TIME_SOON) fake_run(SOON);
    if (e == TIME_LATE) fake_run(LATE);
    if (e == CLIENT_LEAVES) wire_close(client);
    if (e == DRAIN) gateway_drain();
    if (e == STOP) gateway_stop();
    left |= e == CLIENT_LEAVES;
    draining |= e == DRAIN;
    stopped |= e == STOP;
    fake_settle();
    look();
}

/* ---- what may happen next ---- */

/* The client has all that it will ever get. */
static bool is_over(void)
{
    struct text got = wire_received(client);
    bool ended = wire_program_closed(client) || wire_program_finished(client);
    return left || stopped || ended || text_ends(got, TEXT("\r\n0\r\n\r\n")) ||
           (got.n && !streams); /* plain answers come in one piece */
}

static bool can_happen(enum happening e, enum happening last)
{
    const struct side *s = e < TIME_SOON ? &sides[e / OF_AN_UPSTREAM] : NULL;
    if (s && !s->wire) return false;
    if (s && e % OF_AN_UPSTREAM == A_BUSY) return !s->has_head;
    if (s && e % OF_AN_UPSTREAM == A_ALIVE) return e != last;
    return e != DRAIN || !draining;
}

/* ---- what the client has got ---- */

static unsigned count_of(const char *body, const char *word)
{
    unsigned n = 0;
    for (; (body = strstr(body, word)); body++)
        n++;
    return n;
}

/* All values of a member that is a string, one after the other. */
static void gather(const char *body, const char *member, char *out, size_t n)
{
    *out = '\0';
    for (size_t at = strlen(member); (body = strstr(body, member));) {
        body += at;
        snprintf(out + strlen(out), n - strlen(out), "%.*s", (int)strcspn(body, "\""), body);
    }
}

static bool is_text_of_one(const char *text, bool whole)
{
    for (unsigned i = 0; i < attempt_count; i++) {
        const struct said *s = &attempts[i];
        if (whole ? s->finished && !strcmp(s->text, text) : !strncmp(s->text, text, strlen(text))) return true;
    }
    return false;
}

/* One id, one end, and no words of the gateway's after it. */
static void check_stream(const struct client_answer *got)
{
    char ids[1024];
    gather(got->body, "\"id\":\"", ids, sizeof ids);
    for (size_t i = 3; i < strlen(ids); i += 3)
        ck_assert_msg(!strncmp(ids, ids + i, 3), "other ids: %s", got->body);
    unsigned done = count_of(got->body, "data: [DONE]"), errors = count_of(got->body, "data: {\"error\"");
    ck_assert_msg(done == got->complete, "%s", got->body);
    ck_assert_msg(count_of(got->body, "\"finish_reason\":\"stop\"") == got->complete, "%s", got->body);
    ck_assert_msg(errors == (!got->complete && !left), "%s", got->body);
}

static void check_answer(void)
{
    char text[1024];
    struct client_answer got = client_read(client);
    ck_assert(!got.has_more);
    ck_assert_msg(left || got.status, "there is no answer");
    gather(got.body ? got.body : "", "\"content\":\"", text, sizeof text);
    if (got.status == 200) {
        ck_assert_msg(is_text_of_one(text, got.complete), "whose words are these? %s", got.body);
        if (streams) check_stream(&got);
        ck_assert(streams || got.complete);
    } else if (got.status) {
        ck_assert_msg(got.complete && !*text, "%s", got.body);
    }
    mem_free(got.body);
}

/* ---- all sequences ---- */

/* 36,000 sequences; a sixth event makes five times as many, and has found nothing more. There is one thread only, so
 * ThreadSanitizer sees fewer of them.
 */
#ifdef __SANITIZE_THREAD__
enum { DEPTH = 4, FEWEST_STORIES = 3000 };
#else
enum { DEPTH = 5, FEWEST_STORIES = 15000 };
#endif
static char story[DEPTH * 16];
static unsigned stories;

static void begin_story(const enum happening *events, unsigned n)
{
    story[0] = '\0';
    for (unsigned i = 0; i < n; i++)
        snprintf(story + strlen(story), sizeof story - strlen(story), "%s; ", names[events[i]]);
    begin(world);
    attempt_count = 0;
    left = draining = stopped = false;
    sides[0] = (struct side){.upstream = &a};
    sides[1] = (struct side){.upstream = &b};
    client = streams ? ask_stream("") : ask("");
    look();
}

/* Plays the events and then lets time pass to the end. What could have happened instead is the result: one bit each. */
static unsigned play(const enum happening *events, unsigned n)
{
    unsigned possible = 0;
    begin_story(events, n);
    for (unsigned i = 0; i < n; i++)
        happen(events[i]);
    for (enum happening e = 0; e < EVENTS && !is_over(); e++)
        possible |= (unsigned)can_happen(e, n ? events[n - 1] : EVENTS) << e;
    fake_run(ALL);
    look();
    check_answer();
    ck_assert_uint_eq(in_flight(), 0);
    gateway_end();
    stories++;
    story[0] = '\0';
    return possible;
}

static void explore(enum happening *events, unsigned n)
{
    unsigned possible = play(events, n);
    for (enum happening e = 0; e < EVENTS && n < DEPTH; e++) {
        events[n] = e;
        if (possible >> e & 1) explore(events, n + 1);
    }
}

static void explore_all(bool for_streams)
{
    enum happening events[DEPTH] = {A_TOKEN};
    streams = for_streams;
    stories = 0;
    explore(events, 0);
    ck_assert_uint_gt(stories, FEWEST_STORIES);
}

START_TEST(streams_survive_any_order_of_events) { explore_all(true); }
END_TEST

START_TEST(plain_calls_survive_any_order_of_events) { explore_all(false); }
END_TEST

/* The daemon's own log would tell of each busy upstream. */
static void be_quiet(void) { log_set_level(LOG_ERROR); }

/* A story that has ended well is not told. */
static void tell_story(void)
{
    if (*story) fprintf(stderr, "the story was: %s\n", story);
}

TEST_MAIN_WITH("race", be_quiet, tell_story, streams_survive_any_order_of_events,
               plain_calls_survive_any_order_of_events)
