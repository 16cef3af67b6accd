"""Meta-analysis of alliance associations and protocol effects. `import synthesis; synthesis.pool(yi, vi)`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synthesis.meta.bayes import bayes
    from synthesis.meta.beta_selection import beta_selection
    from synthesis.meta.bias import (
        egger,
        fail_safe,
        pet_peese,
        rank_test,
        robust_egger,
        robust_pet_peese,
        trim_fill,
    )
    from synthesis.meta.confounding import e_value, e_value_of_r, impact_threshold
    from synthesis.meta.contrast_power import contrast_power
    from synthesis.meta.correlated import correlated_errors
    from synthesis.meta.covariance import control_variance, shared_control
    from synthesis.meta.dependent import robust_regress
    from synthesis.meta.discovery import z_curve
    from synthesis.meta.gosh import gosh, gosh_batches
    from synthesis.meta.influence import (
        baujat,
        cumulative,
        influence,
        leave_one_out,
        leave_one_sample_out,
        shrunken,
    )
    from synthesis.meta.joint import joint_regress
    from synthesis.meta.many import pool_many
    from synthesis.meta.model_averaging import model_average
    from synthesis.meta.monitoring import boundaries, monitor, required_information
    from synthesis.meta.permutation import permutation_test
    from synthesis.meta.pool import Fit, pool
    from synthesis.meta.power import pool_power
    from synthesis.meta.psychometric import Reliabilities, psychometric, psychometric_each
    from synthesis.meta.regression import design, predict, regress, subgroups
    from synthesis.meta.selection_model import selection_model
    from synthesis.meta.significance import excess_significance, p_curve, p_uniform_star
    from synthesis.meta.small_study import henmi_copas, limit_meta, uwls, waap
    from synthesis.meta.working import working_models

__all__ = [
    "Fit",
    "Reliabilities",
    "baujat",
    "bayes",
    "beta_selection",
    "boundaries",
    "contrast_power",
    "control_variance",
    "correlated_errors",
    "cumulative",
    "design",
    "e_value",
    "e_value_of_r",
    "egger",
    "excess_significance",
    "fail_safe",
    "gosh",
    "gosh_batches",
    "henmi_copas",
    "impact_threshold",
    "influence",
    "joint_regress",
    "leave_one_out",
    "leave_one_sample_out",
    "limit_meta",
    "model_average",
    "monitor",
    "p_curve",
    "p_uniform_star",
    "permutation_test",
    "pet_peese",
    "pool",
    "pool_many",
    "pool_power",
    "predict",
    "psychometric",
    "psychometric_each",
    "rank_test",
    "regress",
    "required_information",
    "robust_egger",
    "robust_pet_peese",
    "robust_regress",
    "selection_model",
    "shared_control",
    "shrunken",
    "subgroups",
    "trim_fill",
    "uwls",
    "waap",
    "working_models",
    "z_curve",
]
__version__ = "0.1.0"

_HOMES = {
    "meta.beta_selection": ("beta_selection",),
    "meta.bias": (
        "egger",
        "fail_safe",
        "pet_peese",
        "rank_test",
        "robust_egger",
        "robust_pet_peese",
        "trim_fill",
    ),
    "meta.discovery": ("z_curve",),
    "meta.gosh": ("gosh", "gosh_batches"),
    "meta.influence": (
        "baujat",
        "cumulative",
        "influence",
        "leave_one_out",
        "leave_one_sample_out",
        "shrunken",
    ),
    "meta.monitoring": ("boundaries", "monitor", "required_information"),
    "meta.psychometric": ("Reliabilities", "psychometric", "psychometric_each"),
    "meta.model_averaging": ("model_average",),
    "meta.power": ("pool_power",),
    "meta.selection_model": ("selection_model",),
    "meta.significance": ("excess_significance", "p_curve", "p_uniform_star"),
    "meta.small_study": ("henmi_copas", "limit_meta", "uwls", "waap"),
    "meta.bayes": ("bayes",),
    "meta.dependent": ("robust_regress",),
    "meta.confounding": ("e_value", "e_value_of_r", "impact_threshold"),
    "meta.joint": ("joint_regress",),
    "meta.contrast_power": ("contrast_power",),
    "meta.correlated": ("correlated_errors",),
    "meta.covariance": ("control_variance", "shared_control"),
    "meta.pool": ("Fit", "pool"),
    "meta.working": ("working_models",),
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
