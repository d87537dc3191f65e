#!/usr/bin/env python3
"""07-python-client.py -- a Python program with Debian's python3-redis, on a kvstore-server.

    kvstore-server --port 6379 &
    ./07-python-client.py [--host HOST] [--port PORT] [--unix PATH]

It uses what such programs use: strings of bytes, counters, deadlines, lists as queues with a thread
that waits, pipelines, transactions with WATCH, SCAN.
"""

import argparse
import threading

import redis


def rate_limit(r, user, limit=5):
    """True if the user may go on: at most `limit` requests a minute."""
    key = f"rate:{user}"
    count = r.incr(key)
    if count == 1:
        r.expire(key, 60)
    return count <= limit


def transfer(r, source, target, amount):
    """Moves an amount if there is enough, whatever others do at the same time."""
    with r.pipeline() as pipe:
        while True:
            try:
                pipe.watch(source)
                if int(pipe.get(source) or 0) < amount:
                    return False
                pipe.multi()
                pipe.decrby(source, amount)
                pipe.incrby(target, amount)
                pipe.execute()
                return True
            except redis.WatchError:
                continue


def queue(r, count=100):
    """Sends numbers through a list to a thread that waits for them; returns their sum."""
    total = 0

    def work():
        nonlocal total
        while (item := r.blpop("queue", timeout=10)) is not None and item[1] != b"end":
            total += int(item[1])

    worker = threading.Thread(target=work)
    worker.start()
    for number in range(count):
        r.rpush("queue", number)
    r.rpush("queue", "end")
    worker.join()
    return total


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=6379)
    parser.add_argument("--unix", help="the path of a unix socket")
    where = parser.parse_args()
    r = redis.Redis(unix_socket_path=where.unix) if where.unix else redis.Redis(where.host, where.port)
    names = ["picture", "rate:ann", "alice", "bob", "queue", *(f"page:{i}" for i in range(500))]
    r.delete(*names)

    picture = bytes(range(256)) * 1000
    r.set("picture", picture, ex=100)
    assert r.get("picture") == picture
    assert r.strlen("picture") == 256000
    assert 98 <= r.ttl("picture") <= 100
    assert r.set("picture", b"other", nx=True) is None

    allowed = [rate_limit(r, "ann") for _ in range(7)]
    assert allowed == [True] * 5 + [False] * 2, allowed

    r.mset({"alice": 100, "bob": 0})
    assert transfer(r, "alice", "bob", 30) and not transfer(r, "alice", "bob", 80)
    assert r.mget("alice", "bob", "carol") == [b"70", b"30", None]

    assert queue(r) == sum(range(100))

    with r.pipeline(transaction=False) as pipe:
        for i in range(500):
            pipe.set(f"page:{i}", i)
        assert pipe.execute() == [True] * 500
    assert sorted(r.scan_iter("page:*", count=50)) == sorted(f"page:{i}".encode() for i in range(500))

    try:
        r.lpush("alice", 1)
        raise SystemExit("a list operation on a number went well")
    except redis.ResponseError as error:
        print(error)
    r.delete(*names)
    print("all is well with", r.info("server").get("server_name", "redis"))


if __name__ == "__main__":
    main()
