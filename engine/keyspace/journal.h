/*
 * keyspace/journal.h -- the ordered changes: who makes one writes it here, followers receive it.
 *
 * A change outside a transaction is delivered at once, under its key's lock, without a copy. In a
 * transaction changes are copied and delivered together at its end. That copy needs memory, so
 * whoever is about to change something reserves room for what he will write (journal_reserve) and
 * after that cannot fail.
 *
 * Messages come in between, for the followers who hear them: they have a cause of their own.
 */
#ifndef KV_KEYSPACE_JOURNAL_H
#define KV_KEYSPACE_JOURNAL_H

#include "keyspace/store.h"

/*
 * The changes of a transaction, as they will be delivered; arguments are offsets into `bytes` until
 * then.
 */
struct journal_group {
    uint8_t *bytes;
    size_t size, capacity;
    kv_slice *arguments;
    size_t argument_count, argument_capacity;
    kv_change *changes;
    size_t change_count, change_capacity;
};

static inline bool journal_is_read(const struct store *store)
{
    return KV_UNLIKELY(store->followers != NULL);
}

/* Whether messages are to be written, too. Needs no lock: who is late for a follower was before him. */
static inline bool journal_hears_messages(const struct store *store)
{
    return KV_UNLIKELY(atomic_load_explicit(&store->message_followers, memory_order_relaxed) > 0);
}

/*
 * Makes room in a group for so many more changes, with so many arguments and bytes in all. KV_OK or
 * KV_NOMEM.
 */
KV_INTERNAL kv_status journal_group_reserve(struct journal_group *group, struct alloc *alloc,
                                            size_t changes, size_t arguments, size_t bytes);
KV_INTERNAL void journal_group_add(struct journal_group *group, const kv_change *change);
/* Hands all of a group to the followers, or only its messages. A shard is held, and it is empty then. */
KV_INTERNAL void journal_group_deliver(struct journal_group *group, struct store *store);
KV_INTERNAL void journal_group_deliver_messages(struct journal_group *group, struct store *store);
KV_INTERNAL void journal_group_free(struct journal_group *group, struct alloc *alloc);

/*
 * Delivers one change or message, or adds it to the transaction's group, where room was reserved.
 * `txn` may be NULL; a shard is held then.
 */
KV_INTERNAL void journal_write(struct store *store, struct txn *txn, uint32_t database,
                               kv_cause cause, const kv_slice *arguments, size_t count);

#endif
