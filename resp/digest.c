/*
 * resp/digest.c -- see digest.h.
 */
#include "resp/digest.h"

#include "resp/text.h"

#include <stdio.h>
#include <string.h>

static void digest_xor(struct digest *digest, kv_slice bytes)
{
    uint8_t hash[SHA1_SIZE];
    sha1(bytes, hash);
    for (int i = 0; i < SHA1_SIZE; i++) digest->bytes[i] ^= hash[i];
}

static void digest_mix(struct digest *digest, kv_slice bytes)
{
    digest_xor(digest, bytes);
    struct digest mixed = *digest;
    sha1(kv_bytes(mixed.bytes, SHA1_SIZE), digest->bytes);
}

static void digest_mix_number(struct digest *digest, uint32_t number)
{
    uint8_t bytes[4] = {(uint8_t)(number >> 24), (uint8_t)(number >> 16), (uint8_t)(number >> 8),
                        (uint8_t)number};
    digest_mix(digest, kv_bytes(bytes, sizeof bytes));
}

/* A pair of an unordered collection. */
static void digest_xor_pair(struct digest *digest, kv_slice first, kv_slice second)
{
    struct digest pair = {{0}};
    digest_mix(&pair, first);
    digest_mix(&pair, second);
    digest_xor(digest, kv_bytes(pair.bytes, SHA1_SIZE));
}

/* ---------------------------------------------------------------------------------------- values */

static bool digest_visit_ordered(void *digest, kv_slice element)
{
    digest_mix(digest, element);
    return true;
}

static bool digest_visit_unordered(void *digest, kv_slice member)
{
    digest_xor(digest, member);
    return true;
}

static bool digest_visit_field(void *digest, kv_slice field, kv_slice value)
{
    digest_xor_pair(digest, field, value);
    return true;
}

/* "%.17g" as in the C locale: what the host's puts in the place of the point becomes one. */
static size_t digest_format_score(char text[48], double score)
{
    int size = snprintf(text, 48, "%.17g", score);
    size_t end = 0;
    for (int i = 0; i < size; i++) {
        bool is_plain = strchr("0123456789+-einf", text[i]) != NULL;
        if (is_plain) text[end++] = text[i];
        else if (end == 0 || text[end - 1] != '.') text[end++] = '.';
    }
    return end;
}

static bool digest_visit_scored(void *digest, kv_slice member, double score)
{
    char text[48];
    size_t size = digest_format_score(text, score);
    digest_xor_pair(digest, member, kv_bytes(text, size));
    return true;
}

static kv_status digest_add_sorted_set(kv *db, kv_slice key, struct digest *digest)
{
    kv_zrange_options all = KV_OPTIONS(kv_zrange_options);
    all.stop = -1;
    return kv_zrange(db, key, &all, NULL, digest_visit_scored, digest);
}

static bool digest_visit_entry(void *digest, kv_stream_entry *entry)
{
    char id[KV_STREAM_ID_SIZE];
    int size = snprintf(id, sizeof id, "%llu.%llu", (unsigned long long)entry->id.ms,
                        (unsigned long long)entry->id.sequence);
    kv_slice field, value;
    digest_mix(digest, kv_bytes(id, (size_t)size));
    while (kv_stream_entry_next(entry, &field, &value)) {
        digest_mix(digest, field);
        digest_mix(digest, value);
    }
    return true;
}

static kv_status digest_add_stream(kv *db, kv_slice key, struct digest *digest)
{
    const kv_stream_id first = {0, 0}, last = {UINT64_MAX, UINT64_MAX};
    return kv_xrange(db, key, first, last, KV_HEAD, 0, digest_visit_entry, digest);
}

/* Redis's number of a type. */
static uint32_t digest_type_number(kv_type type)
{
    return type == KV_TYPE_STREAM ? 6 : (uint32_t)type - 1; /* 5 is for what modules bring */
}

static kv_status digest_add_contents(kv *db, kv_slice key, kv_type type, struct digest *digest)
{
    switch (type) {
    case KV_TYPE_STRING: return kv_read(db, key, digest_visit_ordered, digest);
    case KV_TYPE_LIST: return kv_lrange(db, key, 0, -1, NULL, digest_visit_ordered, digest);
    case KV_TYPE_SET: return kv_smembers(db, key, NULL, digest_visit_unordered, digest);
    case KV_TYPE_SORTED_SET: return digest_add_sorted_set(db, key, digest);
    case KV_TYPE_HASH: return kv_hgetall(db, key, NULL, digest_visit_field, digest);
    case KV_TYPE_STREAM: return digest_add_stream(db, key, digest);
    default: return KV_OK;
    }
}

kv_status digest_add_value(kv *db, kv_slice key, struct digest *digest)
{
    kv_object_info info = {.size = sizeof info};
    kv_status status = kv_object(db, key, &info);
    if (status != KV_OK) return status;
    digest_mix_number(digest, digest_type_number(info.type));
    status = digest_add_contents(db, key, info.type, digest);
    if (info.deadline_ms != KV_NEVER) digest_xor(digest, KV_TEXT("!!expire!!"));
    return status;
}

/* ----------------------------------------------------------------------------------------- store */

/* The names of a database, each behind its size. */
struct digest_names {
    kv_buffer *buffer;
    kv_status status;
};

static bool digest_note_name(void *context, kv_slice name)
{
    struct digest_names *names = context;
    names->status = text_append(names->buffer, kv_bytes(&name.size, sizeof name.size));
    if (names->status == KV_OK) names->status = text_append(names->buffer, name);
    return names->status == KV_OK;
}

static kv_status digest_add_key(kv *db, kv_slice key, struct digest *digest)
{
    struct digest one = {{0}};
    digest_mix(&one, key);
    kv_status status = digest_add_value(db, key, &one);
    digest_xor(digest, kv_bytes(one.bytes, SHA1_SIZE));
    return status;
}

/*
 * A scan would need no memory for the names, but may show one twice, whose digest would cancel
 * itself out.
 */
static kv_status digest_add_database(kv *db, kv_buffer *buffer, struct digest *digest)
{
    struct digest_names names = {buffer, KV_OK};
    buffer->size = 0;
    kv_status status = kv_keys(db, KV_TEXT("*"), digest_note_name, &names);
    if (status == KV_OK) status = names.status;
    if (status != KV_OK || buffer->size == 0) return status;
    digest_mix_number(digest, kv_database(db));
    const uint8_t *at = buffer->data, *end = at + buffer->size;
    while (at < end && status == KV_OK) {
        kv_slice name;
        memcpy(&name.size, at, sizeof name.size);
        name.data = at + sizeof name.size;
        at += sizeof name.size + name.size;
        status = digest_add_key(db, name, digest);
    }
    return status;
}

kv_status digest_of_store(kv *db, struct digest *digest)
{
    uint32_t databases = kv_databases(db);
    kv_buffer names = {0};
    kv_status status = KV_OK;
    *digest = (struct digest){{0}};
    for (uint32_t i = 0; i < databases && status == KV_OK; i++)
        status = digest_add_database(kv_select(db, i), &names, digest);
    kv_buffer_free(&names);
    return status;
}
