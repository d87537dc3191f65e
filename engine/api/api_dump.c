/*
 * api/api_dump.c -- values as bytes: DUMP and RESTORE.
 *
 *     type:1  value  version:2  crc64 of all before:8          little-endian; see rdb/rdb_format.h
 */
#include "base/bytes.h"
#include "base/crc64.h"
#include "keyspace/access.h"
#include "keyspace/effect.h"
#include "keyspace/loading.h"
#include "keyspace/record.h"
#include "keyspace/text.h"
#include "rdb/rdb_value.h"
#include "values/large.h"

#define DUMP_VERSION_SIZE 2
#define DUMP_FOOTER       (DUMP_VERSION_SIZE + 8)

/* ----------------------------------------------------------------------------------------- dump */

static void dump_write_value(struct rdb_sink *sink, const struct entry *entry, unsigned version)
{
    enum rdb_type form = record_write_value(sink, entry, version);
    rdb_write_16(sink, (uint16_t)rdb_version_of(form));
}

kv_status kv_dump(kv *db, kv_slice key, kv_buffer *payload)
{
    return kv_dump_as(db, key, 0, payload);
}

kv_status kv_dump_as(kv *db, kv_slice key, unsigned rdb_version, kv_buffer *payload)
{
    if (db == NULL || payload == NULL || !rdb_writes_version(rdb_version)) return KV_BADARG;
    struct access access;
    struct rdb_sink sink;
    kv_status status = access_open(&access, db, key, ACCESS_READ);
    if (status != KV_OK) return status;
    if (access.entry == NULL) return access_close(&access, KV_NONE);
    rdb_sink_open(&sink, payload);
    dump_write_value(&sink, access.entry, rdb_version);
    (void)access_close(&access, KV_OK);
    rdb_write_64(&sink, crc64(0, rdb_sink_bytes(&sink)));
    return rdb_sink_close(&sink);
}

/* -------------------------------------------------------------------------------------- restore */

/* What is to be restored, and how. */
struct dump_restoring {
    struct store *store;
    kv_slice payload;
    kv_restore_options options;
    struct memory memory; /* of a small collection until it has a shard */
    struct rdb_source source;
    struct rdb_value value;
};

static kv_status dump_check_footer(kv_slice payload)
{
    if (payload.size < DUMP_FOOTER) return KV_BADSUM;
    const uint8_t *footer = (const uint8_t *)payload.data + payload.size - DUMP_FOOTER;
    kv_slice summed = {payload.data, payload.size - DUMP_FOOTER + DUMP_VERSION_SIZE};
    if (bytes_load16(footer) > RDB_VERSION_MAX) return KV_BADSUM;
    return bytes_load64(footer + DUMP_VERSION_SIZE) == crc64(0, summed) ? KV_OK : KV_BADSUM;
}

/* Frees what was read and has not become part of the store. */
static void dump_discard(struct dump_restoring *restoring)
{
    struct rdb_value *value = &restoring->value;
    rdb_text_free(&restoring->source, &value->text);
    if (!collection_is_small(&value->collection))
        large_destroy(collection_large(&value->collection));
    memory_destroy(&restoring->memory);
}

/* Makes the value, which nobody sees yet. Unless KV_OK nothing is left. */
static kv_status dump_read(struct dump_restoring *restoring)
{
    struct store *store = restoring->store;
    const uint8_t *begin = restoring->payload.data;
    restoring->source = (struct rdb_source){.at = begin + 1,
                                            .end = begin + restoring->payload.size - DUMP_FOOTER,
                                            .alloc = &store->alloc,
                                            .text_max = loading_text_max(store)};
    if (restoring->source.at > restoring->source.end) return KV_CORRUPT;
    memory_init(&restoring->memory, &store->pages);
    struct rdb_rules rules = loading_rules(store);
    rules.memory = &restoring->memory;
    struct rdb_value *value = &restoring->value;
    kv_status status = rdb_read_value(&restoring->source, &rules, *begin, value);
    if (status != KV_OK) {
        memory_destroy(&restoring->memory);
        return status;
    }
    if (rdb_left(&restoring->source) > 0) status = KV_CORRUPT;
    else if (value->text.bytes.size > text_size_max(store)) status = KV_TOOBIG;
    if (status != KV_OK) dump_discard(restoring);
    return status;
}

/* Puts a collection under the key: a large one itself, of a small one a copy where it belongs. */
static kv_status dump_put_collection(struct access *access, struct rdb_value *value,
                                     int64_t deadline_ms)
{
    struct collection owned = value->collection;
    bool is_copied = collection_is_small(&owned);
    kv_status status = KV_OK;
    if (is_copied)
        status =
            value_copy_collection(value->type, &value->collection, &access->shard->memory, &owned);
    if (status != KV_OK) return status;
    struct entry_shape shape = {.type = value->type,
                                .form = ENTRY_COLLECTION,
                                .payload = owned.word,
                                .deadline_ms = deadline_ms,
                                .fields_ms = value_next_of(value->type, &owned)};
    status = access_put_shape(access, &shape);
    if (status == KV_OK) value->collection = (struct collection){0};
    else if (is_copied) value_discard_shape(&shape, &access->shard->memory, &access->garbage);
    return status;
}

static kv_status dump_put_string(struct access *access, const struct rdb_value *value,
                                 int64_t deadline_ms)
{
    bool replaces = access->entry != NULL;
    kv_status status = access_put_text(access, value->text.bytes, deadline_ms, ACCESS_ENCODED);
    if (status == KV_OK && replaces) access_event(access, KV_EVENT_NEW, "new");
    return status;
}

static void dump_set_idle(struct access *access, int64_t idle_ms)
{
    if (idle_ms < 1000) return;
    int64_t idle = idle_ms / 1000;
    int64_t most = ENTRY_CLOCK_MASK / 2; /* as Redis does where its clock has no room for more */
    uint32_t now = (uint32_t)(access_now(access) / 1000);
    entry_set_clock(access->entry, now - (uint32_t)(idle < most ? idle : most));
}

/* The words of the effect behind the key. */
struct dump_words {
    char deadline[NUMBER_INT64_SIZE], idle[NUMBER_INT64_SIZE];
    kv_slice words[6];
    size_t count;
};

static void dump_spell(const struct dump_restoring *restoring, int64_t deadline_ms,
                       struct dump_words *words)
{
    const kv_restore_options *options = &restoring->options;
    bool is_timed = deadline_ms != KV_NEVER;
    size_t size = number_format_int64(words->deadline, is_timed ? deadline_ms : 0);
    words->words[0] = kv_bytes(words->deadline, size);
    words->words[1] = restoring->payload;
    words->count = 2;
    if (options->replace) words->words[words->count++] = EFFECT_NAME("REPLACE");
    if (options->idle_ms >= 1000) {
        size = number_format_int64(words->idle, options->idle_ms / 1000);
        words->words[words->count++] = EFFECT_NAME("IDLETIME");
        words->words[words->count++] = kv_bytes(words->idle, size);
    }
    if (is_timed) words->words[words->count++] = EFFECT_NAME("ABSTTL");
}

/* Removes the key, if it is there, as what was to take its place has expired. */
static kv_status dump_remove(struct access *access)
{
    struct effect effect;
    if (access->entry == NULL) return KV_OK;
    kv_status status = effect_open(&effect, access, EFFECT_NAME("DEL"), 0, 0);
    if (status != KV_OK) return status;
    access_event(access, KV_EVENT_GENERIC, "del");
    access_remove(access);
    effect_close(&effect, access, true);
    return KV_OK;
}

static kv_status dump_put(struct access *access, struct dump_restoring *restoring,
                          int64_t deadline_ms)
{
    struct rdb_value *value = &restoring->value;
    struct dump_words words;
    struct effect effect;
    dump_spell(restoring, deadline_ms, &words);
    kv_status status =
        effect_open_with(&effect, access, EFFECT_NAME("RESTORE"), words.words, words.count);
    if (status != KV_OK) return status;
    status = value->type == KV_TYPE_STRING ? dump_put_string(access, value, deadline_ms)
                                           : dump_put_collection(access, value, deadline_ms);
    if (status == KV_OK) {
        dump_set_idle(access, restoring->options.idle_ms);
        access_event(access, KV_EVENT_GENERIC, "restore");
        KV_CHECK(value_check(access->entry));
    }
    effect_close(&effect, access, status == KV_OK);
    return status;
}

/* The instant at which the key is to expire. */
static kv_status dump_deadline(struct access *access, const kv_restore_options *options,
                               int64_t *deadline_ms)
{
    *deadline_ms = KV_NEVER;
    if (options->deadline_ms != 0) *deadline_ms = options->deadline_ms;
    if (options->ttl_ms == 0) return KV_OK;
    int64_t now_ms = access_now(access);
    if (options->ttl_ms > INT64_MAX - 1 - now_ms) return KV_OVERFLOW;
    *deadline_ms = now_ms + options->ttl_ms;
    return KV_OK;
}

static kv_status dump_restore_opened(struct access *access, struct dump_restoring *restoring)
{
    int64_t deadline_ms;
    if (access->entry != NULL && !restoring->options.replace) return KV_SKIPPED;
    kv_status status = dump_deadline(access, &restoring->options, &deadline_ms);
    if (status != KV_OK) return status;
    bool is_past = deadline_ms != KV_NEVER && access_is_past(access, deadline_ms);
    return is_past ? dump_remove(access) : dump_put(access, restoring, deadline_ms);
}

static bool dump_options_are_valid(const kv_restore_options *given, kv_restore_options *options)
{
    *options = KV_OPTIONS(kv_restore_options);
    if (given == NULL) return true;
    if (given->size < sizeof given->size || given->size > sizeof *options) return false;
    memcpy(options, given, given->size);
    if (options->ttl_ms < 0 || options->deadline_ms < 0 || options->idle_ms < 0) return false;
    return options->ttl_ms == 0 || options->deadline_ms == 0;
}

kv_status kv_restore(kv *db, kv_slice key, kv_slice payload, const kv_restore_options *options)
{
    struct dump_restoring restoring = {.payload = payload};
    if (db == NULL || !dump_options_are_valid(options, &restoring.options)) return KV_BADARG;
    restoring.store = db->view->store;
    kv_status status = dump_check_footer(payload);
    if (status == KV_OK) status = dump_read(&restoring);
    if (status != KV_OK) return status;
    struct access access;
    status = access_open(&access, db, key, ACCESS_WRITE);
    if (status == KV_OK) status = access_close(&access, dump_restore_opened(&access, &restoring));
    dump_discard(&restoring);
    return status;
}

#undef DUMP_VERSION_SIZE
#undef DUMP_FOOTER
