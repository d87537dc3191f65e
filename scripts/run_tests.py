#!/usr/bin/env python3
"""Run every test, stage by stage, and end with one line: N passed, N failed.

    run_tests.py             release build, sanitizer builds, a short fuzzing run
    run_tests.py --soak      the randomised tests at full length (KVSTORE_TEST_FULL=1), release build
    run_tests.py STAGE...    only these stages: release, asan, tsan, fuzz

Check reports case by case, so its cases are counted singly; any other program counts as one test.
Each stage has a bound on its time. What it cuts short counts as a failure, never as a pass.
"""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import fuzz

ROOT = pathlib.Path(__file__).resolve().parent.parent

# name -> (meson setup options, suites or all, factor on each test's own time limit, seconds in all)
STAGES = {
    "release": (["-Dtests=enabled"], [], 1, 9 * 60),
    "asan": (
        ["-Dtests=enabled", "-Ddebug=true", "-Ddebug_level=1", "-Db_ndebug=false",
         "-Db_sanitize=address,undefined",
         "-Dc_args=-fno-sanitize-recover=all"],
        ["engine", "api", "resp", "net", "fuzz", "examples"], 5, 9 * 60),
    "tsan": (
        ["-Dtests=enabled", "-Ddebug=true", "-Ddebug_level=1", "-Db_ndebug=false",
         "-Db_sanitize=thread"],
        ["api", "resp", "net", "examples"], 8, 7 * 60),
}
SOAK_SECONDS = 24 * 3600
FUZZ_SECONDS = 10       # a target, one target a processor


class Count:
    def __init__(self):
        self.passed = 0
        self.failed = 0
        self.skipped = []
        self.failures = []

    def fail(self, what):
        self.failed += 1
        self.failures.append(what)


def run(command, seconds, environment=None):
    """Run a command with its children in a group of its own; return its exit status, None if late."""
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **(environment or {})},
                               start_new_session=True)
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        for sign in (signal.SIGTERM, signal.SIGKILL):
            os.killpg(process.pid, sign)
            try:
                process.wait(10)
                break
            except subprocess.TimeoutExpired:
                pass
        return None


def setup(directory, options):
    if (ROOT / directory / "build.ninja").is_file():
        return run(["meson", "configure", directory, *options], 300) == 0
    return run(["meson", "setup", directory, *options], 300) == 0


def count_log(directory, stage, count):
    """Add up meson's log: a line of JSON for each finished test program."""
    log = ROOT / directory / "meson-logs" / "testlog.json"
    tests = [json.loads(line) for line in log.read_text().splitlines()] if log.is_file() else []
    for test in tests:
        name = f"{stage}: {test['name']}"
        cases = re.findall(r"^(not )?ok\b(.*)$", test.get("stdout", ""), re.MULTILINE)
        good = test["result"] in ("OK", "EXPECTEDFAIL")
        if test["result"] == "SKIP":
            count.skipped.append(name)
        elif not cases:
            if good:
                count.passed += 1
            else:
                count.fail(f"{name} ({test['result']})")
        else:
            count.passed += sum(not bad for bad, _ in cases)
            failed = [text.strip() for bad, text in cases if bad]
            for text in failed:
                count.fail(f"{name} {text}")
            if not good and not failed:
                count.fail(f"{name} ({test['result']})")
    return len(tests)


def test_stage(stage, count, soak=False):
    options, suites, factor, seconds = STAGES[stage]
    directory = "build" if stage == "release" else f"build-{stage}"
    environment = {
        # A report must end the test, and name its lines.
        "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
        "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
    }
    if soak:
        environment["KVSTORE_TEST_FULL"] = "1"
        suites, factor, seconds = ["api", "net", "resp", "integration"], 600, SOAK_SECONDS

    if not setup(directory, options):
        count.fail(f"{stage}: meson setup")
        return
    if run(["meson", "compile", "-C", directory], 15 * 60) != 0:
        count.fail(f"{stage}: build")
        return

    (ROOT / directory / "meson-logs" / "testlog.json").unlink(missing_ok=True)
    command = ["meson", "test", "-C", directory, "--no-rebuild", "--print-errorlogs",
               "--timeout-multiplier", str(factor)]
    for suite in suites:
        command += ["--suite", suite]
    status = run(command, seconds, environment)
    ran = count_log(directory, stage, count)
    if status is None:
        count.fail(f"{stage}: not done after {seconds} s")
    elif ran == 0:
        count.fail(f"{stage}: no test ran")


def fuzz_stage(count):
    try:
        fuzz.build()
    except subprocess.CalledProcessError:
        count.fail("fuzz: build")
        return
    results = fuzz.fuzz([], FUZZ_SECONDS)
    if not results:
        count.fail("fuzz: no target ran")
    for name, good in results:
        if good:
            count.passed += 1
        else:
            count.fail(f"fuzz: {name}")


def main(arguments):
    soak = "--soak" in arguments
    wanted = [name for name in arguments if not name.startswith("-")]
    for name in wanted:
        if name not in STAGES and name != "fuzz":
            sys.exit(f"run_tests: no such stage: {name}")
    stages = ["release"] if soak else wanted or [*STAGES, "fuzz"]

    count = Count()
    for stage in stages:
        started = time.monotonic()
        print(f"\n== {stage}", flush=True)
        if stage == "fuzz":
            fuzz_stage(count)
        else:
            test_stage(stage, count, soak)
        print(f"== {stage}: {time.monotonic() - started:.0f} s", flush=True)

    print()
    for name in count.skipped:
        print(f"skipped  {name}")
    for name in count.failures:
        print(f"FAILED   {name}")
    print(f"{count.passed} passed, {count.failed} failed")
    return count.failed > 0 or count.passed == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
