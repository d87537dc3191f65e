/*
 * kvstore-check/summary.c -- see summary.h.
 */
#include "kvstore-check/summary.h"

#include <stdlib.h>
#include <string.h>

enum { TYPES = KV_TYPE_STREAM + 1, SHOWN_TEXT = 100, SCAN_KEYS = 1000 };

static const char *const type_names[TYPES] = {
    [KV_TYPE_STRING] = "string",         [KV_TYPE_LIST] = "list", [KV_TYPE_SET] = "set",
    [KV_TYPE_SORTED_SET] = "sorted set", [KV_TYPE_HASH] = "hash", [KV_TYPE_STREAM] = "stream"};

struct counts {
    uint64_t keys, timed, expired, elements, bytes;
};

struct large {
    uint64_t amount;
    uint32_t database;
    kv_type type;
    char *key;
    size_t key_size;
};

/* The largest keys seen so far, the largest first. */
struct ranking {
    size_t count, capacity;
    struct large *keys;
};

struct summary {
    kv *db; /* the database at hand */
    int64_t now_ms;
    kv_status status;
    struct counts by_type[TYPES];
    struct counts of_database;
    struct ranking by_bytes, by_elements;
    kv_buffer found; /* keys of one step of a scan: each with its size before it */
};

/* ----------------------------------------------------------------------------------- collecting */

static void ranking_add(struct summary *summary, struct ranking *ranking, uint64_t amount,
                        kv_type type, kv_slice key)
{
    size_t at = ranking->count;
    while (at > 0 && ranking->keys[at - 1].amount < amount) at--;
    if (at == ranking->capacity) return;
    char *copy = malloc(key.size + 1);
    if (copy == NULL) {
        summary->status = KV_NOMEM;
        return;
    }
    if (key.size > 0) memcpy(copy, key.data, key.size);
    if (ranking->count == ranking->capacity) free(ranking->keys[--ranking->count].key);
    memmove(ranking->keys + at + 1, ranking->keys + at,
            (ranking->count - at) * sizeof *ranking->keys);
    ranking->keys[at] = (struct large){amount, kv_database(summary->db), type, copy, key.size};
    ranking->count++;
}

static void count_key(struct summary *summary, kv_slice key)
{
    kv_object_info info = KV_OPTIONS(kv_object_info);
    if (kv_object(summary->db, key, &info) != KV_OK) return;
    struct counts *counts[2] = {&summary->by_type[info.type], &summary->of_database};
    for (int i = 0; i < 2; i++) {
        counts[i]->keys++;
        counts[i]->timed += info.deadline_ms != KV_NEVER;
        counts[i]->expired += info.deadline_ms <= summary->now_ms;
        counts[i]->elements += info.length;
        counts[i]->bytes += info.bytes;
    }
    ranking_add(summary, &summary->by_bytes, info.bytes, info.type, key);
    if (info.type != KV_TYPE_STRING)
        ranking_add(summary, &summary->by_elements, info.length, info.type, key);
}

static bool keep_key(void *context, kv_slice key)
{
    struct summary *summary = context;
    kv_buffer *found = &summary->found;
    size_t wanted = found->size + sizeof key.size + key.size;
    if (wanted > found->capacity) {
        void *data = realloc(found->data, 2 * wanted);
        if (data == NULL) {
            summary->status = KV_NOMEM;
            return false;
        }
        found->data = data;
        found->capacity = 2 * wanted;
    }
    memcpy((char *)found->data + found->size, &key.size, sizeof key.size);
    if (key.size > 0)
        memcpy((char *)found->data + found->size + sizeof key.size, key.data, key.size);
    found->size = wanted;
    return true;
}

static void count_found(struct summary *summary)
{
    const char *at = summary->found.data;
    const char *end = at + summary->found.size;
    while (at < end) {
        kv_slice key;
        memcpy(&key.size, at, sizeof key.size);
        key.data = at + sizeof key.size;
        at += sizeof key.size + key.size;
        count_key(summary, key);
    }
}

static void count_database(struct summary *summary)
{
    uint64_t cursor = 0;
    do {
        summary->found.size = 0;
        kv_status status = kv_scan(summary->db, &cursor, SCAN_KEYS, NULL, keep_key, summary);
        if (status != KV_OK) summary->status = status;
        if (summary->found.size > 0) count_found(summary);
    } while (cursor != 0 && summary->status == KV_OK);
}

/* ------------------------------------------------------------------------------------- printing */

void summary_print_quoted(FILE *to, kv_slice text)
{
    const unsigned char *bytes = text.data;
    fputc('"', to);
    for (size_t i = 0; i < text.size && i < SHOWN_TEXT; i++) {
        if (bytes[i] == '"' || bytes[i] == '\\') fprintf(to, "\\%c", bytes[i]);
        else if (bytes[i] >= ' ' && bytes[i] <= '~') fputc(bytes[i], to);
        else fprintf(to, "\\x%02x", bytes[i]);
    }
    fputs(text.size > SHOWN_TEXT ? "\"..." : "\"", to);
}

static void print_database(FILE *to, uint32_t database, const struct counts *counts)
{
    fprintf(to, "database %u: %llu keys, %llu with a deadline, %llu expired\n", (unsigned)database,
            (unsigned long long)counts->keys, (unsigned long long)counts->timed,
            (unsigned long long)counts->expired);
}

static void print_types(FILE *to, const struct summary *summary)
{
    fprintf(to, "\n%-12s %12s %12s %12s %14s %16s\n", "type", "keys", "deadlines", "expired",
            "elements", "bytes in memory");
    for (int i = 1; i < TYPES; i++) {
        const struct counts *counts = &summary->by_type[i];
        if (counts->keys == 0) continue;
        fprintf(to, "%-12s %12llu %12llu %12llu ", type_names[i], (unsigned long long)counts->keys,
                (unsigned long long)counts->timed, (unsigned long long)counts->expired);
        if (i == KV_TYPE_STRING) fprintf(to, "%14s", "-");
        else fprintf(to, "%14llu", (unsigned long long)counts->elements);
        fprintf(to, " %16llu\n", (unsigned long long)counts->bytes);
    }
}

static void print_ranking(FILE *to, const char *title, const struct ranking *ranking)
{
    if (ranking->count == 0) return;
    fprintf(to, "\n%s\n", title);
    for (size_t i = 0; i < ranking->count; i++) {
        const struct large *large = &ranking->keys[i];
        fprintf(to, "%16llu  %-10s  database %-5u  ", (unsigned long long)large->amount,
                type_names[large->type], (unsigned)large->database);
        summary_print_quoted(to, kv_bytes(large->key, large->key_size));
        fputc('\n', to);
    }
}

/* ---------------------------------------------------------------------------------------- whole */

static bool ranking_open(struct ranking *ranking, size_t capacity)
{
    ranking->keys = calloc(capacity + 1, sizeof *ranking->keys);
    ranking->capacity = capacity;
    return ranking->keys != NULL;
}

static void ranking_free(struct ranking *ranking)
{
    for (size_t i = 0; i < ranking->count; i++) free(ranking->keys[i].key);
    free(ranking->keys);
}

kv_status summary_print(FILE *to, kv *db, size_t largest)
{
    struct summary summary = {.now_ms = kv_now(db)};
    bool is_open = ranking_open(&summary.by_bytes, largest);
    is_open = ranking_open(&summary.by_elements, largest) && is_open;
    if (!is_open) summary.status = KV_NOMEM;
    uint64_t total = 0;
    for (uint32_t i = 0; i < kv_databases(db) && summary.status == KV_OK; i++) {
        summary.db = kv_select(db, i);
        summary.of_database = (struct counts){0};
        count_database(&summary);
        total += summary.of_database.keys;
        if (summary.of_database.keys > 0) print_database(to, i, &summary.of_database);
    }
    if (total > 0) print_types(to, &summary);
    print_ranking(to, "largest by bytes in memory", &summary.by_bytes);
    print_ranking(to, "largest by elements", &summary.by_elements);
    ranking_free(&summary.by_bytes);
    ranking_free(&summary.by_elements);
    kv_buffer_free(&summary.found);
    return summary.status;
}
