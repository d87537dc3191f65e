/*
 * tests/resp/test_digest.c -- resp/sha1, resp/digest: what redis-server 7.0 says of the same keys.
 */
#include "resp/sha1.h"

#include "server.h"

static struct server server;
static struct server_client *one;

static void setup(void)
{
    char message[256];
    server_open(&server);
    one = server_client(&server);
    ck_assert_ptr_null(
        kvresp_config_set(server.resp, "enable-debug-command", KV_TEXT("yes"), true, message));
}

static void teardown(void)
{
    server_close(&server);
}

static void assert_sha1(kv_slice bytes, const char *expected)
{
    uint8_t hash[SHA1_SIZE];
    char text[2 * SHA1_SIZE + 1];
    sha1(bytes, hash);
    for (int i = 0; i < SHA1_SIZE; i++) snprintf(text + 2 * i, 3, "%02x", hash[i]);
    ck_assert_str_eq(text, expected);
}

/* The examples of FIPS 180, and sizes around that of a block. */
START_TEST(sha1_is_the_standard_one)
{
    static char many[1000000];
    memset(many, 'a', sizeof many);
    assert_sha1(kv_bytes(NULL, 0), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    assert_sha1(KV_TEXT("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
    assert_sha1(KV_TEXT("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
                "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
    assert_sha1(kv_bytes(many, 55), "c1c8bbdc22796e28c0e15163d20899b65621d65a");
    assert_sha1(kv_bytes(many, 56), "c2db330f6083854c99d4b5bfb6e8f29f201be699");
    assert_sha1(kv_bytes(many, 63), "03f09f5b158a7a8cdad920bddc29b81c18a551f5");
    assert_sha1(kv_bytes(many, 64), "0098ba824b5c16427bd7a1122a5a442a25ec644d");
    assert_sha1(kv_bytes(many, sizeof many), "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
}
END_TEST

static void fill(void)
{
    assert_says(one, "SET s hello\r\nSET n 12345\r\nEXPIRE n 1000", "+OK\r\n+OK\r\n:1\r\n");
    assert_says(one, "RPUSH l a b 3\r\nSADD e a b 3\r\nSADD i 1 2 3", ":3\r\n:3\r\n:3\r\n");
    assert_says(one, "HSET h f v g w\r\nZADD z 1 a 0.1 b inf c", ":2\r\n:3\r\n");
}

START_TEST(values_of_all_types_have_the_digests_of_redis)
{
    fill();
    assert_says(one, "DEBUG DIGEST-VALUE s n l e i h z none",
                "*8\r\n+36b23a1456b2dce2c3ed252c456761301dba8060\r\n"
                "+074a6e8892a0b0b4fcf085794cb69322c36c9d00\r\n"
                "+09eb1fc9381ee92790d59930ab462945f8cd948b\r\n"
                "+aa475a4a8f122ca5936aa41d911aacf8c93b827d\r\n"
                "+2a462a3f51a1db89738ebbeef0c47ce1bbc85246\r\n"
                "+d127864ed50239662bf61bafc9bda63c17da5b37\r\n"
                "+aded2317d68729419f94b5748b30ef647c6e0956\r\n"
                "+0000000000000000000000000000000000000000\r\n");
    assert_says(one, "DEBUG DIGEST-VALUE", "*0\r\n");
}
END_TEST

START_TEST(streams_have_the_digests_of_redis)
{
    assert_says(one, "XADD x 1-1 f v g w\r\nXADD x 1-2 f v\r\nXGROUP CREATE x g 0",
                "$3\r\n1-1\r\n$3\r\n1-2\r\n+OK\r\n");
    assert_says(one, "XGROUP CREATE empty g $ MKSTREAM\r\nXADD del 5 f v\r\nXDEL del 5",
                "+OK\r\n$3\r\n5-0\r\n:1\r\n");
    assert_says(one, "DEBUG DIGEST-VALUE x empty del",
                "*3\r\n+406b9902e827e921bf45780f415a93b43f8ddce1\r\n"
                "+06bd01623de1d087bbd377851096317b1af476a2\r\n"
                "+06bd01623de1d087bbd377851096317b1af476a2\r\n");
    assert_says(one, "DEBUG DIGEST", "+e31c7c34bb4343fcfa13438a2bdfee2759d2e83a\r\n");
}
END_TEST

START_TEST(the_whole_has_a_digest_in_which_databases_differ)
{
    assert_says(one, "DEBUG DIGEST", "+0000000000000000000000000000000000000000\r\n");
    fill();
    assert_says(one, "DEBUG DIGEST", "+ef14ed52c64d75c1cbe3530813bafbbd7b47edc4\r\n");
    assert_says(one, "SELECT 3\r\nSET s hello", "+OK\r\n+OK\r\n");
    assert_says(one, "DEBUG DIGEST", "+247f868812f627accf8799428dc9ca83a0fbbb8c\r\n");
    assert_says(one, "DEBUG DIGEST all",
                "-ERR unknown subcommand or wrong number of arguments "
                "for 'DIGEST'. Try DEBUG HELP.\r\n");
}
END_TEST

START_TEST(a_transaction_has_digests_of_what_it_did)
{
    fill();
    assert_says(one,
                "MULTI\r\nSELECT 3\r\nSET s hello\r\nDEBUG DIGEST-VALUE s\r\nDEBUG DIGEST\r\nEXEC",
                "+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*4\r\n+OK\r\n+OK\r\n"
                "*1\r\n+36b23a1456b2dce2c3ed252c456761301dba8060\r\n"
                "+247f868812f627accf8799428dc9ca83a0fbbb8c\r\n");
}
END_TEST

START_TEST(no_key_seems_to_have_been_read)
{
    fill();
    server.now_ms += 60000;
    say(&server, one, "DEBUG DIGEST\r\nDEBUG DIGEST-VALUE s l\r\nMULTI\r\nDEBUG DIGEST\r\nEXEC");
    assert_says(one, "OBJECT IDLETIME s\r\nOBJECT IDLETIME l", ":60\r\n:60\r\n");
    assert_says(one, "GET s\r\nOBJECT IDLETIME s", "$5\r\nhello\r\n:0\r\n");
    say(&server, one, "MULTI\r\nDEBUG DIGEST-VALUE s\r\nLLEN l\r\nEXEC");
    assert_says(one, "OBJECT IDLETIME l", ":0\r\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("digest");
    TCase *tests = tcase_create("digest");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, sha1_is_the_standard_one);
    tcase_add_test(tests, values_of_all_types_have_the_digests_of_redis);
    tcase_add_test(tests, streams_have_the_digests_of_redis);
    tcase_add_test(tests, the_whole_has_a_digest_in_which_databases_differ);
    tcase_add_test(tests, a_transaction_has_digests_of_what_it_did);
    tcase_add_test(tests, no_key_seems_to_have_been_read);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
