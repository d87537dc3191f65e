/*
 * tests/api/test_usage.c -- kv_usage_by_type(): exact where all keys are looked at, near where not.
 */
#include "one_store.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void setup(void)
{
    store_setup_with(0);
}

static kv_usage usage_of(kv *view, uint64_t samples)
{
    kv_usage usage = KV_OPTIONS(kv_usage);
    ck_assert_int_eq(kv_usage_by_type(view, samples, &usage), KV_OK);
    return usage;
}

static uint64_t bytes_of(kv *view, const char *key)
{
    kv_object_info info = KV_OPTIONS(kv_object_info);
    ck_assert_int_eq(kv_object(view, kv_text(key), &info), KV_OK);
    return info.bytes;
}

static void fill(kv *view, int from, int to)
{
    char key[32];
    for (int i = from; i < to; i++) {
        snprintf(key, sizeof key, "string:%d", i);
        fixture_set(view, key, "0123456789abcdef0123456789abcdef");
    }
}

START_TEST(all_types_in_all_databases_are_counted_to_the_byte)
{
    kv *other = kv_select(db, 9);
    fixture_set(db, "string", "value");
    fixture_push_all(db, "list", "a b c");
    fixture_add_all(other, "set", "a b c");
    fixture_add_all(other, "set2", "1 2 3");
    kv_slice pair[] = {KV_TEXT("field"), KV_TEXT("value")};
    ck_assert_int_eq(kv_hset(db, KV_TEXT("hash"), pair, 1, NULL), KV_OK);
    kv_usage usage = usage_of(db, 1000);
    ck_assert_uint_eq(usage.keys, 5);
    ck_assert_uint_eq(usage.sampled, 5);
    ck_assert_uint_eq(usage.due, 0);
    ck_assert_uint_eq(usage.types[KV_TYPE_STRING].keys, 1);
    ck_assert_uint_eq(usage.types[KV_TYPE_STRING].bytes, bytes_of(db, "string"));
    ck_assert_uint_eq(usage.types[KV_TYPE_LIST].bytes, bytes_of(db, "list"));
    ck_assert_uint_eq(usage.types[KV_TYPE_HASH].bytes, bytes_of(db, "hash"));
    ck_assert_uint_eq(usage.types[KV_TYPE_SET].keys, 2);
    ck_assert_uint_eq(usage.types[KV_TYPE_SET].bytes,
                      bytes_of(other, "set") + bytes_of(other, "set2"));
    ck_assert_uint_eq(usage.types[KV_TYPE_STREAM].keys, 0);
}
END_TEST

START_TEST(as_many_samples_as_keys_look_at_each_once)
{
    for (int keys = 1; keys < 3000; keys = keys * 3 + 1) {
        fill(db, 0, keys);
        kv_usage usage = usage_of(db, (uint64_t)keys);
        ck_assert_uint_eq(usage.keys, (uint64_t)keys);
        ck_assert_uint_eq(usage.sampled, (uint64_t)keys);
        ck_assert_uint_eq(usage.types[KV_TYPE_STRING].keys, (uint64_t)keys);
    }
}
END_TEST

START_TEST(a_sample_is_near_the_truth)
{
    char key[32];
    enum { EACH = 20000 };
    fill(db, 0, EACH);
    for (int i = 0; i < EACH; i++) {
        snprintf(key, sizeof key, "list:%d", i);
        fixture_push_all(db, key, "0123456789 0123456789 0123456789");
    }
    kv_usage all = usage_of(db, UINT64_MAX);
    ck_assert_uint_eq(all.sampled, 2 * EACH);
    for (int round = 0; round < 20; round++) {
        kv_usage some = usage_of(db, 4000);
        ck_assert_uint_ge(some.sampled, 4000);
        ck_assert_uint_le(some.sampled, 4000 + 64 * 64);
        ck_assert_uint_eq(some.keys, 2 * EACH);
        for (int type = KV_TYPE_STRING; type <= KV_TYPE_LIST; type++) {
            double keys = (double)some.types[type].keys / (double)all.types[type].keys;
            double bytes = (double)some.types[type].bytes / (double)all.types[type].bytes;
            ck_assert_msg(fabs(keys - 1) < 0.1, "%f of the keys", keys);
            ck_assert_msg(fabs(bytes - 1) < 0.1, "%f of the bytes", bytes);
        }
    }
}
END_TEST

START_TEST(what_is_due_and_not_reclaimed_is_a_debt_with_an_age)
{
    kv_statistics statistics = KV_OPTIONS(kv_statistics);
    char key[32];
    fill(db, 0, 100);
    for (int i = 0; i < 50; i++) {
        snprintf(key, sizeof key, "timed:%d", i);
        fixture_set_for(db, key, "v", 10 + i);
    }
    ck_assert_int_eq(kv_stats(db, &statistics), KV_OK);
    ck_assert_int_eq(statistics.overdue_ms, 0);
    fixture_pass(&fx, 34);
    ck_assert_uint_eq(usage_of(db, 1000).due, 25);
    ck_assert_int_eq(kv_stats(db, &statistics), KV_OK);
    ck_assert_int_ge(statistics.overdue_ms, 24); /* a slot may begin before its deadlines */
    ck_assert_int_le(statistics.overdue_ms, 34);
    ck_assert_int_eq(kv_tick(db, 0), KV_OK);
    ck_assert_uint_eq(usage_of(db, 1000).due, 0);
    ck_assert_uint_eq(usage_of(db, 1000).keys, 125);
    ck_assert_int_eq(kv_stats(db, &statistics), KV_OK);
    ck_assert_int_eq(statistics.overdue_ms, 0);
    ck_assert_int_eq(kv_configure(db, KV_SETTING_EXPIRE, 0), KV_OK);
    fixture_pass(&fx, 1000);
    ck_assert_uint_eq(usage_of(db, 1000).due, 0); /* nothing expires */
}
END_TEST

START_TEST(a_transaction_sees_the_shards_it_holds)
{
    fill(db, 0, 1000);
    kv_slice keys[] = {KV_TEXT("string:1")};
    kv_txn_options options = KV_OPTIONS(kv_txn_options);
    options.keys = keys;
    options.key_count = 1;
    kv *txn;
    ck_assert_int_eq(kv_begin(db, &options, &txn), KV_OK);
    kv_usage part = usage_of(txn, 10000);
    ck_assert_uint_gt(part.keys, 0);
    ck_assert_uint_lt(part.keys, 100);
    ck_assert_int_eq(kv_commit(txn), KV_OK);
    options.key_count = 0;
    options.flags = KV_TXN_ALL;
    ck_assert_int_eq(kv_begin(db, &options, &txn), KV_OK);
    ck_assert_uint_eq(usage_of(txn, 10000).keys, 1000);
    ck_assert_int_eq(kv_commit(txn), KV_OK);
}
END_TEST

START_TEST(an_empty_store_and_bad_arguments)
{
    kv_usage usage = KV_OPTIONS(kv_usage);
    ck_assert_uint_eq(usage_of(db, 1).keys, 0);
    ck_assert_int_eq(kv_usage_by_type(NULL, 1, &usage), KV_BADARG);
    ck_assert_int_eq(kv_usage_by_type(db, 0, &usage), KV_BADARG);
    ck_assert_int_eq(kv_usage_by_type(db, 1, NULL), KV_BADARG);
    usage.size = 1;
    ck_assert_int_eq(kv_usage_by_type(db, 1, &usage), KV_BADARG);
    usage.size = sizeof usage + 1;
    ck_assert_int_eq(kv_usage_by_type(db, 1, &usage), KV_BADARG);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("usage");
    TCase *tcase = tcase_create("usage");
    tcase_add_checked_fixture(tcase, setup, store_teardown);
    tcase_add_test(tcase, all_types_in_all_databases_are_counted_to_the_byte);
    tcase_add_test(tcase, as_many_samples_as_keys_look_at_each_once);
    tcase_add_test(tcase, a_sample_is_near_the_truth);
    tcase_add_test(tcase, what_is_due_and_not_reclaimed_is_a_debt_with_an_age);
    tcase_add_test(tcase, a_transaction_sees_the_shards_it_holds);
    tcase_add_test(tcase, an_empty_store_and_bad_arguments);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
