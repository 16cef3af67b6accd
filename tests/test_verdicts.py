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
