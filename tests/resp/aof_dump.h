/*
 * tests/resp/aof_dump.h -- all that a store holds, as text: a line for each key, sorted, "0 key
 * 'value' @deadline".
 */
#ifndef KV_TESTS_AOF_DUMP_H
#define KV_TESTS_AOF_DUMP_H

#include "kvstore.h"
#include "resp/text.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

struct dump {
    char **lines;
    size_t count;
};

/* Adds a line, without its end. */
static inline void dump_add(struct dump *dump, kv_buffer *line)
{
    text_append_string(line, "\n");
    dump->lines = realloc(dump->lines, (dump->count + 1) * sizeof *dump->lines);
    dump->lines[dump->count++] = text_duplicate(text_of_buffer(line));
}

static inline int dump_compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The lines in order, as one text, to be freed by the caller; the dump is empty afterwards. */
static inline char *dump_text(struct dump *dump)
{
    if (dump->count > 0) qsort(dump->lines, dump->count, sizeof *dump->lines, dump_compare);
    kv_buffer text = {0};
    for (size_t i = 0; i < dump->count; i++) {
        text_append_string(&text, dump->lines[i]);
        free(dump->lines[i]);
    }
    free(dump->lines);
    *dump = (struct dump){0};
    text_append(&text, KV_BYTES("", 1));
    return text.data;
}

struct dump_names {
    kv_slice *items; /* copies */
    size_t count;
};

static inline bool dump_take_name(void *context, kv_slice key)
{
    struct dump_names *names = context;
    names->items = realloc(names->items, (names->count + 1) * sizeof *names->items);
    void *copy = malloc(key.size + 1);
    memcpy(copy, key.data, key.size);
    names->items[names->count++] = kv_bytes(copy, key.size);
    return true;
}

static inline bool dump_element(void *context, kv_slice element)
{
    text_append_string(context, " ");
    text_append_quoted(context, element);
    return true;
}

static inline void dump_key(struct dump *dump, kv *db, kv_slice key)
{
    kv_buffer line = {0};
    text_format(&line, "%u ", (unsigned)kv_database(db));
    text_append_quoted(&line, key);
    kv_type type;
    if (kv_type_of(db, key, &type) != KV_OK) { /* it has expired since it was visited */
        kv_buffer_free(&line);
        return;
    }
    text_format(&line, " %s", kv_type_name(type));
    if (type == KV_TYPE_STRING) kv_read(db, key, dump_element, &line);
    else kv_lrange(db, key, 0, -1, NULL, dump_element, &line);
    int64_t deadline = KV_NEVER;
    kv_deadline(db, key, &deadline);
    if (deadline != KV_NEVER) text_format(&line, " @%lld", (long long)deadline);
    dump_add(dump, &line);
    kv_buffer_free(&line);
}

/* The text, to be freed by the caller. Nobody else may write meanwhile. */
static inline char *dump_store(kv *db)
{
    struct dump dump = {0};
    for (uint32_t i = 0; i < kv_databases(db); i++) {
        struct dump_names names = {0};
        kv_keys(kv_select(db, i), KV_TEXT("*"), dump_take_name, &names);
        for (size_t j = 0; j < names.count; j++) {
            dump_key(&dump, kv_select(db, i), names.items[j]);
            free((void *)names.items[j].data);
        }
        free(names.items);
    }
    return dump_text(&dump);
}

/* Fails the test with the first lines that differ; frees both. */
static inline void dump_assert_same(char *wanted, char *found)
{
    size_t same = 0, line = 0;
    for (; wanted[same] != '\0' && wanted[same] == found[same]; same++) {
        if (wanted[same] == '\n') line = same + 1;
    }
    bool is_same = wanted[same] == found[same];
    ck_assert_msg(is_same, "after %zu bytes\nwanted %.400s\nfound  %.400s", same, wanted + line,
                  found + line);
    free(wanted);
    free(found);
}

#endif
