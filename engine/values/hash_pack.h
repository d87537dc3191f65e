/*
 * values/hash_pack.h -- a small hash: a pack of fields, each with its value and, once one of them
 * has had a deadline, its deadline.
 *
 *     pairs      field value field value ...                  "listpack", in the order they came
 *     triples    field value deadline field value 0 ...       "listpackex", by deadline, those
 *                                                             without one (0) last
 *
 * Both are as Redis keeps them and writes them into RDB files. Triples are the second form of a
 * collection's block (collection.h). A hash that has become triples stays so.
 */
#ifndef KV_VALUES_HASH_PACK_H
#define KV_VALUES_HASH_PACK_H

#include "base/random.h"
#include "structures/pack.h"
#include "values/collection.h"

/* For a deadline that is to be set: leaves the one that a field has. */
#define HASH_KEEP_DEADLINE (-1)

struct hash_pack {
    struct pack *pack; /* NULL: the empty hash */
    bool has_deadlines;
};

static inline struct hash_pack hash_pack_of(const struct collection *hash)
{
    return (struct hash_pack){collection_block(hash), collection_is_second(hash)};
}

static inline void hash_pack_store(const struct hash_pack *small, struct collection *hash)
{
    if (small->has_deadlines) collection_set_second(hash, small->pack);
    else collection_set_block(hash, small->pack);
}

/* -------------------------------------------------------------------------------------- reading */

KV_INTERNAL size_t hash_pack_count(const struct hash_pack *small);

/* Where a field is; NULL if there is none. O(n). */
KV_INTERNAL const uint8_t *hash_pack_find(const struct hash_pack *small, kv_slice field);

/* The value and the deadline of the field there; KV_NEVER if it has none. */
KV_INTERNAL kv_slice hash_pack_value(const uint8_t *at, char scratch[PACK_TEXT_SIZE]);
KV_INTERNAL int64_t hash_pack_deadline(const struct hash_pack *small, const uint8_t *at);

/* The earliest deadline; 0 if there is none. O(1). */
KV_INTERNAL int64_t hash_pack_next_deadline(const struct hash_pack *small);

/* A walk along all fields: begin, then a step for each, until that is false. */
struct hash_pack_walk {
    const uint8_t *next;
    kv_slice field, value;
    int64_t deadline_ms;
    char scratch[2][PACK_TEXT_SIZE];
};

KV_INTERNAL struct hash_pack_walk hash_pack_begin(const struct hash_pack *small);
KV_INTERNAL bool hash_pack_step(const struct hash_pack *small, struct hash_pack_walk *walk);

KV_INTERNAL void hash_pack_visit(const struct hash_pack *small, kv_visit_field *visit,
                                 void *context);

/* As hash_draw() and hash_sample(). */
KV_INTERNAL kv_status hash_pack_draw(const struct hash_pack *small, struct alloc *alloc,
                                     struct random *random, uint64_t count, kv_visit_field *visit,
                                     void *context);
KV_INTERNAL void hash_pack_sample(const struct hash_pack *small, struct random *random,
                                  uint64_t count, kv_visit_field *visit, void *context);

/* As the functions of struct collection_kind; what is due comes first. */
KV_INTERNAL bool hash_pack_is_spent(const struct hash_pack *small, int64_t now_ms);
KV_INTERNAL size_t hash_pack_peek_due(const struct hash_pack *small, int64_t now_ms,
                                      struct collection_due *due);

/* ------------------------------------------------------------------------------------- changing */

/*
 * How much room hash_pack_put() of these pairs, one after another, takes at most; and how many of
 * the fields are not there, one that is given twice counted twice.
 */
KV_INTERNAL size_t hash_pack_growth(const struct hash_pack *small, const kv_slice *pairs,
                                    size_t count, size_t *fresh);

/*
 * Makes that room, and triples if deadlines are wanted; a hash that is empty gets its pack. KV_OK,
 * KV_TOOBIG, KV_NOMEM.
 */
KV_INTERNAL kv_status hash_pack_reserve(struct hash_pack *small, struct memory *memory,
                                        size_t growth, bool with_deadlines);

/* What giving a field a deadline, or another one, adds at most. */
#define HASH_PACK_DEADLINE_ROOM 10

/*
 * Sets a field and its deadline (KV_NEVER, HASH_KEEP_DEADLINE); there is room. True if it is new.
 */
KV_INTERNAL bool hash_pack_put(struct hash_pack *small, const kv_slice pair[2],
                               int64_t deadline_ms);

/* Gives the field there a deadline, or KV_NEVER; there is room, and deadlines. */
KV_INTERNAL void hash_pack_set_deadline(struct hash_pack *small, const uint8_t *at,
                                        int64_t deadline_ms);

/* Removes fields; gives how many there were. The pack may be empty then. */
KV_INTERNAL uint64_t hash_pack_remove(struct hash_pack *small, const kv_slice *fields,
                                      size_t count);

/* Removes the first `count` fields. */
KV_INTERNAL void hash_pack_drop(struct hash_pack *small, size_t count);

/* Gives back room that is not needed. */
KV_INTERNAL void hash_pack_fit(struct hash_pack *small, struct memory *memory);

#if KV_DEBUG > 0
KV_INTERNAL void hash_pack_check(const struct hash_pack *small);
#endif

#endif
