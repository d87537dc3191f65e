/*
 * keyspace/access_collection.c -- see access_collection.h.
 */
#include "keyspace/access_collection.h"

#include "keyspace/effect.h"

KV_INTERNAL kv_status access_open_type(struct access *access, kv *db, kv_slice key, kv_type type,
                                       enum access_mode mode)
{
    if (db == NULL) return KV_BADARG;
    kv_status status = access_open(access, db, key, mode);
    if (status != KV_OK) return status;
    status = access_expect(access, type);
    return status == KV_OK ? KV_OK : access_close(access, status);
}

KV_INTERNAL kv_status access_open_existing(struct access *access, kv *db, kv_slice key,
                                           kv_type type, enum access_mode mode)
{
    kv_status status = access_open_type(access, db, key, type, mode);
    if (status != KV_OK) return status;
    return access->entry != NULL ? KV_OK : access_close(access, KV_NONE);
}

KV_INTERNAL void access_settle(struct access *access, const struct collection *collection,
                               uint64_t changes)
{
    assert(changes > 0);
    access_set_payload(access, collection->word);
    if (collection_is_empty(collection)) {
        access_event(access, KV_EVENT_GENERIC, "del");
        access_remove(access);
    } else {
        access_changed(access);
        access_renew_due(access);
    }
    access->shard->changes += changes - 1; /* one is counted already */
    KV_CHECK(access->entry != NULL ? value_check(access->entry) : (void)0);
}

/* Frees a collection that found no key. */
static void access_discard_collection(struct access *access, kv_type type,
                                      const struct collection *collection)
{
    struct entry_shape shape = {
        .type = type, .form = ENTRY_COLLECTION, .payload = collection->word};
    value_discard_shape(&shape, &access->shard->memory, &access->garbage);
}

KV_INTERNAL kv_status access_put_collection(struct access *access, kv_type type,
                                            const struct collection *collection, uint64_t changes)
{
    if (access->entry != NULL) {
        access_settle(access, collection, changes);
        return KV_OK;
    }
    assert(changes > 0);
    assert(!collection_is_empty(collection));
    struct entry_shape shape = {.type = type,
                                .form = ENTRY_COLLECTION,
                                .payload = collection->word,
                                .deadline_ms = KV_NEVER,
                                .fields_ms = value_next_of(type, collection)};
    kv_status status = access_put_shape(access, &shape);
    if (status == KV_OK) {
        access->shard->changes += changes - 1;
        return KV_OK;
    }
    access_discard_collection(access, type, collection);
    return status;
}

KV_INTERNAL kv_status access_replace_collection(struct access *access, kv_type type,
                                                struct collection *collection, kv_slice name,
                                                const kv_slice *words, size_t count)
{
    struct collection given = *collection;
    struct effect effect;
    *collection = (struct collection){0};
    if (collection_is_empty(&given)) {
        if (access->entry == NULL) return KV_OK;
        kv_status status = effect_open(&effect, access, EFFECT_NAME("DEL"), 0, 0);
        if (status != KV_OK) return status;
        access_remove(access);
        access_event(access, KV_EVENT_GENERIC, "del");
        effect_close(&effect, access, true);
        return KV_OK;
    }
    kv_status status = effect_open_with(&effect, access, name, words, count);
    if (status == KV_OK) {
        status = access_put_value(access, type, ENTRY_COLLECTION, given.word, KV_NEVER);
        effect_close(&effect, access, status == KV_OK);
    }
    if (status != KV_OK) access_discard_collection(access, type, &given);
    return status;
}
