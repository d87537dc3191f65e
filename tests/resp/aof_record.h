/*
 * tests/resp/aof_record.h -- a sink that writes down the commands it is given, one a line: "SET key
 * value".
 */
#ifndef KV_TESTS_AOF_RECORD_H
#define KV_TESTS_AOF_RECORD_H

#include "resp/aof_sink.h"

#include <stdbool.h>
#include <stdlib.h>

struct record {
    struct aof_sink sink;
    kv_buffer text;
    size_t commands, batches;
    size_t refuse_at; /* refuses this command */
    bool is_out_of_memory;
    char warning[1024]; /* the last line logged */
};

static inline kv_status record_apply(void *context, const struct aof_command *commands,
                                     size_t count, size_t *failed, char why[AOF_WHY_SIZE])
{
    struct record *record = context;
    if (record->is_out_of_memory) return KV_NOMEM;
    record->batches++;
    for (size_t i = 0; i < count; i++) {
        if (record->commands == record->refuse_at) {
            *failed = i;
            memcpy(why, "refused", sizeof "refused");
            return KV_BADARG;
        }
        for (size_t j = 0; j < commands[i].argument_count; j++) {
            if (j > 0) text_append(&record->text, KV_TEXT(" "));
            text_append(&record->text, commands[i].arguments[j]);
        }
        text_append(&record->text, KV_TEXT("\n"));
        record->commands++;
    }
    return KV_OK;
}

static inline void record_log(void *context, kvresp_level level, const char *line)
{
    struct record *record = context;
    (void)level;
    strncpy(record->warning, line, sizeof record->warning - 1);
}

static inline void record_open(struct record *record)
{
    *record = (struct record){.refuse_at = SIZE_MAX};
    record->sink = (struct aof_sink){record_apply, record};
}

static inline void record_close(struct record *record)
{
    free(record->text.data);
}

static inline bool record_is(const struct record *record, const char *text)
{
    return text_equal(text_of_buffer(&record->text), kv_text(text));
}

/* Appends a command of words, given as "SET key value", in RESP. */
static inline void record_encode(kv_buffer *file, const char *words)
{
    size_t count = 1;
    for (const char *at = words; *at != '\0'; at++) count += *at == ' ';
    text_format(file, "*%zu\r\n", count);
    while (count-- > 0) {
        size_t size = strcspn(words, " ");
        text_format(file, "$%zu\r\n%.*s\r\n", size, (int)size, words);
        words += size;
        if (*words == ' ') words++;
    }
}

#endif
