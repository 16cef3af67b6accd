"""The rows of the review: names that are citations, quotes without broken signs, constructs that are defined."""

import re

import pytest
from conftest import ROOT
from synthesis.data.extraction import corrections_of, load_source
from synthesis.data.vocabulary import CONSTRUCT_DEFINITIONS, Construct
from synthesis.meta.options import terms
from synthesis.plan.config import read_config

RAW = ROOT / "data" / "raw"
CONFIG = read_config(str(ROOT / "config.yaml"))
# A surname with its year, or a title in quotation marks where no copy shows the authors.
CITATION = re.compile(r"(van den |[^\W\d_])[\w'’\-]+.*(19|20)\d\d|“.+”|NICE, in .*\d{4}|(Small|Medium|Large) r ")
# Letters that a damaged font puts in the place of = and <, and the underscore of another.
BROKEN = re.compile("[\u03ed\u037d\u2afd]| _ ")


@pytest.fixture(scope="module")
def rows():
    corrections = corrections_of(RAW)
    found = [load_source(RAW, source, corrections) for source in CONFIG.sources]
    assert not [problem for _, problems in found for problem in problems]
    return [row for numbered, _ in found for _, row in numbered]


def test_every_study_in_a_figure_is_a_citation(rows):
    printed = [row for row in rows if row["value"] is not None or row["mean_treat"] is not None]
    shown = [row for row in printed if row["label"] and not row["exclusion_reason"]]
    odd = {row["label"] for row in shown if not CITATION.match(row["label"])}
    assert odd == set()
    for name in ("trial", "study", "pilot", "study 2023"):
        assert not [row["label"] for row in shown if re.search(rf"\b{name}\b \d{{4}}$", row["label"])], name


def test_no_quote_holds_a_sign_that_a_font_broke_and_mended_ones_are_marked(rows):
    assert not [row["effect_id"] for row in rows if BROKEN.search(row["quote"])]
    marked = {row["effect_id"] for row in rows if "glyphs_mended" in row["flag"].split(";")}
    assert marked == {"hs_01", "am_08", "am_09", "am_12", "am_13"}


def test_change_scores_are_total_unless_a_baseline_covariate_is_printed(rows):
    """The rule of docs/defaults.md, on every usable row whose outcome is plain change."""
    plain = re.compile(r"(?<!residualized )\b(change|reduction)\b", re.I)
    usable = [r for r in rows if r["construct"] == "alliance" and r["value"] is not None and not r["exclusion_reason"]]
    change = [r for r in usable if plain.search(r["outcome"]) and "residual" not in r["outcome"]]
    assert len(change) > 8
    for row in change:
        adjusted = row["adjusted_for"] in ("baseline", "prior change")
        assert (row["estimand"] == "r_partial") == adjusted, row["effect_id"]


def test_every_construct_has_a_definition():
    assert set(CONSTRUCT_DEFINITIONS) == set(terms(Construct))


def test_competence_of_therapists_counts_therapists(rows):
    by = {row["label"]: row["n"] for row in rows if row["flag"] == "therapist_level_n"}
    assert by == {"Branson et al. 2015": 43, "Liness et al. 2019": 45, "Huijbers et al. 2017": 15}
