/* json_scan.h - the implementations behind json_scan(), side by side, so that tests can hold them equal. */
#ifndef DSGATE_LLM_JSON_SCAN_H
#define DSGATE_LLM_JSON_SCAN_H

#include "dsgate/llm/json.h"
#include "json_walk.h"

enum json_level { JSON_PLAIN, JSON_SSE2, JSON_AVX2, JSON_AVX512, JSON_LEVELS };

/* Whether this build has it and this processor can run it. */
bool json_level_works(enum json_level level);

/* As json_scan(), by the implementation of that level, which must work here. */
struct json_result json_scan_with(enum json_level level, struct text json, const struct text *names, size_t n,
                                  struct json_member *members, unsigned max_depth);

/* Pass the whole of w->text, and leave the outcome in w->result. */
void json_pass_plain(struct json_walk *w);
void json_pass_sse2(struct json_walk *w);
void json_pass_avx2(struct json_walk *w);
void json_pass_avx512(struct json_walk *w);

#endif
