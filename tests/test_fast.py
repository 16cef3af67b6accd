"""Fast routes give the numbers of the slow ones, and do not grow with the square of the studies."""

import tracemalloc

import numpy as np
import pytest
import synthesis
import tolerances as tol
from scipy import stats
from synthesis.meta.kendall import kendall
from synthesis.meta.robust import _parts, satterthwaite

SOME_MEGABYTES = 60e6


@pytest.mark.parametrize("seed", range(12))
def test_kendall_is_that_of_scipy(seed):
    """With ties and without, exact and normal. A run does not import scipy.stats, which costs it half a second."""
    random = np.random.default_rng(seed)
    k = (3, 5, 8, 21, 60, 180)[seed % 6]
    x = random.standard_normal(k)
    y = random.standard_normal(k) + (seed % 3) * x
    if seed >= 6:
        x, y = np.round(2 * x), np.round(2 * y)
    for exact in {False, seed < 6}:
        theirs = stats.kendalltau(x, y, method="exact" if exact else "asymptotic")
        assert kendall(x, y, exact=exact) == pytest.approx(tuple(theirs), rel=tol.SAME_FORMULA)


def dense_df(parts, contrast):
    """Tipton & Pustejovsky (2015), eq. 17, with the covariance of every pair of samples written out."""
    rows = [contrast @ parts.bread @ score for score in parts.scores]
    reach = np.array([g @ x for g, x in zip(rows, parts.x, strict=True)])
    across = -np.einsum("isp,pr,jtr->stij", reach, parts.bread, reach)
    for i, (g, v) in enumerate(zip(rows, parts.v, strict=True)):
        across[:, :, i, i] += g @ v @ g.T
    values, vectors = np.linalg.eigh(np.einsum("stii->st", across))
    root = (vectors / np.sqrt(values)) @ vectors.T
    across = np.einsum("as,stij,tb->abij", root, across, root)
    q = len(contrast)
    total = sum(
        np.sum(across[s, s] * across[t, t]) + np.sum(across[s, t] * across[t, s]) for s in range(q) for t in range(q)
    )
    return q * (q + 1) / total


@pytest.mark.parametrize("seed", range(8))
def test_degrees_of_freedom_are_those_of_all_pairs_of_samples(seed):
    random = np.random.default_rng(seed)
    p = 1 + seed % 4
    x = [np.column_stack([np.ones(n), random.standard_normal((n, p - 1))]) for n in random.integers(1, 5, 12)]
    roots = [random.standard_normal((len(part), len(part) + 2)) for part in x]
    parts = _parts(x, [a @ a.T + 0.1 * np.eye(len(a)) for a in roots], "CR2")
    for q in range(1, p + 1):
        contrast = random.standard_normal((q, p))
        assert satterthwaite(parts, contrast) == pytest.approx(dense_df(parts, contrast), rel=tol.BAYES_LAW)


def test_leaving_each_out_does_not_hold_all_data_sets_at_once():
    random = np.random.default_rng(1)
    v = random.uniform(0.01, 0.2, 3000)
    y = random.normal(0.3, np.sqrt(v + 0.02))
    tracemalloc.start()
    left = synthesis.leave_one_out(y, v, tau2="DL")
    growing = synthesis.cumulative(y, v, tau2="DL")[1]
    diagnostics = synthesis.influence(y, v, tau2="DL")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < SOME_MEGABYTES
    for i in (0, 1500, 2999):
        fit = synthesis.pool(np.delete(y, i), np.delete(v, i), tau2="DL")
        assert left.estimate[i] == pytest.approx(fit.estimate, rel=tol.BAYES_LAW)
        assert left.ci_low[i] == pytest.approx(fit.ci_low, rel=tol.BAYES_LAW)
        assert diagnostics.tau2_without[i] == pytest.approx(fit.tau2, rel=tol.BAYES_LAW)
    assert growing.estimate[1999] == pytest.approx(synthesis.pool(y[:2000], v[:2000], tau2="DL").estimate)
