"""The shared libraries of a build export their own prefix and nothing else. Arguments: the libraries."""

import pathlib
import sys
import unittest

import tree

PREFIX = {"libkvstore": "kv_", "libkvstore-resp": "kvresp_", "libkvstore-net": "kvnet_"}
# What a sanitizer or the linker adds.
FOREIGN = ("__", "_init", "_fini", "_edata", "_end")

libraries = [pathlib.Path(argument).resolve() for argument in sys.argv[1:]]


class Libraries(unittest.TestCase):
    def test_only_the_public_names_are_exported(self):
        self.assertTrue(libraries, "no library was given")
        for library in libraries:
            with self.subTest(library=library.name):
                prefix = PREFIX[library.name.split(".")[0]]
                status, symbols = tree.run("nm", "--dynamic", "--defined-only", "--extern-only", library)
                self.assertEqual(status, 0, symbols)
                names = [line.split()[-1].split("@")[0] for line in symbols.splitlines()]
                names = [name for name in names if not name.startswith(FOREIGN)]
                self.assertTrue(names)
                self.assertEqual([name for name in names if not name.startswith(prefix)], [])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
