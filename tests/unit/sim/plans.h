/* plans.h - plans of requests, for the tests of what the simulator answers. */
#ifndef DSGATE_TESTS_SIM_PLANS_H
#define DSGATE_TESTS_SIM_PLANS_H

#include "../../../src/tools/sim/dialect.h"
#include "../../suite.h"
#include "dsgate/base/mem.h"
#include <stdio.h>

#define M     "\"model\":\"deepseek-flash\""
#define HELLO "\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]"

static inline struct plan plan_from(const char *provider, enum api api, const char *more, const char *spec,
                                    unsigned tokens)
{
    static char body[16384];
    struct plan plan;
    struct call call;
    struct scenario scenario;
    struct refusal r = {0};
    struct buf error = {0};
    snprintf(body, sizeof body, "{" M ",%s}", more);
    ck_assert(call_read(&call, provider_find(text_of(provider)), api, true, text_of(body), &r));
    ck_assert(scenario_parse_one(text_of(spec), &scenario, &error));
    plan_make(&plan, &call, &scenario,
              &(struct plan_wishes){.seed = 1, .created = 1764660903, .tokens = tokens, .hit = 0});
    return plan;
}

static inline struct plan plan_of(enum api api, const char *more, const char *spec, unsigned tokens)
{
    return plan_from("deepseek", api, more, spec, tokens);
}

/* As a C string. */
static inline char *text_in(struct plan *p, enum beat_kind kind)
{
    struct buf text = {0};
    plan_whole_text(p, kind, 0, &text);
    buf_add_byte(&text, '\0');
    return text.data;
}

/* One letter a beat: B r c T a F U D. */
static inline void check_beats(struct plan *p, const char *expected)
{
    char beats[64] = "";
    ck_assert_uint_lt(plan_beats(p), sizeof beats);
    for (unsigned i = 0; i < plan_beats(p); i++)
        beats[i] = "BrcTaFUD"[plan_beat(p, i).kind];
    ck_assert_str_eq(beats, expected);
    plan_free(p);
}

#endif
