/*
 * tests/api/test_memory.c -- every function of kvstore.h when memory runs out, at each of its
 * allocations in turn.
 *
 * A call that gives KV_NOMEM has changed nothing: not the store, not what it was given for its
 * results, not the journal. That holds outside and inside of transactions, and an abort afterwards
 * undoes what went before. A call may also do without the memory it was refused. Nothing is ever
 * lost: the fixture counts every block.
 *
 * Results in a kv_buffer come from realloc(), and numbers from snprintf(), which the linker takes
 * from this file (--wrap).
 */
#include "fixture.h"
#include "ignore.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>

static struct fixture fx;

/* ---------------------------------------------------------------------------- failing realloc() */

void *__real_realloc(void *block, size_t size);
void *__wrap_realloc(void *block, size_t size);

static bool realloc_fails; /* too, at present: Check and the fixture need it as well */

/* Counts as one of the store's allocations. */
void *__wrap_realloc(void *block, size_t size)
{
    long allowed = realloc_fails ? atomic_load(&fx.alloc.allowed) : FIXTURE_UNLIMITED;
    if (allowed == 0) {
        atomic_fetch_add(&fx.alloc.refused, 1);
        return NULL;
    }
    if (allowed > 0) atomic_store(&fx.alloc.allowed, allowed - 1);
    return __real_realloc(block, size);
}

/* --------------------------------------------------------------------------- failing snprintf() */

static bool snprintf_fails;

/* The same by the name that a compiler with _FORTIFY_SOURCE gives to it. */
int __wrap___snprintf_chk(char *text, size_t size, int flag, size_t room, const char *format, ...);
int __wrap_snprintf(char *text, size_t size, const char *format, ...);

int __wrap___snprintf_chk(char *text, size_t size, int flag, size_t room, const char *format, ...)
{
    va_list arguments;
    (void)flag, (void)room;
    if (snprintf_fails) return -1;
    va_start(arguments, format);
    int length = vsnprintf(text, size, format, arguments);
    va_end(arguments);
    return length;
}

int __wrap_snprintf(char *text, size_t size, const char *format, ...)
{
    va_list arguments;
    if (snprintf_fails) return -1;
    va_start(arguments, format);
    int length = vsnprintf(text, size, format, arguments);
    va_end(arguments);
    return length;
}

/* ------------------------------------------------------------------------------------ the calls */

/* What is tried at present, for whoever reads that it failed. */
static char trying[64];

#define TRY(condition)                                                                    \
    do {                                                                                  \
        if (!(condition)) ck_abort_msg("%s: %s (line %d)", trying, #condition, __LINE__); \
    } while (0)

/* Where results go; each field holds something that a failed call must leave. */
struct results {
    kv_buffer buffer;
    uint64_t number;
    int64_t integer;
    size_t index;
    kv_status status;
    kv_type type;
    double score;
};

#define BEFORE "what was in it before"

static void results_open(struct results *results)
{
    *results = (struct results){.number = 77,
                                .integer = -77,
                                .index = 77,
                                .status = KV_MORE,
                                .type = KV_TYPE_STREAM,
                                .score = 77};
    results->buffer.data = malloc(sizeof BEFORE);
    results->buffer.size = results->buffer.capacity = sizeof BEFORE;
    memcpy(results->buffer.data, BEFORE, sizeof BEFORE);
}

static void results_must_be_untouched(const struct results *results)
{
    TRY(results->number == 77 && results->integer == -77 && results->index == 77);
    TRY(results->status == KV_MORE && results->type == KV_TYPE_STREAM && results->score == 77);
    TRY(results->buffer.size == sizeof BEFORE &&
        memcmp(results->buffer.data, BEFORE, sizeof BEFORE) == 0);
}

static const char bytes_of_large[30000];
#define LARGE  kv_bytes(bytes_of_large, sizeof bytes_of_large)
#define MIDDLE kv_bytes(bytes_of_large, 2000)
#define WIDE   80 /* keys of a call that is wide enough to need memory for itself */

static const kv_slice hash_fields[2] = {{"a", 1}, {"c", 1}};
static kv_field_result field_results[WIDE];
static int64_t field_deadlines[WIDE];
static char wide_names[WIDE][16];
static kv_slice wide_keys[WIDE], wide_values[WIDE], wide_pairs[2 * WIDE];

/* Keys that have expired and are still there, and fields of others. */
static void fill_due(kv *db)
{
    kv_hsetex_options soon = KV_OPTIONS(kv_hsetex_options);
    kv_slice pairs[4] = {KV_TEXT("due"), KV_TEXT("1"), KV_TEXT("due too"), KV_TEXT("2")};
    soon.ttl_ms = 5;
    MUST(kv_hsetex(db, KV_TEXT("duehash"), pairs, 2, &soon) == KV_OK);
    MUST(kv_hsetex(db, KV_TEXT("hash"), pairs, 2, &soon) == KV_OK);
    MUST(kv_hsetex(db, KV_TEXT("table"), pairs, 2, &soon) == KV_OK);
    fixture_set_for(db, "due", "1", 5);
    fixture_push(db, "duelist", "x");
    MUST(kv_expire(db, KV_TEXT("duelist"), 5, 0) == KV_OK);
    fixture_pass(&fx, 10);
}

/* A small sorted set, and one with so many members that the next one of some of them splits a leaf. */
#define RANKED 63 * 3
static char ranked_names[RANKED][16];
static kv_scored ranked[RANKED];

static void fill_zsets(kv *db)
{
    for (int i = 0; i < RANKED; i++) {
        int size = snprintf(ranked_names[i], sizeof ranked_names[i], "member%d", i);
        ranked[i] = (kv_scored){kv_bytes(ranked_names[i], (size_t)size), i};
    }
    MUST(kv_zadd(db, KV_TEXT("zset"), ranked, 5, 0, NULL, NULL) == KV_OK);
    MUST(kv_zadd(db, KV_TEXT("ranking"), ranked, RANKED, 0, NULL, NULL) == KV_OK);
}

/* A stream of entries 1-0, 2-0..., of which a consumer has the first ones pending. */
static void fill_stream(kv *db, kv_slice key, uint64_t entries, uint64_t pending)
{
    kv_slice pairs[4] = {KV_TEXT("field"), kv_bytes(bytes_of_large, 60), KV_TEXT("number"),
                         KV_TEXT("17")};
    kv_xadd_options add = KV_OPTIONS(kv_xadd_options);
    kv_xread_options read = KV_OPTIONS(kv_xread_options);
    kv_stream_from from = {.key = key, .only_new = true};
    add.how = KV_ID_GIVEN;
    for (uint64_t i = 1; i <= entries; i++) {
        add.id.ms = i;
        MUST(kv_xadd(db, key, pairs, 2, &add, NULL) == KV_OK);
    }
    MUST(kv_xgroup_create(db, key, KV_TEXT("g"), NULL) == KV_OK);
    read.count = pending;
    MUST(kv_xreadgroup(db, KV_TEXT("g"), KV_TEXT("c"), &from, 1, &read, NULL, NULL, NULL, NULL) ==
         KV_OK);
}

/* What kv_dump() gives for keys of every kind, to be restored. */
static const char *const dumped_keys[] = {
    "text",  "number",   "large", "list",    "tree", "hash",    "table",  "fading",
    "sands", "integers", "set",   "members", "zset", "ranking", "stream", "log"};
#define DUMPED (sizeof dumped_keys / sizeof *dumped_keys)
static kv_buffer dumped[DUMPED];

static void fill_dumped(kv *db)
{
    for (size_t i = 0; i < DUMPED; i++)
        MUST(kv_dump(db, KV_TEXT(dumped_keys[i]), &dumped[i]) == KV_OK);
}

/*
 * The store that every call finds: of each kind of value one, in two databases, and some keys more.
 */
static void fill(kv *db)
{
    fixture_set(db, "text", "hello");
    fixture_set(db, "number", "17");
    fixture_set(db, "float", "1.5");
    MUST(kv_set(db, KV_TEXT("middle"), MIDDLE, NULL) == KV_OK);
    MUST(kv_set(db, KV_TEXT("large"), LARGE, NULL) == KV_OK);
    fixture_set_for(db, "timed", "1", 100000);
    kv_slice seen[2] = {{"sparse", 6}, {"dense", 5}};
    for (int i = 0; i < 2; i++) MUST(kv_pfadd(db, seen[i], seen, 2, NULL) == KV_OK);
    MUST(kv_pfdense(db, seen[1]) == KV_OK);
    fixture_push_all(db, "list", "a b c a");
    fixture_push_all(kv_select(db, 1), "list1", "a b c");
    fixture_set(kv_select(db, 1), "text1", "one");
    kv_slice leaves[300];
    for (int i = 0; i < 300; i++)
        leaves[i] = i % 2 == 0 ? KV_TEXT("an element of more than a few bytes") : KV_TEXT("x");
    MUST(kv_rpush(db, KV_TEXT("tree"), leaves, 300, NULL) == KV_OK);
    kv_slice pairs[6] = {KV_TEXT("a"), KV_TEXT("1"), KV_TEXT("b"),
                         KV_TEXT("2"), KV_TEXT("c"), KV_TEXT("text")};
    MUST(kv_hset(db, KV_TEXT("hash"), pairs, 3, NULL) == KV_OK);
    fill_zsets(db);
    MUST(kv_hset(db, KV_TEXT("fading"), pairs, 3, NULL) == KV_OK);
    MUST(kv_hexpire(db, KV_TEXT("fading"), 50000, 0, pairs, 1, NULL) == KV_OK);
    for (int i = 0; i < WIDE; i++) {
        snprintf(wide_names[i], sizeof wide_names[i], "w%d", i);
        wide_keys[i] = KV_TEXT(wide_names[i]);
        wide_values[i] = i % 2 == 0 ? KV_TEXT("value") : MIDDLE;
    }
    for (int i = 0; i < WIDE; i++) {
        wide_pairs[2 * i] = wide_keys[i];
        wide_pairs[2 * i + 1] = wide_values[i];
    }
    MUST(kv_hset(db, KV_TEXT("table"), wide_pairs, WIDE / 2, NULL) == KV_OK);
    fixture_add_all(db, "integers", "1 2 -3");
    fixture_add_all(db, "set", "1 a b");
    MUST(kv_configure(db, KV_SETTING_SET_PACK_COUNT, WIDE / 4) == KV_OK);
    MUST(kv_sadd(db, KV_TEXT("members"), wide_keys, WIDE / 2, NULL) == KV_OK);
    MUST(kv_sadd(db, KV_TEXT("guests"), wide_keys, WIDE / 2, NULL) == KV_OK);
    MUST(kv_sexpire(db, KV_TEXT("guests"), 50000, 0, wide_keys, WIDE / 4, NULL) == KV_OK);
    kv_scored timed[3] = {{KV_TEXT("w1"), 1}, {KV_TEXT("2"), 2}, {KV_TEXT("w3"), 3}};
    MUST(kv_zadd(db, KV_TEXT("heats"), timed, 3, 0, NULL, NULL) == KV_OK);
    MUST(kv_zexpire(db, KV_TEXT("heats"), 50000, 0, wide_keys, 2, NULL) == KV_OK);
    MUST(kv_hset(db, KV_TEXT("sands"), wide_pairs, WIDE, NULL) == KV_OK);
    MUST(kv_hexpire(db, KV_TEXT("sands"), 50000, 0, wide_keys, WIDE / 2, NULL) == KV_OK);
    fill_stream(db, KV_TEXT("stream"), 6, 3);
    fill_stream(db, KV_TEXT("log"), 160, 90);
    fill_stream(db, KV_TEXT("empty"), 1, 1);
    for (int i = 0; i < WIDE; i += 3) MUST(kv_set(db, wide_keys[i], wide_values[i], NULL) == KV_OK);
    fill_dumped(db);
}

static bool ignore_field(void *context, kv_slice field, kv_slice value)
{
    (void)context;
    (void)field;
    (void)value;
    return true;
}

static bool ignore_entry(void *context, kv_stream_entry *entry)
{
    (void)context;
    (void)entry;
    return true;
}

static void ignore_stream(void *context, size_t index)
{
    (void)context;
    (void)index;
}

static void ignore_deletion(void *context, size_t index, kv_stream_deletion deletion)
{
    (void)context;
    (void)index;
    (void)deletion;
}

static bool ignore_count(void *context, kv_slice name, uint64_t count)
{
    (void)context;
    (void)name;
    (void)count;
    return true;
}

static bool ignore_pending(void *context, const kv_pending_entry *entry)
{
    (void)context;
    (void)entry;
    return true;
}

static bool ignore_group(void *context, const kv_group_info *group)
{
    (void)context;
    (void)group;
    return true;
}

static bool ignore_consumer(void *context, const kv_consumer_info *consumer)
{
    (void)context;
    (void)consumer;
    return true;
}

static bool ignore_position(void *context, uint64_t position)
{
    (void)context;
    (void)position;
    return true;
}

static bool ignore_match(void *context, const kv_lcs_match *match)
{
    (void)context;
    (void)match;
    return true;
}

static void ignore_result(void *context, kv_waiter *waiter, const kv_wait_result *result)
{
    (void)context;
    (void)waiter;
    MUST(result->status == KV_OK);
}

#define CASE(name) static kv_status call_##name(kv *db, struct results *results)
#define DO(name, call) \
    CASE(name)         \
    {                  \
        (void)results; \
        return call;   \
    }

#define K(text) KV_TEXT(text)

static const kv_slice pair[2] = {{"text", 4}, {"new", 3}};
static const kv_slice elements[3] = {{"1", 1}, {"two", 3}, {bytes_of_large, 9000}};
static const kv_slice set_keys[6] = {{"members", 7}, {"integers", 8}, {"set", 3},
                                     {"none", 4},    {"set", 3},      {"set", 3}};
static const kv_slice list_keys[2] = {{"none", 4}, {"list", 4}};
static const kv_slice tree_key = {"tree", 4};

/* Keys. */
DO(del_one, kv_del(db, pair, 1, &results->number))
DO(del_two, kv_del(db, pair, 2, &results->number))
DO(del_wide, kv_del(db, wide_keys, WIDE, &results->number))
DO(del_due, kv_del(db, &(kv_slice){"due", 3}, 1, &results->number))
DO(unlink_tree, kv_unlink(db, &tree_key, 1, &results->number))
DO(unlink_wide, kv_unlink(db, wide_keys, WIDE, &results->number))
DO(exists_wide, kv_exists(db, wide_keys, WIDE, &results->number))
DO(touch_wide, kv_touch(db, wide_keys, WIDE, &results->number))
DO(type_of, kv_type_of(db, K("list"), &results->type))
DO(rename_text, kv_rename(db, K("text"), K("list")))
DO(rename_tree, kv_rename(db, K("tree"), K("new name")))
DO(rename_large, kv_rename(db, K("large"), K("tree")))
DO(rename_list, kv_rename(db, K("list"), K("new name of the list")))
DO(rename_timed, kv_rename(db, K("timed"), K("another")))
DO(rename_to_due, kv_rename(db, K("list"), K("duelist")))
DO(renamenx, kv_renamenx(db, K("middle"), K("a new key with a rather long name")))
DO(copy_text, kv_copy(db, K("text"), NULL, K("new"), false))
DO(copy_large, kv_copy(db, K("large"), NULL, K("text"), true))
DO(copy_list, kv_copy(db, K("list"), kv_select(db, 1), K("list1"), true))
DO(copy_tree, kv_copy(db, K("tree"), kv_select(db, 5), K("new"), false))
DO(copy_timed, kv_copy(db, K("timed"), NULL, K("new"), false))
DO(dump_text, kv_dump(db, K("text"), &results->buffer))
DO(dump_hash_as, kv_dump_as(db, K("hash"), 10, &results->buffer))
DO(dump_large, kv_dump(db, K("large"), &results->buffer))
DO(dump_tree, kv_dump(db, K("tree"), &results->buffer))
DO(dump_hash, kv_dump(db, K("hash"), &results->buffer))
DO(dump_sands, kv_dump(db, K("sands"), &results->buffer))
DO(dump_members, kv_dump(db, K("members"), &results->buffer))
DO(dump_ranking, kv_dump(db, K("ranking"), &results->buffer))
DO(dump_log, kv_dump(db, K("log"), &results->buffer))

/* Restores the value of one key in the place of another. */
static kv_status sweep_restore(kv *db, const char *name, kv_slice key, int64_t ttl_ms)
{
    kv_restore_options options = KV_OPTIONS(kv_restore_options);
    size_t i = 0;
    options.replace = true;
    options.ttl_ms = ttl_ms;
    options.idle_ms = 5000;
    while (strcmp(dumped_keys[i], name) != 0) i++;
    return kv_restore(db, key, kv_bytes(dumped[i].data, dumped[i].size), &options);
}

DO(restore_text, sweep_restore(db, "text", K("large"), 1000))
DO(restore_number, sweep_restore(db, "number", K("new"), 0))
DO(restore_large, sweep_restore(db, "large", K("list"), 1000))
DO(restore_list, sweep_restore(db, "list", K("new"), 1000))
DO(restore_tree, sweep_restore(db, "tree", K("fading"), 0))
DO(restore_hash, sweep_restore(db, "hash", K("tree"), 0))
DO(restore_table, sweep_restore(db, "table", K("new"), 1000))
DO(restore_fading, sweep_restore(db, "fading", K("due"), 1000))
DO(restore_sands, sweep_restore(db, "sands", K("text"), 0))
DO(restore_integers, sweep_restore(db, "integers", K("sands"), 0))
DO(restore_set, sweep_restore(db, "set", K("duehash"), 0))
DO(restore_members, sweep_restore(db, "members", K("zset"), 0))
DO(restore_zset, sweep_restore(db, "zset", K("zset"), 1000))
DO(restore_ranking, sweep_restore(db, "ranking", K("new"), 0))
DO(restore_stream, sweep_restore(db, "stream", K("new"), 0))
DO(restore_log, sweep_restore(db, "log", K("empty"), 1000))

CASE(restore_past)
{
    (void)results;
    kv_restore_options options = KV_OPTIONS(kv_restore_options);
    options.replace = true;
    options.deadline_ms = 1;
    return kv_restore(db, K("tree"), kv_bytes(dumped[0].data, dumped[0].size), &options);
}

DO(move_list, kv_move(db, K("list"), kv_select(db, 4)))
DO(move_tree, kv_move(db, K("tree"), kv_select(db, 1)))
DO(swapdb, kv_swapdb(db, kv_select(db, 1)))
DO(randomkey, kv_randomkey(db, &results->buffer))
DO(count, kv_count(db, &results->number))
DO(expire, kv_expire(db, K("tree"), 1000, 0))
DO(expire_later, kv_expire(db, K("timed"), 1000000, KV_EXPIRE_GT))
DO(expire_now, kv_expire(db, K("large"), 0, 0))
DO(expire_at, kv_expire_at(db, K("text"), FIXTURE_START_MS + 1000000, 0))
DO(ttl, kv_ttl(db, K("timed"), &results->integer))
DO(ttl_due, kv_ttl(db, K("due"), &results->integer))
DO(deadline, kv_deadline(db, K("timed"), &results->integer))
DO(persist, kv_persist(db, K("timed")))
DO(version_of, kv_version_of(db, K("large"), &results->number))
DO(flush, kv_flush(db, false))
DO(flush_later, kv_flush(db, true))
DO(flush_all, kv_flush_all(db, false))
DO(flush_all_later, kv_flush_all(db, true))
DO(keys, kv_keys(db, K("*"), ignore, NULL))

CASE(scan)
{
    (void)results;
    uint64_t cursor = 0;
    kv_status status;
    do status = kv_scan(db, &cursor, 10, NULL, ignore, NULL);
    while (status == KV_OK && cursor != 0);
    return status;
}

/* A cursor beyond all keys is where a call that removed them ends. */
CASE(delete_matching)
{
    uint64_t cursor = 0;
    kv_status status = kv_delete_matching(db, K("*e*"), &cursor, 1000, &results->number);
    MUST(status == KV_OK || cursor == 0);
    return status;
}

CASE(object)
{
    (void)results;
    kv_object_info info = KV_OPTIONS(kv_object_info);
    return kv_object(db, K("tree"), &info);
}

/* Strings. */
DO(set_same_size, kv_set(db, K("text"), K("HELLO"), NULL))
DO(set_new, kv_set(db, K("new"), K("a value"), NULL))
DO(set_new_database, kv_set(kv_select(db, 9), K("new"), K("a value"), NULL))
DO(set_number, kv_set(db, K("new"), K("12345"), NULL))
DO(set_over_tree, kv_set(db, K("tree"), MIDDLE, NULL))
DO(set_large, kv_set(db, K("new"), LARGE, NULL))
DO(set_due, kv_set(db, K("due"), K("again"), NULL))

CASE(set_timed)
{
    (void)results;
    kv_set_options options = KV_OPTIONS(kv_set_options);
    options.ttl_ms = 500;
    return kv_set(db, K("text"), LARGE, &options);
}

CASE(set_getting_old)
{
    kv_set_options options = KV_OPTIONS(kv_set_options);
    options.flags = KV_GET_OLD | KV_KEEP_TTL;
    options.old_value = &results->buffer;
    options.old_status = &results->status;
    options.version = &results->number;
    return kv_set(db, K("large"), LARGE, &options);
}

CASE(set_past)
{
    kv_set_options options = KV_OPTIONS(kv_set_options);
    options.flags = KV_GET_OLD;
    options.old_value = &results->buffer;
    options.deadline_ms = 1;
    return kv_set(db, K("middle"), K("x"), &options);
}

CASE(getex)
{
    kv_getex_options options = KV_OPTIONS(kv_getex_options);
    options.ttl_ms = 77;
    return kv_getex(db, K("large"), &options, &results->buffer);
}

CASE(getex_persist)
{
    kv_getex_options options = KV_OPTIONS(kv_getex_options);
    options.flags = KV_PERSIST;
    return kv_getex(db, K("timed"), &options, &results->buffer);
}

DO(get, kv_get(db, K("large"), &results->buffer))
DO(get_due, kv_get(db, K("due"), &results->buffer))
DO(read, kv_read(db, K("large"), ignore, NULL))
DO(getdel, kv_getdel(db, K("large"), &results->buffer))
DO(mget, kv_mget(db, wide_keys, WIDE, ignore_at, NULL))
DO(mset, kv_mset(db, wide_keys, wide_values, WIDE))
DO(mset_few, kv_mset(db, pair, elements, 2))
DO(msetnx, kv_msetnx(kv_select(db, 6), wide_keys, wide_values, WIDE))
DO(append, kv_append(db, K("text"), K(" and good bye"), &results->number))
DO(append_much, kv_append(db, K("number"), LARGE, &results->number))
DO(append_to_large, kv_append(db, K("large"), LARGE, &results->number))
DO(append_new, kv_append(db, K("new"), LARGE, &results->number))
DO(strlen_, kv_strlen(db, K("large"), &results->number))
DO(getrange, kv_getrange(db, K("large"), 10, 9000, &results->buffer))
DO(read_range, kv_read_range(db, K("large"), 10, 9000, ignore, NULL))
DO(setrange, kv_setrange(db, K("text"), 4000, K("there"), &results->number))
DO(setrange_far, kv_setrange(db, K("middle"), 50000, K("there"), &results->number))
DO(incrby, kv_incrby(db, K("number"), 5, &results->integer))
DO(incrby_new, kv_incrby(db, K("new"), 5, &results->integer))
DO(decrby, kv_decrby(db, K("timed"), 5, &results->integer))
DO(incr, kv_incr(db, K("new"), &results->integer))
DO(decr, kv_decr(db, K("number"), &results->integer))
DO(incrbyfloat, kv_incrbyfloat(db, K("float"), K("1e300"), &results->buffer))
DO(lcs,
   kv_lcs(db, K("text"), K("middle"), 0, &results->number, &results->buffer, ignore_match, NULL))

/* Bitmaps. */
static kv_status sweep_bitop(kv *db, struct results *results, kv_bit_operation operation,
                             kv_slice destination)
{
    kv_slice keys[9] = {K("text"), K("large"), K("number"), K("none"), K("middle"),
                        K("text"), K("float"), K("timed"),  K("none")};
    return kv_bitop(db, operation, destination, keys, operation == KV_BIT_NOT ? 1 : 9,
                    &results->number);
}

DO(setbit, kv_setbit(db, K("text"), 7, false, NULL))
DO(setbit_far, kv_setbit(db, K("middle"), 200000, true, NULL))
DO(setbit_new, kv_setbit(db, K("new"), 20000, true, NULL))
DO(setbit_number, kv_setbit(db, K("number"), 3, true, NULL))
DO(setbit_same, kv_setbit(db, K("large"), 1000, false, NULL))
DO(getbit, kv_getbit(db, K("text"), 3, NULL))
DO(bitcount, kv_bitcount(db, K("large"), 10, -10, KV_UNIT_BYTE, &results->number))
DO(bitpos, kv_bitpos(db, K("text"), true, 2, NULL, KV_UNIT_BYTE, &results->number))
DO(bitop_not, sweep_bitop(db, results, KV_BIT_NOT, K("new")))
DO(bitop_many, sweep_bitop(db, results, KV_BIT_ONE, K("tree")))
DO(bitop_in_place, sweep_bitop(db, results, KV_BIT_XOR, K("large")))
DO(bitop_timed, sweep_bitop(db, results, KV_BIT_OR, K("timed")))
DO(bitop_due, sweep_bitop(db, results, KV_BIT_DIFF, K("duelist")))

static kv_status sweep_bitfield(kv *db, struct results *results, kv_slice key, uint64_t offset)
{
    kv_field_operation operations[9];
    for (int i = 0; i < 9; i++)
        operations[i] = (kv_field_operation){.kind = (kv_field_kind)(i % 3),
                                             .bits = 63,
                                             .overflow = (kv_overflow)(i % 2 * 2),
                                             .offset = offset + 50 * (uint64_t)i,
                                             .value = i,
                                             .result = -77};
    kv_status status = kv_bitfield(db, key, operations, 9);
    if (operations[0].result != -77 || operations[8].result != -77) results->integer = 0;
    return status;
}

DO(bitfield, sweep_bitfield(db, results, K("text"), 3))
DO(bitfield_new, sweep_bitfield(db, results, K("new"), 20000))
DO(bitfield_large, sweep_bitfield(db, results, K("large"), 500000))

/* HyperLogLogs: a sparse one and a dense one are there. */
static const kv_slice estimates[10] = {{"sparse", 6}, {"dense", 5}, {"none", 4}, {"sparse", 6},
                                       {"dense", 5},  {"none", 4},  {"none", 4}, {"none", 4},
                                       {"none", 4},   {"none", 4}};

DO(pfadd, kv_pfadd(db, K("sparse"), elements, 3, NULL))
DO(pfadd_new, kv_pfadd(db, K("new"), elements, 3, NULL))
DO(pfadd_same, kv_pfadd(db, K("sparse"), &estimates[0], 1, NULL))
DO(pfadd_many, kv_pfadd(db, K("sparse"), wide_keys, WIDE, NULL))
DO(pfadd_dense, kv_pfadd(db, K("dense"), wide_keys, WIDE, NULL))
DO(pfcount, kv_pfcount(db, &estimates[0], 1, &results->number))
DO(pfcount_dense, kv_pfcount(db, &estimates[1], 1, &results->number))
DO(pfcount_many, kv_pfcount(db, estimates, 10, &results->number))
DO(pfmerge, kv_pfmerge(db, K("sparse"), &estimates[2], 2))
DO(pfmerge_new, kv_pfmerge(db, K("new"), estimates, 10))
DO(pfmerge_dense, kv_pfmerge(db, K("sparse"), &estimates[1], 1))
DO(pfdense, kv_pfdense(db, K("sparse")))

CASE(pfregisters)
{
    uint8_t registers[KV_HYPERLOGLOG_REGISTERS];
    (void)results;
    kv_status status = kv_pfruns(db, K("sparse"), NULL, NULL);
    return status == KV_OK ? kv_pfregisters(db, K("dense"), registers) : status;
}

/* Lists. */
DO(lpush, kv_lpush(db, K("list"), elements, 3, &results->number))
DO(lpush_new, kv_lpush(db, K("new"), elements, 2, &results->number))
DO(lpush_wide, kv_lpush(db, K("tree"), wide_values, WIDE, &results->number))
DO(rpush, kv_rpush(db, K("tree"), elements, 3, &results->number))
DO(rpush_due, kv_rpush(db, K("duelist"), wide_values, WIDE, &results->number))
DO(lpushx, kv_lpushx(db, K("list"), elements, 1, &results->number))
DO(rpushx, kv_rpushx(db, K("tree"), wide_values, WIDE, &results->number))
DO(lpop, kv_lpop(db, K("list"), &results->buffer))
DO(rpop, kv_rpop(db, K("tree"), &results->buffer))
DO(pop, kv_pop(db, K("tree"), KV_TAIL, 200, ignore, NULL, &results->number))
DO(pop_all, kv_pop(db, K("list"), KV_TAIL, 200, ignore, NULL, &results->number))
DO(llen, kv_llen(db, K("tree"), &results->number))
DO(lindex, kv_lindex(db, K("tree"), 100, &results->buffer))
DO(lset, kv_lset(db, K("tree"), 100, LARGE))
DO(lset_small, kv_lset(db, K("list"), 1, K("longer than it was before")))
DO(linsert, kv_linsert(db, K("tree"), true, K("x"), MIDDLE, &results->number))
DO(linsert_small, kv_linsert(db, K("list"), false, K("b"), LARGE, &results->number))
DO(lrem, kv_lrem(db, K("tree"), 0, K("x"), &results->number))
DO(lrem_one, kv_lrem(db, K("tree"), -1, K("x"), &results->number))
DO(ltrim, kv_ltrim(db, K("tree"), 100, 110))
DO(lrange, kv_lrange(db, K("tree"), 0, -1, NULL, ignore, NULL))
DO(lpos, kv_lpos(db, K("tree"), K("x"), 3, 5, 0, ignore_position, NULL))
DO(lmove, kv_lmove(db, K("tree"), K("list"), KV_HEAD, KV_TAIL, &results->buffer))
DO(lmove_new, kv_lmove(db, K("list"), K("new"), KV_TAIL, KV_TAIL, &results->buffer))
DO(lmove_round, kv_lmove(db, K("tree"), K("tree"), KV_HEAD, KV_TAIL, &results->buffer))
DO(lmove_unseen, kv_lmove(db, K("tree"), K("duelist"), KV_HEAD, KV_TAIL, NULL))
DO(lmpop, kv_lmpop(db, list_keys, 2, KV_HEAD, 3, &results->index, ignore, NULL))
DO(blpop, kv_blpop(db, list_keys, 2, 1, &results->index, &results->buffer))
DO(brpop, kv_brpop(db, list_keys, 2, 1, &results->index, &results->buffer))
DO(blmove, kv_blmove(db, K("tree"), K("new"), KV_HEAD, KV_TAIL, 1, &results->buffer))
DO(blmpop, kv_blmpop(db, list_keys, 2, KV_TAIL, 2, 1, &results->index, ignore, NULL))
DO(blpop_in_vain, kv_blpop(db, list_keys, 1, 1, &results->index, &results->buffer))

/* Hashes: one small, one large. */
DO(hset, kv_hset(db, K("hash"), wide_pairs, 3, &results->number))
DO(hset_new, kv_hset(db, K("new"), wide_pairs, 1, &results->number))
DO(hset_grown, kv_hset(db, K("hash"), wide_pairs, WIDE, &results->number))
DO(hset_wide, kv_hset(db, K("table"), wide_pairs, WIDE, &results->number))
DO(hset_due, kv_hset(db, K("duelist"), wide_pairs, WIDE, &results->number))
DO(hsetnx, kv_hsetnx(db, K("table"), K("new"), MIDDLE))
DO(hget, kv_hget(db, K("table"), K("w1"), &results->buffer))
DO(hmget, kv_hmget(db, K("table"), wide_keys, WIDE, ignore_at, NULL))
DO(hexists, kv_hexists(db, K("hash"), K("a")))
DO(hstrlen, kv_hstrlen(db, K("table"), K("w1"), &results->number))
DO(hlen, kv_hlen(db, K("table"), &results->number))
DO(hdel, kv_hdel(db, K("hash"), hash_fields, 2, &results->number))
DO(hdel_all, kv_hdel(db, K("table"), wide_keys, WIDE, &results->number))
DO(hgetdel, kv_hgetdel(db, K("table"), wide_keys, WIDE, ignore_at, NULL))
DO(hincrby, kv_hincrby(db, K("hash"), K("a"), 1000000000, &results->integer))
DO(hincrby_new, kv_hincrby(db, K("table"), K("new"), 1, &results->integer))
DO(hincrbyfloat, kv_hincrbyfloat(db, K("hash"), K("b"), K("1e300"), &results->buffer))
DO(hgetall, kv_hgetall(db, K("table"), NULL, ignore_field, NULL))
DO(hrandfield, kv_hrandfield(db, K("table"), 5, NULL, ignore_field, NULL))
DO(hrandfield_often, kv_hrandfield(db, K("hash"), -50, NULL, ignore_field, NULL))
DO(hexpire, kv_hexpire(db, K("hash"), 1000, 0, hash_fields, 2, field_results))
DO(hexpire_wide, kv_hexpire(db, K("table"), 1000, 0, wide_keys, WIDE, field_results))
DO(hexpire_sooner, kv_hexpire(db, K("sands"), 1000, 0, wide_keys, WIDE, field_results))
DO(hexpire_past, kv_hexpire(db, K("sands"), -1, 0, wide_keys, WIDE, field_results))
DO(hexpire_at, kv_hexpire_at(db, K("fading"), INT64_C(1) << 45, 0, hash_fields, 2, field_results))
DO(hpersist, kv_hpersist(db, K("fading"), hash_fields, 2, field_results))
DO(hpersist_wide, kv_hpersist(db, K("sands"), wide_keys, WIDE, field_results))
DO(hdeadline, kv_hdeadline(db, K("sands"), wide_keys, WIDE, field_deadlines))
DO(sexpire, kv_sexpire(db, K("set"), 1000, 0, hash_fields, 2, field_results))
DO(sexpire_wide, kv_sexpire(db, K("members"), 1000, 0, wide_keys, WIDE, field_results))
DO(sexpire_sooner, kv_sexpire(db, K("guests"), 1000, 0, wide_keys, WIDE, field_results))
DO(sexpire_at, kv_sexpire_at(db, K("guests"), 5, 0, wide_keys, WIDE, field_results))
DO(spersist, kv_spersist(db, K("guests"), wide_keys, WIDE, field_results))
DO(sdeadline, kv_sdeadline(db, K("guests"), wide_keys, WIDE, field_deadlines))
DO(srem_timed, kv_srem(db, K("guests"), wide_keys, WIDE, &results->number))
DO(copy_timed_set, kv_copy(db, K("guests"), NULL, K("new"), false))
DO(zexpire, kv_zexpire(db, K("zset"), 1000, 0, hash_fields, 2, field_results))
DO(zexpire_sooner, kv_zexpire(db, K("heats"), 1000, 0, wide_keys, 4, field_results))
DO(zexpire_at, kv_zexpire_at(db, K("heats"), 5, 0, wide_keys, 4, field_results))
DO(zpersist, kv_zpersist(db, K("heats"), wide_keys, 4, field_results))
DO(zdeadline, kv_zdeadline(db, K("heats"), wide_keys, 4, field_deadlines))
DO(copy_timed_zset, kv_copy(db, K("heats"), NULL, K("new"), false))
DO(hlen_due, kv_hlen(db, K("hash"), &results->number))
DO(hset_due_hash, kv_hset(db, K("duehash"), wide_pairs, WIDE, &results->number))
DO(expire_fading, kv_expire(db, K("fading"), 100, 0))
DO(copy_fading, kv_copy(db, K("fading"), kv_select(db, 2), K("new"), false))
DO(copy_sands, kv_copy(db, K("sands"), db, K("new"), false))
DO(rename_sands, kv_rename(db, K("sands"), K("list")))

static kv_status call_hgetex(kv *db, struct results *results)
{
    (void)results;
    kv_getex_options options = KV_OPTIONS(kv_getex_options);
    options.ttl_ms = 700;
    return kv_hgetex(db, K("table"), wide_keys, WIDE, &options, ignore_at, NULL);
}

static kv_status call_hsetex(kv *db, struct results *results)
{
    (void)results;
    kv_hsetex_options options = KV_OPTIONS(kv_hsetex_options);
    options.ttl_ms = 700;
    return kv_hsetex(db, K("hash"), wide_pairs, 3, &options);
}

static kv_status call_hsetex_wide(kv *db, struct results *results)
{
    (void)results;
    kv_hsetex_options options = KV_OPTIONS(kv_hsetex_options);
    options.ttl_ms = 700;
    return kv_hsetex(db, K("sands"), wide_pairs, WIDE, &options);
}

static kv_status call_hsetex_kept(kv *db, struct results *results)
{
    (void)results;
    kv_hsetex_options options = KV_OPTIONS(kv_hsetex_options);
    options.flags = KV_KEEP_TTL;
    return kv_hsetex(db, K("sands"), wide_pairs, WIDE, &options);
}

static kv_status call_hsetex_new(kv *db, struct results *results)
{
    (void)results;
    kv_hsetex_options options = KV_OPTIONS(kv_hsetex_options);
    options.deadline_ms = INT64_C(1) << 45;
    return kv_hsetex(db, K("new"), wide_pairs, 3, &options);
}

DO(hscan, kv_hscan(db, K("table"), &results->number, 1000, ignore_field, NULL))

/* Sets: of integers, small, large. */
static bool are_members[WIDE];
DO(sadd, kv_sadd(db, K("set"), wide_keys, 1, &results->number))
DO(sadd_several, kv_sadd(db, K("set"), wide_keys, 3, &results->number))
DO(sadd_integer, kv_sadd(db, K("integers"), elements, 1, &results->number))
DO(sadd_no_integer, kv_sadd(db, K("integers"), wide_keys, 1, &results->number))
DO(sadd_new, kv_sadd(db, K("new"), elements, 1, &results->number))
DO(sadd_grown, kv_sadd(db, K("set"), wide_keys, WIDE, &results->number))
DO(sadd_outgrown, kv_sadd(db, K("set"), elements + 2, 1, &results->number))
DO(sadd_wide, kv_sadd(db, K("members"), wide_keys, WIDE, &results->number))
DO(sadd_due, kv_sadd(db, K("duelist"), wide_keys, WIDE, &results->number))
DO(srem, kv_srem(db, K("integers"), elements, 1, &results->number))
DO(srem_all, kv_srem(db, K("members"), wide_keys, WIDE, &results->number))
DO(sismember, kv_sismember(db, K("members"), K("w1")))
DO(smismember, kv_smismember(db, K("members"), wide_keys, WIDE, are_members))
DO(scard, kv_scard(db, K("members"), &results->number))
DO(smembers, kv_smembers(db, K("members"), NULL, ignore, NULL))
DO(smove, kv_smove(db, K("members"), K("integers"), K("w1")))
DO(smove_new, kv_smove(db, K("set"), K("new"), K("a")))
DO(spop, kv_spop(db, K("members"), 1, ignore, NULL, &results->number))
DO(spop_some, kv_spop(db, K("members"), 5, ignore, NULL, &results->number))
DO(spop_many, kv_spop(db, K("members"), 30, ignore, NULL, &results->number))
DO(spop_all, kv_spop(db, K("members"), WIDE, ignore, NULL, &results->number))
DO(srandmember, kv_srandmember(db, K("members"), 5, NULL, ignore, NULL))
DO(srandmember_many, kv_srandmember(db, K("members"), 30, NULL, ignore, NULL))
DO(srandmember_often, kv_srandmember(db, K("set"), -50, NULL, ignore, NULL))
DO(sscan, kv_sscan(db, K("members"), &results->number, 1000, ignore, NULL))
DO(sinter, kv_sinter(db, set_keys, 2, ignore, NULL))
DO(sunion, kv_sunion(db, set_keys, 6, ignore, NULL))
DO(sdiff, kv_sdiff(db, set_keys, 6, ignore, NULL))
DO(sintercard, kv_sintercard(db, set_keys, 2, 0, &results->number))
DO(sunioncard, kv_sunioncard(db, set_keys, 6, 0, &results->number))
DO(sdiffcard, kv_sdiffcard(db, set_keys, 6, 0, &results->number))
DO(sinterstore, kv_sinterstore(db, K("text"), set_keys, 1, &results->number))
DO(sinterstore_empty, kv_sinterstore(db, K("set"), set_keys, 2, &results->number))
DO(sunionstore, kv_sunionstore(db, K("new"), set_keys, 6, &results->number))
DO(sunionstore_due, kv_sunionstore(db, K("duelist"), set_keys + 1, 2, &results->number))
DO(sdiffstore, kv_sdiffstore(db, K("members"), set_keys, 6, &results->number))

/* Sorted sets: one small, one large. */
static kv_scored scored[3] = {
    {{"member3", 7}, 1.5}, {{"two", 3}, 30.5}, {{bytes_of_large, 9000}, 2}};
static const kv_slice members[3] = {{"member3", 7}, {"none", 4}, {"member4", 7}};
static const kv_slice zset_keys[2] = {{"zset", 4}, {"ranking", 7}};

static bool ignore_scored(void *context, kv_slice member, double score)
{
    (void)context, (void)member, (void)score;
    return true;
}

/* Nobody is told of what then does not come. */
static void count_begun(void *context, uint64_t count)
{
    *(uint64_t *)context = count;
}

static const kv_zrange_options *range_by(kv_zrange_by by)
{
    static kv_zrange_options range;
    range = KV_OPTIONS(kv_zrange_options);
    range.by = by;
    range.start = 1;
    range.stop = 100;
    range.minimum = (kv_zbound){KV_BOUND_INCLUDED, 1, KV_TEXT("member1")};
    range.maximum = (kv_zbound){KV_BOUND_EXCLUDED, 100, LARGE};
    return &range;
}

static const kv_zcombine_options *both_zsets(void)
{
    static const double weights[2] = {2, 0.5};
    static kv_zcombine_options sets;
    sets = KV_OPTIONS(kv_zcombine_options);
    sets.keys = zset_keys;
    sets.key_count = 2;
    sets.weights = weights;
    sets.aggregate = KV_MAX;
    return &sets;
}

DO(zadd, kv_zadd(db, K("zset"), scored, 2, 0, &results->number, NULL))
DO(zadd_one, kv_zadd(db, K("zset"), scored, 1, 0, &results->number, NULL))
DO(zadd_new, kv_zadd(db, K("new"), scored, 2, 0, NULL, &results->number))
DO(zadd_to_large, kv_zadd(db, K("zset"), scored, 3, 0, &results->number, NULL))
DO(zadd_one_to_large, kv_zadd(db, K("zset"), scored + 2, 1, 0, &results->number, NULL))
DO(zadd_all, kv_zadd(db, K("zset"), ranked, RANKED, 0, &results->number, NULL))
DO(zadd_all_present, kv_zadd(db, K("zset"), ranked, RANKED, KV_ZADD_XX, &results->number, NULL))
DO(zadd_ranking, kv_zadd(db, K("ranking"), scored, 3, 0, &results->number, NULL))
DO(zadd_ranking_one, kv_zadd(db, K("ranking"), scored + 1, 1, 0, &results->number, NULL))
DO(zadd_ranking_move, kv_zadd(db, K("ranking"), scored, 1, 0, NULL, &results->number))
DO(zincrby, kv_zincrby(db, K("zset"), K("member1"), 2.5, 0, &results->score))
DO(zincrby_new, kv_zincrby(db, K("new"), K("member1"), 2.5, 0, &results->score))
DO(zincrby_ranking, kv_zincrby(db, K("ranking"), K("member1"), 95.5, 0, &results->score))
DO(zrem, kv_zrem(db, K("zset"), members, 3, &results->number))
DO(zrem_ranking, kv_zrem(db, K("ranking"), members, 3, &results->number))
DO(zcard, kv_zcard(db, K("zset"), &results->number))
DO(zscore, kv_zscore(db, K("ranking"), K("member1"), &results->score))
DO(zmscore, kv_zmscore(db, K("zset"), members, 3, (double[3]){0}))
DO(zrank, kv_zrank(db, K("ranking"), K("member100"), KV_TAIL, &results->number, &results->score))
DO(zrange, kv_zrange(db, K("ranking"), range_by(KV_BY_SCORE), NULL, ignore_scored, NULL))
DO(zcount, kv_zcount(db, K("ranking"), range_by(KV_BY_SCORE), &results->number))
DO(zremrange_rank, kv_zremrange(db, K("ranking"), range_by(KV_BY_RANK), &results->number))
DO(zremrange_score, kv_zremrange(db, K("zset"), range_by(KV_BY_SCORE), &results->number))
DO(zremrange_name, kv_zremrange(db, K("zset"), range_by(KV_BY_NAME), &results->number))
DO(zrangestore, kv_zrangestore(db, K("zset"), K("ranking"), range_by(KV_BY_RANK), &results->number))
DO(zrangestore_name,
   kv_zrangestore(db, K("list"), K("zset"), range_by(KV_BY_NAME), &results->number))
DO(zrangestore_none,
   kv_zrangestore(db, K("list"), K("none"), range_by(KV_BY_NAME), &results->number))
DO(zpop, kv_zpop(db, K("ranking"), KV_TAIL, 150, ignore_scored, NULL, &results->number))
DO(zpop_all, kv_zpop(db, K("zset"), KV_HEAD, 150, ignore_scored, NULL, &results->number))
DO(zmpop, kv_zmpop(db, zset_keys, 2, KV_HEAD, 3, &results->index, ignore_scored, NULL))
DO(bzmpop, kv_bzmpop(db, zset_keys, 2, KV_TAIL, 3, 1, &results->index, ignore_scored, NULL))
DO(bzmpop_in_vain, kv_bzmpop(db, list_keys, 1, KV_TAIL, 3, 1, &results->index, ignore_scored, NULL))
DO(zrandmember, kv_zrandmember(db, K("ranking"), 5, count_begun, ignore_scored, &results->number))
DO(zscan, kv_zscan(db, K("zset"), &results->number, 10, ignore_scored, NULL))
DO(zunion, kv_zunion(db, both_zsets(), NULL, ignore_scored, NULL))
DO(zinter, kv_zinter(db, both_zsets(), NULL, ignore_scored, NULL))
DO(zdiff, kv_zdiff(db, both_zsets(), NULL, ignore_scored, NULL))
DO(zunionstore, kv_zunionstore(db, K("zset"), both_zsets(), &results->number))
DO(zinterstore, kv_zinterstore(db, K("list"), both_zsets(), &results->number))
DO(zdiffstore, kv_zdiffstore(db, K("list"), both_zsets(), &results->number))
DO(zintercard, kv_zintercard(db, zset_keys, 2, 3, &results->number))
/* Geo. */
static kv_geo_place geo_places[2] = {{{"member1", 7}, {13.4, 52.5}}, {{"Rome", 4}, {12.5, 41.9}}};

static bool ignore_geo(void *context, const kv_geo_found *found)
{
    (void)context, (void)found;
    return true;
}

/* The cells of low scores are in the far southwest. */
static const kv_geosearch_options *far_southwest(bool with_vertices)
{
    static const kv_geo_point vertices[3] = {{-180, -85}, {0, -85}, {-180, 0}};
    static kv_geosearch_options options;
    options = KV_OPTIONS(kv_geosearch_options);
    options.center = (kv_geo_point){-180, -85.05112878};
    options.radius = 1000;
    options.order = KV_GEO_NEAREST;
    options.shape = with_vertices ? KV_GEO_POLYGON : KV_GEO_CIRCLE;
    options.vertices = vertices;
    options.vertex_count = 3;
    return &options;
}

DO(geoadd, kv_geoadd(db, K("zset"), geo_places, 2, 0, &results->number, NULL))
DO(geoadd_one, kv_geoadd(db, K("new"), geo_places, 1, 0, &results->number, NULL))
DO(geopos, kv_geopos(db, K("ranking"), members, 3, (kv_geo_point[3]){{0, 0}}))
DO(geodist, kv_geodist(db, K("ranking"), K("member1"), K("member2"), &results->score))
DO(geosearch,
   kv_geosearch(db, K("ranking"), far_southwest(false), count_begun, ignore_geo, &results->number))
DO(geosearchstore,
   kv_geosearchstore(db, K("list"), K("ranking"), far_southwest(false), &results->number))
DO(geosearchstore_over_itself,
   kv_geosearchstore(db, K("zset"), K("zset"), far_southwest(true), &results->number))

CASE(geo_text)
{
    char text[12];
    (void)results, (void)db;
    if (!kv_geo_is_valid(geo_places[0].point)) return KV_BADARG;
    kv_geo_text(geo_places[0].point, text);
    return kv_geo_metres(KV_GEO_MILES) > 0 ? KV_OK : KV_BADARG;
}

DO(copy_zset, kv_copy(db, K("zset"), NULL, K("new"), false))
DO(copy_ranking, kv_copy(db, K("ranking"), kv_select(db, 5), K("new"), false))
DO(rename_ranking, kv_rename(db, K("ranking"), K("zset")))

/* Streams: one small, one large. */

static const kv_slice entry_pairs[4] = {{"a", 1}, {"b", 1}, {bytes_of_large, 3000}, {"d", 1}};
static kv_stream_id many_ids[150];

/* 1-0, 2-0... of which more than half are pending. */
static const kv_stream_id *ids(void)
{
    for (size_t i = 0; i < 150; i++) many_ids[i].ms = i + 1 + (i % 3) * 100;
    return many_ids;
}

static const kv_stream_trim *trim_to(uint64_t length, kv_stream_references references)
{
    static kv_stream_trim trim;
    trim = KV_OPTIONS(kv_stream_trim);
    trim.length = length;
    trim.references = references;
    return &trim;
}

static kv_status xadd(kv *db, kv_slice key, size_t pairs, const kv_stream_trim *trim,
                      struct results *results)
{
    kv_xadd_options options = KV_OPTIONS(kv_xadd_options);
    kv_stream_id id = {77, 77};
    options.trim = trim;
    kv_status status = kv_xadd(db, key, entry_pairs, pairs, &options, &id);
    TRY(status == KV_OK || (id.ms == 77 && id.sequence == 77));
    (void)results;
    return status;
}

DO(xadd, xadd(db, K("stream"), 1, NULL, results))
DO(xadd_new, xadd(db, K("new"), 2, NULL, results))
DO(xadd_large, xadd(db, K("log"), 2, NULL, results))
DO(xadd_trimming, xadd(db, K("log"), 1, trim_to(50, KV_REFERENCES_DELETE), results))
DO(xlen, kv_xlen(db, K("log"), &results->number))
DO(xrange, kv_xrange(db, K("log"), (kv_stream_id){5, 0}, (kv_stream_id){900, 0}, KV_TAIL, 700,
                     ignore_entry, NULL))
DO(xdel, kv_xdel(db, K("log"), ids(), 150, &results->number))
DO(xdel_few, kv_xdel(db, K("stream"), ids(), 3, &results->number))
DO(xdelex, kv_xdelex(db, K("log"), ids(), 150, KV_REFERENCES_DELETE, ignore_deletion, NULL))
DO(xdelex_acked, kv_xdelex(db, K("log"), ids(), 150, KV_REFERENCES_ACKED, ignore_deletion, NULL))
DO(xtrim, kv_xtrim(db, K("log"), trim_to(333, KV_REFERENCES_KEEP), &results->number))
DO(xtrim_acked, kv_xtrim(db, K("log"), trim_to(10, KV_REFERENCES_DELETE), &results->number))
DO(xsetid, kv_xsetid(db, K("stream"), (kv_stream_id){UINT64_C(1) << 60, 5}, NULL))

CASE(xinfo)
{
    kv_stream_info info = KV_OPTIONS(kv_stream_info);
    (void)results;
    return kv_xinfo(db, K("log"), &info, ignore_entry, NULL);
}

CASE(xinfo_full)
{
    kv_stream_visitors visitors = KV_OPTIONS(kv_stream_visitors);
    (void)results;
    visitors.entry = ignore_entry;
    visitors.group = ignore_group;
    visitors.pending = visitors.pending_of_consumer = ignore_pending;
    visitors.consumer = ignore_consumer;
    return kv_xinfo_full(db, K("log"), 0, &visitors, NULL);
}

static kv_status xread(kv *db, bool of_group, bool waits, kv_stream_id after, bool only_new)
{
    kv_stream_from streams[12];
    kv_xread_options options = KV_OPTIONS(kv_xread_options);
    for (size_t i = 0; i < 12; i++) {
        streams[i] = (kv_stream_from){
            .key = i % 2 == 0 ? K("log") : K("stream"), .after = after, .only_new = only_new};
    }
    options.count = 70;
    options.wait = waits;
    options.timeout_ms = 1;
    size_t failed;
    return of_group ? kv_xreadgroup(db, K("g"), K("another"), streams, 12, &options, ignore_stream,
                                    ignore_entry, NULL, &failed)
                    : kv_xread(db, streams, 12, &options, ignore_stream, ignore_entry, NULL);
}

#define LAST ((kv_stream_id){UINT64_MAX, 0})

DO(xread, xread(db, false, false, (kv_stream_id){3, 0}, false))
DO(xread_waiting, xread(db, false, true, LAST, false))
DO(xread_waiting_for_new, xread(db, false, true, LAST, true))
DO(xreadgroup, xread(db, true, false, LAST, true))
DO(xreadgroup_again, xread(db, true, false, (kv_stream_id){0, 0}, false))

/* Whose consumer is there already: else it would be made, and stay if the wait has no memory. */
CASE(xreadgroup_waiting)
{
    kv_stream_from from = {.key = K("empty"), .only_new = true};
    kv_xread_options options = KV_OPTIONS(kv_xread_options);
    (void)results;
    options.wait = true;
    options.timeout_ms = 1;
    return kv_xreadgroup(db, K("g"), K("c"), &from, 1, &options, NULL, NULL, NULL, NULL);
}

CASE(xgroup_create)
{
    kv_xgroup_options options = KV_OPTIONS(kv_xgroup_options);
    (void)results;
    options.create_stream = true;
    return kv_xgroup_create(db, K("new"), K("a group"), &options);
}

DO(xgroup_create_more, kv_xgroup_create(db, K("log"), K("a group"), NULL))
DO(xgroup_setid, kv_xgroup_setid(db, K("log"), K("g"), NULL))
DO(xgroup_destroy, kv_xgroup_destroy(db, K("log"), K("g")))
DO(xgroup_createconsumer, kv_xgroup_createconsumer(db, K("stream"), K("g"), K("another")))
DO(xgroup_delconsumer, kv_xgroup_delconsumer(db, K("log"), K("g"), K("c"), &results->number))
DO(xack, kv_xack(db, K("log"), K("g"), ids(), 150, &results->number))
DO(xackdel,
   kv_xackdel(db, K("log"), K("g"), ids(), 150, KV_REFERENCES_ACKED, ignore_deletion, NULL))
DO(xpending, kv_xpending(db, K("log"), K("g"), NULL, ignore_count, NULL))

CASE(xpending_range)
{
    kv_xpending_options options = KV_OPTIONS(kv_xpending_options);
    kv_slice consumer = K("c");
    (void)results;
    options.last = LAST;
    options.consumer = &consumer;
    return kv_xpending_range(db, K("log"), K("g"), &options, ignore_pending, NULL);
}

CASE(xclaim)
{
    kv_xclaim_options options = KV_OPTIONS(kv_xclaim_options);
    (void)results;
    options.force = true;
    options.last = (kv_stream_id){1000, 0};
    return kv_xclaim(db, K("log"), K("g"), K("another"), ids(), 150, &options, ignore_entry, NULL);
}

CASE(xautoclaim)
{
    kv_xclaim_options options = KV_OPTIONS(kv_xclaim_options);
    kv_stream_id next = {77, 77};
    options.count = 150;
    kv_status status =
        kv_xautoclaim(db, K("log"), K("g"), K("another"), &options, ignore_entry, NULL, &next);
    TRY(status == KV_OK || next.ms == 77);
    (void)results;
    return status;
}

DO(xinfo_groups, kv_xinfo_groups(db, K("log"), ignore_group, NULL))
DO(xinfo_consumers, kv_xinfo_consumers(db, K("log"), K("g"), ignore_consumer, NULL))
DO(copy_stream, kv_copy(db, K("stream"), NULL, K("new"), false))
DO(copy_log, kv_copy(db, K("log"), kv_select(db, 3), K("new"), false))
DO(rename_stream, kv_rename(db, K("stream"), K("another name")))

CASE(stream_ids)
{
    kv_stream_id id;
    bool has_sequence;
    char text[KV_STREAM_ID_SIZE];
    (void)db;
    (void)results;
    MUST(kv_stream_id_format(text, (kv_stream_id){5, 3}) == 3);
    MUST(!kv_stream_entry_next(NULL, NULL, NULL));
    return kv_stream_id_parse(kv_bytes(text, 3), &id, &has_sequence);
}
/* Sorting: with a key for each element, and without. */
#define SORTED(...) ((kv_sort_options){.size = sizeof(kv_sort_options), __VA_ARGS__})
#define SORTED_BY(x)    \
    .by = &(kv_slice)   \
    {                   \
        x, sizeof x - 1 \
    }
static const kv_slice sort_get[2] = {{"#", 1}, {"none:*->field", 13}};
DO(sort_integers, kv_sort(db, K("integers"), NULL, NULL, ignore_at, NULL))
DO(sort_by,
   kv_sort(db, K("members"), &SORTED(SORTED_BY("*"), .alphabetic = true), NULL, ignore_at, NULL))
DO(sort_get, kv_sort(db, K("tree"), &SORTED(SORTED_BY("nosort"), .get = sort_get, .get_count = 2),
                     NULL, ignore_at, NULL))
DO(sortstore,
   kv_sortstore(db, K("new"), K("members"), &SORTED(.alphabetic = true), &results->number))
DO(sortstore_by,
   kv_sortstore(db, K("text"), K("integers"),
                &SORTED(SORTED_BY("none:*"), .get = sort_get, .get_count = 2), &results->number))
DO(sortstore_nothing, kv_sortstore(db, K("text"), K("none"), NULL, &results->number))

CASE(wait)
{
    (void)results;
    kv_wait_options options = KV_OPTIONS(kv_wait_options);
    kv_waiter *waiter = NULL;
    options.keys = &tree_key;
    options.key_count = 1;
    options.count = 50;
    options.done = ignore_result;
    return kv_wait(db, &options, &waiter);
}

static kv_status attempt_get(void *context, kv *txn, size_t key_index, kv_slice key)
{
    (void)key_index;
    return kv_getdel(txn, key, context);
}

CASE(wait_here)
{
    kv_slice key = K("text");
    kv_wait_options options = KV_OPTIONS(kv_wait_options);
    options.keys = &key;
    options.key_count = 1;
    options.type = KV_TYPE_STRING;
    options.attempt = attempt_get;
    options.context = &results->buffer;
    return kv_wait_here(db, &options, 1, &results->index);
}

CASE(wait_cancel)
{
    (void)results;
    static const kv_slice many[3] = {{"none", 4}, {"none at all", 11}, {"not one", 7}};
    kv_wait_options options = KV_OPTIONS(kv_wait_options);
    kv_waiter *waiter = NULL;
    options.keys = many;
    options.key_count = 3;
    options.done = ignore_result;
    kv_status status = kv_wait(db, &options, &waiter);
    if (status != KV_PENDING) return status; /* KV_TIMEOUT in a transaction */
    MUST(kv_wait_cancel(waiter) == KV_OK);
    return KV_TIMEOUT;
}

CASE(batch)
{
    (void)results;
    kv_operation operations[WIDE];
    for (int i = 0; i < WIDE; i++)
        operations[i] = (kv_operation){.kind = KV_OPERATION_EXISTS, .key = wide_keys[i]};
    return kv_batch(db, operations, WIDE);
}

/* One after another by itself: each is undone or done, as its status says. */
CASE(batch_one)
{
    kv_operation operation = {
        .kind = KV_OPERATION_RPUSH, .key = K("tree"), .value = LARGE, .number = -77};
    kv_status status = kv_batch(db, &operation, 1);
    results->integer = operation.number == -77 ? -77 : 0;
    return status == KV_OK ? operation.status : status;
}

/* The store. */
DO(tick, kv_tick(db, 0))

CASE(stats)
{
    (void)results;
    kv_statistics statistics = KV_OPTIONS(kv_statistics);
    kv_stats_reset(db);
    return kv_stats(db, &statistics);
}

CASE(database_stats)
{
    (void)results;
    kv_database_info info = KV_OPTIONS(kv_database_info);
    return kv_database_stats(db, &info);
}

CASE(configure)
{
    kv_status status = kv_configure(db, KV_SETTING_ACTIVE_EXPIRE, 1);
    return status == KV_OK ? kv_configuration(db, KV_SETTING_ACTIVE_EXPIRE, &results->integer)
                           : status;
}

CASE(view)
{
    (void)results;
    kv *view;
    kv_status status = kv_view_open(db, &view);
    if (status != KV_OK) return status;
    kv_view_touches(view, false);
    kv_view_expires(view, false);
    kv_view_refresh(view);
    kv_view_close(view);
    return KV_OK;
}

/* What needs no memory and has no result that could fail. */
CASE(without_memory)
{
    char text[32];
    double number;
    kv_usage usage = KV_OPTIONS(kv_usage);
    (void)results;
    MUST(kv_usage_by_type(db, 10, &usage) == KV_OK);
    kv_prefetch(db, wide_keys, WIDE);
    kv_prefetch_members(db, wide_keys, wide_keys, WIDE);
    kv_check(db);
    MUST(kv_select(db, 3) != NULL && kv_database(db) == 0 && kv_databases(db) == 16);
    MUST(kv_now(db) > 0 && kv_next_deadline(db) > 0);
    MUST(strcmp(kv_type_name(KV_TYPE_LIST), "list") == 0 && kv_strerror(KV_NOMEM) != NULL &&
         kv_version() != NULL);
    MUST(kv_match(K("*"), K("x"), false) && kv_format_double(text, 0.5) == 3);
    return kv_parse_double(K("0.5"), &number);
}

CASE(history)
{
    kv_history *history;
    kv_position oldest, newest;
    kv_status status = kv_history_open(db, 4096, &history);
    if (status != KV_OK) return status;
    kv_history_oldest(history, &oldest);
    kv_history_newest(history, &newest);
    MUST(kv_history_read(history, &newest, &results->buffer, ignore_changes, NULL) == KV_NONE);
    MUST(oldest.number == 0 && newest.number == 0);
    kv_history_close(history);
    return KV_OK;
}

static kv_status ignore_bytes(void *context, kv_slice bytes)
{
    (void)context;
    (void)bytes;
    return KV_OK;
}

CASE(snapshot)
{
    (void)results;
    const kv_slice aux[2] = {KV_TEXT("name"), KV_TEXT("value")};
    kv_snapshot_options options = KV_OPTIONS(kv_snapshot_options);
    kv_snapshot_progress progress = KV_OPTIONS(kv_snapshot_progress);
    kv_snapshot *snapshot;
    options.aux = aux;
    options.aux_count = 2;
    kv_status status = kv_snapshot_begin(db, &options, ignore_bytes, NULL, &snapshot);
    if (status != KV_OK) return status;
    status = kv_snapshot_step(snapshot, 0);
    MUST(kv_snapshot_stats(snapshot, &progress) == KV_OK);
    MUST(status != KV_OK || progress.keys == progress.keys_total);
    MUST(kv_snapshot_end(snapshot) == status);
    return status;
}

CASE(freeze)
{
    kv_freeze_info info = KV_OPTIONS(kv_freeze_info);
    kv *view;
    kv_status status = kv_freeze(db, NULL, &view);
    if (status != KV_OK) return status;
    status = kv_get(view, KV_TEXT("text"), &results->buffer);
    MUST(kv_freeze_stats(view, &info) == KV_OK);
    MUST(kv_thaw(view) == KV_OK);
    return status;
}

CASE(freeze_writing)
{
    kv *view;
    kv_status status = kv_freeze(db, NULL, &view);
    if (status != KV_OK) return status;
    status = kv_append(db, KV_TEXT("text"), LARGE, &results->number);
    kv_status lost = kv_thaw(view);
    MUST(lost == KV_OK || lost == KV_LOST);
    return status;
}

CASE(save)
{
    (void)results;
    return kv_save(db, "/dev/null/not-a-directory", NULL);
}

/* A string, a list and a hash, in two databases, with a field and without a sum. */
static const char loaded[] = "REDIS0010\xfa\1n\1v\xfe\0\0\4text\5value\1\4list\2\1a\1b"
                             "\xfe\1\xfc\0\0\0\0\0\2\0\0\4\4hash\2\1f\1v\1g\xc0\7"
                             "\xff\0\0\0\0\0\0\0\0";

static kv_status read_loaded(void *context, void *bytes, size_t room, size_t *size)
{
    size_t *at = context, left = sizeof loaded - 1 - *at;
    *size = left < room ? left : room;
    memcpy(bytes, loaded + *at, *size);
    *at += *size;
    return KV_OK;
}

static kv_status sweep_load(kv *db, unsigned threads)
{
    size_t at = 0;
    kv_load_options options = KV_OPTIONS(kv_load_options);
    kv_load_report report = KV_OPTIONS(kv_load_report);
    options.replaces = true;
    options.threads = threads;
    kv_status status = kv_load(db, read_loaded, &at, &options, &report);
    MUST(status != KV_OK || report.keys == 3);
    return status;
}

DO(load, sweep_load(db, 0))
DO(load_with_a_thread, sweep_load(db, 1))

CASE(load_file)
{
    (void)results;
    return kv_load_file(db, "/dev/null/not-a-directory", NULL, NULL);
}

CASE(attach)
{
    void *data;
    (void)results;
    kv_status status = kv_attach(db, K("test.attach"), &data);
    MUST(kv_detach(db, K("test.attach"), NULL) == (status == KV_OK ? KV_OK : KV_NONE));
    return status;
}

CASE(follow)
{
    (void)results;
    kv_follower *follower;
    kv_status status = kv_follow(db, ignore_changes, NULL, &follower);
    if (status == KV_OK) kv_unfollow(follower);
    return status;
}

CASE(follow_messages)
{
    (void)results;
    kv_follower *follower;
    kv *txn;
    kv_status status = kv_follow_messages(db, ignore_changes, NULL, &follower);
    if (status != KV_OK) return status;
    status = kv_begin(db, NULL, &txn);
    if (status == KV_OK) {
        status = kv_publish(txn, K("news"), K("rain"), NULL);
        MUST(kv_commit(txn) == KV_OK);
    }
    kv_unfollow(follower);
    return status;
}

static void keep_message(void *context, const kv_message *message)
{
    int *kept = context;
    const kv_message *copy = kv_message_keep(message);
    if (copy == NULL) return;
    ++*kept;
    kv_message_release(copy);
}

static bool ignore_channel(void *context, kv_slice name, uint64_t subscribers)
{
    (void)context;
    (void)name;
    (void)subscribers;
    return true;
}

CASE(subscribe)
{
    (void)results;
    kv_subscriber *subscriber;
    int kept = 0;
    kv_status status = kv_subscriber_open(db, keep_message, &kept, &subscriber);
    if (status != KV_OK) return status;
    status = kv_subscribe(subscriber, KV_CHANNEL, K("news"));
    if (status == KV_OK) status = kv_subscribe(subscriber, KV_PATTERN, K("n*"));
    if (status == KV_OK) status = kv_subscribe(subscriber, KV_SHARD_CHANNEL, K("news"));
    if (status == KV_OK) {
        uint64_t receivers;
        MUST(kv_publish(db, K("news"), K("rain"), &receivers) == KV_OK && receivers == 2);
        MUST(kv_spublish(db, K("news"), K("rain"), &receivers) == KV_OK && receivers == 1);
        MUST(kv_channels(db, KV_CHANNEL, NULL, ignore_channel, NULL) == KV_OK);
        MUST(kv_channel_count(db, KV_CHANNEL) > 0);
        MUST(kv_channel_subscribers(db, KV_SHARD_CHANNEL, K("news")) == 1);
        MUST(kv_unsubscribe(subscriber, KV_CHANNEL, K("news")) == KV_OK);
        MUST(kv_unsubscribe_all(subscriber, KV_PATTERN, ignore, NULL) == KV_OK);
        MUST(kv_subscriptions(subscriber, KV_SHARD_CHANNEL) == 1);
        if (kept < 3) status = KV_NOMEM;
    }
    kv_subscriber_close(subscriber);
    return status;
}

CASE(watch)
{
    (void)results;
    kv_watch *watch;
    kv_status status = kv_watch_open(db, &watch);
    if (status != KV_OK) return status;
    status = kv_watch_add(watch, db, K("text"));
    if (status == KV_OK) status = kv_watch_add(watch, db, K("due"));
    MUST(!kv_watch_is_dirty(watch));
    kv_watch_reset(watch);
    kv_watch_close(watch);
    return status;
}

static kv_status call_transaction(kv *db, unsigned flags, bool aborts)
{
    kv_txn_options options = KV_OPTIONS(kv_txn_options);
    kv *txn;
    options.keys = wide_keys;
    options.key_count = WIDE;
    options.flags = flags;
    kv_status status = kv_begin(db, &options, &txn);
    if (status != KV_OK) return status;
    status = kv_mset(txn, wide_keys, wide_values, WIDE);
    MUST((aborts ? kv_abort(txn) : kv_commit(txn)) == KV_OK);
    return status;
}

DO(commit, call_transaction(db, 0, false))
DO(abort, call_transaction(db, KV_TXN_ABORTABLE, true))

/* ---------------------------------------------------------------------------- the table of them */

enum mode { PLAIN, JOURNALED, TRANSACTION, ABORTABLE, MODES };

#define EVERYWHERE    0xfu
#define OUTSIDE       (1u << PLAIN | 1u << JOURNALED) /* of transactions */
#define NOT_ABORTABLE (OUTSIDE | 1u << TRANSACTION)

struct row {
    const char *functions; /* those whose sweep this is, each word one */
    const char *name;      /* which of their uses */
    kv_status (*call)(kv *db, struct results *results);
    kv_status expected; /* with memory */
    unsigned modes;
};

#define ROW(functions, name, expected, modes)          \
    {                                                  \
        functions, #name, call_##name, expected, modes \
    }

static const struct row rows[] = {
    ROW("kv_del", del_one, KV_OK, EVERYWHERE),
    ROW("kv_del", del_two, KV_OK, EVERYWHERE),
    ROW("kv_del", del_wide, KV_OK, EVERYWHERE),
    ROW("kv_del", del_due, KV_OK, EVERYWHERE),
    ROW("kv_unlink", unlink_tree, KV_OK, EVERYWHERE),
    ROW("kv_unlink", unlink_wide, KV_OK, EVERYWHERE),
    ROW("kv_exists", exists_wide, KV_OK, EVERYWHERE),
    ROW("kv_touch", touch_wide, KV_OK, EVERYWHERE),
    ROW("kv_type_of", type_of, KV_OK, EVERYWHERE),
    ROW("kv_rename", rename_text, KV_OK, EVERYWHERE),
    ROW("kv_rename", rename_tree, KV_OK, EVERYWHERE),
    ROW("kv_rename", rename_large, KV_OK, EVERYWHERE),
    ROW("kv_rename", rename_list, KV_OK, EVERYWHERE),
    ROW("kv_rename", rename_timed, KV_OK, EVERYWHERE),
    ROW("kv_rename", rename_to_due, KV_OK, EVERYWHERE),
    ROW("kv_renamenx", renamenx, KV_OK, EVERYWHERE),
    ROW("kv_copy", copy_text, KV_OK, EVERYWHERE),
    ROW("kv_copy", copy_large, KV_OK, EVERYWHERE),
    ROW("kv_copy", copy_list, KV_OK, EVERYWHERE),
    ROW("kv_copy", copy_tree, KV_OK, EVERYWHERE),
    ROW("kv_copy", copy_timed, KV_OK, EVERYWHERE),
    ROW("kv_dump", dump_text, KV_OK, EVERYWHERE),
    ROW("kv_dump", dump_large, KV_OK, EVERYWHERE),
    ROW("kv_dump", dump_tree, KV_OK, EVERYWHERE),
    ROW("kv_dump", dump_hash, KV_OK, EVERYWHERE),
    ROW("kv_dump", dump_sands, KV_OK, EVERYWHERE),
    ROW("kv_dump", dump_members, KV_OK, EVERYWHERE),
    ROW("kv_dump", dump_ranking, KV_OK, EVERYWHERE),
    ROW("kv_dump", dump_log, KV_OK, EVERYWHERE),
    ROW("kv_dump_as", dump_hash_as, KV_OK, EVERYWHERE),
    ROW("kv_restore", restore_text, KV_OK, EVERYWHERE),
    ROW("kv_restore", restore_number, KV_OK, EVERYWHERE),
    ROW("kv_restore", restore_large, KV_OK, EVERYWHERE),
    ROW("kv_restore", restore_list, KV_OK, EVERYWHERE),
    ROW("kv_restore", restore_tree, KV_OK, EVERYWHERE),
    ROW("kv_restore", restore_hash, KV_OK, EVERYWHERE),
    ROW("kv_restore", restore_table, KV_OK, EVERYWHERE),
    ROW("kv_restore", restore_fading, KV_OK, EVERYWHERE),
    ROW("kv_restore", restore_sands, KV_OK, EVERYWHERE),
    ROW("kv_restore", restore_integers, KV_OK, EVERYWHERE),
    ROW("kv_restore", restore_set, KV_OK, EVERYWHERE),
    ROW("kv_restore", restore_members, KV_OK, EVERYWHERE),
    ROW("kv_restore", restore_zset, KV_OK, EVERYWHERE),
    ROW("kv_restore", restore_ranking, KV_OK, EVERYWHERE),
    ROW("kv_restore", restore_stream, KV_OK, EVERYWHERE),
    ROW("kv_restore", restore_log, KV_OK, EVERYWHERE),
    ROW("kv_restore", restore_past, KV_OK, EVERYWHERE),
    ROW("kv_move", move_list, KV_OK, EVERYWHERE),
    ROW("kv_move", move_tree, KV_OK, EVERYWHERE),
    ROW("kv_swapdb", swapdb, KV_OK, NOT_ABORTABLE),
    ROW("kv_randomkey", randomkey, KV_OK, EVERYWHERE),
    ROW("kv_count", count, KV_OK, EVERYWHERE),
    ROW("kv_scan", scan, KV_OK, EVERYWHERE),
    ROW("kv_keys", keys, KV_OK, EVERYWHERE),
    ROW("kv_delete_matching", delete_matching, KV_OK, EVERYWHERE),
    ROW("kv_flush", flush, KV_OK, EVERYWHERE),
    ROW("kv_flush", flush_later, KV_OK, EVERYWHERE),
    ROW("kv_flush_all", flush_all, KV_OK, EVERYWHERE),
    ROW("kv_flush_all", flush_all_later, KV_OK, EVERYWHERE),
    ROW("kv_expire", expire, KV_OK, EVERYWHERE),
    ROW("kv_expire", expire_later, KV_OK, EVERYWHERE),
    ROW("kv_expire", expire_now, KV_OK, EVERYWHERE),
    ROW("kv_expire_at", expire_at, KV_OK, EVERYWHERE),
    ROW("kv_ttl", ttl, KV_OK, EVERYWHERE),
    ROW("kv_ttl", ttl_due, KV_NONE, EVERYWHERE),
    ROW("kv_deadline", deadline, KV_OK, EVERYWHERE),
    ROW("kv_persist", persist, KV_OK, EVERYWHERE),
    ROW("kv_object", object, KV_OK, EVERYWHERE),
    ROW("kv_version_of", version_of, KV_OK, EVERYWHERE),

    ROW("kv_set", set_same_size, KV_OK, EVERYWHERE),
    ROW("kv_set", set_new, KV_OK, EVERYWHERE),
    ROW("kv_set", set_new_database, KV_OK, EVERYWHERE),
    ROW("kv_set", set_number, KV_OK, EVERYWHERE),
    ROW("kv_set", set_over_tree, KV_OK, EVERYWHERE),
    ROW("kv_set", set_large, KV_OK, EVERYWHERE),
    ROW("kv_set", set_due, KV_OK, EVERYWHERE),
    ROW("kv_set", set_timed, KV_OK, EVERYWHERE),
    ROW("kv_set", set_getting_old, KV_OK, EVERYWHERE),
    ROW("kv_set", set_past, KV_OK, EVERYWHERE),
    ROW("kv_get kv_buffer_free", get, KV_OK, EVERYWHERE),
    ROW("kv_get", get_due, KV_NONE, EVERYWHERE),
    ROW("kv_read", read, KV_OK, EVERYWHERE),
    ROW("kv_getdel", getdel, KV_OK, EVERYWHERE),
    ROW("kv_getex", getex, KV_OK, EVERYWHERE),
    ROW("kv_getex", getex_persist, KV_OK, EVERYWHERE),
    ROW("kv_mget", mget, KV_OK, EVERYWHERE),
    ROW("kv_mset", mset, KV_OK, EVERYWHERE),
    ROW("kv_mset", mset_few, KV_OK, EVERYWHERE),
    ROW("kv_msetnx", msetnx, KV_OK, EVERYWHERE),
    ROW("kv_append", append, KV_OK, EVERYWHERE),
    ROW("kv_append", append_much, KV_OK, EVERYWHERE),
    ROW("kv_append", append_to_large, KV_OK, EVERYWHERE),
    ROW("kv_append", append_new, KV_OK, EVERYWHERE),
    ROW("kv_strlen", strlen_, KV_OK, EVERYWHERE),
    ROW("kv_getrange", getrange, KV_OK, EVERYWHERE),
    ROW("kv_read_range", read_range, KV_OK, EVERYWHERE),
    ROW("kv_setrange", setrange, KV_OK, EVERYWHERE),
    ROW("kv_setrange", setrange_far, KV_OK, EVERYWHERE),
    ROW("kv_incrby", incrby, KV_OK, EVERYWHERE),
    ROW("kv_incrby", incrby_new, KV_OK, EVERYWHERE),
    ROW("kv_decrby", decrby, KV_OK, EVERYWHERE),
    ROW("kv_incr", incr, KV_OK, EVERYWHERE),
    ROW("kv_decr", decr, KV_OK, EVERYWHERE),
    ROW("kv_incrbyfloat", incrbyfloat, KV_OK, EVERYWHERE),
    ROW("kv_lcs", lcs, KV_OK, EVERYWHERE),

    ROW("kv_setbit", setbit, KV_OK, EVERYWHERE),
    ROW("kv_setbit", setbit_far, KV_OK, EVERYWHERE),
    ROW("kv_setbit", setbit_new, KV_OK, EVERYWHERE),
    ROW("kv_setbit", setbit_number, KV_OK, EVERYWHERE),
    ROW("kv_setbit", setbit_same, KV_OK, EVERYWHERE),
    ROW("kv_getbit", getbit, KV_OK, EVERYWHERE),
    ROW("kv_bitcount", bitcount, KV_OK, EVERYWHERE),
    ROW("kv_bitpos", bitpos, KV_OK, EVERYWHERE),
    ROW("kv_bitop", bitop_not, KV_OK, EVERYWHERE),
    ROW("kv_bitop", bitop_many, KV_OK, EVERYWHERE),
    ROW("kv_bitop", bitop_in_place, KV_OK, EVERYWHERE),
    ROW("kv_bitop", bitop_timed, KV_OK, EVERYWHERE),
    ROW("kv_bitop", bitop_due, KV_OK, EVERYWHERE),
    ROW("kv_bitfield", bitfield, KV_OK, EVERYWHERE),
    ROW("kv_bitfield", bitfield_new, KV_OK, EVERYWHERE),
    ROW("kv_bitfield", bitfield_large, KV_OK, EVERYWHERE),

    ROW("kv_pfadd", pfadd, KV_OK, EVERYWHERE),
    ROW("kv_pfadd", pfadd_new, KV_OK, EVERYWHERE),
    ROW("kv_pfadd", pfadd_same, KV_OK, EVERYWHERE),
    ROW("kv_pfadd", pfadd_many, KV_OK, EVERYWHERE),
    ROW("kv_pfadd", pfadd_dense, KV_OK, EVERYWHERE),
    ROW("kv_pfcount", pfcount, KV_OK, EVERYWHERE),
    ROW("kv_pfcount", pfcount_dense, KV_OK, EVERYWHERE),
    ROW("kv_pfcount", pfcount_many, KV_OK, EVERYWHERE),
    ROW("kv_pfmerge", pfmerge, KV_OK, EVERYWHERE),
    ROW("kv_pfmerge", pfmerge_new, KV_OK, EVERYWHERE),
    ROW("kv_pfmerge", pfmerge_dense, KV_OK, EVERYWHERE),
    ROW("kv_pfregisters kv_pfruns", pfregisters, KV_OK, EVERYWHERE),
    ROW("kv_pfdense", pfdense, KV_OK, EVERYWHERE),

    ROW("kv_lpush", lpush, KV_OK, EVERYWHERE),
    ROW("kv_lpush", lpush_new, KV_OK, EVERYWHERE),
    ROW("kv_lpush", lpush_wide, KV_OK, EVERYWHERE),
    ROW("kv_rpush", rpush, KV_OK, EVERYWHERE),
    ROW("kv_rpush", rpush_due, KV_OK, EVERYWHERE),
    ROW("kv_lpushx", lpushx, KV_OK, EVERYWHERE),
    ROW("kv_rpushx", rpushx, KV_OK, EVERYWHERE),
    ROW("kv_lpop", lpop, KV_OK, EVERYWHERE),
    ROW("kv_rpop", rpop, KV_OK, EVERYWHERE),
    ROW("kv_pop", pop, KV_OK, EVERYWHERE),
    ROW("kv_pop", pop_all, KV_OK, EVERYWHERE),
    ROW("kv_llen", llen, KV_OK, EVERYWHERE),
    ROW("kv_lindex", lindex, KV_OK, EVERYWHERE),
    ROW("kv_lset", lset, KV_OK, EVERYWHERE),
    ROW("kv_lset", lset_small, KV_OK, EVERYWHERE),
    ROW("kv_linsert", linsert, KV_OK, EVERYWHERE),
    ROW("kv_linsert", linsert_small, KV_OK, EVERYWHERE),
    ROW("kv_lrem", lrem, KV_OK, EVERYWHERE),
    ROW("kv_lrem", lrem_one, KV_OK, EVERYWHERE),
    ROW("kv_ltrim", ltrim, KV_OK, EVERYWHERE),
    ROW("kv_lrange", lrange, KV_OK, EVERYWHERE),
    ROW("kv_lpos", lpos, KV_OK, EVERYWHERE),
    ROW("kv_lmove", lmove, KV_OK, EVERYWHERE),
    ROW("kv_lmove", lmove_new, KV_OK, EVERYWHERE),
    ROW("kv_lmove", lmove_round, KV_OK, EVERYWHERE),
    ROW("kv_lmove", lmove_unseen, KV_OK, EVERYWHERE),
    ROW("kv_lmpop", lmpop, KV_OK, EVERYWHERE),
    ROW("kv_blpop", blpop, KV_OK, EVERYWHERE),
    ROW("kv_blpop", blpop_in_vain, KV_TIMEOUT, EVERYWHERE),
    ROW("kv_brpop", brpop, KV_OK, EVERYWHERE),
    ROW("kv_blmove", blmove, KV_OK, EVERYWHERE),
    ROW("kv_blmpop", blmpop, KV_OK, EVERYWHERE),

    ROW("kv_hset", hset, KV_OK, EVERYWHERE),
    ROW("kv_hset", hset_new, KV_OK, EVERYWHERE),
    ROW("kv_hset", hset_grown, KV_OK, EVERYWHERE),
    ROW("kv_hset", hset_wide, KV_OK, EVERYWHERE),
    ROW("kv_hset", hset_due, KV_OK, EVERYWHERE),
    ROW("kv_hsetnx", hsetnx, KV_OK, EVERYWHERE),
    ROW("kv_hget", hget, KV_OK, EVERYWHERE),
    ROW("kv_hmget", hmget, KV_OK, EVERYWHERE),
    ROW("kv_hexists", hexists, KV_OK, EVERYWHERE),
    ROW("kv_hstrlen", hstrlen, KV_OK, EVERYWHERE),
    ROW("kv_hlen", hlen, KV_OK, EVERYWHERE),
    ROW("kv_hdel", hdel, KV_OK, EVERYWHERE),
    ROW("kv_hdel", hdel_all, KV_OK, EVERYWHERE),
    ROW("kv_hgetdel", hgetdel, KV_OK, EVERYWHERE),
    ROW("kv_hincrby", hincrby, KV_OK, EVERYWHERE),
    ROW("kv_hincrby", hincrby_new, KV_OK, EVERYWHERE),
    ROW("kv_hincrbyfloat", hincrbyfloat, KV_OK, EVERYWHERE),
    ROW("kv_hgetall", hgetall, KV_OK, EVERYWHERE),
    ROW("kv_hrandfield", hrandfield, KV_OK, EVERYWHERE),
    ROW("kv_hrandfield", hrandfield_often, KV_OK, EVERYWHERE),
    ROW("kv_hexpire", hexpire, KV_OK, EVERYWHERE),
    ROW("kv_hexpire", hexpire_wide, KV_OK, EVERYWHERE),
    ROW("kv_hexpire", hexpire_sooner, KV_OK, EVERYWHERE),
    ROW("kv_hexpire", hexpire_past, KV_OK, EVERYWHERE),
    ROW("kv_hexpire_at", hexpire_at, KV_OK, EVERYWHERE),
    ROW("kv_hpersist", hpersist, KV_OK, EVERYWHERE),
    ROW("kv_hpersist", hpersist_wide, KV_OK, EVERYWHERE),
    ROW("kv_hdeadline", hdeadline, KV_OK, EVERYWHERE),
    ROW("kv_hlen", hlen_due, KV_OK, EVERYWHERE),
    ROW("kv_hset", hset_due_hash, KV_OK, EVERYWHERE),
    ROW("kv_hgetex", hgetex, KV_OK, EVERYWHERE),
    ROW("kv_hsetex", hsetex, KV_OK, EVERYWHERE),
    ROW("kv_hsetex", hsetex_wide, KV_OK, EVERYWHERE),
    ROW("kv_hsetex", hsetex_kept, KV_OK, EVERYWHERE),
    ROW("kv_hsetex", hsetex_new, KV_OK, EVERYWHERE),
    ROW("kv_expire", expire_fading, KV_OK, EVERYWHERE),
    ROW("kv_copy", copy_fading, KV_OK, EVERYWHERE),
    ROW("kv_copy", copy_sands, KV_OK, EVERYWHERE),
    ROW("kv_rename", rename_sands, KV_OK, EVERYWHERE),
    ROW("kv_hscan", hscan, KV_OK, EVERYWHERE),

    ROW("kv_sexpire", sexpire, KV_OK, EVERYWHERE),
    ROW("kv_sexpire", sexpire_wide, KV_OK, EVERYWHERE),
    ROW("kv_sexpire", sexpire_sooner, KV_OK, EVERYWHERE),
    ROW("kv_sexpire_at", sexpire_at, KV_OK, EVERYWHERE),
    ROW("kv_spersist", spersist, KV_OK, EVERYWHERE),
    ROW("kv_sdeadline", sdeadline, KV_OK, EVERYWHERE),
    ROW("kv_srem", srem_timed, KV_OK, EVERYWHERE),
    ROW("kv_copy", copy_timed_set, KV_OK, EVERYWHERE),
    ROW("kv_zexpire", zexpire, KV_OK, EVERYWHERE),
    ROW("kv_zexpire", zexpire_sooner, KV_OK, EVERYWHERE),
    ROW("kv_zexpire_at", zexpire_at, KV_OK, EVERYWHERE),
    ROW("kv_zpersist", zpersist, KV_OK, EVERYWHERE),
    ROW("kv_zdeadline", zdeadline, KV_OK, EVERYWHERE),
    ROW("kv_copy", copy_timed_zset, KV_OK, EVERYWHERE),
    ROW("kv_sort", sort_integers, KV_OK, EVERYWHERE),
    ROW("kv_sort", sort_by, KV_OK, EVERYWHERE),
    ROW("kv_sort", sort_get, KV_OK, EVERYWHERE),
    ROW("kv_sortstore", sortstore, KV_OK, EVERYWHERE),
    ROW("kv_sortstore", sortstore_by, KV_OK, EVERYWHERE),
    ROW("kv_sortstore", sortstore_nothing, KV_OK, EVERYWHERE),
    ROW("kv_sadd", sadd, KV_OK, EVERYWHERE),
    ROW("kv_sadd", sadd_several, KV_OK, EVERYWHERE),
    ROW("kv_sadd", sadd_integer, KV_OK, EVERYWHERE),
    ROW("kv_sadd", sadd_no_integer, KV_OK, EVERYWHERE),
    ROW("kv_sadd", sadd_new, KV_OK, EVERYWHERE),
    ROW("kv_sadd", sadd_grown, KV_OK, EVERYWHERE),
    ROW("kv_sadd", sadd_outgrown, KV_OK, EVERYWHERE),
    ROW("kv_sadd", sadd_wide, KV_OK, EVERYWHERE),
    ROW("kv_sadd", sadd_due, KV_OK, EVERYWHERE),
    ROW("kv_srem", srem, KV_OK, EVERYWHERE),
    ROW("kv_srem", srem_all, KV_OK, EVERYWHERE),
    ROW("kv_sismember", sismember, KV_OK, EVERYWHERE),
    ROW("kv_smismember", smismember, KV_OK, EVERYWHERE),
    ROW("kv_scard", scard, KV_OK, EVERYWHERE),
    ROW("kv_smembers", smembers, KV_OK, EVERYWHERE),
    ROW("kv_smove", smove, KV_OK, EVERYWHERE),
    ROW("kv_smove", smove_new, KV_OK, EVERYWHERE),
    ROW("kv_spop", spop, KV_OK, EVERYWHERE),
    ROW("kv_spop", spop_some, KV_OK, EVERYWHERE),
    ROW("kv_spop", spop_many, KV_OK, EVERYWHERE),
    ROW("kv_spop", spop_all, KV_OK, EVERYWHERE),
    ROW("kv_srandmember", srandmember, KV_OK, EVERYWHERE),
    ROW("kv_srandmember", srandmember_many, KV_OK, EVERYWHERE),
    ROW("kv_srandmember", srandmember_often, KV_OK, EVERYWHERE),
    ROW("kv_sscan", sscan, KV_OK, EVERYWHERE),
    ROW("kv_sinter", sinter, KV_OK, EVERYWHERE),
    ROW("kv_sunion", sunion, KV_OK, EVERYWHERE),
    ROW("kv_sdiff", sdiff, KV_OK, EVERYWHERE),
    ROW("kv_sintercard", sintercard, KV_OK, EVERYWHERE),
    ROW("kv_sunioncard", sunioncard, KV_OK, EVERYWHERE),
    ROW("kv_sdiffcard", sdiffcard, KV_OK, EVERYWHERE),
    ROW("kv_sinterstore", sinterstore, KV_OK, EVERYWHERE),
    ROW("kv_sinterstore", sinterstore_empty, KV_OK, EVERYWHERE),
    ROW("kv_sunionstore", sunionstore, KV_OK, EVERYWHERE),
    ROW("kv_sunionstore", sunionstore_due, KV_OK, EVERYWHERE),
    ROW("kv_sdiffstore", sdiffstore, KV_OK, EVERYWHERE),

    /* Sorted sets. */
    ROW("kv_zadd", zadd, KV_OK, EVERYWHERE),
    ROW("kv_zadd", zadd_one, KV_OK, EVERYWHERE),
    ROW("kv_zadd", zadd_new, KV_OK, EVERYWHERE),
    ROW("kv_zadd", zadd_to_large, KV_OK, EVERYWHERE),
    ROW("kv_zadd", zadd_one_to_large, KV_OK, EVERYWHERE),
    ROW("kv_zadd", zadd_all, KV_OK, EVERYWHERE),
    ROW("kv_zadd", zadd_all_present, KV_OK, EVERYWHERE),
    ROW("kv_zadd", zadd_ranking, KV_OK, EVERYWHERE),
    ROW("kv_zadd", zadd_ranking_one, KV_OK, EVERYWHERE),
    ROW("kv_zadd", zadd_ranking_move, KV_OK, EVERYWHERE),
    ROW("kv_zincrby", zincrby, KV_OK, EVERYWHERE),
    ROW("kv_zincrby", zincrby_new, KV_OK, EVERYWHERE),
    ROW("kv_zincrby", zincrby_ranking, KV_OK, EVERYWHERE),
    ROW("kv_zrem", zrem, KV_OK, EVERYWHERE),
    ROW("kv_zrem", zrem_ranking, KV_OK, EVERYWHERE),
    ROW("kv_zcard", zcard, KV_OK, EVERYWHERE),
    ROW("kv_zscore", zscore, KV_OK, EVERYWHERE),
    ROW("kv_zmscore", zmscore, KV_OK, EVERYWHERE),
    ROW("kv_zrank", zrank, KV_OK, EVERYWHERE),
    ROW("kv_zrange", zrange, KV_OK, EVERYWHERE),
    ROW("kv_zcount", zcount, KV_OK, EVERYWHERE),
    ROW("kv_zremrange", zremrange_rank, KV_OK, EVERYWHERE),
    ROW("kv_zremrange", zremrange_score, KV_OK, EVERYWHERE),
    ROW("kv_zremrange", zremrange_name, KV_OK, EVERYWHERE),
    ROW("kv_zrangestore", zrangestore, KV_OK, EVERYWHERE),
    ROW("kv_zrangestore", zrangestore_name, KV_OK, EVERYWHERE),
    ROW("kv_zrangestore", zrangestore_none, KV_OK, EVERYWHERE),
    ROW("kv_zpop", zpop, KV_OK, EVERYWHERE),
    ROW("kv_zpop", zpop_all, KV_OK, EVERYWHERE),
    ROW("kv_zmpop", zmpop, KV_OK, EVERYWHERE),
    ROW("kv_bzmpop", bzmpop, KV_OK, EVERYWHERE),
    ROW("kv_bzmpop", bzmpop_in_vain, KV_TIMEOUT, EVERYWHERE),
    ROW("kv_zrandmember", zrandmember, KV_OK, EVERYWHERE),
    ROW("kv_zscan", zscan, KV_OK, EVERYWHERE),
    ROW("kv_zunion", zunion, KV_OK, EVERYWHERE),
    ROW("kv_zinter", zinter, KV_OK, EVERYWHERE),
    ROW("kv_zdiff", zdiff, KV_OK, EVERYWHERE),
    ROW("kv_zunionstore", zunionstore, KV_OK, EVERYWHERE),
    ROW("kv_zinterstore", zinterstore, KV_OK, EVERYWHERE),
    ROW("kv_zdiffstore", zdiffstore, KV_OK, EVERYWHERE),
    ROW("kv_zintercard", zintercard, KV_OK, EVERYWHERE),
    ROW("kv_copy", copy_zset, KV_OK, EVERYWHERE),
    ROW("kv_copy", copy_ranking, KV_OK, EVERYWHERE),
    ROW("kv_rename", rename_ranking, KV_OK, EVERYWHERE),

    /* Geo. */
    ROW("kv_geoadd", geoadd, KV_OK, EVERYWHERE),
    ROW("kv_geoadd", geoadd_one, KV_OK, EVERYWHERE),
    ROW("kv_geopos", geopos, KV_OK, EVERYWHERE),
    ROW("kv_geodist", geodist, KV_OK, EVERYWHERE),
    ROW("kv_geosearch", geosearch, KV_OK, EVERYWHERE),
    ROW("kv_geosearchstore", geosearchstore, KV_OK, EVERYWHERE),
    ROW("kv_geosearchstore", geosearchstore_over_itself, KV_OK, EVERYWHERE),
    ROW("kv_geo_is_valid kv_geo_text kv_geo_metres", geo_text, KV_OK, EVERYWHERE),

    /* Bitmaps. */

    /* HyperLogLog. */

    /* Streams. */
    ROW("kv_xadd", xadd, KV_OK, EVERYWHERE),
    ROW("kv_xadd", xadd_new, KV_OK, EVERYWHERE),
    ROW("kv_xadd", xadd_large, KV_OK, EVERYWHERE),
    ROW("kv_xadd", xadd_trimming, KV_OK, EVERYWHERE),
    ROW("kv_xlen", xlen, KV_OK, EVERYWHERE),
    ROW("kv_xrange", xrange, KV_OK, EVERYWHERE),
    ROW("kv_xdel", xdel, KV_OK, EVERYWHERE),
    ROW("kv_xdel", xdel_few, KV_OK, EVERYWHERE),
    ROW("kv_xdelex", xdelex, KV_OK, EVERYWHERE),
    ROW("kv_xdelex", xdelex_acked, KV_OK, EVERYWHERE),
    ROW("kv_xtrim", xtrim, KV_OK, EVERYWHERE),
    ROW("kv_xtrim", xtrim_acked, KV_OK, EVERYWHERE),
    ROW("kv_xsetid", xsetid, KV_OK, EVERYWHERE),
    ROW("kv_xinfo", xinfo, KV_OK, EVERYWHERE),
    ROW("kv_xinfo_full", xinfo_full, KV_OK, EVERYWHERE),
    ROW("kv_xread", xread, KV_OK, EVERYWHERE),
    ROW("kv_xread", xread_waiting, KV_TIMEOUT, EVERYWHERE),
    ROW("kv_xread", xread_waiting_for_new, KV_TIMEOUT, EVERYWHERE),
    ROW("kv_xreadgroup", xreadgroup, KV_OK, EVERYWHERE),
    ROW("kv_xreadgroup", xreadgroup_again, KV_OK, EVERYWHERE),
    ROW("kv_xreadgroup", xreadgroup_waiting, KV_TIMEOUT, EVERYWHERE),
    ROW("kv_xgroup_create", xgroup_create, KV_OK, EVERYWHERE),
    ROW("kv_xgroup_create", xgroup_create_more, KV_OK, EVERYWHERE),
    ROW("kv_xgroup_setid", xgroup_setid, KV_OK, EVERYWHERE),
    ROW("kv_xgroup_destroy", xgroup_destroy, KV_OK, EVERYWHERE),
    ROW("kv_xgroup_createconsumer", xgroup_createconsumer, KV_OK, EVERYWHERE),
    ROW("kv_xgroup_delconsumer", xgroup_delconsumer, KV_OK, EVERYWHERE),
    ROW("kv_xack", xack, KV_OK, EVERYWHERE),
    ROW("kv_xackdel", xackdel, KV_OK, EVERYWHERE),
    ROW("kv_xpending", xpending, KV_OK, EVERYWHERE),
    ROW("kv_xpending_range", xpending_range, KV_OK, EVERYWHERE),
    ROW("kv_xclaim", xclaim, KV_OK, EVERYWHERE),
    ROW("kv_xautoclaim", xautoclaim, KV_OK, EVERYWHERE),
    ROW("kv_xinfo_groups", xinfo_groups, KV_OK, EVERYWHERE),
    ROW("kv_xinfo_consumers", xinfo_consumers, KV_OK, EVERYWHERE),
    ROW("kv_copy", copy_stream, KV_OK, EVERYWHERE),
    ROW("kv_copy", copy_log, KV_OK, EVERYWHERE),
    ROW("kv_rename", rename_stream, KV_OK, EVERYWHERE),
    ROW("kv_stream_id_parse kv_stream_id_format kv_stream_entry_next", stream_ids, KV_OK,
        EVERYWHERE),

    ROW("kv_wait", wait, KV_OK, EVERYWHERE),
    ROW("kv_wait_here", wait_here, KV_OK, EVERYWHERE),
    ROW("kv_wait kv_wait_cancel", wait_cancel, KV_TIMEOUT, EVERYWHERE),
    ROW("kv_batch", batch, KV_OK, EVERYWHERE),
    ROW("kv_batch", batch_one, KV_OK, EVERYWHERE),

    ROW("kv_tick", tick, KV_OK, OUTSIDE),
    ROW("kv_stats kv_stats_reset", stats, KV_OK, EVERYWHERE),
    ROW("kv_database_stats", database_stats, KV_OK, EVERYWHERE),
    ROW("kv_configure kv_configuration", configure, KV_OK, EVERYWHERE),
    ROW("kv_view_open kv_view_touches kv_view_expires kv_view_refresh kv_view_close", view, KV_OK,
        OUTSIDE),
    ROW("kv_prefetch kv_prefetch_members kv_check kv_select kv_database kv_databases kv_now "
        "kv_next_deadline kv_type_name kv_strerror kv_version kv_match kv_format_double "
        "kv_parse_double kv_usage_by_type",
        without_memory, KV_OK, EVERYWHERE),
    ROW("kv_attach kv_attached kv_detach", attach, KV_OK, EVERYWHERE),
    ROW("kv_follow kv_unfollow", follow, KV_OK, OUTSIDE),
    ROW("kv_follow_messages", follow_messages, KV_OK, OUTSIDE),
    ROW("kv_snapshot_begin kv_snapshot_step kv_snapshot_stats kv_snapshot_end", snapshot, KV_OK,
        OUTSIDE),
    ROW("kv_save", save, KV_IOERROR, OUTSIDE),
    ROW("kv_load", load, KV_OK, OUTSIDE),
    ROW("kv_load", load_with_a_thread, KV_OK, OUTSIDE),
    ROW("kv_load_file", load_file, KV_IOERROR, OUTSIDE),
    ROW("kv_freeze kv_freeze_stats kv_thaw", freeze, KV_OK, OUTSIDE),
    ROW("kv_freeze kv_append kv_thaw", freeze_writing, KV_OK, OUTSIDE),
    ROW("kv_history_open kv_history_oldest kv_history_newest kv_history_read kv_history_close",
        history, KV_OK, OUTSIDE),
    ROW("kv_subscriber_open kv_subscriber_close kv_subscribe kv_unsubscribe kv_unsubscribe_all "
        "kv_subscriptions kv_publish kv_spublish kv_message_keep kv_message_release kv_channels "
        "kv_channel_subscribers kv_channel_count",
        subscribe, KV_OK, EVERYWHERE),
    ROW("kv_watch_open kv_watch_add kv_watch_is_dirty kv_watch_reset kv_watch_close", watch, KV_OK,
        OUTSIDE),
    ROW("kv_begin kv_commit", commit, KV_OK, OUTSIDE),
    ROW("kv_begin kv_abort", abort, KV_OK, OUTSIDE),
};

#undef ROW

#define ROWS (sizeof rows / sizeof *rows)

/* ------------------------------------------------------------------------------------ the sweep */

static int journaled_calls;

static void count_calls(void *context, const kv_change *changes, size_t count)
{
    (void)context;
    for (size_t i = 0; i < count; i++) journaled_calls += changes[i].cause == KV_CAUSE_CALL;
}

static int events_of_calls;

/*
 * Of keys and fields that expire a call may tell though it fails, and of keys that are not there.
 * The key of "duehash" is deleted with its last field.
 */
static void count_events(void *context, const kv_message *message)
{
    static const char *const words[] = {"expired", "keymiss", "hexpired"};
    const char *event = message->payload.data;
    size_t size = message->payload.size;
    (void)context;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (size == strlen(words[i]) && memcmp(event, words[i], size) == 0) return;
    const char *end = (const char *)message->channel.data + message->channel.size;
    if (size == 3 && memcmp(event, "del", 3) == 0 && memcmp(end - 7, "duehash", 7) == 0) return;
    events_of_calls++;
}

static kv_subscriber *subscribe_to_events(kv *db)
{
    kv_subscriber *subscriber;
    TRY(kv_configure(db, KV_SETTING_EVENTS,
                     KV_EVENT_ALL | KV_EVENT_MISS | KV_EVENT_NEW | KV_EVENT_BY_KEY) == KV_OK);
    TRY(kv_subscriber_open(db, count_events, NULL, &subscriber) == KV_OK);
    TRY(kv_subscribe(subscriber, KV_PATTERN, KV_TEXT("__keyspace@*")) == KV_OK);
    events_of_calls = 0;
    return subscriber;
}

/* One call with so many allocations allowed; true if that was enough. */
static bool try_once(const struct row *row, enum mode mode, long allowed, unsigned long *refused)
{
    struct results results;
    kv_follower *follower = NULL;
    kv_txn_options options = KV_OPTIONS(kv_txn_options);
    snprintf(trying, sizeof trying, "%s with %ld allocations, mode %d", row->name, allowed, mode);
    fixture_open(&fx, 4);
    fill(fx.db);
    uint64_t before = fixture_digest(fx.db);
    fill_due(fx.db); /* the digest made them go */
    kv_subscriber *subscriber = NULL;
    if (mode != PLAIN) TRY(kv_follow(fx.db, count_calls, NULL, &follower) == KV_OK);
    if (mode != PLAIN) subscriber = subscribe_to_events(fx.db);
    journaled_calls = 0;
    results_open(&results);

    kv *view = fx.db;
    options.flags = KV_TXN_ALL | (mode == ABORTABLE ? KV_TXN_ABORTABLE : 0);
    if (mode >= TRANSACTION) TRY(kv_begin(fx.db, &options, &view) == KV_OK);
    fixture_alloc_allow(&fx.alloc, allowed);
    realloc_fails = true;
    kv_status status = row->call(view, &results);
    realloc_fails = false;
    *refused = atomic_load(&fx.alloc.refused);
    fixture_alloc_allow(&fx.alloc, FIXTURE_UNLIMITED);

    if (status != row->expected && !(status == KV_NOMEM && *refused > 0)) {
        ck_abort_msg("%s: %s", trying, kv_strerror(status));
    }
    if (status == KV_NOMEM) results_must_be_untouched(&results);
    kv_check(view);
    if (mode == TRANSACTION) TRY(kv_commit(view) == KV_OK);
    if (mode == ABORTABLE) TRY(kv_abort(view) == KV_OK);
    if (status == KV_NOMEM || mode == ABORTABLE) {
        TRY(fixture_digest(fx.db) == before);
        TRY(journaled_calls == 0);
        TRY(events_of_calls == 0);
    }
    kv_unfollow(follower);
    kv_subscriber_close(subscriber);
    kv_buffer_free(&results.buffer);
    fixture_close(&fx);
    return *refused == 0;
}

START_TEST(no_call_changes_anything_when_an_allocation_fails)
{
    enum mode mode = (enum mode)_i;
    unsigned long total = 0;
    for (size_t i = 0; i < ROWS; i++) {
        if ((rows[i].modes >> mode & 1) == 0) continue;
        unsigned long refused;
        for (long allowed = 0;; allowed++) {
            mark_point();
            bool was_enough = try_once(&rows[i], mode, allowed, &refused);
            total += refused;
            if (was_enough) break;
            MUST(allowed < 2000);
        }
    }
    ck_assert_uint_gt(total, 100); /* else nothing was tried */
}
END_TEST

START_TEST(a_store_opens_entirely_or_not_at_all)
{
    kv_options options = KV_OPTIONS(kv_options);
    for (int background = 0; background < 2; background++) {
        fixture_alloc_begin(&fx.alloc);
        options.allocator = &fx.alloc.hooks;
        options.background = background == 1;
        options.shards = 8;
        FIXTURE_FAIL_EACH_ALLOCATION(&fx.alloc)
        {
            kv *db = NULL;
            kv_status status = kv_open(&options, &db);
            ck_assert_int_eq(status, fixture_alloc_was_enough(&fx.alloc) ? KV_OK : KV_NOMEM);
            ck_assert((db != NULL) == (status == KV_OK));
            bool was_enough = fixture_alloc_was_enough(&fx.alloc);
            fixture_alloc_allow(&fx.alloc, FIXTURE_UNLIMITED);
            kv_close(db);
            fixture_alloc_end(&fx.alloc);
            if (!was_enough) atomic_store(&fx.alloc.refused, 1); /* the loop asks once more */
        }
    }
}
END_TEST

/*
 * Where a table splits, a page is begun or the wheel of deadlines grows, a call fails that did not
 * at other sizes.
 */
START_TEST(a_store_grows_by_one_key_at_a_time_though_memory_fails)
{
    fixture_open(&fx, 1);
    kv_set_options timed = KV_OPTIONS(kv_set_options);
    timed.ttl_ms = 1;
    unsigned long refused = 0;
    for (int i = 0; i < 1500; i++) {
        char name[24];
        kv_slice key = {name, (size_t)snprintf(name, sizeof name, "key:%d", i)};
        uint64_t count;
        timed.ttl_ms = 1 + (int64_t)i * i * 10;
        FIXTURE_FAIL_EACH_ALLOCATION(&fx.alloc)
        {
            kv_status status = kv_set(fx.db, key, key, i % 3 == 0 ? &timed : NULL);
            refused += atomic_load(&fx.alloc.refused);
            MUST(status == (fixture_alloc_was_enough(&fx.alloc) ? KV_OK : KV_NOMEM));
            MUST(kv_count(fx.db, &count) == KV_OK && count == (uint64_t)i + (status == KV_OK));
        }
    }
    ck_assert_uint_gt(refused, 10);
    /* And back: removing needs no memory at all. */
    fixture_alloc_allow(&fx.alloc, 0);
    for (int i = 0; i < 1500; i++) {
        char name[24];
        kv_slice key = {name, (size_t)snprintf(name, sizeof name, "key:%d", i)};
        uint64_t removed = 0;
        MUST(kv_del(fx.db, &key, 1, &removed) == KV_OK && removed == 1);
    }
    fixture_alloc_allow(&fx.alloc, FIXTURE_UNLIMITED);
    fixture_close(&fx);
}
END_TEST

START_TEST(a_sum_that_cannot_be_written_is_not_stored)
{
    struct results results;
    fixture_open(&fx, 1);
    fixture_set(fx.db, "float", "1.5");
    results_open(&results);
    snprintf_fails = true;
    kv_status there = kv_incrbyfloat(fx.db, KV_TEXT("float"), KV_TEXT("0.25"), &results.buffer);
    kv_status absent = kv_incrbyfloat(fx.db, KV_TEXT("new"), KV_TEXT("0.25"), &results.buffer);
    snprintf_fails = false;
    ck_assert_int_eq(there, KV_NOMEM);
    ck_assert_int_eq(absent, KV_NOMEM);
    results_must_be_untouched(&results);
    ck_assert_key(fx.db, "float", "'1.5'");
    ck_assert_key(fx.db, "new", "-");
    kv_buffer_free(&results.buffer);
    fixture_close(&fx);
}
END_TEST

static void count_changes(void *context, const kv_change *changes, size_t count)
{
    (void)changes;
    *(size_t *)context += count;
}

START_TEST(a_reader_of_the_history_loses_nothing_for_want_of_memory)
{
    kv_history *history;
    kv_position position;
    kv_buffer buffer = {0};
    size_t shown = 0;
    fixture_open(&fx, 4);
    ck_assert_int_eq(kv_history_open(fx.db, 4096, &history), KV_OK);
    kv_history_newest(history, &position);
    fixture_set(fx.db, "a", "1");
    fixture_alloc_allow(&fx.alloc, 0);
    realloc_fails = true;
    ck_assert_int_eq(kv_history_read(history, &position, &buffer, count_changes, &shown), KV_NOMEM);
    realloc_fails = false;
    fixture_alloc_allow(&fx.alloc, FIXTURE_UNLIMITED);
    ck_assert_uint_eq(position.number, 0);
    ck_assert_int_eq(kv_history_read(history, &position, &buffer, count_changes, &shown), KV_OK);
    ck_assert_uint_eq(shown, 1);
    kv_history_close(history);
    kv_buffer_free(&buffer);
    fixture_close(&fx);
}
END_TEST

struct told {
    kv_status status;
    size_t elements;
};

static void note_told(void *context, kv_waiter *waiter, const kv_wait_result *result)
{
    (void)waiter;
    *(struct told *)context = (struct told){result->status, result->element_count};
}

START_TEST(an_element_is_not_lost_when_there_is_no_memory_to_give_it)
{
    kv_slice source = KV_TEXT("source"), destination = KV_TEXT("destination");
    for (int moves = 0; moves < 2; moves++) {
        kv_waiter *waiter;
        bool was_enough = false, was_told_of_it = false;
        for (long allowed = 0; !was_enough; allowed++) {
            fixture_open(&fx, 4); /* what an attempt left behind might make the next one need
                                     less */
            struct told told = {KV_MORE, 0};
            kv_wait_options options = KV_OPTIONS(kv_wait_options);
            options.keys = &source;
            options.key_count = 1;
            options.destination = moves ? &destination : NULL;
            options.done = note_told;
            options.context = &told;
            ck_assert_int_eq(kv_wait(fx.db, &options, &waiter), KV_PENDING);
            fixture_alloc_allow(&fx.alloc, allowed);
            kv_slice value = LARGE;
            realloc_fails = true;
            kv_status status = kv_rpush(fx.db, source, &value, 1, NULL);
            realloc_fails = false;
            was_enough = fixture_alloc_was_enough(&fx.alloc);
            fixture_alloc_allow(&fx.alloc, FIXTURE_UNLIMITED);
            uint64_t there = 0, moved = 0;
            (void)kv_llen(fx.db, source, &there);
            (void)kv_llen(fx.db, destination, &moved);
            if (status == KV_OK) {
                MUST(told.status == KV_OK || told.status == KV_NOMEM);
                MUST(told.elements == (told.status == KV_OK ? 1 : 0));
                MUST(there == (told.status == KV_OK ? 0 : 1) &&
                     moved == (told.status == KV_OK && moves ? 1 : 0));
                was_told_of_it |= told.status == KV_NOMEM;
            } else {
                MUST(status == KV_NOMEM && told.status == KV_MORE && there == 0 && moved == 0);
            }
            MUST(kv_wait_cancel(waiter) == (status == KV_OK ? KV_NONE : KV_OK));
            fixture_close(&fx);
        }
        ck_assert(was_told_of_it);
    }
}
END_TEST

/* ------------------------------------------------------------------------------ is it complete? */

static bool is_in_table(const char *name, size_t size)
{
    for (size_t i = 0; i < ROWS; i++) {
        for (const char *at = rows[i].functions; (at = strstr(at, "kv_")) != NULL; at++) {
            size_t length = strcspn(at, " ");
            if (length == size && memcmp(at, name, size) == 0) return true;
        }
    }
    /* Those that have a test of their own. */
    return (size == 7 && memcmp(name, "kv_open", 7) == 0) ||
           (size == 8 && memcmp(name, "kv_close", 8) == 0);
}

START_TEST(every_function_of_the_header_is_in_the_table)
{
    char line[512];
    int found = 0;
    FILE *header = fopen(KVSTORE_HEADER, "r");
    ck_assert_ptr_nonnull(header);
    while (fgets(line, sizeof line, header) != NULL) {
        if (strncmp(line, "KV_API ", 7) != 0) continue;
        /* The name is the word before the first parenthesis. */
        char *end = strchr(line, '(');
        ck_assert_ptr_nonnull(end);
        char *name = end;
        while (isalnum((unsigned char)name[-1]) || name[-1] == '_') name--;
        ck_assert_msg(is_in_table(name, (size_t)(end - name)), "%.*s is not swept",
                      (int)(end - name), name);
        found++;
    }
    fclose(header);
    ck_assert_int_gt(found, 100);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("memory");
    TCase *tcase = tcase_create("memory");
    tcase_set_timeout(tcase, 300);
    tcase_add_loop_test(tcase, no_call_changes_anything_when_an_allocation_fails, 0, MODES);
    tcase_add_test(tcase, a_store_opens_entirely_or_not_at_all);
    tcase_add_test(tcase, a_store_grows_by_one_key_at_a_time_though_memory_fails);
    tcase_add_test(tcase, a_sum_that_cannot_be_written_is_not_stored);
    tcase_add_test(tcase, an_element_is_not_lost_when_there_is_no_memory_to_give_it);
    tcase_add_test(tcase, a_reader_of_the_history_loses_nothing_for_want_of_memory);
    tcase_add_test(tcase, every_function_of_the_header_is_in_the_table);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
