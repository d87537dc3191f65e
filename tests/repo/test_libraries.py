"""The libraries of a build export their own prefix and nothing else, and keep no state of their own.
Arguments: the libraries.
"""

import pathlib
import sys
import unittest

import tree

PREFIX = {"libkvstore": "kv_", "libkvstore-resp": "kvresp_", "libkvstore-net": "kvnet_"}
# What a sanitizer or the linker adds.
FOREIGN = ("__", "_init", "_fini", "_edata", "_end", "asan.", "sancov.", "tsan.", "completed.")

libraries = [pathlib.Path(argument).resolve() for argument in sys.argv[1:]]


class Libraries(unittest.TestCase):
    def test_only_the_public_names_are_exported(self):
        self.assertTrue(libraries, "no library was given")
        for library in libraries:
            with self.subTest(library=library.name):
                prefix = PREFIX[library.name.split(".")[0]]
                table = [] if library.suffix == ".a" else ["--dynamic"]
                status, symbols = tree.run("nm", "--format=posix", "--defined-only", "--extern-only",
                                           *table, library)
                self.assertEqual(status, 0, symbols)
                # NAME TYPE VALUE SIZE; before those of each member of an archive, its name and ':'.
                names = [line.split()[0].split("@")[0] for line in symbols.splitlines()
                         if not line.endswith(":")]
                names = [name for name in names if not name.startswith(FOREIGN)]
                self.assertTrue(names)
                self.assertEqual([name for name in names if not name.startswith(prefix)], [])

    @unittest.skipUnless(sys.platform == "linux", "the sections are those of ELF")
    def test_nothing_is_shared_by_all_stores(self):
        """No variable in .data or .bss. What a thread notes for the length of a call is its own."""
        for library in libraries:
            with self.subTest(library=library.name):
                status, symbols = tree.run("objdump", "--syms", library)
                self.assertEqual(status, 0, symbols)
                # VALUE FLAGS O SECTION<tab>SIZE NAME
                objects = [line.split("\t") for line in symbols.splitlines() if " O " in line]
                self.assertTrue(objects)
                sections = [(where.split()[-1], rest.split()[-1]) for where, rest in objects]
                variables = [name for section, name in sections
                             if section.startswith((".data", ".bss"))
                             and not section.startswith(".data.rel.ro")]
                self.assertEqual([name for name in variables if not name.startswith(FOREIGN)], [])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
