#!/usr/bin/python3
"""bench/run.py -- runs every benchmark side by side and prints one table: what, target, measured.

    bench/run.py [--build DIR] [--only NAME,...] [--quick] [--json FILE]

Competitors run in turns, round by round, so that a slow moment of the machine hits all alike; what a
figure is says harness.py. What decides between servers is the server's CPU per request, as the load may
be slower than the server; throughput stands beside it. Needs only the standard library, redis-server for
the comparisons, and the programs built with `meson setup -Dbenchmarks=true`.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from datatypes import (section_lists, section_memory_types, section_publish, section_sets, section_typed,
                       section_types)
from harness import (BOTH_CORES, KEYS, SERVER_CORE, Failure, Report, Setup, by_name, compare, in_turns, inprocess,
                     load, machine, median, middle, running, say, start_kvstore, start_mini, start_null, start_redis)
from persistence import (section_everything_on, section_load, section_save, section_snapshot,
                         section_snapshot_memory, section_stream, section_sync)

DISK_REST = 5  # seconds


# ------------------------------------------------------------------------------- in the user's process


def section_access(setup, report):
    limits = {"get": "<= 1.25", "set": "<= 1.3", "mget16": "<= 1.25"}
    for keys in (KEYS,) if setup.quick else (KEYS, 10 * KEYS):
        lines = inprocess(setup, "access", SERVER_CORE, keys=keys, rounds=setup.rounds)
        report.samples[f"access, {keys} keys"] = lines
        ns = by_name(lines, "ns")
        size = f"{keys // KEYS} M keys"
        for operation in ("get", "set", "mget16", "get, free", "set, free"):
            ours, floor = ns["kvstore", operation], ns["floor", operation]
            report.row(f"in-process {operation} / floor, {size}", limits.get(operation, ""), ours / floor,
                       note=f"kvstore {ours:.0f} ns, floor {floor:.0f} ns")
        for operation in ("get", "set", "mget16", "get, free", "set, free"):
            if ("lmdb", operation) not in ns:
                say("   LMDB was not built in (liblmdb-dev)")
                break
            ours, theirs, grouped = (ns.get((engine, operation)) for engine in ("kvstore", "lmdb", "lmdb1000"))
            note = f"kvstore {ours:.0f} ns, LMDB {theirs:.0f} ns"
            if grouped:
                note += f"; 1000 in an LMDB transaction: {grouped:.0f} ns, {grouped / ours:.1f}×"
            report.row(f"in-process {operation} against LMDB, {size}", ">= 6", theirs / ours, note=note)


def section_threads(setup, report):
    lines = inprocess(setup, "threads", BOTH_CORES, keys=KEYS, rounds=setup.rounds)
    report.samples["threads"] = lines
    rate = by_name(lines, "per_second")
    gain = {key: rate[key, "get, threads 2"] / rate[key, "get, threads 1"] for key in ("kvstore", "floor")}
    report.row("in-process, 2 threads / 1, get", ">= 1.9", gain["kvstore"],
               note=f"the floor without locks: {gain['floor']:.2f}×")
    report.row("in-process, 2 threads / 1, set", ">= 1.9",
               rate["kvstore", "set, threads 2"] / rate["kvstore", "set, threads 1"])


def section_growth(setup, report):
    keys = (1 if setup.quick else 10) * KEYS
    result = inprocess(setup, "growth", SERVER_CORE, keys=keys)[0]
    report.samples["growth"] = result
    sizes = ", ".join(map(str, sorted(result["sizes_above_64k"]))) or "none"
    insert, clock = result["insert_ns"], result["clock_ns"]
    report.row(f"growing to {keys // KEYS} M keys: largest allocation", "", result["largest_allocation"] / 1024,
               "KiB", f"sizes above 64 KiB (directories only): {sizes}")
    report.row(f"growing to {keys // KEYS} M keys: insert p99.99", "", insert["p99.99"] / 1000, "µs",
               f"p50 {insert['p50']} ns, p99 {insert['p99']} ns, max {insert['max'] / 1000:.0f} µs; "
               f"an empty loop: p99.99 {clock['p99.99'] / 1000:.1f} µs, max {clock['max'] / 1000:.0f} µs")


def section_memory(setup, report):
    cases = {"value": ("16-byte value", "<= 56"), "deadline": ("with TTL", "<= 68"),
             "integer": ("integer value", "<= 48")}
    sizes = (1, 5) if setup.quick else (1, 2, 3, 5, 8)
    lines = {n: {line["kind"]: line for line in inprocess(setup, "memory", BOTH_CORES, keys=n * KEYS)} for n in sizes}
    report.samples["memory"] = lines
    for kind, (name, limit) in cases.items():
        others = ", ".join(f"{n} M: {lines[n][kind]['bytes_each']:.1f}" for n in sizes if n != 5)
        line = lines[5][kind]
        report.row(f"resident bytes a key, 5 M keys, {name}", limit, line["bytes_each"], "B",
                   f"{others}; at 5 M accounted {line['accounted_each']:.1f}, tables {line['tables_each']:.1f}")
    line = lines[2]["list"] if 2 in lines else inprocess(setup, "memory", BOTH_CORES, keys=2 * KEYS)[3]
    report.row("resident bytes an element, list of 2 M 16-byte elements", "<= 18.7", line["bytes_each"], "B")


def section_deadlines(setup, report):
    lines = inprocess(setup, "deadlines", BOTH_CORES, keys=KEYS, rounds=setup.rounds)
    report.samples["deadlines"] = lines
    ns, ms = by_name(lines, "ns"), by_name(lines, "ms")
    plain, with_deadline = ns["kvstore", "set"], ns["kvstore", "set ex"]
    report.row("SET with EX / SET, in-process", ">= 0.8", plain / with_deadline,
               note=f"{with_deadline:.0f} ns against {plain:.0f} ns")
    report.row("1 M keys due in one second: time of ticks", "<= 100", ms["kvstore", "tick, all due"], "ms")
    calm, busy = ns["kvstore", "get p99, calm"], ns["kvstore", "get p99, ticking"]
    report.row("p99 of concurrent GETs, ticking / calm", "<= 2", busy / calm,
               note=f"{busy:.0f} ns against {calm:.0f} ns; max {ns['kvstore', 'get max, ticking'] / 1000:.0f} µs")


# --------------------------------------------------------------------------------------- behind a socket

GET_SIZE = len("*2\r\n$3\r\nGET\r\n$16\r\n\r\n") + 16
SET_SIZE = len("*3\r\n$3\r\nSET\r\n$16\r\n\r\n$64\r\n\r\n") + 16 + 64


def section_server(setup, report):
    limits = {1: ">= 1.3", 16: ">= 2.8", 64: ">= 4.5"}
    servers = {"kvstore": start_kvstore(setup), "redis": start_redis(setup), "miniserver": start_mini(setup),
               "null get": start_null(setup, GET_SIZE, 64), "null set": start_null(setup, SET_SIZE)}
    with running(servers):
        for name in ("kvstore", "redis", "miniserver"):
            load(setup, servers[name], "set", "--fill", KEYS, "--requests", 0)
        for pipeline, limit in limits.items():
            for test in ("get", "set"):
                names = ["kvstore", "redis", "miniserver", "null " + test]
                results = in_turns(setup.rounds, names,
                                   lambda name: load(setup, servers[name], test, pipeline=pipeline))
                client = middle(results["null " + test], "client_cpu_us")
                compare(report, f"{test.upper()}, P={pipeline}, 1 M keys, against redis-server", limit, results,
                        note=f"; the load itself {client:.3f} µs")


def section_commands(setup, report):
    """Other commands at P=16. Each run starts from an empty server and does its own filling."""
    listed = ("--requests", 2 * KEYS, "--warmup", 0)
    cases = [
        ("LPUSH, one list", "lpush1", ">= 1.7", listed),
        ("LPUSH, 1 M lists", "lpush", ">= 1.7", ("--fill", KEYS, *listed)),
        ("RPOP, one list", "rpop1", ">= 1.7", ("--fill", 2 * KEYS, *listed)),
        ("RPOP, 1 M lists", "rpop", ">= 1.7", ("--fill", 4 * KEYS, *listed)),
        ("INCR, one key", "incr1", ">= 1.7", ()),
        ("INCR, 1 M keys", "incr", ">= 1.7", ("--fill", KEYS)),
        ("MSET of 10, 1 M keys", "mset10", ">= 3.5", ("--fill", KEYS)),
        ("MGET of 10, 1 M keys", "mget10", "", ("--fill", KEYS)),
        ("LRANGE 100", "lrange100", ">= 2.5", ("--fill", 1000)),
    ]
    servers = {"kvstore": start_kvstore(setup), "redis": start_redis(setup)}
    with running(servers):
        for what, test, limit, arguments in cases:
            results = in_turns(setup.rounds, list(servers), lambda name: load(
                setup, servers[name], test, "--flush", *arguments, nils=test == "rpop"))
            compare(report, what + ", P=16", limit, results)


def section_io_threads(setup, report):
    """Two server threads against one, nothing pinned: both share both cores with the load."""
    servers = {"1": start_kvstore(setup, cores=BOTH_CORES), "2": start_kvstore(setup, threads=2, cores=BOTH_CORES)}
    with running(servers):
        for server in servers.values():
            load(setup, server, "set", "--fill", KEYS, "--requests", 0)
        for test in ("get", "set"):
            for pipeline in (1, 16):
                results = in_turns(setup.rounds, list(servers), lambda name: load(
                    setup, servers[name], test, pipeline=pipeline, cores=BOTH_CORES))
                cpu = {name: middle(runs, "server_cpu_us") for name, runs in results.items()}
                rate = {name: middle(runs, "per_second") for name, runs in results.items()}
                what = f"{test.upper()}, P={pipeline}, two server threads / one"
                report.samples[what] = results
                report.row(what + ": CPU a request", "<= 1.15", cpu["2"] / cpu["1"],
                           note=f"{cpu['2']:.3f} against {cpu['1']:.3f} µs; "
                                f"{rate['2'] / rate['1']:.2f}× throughput, {rate['2']:,.0f}/s")


def section_unix(setup, report):
    """One client on a unix socket: what a program pays that asks a server instead of its own memory."""
    servers = {"kvstore": start_kvstore(setup), "redis": start_redis(setup)}
    with running(servers):
        for server in servers.values():
            load(setup, server, "set", "--fill", KEYS, "--requests", 0)
        for test in ("get", "set"):
            for pipeline in (1, 16):
                results = in_turns(setup.rounds, list(servers), lambda name: load(
                    setup, servers[name], test, "--connections", 1, pipeline=pipeline, unix=True))
                us = {name: 1e6 / middle(runs, "per_second") for name, runs in results.items()}
                what = f"{test.upper()}, one client on a unix socket, P={pipeline}"
                report.samples[what] = results
                report.row(what, "", us["kvstore"], "µs", f"redis-server {us['redis']:.2f} µs")


# ---------------------------------------------------------------------------------- the append-only file


def section_aof(setup, report):
    everysec = {"kvstore": start_kvstore(setup, aof="everysec"), "redis": start_redis(setup, aof="everysec")}
    always = {"kvstore": start_kvstore(setup, aof="always"), "redis": start_redis(setup, aof="always")}
    without = {"without": start_kvstore(setup)}

    def run(server):
        os.sync()  # what the last run left to be written is not this run's debt,
        time.sleep(DISK_REST)  # nor is what it took of the allowance that a virtual disk may have
        return load(setup, server, "set")

    with running(everysec), running(always), running(without):
        for server in (*everysec.values(), *always.values(), *without.values()):
            load(setup, server, "set", "--fill", KEYS, "--requests", 0)
        servers = {**everysec, **without}
        results = in_turns(setup.rounds, list(servers), lambda name: run(servers[name]))
        calm = middle(results.pop("without"), "per_second")
        compare(report, "SET, P=16, appendfsync everysec", ">= 2.5", results, by="per_second")
        kept = middle(results["kvstore"], "per_second")
        report.row("SET, P=16, everysec / no append-only file", ">= 0.7", kept / calm,
                   note=f"{kept:,.0f} against {calm:,.0f}/s")
        results = in_turns(setup.rounds, list(always), lambda name: run(always[name]))
        compare(report, "SET, P=16, appendfsync always", ">= 1.5", results, by="per_second")


# ------------------------------------------------------------------------------------------------ running

SECTIONS = {
    "access": section_access, "threads": section_threads, "server": section_server,
    "commands": section_commands, "io-threads": section_io_threads, "unix": section_unix, "aof": section_aof,
    "memory": section_memory, "growth": section_growth, "deadlines": section_deadlines,
    "memory-types": section_memory_types, "types": section_types, "lists": section_lists, "sets": section_sets,
    "publish": section_publish, "typed": section_typed, "snapshot": section_snapshot,
    "snapshot-memory": section_snapshot_memory, "save": section_save, "load": section_load, "sync": section_sync,
    "stream": section_stream, "everything-on": section_everything_on,
}
NEED_REDIS = ("server", "commands", "unix", "aof", "memory-types", "types", "lists", "sets", "publish", "typed",
              "snapshot", "snapshot-memory", "save", "load", "sync", "stream", "everything-on")


def parse_options():
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    parser = argparse.ArgumentParser(description="runs the benchmarks side by side and prints a table")
    parser.add_argument("--build", default=os.path.join(root, "build"), help="build directory")
    parser.add_argument("--only", default=",".join(SECTIONS), help="sections, of: " + " ".join(SECTIONS))
    parser.add_argument("--quick", action="store_true", help="shorter and fewer rounds, smaller sizes")
    parser.add_argument("--json", default="", help="where all samples go (default: BUILD/bench.json)")
    parser.add_argument("--scratch", default=None, help="where servers keep their files (a real disk)")
    options = parser.parse_args()
    unknown = set(options.only.split(",")) - set(SECTIONS)
    if unknown:
        parser.error("no section called " + ", ".join(sorted(unknown)))
    return options


def main():
    options = parse_options()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # ends its servers, too
    setup, report = Setup(options), Report()
    wanted = [name for name in SECTIONS if name in options.only.split(",")]
    if not shutil.which("redis-server"):
        say("redis-server is not installed (apt-get install redis-server): left out " + ", ".join(NEED_REDIS))
        wanted = [name for name in wanted if name not in NEED_REDIS]
    failures = []
    try:
        subprocess.run([setup.program("bench/selftest")], check=True, stdout=subprocess.DEVNULL)
        for name in wanted:
            say(f"-- {name}")
            try:
                SECTIONS[name](setup, report)
            except Failure as failure:
                say(f"   {name} failed: {failure}")
                failures.append(name)
    finally:
        shutil.rmtree(setup.directory, ignore_errors=True)
        with open(options.json or os.path.join(options.build, "bench.json"), "w") as file:
            json.dump({"machine": machine(), "rows": report.rows, "samples": report.samples}, file, indent=1)
        print(f"{machine()}; medians of {setup.rounds} interleaved rounds\n\n{report.markdown()}")
    if failures:
        raise SystemExit("sections that failed: " + ", ".join(failures))


if __name__ == "__main__":
    main()
