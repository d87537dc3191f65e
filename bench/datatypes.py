"""bench/datatypes.py -- the sections about hashes, sets, sorted sets, streams and the rest."""

import random

from harness import (KEYS, SERVER_CORE, by_name, compare, in_turns, inprocess, load, median, middle, running,
                     start_kvstore, start_redis)

HASHES = 200_000
BIG = 100_000             # members of a set that is combined, elements that are sorted
BITMAP = 64 * 1024 * 1024  # bytes


def pair_of_servers(setup):
    return {"kvstore": start_kvstore(setup), "redis": start_redis(setup)}


def resident_bytes(server):
    with open(f"/proc/{server.process.pid}/statm") as statm:
        return int(statm.read().split()[1]) * 4096


def section_memory_types(setup, report):
    """What an element takes in either server: the growth of the resident set while it is filled."""
    cases = [
        ("a field of a hash of 10, values of 16 bytes, 200 k hashes", "hset", HASHES, 10 * HASHES, "<= 36"),
        ("a member of a set of 1 M, 16 bytes", "sadd", KEYS, KEYS, "<= 42"),
        ("a member of a sorted set of 1 M, 16 bytes", "zadd", KEYS, KEYS, "<= 72"),
        ("an entry of a stream of 1 M, 2 fields", "xadd", KEYS, KEYS, ""),
    ]
    for what, test, keys, elements, limit in cases:
        bytes_each = {}
        with running(pair_of_servers(setup)) as servers:
            for name, server in servers.items():
                before = resident_bytes(server)
                load(setup, server, test, "--keys", keys, "--fill", keys, "--value-size", 16, "--connections", 1,
                     "--requests", 0)
                bytes_each[name] = (resident_bytes(server) - before) / elements
        report.samples["memory of " + what] = bytes_each
        report.row("resident bytes, " + what, limit, bytes_each["kvstore"], "B",
                   f"redis-server {bytes_each['redis']:.1f} B")


def section_types(setup, report):
    """Calls on one element each, P=16."""
    cases = [
        ("SADD, a set of 1 M", "sadd", KEYS, ">= 1.8"),
        ("SISMEMBER, a set of 1 M", "sismember", KEYS, ">= 1.8"),
        ("HSET, 200 k hashes of 10 fields", "hset", HASHES, ">= 1.8"),
        ("HGETALL, 200 k hashes of 10 fields", "hgetall", HASHES, ">= 1.8"),
        ("PFADD, one key", "pfadd", KEYS, ">= 1.8"),
        ("XADD, one stream", "xadd", KEYS, ">= 1.8"),
        ("GEOADD, 1 M places", "geoadd", KEYS, ">= 1.8"),
        ("ZADD, a sorted set of 1 M", "zadd", KEYS, ">= 2.5"),
        ("ZRANK, a sorted set of 1 M", "zrank", KEYS, ">= 2"),
        ("ZRANGEBYSCORE LIMIT 100, a sorted set of 1 M", "zrangebyscore", KEYS, ">= 2"),
        ("ZRANGE of 100 in the middle of 1 M", "zrange", KEYS, ">= 2"),
    ]
    with running(pair_of_servers(setup)) as servers:
        for what, test, keys, limit in cases:
            options = ("--keys", keys, "--value-size", 16)
            for server in servers.values():
                load(setup, server, test, *options, "--flush", "--fill", keys, "--requests", 0)
            results = in_turns(setup.rounds, list(servers), lambda name: load(setup, servers[name], test, *options))
            compare(report, what + ", P=16", limit, results)


def section_lists(setup, report):
    """In the middle of a list of 1 M; for each position or pivot the list as it was filled, but for the inserted."""
    cases = [("LINDEX", "LINDEX list 500000", 64), ("LINSERT", "LINSERT list BEFORE lst:000000500000 x", 1)]
    with running(pair_of_servers(setup)) as servers:
        for server in servers.values():
            load(setup, server, "lindex1", "--fill", KEYS, "--requests", 0)
        for what, command, pipeline in cases:
            results = in_turns(setup.rounds, list(servers), lambda name: command_load(
                setup, servers[name], command, pipeline=pipeline))
            compare(report, f"{what} in the middle of a list of 1 M, P={pipeline}", ">= 50", results)


def command_load(setup, server, command, pipeline=1):
    """One client that sends one command again and again."""
    return load(setup, server, "ping", "--command", command, "--connections", 1, "--value-size", 16,
                pipeline=pipeline)


def prepare_sets(server):
    """Two sets and two sorted sets of 100 k members, of which half are common, and a list of 100 k numbers."""
    numbers = list(range(BIG))
    random.Random(1).shuffle(numbers)
    for first in range(0, BIG, 1000):
        some = numbers[first:first + 1000]
        for name, offset in (("a", 0), ("b", BIG // 2)):
            members = [f"member:{n + offset:09}" for n in some]
            server.ask("SADD", "set:" + name, *members)
            server.ask("ZADD", "scores:" + name, *(word for n, m in zip(some, members) for word in (str(n), m)))
        server.ask("RPUSH", "numbers", *map(str, some))


def prepare_bitmaps(server):
    generator = random.Random(2)
    for name in ("a", "b"):
        megabyte = "".join(chr(generator.randrange(1, 127)) for _ in range(1 << 16)) * 16
        for _ in range(BITMAP >> 20):
            server.ask("APPEND", "bitmap:" + name, megabyte)


def prepare_visitors(server):
    for key in range(10):
        for first in range(0, BIG, 1000):
            server.ask("PFADD", f"visitors:{key}", *(f"{key}:{n}" for n in range(first, first + 1000)))


def section_sets(setup, report):
    """Calls on whole values: one client, one call at a time."""
    visitors = " ".join(f"visitors:{key}" for key in range(10))
    cases = [
        ("SINTER of two sets of 100 k", "SINTER set:a set:b"),
        ("SUNION of two sets of 100 k", "SUNION set:a set:b"),
        ("ZUNIONSTORE of two sorted sets of 100 k", "ZUNIONSTORE scores:c 2 scores:a scores:b"),
        ("SORT of a list of 100 k numbers", "SORT numbers"),
        ("BITCOUNT of 64 MiB", "BITCOUNT bitmap:a"),
        ("BITOP AND of 64 MiB", "BITOP AND bitmap:c bitmap:a bitmap:b"),
        ("PFCOUNT of 10 keys", "PFCOUNT " + visitors),
    ]
    with running(pair_of_servers(setup)) as servers:
        for server in servers.values():
            prepare_sets(server)
            prepare_bitmaps(server)
            prepare_visitors(server)
        for what, command in cases:
            results = in_turns(setup.rounds, list(servers),
                               lambda name: command_load(setup, servers[name], command))
            compare(report, what, ">= 1.5", results)


def section_publish(setup, report):
    """Messages to subscribers, published by 50 clients in pipelines of 16."""
    cases = [("100 subscribers of one channel", 1, 100), ("1,000 channels of one subscriber each", 1000, 1000)]
    with running(pair_of_servers(setup)) as servers:
        for what, channels, subscribers in cases:
            results = in_turns(setup.rounds, list(servers), lambda name: load(
                setup, servers[name], "publish", "--keys", channels, "--subscribers", subscribers))
            report.samples["PUBLISH, " + what] = results
            rate = {name: middle(runs, "messages_per_second") for name, runs in results.items()}
            cpu = {name: median([run["server_cpu_us"] * run["per_second"] / run["messages_per_second"] for run in runs])
                   for name, runs in results.items()}
            report.row(f"PUBLISH, {what}: messages a second", ">= 1.5", rate["kvstore"] / rate["redis"],
                       note=f"{cpu['redis'] / cpu['kvstore']:.2f}× CPU; "
                            + ", ".join(f"{name} {cpu[name]:.3f} µs {rate[name]:,.0f}/s" for name in results))


def section_typed(setup, report):
    """A typed call against a request over a unix socket, P=16, one client: time for each."""
    for keys, limit in ((BIG, "<= 0.25"), (KEYS, "")):
        lines = by_name(inprocess(setup, "", SERVER_CORE, program="typed", keys=keys, rounds=setup.rounds), "ns")
        with running(pair_of_servers(setup)) as servers:
            for (_, test), ns in lines.items():
                results = [typed_load(setup, servers["redis"], test, keys) for _ in range(setup.rounds)]
                theirs = 1e9 / middle(results, "per_second")
                report.samples[f"typed {test}, {keys}"] = {"kvstore": ns, "redis": results}
                report.row(f"{test}, {keys:,}: typed call / redis-server over a unix socket", limit, ns / theirs,
                           note=f"{ns:.0f} ns against {theirs:.0f} ns")


def typed_load(setup, server, test, keys):
    """The same test as in bench/typed, with the same data, for a million requests."""
    count = keys // 5 + 1 if test in ("hset", "hget") else keys
    filled = max(count, KEYS) if test == "lpop1" else count
    options = ("--keys", count, "--value-size", 16)
    load(setup, server, test, "--flush", *options, "--fill", filled, "--requests", 0)
    return load(setup, server, test, *options, "--connections", 1, "--requests", KEYS, "--warmup", 0, unix=True)
