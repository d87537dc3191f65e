/*
 * bench/floor.h -- the floor: the least a hash table in memory can cost.
 *
 *      slots    | 0 | tag:ptr | tag:ptr | 0 | ...     8 bytes each, open addressing, linear probing
 *                        |
 *                        v
 *      pair     | key, 16 bytes | value, 64 bytes |   one malloc each
 *
 * One cache miss for the slot and one for the pair: 16 bits of the hash ride in the unused top of
 * each pointer, so that a neighbour in the probe is passed without touching its pair. The capacity
 * is a power of two, the load at most 0.6. No growth, no deletion, no locks, no expiry, no other
 * types, no keys or values of other sizes: this is what the engine's times are divided by, and what
 * it adds is the price of all those.
 *
 * The hash is two folded multiplications over the 16 bytes, after wyhash (Wang Yi); the constants
 * are splitmix64's. It is not flood-resistant.
 */
#ifndef KV_BENCH_FLOOR_H
#define KV_BENCH_FLOOR_H

#include "measure.h"

enum { FLOOR_VALUE_SIZE = 64, FLOOR_BATCH_MAX = 64 };

struct floor_pair {
    char key[KEY_SIZE];
    char value[FLOOR_VALUE_SIZE];
};

struct floor_table {
    uint64_t *slots; /* 0: free; else the pair's address, with the tag in the top 16 bits */
    uint64_t mask;
    uint64_t count;
};

static inline uint64_t floor_fold(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128 uint128;
    uint128 product = (uint128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t floor_hash(const char *key)
{
    uint64_t low, high;
    memcpy(&low, key, 8);
    memcpy(&high, key + 8, 8);
    return floor_fold(floor_fold(low ^ 0x9e3779b97f4a7c15u, high ^ 0xbf58476d1ce4e5b9u),
                      0x94d049bb133111ebu);
}

static inline struct floor_table floor_create(uint64_t count_max)
{
    uint64_t capacity = 16;
    while ((double)count_max > 0.6 * (double)capacity) capacity *= 2;
    struct floor_table table = {.slots = calloc(capacity, sizeof *table.slots),
                                .mask = capacity - 1};
    if (table.slots == NULL) fail("out of memory");
    return table;
}

static inline struct floor_pair *floor_slot_pair(uint64_t slot)
{
    return (struct floor_pair *)(uintptr_t)(slot & 0x0000ffffffffffffu);
}

/* The slot whose pair has this key, or the free slot where it would go. */
static inline uint64_t *floor_find(const struct floor_table *table, const char *key, uint64_t hash)
{
    for (uint64_t i = hash & table->mask;; i = (i + 1) & table->mask) {
        uint64_t slot = table->slots[i];
        if (slot == 0) return &table->slots[i];
        if ((slot ^ hash) >> 48 == 0 && memcmp(floor_slot_pair(slot)->key, key, KEY_SIZE) == 0)
            return &table->slots[i];
    }
}

static inline bool floor_get_hashed(const struct floor_table *table, const char *key, uint64_t hash,
                                    char *value)
{
    uint64_t slot = *floor_find(table, key, hash);
    if (slot == 0) return false;
    memcpy(value, floor_slot_pair(slot)->value, FLOOR_VALUE_SIZE);
    return true;
}

static inline bool floor_get(const struct floor_table *table, const char *key, char *value)
{
    return floor_get_hashed(table, key, floor_hash(key), value);
}

static inline void floor_set_hashed(struct floor_table *table, const char *key, uint64_t hash,
                                    const char *value)
{
    uint64_t *slot = floor_find(table, key, hash);
    if (*slot == 0) {
        struct floor_pair *pair = must_allocate(sizeof *pair);
        memcpy(pair->key, key, KEY_SIZE);
        *slot = (uint64_t)(uintptr_t)pair | (hash & 0xffff000000000000u);
        table->count++;
    }
    memcpy(floor_slot_pair(*slot)->value, value, FLOOR_VALUE_SIZE);
}

static inline void floor_set(struct floor_table *table, const char *key, const char *value)
{
    floor_set_hashed(table, key, floor_hash(key), value);
}

/* Brings the slots, then the pairs of the keys into the cache, the misses of a pass overlapping. */
static inline void floor_prefetch(const struct floor_table *table, const char *const *keys,
                                  uint64_t *hashes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        hashes[i] = floor_hash(keys[i]);
        __builtin_prefetch(&table->slots[hashes[i] & table->mask]);
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t at = hashes[i] & table->mask;
        while (table->slots[at] != 0 && (table->slots[at] ^ hashes[i]) >> 48 != 0)
            at = (at + 1) & table->mask;
        const char *pair = (const char *)floor_slot_pair(table->slots[at]);
        __builtin_prefetch(pair);
        __builtin_prefetch(pair + sizeof(struct floor_pair) - 1);
    }
}

/*
 * Gets `count` keys, FLOOR_BATCH_MAX at most, to values[0], values[1]...; returns how many exist.
 */
static inline size_t floor_mget(const struct floor_table *table, const char *const *keys,
                                size_t count, char (*values)[FLOOR_VALUE_SIZE])
{
    uint64_t hashes[FLOOR_BATCH_MAX];
    floor_prefetch(table, keys, hashes, count);
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        found += floor_get_hashed(table, keys[i], hashes[i], values[i]);
    return found;
}

static inline void floor_destroy(struct floor_table *table)
{
    for (uint64_t i = 0; i <= table->mask; i++) free(floor_slot_pair(table->slots[i]));
    free(table->slots);
}

#endif
