"""What is made once for all workers of a test session, through a lock in its folder."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any


def once(factory: Any, name: str, make: Callable[[Path], object]) -> Path:
    """The folder `name` of the session; the first worker to ask lets `make` fill it, the others wait.

    What reads it must not change it. A `make` that fails leaves nothing, and is tried again by the next.
    """
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    folder: Path = base / name
    made = base / f"{name}.made"
    with (base / f"{name}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        if not made.exists():
            shutil.rmtree(folder, ignore_errors=True)
            make(folder)
            made.touch()
    return folder
