/* Whether work can be given to it: as a whole, and for each model. */
#include "admin_private.h"
#include "dsgate/gate/reply.h"

static size_t count_ready(struct admin *a)
{
    size_t ready = 0;
    for (size_t i = 0; i < a->pool->upstream_count; i++) {
        sched_look(a->shared->sched, &a->pool->upstreams[i], loop_now(a->loop), a->view);
        ready += !a->view->down && !a->view->draining && !a->pool->upstreams[i].unknown;
    }
    return ready;
}

static bool is_ready(struct admin *a, const struct model_row *row)
{
    return !a->draining && sched_is_open(a->shared->sched, row, loop_now(a->loop));
}

static void put_model(struct admin *a, struct buf *out, const struct model_row *row, const char *separator)
{
    buf_add(out, text_of(separator));
    buf_add_json_string(out, text_of(row->name));
    buf_add(out, is_ready(a, row) ? TEXT(":true") : TEXT(":false"));
}

static void put_models(struct admin *a, struct buf *out)
{
    const char *separator = "";
    for (size_t i = 0; i < a->pool->row_count; i++, separator = ",")
        put_model(a, out, &a->pool->rows[i], separator);
    if (a->pool->any.n) put_model(a, out, &a->pool->any, separator);
}

/* Ready: it is not ending, and at least one upstream is neither known to be down, nor taken out, nor still to be
 * found. */
void admin_show_ready(struct admin *a, struct exchange *x, struct text rest)
{
    size_t up = count_ready(a);
    bool ready = up > 0 && !a->draining;
    const char *status = ready ? "ready" : a->draining ? "draining" : "all upstreams are down or drained";
    struct buf body = {0};
    (void)rest;
    buf_printf(&body, "{\"status\":\"%s\",\"upstreams_up\":%zu,\"upstreams\":%zu,\"models\":{", status, up,
               a->pool->upstream_count);
    put_models(a, &body);
    BUF_ADD(&body, "}}\n");
    reply_body(x, ready ? 200 : 503, TEXT("application/json"), buf_text(&body));
    buf_free(&body);
}

/* A model is ready while a call for it could be given to somebody, room or not. */
void admin_show_model_ready(struct admin *a, struct exchange *x, struct text model)
{
    const struct model_row *row = pool_find_model(a->pool, model);
    struct buf body = {0};
    if (!row) {
        BUF_ADD(&body, "No upstream serves the model '");
        buf_add(&body, model);
        BUF_ADD(&body, "'.");
        admin_refuse(x, FAIL_MODEL_NOT_FOUND, &body);
        return;
    }
    bool ready = is_ready(a, row);
    const char *status = ready ? "ready" : a->draining ? "draining" : "no upstream can take it now";
    buf_printf(&body, "{\"status\":\"%s\"}\n", status);
    reply_body(x, ready ? 200 : 503, TEXT("application/json"), buf_text(&body));
    buf_free(&body);
}
