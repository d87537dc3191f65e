"""bench/harness.py -- what every section uses: servers, the load generator, turns, the table.

A figure is the median of its rounds, a ratio that of two medians. Servers are pinned to one core and
the load to another, unless a section says otherwise.
"""

import contextlib
import json
import os
import platform
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, LOAD_CORE, BOTH_CORES = {CORES[0]}, {CORES[1 % len(CORES)]}, set(CORES[:2])
KEYS = 1_000_000


class Failure(Exception):
    """A section cannot go on: a server that does not start, a reply that is an error."""


class Setup:
    """What the command line decided: where the programs are, how long to measure."""

    def __init__(self, options):
        self.build = options.build
        self.quick = options.quick
        self.rounds = 3 if options.quick else 5
        self.seconds = 0.7 if options.quick else 2.0
        self.directory = tempfile.mkdtemp(prefix="kvstore-bench-", dir=options.scratch)

    def program(self, name):
        return os.path.join(self.build, name)


class Report:
    """Rows of the table as they come, and every single measurement for the JSON file."""

    def __init__(self):
        self.rows, self.samples = [], {}

    def row(self, what, limit, value, unit="×", note=""):
        """limit is '>= 1.3', '<= 56' or '' for what is only reported."""
        relation, _, bound = limit.partition(" ")
        passed = {">=": lambda: value >= float(bound), "<=": lambda: value <= float(bound), "": lambda: None}
        row = {"what": what, "limit": limit, "value": value, "unit": unit, "note": note,
               "pass": passed[relation]()}
        self.rows.append(row)
        say("   " + self.text(row))

    @staticmethod
    def text(row):
        limit = row["limit"].replace(">=", "≥").replace("<=", "≤")
        limit = limit + ("×" if row["unit"] == "×" else " " + row["unit"]) if limit else "reported"
        value = number(row["value"]) + ("×" if row["unit"] == "×" else " " + row["unit"])
        mark = {True: "pass", False: "**fail**", None: ""}[row["pass"]]
        return f"| {row['what']} | {limit} | {value} | {mark} | {row['note']} |"

    def markdown(self):
        head = ["| what | at least | measured | | medians |", "|---|---|---|---|---|"]
        return "\n".join(head + [self.text(row) for row in self.rows])


def say(text):
    print(text, file=sys.stderr, flush=True)


def number(value):
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def median(values):
    return statistics.median(values)


def in_turns(rounds, names, measure):
    """{name: [measure(name), once a round]}; each round begins with another name."""
    results = {name: [] for name in names}
    for turn in range(rounds):
        for i in range(len(names)):
            name = names[(turn + i) % len(names)]
            results[name].append(measure(name))
    return results


def on_cores(cores):
    return lambda: os.sched_setaffinity(0, cores)


# ---------------------------------------------------------------------------------------------- servers


class Server:
    """A server process on a free loopback port and a unix socket, with a directory of its own."""

    def __init__(self, setup, name, argv, cores=SERVER_CORE, directory=None):
        self.name = name
        self.directory = directory or tempfile.mkdtemp(prefix=name + "-", dir=setup.directory)
        self.unix = os.path.join(self.directory, "socket")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.log = os.path.join(self.directory, "log")
        with open(self.log, "ab") as log:
            self.started = time.monotonic()
            self.process = subprocess.Popen(argv(self), stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                            preexec_fn=on_cores(cores))

    def ask(self, *words):
        """The first line of the reply to one command; '' while the server does not listen."""
        request = b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w.encode()) for w in words)
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection:
                connection.sendall(request)
                return connection.makefile("rb").readline().decode().strip()
        except OSError:
            return ""

    def info(self, section):
        """The fields of a section of INFO."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection:
            connection.sendall(b"INFO %s\r\n" % section.encode())
            stream = connection.makefile("rb")
            text = stream.read(int(stream.readline()[1:])).decode()
        return dict(line.split(":", 1) for line in text.split("\r\n") if ":" in line)

    def must(self, *words):
        """A command whose reply is not an error."""
        reply = self.ask(*words)
        if reply == "" or reply.startswith("-"):
            raise Failure(f"{self.name}: {' '.join(words)}: {reply}")
        return reply

    def wait_ready(self, answer="+PONG", limit=600):
        """Seconds from the start of the process to the first such answer to PING."""
        while self.ask("PING") != answer:
            if self.process.poll() is not None or time.monotonic() - self.started > limit:
                with open(self.log, errors="replace") as log:
                    raise Failure(f"{self.name} did not start:\n{log.read()[-2000:]}")
            time.sleep(0.002)
        return time.monotonic() - self.started

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)


def common_arguments(server, aof):
    arguments = ["--port", str(server.port), "--bind", "127.0.0.1", "--unixsocket", server.unix,
                 "--dir", server.directory, "--save", "", "--auto-aof-rewrite-percentage", "0"]
    return arguments + (["--appendonly", "yes", "--appendfsync", aof] if aof else ["--appendonly", "no"])


def start_redis(setup, aof=None, more=(), **where):
    def argv(server):
        return ["redis-server", *common_arguments(server, aof), *more]
    return Server(setup, "redis", argv, **where)


def start_kvstore(setup, aof=None, threads=1, more=(), **where):
    def argv(server):
        return [setup.program("examples/kvstore-server"), *common_arguments(server, aof), *more,
                "--io-threads", str(threads)]
    return Server(setup, "kvstore", argv, **where)


START = {"kvstore": start_kvstore, "redis": start_redis}


def start_mini(setup):
    return Server(setup, "miniserver", lambda server: [setup.program("bench/miniserver"), str(server.port)])


def start_null(setup, request_size, *reply_size):
    def argv(server):
        return [setup.program("bench/nullserver"), str(server.port), str(request_size), *map(str, reply_size)]
    return Server(setup, "nullserver", argv)


@contextlib.contextmanager
def running(servers):
    """Waits for the servers of a {name: Server}, and stops them at the end, whatever happens."""
    try:
        for server in servers.values():
            if server.name in ("redis", "kvstore"):
                server.wait_ready()
        time.sleep(0.2)
        yield servers
    finally:
        for server in servers.values():
            server.stop()


def load(setup, server, test, *arguments, pipeline=16, cores=LOAD_CORE, unix=False, nils=False):
    """One run of the load generator against a server; the dictionary that it prints."""
    where = ["--unix", server.unix] if unix else ["--port", str(server.port)]
    argv = [setup.program("bench/loadgen"), *where, "--test", test, "--pipeline", str(pipeline),
            "--server-pid", str(server.process.pid), "--keys", str(KEYS), "--seconds", str(setup.seconds),
            "--warmup", "0.3", *map(str, arguments)]
    run = subprocess.run(argv, capture_output=True, text=True, preexec_fn=on_cores(cores))
    if run.returncode != 0:
        raise Failure(f"{server.name}: {' '.join(argv)}\n{run.stderr}")
    if run.stdout == "":
        return None  # it was only told to fill
    result = json.loads(run.stdout)
    if result["nils"] > 0 and not nils:
        raise Failure(f"{server.name}: {test}: {result['nils']} keys were not there")
    return result


def middle(results, field):
    return median([result[field] for result in results])


def compare(report, what, limit, results, by="server_cpu_us", note=""):
    """A row of kvstore against redis: by the server's CPU per request, or by throughput."""
    cpu = {name: middle(runs, "server_cpu_us") for name, runs in results.items()}
    rate = {name: middle(runs, "per_second") for name, runs in results.items()}
    cpu_ratio, rate_ratio = cpu["redis"] / cpu["kvstore"], rate["kvstore"] / rate["redis"]
    text = ", ".join(f"{name} {cpu[name]:.3f} µs {rate[name]:,.0f}/s" for name in results)
    other = f"{rate_ratio:.2f}× throughput" if by == "server_cpu_us" else f"{cpu_ratio:.2f}× CPU"
    report.samples[what] = results
    report.row(what, limit, cpu_ratio if by == "server_cpu_us" else rate_ratio, note=f"{other}; {text}{note}")


# ------------------------------------------------------------------------------- in the user's process


def inprocess(setup, case, cores, program="inprocess", **options):
    """What a program that uses the library prints: a list of dictionaries."""
    argv = [setup.program("bench/" + program), *([case] if case else [])]
    for name, value in options.items():
        argv += ["--" + name, str(value)]
    return printed(argv, cores)


def printed(argv, cores):
    """What a program prints: a dictionary for each line."""
    run = subprocess.run(argv, capture_output=True, text=True, preexec_fn=on_cores(cores))
    if run.returncode != 0:
        raise Failure(f"{' '.join(argv)}\n{run.stderr}")
    return [json.loads(line) for line in run.stdout.splitlines()]


def by_name(lines, unit):
    """{(engine, operation): median} of the lines that `inprocess` prints."""
    return {(line["engine"], line["operation"]): median(line[unit]) for line in lines if unit in line}


def machine():
    """One line about where the figures come from."""
    model = platform.processor()
    with contextlib.suppress(OSError), open("/proc/cpuinfo") as cpuinfo:
        model = next((line.split(":", 1)[1].strip() for line in cpuinfo if line.startswith("model name")), model)
    redis = "no redis-server"
    if shutil.which("redis-server"):
        words = subprocess.run(["redis-server", "--version"], capture_output=True, text=True).stdout.split()
        redis = next((f"redis-server {word[2:]}" for word in words if word.startswith("v=")), "redis-server")
    return f"{model}, {len(CORES)} cores, {platform.system()} {platform.release()}, {redis}"
