/*
 * resp/sha1.h -- the SHA-1 of some bytes, of which DEBUG DIGEST is made.
 *
 * It tells contents apart; it protects nothing (collisions have been made on purpose since 2017).
 * Source: FIPS 180-4, sections 5.1.1 and 6.1.
 */
#ifndef KV_RESP_SHA1_H
#define KV_RESP_SHA1_H

#include "kvstore.h"

#include <stdint.h>

#define SHA1_SIZE 20

void sha1(kv_slice bytes, uint8_t hash[SHA1_SIZE]);

#endif
