"""Claims that rest on several values, and their bounds."""

import dataclasses
import re

import pytest
from conftest import ROOT
from synthesis.compare import claims as c
from synthesis.data.claim_table import read_claims
from test_claims import value

RAW = ROOT / "data" / "raw"


@pytest.fixture(scope="module")
def claims():
    return read_claims(RAW / "claims.csv")


@pytest.mark.parametrize(
    ("intervals", "verdict"),
    [
        (((0.3, 0.4), (0.25, 0.5)), "supported"),
        (((0.0, 0.1), (0.0, 0.2)), "not supported"),
        (((0.1, 0.4), (0.0, 0.3)), "cannot be decided"),
        (((0.3, 0.4), (0.0, 0.1)), "cannot be decided"),
        (((0.3, 0.4), (0.1, 0.4)), "cannot be decided"),
    ],
)
def test_several_values_have_the_verdict_that_all_of_them_have(claims, monkeypatch, intervals, verdict):
    claim = next(claim for claim in claims if claim.quantity)
    monkeypatch.setattr(c, "values_of", lambda claim, evidence: [value(*limits) for limits in intervals])
    monkeypatch.setattr(c, "bounds_of", lambda claim, rows: (0.2, None))
    found = c.verdict_of_data(dataclasses.replace(claim, rule="above"), c.Evidence({}, None, {}, []))
    assert found.verdict == verdict
    assert sum(int(n) for n in re.findall(r"in (\d+) of 2 values", found.why)) == 2


def test_a_decided_claim_has_the_bounds_that_were_declared(claims, monkeypatch):
    monkeypatch.setattr(c, "verdict_of_data", lambda claim, evidence: c.Finding("supported", "", (value(0.3, 0.4),)))
    claim = dataclasses.replace(claims[0], low="0.1", high="0.5", evidence="", source_agrees="")
    (decided,) = c.decided_claims([claim], c.Evidence({}, None, {}, []))
    assert (decided.low, decided.high) == ("0.1", "0.5")
    assert (decided.estimate, decided.ci_low, decided.ci_high) == (0.35, 0.3, 0.4)
