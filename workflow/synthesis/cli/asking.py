"""Asks the process of `preloaded.py`, where a run has one, for a command: with few imports, which are what it saves."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Sequence

# Where the process listens, for the commands of the run that started it.
PLACE = "SYNTHESIS_PRELOADED"
# Bytes of the number that says how long a request is: arguments and environment may have megabytes.
HEAD = 8


def status_of(arguments: Sequence[str]) -> int | None:
    """The exit status of a command that the waiting process has run, on this process' input and output; None where none
    waits."""
    place = os.environ.get(PLACE)
    if not place:
        return None
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(place)
        except OSError:
            return None
        asked = json.dumps([list(arguments), os.getcwd(), dict(os.environ)]).encode()  # noqa: PTH109 pathlib takes a third longer
        socket.send_fds(connection, [len(asked).to_bytes(HEAD, "big")], [0, 1, 2])
        connection.sendall(asked)
        answer = connection.recv(1)
    # A command that was killed, or that crashed, sends none.
    return answer[0] if answer else 1
