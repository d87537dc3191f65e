"""Runs 07-python-client.py against a kvstore-server. Arguments: the script, the server."""

import sys

from programs import Directory, Server, run

try:
    import redis  # noqa: F401
except ImportError:
    print("python3-redis is not installed")
    sys.exit(77)


def main():
    script, server_program = sys.argv[1:3]
    directory = Directory()
    server = Server(server_program, "--port", "0", "--bind", "127.0.0.1", "--requirepass", "")
    other = Server(server_program, "--unixsocket", directory / "s")
    try:
        for where in (["--port", str(server.port)], ["--unix", directory / "s"]):
            status, output, errors = run(sys.executable, script, *where)
            assert status == 0, (status, output, errors)
            assert b"all is well with kvstore" in output, output
    finally:
        assert other.stop() == 0
        assert server.stop() == 0
        directory.remove()


main()
