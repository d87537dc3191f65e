/*
 * tests/api/fixture.c -- see the header.
 */
#include "fixture.h"

#include "stream_text.h"

#include <string.h>

/* ------------------------------------------------------------------------------- open and close */

static int64_t fixture_wall_ms(void *context)
{
    return atomic_load(&((struct fixture *)context)->now_ms);
}

static int64_t fixture_monotonic_us(void *context)
{
    struct fixture *fixture = context;
    int64_t pace_us = atomic_load(&fixture->pace_us);
    int64_t passed_us = pace_us == 0 ? 0 : atomic_fetch_add(&fixture->passed_us, pace_us);
    return atomic_load(&fixture->now_ms) * 1000 + passed_us;
}

void fixture_open_with(struct fixture *fixture, kv_options options)
{
    fixture_alloc_begin(&fixture->alloc);
    atomic_init(&fixture->now_ms, FIXTURE_START_MS);
    atomic_init(&fixture->pace_us, 0);
    atomic_init(&fixture->passed_us, 0);
    fixture->clock = (kv_clock){fixture_wall_ms, fixture_monotonic_us, fixture};
    /* so that a failure comes again */
    if (options.seed == NULL) options.seed = (const uint8_t *)"always the same!";
    options.allocator = &fixture->alloc.hooks;
    options.clock = &fixture->clock;
    ck_assert_int_eq(kv_open(&options, &fixture->db), KV_OK);
}

void fixture_open(struct fixture *fixture, uint32_t shards)
{
    kv_options options = KV_OPTIONS(kv_options);
    options.shards = shards;
    fixture_open_with(fixture, options);
}

void fixture_close(struct fixture *fixture)
{
    kv_check(fixture->db);
    kv_close(fixture->db);
    fixture_alloc_end(&fixture->alloc);
}

void fixture_pass(struct fixture *fixture, int64_t milliseconds)
{
    atomic_fetch_add(&fixture->now_ms, milliseconds);
}

int fixture_rounds(int brief, int full)
{
    return getenv("KVSTORE_TEST_FULL") != NULL ? full : brief;
}

/* ---------------------------------------------------------------------------------- short forms */

void fixture_set(kv *db, const char *key, const char *value)
{
    MUST(kv_set(db, KV_TEXT(key), KV_TEXT(value), NULL) == KV_OK);
}

void fixture_set_for(kv *db, const char *key, const char *value, int64_t ttl_ms)
{
    kv_set_options options = KV_OPTIONS(kv_set_options);
    options.ttl_ms = ttl_ms;
    MUST(kv_set(db, KV_TEXT(key), KV_TEXT(value), &options) == KV_OK);
}

struct fixture_words *fixture_split(struct fixture_words *words, const char *text)
{
    char *rest = words->text;
    MUST(strlen(text) < sizeof words->text);
    strcpy(words->text, text);
    words->count = 0;
    for (char *word; (word = strtok_r(rest, " ", &rest)) != NULL;) {
        MUST(words->count < FIXTURE_WORDS);
        words->items[words->count++] = KV_TEXT(word);
    }
    return words;
}

void fixture_push(kv *db, const char *key, const char *element)
{
    kv_slice value = KV_TEXT(element);
    MUST(kv_rpush(db, KV_TEXT(key), &value, 1, NULL) == KV_OK);
}

void fixture_push_all(kv *db, const char *key, const char *words)
{
    struct fixture_words elements;
    fixture_split(&elements, words);
    for (size_t i = 0; i < elements.count; i++)
        MUST(kv_rpush(db, KV_TEXT(key), &elements.items[i], 1, NULL) == KV_OK);
}

void fixture_add_all(kv *db, const char *key, const char *words)
{
    struct fixture_words members;
    fixture_split(&members, words);
    for (size_t i = 0; i < members.count; i++)
        MUST(kv_sadd(db, KV_TEXT(key), &members.items[i], 1, NULL) == KV_OK);
}

struct fixture_text {
    char bytes[4096];
    size_t size;
};

static void fixture_write(struct fixture_text *text, const char *words, kv_slice item)
{
    size_t room = sizeof text->bytes - text->size;
    int written = snprintf(text->bytes + text->size, room, "%s%.*s", words, (int)item.size,
                           item.size > 0 ? (const char *)item.data : "");
    MUST(written >= 0 && (size_t)written < room);
    text->size += (size_t)written;
}

static bool fixture_write_string(void *context, kv_slice item)
{
    fixture_write(context, "'", item);
    return true;
}

static bool fixture_write_element(void *context, kv_slice item)
{
    struct fixture_text *text = context;
    fixture_write(text, text->size == 1 ? "" : " ", item);
    return true;
}

static bool fixture_write_field(void *context, kv_slice field, kv_slice value)
{
    struct fixture_text *text = context;
    fixture_write(text, text->size == 1 ? "" : " ", field);
    fixture_write(text, ":", value);
    return true;
}

/* Lends members and scores as if they were fields and values. */
struct fixture_scored {
    kv_visit_field *visit;
    void *context;
};

static bool fixture_visit_scored(void *context, kv_slice member, double score)
{
    struct fixture_scored *scored = context;
    char text[32];
    size_t size = kv_format_double(text, score + 0.0); /* -0 becomes 0 in a small set */
    return scored->visit(scored->context, member, kv_bytes(text, size));
}

static kv_status fixture_visit_zset(kv *db, kv_slice key, kv_visit_field *visit, void *context)
{
    kv_zrange_options range = KV_OPTIONS(kv_zrange_options);
    struct fixture_scored scored = {visit, context};
    range.stop = -1;
    return kv_zrange(db, key, &range, NULL, fixture_visit_scored, &scored);
}

/* A list's, hash's, set's... elements. */
static void fixture_write_value(struct fixture_text *text, kv *db, kv_slice key, kv_type type)
{
    kv_status status;
    if (type == KV_TYPE_STREAM) status = stream_text(db, key, fixture_write_element, text);
    else if (type == KV_TYPE_HASH) status = kv_hgetall(db, key, NULL, fixture_write_field, text);
    else if (type == KV_TYPE_SET) status = kv_smembers(db, key, NULL, fixture_write_element, text);
    else if (type == KV_TYPE_SORTED_SET)
        status = fixture_visit_zset(db, key, fixture_write_field, text);
    else status = kv_lrange(db, key, 0, -1, NULL, fixture_write_element, text);
    MUST(status == KV_OK);
}

const char *fixture_show(kv *db, const char *key)
{
    static _Thread_local struct fixture_text texts[8];
    static _Thread_local unsigned turn;
    struct fixture_text *text = &texts[turn++ % 8];
    text->size = 0;
    text->bytes[0] = 0;
    kv_type type;
    kv_status status = kv_type_of(db, KV_TEXT(key), &type);
    if (status == KV_NONE) return "-";
    MUST(status == KV_OK);
    if (type == KV_TYPE_STRING) {
        MUST(kv_read(db, KV_TEXT(key), fixture_write_string, text) == KV_OK);
        fixture_write(text, "'", kv_bytes(NULL, 0));
    } else {
        fixture_write(text, "[", kv_bytes(NULL, 0));
        fixture_write_value(text, db, KV_TEXT(key), type);
        fixture_write(text, "]", kv_bytes(NULL, 0));
    }
    return text->bytes;
}

const char *fixture_encoding(kv *db, const char *key)
{
    kv_object_info info = KV_OPTIONS(kv_object_info);
    MUST(kv_object(db, KV_TEXT(key), &info) == KV_OK);
    return info.encoding;
}

/* --------------------------------------------------------------------------------- whole stores */

static uint64_t fixture_mix(uint64_t digest, uint64_t word)
{
    uint64_t state = digest ^ word;
    return fixture_random(&state);
}

static bool fixture_mix_item(void *context, kv_slice item)
{
    uint64_t *digest = context;
    *digest = fixture_mix(*digest, item.size + 1);
    for (size_t i = 0; i < item.size; i += sizeof(uint64_t)) {
        uint64_t word = 0;
        size_t size = item.size - i < sizeof word ? item.size - i : sizeof word;
        memcpy(&word, (const uint8_t *)item.data + i, size);
        *digest = fixture_mix(*digest, word);
    }
    return true;
}

/* The order of fields does not matter. */
static bool fixture_mix_field(void *context, kv_slice field, kv_slice value)
{
    uint64_t digest = 1;
    fixture_mix_item(&digest, field);
    fixture_mix_item(&digest, value);
    *(uint64_t *)context += digest;
    return true;
}

/* Nor does that of members. */
static bool fixture_mix_member(void *context, kv_slice member)
{
    uint64_t digest = 2;
    fixture_mix_item(&digest, member);
    *(uint64_t *)context += digest;
    return true;
}

/* What is called for each item of a value. */
struct fixture_visitors {
    kv_visit *item, *member;
    kv_visit_field *field;
};

/* Shows what a key holds to the visitor for its type. */
static kv_status fixture_visit(kv *db, kv_slice key, kv_type type,
                               const struct fixture_visitors *visitors, void *context)
{
    switch (type) {
    case KV_TYPE_STRING: return kv_read(db, key, visitors->item, context);
    case KV_TYPE_SET: return kv_smembers(db, key, NULL, visitors->member, context);
    case KV_TYPE_HASH: return kv_hgetall(db, key, NULL, visitors->field, context);
    case KV_TYPE_SORTED_SET: return fixture_visit_zset(db, key, visitors->field, context);
    case KV_TYPE_STREAM: return stream_text(db, key, visitors->item, context);
    default: return kv_lrange(db, key, 0, -1, NULL, visitors->item, context);
    }
}

/* The keys of a database, one after another, each after its size. */
static bool fixture_collect(void *context, kv_slice key)
{
    kv_buffer *keys = context;
    size_t wanted = keys->size + sizeof key.size + key.size;
    if (wanted > keys->capacity) {
        keys->capacity = wanted * 2;
        keys->data = realloc(keys->data, keys->capacity);
        MUST(keys->data != NULL);
    }
    char *at = (char *)keys->data + keys->size;
    memcpy(at, &key.size, sizeof key.size);
    if (key.size > 0) memcpy(at + sizeof key.size, key.data, key.size);
    keys->size = wanted;
    return true;
}

static bool fixture_collect_field(void *context, kv_slice field, kv_slice value)
{
    (void)value;
    return fixture_collect(context, field);
}

static kv_status fixture_deadline(kv *db, kv_slice key, kv_type type, kv_slice name,
                                  int64_t *deadline_ms)
{
    if (type == KV_TYPE_HASH) return kv_hdeadline(db, key, &name, 1, deadline_ms);
    if (type == KV_TYPE_SET) return kv_sdeadline(db, key, &name, 1, deadline_ms);
    return kv_zdeadline(db, key, &name, 1, deadline_ms);
}

/* The fields or members of a key, each with its deadline, whatever their order. */
static uint64_t fixture_digest_deadlines(kv *db, kv_slice key, kv_type type)
{
    static const struct fixture_visitors collect = {fixture_collect, fixture_collect,
                                                    fixture_collect_field};
    uint64_t digest = 0;
    kv_buffer names = {0};
    MUST(fixture_visit(db, key, type, &collect, &names) == KV_OK);
    for (size_t at = 0; at < names.size;) {
        kv_slice name;
        int64_t deadline_ms;
        memcpy(&name.size, (char *)names.data + at, sizeof name.size);
        name.data = (char *)names.data + at + sizeof name.size;
        at += sizeof name.size + name.size;
        MUST(fixture_deadline(db, key, type, name, &deadline_ms) == KV_OK);
        uint64_t one = (uint64_t)deadline_ms;
        fixture_mix_item(&one, name);
        digest += one;
    }
    kv_buffer_free(&names);
    return digest;
}

static bool fixture_print_item(void *context, kv_slice item)
{
    (void)context;
    fprintf(stderr, " %.*s", (int)(item.size < 60 ? item.size : 60), (const char *)item.data);
    return true;
}

static bool fixture_print_field(void *context, kv_slice field, kv_slice value)
{
    fixture_print_item(context, field);
    return fixture_print_item(context, value);
}

static uint64_t fixture_digest_key(kv *db, kv_slice key, bool is_printed)
{
    static const struct fixture_visitors mix = {fixture_mix_item, fixture_mix_member,
                                                fixture_mix_field};
    static const struct fixture_visitors print = {fixture_print_item, fixture_print_item,
                                                  fixture_print_field};
    kv_object_info info = KV_OPTIONS(kv_object_info);
    if (kv_object(db, key, &info) != KV_OK) return 0;
    uint64_t digest =
        fixture_mix(fixture_mix(kv_database(db), info.type), (uint64_t)info.deadline_ms);
    fixture_mix_item(&digest, key);
    MUST(fixture_visit(db, key, info.type, &mix, &digest) == KV_OK);
    if (info.type == KV_TYPE_HASH || info.type == KV_TYPE_SET || info.type == KV_TYPE_SORTED_SET)
        digest += fixture_digest_deadlines(db, key, info.type);
    if (is_printed) {
        fprintf(
            stderr, "%u %.*s (%s, %s, %lld):", kv_database(db), (int)key.size,
            (const char *)key.data, kv_type_name(info.type), info.encoding,
            (long long)(info.deadline_ms == KV_NEVER ? -1 : info.deadline_ms - FIXTURE_START_MS));
        (void)fixture_visit(db, key, info.type, &print, NULL);
        fprintf(stderr, "\n");
    }
    return digest;
}

static uint64_t fixture_walk(kv *db, bool is_printed)
{
    uint64_t digest = 0;
    kv_buffer keys = {0};
    for (uint32_t i = 0; i < kv_databases(db); i++) {
        kv *view = kv_select(db, i);
        keys.size = 0;
        MUST(kv_keys(view, KV_TEXT("*"), fixture_collect, &keys) == KV_OK);
        for (size_t at = 0; at < keys.size;) {
            kv_slice key;
            memcpy(&key.size, (char *)keys.data + at, sizeof key.size);
            key.data = (char *)keys.data + at + sizeof key.size;
            at += sizeof key.size + key.size;
            /* a sum: their order does not matter */
            digest += fixture_digest_key(view, key, is_printed);
        }
    }
    kv_buffer_free(&keys);
    return digest;
}

uint64_t fixture_digest(kv *db)
{
    return fixture_walk(db, false);
}

void fixture_print(kv *db)
{
    (void)fixture_walk(db, true);
}
