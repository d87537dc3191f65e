/* tests/resp/test_command_table.c -- resp/command: the table, finding in it, keys in requests. */
#include "resp/command.h"

#include "server.h"

#include <ctype.h>

static struct command_map map;

static void setup(void)
{
    command_map_build(&map);
}

static kv_slice padded(const char *name)
{
    static char text[64];
    memset(text, '?', sizeof text); /* what follows a name must not matter */
    memcpy(text, name, strlen(name));
    return kv_bytes(text, strlen(name));
}

START_TEST(each_command_is_found_by_its_name_in_any_case)
{
    for (size_t i = 0; i < command_table_size; i++) {
        const struct command *command = &command_table[i];
        if (command_is_subcommand(command)) continue;
        char upper[32] = "";
        for (size_t j = 0; command->facts.name[j] != '\0'; j++) {
            char letter = command->facts.name[j];
            upper[j] =
                (char)(j % 2 == 0 && isalpha((unsigned char)letter) ? letter - 'a' + 'A' : letter);
        }
        kv_slice name = padded(upper);
        const struct command_slot *slot = command_map_find_padded(&map, name.data, name.size);
        ck_assert_msg(slot != NULL && slot->command == command, "%s", command->facts.name);
        ck_assert_ptr_eq(command_map_find(&map, kv_text(command->facts.name)), slot);
    }
}
END_TEST

START_TEST(subcommands_are_found_behind_their_container)
{
    const struct command *container = NULL;
    size_t found = 0;
    for (size_t i = 0; i < command_table_size; i++) {
        const struct command *command = &command_table[i];
        if (!command_is_subcommand(command)) {
            container = command;
            continue;
        }
        const char *bar = strchr(command->facts.name, '|');
        ck_assert_ptr_eq(command_find_subcommand(container, kv_text(bar + 1)), command);
        ck_assert_ptr_eq(command_map_find_full(&map, kv_text(command->facts.name)), command);
        found++;
    }
    ck_assert_uint_gt(found, 20);
    ck_assert_ptr_null(command_map_find_full(&map, kv_text("client|nosuch")));
    ck_assert_ptr_null(command_map_find_full(&map, kv_text("get|x")));
}
END_TEST

static const char *const unknown[] = {"",
                                      "ge",
                                      "gett",
                                      "g\x05t",
                                      "\x47\x45\x34",
                                      "[et",
                                      "client|id",
                                      "averyveryverylongname",
                                      "get get",
                                      "zzzz",
                                      "bitfield\x7fro",
                                      "bitfield?ro"};

START_TEST(no_other_name_is_found)
{
    kv_slice name = padded(unknown[_i]);
    ck_assert_ptr_null(command_map_find_padded(&map, name.data, name.size));
    ck_assert_ptr_null(command_map_find(&map, name));
}
END_TEST

START_TEST(a_name_with_a_zero_byte_is_another_name)
{
    char name[16] = "get";
    ck_assert_ptr_null(command_map_find_padded(&map, name, 4));
    ck_assert_ptr_nonnull(command_map_find_padded(&map, name, 3));
}
END_TEST

START_TEST(facts_hold_together)
{
    size_t longer = 0; /* names than those in the map's slots: there is room for few */
    for (size_t i = 0; i < command_table_size; i++) {
        const struct command_facts *facts = &command_table[i].facts;
        ck_assert(command_table[i].handler != NULL);
        longer += strcspn(facts->name, "|") > COMMAND_NAME_MAX;
        ck_assert_int_ne(facts->arity, 0);
        ck_assert_msg(facts->tier >= 1 && facts->tier <= 4, "%s", facts->name);
        ck_assert_msg(facts->since[0] >= '1' && facts->since[0] <= '9', "%s", facts->name);
        for (const char *at = facts->name; *at != '\0'; at++)
            ck_assert_msg((*at >= 'a' && *at <= 'z') || strchr("|-_.", *at) != NULL, "%s",
                          facts->name);
        const char *mark = strpbrk(facts->name, "_.");
        ck_assert_msg(mark == NULL || strpbrk(mark + 1, "_.") == NULL, "%s", facts->name);
        ck_assert_msg(!(facts->flags & COMMAND_WRITE) || !(facts->flags & COMMAND_READONLY), "%s",
                      facts->name);
        for (const struct command_keys *keys = facts->keys; keys != NULL && keys->first != 0;
             keys++)
            ck_assert_int_gt(keys->step, 0);
    }
    ck_assert_uint_le(longer, COMMAND_LONGER);
}
END_TEST

/* ----------------------------------------------------------------------------- keys in requests */

static char found[256];

static void note(void *context, size_t index, unsigned flags)
{
    const kv_slice *arguments = context;
    ck_assert_uint_ne(flags, 0);
    snprintf(found + strlen(found), sizeof found - strlen(found), "%.*s ",
             (int)arguments[index].size, (const char *)arguments[index].data);
}

static const struct {
    const char *request[10], *keys; /* NULL: KV_BADARG; "none": KV_NONE */
} requests[] = {
    {{"get", "k"}, "k "},
    {{"set", "k", "v", "ex", "1"}, "k "},
    {{"del", "a", "b", "c"}, "a b c "},
    {{"mset", "a", "1", "b", "2"}, "a b "},
    {{"rename", "a", "b"}, "a b "},
    {{"bitop", "and", "d", "a", "b"}, "d a b "},
    {{"copy", "a", "b", "db", "1"}, "a b "},
    {{"blpop", "a", "b", "0"}, "a b "},
    {{"lmpop", "2", "a", "b", "left"}, "a b "},
    {{"blmpop", "0", "1", "a", "left"}, "a "},
    {{"lmpop", "0", "a", "left"}, NULL},
    {{"lmpop", "9", "a", "left"}, NULL},
    {{"lmpop", "-1", "a", "left"}, NULL},
    {{"lmpop", "x", "a", "left"}, NULL},
    {{"lmpop", "9223372036854775807", "a", "left"}, NULL},
    {{"blpop", "0"}, NULL},
    {{"lcs", "a", "b"}, "a b "},
    {{"object|encoding", "encoding", "k"}, "k "},
    {{"georadius", "a", "1", "2", "3", "m", "Store", "b"}, "a b "},
    {{"georadius", "a", "1", "2", "3", "m", "asc", "store"}, "a "},
    {{"georadiusbymember", "store", "x", "3", "m", "storedist", "b"}, "store b "},
    {{"ping"}, "none"},
    {{"scan", "0"}, "none"},
};

START_TEST(keys_are_found_where_the_facts_say)
{
    kv_slice arguments[10];
    size_t count = 0;
    for (; count < 10 && requests[_i].request[count] != NULL; count++)
        arguments[count] = kv_text(requests[_i].request[count]);
    const struct command *command = command_map_find_full(&map, arguments[0]);
    ck_assert_ptr_nonnull(command);
    found[0] = '\0';
    kv_status status = command_find_keys(command, arguments, count, note, arguments);
    if (requests[_i].keys == NULL) {
        ck_assert_int_eq(status, KV_BADARG);
    } else if (strcmp(requests[_i].keys, "none") == 0) {
        ck_assert_int_eq(status, KV_NONE);
    } else {
        ck_assert_int_eq(status, KV_OK);
        ck_assert_str_eq(found, requests[_i].keys);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("command_table");
    TCase *tests = tcase_create("command_table");
    tcase_set_timeout(tests, 60); /* on a busy machine, with sanitizers */
    tcase_add_checked_fixture(tests, setup, NULL);
    tcase_add_test(tests, each_command_is_found_by_its_name_in_any_case);
    tcase_add_test(tests, subcommands_are_found_behind_their_container);
    tcase_add_loop_test(tests, no_other_name_is_found, 0, sizeof unknown / sizeof *unknown);
    tcase_add_test(tests, a_name_with_a_zero_byte_is_another_name);
    tcase_add_test(tests, facts_hold_together);
    tcase_add_loop_test(tests, keys_are_found_where_the_facts_say, 0,
                        sizeof requests / sizeof *requests);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
