/*
 * tests/resp/aof_random.h -- calls of the store's API, chosen at random, for comparing what is left
 * of them.
 */
#ifndef KV_TESTS_AOF_RANDOM_H
#define KV_TESTS_AOF_RANDOM_H

#include "kvstore.h"

#include <check.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Begins with KV_TEST_SEED or the time, and says which. */
static inline void seed_random(void)
{
    const char *text = getenv("KV_TEST_SEED");
    unsigned seed = text != NULL ? (unsigned)atoi(text) : (unsigned)time(NULL);
    fprintf(stderr, "KV_TEST_SEED=%u\n", seed);
    srand(seed);
}

static const char *const random_names[] = {"a", "b", "c", "d", "e"};

static inline kv_slice random_name(void)
{
    return kv_text(random_names[rand() % 5]);
}

/*
 * One call of the API, chosen at random. Whether it succeeds does not matter: the journal must
 * tell. The present of the store is at *now_ms, which moves now and then.
 */
static inline void random_call(kv *view, _Atomic int64_t *now_ms)
{
    char number[16];
    snprintf(number, sizeof number, "%d", rand() % 100);
    kv_slice key = random_name(), other = random_name(), value = kv_text(number);
    kv_slice values[] = {value, KV_TEXT("x"), KV_TEXT("")};
    kv_slice keys[] = {key, other};
    kv_set_options set = KV_OPTIONS(kv_set_options);
    kv_buffer result = {0};
    uint64_t cursor = 0;
    switch (rand() % 34) {
    case 0: kv_set(view, key, value, NULL); break;
    case 1:
        set.ttl_ms = 1 + rand() % 1000;
        kv_set(view, key, value, &set);
        break;
    case 2:
        set.flags = KV_KEEP_TTL;
        kv_set(view, key, KV_TEXT("kept"), &set);
        break;
    case 3: kv_del(view, keys, 2, NULL); break;
    case 4: kv_append(view, key, value, NULL); break;
    case 5: kv_setrange(view, key, (uint64_t)(rand() % 8), value, NULL); break;
    case 6: kv_incrby(view, key, rand() % 20 - 10, NULL); break;
    case 7: kv_incrbyfloat(view, key, KV_TEXT("0.1"), &result); break;
    case 8: kv_getdel(view, key, &result); break;
    case 9: kv_mset(view, keys, values, 2); break;
    case 10: kv_msetnx(view, keys, values, 2); break;
    case 11:
    case 12: kv_lpush(view, key, values, 3, NULL); break;
    case 13:
    case 14: kv_rpush(view, key, values, (size_t)(1 + rand() % 3), NULL); break;
    case 15: kv_rpushx(view, key, values, 2, NULL); break;
    case 16: kv_lpop(view, key, &result); break;
    case 17: kv_rpop(view, key, &result); break;
    case 18: kv_lset(view, key, rand() % 5 - 2, value); break;
    case 19: kv_linsert(view, key, rand() % 2, KV_TEXT("x"), value, NULL); break;
    case 20: kv_lrem(view, key, rand() % 3 - 1, KV_TEXT("x"), NULL); break;
    case 21: kv_ltrim(view, key, rand() % 3, -1 - rand() % 2); break;
    case 22: kv_lmove(view, key, other, rand() % 2, rand() % 2, &result); break;
    case 23: kv_rename(view, key, other); break;
    case 24: kv_renamenx(view, key, other); break;
    case 25: kv_copy(view, key, NULL, other, rand() % 2); break;
    case 26: kv_move(view, key, kv_select(view, (uint32_t)rand() % 3)); break;
    case 27: kv_expire(view, key, rand() % 2000 - 200, 0); break;
    case 28: kv_expire_at(view, key, *now_ms + rand() % 500, KV_EXPIRE_NX); break;
    case 29: kv_persist(view, key); break;
    case 30: kv_delete_matching(view, KV_TEXT("[ab]"), &cursor, 100, NULL); break;
    case 31:
        if (rand() % 8 == 0) kv_flush(view, rand() % 2);
        break;
    case 32:
        if (rand() % 8 == 0) kv_swapdb(view, kv_select(view, (uint32_t)rand() % 3));
        break;
    case 33: *now_ms += rand() % 100; break;
    }
    kv_buffer_free(&result);
}

static inline void random_transaction(kv *db, _Atomic int64_t *now_ms)
{
    kv *txn;
    kv_txn_options begin_options = KV_OPTIONS(kv_txn_options);
    begin_options.flags = KV_TXN_ALL | (rand() % 2 ? KV_TXN_ABORTABLE : 0);
    ck_assert_int_eq(kv_begin(db, &begin_options, &txn), KV_OK);
    for (int i = rand() % 4; i >= 0; i--) random_call(kv_select(txn, (uint32_t)rand() % 3), now_ms);
    if (begin_options.flags & KV_TXN_ABORTABLE && rand() % 2) kv_abort(txn);
    else kv_commit(txn);
}

/* Many calls in three databases, some of them in transactions. */
static inline void random_work(kv *db, _Atomic int64_t *now_ms, int count)
{
    for (int i = 0; i < count; i++) {
        if (rand() % 10 == 0) random_transaction(db, now_ms);
        else random_call(kv_select(db, (uint32_t)rand() % 3), now_ms);
    }
}

#endif
