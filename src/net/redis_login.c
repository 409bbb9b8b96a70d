/* redis_login.c - AUTH and SELECT where they are needed, then PING: its reply tells of servers that want a password
 * nobody gave, or that are still loading their data. At last a name, for those who look at the server's list of
 * clients. All leave in one write. */
#include "redis_private.h"
#include <stdio.h>

static bool is_needed(const struct redis *r, enum login_step step)
{
    if (step == LOGIN_AUTH) return r->password != NULL;
    return step != LOGIN_SELECT || r->options.database != 0;
}

static enum login_step next_step(const struct redis *r, enum login_step step)
{
    while (!is_needed(r, step))
        step++;
    return step;
}

static void put_auth(struct redis *r)
{
    struct text words[] = {TEXT("AUTH"), text_of(r->user), text_of(r->password)}, old[] = {words[0], words[2]};
    if (r->user)
        redis_put(r, words, 3);
    else
        redis_put(r, old, 2);
}

static void put_select(struct redis *r)
{
    char number[16];
    int n = snprintf(number, sizeof number, "%u", r->options.database);
    redis_put(r, (struct text[]){TEXT("SELECT"), text_make(number, (size_t)n)}, 2);
}

static void put_step(struct redis *r, enum login_step step)
{
    switch (step) {
    case LOGIN_AUTH: put_auth(r); break;
    case LOGIN_SELECT: put_select(r); break;
    case LOGIN_PING: redis_put(r, &TEXT("PING"), 1); break;
    case LOGIN_NAME: redis_put(r, (struct text[]){TEXT("CLIENT"), TEXT("SETNAME"), TEXT("dsgate")}, 3); break;
    case LOGIN_DONE: break;
    }
}

void redis_login_begin(struct redis *r)
{
    r->login = next_step(r, LOGIN_AUTH);
    for (enum login_step step = r->login; step != LOGIN_DONE; step = next_step(r, step + 1))
        put_step(r, step);
}

/* ---- what the server says to it ---- */

/* What is wrong, for people; the server's words follow. */
static const struct {
    const char *begins, *meaning;
} meanings[] = {
    {"WRONGPASS", "wrong password"},
    {"ERR invalid password", "wrong password"}, /* before Redis 6 */
    {"NOAUTH", "a password is needed"},
    {"ERR DB index", "no such database"},
    {"ERR invalid DB index", "no such database"},
    {"ERR SELECT is not allowed", "no such database"}, /* in a cluster */
    {"NOPERM", "not allowed"},
    {"LOADING", "it is still loading its data"},
};

static const char *meaning_of(struct text words)
{
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++)
        if (text_starts(words, text_of(meanings[i].begins))) return meanings[i].meaning;
    return "refused";
}

/* Servers that do not know a command repeat its arguments, which may be cut there. */
static bool may_be_repeated(const struct redis *r, struct text words)
{
    if (!r->password) return true;
    return !text_starts_nocase(words, TEXT("ERR unknown")) && text_find(words, text_of(r->password)) == words.n;
}

static void refused(struct redis *r, struct text words)
{
    char why[REDIS_WORDS];
    if (may_be_repeated(r, words))
        snprintf(why, sizeof why, "%s: " TEXT_FORMAT, meaning_of(words), TEXT_ARGS(words));
    else
        snprintf(why, sizeof why, "it refuses the login");
    redis_link_lose(r, why);
}

/* Who may not ping may well read, and so may who meets a server that can't write just now. */
static bool is_good(enum login_step step, const struct redis_reply *reply)
{
    if (step == LOGIN_NAME || reply->type == REDIS_STATUS) return true;
    if (step != LOGIN_PING || reply->type != REDIS_ERROR) return false;
    return text_starts(reply->text, TEXT("NOPERM")) || text_starts(reply->text, TEXT("MISCONF"));
}

void redis_login_heard(struct redis *r, const struct redis_reply *reply)
{
    if (is_good(r->login, reply)) {
        r->login = next_step(r, r->login + 1);
        if (r->login == LOGIN_DONE) redis_link_up(r);
    } else if (reply->type == REDIS_ERROR) {
        refused(r, reply->text);
    } else {
        redis_link_lose(r, "it does not answer as a Redis server");
    }
}
