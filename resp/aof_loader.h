/*
 * resp/aof_loader.h -- reads the files of an append-only file back into commands.
 *
 * A file is a sequence of records:
 *
 *     *3\r\n $3\r\nSET\r\n $1\r\nk\r\n $1\r\nv\r\n    a command: a count, size and bytes of each
 *     #TS:1700000000\r\n                           an annotation: what follows is of this second
 *     *1\r\n$5\r\nMULTI\r\n ... $4\r\nEXEC\r\n      commands that belong together
 *
 * and may begin with an RDB (aof_rdb.h). It may be torn or damaged:
 *
 *     torn      it ends within a record or a group, or in nothing but zeros (a crash of the machine
 *               can leave the size without the bytes). The last file is cut back to the last whole
 *               record, the whole group being one; earlier files were synced before a later one
 *               began, so there it is damage.
 *     damaged   anything else. Loading ends with the file, the offset and what was expected there.
 */
#ifndef KV_RESP_AOF_LOADER_H
#define KV_RESP_AOF_LOADER_H

#include "resp/aof_io.h"
#include "resp/aof_sink.h"

#include <stdbool.h>

/* What was found in a file. */
struct aof_loaded {
    uint64_t size;
    uint64_t whole;              /* up to the end of the last record, or group, that is whole */
    unsigned rdb_version;        /* 0: it does not begin with an RDB */
    uint64_t rdb_size, rdb_keys; /* of a damaged one: 0, and the keys before the damage */
    uint64_t commands;           /* that were applied, behind the RDB */
    bool is_torn;    /* the file ends within what begins at `whole` */
    bool is_refused; /* the load ended at a command that is whole, and that the sink refused */
};

struct aof_loader {
    /* Set by the caller. */
    const struct aof_io *io;
    const struct aof_sink *sink;
    const struct aof_log *log;
    kv *db;                 /* that RDB parts are loaded into; NULL: they are refused */
    unsigned load_threads;  /* for that */
    uint32_t load_delay_us; /* and a rest for each of its keys */
    void (*aux)(void *context, kv_slice name, kv_slice value); /* of its fields; may be NULL */
    void *aux_context;
    bool is_rdb;        /* the file must be an RDB; what is behind its end is passed over, ... */
    bool may_have_rest; /* ...or may be one, and then that is what begins no command */
    const char *keeps_tail;  /* why a torn tail is not cut, "and ..."; NULL: it is not asked for */
    uint64_t max_text;       /* an argument that claims to be larger is damage, not a torn tail */
    uint64_t total;          /* bytes of all files, for the progress */
    int64_t until_s;         /* nothing behind an annotation of a later second is loaded; 0: all */
    uint64_t progress_bytes; /* of one file between two progresses; 0: 2 MiB */
    void (*progress)(void *context, uint64_t loaded, uint64_t total);
    void *progress_context;

    struct aof_loaded file; /* result, of the last file, damaged or not */

    /* Results, over all files. */
    uint64_t loaded;   /* bytes */
    uint64_t commands; /* and keys of RDB parts */
    bool is_over;      /* an annotation later than until_s was met: no other file is wanted */
};

/*
 * Loads one file. `is_last` says that it may have a torn tail, which is then cut off the file with
 * a warning if `cut` is true, and refused if not. With until_s nothing is cut. `size` receives the
 * size of the file afterwards.
 * Returns KV_OK; KV_NONE if there is no such file; KV_NOMEM; KV_BADARG with a message.
 */
kv_status aof_load_file(struct aof_loader *loader, const char *path, bool is_last, bool cut,
                        uint64_t *size, char message[AOF_MESSAGE_SIZE]);

#endif
