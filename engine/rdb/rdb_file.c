/*
 * rdb/rdb_file.c -- see rdb_file.h.
 */
#include "rdb/rdb_file.h"

#include "base/bytes.h"
#include "base/crc64.h"
#include "rdb/rdb_format.h"
#include "rdb/rdb_value.h"

#include <stdarg.h>
#include <stdio.h>

/* Values of modules, before and since Redis 4.0.0. */
#define RDB_MODULE_OLD  6
#define RDB_MODULE      7

#define RDB_MAGIC       5 /* bytes */
#define RDB_SUM_VERSION 5 /* the first with a sum at the end */
#define RDB_IDLE_MAX    (UINT32_MAX / 2)

KV_INTERNAL void rdb_fault_set(struct rdb_fault *fault, uint64_t offset, const char *format, ...)
{
    fault->offset = offset;
    int size = snprintf(fault->message, sizeof fault->message,
                        "offset %llu: ", (unsigned long long)offset);
    if (size < 0 || (size_t)size >= sizeof fault->message) return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(fault->message + size, sizeof fault->message - (size_t)size, format, arguments);
    va_end(arguments);
}

KV_INTERNAL void rdb_show_key(kv_slice key, char shown[RDB_SHOWN])
{
    size_t most = RDB_SHOWN - sizeof "...", size = key.size < most ? key.size : most;
    for (size_t i = 0; i < size; i++) {
        char letter = ((const char *)key.data)[i];
        shown[i] = letter >= ' ' && letter <= '~' ? letter : '?';
    }
    memcpy(shown + size, size < key.size ? "..." : "", size < key.size ? 4 : 1);
}

KV_INTERNAL const char *rdb_type_name(unsigned type)
{
    static const char *const names[] = {
        [KV_TYPE_NONE] = "value",    [KV_TYPE_STRING] = "string",         [KV_TYPE_LIST] = "list",
        [KV_TYPE_SET] = "set",       [KV_TYPE_SORTED_SET] = "sorted set", [KV_TYPE_HASH] = "hash",
        [KV_TYPE_STREAM] = "stream",
    };
    return names[rdb_type_holds(type)];
}

/* Adds to a fault within a value whose it is. */
static void rdb_file_name_value(struct rdb_file *file, const struct rdb_piece *piece)
{
    struct rdb_source source = {.at = piece->bytes + file->begin + 1,
                                .end = piece->bytes + file->value,
                                .alloc = file->alloc,
                                .text_max = file->text_max};
    struct rdb_text key;
    char shown[RDB_SHOWN], *message = file->fault.message;
    size_t size = strlen(message), room = sizeof file->fault.message - size;
    if (file->stage != RDB_IN_VALUE || rdb_read_text(&source, &key) != KV_OK) return;
    rdb_show_key(key.bytes, shown);
    snprintf(message + size, room, ", in the %s \"%s\"", rdb_type_name(file->code), shown);
    rdb_text_free(&source, &key);
}

/* The offset in the file of a place in the piece. */
static uint64_t rdb_file_offset(const struct rdb_piece *piece, size_t at)
{
    return piece->offset + at;
}

static void rdb_file_warn(const struct rdb_file *file, const char *message)
{
    if (file->options->warn != NULL) file->options->warn(file->options->context, message);
}

/* --------------------------------------------------------------------------------------- pieces */

KV_INTERNAL struct rdb_piece *rdb_piece_create(struct alloc *alloc)
{
    struct rdb_piece *piece = alloc_get(alloc, sizeof *piece);
    if (piece == NULL) return NULL;
    piece->next = NULL;
    piece->size = piece->count = 0;
    piece->offset = piece->first = 0;
    piece->capacity = RDB_PIECE_SIZE;
    piece->bytes = alloc_get(alloc, piece->capacity);
    if (piece->bytes != NULL) return piece;
    alloc_free(alloc, piece, sizeof *piece);
    return NULL;
}

KV_INTERNAL void rdb_piece_destroy(struct alloc *alloc, struct rdb_piece *piece)
{
    if (piece == NULL) return;
    alloc_free(alloc, piece->bytes, piece->capacity);
    alloc_free(alloc, piece, sizeof *piece);
}

KV_INTERNAL void rdb_piece_shrink(struct alloc *alloc, struct rdb_piece *piece)
{
    if (!rdb_piece_is_large(piece)) return;
    uint8_t *bytes = alloc_resize(alloc, piece->bytes, piece->capacity, RDB_PIECE_SIZE);
    if (bytes == NULL) return; /* then it stays as it is */
    piece->bytes = bytes;
    piece->capacity = RDB_PIECE_SIZE;
}

static kv_status rdb_piece_grow(struct alloc *alloc, struct rdb_piece *piece)
{
    if (piece->capacity > SIZE_MAX / 2) return KV_NOMEM;
    uint8_t *bytes = alloc_resize(alloc, piece->bytes, piece->capacity, 2 * piece->capacity);
    if (bytes == NULL) return KV_NOMEM;
    piece->bytes = bytes;
    piece->capacity *= 2;
    return KV_OK;
}

/* -------------------------------------------------------------------------------------- opcodes */

/* What follows an opcode; NULL: it is none. */
static const char *rdb_opcode_layout(const struct rdb_file *file, uint8_t code)
{
    switch (code) {
    case RDB_OPCODE_SLOT_SIZES: return "lll";
    case RDB_OPCODE_FUNCTIONS: return "t";
    case RDB_OPCODE_FUNCTIONS_OLD: return "tt(t)t";
    case RDB_OPCODE_MODULE: return "lllm";
    case RDB_OPCODE_IDLE: return "l";
    case RDB_OPCODE_FREQUENCY: return "1";
    case RDB_OPCODE_AUX: return "tt";
    case RDB_OPCODE_SIZES: return "ll";
    case RDB_OPCODE_DEADLINE_MS: return "8";
    case RDB_OPCODE_DEADLINE_S: return "4";
    case RDB_OPCODE_DATABASE: return "l";
    case RDB_OPCODE_END: return file->version >= RDB_SUM_VERSION ? "8" : "";
    default: return NULL;
    }
}

/* The name in the id of a module, of 9 letters of 6 bits each above 10 bits of its version. */
static void rdb_module_name(uint64_t id, char name[10])
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for (unsigned i = 0; i < 9; i++) name[i] = letters[id >> (58 - 6 * i) & 63];
    name[9] = '\0';
}

static void rdb_file_warn_of_module(const struct rdb_file *file, uint64_t id)
{
    char name[10], message[80];
    rdb_module_name(id, name);
    snprintf(message, sizeof message, "passed over what the module %s wrote", name);
    rdb_file_warn(file, message);
}

static kv_status rdb_file_aux(struct rdb_file *file, struct rdb_piece *piece,
                              struct rdb_source *source)
{
    struct rdb_text name, value;
    if (file->options->aux == NULL) return KV_OK;
    kv_status status = rdb_read_text(source, &name);
    if (status == KV_OK) {
        status = rdb_read_text(source, &value);
        if (status == KV_OK) {
            if (!file->options->aux(file->options->context, name.bytes, value.bytes))
                status = KV_CANCELLED;
            rdb_text_free(source, &value);
        }
        rdb_text_free(source, &name);
    }
    if (status == KV_OK) return KV_OK;
    uint64_t offset = rdb_file_offset(piece, file->begin);
    if (status == KV_CANCELLED)
        rdb_fault_set(&file->fault, offset, "ended by the caller at a field");
    else rdb_fault_set(&file->fault, offset, "expected a field and its value as texts");
    return status;
}

/* Whether a field is about the next key, and noting where its value is. */
static bool rdb_file_note_deadlines(struct rdb_file *file, const struct rdb_piece *piece,
                                    const struct rdb_source *source)
{
    static const char name[] = RDB_DEADLINES;
    size_t size = sizeof name - 1;
    if (rdb_left(source) <= 1 + size || source->at[0] != size) return false;
    if (memcmp(source->at + 1, name, size) != 0) return false;
    file->deadlines = (size_t)(source->at - piece->bytes) + 1 + size;
    return true;
}

static kv_status rdb_file_select(struct rdb_file *file, struct rdb_piece *piece, uint64_t database)
{
    if (database < file->databases) {
        file->database = (uint32_t)database;
        return KV_OK;
    }
    rdb_fault_set(&file->fault, rdb_file_offset(piece, file->begin),
                  "expected a database below %u, found %llu", file->databases,
                  (unsigned long long)database);
    return KV_CORRUPT;
}

/*
 * -1 stands for none, as in Redis; nothing else lies before 1970. The last instant of all is a
 * deadline there and KV_NEVER here: it is kept a millisecond earlier, as commands keep it.
 */
static int64_t rdb_file_deadline(int64_t deadline_ms)
{
    if (deadline_ms == -1) return KV_NEVER;
    if (deadline_ms < 1) return 1;
    return deadline_ms < KV_NEVER ? deadline_ms : KV_NEVER - 1;
}

static kv_status rdb_file_finish(struct rdb_file *file, struct rdb_piece *piece)
{
    size_t end = file->begin + 1;
    kv_slice left = {piece->bytes + file->summed, end - file->summed};
    file->sum = crc64(file->sum, left);
    file->summed = file->at;
    uint64_t stated = file->version < RDB_SUM_VERSION ? 0 : bytes_load64(piece->bytes + end);
    file->has_ended = stated == 0 || stated == file->sum;
    if (file->has_ended) return KV_OK;
    rdb_fault_set(&file->fault, rdb_file_offset(piece, end),
                  "expected the checksum %016llx, found %016llx", (unsigned long long)file->sum,
                  (unsigned long long)stated);
    return KV_CORRUPT;
}

/* Does what an opcode says, which is there with all that belongs to it. */
static kv_status rdb_file_obey(struct rdb_file *file, struct rdb_piece *piece)
{
    struct rdb_source source = {.at = piece->bytes + file->begin + 1,
                                .end = piece->bytes + file->at,
                                .alloc = file->alloc,
                                .text_max = file->text_max};
    uint64_t number = 0;
    switch (file->code) {
    case RDB_OPCODE_AUX:
        if (rdb_file_note_deadlines(file, piece, &source)) return KV_OK;
        return rdb_file_aux(file, piece, &source);
    case RDB_OPCODE_DATABASE:
        (void)rdb_read_length(&source, &number);
        return rdb_file_select(file, piece, number);
    case RDB_OPCODE_SIZES:
        (void)rdb_read_length(&source, &file->sizes);
        file->sizes_database = file->database;
        return KV_OK;
    case RDB_OPCODE_IDLE:
        (void)rdb_read_length(&source, &number);
        file->idle_s = (uint32_t)(number < RDB_IDLE_MAX ? number : RDB_IDLE_MAX);
        return KV_OK;
    case RDB_OPCODE_DEADLINE_MS:
        file->deadline_ms = rdb_file_deadline((int64_t)bytes_load64(source.at));
        return KV_OK;
    case RDB_OPCODE_DEADLINE_S:
        number = bytes_load32(source.at);
        file->deadline_ms = rdb_file_deadline((int64_t)(int32_t)number * 1000);
        return KV_OK;
    case RDB_OPCODE_FUNCTIONS_OLD:
    case RDB_OPCODE_FUNCTIONS:
        rdb_file_warn(file, "passed over a library of functions");
        return KV_OK;
    case RDB_OPCODE_MODULE:
        (void)rdb_read_length(&source, &number);
        rdb_file_warn_of_module(file, number);
        return KV_OK;
    case RDB_OPCODE_END: return rdb_file_finish(file, piece);
    default: return KV_OK; /* of use to others only */
    }
}

/* ---------------------------------------------------------------------------------------- parts */

static kv_status rdb_file_header(struct rdb_file *file, struct rdb_piece *piece)
{
    const uint8_t *bytes = piece->bytes;
    if (memcmp(bytes, "REDIS", RDB_MAGIC) != 0) {
        rdb_fault_set(&file->fault, 0, "expected \"REDIS\", with which an RDB file begins");
        return KV_CORRUPT;
    }
    for (size_t i = RDB_MAGIC; i < RDB_MAGIC + 4; i++) {
        if (bytes[i] < '0' || bytes[i] > '9') {
            rdb_fault_set(&file->fault, i, "expected a digit of the version, found 0x%02x",
                          (unsigned)bytes[i]);
            return KV_CORRUPT;
        }
        file->version = 10 * file->version + (unsigned)(bytes[i] - '0');
    }
    if (file->version == 0) { /* and no file without a checksum because of a damaged digit */
        rdb_fault_set(&file->fault, RDB_MAGIC, "expected a version of 1 or above, found 0000");
        return KV_CORRUPT;
    }
    return KV_OK;
}

/* A part begins with a byte that says what it is. */
static kv_status rdb_file_begin(struct rdb_file *file, struct rdb_piece *piece)
{
    file->code = piece->bytes[file->at++];
    const char *layout = "t"; /* of the key */
    file->stage = RDB_IN_KEY;
    if (KV_UNLIKELY(rdb_layout_of(file->code) == NULL)) {
        layout = rdb_opcode_layout(file, file->code);
        file->stage = RDB_IN_OPCODE;
        if (file->code == RDB_MODULE || file->code == RDB_MODULE_OLD) {
            layout = "tl"; /* the key and who wrote its value, to be named */
        } else if (layout == NULL) {
            rdb_fault_set(&file->fault, rdb_file_offset(piece, file->begin),
                          "expected a type or an opcode, found 0x%02x", (unsigned)file->code);
            return KV_CORRUPT;
        }
    }
    rdb_frame_begin(&file->frame, layout);
    return KV_OK;
}

static kv_status rdb_file_refuse_module(struct rdb_file *file, const struct rdb_piece *piece)
{
    char name[10];
    uint64_t id = 0;
    struct rdb_source source = {.at = piece->bytes + file->begin + 1,
                                .end = piece->bytes + file->at,
                                .alloc = file->alloc,
                                .text_max = file->text_max};
    struct rdb_frame frame;
    rdb_frame_begin(&frame, "t");
    (void)rdb_frame_advance(&frame, &source);
    (void)rdb_read_length(&source, &id);
    rdb_module_name(id, name);
    rdb_fault_set(&file->fault, rdb_file_offset(piece, file->begin),
                  "expected a value of Redis itself, found one of the module %s", name);
    return KV_CORRUPT;
}

static void rdb_file_record(struct rdb_file *file, struct rdb_piece *piece)
{
    piece->records[piece->count++] = (struct rdb_record){
        .key = file->begin + 1,
        .value = file->value,
        .end = file->at,
        .deadlines = file->deadlines,
        .deadline_ms = file->deadline_ms,
        .idle_s = file->idle_s,
        .database = file->database,
        .type = file->code,
    };
    file->keys++;
    file->deadline_ms = KV_NEVER;
    file->idle_s = 0;
    file->deadlines = 0;
}

/* The part at hand, or its first half, is whole. */
static kv_status rdb_file_end_part(struct rdb_file *file, struct rdb_piece *piece)
{
    kv_status status = KV_OK;
    switch (file->stage) {
    case RDB_IN_KEY:
        file->value = file->at;
        file->stage = RDB_IN_VALUE;
        rdb_frame_begin(&file->frame, rdb_layout_of(file->code));
        return KV_OK;
    case RDB_IN_VALUE: rdb_file_record(file, piece); break;
    case RDB_IN_HEADER: status = rdb_file_header(file, piece); break;
    default:
        if (file->code == RDB_MODULE || file->code == RDB_MODULE_OLD)
            status = rdb_file_refuse_module(file, piece);
        else status = rdb_file_obey(file, piece);
        break;
    }
    file->begin = file->at;
    file->stage = RDB_BETWEEN;
    if (file->deadlines != 0 || status != KV_OK) return status;
    file->keep = file->at;
    file->offset = rdb_file_offset(piece, file->at);
    return status;
}

static kv_status rdb_file_damaged(struct rdb_file *file, const struct rdb_piece *piece)
{
    rdb_fault_set(&file->fault, rdb_file_offset(piece, file->at), "expected %s, found 0x%02x",
                  file->frame.expected, (unsigned)piece->bytes[file->at]);
    rdb_file_name_value(file, piece);
    return KV_CORRUPT;
}

/* Goes over the parts that are in the piece, up to the end or as many keys as it has room for. */
static kv_status rdb_file_walk(struct rdb_file *file, struct rdb_piece *piece)
{
    struct rdb_source source = {.end = piece->bytes + piece->size, .text_max = file->text_max};
    kv_status status = KV_OK;
    while (status == KV_OK && !file->has_ended) {
        if (file->stage == RDB_BETWEEN) {
            if (piece->count == RDB_PIECE_RECORDS || file->at == piece->size) return KV_OK;
            status = rdb_file_begin(file, piece);
            if (status != KV_OK) return status;
        }
        source.at = piece->bytes + file->at;
        enum rdb_framed framed = rdb_frame_advance(&file->frame, &source);
        file->at = (size_t)(source.at - piece->bytes);
        if (framed == RDB_SHORT) return KV_OK;
        if (framed == RDB_DAMAGED) return rdb_file_damaged(file, piece);
        status = rdb_file_end_part(file, piece);
    }
    return status;
}

/* ------------------------------------------------------------------------------------ the bytes */

KV_INTERNAL kv_status rdb_file_open(struct rdb_file *file)
{
    file->deadline_ms = KV_NEVER;
    file->stage = RDB_IN_HEADER;
    rdb_frame_begin(&file->frame, "9");
    file->rest = alloc_get(file->alloc, RDB_PIECE_SIZE);
    return file->rest != NULL ? KV_OK : KV_NOMEM;
}

KV_INTERNAL void rdb_file_close(struct rdb_file *file)
{
    alloc_free(file->alloc, file->rest, RDB_PIECE_SIZE);
}

/* The sum of what was gone over since. */
static void rdb_file_add_up(struct rdb_file *file, const struct rdb_piece *piece)
{
    if (file->at <= file->summed) return;
    kv_slice passed = {piece->bytes + file->summed, file->at - file->summed};
    file->sum = crc64(file->sum, passed);
    file->summed = file->at;
}

static kv_status rdb_file_ended(struct rdb_file *file, const struct rdb_piece *piece)
{
    static const char *const within[] = {
        [RDB_BETWEEN] = "a type or an opcode",
        [RDB_IN_HEADER] = "the nine bytes with which an RDB file begins",
        [RDB_IN_OPCODE] = "the rest of what belongs to an opcode",
        [RDB_IN_KEY] = "the rest of a key",
        [RDB_IN_VALUE] = "the rest of a value",
    };
    rdb_fault_set(&file->fault, rdb_file_offset(piece, piece->size),
                  "expected %s, found the end of the file", within[file->stage]);
    rdb_file_name_value(file, piece);
    return KV_CORRUPT;
}

/* Asks the reader, for no more at once than may be left over. */
static kv_status rdb_file_read(struct rdb_file *file, struct rdb_piece *piece)
{
    size_t room = piece->capacity - piece->size, size = 0;
    if (room > RDB_PIECE_SIZE) room = RDB_PIECE_SIZE;
    kv_status status = file->reader(file->reader_context, piece->bytes + piece->size, room, &size);
    if (status != KV_OK) {
        rdb_fault_set(&file->fault, rdb_file_offset(piece, piece->size),
                      "what follows could not be read");
        return status;
    }
    assert(size <= room);
    if (size == 0) return rdb_file_ended(file, piece);
    piece->size += size;
    return KV_OK;
}

/* Makes what is behind the last whole part the first in the piece. */
static void rdb_file_rebase(struct rdb_file *file)
{
    file->at -= file->keep;
    file->summed -= file->keep;
    file->begin -= file->keep;
    if (file->stage == RDB_IN_VALUE) file->value -= file->keep;
    if (file->deadlines != 0) file->deadlines -= file->keep;
    file->keep = 0;
}

/* Drops what belongs to no key. */
static void rdb_file_compact(struct rdb_file *file, struct rdb_piece *piece)
{
    assert(piece->count == 0);
    piece->size -= file->keep;
    memmove(piece->bytes, piece->bytes + file->keep, piece->size);
    piece->offset = file->offset;
    rdb_file_rebase(file);
}

/* Begins a piece with what was left over by the last one. */
static void rdb_file_resume(struct rdb_file *file, struct rdb_piece *piece)
{
    assert(file->keep == 0 && piece->capacity >= file->rest_size);
    piece->offset = file->offset;
    piece->first = file->keys;
    piece->count = 0;
    piece->size = file->rest_size;
    if (file->rest_size > 0) memcpy(piece->bytes, file->rest, file->rest_size);
    file->rest_size = 0;
}

/* Keeps what is behind the last whole part. */
static void rdb_file_suspend(struct rdb_file *file, struct rdb_piece *piece)
{
    size_t begin = file->keep;
    file->rest_size = piece->size - begin;
    assert(file->rest_size <= RDB_PIECE_SIZE);
    if (file->rest_size > 0) memcpy(file->rest, piece->bytes + begin, file->rest_size);
    piece->size = begin;
    rdb_file_rebase(file);
}

/* Makes room for more of what is not whole yet. */
static kv_status rdb_file_make_room(struct rdb_file *file, struct rdb_piece *piece)
{
    if (file->keep > 0) {
        rdb_file_compact(file, piece);
        return KV_OK;
    }
    if (rdb_piece_grow(file->alloc, piece) == KV_OK) return KV_OK;
    rdb_fault_set(&file->fault, file->offset, "memory is exhausted");
    return KV_NOMEM;
}

/* Whether a piece has as many keys as it should have. */
static bool rdb_file_has_filled(const struct rdb_file *file, const struct rdb_piece *piece)
{
    if (file->has_ended || piece->count == RDB_PIECE_RECORDS) return true;
    return piece->count > 0 && (piece->size == piece->capacity || rdb_piece_is_large(piece));
}

KV_INTERNAL kv_status rdb_file_fill(struct rdb_file *file, struct rdb_piece *piece)
{
    rdb_file_resume(file, piece);
    for (;;) {
        kv_status status = rdb_file_walk(file, piece);
        rdb_file_add_up(file, piece);
        if (status != KV_OK) return status;
        if (rdb_file_has_filled(file, piece)) break;
        if (piece->size == piece->capacity) status = rdb_file_make_room(file, piece);
        if (status == KV_OK) status = rdb_file_read(file, piece);
        if (status != KV_OK) return status;
    }
    if (file->has_ended) piece->size = file->at;
    else rdb_file_suspend(file, piece);
    return KV_OK;
}

#undef RDB_MODULE_OLD
#undef RDB_MODULE
#undef RDB_MAGIC
#undef RDB_SUM_VERSION
#undef RDB_IDLE_MAX
