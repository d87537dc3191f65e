/*
 * resp/aof_restore.h -- reads a set of files back into a store: the base, then the increments in
 * their order.
 */
#ifndef KV_RESP_AOF_RESTORE_H
#define KV_RESP_AOF_RESTORE_H

#include "resp/aof_files.h"

struct aof_restored {
    uint64_t base_size;    /* of the base */
    uint64_t last_size;    /* of the last increment, cut if it was torn */
    uint64_t earlier_size; /* of all others */
    uint64_t commands;     /* and keys of RDB parts */
    int64_t took_ms;
};

/*
 * Fills a store. No key may expire meanwhile (KV_SETTING_EXPIRE is 0). Of the options those about
 * loading count. KV_OK; KV_NOMEM; KV_BADARG with a message.
 */
kv_status aof_restore(kv *db, const struct aof_files *files, const kvresp_aof_options *options,
                      struct aof_restored *restored, char message[AOF_MESSAGE_SIZE]);

#endif
