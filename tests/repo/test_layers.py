"""Includes point downward only: engine/ from api to base, resp/ and net/ to public headers."""

import re
import unittest

import tree

# Sockets live in net/ and in the programs; so does the handling of signals. (A thread of our own
# blocks them all, so that they go to the host's.)
NETWORK = {"sys/socket.h", "sys/un.h", "netinet/in.h", "netinet/tcp.h", "arpa/inet.h", "netdb.h",
           "sys/epoll.h", "sys/event.h", "poll.h", "sys/poll.h", "sys/select.h"}
SIGNALS = re.compile(r"\b(sigaction|signal|sigwait|signalfd|kill)\s*\(")


def engine_may_include(layer, name):
    if name == "kvstore.h":
        return True
    target = name.split("/")[0]
    below = tree.ENGINE_LAYERS[:tree.ENGINE_LAYERS.index(layer) + 1]
    return target in below and (tree.ROOT / "engine" / name).is_file()


def module_may_include(module, public, name):
    own = name.removeprefix(module + "/")
    return name in public or (tree.ROOT / module / own).is_file()


class Layers(unittest.TestCase):
    def check(self, top, allowed):
        for path in tree.files(top, {".c", ".h"}):
            for name, is_local in tree.includes(path):
                with self.subTest(file=str(path), include=name):
                    if is_local:
                        self.assertTrue(allowed(path, name), f'{path} must not include "{name}"')

    def test_the_engine_includes_its_own_layer_and_those_below(self):
        for layer in tree.ENGINE_LAYERS:
            self.check(f"engine/{layer}", lambda path, name: engine_may_include(path.parts[1], name))

    def test_resp_sees_the_public_header_only(self):
        self.check("resp", lambda path, name: module_may_include("resp", {"kvstore.h"}, name))

    def test_net_sees_the_public_headers_only(self):
        self.check("net", lambda path, name: module_may_include(
            "net", {"kvstore.h", "kvresp.h"}, name))

    def test_the_examples_see_the_public_headers_only(self):
        self.check("examples", lambda path, name: module_may_include(
            "examples", {"kvstore.h", "kvresp.h", "kvnet.h"}, name))

    def test_the_engine_and_resp_open_no_socket_and_handle_no_signal(self):
        for path in tree.files("engine", {".c", ".h"}) + tree.files("resp", {".c", ".h"}):
            names = {name for name, is_local in tree.includes(path) if not is_local}
            self.assertFalse(names & NETWORK, path)
            text = tree.COMMENT.sub("", (tree.ROOT / path).read_text(encoding="utf-8"))
            self.assertIsNone(SIGNALS.search(text), path)

    def test_a_source_file_includes_its_own_header_first(self):
        for path in tree.files("engine", {".c"}) + tree.files("resp", {".c"}) + tree.files("net", {".c"}):
            if str(path) == "engine/engine.c":
                continue
            with self.subTest(file=str(path)):
                name, is_local = tree.includes(path)[0]
                self.assertTrue(is_local, f"{path} includes <{name}> before a header of its own")
                if (tree.ROOT / path.with_suffix(".h")).is_file():
                    self.assertEqual(name.split("/")[-1], path.with_suffix(".h").name)

    def test_a_header_guard_is_the_path(self):
        for path in tree.files("engine", {".h"}):
            guard = "_".join(("KV", *path.parts[1:])).upper().replace(".", "_")
            text = (tree.ROOT / path).read_text(encoding="utf-8")
            self.assertTrue(f"#ifndef {guard}\n#define {guard}\n" in text, path)


if __name__ == "__main__":
    unittest.main()
