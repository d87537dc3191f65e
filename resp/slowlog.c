/*
 * resp/slowlog.c -- the commands that took long.
 */
#include "resp/slowlog.h"

#include <stdio.h>
#include <stdlib.h>

kv_status slowlog_open(struct slowlog *slowlog)
{
    *slowlog = (struct slowlog){0};
    return pthread_mutex_init(&slowlog->lock, NULL) == 0 ? KV_OK : KV_NOMEM;
}

/* Frees `entry` and all older ones. */
static void slowlog_free_from(struct slowlog_entry *entry)
{
    while (entry != NULL) {
        struct slowlog_entry *older = entry->next;
        free(entry);
        entry = older;
    }
}

void slowlog_close(struct slowlog *slowlog)
{
    slowlog_free_from(slowlog->latest);
    pthread_mutex_destroy(&slowlog->lock);
}

/* What is kept of each argument: a piece of it and a note on the rest. */
struct slowlog_piece {
    kv_slice bytes;
    char note[40];
};

static void slowlog_cut(struct slowlog_piece *piece, kv_slice argument)
{
    piece->bytes = argument;
    piece->note[0] = '\0';
    if (argument.size <= SLOWLOG_ARGUMENT_SIZE) return;
    piece->bytes.size = SLOWLOG_ARGUMENT_SIZE;
    snprintf(piece->note, sizeof piece->note, "... (%zu more bytes)",
             argument.size - SLOWLOG_ARGUMENT_SIZE);
}

static size_t slowlog_cut_all(struct slowlog_piece *pieces, const kv_slice *arguments, size_t count)
{
    size_t kept = count < SLOWLOG_ARGUMENTS_MAX ? count : SLOWLOG_ARGUMENTS_MAX;
    for (size_t i = 0; i < kept; i++) slowlog_cut(&pieces[i], arguments[i]);
    if (count > kept) {
        struct slowlog_piece *last = &pieces[kept - 1];
        last->bytes = kv_text("");
        snprintf(last->note, sizeof last->note, "... (%zu more arguments)", count - kept + 1);
    }
    return kept;
}

static kv_slice slowlog_put(char **at, kv_slice bytes, const char *note)
{
    kv_slice copy = kv_bytes(*at, bytes.size + strlen(note));
    if (bytes.size > 0) memcpy(*at, bytes.data, bytes.size);
    memcpy(*at + bytes.size, note, strlen(note));
    *at += copy.size;
    return copy;
}

static struct slowlog_entry *slowlog_make(const kv_slice *arguments, size_t count, kv_slice address,
                                          kv_slice name)
{
    struct slowlog_piece pieces[SLOWLOG_ARGUMENTS_MAX];
    size_t kept = slowlog_cut_all(pieces, arguments, count);
    size_t size = address.size + name.size;
    for (size_t i = 0; i < kept; i++) size += pieces[i].bytes.size + strlen(pieces[i].note);

    struct slowlog_entry *entry = malloc(sizeof *entry + kept * sizeof(kv_slice) + size);
    if (entry == NULL) return NULL;
    char *at = (char *)(entry->arguments + kept);
    entry->argument_count = kept;
    for (size_t i = 0; i < kept; i++)
        entry->arguments[i] = slowlog_put(&at, pieces[i].bytes, pieces[i].note);
    entry->address = slowlog_put(&at, address, "");
    entry->name = slowlog_put(&at, name, "");
    return entry;
}

static void slowlog_trim(struct slowlog *slowlog, uint64_t length_max)
{
    if (slowlog->length <= length_max) return;
    struct slowlog_entry **link = &slowlog->latest;
    for (uint64_t i = 0; i < length_max; i++) link = &(*link)->next;
    slowlog_free_from(*link);
    *link = NULL;
    slowlog->length = length_max;
}

void slowlog_add(struct slowlog *slowlog, uint64_t length_max, int64_t time_s, int64_t duration_us,
                 const kv_slice *arguments, size_t argument_count, kv_slice address, kv_slice name)
{
    struct slowlog_entry *entry = slowlog_make(arguments, argument_count, address, name);
    if (entry == NULL) return;
    entry->time_s = time_s;
    entry->duration_us = duration_us;
    pthread_mutex_lock(&slowlog->lock);
    entry->id = slowlog->next_id++;
    entry->next = slowlog->latest;
    slowlog->latest = entry;
    slowlog->length++;
    slowlog_trim(slowlog, length_max);
    pthread_mutex_unlock(&slowlog->lock);
}

uint64_t slowlog_read(struct slowlog *slowlog, uint64_t count,
                      void (*begin)(void *context, uint64_t count), slowlog_visit *visit,
                      void *context)
{
    pthread_mutex_lock(&slowlog->lock);
    if (count > slowlog->length) count = slowlog->length;
    begin(context, count);
    const struct slowlog_entry *entry = slowlog->latest;
    for (uint64_t i = 0; i < count; i++, entry = entry->next) visit(context, entry);
    pthread_mutex_unlock(&slowlog->lock);
    return count;
}

uint64_t slowlog_length(struct slowlog *slowlog)
{
    pthread_mutex_lock(&slowlog->lock);
    uint64_t length = slowlog->length;
    pthread_mutex_unlock(&slowlog->lock);
    return length;
}

void slowlog_reset(struct slowlog *slowlog)
{
    pthread_mutex_lock(&slowlog->lock);
    struct slowlog_entry *latest = slowlog->latest;
    slowlog->latest = NULL;
    slowlog->length = 0;
    pthread_mutex_unlock(&slowlog->lock);
    slowlog_free_from(latest);
}
