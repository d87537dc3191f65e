"""Runs 06-hiredis on its own, and against a kvstore-server. Arguments: the program, the server."""

import sys

from programs import Server, run


def check(*arguments):
    status, output, errors = run(*arguments)
    assert status == 0, (arguments, status, output, errors)
    assert b"home 33, news 67, none nil\n" in output, output
    assert b"alice 70, bob 50\n" in output, output


def main():
    program, server_program = sys.argv[1:3]
    check(program)
    server = Server(server_program)
    try:
        check(program, "127.0.0.1", str(server.port))
    finally:
        assert server.stop() == 0


main()
