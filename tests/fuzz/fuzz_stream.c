/*
 * tests/fuzz/fuzz_stream.c -- streams from anybody: ids as text, and packs of entries from a file.
 *
 * The first byte says what the rest is. An id that is read is written and read back the same. A
 * pack that is taken is read from both ends, changed and emptied without reading beyond it.
 */
#include "values/stream.h"
#include "values/stream_group.h"

#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------------------------------ ids */

static void read_id(kv_slice text)
{
    char written[KV_STREAM_ID_SIZE];
    kv_stream_id id, again;
    bool has_sequence;
    if (kv_stream_id_parse(text, &id, &has_sequence) != KV_OK) return;
    check(has_sequence || id.sequence == 0);
    size_t size = kv_stream_id_format(written, id);
    check(size < sizeof written);
    check(kv_stream_id_parse(kv_bytes(written, size), &again, &has_sequence) == KV_OK);
    check(has_sequence && stream_id_compare(id, again) == 0);
}

/* ---------------------------------------------------------------------------------------- packs */

static uint64_t read_entries(const struct stream *stream, kv_end from)
{
    struct stream_cursor cursor;
    uint64_t count = 0;
    char scratch[PACK_TEXT_SIZE];
    size_t bytes = 0;
    bool more = stream_seek(stream, (kv_stream_id){0, 0}, STREAM_ID_MAX, from, &cursor);
    for (; more; more = stream_next(&cursor)) {
        const struct stream_entry *entry = &cursor.entry;
        const uint8_t *at = entry->values;
        for (uint64_t i = 0; i < entry->field_count * (entry->is_alike ? 1 : 2); i++) {
            bytes += pack_text(at, scratch).size;
            at = pack_next(at);
        }
        count++;
    }
    check(bytes <= PACK_SIZE_MAX);
    return count;
}

/* Deletes entries from either end until none is left. */
static void empty(struct stream_edit *edit)
{
    while (stream_length(edit->stream) > 0) {
        kv_end end = stream_length(edit->stream) % 3 == 0 ? KV_TAIL : KV_HEAD;
        check(stream_delete(edit, stream_end_id(edit->stream, end)));
    }
}

static void use(struct stream_edit *edit)
{
    kv_slice pair[2] = {{"field", 5}, {"value", 5}};
    struct stream_limits limits = {4096, 100};
    kv_stream_id id = edit->stream->last;
    check(read_entries(edit->stream, KV_HEAD) == stream_length(edit->stream));
    check(read_entries(edit->stream, KV_TAIL) == stream_length(edit->stream));
    if (stream_id_next(&id)) check(stream_append(edit, &limits, id, pair, 1) == KV_OK);
    struct stream_trim trim = {.length = stream_length(edit->stream) / 2};
    (void)stream_trim(edit, &trim);
    check(stream_length(edit->stream) == trim.length);
    empty(edit);
}

static void load(kv_slice bytes)
{
    struct alloc alloc;
    struct pages pages;
    struct memory memory;
    struct collection collection;
    struct stream_edit edit;
    if (!pack_validate(bytes, true)) return;
    alloc_init(&alloc, NULL);
    pages_init(&pages, &alloc);
    memory_init(&memory, &pages);
    check(stream_create(&memory, &collection) == KV_OK);
    check(stream_edit_begin(&edit, &collection, &memory) == KV_OK);
    if (stream_load_node(&edit, (kv_stream_id){1, 1}, bytes) == KV_OK) use(&edit);
    stream_edit_end(&edit);
    stream_check(&collection);
    stream_destroy(&collection, &memory);
    check(memory.used == 0);
    memory_destroy(&memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > 1 << 16) return 0;
    if (data[0] == 'i') {
        read_id(kv_bytes(data + 1, size - 1));
        return 0;
    }
    uint8_t *bytes = malloc(size);
    check(bytes != NULL);
    memcpy(bytes, data + 1, size - 1);
    load(kv_bytes(bytes, size - 1));
    free(bytes);
    return 0;
}
