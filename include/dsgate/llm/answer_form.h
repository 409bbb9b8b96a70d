/* answer_form.h - a plain answer as the stream that it could have been, and a stream as the plain answer.
 *
 * For cached answers: one that was given in either form is there for clients that want the other. All fields are kept,
 * those that nobody knows too: reasoning, tool calls, logprobs, several choices, usage. Values keep their bytes,
 * numbers their digits. Both are valid in the eyes of the clients' libraries, event by event. Nothing is judged here
 * but whether an answer is whole: whoever stores one has seen that it is good.
 *
 * A way there and back gives the same answer, but that members may change places, and that chat and legacy completions
 * then have what a plain answer should have though this one had not: role, content, an index for choices and tool
 * calls, logprobs null.
 *
 * Answers may come from anybody: whatever is in them, both ways take time and memory in proportion to their length.
 * Pure; any thread.
 */
#ifndef DSGATE_LLM_ANSWER_FORM_H
#define DSGATE_LLM_ANSWER_FORM_H

#include "dsgate/llm/endpoint.h"

/* Whether answers of this family have both forms, and each can be made of the other: chat, legacy completions,
 * messages and responses. */
bool answer_has_forms(enum endpoint_family family);

/* Appends the plain answer that a whole stream (events, its end included) amounts to. False, and nothing is appended:
 * it can't be told for sure. So it is with streams that have no end, an error, something behind the end, two ids, a
 * choice that has not ended, or (messages) no final usage; and where something would have to be put together of which
 * nobody knows how: events and deltas of unknown types, unknown members of messages' events, shapes that contradict
 * each other, more than 256 members, choices or blocks in one place. Of responses the last event counts, which has it
 * all. */
bool answer_to_plain(struct buf *out, enum endpoint_family family, struct text stream);

#define ANSWER_EVENTS 4096 /* that are made of an answer at most */

/* Appends the events of a stream, its end included, that amounts to this plain answer: texts in one delta each. usage:
 * OpenAI's chat and legacy completions tell it only to who has asked (stream_options.include_usage), in a chunk of its
 * own without choices; the other families always do. Without usage in the answer there is no such chunk. False, and
 * nothing is appended: it can't be told for sure. So it is with what is no whole answer of the family (no choice, one
 * without an end, messages without usage, failed responses), with members twice that would have to be told, with
 * indexes that do not grow, and with what has more choices or calls or would take more events than ANSWER_EVENTS, or 1
 * MB and 8 times the answer's length: no honest answer does. */
bool answer_to_stream(struct buf *out, enum endpoint_family family, struct text plain, bool usage);

/* Whether this event of a stream tells nothing but the usage, and is left out for clients that have not asked for it:
 * chat and legacy completions only; no choices, and a usage that is not null. `data`: the event's data. */
bool answer_is_usage_event(enum endpoint_family family, struct text data);

#endif
