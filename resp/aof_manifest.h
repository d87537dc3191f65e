/*
 * resp/aof_manifest.h -- the list of the files that make up an append-only file, as Redis 7 keeps
 * it.
 *
 *     appendonlydir/appendonly.aof.manifest:
 *
 *         file appendonly.aof.2.base.rdb seq 2 type b       at most one: the state to start from
 *         file appendonly.aof.1.incr.aof seq 1 type h       any number: replaced, to be removed
 *         file appendonly.aof.4.incr.aof seq 4 type i       any number: the changes since, in this
 *         order file "odd name.aof.5.incr.aof" seq 5 type i       a name with blanks or the like is
 *         quoted
 *
 * Lines that start with '#' are comments; of a line's pairs of words those with an unknown first
 * word are passed over; the words `file`, `seq` and `type` are known in any case. Every line ends
 * in a newline. A manifest is replaced as a whole: written beside the old one, synced, renamed over
 * it.
 */
#ifndef KV_RESP_AOF_MANIFEST_H
#define KV_RESP_AOF_MANIFEST_H

#include "kvstore.h"
#include "resp/aof_io.h"

#include <stdbool.h>

enum aof_kind { AOF_BASE = 'b', AOF_HISTORY = 'h', AOF_INCREMENT = 'i' };

struct aof_file {
    char *name; /* within the directory of the manifest: no path */
    int64_t sequence;
    enum aof_kind kind;
};

/* Files in the order base, history, increments; increments by rising sequence. Starts as {0}. */
struct aof_manifest {
    struct aof_file *files;
    size_t count, capacity;
};

void aof_manifest_clear(struct aof_manifest *manifest);

/*
 * Reads the text of a manifest into an empty one. KV_OK; KV_NOMEM; KV_BADARG with a `message` of
 * 256 bytes that names the line and what is wrong with it. After an error the manifest is empty.
 */
kv_status aof_manifest_parse(struct aof_manifest *manifest, kv_slice text, char message[256]);

/* Appends the text to `buffer`, which for no files is a comment. KV_OK or KV_NOMEM. */
kv_status aof_manifest_print(const struct aof_manifest *manifest, kv_buffer *buffer);

/* Puts a file at its place in the order. KV_OK or KV_NOMEM. */
kv_status aof_manifest_add(struct aof_manifest *manifest, enum aof_kind kind, int64_t sequence,
                           const char *name);

/* Takes the file at `index` out. */
void aof_manifest_drop(struct aof_manifest *manifest, size_t index);

/* The base file, and the last increment; NULL if there is none. */
const struct aof_file *aof_manifest_base(const struct aof_manifest *manifest);
const struct aof_file *aof_manifest_last_increment(const struct aof_manifest *manifest);

/*
 * Replaces the manifest `name` in `directory`: when it returns 0 the new one is on the medium; when
 * it fails either is there, whole: the old one for certain unless `may_be_there`. Returns an errno.
 */
int aof_manifest_save(const struct aof_manifest *manifest, const struct aof_io *io,
                      const char *directory, const char *name, bool *may_be_there);

#endif
