#include "lanes.h"
#include "dsgate/base/mem.h"
#include "hash.h"
#include <pthread.h>

enum { LIMITS_MOST = 64, PROBES = 16, SHARED = LANES_MOST /* the lane of those that found no place */ };

struct lane {
    uint64_t key; /* 0: free */
    unsigned count;
};

struct limit {
    uint64_t model;
    unsigned limit;
};

struct lanes {
    pthread_mutex_t mutex;
    struct lane lanes[LANES_MOST + 1];
    struct lane strikes[LANES_MOST + 1];
    struct limit limits[LIMITS_MOST];
    unsigned limit_count, limit;
};

struct lanes *lanes_new(unsigned limit)
{
    struct lanes *l = MEM_NEW(struct lanes);
    pthread_mutex_init(&l->mutex, NULL);
    l->limit = limit;
    return l;
}

void lanes_free(struct lanes *l)
{
    pthread_mutex_destroy(&l->mutex);
    mem_free(l);
}

static uint64_t model_key(struct text model) { return hash_mix(hash_text(HASH_START, model)) | 1; }

static struct limit *limit_of(struct lanes *l, uint64_t model)
{
    for (unsigned i = 0; i < l->limit_count; i++)
        if (l->limits[i].model == model) return &l->limits[i];
    return NULL;
}

static bool set_model_limit(struct lanes *l, uint64_t model, unsigned limit)
{
    struct limit *own = limit_of(l, model);
    if (!own && l->limit_count == LIMITS_MOST) return false;
    if (!own) own = &l->limits[l->limit_count++];
    *own = (struct limit){model, limit};
    return true;
}

bool lanes_set_limit(struct lanes *l, struct text model, unsigned limit)
{
    bool done = true;
    pthread_mutex_lock(&l->mutex);
    if (model.n)
        done = set_model_limit(l, model_key(model), limit);
    else
        l->limit = limit;
    pthread_mutex_unlock(&l->mutex);
    return done;
}

void lanes_reset(struct lanes *l, unsigned limit)
{
    pthread_mutex_lock(&l->mutex);
    l->limit = limit;
    l->limit_count = 0;
    memset(l->strikes, 0, sizeof l->strikes);
    pthread_mutex_unlock(&l->mutex);
}

/* The key's lane; else a free one, which is now its own; else the shared one. `idle`: an unused lane may be taken over.
 */
static unsigned lane_of(struct lane *lanes, uint64_t key, bool idle)
{
    unsigned free_one = SHARED;
    for (unsigned i = 0; i < PROBES; i++) {
        unsigned at = (unsigned)((key + i) % LANES_MOST);
        if (lanes[at].key == key) return at;
        bool usable = !lanes[at].key || (idle && !lanes[at].count);
        if (usable && free_one == SHARED) free_one = at;
    }
    lanes[free_one].key = key;
    return free_one;
}

struct lane_result lanes_enter(struct lanes *l, uint64_t account, struct text model)
{
    struct lane_result r = {0};
    uint64_t key = model_key(model);
    pthread_mutex_lock(&l->mutex);
    const struct limit *own = limit_of(l, key);
    r.limit = own ? own->limit : l->limit;
    r.lane = lane_of(l->lanes, hash_mix(account ^ key) | 1, true);
    r.busy = l->lanes[r.lane].count + 1;
    r.admitted = !r.limit || r.busy <= r.limit;
    l->lanes[r.lane].count += r.admitted;
    pthread_mutex_unlock(&l->mutex);
    return r;
}

void lanes_leave(struct lanes *l, unsigned lane)
{
    pthread_mutex_lock(&l->mutex);
    l->lanes[lane].count--;
    pthread_mutex_unlock(&l->mutex);
}

bool lanes_strike(struct lanes *l, uint64_t account, struct text model, uint64_t what, unsigned most)
{
    pthread_mutex_lock(&l->mutex);
    struct lane *lane = &l->strikes[lane_of(l->strikes, hash_mix(account ^ model_key(model) ^ what) | 1, false)];
    bool strikes = lane->count < most;
    lane->count += strikes;
    pthread_mutex_unlock(&l->mutex);
    return strikes;
}
