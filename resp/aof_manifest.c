#include "resp/aof_manifest.h"

#include "resp/new_file.h"
#include "resp/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { MANIFEST_MAX_LINE = 1024 };

/* --------------------------------------------------------------------------- the list in memory */

void aof_manifest_clear(struct aof_manifest *manifest)
{
    for (size_t i = 0; i < manifest->count; i++) free(manifest->files[i].name);
    free(manifest->files);
    *manifest = (struct aof_manifest){0};
}

static int manifest_rank(enum aof_kind kind)
{
    return kind == AOF_BASE ? 0 : kind == AOF_HISTORY ? 1 : 2;
}

kv_status aof_manifest_add(struct aof_manifest *manifest, enum aof_kind kind, int64_t sequence,
                           const char *name)
{
    if (manifest->count == manifest->capacity) {
        size_t capacity = manifest->capacity > 0 ? 2 * manifest->capacity : 4;
        struct aof_file *files = realloc(manifest->files, capacity * sizeof *files);
        if (files == NULL) return KV_NOMEM;
        manifest->files = files;
        manifest->capacity = capacity;
    }
    char *copy = text_duplicate(kv_text(name));
    if (copy == NULL) return KV_NOMEM;

    size_t at = manifest->count;
    while (at > 0 && manifest_rank(manifest->files[at - 1].kind) > manifest_rank(kind)) at--;
    struct aof_file *place = manifest->files + at;
    memmove(place + 1, place, (manifest->count - at) * sizeof *place);
    *place = (struct aof_file){.name = copy, .sequence = sequence, .kind = kind};
    manifest->count++;
    return KV_OK;
}

void aof_manifest_drop(struct aof_manifest *manifest, size_t index)
{
    struct aof_file *place = manifest->files + index;
    free(place->name);
    manifest->count--;
    memmove(place, place + 1, (manifest->count - index) * sizeof *place);
}

const struct aof_file *aof_manifest_base(const struct aof_manifest *manifest)
{
    return manifest->count > 0 && manifest->files[0].kind == AOF_BASE ? manifest->files : NULL;
}

const struct aof_file *aof_manifest_last_increment(const struct aof_manifest *manifest)
{
    if (manifest->count == 0) return NULL;
    const struct aof_file *last = &manifest->files[manifest->count - 1];
    return last->kind == AOF_INCREMENT ? last : NULL;
}

/* -------------------------------------------------------------------------------------- reading */

static int manifest_hex(uint8_t c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c = text_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static uint8_t manifest_escape(uint8_t c)
{
    switch (c) {
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'a': return '\a';
    case 'b': return '\b';
    default: return c;
    }
}

/*
 * Takes the next word off [*at, end) into `word`, which has room for all of it, undoing quotes as
 * Redis does. False at the end of the line and for quotes that do not match: then *at is not at the
 * end.
 */
static bool manifest_word(const uint8_t **at, const uint8_t *end, char *word)
{
    const uint8_t *in = *at;
    while (in < end && text_is_space(*in)) in++;
    *at = in;
    if (in == end) return false;

    uint8_t quote = 0;
    for (; in < end && (quote != 0 || !text_is_space(*in)); in++) {
        if (quote == 0) {
            if (*in == '"' || *in == '\'') quote = *in;
            else *word++ = (char)*in;
        } else if (*in == quote) {
            if (in + 1 < end && !text_is_space(in[1])) return false;
            quote = 0;
        } else if (*in != '\\' || in + 1 == end) {
            *word++ = (char)*in;
        } else if (quote == '\'') {
            if (in[1] == '\'') in++;
            *word++ = (char)*in;
        } else if (in[1] == 'x' && end - in > 3 && manifest_hex(in[2]) >= 0 &&
                   manifest_hex(in[3]) >= 0) {
            *word++ = (char)(16 * manifest_hex(in[2]) + manifest_hex(in[3]));
            in += 3;
        } else {
            *word++ = (char)manifest_escape(*++in);
        }
    }
    if (quote != 0) return false;
    *word = '\0';
    *at = in;
    return true;
}

static bool manifest_name_is_plain(const char *name)
{
    return strchr(name, '/') == NULL && strchr(name, '\\') == NULL && strcmp(name, ".") != 0 &&
           strcmp(name, "..") != 0;
}

/*
 * Checks a file against those before it and adds it. NULL, or what is wrong; KV_NOMEM in *status.
 */
static const char *manifest_accept(struct aof_manifest *manifest, const char *name,
                                   int64_t sequence, char kind, kv_status *status)
{
    if (*name == '\0' || sequence <= 0 || kind == '\0') return "needs file, seq and type";
    if (!manifest_name_is_plain(name)) return "the file must be a name, not a path";
    for (size_t i = 0; i < manifest->count; i++) {
        if (strcmp(manifest->files[i].name, name) == 0) return "the file is listed twice";
    }

    const struct aof_file *last = aof_manifest_last_increment(manifest);
    switch (kind) {
    case AOF_BASE:
        if (aof_manifest_base(manifest) != NULL) return "a second base file";
        break;
    case AOF_HISTORY: break;
    case AOF_INCREMENT:
        if (last != NULL && sequence <= last->sequence) return "the sequence does not rise";
        break;
    default: return "an unknown type of file";
    }
    *status = aof_manifest_add(manifest, (enum aof_kind)kind, sequence, name);
    return NULL;
}

static const char *manifest_parse_line(struct aof_manifest *manifest, kv_slice line,
                                       kv_status *status)
{
    const uint8_t *at = line.data, *end = at + line.size;
    if (memchr(at, '\0', line.size) != NULL) return "a zero byte";

    char name[MANIFEST_MAX_LINE + 1] = "";
    char key[MANIFEST_MAX_LINE + 1], value[MANIFEST_MAX_LINE + 1];
    int64_t sequence = 0;
    char kind = '\0';
    while (manifest_word(&at, end, key)) {
        if (!manifest_word(&at, end, value)) return "words must come in pairs";
        kv_slice word = kv_text(key);
        if (text_is(word, "file")) {
            /* An escape may have brought a zero: the name ends there for us and for the system. */
            memcpy(name, value, sizeof name);
        } else if (text_is(word, "seq")) {
            if (!text_parse_integer(kv_text(value), &sequence)) return "seq must be a number";
        } else if (text_is(word, "type")) {
            kind = value[0];
        }
    }
    if (at != end) return "quotes do not match";
    return manifest_accept(manifest, name, sequence, kind, status);
}

kv_status aof_manifest_parse(struct aof_manifest *manifest, kv_slice text, char message[256])
{
    const uint8_t *at = text.data, *end = at + text.size;
    kv_status status = KV_OK;
    const char *wrong = text.size == 0 ? "the manifest is empty" : NULL;
    int number = 0;
    while (at < end && wrong == NULL && status == KV_OK) {
        number++;
        size_t left = (size_t)(end - at);
        const uint8_t *newline =
            memchr(at, '\n', left < MANIFEST_MAX_LINE ? left : MANIFEST_MAX_LINE);
        if (newline == NULL) {
            wrong = left < MANIFEST_MAX_LINE ? "the line has no end" : "the line is too long";
        } else {
            if (*at != '#') {
                kv_slice line = kv_bytes(at, (size_t)(newline - at));
                wrong = manifest_parse_line(manifest, line, &status);
            }
            if (wrong == NULL) at = newline + 1;
        }
    }
    if (wrong == NULL && status == KV_OK) return KV_OK;

    if (wrong != NULL) {
        snprintf(message, 256, "line %d, offset %zu: %s", number > 0 ? number : 1,
                 (size_t)(at - (const uint8_t *)text.data), wrong);
        status = KV_BADARG;
    }
    aof_manifest_clear(manifest);
    return status;
}

/* -------------------------------------------------------------------------------------- writing */

/* Those that Redis quotes, and the apostrophe, which it reads as a quote but forgets to quote. */
static bool manifest_needs_quotes(const char *name)
{
    for (; *name != '\0'; name++) {
        if (*name <= ' ' || *name > '~' || strchr("\"'\\", *name) != NULL) return true;
    }
    return false;
}

kv_status aof_manifest_print(const struct aof_manifest *manifest, kv_buffer *buffer)
{
    kv_status status = KV_OK;
    if (manifest->count == 0) return text_append_string(buffer, "# no files yet\n");
    for (size_t i = 0; i < manifest->count && status == KV_OK; i++) {
        const struct aof_file *file = &manifest->files[i];
        status = text_append_string(buffer, "file ");
        if (status == KV_OK) {
            status = manifest_needs_quotes(file->name)
                         ? text_append_quoted(buffer, kv_text(file->name))
                         : text_append_string(buffer, file->name);
        }
        if (status == KV_OK) {
            status = text_format(buffer, " seq %lld type %c\n", (long long)file->sequence,
                                 (char)file->kind);
        }
    }
    return status;
}

/* The path beside it at which the next one is made. */
static char *manifest_temporary(const char *directory, const char *name)
{
    char temporary[512];
    int length = snprintf(temporary, sizeof temporary, "temp-%s", name);
    return length > 0 && (size_t)length < sizeof temporary ? aof_path(directory, temporary) : NULL;
}

int aof_manifest_save(const struct aof_manifest *manifest, const struct aof_io *io,
                      const char *directory, const char *name, bool *may_be_there)
{
    *may_be_there = false;
    kv_buffer text = {0};
    int error = ENOMEM;
    if (aof_manifest_print(manifest, &text) == KV_OK)
        error = new_file_put(io, aof_path(directory, name), manifest_temporary(directory, name),
                             false, kv_bytes(text.data, text.size), may_be_there);
    kv_buffer_free(&text);
    return error;
}
