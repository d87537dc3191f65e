/*
 * tests/net/test_parameters.c -- CONFIG and INFO of sockets, and what CONFIG SET does to a running
 * server.
 */
#include "fixture.h"

static struct fixture fx;

/* Sends CONFIG SET name value, and expects `reply`, or an error that begins with it. */
static void config_set(int fd, const char *name, const char *value, const char *reply)
{
    char request[512];
    snprintf(request, sizeof request, "CONFIG SET %s \"%s\"\r\n", name, value);
    say(fd, request);
    hear(fd, reply);
    /* An error goes on in words that are not this room's. */
    char byte = reply[0] == '-' ? ' ' : '\n';
    while (byte != '\n') hear_bytes(fd, &byte, 1);
}

static void config_is(const char *name, const char *expected)
{
    kv_buffer value = {0};
    ck_assert_int_eq(kvresp_config_get(fx.resp, name, &value), KV_OK);
    ck_assert_uint_eq(value.size, strlen(expected));
    if (value.size > 0) ck_assert_mem_eq(value.data, expected, value.size);
    kv_buffer_free(&value);
}

static void number_is(const char *name, int64_t expected)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)expected);
    config_is(name, text);
}

START_TEST(options_show_as_parameters)
{
    const char *bind[] = {"127.0.0.1", "-::1"};
    kvnet_options options = fixture_options(3);
    options.bind = bind;
    options.bind_count = 2;
    options.unix_socket = fixture_path("s.sock");
    options.unix_permissions = 0750;
    options.backlog = 100;
    options.max_clients = 77;
    options.idle_timeout_s = 60;
    options.protected_mode = true;
    fixture_open_with(&fx, &options);
    config_is("bind", "127.0.0.1 -::1");
    number_is("port", kvnet_port(fx.server));
    config_is("unixsocket", options.unix_socket);
    config_is("unixsocketperm", "750");
    config_is("tcp-backlog", "100");
    config_is("maxclients", "77");
    config_is("timeout", "60");
    config_is("tcp-keepalive", "300");
    config_is("io-threads", "3");
    config_is("protected-mode", "yes");
    fixture_close(&fx);
    fixture_remove_paths();
}
END_TEST

static int free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    close(fd);
    return ntohs(address.sin_port);
}

START_TEST(the_port_can_be_changed_while_clients_stay)
{
    fixture_open(&fx, 2);
    int fd = connect_to(&fx), old = kvnet_port(fx.server), other = free_port();
    char port[16];
    snprintf(port, sizeof port, "%d", other);
    config_set(fd, "port", port, "+OK\r\n");
    ck_assert_int_eq(kvnet_port(fx.server), other);
    ck_assert_int_eq(connect_port(old), -1);
    ck_assert_int_eq(errno, ECONNREFUSED);
    int newer = connect_to(&fx);
    ask(newer, "PING", "+PONG\r\n");
    ask(fd, "PING", "+PONG\r\n");

    config_set(fd, "port", "0", "+OK\r\n"); /* none */
    ck_assert_int_eq(connect_port(other), -1);
    config_is("port", "0");
    config_set(fd, "port", port, "+OK\r\n");
    close(newer);
    newer = connect_to(&fx);
    ask(newer, "PING", "+PONG\r\n");
    close(newer);
    close(fd);
    fixture_close(&fx);
}
END_TEST

START_TEST(a_port_in_use_is_refused_and_the_old_one_stays)
{
    struct fixture other;
    fixture_open(&fx, 1);
    fixture_open(&other, 1);
    int fd = connect_to(&fx), old = kvnet_port(fx.server);
    char port[16];
    snprintf(port, sizeof port, "%d", kvnet_port(other.server));
    config_set(fd, "port", port, "-ERR CONFIG SET failed");
    ck_assert_int_eq(kvnet_port(fx.server), old);
    close(fd);
    fd = connect_to(&fx);
    ask(fd, "PING", "+PONG\r\n");
    close(fd);
    fixture_close(&other);
    fixture_close(&fx);
}
END_TEST

START_TEST(the_addresses_can_be_changed)
{
    fixture_open(&fx, 1);
    int fd = connect_to(&fx);
    config_set(fd, "bind", "127.0.0.2", "+OK\r\n");
    config_is("bind", "127.0.0.2");
    ck_assert_int_eq(connect_port(kvnet_port(fx.server)), -1);
    close(fd);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)kvnet_port(fx.server)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1)};
    fd = connect_address((struct sockaddr *)&address, sizeof address);
    ck_assert_int_ge(fd, 0);
    config_set(fd, "bind", "192.0.2.1", "-ERR CONFIG SET failed");
    config_is("bind", "127.0.0.2");
    config_set(fd, "bind", "127.0.0.1 -::1", "+OK\r\n");
    close(fd);
    fd = connect_to(&fx);
    ask(fd, "PING", "+PONG\r\n");
    close(fd);
    fixture_close(&fx);
}
END_TEST

/* A client that waits to be accepted tells whether its listener was closed meanwhile. */
START_TEST(a_listener_that_stays_is_never_closed)
{
    static const char *const binds[][2] = {
        {"127.0.0.1 192.0.2.1", "ERR"}, /* an address of no machine, RFC 5737: refused */
        {"127.0.0.2 127.0.0.1", NULL},
        {"127.0.0.1", NULL},
    };
    char message[256];
    fixture_open(&fx, -1);
    for (size_t i = 0; i < sizeof binds / sizeof *binds; i++) {
        int fd = connect_to(&fx);
        const char *error = kvresp_config_set(
            fx.resp, "bind", kv_bytes(binds[i][0], strlen(binds[i][0])), false, message);
        ck_assert_int_eq(error != NULL, binds[i][1] != NULL);
        say(fd, "PING\r\n");
        for (int turn = 0; turn < 5; turn++) ck_assert_int_eq(kvnet_poll(fx.server, 0), KV_OK);
        hear(fd, "+PONG\r\n");
        close(fd);
    }
    fixture_close(&fx);
}
END_TEST

START_TEST(an_address_in_the_way_of_the_new_one_goes_first)
{
    fixture_open(&fx, 1);
    int fd = connect_to(&fx);
    config_set(fd, "bind", "*", "+OK\r\n");
    close(connect_to(&fx));
    config_set(fd, "bind", "127.0.0.1 127.0.0.1", "-ERR CONFIG SET failed");
    config_is("bind", "*");
    config_set(fd, "bind", "127.0.0.1", "+OK\r\n");
    close(fd);
    fd = connect_to(&fx);
    ask(fd, "PING", "+PONG\r\n");
    close(fd);
    fixture_close(&fx);
}
END_TEST

START_TEST(without_an_address_the_port_is_kept_for_the_next_one)
{
    fixture_open(&fx, 1);
    int fd = connect_to(&fx), port = kvnet_port(fx.server);
    config_set(fd, "bind", "", "+OK\r\n");
    config_is("bind", "");
    number_is("port", port);
    ck_assert_int_eq(kvnet_port(fx.server), -1);
    ck_assert_int_eq(connect_port(port), -1);
    config_set(fd, "bind", "127.0.0.1", "+OK\r\n");
    ck_assert_int_eq(kvnet_port(fx.server), port);
    close(fd);
    fd = connect_port(port);
    ask(fd, "PING", "+PONG\r\n");

    /* Both may change at once, and another port may come while there is no address. */
    char other[16];
    snprintf(other, sizeof other, "%d", free_port());
    config_set(fd, "bind", "", "+OK\r\n");
    config_set(fd, "port", other, "+OK\r\n");
    config_is("port", other);
    config_set(fd, "bind", "127.0.0.1", "+OK\r\n");
    config_is("port", other);
    ck_assert_int_eq(kvnet_port(fx.server), atoi(other));
    close(fd);
    fd = connect_to(&fx);
    ask(fd, "PING", "+PONG\r\n");
    close(fd);
    fixture_close(&fx);
}
END_TEST

START_TEST(a_server_may_start_without_an_address)
{
    const char *nowhere[] = {""};
    kvnet_options options = fixture_options(1);
    options.bind = nowhere;
    options.bind_count = 1;
    options.unix_socket = fixture_path("s.sock");
    options.port = free_port();
    fixture_open_with(&fx, &options);
    config_is("bind", "");
    number_is("port", options.port);
    ck_assert_int_eq(kvnet_port(fx.server), -1);
    char message[256];
    ck_assert_ptr_null(kvresp_config_set(fx.resp, "bind", KV_TEXT("127.0.0.1"), false, message));
    ck_assert_int_eq(kvnet_port(fx.server), options.port);
    fixture_close(&fx);
    fixture_remove_paths();
}
END_TEST

START_TEST(limits_hold_for_the_next_connection)
{
    fixture_open(&fx, 2);
    int fd = connect_to(&fx);
    config_set(fd, "maxclients", "1", "+OK\r\n");
    int second = connect_to(&fx);
    hear(second, "-ERR max number of clients reached\r\n");
    close(second);
    config_set(fd, "maxclients", "2", "+OK\r\n");
    second = connect_to(&fx);
    ask(second, "PING", "+PONG\r\n");
    close(second);
    config_set(fd, "tcp-keepalive", "0", "+OK\r\n");
    config_is("tcp-keepalive", "0");
    config_set(fd, "tcp-keepalive", "17", "+OK\r\n");
    config_is("tcp-keepalive", "17");
    close(fd);
    fixture_close(&fx);
}
END_TEST

START_TEST(values_out_of_range_are_refused_and_change_nothing)
{
    static const struct {
        const char *name, *value;
    } bad[] = {{"port", "65536"},
               {"port", "-1"},
               {"port", "x"},
               {"port", ""},
               {"maxclients", "0"},
               {"maxclients", "-5"},
               {"timeout", "-1"},
               {"timeout", "1 "},
               {"tcp-keepalive", "1x"},
               {"timeout", " 1"},
               {"timeout", "+1"},
               {"protected-mode", "maybe"},
               {"maxclients", "99999999999999999999"}};
    fixture_open(&fx, 1);
    int fd = connect_to(&fx), port = kvnet_port(fx.server);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        config_set(fd, bad[i].name, bad[i].value, "-ERR CONFIG SET failed");
    }
    ck_assert_int_eq(kvnet_port(fx.server), port);
    config_is("timeout", "0");
    config_is("tcp-keepalive", "300");
    config_is("protected-mode", "no");
    close(fd);
    fixture_close(&fx);
}
END_TEST

START_TEST(info_tells_of_sockets)
{
    fixture_open(&fx, 2);
    int fd = connect_to(&fx);
    char info[16384], line[128];
    say(fd, "INFO everything\r\n");
    size_t size = hear_some(fd, info, sizeof info - 1), wanted = 0;
    info[size] = '\0';
    ck_assert_int_eq(sscanf(info, "$%zu\r\n", &wanted), 1);
    ck_assert_uint_lt(wanted, sizeof info - 16);
    while (size < wanted + 4) size += hear_some(fd, info + size, sizeof info - 1 - size);
    info[size] = '\0';
    snprintf(line, sizeof line, "tcp_port:%d\r\n", kvnet_port(fx.server));
    ck_assert_msg(strstr(info, line) != NULL, "%s", info);
    snprintf(line, sizeof line, "listener0:name=tcp,bind=127.0.0.1,port=%d\r\n",
             kvnet_port(fx.server));
    ck_assert_msg(strstr(info, line) != NULL, "%s", info);
    ck_assert_msg(strstr(info, "maxclients:10000\r\n") != NULL, "%s", info);
    close(fd);
    fixture_close(&fx);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("parameters");
    tcase_add_test(tests, options_show_as_parameters);
    tcase_add_test(tests, the_port_can_be_changed_while_clients_stay);
    tcase_add_test(tests, a_port_in_use_is_refused_and_the_old_one_stays);
    tcase_add_test(tests, the_addresses_can_be_changed);
    tcase_add_test(tests, a_listener_that_stays_is_never_closed);
    tcase_add_test(tests, an_address_in_the_way_of_the_new_one_goes_first);
    tcase_add_test(tests, without_an_address_the_port_is_kept_for_the_next_one);
    tcase_add_test(tests, a_server_may_start_without_an_address);
    tcase_add_test(tests, limits_hold_for_the_next_connection);
    tcase_add_test(tests, values_out_of_range_are_refused_and_change_nothing);
    tcase_add_test(tests, info_tells_of_sockets);
    return fixture_main("parameters", tests);
}
