/*
 * tests/resp/test_metrics.c -- metrics made from INFO. Their format as a whole is looked at by
 * tests/integration/metrics.py, with a strict reader.
 */
#include "resp/text.h"

#include "server.h"

static struct server server;
static struct server_client *a;
static kv_buffer text;

static void setup(void)
{
    server_open(&server);
    a = server_client(&server);
    text = (kv_buffer){0};
}

static void teardown(void)
{
    kv_buffer_free(&text);
    server_close(&server);
}

static const char *metrics(const char *prefix)
{
    kvresp_metrics_options options = KV_OPTIONS(kvresp_metrics_options);
    options.prefix = prefix;
    text.size = 0;
    ck_assert_int_eq(kvresp_metrics(server.resp, &options, &text), KV_OK);
    ck_assert_int_eq(text_append(&text, kv_bytes("", 1)), KV_OK);
    return text.data;
}

START_TEST(lines_of_info_are_metrics)
{
    say(&server, a, "SET k v\r\nGET k\r\nGET none\r\nSELECT 3\r\nSET k v EX 100\r\nLPUSH k v");
    const char *found = metrics(NULL);
    ck_assert_has(found,
                  "# HELP kvstore_keyspace_hits_total Keys looked up for reading and found.\n"
                  "# TYPE kvstore_keyspace_hits_total counter\nkvstore_keyspace_hits_total 1\n");
    ck_assert_has(found, "\nkvstore_db_keys{db=\"db0\"} 1\nkvstore_db_keys{db=\"db3\"} 1\n");
    ck_assert_has(found, "\nkvstore_db_avg_ttl_seconds{db=\"db3\"} 100\n");
    ck_assert_has(found, "\nkvstore_type_keys{type=\"string\"} 2\n");
    ck_assert_has(found, "\nkvstore_errors_total{err=\"WRONGTYPE\"} 1\n");
    ck_assert_has(found, "\nkvstore_commands_total{cmd=\"set\"} 2\n");
    ck_assert_has(found, "\nkvstore_command_duration_seconds_count{cmd=\"set\"} 2\n");
    ck_assert_has(found, "\nkvstore_is_master 1\n");
    ck_assert_has(metrics("redis_"), "\nredis_connected_clients 1\n");
    ck_assert_lacks(metrics("redis_"), "kvstore_connected");
    ck_assert_has(metrics(""), "\nconnected_clients 1\n");
}
END_TEST

static void write_lines(void *context, kv_buffer *info)
{
    text_append_string(info, context);
}

static const kvresp_metric some_metrics[] = {
    {"host_jobs", "jobs_total", KVRESP_COUNTER, 0, NULL, "Jobs done."},
    {"host_wait", "job_wait_seconds", KVRESP_GAUGE, 0.001, NULL, "How long they waited."},
    {"host_state", "is_well", KVRESP_GAUGE, 0, "well", "Whether the host is well."},
    {"host_absent", "absent", KVRESP_GAUGE, 0, NULL, "Nothing."},
};
enum { SOME_METRICS = sizeof some_metrics / sizeof some_metrics[0] };

START_TEST(a_host_adds_lines_and_metrics)
{
    static char lines[] = "host_jobs:18446744073709551615\r\nhost_wait:1500\r\nhost_state:well\r\n";
    ck_assert_int_eq(kvresp_info_add(server.resp, "stats", write_lines, lines), KV_OK);
    ck_assert_int_eq(kvresp_metrics_add(server.resp, some_metrics, SOME_METRICS, lines), KV_OK);
    const char *found = metrics(NULL);
    ck_assert_has(found,
                  "# TYPE kvstore_jobs_total counter\nkvstore_jobs_total 18446744073709551615\n");
    ck_assert_has(found, "\nkvstore_job_wait_seconds 1.5\n");
    ck_assert_has(found, "\nkvstore_is_well 1\n");
    ck_assert_lacks(found, "kvstore_absent");
    strcpy(lines, "host_jobs:many\r\nhost_wait:\r\nhost_state:bad\r\n");
    found = metrics(NULL);
    ck_assert_lacks(found, "jobs_total");
    ck_assert_lacks(found, "job_wait");
    ck_assert_has(found, "\nkvstore_is_well 0\n");
    kvresp_forget(server.resp, lines);
    ck_assert_lacks(metrics(NULL), "is_well");
}
END_TEST

START_TEST(names_are_unique_and_valid)
{
    static const kvresp_metric bad[] = {
        {"a", "connected_clients", KVRESP_GAUGE, 0, NULL, "Taken."},
        {"a", "jobs_total", KVRESP_GAUGE, 0, NULL, "Taken by the host."},
        {"a", "", KVRESP_GAUGE, 0, NULL, "None."},
        {"a", "1st", KVRESP_GAUGE, 0, NULL, "A digit."},
        {"a", "a b", KVRESP_GAUGE, 0, NULL, "A blank."},
        {"a", "good", KVRESP_GAUGE, 0, NULL, "Two\nlines."},
        {"a", "good", KVRESP_GAUGE, 0, NULL, NULL},
        {NULL, "good", KVRESP_GAUGE, 0, NULL, "No field."},
        {"a", NULL, KVRESP_GAUGE, 0, NULL, "No name."},
    };
    static const kvresp_metric twice[] = {{"a", "good", KVRESP_GAUGE, 0, NULL, "Good."},
                                          {"b", "good", KVRESP_GAUGE, 0, NULL, "Good."}};
    ck_assert_int_eq(kvresp_metrics_add(server.resp, some_metrics, SOME_METRICS, NULL), KV_OK);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_int_eq(kvresp_metrics_add(server.resp, &bad[i], 1, NULL), KV_BADARG);
    ck_assert_int_eq(kvresp_metrics_add(server.resp, twice, 2, NULL), KV_BADARG);
    ck_assert_int_eq(kvresp_metrics_add(server.resp, twice, 1, NULL), KV_OK);

    static const char *const prefixes[] = {"1", "a b", "a-", "\"", "a\n"};
    kvresp_metrics_options options = KV_OPTIONS(kvresp_metrics_options);
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        options.prefix = prefixes[i];
        ck_assert_int_eq(kvresp_metrics(server.resp, &options, &text), KV_BADARG);
    }
    options.size = 1;
    ck_assert_int_eq(kvresp_metrics(server.resp, &options, &text), KV_BADARG);
    ck_assert_int_eq(kvresp_metrics(server.resp, NULL, NULL), KV_BADARG);
    ck_assert_uint_eq(text.size, 0);
}
END_TEST

START_TEST(replicas_are_samples_with_labels)
{
    static char lines[] = "slave0:ip=10.0.0.1,port=6380,state=online,offset=1234,lag=1\r\n"
                          "slave1:ip=::1,port=6381,state=wait_bgsave,offset=0,lag=0\r\n"
                          "slave_priority:100\r\nslavex:offset=1\r\n";
    ck_assert_int_eq(kvresp_info_add(server.resp, "replication", write_lines, lines), KV_OK);
    const char *found = metrics(NULL);
    ck_assert_has(found, "\nkvstore_connected_slave_offset_bytes{slave_ip=\"10.0.0.1\",slave_port="
                         "\"6380\",slave_state=\"online\"} 1234\n");
    ck_assert_has(found,
                  "\nkvstore_connected_slave_lag_seconds{slave_ip=\"::1\",slave_port=\"6381\","
                  "slave_state=\"wait_bgsave\"} 0\n");
    ck_assert_has(found, "\nkvstore_slave_priority 100\n");
}
END_TEST

/* The latest of several lines of one name counts: of the room that knows better. */
START_TEST(a_metric_is_there_once)
{
    static char lines[] = "aof_enabled:7\r\n";
    ck_assert_int_eq(kvresp_info_add(server.resp, "persistence", write_lines, lines), KV_OK);
    const char *found = metrics(NULL);
    ck_assert_has(found, "\nkvstore_aof_enabled 7\n");
    ck_assert_lacks(found, "kvstore_aof_enabled 0\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("metrics");
    TCase *tcase = tcase_create("metrics");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, lines_of_info_are_metrics);
    tcase_add_test(tcase, a_host_adds_lines_and_metrics);
    tcase_add_test(tcase, names_are_unique_and_valid);
    tcase_add_test(tcase, replicas_are_samples_with_labels);
    tcase_add_test(tcase, a_metric_is_there_once);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
