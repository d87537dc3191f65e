/*
 * tests/net/test_listener.c -- addresses, ports, and the file of a unix socket.
 */
#include "net/listener.h"

#include "fixture.h"

static struct listeners listeners;
static char message[LISTENER_MESSAGE_SIZE];

static void close_all(void)
{
    while (listeners.count > 0) listener_close(&listeners.items[--listeners.count]);
}

static bool open_tcp(const char *address, int *port)
{
    return listeners_open_tcp(&listeners, NULL, &address, 1, port, 8, message);
}

START_TEST(port_0_becomes_one_port_for_all_addresses)
{
    const char *bind[] = {"127.0.0.1", "::1", "127.0.0.2"};
    int port = 0;
    ck_assert_msg(listeners_open_tcp(&listeners, NULL, bind, 3, &port, 8, message), "%s", message);
    ck_assert_uint_eq(listeners.count, 3);
    ck_assert_int_gt(port, 0);
    char name[SOCKET_NAME_SIZE];
    snprintf(name, sizeof name, "127.0.0.1:%d", port);
    ck_assert_str_eq(listeners.items[0].name, name);
    snprintf(name, sizeof name, "[::1]:%d", port);
    ck_assert_str_eq(listeners.items[1].name, name);
    close(connect_port(port));
    int six = connect_port6(port);
    ck_assert_int_ge(six, 0);
    close(six);
    close_all();
}
END_TEST

START_TEST(a_port_in_use_is_named_and_leaves_nothing)
{
    int port = 0;
    ck_assert(open_tcp("127.0.0.1", &port));
    int before = count_descriptors();
    const char *bind[] = {"127.0.0.2", "127.0.0.1"};
    ck_assert(!listeners_open_tcp(&listeners, NULL, bind, 2, &port, 8, message));
    char expected[LISTENER_MESSAGE_SIZE];
    snprintf(expected, sizeof expected, "127.0.0.1:%d: Address already in use", port);
    ck_assert_str_eq(message, expected);
    ck_assert_uint_eq(listeners.count, 1);
    ck_assert_int_eq(count_descriptors(), before);
    close_all();
}
END_TEST

START_TEST(what_is_open_already_is_taken_as_it_is)
{
    static struct listeners fresh;
    int port = 0;
    ck_assert(open_tcp("127.0.0.1", &port));
    int open = listeners.items[0].descriptor, before = count_descriptors();
    const char *bad[] = {"127.0.0.1", "127.0.0.2", "192.0.2.1"};
    ck_assert(!listeners_open_tcp(&fresh, &listeners, bad, 3, &port, 8, message));
    ck_assert_uint_eq(fresh.count, 0);
    ck_assert_int_eq(count_descriptors(), before);
    ck_assert(listeners_open_tcp(&fresh, &listeners, bad + 1, 1, &port, 8, message));
    ck_assert(!listeners_have(&fresh, open));
    listener_close(&fresh.items[--fresh.count]);
    ck_assert(listeners_open_tcp(&fresh, &listeners, bad, 2, &port, 8, message));
    ck_assert(listeners_have(&fresh, open));
    ck_assert_int_eq(count_descriptors(), before + 1);
    listener_close(&fresh.items[1]);
    fresh.count = 0;
    close_all();
}
END_TEST

START_TEST(an_absent_address_is_an_error_unless_a_dash_allows_it)
{
    int port = 0;
    ck_assert(!open_tcp("192.0.2.1", &port)); /* an address for documentation, RFC 5737 */
    ck_assert_has(message, "192.0.2.1:0: ");
    ck_assert(!open_tcp("no.such.host.invalid", &port));
    ck_assert_has(message, "no.such.host.invalid:0: ");

    const char *bind[] = {"-192.0.2.1", "-no.such.host.invalid", "127.0.0.1"};
    ck_assert_msg(listeners_open_tcp(&listeners, NULL, bind, 3, &port, 8, message), "%s", message);
    ck_assert_uint_eq(listeners.count, 1);
    close_all();

    ck_assert(!open_tcp("-192.0.2.1", &port));
    ck_assert_str_eq(message, "none of the addresses to bind is available");
}
END_TEST

START_TEST(a_closed_port_can_be_listened_on_again_at_once)
{
    int port = 0;
    ck_assert(open_tcp("127.0.0.1", &port));
    int client = connect_port(port);
    int served = socket_accept(listeners.items[0].descriptor);
    ck_assert_int_ge(served, 0);
    close(served); /* the server closes first and would be in TIME_WAIT */
    close(client);
    close_all();
    ck_assert_msg(open_tcp("127.0.0.1", &port), "%s", message);
    close_all();
}
END_TEST

static bool open_unix(const char *path, unsigned permissions)
{
    return listeners_open_unix(&listeners, path, permissions, 8, message);
}

START_TEST(a_unix_socket_has_the_permissions_asked_for_and_goes_with_its_listener)
{
    const char *path = fixture_path("a.sock");
    struct stat file;
    ck_assert_msg(open_unix(path, 0600), "%s", message);
    ck_assert_int_eq(stat(path, &file), 0);
    ck_assert(S_ISSOCK(file.st_mode));
    ck_assert_uint_eq(file.st_mode & 0777, 0600);
    close(connect_path(path));
    close_all();
    ck_assert_int_ne(stat(path, &file), 0);
    fixture_remove_paths();
}
END_TEST

START_TEST(the_file_of_a_dead_server_is_replaced_that_of_a_live_one_is_not)
{
    const char *path = fixture_path("a.sock");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, path);
    int dead = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(dead, (struct sockaddr *)&address, sizeof address), 0);
    close(dead);

    ck_assert_msg(open_unix(path, 0), "%s", message);
    ck_assert(!open_unix(path, 0));
    ck_assert_has(message, "a.sock: Address already in use");
    int client = connect_path(path);
    ck_assert_int_ge(client, 0);
    close(client);
    close_all();
    fixture_remove_paths();
}
END_TEST

START_TEST(a_file_that_is_no_socket_is_left_alone)
{
    const char *path = fixture_path("precious");
    int file = open(path, O_CREAT | O_WRONLY, 0600);
    ck_assert_int_eq(write(file, "x", 1), 1);
    close(file);
    ck_assert(!open_unix(path, 0));
    ck_assert_has(message, "precious: File exists");
    ck_assert_int_eq(access(path, F_OK), 0);
    unlink(path);
    fixture_remove_paths();
}
END_TEST

START_TEST(the_file_of_a_successor_is_not_removed)
{
    const char *path = fixture_path("a.sock");
    ck_assert(open_unix(path, 0));
    unlink(path);
    int successor = open(path, O_CREAT | O_WRONLY, 0600);
    close_all();
    ck_assert_int_eq(access(path, F_OK), 0);
    close(successor);
    unlink(path);
    fixture_remove_paths();
}
END_TEST

START_TEST(a_path_too_long_for_the_system_is_refused)
{
    char path[300];
    memset(path, 'a', sizeof path);
    path[0] = '/';
    path[sizeof path - 1] = '\0';
    ck_assert(!open_unix(path, 0));
    ck_assert_has(message, "File name too long");
}
END_TEST

START_TEST(addresses_beyond_this_machine_are_known_as_such)
{
    static const struct {
        const char *text;
        int family;
        bool is_remote;
    } cases[] = {{"127.0.0.1", AF_INET, false},
                 {"127.9.8.7", AF_INET, false},
                 {"10.0.0.1", AF_INET, true},
                 {"128.0.0.1", AF_INET, true},
                 {"::1", AF_INET6, false},
                 {"::2", AF_INET6, true},
                 {"::ffff:127.0.0.1", AF_INET6, false},
                 {"::ffff:10.0.0.1", AF_INET6, true},
                 {"fe80::1", AF_INET6, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sockaddr_storage address = {.ss_family = (sa_family_t)cases[i].family};
        void *to = cases[i].family == AF_INET
                       ? (void *)&((struct sockaddr_in *)&address)->sin_addr
                       : (void *)&((struct sockaddr_in6 *)&address)->sin6_addr;
        ck_assert_int_eq(inet_pton(cases[i].family, cases[i].text, to), 1);
        ck_assert_msg(socket_address_is_remote(&address) == cases[i].is_remote, "%s",
                      cases[i].text);
    }
    struct sockaddr_storage path = {.ss_family = AF_UNIX};
    ck_assert(!socket_address_is_remote(&path));
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("listener");
    tcase_add_test(tests, port_0_becomes_one_port_for_all_addresses);
    tcase_add_test(tests, a_port_in_use_is_named_and_leaves_nothing);
    tcase_add_test(tests, what_is_open_already_is_taken_as_it_is);
    tcase_add_test(tests, an_absent_address_is_an_error_unless_a_dash_allows_it);
    tcase_add_test(tests, a_closed_port_can_be_listened_on_again_at_once);
    tcase_add_test(tests, a_unix_socket_has_the_permissions_asked_for_and_goes_with_its_listener);
    tcase_add_test(tests, the_file_of_a_dead_server_is_replaced_that_of_a_live_one_is_not);
    tcase_add_test(tests, a_file_that_is_no_socket_is_left_alone);
    tcase_add_test(tests, the_file_of_a_successor_is_not_removed);
    tcase_add_test(tests, a_path_too_long_for_the_system_is_refused);
    tcase_add_test(tests, addresses_beyond_this_machine_are_known_as_such);
    return fixture_main("listener", tests);
}
