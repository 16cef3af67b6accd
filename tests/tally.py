"""Counts what agrees with the stored numbers of metafor, clubSandwich and bayesmeta (tests/data/README.md)."""

from __future__ import annotations

import gzip
import json
import math
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import tolerances

FOLDER = Path(__file__).parent / "data" / "reference"
NAMES = sorted(path.name.removesuffix(".json.gz") for path in FOLDER.glob("*.json.gz"))

# Where metafor's own result is not the one to agree with.
EXCEPTIONS = {
    ("cohen1981", "mv.che_rho0.3"): "metafor's optimiser stopped below the maximum; our likelihood is higher (tested)",
}
# Sections of the stored files: what they are, and what of them is not offered here.
SECTIONS = {
    "rma": ("random-effects fits by 11 estimators and 4 tests", ""),
    "confint": ("Q-profile and profile-likelihood intervals of tau2, I2, H2", "Wald and Higgins-Thompson intervals"),
    "weights": ("weights", ""),
    "leave1out": ("leave-one-out", ""),
    "cumul": ("cumulative meta-analysis", ""),
    "influence": ("deletion diagnostics", "standard errors of residuals"),
    "baujat": ("Baujat plot", ""),
    "blup": ("shrunken effects", ""),
    "gosh": ("all subsets", ""),
    "permutest": ("exact permutation tests", ""),
    "metareg": ("meta-regression, predictions", "variance inflation factors (test_joint.py)"),
    "subgroup": ("subgroups", ""),
    "regtest": ("regression tests of asymmetry", "the limit for predictors that do not go to 0"),
    "ranktest": ("rank test, exact", ""),
    "ranktest_asymptotic": ("rank test, normal", ""),
    "pet_peese": ("PET, PEESE", ""),
    "uwls": ("unrestricted weighted least squares (FE with hksj)", "the scale parameter"),
    "trimfill": ("trim and fill", ""),
    "fsn": ("fail-safe numbers of Rosenthal, Orwin, Rosenberg", "Fisher's and the general one, Orwin's unweighted"),
    "selmodel": (
        "step-function selection models",
        "beta models (test_adjusted.py); steps without a study between (refused here)",
    ),
    "robust_study": ("cluster-robust tests, one effect per cluster", "F tests of one coefficient, which repeat t"),
    "mv": (
        "three-level, CHE, cluster-robust CR0 to CR2, Hotelling T2, aggregation",
        "CR3, CR1p, CR1S, naive chi-squared tests, likelihood ratios, AIC, BIC, normal prediction intervals",
    ),
    "extras": (
        "prediction intervals by 5 methods, bayesmeta, limit meta-analysis",
        "G-squared, Kenward-Roger, p-uniform, weightr, other regression tests; p-uniform*, p-curve: test_adjusted.py",
    ),
    "tes": ("test of excess significance", ""),
    "hettest": ("permutation test of Q", "all"),
    "hc": ("Henmi-Copas interval", ""),
    "hc_tight": ("Henmi-Copas interval, tight", "the standardised quantile before it is scaled"),
    "raw_models": ("Mantel-Haenszel, Peto, GLMM", "all: effects enter here as estimates with variances"),
    "alt": ("fits in a second metric", "all: the same formulas as rma"),
}

BASIC = {"estimate": "estimate", "se": "se", "zval": "statistic", "pval": "p", "ci_lb": "ci_low", "ci_ub": "ci_high"}
UNITLESS = {"p", "q_p", "i2", "h2", "statistic", "q", "df", "weight", "tau", "missing", "r2"}


@cache
def reference(name: str) -> dict[str, Any]:
    """All stored numbers of one data set."""
    with gzip.open(FOLDER / f"{name}.json.gz", "rt", encoding="utf-8") as handle:
        found: dict[str, Any] = json.load(handle)
    return found


def stored_numbers(name: str) -> dict[str, int]:
    """How many numbers each section of a set's file holds."""
    return {section: _leaves(content) for section, content in reference(name).items() if section in SECTIONS}


def _leaves(content: Any) -> int:
    if isinstance(content, dict):
        return sum(_leaves(part) for part in content.values())
    if isinstance(content, list):
        return sum(_leaves(part) for part in content)
    return int(isinstance(content, (int, float)) and not isinstance(content, bool))


def data(name: str) -> tuple[np.ndarray, np.ndarray, float]:
    data = reference(name)["data"]
    y, v = np.array(data["yi"], dtype=float), np.array(data["vi"], dtype=float)
    return y, v, float(np.abs(y).max())


def section(name: str, section: str) -> dict[str, Any]:
    # R writes an empty list where there is nothing
    return reference(name).get(section) or {}


def cells_of(name: str, column: str, factor: bool) -> list[Any]:
    cells = reference(name)["table"][column]
    if not factor:
        return cells
    return [None if c is None else f"{c:g}" if isinstance(c, float) else str(c) for c in cells]


@dataclass
class Count:
    """Numbers compared under one heading."""

    compared: int = 0
    worst: float = 0.0
    where: str = ""
    sets: set[str] = field(default_factory=set)


@dataclass
class Tally:
    """Counts by section and field, and what did not agree."""

    counts: dict[tuple[str, str], Count] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    excepted: dict[tuple[str, str], int] = field(default_factory=dict)
    stored: dict[str, int] = field(default_factory=dict)

    def check(self, name: str, path: str, label: str, ours: Any, theirs: Any, scale: float) -> None:
        """Compares a number or a list of numbers; `scale` is the largest effect, for absolute tolerances."""
        if isinstance(theirs, list) or isinstance(ours, (list, tuple, np.ndarray)):
            theirs = theirs if isinstance(theirs, list) else [theirs]
            ours = list(ours) if isinstance(ours, (list, tuple, np.ndarray)) else [ours]
            if len(ours) != len(theirs):
                self.failures.append(f"{name} {path}: {len(ours)} numbers, not {len(theirs)}")
                return
            for a, b in zip(ours, theirs, strict=True):
                self.check(name, path, label, a, b, scale)
            return
        if theirs is None:
            return
        wanted, section = float(theirs), path.split(".", 1)[0]
        for (set_name, prefix), _ in EXCEPTIONS.items():
            if set_name == name and (path == prefix or path.startswith(prefix + ".")):
                self.excepted[(set_name, prefix)] = self.excepted.get((set_name, prefix), 0) + 1
                return
        if ours is None:
            self.failures.append(f"{name} {path}: nothing, not {wanted}")
            return
        found = float(ours)
        relative, absolute = tolerances.for_path(path)
        difference = 0.0 if found == wanted else abs(found - wanted)
        if label.endswith("p") and math.isfinite(difference) and difference < tolerances.TINY_P:
            difference = 0.0
        floor = absolute * scale if label not in UNITLESS else absolute
        limit = max(relative * abs(wanted), floor)
        count = self.counts.setdefault((section, label), Count())
        count.compared += 1
        count.sets.add(name)
        share = 0.0 if difference == 0 else difference / max(abs(wanted), floor / relative)
        if share > count.worst:
            count.worst, count.where = share, f"{name} {path}"
        if not difference <= limit:
            self.failures.append(f"{name} {path}: {found!r}, not {wanted!r}")
