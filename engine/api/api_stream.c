/*
 * api/api_stream.c -- streams: entries added, read, deleted, trimmed. Groups are in
 * api_stream_group.c.
 */
#include "api/stream_access.h"
#include "base/number.h"

/* -------------------------------------------------------------------------------- ids as a text */

/*
 * An unsigned number as Redis reads it: what the C library's strtoull() makes of it, unless it is
 * an integer below 0 in its plain form.
 */
static bool streams_parse_number(kv_slice text, uint64_t *number)
{
    int64_t plain;
    if (number_parse_int64(text, &plain)) {
        *number = (uint64_t)plain;
        return plain >= 0;
    }
    const char *at = text.data, *end = at + text.size;
    while (at < end && (*at == ' ' || (*at >= '\t' && *at <= '\r'))) at++;
    bool is_negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+')) at++;
    if (at == end) return false;
    uint64_t value = 0;
    for (; at < end; at++) {
        if (*at < '0' || *at > '9') return false;
        unsigned digit = (unsigned)(*at - '0');
        if (value > (UINT64_MAX - digit) / 10) return false;
        value = value * 10 + digit;
    }
    *number = is_negative ? 0 - value : value;
    return true;
}

kv_status kv_stream_id_parse(kv_slice text, kv_stream_id *id, bool *has_sequence)
{
    if (text.size == 0 || text.size > 127) return KV_BADARG; /* as Redis has it */
    const char *dash = memchr(text.data, '-', text.size);
    kv_stream_id parsed = {0, 0};
    kv_slice ms = text;
    if (dash != NULL) ms.size = (size_t)(dash - (const char *)text.data);
    if (ms.size == 0 || !streams_parse_number(ms, &parsed.ms)) return KV_BADARG;
    if (dash != NULL) {
        kv_slice sequence = {dash + 1, text.size - ms.size - 1};
        if (sequence.size == 0 || !streams_parse_number(sequence, &parsed.sequence))
            return KV_BADARG;
    }
    if (id != NULL) *id = parsed;
    if (has_sequence != NULL) *has_sequence = dash != NULL;
    return KV_OK;
}

size_t kv_stream_id_format(char text[KV_STREAM_ID_SIZE], kv_stream_id id)
{
    size_t size = number_format_uint64(text, id.ms);
    text[size++] = '-';
    return size + number_format_uint64(text + size, id.sequence);
}

/* --------------------------------------------------------------------------------------- common */

KV_INTERNAL kv_status streams_open(struct access *access, kv *db, kv_slice key,
                                   enum access_mode mode)
{
    return access_open_type(access, db, key, KV_TYPE_STREAM, mode);
}

KV_INTERNAL struct stream *streams_of(const struct access *access)
{
    struct collection collection = access_collection(access);
    return stream_of(&collection);
}

KV_INTERNAL kv_status streams_edit(struct access *access, struct stream_edit *edit)
{
    struct collection collection = access_collection(access);
    kv_status status = stream_edit_begin(edit, &collection, &access->shard->memory);
    if (status == KV_OK) access_set_payload(access, collection.word);
    return status;
}

KV_INTERNAL void streams_resume(const struct access *access, struct stream_edit *edit)
{
    struct collection collection = access_collection(access);
    stream_edit_resume(edit, &collection, &access->shard->memory);
}

KV_INTERNAL void streams_settle(struct access *access, struct stream_edit *edit, uint64_t changes)
{
    stream_edit_end(edit);
    if (changes == 0) return;
    struct collection collection = access_collection(access);
    access_settle(access, &collection, changes);
}

KV_INTERNAL bool streams_lend(const struct stream_entry *entry, kv_visit_entry *visit,
                              void *context)
{
    kv_stream_entry lent = {.id = entry->id,
                            .field_count = entry->field_count,
                            .reads_values = entry->is_alike,
                            .fields_left = entry->field_count,
                            .field = entry->fields,
                            .value = entry->values};
    return visit == NULL || visit(context, &lent);
}

KV_INTERNAL bool streams_lend_id(kv_stream_id id, bool is_deleted, kv_visit_entry *visit,
                                 void *context)
{
    kv_stream_entry lent = {.id = id, .is_deleted = is_deleted};
    return visit == NULL || visit(context, &lent);
}

_Static_assert(sizeof((kv_stream_entry *)NULL)->scratch[0] >= PACK_TEXT_SIZE, "an integer fits");

bool kv_stream_entry_next(kv_stream_entry *entry, kv_slice *field, kv_slice *value)
{
    if (entry == NULL || entry->fields_left == 0) return false;
    entry->fields_left--;
    const uint8_t *at = entry->field;
    const uint8_t *value_at = entry->reads_values ? entry->value : pack_next(at);
    kv_slice text = pack_text(at, entry->scratch[0]);
    if (field != NULL) *field = text;
    text = pack_text(value_at, entry->scratch[1]);
    if (value != NULL) *value = text;
    entry->value = pack_next(value_at);
    entry->field = entry->reads_values ? pack_next(at) : entry->value;
    return true;
}

KV_INTERNAL kv_status streams_effect_open(struct effect *effect, struct access *access,
                                          kv_slice name, const kv_slice *words, size_t word_count,
                                          const kv_stream_id *ids, size_t id_count, char **texts)
{
    size_t size = 0;
    *texts = NULL;
    effect->words = NULL;
    if (KV_LIKELY(!access_is_journaled(access))) return KV_OK;
    if (id_count > SIZE_MAX / KV_STREAM_ID_SIZE / 2) return KV_NOMEM;
    for (size_t i = 0; i < word_count; i++) size += words[i].size;
    *texts = alloc_get_array(&access->store->alloc, id_count, KV_STREAM_ID_SIZE);
    if (*texts == NULL) return KV_NOMEM;
    kv_status status = effect_open(effect, access, name, word_count + id_count,
                                   size + id_count * KV_STREAM_ID_SIZE);
    if (status != KV_OK) {
        alloc_free(&access->store->alloc, *texts, id_count * KV_STREAM_ID_SIZE);
        return status;
    }
    for (size_t i = 0; i < word_count; i++) effect_add(effect, words[i]);
    for (size_t i = 0; i < id_count; i++) {
        char *text = *texts + i * KV_STREAM_ID_SIZE;
        effect_add(effect, kv_bytes(text, kv_stream_id_format(text, ids[i])));
    }
    return KV_OK;
}

KV_INTERNAL void streams_effect_close(struct effect *effect, struct access *access, char *texts,
                                      size_t id_count, bool happened)
{
    effect_close(effect, access, happened);
    if (texts != NULL) alloc_free(&access->store->alloc, texts, id_count * KV_STREAM_ID_SIZE);
}

/* ------------------------------------------------------------------------------------- trimming */

static bool streams_read_trim(const kv_stream_trim *given, kv_stream_trim *trim)
{
    *trim = KV_OPTIONS(kv_stream_trim);
    if (given == NULL || given->size < sizeof given->size || given->size > sizeof *trim)
        return false;
    memcpy(trim, given, given->size);
    return trim->references <= KV_REFERENCES_ACKED && (trim->limit == 0 || trim->approximately);
}

/* What is done about the groups when an entry is deleted. True: it may go. */
struct streams_deletion {
    struct stream_edit *edit;
    kv_stream_references references;
};

static bool streams_may_delete(void *context, kv_stream_id id)
{
    const struct streams_deletion *deletion = context;
    if (deletion->references == KV_REFERENCES_ACKED)
        return !stream_is_wanted(deletion->edit->stream, id);
    stream_forget(deletion->edit, id);
    return true;
}

static uint64_t streams_trim(struct stream_edit *edit, const kv_stream_trim *trim)
{
    struct streams_deletion deletion = {edit, trim->references};
    struct stream_trim how = {.by_id = trim->by_id,
                              .first = trim->first,
                              .length = trim->length,
                              .in_packs = trim->approximately,
                              .limit = trim->limit,
                              .may_delete = streams_may_delete,
                              .context = &deletion};
    bool asks = trim->references != KV_REFERENCES_KEEP && sorted_count(&edit->stream->groups) > 0;
    if (!asks) how.may_delete = NULL;
    return stream_trim(edit, &how);
}

/*
 * The words of the journal that trim to what is left, exactly: whatever was trimmed how, entries
 * went from the first on until there were so many.
 */
#define STREAMS_TRIM_WORDS 4

static void streams_add_trim(struct effect *effect, const struct stream *stream,
                             const kv_stream_trim *trim, char length[NUMBER_INT64_SIZE])
{
    effect_add(effect, EFFECT_NAME("MAXLEN"));
    effect_add(effect, EFFECT_NAME("="));
    effect_add(effect, kv_bytes(length, number_format_uint64(length, stream_length(stream))));
    if (trim->references == KV_REFERENCES_DELETE) effect_add(effect, EFFECT_NAME("DELREF"));
    if (trim->references == KV_REFERENCES_ACKED) effect_add(effect, EFFECT_NAME("ACKED"));
}

kv_status kv_xtrim(kv *db, kv_slice key, const kv_stream_trim *given, uint64_t *deleted)
{
    kv_stream_trim trim;
    struct access access;
    struct stream_edit edit;
    struct effect effect;
    if (db == NULL || !streams_read_trim(given, &trim)) return KV_BADARG;
    kv_status status = access_open_existing(&access, db, key, KV_TYPE_STREAM, ACCESS_WRITE);
    if (status == KV_NONE && deleted != NULL) *deleted = 0;
    if (status != KV_OK) return status;
    status = effect_open(&effect, &access, EFFECT_NAME("XTRIM"), STREAMS_TRIM_WORDS, 64);
    if (status != KV_OK) return access_close(&access, status);
    status = streams_edit(&access, &edit);
    uint64_t removed = 0;
    char length[NUMBER_INT64_SIZE];
    if (status == KV_OK) {
        removed = streams_trim(&edit, &trim);
        if (removed > 0) streams_add_trim(&effect, edit.stream, &trim, length);
        streams_settle(&access, &edit, removed);
        if (deleted != NULL) *deleted = removed;
    }
    if (removed > 0) streams_event(&access, "xtrim");
    effect_close(&effect, &access, removed > 0);
    return access_close(&access, status);
}

/* --------------------------------------------------------------------------------------- adding */

static bool streams_read_add_options(const kv_xadd_options *given, kv_xadd_options *options,
                                     kv_stream_trim *trim)
{
    *options = KV_OPTIONS(kv_xadd_options);
    if (given != NULL) {
        if (given->size < sizeof given->size || given->size > sizeof *options) return false;
        memcpy(options, given, given->size);
    }
    if (options->trim != NULL) {
        if (!streams_read_trim(options->trim, trim)) return false;
        options->trim = trim;
    }
    bool is_zero = options->id.ms == 0 && options->id.sequence == 0;
    return options->how != KV_ID_GIVEN || !is_zero;
}

/* The id that an entry is to get. KV_OK, KV_SKIPPED, KV_OVERFLOW. */
static kv_status streams_choose_id(const struct stream *stream, const kv_xadd_options *options,
                                   int64_t now_ms, kv_stream_id *id)
{
    kv_stream_id last = stream->last;
    if (stream_id_compare(last, STREAM_ID_MAX) == 0) return KV_OVERFLOW;
    *id = options->id;
    if (options->how == KV_ID_NOW)
        return stream_new_id(stream, (uint64_t)now_ms, id) ? KV_OK : KV_OVERFLOW;
    if (options->how == KV_ID_TIME) {
        id->sequence = 0;
        if (id->ms == last.ms) {
            if (last.sequence == UINT64_MAX) return KV_SKIPPED;
            id->sequence = last.sequence + 1;
        }
    }
    return stream_id_compare(*id, last) > 0 ? KV_OK : KV_SKIPPED;
}

struct streams_addition {
    const kv_slice *pairs;
    size_t pair_count;
    const kv_xadd_options *options;
    kv_stream_id id;  /* chosen */
    uint64_t trimmed; /* entries */
};

static kv_status streams_append(struct access *access, struct stream_edit *edit,
                                struct streams_addition *addition)
{
    struct stream_limits limits = {
        (uint64_t)store_setting(access->store, KV_SETTING_STREAM_NODE_SIZE),
        (uint64_t)store_setting(access->store, KV_SETTING_STREAM_NODE_COUNT)};
    const kv_xadd_options *options = addition->options;
    kv_status status = streams_choose_id(edit->stream, options, access_now(access), &addition->id);
    if (status != KV_OK) return status;
    status = stream_append(edit, &limits, addition->id, addition->pairs, addition->pair_count);
    if (status == KV_OK && options->trim != NULL)
        addition->trimmed = streams_trim(edit, options->trim);
    return status;
}

/* Adds to the stream that was opened. */
static kv_status streams_add_existing(struct access *access, struct streams_addition *addition)
{
    struct stream_edit edit;
    kv_status status = streams_edit(access, &edit);
    if (status != KV_OK) return status;
    status = streams_append(access, &edit, addition);
    streams_settle(access, &edit, status == KV_OK ? 1 : 0);
    if (status == KV_OK) access_ready(access);
    return status;
}

/* Makes a stream for it. */
static kv_status streams_add_first(struct access *access, struct streams_addition *addition)
{
    struct memory *memory = &access->shard->memory;
    struct collection collection;
    struct stream_edit edit;
    kv_status status = stream_create(memory, &collection);
    if (status != KV_OK) return status;
    status = stream_edit_begin(&edit, &collection, memory);
    if (status == KV_OK) {
        status = streams_append(access, &edit, addition);
        stream_edit_end(&edit);
    }
    if (status == KV_OK) return access_put_collection(access, KV_TYPE_STREAM, &collection, 1);
    stream_destroy(&collection, memory);
    return status;
}

static kv_status streams_add(struct access *access, struct streams_addition *addition)
{
    struct effect effect;
    size_t size = KV_STREAM_ID_SIZE + 64;
    size_t words = 2 * addition->pair_count;
    if (access_is_journaled(access))
        for (size_t i = 0; i < words; i++) size += addition->pairs[i].size;
    kv_status status =
        effect_open(&effect, access, EFFECT_NAME("XADD"), 1 + STREAMS_TRIM_WORDS + words, size);
    if (status != KV_OK) return status;
    if (access->entry != NULL) status = streams_add_existing(access, addition);
    else status = streams_add_first(access, addition);

    char id[KV_STREAM_ID_SIZE], length[NUMBER_INT64_SIZE];
    if (status == KV_OK && effect.words != NULL) {
        if (addition->trimmed > 0)
            streams_add_trim(&effect, streams_of(access), addition->options->trim, length);
        effect_add(&effect, kv_bytes(id, kv_stream_id_format(id, addition->id)));
        for (size_t i = 0; i < words; i++) effect_add(&effect, addition->pairs[i]);
    }
    effect_close(&effect, access, status == KV_OK);
    if (status == KV_OK) streams_event(access, "xadd");
    if (status == KV_OK && addition->trimmed > 0) streams_event(access, "xtrim");
    return status;
}

kv_status kv_xadd(kv *db, kv_slice key, const kv_slice *pairs, size_t pair_count,
                  const kv_xadd_options *given, kv_stream_id *id)
{
    kv_xadd_options options;
    kv_stream_trim trim;
    struct access access;
    if (db == NULL || pairs == NULL || pair_count == 0 || pair_count > SIZE_MAX / 4)
        return KV_BADARG;
    if (!streams_read_add_options(given, &options, &trim)) return KV_BADARG;
    kv_status status = streams_open(&access, db, key, ACCESS_WRITE);
    if (status != KV_OK) return status;
    if (options.only_existing && access.entry == NULL) return access_close(&access, KV_NONE);
    struct streams_addition addition = {pairs, pair_count, &options, {0, 0}, 0};
    status = streams_add(&access, &addition);
    if (status == KV_OK && id != NULL) *id = addition.id;
    return access_close(&access, status);
}

/* ------------------------------------------------------------------------------------- deleting */

kv_status kv_xdel(kv *db, kv_slice key, const kv_stream_id *ids, size_t count, uint64_t *deleted)
{
    struct access access;
    struct stream_edit edit;
    struct effect effect;
    char *texts;
    if (ids == NULL || count == 0) return KV_BADARG;
    kv_status status = access_open_existing(&access, db, key, KV_TYPE_STREAM, ACCESS_WRITE);
    if (status == KV_NONE && deleted != NULL) *deleted = 0;
    if (status != KV_OK) return status;
    status =
        streams_effect_open(&effect, &access, EFFECT_NAME("XDEL"), NULL, 0, ids, count, &texts);
    if (status != KV_OK) return access_close(&access, status);
    status = streams_edit(&access, &edit);
    uint64_t removed = 0;
    if (status == KV_OK) {
        for (size_t i = 0; i < count; i++) removed += stream_delete(&edit, ids[i]) ? 1 : 0;
        streams_settle(&access, &edit, removed);
        if (deleted != NULL) *deleted = removed;
    }
    if (removed > 0) streams_event(&access, "xdel");
    streams_effect_close(&effect, &access, texts, count, removed > 0);
    return access_close(&access, status);
}

static void streams_tell(kv_visit_deletion *visit, void *context, size_t index,
                         kv_stream_deletion deletion)
{
    if (visit != NULL) visit(context, index, deletion);
}

KV_INTERNAL void streams_tell_none(kv_visit_deletion *visit, void *context, size_t count)
{
    for (size_t i = 0; i < count; i++) streams_tell(visit, context, i, KV_DELETION_NONE);
}

KV_INTERNAL kv_slice streams_references_word(kv_stream_references references)
{
    static const char *const words[] = {"KEEPREF", "DELREF", "ACKED"};
    return kv_text(words[references]);
}

KV_INTERNAL kv_stream_deletion streams_delete(struct stream_edit *edit, kv_stream_id id,
                                              kv_stream_references references)
{
    struct stream_cursor cursor;
    struct streams_deletion deletion = {edit, references};
    if (!stream_find(edit->stream, id, &cursor)) return KV_DELETION_NONE;
    if (references != KV_REFERENCES_KEEP && !streams_may_delete(&deletion, id))
        return KV_DELETION_WANTED;
    (void)stream_delete(edit, id);
    return KV_DELETION_DONE;
}

kv_status kv_xdelex(kv *db, kv_slice key, const kv_stream_id *ids, size_t count,
                    kv_stream_references references, kv_visit_deletion *visit, void *context)
{
    struct access access;
    struct stream_edit edit;
    struct effect effect;
    char *texts;
    if (ids == NULL || count == 0 || references > KV_REFERENCES_ACKED) return KV_BADARG;
    kv_status status = streams_open(&access, db, key, ACCESS_WRITE);
    if (status != KV_OK) return status;
    if (access.entry == NULL) {
        streams_tell_none(visit, context, count);
        return access_close(&access, KV_OK);
    }
    char number[NUMBER_INT64_SIZE];
    kv_slice words[3] = {streams_references_word(references),
                         EFFECT_NAME("IDS"),
                         {number, number_format_uint64(number, count)}};
    status =
        streams_effect_open(&effect, &access, EFFECT_NAME("XDELEX"), words, 3, ids, count, &texts);
    if (status != KV_OK) return access_close(&access, status);
    status = streams_edit(&access, &edit);
    uint64_t removed = 0;
    for (size_t i = 0; i < count && status == KV_OK; i++) {
        kv_stream_deletion deletion = streams_delete(&edit, ids[i], references);
        if (deletion == KV_DELETION_DONE) removed++;
        streams_tell(visit, context, i, deletion);
    }
    if (status == KV_OK) streams_settle(&access, &edit, removed);
    if (removed > 0) streams_event(&access, "xdel");
    streams_effect_close(&effect, &access, texts, count, removed > 0);
    return access_close(&access, status);
}

/* -------------------------------------------------------------------------------------- setting */

static bool streams_may_set(const struct stream *stream, kv_stream_id last,
                            const kv_xsetid_options *options)
{
    if (stream_id_compare(last, stream->last_deleted) < 0) return false;
    if (stream_length(stream) == 0) return true;
    if (stream_id_compare(last, stream_end_id(stream, KV_TAIL)) < 0) return false;
    return !options->has_added || options->added >= stream_length(stream);
}

kv_status kv_xsetid(kv *db, kv_slice key, kv_stream_id last, const kv_xsetid_options *given)
{
    kv_xsetid_options options = KV_OPTIONS(kv_xsetid_options);
    struct access access;
    if (given != NULL) {
        if (given->size < sizeof given->size || given->size > sizeof options) return KV_BADARG;
        memcpy(&options, given, given->size);
    }
    if (stream_id_compare(last, options.last_deleted) < 0) return KV_BADARG;
    kv_status status = access_open_existing(&access, db, key, KV_TYPE_STREAM, ACCESS_WRITE);
    if (status == KV_NONE) return KV_NOTFOUND;
    if (status != KV_OK) return status;
    struct stream *stream = streams_of(&access);
    if (!streams_may_set(stream, last, &options)) return access_close(&access, KV_SKIPPED);

    kv_stream_id last_deleted = options.last_deleted;
    if (last_deleted.ms == 0 && last_deleted.sequence == 0) last_deleted = stream->last_deleted;
    uint64_t added = options.has_added ? options.added : stream->added;
    char texts[2][KV_STREAM_ID_SIZE], number[NUMBER_INT64_SIZE];
    kv_slice words[5] = {{texts[0], kv_stream_id_format(texts[0], last)},
                         EFFECT_NAME("ENTRIESADDED"),
                         {number, number_format_uint64(number, added)},
                         EFFECT_NAME("MAXDELETEDID"),
                         {texts[1], kv_stream_id_format(texts[1], last_deleted)}};
    struct effect effect;
    status = effect_open_with(&effect, &access, EFFECT_NAME("XSETID"), words, 5);
    if (status != KV_OK) return access_close(&access, status);
    stream->last = last;
    stream->added = added;
    stream->last_deleted = last_deleted;
    struct collection collection = access_collection(&access);
    access_settle(&access, &collection, 1);
    streams_event(&access, "xsetid");
    effect_close(&effect, &access, true);
    return access_close(&access, KV_OK);
}

/* -------------------------------------------------------------------------------------- reading */

kv_status kv_xlen(kv *db, kv_slice key, uint64_t *length)
{
    struct access access;
    kv_status status = streams_open(&access, db, key, length != NULL ? ACCESS_READ : ACCESS_PEEK);
    if (status != KV_OK) return status;
    bool is_there = access.entry != NULL;
    if (length != NULL) *length = is_there ? stream_length(streams_of(&access)) : 0;
    return access_close(&access, is_there ? KV_OK : KV_NONE);
}

KV_INTERNAL uint64_t streams_visit(const struct stream *stream, kv_stream_id first,
                                   kv_stream_id last, kv_end from, uint64_t count,
                                   kv_visit_entry *visit, void *context)
{
    struct stream_cursor cursor;
    uint64_t lent = 0;
    bool more = stream_seek(stream, first, last, from, &cursor);
    for (; more; more = stream_next(&cursor)) {
        lent++;
        if (!streams_lend(&cursor.entry, visit, context) || lent == count) break;
    }
    return lent;
}

kv_status kv_xrange(kv *db, kv_slice key, kv_stream_id first, kv_stream_id last, kv_end from,
                    uint64_t count, kv_visit_entry *visit, void *context)
{
    struct access access;
    kv_status status = access_open_existing(&access, db, key, KV_TYPE_STREAM, ACCESS_READ);
    if (status != KV_OK) return status;
    (void)streams_visit(streams_of(&access), first, last, from, count, visit, context);
    return access_close(&access, KV_OK);
}

KV_INTERNAL kv_stream_info streams_info(const struct stream *stream)
{
    kv_stream_info info = KV_OPTIONS(kv_stream_info);
    info.length = stream_length(stream);
    info.added = stream->added;
    info.first = stream_end_id(stream, KV_HEAD);
    info.last = stream->last;
    info.last_deleted = stream->last_deleted;
    info.groups = sorted_count(&stream->groups);
    info.pieces = stream->pack_count;
    info.nodes = stream->nodes.nodes;
    return info;
}

kv_status kv_xinfo(kv *db, kv_slice key, kv_stream_info *info, kv_visit_entry *visit, void *context)
{
    struct access access;
    struct stream_cursor cursor;
    if (info == NULL || info->size < sizeof info->size || info->size > sizeof *info)
        return KV_BADARG;
    kv_status status = access_open_existing(&access, db, key, KV_TYPE_STREAM, ACCESS_PEEK);
    if (status != KV_OK) return status;
    const struct stream *stream = streams_of(&access);
    kv_stream_info told = streams_info(stream);
    told.size = info->size;
    memcpy(info, &told, info->size);
    for (int end = KV_HEAD; end <= KV_TAIL && visit != NULL; end++)
        if (stream_seek(stream, (kv_stream_id){0, 0}, STREAM_ID_MAX, (kv_end)end, &cursor))
            (void)streams_lend(&cursor.entry, visit, context);
    return access_close(&access, KV_OK);
}

/* The entries of one stream that are asked for. KV_OK if there are any; KV_NONE. */
static kv_status streams_read(kv *db, const kv_stream_from *from, size_t index, uint64_t count,
                              const struct streams_visitors *visitors)
{
    struct access access;
    struct stream_cursor cursor;
    kv_stream_id first = from->after;
    kv_status status = access_open_existing(&access, db, from->key, KV_TYPE_STREAM, ACCESS_READ);
    if (status != KV_OK) return status;
    const struct stream *stream = streams_of(&access);
    bool is_any = !from->only_new && stream_id_next(&first) &&
                  stream_seek(stream, first, STREAM_ID_MAX, KV_HEAD, &cursor);
    if (!is_any) return access_close(&access, KV_NONE);
    if (visitors->begin != NULL) visitors->begin(visitors->context, index);
    (void)streams_visit(stream, first, STREAM_ID_MAX, KV_HEAD, count, visitors->visit,
                        visitors->context);
    return access_close(&access, KV_OK);
}

/* An error in any of the streams is found before anything is lent. */
static kv_status streams_check_types(kv *db, const kv_stream_from *streams, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct access access;
        kv_status status = streams_open(&access, db, streams[i].key, ACCESS_PEEK);
        if (status != KV_OK) return status;
        (void)access_close(&access, KV_OK);
    }
    return KV_OK;
}

static kv_status streams_read_all(kv *db, const kv_stream_from *streams, const kv_slice *keys,
                                  size_t count, uint64_t limit,
                                  const struct streams_visitors *visitors)
{
    struct span span;
    kv_status result = KV_NONE;
    span_begin(&span, db, keys, count, 0);
    kv_status status = streams_check_types(&span.db, streams, count);
    for (size_t i = 0; i < count && status >= 0; i++) {
        status = streams_read(&span.db, &streams[i], i, limit, visitors);
        if (status == KV_OK) result = KV_OK;
    }
    span_end(&span);
    return status < 0 ? status : result;
}

KV_INTERNAL bool streams_read_options(const kv_xread_options *given, kv_xread_options *options)
{
    *options = KV_OPTIONS(kv_xread_options);
    if (given == NULL) return true;
    if (given->size < sizeof given->size || given->size > sizeof *options) return false;
    memcpy(options, given, given->size);
    return options->timeout_ms >= 0;
}

KV_INTERNAL kv_status streams_request_open(struct streams_request *request, kv *db,
                                           const kv_stream_from *streams, size_t count)
{
    if (db == NULL || streams == NULL || count == 0) return KV_BADARG;
    *request = (struct streams_request){.alloc = &db->view->store->alloc, .count = count};
    request->streams = request->few_streams;
    request->keys = request->few_keys;
    if (count > STREAMS_FEW) {
        request->streams = alloc_get_array(request->alloc, count, sizeof *request->streams);
        request->keys = alloc_get_array(request->alloc, count, sizeof *request->keys);
    }
    if (request->streams == NULL || request->keys == NULL) {
        streams_request_close(request);
        return KV_NOMEM;
    }
    memcpy(request->streams, streams, count * sizeof *streams);
    for (size_t i = 0; i < count; i++) request->keys[i] = streams[i].key;
    return KV_OK;
}

KV_INTERNAL void streams_request_close(struct streams_request *request)
{
    if (request->count <= STREAMS_FEW) return;
    alloc_free(request->alloc, request->streams, request->count * sizeof *request->streams);
    alloc_free(request->alloc, request->keys, request->count * sizeof *request->keys);
}

KV_INTERNAL kv_status streams_request_wait(struct streams_request *request, kv *db,
                                           kv_wait_options *how, int64_t timeout_ms)
{
    how->keys = request->keys;
    how->key_count = request->count;
    how->type = KV_TYPE_STREAM;
    return kv_wait_here(db, how, timeout_ms, NULL);
}

/* Makes "from now on" an id. */
static kv_status streams_resolve_new(kv *db, struct streams_request *request)
{
    for (size_t i = 0; i < request->count; i++) {
        kv_stream_from *from = &request->streams[i];
        kv_stream_info info = KV_OPTIONS(kv_stream_info);
        if (!from->only_new) continue;
        kv_status status = kv_xinfo(db, from->key, &info, NULL, NULL);
        if (status < 0) return status;
        from->only_new = false;
        from->after = info.last; /* {0, 0} if there is no key */
    }
    return KV_OK;
}

/* A read that waits. */
struct streams_wait {
    const struct streams_request *request;
    uint64_t count;
    const struct streams_visitors *visitors;
};

static kv_status streams_attempt(void *context, kv *txn, size_t index, kv_slice key)
{
    const struct streams_wait *wait = context;
    (void)key;
    return streams_read(txn, &wait->request->streams[index], index, wait->count, wait->visitors);
}

kv_status kv_xread(kv *db, const kv_stream_from *streams, size_t stream_count,
                   const kv_xread_options *given, kv_visit_stream *begin, kv_visit_entry *visit,
                   void *context)
{
    kv_xread_options options;
    struct streams_request request;
    struct streams_visitors visitors = {begin, visit, context};
    if (!streams_read_options(given, &options) || options.no_ack) return KV_BADARG;
    kv_status status = streams_request_open(&request, db, streams, stream_count);
    if (status != KV_OK) return status;
    if (options.wait) status = streams_resolve_new(db, &request);
    if (status == KV_OK)
        status = streams_read_all(db, request.streams, request.keys, stream_count, options.count,
                                  &visitors);
    if (status == KV_NONE && options.wait) {
        struct streams_wait wait = {&request, options.count, &visitors};
        kv_wait_options how = KV_OPTIONS(kv_wait_options);
        how.attempt = streams_attempt;
        how.context = &wait;
        status = streams_request_wait(&request, db, &how, options.timeout_ms);
    }
    streams_request_close(&request);
    return status;
}
