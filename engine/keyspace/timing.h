/*
 * keyspace/timing.h -- calls about the deadlines of what is in a collection: the fields of a hash,
 * the members of a set or sorted set. One mechanism for all; what they are called in the journal and
 * in events the type's room says (struct collection_words).
 */
#ifndef KV_KEYSPACE_TIMING_H
#define KV_KEYSPACE_TIMING_H

#include "keyspace/access_collection.h"

/* What a call is to do with each of several elements, and tells of it. */
struct timing {
    int64_t deadline_ms; /* KV_NEVER: takes it away */
    unsigned flags;      /* KV_EXPIRE_... */
    bool removes;        /* as the deadline has passed */
    const kv_slice *names;
    size_t count;
    kv_field_result *results; /* may be NULL */
    uint64_t changed;
};

/* The deadline that is kept for one that was given, which may be anything. */
KV_INTERNAL int64_t timing_kept_deadline(int64_t deadline_ms);

/*
 * Before elements of the collection that was opened, if there is one, get this deadline: sees to it
 * that the key is looked at then. Nothing to do for KV_NEVER and what is below 0. KV_OK or KV_NOMEM.
 */
KV_INTERNAL kv_status timing_reserve(struct access *access, int64_t deadline_ms);

/*
 * Does it in the collection that was opened, with journal and event. KV_OK, then results are told;
 * KV_NOMEM.
 */
KV_INTERNAL kv_status timing_run(struct access *access, struct timing *timing);

/*
 * The whole call for a key of this type, whose deadline timing_expire() and timing_expire_at() set:
 * `ttl_ms` from now; at an instant, which may be any; none.
 */
KV_INTERNAL kv_status timing_expire(kv *db, kv_slice key, kv_type type, struct timing timing,
                                    int64_t ttl_ms);
KV_INTERNAL kv_status timing_expire_at(kv *db, kv_slice key, kv_type type, struct timing timing,
                                       int64_t deadline_ms);
KV_INTERNAL kv_status timing_persist(kv *db, kv_slice key, kv_type type, struct timing timing);

/* The whole call that tells deadlines: KV_NEVER for none, -1 for no such element. */
KV_INTERNAL kv_status timing_tell(kv *db, kv_slice key, kv_type type, const kv_slice *names,
                                  size_t count, int64_t *deadlines_ms);

#endif
