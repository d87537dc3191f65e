/*
 * api/api_freeze.c -- views of the store as it was at one instant: kv_freeze() to kv_thaw().
 */
#include "keyspace/frozen.h"

static bool freeze_read_options(const kv_freeze_options *given, kv_freeze_options *options)
{
    *options = KV_OPTIONS(kv_freeze_options);
    if (given == NULL) return true;
    if (given->size < sizeof given->size || given->size > sizeof *options) return false;
    memcpy(options, given, given->size);
    return true;
}

kv_status kv_freeze(kv *db, const kv_freeze_options *given, kv **view)
{
    kv_freeze_options options;
    if (db == NULL || view == NULL || !view_is_plain(db->view)) return KV_BADARG;
    if (!freeze_read_options(given, &options)) return KV_BADARG;
    struct store *store = db->view->store;
    uint64_t limit = options.memory;
    if (limit == 0) limit = (uint64_t)store_setting(store, KV_SETTING_SNAPSHOT_MEMORY);
    struct frozen *frozen = frozen_create(store, limit);
    if (frozen == NULL) return KV_NOMEM;
    kv_status status = frozen_begin(frozen, options.at_instant, options.at_instant_context);
    if (status == KV_OK) *view = &frozen->view->databases[db->database];
    else frozen_destroy(frozen);
    return status;
}

/* What a view that kv_freeze() gave, or kv_select() from it, shows; NULL for any other. */
static struct frozen *freeze_of(const kv *view)
{
    return view != NULL ? view->view->frozen : NULL;
}

kv_status kv_thaw(kv *view)
{
    struct frozen *frozen = freeze_of(view);
    if (frozen == NULL) return KV_BADARG;
    frozen_end(frozen);
    kv_status status = frozen_is_lost(frozen) ? KV_LOST : KV_OK;
    frozen_destroy(frozen);
    return status;
}

kv_status kv_freeze_stats(const kv *view, kv_freeze_info *info)
{
    const struct frozen *frozen = freeze_of(view);
    if (frozen == NULL || info == NULL) return KV_BADARG;
    size_t size = info->size;
    if (size < sizeof size || size > sizeof *info) return KV_BADARG;
    kv_freeze_info now = {
        .size = size,
        .instant_ms = frozen->view->now_ms,
        .keys = frozen->keys,
        .kept = atomic_load_explicit(&frozen->kept, memory_order_relaxed),
        .held = atomic_load_explicit(&frozen->held, memory_order_relaxed),
        .is_lost = frozen_is_lost(frozen),
    };
    memcpy(info, &now, size);
    return KV_OK;
}
