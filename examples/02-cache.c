/*
 * 02-cache.c -- a cache that threads share: what is computed once is kept for a while.
 *
 * The pattern is "get, else compute and set with a deadline". Any thread may call at any time, so
 * there is no lock in this program; the store has its own, one for each of its shards. KV_IF_ABSENT
 * decides who computes when several threads miss the same key at once: the one whose claim is
 * stored. A claim has a deadline too, so that a thread that dies does not block its key for ever.
 */
#include "kvstore.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

enum { THREADS = 4, REQUESTS = 20000, PAGES = 50, FRESH_MS = 60000, CLAIM_MS = 5000 };

static kv *cache;
static atomic_int renderings, hits;

/* What is slow enough to be worth a cache. */
static int render_page(int page, char *text, size_t size)
{
    atomic_fetch_add(&renderings, 1);
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    return snprintf(text, size, "<html>page %d</html>", page);
}

/* True if this thread is the one to compute `name`. */
static bool claim(const char *name)
{
    char key[64];
    snprintf(key, sizeof key, "claim:%s", name);
    kv_set_options options = KV_OPTIONS(kv_set_options);
    options.flags = KV_IF_ABSENT;
    options.ttl_ms = CLAIM_MS;
    return kv_set(cache, KV_TEXT(key), KV_TEXT("1"), &options) == KV_OK;
}

/*
 * Copies a page to `text`, from the cache if it is there. False while another thread computes it.
 */
static bool get_page(int page, kv_buffer *text)
{
    char name[32], rendered[64];
    snprintf(name, sizeof name, "page:%d", page);
    if (kv_get(cache, KV_TEXT(name), text) == KV_OK) {
        atomic_fetch_add(&hits, 1);
        return true;
    }
    if (!claim(name)) return false;
    int size = render_page(page, rendered, sizeof rendered);
    kv_set_options options = KV_OPTIONS(kv_set_options);
    options.ttl_ms = FRESH_MS;
    kv_set(cache, KV_TEXT(name), KV_BYTES(rendered, (size_t)size), &options);
    return kv_get(cache, KV_TEXT(name), text) == KV_OK;
}

static void *serve_requests(void *context)
{
    unsigned state = (unsigned)(size_t)context;
    kv_buffer text = {0}; /* reused: once it is large enough nothing is allocated any more */
    for (int i = 0; i < REQUESTS; i++) {
        state = state * 1103515245 + 12345;
        int page = (int)(state >> 16) % PAGES;
        while (!get_page(page, &text)) nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
    }
    kv_buffer_free(&text);
    return NULL;
}

int main(void)
{
    if (kv_open(NULL, &cache) != KV_OK) return 1;
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, serve_requests, (void *)(i + 1));
    for (size_t i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    printf("%d requests, %d from the cache, %d pages rendered\n", THREADS * REQUESTS,
           atomic_load(&hits), atomic_load(&renderings));

    int64_t ttl_ms = 0;
    kv_ttl(cache, KV_TEXT("page:7"), &ttl_ms);
    printf("page:7 is fresh for %d s more\n", (int)((ttl_ms + 999) / 1000));

    /* Throw away what a change has made stale, by pattern, in slices that hold nobody up. */
    uint64_t cursor = 0, removed, total = 0;
    do {
        kv_delete_matching(cache, KV_TEXT("page:1*"), &cursor, 100, &removed);
        total += removed;
    } while (cursor != 0);
    printf("%d pages dropped\n", (int)total);

    kv_close(cache);
    return atomic_load(&renderings) == PAGES && total == 11 ? 0 : 1;
}
