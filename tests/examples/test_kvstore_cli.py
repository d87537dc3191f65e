"""kvstore-cli: what it prints, what it sends, how it ends. Arguments: the server, the client.

Where redis-cli is installed, its output is the measure for every reply.
"""

import os
import pty
import re
import select
import shutil
import sys
import time
import unittest

from programs import PATIENCE_S, Directory, Server, run

SERVER, CLIENT = map(os.path.abspath, sys.argv[1:3])
REDIS_CLI = shutil.which("redis-cli")

COMMANDS = [
    ["PING"], ["SET", "k", "v"], ["GET", "k"], ["GET", "absent"], ["INCR", "n"], ["LPUSH", "k", "x"], ["NOSUCH"],
    ["RPUSH", "list", *map(str, range(12))], ["LRANGE", "list", "0", "-1"], ["LRANGE", "list", "0", "0"],
    ["LRANGE", "none", "0", "-1"], ["SET", "odd", "a\"b\\c\n\r\t\a\b\x01\x7fé"], ["GET", "odd"], ["MGET", "k", "none", "odd"],
    ["SET", "", ""], ["GET", ""], ["COMMAND", "INFO", "get", "nosuch"], ["LMPOP", "2", "none", "list", "LEFT", "COUNT", "2"],
    ["LMPOP", "1", "none", "LEFT"], ["OBJECT", "ENCODING", "n"], ["CONFIG", "GET", "maxclients"], ["CONFIG", "GET", "nosuch"],
    ["CLIENT", "GETNAME"], ["COMMAND", "GETKEYS", "MSET", "a", "1", "b", "2"], ["LCS", "k", "k", "IDX"], ["TYPE", "list"],
]


class ClientTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(SERVER)
        cls.port = str(cls.server.port)

    @classmethod
    def tearDownClass(cls):
        assert cls.server.stop() == 0

    def setUp(self):
        self.cli("FLUSHALL")

    def cli(self, *arguments, stdin=b"", status=0, **environment):
        """Runs the client and returns its standard output."""
        done, output, errors = run(CLIENT, "-p", self.port, *arguments, stdin=stdin, environment=environment)
        self.assertEqual(done, status, (arguments, output, errors))
        return output


class Replies(ClientTest):
    @unittest.skipUnless(REDIS_CLI, "redis-cli is not installed")
    def test_are_printed_as_redis_cli_prints_them(self):
        for protocol in ([], ["-3"]):
            for form in (["--no-raw"], ["--raw"], []):
                for command in COMMANDS:
                    self.check_same([*protocol, *form], command)

    def check_same(self, options, command):
        outputs = []
        for program in (REDIS_CLI, CLIENT):
            run(CLIENT, "-p", self.port, "FLUSHALL")
            for earlier in COMMANDS[:COMMANDS.index(command)]:
                if earlier[0] in ("SET", "RPUSH", "INCR"):
                    run(CLIENT, "-p", self.port, *earlier)
            outputs.append(run(program, "-p", self.port, *options, *command)[1])
        self.assertEqual(outputs[1], outputs[0], (options, command))

    def test_have_their_types(self):
        for command, typed, raw in (
                (["SET", "k", "a\"\n"], b"OK\n", b"OK\n"),
                (["GET", "k"], b'"a\\"\\n"\n', b"a\"\n\n"),
                (["GET", "absent"], b"(nil)\n", b"\n"),
                (["RPUSH", "l", "a", "b"], b"(integer) 2\n", b"4\n"),
                (["LRANGE", "l", "0", "1"], b'1) "a"\n2) "b"\n', b"a\nb\n"),
                (["LRANGE", "none", "0", "1"], b"(empty array)\n", b"\n"),
                (["LMPOP", "1", "l", "LEFT"], b'1) "l"\n2) 1) "a"\n', b"l\nb\n")):
            self.assertEqual(self.cli("--no-raw", *command), typed)
            self.assertEqual(self.cli(*command), raw)

    def test_numbers_are_aligned(self):
        self.cli("RPUSH", "l", *map(str, range(10)))
        lines = self.cli("--no-raw", "LRANGE", "l", "0", "-1").splitlines()
        self.assertEqual(lines[0], b' 1) "0"')
        self.assertEqual(lines[9], b'10) "9"')

    def test_maps_of_resp3_are_maps(self):
        self.assertEqual(self.cli("-3", "--no-raw", "CONFIG", "GET", "io-threads").split(b" => ")[0], b'1# "io-threads"')

    def test_attributes_of_resp3_are_no_replies_of_their_own(self):
        server = Server(SERVER, "--enable-debug-command", "yes")
        lines = b"DEBUG PROTOCOL attrib\nECHO hi\nECHO there\n"
        for form, expected in (("--raw", b"Some real reply following the attribute\nhi\nthere\n"),
                               ("--no-raw", b'1| "key-popularity" => \n   1) "key:123"\n   2) (integer) 90\n'
                                            b'"Some real reply following the attribute"\n"hi"\n"there"\n')):
            self.assertEqual(run(CLIENT, "-3", form, "-p", str(server.port), stdin=lines)[1], expected)
        self.assertEqual(server.stop(), 0)

    def test_an_error_is_told_by_the_exit_status(self):
        self.assertIn(b"(error) ERR unknown command", self.cli("--no-raw", "NOSUCH", status=1))
        self.cli("GET", status=1)


class Commands(ClientTest):
    def test_arguments_are_sent_as_they_are(self):
        self.assertEqual(self.cli("ECHO", "a b\"c"), b"a b\"c\n")
        self.assertEqual(self.cli("ECHO", ""), b"\n")

    def test_the_last_may_come_from_standard_input(self):
        picture = bytes(range(256)) * 100
        self.cli("-x", "SET", "picture", stdin=picture)
        self.assertEqual(self.cli("GET", "picture"), picture + b"\n")
        self.assertEqual(self.cli("STRLEN", "picture"), b"25600\n")

    def test_are_repeated_with_pauses(self):
        start = time.monotonic()
        self.assertEqual(self.cli("-r", "3", "-i", "0.05", "INCR", "n"), b"1\n2\n3\n")
        self.assertGreaterEqual(time.monotonic() - start, 0.1)

    def test_go_to_the_database_asked_for(self):
        self.cli("-n", "3", "SET", "k", "three")
        self.assertEqual(self.cli("GET", "k"), b"\n")
        self.assertEqual(self.cli("-n", "3", "GET", "k"), b"three\n")
        self.assertEqual(self.cli("-u", "redis://127.0.0.1:%s/3" % self.port, "GET", "k"), b"three\n")

    def test_are_read_from_standard_input_line_by_line(self):
        output = self.cli(stdin=b'SET a "x y"\n\nGET a\nSET b \'\\x41\'\nGET b\n3 INCR n\n')
        self.assertEqual(output, b"OK\nx y\nOK\n\\x41\n1\n2\n3\n")
        self.assertEqual(self.cli(stdin=b'ECHO "\\x41\\n"\nGET "unbalanced\nPING\n', status=1),
                         b"A\n\nInvalid argument(s)\nPONG\n")
        self.assertEqual(self.cli(stdin=b"PING\nquit\nPING\n"), b"PONG\n")

    def test_a_server_that_is_not_there_is_told(self):
        status, _, errors = run(CLIENT, "-p", "1", "PING")
        self.assertEqual(status, 1)
        self.assertEqual(errors, b"Could not connect to 127.0.0.1:1: Connection refused\n")
        status, _, errors = run(CLIENT, "-s", "/nonexistent/socket", "PING")
        self.assertEqual(status, 1)
        self.assertEqual(errors, b"Could not connect to /nonexistent/socket: No such file or directory\n")

    def test_wrong_options_are_told(self):
        for arguments, words in ((["--nosuch"], b"'--nosuch'"), (["-p"], b"'-p'"), (["-p", "x"], b"'x'"), (["-n", "-1"], b"'-1'"),
                                 (["-u", "http://x"], b"'http://x'"), (["-i", "soon"], b"'soon'")):
            status, _, errors = run(CLIENT, *arguments)
            self.assertEqual(status, 1)
            self.assertIn(words, errors)

    def test_help_and_version(self):
        self.assertIn(b"usage: kvstore-cli", run(CLIENT, "--help")[1])
        self.assertRegex(run(CLIENT, "--version")[1], rb"^kvstore-cli \d+\.\d+\.\d+\n$")


class Authentication(unittest.TestCase):
    def setUp(self):
        self.directory = Directory()
        self.server = Server(SERVER, "--requirepass", "secret", "--unixsocket", self.directory / "s", "--port", "0")

    def tearDown(self):
        self.assertEqual(self.server.stop(), 0)
        self.directory.remove()

    def test_by_option_by_variable_and_by_uri(self):
        path = self.directory / "s"
        status, output, _ = run(CLIENT, "-s", path, "PING")
        self.assertEqual((status, output), (1, b"NOAUTH Authentication required.\n\n"))
        self.assertEqual(run(CLIENT, "-s", path, "-a", "secret", "PING")[1], b"PONG\n")
        self.assertEqual(run(CLIENT, "-s", path, "--user", "default", "-a", "secret", "PING")[1], b"PONG\n")
        self.assertEqual(run(CLIENT, "-s", path, "PING", environment={"REDISCLI_AUTH": "secret"})[1], b"PONG\n")
        status, _, errors = run(CLIENT, "-s", path, "-a", "wrong", "PING")
        self.assertEqual(status, 1)
        self.assertIn(b"WRONGPASS", errors)


class Modes(ClientTest):
    def test_pipe_counts_replies_and_errors(self):
        requests = b"".join(b"*3\r\n$3\r\nSET\r\n$%d\r\nkey:%d\r\n$1\r\nv\r\n" % (len("key:%d" % i), i)
                            for i in range(50000))
        output = self.cli("--pipe", stdin=requests)
        self.assertIn(b"errors: 0, replies: 50000\n", output)
        self.assertEqual(self.cli("DBSIZE"), b"50000\n")
        output = self.cli("--pipe", stdin=b"LPUSH key:1 x\r\nPING\r\n", status=1)
        self.assertIn(b"errors: 1, replies: 2\n", output)

    def test_pipe_reads_while_it_writes(self):
        self.cli("-x", "SET", "large", stdin=b"x" * 100000)
        output = self.cli("--pipe", stdin=b"GET large\r\n" * 2000)  # 200 MB of replies to 22 kB of requests
        self.assertIn(b"errors: 0, replies: 2000\n", output)

    def test_scan_prints_every_key(self):
        self.cli("MSET", *[word for i in range(1000) for word in ("key:%d" % i, "v")])
        self.assertEqual(sorted(self.cli("--scan").split()), sorted(b"key:%d" % i for i in range(1000)))
        self.assertEqual(sorted(self.cli("--scan", "--pattern", "key:1?", "--count", "7").split()),
                         [b"key:1%d" % i for i in range(10)])
        self.assertEqual(self.cli("--scan", "--pattern", "none*"), b"")
        self.assertEqual(self.cli("--no-raw", "--scan", "--pattern", "key:7"), b'"key:7"\n')


class Files(unittest.TestCase):
    def setUp(self):
        self.directory = Directory()
        self.create()

    def tearDown(self):
        self.directory.remove()

    def create(self, *options, commands=b""):
        server = Server(SERVER, "--dir", self.directory.path, "--appendonly", "yes", *options)
        run(CLIENT, "-p", str(server.port), stdin=commands)
        self.assertEqual(server.stop(), 0)

    def cli(self, *arguments, stdin=b""):
        status, output, errors = run(CLIENT, "--file", self.directory.path, *arguments, stdin=stdin)
        self.assertEqual(status, 0, (output, errors))
        return output

    def test_a_directory_is_used_without_a_server_and_by_one(self):
        self.assertEqual(self.cli("SET", "k", "from the client"), b"OK\n")
        self.assertEqual(self.cli("GET", "k"), b"from the client\n")
        server = Server(SERVER, "--dir", self.directory.path, "--appendonly", "yes")
        self.assertEqual(run(CLIENT, "-p", str(server.port), "GET", "k")[1], b"from the client\n")
        run(CLIENT, "-p", str(server.port), "RPUSH", "list", "from", "the", "server")

        status, _, errors = run(CLIENT, "--file", self.directory.path, "GET", "k")
        self.assertEqual(status, 1, "a directory in use was opened")
        self.assertIn(b"appendonlydir", errors)
        self.assertEqual(server.stop(), 0)
        self.assertEqual(self.cli("LRANGE", "list", "0", "-1"), b"from\nthe\nserver\n")

    def test_all_modes_work_on_it(self):
        self.assertIn(b"errors: 0, replies: 3\n", self.cli("--pipe", stdin=b"SET a 1\r\nSET b 2\r\nSET c 3\r\n"))
        self.assertEqual(sorted(self.cli("--scan").split()), [b"a", b"b", b"c"])
        self.assertEqual(self.cli(stdin=b"MULTI\nINCR a\nINCR b\nEXEC\n"), b"OK\nQUEUED\nQUEUED\n2\n3\n")
        self.assertEqual(self.cli("BLPOP", "none", "0"), b"\n")  # waiting would be for ever: nobody else can push
        self.assertEqual(self.cli("-n", "2", "DBSIZE"), b"0\n")

    def test_a_directory_without_a_file_is_refused_and_left_alone(self):
        other = Directory()
        try:
            status, _, errors = run(CLIENT, "--file", other.path, "GET", "k")
            self.assertEqual(status, 1)
            self.assertIn(b"there is no append-only file", errors)
            self.assertEqual(os.listdir(other.path), [])
            status, _, errors = run(CLIENT, "--file", self.directory.path, "--appenddirname", "nosuch", "SET", "k", "v")
            self.assertEqual(status, 1)
            self.assertIn(b"nosuch/appendonly.aof.manifest", errors)
            self.assertEqual(os.listdir(self.directory.path), ["appendonlydir"])
            with open(other / "appendonly.aof", "wb") as file:  # as earlier versions of Redis left it
                file.write(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$3\r\nold\r\n")
            self.assertEqual(run(CLIENT, "--file", other.path, "GET", "k")[1], b"old\n")
        finally:
            other.remove()

    def test_a_save_goes_into_the_directory(self):
        self.cli("SET", "k", "v")
        elsewhere = Directory()
        try:
            for directory in self.directory.path, os.path.relpath(self.directory.path, elsewhere.path):
                status, output, errors = run(CLIENT, "--file", directory, "SAVE", directory=elsewhere.path)
                self.assertEqual((status, output, errors), (0, b"OK\n", b""))
                self.assertEqual(sorted(os.listdir(self.directory.path)), ["appendonlydir", "dump.rdb"])
                self.assertEqual(os.listdir(elsewhere.path), [])
                os.rename(self.directory / "dump.rdb", elsewhere / "dump.rdb")
                self.assertEqual(run(CLIENT, "--file", elsewhere.path, "GET", "k")[1], b"v\n")
                os.remove(elsewhere / "dump.rdb")
        finally:
            elsewhere.remove()

    def test_other_names_and_more_databases_are_found(self):
        names = ("--appenddirname", "changes", "--appendfilename", "store.aof", "--databases", "40")
        self.create(*names, commands=b"SELECT 39\nSET k far\n")
        self.assertEqual(self.cli(*names, "-n", "39", "GET", "k"), b"far\n")
        self.assertEqual(self.cli(*names, "-n", "39", "SET", "k", "away"), b"OK\n")
        self.assertEqual(self.cli(*names, "-n", "39", "GET", "k"), b"away\n")
        status, _, errors = run(CLIENT, "--file", self.directory.path, *names[:4], "DBSIZE")
        self.assertEqual(status, 1)
        self.assertIn(b"store.aof.1.incr.aof", errors)

    def test_a_directory_with_an_rdb_only_is_opened_for_reading(self):
        other = Directory()
        try:
            server = Server(SERVER, "--dir", other.path)
            run(CLIENT, "-p", str(server.port), stdin=b"SET k v\nRPUSH list a b\nSELECT 3\nSET far v EX 1000\nSAVE\n")
            self.assertEqual(server.stop(), 0)
            with open(other / "dump.rdb", "rb") as file:
                before = file.read()
            status, output, errors = run(CLIENT, "--file", other.path, "LRANGE", "list", "0", "-1")
            self.assertEqual((status, output), (0, b"a\nb\n"))
            self.assertIn(b"dump.rdb is open for reading only", errors)
            self.assertEqual(run(CLIENT, "--file", other.path, "-n", "3", "GET", "far")[1], b"v\n")
            status, output, errors = run(CLIENT, "--file", other.path, directory=self.directory.path,
                                         stdin=b"SAVE\nBGSAVE\nSHUTDOWN SAVE\nGET k\n")
            self.assertEqual(status, 1)
            self.assertTrue(output.endswith(b"\nv\n"), output)
            self.assertIn(b"cannot name the RDB file", errors)
            self.assertEqual(os.listdir(self.directory.path), ["appendonlydir"])
            for words in (["SET", "k", "w"], ["DEL", "k"], ["FLUSHALL"]):
                status, output, _ = run(CLIENT, "--file", other.path, *words)
                self.assertEqual(status, 1)
                self.assertIn(b"READONLY", output)
            status, _, errors = run(CLIENT, "--file", other.path, "--appenddirname", "changes", "GET", "k")
            self.assertEqual(status, 1)
            self.assertIn(b"there is no append-only file", errors)
            self.assertEqual(os.listdir(other.path), ["dump.rdb"])
            with open(other / "dump.rdb", "rb") as file:
                self.assertEqual(file.read(), before)
            with open(other / "dump.rdb", "wb") as file:
                file.write(before[:-9])
            status, _, errors = run(CLIENT, "--file", other.path, "GET", "k")
            self.assertEqual(status, 1)
            self.assertIn(b"expected a type or an opcode, found the end", errors)
        finally:
            other.remove()

    def test_a_directory_that_is_not_there_is_told(self):
        status, _, errors = run(CLIENT, "--file", self.directory / "absent", "PING")
        self.assertEqual(status, 1)
        self.assertIn(b"absent", errors)


class Terminal(ClientTest):
    """The prompt, on a pseudo-terminal."""

    def setUp(self):
        super().setUp()
        self.directory = Directory()
        self.history = self.directory / "history"
        self.open()

    def open(self, *options):
        pid, self.terminal = pty.fork()
        if pid == 0:
            environment = {**os.environ, "TERM": "dumb", "KVSTORE_CLI_HISTFILE": self.history}
            os.execve(CLIENT, [CLIENT, "-p", self.port, *options], environment)
        self.pid = pid
        self.seen = ""

    def tearDown(self):
        os.close(self.terminal)
        os.waitpid(self.pid, 0)
        self.directory.remove()

    def await_text(self, text):
        deadline = time.monotonic() + PATIENCE_S
        while text not in self.seen:
            left = deadline - time.monotonic()
            self.assertTrue(left > 0 and select.select([self.terminal], [], [], left)[0], repr(self.seen))
            try:
                self.seen += os.read(self.terminal, 4096).decode().replace("\r", "")
            except OSError:  # the other end was closed
                self.fail(repr(self.seen))
        self.seen = self.seen[self.seen.index(text) + len(text):]

    def type(self, line):
        os.write(self.terminal, line.encode() + b"\n")

    def test_replies_are_typed_and_the_prompt_follows(self):
        prompt = "127.0.0.1:%s" % self.port
        self.await_text(prompt + "> ")
        self.type("RPUSH l a")
        self.await_text("(integer) 1\n")
        self.type("SELECT 2")
        self.await_text(prompt + "[2]> ")
        self.type("MULTI")
        self.await_text(prompt + "[2](TX)> ")
        self.type("DISCARD")
        self.await_text(prompt + "[2]> ")
        self.type('GET "unbalanced')
        self.await_text("Invalid argument(s)\n")
        self.type("AUTH hidden-password")
        self.await_text("> ")
        self.type("exit")
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1]), 0)
        self.pid = os.spawnlp(os.P_NOWAIT, "true", "true")
        if os.path.exists(self.history):  # where libedit is there
            with open(self.history, encoding="utf-8") as file:
                text = file.read()
            self.assertIn("SELECT", text)
            self.assertNotIn("hidden-password", text)
            self.assertEqual(os.stat(self.history).st_mode & 0o077, 0)

    def test_it_connects_again_when_the_server_was_away(self):
        server = Server(SERVER)
        self.type("exit")
        os.waitpid(self.pid, 0)
        os.close(self.terminal)
        self.open("-p", str(server.port), "-n", "1")
        self.await_text("[1]> ")
        self.type("SET k v")
        self.await_text("OK")
        server.stop()
        self.type("GET k")
        self.await_text("Could not connect")
        self.await_text("not connected> ")
        server = Server(SERVER, "--port", str(server.port))
        self.type("SET k again")
        self.await_text("OK")
        self.await_text("127.0.0.1:%d[1]> " % server.port)
        self.type("exit")
        self.assertEqual(server.stop(), 0)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
