/*
 * resp/migration.c -- MIGRATE: links to other servers, the exchange with them, the threads.
 */
#include "resp/migration.h"

#include "resp/session.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    MIGRATION_THREADS = 4,
    MIGRATION_LINKS = 64,
    MIGRATION_IDLE_S = 10,       /* after which a link is closed, and a thread ends */
    MIGRATION_MOMENT_MS = 5,     /* between looks whether writes may go on */
    MIGRATION_SLICE_MS = 100,    /* of a wait, between looks whether to give up */
    MIGRATION_CHUNK = 64 * 1024, /* bytes that are put together before they are written */
    MIGRATION_LINE = 1024,       /* of a reply: what is beyond is not looked at */
    MIGRATION_INPUT = 16 * 1024
};

struct migration_link {
    struct migration_link *next;
    char *host;
    int64_t port;
    int64_t database; /* selected over there; -1: who knows */
    uint64_t used_us;
    kvresp_dialer dialer;
    void *connection;
    size_t begin, end; /* of what was read and not looked at yet */
    char input[MIGRATION_INPUT];
};

/* ---------------------------------------------------------------------------------------- links */

static uint64_t migration_clock_us(void)
{
    return statistics_clock() / 1000;
}

static void link_close(struct migration_link *link)
{
    if (link->connection != NULL) link->dialer.close(link->connection);
    free(link->host);
    free(link);
}

static bool migration_goes_on(void *context)
{
    return !atomic_load(&((struct migrations *)context)->is_closing);
}

/* Takes a link that is kept out of those; NULL if there is none. */
static struct migration_link *link_take(struct migrations *migrations, kv_slice host, int64_t port)
{
    pthread_mutex_lock(&migrations->lock);
    struct migration_link **at = &migrations->links, *found;
    while (*at != NULL && ((*at)->port != port || !text_equal(kv_text((*at)->host), host)))
        at = &(*at)->next;
    found = *at;
    if (found != NULL) {
        *at = found->next;
        migrations->link_count--;
    }
    pthread_mutex_unlock(&migrations->lock);
    return found;
}

/* Keeps a link for the next migration, in the place of the one not used for longest. */
static void link_keep(struct migrations *migrations, struct migration_link *link)
{
    struct migration_link *oldest = NULL;
    link->used_us = migration_clock_us();
    pthread_mutex_lock(&migrations->lock);
    link->next = migrations->links;
    migrations->links = link;
    if (++migrations->link_count > MIGRATION_LINKS) {
        struct migration_link **at = &migrations->links;
        while ((*at)->next != NULL) at = &(*at)->next;
        oldest = *at;
        *at = NULL;
        migrations->link_count--;
    }
    pthread_mutex_unlock(&migrations->lock);
    if (oldest != NULL) link_close(oldest);
}

void migrations_sweep(struct migrations *migrations)
{
    uint64_t now_us = migration_clock_us();
    pthread_mutex_lock(&migrations->lock);
    struct migration_link **at = &migrations->links, *old;
    while (*at != NULL && now_us - (*at)->used_us < (uint64_t)MIGRATION_IDLE_S * 1000000)
        at = &(*at)->next;
    old = *at; /* and all behind it, which were used before */
    *at = NULL;
    for (struct migration_link *link = old; link != NULL; link = link->next)
        migrations->link_count--;
    pthread_mutex_unlock(&migrations->lock);
    while (old != NULL) {
        struct migration_link *next = old->next;
        link_close(old);
        old = next;
    }
}

size_t migrations_links(struct migrations *migrations)
{
    pthread_mutex_lock(&migrations->lock);
    size_t count = migrations->link_count;
    pthread_mutex_unlock(&migrations->lock);
    return count;
}

/* KV_BADARG: there is no such host. */
static kv_status link_open(struct migration *migration, struct migration_link **opened)
{
    struct migrations *migrations = &migration->resp->migrations;
    struct migration_link *link = calloc(1, sizeof *link);
    if (link != NULL) link->host = text_duplicate(migration->host);
    if (link == NULL || link->host == NULL) {
        free(link);
        return KV_NOMEM;
    }
    link->port = migration->port;
    link->database = -1;
    pthread_mutex_lock(&migrations->lock);
    bool has_dialer = migrations->has_dialer;
    link->dialer = migrations->dialer;
    pthread_mutex_unlock(&migrations->lock);
    kv_status status = KV_BADARG;
    if (has_dialer && text_terminated(migration->host).size == migration->host.size)
        status = link->dialer.connect(link->dialer.context, link->host, (int)link->port,
                                      migration->timeout_ms, migration_goes_on, migrations,
                                      &link->connection);
    if (status != KV_OK) link_close(link);
    else *opened = link;
    return status;
}

/* ------------------------------------------------------------------------------- bytes of a link */

/* What is left of a timeout; one slice of it at a time, so that the end of all is noticed. */
static kv_status link_next_slice(struct migrations *migrations, uint64_t began_us,
                                 int64_t timeout_ms, int64_t *slice_ms)
{
    int64_t left_ms = timeout_ms - (int64_t)((migration_clock_us() - began_us) / 1000);
    if (left_ms <= 0) return KV_TIMEOUT;
    if (!migration_goes_on(migrations)) return KV_CANCELLED;
    *slice_ms = left_ms < MIGRATION_SLICE_MS ? left_ms : MIGRATION_SLICE_MS;
    return KV_OK;
}

static kv_status link_write(struct migration *migration, struct migration_link *link,
                            kv_buffer *bytes)
{
    uint64_t began_us = migration_clock_us();
    size_t written = 0;
    while (written < bytes->size) {
        int64_t slice_ms = 0;
        size_t size = 0;
        kv_status status = link_next_slice(&migration->resp->migrations, began_us,
                                           migration->timeout_ms, &slice_ms);
        if (status == KV_OK)
            status = link->dialer.write(
                link->connection, kv_bytes((char *)bytes->data + written, bytes->size - written),
                slice_ms, &size);
        if (status == KV_TIMEOUT && slice_ms == MIGRATION_SLICE_MS) continue;
        if (status != KV_OK) return status;
        written += size;
        began_us = migration_clock_us(); /* it is silence that is limited */
    }
    bytes->size = 0;
    return KV_OK;
}

static kv_status link_read_more(struct migration *migration, struct migration_link *link,
                                uint64_t began_us)
{
    if (link->begin == link->end) link->begin = link->end = 0;
    for (;;) {
        int64_t slice_ms = 0;
        size_t size = 0;
        kv_status status = link_next_slice(&migration->resp->migrations, began_us,
                                           migration->timeout_ms, &slice_ms);
        if (status == KV_OK)
            status = link->dialer.read(link->connection, link->input + link->end,
                                       sizeof link->input - link->end, slice_ms, &size);
        if (status == KV_TIMEOUT && slice_ms == MIGRATION_SLICE_MS) continue;
        if (status == KV_OK) link->end += size;
        return status;
    }
}

/*
 * Reads a line, and keeps what fits of it, without its end. Replies are one line, as AUTH, SELECT,
 * RESTORE and DEL answer.
 */
static kv_status link_read_line(struct migration *migration, struct migration_link *link,
                                char line[MIGRATION_LINE])
{
    uint64_t began_us = migration_clock_us();
    size_t size = 0;
    for (;;) {
        while (link->begin < link->end) {
            char byte = link->input[link->begin++];
            if (byte == '\n') {
                if (size > 0 && line[size - 1] == '\r') size--;
                line[size] = '\0';
                return KV_OK;
            }
            if (size < MIGRATION_LINE - 1) line[size++] = byte;
        }
        kv_status status = link_read_more(migration, link, began_us);
        if (status != KV_OK) return status;
    }
}

/* ------------------------------------------------------------------------------------- requests */

/* Appends a request. KV_OK or KV_NOMEM. */
static kv_status migration_ask(kv_buffer *out, const kv_slice *arguments, size_t count)
{
    kv_status status = text_format(out, "*%zu\r\n", count);
    for (size_t i = 0; i < count && status == KV_OK; i++) {
        status = text_format(out, "$%zu\r\n", arguments[i].size);
        if (status == KV_OK) status = text_append(out, arguments[i]);
        if (status == KV_OK) status = text_append(out, KV_TEXT("\r\n"));
    }
    return status;
}

static kv_status migration_ask_login(struct migration *migration, kv_buffer *out)
{
    kv_slice arguments[3] = {KV_TEXT("AUTH"), migration->user, migration->password};
    if (migration->password.data == NULL) return KV_OK;
    if (migration->user.data != NULL) return migration_ask(out, arguments, 3);
    arguments[1] = migration->password;
    return migration_ask(out, arguments, 2);
}

static kv_slice migration_number(uint8_t digits[TEXT_INTEGER_SIZE + 1], int64_t number)
{
    return kv_bytes(digits, (size_t)(text_write_integer(digits, number) - digits));
}

static kv_status migration_ask_select(struct migration *migration, kv_buffer *out)
{
    uint8_t digits[TEXT_INTEGER_SIZE + 1];
    kv_slice arguments[2] = {KV_TEXT("SELECT"), migration_number(digits, migration->database)};
    return migration_ask(out, arguments, 2);
}

/* A key that is gone here, and may be over there. */
static kv_status migration_ask_removal(struct migrated_key *key, kv_buffer *out)
{
    kv_slice arguments[2] = {KV_TEXT("DEL"), key->key};
    key->is_removal = true;
    key->is_sent = true;
    return migration_ask(out, arguments, 2);
}

/*
 * The value of a key, with the time it has left; KV_NONE if it is gone. The version first: a change
 * that comes after it is noticed.
 */
static kv_status migration_look(struct migration *migration, struct migrated_key *key,
                                kv_buffer *payload, int64_t *ttl_ms)
{
    kv_status status = KV_OK;
    payload->size = 0;
    if (!migration->copies && !migration->is_locked)
        status = kv_version_of(migration->db, key->key, &key->version);
    unsigned version = (unsigned)migration->resp->saving.rdb_version;
    if (status == KV_OK) status = kv_dump_as(migration->db, key->key, version, payload);
    int64_t deadline_ms = KV_NEVER;
    if (status == KV_OK) status = kv_deadline(migration->db, key->key, &deadline_ms);
    *ttl_ms = 0;
    if (status != KV_OK || deadline_ms == KV_NEVER) return status;
    *ttl_ms = deadline_ms - kv_now(migration->db);
    if (*ttl_ms < 0) return KV_NONE;
    if (*ttl_ms == 0) *ttl_ms = 1;
    return KV_OK;
}

static kv_status migration_ask_key(struct migration *migration, struct migrated_key *key,
                                   kv_buffer *payload, kv_buffer *out)
{
    int64_t ttl_ms;
    kv_status status = migration_look(migration, key, payload, &ttl_ms);
    if (status == KV_NONE) {
        if (key->was_sent) return migration_ask_removal(key, out);
        key->is_left = true;
        return KV_OK;
    }
    if (status != KV_OK) return status;
    uint8_t digits[TEXT_INTEGER_SIZE + 1];
    kv_slice arguments[5] = {KV_TEXT("RESTORE"), key->key, migration_number(digits, ttl_ms),
                             text_of_buffer(payload), KV_TEXT("REPLACE")};
    bool replaces = migration->replaces || key->was_sent;
    key->is_removal = false;
    key->is_sent = true;
    return migration_ask(out, arguments, replaces ? 5 : 4);
}

/* ------------------------------------------------------------------------------------- exchange */

/* Where a round stands. */
struct migration_round {
    struct migration *migration;
    struct migration_link *link;
    bool selects;
    bool was_answered; /* something was: it is no link that had died unnoticed */
    bool is_writing;   /* for the words of an error */
};

/* Notes the first error that was answered. */
static void migration_refused(struct migration *migration, const char *line)
{
    if (migration->error[0] == '\0')
        snprintf(migration->error, sizeof migration->error,
                 "ERR Target instance replied with error: %s", line + 1);
}

static kv_status migration_send(struct migration_round *round)
{
    struct migration *migration = round->migration;
    kv_buffer out = {0}, payload = {0};
    round->is_writing = true;
    kv_status status = migration_ask_login(migration, &out);
    if (status == KV_OK && round->selects) status = migration_ask_select(migration, &out);
    for (size_t i = 0; i < migration->count && status == KV_OK; i++) {
        struct migrated_key *key = &migration->keys[i];
        key->is_sent = false;
        if (key->is_left) continue;
        status = migration_ask_key(migration, key, &payload, &out);
        if (status == KV_OK && out.size >= MIGRATION_CHUNK)
            status = link_write(migration, round->link, &out);
    }
    if (status == KV_OK) status = link_write(migration, round->link, &out);
    kv_buffer_free(&payload);
    kv_buffer_free(&out);
    return status;
}

/* Whether it is gone because this migration has deleted it: it was named twice. */
static bool migration_has_taken(const struct migration *migration, const struct migrated_key *key)
{
    for (size_t i = 0; i < migration->count; i++) {
        const struct migrated_key *other = &migration->keys[i];
        if (other != key && other->is_left && other->was_sent && text_equal(other->key, key->key))
            return true;
    }
    return false;
}

/*
 * Whether a key may be deleted here, for which it waits while writes are held back: what was so when
 * the command began may have changed meanwhile.
 */
static bool migration_may_delete(struct migration *migration)
{
    const struct timespec moment = {.tv_nsec = MIGRATION_MOMENT_MS * 1000000};
    uint64_t began_us = migration_clock_us();
    int64_t slice_ms;
    unsigned gates;
    if (migration->is_locked) return true;
    while ((gates = atomic_load(&migration->resp->gates)) & GATE_HOLDS) {
        if (link_next_slice(&migration->resp->migrations, began_us, migration->timeout_ms,
                            &slice_ms) != KV_OK)
            return false;
        nanosleep(&moment, NULL);
    }
    return !(gates & (GATE_READ_ONLY | GATE_ENDED | GATE_LOADING));
}

/* Deletes a key that is over there, if it is still what was sent; else it is sent once more. */
static kv_status migration_take_away(struct migration *migration, struct migrated_key *key)
{
    kv *txn = migration->db;
    kv_txn_options options = KV_OPTIONS(kv_txn_options);
    options.keys = &key->key;
    options.key_count = 1;
    uint64_t version = key->version, removed = 0;
    kv_status status = migration_may_delete(migration) ? KV_OK : KV_READONLY;
    if (status != KV_OK) return status;
    if (!migration->is_locked) status = kv_begin(migration->db, &options, &txn);
    if (status != KV_OK) return status;
    if (!migration->is_locked) status = kv_version_of(txn, key->key, &version);
    if (status == KV_OK && version == key->version) {
        status = kv_del(txn, &key->key, 1, &removed);
        key->is_left = status == KV_OK;
    } else if (status == KV_OK && version == 0) {
        key->is_left = migration_has_taken(migration, key);
    }
    if (!migration->is_locked) kv_commit(txn);
    migration->has_deleted |= removed > 0;
    return status;
}

/* An answer about a key, and those to AUTH and SELECT before it ("": none was asked). */
static kv_status migration_judge(struct migration *migration, struct migrated_key *key,
                                 const char *login, const char *select, const char *line)
{
    const char *refusal = login[0] == '-' ? login : select[0] == '-' ? select : line;
    if (refusal[0] == '-') {
        migration_refused(migration, refusal);
        key->is_left = true;
        return KV_OK;
    }
    key->was_sent = !key->is_removal;
    key->is_left = migration->copies || key->is_removal;
    return key->is_left ? KV_OK : migration_take_away(migration, key);
}

static kv_status migration_hear(struct migration_round *round)
{
    struct migration *migration = round->migration;
    char login[MIGRATION_LINE] = "", select[MIGRATION_LINE] = "", line[MIGRATION_LINE];
    kv_status status = KV_OK, failure = KV_OK;
    round->is_writing = false;
    if (migration->password.data != NULL) status = link_read_line(migration, round->link, login);
    if (status == KV_OK && round->selects) status = link_read_line(migration, round->link, select);
    for (size_t i = 0; i < migration->count && status == KV_OK; i++) {
        struct migrated_key *key = &migration->keys[i];
        if (!key->is_sent) continue;
        status = link_read_line(migration, round->link, line);
        if (status != KV_OK) break;
        round->was_answered = true;
        kv_status judged = migration_judge(migration, key, login, select, line);
        if (judged != KV_OK) key->is_left = true; /* it stays: the others' answers are to come */
        if (failure == KV_OK) failure = judged;
    }
    if (failure == KV_READONLY && migration->error[0] == '\0')
        snprintf(migration->error, sizeof migration->error,
                 "READONLY The keys have arrived, and may not be deleted here at present.");
    if (status == KV_OK && failure != KV_OK && migration->error[0] == '\0')
        snprintf(migration->error, sizeof migration->error, "ERR %s", kv_strerror(failure));
    return status;
}

static bool migration_is_complete(const struct migration *migration)
{
    for (size_t i = 0; i < migration->count; i++)
        if (!migration->keys[i].is_left) return false;
    return true;
}

/*
 * Sends and hears, until every key has gone. Keys that change all the time would be followed for
 * ever: when the timeout has passed since the first round they stay.
 */
static kv_status migration_exchange(struct migration_round *round)
{
    struct migration *migration = round->migration;
    uint64_t began_us = 0;
    for (;;) {
        round->selects = round->link->database != migration->database;
        kv_status status = migration_send(round);
        if (status == KV_OK) status = migration_hear(round);
        if (status != KV_OK) return status;
        bool is_refused = migration->error[0] != '\0';
        round->link->database = is_refused ? -1 : migration->database;
        if (migration_is_complete(migration)) return KV_OK;
        if (began_us == 0) began_us = migration_clock_us();
        if ((int64_t)((migration_clock_us() - began_us) / 1000) >= migration->timeout_ms)
            return KV_TIMEOUT;
    }
}

/*
 * A kept link may have died: then, and whenever nothing was answered, it is tried once more, on a
 * new one.
 */
static kv_status migration_try(struct migration_round *round)
{
    struct migration *migration = round->migration;
    struct migrations *migrations = &migration->resp->migrations;
    kv_status status = KV_OK;
    for (int tries = 0; tries < 2; tries++) {
        round->is_writing = true;
        round->link = tries == 0 ? link_take(migrations, migration->host, migration->port) : NULL;
        if (round->link == NULL) {
            status = link_open(migration, &round->link);
            if (status == KV_BADARG || status == KV_NOMEM) return status;
        }
        if (status == KV_OK) status = migration_exchange(round);
        bool is_clean = status == KV_OK && round->link->begin == round->link->end;
        if (is_clean) link_keep(migrations, round->link);
        else if (round->link != NULL) link_close(round->link);
        if (status == KV_OK) return KV_OK;
        round->link = NULL;
        if (round->was_answered || status == KV_TIMEOUT || status == KV_NOMEM) return status;
    }
    return status;
}

void migration_run(struct migration *migration)
{
    struct migration_round round = {.migration = migration};
    kv_status status = migration_try(&round);
    const char *error = NULL;
    if (migration->error[0] != '\0' || status == KV_OK) return;
    if (status == KV_NOMEM) error = "ERR memory is exhausted";
    else if (status == KV_BADARG) error = "IOERR error or timeout connecting to the client";
    else if (round.is_writing) error = "IOERR error or timeout writing to target instance";
    else error = "IOERR error or timeout reading to target instance";
    snprintf(migration->error, sizeof migration->error, "%s", error);
}

/* -------------------------------------------------------------------------------------- threads */

/* The next that waits, or NULL when there was none for a while, or all ends. Under the lock. */
static struct migration *migrations_next(struct migrations *migrations)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += MIGRATION_IDLE_S;
    migrations->idle++;
    while (migrations->first == NULL && !atomic_load(&migrations->is_closing))
        if (pthread_cond_timedwait(&migrations->work, &migrations->lock, &until) != 0) break;
    migrations->idle--;
    struct migration *migration = migrations->first;
    if (migration == NULL) return NULL;
    migrations->first = migration->next;
    if (migrations->first == NULL) migrations->end = &migrations->first;
    migrations->waiting--;
    return migration;
}

static void *migrations_work(void *context)
{
    struct migrations *migrations = context;
    struct migration *migration;
    pthread_mutex_lock(&migrations->lock);
    while ((migration = migrations_next(migrations)) != NULL) {
        pthread_mutex_unlock(&migrations->lock);
        migration_run(migration);
        pthread_mutex_lock(&migrations->lock);
        migration->is_done = true;
        if (migration->session != NULL) session_wake(migration->session);
        else free(migration);
    }
    migrations->threads--;
    pthread_cond_broadcast(&migrations->rest);
    pthread_mutex_unlock(&migrations->lock);
    return NULL;
}

/* Begins a thread, which takes no signals. */
static bool migrations_add_thread(struct migrations *migrations)
{
    pthread_t thread;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool is_begun = pthread_create(&thread, NULL, migrations_work, migrations) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (is_begun) pthread_detach(thread);
    return is_begun;
}

kv_status migration_start(struct migration *migration)
{
    struct migrations *migrations = &migration->resp->migrations;
    kv_status status = KV_OK;
    pthread_mutex_lock(&migrations->lock);
    if (migrations->waiting >= migrations->idle && migrations->threads < MIGRATION_THREADS) {
        if (migrations_add_thread(migrations)) migrations->threads++;
        else if (migrations->threads == 0) status = KV_NOMEM;
    }
    if (status == KV_OK) {
        migration->next = NULL;
        *migrations->end = migration;
        migrations->end = &migration->next;
        migrations->waiting++;
        pthread_cond_signal(&migrations->work);
    }
    pthread_mutex_unlock(&migrations->lock);
    return status;
}

bool migration_is_done(struct migration *migration)
{
    struct migrations *migrations = &migration->resp->migrations;
    pthread_mutex_lock(&migrations->lock);
    bool is_done = migration->is_done;
    pthread_mutex_unlock(&migrations->lock);
    return is_done;
}

bool migration_abandon(struct migration *migration)
{
    struct migrations *migrations = &migration->resp->migrations;
    pthread_mutex_lock(&migrations->lock);
    migration->session = NULL;
    bool is_done = migration->is_done;
    pthread_mutex_unlock(&migrations->lock);
    return is_done;
}

kv_status migrations_open(struct migrations *migrations)
{
    *migrations = (struct migrations){.end = &migrations->first};
    if (pthread_mutex_init(&migrations->lock, NULL) != 0) return KV_NOMEM;
    if (pthread_cond_init(&migrations->work, NULL) != 0) {
        pthread_mutex_destroy(&migrations->lock);
        return KV_NOMEM;
    }
    if (pthread_cond_init(&migrations->rest, NULL) == 0) return KV_OK;
    pthread_cond_destroy(&migrations->work);
    pthread_mutex_destroy(&migrations->lock);
    return KV_NOMEM;
}

void migrations_close(struct migrations *migrations)
{
    pthread_mutex_lock(&migrations->lock);
    atomic_store(&migrations->is_closing, true);
    pthread_cond_broadcast(&migrations->work);
    while (migrations->threads > 0) pthread_cond_wait(&migrations->rest, &migrations->lock);
    pthread_mutex_unlock(&migrations->lock);
    while (migrations->links != NULL) {
        struct migration_link *next = migrations->links->next;
        link_close(migrations->links);
        migrations->links = next;
    }
    pthread_cond_destroy(&migrations->rest);
    pthread_cond_destroy(&migrations->work);
    pthread_mutex_destroy(&migrations->lock);
}

kv_status kvresp_dial_by(kvresp *resp, const kvresp_dialer *dialer)
{
    if (resp == NULL || dialer == NULL || dialer->size != sizeof *dialer) return KV_BADARG;
    struct migrations *migrations = &resp->migrations;
    pthread_mutex_lock(&migrations->lock);
    bool is_first = !migrations->has_dialer;
    if (is_first) migrations->dialer = *dialer;
    migrations->has_dialer = true;
    pthread_mutex_unlock(&migrations->lock);
    return is_first ? KV_OK : KV_SKIPPED;
}
