/*
 * keyspace/access_collection.h -- what a call on a list, hash, set, sorted set or stream does with
 * its key.
 *
 *     struct access access;
 *     kv_status status = access_open_type(&access, db, key, KV_TYPE_SET, ACCESS_WRITE);
 *     if (status != KV_OK) return status;                      // nothing is locked
 *     struct collection set = access_collection(&access);      // empty if there is no key
 *     ... put into it or take out, in access.shard->memory; reserve the effect before ...
 *     status = access_put_collection(&access, KV_TYPE_SET, &set, changes);
 *     ... write the effect if that is KV_OK ...
 *     return access_close(&access, status);
 */
#ifndef KV_KEYSPACE_ACCESS_COLLECTION_H
#define KV_KEYSPACE_ACCESS_COLLECTION_H

#include "keyspace/access.h"
#include "values/collection.h"

/*
 * Opens a key that must hold this type or nothing: else KV_WRONGTYPE. With access_open_existing()
 * there must be one: else KV_NONE. KV_BADARG if db is NULL.
 */
KV_INTERNAL kv_status access_open_type(struct access *access, kv *db, kv_slice key, kv_type type,
                                       enum access_mode mode);
KV_INTERNAL kv_status access_open_existing(struct access *access, kv *db, kv_slice key,
                                           kv_type type, enum access_mode mode);

/* The collection at the key that was opened; the empty one if there is no key. */
static inline struct collection access_collection(const struct access *access)
{
    return (struct collection){access->entry != NULL ? (uintptr_t)entry_payload(access->entry) : 0};
}

/*
 * Puts the collection, which was changed, back under its key: makes the key if there is none, and
 * removes it if the collection is empty. `changes` is how many of its elements were (more than 0),
 * as Redis counts them. Tells the event "del" or, before what the caller has to tell, "new". KV_OK;
 * a key that has to be made may give KV_NOMEM: what was put into the new collection is freed then
 * and nothing has changed.
 */
KV_INTERNAL kv_status access_put_collection(struct access *access, kv_type type,
                                            const struct collection *collection, uint64_t changes);

/*
 * The same where there is a key, so that nothing can fail. The caller tells his own event before,
 * since the key may be gone after.
 */
KV_INTERNAL void access_settle(struct access *access, const struct collection *collection,
                               uint64_t changes);

/*
 * Puts a whole collection under its key in the place of whatever that held, or removes the key if it
 * is empty, and writes the effect: the call's, of this name and these words, or that the key went;
 * none if there was nothing and is nothing. KV_OK; KV_NOMEM, after which the collection is freed and
 * nothing has changed. It is the empty one afterwards.
 */
KV_INTERNAL kv_status access_replace_collection(struct access *access, kv_type type,
                                                struct collection *collection, kv_slice name,
                                                const kv_slice *words, size_t count);

/* The limits that two settings in a row hold: a count, and a size of values. */
KV_UNUSED static inline struct collection_limits access_limits(const struct access *access,
                                                               kv_setting count)
{
    const struct store *store = access->store;
    return (struct collection_limits){(size_t)store_setting(store, count),
                                      (size_t)store_setting(store, (kv_setting)(count + 1))};
}

#endif
