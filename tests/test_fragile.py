"""A conclusion that hangs on one sample says so."""

import pytest
from msgspec.structs import replace
from synthesis.compare.contrast import contrast, contrast_with_published, refit
from synthesis.compare.fragile import with_remark
from synthesis.data.extraction import extract
from synthesis.plan.config import Comparison, Defaults, Synthesis
from synthesis.results.extracted import Reference
from synthesis.results.fitted import Fitted
from synthesis.review.fit import run_synthesis

PLAN = Comparison(title="a minus b", first="a", second="b")
AGAINST = Comparison(title="a minus published", first="a", reference="ref")


@pytest.fixture
def pooled(project):
    """A pool of correlations with these values, each of 100 people."""
    row = next(iter(extract(project.raw, "bcg", ("log_odds_ratio",)).effects))

    def made(name, *values):
        effects = [_effect(row, f"{name}{i}", value) for i, value in enumerate(values)]
        plan = Synthesis(title=name, lane="B", metric="log_odds_ratio", sources=("bcg",))
        return run_synthesis(name, plan, Defaults(), effects, [])

    return made


def _effect(row, name, value):
    return replace(row, effect_id=name, sample_id=name, label=name, yi=value, vi=0.01)


def test_the_sample_that_carries_a_difference_is_named(pooled):
    a, b = pooled("a", 0.2, 0.22, 0.18, 0.21), pooled("b", 0.2, 0.19, 0.21, 0.22)
    far = pooled("a", 0.24, 0.26, 0.25, 0.3)
    assert isinstance(a, Fitted)
    row = contrast("x", PLAN, far, b)
    turned = [s.label for s in far.studies + b.studies if _without(far, b, s.sample_id) != row.conclusion]
    remarked = with_remark(row, PLAN, far, b, None)
    if len(turned) > 3:
        assert f"any one of {len(turned)} samples" in remarked.note
    else:
        assert all(label in remarked.note for label in turned)
    assert with_remark(contrast("x", PLAN, a, b), PLAN, a, b, None).note == ""


def _without(a, b, sample):
    sides = []
    for side in (a, b):
        kept = {s.sample_id for s in side.studies} - {sample}
        sides.append(refit(side, kept) if len(kept) < len(side.studies) else side)
    return contrast("x", PLAN, *sides).conclusion


def test_a_side_of_one_sample_is_said_and_without_a_test_nothing_turns(pooled):
    one, b = pooled("one", 0.5), pooled("b", 0.2, 0.19, 0.21)
    assert "one sample stands for one" in with_remark(contrast("x", PLAN, one, b), PLAN, one, b, None).note
    cells = {"effect_id": "ref", "label": "Ref 2020", "detail": "", "construct": "protocol", "k": 3}
    published = Reference(**cells, yi=0.1, ci_low=None, ci_high=None)
    row = contrast_with_published("x", AGAINST, b, published)
    assert with_remark(row, AGAINST, b, published, None).note == row.note
