/*
 * resp/replica_link.c -- a connection to a master: the handshake, and whether history goes on.
 *
 *     we                                         the master
 *     PING                                       +PONG, or an error that a login will mend
 *     AUTH [user] password                       +OK
 *     REPLCONF listening-port 6380               +OK, or an error: it is older, no harm
 *     REPLCONF ip-address 10.0.0.7               +OK
 *     REPLCONF capa eof capa psync2 ...          +OK
 *     PSYNC id offset  |  PSYNC ? -1             +CONTINUE [id]          the changes from offset on
 *                                                +FULLRESYNC id offset   all data, then the changes
 *                                                -ERR...                 no PSYNC: SYNC, all data
 *
 * The protocol is Redis's, as its documentation on replication describes it; the details were seen
 * on the wire.
 */
#include "resp/replica_link.h"

#include "resp/config.h"
#include "resp/record.h"
#include "resp/shared.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* ------------------------------------------------------------------------------------- failures */

kv_status follow_fail(struct follow *follow, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(follow->reason, sizeof follow->reason, format, arguments);
    va_end(arguments);
    return KV_BADARG;
}

kv_status follow_fail_io(struct follow *follow, kv_status status)
{
    switch (status) {
    case KV_CANCELLED: break;
    case KV_NONE: (void)follow_fail(follow, "the master closed the connection"); break;
    case KV_TIMEOUT:
        (void)follow_fail(follow, "nothing came from the master in %lld seconds (repl-timeout)",
                          (long long)follow->timeout_ms / 1000);
        break;
    case KV_IOERROR:
        (void)follow_fail(follow, "the connection has failed: %s", strerror(errno));
        break;
    default: (void)follow_fail(follow, "%s", kv_strerror(status)); break;
    }
    return status;
}

/* --------------------------------------------------------------------------------- bytes and lines */

kv_status follow_read(struct follow *follow, void *bytes, size_t room, int64_t deadline_ms,
                      size_t *size)
{
    const kvresp_transport *transport = follow->transport;
    for (;;) {
        int64_t wait_ms = deadline_ms - following_clock_ms();
        kv_status status =
            transport->read(transport->context, bytes, room, wait_ms > 0 ? wait_ms : 0, size);
        bool is_wanted = following_is_wanted(follow->following, follow->master->generation);
        if (!is_wanted) return KV_CANCELLED;
        if (status == KV_OK) {
            following_note_io(follow->following);
            kvresp_count(follow->resp, KVRESP_COUNT_INPUT_BYTES, *size);
            return KV_OK;
        }
        if (status == KV_CANCELLED) return KV_MORE;
        if (status != KV_TIMEOUT) return follow_fail_io(follow, status);
        if (following_clock_ms() >= deadline_ms) return KV_TIMEOUT;
    }
}

kv_status follow_write(struct follow *follow, kv_slice bytes)
{
    const kvresp_transport *transport = follow->transport;
    kv_status status = transport->write(transport->context, bytes);
    if (status != KV_OK) return follow_fail_io(follow, status);
    kvresp_count(follow->resp, KVRESP_COUNT_OUTPUT_BYTES, bytes.size);
    follow->signed_ms = following_clock_ms();
    return KV_OK;
}

kv_status follow_command(struct follow *follow, const kv_slice *words, size_t count)
{
    uint8_t *command = malloc(record_command_bound(words, count));
    if (command == NULL) return follow_fail_io(follow, KV_NOMEM);
    const uint8_t *end = record_put_command(command, words, count);
    kv_status status = follow_write(follow, kv_bytes(command, (size_t)(end - command)));
    free(command);
    return status;
}

static void follow_make_room(struct follow *follow)
{
    if (follow->start == 0) return;
    memmove(follow->bytes, follow->bytes + follow->start, follow->end - follow->start);
    follow->end -= follow->start;
    follow->start = 0;
}

kv_status follow_fill(struct follow *follow)
{
    size_t size = 0;
    kv_status status;
    follow_make_room(follow);
    int64_t deadline_ms = following_clock_ms() + follow->timeout_ms;
    do
        status = follow_read(follow, follow->bytes + follow->end, FOLLOW_BUFFER_SIZE - follow->end,
                             deadline_ms, &size);
    while (status == KV_MORE);
    if (status == KV_OK) follow->end += size;
    return status == KV_TIMEOUT ? follow_fail_io(follow, KV_TIMEOUT) : status;
}

kv_status follow_line(struct follow *follow, char line[FOLLOW_LINE_MAX + 1])
{
    for (;;) {
        const uint8_t *begin = follow->bytes + follow->start;
        size_t size = follow->end - follow->start;
        const uint8_t *newline = size > 0 ? memchr(begin, '\n', size) : NULL;
        if (newline != NULL) size = (size_t)(newline - begin);
        if (size > FOLLOW_LINE_MAX)
            return follow_fail(follow, "the master's answer has a line without an end");
        if (newline != NULL) {
            follow->start += size + 1;
            while (size > 0 && begin[size - 1] == '\r') size--;
            if (size > 0 && memchr(begin, '\0', size) != NULL)
                return follow_fail(follow, "the master's answer is no line of text");
            memcpy(line, begin, size);
            line[size] = '\0';
            return KV_OK;
        }
        kv_status status = follow_fill(follow);
        if (status != KV_OK) return status;
    }
}

/* ------------------------------------------------------------------------------------- handshake */

/* Sends a command and reads the answer. */
static kv_status follow_ask(struct follow *follow, const kv_slice *words, size_t count,
                            char line[FOLLOW_LINE_MAX + 1])
{
    kv_status status = follow_command(follow, words, count);
    return status == KV_OK ? follow_line(follow, line) : status;
}

static bool follow_begins(const char *line, const char *word)
{
    return strncmp(line, word, strlen(word)) == 0;
}

/* A master that wants a login says so, and is fine. */
static kv_status follow_greet(struct follow *follow)
{
    char line[FOLLOW_LINE_MAX + 1];
    kv_slice words[] = {KV_TEXT("PING")};
    kv_status status = follow_ask(follow, words, 1, line);
    if (status != KV_OK || line[0] == '+' || follow_begins(line, "-NOAUTH") ||
        follow_begins(line, "-NOPERM") || follow_begins(line, "-ERR operation not permitted"))
        return status;
    return follow_fail(follow, "it answers PING with '%.100s'", line);
}

/* A copy of a parameter, empty if there is no memory for it. */
static kv_buffer follow_parameter(const struct follow *follow, const char *name)
{
    kv_buffer value = {0};
    (void)kvresp_config_get(follow->resp, name, &value);
    return value;
}

static kv_status follow_log_in(struct follow *follow)
{
    char line[FOLLOW_LINE_MAX + 1];
    kv_buffer user = follow_parameter(follow, "masteruser");
    kv_buffer password = follow_parameter(follow, "masterauth");
    kv_slice words[3] = {KV_TEXT("AUTH")};
    size_t count = 1;
    kv_status status = KV_OK;
    if (user.size > 0) words[count++] = text_of_buffer(&user);
    words[count++] = text_of_buffer(&password);
    if (password.size > 0) {
        status = follow_ask(follow, words, count, line);
        if (status == KV_OK && line[0] != '+')
            status =
                follow_fail(follow, "it refuses the login (masteruser, masterauth): %.100s", line);
    }
    kv_buffer_free(&user);
    kv_buffer_free(&password);
    return status;
}

/* Something the master may know about us, and need not understand. */
static kv_status follow_tell(struct follow *follow, const kv_slice *words, size_t count)
{
    char line[FOLLOW_LINE_MAX + 1];
    kv_status status = follow_ask(follow, words, count, line);
    if (status == KV_OK && line[0] == '-')
        kvresp_logf(follow->resp, KVRESP_NOTICE, "The master does not understand REPLCONF %s: %s",
                    (const char *)words[1].data, line);
    return status;
}

static kv_status follow_introduce(struct follow *follow)
{
    char port[16];
    kv_buffer announced = follow_parameter(follow, "replica-announce-port");
    kv_buffer address = follow_parameter(follow, "replica-announce-ip");
    bool has_port = !text_equal(text_of_buffer(&announced), KV_TEXT("0"));
    snprintf(port, sizeof port, "%d", follow->transport->listening_port);
    kv_slice number = has_port ? text_of_buffer(&announced) : kv_text(port);
    kv_slice replconf = KV_TEXT("REPLCONF");
    kv_status status =
        follow_tell(follow, (kv_slice[]){replconf, KV_TEXT("listening-port"), number}, 3);
    if (status == KV_OK && address.size > 0)
        status = follow_tell(
            follow, (kv_slice[]){replconf, KV_TEXT("ip-address"), text_of_buffer(&address)}, 3);
    kv_buffer_free(&announced);
    kv_buffer_free(&address);
    if (status != KV_OK) return status;
    return follow_tell(follow,
                       (kv_slice[]){replconf, KV_TEXT("capa"), KV_TEXT("eof"), KV_TEXT("capa"),
                                    KV_TEXT("psync2"), KV_TEXT("capa"), KV_TEXT("kvstore")},
                       7);
}

/* ------------------------------------------------------------------------------------------ PSYNC */

static bool follow_is_id(const char *text, size_t size)
{
    if (size != REPLICATION_ID_SIZE) return false;
    for (size_t i = 0; i < size; i++)
        if (!((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'z')))
            return false;
    return true;
}

/* "+FULLRESYNC id offset" */
static kv_status follow_read_full(struct follow *follow, const char *line,
                                  struct follow_answer *answer)
{
    const char *id = line + strcspn(line, " ");
    if (*id == ' ') id++;
    size_t size = strcspn(id, " ");
    const char *offset = id + size + (id[size] == ' ');
    answer->is_full = true;
    if (!follow_is_id(id, size) || !text_parse_integer(kv_text(offset), &answer->offset) ||
        answer->offset < 0 || answer->offset > INT64_MAX / 2)
        return follow_fail(follow, "its answer to PSYNC is wrong: '%.120s'", line);
    memcpy(answer->id, id, size);
    answer->id[size] = '\0';
    return KV_OK;
}

/* "+CONTINUE", "+CONTINUE id" */
static kv_status follow_read_continue(struct follow *follow, const char *line, bool was_asked,
                                      struct follow_answer *answer)
{
    const char *id = line + strlen("+CONTINUE");
    while (*id == ' ') id++;
    size_t size = strlen(id);
    if (!was_asked || (size > 0 && !follow_is_id(id, size)))
        return follow_fail(follow, "its answer to PSYNC is wrong: '%.120s'", line);
    memcpy(answer->id, id, size + 1);
    return KV_OK;
}

static kv_status follow_fall_back(struct follow *follow, const char *line,
                                  struct follow_answer *answer)
{
    kvresp_logf(follow->resp, KVRESP_NOTICE,
                "The master knows no PSYNC, or is in a bad state (it says '%.100s'): asking for "
                "everything with SYNC",
                line);
    answer->is_full = answer->is_old = true;
    return follow_write(follow, KV_TEXT("SYNC\r\n"));
}

/* Before the answer a master that prepares it may send empty lines, to show that it lives. */
static kv_status follow_psync(struct follow *follow, struct follow_answer *answer)
{
    struct replication_place place;
    char line[FOLLOW_LINE_MAX + 1] = "", number[TEXT_INTEGER_SIZE + 1];
    replication_look(&follow->resp->replication, &place);
    bool is_known = place.has_backlog;
    *answer = (struct follow_answer){0};
    uint8_t *end = text_write_integer((uint8_t *)number, is_known ? place.offset + 1 : -1);
    kv_slice words[] = {KV_TEXT("PSYNC"), is_known ? kv_text(place.id) : KV_TEXT("?"),
                        kv_bytes(number, (size_t)(end - (uint8_t *)number)), KV_TEXT("FAILOVER")};
    kv_status status = follow_command(follow, words, follow->is_failover ? 4 : 3);
    while (status == KV_OK && line[0] == '\0') status = follow_line(follow, line);
    if (status != KV_OK) return status;
    if (follow_begins(line, "+FULLRESYNC")) return follow_read_full(follow, line, answer);
    if (follow_begins(line, "+CONTINUE"))
        return follow_read_continue(follow, line, is_known, answer);
    follow->is_refused = follow->is_failover;
    bool is_temporary = follow_begins(line, "-NOMASTERLINK") || follow_begins(line, "-LOADING");
    if (is_temporary || follow->is_failover || line[0] != '-')
        return follow_fail(follow, "it answers PSYNC with '%.120s'", line);
    return follow_fall_back(follow, line, answer);
}

/* --------------------------------------------------------------------------------- the conversation */

static kv_status follow_shake_hands(struct follow *follow, struct follow_answer *answer)
{
    following_set_state(follow->following, FOLLOWING_HANDSHAKE);
    kv_status status = follow_greet(follow);
    if (status == KV_OK) status = follow_log_in(follow);
    if (status == KV_OK) status = follow_introduce(follow);
    if (status == KV_OK) status = follow_psync(follow, answer);
    return status;
}

/* What was asked of the master by the PSYNC of a failover is decided. */
static void follow_end_failover(struct follow *follow, bool has_succeeded)
{
    pthread_mutex_lock(&follow->following->lock);
    follow->following->wish.is_failover = follow->is_failover = false;
    pthread_mutex_unlock(&follow->following->lock);
    if (!has_succeeded) (void)kvresp_replicaof(follow->resp, NULL, 0);
    failover_end(follow->resp, has_succeeded);
}

/* History goes on where it is. */
static kv_status follow_go_on(struct follow *follow, const struct follow_answer *answer)
{
    struct following *following = follow->following;
    following_hold(following);
    bool is_wanted = following_is_wanted(following, follow->master->generation);
    if (is_wanted) {
        replication_continue(&follow->resp->replication, answer->id[0] != '\0' ? answer->id : NULL);
        atomic_fetch_add(&following->partial_syncs, 1);
        following_connect(following, follow->end - follow->start);
    }
    following_release(following);
    if (is_wanted)
        kvresp_logf(follow->resp, KVRESP_NOTICE,
                    "Following master %s:%d: it goes on where this store was", follow->master->host,
                    follow->master->port);
    return is_wanted ? KV_OK : KV_CANCELLED;
}

static kv_status follow_converse(struct follow *follow)
{
    struct follow_answer answer;
    kv_status status = follow_shake_hands(follow, &answer);
    if (follow->is_refused || (follow->is_failover && status == KV_OK))
        follow_end_failover(follow, status == KV_OK);
    if (status == KV_OK)
        status = answer.is_full ? follow_payload(follow, &answer) : follow_go_on(follow, &answer);
    if (status != KV_OK) return status;
    pthread_mutex_lock(&follow->following->lock);
    follow->following->last_error[0] = '\0';
    pthread_mutex_unlock(&follow->following->lock);
    return follow_stream(follow, answer.is_old);
}

kv_status kvresp_follow(kvresp *resp, const kvresp_master *master,
                        const kvresp_transport *transport)
{
    if (resp == NULL || master == NULL || master->size != sizeof *master || transport == NULL ||
        transport->size != sizeof *transport)
        return KV_BADARG;
    struct follow follow = {.resp = resp,
                            .following = &resp->following,
                            .transport = transport,
                            .master = master,
                            .bytes = malloc(FOLLOW_BUFFER_SIZE)};
    struct following_master wish;
    following_look(&resp->following, &wish);
    follow.is_failover = wish.is_failover;
    follow_renew_timeout(&follow);
    bool is_wanted = following_is_wanted(&resp->following, master->generation);
    kv_status status = follow.bytes == NULL ? KV_NOMEM : is_wanted ? KV_OK : KV_CANCELLED;
    if (status == KV_OK) status = follow_converse(&follow);
    free(follow.bytes);
    if (!following_is_wanted(&resp->following, master->generation)) return KV_CANCELLED;
    if (follow.reason[0] == '\0') (void)follow_fail(&follow, "%s", kv_strerror(status));
    (void)following_note_failure(&resp->following, follow.reason);
    kvresp_logf(resp, KVRESP_WARNING, "Master %s:%d: %s", master->host, master->port,
                follow.reason);
    return status;
}

void follow_renew_timeout(struct follow *follow)
{
    kv_buffer text = follow_parameter(follow, "repl-timeout");
    int64_t seconds;
    if (!text_parse_integer(text_of_buffer(&text), &seconds)) seconds = 60;
    follow->timeout_ms = seconds * 1000;
    kv_buffer_free(&text);
}
