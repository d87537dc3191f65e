/*
 * keyspace/deadlines.h -- the keys of one database in one shard that have a deadline, or fields
 * with deadlines, in the order of the earliest of these (entry_due).
 *
 * A hierarchical timing wheel: level 0 has 64 slots of 1 ms, level 1 has 64 of 64 ms, and so on; 8
 * levels span 2^48 ms. A key lies on the level of the highest 6-bit digit in which its deadline
 * differs from the wheel's time, and moves down when time reaches its slot. Adding and removing are
 * O(1); a key moves down at most 8 times in its life.
 *
 * A slot is a chain of chunks of 20 pointers of 48 bits, all full but the first, so a key costs 6.8
 * bytes here and, in its entry, 26 bits: its number, which is chunk * 20 + place. Whoever moves an
 * entry tells the wheel (deadlines_move).
 *
 * A deadline that is put off needs no work: the key stays in its earlier slot and is filed again
 * when that comes due.
 *
 * Source: Varghese & Lauck, Hashed and Hierarchical Timing Wheels, SOSP 1987, scheme 7.
 */
#ifndef KV_KEYSPACE_DEADLINES_H
#define KV_KEYSPACE_DEADLINES_H

#include "keyspace/entry.h"

#define DEADLINES_LEVELS      8
#define DEADLINES_SLOTS       64
#define DEADLINES_CHUNK_ITEMS 20

struct deadlines_chunk {
    uint32_t next; /* the next chunk of the slot, or of the free list; 0: none */
    uint8_t count; /* items in it */
    uint8_t reserved[3];
    uint8_t items[DEADLINES_CHUNK_ITEMS * 6];
};
_Static_assert(sizeof(struct deadlines_chunk) == 128, "two cache lines");

/*
 * The chunks by number, in groups, so that no block grows with the number of keys but the short
 * list of groups. Where a chunk belongs stands apart from it, in lines that stay in the cache:
 * mostly that is all one wants to know of it.
 */
#define DEADLINES_GROUP 64
struct deadlines_group {
    struct {
        uint8_t level, slot;
    } homes[DEADLINES_GROUP];
    struct deadlines_chunk chunks[DEADLINES_GROUP];
};

struct deadlines {
    struct alloc *alloc;
    int64_t time_ms;                     /* where the wheel stands: nothing before it is left */
    uint64_t count;                      /* keys */
    uint64_t occupied[DEADLINES_LEVELS]; /* a bit for each slot that has keys */
    uint32_t heads[DEADLINES_LEVELS][DEADLINES_SLOTS]; /* the first chunk, the one that is not
                                                          full */
    uint32_t free;                                     /* chunks out of use */
    uint32_t chunks; /* chunk numbers given out; number 0 is never used */
    uint32_t groups, group_capacity;
    bool is_fetched; /* what comes next was fetched at the end of the last turn */
    struct deadlines_group **group;
};

/* Creates an empty wheel that stands at now_ms. NULL without memory. */
KV_INTERNAL struct deadlines *deadlines_create(struct alloc *alloc, int64_t now_ms);
KV_INTERNAL void deadlines_destroy(struct deadlines *deadlines);

/* Makes sure that the next deadlines_add() finds room. KV_OK or KV_NOMEM (also past 2^26 keys). */
KV_INTERNAL kv_status deadlines_reserve(struct deadlines *deadlines);

/*
 * Files an entry under a deadline; returns its number, which the caller keeps in the entry.
 * Reserved before.
 */
KV_INTERNAL uint64_t deadlines_add(struct deadlines *deadlines, struct entry *entry,
                                   int64_t deadline_ms);

/* Takes an entry out. Changes the number of the entry that takes its place. */
KV_INTERNAL void deadlines_remove(struct deadlines *deadlines, uint64_t id);

/*
 * True if the key of this number may stay where it is filed when its deadline becomes deadline_ms:
 * its slot does not begin later. Put off before, a key is filed early, so this is so more often
 * than not.
 */
KV_INTERNAL bool deadlines_may_stay(const struct deadlines *deadlines, uint64_t id,
                                    int64_t deadline_ms);

/* The entry of this number now lies at another address. */
KV_INTERNAL void deadlines_move(struct deadlines *deadlines, uint64_t id,
                                const struct entry *entry);

enum deadlines_outcome {
    DEADLINES_DONE, /* nothing else is due */
    DEADLINES_MORE, /* the limit was reached */
    DEADLINES_STUCK /* a key could not be filed again for lack of memory; a later call tries
                        again */
};

/*
 * Takes out entries that are due at now_ms and moves the wheel, looking at no more than `limit`
 * entries; those that are not due are filed again. They come in the order of their deadlines, but
 * within a slot, of whatever level, that lies wholly in the past in any order. The numbers of those
 * in `due`, *due_count of them, are void. One with timed fields, which may have to be filed again,
 * is the last of them: the next deadlines_add() finds room.
 */
KV_INTERNAL enum deadlines_outcome deadlines_take(struct deadlines *deadlines, int64_t now_ms,
                                                  size_t limit, struct entry **due,
                                                  size_t *due_count);

/*
 * An instant not after the earliest deadline; KV_NEVER if there is none. O(levels). `deadlines` may
 * be NULL.
 */
KV_INTERNAL int64_t deadlines_next(const struct deadlines *deadlines);

/* Any entry of it, which stays; NULL if there is none. O(levels). `deadlines` may be NULL. */
KV_INTERNAL struct entry *deadlines_any(const struct deadlines *deadlines);

KV_INTERNAL void deadlines_check(const struct deadlines *deadlines);

#endif
