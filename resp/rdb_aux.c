#include "resp/rdb_aux.h"

#include "resp/shared.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

void rdb_aux_add(struct rdb_aux *aux, const char *name, kv_slice value)
{
    bool has_room = aux->count < 2 * RDB_AUX_FIELDS && value.size <= RDB_AUX_TEXT - aux->used;
    assert(has_room);
    if (!has_room) return;
    char *copy = aux->text + aux->used;
    if (value.size > 0) memcpy(copy, value.data, value.size);
    aux->used += value.size;
    aux->slices[aux->count++] = kv_text(name);
    aux->slices[aux->count++] = kv_bytes(copy, value.size);
}

void rdb_aux_add_integer(struct rdb_aux *aux, const char *name, int64_t value)
{
    uint8_t digits[TEXT_INTEGER_SIZE];
    size_t size = (size_t)(text_write_integer(digits, value) - digits);
    rdb_aux_add(aux, name, kv_bytes(digits, size));
}

void rdb_aux_begin(struct rdb_aux *aux, kv *db)
{
    kv_statistics store = {.size = sizeof store};
    kv_stats(db, &store);
    aux->count = aux->used = 0;
    aux->history = NULL;
    rdb_aux_add(aux, "redis-ver", kv_text(RESP_REDIS_VERSION));
    rdb_aux_add_integer(aux, "redis-bits", 8 * (int64_t)sizeof(void *));
    rdb_aux_add_integer(aux, "ctime", kv_now(db) / 1000);
    rdb_aux_add_integer(aux, "used-mem", (int64_t)store.bytes);
}

/* Numbers have zeros in front, so that there is room for any. */
enum { AUX_DATABASE_WIDTH = 10, AUX_OFFSET_WIDTH = 20 };

void rdb_aux_add_history(struct rdb_aux *aux, struct replication *replication)
{
    static const char blank[REPLICATION_ID_SIZE];
    struct replication_place place;
    replication_look(replication, &place);
    if (!place.has_backlog) return;
    aux->history = aux->text + aux->used;
    rdb_aux_add(aux, "repl-stream-db", kv_bytes(blank, AUX_DATABASE_WIDTH));
    rdb_aux_add(aux, "repl-id", kv_bytes(blank, REPLICATION_ID_SIZE));
    rdb_aux_add(aux, "repl-offset", kv_bytes(blank, AUX_OFFSET_WIDTH));
    rdb_aux_fill(aux, replication);
}

void rdb_aux_fill(struct rdb_aux *aux, struct replication *replication)
{
    char text[AUX_DATABASE_WIDTH + REPLICATION_ID_SIZE + AUX_OFFSET_WIDTH + 1];
    char id[REPLICATION_ID_SIZE + 1];
    int64_t database;
    if (aux->history == NULL) return;
    uint64_t offset = replication_log_mark(&replication->log, &database);
    replication_read_id(replication, id);
    snprintf(text, sizeof text, "%010u%s%020llu", database > 0 ? (unsigned)database : 0, id,
             (unsigned long long)offset);
    memcpy(aux->history, text, sizeof text - 1);
}

void rdb_aux_give(struct rdb_aux *aux, bool is_aof_base, kv_snapshot_options *options)
{
    rdb_aux_add_integer(aux, "aof-base", is_aof_base);
    options->aux = aux->slices;
    options->aux_count = aux->count;
}
