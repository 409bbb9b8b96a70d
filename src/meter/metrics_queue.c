/* The queue, class by class. Series are written from the start, so that rates and alerts see them begin at zero. */
#include "metrics_private.h"

static void write_class(struct buf *out, const char *name, unsigned class, uint64_t value)
{
    buf_printf(out, "%s{class=\"P%u\"}", name, class);
    metrics_write_value(out, value);
}

static void write_waits(const struct metrics_counts *sum, struct buf *out)
{
    metrics_write_head(out, "dsgate_queue_seconds", "histogram", "Time that a request waited for an upstream.");
    for (unsigned c = 0; c < PRIORITY_COUNT; c++) {
        char label[] = "class=\"P0\"";
        label[sizeof label - 3] = (char)('0' + c);
        metrics_write_histogram(out, "dsgate_queue_seconds", label, &sum->queued[c]);
    }
}

static void write_waiting(const struct metrics_queue *q, struct buf *out)
{
    metrics_write_head(out, "dsgate_waiting", "gauge", "Requests that wait for an upstream.");
    for (unsigned c = 0; c < PRIORITY_COUNT; c++)
        write_class(out, "dsgate_waiting", c, q->classes[c].waiting);
    metrics_write_head(out, "dsgate_waiting_late", "gauge",
                       "Requests of them that have waited longer than their class should.");
    for (unsigned c = 0; c < PRIORITY_COUNT; c++)
        write_class(out, "dsgate_waiting_late", c, q->classes[c].late);
}

static void write_turns(const struct metrics_queue *q, struct buf *out)
{
    metrics_write_head(out, "dsgate_queue_granted_total", "counter", "Turns given, at once or after a wait.");
    for (unsigned c = 0; c < PRIORITY_COUNT; c++)
        write_class(out, "dsgate_queue_granted_total", c, q->classes[c].granted);
    metrics_write_head(out, "dsgate_queue_queued_total", "counter", "Times that somebody had to wait for a turn.");
    for (unsigned c = 0; c < PRIORITY_COUNT; c++)
        write_class(out, "dsgate_queue_queued_total", c, q->classes[c].queued);
    metrics_write_head(out, "dsgate_picks_by_policy_total", "counter", "Turns by the policy that chose the upstream.");
    for (unsigned p = 0; p < POLICY_COUNT; p++) {
        buf_printf(out, "dsgate_picks_by_policy_total{policy=\"%s\"}", conf_policy_names[p]);
        metrics_write_value(out, q->picks[p]);
    }
}

static void write_sheds(const struct metrics_counts *sum, struct buf *out)
{
#define X(failure, label) label,
    static const char *const reasons[METRICS_SHED_REASONS] = {METRICS_SHEDS(X)};
#undef X
    metrics_write_head(out, "dsgate_sheds_total", "counter",
                       "Requests that were turned away: the queue full, the turn too late, all upstreams closed, or "
                       "waited too long.");
    for (unsigned c = 0; c < PRIORITY_COUNT; c++) {
        for (unsigned reason = 0; reason < METRICS_SHED_REASONS; reason++) {
            buf_printf(out, "dsgate_sheds_total{class=\"P%u\",reason=\"%s\"}", c, reasons[reason]);
            metrics_write_value(out, sum->sheds[c][reason]);
        }
    }
}

void metrics_write_queue(const struct metrics_counts *sum, const struct metrics_queue *queue, struct buf *out)
{
    write_waits(sum, out);
    write_waiting(queue, out);
    write_turns(queue, out);
    write_sheds(sum, out);
}
