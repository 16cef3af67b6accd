"""Coverage-guided fuzzing of the readers of tables and plans: bytes in, a result or an InputError out.

Run by `make fuzz` in an environment of its own: `python tests/fuzz_readers.py <folder of seeds> -runs=... -seed=...`.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(
    include=["synthesis.data", "synthesis.data.claim_table", "synthesis.data.extraction", "yaml"]
):
    from synthesis.data.claim_table import read_claims
    from synthesis.data.extraction import load_source
    from synthesis.data.reading import parse, read_yaml
    from synthesis.data.source import Source
    from synthesis.data.tables import read_corrections
    from synthesis.errors import InputError
    from synthesis.plan import plan

FOLDER = Path(tempfile.mkdtemp())
TABLE = FOLDER / "own" / "effects.csv"
TABLE.parent.mkdir()
READERS = (
    lambda: load_source(FOLDER, "own", []),
    lambda: read_corrections(TABLE),
    lambda: read_claims(TABLE),
    lambda: plan.load(read_yaml(TABLE), "config.yaml"),
    lambda: parse(Source, read_yaml(TABLE), "source.yaml"),
)


def one(data: bytes) -> None:
    """One input: the first byte says which reader, the rest is the file."""
    if not data:
        return
    TABLE.write_bytes(data[1:])
    try:
        READERS[data[0] % len(READERS)]()
    except InputError as error:
        if not error.problems or not all(problem.where and problem.allowed for problem in error.problems):
            raise AssertionError(f"an error that does not say what it must: {error}") from error


atheris.Setup(sys.argv, one)
atheris.Fuzz()
