/*
 * keyspace/record.c -- see record.h.
 */
#include "keyspace/record.h"

#include "keyspace/text.h"
#include "structures/agenda.h"

static void record_write_form(struct rdb_sink *sink, enum rdb_type form, const struct entry *entry)
{
    if (entry_type(entry) == KV_TYPE_STRING) {
        char scratch[NUMBER_INT64_SIZE];
        rdb_write_text(sink, text_of(entry, scratch));
        return;
    }
    struct collection collection = {(uintptr_t)entry_payload(entry)};
    rdb_write_collection(sink, form, &collection);
}

static enum rdb_type record_form(const struct entry *entry, unsigned version)
{
    if (KV_LIKELY(entry_type(entry) == KV_TYPE_STRING)) return RDB_STRING;
    struct collection collection = {(uintptr_t)entry_payload(entry)};
    return rdb_type_of(entry_type(entry), &collection, version);
}

KV_INTERNAL enum rdb_type record_write_value(struct rdb_sink *sink, const struct entry *entry,
                                             unsigned version)
{
    enum rdb_type form = record_form(entry, version);
    rdb_write_byte(sink, (uint8_t)form);
    record_write_form(sink, form, entry);
    return form;
}

/* The deadlines of members, in a text of their own, whose size is known when it is written. */
static void record_write_deadlines(struct rdb_sink *sink, const struct agenda *agenda)
{
    char scratch[MEMBER_TEXT_SIZE];
    uint64_t size = rdb_length_size(agenda->count);
    for (uint32_t i = 0; i < agenda->count; i++)
        size += 8 + rdb_plain_size(member_text(agenda_at(agenda, i), scratch));
    rdb_write_byte(sink, RDB_OPCODE_AUX);
    rdb_write_plain(sink, kv_bytes(RDB_DEADLINES, sizeof RDB_DEADLINES - 1));
    rdb_write_length(sink, size);
    rdb_write_length(sink, agenda->count);
    for (uint32_t i = 0; i < agenda->count; i++) {
        const struct member *member = agenda_at(agenda, i);
        rdb_write_64(sink, (uint64_t)member_deadline(member));
        rdb_write_plain(sink, member_text(member, scratch));
    }
}

static void record_write_attributes(struct rdb_sink *sink, const struct entry *entry,
                                    const struct record_rules *rules)
{
    int64_t deadline_ms = entry_deadline(entry);
    const struct collection_kind *kind =
        entry_has_timed_fields(entry) ? value_kind(entry_type(entry)) : NULL;
    if (KV_UNLIKELY(kind != NULL && kind->agenda != NULL)) {
        struct collection collection = {(uintptr_t)entry_payload(entry)};
        const struct agenda *agenda = kind->agenda(&collection);
        if (agenda != NULL && agenda->count > 0) record_write_deadlines(sink, agenda);
    }
    if (deadline_ms != KV_NEVER) {
        rdb_write_byte(sink, RDB_OPCODE_DEADLINE_MS);
        rdb_write_64(sink, (uint64_t)deadline_ms);
    }
    if (!rules->tells_idle) return;
    uint32_t idle_s = (rules->now_s - entry_clock(entry)) & ENTRY_CLOCK_MASK;
    rdb_write_byte(sink, RDB_OPCODE_IDLE);
    rdb_write_length(sink, idle_s);
}

KV_INTERNAL void record_write(struct rdb_sink *sink, const struct entry *entry,
                              const struct record_rules *rules)
{
    if (KV_UNLIKELY(entry_is_timed(entry) || rules->tells_idle))
        record_write_attributes(sink, entry, rules);
    enum rdb_type form = record_form(entry, rules->version);
    rdb_write_byte(sink, (uint8_t)form);
    rdb_write_text(sink, entry_key(entry));
    record_write_form(sink, form, entry);
}
