#!/usr/bin/env python3
"""Run each fuzz target for FUZZ_SECONDS (600), as many at a time as there are processors.

    fuzz.py [NAME...]     all targets, or those named

Inputs found on the way are kept in build-fuzz/corpus, findings in build-fuzz/findings. The last line
counts the targets. A finding belongs, with its fix, into tests/fuzz/corpus.
"""

import concurrent.futures
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build-fuzz"


def build():
    if not (BUILD / "build.ninja").is_file():
        subprocess.run(
            ["meson", "setup", str(BUILD), str(ROOT), "-Dfuzz=true", "-Dtests=disabled",
             "-Dexamples=false", "-Ddebug_level=1", "-Ddebug=true", "-Db_ndebug=false",
             "-Db_sanitize=address,undefined", "-Db_lundef=false",
             "-Dc_args=-fno-sanitize-recover=all"],
            env={**os.environ, "CC": "clang"}, check=True)
    subprocess.run(["meson", "compile", "-C", str(BUILD)], check=True)


def run(target, seconds):
    """Fuzz one target; return (name, passed, the log's last lines)."""
    name = target.name.removeprefix("fuzz_")
    found = BUILD / "corpus" / name
    findings = BUILD / "findings"
    found.mkdir(parents=True, exist_ok=True)
    findings.mkdir(exist_ok=True)
    command = [
        str(target), f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=2048",
        "-print_final_stats=1", f"-artifact_prefix={findings}/{name}-",
        str(found), str(ROOT / "tests/fuzz/corpus" / name)]
    dictionary = ROOT / "tests/fuzz" / f"{name}.dict"
    if dictionary.is_file():
        command.append(f"-dict={dictionary}")
    try:
        result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                text=True, errors="replace", timeout=seconds + 60, check=False)
    except subprocess.TimeoutExpired as late:
        return name, False, [f"not done 60 s after its time: {late}"]
    return name, result.returncode == 0, result.stdout.splitlines()[-60:]


def fuzz(wanted, seconds):
    """Run the targets, tell how each fared, and return [(name, passed)]."""
    targets = sorted(path for path in (BUILD / "tests/fuzz").glob("fuzz_*")
                     if path.is_file() and os.access(path, os.X_OK)
                     and (not wanted or path.name.removeprefix("fuzz_") in wanted))
    results = []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, good, log in pool.map(lambda target: run(target, seconds), targets):
            executed = [line.split()[-1] for line in log if "number_of_executed_units" in line]
            print(f"fuzz {name}: {'ok' if good else 'FAILED'}, "
                  f"{executed[0] if executed else '?'} inputs in {seconds} s", flush=True)
            if not good:
                print("\n".join(log), flush=True)
            results.append((name, good))
    return results


def main(wanted):
    build()
    results = fuzz(wanted, int(os.environ.get("FUZZ_SECONDS", "600")))
    passed = sum(good for _, good in results)
    print(f"{passed} passed, {len(results) - passed} failed")
    return passed < len(results) or passed == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
