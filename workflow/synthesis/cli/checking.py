"""What is checked before the first job of a run, by the process that was started by hand."""

import sys
from pathlib import Path

from synthesis.compare.claims import check_folder
from synthesis.plan import plan as planning
from synthesis.plan.parts import Plan
from synthesis.results.files import check_times, check_writable, date_back


def check_run(plan: Plan, *, writes: bool) -> None:
    """Checks plan and data, and says what is noted of them; with `writes`, that results can be written and are newer.

    Raises InputError with all that is wrong with the data.
    """
    rows, notes = planning.check_and_note(plan)
    check_folder(planning.RAW, plan.config, rows)
    for note in notes:
        print(note, file=sys.stderr)
    if writes:
        check_times(Path("data/raw").glob("**/*.*"))
        check_writable(Path("results"))
        date_back(Path("results"))
