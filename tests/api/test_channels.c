/*
 * tests/api/test_channels.c -- publish and subscribe: who receives what, in which order, and for
 * how long.
 */
#include "one_store.h"

#include <pthread.h>
#include <string.h>

static const kv_slice news = {"news", 4}, rain = {"rain", 4}, sun = {"sun", 3};

/* A subscriber who writes down what it hears: "NAME channel payload;", or pattern>channel. */
struct listener {
    const char *name;
    kv_subscriber *subscriber;
};

static char heard[4000];
static size_t heard_size;

static void hear(void *context, const kv_message *message)
{
    static const char marks[] = {' ', '>', '='};
    const struct listener *listener = context;
    MUST((message->pattern.size > 0) == (message->kind == KV_PATTERN));
    int size = snprintf(heard + heard_size, sizeof heard - heard_size, "%s%.*s%c%.*s %.*s;",
                        listener->name, (int)message->pattern.size,
                        message->pattern.size > 0 ? (const char *)message->pattern.data : "",
                        marks[message->kind], (int)message->channel.size,
                        (const char *)message->channel.data, (int)message->payload.size,
                        message->payload.size > 0 ? (const char *)message->payload.data : "");
    heard_size += (size_t)size;
    MUST(heard_size < sizeof heard);
}

static void listener_open(struct listener *listener, const char *name)
{
    listener->name = name;
    ck_assert_int_eq(kv_subscriber_open(db, hear, listener, &listener->subscriber), KV_OK);
}

static void expect(const char *text)
{
    heard[heard_size] = '\0';
    ck_assert_str_eq(heard, text);
    heard_size = 0;
}

static uint64_t publish(kv_slice channel, kv_slice payload)
{
    uint64_t receivers = 77;
    ck_assert_int_eq(kv_publish(db, channel, payload, &receivers), KV_OK);
    return receivers;
}

START_TEST(a_message_reaches_those_who_are_subscribed)
{
    struct listener one, other;
    listener_open(&one, "one");
    listener_open(&other, "other");
    ck_assert_uint_eq(publish(news, rain), 0);
    ck_assert_int_eq(kv_subscribe(one.subscriber, KV_CHANNEL, news), KV_OK);
    ck_assert_int_eq(kv_subscribe(other.subscriber, KV_PATTERN, KV_TEXT("n*")), KV_OK);
    ck_assert_int_eq(kv_subscribe(other.subscriber, KV_CHANNEL, news), KV_OK);
    ck_assert_uint_eq(publish(news, rain), 3);
    expect("one news rain;other news rain;othern*>news rain;");
    ck_assert_uint_eq(publish(KV_TEXT("new"), sun), 1);
    expect("othern*>new sun;");
    ck_assert_uint_eq(publish(KV_TEXT("weather"), sun), 0);
    ck_assert_int_eq(kv_unsubscribe(one.subscriber, KV_CHANNEL, news), KV_OK);
    ck_assert_uint_eq(publish(news, KV_TEXT("")), 2);
    expect("other news ;othern*>news ;");
    kv_subscriber_close(one.subscriber);
    kv_subscriber_close(other.subscriber);
    ck_assert_uint_eq(publish(news, sun), 0);
    expect("");
}
END_TEST

START_TEST(a_shard_channel_is_not_the_channel_of_that_name)
{
    struct listener one;
    uint64_t receivers;
    listener_open(&one, "one");
    ck_assert_int_eq(kv_subscribe(one.subscriber, KV_SHARD_CHANNEL, news), KV_OK);
    ck_assert_int_eq(kv_subscribe(one.subscriber, KV_PATTERN, KV_TEXT("*")), KV_OK);
    ck_assert_int_eq(kv_spublish(db, news, rain, &receivers), KV_OK);
    ck_assert_uint_eq(receivers, 1);
    expect("one=news rain;");
    ck_assert_uint_eq(publish(news, sun), 1);
    expect("one*>news sun;");
    kv_subscriber_close(one.subscriber);
}
END_TEST

START_TEST(databases_and_views_share_the_channels)
{
    struct listener one;
    kv *view, *txn;
    kv_txn_options options = KV_OPTIONS(kv_txn_options);
    listener_open(&one, "one");
    ck_assert_int_eq(kv_subscribe(one.subscriber, KV_CHANNEL, news), KV_OK);
    ck_assert_int_eq(kv_view_open(db, &view), KV_OK);
    ck_assert_int_eq(kv_publish(kv_select(view, 3), news, rain, NULL), KV_OK);
    kv_view_close(view);
    options.flags = KV_TXN_ALL | KV_TXN_ABORTABLE;
    ck_assert_int_eq(kv_begin(db, &options, &txn), KV_OK);
    ck_assert_int_eq(kv_publish(txn, news, sun, NULL), KV_OK);
    ck_assert_int_eq(kv_abort(txn), KV_OK);
    expect("one news rain;one news sun;");
    kv_subscriber_close(one.subscriber);
}
END_TEST

START_TEST(a_name_is_subscribed_to_once_and_counted)
{
    struct listener one;
    listener_open(&one, "one");
    for (int kind = KV_CHANNEL; kind <= KV_SHARD_CHANNEL; kind++) {
        kv_channel_kind of = (kv_channel_kind)kind;
        ck_assert_int_eq(kv_unsubscribe(one.subscriber, of, news), KV_NONE);
        ck_assert_int_eq(kv_subscribe(one.subscriber, of, news), KV_OK);
        ck_assert_int_eq(kv_subscribe(one.subscriber, of, news), KV_SKIPPED);
        ck_assert_int_eq(kv_subscribe(one.subscriber, of, KV_TEXT("")), KV_OK);
        ck_assert_uint_eq(kv_subscriptions(one.subscriber, of), 2);
        ck_assert_uint_eq(kv_channel_count(db, of), 2);
        ck_assert_uint_eq(kv_channel_subscribers(db, of, news), 1);
        ck_assert_int_eq(kv_unsubscribe(one.subscriber, of, news), KV_OK);
        ck_assert_int_eq(kv_unsubscribe(one.subscriber, of, news), KV_NONE);
        ck_assert_uint_eq(kv_channel_subscribers(db, of, news), 0);
        ck_assert_uint_eq(kv_channel_count(db, of), 1);
        kv_check(db);
    }
    kv_subscriber_close(one.subscriber);
    ck_assert_uint_eq(kv_channel_count(db, KV_PATTERN), 0);
}
END_TEST

START_TEST(what_is_no_argument_is_refused)
{
    struct listener one;
    listener_open(&one, "one");
    kv_channel_kind none = (kv_channel_kind)3;
    ck_assert_int_eq(kv_subscriber_open(db, NULL, NULL, &one.subscriber), KV_BADARG);
    ck_assert_int_eq(kv_subscriber_open(NULL, hear, NULL, &one.subscriber), KV_BADARG);
    ck_assert_int_eq(kv_subscribe(one.subscriber, none, news), KV_BADARG);
    ck_assert_int_eq(kv_subscribe(NULL, KV_CHANNEL, news), KV_BADARG);
    ck_assert_int_eq(kv_unsubscribe(one.subscriber, none, news), KV_BADARG);
    ck_assert_int_eq(kv_unsubscribe_all(NULL, KV_CHANNEL, NULL, NULL), KV_BADARG);
    ck_assert_int_eq(kv_channels(db, none, NULL, NULL, NULL), KV_BADARG);
    ck_assert_int_eq(kv_publish(NULL, news, rain, NULL), KV_BADARG);
    ck_assert_uint_eq(kv_subscriptions(one.subscriber, none), 0);
    kv_subscriber_close(one.subscriber);
    kv_subscriber_close(NULL);
    kv_message_release(NULL);
}
END_TEST

struct listing {
    unsigned names;
    uint64_t subscribers;
    unsigned most;
};

static bool list_name(void *context, kv_slice name, uint64_t subscribers)
{
    struct listing *listing = context;
    MUST(name.size > 0);
    listing->names++;
    listing->subscribers += subscribers;
    return listing->names < listing->most;
}

static bool count_name(void *context, kv_slice name)
{
    (void)name;
    ++*(unsigned *)context;
    return false; /* is ignored */
}

START_TEST(names_are_listed_by_kind_and_pattern)
{
    struct listener listeners[3];
    for (int i = 0; i < 3; i++) {
        listener_open(&listeners[i], "");
        for (int j = 0; j < 50; j++) {
            char name[24];
            kv_slice text = {name, (size_t)snprintf(name, sizeof name, "name:%d", j)};
            kv_channel_kind kind = j % 5 == 0 ? KV_SHARD_CHANNEL : KV_CHANNEL;
            ck_assert_int_eq(kv_subscribe(listeners[i].subscriber, kind, text), KV_OK);
        }
    }
    struct listing all = {.most = 1000}, ones = {.most = 1000}, two = {.most = 2};
    kv_slice pattern = KV_TEXT("*:1?");
    ck_assert_int_eq(kv_channels(db, KV_CHANNEL, NULL, list_name, &all), KV_OK);
    ck_assert_uint_eq(all.names, 40);
    ck_assert_uint_eq(all.subscribers, 120);
    ck_assert_int_eq(kv_channels(db, KV_SHARD_CHANNEL, &pattern, list_name, &ones), KV_OK);
    ck_assert_uint_eq(ones.names, 2);
    ck_assert_int_eq(kv_channels(db, KV_CHANNEL, NULL, list_name, &two), KV_OK);
    ck_assert_uint_eq(two.names, 2);
    unsigned ended = 0;
    ck_assert_int_eq(kv_unsubscribe_all(listeners[0].subscriber, KV_CHANNEL, count_name, &ended),
                     KV_OK);
    ck_assert_uint_eq(ended, 40);
    ck_assert_uint_eq(kv_subscriptions(listeners[0].subscriber, KV_CHANNEL), 0);
    ck_assert_uint_eq(kv_subscriptions(listeners[0].subscriber, KV_SHARD_CHANNEL), 10);
    kv_check(db);
    for (int i = 0; i < 3; i++) kv_subscriber_close(listeners[i].subscriber);
}
END_TEST

/* ----------------------------------------------------------------------------- keeping messages */

static const kv_message *kept[4];
static unsigned kept_count;

static void keep(void *context, const kv_message *message)
{
    (void)context;
    kept[kept_count++] = kv_message_keep(message);
}

START_TEST(a_kept_message_is_shared_and_lasts)
{
    kv_subscriber *subscribers[2];
    kept_count = 0;
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(kv_subscriber_open(db, keep, NULL, &subscribers[i]), KV_OK);
        ck_assert_int_eq(kv_subscribe(subscribers[i], KV_CHANNEL, news), KV_OK);
    }
    ck_assert_int_eq(kv_subscribe(subscribers[0], KV_PATTERN, KV_TEXT("*")), KV_OK);
    ck_assert_uint_eq(publish(news, rain), 3);
    for (int i = 0; i < 2; i++) kv_subscriber_close(subscribers[i]);
    ck_assert_ptr_eq(kept[0], kept[1]);
    ck_assert_ptr_eq(kv_message_keep(kept[0]), kept[0]);
    kv_message_release(kept[0]);
    kv_message_release(kept[0]);
    ck_assert_uint_eq(kept[1]->payload.size, rain.size);
    ck_assert_mem_eq(kept[1]->payload.data, "rain", 4);
    ck_assert_mem_eq(kept[1]->channel.data, "news", 4);
    ck_assert_int_eq(kept[2]->kind, KV_PATTERN);
    ck_assert_mem_eq(kept[2]->pattern.data, "*", 1);
    kv_message_release(kept[1]);
    kv_message_release(kept[2]);
}
END_TEST

START_TEST(a_message_that_finds_no_memory_is_not_kept)
{
    kv_subscriber *subscriber;
    kept_count = 0;
    ck_assert_int_eq(kv_subscriber_open(db, keep, NULL, &subscriber), KV_OK);
    ck_assert_int_eq(kv_subscribe(subscriber, KV_CHANNEL, news), KV_OK);
    fixture_alloc_allow(&fx.alloc, 0);
    ck_assert_uint_eq(publish(news, rain), 1);
    fixture_alloc_allow(&fx.alloc, FIXTURE_UNLIMITED);
    ck_assert_ptr_null(kept[0]);
    kv_subscriber_close(subscriber);
}
END_TEST

START_TEST(no_subscription_is_half_made_when_memory_runs_out)
{
    for (int kind = KV_CHANNEL; kind <= KV_SHARD_CHANNEL; kind++) {
        struct listener one;
        listener_open(&one, "one");
        FIXTURE_FAIL_EACH_ALLOCATION(&fx.alloc)
        {
            kv_status status = kv_subscribe(one.subscriber, (kv_channel_kind)kind, news);
            bool is_made = status == KV_OK;
            ck_assert(is_made || status == KV_NOMEM);
            ck_assert_uint_eq(kv_channel_count(db, (kv_channel_kind)kind), is_made);
            ck_assert_uint_eq(kv_subscriptions(one.subscriber, (kv_channel_kind)kind), is_made);
            kv_check(db);
        }
        kv_subscriber_close(one.subscriber);
    }
}
END_TEST

/* ------------------------------------------------------------------------------- a naive model */

#define PEOPLE 6
#define NAMES  8

static const char *const names[NAMES] = {"a", "ab", "abc", "b", "", "ba", "a*", "[ab]*"};

struct person {
    kv_subscriber *subscriber;
    bool is_subscribed[3][NAMES];
    unsigned received;
};

static void receive(void *context, const kv_message *message)
{
    (void)message;
    ((struct person *)context)->received++;
}

static unsigned expected_of(const struct person *person, kv_channel_kind kind, int name)
{
    unsigned expected = person->is_subscribed[kind][name];
    for (int i = 0; kind == KV_CHANNEL && i < NAMES; i++)
        expected += person->is_subscribed[KV_PATTERN][i] &&
                    kv_match(KV_TEXT(names[i]), KV_TEXT(names[name]), false);
    return expected;
}

static void model_publish(struct person *people, kv_channel_kind kind, int name)
{
    uint64_t receivers, expected = 0;
    kv_slice channel = KV_TEXT(names[name]);
    for (int i = 0; i < PEOPLE; i++) people[i].received = 0;
    kv_status status = kind == KV_CHANNEL ? kv_publish(db, channel, rain, &receivers)
                                          : kv_spublish(db, channel, rain, &receivers);
    MUST(status == KV_OK);
    for (int i = 0; i < PEOPLE; i++) {
        unsigned of_person = expected_of(&people[i], kind, name);
        MUST(people[i].received == of_person);
        expected += of_person;
    }
    MUST(receivers == expected);
}

static void model_step(struct person *people, uint64_t *seed)
{
    kv_channel_kind kind = (kv_channel_kind)fixture_below(seed, 3);
    int name = (int)fixture_below(seed, NAMES);
    struct person *person = &people[fixture_below(seed, PEOPLE)];
    bool *is_subscribed = &person->is_subscribed[kind][name];
    kv_slice text = KV_TEXT(names[name]);
    switch (fixture_below(seed, 8)) {
    case 0:
    case 1:
    case 2:
        MUST(kv_subscribe(person->subscriber, kind, text) == (*is_subscribed ? KV_SKIPPED : KV_OK));
        *is_subscribed = true;
        break;
    case 3:
    case 4:
        MUST(kv_unsubscribe(person->subscriber, kind, text) == (*is_subscribed ? KV_OK : KV_NONE));
        *is_subscribed = false;
        break;
    case 5:
        if (fixture_below(seed, 4) > 0) break;
        MUST(kv_unsubscribe_all(person->subscriber, kind, NULL, NULL) == KV_OK);
        memset(person->is_subscribed[kind], 0, sizeof person->is_subscribed[kind]);
        break;
    default: model_publish(people, kind == KV_PATTERN ? KV_CHANNEL : kind, name); break;
    }
}

START_TEST(random_calls_do_what_a_naive_model_does)
{
    struct person people[PEOPLE];
    uint64_t seed = unit_seed();
    memset(people, 0, sizeof people);
    for (int i = 0; i < PEOPLE; i++)
        MUST(kv_subscriber_open(db, receive, &people[i], &people[i].subscriber) == KV_OK);
    int rounds = fixture_rounds(20000, 1000000);
    for (int i = 0; i < rounds; i++) {
        model_step(people, &seed);
        if (i % 100 == 0) kv_check(db);
    }
    for (int i = 0; i < PEOPLE; i++) kv_subscriber_close(people[i].subscriber);
}
END_TEST

/* -------------------------------------------------------------------------------------- threads */

#define PUBLISHERS 3
#define LISTENERS  4

/* Each hears a sequence of messages, all the same one. */
struct ear {
    kv_subscriber *subscriber;
    uint64_t digest;
    uint64_t count;
};

static int rounds_of_threads;

static void ear_receive(void *context, const kv_message *message)
{
    struct ear *ear = context;
    uint64_t number;
    MUST(message->payload.size == sizeof number);
    memcpy(&number, message->payload.data, sizeof number);
    uint64_t state = ear->digest ^ number;
    ear->digest = fixture_random(&state); /* no lock: those of one channel come one by one */
    ear->count++;
}

static void *publish_numbers(void *context)
{
    uint64_t publisher = (uint64_t)(uintptr_t)context;
    for (int i = 0; i < rounds_of_threads; i++) {
        uint64_t number = publisher << 32 | (uint64_t)i;
        MUST(kv_publish(db, news, kv_bytes(&number, sizeof number), NULL) == KV_OK);
    }
    return NULL;
}

/* Hears what the ears do, as the journal has it. */
static void ear_follow(void *context, const kv_change *changes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        kv_message message = {.channel = changes[i].arguments[1],
                              .payload = changes[i].arguments[2]};
        ear_receive(context, &message);
    }
}

START_TEST(all_hear_one_channel_in_one_order)
{
    struct ear ears[LISTENERS] = {0}, follower_ear = {0};
    kv_follower *follower = NULL;
    pthread_t threads[PUBLISHERS];
    rounds_of_threads = fixture_rounds(2000, 100000);
    bool is_followed = _i == 1;
    if (is_followed) MUST(kv_follow_messages(db, ear_follow, &follower_ear, &follower) == KV_OK);
    for (int i = 0; i < LISTENERS; i++) {
        MUST(kv_subscriber_open(db, ear_receive, &ears[i], &ears[i].subscriber) == KV_OK);
        bool by_pattern = i % 2 != 0; /* ears of both kinds hear the same */
        MUST(kv_subscribe(ears[i].subscriber, by_pattern ? KV_PATTERN : KV_CHANNEL, news) == KV_OK);
    }
    for (int i = 0; i < PUBLISHERS; i++)
        MUST(pthread_create(&threads[i], NULL, publish_numbers, (void *)(uintptr_t)i) == 0);
    for (int i = 0; i < PUBLISHERS; i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < LISTENERS; i++) {
        ck_assert_uint_eq(ears[i].count, (uint64_t)(PUBLISHERS * rounds_of_threads));
        ck_assert_uint_eq(ears[i].digest, is_followed ? follower_ear.digest : ears[0].digest);
        kv_subscriber_close(ears[i].subscriber);
    }
    kv_unfollow(follower);
}
END_TEST

/* One who comes and goes: while it is away nothing may be received. */
struct guest {
    atomic_bool is_away;
    atomic_uint received;
};

static atomic_bool is_over;

static void guest_receive(void *context, const kv_message *message)
{
    struct guest *guest = context;
    MUST(!atomic_load(&guest->is_away));
    atomic_fetch_add(&guest->received, 1);
    const kv_message *copy = kv_message_keep(message);
    MUST(copy != NULL && copy->payload.size == message->payload.size);
    kv_message_release(copy);
}

static kv_slice some_name(uint64_t *seed)
{
    return KV_TEXT(names[fixture_below(seed, NAMES)]);
}

static void *publish_anywhere(void *context)
{
    uint64_t seed = (uint64_t)(uintptr_t)context;
    while (!atomic_load(&is_over)) {
        if (fixture_below(&seed, 2) == 0) (void)kv_publish(db, some_name(&seed), rain, NULL);
        else (void)kv_spublish(db, some_name(&seed), rain, NULL);
    }
    return NULL;
}

static void *come_and_go(void *context)
{
    uint64_t seed = (uint64_t)(uintptr_t)context;
    struct guest guest;
    atomic_init(&guest.is_away, false);
    atomic_init(&guest.received, 0);
    for (int i = 0; i < rounds_of_threads; i++) {
        kv_subscriber *subscriber;
        atomic_store(&guest.is_away, false);
        MUST(kv_subscriber_open(db, guest_receive, &guest, &subscriber) == KV_OK);
        for (int kind = 0; kind < 3; kind++) {
            for (int j = 0; j < 3; j++)
                (void)kv_subscribe(subscriber, (kv_channel_kind)kind, some_name(&seed));
        }
        (void)kv_unsubscribe_all(subscriber, KV_CHANNEL, NULL, NULL);
        (void)kv_unsubscribe(subscriber, KV_PATTERN, some_name(&seed));
        kv_subscriber_close(subscriber);
        atomic_store(&guest.is_away, true);
    }
    return NULL;
}

START_TEST(nothing_is_received_after_a_subscription_has_ended)
{
    pthread_t publishers[PUBLISHERS], guests[LISTENERS];
    rounds_of_threads = fixture_rounds(300, 20000);
    atomic_store(&is_over, false);
    for (int i = 0; i < PUBLISHERS; i++)
        MUST(pthread_create(&publishers[i], NULL, publish_anywhere, (void *)(uintptr_t)(i + 1)) ==
             0);
    for (int i = 0; i < LISTENERS; i++)
        MUST(pthread_create(&guests[i], NULL, come_and_go, (void *)(uintptr_t)(i + 100)) == 0);
    for (int i = 0; i < LISTENERS; i++) pthread_join(guests[i], NULL);
    atomic_store(&is_over, true);
    for (int i = 0; i < PUBLISHERS; i++) pthread_join(publishers[i], NULL);
    for (int kind = 0; kind < 3; kind++)
        ck_assert_uint_eq(kv_channel_count(db, (kv_channel_kind)kind), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("channels");
    TCase *tcase = tcase_create("channels");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, store_setup, store_teardown);
    tcase_add_test(tcase, a_message_reaches_those_who_are_subscribed);
    tcase_add_test(tcase, a_shard_channel_is_not_the_channel_of_that_name);
    tcase_add_test(tcase, databases_and_views_share_the_channels);
    tcase_add_test(tcase, a_name_is_subscribed_to_once_and_counted);
    tcase_add_test(tcase, what_is_no_argument_is_refused);
    tcase_add_test(tcase, names_are_listed_by_kind_and_pattern);
    tcase_add_test(tcase, a_kept_message_is_shared_and_lasts);
    tcase_add_test(tcase, a_message_that_finds_no_memory_is_not_kept);
    tcase_add_test(tcase, no_subscription_is_half_made_when_memory_runs_out);
    tcase_add_test(tcase, random_calls_do_what_a_naive_model_does);
    tcase_add_loop_test(tcase, all_hear_one_channel_in_one_order, 0, 2);
    tcase_add_test(tcase, nothing_is_received_after_a_subscription_has_ended);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
