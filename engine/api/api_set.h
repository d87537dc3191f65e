/*
 * api/api_set.h -- what the calls on sets have in common.
 */
#ifndef KV_API_API_SET_H
#define KV_API_API_SET_H

#include "keyspace/access_collection.h"
#include "keyspace/effect.h"
#include "values/set.h"

/* Whose the sets of the shard are that was opened. */
static inline struct set_owner sets_owner(const struct access *access)
{
    return (struct set_owner){
        .memory = &access->shard->memory,
        .key = &access->store->hash_key,
        .limits = access_limits(access, KV_SETTING_SET_PACK_COUNT),
        .integer_count = (size_t)store_setting(access->store, KV_SETTING_SET_INTEGER_COUNT),
    };
}

#endif
