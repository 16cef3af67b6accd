"""Effects as a plan pools them, and what is asked about their people."""

from synthesis.data.columns import BY_NAME
from synthesis.data.extraction import total_n
from synthesis.data.people import people_faults
from synthesis.data.tables import typed
from synthesis.results.extracted import Chosen


def typed_row(**cells):
    """A row of a study; numbers as they would stand in a table."""
    usual = {"effect_id": "a", "level": "study", "estimand": "d_between", "construct": "protocol"}
    return typed(dict.fromkeys(BY_NAME, "") | usual | {name: str(value) for name, value in cells.items()})


def means(*, yi=0.6, vi=0.04, **cells):
    """An effect of a plan's source."""
    usual = {
        "effect_id": "a", "sample_id": "a", "study": "Ada 2001", "year": 2001, "statistic": "mean_sd", "mean_treat": 20,
        "sd_treat": 5, "n_treat": 50, "mean_control": 17, "sd_control": 5.2, "n_control": 48, "outcome": "BDI",
    }  # fmt: skip
    row = typed_row(**usual | cells)
    columns = {name: row[name] for name in BY_NAME} | {"label": row["study"]}
    return Chosen(
        source="x", metric="g", yi=yi, vi=vi, n_total=total_n(row), exactness="exact", converter="c",
        converter_version=1, corrected="", not_in_quote="", **columns,
    )  # fmt: skip


def correlation(**cells):
    empty = dict.fromkeys(("mean_treat", "sd_treat", "n_treat", "mean_control", "sd_control", "n_control"), "")
    usual = {"statistic": "r", "value": 0.28, "n": 70, "estimand": "r_total", "construct": "alliance"}
    return means(**empty | usual | cells)


def asked(*rows, same=(), others=()):
    places = {row.effect_id: f"effects.csv, row {at}" for at, row in enumerate(rows, start=2)}
    return [str(problem) for problem in people_faults(rows, places, same, others)]
