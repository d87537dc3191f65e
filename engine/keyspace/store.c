/*
 * keyspace/store.c -- see store.h.
 */
#include "keyspace/store.h"

KV_INTERNAL void store_lock_all(struct store *store)
{
    for (uint32_t i = 0; i < store->shard_count; i++) lock_lock(&store->shards[i].lock);
}

KV_INTERNAL void store_unlock_all(struct store *store)
{
    for (uint32_t i = 0; i < store->shard_count; i++) lock_unlock(&store->shards[i].lock);
}

KV_INTERNAL void store_leave_garbage(struct store *store, struct garbage *garbage)
{
    if (garbage_is_empty(garbage)) return;
    atomic_fetch_add_explicit(&store->owed, garbage_count(garbage), memory_order_relaxed);
    store_return_garbage(store, garbage);
}

KV_INTERNAL void store_return_garbage(struct store *store, struct garbage *garbage)
{
    lock_lock(&store->garbage_lock);
    garbage_move(&store->garbage, garbage);
    lock_unlock(&store->garbage_lock);
}

KV_INTERNAL int64_t view_now(const struct view *view)
{
    if ((view->flags & VIEW_PINNED) != 0) return view->now_ms;
    return clock_wall_ms(&view->store->clock);
}

KV_INTERNAL int64_t view_about_now(const struct view *view)
{
    if ((view->flags & VIEW_PINNED) != 0) return view->now_ms;
    return clock_coarse_ms(&view->store->clock);
}

KV_INTERNAL uint32_t view_seconds(const struct view *view)
{
    if ((view->flags & VIEW_PINNED) != 0) return (uint32_t)(view->now_ms / 1000);
    return (uint32_t)clock_coarse_seconds(&view->store->clock);
}

static size_t view_bytes(const struct store *store)
{
    return sizeof(struct view) + store->databases * sizeof(kv);
}

KV_INTERNAL struct view *view_create(struct store *store)
{
    struct view *view = alloc_get(&store->alloc, view_bytes(store));
    if (view == NULL) return NULL;
    *view = (struct view){.store = store, .databases = (kv *)(view + 1)};
    for (uint32_t i = 0; i < store->databases; i++) view->databases[i] = (kv){view, i};
    return view;
}

KV_INTERNAL void view_destroy(struct view *view)
{
    if (view != NULL) alloc_free(&view->store->alloc, view, view_bytes(view->store));
}
