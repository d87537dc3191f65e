/*
 * api/api_bitmap.c -- strings as bits: one of them, ranges, fields, and several strings combined.
 */
#include "keyspace/effect.h"
#include "keyspace/text.h"
#include "values/bitmap.h"

/* Opens a key that must hold a string or nothing. */
static kv_status bitmaps_open(struct access *access, kv *db, kv_slice key, enum access_mode mode)
{
    if (db == NULL) return KV_BADARG;
    kv_status status = access_open(access, db, key, mode);
    if (status != KV_OK) return status;
    status = access_expect(access, KV_TYPE_STRING);
    return status == KV_OK ? KV_OK : access_close(access, status);
}

static kv_slice bitmaps_number(char text[NUMBER_INT64_SIZE], uint64_t number)
{
    return (kv_slice){text, number_format_uint64(text, number)};
}

/* ------------------------------------------------------------------------------------- one bit */

kv_status kv_getbit(kv *db, kv_slice key, uint64_t offset, bool *bit)
{
    struct access access;
    kv_status status = bitmaps_open(&access, db, key, ACCESS_READ);
    if (status != KV_OK) return status;
    char scratch[NUMBER_INT64_SIZE];
    kv_slice text = text_at(&access, scratch);
    if (bit != NULL) *bit = offset / 8 < text.size && bitmap_bit(text.data, offset);
    return access_close(&access, KV_OK);
}

/* Whether the string will be made, or made longer, for `size` bytes. */
static bool bitmaps_grows(const struct access *access, size_t size)
{
    return access->entry == NULL || value_length(access->entry) < size;
}

static kv_status bitmaps_setbit_opened(struct access *access, uint64_t offset, bool bit, bool *old)
{
    char number[NUMBER_INT64_SIZE];
    kv_slice at = bitmaps_number(number, offset);
    kv_slice arguments[4] = {EFFECT_NAME("SETBIT"), access->key, at,
                             bit ? EFFECT_NAME("1") : EFFECT_NAME("0")};
    kv_status status = access_reserve_journal(access, 4, 7 + access->key.size + at.size);
    if (status != KV_OK) return status;
    struct text text;
    bool grows = bitmaps_grows(access, (size_t)(offset / 8) + 1);
    status = text_open(access, (size_t)(offset / 8) + 1, &text);
    if (status != KV_OK) return status;
    bool was = bitmap_bit(text.bytes, offset);
    bitmap_set_bit(text.bytes, offset, bit);
    if (was != bit && !text.is_changed) access_changed(access);
    if (was != bit || text.is_changed) access_journal(access, arguments, 4);
    if (was != bit || grows) access_event(access, KV_EVENT_STRING, "setbit");
    if (old != NULL) *old = was;
    return KV_OK;
}

kv_status kv_setbit(kv *db, kv_slice key, uint64_t offset, bool bit, bool *old)
{
    if (db != NULL && offset / 8 >= text_size_max(db->view->store)) return KV_TOOBIG;
    struct access access;
    kv_status status = bitmaps_open(&access, db, key, ACCESS_WRITE);
    if (status != KV_OK) return status;
    return access_close(&access, bitmaps_setbit_opened(&access, offset, bit, old));
}

/* --------------------------------------------------------------------------------------- ranges */

/* Bits from `first` to `end`, which is not included. */
struct bitmaps_range {
    uint64_t first, end;
};

/*
 * What `start` and `end`, both included, mean for a string of this size. As in Redis an end before
 * the beginning is the first unit.
 */
static struct bitmaps_range bitmaps_clip(size_t size, int64_t start, int64_t end, kv_unit unit)
{
    int64_t total = unit == KV_UNIT_BIT ? 8 * (int64_t)size : (int64_t)size;
    uint64_t scale = unit == KV_UNIT_BIT ? 1 : 8;
    if (start < 0) start = start < -total ? 0 : total + start;
    if (end < 0) end = end < -total ? 0 : total + end;
    if (end >= total) end = total - 1;
    if (start > end) return (struct bitmaps_range){0, 0};
    return (struct bitmaps_range){(uint64_t)start * scale, ((uint64_t)end + 1) * scale};
}

kv_status kv_bitcount(kv *db, kv_slice key, int64_t start, int64_t end, kv_unit unit,
                      uint64_t *count)
{
    struct access access;
    kv_status status = bitmaps_open(&access, db, key, ACCESS_READ);
    if (status != KV_OK) return status;
    char scratch[NUMBER_INT64_SIZE];
    kv_slice text = text_at(&access, scratch);
    struct bitmaps_range range = {0, 0};
    bool is_backwards = start < 0 && end < 0 && start > end; /* however short the string is */
    if (!is_backwards) range = bitmaps_clip(text.size, start, end, unit);
    if (count != NULL) *count = bitmap_count(text.data, range.first, range.end);
    return access_close(&access, KV_OK);
}

/* The position of a bit in the range of a string; without an `end` it goes on behind that. */
static kv_status bitmaps_find(kv_slice text, bool bit, int64_t start, const int64_t *end,
                              kv_unit unit, uint64_t *position)
{
    struct bitmaps_range range =
        bitmaps_clip(text.size, start, end != NULL ? *end : INT64_MAX, unit);
    if (range.first == range.end) return KV_NONE;
    uint64_t found = bitmap_find(text.data, bit, range.first, range.end);
    if (found == range.end && (bit || end != NULL)) return KV_NONE;
    if (position != NULL) *position = found;
    return KV_OK;
}

kv_status kv_bitpos(kv *db, kv_slice key, bool bit, int64_t start, const int64_t *end, kv_unit unit,
                    uint64_t *position)
{
    struct access access;
    kv_status status = bitmaps_open(&access, db, key, ACCESS_READ);
    if (status != KV_OK) return status;
    char scratch[NUMBER_INT64_SIZE];
    if (access.entry != NULL) {
        status = bitmaps_find(text_of(access.entry, scratch), bit, start, end, unit, position);
    } else if (bit) {
        status = KV_NONE;
    } else if (position != NULL) {
        *position = 0;
    }
    return access_close(&access, status);
}

/* --------------------------------------------------------------------------------------- fields */

static bool bitmaps_is_field(const kv_field_operation *operation)
{
    if (operation->kind > KV_FIELD_INCRBY || operation->overflow > KV_OVERFLOW_FAIL) return false;
    return operation->bits >= 1 && operation->bits <= (operation->is_signed ? 64 : 63);
}

/*
 * How long a string must be for all steps that write; 0 if none does. KV_BADARG if one is out of
 * its range, KV_TOOBIG.
 */
static kv_status bitmaps_size_needed(const kv_field_operation *operations, size_t count,
                                     uint64_t maximum, size_t *size)
{
    *size = 0;
    for (size_t i = 0; i < count; i++) {
        const kv_field_operation *operation = &operations[i];
        if (!bitmaps_is_field(operation)) return KV_BADARG;
        if (operation->kind == KV_FIELD_GET) continue;
        if (operation->offset / 8 >= maximum) return KV_TOOBIG;
        uint64_t last = (operation->offset + operation->bits - 1) / 8;
        if (last >= maximum) return KV_TOOBIG;
        if (last >= *size) *size = (size_t)last + 1;
    }
    return KV_OK;
}

static int64_t bitmaps_number_of(const kv_field_operation *operation, uint64_t field)
{
    return operation->is_signed ? bitmap_signed(field, operation->bits) : (int64_t)field;
}

static void bitmaps_get_field(kv_field_operation *operation, const uint8_t *bytes, size_t size)
{
    uint64_t field = bitmap_field(bytes, size, operation->offset, operation->bits);
    operation->result = bitmaps_number_of(operation, field);
    operation->status = KV_OK;
}

/* Sets or increments a field. True if that changed it. */
static bool bitmaps_set_field(kv_field_operation *operation, const struct text *text)
{
    uint64_t old = bitmap_field(text->bytes, text->size, operation->offset, operation->bits), new;
    int64_t number = bitmaps_number_of(operation, old);
    int64_t increment = operation->kind == KV_FIELD_SET ? 0 : operation->value;
    int64_t base = operation->kind == KV_FIELD_SET ? operation->value : number;
    operation->status =
        operation->is_signed
            ? bitmap_add_signed(base, increment, operation->bits, operation->overflow, &new)
            : bitmap_add_unsigned((uint64_t)base, increment, operation->bits, operation->overflow,
                                  &new);
    if (operation->status != KV_OK) return false;
    bitmap_set_field(text->bytes, text->size, operation->offset, operation->bits, new);
    operation->result =
        operation->kind == KV_FIELD_SET ? number : bitmaps_number_of(operation, new);
    return new != old;
}

/* True if a step that writes changed anything. */
static bool bitmaps_do_fields(kv_field_operation *operations, size_t count, const struct text *text)
{
    bool is_changed = false;
    for (size_t i = 0; i < count; i++) {
        kv_field_operation *operation = &operations[i];
        if (operation->kind == KV_FIELD_GET) bitmaps_get_field(operation, text->bytes, text->size);
        else is_changed |= bitmaps_set_field(operation, text);
    }
    return is_changed;
}

/* The journal has the steps that write, word for word: "i64", an offset and a value each. */
struct bitmaps_words {
    char type[3], offset[NUMBER_INT64_SIZE], value[NUMBER_INT64_SIZE];
};

#define BITMAPS_WORDS_FEW 4
#define BITMAPS_ARGUMENTS 6 /* of one step: OVERFLOW and its word, four for the step */
#define BITMAPS_BYTES     (sizeof(struct bitmaps_words) + sizeof "OVERFLOWFAILINCRBY")

struct bitmaps_effect {
    struct effect effect;
    size_t count;
    struct bitmaps_words *words; /* those below, or a block */
    struct bitmaps_words few[BITMAPS_WORDS_FEW];
};

static void bitmaps_add_step(struct effect *effect, const kv_field_operation *operation,
                             struct bitmaps_words *words)
{
    words->type[0] = operation->is_signed ? 'i' : 'u';
    size_t type_size = 1 + number_format_uint64(words->value, operation->bits);
    memcpy(words->type + 1, words->value, type_size - 1);
    size_t value_size = number_format_int64(words->value, operation->value);
    bool is_set = operation->kind == KV_FIELD_SET;
    effect_add(effect, is_set ? EFFECT_NAME("SET") : EFFECT_NAME("INCRBY"));
    effect_add(effect, kv_bytes(words->type, type_size));
    effect_add(effect, bitmaps_number(words->offset, operation->offset));
    effect_add(effect, kv_bytes(words->value, value_size));
}

static void bitmaps_add_steps(struct bitmaps_effect *effect, const kv_field_operation *operations)
{
    static const char *const names[] = {"WRAP", "SAT", "FAIL"};
    kv_overflow overflow = KV_OVERFLOW_WRAP;
    for (size_t i = 0; i < effect->count; i++) {
        if (operations[i].kind == KV_FIELD_GET) continue;
        if (operations[i].overflow != overflow) {
            overflow = operations[i].overflow;
            effect_add(&effect->effect, EFFECT_NAME("OVERFLOW"));
            effect_add(&effect->effect, kv_text(names[overflow]));
        }
        bitmaps_add_step(&effect->effect, &operations[i], &effect->words[i]);
    }
}

static void bitmaps_close_effect(struct bitmaps_effect *effect, struct access *access,
                                 bool happened)
{
    effect_close(&effect->effect, access, happened);
    if (effect->words == effect->few) return;
    alloc_free(&access->store->alloc, effect->words, effect->count * sizeof *effect->words);
}

/* Puts together what the journal will say and reserves room for it. */
static kv_status bitmaps_open_effect(struct bitmaps_effect *effect, struct access *access,
                                     const kv_field_operation *operations, size_t count)
{
    effect->count = count;
    effect->words = effect->few;
    if (count > SIZE_MAX / BITMAPS_BYTES / 2) return KV_NOMEM;
    kv_status status = effect_open(&effect->effect, access, EFFECT_NAME("BITFIELD"),
                                   BITMAPS_ARGUMENTS * count, BITMAPS_BYTES * count);
    if (status != KV_OK || effect->effect.words == NULL) return status;
    if (count > BITMAPS_WORDS_FEW)
        effect->words = alloc_get_array(&access->store->alloc, count, sizeof *effect->words);
    if (effect->words == NULL) {
        effect_close(&effect->effect, access, false);
        return KV_NOMEM;
    }
    bitmaps_add_steps(effect, operations);
    return KV_OK;
}

/* Whether one of the operations that were done has written something, be it what was there. */
static bool bitmaps_have_written(const kv_field_operation *operations, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (operations[i].kind != KV_FIELD_GET && operations[i].status == KV_OK) return true;
    }
    return false;
}

static kv_status bitmaps_write_fields(struct access *access, kv_field_operation *operations,
                                      size_t count, size_t size)
{
    struct bitmaps_effect effect;
    struct text text;
    kv_status status = bitmaps_open_effect(&effect, access, operations, count);
    if (status != KV_OK) return status;
    bool grows = bitmaps_grows(access, size);
    status = text_open(access, size, &text);
    bool is_changed = status == KV_OK && bitmaps_do_fields(operations, count, &text);
    if (is_changed && !text.is_changed) access_changed(access);
    if (is_changed || (status == KV_OK && grows && bitmaps_have_written(operations, count)))
        access_event(access, KV_EVENT_STRING, "setbit");
    bitmaps_close_effect(&effect, access, is_changed || (status == KV_OK && text.is_changed));
    return status;
}

static void bitmaps_read_fields(const struct access *access, kv_field_operation *operations,
                                size_t count)
{
    char scratch[NUMBER_INT64_SIZE];
    kv_slice text = text_at(access, scratch);
    for (size_t i = 0; i < count; i++) bitmaps_get_field(&operations[i], text.data, text.size);
}

kv_status kv_bitfield(kv *db, kv_slice key, kv_field_operation *operations, size_t count)
{
    if (db == NULL || (operations == NULL && count > 0)) return KV_BADARG;
    size_t size;
    kv_status status =
        bitmaps_size_needed(operations, count, text_size_max(db->view->store), &size);
    if (status != KV_OK) return status;
    struct access access;
    status = bitmaps_open(&access, db, key, size > 0 ? ACCESS_WRITE : ACCESS_READ);
    if (status != KV_OK) return status;
    if (size > 0) status = bitmaps_write_fields(&access, operations, count, size);
    else bitmaps_read_fields(&access, operations, count);
    return access_close(&access, status);
}

/* -------------------------------------------------------------------------------- several keys */

#define BITMAPS_KEYS_FEW 6
#define BITMAPS_KEY_SIZE (sizeof(kv_slice) + NUMBER_INT64_SIZE)

/*
 * What kv_bitop() knows of its keys: first the keys, that of the destination before the others;
 * then in the place of each of the others its text, an integer's in its room.
 */
struct bitmaps_keys {
    struct alloc *alloc;
    size_t count;     /* with the destination */
    kv_slice *slices; /* those below, or a block with the rooms behind */
    char (*rooms)[NUMBER_INT64_SIZE];
    kv_slice few_slices[BITMAPS_KEYS_FEW];
    char few_rooms[BITMAPS_KEYS_FEW][NUMBER_INT64_SIZE];
};

static kv_status bitmaps_open_keys(struct bitmaps_keys *keys, kv *db, kv_slice destination,
                                   const kv_slice *sources, size_t count)
{
    keys->alloc = &db->view->store->alloc;
    keys->count = count + 1;
    keys->slices = keys->few_slices;
    keys->rooms = keys->few_rooms;
    if (keys->count > BITMAPS_KEYS_FEW) {
        keys->slices = alloc_get_array(keys->alloc, keys->count, BITMAPS_KEY_SIZE);
        if (keys->slices == NULL) return KV_NOMEM;
        keys->rooms = (void *)(keys->slices + keys->count);
    }
    keys->slices[0] = destination;
    memcpy(keys->slices + 1, sources, count * sizeof *sources);
    return KV_OK;
}

static void bitmaps_close_keys(struct bitmaps_keys *keys)
{
    if (keys->slices == keys->few_slices) return;
    alloc_free(keys->alloc, keys->slices, keys->count * BITMAPS_KEY_SIZE);
}

/* Puts texts in the place of the sources, under the locks of a span; `size`: of the longest. */
static kv_status bitmaps_read_keys(struct bitmaps_keys *keys, kv *db, size_t *size)
{
    *size = 0;
    for (size_t i = 1; i < keys->count; i++) {
        struct access access;
        kv_status status = bitmaps_open(&access, db, keys->slices[i], ACCESS_READ);
        if (status != KV_OK) return status;
        keys->slices[i] = text_at(&access, keys->rooms[i]);
        if (keys->slices[i].size > *size) *size = keys->slices[i].size;
        (void)access_close(&access, KV_OK);
    }
    return KV_OK;
}

/* The room of a blob that can take the result where it lies, or NULL. */
static uint8_t *bitmaps_room_in_place(const struct access *access, size_t size)
{
    const struct entry *entry = access->entry;
    if (entry == NULL || entry_form(entry) != ENTRY_BLOB || entry_is_timed(entry)) return NULL;
    struct blob *blob = entry_pointer(entry);
    if (blob->capacity < size || blob->capacity / 2 > size) return NULL;
    blob->size = size;
    return blob_bytes(blob);
}

/* Stores the combination of texts, which may lie in what the destination holds. */
static kv_status bitmaps_store(struct access *access, kv_bit_operation operation,
                               const kv_slice *texts, size_t count, size_t size)
{
    uint8_t *room = bitmaps_room_in_place(access, size);
    if (room != NULL) {
        bitmap_combine(operation, texts, count, room, size);
        access_changed(access);
        return KV_OK;
    }
    if (access_fits_inline(access, size)) {
        uint8_t text[ENTRY_INLINE_BLOCK];
        bitmap_combine(operation, texts, count, text, size);
        return access_put_text(access, kv_bytes(text, size), KV_NEVER, ACCESS_RAW);
    }
    struct blob *blob = blob_create(&access->store->alloc, kv_bytes(NULL, 0), size);
    if (blob == NULL) return KV_NOMEM;
    bitmap_combine(operation, texts, count, blob_bytes(blob), size);
    blob->size = size;
    kv_status status =
        access_put_value(access, KV_TYPE_STRING, ENTRY_BLOB, (uint64_t)(uintptr_t)blob, KV_NEVER);
    if (status != KV_OK) blob_destroy(&access->store->alloc, blob);
    return status;
}

static kv_status bitmaps_combine_effect(struct effect *effect, struct access *access,
                                        kv_bit_operation operation, const kv_slice *keys,
                                        size_t count)
{
    static const char *const names[] = {"AND", "OR", "XOR", "NOT", "DIFF", "DIFF1", "ANDOR", "ONE"};
    kv_slice name = kv_text(names[operation]);
    size_t size = name.size + access->key.size;
    if (access_is_journaled(access))
        for (size_t i = 0; i < count; i++) size += keys[i].size;
    kv_status status = effect_open_bare(effect, access, EFFECT_NAME("BITOP"), 2 + count, size);
    if (status != KV_OK) return status;
    effect_add(effect, name);
    effect_add(effect, access->key);
    effect_add_all(effect, keys, count);
    return KV_OK;
}

/* Changes the destination. An empty result removes it. */
static kv_status bitmaps_combine_opened(struct access *access, kv_bit_operation operation,
                                        const kv_slice *keys, const kv_slice *texts, size_t count,
                                        size_t size)
{
    if (size == 0 && access->entry == NULL) return KV_OK;
    struct effect effect;
    kv_status status = bitmaps_combine_effect(&effect, access, operation, keys, count);
    if (status != KV_OK) return status;
    if (size == 0) {
        access_event(access, KV_EVENT_GENERIC, "del");
        access_remove(access);
    } else {
        status = bitmaps_store(access, operation, texts, count, size);
        if (status == KV_OK) access_event(access, KV_EVENT_STRING, "set");
    }
    effect_close(&effect, access, status == KV_OK);
    return status;
}

kv_status kv_bitop(kv *db, kv_bit_operation operation, kv_slice destination, const kv_slice *keys,
                   size_t count, uint64_t *length)
{
    if (db == NULL || keys == NULL || !bitmap_can_combine(operation, count)) return KV_BADARG;
    struct bitmaps_keys all;
    kv_status status = bitmaps_open_keys(&all, db, destination, keys, count);
    if (status != KV_OK) return status;
    struct span span;
    struct access access;
    size_t size;
    span_begin(&span, db, all.slices, all.count, 0);
    status = bitmaps_read_keys(&all, &span.db, &size);
    if (status == KV_OK) status = access_open(&access, &span.db, destination, ACCESS_WRITE);
    if (status == KV_OK) {
        status = bitmaps_combine_opened(&access, operation, keys, all.slices + 1, count, size);
        (void)access_close(&access, status);
    }
    span_end(&span);
    bitmaps_close_keys(&all);
    if (status == KV_OK && length != NULL) *length = size;
    return status;
}
