/*
 * tests/fuzz/fuzz_manifest.c -- the manifest of an append-only file: bytes to a list of files, or a
 * refusal.
 *
 * What must hold of any bytes: they are read or refused with a message; what was read is written so
 * that it is read the same again; no name leaves the directory.
 */
#include "resp/aof_manifest.h"
#include "resp/text.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct aof_manifest manifest = {0}, again = {0};
    char message[256] = "";
    kv_status status = aof_manifest_parse(&manifest, kv_bytes(data, size), message);
    check(status == KV_OK || status == KV_BADARG);
    if (status != KV_OK) {
        check(manifest.count == 0 && strstr(message, "offset ") != NULL);
        return 0;
    }
    for (size_t i = 0; i < manifest.count; i++) {
        check(manifest.files[i].name[0] != '\0' && strchr(manifest.files[i].name, '/') == NULL);
        check(manifest.files[i].sequence > 0);
    }

    kv_buffer text = {0}, text_again = {0};
    check(aof_manifest_print(&manifest, &text) == KV_OK);
    if (manifest.count > 0) {
        status = aof_manifest_parse(&again, text_of_buffer(&text), message);
        /* A name may need more room in quotes than a line has. */
        check(status == KV_OK || strstr(message, "too long") != NULL);
        if (status == KV_OK) {
            check(again.count == manifest.count);
            check(aof_manifest_print(&again, &text_again) == KV_OK);
            check(text_equal(text_of_buffer(&text), text_of_buffer(&text_again)));
        }
    }
    kv_buffer_free(&text);
    kv_buffer_free(&text_again);
    aof_manifest_clear(&manifest);
    aof_manifest_clear(&again);
    return 0;
}
