"""docs/differences.md names every parameter that is only accepted, and none that works."""

import fnmatch
import re
import unittest

import tree

HINT = re.compile(r'^\s*HINT(?:_WORD)?\("([a-z_-]+)"', re.MULTILINE)
STAND_IN = re.compile(r'STAND_IN(?:_WORD|_ALIAS)?\("([a-z_-]+)"')
REAL = re.compile(r'^\s*\{(?:\.name = )?"([a-z_-]+)"', re.MULTILINE)
# Where parameters are that take the place of a stand-in of the same name.
OWNERS = ("net/parameters.c", "resp/aof_attach.c", "examples/kvstore-server/options.c")


def text(name):
    return (tree.ROOT / name).read_text(encoding="utf-8")


class Differences(unittest.TestCase):
    def setUp(self):
        section = text("docs/differences.md").partition("## Parameters")[2]
        self.hints, _, self.stand_ins = section.partition("Accepted with their default value only")
        self.table = text("resp/config_table.c")
        self.real = {name for owner in OWNERS for name in REAL.findall(text(owner))}

    def check(self, names, words):
        names = {name for name in names if name not in self.real}
        self.assertTrue(names)
        patterns = set(re.findall(r"`([^`]+)`", words))
        for name in sorted(names):
            with self.subTest(parameter=name):
                self.assertTrue(any(fnmatch.fnmatch(name, pattern) for pattern in patterns),
                                f"docs/differences.md does not name {name}")
        for pattern in sorted(patterns - {"save", "appendfsync"}):
            with self.subTest(pattern=pattern):
                self.assertTrue(fnmatch.filter(names, pattern),
                                f"{pattern} of docs/differences.md is no such parameter")

    def test_it_names_what_is_kept_without_effect(self):
        self.check(HINT.findall(self.table), self.hints)

    def test_it_names_what_is_accepted_with_its_default_only(self):
        self.check(STAND_IN.findall(self.table), self.stand_ins)


if __name__ == "__main__":
    unittest.main()
