/*
 * 09-presence.c -- who is here? Publish and subscribe, and events of keys.
 *
 * Each person who is online has a key that lives for ten seconds and is renewed by a sign of life.
 * Nobody has to say goodbye: the store tells when a key has expired, on a channel, and the program
 * then tells the room. If this store were served by kvnet.h, Redis clients could be in the same
 * room and subscribe to the same channels.
 *
 * A message is received by a callback, in the thread that publishes, under locks: it only keeps the
 * message, and the loop looks at it when its turn comes. The clock is the program's own, so a
 * minute passes at once; see 04-host-loop.c.
 */
#include "kvstore.h"

#include <stdio.h>

enum { SECOND_MS = 1000, ALIVE_MS = 10 * SECOND_MS, MESSAGES_MAX = 64 };

static int64_t now_ms = 1000000;

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

/* Messages that were received and not looked at yet. */
struct inbox {
    const kv_message *messages[MESSAGES_MAX];
    int count;
};

static void receive(void *context, const kv_message *message)
{
    struct inbox *inbox = context;
    const kv_message *kept = inbox->count < MESSAGES_MAX ? kv_message_keep(message) : NULL;
    if (kept != NULL) inbox->messages[inbox->count++] = kept; /* else it is lost */
}

static void say(kv *db, const char *name, const char *what)
{
    char line[128];
    int size = snprintf(line, sizeof line, "%s %s", name, what);
    uint64_t listeners;
    kv_publish(db, KV_TEXT("room"), kv_bytes(line, (size_t)size), &listeners);
}

/* Somebody gives a sign of life; the first one is news. */
static void sign_of_life(kv *db, const char *name)
{
    kv_set_options options = KV_OPTIONS(kv_set_options);
    kv_status old;
    options.ttl_ms = ALIVE_MS;
    options.flags = KV_GET_OLD;
    options.old_status = &old;
    if (kv_set(db, KV_TEXT(name), KV_TEXT("here"), &options) == KV_OK && old == KV_NONE)
        say(db, name, "has come");
}

/* Looks at all that was received: what the room hears, and keys that have expired. */
static int read_inbox(kv *db, struct inbox *inbox)
{
    int left = 0;
    for (int i = 0; i < inbox->count; i++) { /* which may grow meanwhile */
        const kv_message *message = inbox->messages[i];
        kv_slice text = message->payload;
        if (message->kind == KV_PATTERN) {
            char name[64];
            snprintf(name, sizeof name, "%.*s", (int)text.size, (const char *)text.data);
            say(db, name, "has left");
            left++;
        } else {
            printf("%3d s  %.*s\n", (int)((now_ms - 1000000) / SECOND_MS), (int)text.size,
                   (const char *)text.data);
        }
        kv_message_release(message);
    }
    inbox->count = 0;
    return left;
}

int main(void)
{
    kv_clock clock = {read_wall_ms, read_monotonic_us, NULL};
    kv_options options = KV_OPTIONS(kv_options);
    options.clock = &clock;
    kv *db;
    if (kv_open(&options, &db) != KV_OK) return 1;
    kv_configure(db, KV_SETTING_EVENTS, KV_EVENT_EXPIRED | KV_EVENT_BY_NAME);

    struct inbox inbox = {.count = 0};
    kv_subscriber *subscriber;
    if (kv_subscriber_open(db, receive, &inbox, &subscriber) != KV_OK) return 1;
    kv_subscribe(subscriber, KV_CHANNEL, KV_TEXT("room"));
    kv_subscribe(subscriber, KV_PATTERN, KV_TEXT("__keyevent@*__:expired"));

    int left = 0;
    for (int second = 0; second <= 60; second++, now_ms += SECOND_MS) {
        if (second % 5 == 0) sign_of_life(db, "Ann");
        if (second % 5 == 1 && second < 20) sign_of_life(db, "Ben");
        if (second % 4 == 2 && second > 30 && second < 40) sign_of_life(db, "Cleo");
        kv_tick(db, 0);
        left += read_inbox(db, &inbox);
    }
    uint64_t here = 0;
    kv_count(db, &here);
    printf("%d came and went, %d is still here\n", left, (int)here);

    kv_subscriber_close(subscriber);
    kv_close(db);
    return left == 2 && here == 1 ? 0 : 1;
}
