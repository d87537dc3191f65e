/* tests/resp/test_config.c -- resp/config*: the registry, CONFIG GET, SET and REWRITE. */
#include "resp/config.h"

#include "aof_disk.h"
#include "server.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static struct server server;
static struct server_client *one;
static char path[] = "/tmp/kvstore-config-XXXXXX";

static void setup(void)
{
    strcpy(path + sizeof path - 7, "XXXXXX");
    close(mkstemp(path));
    server_open_with(&server, path);
    one = server_client(&server);
}

static void teardown(void)
{
    server_close(&server);
    unlink(path);
}

#define BLAME(name, reason) \
    "-ERR CONFIG SET failed (possibly related to argument '" name "') - " reason "\r\n"

/* ---------------------------------------------------------------------------------- GET and SET */

START_TEST(a_parameter_is_read_and_set)
{
    assert_says(one, "CONFIG GET slowlog-max-len", "*2\r\n$15\r\nslowlog-max-len\r\n$3\r\n128\r\n");
    assert_says(one, "CONFIG SET slowlog-max-len 64", "+OK\r\n");
    assert_says(one, "CONFIG GET SLOWLOG-max-len", "*2\r\n$15\r\nSLOWLOG-max-len\r\n$2\r\n64\r\n");
    assert_says(one, "CONFIG GET nosuch", "*0\r\n");
    assert_says(one, "CONFIG GET", "-ERR wrong number of arguments for 'config|get' command\r\n");
}
END_TEST

START_TEST(several_patterns_find_each_parameter_once)
{
    assert_says(
        one, "CONFIG GET slowlog-* *-max-len maxmemory",
        "*8\r\n$14\r\nacllog-max-len\r\n$3\r\n128\r\n$9\r\nmaxmemory\r\n$1\r\n0\r\n"
        "$23\r\nslowlog-log-slower-than\r\n$5\r\n10000\r\n$15\r\nslowlog-max-len\r\n$3\r\n128\r\n");
}
END_TEST

START_TEST(an_alias_is_a_name)
{
    assert_says(one, "CONFIG SET list-max-ziplist-size 100", "+OK\r\n");
    assert_says(one, "CONFIG GET list-max-*",
                "*4\r\n$22\r\nlist-max-listpack-size\r\n$3\r\n100\r\n$21\r\nlist-max-ziplist-"
                "size\r\n$3\r\n100\r\n");
    int64_t size;
    ck_assert_int_eq(kv_configuration(server.db, KV_SETTING_LIST_PACK_SIZE, &size), KV_OK);
    ck_assert_int_eq(size, 100);
}
END_TEST

static const struct {
    const char *line, *answer;
} refusals[] = {
    {"CONFIG SET hz -1", BLAME("hz", "argument must be between 0 and 2147483647 inclusive")},
    {"CONFIG SET nosuch 1",
     "-ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'\r\n"},
    {"CONFIG SET slowlog-max-len 1 nosuch", "-ERR syntax error\r\n"},
    {"CONFIG SET slowlog-max-len x",
     BLAME("slowlog-max-len", "argument couldn't be parsed into an integer")},
    {"CONFIG SET slowlog-max-len -1",
     BLAME("slowlog-max-len", "argument must be between 0 and 9223372036854775807 inclusive")},
    {"CONFIG SET proto-max-bulk-len 1000",
     BLAME("proto-max-bulk-len",
           "argument must be between 1048576 and 9223372036854775807 inclusive")},
    {"CONFIG SET proto-max-bulk-len 1zb",
     BLAME("proto-max-bulk-len", "argument must be a memory value")},
    {"CONFIG SET latency-tracking maybe",
     BLAME("latency-tracking", "argument must be 'yes' or 'no'")},
    {"CONFIG SET maxmemory-policy x",
     BLAME("maxmemory-policy",
           "argument(s) must be one of the following: volatile-lru, volatile-lfu, volatile-random, "
           "volatile-ttl, allkeys-lru, allkeys-lfu, allkeys-random, noeviction")},
    {"CONFIG SET maxmemory-policy allkeys-lfu",
     BLAME("maxmemory-policy", "kvstore cannot honour a policy by frequency of use")},
    {"CONFIG SET maxmemory 100mb",
     BLAME("maxmemory", "kvstore cannot honour another value than '0'")},
    {"CONFIG SET notify-keyspace-events Kq",
     BLAME("notify-keyspace-events", "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.")},
    {"CONFIG SET databases 8", BLAME("databases", "can't set immutable config")},
    {"CONFIG SET enable-debug-command yes",
     BLAME("enable-debug-command", "can't set immutable config")},
    {"CONFIG SET slowlog-max-len 1 SLOWLOG-MAX-LEN 2",
     BLAME("SLOWLOG-MAX-LEN", "duplicate parameter")},
    {"CONFIG SET hash-max-ziplist-entries 1 hash-max-listpack-entries 2 "
     "hash-max-ziplist-entries 3",
     BLAME("hash-max-ziplist-entries", "duplicate parameter")},
    {"CONFIG SET save x", BLAME("save", "Invalid save parameters")},
    {"CONFIG SET save 900", BLAME("save", "Invalid save parameters")},
    {"CONFIG SET save \"900 1 300\"", BLAME("save", "Invalid save parameters")},
    {"CONFIG SET save \"0 1\"", BLAME("save", "Invalid save parameters")},
    {"CONFIG SET save \"1 -1\"", BLAME("save", "Invalid save parameters")},
    {"CONFIG SET save \"900  1\"", BLAME("save", "Invalid save parameters")},
    {"CONFIG SET save \"900 1 \"", BLAME("save", "Invalid save parameters")},
    {"CONFIG SET rdbchecksum no", BLAME("rdbchecksum", "can't set immutable config")},
    {"CONFIG SET rdb-version 9", BLAME("rdb-version", "argument must be 0, 10, 11 or 12")},
    {"CONFIG SET client-output-buffer-limit \"normal 1\"",
     BLAME("client-output-buffer-limit",
           "Wrong number of arguments in buffer limit configuration.")},
    {"CONFIG SET client-output-buffer-limit \"none 1 1 1\"",
     BLAME("client-output-buffer-limit",
           "Invalid client class specified in buffer limit configuration.")},
    {"CONFIG SET client-output-buffer-limit \"normal 1 1 x\"",
     BLAME("client-output-buffer-limit",
           "Error in hard, soft or soft_seconds setting in buffer limit configuration.")},
    {"CONFIG SET latency-tracking-info-percentiles 101",
     BLAME("latency-tracking-info-percentiles",
           "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]")},
    {"CONFIG SET list-max-listpack-size 0",
     BLAME("list-max-listpack-size", "kvstore knows -1 to -5 and counts of elements above 0")},
};

START_TEST(what_cannot_be_is_refused_with_the_reason)
{
    assert_says(one, refusals[_i].line, refusals[_i].answer);
}
END_TEST

static const char *const accepted[] = {"maxmemory 0",
                                       "maxmemory 0gb",
                                       "save \"\"",
                                       "save \"900 1 300 0\"",
                                       "rdb-version 11 rdbcompression no",
                                       "appendonly no",
                                       "appendfsync everysec",
                                       "hz 100",
                                       "dynamic-hz no",
                                       "maxmemory-policy ALLKEYS-LRU",
                                       "client-output-buffer-limit \"replica 1gb 64mb 60\"",
                                       "lazyfree-lazy-user-del yes",
                                       "latency-tracking-info-percentiles \"\"",
                                       "proto-max-bulk-len 1mb",
                                       "requirepass \"\"",
                                       "slowlog-log-slower-than -1 slowlog-max-len 0"};

START_TEST(what_is_true_or_can_be_made_true_is_accepted)
{
    char line[128];
    snprintf(line, sizeof line, "CONFIG SET %s", accepted[_i]);
    assert_says(one, line, "+OK\r\n");
}
END_TEST

START_TEST(of_a_parameter_and_its_alias_the_last_counts)
{
    assert_says(one,
                "CONFIG SET hash-max-ziplist-entries 3 hash-max-listpack-entries 4\r\n"
                "CONFIG GET hash-max-ziplist-entries",
                "+OK\r\n*2\r\n$24\r\nhash-max-ziplist-entries\r\n$1\r\n4\r\n");
    assert_says(one,
                "CONFIG SET hash-max-listpack-entries 5 hash-max-ziplist-entries 6\r\n"
                "CONFIG GET hash-max-listpack-entries",
                "+OK\r\n*2\r\n$25\r\nhash-max-listpack-entries\r\n$1\r\n6\r\n");
    /* Undone from the last to the first, so that the oldest value is back. */
    assert_says(
        one,
        "CONFIG SET hash-max-ziplist-entries 7 hash-max-listpack-entries 8 "
        "list-max-listpack-size -9",
        BLAME("list-max-listpack-size", "kvstore knows -1 to -5 and counts of elements above 0"));
    assert_says(one, "CONFIG GET hash-max-listpack-entries",
                "*2\r\n$25\r\nhash-max-listpack-entries\r\n$1\r\n6\r\n");
}
END_TEST

START_TEST(a_rate_beyond_its_range_becomes_the_nearest_within)
{
    assert_says(one, "CONFIG SET hz 10000\r\nCONFIG GET hz",
                "+OK\r\n*2\r\n$2\r\nhz\r\n$3\r\n500\r\n");
    assert_says(one, "CONFIG SET hz 0\r\nCONFIG GET hz", "+OK\r\n*2\r\n$2\r\nhz\r\n$1\r\n1\r\n");
}
END_TEST

START_TEST(the_longest_string_is_as_long_as_the_longest_argument)
{
    assert_says(one, "CONFIG SET proto-max-bulk-len 1mb\r\nSETRANGE k 1048576 x",
                "+OK\r\n-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n");
    assert_says(one, "CONFIG SET proto-max-bulk-len 9223372036854775807\r\nSETRANGE k 1048576 x",
                "+OK\r\n:1048577\r\n");
}
END_TEST

START_TEST(of_several_parameters_all_are_set_or_none)
{
    assert_says(one, "CONFIG SET slowlog-max-len 1 latency-tracking no maxmemory 1",
                BLAME("maxmemory", "kvstore cannot honour another value than '0'"));
    assert_says(
        one, "CONFIG GET slowlog-max-len latency-tracking",
        "*4\r\n$16\r\nlatency-tracking\r\n$3\r\nyes\r\n$15\r\nslowlog-max-len\r\n$3\r\n128\r\n");
    /* list-max-listpack-size is refused by the store, after the other was applied. */
    assert_says(
        one, "CONFIG SET slowlog-max-len 1 list-max-listpack-size -9",
        BLAME("list-max-listpack-size", "kvstore knows -1 to -5 and counts of elements above 0"));
    assert_says(one, "CONFIG GET slowlog-max-len list-max-listpack-size",
                "*4\r\n$22\r\nlist-max-listpack-size\r\n$2\r\n-2\r\n$15\r\nslowlog-max-len\r\n$"
                "3\r\n128\r\n");
}
END_TEST

/* ------------------------------------------------------------------------ settings of the store */

static const struct {
    kv_setting setting;
    int64_t first, second; /* of the host */
    const char *name, *shown_first, *shown_second, *said;
    int64_t meant;
} settings[] = {
    {KV_SETTING_HASH_PACK_COUNT, 3, 0, "hash-max-ziplist-entries", "3", "0", "9", 9},
    {KV_SETTING_HASH_PACK_VALUE, 33, 1, "hash-max-listpack-value", "33", "1", "1kb", 1024},
    {KV_SETTING_HLL_SPARSE_SIZE, 100, 0, "hll-sparse-max-bytes", "100", "0", "1k", 1000},
    {KV_SETTING_SET_INTEGER_COUNT, 7, 8, "set-max-intset-entries", "7", "8", "9", 9},
    {KV_SETTING_SET_PACK_COUNT, 7, 8, "set-max-listpack-entries", "7", "8", "9", 9},
    {KV_SETTING_SET_PACK_VALUE, 7, 8, "set-max-listpack-value", "7", "8", "9", 9},
    {KV_SETTING_SORTED_SET_PACK_COUNT, 7, 8, "zset-max-listpack-entries", "7", "8", "9", 9},
    {KV_SETTING_SORTED_SET_PACK_VALUE, 7, 8, "zset-max-ziplist-value", "7", "8", "9", 9},
    {KV_SETTING_STREAM_NODE_COUNT, 7, 8, "stream-node-max-entries", "7", "8", "0", 0},
    {KV_SETTING_STREAM_NODE_SIZE, 7, 8, "stream-node-max-bytes", "7", "8", "0", 0},
    {KV_SETTING_LIST_PACK_SIZE, 17, -5, "list-max-listpack-size", "17", "-5", "-1", -1},
    {KV_SETTING_EVENTS, KV_EVENT_BY_KEY | KV_EVENT_HASH, KV_EVENT_BY_NAME | KV_EVENT_ALL,
     "notify-keyspace-events", "hK", "AE", "Kg$",
     KV_EVENT_BY_KEY | KV_EVENT_GENERIC | KV_EVENT_STRING},
    {KV_SETTING_MAX_VALUE_SIZE, 2048, 1 << 30, "proto-max-bulk-len", "2048", "1073741824", "2mb",
     2 << 20},
};

static void assert_setting(const char *name, const char *value)
{
    char request[64], answer[128];
    snprintf(request, sizeof request, "CONFIG GET %s", name);
    snprintf(answer, sizeof answer, "*2\r\n$%zu\r\n%s\r\n$%zu\r\n%s\r\n", strlen(name), name,
             strlen(value), value);
    assert_says(one, request, answer);
}

static void assert_store_has(kv_setting setting, int64_t expected)
{
    int64_t value;
    ck_assert_int_eq(kv_configuration(server.db, setting, &value), KV_OK);
    ck_assert_int_eq(value, expected);
}

static void serve_anew_with(kv_setting setting, int64_t value)
{
    server_close_resp(&server);
    ck_assert_int_eq(kv_configure(server.db, setting, value), KV_OK);
    server_open_resp(&server, path);
    one = server_client(&server);
}

START_TEST(the_store_keeps_its_settings_until_somebody_says_otherwise)
{
    kv_setting setting = settings[_i].setting;
    const char *name = settings[_i].name;
    char request[128];
    serve_anew_with(setting, settings[_i].first);
    assert_setting(name, settings[_i].shown_first);
    assert_store_has(setting, settings[_i].first);

    ck_assert_int_eq(kv_configure(server.db, setting, settings[_i].second), KV_OK);
    assert_setting(name, settings[_i].shown_second);
    snprintf(request, sizeof request, "CONFIG SET %s %s maxmemory 1", name, settings[_i].said);
    assert_says(one, request, BLAME("maxmemory", "kvstore cannot honour another value than '0'"));
    snprintf(request, sizeof request, "CONFIG SET %s %s list-max-listpack-size -9", name,
             settings[_i].said);
    if (setting != KV_SETTING_LIST_PACK_SIZE)
        assert_says(one, request,
                    BLAME("list-max-listpack-size",
                          "kvstore knows -1 to -5 and counts of elements above 0"));
    assert_setting(name, settings[_i].shown_second);
    assert_store_has(setting, settings[_i].second);

    snprintf(request, sizeof request, "CONFIG SET %s %s", name, settings[_i].said);
    assert_says(one, request, "+OK\r\n");
    assert_store_has(setting, settings[_i].meant);
    serve_anew_with(setting, settings[_i].meant);
    assert_store_has(setting, settings[_i].meant);
}
END_TEST

/* The host may have set less than Redis takes: it is shown, and comes back when a change fails. */
START_TEST(a_limit_of_the_host_below_that_of_redis_is_in_force)
{
    static char value[4096 + 1];
    char request[64 + sizeof value];
    memset(value, 'x', sizeof value - 1);
    ck_assert_int_eq(kv_configure(server.db, KV_SETTING_MAX_VALUE_SIZE, 2048), KV_OK);
    snprintf(request, sizeof request, "*3\r\n$6\r\nAPPEND\r\n$1\r\nk\r\n$4096\r\n%s\r\nPING",
             value);
    assert_says(one, request,
                "-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n+PONG\r\n");
    assert_says(one, "CONFIG SET proto-max-bulk-len 2048",
                BLAME("proto-max-bulk-len",
                      "argument must be between 1048576 and 9223372036854775807 inclusive"));
    assert_says(
        one, "CONFIG SET proto-max-bulk-len 1gb list-max-listpack-size -9",
        BLAME("list-max-listpack-size", "kvstore knows -1 to -5 and counts of elements above 0"));
    assert_setting("proto-max-bulk-len", "2048");
    assert_says(one, "CONFIG SET proto-max-bulk-len 9223372036854775807", "+OK\r\n");
    assert_setting("proto-max-bulk-len", "9223372036854775807");
}
END_TEST

/* ---------------------------------------------------------------------------------------- sizes */

static const struct {
    const char *text;
    uint64_t bytes;
} memories[] = {{"0", 0},           {"512", 512},
                {"1k", 1000},       {"1KB", 1024},
                {"2m", 2000000},    {"2mb", 2 << 20},
                {"1g", 1000000000}, {"1Gb", 1 << 30},
                {"7b", 7},          {"18446744073709551615", UINT64_MAX}};
static const char *const no_memories[] = {"",
                                          "x",
                                          "1x",
                                          "-1",
                                          "1.5mb",
                                          "mb",
                                          "18446744073709551616",
                                          "18446744073709551615k",
                                          "1 mb",
                                          "99999999999gb"};

START_TEST(sizes_are_counted_as_redis_counts_them)
{
    uint64_t bytes = 1;
    ck_assert(config_parse_memory(kv_text(memories[_i].text), &bytes));
    ck_assert_uint_eq(bytes, memories[_i].bytes);
}
END_TEST

START_TEST(other_texts_are_no_sizes)
{
    uint64_t bytes;
    ck_assert(!config_parse_memory(kv_text(no_memories[_i]), &bytes));
}
END_TEST

/* ---------------------------------------------------------------------------------- other rooms */

static char color[32] = "red";

static kv_status read_color(void *context, kv_buffer *value)
{
    ck_assert_ptr_eq(context, color);
    return text_append_string(value, color);
}

static const char *check_color(void *context, kv_slice value, char message[256])
{
    ck_assert_ptr_eq(context, color);
    if (!text_is(value, "grey")) return NULL;
    snprintf(message, 256, "that is no colour");
    return message;
}

static const char *apply_color(void *context, kv_slice value, char message[256])
{
    (void)message;
    snprintf(context, sizeof color, "%.*s", (int)value.size, (const char *)value.data);
    return NULL;
}

static void write_info(void *context, kv_buffer *text)
{
    text_format(text, "color:%s\r\n", (const char *)context);
}

static const kvresp_parameter color_table[] = {
    {"color", "colour", 0, read_color, check_color, apply_color},
    {"hz", NULL, KVRESP_PARAMETER_IMMUTABLE, read_color, NULL, NULL}, /* instead of the stand-in */
};

START_TEST(a_room_adds_parameters_and_takes_them_back)
{
    ck_assert_int_eq(kvresp_config_add(server.resp, color_table, 2, color), KV_OK);
    ck_assert_int_eq(kvresp_config_add(server.resp, color_table, 1, color), KV_BADARG); /* taken */
    ck_assert_int_eq(kvresp_info_add(server.resp, "server", write_info, color), KV_OK);
    assert_says(one, "CONFIG SET colour blue", "+OK\r\n");
    assert_says(one, "CONFIG SET colour grey", BLAME("colour", "that is no colour"));
    assert_says(one, "CONFIG GET color hz",
                "*4\r\n$5\r\ncolor\r\n$4\r\nblue\r\n$2\r\nhz\r\n$4\r\nblue\r\n");
    assert_says(one, "CONFIG SET hz 20", BLAME("hz", "can't set immutable config"));
    ck_assert_has(say(&server, one, "INFO server"), "color:blue\r\n");

    kvresp_forget(server.resp, color);
    assert_says(one, "CONFIG GET color hz", "*2\r\n$2\r\nhz\r\n$2\r\n10\r\n");
    ck_assert_lacks(say(&server, one, "INFO server"), "color");
}
END_TEST

START_TEST(a_host_sets_at_the_start_what_is_fixed_later)
{
    char message[256];
    ck_assert_ptr_null(
        kvresp_config_set(server.resp, "enable-debug-command", KV_TEXT("yes"), true, message));
    assert_says(one, "DEBUG PROTOCOL integer", ":12345\r\n");
    ck_assert_str_eq(kvresp_config_set(server.resp, "nosuch", KV_TEXT("1"), true, message),
                     "Unknown option or number of arguments for CONFIG SET - 'nosuch'");
    ck_assert_str_eq(kvresp_config_set(server.resp, "maxmemory", KV_TEXT("1gb"), true, message),
                     "kvstore cannot honour another value than '0'");
    kv_buffer value = {0};
    ck_assert_int_eq(kvresp_config_get(server.resp, "enable-debug-command", &value), KV_OK);
    ck_assert(text_equal(text_of_buffer(&value), KV_TEXT("yes")));
    ck_assert_int_eq(kvresp_config_get(server.resp, "nosuch", &value), KV_NONE);
    kv_buffer_free(&value);
}
END_TEST

START_TEST(debug_needs_permission)
{
    char message[256];
    const char *refused = "-ERR DEBUG command not allowed. If the enable-debug-command option is "
                          "set to \"local\", you can "
                          "run it from a local connection, otherwise you need to set this option "
                          "in the configuration "
                          "file, and then restart the server.\r\n";
    assert_says(one, "DEBUG PROTOCOL integer", refused);
    kvresp_config_set(server.resp, "enable-debug-command", KV_TEXT("local"), true, message);
    assert_says(one, "DEBUG PROTOCOL integer", ":12345\r\n"); /* from 127.0.0.1 */
    kvresp_session_options options = KV_OPTIONS(kvresp_session_options);
    options.address = "192.0.2.1:1000";
    struct server_client far = {0};
    ck_assert_int_eq(kvresp_session_open(server.resp, &options, &far.session), KV_OK);
    assert_says(&far, "DEBUG PROTOCOL integer", refused);
    kvresp_session_close(far.session);
}
END_TEST

/* -------------------------------------------------------------------------------------- REWRITE */

static void put_file(const char *text)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

static void assert_file(const char *expected)
{
    static char text[4096];
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    ck_assert_str_eq(text, expected);
}

START_TEST(a_rewrite_of_what_is_true_changes_nothing)
{
    const char *text =
        "# a comment\n\nslowlog-max-len   128 \nproto-max-bulk-len 512mb\r\n"
        "requirepass \"\"\n  include other.conf\nunbalanced \"\nlast-line-without-end";
    put_file(text);
    assert_says(one, "CONFIG REWRITE", "+OK\r\n");
    char expected[512];
    snprintf(expected, sizeof expected, "%s\n", text);
    assert_file(expected);
}
END_TEST

START_TEST(a_rewrite_changes_lines_in_place_and_adds_at_the_end)
{
    put_file("# first\nslowlog-max-len 1\n# second\nlatency-tracking yes\nslowlog-max-len "
             "2\nlist-max-ziplist-size -2\n");
    say(&server, one,
        "CONFIG SET latency-tracking no requirepass \"a secret\" list-max-listpack-size -3");
    assert_says(one, "CONFIG REWRITE", "+OK\r\n");
    assert_file(
        "# first\nslowlog-max-len 128\n# second\nlatency-tracking no\nlist-max-listpack-size -3\n"
        "# Generated by CONFIG REWRITE\nrequirepass \"a secret\"\n");
    say(&server, one, "CONFIG SET client-output-buffer-limit \"normal 1mb 0 0\"");
    assert_says(one, "CONFIG REWRITE", "+OK\r\n");
    assert_file(
        "# first\nslowlog-max-len 128\n# second\nlatency-tracking no\nlist-max-listpack-size -3\n"
        "# Generated by CONFIG REWRITE\nrequirepass \"a secret\"\nclient-output-buffer-limit "
        "normal 1048576 0 0 "
        "slave 268435456 67108864 60 pubsub 33554432 8388608 60\n");
}
END_TEST

START_TEST(a_rewrite_keeps_the_permissions_and_makes_a_file_that_is_gone)
{
    chmod(path, 0640);
    say(&server, one, "CONFIG SET slowlog-max-len 5");
    assert_says(one, "CONFIG REWRITE", "+OK\r\n");
    struct stat status;
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_int_eq(status.st_mode & 0777, 0640);
    unlink(path);
    assert_says(one, "CONFIG REWRITE", "+OK\r\n");
    assert_file("# Generated by CONFIG REWRITE\nslowlog-max-len 5\n");
}
END_TEST

static bool disk_has(struct disk *disk, const char *text)
{
    const struct disk_inode *file = disk_file(disk, "d/conf");
    return file != NULL && file->size == strlen(text) && memcmp(file->bytes, text, file->size) == 0;
}

/*
 * `how` 0: each step fails in turn; 1, 2: the machine stops at each, losing or keeping what is not
 * synced.
 */
START_TEST(a_rewrite_leaves_the_old_or_the_new_file_whatever_fails)
{
    static const char old[] = "# mine\nslowlog-max-len 1\n",
                      new[] = "# mine\nslowlog-max-len 128\n";
    int error = -1;
    for (int step = 0; error != 0; step++) {
        ck_assert_int_lt(step, 20);
        struct disk disk;
        disk_open_empty(&disk);
        disk_put_file(&disk, "d/conf", old, sizeof old - 1);
        server.resp->config.io = &disk.io;
        if (_i == 0) disk.fail_at = step;
        else disk.die_at = step;
        error = config_rewrite(server.resp, "d/conf");
        ck_assert(error == 0 || error == EIO);
        bool was_renamed = disk_has(&disk, new);
        if (_i == 0) ck_assert_uint_eq(disk.seen.count, 1);
        if (_i > 0) disk_crash(&disk, _i == 2);
        if (error == 0) ck_assert(disk_has(&disk, new));
        else ck_assert(disk_has(&disk, old) || (was_renamed && disk_has(&disk, new)));

        /* Once it works again, it works. */
        disk.fail_at = disk.die_at = DISK_EVERY;
        ck_assert_int_eq(config_rewrite(server.resp, "d/conf"), 0);
        disk_crash(&disk, false);
        ck_assert(disk_has(&disk, new));
        server.resp->config.io = &aof_io_system;
        disk_free(&disk);
    }
}
END_TEST

START_TEST(a_rewrite_without_a_file_is_an_error)
{
    struct server other;
    server_open(&other);
    struct server_client *client = server_client(&other);
    ck_assert_str_eq(say(&other, client, "CONFIG REWRITE"),
                     "-ERR The server is running without a config file\r\n");
    server_close(&other);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("config");
    TCase *tests = tcase_create("config");
    tcase_set_timeout(tests, 60); /* on a busy machine, with sanitizers */
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_parameter_is_read_and_set);
    tcase_add_test(tests, several_patterns_find_each_parameter_once);
    tcase_add_test(tests, an_alias_is_a_name);
    tcase_add_loop_test(tests, what_cannot_be_is_refused_with_the_reason, 0,
                        sizeof refusals / sizeof *refusals);
    tcase_add_loop_test(tests, what_is_true_or_can_be_made_true_is_accepted, 0,
                        sizeof accepted / sizeof *accepted);
    tcase_add_test(tests, of_a_parameter_and_its_alias_the_last_counts);
    tcase_add_test(tests, a_rate_beyond_its_range_becomes_the_nearest_within);
    tcase_add_test(tests, the_longest_string_is_as_long_as_the_longest_argument);
    tcase_add_test(tests, of_several_parameters_all_are_set_or_none);
    tcase_add_loop_test(tests, the_store_keeps_its_settings_until_somebody_says_otherwise, 0,
                        sizeof settings / sizeof *settings);
    tcase_add_test(tests, a_limit_of_the_host_below_that_of_redis_is_in_force);
    tcase_add_loop_test(tests, sizes_are_counted_as_redis_counts_them, 0,
                        sizeof memories / sizeof *memories);
    tcase_add_loop_test(tests, other_texts_are_no_sizes, 0,
                        sizeof no_memories / sizeof *no_memories);
    tcase_add_test(tests, a_room_adds_parameters_and_takes_them_back);
    tcase_add_test(tests, a_host_sets_at_the_start_what_is_fixed_later);
    tcase_add_test(tests, debug_needs_permission);
    tcase_add_test(tests, a_rewrite_of_what_is_true_changes_nothing);
    tcase_add_test(tests, a_rewrite_changes_lines_in_place_and_adds_at_the_end);
    tcase_add_test(tests, a_rewrite_keeps_the_permissions_and_makes_a_file_that_is_gone);
    tcase_add_loop_test(tests, a_rewrite_leaves_the_old_or_the_new_file_whatever_fails, 0, 3);
    tcase_add_test(tests, a_rewrite_without_a_file_is_an_error);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
