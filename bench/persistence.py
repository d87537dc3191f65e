"""bench/persistence.py -- the sections about snapshots, files on disk and replication.

Both servers may use both cores here: what they do beside their clients' commands is part of the figure.
Only where writes are measured with everything on the server has a core for itself, as for other writes.
Keys and values are of 16 bytes.
"""

import contextlib
import os
import random
import shutil
import subprocess
import tempfile
import time

from harness import (BOTH_CORES, KEYS, LOAD_CORE, SERVER_CORE, START, Failure, in_turns, inprocess, load, median,
                     middle, number, on_cores, printed, running)

RATE = 10_000        # requests a second, where latency is measured
DISK_REST = 3        # seconds: what a virtual disk may need to allow as much again
SAMPLE = 0.03        # seconds between two looks at the memory
PIPELINE = 64
POLL = 0.002
PHASES = ("calm", "crowded", "busy")


def many(setup, quick=KEYS // 5):
    return quick if setup.quick else 5 * KEYS


def text_of(count):
    return f"{count // KEYS} M" if count >= KEYS else f"{count // 1000} k"


def start(setup, name, **options):
    return START[name](setup, cores=BOTH_CORES, **options)


def fill(setup, server, count):
    load(setup, server, "set", "--keys", count, "--value-size", 16, "--fill", count, "--requests", 0,
         cores=BOTH_CORES)


def rest():
    """What was written before is not the debt of what comes now."""
    os.sync()
    time.sleep(DISK_REST)


def until(condition, what, limit=600):
    """Seconds until the condition holds."""
    started = time.monotonic()
    while not condition():
        if time.monotonic() - started > limit:
            raise Failure(f"{what} took more than {limit} s")
        time.sleep(POLL)
    return time.monotonic() - started


@contextlib.contextmanager
def filled(setup, count, **options):
    """One server of each kind, with the same keys."""
    with running({name: start(setup, name, **options) for name in START}) as servers:
        for server in servers.values():
            fill(setup, server, count)
        yield servers


# ----------------------------------------------------------------------------- latency beside a snapshot


def quantiles(rounds, phase, operation):
    """The latencies of a phase in microseconds; each is the median of the rounds."""
    names = ("p50", "p99", "p99.9", "p99.99", "max")
    return {name: middle([turn[phase][operation] for turn in rounds], name) / 1000 for name in names}


def above(rounds, phase, operation):
    """How many of a million calls took more than a millisecond."""
    samples = [turn[phase][operation] for turn in rounds]
    return 1e6 * sum(sample["above 1 ms"] for sample in samples) / sum(sample["count"] for sample in samples)


def text_of_quantiles(rounds, phase, operation):
    values = quantiles(rounds, phase, operation)
    return (f"{phase} " + ", ".join(f"{name} {number(value)}" for name, value in values.items())
            + f" µs, above 1 ms {number(above(rounds, phase, operation))} of a million")


def rows_of_latency(report, what, rounds, note=""):
    """p99.99 against the calm time, and by how much the longest exceeds the longest without a snapshot."""
    for operation in ("GET", "SET"):
        calm, crowded, busy = (quantiles(rounds, phase, operation) for phase in PHASES)
        texts = "; ".join(text_of_quantiles(rounds, phase, operation) for phase in PHASES)
        report.row(f"{operation} {what}: p99.99 / calm", "<= 2", busy["p99.99"] / calm["p99.99"], note=texts)
        report.row(f"{operation} {what}: longest, beyond the longest of the calm and the crowded time", "<= 1",
                   max(0, busy["max"] - max(calm["max"], crowded["max"])) / 1000, "ms", note=note_of(note, operation))


def note_of(note, operation):
    return note(operation) if callable(note) else note


def section_snapshot(setup, report):
    count = many(setup)
    calm = 0.5 if setup.quick else 2.0
    what = f"while a snapshot of {text_of(count)} keys is taken"

    rounds = inprocess(setup, os.path.join(setup.directory, "snapshot.rdb"), BOTH_CORES, program="snapshot",
                       keys=count, rounds=setup.rounds, **{"calm-ms": int(1000 * calm)})
    report.samples["latency, in-process, " + what] = rounds
    seconds = median([turn["seconds"] for turn in rounds])
    rows_of_latency(report, f"in-process {what}", rounds, f"{number(count / seconds)} keys/s beside a thread that "
                    "gets and sets without a rest")

    def measure(server):
        argv = [setup.program("bench/latency"), "--unix", server.unix, "--keys", str(count), "--rate", str(RATE),
                "--rounds", "1", "--calm", str(calm)]
        return printed(argv, BOTH_CORES)[0]

    with filled(setup, count) as servers:
        results = in_turns(setup.rounds, list(servers), lambda name: measure(servers[name]))
    report.samples["latency, servers, " + what] = results
    rows_of_latency(report, f"of a server {what}", results["kvstore"],
                    lambda operation: "redis-server: "
                    + "; ".join(text_of_quantiles(results["redis"], phase, operation) for phase in PHASES))


def section_snapshot_memory(setup, report):
    """Resident memory while two clients overwrite keys in pipelines, as fast as the server takes it."""
    count = many(setup, KEYS)  # with less, what is there anyway would be most of it
    cases = [("BGSAVE", ("rdb_saves", "rdb_bgsave_in_progress"), None),
             ("BGREWRITEAOF", ("aof_rewrites", "aof_rewrite_in_progress"), "everysec")]
    for command, fields, aof in cases:
        with filled(setup, count, aof=aof) as servers:
            results = in_turns(min(setup.rounds, 3), list(servers),
                               lambda name: growth_beside(setup, servers[name], count, command, fields))
        report.samples[f"memory, {command}"] = results
        growth = {name: median([turn["growth"] for turn in turns]) for name, turns in results.items()}
        texts = (f"{name} {middle(turns, 'calm') / 2**20:.0f} MiB, +{growth[name]:.1f}%, "
                 f"{number(middle(turns, 'seconds'))} s" for name, turns in results.items())
        report.row(f"{command} of {text_of(count)} keys under full write load: resident memory at the peak", "<= 10",
                   growth["kvstore"], "%", "; ".join(texts))


def growth_beside(setup, server, count, command, fields):
    """By how much the resident memory grows while the command works under load."""
    begun, in_progress = fields

    def is_done(info):
        return info[begun] != before[begun] and info[in_progress] == "0"

    with writing(setup, server, count):
        time.sleep(2)
        before = server.info("persistence")
        calm = peak = median([resident_bytes(server) for _ in range(5)])
        started = time.monotonic()
        server.must(command)
        while not is_done(server.info("persistence")):
            peak = max(peak, resident_bytes(server))
            time.sleep(SAMPLE)
        seconds = time.monotonic() - started
    return {"calm": calm, "peak": peak, "growth": 100 * (peak - calm) / calm, "seconds": seconds}


@contextlib.contextmanager
def writing(setup, server, count):
    """Two connections that send SETs of keys that exist in pipelines, until the end."""
    argv = [setup.program("bench/loadgen"), "--unix", server.unix, "--test", "set", "--keys", str(count),
            "--value-size", "16", "--connections", "2", "--pipeline", str(PIPELINE), "--seconds", "3600"]
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               preexec_fn=on_cores(BOTH_CORES))
    try:
        yield
        if process.poll() is not None:
            raise Failure(f"{server.name}: the load ended early")
    finally:
        process.kill()
        process.wait()


def resident_bytes(server):
    """Of the process and its children; pages that they share count once."""
    def of(pid):
        with open(f"/proc/{pid}/smaps_rollup") as smaps:
            return sum(1024 * int(line.split()[1]) for line in smaps if line.startswith("Pss:"))

    pid, total = server.process.pid, 0
    with open(f"/proc/{pid}/task/{pid}/children") as children:
        for child in children.read().split():
            with contextlib.suppress(OSError):  # it may end at any moment
                total += of(child)
    return total + of(pid)


# ------------------------------------------------------------------------------------------ files on disk


def section_save(setup, report):
    count = many(setup)

    def save(server):
        rest()
        started = time.monotonic()
        server.must("SAVE")
        return count / (time.monotonic() - started)

    with filled(setup, count) as servers:
        results = in_turns(setup.rounds, list(servers), lambda name: save(servers[name]))
    row_of_rates(report, f"SAVE of {text_of(count)} keys", ">= 1.5", results)


def row_of_rates(report, what, limit, results, unit="keys/s"):
    rate = {name: median(values) for name, values in results.items()}
    report.samples[what] = results
    report.row(what, limit, rate["kvstore"] / rate["redis"],
               note=", ".join(f"{name} {rate[name]:,.0f} {unit}" for name in results))


def write_manifest(directory, *lines):
    os.makedirs(os.path.join(directory, "appendonlydir"))
    with open(os.path.join(directory, "appendonlydir", "appendonly.aof.manifest"), "w") as manifest:
        manifest.writelines(line + "\n" for line in lines)
    return os.path.join(directory, "appendonlydir", "appendonly.aof.1.")


def write_commands(directory, count, value_size):
    """An append-only file without a base: `count` SETs of different keys, in an order of chance."""
    path = write_manifest(directory, "file appendonly.aof.1.incr.aof seq 1 type i")
    numbers = list(range(count))
    random.Random(1).shuffle(numbers)
    one = b"*3\r\n$3\r\nSET\r\n$16\r\nkey:%%012d\r\n$%d\r\n%%0%dd\r\n" % (value_size, value_size)
    with open(path + "incr.aof", "wb") as log:
        log.write(b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n")
        for first in range(0, count, 10000):
            log.write(b"".join(one % (n, n + 10 ** (value_size - 1)) for n in numbers[first:first + 10000]))


def write_preamble(directory, rdb):
    """An append-only file as a rewrite leaves it: a base in the form of an RDB file, and nothing after it."""
    path = write_manifest(directory, "file appendonly.aof.1.base.rdb seq 1 type b",
                          "file appendonly.aof.1.incr.aof seq 1 type i")
    shutil.copyfile(rdb, path + "base.rdb")
    open(path + "incr.aof", "wb").close()


def write_rdb(setup, name, count):
    """The RDB file that a server of this kind writes; its path."""
    path = tempfile.mkdtemp(prefix="rdb-", dir=setup.directory)
    with running({name: start(setup, name)}) as servers:
        fill(setup, servers[name], count)
        servers[name].must("SAVE")
        shutil.move(os.path.join(servers[name].directory, "dump.rdb"), path)
    return os.path.join(path, "dump.rdb")


def loading(setup, name, original, count, aof):
    """Keys a second, from the start of the process on a copy of the directory to the first PONG."""
    directory = tempfile.mkdtemp(prefix="load-", dir=setup.directory)
    shutil.copytree(original, directory, dirs_exist_ok=True)
    os.sync()
    server = start(setup, name, aof=aof, directory=directory)
    try:
        seconds = server.wait_ready()
        if server.ask("DBSIZE") != f":{count}":
            raise Failure(f"{name} loaded {server.ask('DBSIZE')} keys instead of {count}")
        return count / seconds
    finally:
        server.stop()


def section_load(setup, report):
    count = many(setup)
    folder = {name: tempfile.mkdtemp(prefix="original-", dir=setup.directory)
              for name in ("rdb", "own", "preamble", "commands", "long")}
    theirs, ours = (write_rdb(setup, name, count) for name in ("redis", "kvstore"))
    shutil.copy(theirs, folder["rdb"])
    shutil.copy(ours, folder["own"])
    write_preamble(folder["preamble"], theirs)
    write_commands(folder["commands"], count, 16)
    write_commands(folder["long"], count, 64)
    cases = [
        ("an RDB file of redis-server", ">= 3", "rdb", None),
        ("an RDB file of kvstore", ">= 3", "own", None),
        ("an append-only file, RDB preamble", ">= 2.5", "preamble", "everysec"),
        ("an append-only file of SETs", ">= 2.5", "commands", "everysec"),
        ("an append-only file of SETs, values of 64 bytes", ">= 2.5", "long", "everysec"),
    ]
    for what, limit, which, aof in cases:
        results = in_turns(setup.rounds, list(START), lambda name: loading(setup, name, folder[which], count, aof))
        row_of_rates(report, f"loading {what}, {text_of(count)} keys, start of the process to the first PONG", limit,
                     results)


# --------------------------------------------------------------------------------------------- replication

DISKLESS = ("--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "0", "--repl-diskless-load", "on-empty-db")


@contextlib.contextmanager
def pair(setup, name, aof=None, cores=BOTH_CORES, replica_cores=BOTH_CORES):
    """A master and a server of the same kind that can become its replica."""
    servers = {"master": START[name](setup, aof=aof, more=DISKLESS, cores=cores),
               "replica": START[name](setup, more=DISKLESS, cores=replica_cores)}
    with running(servers):
        yield servers["master"], servers["replica"]


def is_in_step(master, replica):
    """Has the replica applied all that the master has told?"""
    state = replica.info("replication")
    return (state.get("master_link_status") == "up"
            and int(state["slave_repl_offset"]) >= int(master.info("replication")["master_repl_offset"]))


def attach(master, replica):
    """Seconds from REPLICAOF to a replica that is in step."""
    started = time.monotonic()
    replica.must("REPLICAOF", "127.0.0.1", str(master.port))
    until(lambda: is_in_step(master, replica), "the full sync")
    return time.monotonic() - started


def section_sync(setup, report):
    """A full sync to an empty replica, without files on either side."""
    count = many(setup)

    def sync(master, replica):
        replica.must("REPLICAOF", "NO", "ONE")
        replica.must("FLUSHALL")
        seconds = attach(master, replica)
        if replica.ask("DBSIZE") != f":{count}":
            raise Failure(f"{replica.name}: the replica has {replica.ask('DBSIZE')} keys instead of {count}")
        return count / seconds

    with pair(setup, "kvstore") as ours, pair(setup, "redis") as theirs:
        pairs = {"kvstore": ours, "redis": theirs}
        for master, _ in pairs.values():
            fill(setup, master, count)
        results = in_turns(setup.rounds, list(pairs), lambda name: sync(*pairs[name]))
    row_of_rates(report, f"full sync of {text_of(count)} keys to one replica", ">= 2", results)


def pipelined(setup, server, requests, cores, pipeline=PIPELINE):
    return load(setup, server, "set", "--value-size", 16, "--requests", requests, pipeline=pipeline, cores=cores)


def section_stream(setup, report):
    """Pipelined SETs at a master, until its replica has applied them all."""
    requests = (1 if setup.quick else 5) * KEYS

    def stream(master, replica):
        started = time.monotonic()
        pipelined(setup, master, requests, BOTH_CORES)
        until(lambda: is_in_step(master, replica), "the stream")
        return requests / (time.monotonic() - started)

    with pair(setup, "kvstore") as ours, pair(setup, "redis") as theirs:
        pairs = {"kvstore": ours, "redis": theirs}
        for master, replica in pairs.values():
            fill(setup, master, KEYS)
            attach(master, replica)
        results = in_turns(setup.rounds, list(pairs), lambda name: stream(*pairs[name]))
    row_of_rates(report, f"SETs to a master with one replica, P={PIPELINE}, until that has applied them", ">= 1.5",
                 results, "SETs/s")


def section_everything_on(setup, report):
    """Pipelined SETs with the append-only file and a replica, against neither."""
    for pipeline, limit in ((16, ">= 0.6"), (PIPELINE, "")):
        kept, notes = {}, []
        for name in START:
            results = in_turns_everything(setup, name, pipeline)
            report.samples[f"everything on, P={pipeline}, {name}"] = results
            rate = {which: middle(turns, "per_second") for which, turns in results.items()}
            cpu = {which: middle(turns, "server_cpu_us") for which, turns in results.items()}
            kept[name] = rate["on"] / rate["off"]
            notes.append(f"{name} {rate['on']:,.0f} against {rate['off']:,.0f}/s, master's CPU {cpu['on']:.3f} "
                         f"against {cpu['off']:.3f} µs")
        report.row(f"SETs, P={pipeline}, everysec and one replica beside it / neither", limit, kept["kvstore"],
                   note=f"redis-server {kept['redis']:.2f}×; " + "; ".join(notes))


def in_turns_everything(setup, name, pipeline):
    """The samples of "on" and "off". The server has one core, the replica shares the other with the load."""
    requests = (1 if setup.quick else 5) * KEYS
    with contextlib.ExitStack() as stack:
        master, replica = stack.enter_context(
            pair(setup, name, aof="everysec", cores=SERVER_CORE, replica_cores=LOAD_CORE))
        plain = stack.enter_context(running({name: START[name](setup)}))
        for server in (master, plain[name]):
            fill(setup, server, KEYS)
        attach(master, replica)

        def run(which):
            rest()
            result = pipelined(setup, master if which == "on" else plain[name], requests, LOAD_CORE, pipeline)
            until(lambda: is_in_step(master, replica), "the stream")
            return result

        return in_turns(setup.rounds, ["on", "off"], run)
