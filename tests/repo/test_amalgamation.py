"""kvstore.c is engine/, neither more nor less."""

import re
import sys
import unittest

import tree

sys.path.insert(0, str(tree.ROOT / "scripts"))
import amalgamate  # noqa: E402  (it is found by the line above)


class Amalgamation(unittest.TestCase):
    def test_kvstore_c_is_in_step_with_the_engine(self):
        shipped = (tree.ROOT / "kvstore.c").read_bytes()
        self.assertTrue(shipped == amalgamate.amalgamation().encode("utf-8"),
                        "kvstore.c is out of step; run: meson compile -C build amalgamate")

    def test_the_spine_and_the_build_name_every_source_file(self):
        sources = {str(path.relative_to("engine")) for path in tree.files("engine", {".c"})}
        sources.remove("engine.c")
        spine = {name for name, _ in tree.includes("engine/engine.c") if name.endswith(".c")}
        self.assertEqual(spine, sources, "engine/engine.c")
        built = re.findall(r"'([^']+\.c)'", (tree.ROOT / "engine/meson.build").read_text())
        self.assertEqual(set(built), sources, "engine/meson.build")

    def test_the_spine_goes_upward(self):
        layers = [tree.ENGINE_LAYERS.index(name.split("/")[0])
                  for name, _ in tree.includes("engine/engine.c") if name.endswith(".c")]
        self.assertEqual(layers, sorted(layers))


if __name__ == "__main__":
    unittest.main()
