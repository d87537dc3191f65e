"""The tree is tidy: nothing of one machine in it, every fuzz target has its inputs, scripts run."""

import os
import re
import unittest

import tree

# Spelled apart, so that this file does not find itself.
MACHINE = re.compile("|".join("/" + name + "/" for name in ("root", "work", "home")))
REGISTRIES = re.compile("|".join(re.escape(".".join(words)) for words in (
    ("pypi", "org"), ("npmjs", "com"), ("deb", "debian"), ("proxy", "golang"), ("crates", "io"))))


def texts():
    for path in tree.files():
        if "corpus" in path.parts:
            continue
        yield path, (tree.ROOT / path).read_text(encoding="utf-8")


class Tree(unittest.TestCase):
    def test_no_path_of_a_machine_and_no_registry(self):
        for path, text in texts():
            for pattern in (MACHINE, REGISTRIES):
                found = pattern.search(text)
                self.assertIsNone(found, f"{path}: {found}")

    def test_text_ends_with_a_newline_and_no_line_with_a_blank(self):
        for path, text in texts():
            self.assertTrue(text == "" or text.endswith("\n"), path)
            self.assertFalse(re.search(r"[ \t]$", text, re.MULTILINE), path)
            if path.suffix in {".c", ".h", ".py"}:
                self.assertFalse("\t" in text, path)

    def test_every_fuzz_target_has_inputs_and_is_built(self):
        build = (tree.ROOT / "tests/fuzz/meson.build").read_text()
        table = re.search(r"fuzz_targets = \{(.*?)\}", build, re.DOTALL).group(1)
        built = set(re.findall(r"'(\w+)':", table))
        targets = {path.stem.removeprefix("fuzz_") for path in tree.files("tests/fuzz", {".c"})
                   if path.name.startswith("fuzz_")}
        self.assertEqual(built, targets)
        for name in targets:
            corpus = tree.ROOT / "tests/fuzz/corpus" / name
            self.assertTrue(corpus.is_dir() and any(corpus.iterdir()), f"{name} has no corpus")

    def test_every_test_is_built(self):
        for suite in ("engine", "api", "resp", "net"):
            build = (tree.ROOT / "tests" / suite / "meson.build").read_text()
            built = set(re.findall(r"^  '(\w+)'", build, re.MULTILINE))
            tests = {path.stem for path in tree.files(f"tests/{suite}", {".c"})
                     if path.name.startswith("test_")}
            self.assertEqual(built, tests, suite)

    def test_there_is_one_version(self):
        for name, words in (("kvstore.h", r'KV_VERSION_TEXT +"{}"'), ("CHANGELOG.md", "^## {} "),
                            ("man/kvstore-server.1", '"kvstore {}"'),
                            ("man/kvstore-cli.1", '"kvstore {}"'),
                            ("man/kvstore-check.1", '"kvstore {}"')):
            pattern = words.format(re.escape(tree.version()))
            text = (tree.ROOT / name).read_text(encoding="utf-8")
            self.assertTrue(re.search(pattern, text, re.MULTILINE), f"{name} lacks {pattern}")

    def test_a_script_with_a_first_line_for_the_system_may_run(self):
        for path, text in texts():
            if text.startswith("#!"):
                self.assertTrue(os.access(tree.ROOT / path, os.X_OK), path)


if __name__ == "__main__":
    unittest.main()
