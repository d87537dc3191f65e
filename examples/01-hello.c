/*
 * 01-hello.c -- a store in your own process, in the smallest program that shows something.
 *
 *     cc -O2 01-hello.c kvstore.c -lpthread
 *
 * Keys and values are slices: bytes with a size, KV_TEXT("...") for text. Results go to a buffer
 * that is yours, is reused from call to call, and is freed once. Every call returns a status:
 * KV_OK, or a reason.
 */
#include "kvstore.h"

#include <stdio.h>

int main(void)
{
    kv *db;
    if (kv_open(NULL, &db) != KV_OK) return 1;

    kv_set(db, KV_TEXT("greeting"), KV_TEXT("hello"), NULL);
    kv_append(db, KV_TEXT("greeting"), KV_TEXT(", world"), NULL);

    kv_buffer value = {0};
    if (kv_get(db, KV_TEXT("greeting"), &value) == KV_OK)
        printf("%.*s\n", (int)value.size, (char *)value.data);

    /* A key that is not there is no error but an answer. */
    kv_status status = kv_get(db, KV_TEXT("nothing"), &value);
    printf("nothing: %s\n", kv_strerror(status));

    /* Values have types, as Redis's have. */
    kv_slice errands[] = {KV_TEXT("bread"), KV_TEXT("milk"), KV_TEXT("stamps")};
    uint64_t length;
    kv_rpush(db, KV_TEXT("errands"), errands, 3, &length);
    int64_t visits;
    kv_incr(db, KV_TEXT("visits"), &visits);
    printf("%d errands, visit number %d\n", (int)length, (int)visits);

    /* The wrong type is an error, and changes nothing. */
    status = kv_incr(db, KV_TEXT("errands"), &visits);
    printf("incr errands: %s\n", kv_strerror(status));

    kv_buffer_free(&value);
    kv_close(db);
    return status == KV_WRONGTYPE ? 0 : 1;
}
