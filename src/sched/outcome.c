#include "dsgate/sched/outcome.h"

const char *outcome_name(enum outcome o)
{
    static const char *const names[OUTCOME_COUNT] = {
        [OUTCOME_SUCCESS] = "success", [OUTCOME_FAULT] = "fault",     [OUTCOME_BUSY] = "busy",
        [OUTCOME_KEY] = "key",         [OUTCOME_NEUTRAL] = "neutral",
    };
    return names[o];
}
