"""Meta-analysis of alliance associations and protocol effects. `import synthesis; synthesis.pool(yi, vi)`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synthesis.meta.bayes import bayes
    from synthesis.meta.bias import egger, fail_safe, pet_peese, rank_test, robust_egger, trim_fill
    from synthesis.meta.covariance import control_variance, shared_control
    from synthesis.meta.dependent import robust_regress
    from synthesis.meta.gosh import gosh, gosh_batches
    from synthesis.meta.influence import (
        baujat,
        cumulative,
        influence,
        leave_one_out,
        leave_one_sample_out,
        shrunken,
    )
    from synthesis.meta.many import pool_many
    from synthesis.meta.nested import fit_nested, nested_interval
    from synthesis.meta.permutation import permutation_test
    from synthesis.meta.pool import Fit, pool
    from synthesis.meta.regression import design, predict, regress, subgroups
    from synthesis.meta.selection_model import selection_model

__all__ = [
    "Fit",
    "baujat",
    "bayes",
    "control_variance",
    "cumulative",
    "design",
    "egger",
    "fail_safe",
    "fit_nested",
    "gosh",
    "gosh_batches",
    "influence",
    "leave_one_out",
    "leave_one_sample_out",
    "nested_interval",
    "permutation_test",
    "pet_peese",
    "pool",
    "pool_many",
    "predict",
    "rank_test",
    "regress",
    "robust_egger",
    "robust_regress",
    "selection_model",
    "shared_control",
    "shrunken",
    "subgroups",
    "trim_fill",
]
__version__ = "0.1.0"

_HOMES = {
    "meta.bias": ("egger", "fail_safe", "pet_peese", "rank_test", "robust_egger", "trim_fill"),
    "meta.gosh": ("gosh", "gosh_batches"),
    "meta.influence": (
        "baujat",
        "cumulative",
        "influence",
        "leave_one_out",
        "leave_one_sample_out",
        "shrunken",
    ),
    "meta.selection_model": ("selection_model",),
    "meta.bayes": ("bayes",),
    "meta.dependent": ("robust_regress",),
    "meta.covariance": ("control_variance", "shared_control"),
    "meta.nested": ("fit_nested", "nested_interval"),
    "meta.pool": ("Fit", "pool"),
    "meta.many": ("pool_many",),
    "meta.permutation": ("permutation_test",),
    "meta.regression": ("design", "predict", "regress", "subgroups"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    # Late, so that a command that does not fit anything does not import numpy and scipy.
    if name in _HOME:
        return getattr(import_module(f"synthesis.{_HOME[name]}"), name)
    raise AttributeError(f"module 'synthesis' has no attribute {name!r}")
