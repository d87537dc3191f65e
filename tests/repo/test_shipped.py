"""The two shipped files as a stranger meets them: other compilers, other flags, C++, and nm."""

import pathlib
import re
import tempfile
import unittest

import tree

WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Werror")

PROGRAM = """
#include "kvstore.h"
int main(void)
{
    kv *db;
    if (kv_open(NULL, &db) != KV_OK) return 1;
    kv_close(db);
    return 0;
}
"""

IN_CXX = PROGRAM.replace("NULL, &db", "&options, &db").replace(
    "    kv *db;", "    kv_options options = KV_OPTIONS(kv_options);\n    kv *db;")


class Shipped(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        cls.at = pathlib.Path(cls.directory.name)

    @classmethod
    def tearDownClass(cls):
        cls.directory.cleanup()

    def done(self, *command):
        status, output = tree.run(*command)
        self.assertEqual(status, 0, f"{' '.join(map(str, command))}\n{output}")
        self.assertEqual(output, "", command)

    def write(self, name, text):
        path = self.at / name
        path.write_text(text, encoding="utf-8")
        return path

    def test_kvstore_c_compiles_without_a_warning_and_exports_only_kv(self):
        for compiler in tree.compilers("gcc", "clang"):
            with self.subTest(compiler=compiler):
                output = self.at / f"kvstore-{compiler}.o"
                self.done(compiler, "-std=c11", "-O2", *WARNINGS, "-c", "kvstore.c", "-o", output)
                status, symbols = tree.run("nm", "--defined-only", "--extern-only", output)
                self.assertEqual(status, 0, symbols)
                names = [line.split()[-1] for line in symbols.splitlines()]
                self.assertIn("kv_open", names)
                self.assertEqual([name for name in names if not name.startswith("kv_")], [])

    def test_a_program_is_one_command_away(self):
        program = self.write("app.c", PROGRAM)
        self.done("cc", "-O2", "-I.", program, "kvstore.c", "-lpthread", "-o", self.at / "app")
        self.done(self.at / "app")

    def test_the_program_in_the_readme_says_hello(self):
        readme = (tree.ROOT / "README.md").read_text(encoding="utf-8")
        program = self.write("readme.c", re.search(r"```c\n(.*?)```", readme, re.DOTALL).group(1))
        self.done("cc", "-O2", *WARNINGS, "-I.", program, "kvstore.c", "-lpthread",
                  "-o", self.at / "readme")
        self.assertEqual(tree.run(self.at / "readme"), (0, "hello\n"))

    def test_the_header_is_at_home_in_cxx(self):
        for compiler in tree.compilers("g++", "clang++"):
            for header in tree.PUBLIC_HEADERS:
                with self.subTest(compiler=compiler, header=header):
                    name = header.split("/")[-1]
                    source = self.write("app.cc", f'#include "{name}"\n{IN_CXX}')
                    self.done(compiler, "-std=c++17", *WARNINGS, "-I.", "-Iresp", "-Inet",
                              "-fsyntax-only", source)

    def test_each_public_header_stands_alone(self):
        for compiler in tree.compilers("gcc", "clang"):
            for header in tree.PUBLIC_HEADERS:
                with self.subTest(compiler=compiler, header=header):
                    source = self.write("alone.c", f'#include "{header.split("/")[-1]}"\n')
                    self.done(compiler, "-std=c11", *WARNINGS, "-I.", "-Iresp", "-Inet",
                              "-fsyntax-only", source)


if __name__ == "__main__":
    unittest.main()
