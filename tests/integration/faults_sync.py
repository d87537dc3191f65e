"""
faults_sync.py -- scenes of a full sync: the master is disturbed, or the replica.
"""

from faults_control import FILES, NAMES, OTHERS, SOCKETS, mask
from faults_scenes import Scene
from promise import check, free_port
from replica import caught_up, digest
from saving import until
from wire import kvstore_server, redis_server


class SyncScene(Scene):
    """
    A full sync. The master has `theirs` and the writers, the replica has `mine`: whoever looks at
    the replica sees either, all of it.
    """

    writers_count = 1
    needs = ('send', 'recv')
    rules = OTHERS + [(SOCKETS, 'socket:tcp'), (0, '*')]
    settings = ('--repl-diskless-sync-delay', '0', '--repl-backlog-size', '64mb')
    peer_kind = 'kvstore'

    def make_server(self):
        self.port = free_port()
        server = super().make_server()
        server.options += [*self.settings, '--port', str(self.port)]
        self.peer = self.make_peer()
        self.peer.start()
        self.peer_connection = self.peer.connect()
        return server

    def make_peer(self):
        self.peer_port = free_port()
        if self.peer_kind == 'redis':
            peer = redis_server(self.settings)
        else:
            peer = kvstore_server(self.starter.program, self.settings)
        peer.options += ['--port', str(self.peer_port)]
        return peer

    def close(self):
        self.peer.kill()
        self.peer.stop()
        super().close()

    def replica_call(self, *arguments):
        raise NotImplementedError

    def replica(self):
        raise NotImplementedError

    def master_port(self):
        raise NotImplementedError

    def prepare(self):
        self.replica_call('REPLICAOF', 'NO', 'ONE')
        until(lambda: self.replica_call('FLUSHALL').kind == '+', 'FLUSHALL')
        check(self.replica_call('SET', 'mine', self.turn).kind == '+', 'SET on the replica')
        connection = self.master().connect()
        check(connection.call('SET', 'theirs', self.turn).kind == '+', 'SET on the master')
        connection.close()

    def look(self):
        """At the replica. True if it has the data of the master; None if it says nothing now."""
        for request in (['MULTI'], ['EXISTS', 'mine'], ['GET', 'theirs'],
                        ['LRANGE', self.name(0) + b':left', 0, -1],
                        ['LRANGE', self.name(0) + b':right', 0, -1]):
            if self.replica_call(*request).kind == '-':
                self.replica_call('DISCARD')
                return None
        reply = self.replica_call('EXEC')
        if reply.kind != '*':
            return None
        mine, theirs, *lists = (one.value for one in reply.value)
        check(lists[0] == lists[1], 'half a transaction on the replica')
        check([one.value for one in lists[0]] == [b'%d' % i for i in range(len(lists[0]))],
              'a hole in the numbers on the replica: %r' % lists[0])
        check(mine == (theirs is None), 'mine is there: %d, theirs: %r' % (mine, theirs))
        check(not mine or not lists[0], 'mine is there, and numbers of the master')
        return theirs == b'%d' % self.turn

    def is_linked(self):
        text = self.replica_call('INFO', 'replication').value
        return b'master_link_status:up' in text

    def follow(self):
        reply = self.replica_call('REPLICAOF', '127.0.0.1', self.master_port())
        check(reply.value.startswith(b'OK'), 'REPLICAOF: %r' % (reply,))

    def do(self):
        self.follow()
        return True if self.await_end(lambda: self.look() and self.is_linked(), 'the sync') else None

    def is_optional(self, fault):
        return True  # it is tried again

    def check_trouble(self):
        if self.fault.what == 'ECONNRESET':
            until(lambda: not self.is_linked(), 'INFO does not tell')

    def check_equal(self):
        until(lambda: self.look() and self.is_linked(), 'the replica does not come back')
        self.end_writers()
        caught_up(self.master(), self.replica())
        digests = [digest(server.connect()) for server in (self.master(), self.replica())]
        check(digests[0] == digests[1], 'the replica has other data: %r' % digests)

    def heal(self):
        until(lambda: self.look() and self.is_linked(), 'the replica does not come back')
        self.await_writes()
        self.check_equal()


class MasterSync(SyncScene):
    """The master is disturbed as it sends."""

    options = ('--appendonly', 'yes')

    def replica_call(self, *arguments):
        return self.peer_connection.call(*arguments)

    def replica(self):
        return self.peer

    def master_port(self):
        return self.port

    def check_start(self):
        if self.fault.is_kill:
            self.look()
            self.check_equal()


class MasterSyncRedis(MasterSync):
    """The same with a redis-server as the replica."""

    peer_kind = 'redis'


class Spool(MasterSync):
    """The snapshot is so large that it waits for the replica in a file."""

    rules = OTHERS + [(mask('open'), '.'), (mask('open'), 'kvstore-sync*'), (mask('write'), '#*'),
                      (mask('write'), 'kvstore-sync*'), (0, '*')]
    needs = ('open', 'write')
    settings = SyncScene.settings + ('--repl-diskless-sync', 'no', '--rdbcompression', 'no')

    def begin_writers(self):
        super().begin_writers()
        if self.call('EXISTS', 'large:0').value == 0:
            check(self.call('DEBUG', 'POPULATE', 20, 'large', 900000).kind == '+', 'POPULATE')


class ReplicaSync(SyncScene):
    """The replica is disturbed: as it loads, and as its append-only file begins anew afterwards."""

    options = ('--appendonly', 'yes', '--auto-aof-rewrite-percentage', '0')
    rules = OTHERS + [(SOCKETS, 'socket:tcp'), (NAMES, '*incr*'), (FILES, '*')]
    needs = SyncScene.needs + Scene.needs

    def master(self):
        return self.peer

    def master_port(self):
        return self.peer_port

    def replica(self):
        return self.server

    def replica_call(self, *arguments):
        return self.call(*arguments)

    def has_log(self):
        """What is there is in the append-only file."""
        text = self.call('INFO', 'persistence').value
        return (b'aof_enabled:1' in text and b'aof_rewrite_in_progress:0' in text and
                b'aof_rewrite_scheduled:0' in text)

    def prepare(self):
        self.replica_call('REPLICAOF', 'NO', 'ONE')
        until(self.has_log, 'the append-only file')
        super().prepare()

    def do(self):
        if not super().do():
            return None
        return True if self.await_end(self.has_log, 'the append-only file') else None

    def heal(self):
        super().heal()
        if not self.has_log():
            self.call('BGREWRITEAOF')  # which may be under way
            until(self.has_log, 'the append-only file does not begin')

    def check_start(self):
        has_theirs = self.look()
        check(has_theirs is not None, 'it does not answer')
        check(self.fault.is_kill or has_theirs, 'its append-only file has the old data')
        if self.fault.is_kill:
            self.follow()
            self.check_equal()


class ReplicaSyncRedis(ReplicaSync):
    """The same with a redis-server as the master."""

    peer_kind = 'redis'


class ReplicaAppend(ReplicaSync):
    """The append-only file of a replica is disturbed while the changes of its master come."""

    rules = OTHERS + [(0, 'socket:tcp'), (FILES, '*')]
    needs = ('write', 'sync')

    def prepare(self):
        super().prepare()
        self.follow()
        until(lambda: self.look() and self.is_linked() and self.has_log(), 'the sync')

    def do(self):
        if self.fault is None:
            self.await_writes(5)
            return True
        self.await_end(lambda: self.control.fired() > 0, 'the fault')
        return None
