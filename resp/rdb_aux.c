#include "resp/rdb_aux.h"

#include "resp/shared.h"

#include <assert.h>
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
    rdb_aux_add(aux, "redis-ver", kv_text(RESP_REDIS_VERSION));
    rdb_aux_add_integer(aux, "redis-bits", 8 * (int64_t)sizeof(void *));
    rdb_aux_add_integer(aux, "ctime", kv_now(db) / 1000);
    rdb_aux_add_integer(aux, "used-mem", (int64_t)store.bytes);
}

void rdb_aux_give(struct rdb_aux *aux, bool is_aof_base, kv_snapshot_options *options)
{
    rdb_aux_add_integer(aux, "aof-base", is_aof_base);
    options->aux = aux->slices;
    options->aux_count = aux->count;
}
