/*
 * tests/api/test_events.c -- events of keys: their names, their order, who is told of what.
 */
#include "ignore.h"
#include "one_store.h"

#include <string.h>

static kv_subscriber *subscriber;

/* All events since the last look: "DATABASE KEY EVENT;" each. */
static char told[4000];
static size_t told_size;

static kv_slice part(kv_slice text, size_t from, size_t to)
{
    return kv_bytes((const char *)text.data + from, to - from);
}

static size_t find(kv_slice text, char letter)
{
    const char *at = memchr(text.data, letter, text.size);
    MUST(at != NULL);
    return (size_t)(at - (const char *)text.data);
}

static void hear(void *context, const kv_message *message)
{
    (void)context;
    kv_slice channel = message->channel;
    MUST(channel.size > 11 && memcmp(channel.data, "__keyspace@", 11) == 0);
    size_t end = find(channel, ':');
    kv_slice index = part(channel, 11, end - 2), key = part(channel, end + 1, channel.size);
    int size =
        snprintf(told + told_size, sizeof told - told_size, "%.*s %.*s %.*s;", (int)index.size,
                 (const char *)index.data, (int)key.size, (const char *)key.data,
                 (int)message->payload.size, (const char *)message->payload.data);
    told_size += (size_t)size;
    MUST(told_size < sizeof told);
}

#define ck_assert_told(expected)          \
    do {                                  \
        ck_assert_str_eq(told, expected); \
        told[0] = '\0';                   \
        told_size = 0;                    \
    } while (0)

static void want(int64_t classes)
{
    ck_assert_int_eq(kv_configure(db, KV_SETTING_EVENTS, classes), KV_OK);
}

#define EVERYTHING (KV_EVENT_ALL | KV_EVENT_MISS | KV_EVENT_NEW | KV_EVENT_BY_KEY)

static void setup(void)
{
    store_setup_with(8);
    told[0] = '\0';
    told_size = 0;
    ck_assert_int_eq(kv_subscriber_open(db, hear, NULL, &subscriber), KV_OK);
    ck_assert_int_eq(kv_subscribe(subscriber, KV_PATTERN, KV_TEXT("__keyspace@*")), KV_OK);
    want(EVERYTHING);
}

static void teardown(void)
{
    kv_subscriber_close(subscriber);
    store_teardown();
}

static const kv_slice a = {"a", 1}, b = {"b", 1}, x = {"x", 1};

START_TEST(strings_tell_what_redis_tells)
{
    fixture_set(db, "a", "1");
    ck_assert_told("0 a new;0 a set;");
    fixture_set_for(db, "a", "2", 100);
    ck_assert_told("0 a set;0 a expire;");
    kv_set_options keep = KV_OPTIONS(kv_set_options);
    keep.flags = KV_KEEP_TTL;
    ck_assert_int_eq(kv_set(db, a, x, &keep), KV_OK);
    ck_assert_told("0 a set;");
    keep.flags = KV_IF_ABSENT;
    ck_assert_int_eq(kv_set(db, a, x, &keep), KV_SKIPPED);
    ck_assert_told("");
    ck_assert_int_eq(kv_append(db, a, x, NULL), KV_OK);
    ck_assert_int_eq(kv_setrange(db, a, 0, x, NULL), KV_OK);
    ck_assert_int_eq(kv_setrange(db, a, 0, kv_bytes("", 0), NULL), KV_OK);
    ck_assert_told("0 a append;0 a setrange;");
    kv_slice absent = KV_TEXT("absent"), bits = KV_TEXT("bits");
    kv_field_operation field = {.kind = KV_FIELD_INCRBY, .bits = 8, .value = 1};
    ck_assert_int_eq(kv_setbit(db, a, 0, true, NULL), KV_OK);
    ck_assert_int_eq(kv_setbit(db, a, 0, true, NULL), KV_OK);
    ck_assert_int_eq(kv_bitfield(db, a, &field, 1), KV_OK);
    ck_assert_told("0 a setbit;0 a setbit;");
    ck_assert_int_eq(kv_bitop(db, KV_BIT_NOT, bits, &a, 1, NULL), KV_OK);
    ck_assert_int_eq(kv_bitop(db, KV_BIT_NOT, bits, &absent, 1, NULL), KV_OK);
    ck_assert_told("0 bits new;0 bits set;0 absent keymiss;0 bits del;");
    ck_assert_int_eq(kv_pfadd(db, bits, &x, 1, NULL), KV_OK);
    ck_assert_int_eq(kv_pfadd(db, bits, &x, 1, NULL), KV_OK);
    ck_assert_int_eq(kv_pfcount(db, &bits, 1, NULL), KV_OK);
    ck_assert_int_eq(kv_pfmerge(db, bits, &bits, 1), KV_OK);
    ck_assert_int_eq(kv_pfdense(db, bits), KV_OK);
    ck_assert_told("0 bits new;0 bits pfadd;0 bits pfadd;");
    ck_assert_int_eq(kv_incr(db, b, NULL), KV_OK);
    ck_assert_int_eq(kv_decrby(db, b, 5, NULL), KV_OK);
    ck_assert_int_eq(kv_incrbyfloat(db, b, KV_TEXT("0.5"), NULL), KV_OK);
    ck_assert_told("0 b new;0 b incrby;0 b incrby;0 b incrbyfloat;");
    kv_slice keys[3] = {a, KV_TEXT("c"), a}, values[3] = {x, x, b};
    ck_assert_int_eq(kv_mset(db, keys, values, 3), KV_OK);
    ck_assert_told("0 a set;0 c new;0 c set;0 a set;");
    ck_assert_int_eq(kv_getdel(db, KV_TEXT("c"), NULL), KV_OK);
    ck_assert_told("0 c del;");
}
END_TEST

START_TEST(deadlines_tell_of_themselves)
{
    kv_getex_options getex = KV_OPTIONS(kv_getex_options);
    fixture_set(db, "a", "1");
    ck_assert_told("0 a new;0 a set;");
    getex.ttl_ms = 1000;
    ck_assert_int_eq(kv_getex(db, a, &getex, NULL), KV_OK);
    getex = KV_OPTIONS(kv_getex_options);
    getex.flags = KV_PERSIST;
    ck_assert_int_eq(kv_getex(db, a, &getex, NULL), KV_OK);
    ck_assert_int_eq(kv_getex(db, a, &getex, NULL), KV_OK);
    ck_assert_int_eq(kv_expire(db, a, 50, 0), KV_OK);
    ck_assert_int_eq(kv_persist(db, a), KV_OK);
    ck_assert_int_eq(kv_persist(db, a), KV_SKIPPED);
    ck_assert_told("0 a expire;0 a persist;0 a expire;0 a persist;");
    ck_assert_int_eq(kv_expire(db, a, -1, 0), KV_OK);
    ck_assert_told("0 a del;");
    kv_set_options past = KV_OPTIONS(kv_set_options);
    past.deadline_ms = 1;
    ck_assert_int_eq(kv_set(db, b, x, &past), KV_OK);
    ck_assert_told("0 b set;0 b expire;0 b expired;");
}
END_TEST

START_TEST(an_expired_key_is_told_of_by_the_first_tick)
{
    want(KV_EVENT_EXPIRED | KV_EVENT_BY_KEY);
    fixture_set_for(db, "a", "1", 10);
    fixture_set_for(db, "b", "1", 10);
    fixture_set_for(kv_select(db, 3), "late", "1", 11);
    fixture_pass(&fx, 9);
    ck_assert_int_eq(kv_tick(db, 0), KV_OK);
    ck_assert_told("");
    fixture_pass(&fx, 1);
    ck_assert_int_eq(kv_get(db, a, NULL), KV_NONE);
    ck_assert_told("0 a expired;");
    ck_assert_int_eq(kv_tick(db, 0), KV_OK);
    ck_assert_told("0 b expired;");
    fixture_pass(&fx, 1);
    ck_assert_int_eq(kv_tick(db, 0), KV_OK);
    ck_assert_told("3 late expired;");
}
END_TEST

START_TEST(keys_that_are_read_and_not_there_are_told_of)
{
    kv_slice keys[2] = {a, b};
    ck_assert_int_eq(kv_get(db, a, NULL), KV_NONE);
    ck_assert_int_eq(kv_exists(db, keys, 2, NULL), KV_OK);
    ck_assert_int_eq(kv_ttl(db, a, NULL), KV_NONE);
    ck_assert_told("0 a keymiss;0 a keymiss;0 b keymiss;0 a keymiss;");
    kv_object_info info = KV_OPTIONS(kv_object_info);
    ck_assert_int_eq(kv_object(db, a, &info), KV_NONE);
    ck_assert_int_eq(kv_rename(db, a, b), KV_NOTFOUND);
    ck_assert_int_eq(kv_lpop(db, a, NULL), KV_NONE);
    ck_assert_told("");
}
END_TEST

START_TEST(many_keys_that_are_not_there_are_told_of_in_order)
{
    kv_slice keys[4] = {a, x, b, a};
    fixture_set(db, "x", "1");
    fixture_set_for(db, "b", "1", 5);
    fixture_pass(&fx, 10);
    told_size = 0;
    ck_assert_int_eq(kv_mget(db, keys, 4, ignore_at, NULL), KV_OK);
    ck_assert_told("0 b expired;0 a keymiss;0 b keymiss;0 a keymiss;");
}
END_TEST

START_TEST(keys_of_any_type_tell_what_redis_tells)
{
    fixture_set(db, "a", "1");
    told_size = 0;
    ck_assert_int_eq(kv_rename(db, a, b), KV_OK);
    ck_assert_told("0 b new;0 a rename_from;0 b rename_to;");
    ck_assert_int_eq(kv_copy(db, b, NULL, a, false), KV_OK);
    ck_assert_told("0 a new;0 a copy_to;");
    ck_assert_int_eq(kv_copy(db, b, NULL, a, true), KV_OK);
    ck_assert_told("0 a new;0 a copy_to;");
    ck_assert_int_eq(kv_move(db, a, kv_select(db, 5)), KV_OK);
    ck_assert_told("5 a new;0 a move_from;5 a move_to;");
    kv_slice keys[3] = {a, b, b};
    ck_assert_int_eq(kv_unlink(db, keys, 3, NULL), KV_OK);
    ck_assert_told("0 b del;");
    ck_assert_int_eq(kv_flush_all(db, false), KV_OK);
    ck_assert_told("");
}
END_TEST

START_TEST(lists_tell_what_redis_tells)
{
    kv_slice three[3] = {a, b, x};
    ck_assert_int_eq(kv_rpush(db, a, three, 3, NULL), KV_OK);
    ck_assert_int_eq(kv_lpushx(db, a, three, 1, NULL), KV_OK);
    ck_assert_told("0 a new;0 a rpush;0 a lpush;");
    ck_assert_int_eq(kv_linsert(db, a, true, b, x, NULL), KV_OK);
    ck_assert_int_eq(kv_lset(db, a, 0, b), KV_OK);
    ck_assert_int_eq(kv_ltrim(db, a, 0, -1), KV_OK);
    ck_assert_int_eq(kv_lrem(db, a, 1, b, NULL), KV_OK);
    ck_assert_int_eq(kv_lrem(db, a, 1, KV_TEXT("none"), NULL), KV_OK);
    ck_assert_told("0 a linsert;0 a lset;0 a ltrim;0 a lrem;");
    ck_assert_int_eq(kv_lmove(db, a, a, KV_HEAD, KV_TAIL, NULL), KV_OK);
    ck_assert_told("0 a rpush;0 a lpop;");
    ck_assert_int_eq(kv_lmove(db, a, b, KV_TAIL, KV_HEAD, NULL), KV_OK);
    ck_assert_told("0 b new;0 b lpush;0 a rpop;");
    ck_assert_int_eq(kv_lmove(db, b, a, KV_TAIL, KV_HEAD, NULL), KV_OK);
    ck_assert_told("0 a lpush;0 b rpop;0 b del;");
    ck_assert_int_eq(kv_lpop(db, a, NULL), KV_OK);
    ck_assert_int_eq(kv_pop(db, a, KV_TAIL, 0, NULL, NULL, NULL), KV_OK);
    ck_assert_int_eq(kv_pop(db, a, KV_TAIL, 9, NULL, NULL, NULL), KV_OK);
    ck_assert_told("0 a lpop;0 a rpop;0 a del;");
}
END_TEST

START_TEST(sets_tell_what_redis_tells)
{
    kv_slice three[3] = {a, b, x}, none[2] = {a, KV_TEXT("none")};
    ck_assert_int_eq(kv_sadd(db, a, three, 3, NULL), KV_OK);
    ck_assert_int_eq(kv_sadd(db, a, three, 3, NULL), KV_OK);
    ck_assert_told("0 a new;0 a sadd;");
    ck_assert_int_eq(kv_srem(db, a, none + 1, 1, NULL), KV_OK);
    ck_assert_int_eq(kv_srem(db, a, three, 1, NULL), KV_OK);
    ck_assert_told("0 a srem;");
    ck_assert_int_eq(kv_smove(db, a, b, x), KV_OK);
    ck_assert_told("0 a srem;0 b new;0 b sadd;");
    ck_assert_int_eq(kv_smove(db, b, a, x), KV_OK);
    ck_assert_told("0 b srem;0 b del;0 a sadd;");
    ck_assert_int_eq(kv_spop(db, a, 1, NULL, NULL, NULL), KV_OK);
    ck_assert_told("0 a spop;");
    ck_assert_int_eq(kv_sunionstore(db, b, none, 2, NULL), KV_OK);
    ck_assert_int_eq(kv_sinterstore(db, b, none, 1, NULL), KV_OK);
    ck_assert_told("0 none keymiss;0 b new;0 b sunionstore;0 b sinterstore;");
    ck_assert_int_eq(kv_sinterstore(db, b, none, 2, NULL), KV_OK);
    ck_assert_int_eq(kv_sinterstore(db, b, none, 2, NULL), KV_OK);
    ck_assert_told("0 none keymiss;0 b del;0 none keymiss;");
    ck_assert_int_eq(kv_sdiffstore(db, b, none, 2, NULL), KV_OK);
    ck_assert_int_eq(kv_spop(db, b, 1, NULL, NULL, NULL), KV_OK);
    ck_assert_told("0 none keymiss;0 b new;0 b sdiffstore;0 b spop;0 b del;");
    ck_assert_int_eq(kv_spop(db, a, 5, NULL, NULL, NULL), KV_OK);
    ck_assert_told("0 a spop;0 a del;");
}
END_TEST

START_TEST(only_wanted_classes_are_told_of)
{
    want(KV_EVENT_LIST | KV_EVENT_BY_KEY);
    fixture_set(db, "a", "1");
    fixture_push(db, "b", "1");
    ck_assert_told("0 b rpush;");
    want(KV_EVENT_ALL); /* and in no way */
    fixture_set(db, "a", "1");
    want(0);
    fixture_set(db, "a", "1");
    ck_assert_told("");
    ck_assert_int_eq(kv_configure(db, KV_SETTING_EVENTS, 0x4000), KV_BADARG);
    ck_assert_int_eq(kv_configure(db, KV_SETTING_EVENTS, -1), KV_BADARG);
}
END_TEST

static void count_names(void *context, const kv_message *message)
{
    unsigned *seen = context;
    MUST(message->kind == KV_CHANNEL);
    MUST(message->payload.size == 1 && *(const char *)message->payload.data == 'a');
    ++*seen;
}

START_TEST(an_event_has_a_channel_for_its_name_and_one_for_its_key)
{
    unsigned seen = 0;
    kv_subscriber *by_name;
    ck_assert_int_eq(kv_subscriber_open(db, count_names, &seen, &by_name), KV_OK);
    ck_assert_int_eq(kv_subscribe(by_name, KV_CHANNEL, KV_TEXT("__keyevent@0__:set")), KV_OK);
    want(EVERYTHING | KV_EVENT_BY_NAME);
    fixture_set(db, "a", "1");
    ck_assert_uint_eq(seen, 1);
    ck_assert_told("0 a new;0 a set;");
    kv_subscriber_close(by_name);
}
END_TEST

static void note_size(void *context, const kv_message *message)
{
    *(size_t *)context = message->channel.size;
}

START_TEST(a_long_key_needs_memory_to_be_told_of)
{
    static char bytes[1000];
    kv_slice key = {bytes, sizeof bytes};
    size_t size = 0;
    kv_subscriber_close(subscriber);
    ck_assert_int_eq(kv_subscriber_open(db, note_size, &size, &subscriber), KV_OK);
    ck_assert_int_eq(kv_subscribe(subscriber, KV_PATTERN, KV_TEXT("__keyspace@*")), KV_OK);
    ck_assert_int_eq(kv_set(db, key, x, NULL), KV_OK);
    ck_assert_uint_eq(size, strlen("__keyspace@0__:") + sizeof bytes);
    size = 0;
    fixture_alloc_allow(&fx.alloc, 0);
    ck_assert_int_eq(kv_set(db, key, x, NULL), KV_OK);
    fixture_alloc_allow(&fx.alloc, FIXTURE_UNLIMITED);
    ck_assert_uint_eq(size, 0);
}
END_TEST

static kv *begin(unsigned flags)
{
    kv_txn_options options = KV_OPTIONS(kv_txn_options);
    kv *txn;
    options.flags = KV_TXN_ALL | flags;
    ck_assert_int_eq(kv_begin(db, &options, &txn), KV_OK);
    return txn;
}

START_TEST(a_transaction_tells_at_once_unless_it_may_be_aborted)
{
    kv *txn = begin(0);
    fixture_set(txn, "a", "1");
    ck_assert_told("0 a new;0 a set;");
    ck_assert_int_eq(kv_commit(txn), KV_OK);
    ck_assert_told("");

    txn = begin(KV_TXN_ABORTABLE);
    fixture_set(txn, "a", "2");
    fixture_push_all(kv_select(txn, 1), "list", "1 2");
    ck_assert_int_eq(kv_lpop(kv_select(txn, 1), KV_TEXT("list"), NULL), KV_OK);
    ck_assert_int_eq(kv_rename(txn, a, b), KV_OK);
    kv_slice keys[3] = {a, b, x}, values[3] = {x, x, x};
    ck_assert_int_eq(kv_mset(txn, keys, values, 3), KV_OK);
    ck_assert_int_eq(kv_del(txn, keys, 3, NULL), KV_OK);
    ck_assert_told("");
    ck_assert_int_eq(kv_commit(txn), KV_OK);
    ck_assert_told("0 a set;1 list new;1 list rpush;1 list rpush;1 list lpop;0 b new;"
                   "0 a rename_from;0 b rename_to;0 a new;0 a set;0 b set;0 x new;0 x set;"
                   "0 a del;0 b del;0 x del;");
}
END_TEST

START_TEST(an_aborted_transaction_tells_nothing)
{
    fixture_set_for(db, "due", "1", 5);
    fixture_pass(&fx, 10);
    told_size = 0;
    kv *txn = begin(KV_TXN_ABORTABLE);
    fixture_set(txn, "a", "2");
    ck_assert_int_eq(kv_incr(txn, KV_TEXT("due"), NULL), KV_OK);
    ck_assert_int_eq(kv_abort(txn), KV_OK);
    told[told_size] = '\0';
    ck_assert_told("");
    ck_assert_int_eq(kv_tick(db, 0), KV_OK);
    ck_assert_told("0 due expired;");
}
END_TEST

START_TEST(events_wanted_in_the_middle_of_a_transaction_may_come_too_late)
{
    want(0);
    kv *txn = begin(KV_TXN_ABORTABLE);
    fixture_set(txn, "a", "1");
    want(EVERYTHING);
    fixture_set(txn, "b", "1");
    ck_assert_int_eq(kv_commit(txn), KV_OK);
    ck_assert_told("0 b new;0 b set;");
}
END_TEST

START_TEST(restore_tells_of_a_new_key_whatever_it_replaced)
{
    kv_buffer payload = {0};
    kv_restore_options options = KV_OPTIONS(kv_restore_options);
    options.replace = true;
    for (int is_list = 0; is_list < 2; is_list++) {
        if (is_list) fixture_push_all(db, "b", "1 2");
        else fixture_set(db, "b", "text");
        ck_assert_int_eq(kv_dump(db, b, &payload), KV_OK);
        kv_slice bytes = {payload.data, payload.size};
        ck_assert_int_eq(kv_del(db, &b, 1, NULL), KV_OK);
        told[told_size = 0] = 0;
        options.deadline_ms = 0;
        ck_assert_int_eq(kv_restore(db, a, bytes, &options), KV_OK);
        ck_assert_told("0 a new;0 a restore;");
        ck_assert_int_eq(kv_restore(db, a, bytes, &options), KV_OK);
        ck_assert_told("0 a new;0 a restore;");
        options.deadline_ms = 1;
        ck_assert_int_eq(kv_restore(db, a, bytes, &options), KV_OK);
        ck_assert_told("0 a del;");
    }
    kv_buffer_free(&payload);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("events");
    TCase *tcase = tcase_create("events");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, strings_tell_what_redis_tells);
    tcase_add_test(tcase, deadlines_tell_of_themselves);
    tcase_add_test(tcase, an_expired_key_is_told_of_by_the_first_tick);
    tcase_add_test(tcase, keys_that_are_read_and_not_there_are_told_of);
    tcase_add_test(tcase, many_keys_that_are_not_there_are_told_of_in_order);
    tcase_add_test(tcase, keys_of_any_type_tell_what_redis_tells);
    tcase_add_test(tcase, lists_tell_what_redis_tells);
    tcase_add_test(tcase, sets_tell_what_redis_tells);
    tcase_add_test(tcase, restore_tells_of_a_new_key_whatever_it_replaced);
    tcase_add_test(tcase, only_wanted_classes_are_told_of);
    tcase_add_test(tcase, an_event_has_a_channel_for_its_name_and_one_for_its_key);
    tcase_add_test(tcase, a_long_key_needs_memory_to_be_told_of);
    tcase_add_test(tcase, a_transaction_tells_at_once_unless_it_may_be_aborted);
    tcase_add_test(tcase, an_aborted_transaction_tells_nothing);
    tcase_add_test(tcase, events_wanted_in_the_middle_of_a_transaction_may_come_too_late);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
