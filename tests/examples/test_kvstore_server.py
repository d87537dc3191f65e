"""kvstore-server as its users meet it: options, files, logs, signals. Arguments: the server, the client."""

import json
import os
import re
import resource
import signal
import socket
import sys
import time
import unittest
import unittest.mock

from programs import PATIENCE_S, Directory, Server, ask, run

SERVER = os.path.abspath(sys.argv[1])


class ServerTest(unittest.TestCase):
    def setUp(self):
        self.directory = Directory()
        self.servers = []

    def tearDown(self):
        for server in self.servers:
            if server.process.poll() is None:
                server.process.kill()
            server.process.communicate()
        self.directory.remove()

    def start(self, *options, **more):
        server = Server(SERVER, *options, directory=self.directory.path, **more)
        self.servers.append(server)
        return server

    def write(self, name, text):
        with open(self.directory / name, "w", encoding="utf-8") as file:
            file.write(text)
        return self.directory / name

    def refused(self, *options, stdin=b""):
        """Expects the server not to start; returns what it says."""
        status, output, errors = run(SERVER, *options, stdin=stdin, directory=self.directory.path)
        self.assertEqual(status, 1, (output, errors))
        self.assertTrue(errors.startswith(b"kvstore-server: "), errors)
        return errors.decode()


class Options(ServerTest):
    def test_help_and_version(self):
        status, output, _ = run(SERVER, "--help")
        self.assertEqual(status, 0)
        self.assertIn(b"usage: kvstore-server", output)
        status, output, _ = run(SERVER, "--version")
        self.assertEqual(status, 0)
        self.assertRegex(output, rb"^kvstore-server \d+\.\d+\.\d+\n$")

    def test_the_ready_line_tells_where_who_and_how_much(self):
        server = self.start("--unixsocket", "s", "--port", "0")
        self.assertIsNone(server.port)  # port 0 beside a unix socket: no TCP
        line = server.log.splitlines()[-1].decode()
        self.assertRegex(line, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \d+ notice: .*Ready to accept "
                               r"connections on s \(pid %d, 0 keys loaded\)$" % server.process.pid)
        self.assertEqual(server.stop(), 0)
        self.assertFalse(os.path.exists(self.directory / "s"))

    def test_a_free_port_is_chosen_and_told(self):
        server = self.start()
        with server.connect() as client:
            ask(client, b"PING\r\n", b"+PONG\r\n")
            ask(client, b"CONFIG GET port\r\n", b"*2\r\n$4\r\nport\r\n$%d\r\n%d\r\n" % (
                len(str(server.port)), server.port))

    def test_the_command_line_has_the_last_word_over_the_file(self):
        path = self.write("kv.conf", "# a comment\n\n  timeout 7\nMaxClients 33\nrequirepass \"a \\x41\"\n")
        server = self.start(path, "--timeout", "9", "--port", "0")
        with server.connect() as client:
            ask(client, b"AUTH \"a A\"\r\n", b"+OK\r\n")
            ask(client, b"CONFIG GET timeout\r\n", b"*2\r\n$7\r\ntimeout\r\n$1\r\n9\r\n")
            ask(client, b"CONFIG GET maxclients\r\n", b"*2\r\n$10\r\nmaxclients\r\n$2\r\n33\r\n")

    def test_files_may_include_files_and_come_from_standard_input(self):
        self.write("a.inc", "timeout 11\n")
        self.write("b.inc", "maxclients 44\n")
        server = self.start("-", "--port", "0", stdin=b"include %s/*.inc\n" % self.directory.path.encode())
        with server.connect() as client:
            ask(client, b"CONFIG GET timeout\r\n", b"*2\r\n$7\r\ntimeout\r\n$2\r\n11\r\n")
            ask(client, b"CONFIG GET maxclients\r\n", b"*2\r\n$10\r\nmaxclients\r\n$2\r\n44\r\n")

    def test_mistakes_are_named_with_their_place(self):
        path = self.write("kv.conf", "port 0\n\nno-such-thing 1\n")
        self.assertIn("%s:3: unknown option 'no-such-thing'" % path, self.refused(path))
        self.assertIn("--no-such: unknown option 'no-such'", self.refused("--no-such", "x"))
        self.assertIn("appendonly yes", self.refused("--aof-load-until", "1700000000"))
        self.assertIn("between 0 and", self.refused("--aof-load-until", "99999999999999999999"))
        self.assertIn("--port: 'port 70000': argument must be between 0 and 65535",
                      self.refused("--port", "70000"))
        self.assertIn("--port: 'port 1 2': one value is expected", self.refused("--port", "1", "2"))
        self.assertIn("--port: a value is missing", self.refused("--port"))
        self.assertIn("--loglevel: 'loglevel loud': argument(s) must be one of the following: debug, verbose,",
                      self.refused("--loglevel", "loud"))
        self.assertIn("--slowlog-max-len: 'slowlog-max-len many'", self.refused("--slowlog-max-len", "many"))
        self.assertIn("standard input:2: unbalanced quotes", self.refused("-", stdin=b"port 0\ntimeout \"1\n"))
        self.assertIn("absent.conf: No such file", self.refused("absent.conf"))
        self.assertIn("-x: an option begins with '--'", self.refused(self.write("good.conf", "port 0\n"), "-x"))
        self.assertIn("cannot work in 'absent': No such file", self.refused("--dir", "absent"))
        self.assertIn("power of two", self.refused("--shards", "3"))
        self.write("loop.conf", "include loop.conf\n")
        self.assertIn("files include each other too deeply", self.refused("loop.conf"))

    def test_a_busy_port_is_named(self):
        server = self.start()
        self.assertIn("127.0.0.1:%d: Address already in use" % server.port,
                      self.refused("--bind", "127.0.0.1", "--port", str(server.port)))

    def test_bind_takes_several_addresses(self):
        server = self.start("--port", "0", "--bind", "127.0.0.1", "-192.0.2.1", "127.0.0.2")
        with socket.create_connection(("127.0.0.2", server.port), timeout=PATIENCE_S) as client:
            ask(client, b"CONFIG GET bind\r\n",
                b"*2\r\n$4\r\nbind\r\n$30\r\n127.0.0.1 -192.0.2.1 127.0.0.2\r\n")

    def test_no_address_is_no_tcp(self):
        server = self.start("--port", "0", "--bind", "", "--unixsocket", "s")
        self.assertIsNone(server.port)
        self.assertIn(b"on s (pid", server.log)

    def test_databases_and_threads(self):
        server = self.start("--databases", "3", "--io-threads", "2")
        with server.connect() as client:
            ask(client, b"SELECT 2\r\n", b"+OK\r\n")
            ask(client, b"SELECT 3\r\n", b"-ERR DB index is out of range\r\n")
            ask(client, b"CONFIG GET io-threads\r\n", b"*2\r\n$10\r\nio-threads\r\n$1\r\n2\r\n")
            ask(client, b"CONFIG GET databases\r\n", b"*2\r\n$9\r\ndatabases\r\n$1\r\n3\r\n")
            ask(client, b"CONFIG GET dir\r\n", b"*2\r\n$3\r\ndir\r\n$%d\r\n%s\r\n" % (
                len(self.directory.path), self.directory.path.encode()))


class Rewrite(ServerTest):
    def settings(self, server, *names):
        with server.connect() as client, client.makefile("rb") as file:
            values = []
            for name in names:
                client.sendall(b"CONFIG GET %s\r\n" % name.encode())
                self.assertEqual(file.readline(), b"*2\r\n", name)
                texts = [file.read(int(file.readline()[1:]) + 2)[:-2].decode() for _ in range(2)]
                values.append(texts[1])
            return values

    def test_the_file_alone_starts_the_same_server(self):
        path = self.write("kv.conf", "# mine\nhash-max-listpack-entries 99\ntimeout 5\n")
        options = {"appendonly": "yes", "appenddirname": "changes", "databases": "5", "timeout": "7", "shards": "4",
                   "maxclients": "50", "loglevel": "verbose", "hz": "20", "tcp-backlog": "77", "io-threads": "2"}
        words = [word for name, value in options.items() for word in ("--" + name, value)]
        server = self.start(path, "--port", "0", *words, "--bind", "127.0.0.1", "127.0.0.2")
        port = str(server.port)
        with server.connect() as client:
            ask(client, b"CONFIG SET hz 33 appendfsync always zset-max-listpack-entries 77\r\n", b"+OK\r\n")
            ask(client, b"CONFIG REWRITE\r\n", b"+OK\r\n")
        self.assertEqual(server.stop(), 0)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        self.assertTrue(text.startswith("# mine\nhash-max-listpack-entries 99\ntimeout 7\n# Generated by"), text)
        self.assertNotIn("tcp-keepalive", text)  # a default nobody asked for
        options.update({"hz": "33", "appendfsync": "always", "zset-max-listpack-entries": "77", "port": port,
                        "bind": "127.0.0.1 127.0.0.2", "hash-max-listpack-entries": "99"})
        again = Server(SERVER, path, "--port", port, directory=self.directory.path)
        self.servers.append(again)
        self.assertEqual(self.settings(again, *options), list(options.values()))
        with again.connect() as client:
            ask(client, b"CONFIG REWRITE\r\n", b"+OK\r\n")
        self.assertEqual(again.stop(), 0)
        with open(path, encoding="utf-8") as file:
            self.assertEqual(file.read(), text)

    def test_what_was_set_while_it_loaded_is_written(self):
        first = self.start("--appendonly", "yes")
        with first.connect() as client:
            ask(client, b"SET k v\r\nSET l v\r\n", b"+OK\r\n+OK\r\n")
        self.assertEqual(first.stop(), 0)
        path = self.write("kv.conf", "appendonly yes\n")
        server = self.start(path, "--port", "0", "--key-load-delay", "400000", until=b"listening on")
        with server.connect() as client:
            ask(client, b"PING\r\n", b"-LOADING Redis is loading the dataset in memory\r\n")
            ask(client, b"CONFIG SET appendfsync no\r\n", b"+OK\r\n")
            server.await_line(b"Ready to accept connections")
            ask(client, b"CONFIG REWRITE\r\n", b"+OK\r\n")
        with open(path, encoding="utf-8") as file:
            self.assertIn("appendfsync no\n", file.read())


class Log(ServerTest):
    def test_json_lines_are_json(self):
        server = self.start("--log-format", "json")
        self.assertEqual(server.stop(), 0)
        for line in server.log.splitlines():
            entry = json.loads(line)
            self.assertEqual(entry["pid"], server.process.pid)
            self.assertIn(entry["level"], ("debug", "verbose", "notice", "warning"))
            self.assertRegex(entry["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertIn("Ready to accept connections", json.loads(server.log.splitlines()[0])["message"])

    def test_logfmt_lines_have_keys_and_values(self):
        server = self.start("--log-format", "logfmt")
        for line in server.log.decode().splitlines():
            self.assertRegex(line, r'^time=\S+ pid=\d+ level=\w+ msg="([^"\\]|\\.)*"$')

    def test_level_and_format_change_at_run_time(self):
        server = self.start("--loglevel", "notice")
        with server.connect() as client:
            ask(client, b"CONFIG SET loglevel warning log-format json\r\n", b"+OK\r\n")
            ask(client, b"CONFIG GET loglevel\r\n", b"*2\r\n$8\r\nloglevel\r\n$7\r\nwarning\r\n")
            ask(client, b"CONFIG SET loglevel loud\r\n", b"-ERR CONFIG SET failed")
        before = server.log
        self.assertEqual(server.stop(), 0)
        self.assertEqual(server.log, before)  # what was said at the end is below the level

    def test_hangup_opens_the_file_anew(self):
        pid_file = self.directory / "pid"
        log = self.directory / "log"
        status, _, errors = run(SERVER, "--daemonize", "yes", "--port", "0", "--unixsocket", "s", "--logfile", "log",
                                "--pidfile", "pid", "--dir", self.directory.path, "--save", "")
        self.assertEqual(status, 0, errors)
        with open(pid_file, encoding="ascii") as file:
            pid = int(file.read())
        try:
            with open(log, encoding="utf-8") as file:
                self.assertIn("Ready to accept connections", file.read())
            os.rename(log, log + ".1")
            os.kill(pid, signal.SIGHUP)
            deadline = time.monotonic() + PATIENCE_S
            while not os.path.exists(log) and time.monotonic() < deadline:
                time.sleep(0.01)
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(self.directory / "s")
                ask(client, b"PING\r\n", b"+PONG\r\n")
        finally:
            os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + PATIENCE_S
        while os.path.exists(pid_file) or os.path.exists(self.directory / "s"):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)
        text = ""
        while "the end" not in text:
            self.assertLess(time.monotonic(), deadline)
            with open(log, encoding="utf-8") as file:
                text = file.read()

    def test_a_daemon_that_cannot_start_says_so_to_its_caller(self):
        status, _, errors = run(SERVER, "--daemonize", "yes", "--port", "0", "--unixsocket", "absent/s",
                                directory=self.directory.path)
        self.assertEqual(status, 1)
        self.assertIn(b"cannot listen: absent/s: No such file", errors)


class Ending(ServerTest):
    def test_signals_end_it_in_order(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            server = self.start()
            with server.connect() as client:
                ask(client, b"SET k v\r\n", b"+OK\r\n")
                self.assertEqual(server.stop(number), 0)
                self.assertEqual(client.recv(1), b"")
            self.assertIn(signal.Signals(number).name.encode() + b": shutting down", server.log)
            self.assertIn(b"the end", server.log)

    def test_what_was_received_is_answered(self):
        server = self.start()
        with server.connect() as client:
            ask(client, b"PING\r\n", b"+PONG\r\n")
            client.sendall(b"INCR n\r\n" * 20000)
            server.process.send_signal(signal.SIGTERM)
            replies = b""
            while more := client.recv(65536):
                replies += more
        self.assertEqual(server.process.wait(PATIENCE_S), 0)
        numbers = [int(number) for number in re.findall(rb":(\d+)\r\n", replies)]
        self.assertEqual(numbers, list(range(1, len(numbers) + 1)))
        self.assertEqual(len(numbers), 20000)

    def test_a_second_signal_ends_it_at_once(self):
        # At once means with its threads, which the thread sanitizer would call a leak.
        options = os.environ.get("TSAN_OPTIONS", "") + ":report_thread_leaks=0"
        with unittest.mock.patch.dict(os.environ, TSAN_OPTIONS=options):
            server = self.start()
        with server.connect() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            size = 32 << 20
            client.sendall(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n" % size + b"x" * size + b"\r\n")
            ask(client, b"", b"+OK\r\n")
            client.sendall(b"GET k\r\n")  # which is not read, so that an orderly end would take its time
            time.sleep(0.2)
            server.process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            self.assertIsNone(server.process.poll())
            start = time.monotonic()
            self.assertEqual(server.stop(signal.SIGTERM), 1)
            self.assertLess(time.monotonic() - start, 5)

    def test_shutdown_ends_it(self):
        server = self.start("--appendonly", "yes")
        with server.connect() as client:
            ask(client, b"SET k v\r\n", b"+OK\r\n")
            client.sendall(b"SHUTDOWN\r\n")
            self.assertEqual(client.recv(1), b"")
        self.assertEqual(server.process.wait(PATIENCE_S), 0)
        server.stop()
        self.assertIn(b"SHUTDOWN: shutting down", server.log)

    def test_shutdowns_of_several_clients_end_it_once_and_in_order(self):
        for has_signal in (False, True, True, True):
            server = self.start()
            with server.connect() as slow, server.connect() as one, server.connect() as other:
                # What is not read keeps the server in its orderly end for a while.
                slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                size = 32 << 20
                slow.sendall(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n" % size + b"x" * size + b"\r\n")
                ask(slow, b"", b"+OK\r\n")
                slow.sendall(b"GET k\r\n")
                ask(one, b"PING\r\n", b"+PONG\r\n")
                ask(other, b"PING\r\n", b"+PONG\r\n")
                if has_signal:
                    server.process.send_signal(signal.SIGTERM)
                one.sendall(b"SHUTDOWN\r\n")
                other.sendall(b"SHUTDOWN\r\n")
                time.sleep(0.3)
                self.assertIsNone(server.process.poll())
            self.assertEqual(server.process.wait(PATIENCE_S), 0)

    def test_shutdown_saves_if_asked(self):
        server = self.start()
        with server.connect() as client:
            ask(client, b"SHUTDOWN ABORT\r\n", b"-ERR No shutdown in progress.\r\n")
            ask(client, b"SHUTDOWN SAVE NOSAVE\r\n", b"-ERR syntax error\r\n")
            ask(client, b"SET a 1\r\n", b"+OK\r\n")
            client.sendall(b"SHUTDOWN SAVE\r\n")
            self.assertEqual(client.recv(1), b"")
        self.assertEqual(server.process.wait(PATIENCE_S), 0)
        server = self.start()
        with server.connect() as client:
            ask(client, b"APPEND a 2\r\n", b":2\r\n")
            client.sendall(b"SHUTDOWN NOSAVE NOW FORCE\r\n")
            self.assertEqual(client.recv(1), b"")
        self.assertEqual(server.process.wait(PATIENCE_S), 0)
        with self.start().connect() as client:
            ask(client, b"GET a\r\n", b"$1\r\n1\r\n")

    def test_shutdown_that_would_lose_data_needs_force(self):
        def no_room():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
        server = self.start("--appendonly", "yes", before=no_room)
        with server.connect() as client:
            ask(client, b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$100000\r\n%s\r\n" % (b"x" * 100000), b"+OK\r\n")
            server.await_line(b"File too large")
            ask(client, b"SHUTDOWN\r\n", b"-ERR Errors trying to SHUTDOWN. Check logs.\r\n")
            server.await_line(b"SHUTDOWN is refused: the append-only file cannot be written")
            ask(client, b"SHUTDOWN NOW\r\n", b"-ERR Errors trying to SHUTDOWN. Check logs.\r\n")
            ask(client, b"STRLEN k\r\n", b":100000\r\n")
            client.sendall(b"SHUTDOWN FORCE\r\n")
            self.assertEqual(client.recv(1), b"")
        self.assertEqual(server.process.wait(PATIENCE_S), 1)

    def test_a_client_that_leaves_raises_no_signal(self):
        server = self.start()
        for _ in range(20):
            with server.connect() as client:
                client.sendall(b"PING\r\n" * 1000)
        with server.connect() as client:
            ask(client, b"PING\r\n", b"+PONG\r\n")
        self.assertEqual(server.stop(), 0)


class Data(ServerTest):
    def test_data_is_there_after_an_orderly_end_and_after_a_kill(self):
        for fsync, number in (("everysec", signal.SIGTERM), ("always", signal.SIGKILL)):
            options = ("--appendonly", "yes", "--appendfsync", fsync, "--appenddirname", fsync)
            server = self.start(*options)
            with server.connect() as client:
                for i in range(100):
                    ask(client, b"SET key:%d %d\r\n" % (i, i), b"+OK\r\n")
                ask(client, b"RPUSH list a b c\r\n", b":3\r\n")
                server.stop(number)
            server = self.start(*options)
            self.assertIn(b"101 keys loaded", server.log)
            with server.connect() as client:
                ask(client, b"GET key:42\r\n", b"$2\r\n42\r\n")
                ask(client, b"LRANGE list 0 -1\r\n", b"*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n")
                ask(client, b"CONFIG GET appendfsync\r\n", b"*2\r\n$11\r\nappendfsync\r\n$%d\r\n%s\r\n" % (
                    len(fsync), fsync.encode()))
                ask(client, b"CONFIG GET appendonly\r\n", b"*2\r\n$10\r\nappendonly\r\n$3\r\nyes\r\n")
            self.assertEqual(server.stop(), 0)

    def test_damage_is_told_and_nothing_is_touched(self):
        server = self.start("--appendonly", "yes")
        with server.connect() as client:
            for i in range(10):
                ask(client, b"SET key:%d %d\r\n" % (i, i), b"+OK\r\n")
        self.assertEqual(server.stop(), 0)
        files = [os.path.join(self.directory / "appendonlydir", name)
                 for name in os.listdir(self.directory / "appendonlydir") if "incr" in name]
        with open(files[0], "r+b") as file:
            data = file.read()
            middle = data.index(b"key:4")
            file.seek(middle - 4)
            file.write(b"#")
            file.seek(0)
            damaged = file.read()
        message = self.refused("--port", "0", "--appendonly", "yes")
        self.assertIn(os.path.basename(files[0]), message)
        self.assertRegex(message, r"\d+")
        with open(files[0], "rb") as file:
            self.assertEqual(file.read(), damaged)

    LOADING = b"-LOADING Redis is loading the dataset in memory\r\n"

    def start_loading(self, count, delay_us, *options):
        """A server that takes count * delay_us to load what another has left."""
        first = self.start("--appendonly", "yes")
        with first.connect() as client:
            client.sendall(b"".join(b"SET key:%d %d\r\n" % (i, i) for i in range(count)))
            ask(client, b"PING\r\n", b"+OK\r\n" * count + b"+PONG\r\n")
        self.assertEqual(first.stop(), 0)
        return self.start("--appendonly", "yes", "--key-load-delay", str(delay_us),
                          "--loading-process-events-interval-bytes", "1024", *options, until=b"listening on")

    @staticmethod
    def info(client, section):
        client.sendall(b"INFO %s\r\n" % section.encode())
        with client.makefile("rb") as file:
            text = file.read(int(file.readline()[1:]) + 2).decode()
        return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)

    def test_clients_are_answered_while_it_loads(self):
        server = self.start_loading(2000, 1000)
        size = sum(os.path.getsize(os.path.join(path, name)) for path, _, names in os.walk(
            self.directory / "appendonlydir") for name in names if name.endswith(".aof"))
        with server.connect() as client:
            for request in (b"PING", b"GET key:1", b"SET key:1 2", b"DBSIZE"):
                ask(client, request + b"\r\n", self.LOADING)
            ask(client, b"ECHO a\r\n", b"$1\r\na\r\n")
            ask(client, b"CONFIG GET appendonly\r\n", b"*2\r\n$10\r\nappendonly\r\n$3\r\nyes\r\n")
            ask(client, b"CONFIG SET appendfsync always\r\n", b"+OK\r\n")
            ask(client, b"MULTI\r\nGET key:1\r\nEXEC\r\n", b"+OK\r\n" + self.LOADING +
                b"-EXECABORT Transaction discarded because of previous errors.\r\n")
            shares = []
            while True:
                lines = self.info(client, "persistence")
                if lines["loading"] == "0":
                    break
                self.assertEqual(lines["async_loading"], "0")
                self.assertAlmostEqual(int(lines["loading_start_time"]), time.time(), delta=PATIENCE_S)
                if lines["loading_total_bytes"] == "0":
                    continue  # the files are not opened yet
                self.assertEqual(int(lines["loading_total_bytes"]), size)
                loaded = int(lines["loading_loaded_bytes"])
                self.assertEqual(lines["loading_loaded_perc"], "%.2f" % (100 * loaded / size))
                self.assertGreaterEqual(int(lines["loading_eta_seconds"]), 0)
                shares.append(loaded)
                time.sleep(0.01)
            self.assertEqual(shares, sorted(shares))
            self.assertGreater(len(set(shares)), 2)
            self.assertNotIn("loading_start_time", lines)
            self.assertEqual(lines["aof_enabled"], "1")
            ask(client, b"GET key:1999\r\n", b"$4\r\n1999\r\n")
            ask(client, b"DBSIZE\r\n", b":2000\r\n")
            # What was asked for meanwhile holds, for a client that was there before the file was.
            ask(client, b"CONFIG GET appendfsync\r\n", b"*2\r\n$11\r\nappendfsync\r\n$6\r\nalways\r\n")
            ask(client, b"SET key:2000 x\r\n", b"+OK\r\n")
        server.await_line(b"Ready to accept connections")
        self.assertIn(b"2000 keys loaded", server.log)
        server.stop(signal.SIGKILL)
        with self.start("--appendonly", "yes").connect() as client:
            ask(client, b"GET key:2000\r\n", b"$1\r\nx\r\n")

    def test_a_signal_or_shutdown_ends_the_loading(self):
        for how in (signal.SIGTERM, signal.SIGINT, b"SHUTDOWN\r\n", b"SHUTDOWN NOSAVE\r\n"):
            server = self.start_loading(4000, 10000, "--unixsocket", "s", "--pidfile", "pid")
            self.assertTrue(os.path.exists(self.directory / "pid"))
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(self.directory / "s")
                ask(client, b"PING\r\n", self.LOADING)
                began = time.monotonic()
                if isinstance(how, bytes):
                    client.sendall(how)
                    self.assertEqual(client.recv(1), b"")
                    self.assertEqual(server.process.wait(PATIENCE_S), 0)
                self.assertEqual(server.stop(how) if not isinstance(how, bytes) else server.stop(), 0)
            self.assertLess(time.monotonic() - began, 10)  # the load would last 40 seconds
            self.assertIn(b"ended the loading", server.log)
            self.assertFalse(os.path.exists(self.directory / "s"))
            self.assertFalse(os.path.exists(self.directory / "pid"))

    def test_damage_found_with_clients_there_ends_it(self):
        server = self.start_loading(1500, 1000)
        self.assertEqual(server.stop(), 0)
        path = self.directory / "appendonlydir/appendonly.aof.1.incr.aof"
        with open(path, "ab") as file:
            file.write(b"#\r\n*1\r\n$6\r\nNOSUCH\r\n*1\r\n$4\r\nPING\r\n")
        server = self.start("--appendonly", "yes", "--key-load-delay", "1000", until=b"listening on")
        with server.connect() as client:
            ask(client, b"PING\r\n", self.LOADING)
            client.settimeout(PATIENCE_S)
            self.assertEqual(client.recv(1), b"")
        self.assertEqual(server.process.wait(PATIENCE_S), 1)
        server.stop()
        self.assertRegex(server.log, rb"kvstore-server: .*appendonly.aof.1.incr.aof, offset \d+: ")
        self.assertNotIn(b"Ready", server.log)

    def test_two_servers_do_not_share_a_directory(self):
        self.start("--appendonly", "yes")
        self.assertIn("appendonlydir", self.refused("--port", "0", "--appendonly", "yes"))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
