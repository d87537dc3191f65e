/*
 * 04-host-loop.c -- the store's time is the host's: its clock, its loop, no thread.
 *
 * A game, a simulation, a test or a device has a clock of its own. Here it is a variable, so an
 * hour passes at once. The store asks it through two callbacks, kv_next_deadline() tells the loop
 * how long it may sleep, and kv_tick() does what is due. Keys that have expired are never seen,
 * tick or not; ticks give their memory back in time, and tell the journal, which this program
 * listens to.
 */
#include "kvstore.h"

#include <stdio.h>

static int64_t now_ms = 1000000; /* the world's time */

static int64_t read_wall_ms(void *context)
{
    (void)context;
    return now_ms;
}

static int64_t read_monotonic_us(void *context)
{
    (void)context;
    return now_ms * 1000;
}

/* Sees every change of the store, in a form that could be replayed. */
static void watch_changes(void *context, const kv_change *changes, size_t count)
{
    int *expired = context;
    for (size_t i = 0; i < count; i++) {
        if (changes[i].cause != KV_CAUSE_EXPIRED) continue;
        ++*expired;
        printf("%8d s  %.*s has expired\n", (int)((now_ms - 1000000) / 1000),
               (int)changes[i].arguments[1].size, (const char *)changes[i].arguments[1].data);
    }
}

static void start_timer(kv *db, const char *name, int64_t seconds)
{
    kv_set_options options = KV_OPTIONS(kv_set_options);
    options.ttl_ms = seconds * 1000;
    kv_set(db, KV_TEXT(name), KV_TEXT(""), &options);
}

int main(void)
{
    kv_clock clock = {read_wall_ms, read_monotonic_us, NULL};
    kv_options options = KV_OPTIONS(kv_options);
    options.clock = &clock;
    options.shards = 1; /* one thread needs no more */
    kv *db;
    if (kv_open(&options, &db) != KV_OK) return 1;
    int expired = 0;
    kv_follower *follower;
    if (kv_follow(db, watch_changes, &expired, &follower) != KV_OK) return 1;

    start_timer(db, "egg", 300);
    start_timer(db, "tea", 180);
    start_timer(db, "bread", 2700);
    start_timer(db, "laundry", 3600);
    kv_persist(db, KV_TEXT("laundry")); /* it takes as long as it takes */

    /* The loop of the host: sleep until something is due, then do it. */
    int turns = 0;
    for (int64_t next_ms; (next_ms = kv_next_deadline(db)) != KV_NEVER; turns++) {
        if (next_ms > now_ms) now_ms = next_ms; /* a real one would sleep here, or wait for input */
        else if (kv_tick(db, 1000) == KV_OK) now_ms++;
    }
    uint64_t left;
    kv_count(db, &left);
    printf("%d timers have ended in %s turns of the loop, %d is left\n", expired,
           turns < 1000 ? "few" : "many", (int)left);

    kv_unfollow(follower);
    kv_close(db);
    return expired == 3 && left == 1 && now_ms >= 1000000 + 2700 * 1000 ? 0 : 1;
}
