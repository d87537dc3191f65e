/*
 * resp/digest.h -- one number for what keys hold: two stores with the same contents have the same,
 * byte for byte that of Redis, so that a store can be compared with the one it was copied from.
 *
 *     mix(d, bytes)   d = sha1(d ^ sha1(bytes)): the order counts
 *     xor(d, bytes)   d = d ^ sha1(bytes): it does not
 *
 *     value     mix the type's number in Redis (4 bytes, the highest first); then
 *                 string       mix the text
 *                 list         mix each element
 *                 set          xor each member
 *                 sorted set   of each member m = 0, mix m with it and its score as "%.17g"; xor m
 *                 hash         of each field m = 0, mix m with it and its value; xor m
 *                 stream       of each entry mix its id, written "1.2", then mix
 *                              each field and value; not its consumer groups
 *               and xor "!!expire!!" if the key has a deadline
 *     store     for each database with keys, mix its number (4 bytes, as above); then of each key
 *               d = 0, mix d with its name and the value, and xor the whole with sha1(d)
 *
 * In "xor m" it is sha1(m) that is added, m being bytes as any.
 */
#ifndef KV_RESP_DIGEST_H
#define KV_RESP_DIGEST_H

#include "resp/sha1.h"

struct digest {
    uint8_t bytes[SHA1_SIZE];
};

/*
 * Mixes what a key holds into `digest`; nothing is copied. KV_OK; KV_NONE if there is no such key;
 * KV_NOMEM. `db` must be a transaction that holds the key.
 */
kv_status digest_add_value(kv *db, kv_slice key, struct digest *digest);

/*
 * Writes the digest of a whole store, of which `db` is a transaction that holds all shards. The
 * names of a database's keys are copied, nothing else. KV_OK or KV_NOMEM.
 */
kv_status digest_of_store(kv *db, struct digest *digest);

#endif
