/*
 * resp/replication.c -- the replication history of a store: ids, offset, role, and what feeds it.
 */
#include "resp/replication.h"

#include "resp/record.h"
#include "resp/text.h"
#include "resp/unique.h"

#include <stdio.h>
#include <stdlib.h>

#define REPLICATION_NO_ID "0000000000000000000000000000000000000000"

enum { REPLICATION_BACKLOG_SIZE = 1024 * 1024 };

/* ------------------------------------------------------------------------------------------ ids */

/* Under the lock. */
static void replication_set_id(struct replication *replication, const char *id)
{
    aof_lock_take(&replication->id_lock);
    snprintf(replication->id, sizeof replication->id, "%s", id);
    aof_lock_release(&replication->id_lock);
}

static void replication_set_new_id(struct replication *replication)
{
    char id[REPLICATION_ID_SIZE + 1];
    unique_digits(id, REPLICATION_ID_SIZE);
    replication_set_id(replication, id);
}

void replication_read_id(struct replication *replication, char id[REPLICATION_ID_SIZE + 1])
{
    aof_lock_take(&replication->id_lock);
    memcpy(id, replication->id, REPLICATION_ID_SIZE + 1);
    aof_lock_release(&replication->id_lock);
}

static void replication_forget_second(struct replication *replication)
{
    memcpy(replication->id2, REPLICATION_NO_ID, sizeof replication->id2);
    replication->second_offset = -1;
}

/* The id becomes the second one. Under the lock. */
static void replication_shift(struct replication *replication)
{
    memcpy(replication->id2, replication->id, sizeof replication->id2);
    replication->second_offset = replication_offset(replication) + 1;
}

/* ----------------------------------------------------------------------------------- life cycle */

kv_status replication_open(struct replication *replication, kvresp *resp)
{
    *replication = (struct replication){.resp = resp};
    replication_set_new_id(replication);
    replication_forget_second(replication);
    if (pthread_mutex_init(&replication->lock, NULL) != 0) return KV_NOMEM;
    kv_status status = replication_log_open(&replication->log, REPLICATION_BACKLOG_SIZE);
    if (status != KV_OK) pthread_mutex_destroy(&replication->lock);
    return status;
}

void replication_close(struct replication *replication)
{
    if (replication->follower != NULL) kv_unfollow(replication->follower);
    replication_log_close(&replication->log);
    pthread_mutex_destroy(&replication->lock);
}

void replication_attach_replica(struct replication *replication, const struct replica_link *link)
{
    replication->replica = link;
}

void replication_look(struct replication *replication, struct replication_place *place)
{
    pthread_mutex_lock(&replication->lock);
    place->role = (enum replication_role)replication->role;
    memcpy(place->id, replication->id, sizeof place->id);
    memcpy(place->id2, replication->id2, sizeof place->id2);
    place->second_offset = replication->second_offset;
    place->has_strayed = replication->has_strayed;
    place->has_backlog = replication->has_begun;
    place->backlog_size = replication->log.backlog_size;
    uint64_t start = replication_log_start(&replication->log);
    place->offset = replication_offset(replication);
    place->backlog_first = place->has_backlog ? (int64_t)start + 1 : 0;
    place->backlog_length = place->has_backlog ? (uint64_t)place->offset - start : 0;
    pthread_mutex_unlock(&replication->lock);
}

bool replication_is_id(kv_slice text, const char *id)
{
    const uint8_t *bytes = text.data;
    size_t i = 0;
    while (i < text.size && id[i] != '\0' && text_lower(bytes[i]) == text_lower((uint8_t)id[i]))
        i++;
    return i == text.size && id[i] == '\0';
}

bool replication_resume(struct replication *replication, kv_slice id, int64_t offset,
                        struct replication_reader *reader, char now[REPLICATION_ID_SIZE + 1])
{
    pthread_mutex_lock(&replication->lock);
    bool is_known =
        replication_is_id(id, replication->id) ||
        (replication_is_id(id, replication->id2) && offset <= replication->second_offset);
    is_known = is_known && replication->has_begun && offset > 0 &&
               replication_reader_open(&replication->log, reader, (uint64_t)offset - 1);
    memcpy(now, replication->id, REPLICATION_ID_SIZE + 1);
    pthread_mutex_unlock(&replication->lock);
    return is_known;
}

/* ----------------------------------------------------------------------------------- extensions */

static const char carrier[] = "kvstore ";

enum { CARRIER_SIZE = sizeof carrier - 1 };

kv_slice replication_carried(kv_slice message)
{
    if (message.size <= CARRIER_SIZE || memcmp(message.data, carrier, CARRIER_SIZE) != 0)
        return kv_bytes(NULL, 0);
    return kv_bytes((const char *)message.data + CARRIER_SIZE, message.size - CARRIER_SIZE);
}

/* KV.SPEXPIREAT, KV.SPERSIST, KV.ZPEXPIREAT, KV.ZPERSIST; HPEXPIREAT, HPERSIST. */
static bool replication_is_extension(const kv_change *change)
{
    const char *name = change->arguments[0].data;
    size_t size = change->arguments[0].size;
    return size > 3 && ((name[0] == 'K' && name[1] == 'V' && name[2] == '.') ||
                        (name[0] == 'H' && name[1] == 'P'));
}

/* The PING that carries a change. `words` are its two arguments, the second to be freed. */
static bool replication_carry(const kv_change *change, kv_change *carried, kv_slice words[2])
{
    size_t bound = record_command_bound(change->arguments, change->argument_count);
    uint8_t *message = malloc(CARRIER_SIZE + bound);
    if (message == NULL) return false;
    memcpy(message, carrier, CARRIER_SIZE);
    const uint8_t *end =
        record_put_command(message + CARRIER_SIZE, change->arguments, change->argument_count);
    words[0] = KV_TEXT("PING");
    words[1] = kv_bytes(message, (size_t)(end - message));
    *carried = *change;
    carried->arguments = words;
    carried->argument_count = 2;
    return true;
}

struct carried_change {
    kv_slice words[2];
};

/* A group with extensions in it. */
static void replication_append_carried(struct replication *replication, const kv_change *changes,
                                       size_t count)
{
    kv_change *group = calloc(count, sizeof *group);
    struct carried_change *carried = calloc(count, sizeof *carried);
    bool is_whole = group != NULL && carried != NULL;
    for (size_t i = 0; i < count && is_whole; i++) {
        group[i] = changes[i];
        if (!replication_is_extension(&changes[i])) continue;
        is_whole = replication_carry(&changes[i], &group[i], carried[i].words);
    }
    if (is_whole) replication_log_changes(&replication->log, group, count);
    else replication_log_lose(&replication->log);
    for (size_t i = 0; i < count && carried != NULL; i++) free((void *)carried[i].words[1].data);
    free(carried);
    free(group);
}

/* -------------------------------------------------------------------------------------- feeding */

/* What this thread applies. */
static _Thread_local struct {
    struct replication *replication; /* NULL: nothing */
    bool is_appended;                /* it has changed the store */
    kv_slice bytes;
    uint32_t database;
} applied;

static void replication_append_applied(struct replication *replication)
{
    if (applied.is_appended) return;
    applied.is_appended = true;
    replication_feed(replication, applied.bytes, applied.database);
}

/* Whether there is more than messages: those of a replica's clients are for its own subscribers. */
static bool replication_has_change(const kv_change *changes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (changes[i].cause != KV_CAUSE_MESSAGE) return true;
    return false;
}

static void replication_journal(void *context, const kv_change *changes, size_t count)
{
    struct replication *replication = context;
    if (atomic_load_explicit(&replication->log.is_closed, memory_order_relaxed)) {
        if (applied.replication == replication) replication_append_applied(replication);
        else if (replication_has_change(changes, count)) replication->has_strayed = true;
        return;
    }
    size_t plain = 0;
    while (plain < count && !replication_is_extension(&changes[plain])) plain++;
    if (plain == count) replication_log_changes(&replication->log, changes, count);
    else replication_append_carried(replication, changes, count);
}

void replication_feed(struct replication *replication, kv_slice bytes, uint32_t database)
{
    replication_log_append(&replication->log, bytes, database);
}

void replication_apply_begin(struct replication *replication, kv_slice bytes, uint32_t database)
{
    applied.replication = replication;
    applied.is_appended = false;
    applied.bytes = bytes;
    applied.database = database;
}

void replication_apply_end(struct replication *replication)
{
    replication_append_applied(replication);
    applied.replication = NULL;
}

/* ---------------------------------------------------------------------------- beginning and end */

/* Under the lock. `position` is where the log begins. */
static kv_status replication_begin_at(struct replication *replication, uint64_t position)
{
    if (replication->follower == NULL) {
        kv_status status = kv_follow_messages(kvresp_store(replication->resp), replication_journal,
                                              replication, &replication->follower);
        if (status != KV_OK) return status;
    }
    replication_log_reset(&replication->log, position);
    replication->has_begun = true;
    return KV_OK;
}

kv_status replication_begin(struct replication *replication)
{
    kv_status status = KV_OK;
    pthread_mutex_lock(&replication->lock);
    if (!replication->has_begun) {
        uint64_t position = (uint64_t)replication_offset(replication);
        bool is_master = !replication_is_replica(replication);
        status = replication_begin_at(replication, position);
        if (status == KV_OK && is_master) {
            replication_set_new_id(replication);
            replication_forget_second(replication);
            replication_log_take_changes(&replication->log, true);
        }
    }
    pthread_mutex_unlock(&replication->lock);
    return status;
}

void replication_end(struct replication *replication)
{
    pthread_mutex_lock(&replication->lock);
    kv_follower *follower = replication->follower;
    replication->follower = NULL;
    replication->has_begun = false;
    replication_log_take_changes(&replication->log, false);
    replication_log_reset(&replication->log, (uint64_t)replication_offset(replication));
    replication_set_new_id(replication);
    replication_forget_second(replication);
    pthread_mutex_unlock(&replication->lock);
    if (follower != NULL) kv_unfollow(follower);
}

/* ------------------------------------------------------------------------------------- the role */

void replication_become_replica(struct replication *replication)
{
    pthread_mutex_lock(&replication->lock);
    replication->has_strayed = false;
    replication->role = REPLICATION_REPLICA;
    replication_log_take_changes(&replication->log, false);
    pthread_mutex_unlock(&replication->lock);
}

void replication_become_master(struct replication *replication)
{
    pthread_mutex_lock(&replication->lock);
    if (replication->role != REPLICATION_MASTER) {
        replication_shift(replication);
        replication_set_new_id(replication);
        replication_log_overtake_all(&replication->log);
        replication->role = REPLICATION_MASTER;
        if (replication->has_begun) replication_log_take_changes(&replication->log, true);
    }
    pthread_mutex_unlock(&replication->lock);
}

/* -------------------------------------------------------------------------------- as a replica */

void replication_abandon(struct replication *replication)
{
    pthread_mutex_lock(&replication->lock);
    replication->has_begun = false;
    replication_set_new_id(replication);
    replication_forget_second(replication);
    replication_log_reset(&replication->log, (uint64_t)replication_offset(replication));
    pthread_mutex_unlock(&replication->lock);
}

kv_status replication_adopt(struct replication *replication, const char *id, int64_t offset)
{
    pthread_mutex_lock(&replication->lock);
    replication_set_id(replication, id);
    replication_forget_second(replication);
    replication->has_begun = false;
    replication_log_reset(&replication->log, (uint64_t)offset);
    kv_status status = replication_begin_at(replication, (uint64_t)offset);
    pthread_mutex_unlock(&replication->lock);
    return status;
}

void replication_continue(struct replication *replication, const char *id)
{
    pthread_mutex_lock(&replication->lock);
    if (id != NULL && strcmp(id, replication->id) != 0) {
        replication_shift(replication);
        replication_set_id(replication, id);
        replication_log_overtake_all(&replication->log);
    }
    if (!replication->has_begun) {
        uint64_t position = (uint64_t)replication_offset(replication);
        (void)replication_begin_at(replication, position); /* tried again by the next PSYNC */
    }
    pthread_mutex_unlock(&replication->lock);
}
