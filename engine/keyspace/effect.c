/*
 * keyspace/effect.c -- see effect.h.
 */
#include "keyspace/effect.h"

/* Begins with room for `count` words in all. */
static kv_status effect_allocate(struct effect *effect, struct alloc *alloc, size_t count)
{
    effect->count = 0;
    effect->capacity = count;
    effect->words = effect->on_stack;
    if (count <= EFFECT_ON_STACK) return KV_OK;
    effect->words = alloc_get_array(alloc, count, sizeof *effect->words);
    return effect->words != NULL ? KV_OK : KV_NOMEM;
}

static void effect_free(struct effect *effect, struct alloc *alloc)
{
    if (effect->words != effect->on_stack)
        alloc_free(alloc, effect->words, effect->capacity * sizeof *effect->words);
}

KV_INTERNAL kv_status effect_open_bare(struct effect *effect, struct access *access, kv_slice name,
                                       size_t count, size_t size)
{
    effect->words = NULL;
    if (KV_LIKELY(!access_is_journaled(access))) return KV_OK;
    struct alloc *alloc = &access->store->alloc;
    if (effect_allocate(effect, alloc, count + 1) != KV_OK) return KV_NOMEM;
    if (access_reserve_journal(access, count + 1, name.size + size) != KV_OK) {
        effect_free(effect, alloc);
        return KV_NOMEM;
    }
    effect_add(effect, name);
    return KV_OK;
}

KV_INTERNAL kv_status effect_open(struct effect *effect, struct access *access, kv_slice name,
                                  size_t count, size_t size)
{
    kv_status status = effect_open_bare(effect, access, name, count + 1, access->key.size + size);
    if (status == KV_OK) effect_add(effect, access->key);
    return status;
}

KV_INTERNAL kv_status effect_open_with(struct effect *effect, struct access *access, kv_slice name,
                                       const kv_slice *words, size_t count)
{
    size_t size = 0;
    if (access_is_journaled(access))
        for (size_t i = 0; i < count; i++) size += words[i].size;
    kv_status status = effect_open(effect, access, name, count, size);
    if (status == KV_OK) effect_add_all(effect, words, count);
    return status;
}

KV_INTERNAL void effect_add_all(struct effect *effect, const kv_slice *words, size_t count)
{
    if (effect->words == NULL) return;
    assert(count <= effect->capacity - effect->count);
    memcpy(effect->words + effect->count, words, count * sizeof *words);
    effect->count += count;
}

KV_INTERNAL void effect_close(struct effect *effect, struct access *access, bool happened)
{
    if (KV_LIKELY(effect->words == NULL)) return;
    if (happened) access_journal(access, effect->words, effect->count);
    effect_free(effect, &access->store->alloc);
}
