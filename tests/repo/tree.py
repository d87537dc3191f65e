"""What the checks of the tree have in common: where it is, its files, its includes, its compilers."""

import os
import pathlib
import re
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
ENGINE_LAYERS = ("base", "structures", "values", "rdb", "keyspace", "api")
PUBLIC_HEADERS = ("kvstore.h", "resp/kvresp.h", "net/kvnet.h")

# Present in a checkout, not of it.
FOREIGN = re.compile(r"^(\.git|build[^/]*|data|subprojects/(check-[^/]*|packagecache))$")
INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)


def files(top=".", suffixes=None):
    """All files of the tree below `top`, as paths relative to its root."""
    found = []
    for directory, names, leaves in os.walk(ROOT / top):
        here = pathlib.Path(directory).relative_to(ROOT)
        names[:] = sorted(name for name in names
                          if name != "__pycache__" and not FOREIGN.match(str(here / name)))
        found += [here / name for name in sorted(leaves) if not FOREIGN.match(str(here / name))]
    return [path for path in found if suffixes is None or path.suffix in suffixes]


def includes(path):
    """The includes of a file in order, as (name, is_local)."""
    text = COMMENT.sub("", (ROOT / path).read_text(encoding="utf-8"))
    return [(local or system, bool(local)) for local, system in INCLUDE.findall(text)]


def compilers(*names):
    """Those of the named compilers that are installed."""
    return [name for name in names if shutil.which(name)]


def run(*command, **options):
    """Run a command at the root of the tree; return its status and all it said."""
    result = subprocess.run([str(word) for word in command], cwd=ROOT, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, check=False, **options)
    return result.returncode, result.stdout


def version():
    """The version that meson.build gives to the project."""
    return re.search(r"version: '([0-9.]+)'", (ROOT / "meson.build").read_text()).group(1)
