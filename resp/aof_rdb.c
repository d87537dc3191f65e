#include "resp/aof_rdb.h"

#include <string.h>
#include <time.h>

struct rdb_loading {
    const struct aof_rdb *how;
    struct aof_reader *reader;
    const char *path;
    uint64_t begin, at; /* in the file: of the RDB, and what is read next */
    uint64_t keys;      /* rested for */
};

bool aof_rdb_is_there(struct aof_reader *reader)
{
    return aof_reader_need(reader, 5) == KV_OK && memcmp(aof_reader_at(reader), "REDIS", 5) == 0;
}

static kv_status rdb_read(void *context, void *bytes, size_t room, size_t *size)
{
    struct rdb_loading *loading = context;
    struct aof_reader *reader = loading->reader;
    uint64_t left = reader->size - loading->at;
    *size = 0;
    if (left == 0) return KV_OK;
    size_t wanted = room < left ? room : (size_t)left;
    reader->error =
        reader->io->read(reader->io->context, reader->file, bytes, wanted, loading->at, size);
    loading->at += *size;
    return reader->error == 0 ? KV_OK : KV_IOERROR;
}

static void rdb_rest(const struct rdb_loading *loading, uint64_t keys)
{
    uint64_t rest_us = keys * loading->how->delay_us;
    struct timespec rest = {(time_t)(rest_us / 1000000), (long)(rest_us % 1000000) * 1000};
    if (rest_us > 0) nanosleep(&rest, NULL);
}

static void rdb_tell(void *context, uint64_t bytes, uint64_t keys)
{
    struct rdb_loading *loading = context;
    loading->reader->offset = loading->begin + bytes;
    rdb_rest(loading, keys - loading->keys);
    loading->keys = keys;
    if (loading->how->progress != NULL) loading->how->progress(loading->how->context);
}

static bool rdb_aux(void *context, kv_slice name, kv_slice value)
{
    const struct rdb_loading *loading = context;
    if (loading->how->aux != NULL) loading->how->aux(loading->how->aux_context, name, value);
    return true;
}

static void rdb_warn(void *context, const char *message)
{
    const struct rdb_loading *loading = context;
    aof_logf(loading->how->log, KVRESP_WARNING, "%s: %s", loading->path, message);
}

static kv_status rdb_refuse(const struct rdb_loading *loading, kv_status status,
                            const kv_load_report *report, char message[AOF_MESSAGE_SIZE])
{
    uint64_t offset = loading->begin + report->bytes;
    if (status == KV_NOMEM) return status;
    if (status == KV_IOERROR) {
        return aof_refuse(message, loading->path, offset, "cannot read: %s",
                          aof_io_explain(loading->reader->error));
    }
    const char *text = strstr(report->message, ": "); /* behind its own "offset" */
    return aof_refuse(message, loading->path, offset, "%s",
                      text != NULL ? text + 2 : kv_strerror(status));
}

kv_status aof_rdb_load(struct aof_reader *reader, const char *path, const struct aof_rdb *how,
                       kv_load_report *report, char message[AOF_MESSAGE_SIZE])
{
    *report = KV_OPTIONS(kv_load_report);
    struct rdb_loading loading = {how, reader, path, reader->offset, reader->offset, 0};
    if (how->db == NULL)
        return aof_refuse(message, path, loading.begin, "expected commands, found an RDB");
    kv_load_options options = KV_OPTIONS(kv_load_options);
    options.threads = how->threads;
    options.keeps_expired = true;
    options.aux = rdb_aux;
    options.warn = rdb_warn;
    options.progress = rdb_tell;
    options.context = &loading;
    kv_status status = kv_load(how->db, rdb_read, &loading, &options, report);
    aof_reader_seek(reader, loading.begin + report->bytes);
    return status == KV_OK ? KV_OK : rdb_refuse(&loading, status, report, message);
}
