"""What is installed can be found, compiled and linked by pkg-config. Argument: the build directory."""

import os
import pathlib
import sys
import tempfile
import unittest

import tree

PROGRAMS = {
    "kvstore": """
#include <kvstore.h>
int main(void)
{
    kv *db;
    if (kv_open(NULL, &db) != KV_OK) return 1;
    kv_close(db);
    return 0;
}
""",
    "kvstore-resp": """
#include <kvresp.h>
int main(void)
{
    kv *db;
    kvresp *resp;
    if (kv_open(NULL, &db) != KV_OK) return 1;
    if (kvresp_open(db, NULL, &resp) != KV_OK) return 1;
    kvresp_close(resp);
    kv_close(db);
    return 0;
}
""",
    "kvstore-net": """
#include <kvnet.h>
int main(void)
{
    kv *db;
    kvresp *resp;
    kvnet *server;
    char message[256];
    if (kv_open(NULL, &db) != KV_OK) return 1;
    if (kvresp_open(db, NULL, &resp) != KV_OK) return 1;
    kvnet_options options = KV_OPTIONS(kvnet_options);
    if (kvnet_start(resp, &options, &server, message) != KV_OK) return 1;
    if (kvnet_port(server) <= 0) return 1;
    kvnet_stop(server, 0);
    kvresp_close(resp);
    kv_close(db);
    return 0;
}
""",
}

build = sys.argv[1]


class Install(unittest.TestCase):
    def words(self, *command, **options):
        status, output = tree.run(*command, **options)
        self.assertEqual(status, 0, f"{' '.join(map(str, command))}\n{output}")
        return output.split()

    def test_each_library_is_one_pkg_config_away(self):
        with tempfile.TemporaryDirectory() as name:
            at = pathlib.Path(name)
            self.words("meson", "install", "-C", build, "--no-rebuild", "--destdir", at)
            descriptions = next(at.rglob("pkgconfig"))
            environment = {**os.environ, "PKG_CONFIG_PATH": str(descriptions),
                           "PKG_CONFIG_SYSROOT_DIR": name,
                           "LD_LIBRARY_PATH": str(descriptions.parent)}
            for library, text in PROGRAMS.items():
                source = at / "app.c"
                source.write_text(text, encoding="utf-8")
                for static in ([], ["--static"]):
                    with self.subTest(library=library, static=bool(static)):
                        flags = self.words("pkg-config", "--cflags", "--libs", *static, library,
                                           env=environment)
                        if static:
                            # Ours; libmicrohttpd is of those that few systems have all of as archives.
                            shared = ["-Wl,-Bdynamic", "-lmicrohttpd", "-Wl,-Bstatic"]
                            flags = [word for flag in flags for word in
                                     (shared if flag == "-lmicrohttpd" else [flag])]
                            flags = ["-Wl,-Bstatic", *flags, "-Wl,-Bdynamic"]
                        self.words("cc", "-std=c11", source, *flags, "-o", at / "app")
                        self.words(at / "app", env=environment)

    def test_the_programs_and_their_manuals_are_installed(self):
        with tempfile.TemporaryDirectory() as name:
            at = pathlib.Path(name)
            self.words("meson", "install", "-C", build, "--no-rebuild", "--destdir", at)
            for program in ("kvstore-server", "kvstore-cli", "kvstore-check"):
                self.assertTrue(list(at.rglob(f"bin/{program}")), program)
                self.assertTrue(list(at.rglob(f"man1/{program}.1*")), program)
                said = self.words(next(at.rglob(f"bin/{program}")), "--version")
                self.assertIn(tree.version(), " ".join(said))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
