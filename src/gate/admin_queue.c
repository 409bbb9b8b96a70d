/* What an operator sees of the queue: how each class fares, and who is next. */
#include "admin_json.h"
#include "admin_private.h"

enum { LISTED_MAX = 100 };

/* 0 is how the scheduler says that it does not know. */
static void put_estimate(struct admin_json *j, const char *key, usec_t time)
{
    if (time)
        admin_json_ms(j, key, time);
    else
        admin_json_null(j, key);
}

static void put_classes(struct admin_json *j, const struct sched_queue_view *v)
{
    admin_json_open(j, "classes", '{');
    for (unsigned c = 0; c < PRIORITY_COUNT; c++) {
        admin_json_open(j, conf_priority_names[c], '{');
        admin_json_u64(j, "waiting", v->classes[c].waiting);
        admin_json_u64(j, "late", v->classes[c].late);
        admin_json_ms(j, "oldest_ms", v->classes[c].oldest);
        if (v->classes[c].rate > 0)
            admin_json_double(j, "turns_per_second", v->classes[c].rate);
        else
            admin_json_null(j, "turns_per_second");
        put_estimate(j, "estimated_wait_ms", v->classes[c].wait);
        admin_json_u64(j, "granted", v->classes[c].granted);
        admin_json_u64(j, "queued", v->classes[c].queued);
        admin_json_open(j, "refused", '{');
        admin_json_u64(j, "full", v->classes[c].refused[SCHED_FULL]);
        admin_json_u64(j, "late", v->classes[c].refused[SCHED_LATE]);
        admin_json_u64(j, "closed", v->classes[c].refused[SCHED_CLOSED]);
        admin_json_close(j, '}');
        admin_json_close(j, '}');
    }
    admin_json_close(j, '}');
}

static void put_ticket(struct admin_json *j, const struct sched_ticket_view *t)
{
    admin_json_open(j, NULL, '{');
    admin_json_text(j, "request_id", text_of(t->label));
    admin_json_text(j, "model", text_of(t->model));
    admin_json_text(j, "class", text_of(conf_priority_names[t->priority]));
    admin_json_flag(j, "late", t->late);
    admin_json_u64(j, "position", t->position);
    admin_json_ms(j, "waited_ms", t->waited);
    put_estimate(j, "estimated_wait_ms", t->wait);
    admin_json_close(j, '}');
}

static void put_next(struct admin *a, struct admin_json *j, usec_t now)
{
    struct sched_ticket_view *views = mem_zalloc(LISTED_MAX * sizeof *views);
    size_t n = sched_list_waiting(a->shared->sched, now, views, LISTED_MAX);
    admin_json_open(j, "next", '[');
    for (size_t i = 0; i < n; i++)
        put_ticket(j, &views[i]);
    admin_json_close(j, ']');
    mem_free(views);
}

void admin_show_queue(struct admin *a, struct exchange *x, struct text rest)
{
    struct sched_queue_view view;
    struct admin_json j = {0};
    usec_t now = loop_now(a->loop);
    (void)rest;
    sched_look_at_queue(a->shared->sched, now, &view);
    admin_json_open(&j, NULL, '{');
    admin_json_u64(&j, "waiting", view.waiting);
    put_classes(&j, &view);
    put_next(a, &j, now);
    admin_json_close(&j, '}');
    admin_json_send(&j, x);
}

void admin_show_waiting(struct admin *a, struct exchange *x, struct text rest)
{
    struct sched_ticket_view view;
    struct admin_json j = {0};
    struct buf message = {0};
    if (sched_find_waiting(a->shared->sched, rest, loop_now(a->loop), &view)) {
        put_ticket(&j, &view);
        admin_json_send(&j, x);
        return;
    }
    BUF_ADD(&message, "No request with the id '");
    buf_add(&message, rest);
    BUF_ADD(&message, "' waits for an upstream.");
    admin_refuse(x, FAIL_NO_ENDPOINT, &message);
}
