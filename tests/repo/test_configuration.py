"""docs/configuration.md names every parameter that does nothing here, and none that works."""

import fnmatch
import re
import unittest

import tree

NAMES = r'(?:_WORD|_RANGE)?\(\s*"([a-z_-]+)"|%s_ALIAS\(\s*"([a-z_-]+)",\s*"([a-z_-]+)"'


def text(name):
    return (tree.ROOT / name).read_text(encoding="utf-8")


class Configuration(unittest.TestCase):
    def check(self, macro, section):
        found = re.findall(macro + NAMES % macro, text("resp/config_table.c"))
        names = {name for names in found for name in names if name} - {"name"}
        self.assertGreater(len(names), 20)
        words = text("docs/configuration.md").partition("\n## " + section)[2].partition("\n## ")[0]
        patterns = set(re.findall(r"`([a-z_*-]+)`", words))
        for name in sorted(names):
            with self.subTest(parameter=name):
                self.assertTrue(any(fnmatch.fnmatch(name, pattern) for pattern in patterns),
                                f"{section} in docs/configuration.md do not name {name}")
        for pattern in sorted(patterns - {"save", "kvstore-server"}):
            with self.subTest(pattern=pattern):
                self.assertTrue(fnmatch.filter(names, pattern),
                                f"{pattern} of docs/configuration.md is none of the {section}")

    def test_it_names_the_hints(self):
        self.check("HINT", "Hints")

    def test_it_names_the_stand_ins(self):
        self.check("STAND_IN", "Stand-ins")


if __name__ == "__main__":
    unittest.main()
