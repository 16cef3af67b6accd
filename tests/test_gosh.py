"""All subsets of a data set: against metafor, against one fit at a time, and the draw above the limit."""

import numpy as np
import pytest
import synthesis
import tolerances
from synthesis.errors import InputError
from synthesis.meta.gosh import gosh_map, members, scattered
from synthesis.meta.kernel import log_likelihood, prepare
from synthesis.meta.many import pool_many
from synthesis.meta.options import CiMethod, Tau2Method, terms
from synthesis.meta.subsets import flip_tests, pool_flips, pool_subsets
from tally import reference

RANDOM = np.random.default_rng(20261123)
FIELDS = ("count", "estimate", "se", "p", "ci_low", "ci_high", "tau2", "i2", "h2", "q", "q_p")


def effects(k, spread):
    v = np.exp(RANDOM.normal(-3, spread, k))
    return RANDOM.normal(0.3, np.sqrt(v + 0.05)), v


@pytest.mark.parametrize("name", ["aloe2013", "hine1989", "morris2008"])
@pytest.mark.parametrize("method", ["FE", "DL", "REML"])
def test_every_subset_as_metafor_has_it(name, method):
    stored = reference(name)["gosh"][method]
    found = synthesis.gosh(reference(name)["data"]["yi"], reference(name)["data"]["vi"], method)
    order = np.argsort(found.mask)[np.array(stored["subset_mask"]) - 1]
    assert found.k[order].tolist() == stored["k"]
    for ours, theirs in (("estimate", "estimate"), ("tau2", "tau2"), ("i2", "I2"), ("q", "QE")):
        assert getattr(found, ours)[order] == pytest.approx(stored[theirs], rel=1e-6, abs=1e-8), theirs


@pytest.mark.parametrize("method", terms(Tau2Method))
@pytest.mark.parametrize(("k", "spread"), [(4, 0.5), (13, 1.0), (12, 3.0), (40, 0.7)])
def test_subsets_and_sign_flips_give_what_the_general_kernel_gives(method, k, spread):
    y, v = effects(k, spread)
    held = RANDOM.random((400, k)) < 0.5
    held[~held.any(axis=1), 0] = True
    ours = pool_subsets(y, v, held, tau2=method)
    theirs = pool_many(np.tile(y, (400, 1)), np.where(held, v, np.inf), tau2=method)
    signs = RANDOM.choice([-1.0, 1.0], (300, k))
    flipped = pool_flips(y, v, signs, tau2=method)
    plainly = pool_many(signs * y, np.tile(v, (300, 1)), tau2=method)
    for a, b in ((ours, theirs), (flipped, plainly)):
        for name in FIELDS:
            want = getattr(b, name)
            assert getattr(a, name) == pytest.approx(want, rel=tolerances.LAW, abs=tolerances.LAW, nan_ok=True), name


@pytest.mark.parametrize("method", terms(Tau2Method))
def test_tests_of_sign_flips_are_those_of_their_fits(method):
    """tau2 is solved once for all intervals: each has the very numbers of a fit of its own."""
    y, v = effects(12, 1.0)
    signs = RANDOM.choice([-1.0, 1.0], (200, 12))
    asked = terms(CiMethod)
    for ci, (estimate, p) in zip(asked, flip_tests(y, v, signs, tau2=method, intervals=asked), strict=True):
        fits = pool_flips(y, v, signs, tau2=method, ci=ci)
        assert np.array_equal(estimate, fits.estimate)
        assert np.array_equal(p, fits.p)


@pytest.mark.parametrize("spread", [0.5, 2.0, 4.0])
def test_the_likelihood_of_every_subset_is_maximised_globally(spread):
    for _ in range(5):
        y, v = effects(9, spread)
        found = synthesis.gosh(y, v)
        held = members(found.mask, 9)
        batch = prepare(np.tile(y, (len(held), 1)), np.where(held > 0, v, np.inf))
        several = found.k > 1
        best = log_likelihood(batch, found.tau2, True)
        grid = [
            np.full(len(held), t) for t in (0.0, *np.geomspace(v.min() * 1e-4, 100 * v.max() + np.ptp(y) ** 2, 150))
        ]
        top = np.max([log_likelihood(batch, t, True) for t in grid], axis=0)
        assert (best >= top - tolerances.LAW)[several].all()


def test_all_subsets_once_and_singles_are_the_studies():
    y, v = effects(7, 1.0)
    found = synthesis.gosh(y, v)
    assert sorted(found.mask.tolist()) == list(range(1, 128))
    for i in range(7):
        at = found.mask.tolist().index(1 << i)
        row = [getattr(found, name)[at] for name in ("k", "tau2", "i2", "q", "h2")]
        assert row == [1, 0, 0, 0, 1]
        assert found.estimate[at] == pytest.approx(y[i], rel=1e-12)


def test_a_draw_above_the_limit_is_seeded_without_repeats_and_even():
    y, v = effects(20, 0.7)
    found = synthesis.gosh(y, v, subsets=20_000)
    assert len(set(found.mask.tolist())) == 20_000
    again = synthesis.gosh(y, v, subsets=20_000, threads=2)
    assert all((getattr(found, n) == getattr(again, n)).all() for n in ("mask", "estimate", "tau2"))
    assert set(found.mask.tolist()) != set(synthesis.gosh(y, v, subsets=20_000, seed=2).mask.tolist())
    held = members(found.mask, 20)
    together = held.T @ held / len(held)
    # Five standard errors of a share of one half and of a quarter.
    assert np.abs(np.diag(together) - 0.5).max() < 5 * 0.5 / 20_000**0.5
    assert np.abs(together[~np.eye(20, dtype=bool)] - 0.25).max() < 5 * 0.44 / 20_000**0.5
    assert found.k.mean() == pytest.approx(10, abs=0.1)


@pytest.mark.parametrize("k", [1, 2, 3, 8, 13])
@pytest.mark.parametrize("seed", [1, 2, 77])
def test_the_draw_is_a_bijection(k, seed):
    numbers = np.arange(1, 1 << k, dtype=np.int64)
    assert sorted(scattered(numbers, k, seed).tolist()) == numbers.tolist()


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(InputError, match="at most 62"):
        synthesis.gosh(np.zeros(63), np.ones(63))
    with pytest.raises(InputError, match="subsets"):
        synthesis.gosh(np.zeros(20), np.ones(20), subsets=0)
    with pytest.raises(InputError, match="tau2"):
        synthesis.gosh([0.1, 0.2], [0.1, 0.1], "XX")


@pytest.mark.parametrize("k", [3, 6, 12])
def test_the_map_counts_every_subset_once(k):
    y, v = effects(k, 0.7)
    found = gosh_map(y, v, subsets=5000, columns=7, rows=5)
    every = synthesis.gosh(y, v)
    two = every.k >= 2
    held = members(every.mask, k)
    assert found.subsets == found.possible == 2**k - 1 - k == two.sum()
    assert found.seed is None
    for i in range(k):
        inside = two & (held[:, i] == 1)
        outside = two & (held[:, i] == 0)
        assert found.with_estimate[i] == pytest.approx(every.estimate[inside].mean(), rel=tolerances.ESCALC)
        assert found.with_i2[i] == pytest.approx(every.i2[inside].mean(), abs=tolerances.LAW)
        assert found.without_estimate[i] == pytest.approx(every.estimate[outside].mean(), rel=tolerances.LAW)
    leading = held[:, found.leading] == 1
    apart = np.abs(found.with_estimate - found.without_estimate)
    assert found.leading == int(apart.argmax())
    low, high = found.estimates
    for column, row, inside, outside in found.cells:
        left, right = (low + (high - low) * (column + i) / 7 for i in (0, 1))
        here = two & (every.estimate >= left) & ((every.estimate < right) | (column == 6))
        here &= (every.i2 >= 20 * row) & (every.i2 < 20 * (row + 1))
        assert inside == (here & leading).sum()
        assert outside == (here & ~leading).sum()
    assert sum(inside + outside for _, _, inside, outside in found.cells) == found.subsets


def test_a_drawn_map_is_near_the_whole_one_and_says_its_seed():
    y, v = effects(14, 0.7)
    whole, drawn = gosh_map(y, v, subsets=20_000), gosh_map(y, v, subsets=4000, seed=5)
    assert (whole.seed, drawn.seed) == (None, 5)
    assert whole.subsets == 2**14 - 15
    assert drawn.subsets <= 4000
    spread = (whole.estimates[1] - whole.estimates[0]) / 6
    assert drawn.with_estimate == pytest.approx(whole.with_estimate, abs=spread / 10)
    assert drawn.cells == gosh_map(y, v, subsets=4000, seed=5).cells


def test_equal_studies_have_a_map_too():
    found = gosh_map(np.full(5, 0.3), np.full(5, 0.1))
    assert sum(cell[2] + cell[3] for cell in found.cells) == found.subsets == 26
    with pytest.raises(InputError, match="at least 3"):
        gosh_map([0.1, 0.2], [0.1, 0.1])
