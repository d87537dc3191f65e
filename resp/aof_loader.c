#include "resp/aof_loader.h"

#include "resp/aof_rdb.h"
#include "resp/aof_reader.h"

#include <errno.h>
#include <stdlib.h>

enum {
    LOADER_BATCH = 64,             /* commands whose cache misses may overlap */
    LOADER_BATCH_ARGUMENTS = 4096, /* a batch ends early when it has so many */
    LOADER_ANNOTATION_SIZE = 1024,
    LOADER_PROGRESS = 2 * 1024 * 1024
};

/* ----------------------------------------------------------------------------------- one record */

enum scan {
    SCAN_COMMAND,    /* its arguments were added */
    SCAN_ANNOTATION, /* nothing was added */
    SCAN_SHORT,      /* more bytes must be held: `wanted`, counted from the start of the record */
    SCAN_DAMAGED,    /* `expected` at `at` */
    SCAN_NOMEM
};

struct scanner {
    const uint8_t *start, *at, *end;
    uint64_t left; /* bytes of the file from `start` on, held or not */
    uint64_t max_text;
    uint64_t wanted;
    const char *expected;
    kv_slice *arguments;
    size_t used, capacity;
};

static enum scan scan_short(struct scanner *scanner, uint64_t wanted)
{
    scanner->wanted = wanted;
    return SCAN_SHORT;
}

static enum scan scan_damaged(struct scanner *scanner, const char *expected)
{
    scanner->expected = expected;
    return SCAN_DAMAGED;
}

static uint64_t scan_offset(const struct scanner *scanner)
{
    return (uint64_t)(scanner->at - scanner->start);
}

static enum scan scan_line_end(struct scanner *scanner)
{
    if (scanner->at < scanner->end && *scanner->at != '\r') {
        return scan_damaged(scanner, "expected the end of a line");
    }
    if (scanner->end - scanner->at < 2) return scan_short(scanner, scan_offset(scanner) + 2);
    scanner->at++;
    if (*scanner->at != '\n') return scan_damaged(scanner, "expected the end of a line");
    scanner->at++;
    return SCAN_COMMAND;
}

/* Reads "$123\r\n". SCAN_COMMAND stands for success here and below. */
static enum scan scan_number(struct scanner *scanner, char prefix, const char *expected,
                             uint64_t *number)
{
    if (scanner->at == scanner->end) return scan_short(scanner, scan_offset(scanner) + 1);
    if (*scanner->at != prefix) return scan_damaged(scanner, expected);
    const uint8_t *digits = scanner->at + 1, *at = digits;
    uint64_t value = 0;
    for (; at < scanner->end && *at >= '0' && *at <= '9'; at++) {
        if (at - digits == 18)
            return scan_damaged(scanner, "expected a number of at most 18 digits");
        value = 10 * value + (uint64_t)(*at - '0');
    }
    if (at == scanner->end) {
        return scan_short(scanner, (uint64_t)(scanner->end - scanner->start) + 1);
    }
    scanner->at = at;
    if (at == digits) return scan_damaged(scanner, "expected a number");
    *number = value;
    return scan_line_end(scanner);
}

static bool scan_make_room(struct scanner *scanner)
{
    if (scanner->used < scanner->capacity) return true;
    size_t capacity = scanner->capacity > 0 ? 2 * scanner->capacity : LOADER_BATCH_ARGUMENTS;
    kv_slice *arguments = realloc(scanner->arguments, capacity * sizeof *arguments);
    if (arguments == NULL) return false;
    scanner->arguments = arguments;
    scanner->capacity = capacity;
    return true;
}

static enum scan scan_argument(struct scanner *scanner)
{
    const uint8_t *before = scanner->at;
    uint64_t size;
    enum scan scan = scan_number(scanner, '$', "expected '$' and the size of an argument", &size);
    if (scan != SCAN_COMMAND) return scan;
    if (size > scanner->max_text) {
        scanner->at = before;
        return scan_damaged(scanner, "expected a size that a value can have");
    }
    if ((uint64_t)(scanner->end - scanner->at) < size) {
        return scan_short(scanner, scan_offset(scanner) + size + 2);
    }
    if (!scan_make_room(scanner)) return SCAN_NOMEM;
    scanner->arguments[scanner->used] = kv_bytes(scanner->at, (size_t)size);
    scanner->at += size;
    scan = scan_line_end(scanner);
    if (scan == SCAN_COMMAND) scanner->used++;
    return scan;
}

static enum scan scan_annotation(struct scanner *scanner)
{
    size_t held = (size_t)(scanner->end - scanner->at);
    size_t limit = held < LOADER_ANNOTATION_SIZE ? held : LOADER_ANNOTATION_SIZE;
    size_t size = 0;
    while (size < limit && scanner->at[size] != '\n' && scanner->at[size] != '\0') size++;
    if (size == limit && limit == held) return scan_short(scanner, held + 1);
    if (size == limit || scanner->at[size] == '\0') {
        scanner->at += size;
        return scan_damaged(scanner, "expected an annotation of one line");
    }
    scanner->at += size + 1;
    return SCAN_ANNOTATION;
}

/* Reads the record at `at`. On anything but success `used` is as it was. */
static enum scan scan_record(struct scanner *scanner)
{
    scanner->start = scanner->at;
    if (scanner->at < scanner->end && *scanner->at == '#') return scan_annotation(scanner);

    size_t used = scanner->used;
    uint64_t count = 0;
    enum scan scan = scan_number(scanner, '*', "expected '*' and the number of arguments", &count);
    if (scan == SCAN_COMMAND && count == 0) {
        scanner->at = scanner->start;
        scan = scan_damaged(scanner, "expected at least one argument");
    }
    /* No memory is taken on the word of the count: that grows with the arguments that are there. */
    for (; scan == SCAN_COMMAND && count > 0; count--) scan = scan_argument(scanner);
    if (scan != SCAN_COMMAND) scanner->used = used;
    return scan;
}

/* ------------------------------------------------------------------------------------- one file */

#define NO_GROUP UINT64_MAX

struct load {
    struct aof_loader *loader;
    uint64_t before; /* loaded of earlier files */
    uint64_t told;   /* of this file */
    struct aof_reader reader;
    struct scanner scanner;
    const char *path;
    char *message;
    struct aof_command batch[LOADER_BATCH];
    size_t count;
    uint64_t whole;     /* where the last whole record or group ended */
    uint64_t group_end; /* while applying a group: the offset of its EXEC; else NO_GROUP */
    bool is_torn;
    uint64_t torn_at; /* where the record that is not whole begins */
};

static kv_status load_refuse(struct load *load, uint64_t offset, const char *text)
{
    return aof_refuse(load->message, load->path, offset, "%s", text);
}

/* Scans from `skip` bytes beyond the reader's place on. */
static void load_scan_from(struct load *load, size_t skip)
{
    struct scanner *scanner = &load->scanner;
    scanner->at = aof_reader_at(&load->reader) + skip;
    scanner->end = aof_reader_at(&load->reader) + aof_reader_held(&load->reader);
}

/* How far the scanner is beyond the reader's place. */
static size_t load_scanned(const struct load *load)
{
    return (size_t)(load->scanner.at - aof_reader_at(&load->reader));
}

static enum scan load_scan(struct load *load)
{
    load->scanner.left = aof_reader_left(&load->reader) - load_scanned(load);
    return scan_record(&load->scanner);
}

/* True if the annotation that was just read is of a second that is not wanted any more. */
static bool load_is_over(const struct load *load)
{
    static const char name[] = {'#', 'T', 'S', ':'};
    const uint8_t *start = load->scanner.start;
    size_t size = (size_t)(load->scanner.at - start);
    int64_t second;
    bool is_in_group = load->group_end != NO_GROUP;
    if (load->loader->until_s <= 0 || is_in_group || size < sizeof name + 2) return false;
    if (memcmp(start, name, sizeof name) != 0) return false;
    kv_slice digits = kv_bytes(start + sizeof name, size - sizeof name - 2);
    return text_parse_integer(digits, &second) && second > load->loader->until_s;
}

/* True if the file holds nothing but zeros from `offset` on, and it is not at its end. */
static bool load_is_zero_from(struct load *load, uint64_t offset)
{
    struct aof_reader *reader = &load->reader;
    aof_reader_consume(reader, (size_t)(offset - reader->offset));
    if (aof_reader_left(reader) == 0) return false;
    while (aof_reader_left(reader) > 0) {
        kv_status status = aof_reader_need(reader, 1);
        if (status != KV_OK) return false;
        size_t held = aof_reader_held(reader);
        for (size_t i = 0; i < held; i++) {
            if (aof_reader_at(reader)[i] != 0) return false;
        }
        aof_reader_consume(reader, held);
    }
    return true;
}

static kv_status load_damaged(struct load *load)
{
    uint64_t offset = load->reader.offset + load_scanned(load);
    uint64_t record =
        load->reader.offset + (uint64_t)(load->scanner.start - aof_reader_at(&load->reader));
    if (load_is_zero_from(load, offset)) {
        load->is_torn = true;
        load->torn_at = record;
        return KV_NONE;
    }
    return load_refuse(load, offset, load->scanner.expected);
}

/*
 * After SCAN_SHORT: brings what the record needs into the buffer, keeping all from the reader's
 * place on. KV_NONE if the file has no more: then it is torn.
 */
static kv_status load_more(struct load *load)
{
    struct aof_reader *reader = &load->reader;
    size_t before = (size_t)(load->scanner.start - aof_reader_at(reader));
    uint64_t wanted = load->scanner.wanted;
    kv_status status =
        wanted > load->scanner.left ? KV_NONE : aof_reader_need(reader, before + wanted);
    if (status == KV_NONE) {
        load->is_torn = true;
        load->torn_at = reader->offset + before;
    }
    if (status == KV_BADARG) {
        return aof_refuse(load->message, load->path, reader->offset, "cannot read: %s",
                          aof_io_explain(reader->error));
    }
    if (status == KV_OK) load_scan_from(load, before);
    return status;
}

/* The sink refused a command of the batch, and has applied those before it. */
static kv_status load_refuse_command(struct load *load, size_t failed, const char *why)
{
    uint64_t offset = load->batch[failed].offset;
    load->loader->commands += failed;
    load->loader->file.is_refused = true;
    if (load->group_end == NO_GROUP) load->whole = offset;
    return load_refuse(load, offset, why);
}

/* Applies what has been gathered and lets the reader go past it. */
static kv_status load_flush(struct load *load, size_t size)
{
    struct aof_loader *loader = load->loader;
    kv_slice *arguments = load->scanner.arguments;
    for (size_t i = 0; i < load->count; i++) {
        load->batch[i].arguments = arguments;
        arguments += load->batch[i].argument_count;
    }
    size_t failed = 0;
    char why[AOF_WHY_SIZE] = "";
    kv_status status = KV_OK;
    if (load->count > 0) {
        status = loader->sink->apply(loader->sink->context, load->batch, load->count, &failed, why);
    }
    if (status == KV_BADARG) return load_refuse_command(load, failed, why);
    if (status != KV_OK) return status;

    loader->commands += load->count;
    load->count = 0;
    load->scanner.used = 0;
    aof_reader_consume(&load->reader, size);
    if (load->group_end == NO_GROUP) load->whole = load->reader.offset;
    return KV_OK;
}

static bool load_is_word(const struct load *load, size_t first, const char *word)
{
    return load->scanner.used == first + 1 && text_is(load->scanner.arguments[first], word);
}

/*
 * The reader stands behind a MULTI: looks for its EXEC, so that a group is applied only when all of
 * it is there. KV_OK: group_end is set and scanning may start again behind MULTI. KV_NONE: torn.
 */
static kv_status load_find_exec(struct load *load)
{
    uint64_t group = load->whole;
    load_scan_from(load, 0);
    for (;;) {
        enum scan scan = load_scan(load);
        kv_status status = KV_OK;
        if (scan == SCAN_SHORT) status = load_more(load);
        else if (scan == SCAN_DAMAGED) status = load_damaged(load);
        else if (scan == SCAN_NOMEM) status = KV_NOMEM;
        if (status == KV_NONE) load->torn_at = group;
        if (status != KV_OK) return status;
        if (scan == SCAN_SHORT) continue;

        const uint8_t *start = load->scanner.start;
        uint64_t offset = load->reader.offset + (uint64_t)(start - aof_reader_at(&load->reader));
        if (scan == SCAN_COMMAND && load_is_word(load, 0, "multi")) {
            return load_refuse(load, offset, "expected no MULTI within a MULTI");
        }
        bool is_end = scan == SCAN_COMMAND && load_is_word(load, 0, "exec");
        load->scanner.used = 0;
        if (is_end) {
            load->group_end = offset;
            return KV_OK;
        }
    }
}

/* A word that the loader itself heeds was read as the newest command. KV_SKIPPED if it is none. */
static kv_status load_bracket(struct load *load, size_t first, uint64_t offset)
{
    bool is_multi = load_is_word(load, first, "multi");
    bool is_exec = !is_multi && load_is_word(load, first, "exec");
    if (!is_multi && !is_exec) return KV_SKIPPED;

    /* What precedes is applied first: it is whole, or belongs to the group that ends here. */
    size_t size = (size_t)(offset - load->reader.offset), bracket = load_scanned(load) - size;
    load->scanner.used = first;
    kv_status status = load_flush(load, size);
    if (status != KV_OK) return status;
    if (is_exec && offset != load->group_end) {
        return load_refuse(load, offset, "expected no EXEC without a MULTI");
    }
    aof_reader_consume(&load->reader, bracket);
    if (is_multi) return load_find_exec(load);
    load->group_end = NO_GROUP;
    load->whole = load->reader.offset;
    return KV_OK;
}

/*
 * Reads records until one batch is full or the buffer has no whole record left, and applies them.
 * KV_NONE at the end of the file and for a torn tail.
 */
static kv_status load_batch(struct load *load)
{
    struct scanner *scanner = &load->scanner;
    enum scan scan = SCAN_COMMAND;
    load_scan_from(load, 0);
    while (load->count < LOADER_BATCH && scanner->used < LOADER_BATCH_ARGUMENTS) {
        size_t first = scanner->used;
        scan = load_scan(load);
        load->loader->is_over = scan == SCAN_ANNOTATION && load_is_over(load);
        if (load->loader->is_over) break;
        if (scan == SCAN_ANNOTATION) continue;
        if (scan != SCAN_COMMAND) break;

        uint64_t offset =
            load->reader.offset + (uint64_t)(scanner->start - aof_reader_at(&load->reader));
        if (scanner->used == first + 1) {
            kv_status status = load_bracket(load, first, offset);
            if (status == KV_OK) load_scan_from(load, 0);
            else if (status != KV_SKIPPED) return status;
            if (status == KV_OK) continue;
        }
        load->batch[load->count].offset = offset;
        load->batch[load->count].argument_count = scanner->used - first;
        load->count++;
    }
    if (scan == SCAN_NOMEM) return KV_NOMEM;

    /* What is behind `start` is not whole yet; it is scanned again when more has been read. */
    if (scan == SCAN_COMMAND || scan == SCAN_ANNOTATION) {
        kv_status status = load_flush(load, load_scanned(load));
        return status == KV_OK && load->loader->is_over ? KV_NONE : status;
    }
    size_t broken = (size_t)(scanner->at - scanner->start);
    uint64_t wanted = scanner->wanted;
    scanner->at = scanner->start;
    kv_status status = load_flush(load, load_scanned(load));
    if (status != KV_OK) return status;
    if (aof_reader_left(&load->reader) == 0) return KV_NONE;
    scanner->start = aof_reader_at(&load->reader);
    scanner->at = scanner->start + broken;
    scanner->wanted = wanted;
    return scan == SCAN_DAMAGED ? load_damaged(load) : load_more(load);
}

/* Called often. */
static void load_tell_progress(void *context)
{
    struct load *load = context;
    struct aof_loader *loader = load->loader;
    uint64_t every = loader->progress_bytes > 0 ? loader->progress_bytes : LOADER_PROGRESS;
    if (load->reader.offset - load->told < every) return;
    load->told = load->reader.offset;
    loader->loaded = load->before + load->reader.offset;
    if (loader->progress == NULL) return;
    loader->progress(loader->progress_context, loader->loaded, loader->total);
}

static kv_status load_commands(struct load *load)
{
    kv_status status = KV_OK;
    while (status == KV_OK) {
        status = load_batch(load);
        load_tell_progress(load);
    }
    return status == KV_NONE ? KV_OK : status;
}

/*
 * Cuts the file back to its last whole record, durably, as what is appended next must follow that
 * one.
 */
static kv_status load_cut(struct load *load)
{
    int error = aof_io_cut(load->loader->io, load->path, load->whole);
    if (error != 0) {
        return aof_refuse(load->message, load->path, load->whole, "cannot cut the torn tail: %s",
                          aof_io_explain(error));
    }
    aof_logf(load->loader->log, KVRESP_WARNING,
             "%s: the file ends within what begins at offset %llu: cut the last %llu bytes",
             load->path, (unsigned long long)load->whole,
             (unsigned long long)(load->reader.size - load->whole));
    return KV_OK;
}

static kv_status load_settle_tail(struct load *load, bool is_last, bool cut)
{
    if (!load->is_torn || load->loader->until_s > 0) return KV_OK;
    if (!is_last)
        return load_refuse(load, load->torn_at, "the file ends too early, and is not the last");
    if (!cut) {
        const char *why = load->loader->keeps_tail;
        return aof_refuse(load->message, load->path, load->torn_at, "the file ends too early%s%s",
                          why != NULL ? ", " : "", why != NULL ? why : "");
    }
    return load_cut(load);
}

/* The RDB that the file begins with. */
static kv_status load_rdb(struct load *load)
{
    struct aof_loader *loader = load->loader;
    struct aof_rdb how = {.db = loader->db,
                          .threads = loader->load_threads,
                          .delay_us = loader->load_delay_us,
                          .progress = load_tell_progress,
                          .context = load,
                          .aux = loader->aux,
                          .aux_context = loader->aux_context,
                          .log = loader->log};
    kv_load_report report;
    kv_status status = aof_rdb_load(&load->reader, load->path, &how, &report, load->message);
    loader->file.rdb_version = report.rdb_version;
    loader->file.rdb_keys = report.keys_before;
    if (status != KV_OK) return status;
    load->whole = load->reader.offset;
    loader->file.rdb_size = report.bytes;
    loader->file.rdb_keys = report.keys;
    loader->commands += report.keys;
    return KV_OK;
}

/* True if bytes behind the end of an RDB are to be passed over, as whoever loads a dump.rdb does. */
static bool load_pass_over_rest(struct load *load)
{
    struct aof_reader *reader = &load->reader;
    const struct aof_loader *loader = load->loader;
    if (!loader->is_rdb && !loader->may_have_rest) return false;
    if (aof_reader_left(reader) == 0 || aof_reader_need(reader, 1) != KV_OK) return false;
    uint8_t first = *aof_reader_at(reader);
    if (!loader->is_rdb && (first == '*' || first == '#')) return false;
    aof_logf(loader->log, KVRESP_WARNING,
             "%s, offset %llu: passed over %llu bytes behind the end of the RDB", load->path,
             (unsigned long long)reader->offset, (unsigned long long)aof_reader_left(reader));
    return true;
}

/* The file as a whole, of which `load` tells more. */
static kv_status load_all(struct load *load)
{
    kv_status status = KV_OK;
    if (load->loader->is_rdb || aof_rdb_is_there(&load->reader)) {
        status = load_rdb(load);
        if (status == KV_OK && load_pass_over_rest(load)) return KV_OK;
    }
    return status == KV_OK ? load_commands(load) : status;
}

kv_status aof_load_file(struct aof_loader *loader, const char *path, bool is_last, bool cut,
                        uint64_t *size, char message[AOF_MESSAGE_SIZE])
{
    struct load *load = calloc(1, sizeof *load);
    if (load == NULL) return KV_NOMEM;
    load->loader = loader;
    load->path = path;
    load->message = message;
    load->scanner.max_text = loader->max_text;
    load->group_end = NO_GROUP;
    load->before = loader->loaded;
    int error = aof_reader_open(&load->reader, loader->io, path);
    if (error != 0) {
        free(load);
        if (error == ENOENT) return KV_NONE;
        if (error == ENOMEM) return KV_NOMEM;
        return aof_refuse(message, path, 0, "cannot open: %s", aof_io_explain(error));
    }

    uint64_t commands = loader->commands;
    loader->file = (struct aof_loaded){.size = load->reader.size};
    kv_status status = load_all(load);
    if (status == KV_OK) status = load_settle_tail(load, is_last, cut);
    if (status == KV_OK) {
        *size = load->is_torn ? load->whole : load->reader.size;
        loader->loaded = load->before + load->reader.size;
    }
    loader->file.whole = load->whole;
    loader->file.is_torn = load->is_torn;
    loader->file.commands = loader->commands - commands;
    if (loader->file.rdb_size > 0) loader->file.commands -= loader->file.rdb_keys;
    aof_reader_close(&load->reader);
    free(load->scanner.arguments);
    free(load);
    return status;
}

#undef NO_GROUP
