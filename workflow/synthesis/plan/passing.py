"""What a rule hands to its command where it is too long for a command line.

Linux takes no word of over 131,072 bytes, and a shell command is one word: a plan of a hundred syntheses would end
every job that reads all of it. A long text goes through a file named by its content: the same text, the same parameter.
"""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

# A command holds about ten texts and lists of files.
LONGEST = 8_000
FOLDER = Path(".snakemake") / "arguments"
# Below another folder where files are kept elsewhere: there a command runs among their copies.
_LISTED = re.compile(rf"@(.*/)?{re.escape(FOLDER.as_posix())}/[0-9a-f]{{32}}")


def as_input(text: str) -> str:
    """What puts a text on a command's standard input, for a shell."""
    if len(text.encode()) <= LONGEST:
        return f"<<< {shlex.quote(text)}"
    return f"< {shlex.quote(written(text).as_posix())}"


def as_arguments(paths: Iterable[str]) -> list[str]:
    """Arguments of a command: the paths, or one that names a file that lists them."""
    listed = [str(path) for path in paths]
    text = "\n".join(listed)
    return listed if len(text.encode()) <= LONGEST else [f"@{written(text).as_posix()}"]


def among_copies(place: str, checked: Path) -> str:
    """What makes a function of bash run its command in the folder where a storage's copies are.

    Its arguments lose that folder before them, so that files have the names that they have everywhere; `checked` says
    what the data must be.
    """
    folder = shlex.quote(place)
    return (
        f'local place={folder}; mkdir -p "$place"; export SYNTHESIS_CHECKED={shlex.quote(str(checked))}; '
        'set -- "${@/#@.snakemake/@$PWD/.snakemake}"; set -- "${@/#"$place"/}"; cd "$place"; '
    )


def expanded(arguments: Sequence[str]) -> list[str]:
    """Arguments with the listed ones in the place of their lists."""
    words: list[str] = []
    for word in arguments:
        words += Path(word[1:]).read_text(encoding="utf-8").split("\n") if _LISTED.fullmatch(word) else [word]
    return words


def written(text: str) -> Path:
    """The file that holds a text, named by its content."""
    path = FOLDER / hashlib.sha256(text.encode()).hexdigest()[:32]
    if not path.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        # Jobs on a cluster write it at the same time: it is whole or not there.
        part = path.with_suffix(f".{hashlib.sha256(str(Path.cwd()).encode()).hexdigest()[:8]}")
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    return path
