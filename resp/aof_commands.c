#include "resp/aof_commands.h"

#include "resp/text.h"

#include <stdlib.h>

enum { COMMANDS_ITEMS = 64, COMMANDS_SCAN = 64 };

/* --------------------------------------------------------------------------------------- writing */

/* One command under way, or a row of them about one key. */
struct commands_key {
    struct aof_commands *commands;
    kv *db;
    kv_slice key;
    const char *name; /* of the command that takes the elements */
    size_t parts;     /* arguments an element */
    uint64_t left;    /* elements of the value */
    uint64_t room;    /* elements that the command at hand takes still */
    bool keeps_names; /* note the elements' names: they may have deadlines */
    kv_status status; /* the first that was not KV_OK */
    kv_stream_info stream;
    bool has_set_id;
    kv_slice group, consumer;
};

static void commands_note(struct commands_key *key, kv_status status)
{
    if (key->status == KV_OK) key->status = status;
}

static void commands_put_count(struct commands_key *key, char prefix, uint64_t count)
{
    uint8_t line[1 + TEXT_INTEGER_SIZE + 2], *end = line;
    *end++ = (uint8_t)prefix;
    end = text_write_unsigned(end, count);
    *end++ = '\r';
    *end++ = '\n';
    commands_note(key, text_append(&key->commands->text, kv_bytes(line, (size_t)(end - line))));
}

static void commands_put(struct commands_key *key, kv_slice argument)
{
    commands_put_count(key, '$', argument.size);
    commands_note(key, text_append(&key->commands->text, argument));
    commands_note(key, text_append(&key->commands->text, KV_TEXT("\r\n")));
}

static void commands_put_word(struct commands_key *key, const char *word)
{
    commands_put(key, kv_text(word));
}

static void commands_put_number(struct commands_key *key, int64_t number)
{
    uint8_t digits[TEXT_INTEGER_SIZE];
    commands_put(key, kv_bytes(digits, (size_t)(text_write_integer(digits, number) - digits)));
}

static void commands_put_id(struct commands_key *key, kv_stream_id id)
{
    char text[KV_STREAM_ID_SIZE];
    commands_put(key, kv_bytes(text, kv_stream_id_format(text, id)));
}

/* A command of `count` words, of which the key is the one behind the name. */
static void commands_begin(struct commands_key *key, uint64_t count, const char *name)
{
    commands_put_count(key, '*', count);
    commands_put_word(key, name);
    commands_put(key, key->key);
}

/* ---------------------------------------------------------------------------------- collections */

static void commands_count(void *context, uint64_t count)
{
    struct commands_key *key = context;
    key->left = count;
    key->room = 0;
}

/* Before each element: begins a command for as many as it takes. */
static void commands_begin_element(struct commands_key *key)
{
    if (key->room == 0) {
        key->room = key->left < COMMANDS_ITEMS ? key->left : COMMANDS_ITEMS;
        key->left -= key->room;
        commands_begin(key, 2 + key->room * key->parts, key->name);
    }
    key->room--;
}

static void commands_keep_name(struct commands_key *key, kv_slice name)
{
    kv_buffer *names = &key->commands->names;
    if (!key->keeps_names) return;
    commands_note(key, text_append(names, kv_bytes(&name.size, sizeof name.size)));
    commands_note(key, text_append(names, name));
}

static bool commands_visit(void *context, kv_slice element)
{
    struct commands_key *key = context;
    commands_begin_element(key);
    commands_put(key, element);
    commands_keep_name(key, element);
    return true;
}

static bool commands_visit_field(void *context, kv_slice field, kv_slice value)
{
    struct commands_key *key = context;
    commands_begin_element(key);
    commands_put(key, field);
    commands_put(key, value);
    commands_keep_name(key, field);
    return true;
}

static bool commands_visit_scored(void *context, kv_slice member, double score)
{
    struct commands_key *key = context;
    char text[32];
    commands_begin_element(key);
    commands_put(key, kv_bytes(text, kv_format_double(text, score)));
    commands_put(key, member);
    commands_keep_name(key, member);
    return true;
}

typedef kv_status commands_deadlines(kv *db, kv_slice key, const kv_slice *elements, size_t count,
                                     int64_t *deadlines_ms);

/* Takes the next of the noted names off [*at, end). */
static kv_slice commands_next_name(const uint8_t **at)
{
    size_t size;
    memcpy(&size, *at, sizeof size);
    kv_slice name = kv_bytes(*at + sizeof size, size);
    *at += sizeof size + size;
    return name;
}

/* "HPEXPIREAT key milliseconds FIELDS 1 field" for each of the noted elements that has a deadline. */
static void commands_put_deadlines(struct commands_key *key, commands_deadlines *find,
                                   const char *name, const char *word)
{
    const uint8_t *at = key->commands->names.data, *end = at + key->commands->names.size;
    while (at < end && key->status == KV_OK) {
        kv_slice elements[COMMANDS_ITEMS];
        int64_t deadlines[COMMANDS_ITEMS];
        size_t count = 0;
        while (at < end && count < COMMANDS_ITEMS) elements[count++] = commands_next_name(&at);
        commands_note(key, find(key->db, key->key, elements, count, deadlines));
        for (size_t i = 0; i < count && key->status == KV_OK; i++) {
            if (deadlines[i] == KV_NEVER || deadlines[i] < 0) continue;
            commands_begin(key, 6, name);
            commands_put_number(key, deadlines[i]);
            commands_put_word(key, word);
            commands_put_number(key, 1);
            commands_put(key, elements[i]);
        }
    }
}

static void commands_write_list(struct commands_key *key)
{
    key->name = "RPUSH";
    key->parts = 1;
    commands_note(key, kv_lrange(key->db, key->key, 0, -1, commands_count, commands_visit, key));
}

static void commands_write_set(struct commands_key *key)
{
    key->name = "SADD";
    key->parts = 1;
    key->keeps_names = true;
    commands_note(key, kv_smembers(key->db, key->key, commands_count, commands_visit, key));
    commands_put_deadlines(key, kv_sdeadline, "KV.SPEXPIREAT", "MEMBERS");
}

static void commands_write_sorted_set(struct commands_key *key)
{
    kv_zrange_options all = KV_OPTIONS(kv_zrange_options);
    all.stop = -1;
    key->name = "ZADD";
    key->parts = 2;
    key->keeps_names = true;
    commands_note(key,
                  kv_zrange(key->db, key->key, &all, commands_count, commands_visit_scored, key));
    commands_put_deadlines(key, kv_zdeadline, "KV.ZPEXPIREAT", "MEMBERS");
}

static void commands_write_hash(struct commands_key *key)
{
    key->name = "HMSET";
    key->parts = 2;
    key->keeps_names = true;
    commands_note(key, kv_hgetall(key->db, key->key, commands_count, commands_visit_field, key));
    commands_put_deadlines(key, kv_hdeadline, "HPEXPIREAT", "FIELDS");
}

static bool commands_visit_string(void *context, kv_slice value)
{
    struct commands_key *key = context;
    commands_begin(key, 3, "SET");
    commands_put(key, value);
    return true;
}

static void commands_write_string(struct commands_key *key)
{
    commands_note(key, kv_read(key->db, key->key, commands_visit_string, key));
}

/* -------------------------------------------------------------------------------------- streams */

/* A stream without entries is made by one that does not stay. */
static void commands_visit_stream(void *context, const kv_stream_info *info)
{
    struct commands_key *key = context;
    key->stream = *info;
    if (info->length > 0) return;
    kv_stream_id none = {0, 0};
    bool has_last = info->last.ms != none.ms || info->last.sequence != none.sequence;
    kv_stream_id id = has_last ? info->last : (kv_stream_id){0, 1};
    commands_begin(key, 7, "XADD");
    commands_put_word(key, "MAXLEN");
    commands_put_number(key, 0);
    commands_put_id(key, id);
    commands_put_word(key, "x");
    commands_put_word(key, "y");
}

static bool commands_visit_entry(void *context, kv_stream_entry *entry)
{
    struct commands_key *key = context;
    kv_slice field, value;
    commands_begin(key, 3 + 2 * entry->field_count, "XADD");
    commands_put_id(key, entry->id);
    while (kv_stream_entry_next(entry, &field, &value)) {
        commands_put(key, field);
        commands_put(key, value);
    }
    return true;
}

/* Behind the entries, before the groups. */
static void commands_set_id(struct commands_key *key)
{
    if (key->has_set_id) return;
    key->has_set_id = true;
    commands_begin(key, 7, "XSETID");
    commands_put_id(key, key->stream.last);
    commands_put_word(key, "ENTRIESADDED");
    commands_put_number(key, (int64_t)key->stream.added);
    commands_put_word(key, "MAXDELETEDID");
    commands_put_id(key, key->stream.last_deleted);
}

static bool commands_visit_group(void *context, const kv_group_info *group)
{
    struct commands_key *key = context;
    commands_set_id(key);
    key->group = group->name;
    commands_put_count(key, '*', 7);
    commands_put_word(key, "XGROUP");
    commands_put_word(key, "CREATE");
    commands_put(key, key->key);
    commands_put(key, group->name);
    commands_put_id(key, group->last);
    commands_put_word(key, "ENTRIESREAD");
    commands_put_number(key, group->read);
    return true;
}

static bool commands_visit_consumer(void *context, const kv_consumer_info *consumer)
{
    struct commands_key *key = context;
    key->consumer = consumer->name;
    commands_put_count(key, '*', 5);
    commands_put_word(key, "XGROUP");
    commands_put_word(key, "CREATECONSUMER");
    commands_put(key, key->key);
    commands_put(key, key->group);
    commands_put(key, consumer->name);
    return true;
}

static bool commands_visit_pending(void *context, const kv_pending_entry *entry)
{
    struct commands_key *key = context;
    commands_begin(key, 12, "XCLAIM");
    commands_put(key, key->group);
    commands_put(key, entry->consumer);
    commands_put_number(key, 0);
    commands_put_id(key, entry->id);
    commands_put_word(key, "TIME");
    commands_put_number(key, entry->delivered_ms);
    commands_put_word(key, "RETRYCOUNT");
    commands_put_number(key, (int64_t)entry->deliveries);
    commands_put_word(key, "JUSTID");
    commands_put_word(key, "FORCE");
    return true;
}

static void commands_write_stream(struct commands_key *key)
{
    kv_stream_visitors visitors = KV_OPTIONS(kv_stream_visitors);
    visitors.stream = commands_visit_stream;
    visitors.entry = commands_visit_entry;
    visitors.group = commands_visit_group;
    visitors.consumer = commands_visit_consumer;
    visitors.pending_of_consumer = commands_visit_pending;
    commands_note(key, kv_xinfo_full(key->db, key->key, 0, &visitors, key));
    commands_set_id(key);
}

/* --------------------------------------------------------------------------------------- pieces */

static void commands_write_value(struct commands_key *key)
{
    static void (*const writers[])(struct commands_key * key) = {
        [KV_TYPE_STRING] = commands_write_string, [KV_TYPE_LIST] = commands_write_list,
        [KV_TYPE_SET] = commands_write_set,       [KV_TYPE_SORTED_SET] = commands_write_sorted_set,
        [KV_TYPE_HASH] = commands_write_hash,     [KV_TYPE_STREAM] = commands_write_stream,
    };
    kv_type type;
    int64_t deadline_ms = KV_NEVER;
    key->commands->names.size = 0;
    commands_note(key, kv_type_of(key->db, key->key, &type));
    if (key->status == KV_OK) writers[type](key);
    commands_note(key, kv_deadline(key->db, key->key, &deadline_ms));
    if (key->status != KV_OK || deadline_ms == KV_NEVER) return;
    commands_begin(key, 3, "PEXPIREAT");
    commands_put_number(key, deadline_ms);
}

static bool commands_copy_key(void *context, kv_slice name)
{
    struct commands_key *keys = context;
    kv_buffer *names = &keys->commands->names;
    commands_note(keys, text_append(names, kv_bytes(&name.size, sizeof name.size)));
    commands_note(keys, text_append(names, name));
    return keys->status == KV_OK;
}

static void commands_select(struct commands_key *key, uint32_t database)
{
    if (key->commands->database == database) return;
    key->commands->database = database;
    commands_put_count(key, '*', 2);
    commands_put_word(key, "SELECT");
    commands_put_number(key, database);
}

/* Writes all keys of a database of the small store. */
static kv_status commands_write_database(struct aof_commands *commands, uint32_t database)
{
    struct commands_key keys = {.commands = commands, .db = kv_select(commands->store, database)};
    commands->names.size = 0;
    commands_note(&keys, kv_keys(keys.db, KV_TEXT("*"), commands_copy_key, &keys));
    kv_buffer names = commands->names;
    commands->names = (kv_buffer){0};
    const uint8_t *at = names.data, *end = at + names.size;
    if (at < end && keys.status == KV_OK) commands_select(&keys, database);
    while (at < end && keys.status == KV_OK) {
        struct commands_key key = {.commands = commands, .db = keys.db};
        key.key = commands_next_name(&at);
        commands_write_value(&key);
        keys.status = key.status;
    }
    kv_buffer_free(&names);
    return keys.status;
}

/* A reader of three slices. */
struct commands_source {
    kv_slice parts[3];
    size_t part, offset;
};

static kv_status commands_read(void *context, void *bytes, size_t room, size_t *size)
{
    struct commands_source *source = context;
    while (source->part < 3 && source->offset == source->parts[source->part].size) {
        source->part++;
        source->offset = 0;
    }
    *size = 0;
    if (source->part == 3) return KV_OK;
    kv_slice part = source->parts[source->part];
    size_t left = part.size - source->offset;
    *size = left < room ? left : room;
    memcpy(bytes, (const char *)part.data + source->offset, *size);
    source->offset += *size;
    return KV_OK;
}

static kv_status commands_load(struct aof_commands *commands, kv_slice piece)
{
    static const uint8_t end[9] = {0xff}; /* and no checksum */
    kv_load_options options = KV_OPTIONS(kv_load_options);
    options.keeps_expired = true;
    struct commands_source source = {
        .parts = {KV_TEXT("REDIS0012"), piece, kv_bytes(end, sizeof end)}};
    return kv_load(commands->store, commands_read, &source, &options, NULL);
}

kv_status aof_commands_take(void *context, kv_slice piece)
{
    struct aof_commands *commands = context;
    uint8_t first = piece.size > 0 ? *(const uint8_t *)piece.data : 0xff;
    if (first == 'R' || first == 0xff) return KV_OK; /* the head and the end */

    kv_status status = commands_load(commands, piece);
    uint32_t databases = kv_databases(commands->store);
    for (uint32_t i = 0; i < databases && status == KV_OK; i++) {
        uint64_t count = 0;
        status = kv_count(kv_select(commands->store, i), &count);
        if (status == KV_OK && count > 0) status = commands_write_database(commands, i);
    }
    if (status == KV_OK) status = kv_flush_all(commands->store, false);
    if (status == KV_OK)
        status = commands->write(commands->context, text_of_buffer(&commands->text));
    commands->text.size = 0;
    return status;
}

kv_status aof_commands_open(struct aof_commands *commands, uint32_t databases, kv_writer *write,
                            void *context)
{
    kv_options options = KV_OPTIONS(kv_options);
    options.shards = 1;
    options.databases = databases;
    *commands = (struct aof_commands){.write = write, .context = context, .database = -1};
    kv_status status = kv_open(&options, &commands->store);
    if (status == KV_OK) kv_configure(commands->store, KV_SETTING_EXPIRE, 0);
    return status;
}

void aof_commands_close(struct aof_commands *commands)
{
    if (commands->store != NULL) kv_close(commands->store);
    kv_buffer_free(&commands->text);
    kv_buffer_free(&commands->names);
    *commands = (struct aof_commands){0};
}
