"""
faults.py -- each call to the system that saving, the append-only file, CONFIG REWRITE and a full
sync make fails once, or from then on, or is the last one before kill -9.

    python3 faults.py [--rounds N] [--seed N] [--server PATH] [--only NAME]...

A scene is something that a server does while clients write. It is done once undisturbed, and the
calls are noted (faults.c is preloaded). Then, round after round, one of them meets one fault:

    short                 half of the bytes are moved
    EIO ENOSPC ECONNRESET the call fails
    full                  half of the bytes are moved, then there is no more room
    ... from then on      all that come later fail, too, until it is told otherwise
    kill                  the process is killed instead

After a fault the server must live, answer, tell of what failed, and do it all well when nothing is
in its way any more. Then it is killed and started again: nothing that was acknowledged is missing,
a transaction is there wholly or not at all, and what did not fail well has left the old file as it
was. The data set of a replica is its own or that of its master, at every moment.

Without KVSTORE_TEST_FULL the rounds are a random choice. Environment: KVSTORE_SERVER, REDIS_SERVER
(programs), KVSTORE_FAULTS_LIBRARY, KVSTORE_LIBRARY (faults.c, kvstore.c). Where there is no such
library the exit status is 77.
"""

import argparse
import collections
import os
import random
import shutil
import sys
import tempfile
import time

from faults_control import faults_of
from faults_in_process import InProcess
from faults_log import Append, Begin, BeginFirst, Everything, Rewrite, RewriteCommands, Switch
from faults_scenes import BackgroundSave, ConfigRewrite, Save, Shutdown, ShutdownLogged
from faults_sync import MasterSync, MasterSyncRedis, ReplicaAppend, ReplicaSync, ReplicaSyncRedis
from faults_sync import Spool
from promise import Failure
from saving import Starter
from wire import NoReply

IS_FULL = bool(os.environ.get('KVSTORE_TEST_FULL'))
ROUNDS = 60  # of a random choice

SCENES = {
    'save': Save,
    'bgsave': BackgroundSave,
    'shutdown': Shutdown,
    'shutdown-logged': ShutdownLogged,
    'config-rewrite': ConfigRewrite,
    'append': Append,
    'switch': Switch,
    'rewrite': Rewrite,
    'rewrite-commands': RewriteCommands,
    'begin': Begin,
    'begin-first': BeginFirst,
    'everything': Everything,
    'master': MasterSync,
    'master-redis': MasterSyncRedis,
    'spool': Spool,
    'replica': ReplicaSync,
    'replica-redis': ReplicaSyncRedis,
    'replica-append': ReplicaAppend,
    'in-process': InProcess,
}


def play(name, starter, numbers, rounds, counts):
    """Rounds of one scene; None: all of them."""
    scene = SCENES[name](starter, numbers)
    began = time.monotonic()
    fault = None
    try:
        steps = scene.undisturbed()
        faults = faults_of(steps, numbers)
        if rounds is not None:
            faults = sorted(numbers.sample(faults, min(rounds, len(faults))))
        for fault in faults:
            counts[name, 'fired' if scene.round(fault) else 'not reached'] += 1
            counts['faults', fault.what + (' from then on' if fault.lasts else '')] += 1
        print('%-18s %3d steps, %3d rounds, %5.1f s' % (
            name, len(steps), len(faults), time.monotonic() - began), flush=True)
    except (Failure, NoReply, OSError, RuntimeError) as failure:
        kept = tempfile.mkdtemp(prefix='kvstore-faults-kept-')
        shutil.copytree(scene.directory, os.path.join(kept, 'files'),
                        ignore=shutil.ignore_patterns('s'))
        raise Failure('%s: %s: %s: %s\n%s\n(files in %s)' % (
            name, fault, type(failure).__name__, failure, scene.log()[-1500:], kept))
    finally:
        scene.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--rounds', type=int, default=None if IS_FULL else ROUNDS)
    parser.add_argument('--seed', type=int, default=int.from_bytes(os.urandom(4), 'little'))
    parser.add_argument('--server')
    parser.add_argument('--only', action='append', choices=SCENES)
    given = parser.parse_args()
    if not os.environ.get('KVSTORE_FAULTS_LIBRARY'):
        print('there is no library of faults here')
        return 77
    print('seed %d' % given.seed, flush=True)
    numbers = random.Random(given.seed)
    starter = Starter(given.server)
    counts = collections.Counter()
    names = given.only or list(SCENES)
    if not os.environ.get('REDIS_SERVER') and not shutil.which('redis-server'):
        names = [name for name in names if not name.endswith('-redis')]
    try:
        for name in names:
            rounds = None if given.rounds is None else -(-given.rounds // len(names))
            play(name, starter, numbers, rounds, counts)
    except Failure as failure:
        print('FAILED (seed %d): %s' % (given.seed, str(failure)[:6000]))
        return 1
    for (what, how), count in sorted(counts.items()):
        print('%-18s %-24s %4d' % (what, how, count))
    rounds = [(how, count) for (what, how), count in counts.items() if what != 'faults']
    print('%d rounds, in %d of them the fault came' % (
        sum(count for _, count in rounds), sum(count for how, count in rounds if how == 'fired')))
    return 0


if __name__ == '__main__':
    sys.exit(main())
