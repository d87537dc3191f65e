/*
 * keyspace/journal.c -- see journal.h.
 */
#include "keyspace/journal.h"

#include "keyspace/transaction.h"

/* Grows an array to hold `wanted` items, at least doubling. */
static kv_status journal_grow(struct alloc *alloc, void **array, size_t *capacity, size_t item_size,
                              size_t wanted)
{
    if (wanted <= *capacity) return KV_OK;
    size_t larger = *capacity * 2 > wanted ? *capacity * 2 : wanted;
    if (larger > SIZE_MAX / 2 / item_size) return KV_NOMEM;
    void *grown = alloc_resize(alloc, *array, *capacity * item_size, larger * item_size);
    if (grown == NULL) return KV_NOMEM;
    *array = grown;
    *capacity = larger;
    return KV_OK;
}

KV_INTERNAL kv_status journal_group_reserve(struct journal_group *group, struct alloc *alloc,
                                            size_t changes, size_t arguments, size_t bytes)
{
    void *array = group->bytes;
    kv_status status = journal_grow(alloc, &array, &group->capacity, 1, group->size + bytes);
    group->bytes = array;
    if (status != KV_OK) return status;
    array = group->arguments;
    status = journal_grow(alloc, &array, &group->argument_capacity, sizeof *group->arguments,
                          group->argument_count + arguments);
    group->arguments = array;
    if (status != KV_OK) return status;
    array = group->changes;
    status = journal_grow(alloc, &array, &group->change_capacity, sizeof *group->changes,
                          group->change_count + changes);
    group->changes = array;
    return status;
}

KV_INTERNAL void journal_group_add(struct journal_group *group, const kv_change *change)
{
    assert(group->change_count < group->change_capacity);
    assert(group->argument_count + change->argument_count <= group->argument_capacity);
    for (size_t i = 0; i < change->argument_count; i++) {
        kv_slice argument = change->arguments[i];
        assert(group->size + argument.size <= group->capacity);
        if (argument.size > 0) memcpy(group->bytes + group->size, argument.data, argument.size);
        group->arguments[group->argument_count++] = (kv_slice){NULL, argument.size};
        group->size += argument.size;
    }
    group->changes[group->change_count++] = *change;
}

/* Makes slices of the arguments. */
static void journal_group_resolve(struct journal_group *group)
{
    const uint8_t *at = group->bytes;
    kv_slice *argument = group->arguments;
    for (size_t i = 0; i < group->change_count; i++) {
        group->changes[i].arguments = argument;
        for (size_t j = 0; j < group->changes[i].argument_count; j++, argument++) {
            argument->data = at;
            at += argument->size;
        }
    }
}

/* Leaves only the messages in a resolved group, or only the changes. */
static void journal_group_keep(struct journal_group *group, bool messages)
{
    size_t kept = 0;
    for (size_t i = 0; i < group->change_count; i++) {
        if ((group->changes[i].cause == KV_CAUSE_MESSAGE) == messages)
            group->changes[kept++] = group->changes[i];
    }
    group->change_count = kept;
}

/* Tells what is left in a resolved group to those who hear messages, or to those who do not. */
static void journal_group_tell(const struct journal_group *group, const struct store *store,
                               bool hears_messages)
{
    if (group->change_count == 0) return;
    for (struct kv_follower *s = store->followers; s != NULL; s = s->next) {
        if (s->hears_messages == hears_messages)
            s->journal(s->context, group->changes, group->change_count);
    }
}

KV_INTERNAL void journal_group_deliver(struct journal_group *group, struct store *store)
{
    journal_group_resolve(group);
    journal_group_tell(group, store, true);
    journal_group_keep(group, false);
    journal_group_tell(group, store, false);
    group->size = group->argument_count = group->change_count = 0;
}

KV_INTERNAL void journal_group_deliver_messages(struct journal_group *group, struct store *store)
{
    journal_group_resolve(group);
    journal_group_keep(group, true);
    journal_group_tell(group, store, true);
    group->size = group->argument_count = group->change_count = 0;
}

KV_INTERNAL void journal_group_free(struct journal_group *group, struct alloc *alloc)
{
    alloc_free(alloc, group->bytes, group->capacity);
    alloc_free(alloc, group->arguments, group->argument_capacity * sizeof *group->arguments);
    alloc_free(alloc, group->changes, group->change_capacity * sizeof *group->changes);
    *group = (struct journal_group){0};
}

KV_INTERNAL void journal_write(struct store *store, struct txn *txn, uint32_t database,
                               kv_cause cause, const kv_slice *arguments, size_t count)
{
    kv_change change = {database, cause, count, arguments};
    if (txn != NULL) {
        journal_group_add(&txn->journal, &change);
        return;
    }
    for (struct kv_follower *s = store->followers; s != NULL; s = s->next) {
        if (cause != KV_CAUSE_MESSAGE || s->hears_messages) s->journal(s->context, &change, 1);
    }
}
