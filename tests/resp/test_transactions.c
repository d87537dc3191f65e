/* tests/resp/test_transactions.c -- MULTI, EXEC, DISCARD, WATCH. */
#include "two_clients.h"

START_TEST(queued_commands_are_executed_together)
{
    assert_says(one, "MULTI\r\nSET a 1\r\nINCR a\r\nRPUSH l x y\r\nLRANGE l 0 -1",
                "+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n");
    assert_says(two, "EXISTS a l", ":0\r\n");
    assert_says(one, "EXEC", "*4\r\n+OK\r\n:2\r\n:2\r\n*2\r\n$1\r\nx\r\n$1\r\ny\r\n");
    assert_says(one, "EXEC", "-ERR EXEC without MULTI\r\n");
}
END_TEST

START_TEST(an_error_while_executing_undoes_nothing)
{
    assert_says(one, "MULTI\r\nSET a x\r\nINCR a\r\nSET b 1\r\nEXEC",
                "+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*3\r\n+OK\r\n"
                "-ERR value is not an integer or out of range\r\n+OK\r\n");
    assert_says(two, "MGET a b", "*2\r\n$1\r\nx\r\n$1\r\n1\r\n");
}
END_TEST

START_TEST(an_error_while_queueing_spoils_the_transaction)
{
    assert_says(one, "MULTI\r\nSET a 1\r\nSET a\r\nNOSUCH\r\nEXEC",
                "+OK\r\n+QUEUED\r\n-ERR wrong number of arguments for 'set' command\r\n"
                "-ERR unknown command 'NOSUCH', with args beginning with: \r\n"
                "-EXECABORT Transaction discarded because of previous errors.\r\n");
    assert_says(one, "EXISTS a\r\nMULTI\r\nEXEC", ":0\r\n+OK\r\n*0\r\n");
}
END_TEST

START_TEST(what_does_not_belong_in_a_transaction_is_refused)
{
    assert_says(
        one, "MULTI\r\nMULTI\r\nWATCH a\r\nSHUTDOWN\r\nEXEC",
        "+OK\r\n-ERR MULTI calls can not be nested\r\n-ERR WATCH inside MULTI is not allowed\r\n"
        "-ERR Command not allowed inside a transaction\r\n"
        "-EXECABORT Transaction discarded because of previous errors.\r\n");
    assert_says(one, "EXEC x",
                "-EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' "
                "command\r\n");
    assert_says(one, "DISCARD\r\nMULTI\r\nSET a 1\r\nDISCARD\r\nGET a",
                "-ERR DISCARD without MULTI\r\n+OK\r\n+QUEUED\r\n+OK\r\n$-1\r\n");
}
END_TEST

START_TEST(watched_keys_decide_whether_it_runs)
{
    assert_says(one, "WATCH a b\r\nMULTI\r\nSET c 1", "+OK\r\n+OK\r\n+QUEUED\r\n");
    assert_says(two, "SET b 1", "+OK\r\n");
    ck_assert_has(say(&server, two, "CLIENT LIST ID 1"), "flags=x ");
    assert_says(one, "EXEC\r\nGET c", "*-1\r\n$-1\r\n");
    assert_says(one, "MULTI\r\nSET c 1\r\nEXEC",
                "+OK\r\n+QUEUED\r\n*1\r\n+OK\r\n"); /* and then forgotten */
    assert_says(one, "WATCH a\r\nUNWATCH", "+OK\r\n+OK\r\n");
    assert_says(two, "SET a 1", "+OK\r\n");
    assert_says(one, "MULTI\r\nUNWATCH\r\nEXEC", "+OK\r\n+QUEUED\r\n*1\r\n+OK\r\n");
    assert_says(one, "WATCH a\r\nMULTI\r\nDISCARD", "+OK\r\n+OK\r\n+OK\r\n");
    assert_says(two, "SET a 2", "+OK\r\n");
    assert_says(one, "MULTI\r\nEXEC", "+OK\r\n*0\r\n");
}
END_TEST

START_TEST(a_client_shows_that_a_watched_key_has_changed)
{
    say(&server, one, "WATCH a b");
    ck_assert_has(say(&server, one, "CLIENT INFO"), " flags=N ");
    say(&server, two, "SET b 1");
    ck_assert_has(say(&server, one, "CLIENT INFO"), " flags=d ");
    say(&server, one, "UNWATCH");
    ck_assert_has(say(&server, one, "CLIENT INFO"), " flags=N ");
}
END_TEST

START_TEST(of_several_keys_the_one_that_was_written_first_serves)
{
    say(&server, two, "BLPOP y x 0");
    say(&server, one, "MULTI\r\nRPUSH x 1\r\nRPUSH y 2\r\nEXEC");
    ck_assert_str_eq(server_run(&server, two), "*2\r\n$1\r\nx\r\n$1\r\n1\r\n");
}
END_TEST

START_TEST(a_watched_key_that_expires_has_changed)
{
    assert_says(one, "SET a 1 PX 10\r\nWATCH a\r\nMULTI\r\nSET b 1",
                "+OK\r\n+OK\r\n+OK\r\n+QUEUED\r\n");
    server.now_ms += 11;
    assert_says(one, "EXEC", "*-1\r\n");
}
END_TEST

START_TEST(the_database_may_change_within)
{
    assert_says(
        one,
        "MULTI\r\nSET a 0\r\nSELECT 1\r\nSET a 1\r\nGET a\r\nMOVE a 2\r\nDBSIZE\r\nEXEC\r\nSET b 1",
        "+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n"
        "*6\r\n+OK\r\n+OK\r\n+OK\r\n$1\r\n1\r\n:1\r\n:0\r\n+OK\r\n");
    assert_says(two, "SELECT 1\r\nKEYS *\r\nSELECT 2\r\nKEYS *",
                "+OK\r\n*1\r\n$1\r\nb\r\n+OK\r\n*1\r\n$1\r\na\r\n");
}
END_TEST

START_TEST(commands_over_everything_may_be_queued)
{
    assert_says(one,
                "MSET a 1 b 2\r\nMULTI\r\nDBSIZE\r\nKEYS a\r\nRANDOMKEY\r\nSWAPDB 0 "
                "1\r\nDBSIZE\r\nFLUSHALL\r\nDBSIZE",
                "+OK\r\n+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n+"
                "QUEUED\r\n");
    const char *answer = say(&server, one, "EXEC");
    ck_assert_has(answer, "*7\r\n:2\r\n*1\r\n$1\r\na\r\n$1\r\n");
    ck_assert_has(answer, "+OK\r\n:0\r\n+OK\r\n:0\r\n");
}
END_TEST

/* They take locks of their own, which must not be in the wrong order. */
START_TEST(commands_about_the_server_may_be_queued)
{
    say(&server, one,
        "MULTI\r\nCONFIG SET slowlog-max-len 7\r\nCONFIG GET slowlog-max-len\r\nCLIENT "
        "LIST\r\nINFO\r\n"
        "CLIENT KILL ID 2\r\nSLOWLOG LEN\r\nCOMMAND COUNT\r\nSET a 1\r\nCONFIG RESETSTAT\r\nMEMORY "
        "USAGE a");
    const char *answer = say(&server, one, "EXEC");
    ck_assert_has(answer, "*10\r\n+OK\r\n*2\r\n$15\r\nslowlog-max-len\r\n$1\r\n7\r\n");
    ck_assert_has(answer, "flags=x db=0");
    ck_assert_has(answer, "cmd=exec ");
    say(&server, two, "PING");
    ck_assert_int_eq(two->state, KVRESP_CLOSE_NOW);
}
END_TEST

START_TEST(commands_that_wait_do_not_wait_within)
{
    assert_says(one,
                "MULTI\r\nBLPOP a 0\r\nBLMOVE a b LEFT LEFT 0\r\nBLMPOP 0 1 a LEFT\r\nRPUSH a "
                "x\r\nBLPOP a 0\r\nEXEC",
                "+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n"
                "*5\r\n*-1\r\n$-1\r\n*-1\r\n:1\r\n*2\r\n$1\r\na\r\n$1\r\nx\r\n");
}
END_TEST

START_TEST(a_push_within_serves_who_waits_outside)
{
    say(&server, two, "BLPOP a 0");
    assert_says(one, "MULTI\r\nRPUSH a x\r\nLLEN a\r\nEXEC",
                "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n:1\r\n:1\r\n");
    ck_assert_str_eq(server_run(&server, two), "*2\r\n$1\r\na\r\n$1\r\nx\r\n");
}
END_TEST

START_TEST(keys_that_cannot_be_told_are_an_error_of_the_command)
{
    assert_says(one, "MULTI\r\nLMPOP 5 a LEFT\r\nMSET a 1 b\r\nEXEC\r\nEXISTS a b",
                "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n-ERR syntax error\r\n"
                "-ERR wrong number of arguments for 'mset' command\r\n:0\r\n");
}
END_TEST

START_TEST(in_process_a_transaction_goes_over_several_calls)
{
    kv_slice multi = KV_TEXT("multi"), exec = KV_TEXT("exec"),
             incr[] = {KV_TEXT("incr"), KV_TEXT("a")};
    kvresp_exec(server.worker, one->session, 1, &multi);
    kvresp_exec(server.worker, one->session, 2, incr);
    kvresp_exec(server.worker, one->session, 2, incr);
    kvresp_exec(server.worker, one->session, 1, &exec);
    ck_assert_str_eq(server_run(&server, one), "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n:1\r\n:2\r\n");
}
END_TEST

START_TEST(in_process_unwatch_forgets_what_was_watched)
{
    kv_slice watch[] = {KV_TEXT("watch"), KV_TEXT("a")}, unwatch = KV_TEXT("unwatch");
    kvresp_exec(server.worker, one->session, 2, watch);
    kvresp_exec(server.worker, one->session, 1, &unwatch);
    say(&server, two, "SET a x");
    ck_assert_str_eq(server_run(&server, one), "+OK\r\n+OK\r\n");
    assert_says(one, "MULTI\r\nGET a\r\nEXEC", "+OK\r\n+QUEUED\r\n*1\r\n$1\r\nx\r\n");
}
END_TEST

START_TEST(reset_and_the_end_forget_a_transaction)
{
    assert_says(one, "WATCH a\r\nMULTI\r\nSET a 1\r\nRESET\r\nEXEC",
                "+OK\r\n+OK\r\n+QUEUED\r\n+RESET\r\n-ERR EXEC without MULTI\r\n");
    say(&server, two, "WATCH a\r\nMULTI\r\nSET a 1"); /* closed by the fixture */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("transactions");
    TCase *tests = tcase_create("transactions");
    tcase_set_timeout(tests, 60); /* on a busy machine, with sanitizers */
    tcase_add_checked_fixture(tests, clients_setup, clients_teardown);
    tcase_add_test(tests, queued_commands_are_executed_together);
    tcase_add_test(tests, an_error_while_executing_undoes_nothing);
    tcase_add_test(tests, an_error_while_queueing_spoils_the_transaction);
    tcase_add_test(tests, what_does_not_belong_in_a_transaction_is_refused);
    tcase_add_test(tests, watched_keys_decide_whether_it_runs);
    tcase_add_test(tests, a_client_shows_that_a_watched_key_has_changed);
    tcase_add_test(tests, of_several_keys_the_one_that_was_written_first_serves);
    tcase_add_test(tests, a_watched_key_that_expires_has_changed);
    tcase_add_test(tests, the_database_may_change_within);
    tcase_add_test(tests, commands_over_everything_may_be_queued);
    tcase_add_test(tests, commands_about_the_server_may_be_queued);
    tcase_add_test(tests, commands_that_wait_do_not_wait_within);
    tcase_add_test(tests, a_push_within_serves_who_waits_outside);
    tcase_add_test(tests, keys_that_cannot_be_told_are_an_error_of_the_command);
    tcase_add_test(tests, in_process_a_transaction_goes_over_several_calls);
    tcase_add_test(tests, in_process_unwatch_forgets_what_was_watched);
    tcase_add_test(tests, reset_and_the_end_forget_a_transaction);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
