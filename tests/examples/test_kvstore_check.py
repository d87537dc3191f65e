"""kvstore-check: what it prints of sound files, what it says of damaged ones, what it repairs.

Arguments: the server, the client, the program.
"""

import os
import pathlib
import sys
import tempfile
import unittest

from programs import Server, run

SERVER, CLIENT, CHECK = map(os.path.abspath, sys.argv[1:4])

# A string, a list, a set that has expired, in two databases, with a field and a checksum.
PARTS = (b"REDIS0010\xfa\x09redis-ver\x057.0.4\xfe\0\0\x01k\x01v\x01\x04list\x03\x01a\x01b\xc0\x07"
         b"\xfe\x02\xfc\x01\0\0\0\0\0\0\0\x02\x03old\x01\x01m\xff")


def crc64(data):
    total = 0
    for byte in data:
        total ^= byte
        for _ in range(8):
            total = total >> 1 ^ (0x95AC9329AC4BC9B5 if total & 1 else 0)
    return total.to_bytes(8, "little")


RDB = PARTS + crc64(PARTS)


def command(*words):
    parts = [b"*%d\r\n" % len(words)]
    parts += [b"$%d\r\n%s\r\n" % (len(word), word) for word in words]
    return b"".join(parts)


SELECT = command(b"SELECT", b"0")
SET = command(b"SET", b"new", b"value")
PUSH = command(b"RPUSH", b"list", b"c", b"d")


class CheckTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="kvstore-check-")
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)

    def put(self, name, content):
        path = self.directory / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        return path

    def put_set(self, base, *increments, manifest=None):
        lines = ["file a.1.base.rdb seq 1 type b\n"]
        self.put("appendonlydir/a.1.base.rdb", base)
        for i, content in enumerate(increments, 1):
            self.put(f"appendonlydir/a.{i}.incr.aof", content)
            lines.append(f"file a.{i}.incr.aof seq {i} type i\n")
        return self.put("appendonlydir/a.manifest", (manifest or "".join(lines)).encode())

    def check(self, *arguments, status=0, stdin=b""):
        """Runs the program; returns its output. What was not to be repaired is as it was."""
        before = self.contents()
        done, output, errors = run(CHECK, *map(str, arguments), stdin=stdin)
        self.assertEqual(done, status, (arguments, output, errors))
        if "--repair" not in arguments:
            self.assertEqual(self.contents(), before)
        return (output + errors).decode()

    def contents(self):
        return {path: path.read_bytes() for path in self.directory.rglob("*") if path.is_file()}

    def assert_lines(self, output, *lines):
        found = [" ".join(line.split()) for line in output.splitlines()]
        for line in lines:
            self.assertIn(line, found, output)


class Sound(CheckTest):
    def test_an_rdb(self):
        path = self.put("dump.rdb", RDB)
        for given in (path, self.directory):
            output = self.check(given)
            self.assert_lines(
                output, f"{path}: {len(RDB)} bytes, RDB of version 10 with 3 keys",
                'field "redis-ver" "7.0.4"',
                "database 0: 2 keys, 0 with a deadline, 0 expired",
                "database 2: 1 keys, 1 with a deadline, 1 expired",
                f"{path}: sound")
            self.assertRegex(output, r"\nlist +1 +0 +0 +3 +\d+\n")
            self.assertRegex(output, r'largest by elements\n +3  list +database 0 +"list"\n')

    def test_bytes_behind_the_end_of_an_rdb_are_warned_of(self):
        for name, rest in (("dump.rdb", b"rest"), ("dump.rdb", b"\0" * 9), ("dump.rdb", PUSH), ("copy", b"rest")):
            output = self.check(self.put(name, RDB + rest))
            self.assertIn(f"{name}, offset {len(RDB)}: passed over {len(rest)} bytes behind the end", output)
            self.assertIn(f"{len(RDB + rest)} bytes, RDB of version 10 with 3 keys\n", output)

    def test_a_file_of_commands_and_one_with_an_rdb_before_them(self):
        path = self.put("a.aof", SELECT + SET + b"#TS:1700000000\r\n" + PUSH)
        self.assert_lines(self.check(path), f"{path}: {path.stat().st_size} bytes, 3 commands")
        path = self.put("a.aof", RDB + SELECT + PUSH)
        output = self.check(path, "--largest", "1")
        self.assert_lines(output, f"{path}: {path.stat().st_size} bytes, "
                                  "RDB of version 10 with 3 keys, 2 commands")
        self.assertRegex(output, r"\nlist +1 +0 +0 +5 +\d+\n")

    def test_commands_about_functions_and_scripts_are_passed_over(self):
        passed = [command(b"FUNCTION", b"LOAD", b"#!lua name=f\n"), command(b"SCRIPT", b"LOAD", b"return 1"),
                  command(b"MULTI") + command(b"FUNCTION", b"FLUSH") + command(b"EXEC")]
        manifest = self.put_set(RDB, SELECT + SET + passed[0] + b"".join(passed) + PUSH)
        output = self.check(manifest)
        self.assertRegex(output, r"\nlist +1 +0 +0 +5 +\d+\n")
        self.assertIn(f"a.1.incr.aof, offset {len(SELECT + SET)}: passed over FUNCTION LOAD\n", output)
        self.assertIn("passed over FUNCTION FLUSH\n", output)
        self.assertIn("passed over SCRIPT LOAD\n", output)
        os.rename(manifest, self.directory / "appendonlydir" / "appendonly.aof.manifest")
        server = Server(SERVER, "--appendonly", "yes", directory=self.directory)
        self.assertEqual(run(CLIENT, "-p", str(server.port), "LLEN", "list")[1], b"5\n")
        self.assertEqual(server.stop(), 0)

    def test_a_set_of_files(self):
        manifest = self.put_set(RDB, SELECT + SET, SELECT + PUSH)
        for given in (self.directory, self.directory / "appendonlydir", manifest):
            output = self.check(given)
            self.assert_lines(output, "database 0: 3 keys, 0 with a deadline, 0 expired",
                              f"{manifest}: sound")
            self.assertIn("a.2.incr.aof", output)
        self.assertEqual(self.check(manifest, "--quiet"), "")

    def test_what_kvstore_server_wrote(self):
        server = Server(SERVER, "--appendonly", "yes", directory=self.directory)
        for words in (["SET", "k", "v"], ["HSET", "h", "f", "v"], ["ZADD", "z", "1", "m"]):
            self.assertEqual(run(CLIENT, "-p", str(server.port), *words)[0], 0)
        self.assertEqual(server.stop(), 0)
        output = self.check(self.directory)
        self.assertRegex(output, r"\nsorted set +1 +0 +0 +1 +\d+\n")


class Damaged(CheckTest):
    def test_an_rdb_is_named_with_the_offset(self):
        cut = self.put("cut.rdb", RDB[:-9])
        self.assertIn(f"offset {len(RDB) - 9}: expected a type or an opcode, found the end",
                      self.check(cut, status=1))
        flipped = self.put("flipped.rdb", RDB[:30] + b"x" + RDB[31:])
        self.assertIn("expected the checksum", self.check(flipped, "--quiet", status=1))
        # Nothing of it is to be repaired.
        self.check(cut, "--repair", "--yes", status=1)
        self.assertEqual(cut.read_bytes(), RDB[:-9])

    def test_of_a_damaged_rdb_the_key_is_told_and_how_many_are_before_it(self):
        path = self.put("cut.rdb", RDB[:RDB.index(b"\xc0\x07") + 1])
        output = self.check(path, status=1)
        self.assert_lines(output, f"{path}: {path.stat().st_size} bytes, RDB of version 10 with 1 keys before the damage")
        self.assertIn("expected the rest of a value, found the end of the file, in the list \"list\"\n", output)
        path = self.put("sum.rdb", RDB[:-1] + b"\0")
        self.assertIn("RDB of version 10 with 3 keys before the damage\n", self.check(path, status=1))

    def test_an_rdb_is_not_empty(self):
        for content in (b"", b"RED", b"REDIS"):
            path = self.put("dump.rdb", content)
            for given in (path, self.directory):
                output = self.check(given, status=1)
                self.assertIn(f"{path}: damaged\n{path}, offset {len(content)}: expected the nine bytes with which "
                              "an RDB file begins", output)
                self.assertNotIn("commands", output)
        path = self.put("dump.rdb", b"*1\r\n$4\r\nPING\r\n")
        self.assertIn(f"{path}, offset 0: expected \"REDIS\"", self.check(path, status=1))

    def test_an_rdb_of_version_zero_is_damaged(self):
        path = self.put("dump.rdb", b"REDIS0000" + RDB[9:])
        output = self.check(path, status=1)
        self.assertIn(f"{path}: damaged\n{path}, offset 5: expected a version of 1 or above, found 0000", output)

    def test_a_torn_tail_is_repaired_when_asked_to(self):
        whole = RDB + SELECT + SET
        path = self.put("a.aof", whole + PUSH[:-3])
        self.assertIn(f"offset {len(whole)}: the file ends too early\n", self.check(path, status=1))
        output = self.check(path, "--repair", stdin=b"n\n", status=1)
        self.assertIn(f"of which {len(whole)} are sound: cutting off the last {len(PUSH) - 3}",
                      output)
        self.assertEqual(path.read_bytes(), whole + PUSH[:-3])
        self.check(path, "--repair", stdin=b"y\n")
        self.assertEqual(path.read_bytes(), whole)
        self.check(path)

    def test_an_increment_may_be_torn_within_its_first_record(self):
        for torn in (b"#TS:17", SELECT[:-3]):
            manifest = self.put_set(RDB, torn)
            path = self.directory / "appendonlydir" / "a.1.incr.aof"
            self.assertEqual(path.read_bytes(), torn)
            self.check(manifest, status=1)
            self.check(manifest, "--repair", "--yes")
            self.assertEqual(path.read_bytes(), b"")
            self.check(manifest)

    def test_what_is_behind_damage_in_the_last_file_goes_with_it(self):
        manifest = self.put_set(RDB, SELECT + SET, SELECT + SET + b"*x" + PUSH)
        last = self.directory / "appendonlydir" / "a.2.incr.aof"
        output = self.check(manifest, status=1)
        self.assertIn(f"{last}, offset {len(SELECT + SET) + 1}: expected a number", output)
        self.assert_lines(output, "database 0: 3 keys, 0 with a deadline, 0 expired")
        self.check(self.directory, "--repair", "--yes")
        self.assertEqual(last.read_bytes(), SELECT + SET)

    def test_a_transaction_is_cut_off_as_a_whole(self):
        path = self.put("a.aof", SELECT + SET + command(b"MULTI") + PUSH + PUSH)
        self.check(path, status=1)
        self.check(path, "--repair", "--yes")
        self.assertEqual(path.read_bytes(), SELECT + SET)

    def test_files_before_the_last_are_not_repaired(self):
        manifest = self.put_set(RDB, SELECT + SET[:-2], SELECT + PUSH)
        for options in ([], ["--repair", "--yes"]):
            before = self.contents()
            self.assertIn("a.1.incr.aof, offset", self.check(manifest, *options, status=1))
            self.assertEqual(self.contents(), before)

    def test_a_file_of_something_else_is_left_alone(self):
        path = self.put("notes.txt", b"Not a file of commands.")
        self.assertIn("offset 0: expected '*'", self.check(path, "--repair", "--yes", status=1))
        self.assertEqual(path.read_bytes(), b"Not a file of commands.")

    def test_a_command_that_fails_is_damage(self):
        path = self.put("a.aof", SELECT + SET + command(b"LPUSH", b"new", b"x"))
        self.assertIn(f"offset {len(SELECT + SET)}: ", self.check(path, status=1))

    def test_a_whole_command_is_never_cut_off(self):
        for odd, why in ((command(b"FCALL", b"f", b"0"), "unknown command 'FCALL'"),
                         (command(b"LPUSH", b"new", b"x"), "LPUSH failed")):
            for before, after in ((b"", b""), (command(b"MULTI") + PUSH, command(b"EXEC"))):
                content = SELECT + SET + before + odd + after + PUSH
                path = self.put("a.aof", content)
                output = self.check(path, "--repair", "--yes", status=1)
                self.assertEqual(path.read_bytes(), content)
                self.assertIn(f"offset {len(SELECT + SET + before)}: ", output)
                self.assertIn(why, output)
                self.assertIn("Nothing is cut off", output)

    def test_a_manifest_is_damaged_or_names_what_is_not_there(self):
        manifest = self.put_set(RDB, manifest="file a.1.base.rdb seq x type b\n")
        self.assertIn("a.manifest", self.check(manifest, status=1))
        manifest = self.put_set(RDB, manifest="file absent.rdb seq 1 type b\n")
        self.assertIn("absent.rdb, offset 0: expected a file", self.check(manifest, status=1))


class Arguments(CheckTest):
    def test_are_explained_or_refused(self):
        self.assertIn("usage", self.check("--help"))
        self.assertIn("kvstore-check 0.", self.check("--version"))
        for words in ([], ["--nosuch", "x"], ["a", "b"], ["--largest", "x", "a"],
                      [self.directory / "absent"], [self.directory]):
            self.assertIn("kvstore-check: ", self.check(*words, status=2))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
