#include "dsgate/sched/pace.h"
#include <string.h>

/* A share of failures that is as good as none. */
static const double forgotten = 0.02;

/* 2 to the power of -k, 0 <= k < 1023: nothing but an exponent. */
static double power_of_half(uint64_t k)
{
    uint64_t bits = (1023 - k) << 52;
    double power;
    memcpy(&power, &bits, sizeof power);
    return power;
}

/* What is left of 1 after `age`. Between two half-lives a polynomial, which is right at both ends and 0.01% off at most
 * between them, stands for the power: exp2(3) costs more than all the rest. */
static double left_after(usec_t age)
{
    if (age <= 0) return 1;
    double lives = (double)age * (1.0 / (double)PACE_HALF_LIFE);
    if (lives >= 64) return 0;
    uint64_t whole = (uint64_t)lives;
    double f = lives - (double)whole;
    return power_of_half(whole) * (1 - f * (0.69145 - f * (0.23064 - f * 0.03919)));
}

static void fade(struct pace *p, usec_t now)
{
    if (now <= p->at) return;
    double left = left_after(now - p->at);
    p->tokens *= left;
    p->bad *= left;
    p->all *= left;
    p->at = now;
}

void pace_note(struct pace *p, const struct result *r, usec_t now)
{
    bool counts = r->outcome != OUTCOME_NEUTRAL;
    usec_t first_token = result_first_token(r);
    if (!counts && !first_token) return;
    fade(p, now);
    p->all += counts;
    p->bad += counts && r->outcome != OUTCOME_SUCCESS;
    if (!first_token) return;
    p->tokens += 1;
    p->first_token += ((double)first_token - p->first_token) / p->tokens;
    p->token_at = now;
}

double pace_failing(const struct pace *p, usec_t now)
{
    if (p->bad == 0) return 0;
    double left = left_after(now - p->at);
    return p->bad * left / (p->all * left + PACE_TRUST);
}

double pace_first_token(const struct pace *p, usec_t now)
{
    double failing = pace_failing(p, now);
    bool known = p->tokens > 0 && now - p->token_at < PACE_MEMORY;
    if (!known && failing < forgotten) return 0;
    return (known ? p->first_token : PACE_UNSEEN) / (1 - failing);
}
