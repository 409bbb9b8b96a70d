#include "errors.h"
#include "hash.h"
#include "near.h"
#include "scenario_table.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const position_names[POSITIONS] = {
    "before-headers", "during-headers", "after-headers", "first-event", "mid-reasoning", "mid-content",
    "mid-tool-call",  "last-chunk",     "before-done",   "event-N",     "random"};

const char *position_name(enum position p) { return position_names[p]; }

struct part {
    struct text whole, name, value, at; /* value and at: p NULL when absent */
};

static struct part split_part(struct text whole)
{
    struct part part = {.whole = whole, .name = whole};
    size_t at = text_find_byte(whole, '@');
    if (at < whole.n) {
        part.at = text_from(whole, at + 1);
        part.name.n = at;
    }
    size_t equals = text_find_byte(part.name, '=');
    if (equals < part.name.n) {
        part.value = text_from(part.name, equals + 1);
        part.name.n = equals;
    }
    return part;
}

/* ---- values ---- */

static bool parse_share(struct text t, uint32_t *millionths)
{
    char copy[16], *end;
    if (t.n == 0 || t.n >= sizeof copy) return false;
    for (size_t i = 0; i < t.n; i++)
        if (!strchr("0123456789.", t.p[i])) return false;
    memcpy(copy, t.p, t.n);
    copy[t.n] = '\0';
    double share = strtod(copy, &end);
    if (*end || share < 0 || share > 1) return false;
    *millionths = (uint32_t)(share * 1e6 + 0.5) + 1;
    return true;
}

/* Words end up in JSON as they are. */
static bool is_plain(struct text word)
{
    for (size_t i = 0; i < word.n; i++)
        if (!isalnum((unsigned char)word.p[i]) && word.p[i] != '_' && word.p[i] != '-') return false;
    return word.n > 0;
}

static bool store_word(struct text word, char *to, size_t room, struct buf *error)
{
    if (!is_plain(word) || word.n >= room) {
        buf_printf(error, "'finish' takes a word of 1 to %zu letters, digits, '_' and '-'", room - 1);
        return false;
    }
    memcpy(to, word.p, word.n);
    to[word.n] = '\0';
    return true;
}

static bool store_number(const struct scenario_row *row, struct text value, uint32_t *to, struct buf *error)
{
    uint64_t number = row->fallback;
    *to = row->fallback;
    if (!value.p) return true;
    if (row->kind == VALUE_SHARE) {
        if (parse_share(value, to)) return true;
        buf_printf(error, "'%s' takes a share from 0 to 1, not '" TEXT_FORMAT "'", row->name, TEXT_ARGS(value));
        return false;
    }
    if (!text_to_u64(value, &number) || number < row->least || number > row->most) {
        buf_printf(error, "'%s' takes a number from %u to %u, not '" TEXT_FORMAT "'", row->name, row->least, row->most,
                   TEXT_ARGS(value));
        return false;
    }
    *to = (uint32_t)number;
    return true;
}

static bool store_value(const struct scenario_row *row, struct text value, struct scenario *s, struct buf *error)
{
    char *field = (char *)s + row->field;
    if (row->kind == VALUE_NONE && value.p) {
        buf_printf(error, "'%s' takes no value", row->name);
        return false;
    }
    if (!row->field) return true;
    if (row->kind == VALUE_WORD) return store_word(value, field, sizeof s->finish, error);
    return store_number(row, value, (uint32_t *)(void *)field, error);
}

/* ---- positions ---- */

static bool store_position(struct text at, struct scenario *s, struct buf *error)
{
    uint64_t event;
    if (text_starts(at, TEXT("event-")) && text_to_u64(text_from(at, 6), &event) && event <= UINT32_MAX) {
        s->at = AT_EVENT;
        s->event = (uint32_t)event;
        return true;
    }
    for (int p = 0; p < POSITIONS; p++) {
        if (p == AT_EVENT || !text_is(at, position_names[p])) continue;
        s->at = (enum position)p;
        return true;
    }
    buf_printf(error, "there is no position '" TEXT_FORMAT "'", TEXT_ARGS(at));
    struct near near = near_start(at);
    for (int p = 0; p < POSITIONS; p++)
        if (p != AT_EVENT) near_try(&near, position_names[p]);
    near_finish(&near, error);
    return false;
}

/* ---- parts ---- */

static bool fail_unknown(struct text name, struct buf *error)
{
    size_t count;
    struct near near = near_start(name);
    const struct scenario_row *rows = scenario_rows(&count);
    for (size_t i = 0; i < count; i++)
        near_try(&near, rows[i].name);
    const struct error_row *errors = error_rows(&count);
    for (size_t i = 0; i < count; i++)
        near_try(&near, errors[i].name);
    buf_printf(error, "there is no scenario '" TEXT_FORMAT "'", TEXT_ARGS(name));
    BUF_ADD(error, " (dsgate-sim --list-scenarios prints them all)");
    near_finish(&near, error);
    return false;
}

/* Errors are whole answers: no value, no position. */
static bool apply_error(const struct part *part, struct scenario *s, struct buf *error)
{
    uint64_t status;
    bool is_status = part->name.n == 3 && text_to_u64(part->name, &status);
    s->error = is_status ? NULL : error_find(part->name);
    if (!is_status && !s->error) return fail_unknown(part->name, error);
    if (is_status && (status < 400 || status > 599)) {
        BUF_ADD(error, "an error's status is a number from 400 to 599");
        return false;
    }
    s->status = is_status ? (uint32_t)status : 0;
    s->spoils = true;
    if (!part->value.p && !part->at.p) return true;
    buf_printf(error, "'" TEXT_FORMAT "' takes no value and no position", TEXT_ARGS(part->name));
    return false;
}

static bool apply_row(const struct scenario_row *row, const struct part *part, struct scenario *s, struct buf *error)
{
    if (!store_value(row, part->value, s, error)) return false;
    if (!row->condition) s->spoils = true;
    if (row->head) s->head = row->head;
    if (row->opening) s->opening = row->opening;
    if (row->finish) {
        snprintf(s->finish, sizeof s->finish, "%s", row->finish);
        s->cut_short = true;
    }
    if (row->fault) {
        s->fault = row->fault;
        s->at = row->at;
        return !part->at.p || store_position(part->at, s, error);
    }
    if (!part->at.p) return true;
    buf_printf(error, "'%s' takes no position", row->name);
    return false;
}

static bool apply_part(struct text text, struct scenario *s, struct buf *error)
{
    struct part part = split_part(text_trim(text));
    size_t count;
    const struct scenario_row *rows = scenario_rows(&count);
    if (text_is(part.whole, "none")) return true;
    for (size_t i = 0; i < count; i++)
        if (text_is(part.name, rows[i].name)) return apply_row(&rows[i], &part, s, error);
    return apply_error(&part, s, error);
}

/* ---- whole specs ---- */

/* Conditions and Retry-After say when and how, these defaults say what. */
static void complete(struct scenario *s)
{
    bool conditional = s->fail_first || s->ratio;
    bool hinted = s->retry_after || s->retry_after_date;
    if (hinted && !scenario_refuses(s)) s->error = error_find(TEXT("rate-limit"));
    s->spoils = s->spoils || hinted;
    if (conditional && !s->spoils) s->error = error_find(TEXT("busy"));
}

bool scenario_parse_one(struct text spec, struct scenario *out, struct buf *error)
{
    struct scenario s;
    struct text rest = text_trim(spec), part;
    memset(&s, 0, sizeof s);
    while (text_cut(&rest, '+', &part))
        if (!apply_part(part, &s, error)) return false;
    complete(&s);
    s.id = hash_text(HASH_START, spec);
    *out = s;
    return true;
}

/* A part that is always met hides what comes behind it; shares of more than all requests cannot be kept. */
static bool check_mix(const struct scenario_mix *mix, struct buf *error)
{
    uint64_t millionths = 0;
    for (unsigned i = 0; i < mix->count; i++) {
        const struct scenario *s = &mix->parts[i];
        if (i + 1 < mix->count && !s->ratio && !s->fail_first) {
            buf_printf(error, "what follows part %u of the scenario is never met: that part has no condition", i + 1);
            return false;
        }
        if (s->ratio) millionths += s->ratio - 1;
    }
    if (millionths <= 1000000) return true;
    BUF_ADD(error, "the shares of a scenario add up to more than 1");
    return false;
}

bool scenario_parse(struct text spec, struct scenario_mix *out, struct buf *error)
{
    struct scenario_mix mix = {0};
    struct text rest = spec, part = TEXT_NONE;
    while (text_cut(&rest, '|', &part) || mix.count == 0) {
        if (mix.count == SCENARIO_MIX_MOST) {
            buf_printf(error, "a scenario has at most %d parts with '|' between them", SCENARIO_MIX_MOST);
            return false;
        }
        if (!scenario_parse_one(part, &mix.parts[mix.count++], error)) return false;
    }
    if (!check_mix(&mix, error)) return false;
    *out = mix;
    return true;
}
