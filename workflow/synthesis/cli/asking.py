"""Asks the process of `preloaded.py`, where a run has one, for a command; where none answers, runs it by itself.

Run by its path, isolated and without `site`, with modules written in C only: what it imports is what it saves.
"""

import _socket
import os
import sys

# Where the process listens, for the commands of the run that started it.
PLACE = "SYNTHESIS_PRELOADED"
# Bytes of the number that says how long a request is: arguments and environment may have megabytes.
HEAD = 8


def status_of(arguments: list[str]) -> int | None:
    """The exit status of a command that the waiting process has run, on this process' input and output; None where none
    waits."""
    place = os.environ.get(PLACE)
    if not place:
        return None
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        connection.connect(place)
    except OSError:
        return None
    environment = [name + b"=" + value for name, value in os.environb.items()]
    # None of them can hold a zero byte.
    asked = b"\0".join([b"%d" % len(arguments), *map(os.fsencode, arguments), os.getcwdb(), *environment])  # noqa: PTH109
    files = b"".join(number.to_bytes(4, sys.byteorder) for number in (0, 1, 2))
    connection.sendmsg([len(asked).to_bytes(HEAD, "big")], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, files)])
    connection.sendall(asked)
    answer = connection.recv(1)
    # A command that was killed, or that crashed, sends none.
    return answer[0] if answer else 1


if __name__ == "__main__":
    status = status_of(sys.argv[1:])
    if status is None:
        os.execv(sys.executable, [sys.executable, "-m", "synthesis", *sys.argv[1:]])  # noqa: S606
    # Nothing is left to be written: the command has done that.
    os._exit(status)
