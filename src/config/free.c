/* Freeing walks the option table too, so that a new key is freed, and a new secret wiped, without another line of code.
 */
#include "dsgate/base/mem.h"
#include "option.h"
#include "redis_url.h"

static void release_text(char **field)
{
    mem_free(*field);
    *field = NULL;
}

static void release_secret(char **field)
{
    mem_free_secret(*field);
    *field = NULL;
}

static void release_url(struct conf_upstream *u)
{
    release_text(&u->base_url);
    release_text(&u->host);
    release_text(&u->base_path);
}

static void release_texts(char ***items, size_t *count)
{
    for (size_t i = 0; i < *count; i++)
        mem_free((*items)[i]);
    mem_free(*items);
    *items = NULL;
    *count = 0;
}

static void release_secrets(char ***items, size_t *count)
{
    for (size_t i = 0; i < *count; i++)
        mem_free_secret((*items)[i]);
    mem_free(*items);
    *items = NULL;
    *count = 0;
}

static void release_array(const struct option *o, char **items, size_t *count)
{
    for (size_t i = 0; i < *count; i++) {
        char *element = *items + i * o->table->size;
        if (o->type == OPTION_KEYED) release_text((char **)(void *)element);
        option_release_all(o->table, element);
    }
    mem_free(*items);
    *items = NULL;
    *count = 0;
}

void option_release(const struct option *o, void *base)
{
    void *field = (char *)base + o->offset, *count = (char *)base + o->count_offset;
    switch (o->type) {
    case OPTION_TEXT:
    case OPTION_CHOICE: release_text(field); break;
    case OPTION_SECRET:
    case OPTION_SECRET_FILE:
    case OPTION_CREDENTIAL: release_secret(field); break;
    case OPTION_URL: release_url(base); break;
    case OPTION_REDIS_URL: redis_url_release(base); break;
    case OPTION_TEXTS: release_texts(field, count); break;
    case OPTION_SECRETS: release_secrets(field, count); break;
    case OPTION_LIST:
    case OPTION_KEYED: release_array(o, field, count); break;
    case OPTION_SECTION: option_release_all(o->table, field); break;
    case OPTION_FLAG:
    case OPTION_SWITCH:
    case OPTION_COUNT:
    case OPTION_COUNT64:
    case OPTION_PERCENT:
    case OPTION_MODE:
    case OPTION_SIZE:
    case OPTION_DURATION:
    case OPTION_DECIMAL:
    case OPTION_PRICE:
    case OPTION_ENUM: break;
    }
}

void option_release_all(const struct option_table *t, void *base)
{
    for (unsigned i = 0; i < t->count; i++)
        option_release(&t->rows[i], base);
}
