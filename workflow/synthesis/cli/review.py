"""The commands of single syntheses: fits, the second route to them, diagnostics, and the tables of all."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from synthesis.errors import refuse
from synthesis.results.document import (
    columns,
    read_document,
    read_documents,
    write_document,
    write_documents,
    write_rows,
)

if TYPE_CHECKING:
    from synthesis.cli.main import Commands


def register(commands: Commands) -> None:
    """Adds the commands to the parser."""
    commands.add(fit, plan=True).words("--synthesis").paths("--sources").path("--out", "--check")
    commands.add(crosscheck).paths("--models", "--checks").path("--table")
    commands.add(pooled, plan=True).paths("--models").path("--table")
    added = commands.add(diagnose, plan=True).path("--model", "--out")
    added.other(
        "--sources", type=Path, nargs="+", default=[], help="its rows: for moderators that the fit does not hold"
    )
    commands.add(diagnostics).paths("--diagnostics").path("--tables")
    commands.add(psychometric, plan=True).paths("--models", "--sources").path("--table")


def fit(args: argparse.Namespace) -> None:
    """Fits a synthesis, and writes it where a second route to each number agrees."""
    from synthesis.plan.config import read_config
    from synthesis.results.extracted import read_extracted
    from synthesis.review.crosscheck import by_matrices, checked
    from synthesis.review.fit import run_synthesis

    plan = read_config(args.config)
    if args.synthesis not in plan.syntheses:
        refuse("--synthesis", args.synthesis, plan.syntheses)
    extracted = read_extracted(args.sources)
    synthesis = plan.syntheses[args.synthesis]
    document = run_synthesis(args.synthesis, synthesis, plan.defaults, extracted.effects, extracted.dropped)
    compared = checked([document], by_matrices)
    write_document(args.out, document)
    write_documents(args.check, compared[args.synthesis])
    fitted = document.fit
    print(
        f"{document.synthesis}: {fitted.estimate:.4f} [{fitted.ci_low:.4f}, {fitted.ci_high:.4f}] ({fitted.metric}), "
        f"{fitted.samples} samples, {fitted.k} effects"
    )


def crosscheck(args: argparse.Namespace) -> None:
    """Writes the second routes to all fits, those by PyMARE and statsmodels among them; fails where two disagree."""
    from synthesis.results.checks import CheckRow
    from synthesis.results.fitted import Fitted
    from synthesis.review.crosscheck import by_libraries, checked

    libraries = checked([read_document(path, Fitted) for path in args.models], by_libraries)
    compared = [row for path in args.checks for row in [*read_documents(path, CheckRow), *libraries[path.stem]]]
    write_rows(args.table, compared, CheckRow)
    print(f"{len(args.models)} fits; {len(compared)} numbers agree with the second route")


def pooled(args: argparse.Namespace) -> None:
    """Writes every fit as a row of one table."""
    from synthesis.plan.config import read_config
    from synthesis.results.fitted import PooledRow
    from synthesis.review.presentation import pooled_row, read_presented

    rows = [pooled_row(document) for document in read_presented(args.models, read_config(args.config).syntheses)]
    write_rows(args.table, rows, PooledRow)
    print(f"{len(rows)} fits")


def diagnose(args: argparse.Namespace) -> None:
    """Examines a fit: influence, small-study effects, moderators, small numbers of samples."""
    from synthesis.plan.config import read_config
    from synthesis.results.extracted import read_extracted
    from synthesis.results.fitted import Fitted, Member
    from synthesis.review.diagnose import diagnose as diagnose_fit
    from synthesis.review.presentation import with_columns

    plan = read_config(args.config)
    document = read_document(args.model, Fitted)
    synthesis = plan.syntheses[document.synthesis]
    moderators, regressions = synthesis.moderators, synthesis.regressions
    asked = (*moderators, *(name for model in regressions.values() for name in model.columns))
    named = [plan.groupings[m].column if m in plan.groupings else m for m in dict.fromkeys(asked)]
    if args.sources:
        document = with_columns(document, read_extracted(args.sources), named)
    elif missing := [name for name in named if name not in columns(Member)]:
        refuse("--sources", "none", [f"the rows that hold {', '.join(missing)}"])
    working = synthesis.working_models
    diagnosed = diagnose_fit(document, moderators, plan.diagnostics, plan.groupings, regressions, working)
    write_document(args.out, diagnosed)
    print(f"{document.synthesis}: {document.fit.samples} samples examined")


def diagnostics(args: argparse.Namespace) -> None:
    """Writes the diagnostics of all fits as tables."""
    from synthesis.results.diagnosed import Diagnosed
    from synthesis.review.diagnostic_tables import tables, write_tables

    write_tables(args.tables, tables(read_document(path, Diagnosed) for path in args.diagnostics))
    print(f"{len(args.diagnostics)} syntheses")


def psychometric(args: argparse.Namespace) -> None:
    """Correlations corrected for unreliability beside the same as they are."""
    from synthesis.data.published import rows_by_id
    from synthesis.plan.config import read_config
    from synthesis.results.extracted import read_extracted
    from synthesis.results.fitted import Fitted
    from synthesis.results.further import PsychometricRow
    from synthesis.review.attenuation import corrected

    rows = rows_by_id(read_extracted(args.sources).effects)
    documents = [read_document(path, Fitted) for path in args.models]
    table = corrected(documents, read_config(args.config).psychometric, rows)
    write_rows(args.table, table, PsychometricRow)
    print(f"{len(table)} syntheses of correlations")
