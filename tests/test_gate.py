"""The gate of the public statistics: every function, every argument, every bad kind is right or refused by name."""

import contextlib
import datetime
import inspect
import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import synthesis
import tolerances as tol
from hypothesis import given, settings
from hypothesis import strategies as st
from synthesis.errors import InputError
from synthesis.meta.options import CiMethod, Tau2Method, terms

K = 12
Y = [0.31, 0.12, 0.55, 0.28, -0.05, 0.41, 0.22, 0.63, 0.18, 0.37, 0.09, 0.48]
V = [0.02, 0.05, 0.03, 0.04, 0.08, 0.025, 0.06, 0.03, 0.045, 0.02, 0.07, 0.035]
SAMPLES = list("aabbccddeeff")
YEARS = [float(1990 + 2 * i) for i in range(K)]
GROUPS = list("xyxyxyxyxyxy")
DESIGN = synthesis.design({"year": YEARS}, K)
FIT = synthesis.regress(Y, V, {"year": YEARS})

# The public functions with good arguments, each by name.
CALLS = {
    "pool": {"yi": Y, "vi": V, "tau2": "REML", "ci": "hksj", "cluster": SAMPLES, "rho": 0.6, "model": "che",
             "level": 0.95, "metric": "g", "fixed_tau2": None, "near": None, "V": None, "levels": None,
             "crossed": None},
    "pool_many": {"yi": [Y, Y], "vi": [V, V], "tau2": "REML", "ci": "hksj", "level": 0.95, "equal": "adhoc"},
    "baujat": {"yi": Y, "vi": V, "tau2": "REML"},
    "bayes": {"yi": Y, "vi": V, "tau_scale": 0.5, "mu_prior": (0.0, 1.0), "level": 0.95, "thresholds": [0.1]},
    "beta_selection": {"yi": Y, "vi": V, "alternative": "two-sided", "level": 0.95},
    "correlated_errors": {"vi": V, "cluster": SAMPLES, "rho": 0.6, "same": None, "time": YEARS, "phi": 0.9},
    "cumulative": {"yi": Y, "vi": V, "order": YEARS, "tau2": "REML", "ci": "hksj", "level": 0.95},
    "boundaries": {"fraction": [0.5, 1.0], "alpha": 0.05, "spending": "pocock"},
    "contrast_power": {"effect": 0.2, "vi": V, "levels": GROUPS, "contrast": ("x", "y"), "tau2": 0.01, "ci": "hksj",
                       "cluster": SAMPLES, "omega2": 0.01, "rho": 0.6, "alpha": 0.05, "wanted": 0.8},
    "control_variance": {"metric": "mean_difference", "n": YEARS, "sd": V, "events": (), "total": ()},
    "shared_control": {"yi": Y, "vi": V, "control": SAMPLES, "part": [0.01] * K, "n_treat": YEARS, "n_control": YEARS},
    "design": {"moderators": {"year": YEARS}, "k": K},
    "e_value": {"ratio": 2.0},
    "e_value_of_r": {"r": 0.3},
    "egger": {"yi": Y, "vi": V, "predictor": "ninv", "n": YEARS, "model": "lm", "tau2": "REML", "ci": "wald",
              "level": 0.95},
    "excess_significance": {"yi": Y, "vi": V, "tau2": "REML", "alpha": 0.05, "test": "exact"},
    "fail_safe": {"yi": Y, "vi": V, "method": "orwin", "target": 0.1},
    "gosh": {"yi": Y[:5], "vi": V[:5], "tau2": "REML", "exhaustive_up_to": 15, "subsets": 10, "seed": 1, "threads": 1},
    "gosh_batches": {"yi": Y[:5], "vi": V[:5], "tau2": "REML", "exhaustive_up_to": 15, "subsets": 10, "seed": 1,
                     "threads": 1},
    "henmi_copas": {"yi": Y, "vi": V, "level": 0.95},
    "impact_threshold": {"r": 0.3, "bound": 0.1},
    "influence": {"yi": Y, "vi": V, "tau2": "REML", "ci": "wald"},
    "joint_regress": {"yi": Y, "vi": V, "formula": "year + group", "columns": {"year": YEARS, "group": GROUPS},
                      "cluster": None, "tau2": "REML", "ci": "hksj", "rho": 0.6, "level": 0.95,
                      "reference": {"group": "y"}, "means": ["group"], "at": [{"year": 2000}], "permutations": 20,
                      "seed": 1},
    "leave_one_out": {"yi": Y, "vi": V, "tau2": "REML", "ci": "hksj", "level": 0.95},
    "leave_one_sample_out": {"yi": Y, "vi": V, "cluster": SAMPLES, "tau2": "REML", "ci": "hksj", "rho": 0.6,
                             "model": "composites", "level": 0.95, "V": None},
    "limit_meta": {"yi": Y, "vi": V, "tau2": "REML", "level": 0.95},
    "model_average": {"yi": Y[:4], "vi": V[:4], "scale": 0.5, "alternative": "less", "level": 0.95, "nodes": 8},
    "monitor": {"yi": Y, "vi": V, "order": YEARS, "smallest_effect": 0.2, "alpha": 0.05, "power": 0.8,
                "spending": "pocock", "tau2": "REML", "diversity": None},
    "p_curve": {"yi": Y, "vi": V},
    "p_uniform_star": {"yi": Y, "vi": V, "side": "greater", "level": 0.95},
    "permutation_test": {"yi": Y, "vi": V, "moderators": {"year": YEARS}, "tau2": "REML", "ci": "hksj",
                         "iterations": 20, "seed": 0},
    "pet_peese": {"yi": Y, "vi": V, "level": 0.95},
    "pool_power": {"effect": 0.2, "vi": V, "tau2": 0.01, "alpha": 0.05, "wanted": 0.8},
    "psychometric": {"ri": [y / 2 for y in Y], "ni": YEARS, "process": synthesis.Reliabilities(0.8, 0.05),
                     "outcome": synthesis.Reliabilities(0.9, 0.0), "level": 0.8},
    "psychometric_each": {"ri": [y / 2 for y in Y], "ni": YEARS, "corrected": [y / 2 / 0.8 for y in Y],
                          "attenuation": [0.8] * K, "level": 0.8},
    "predict": {"fit": FIT, "rows": [[1.0, 2000.0]]},
    "rank_test": {"yi": Y, "vi": V, "exact": True},
    "regress": {"yi": Y, "vi": V, "moderators": {"year": YEARS}, "tau2": "REML", "ci": "hksj", "level": 0.95},
    "required_information": {"smallest_effect": 0.2, "alpha": 0.05, "power": 0.8, "diversity": 0.2},
    "robust_egger": {"yi": Y, "vi": V, "cluster": SAMPLES, "predictor": "ninv", "n": YEARS, "rho": 0.0, "level": 0.95},
    "robust_pet_peese": {"yi": Y, "vi": V, "cluster": SAMPLES, "rho": 0.6, "level": 0.95},
    "robust_regress": {"yi": Y, "vi": V, "moderators": {"year": YEARS}, "cluster": SAMPLES, "rho": 0.6, "level": 0.95,
                       "at": [[1.0, 2000.0]]},
    "selection_model": {"yi": Y, "vi": V, "steps": (0.025,), "alternative": "greater", "level": 0.95,
                        "clusters": SAMPLES},
    "shrunken": {"yi": Y, "vi": V, "tau2": "REML", "level": 0.95},
    "subgroups": {"yi": Y, "vi": V, "groups": GROUPS, "tau2": "REML", "ci": "hksj", "common_tau2": False,
                  "cluster": None, "rho": 0.6, "level": 0.95},
    "trim_fill": {"yi": Y, "vi": V, "estimator": "L0", "side": "left", "tau2": "REML", "ci": "hksj", "level": 0.95},
    "uwls": {"yi": Y, "vi": V, "level": 0.95},
    "waap": {"yi": Y, "vi": V, "level": 0.95},
    "working_models": {"yi": Y, "vi": V, "cluster": SAMPLES, "rhos": (0.0, 0.5), "composite_rho": 0.6, "level": 0.95},
    "z_curve": {"yi": [y + 0.4 for y in Y], "vi": V, "bootstraps": 3, "seed": 1, "level": 0.95},
}  # fmt: skip


def spoilt(value, bad):
    """The list with its second element replaced."""
    return [value[0], bad, *value[2:]]


def masked(value):
    return np.ma.masked_array(value, mask=[i == 1 for i in range(len(value))])


COLUMN_KINDS = {
    "masked": masked,
    "masked element": lambda x: spoilt(x, np.ma.masked),
    "None": lambda x: spoilt(x, None),
    "NaN": lambda x: spoilt(x, math.nan),
    "pd.NA": lambda x: spoilt(x, pd.NA),
    "NaT": lambda x: spoilt(x, pd.NaT),
    "empty text": lambda x: spoilt(x, ""),
    "nullable series": lambda x: pd.Series(spoilt(x, pd.NA), dtype="object"),
    "a list in a cell": lambda x: spoilt(x, [1.0]),
    "two columns": lambda x: [x, x],
    "a table": lambda x: pd.DataFrame({"a": x}),
    "a matrix": lambda x: np.array([x, x]),
    "one value": lambda x: x[0],
    "0-d": lambda x: np.array(0.5),
    "empty": lambda x: [],
    "generator": lambda x: (value for value in x),
    "set": lambda x: set(x),
    "mapping": lambda x: dict(enumerate(x)),
    "too short": lambda x: x[:-1],
    "too long": lambda x: [*x, x[-1]],
    "text": lambda x: "text",
}
NUMBER_KINDS = COLUMN_KINDS | {
    "infinite": lambda x: spoilt(x, math.inf),
    "numbers as text": lambda x: list(map(str, x)),
    "text array": lambda x: np.array(list(map(str, x))),
    "bytes": lambda x: np.array(list(map(str, x)), dtype="S"),
    "complex": lambda x: [complex(value) for value in x],
    "complex array": lambda x: np.array(x, dtype=complex),
    "dates": lambda x: np.array(["2001-01-01"] * len(x), dtype="datetime64[D]"),
    "date objects": lambda x: [datetime.date(2001, 1, 1)] * len(x),
    "time stamps": lambda x: pd.Series(pd.date_range("2001-01-01", periods=len(x))),
    "time differences": lambda x: np.array([1] * len(x), dtype="timedelta64[D]"),
    "objects": lambda x: [object()] * len(x),
    "huge": lambda x: spoilt(x, 10**400),
}
# A moderator may be of truth values or text, so that these are no faults of it.
FIGURE_KINDS = NUMBER_KINDS | {
    "truth values": lambda x: [True, False] * (len(x) // 2) + [True] * (len(x) % 2),
    "truth value array": lambda x: np.array(x) > np.median(x),
    "one truth value": lambda x: spoilt(x, True),
}
SIMPLE = {
    "None": None, "NaN": math.nan, "infinite": math.inf, "text": "0.5", "a list": [0.5], "an array": np.array([1, 2]),
    "truth value": True, "complex": 1j, "a date": datetime.date(2001, 1, 1), "NA": pd.NA, "an object": object(),
}  # fmt: skip
BAD_VALUES = {
    "level": SIMPLE | {"percent": 95, "zero": 0, "one": 1, "negative": -0.5},
    "rho": SIMPLE | {"negative": -0.1, "above one": 1.1},
    "option": {**SIMPLE, "another word": "knha", "upper case": "HKSJ"},
    "whole": SIMPLE | {"negative": -1, "a fraction": 1.5, "a float": 2.0},
    "flag": {key: value for key, value in SIMPLE.items() if key != "truth value"} | {"one": 1},
    "number": {key: value for key, value in SIMPLE.items() if key != "None"},
    "scale": SIMPLE | {"zero": 0.0, "negative": -1.0},
}
KIND_OF = {
    "level": "level", "rho": "rho", "tau2": "option", "ci": "option", "model": "option", "equal": "option",
    "predictor": "option", "method": "option", "estimator": "option", "alternative": "option", "exact": "flag",
    "common_tau2": "flag", "iterations": "whole", "seed": "whole", "subsets": "whole", "threads": "whole",
    "exhaustive_up_to": "whole", "k": "whole", "tau_scale": "scale", "target": "number", "fixed_tau2": "number",
    "permutations": "whole", "side": "option", "test": "option", "alpha": "number", "effect": "number",
    "wanted": "number", "spending": "option", "smallest_effect": "number", "power": "number", "composite_rho": "rho",
    "omega2": "number", "phi": "number",
}  # fmt: skip
FIGURES = {
    "yi", "vi", "order", "n", "thresholds", "steps", "sd", "part", "n_treat", "n_control", "fraction", "ri", "ni",
    "corrected", "attenuation", "time", "rhos",
}  # fmt: skip
ONE_FROM = {"thresholds", "steps", "fraction", "rhos"}


def cases():
    for function, arguments in CALLS.items():
        for argument, good in arguments.items():
            if argument in KIND_OF:
                for kind, bad in BAD_VALUES[KIND_OF[argument]].items():
                    yield function, argument, kind, bad
            elif argument in {"yi", "vi"} and function == "pool_many":
                for kind, spoil in FIGURE_KINDS.items():
                    # An infinite variance marks an absent study here.
                    if (argument, kind) != ("vi", "infinite") and kind != "a list in a cell":
                        yield function, argument, kind, [good[0], spoil(good[1])]
            elif argument in FIGURES - ONE_FROM:
                for kind, spoil in FIGURE_KINDS.items():
                    # Variances alone have no other column whose length they could differ from.
                    if "yi" in arguments or function != "pool_power" or kind not in ("too short", "too long"):
                        yield function, argument, kind, spoil(good)
            elif argument in ONE_FROM:
                for kind, bad in SIMPLE.items():
                    if kind != "an array":
                        yield function, argument, kind, [bad]
                yield function, argument, "no sequence", 0.1
            elif argument in {"cluster", "groups"}:
                for kind, spoil in COLUMN_KINDS.items():
                    yield function, argument, kind, spoil(good or SAMPLES)
                yield function, argument, "reads alike", ["1", 1, *SAMPLES[2:]]
            elif argument == "moderators":
                for kind, spoil in NUMBER_KINDS.items():
                    if not kind.startswith(("numbers as text", "text array")):
                        yield function, argument, kind, {"year": spoil(YEARS)}
                yield from ((function, argument, kind, bad) for kind, bad in SIMPLE.items())
            elif argument == "columns":
                for kind, spoil in NUMBER_KINDS.items():
                    if not kind.startswith(("numbers as text", "text array")):
                        yield function, argument, kind, good | {"year": spoil(YEARS)}
                yield from ((function, argument, kind, bad) for kind, bad in SIMPLE.items())
            elif argument in {"same", "crossed", "levels"}:
                # What is empty or false is no "nothing given" either.
                empty = {"empty list": [], "zero": 0, "false": False, "empty text": ""}
                yield from ((function, argument, kind, bad) for kind, bad in (SIMPLE | empty).items())
            elif argument in {"formula", "reference", "means", "at"}:
                yield from ((function, argument, kind, bad) for kind, bad in SIMPLE.items() if kind != "a list")
                yield function, argument, "a list", [[0.5]]


def is_default(function, argument, bad):
    """None where None is what stands for "nothing given"."""
    default = inspect.signature(getattr(synthesis, function)).parameters[argument].default
    return bad is None and default is None


CASES = [case for case in cases() if not is_default(case[0], case[1], case[3])]


@pytest.mark.parametrize("function", CALLS)
def test_the_table_names_every_argument_and_its_good_values_are_taken(function):
    call = getattr(synthesis, function)
    assert list(CALLS[function]) == list(inspect.signature(call).parameters)
    call(**CALLS[function])


def test_the_table_names_every_function():
    assert set(CALLS) == set(synthesis.__all__) - {"Fit", "Reliabilities"}


@pytest.mark.parametrize(("function", "argument"), dict.fromkeys(case[:2] for case in CASES))
def test_a_bad_argument_is_refused_by_name(function, argument):
    said = {kind: answer(function, argument, bad) for f, a, kind, bad in CASES if (f, a) == (function, argument)}
    given = {"yi", "vi", "moderators", "columns"}
    names = (argument, "yi, vi", "moderator") if argument in given else (argument,)
    # Of two columns of different lengths either is named.
    others = tuple(name for name in ("cluster", "levels", "ni") if name in CALLS[function])
    lengths = ("empty", "too short", "too long")
    taken = {
        kind: places
        for kind, places in said.items()
        if not any(place.startswith(names + (others if kind in lengths else ())) for place in places)
    }
    assert taken == {}


def answer(function, argument, bad) -> list[str]:
    """What a call names as bad; nothing where it gives a result."""
    try:
        getattr(synthesis, function)(**{**CALLS[function], argument: bad})
    except InputError as error:
        return [problem.where for problem in error.problems]
    return []


@pytest.mark.parametrize("function", [name for name in CALLS if "yi" in CALLS[name] and name != "pool_many"])
@pytest.mark.parametrize(
    "make",
    [
        tuple,
        np.array,
        lambda x: pd.Series(x, index=range(len(x), 0, -1)),
        lambda x: pd.array(x, dtype="Float64"),
        lambda x: np.ma.masked_array(x),
        lambda x: list(map(np.float64, x)),
        lambda x: [Decimal(repr(value)) for value in x],
        lambda x: np.array(x, dtype=object),
    ],
)
def test_numbers_are_read_by_position_whatever_holds_them(function, make):
    call, good = getattr(synthesis, function), CALLS[function]
    same = call(**good), call(**{**good, "yi": make(good["yi"]), "vi": make(good["vi"])})
    if function != "gosh_batches":
        assert repr(same[0]) == repr(same[1])


def test_fractions_and_whole_numbers_are_numbers():
    assert synthesis.pool([Fraction(1, 2), 1, 2], [1, 2, Fraction(1, 4)]) == synthesis.pool([0.5, 1, 2], [1, 2, 0.25])


def test_what_was_given_is_not_changed():
    y, v = np.array(Y), np.array(V)
    synthesis.pool(y, v)
    synthesis.influence(y, v)
    assert y.tolist() == Y
    assert v.tolist() == V


def test_two_moderators_that_make_one_name_are_refused():
    """a with level bc and ab with level c: the coefficients would both be abc."""
    one, two = ["b0", "bc"] * 6, ["0", "c", "c"] * 4
    with pytest.raises(InputError, match="abc"):
        synthesis.regress(Y, V, {"a": one, "ab": two})


@pytest.mark.parametrize("word", ["knha", "HKSJ", "", "wald "])
def test_another_interval_is_not_taken_for_one_of_ours(word):
    with pytest.raises(InputError, match=r"ci: .*hksj_adhoc"):
        synthesis.pool_many([Y], [V], ci=word)


def test_one_variance_of_almost_nothing_is_refused_by_the_models_that_cannot_carry_it():
    for tiny in (1e-32, 1e-22):
        with pytest.raises(InputError, match="yi, vi"):
            synthesis.pool(Y, [tiny, *V[1:]], cluster=SAMPLES, model="che")


# Laws ----------------------------------------------------------------------------------------------------------------

EFFECTS = st.lists(
    st.tuples(st.floats(-2, 2, allow_subnormal=False), st.floats(0.01, 1)), min_size=3, max_size=12
)  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(EFFECTS, st.integers(-49, 49), st.sampled_from(terms(Tau2Method)), st.sampled_from(terms(CiMethod)))
def test_units_do_not_matter(data, exponent, tau2, ci):
    """yi times s and vi times s squared, variances over the whole range from 1e-98 to 1e98."""
    y, v = map(np.array, zip(*data, strict=True))
    scale = 10.0**exponent
    small, large = synthesis.pool(y, v, tau2=tau2, ci=ci), synthesis.pool(y * scale, v * scale**2, tau2=tau2, ci=ci)
    for name, power in (("estimate", 1), ("se", 1), ("ci_low", 1), ("ci_high", 1), ("tau2", 2), ("i2", 0), ("q", 0)):
        first, second = getattr(small, name), getattr(large, name) / scale**power
        size = max(abs(small.estimate), small.se)
        assert first == pytest.approx(second, rel=tol.UNITS, abs=tol.UNITS * size**power)


@settings(deadline=None, max_examples=60)
@given(EFFECTS, st.randoms(use_true_random=False))
def test_order_does_not_matter(data, random):
    shuffled = list(data)
    random.shuffle(shuffled)
    first, second = (synthesis.pool(*map(np.array, zip(*rows, strict=True))) for rows in (data, shuffled))
    for name in ("estimate", "se", "tau2", "q", "ci_low", "pi_high"):
        scale = abs(first.estimate) + first.se
        assert getattr(first, name) == pytest.approx(getattr(second, name), rel=tol.UNITS, abs=tol.UNITS * scale)


@given(st.floats(-3, 3), st.floats(0.001, 10))
def test_one_study_is_itself(y, v):
    fit = synthesis.pool([y], [v])
    assert (fit.estimate, fit.se, fit.samples, fit.weights) == (y, v**0.5, 1, (100.0,))
    assert synthesis.pool_many([[y, 0.0]], [[v, math.inf]]).estimate[0] == pytest.approx(y, rel=tol.UNITS)


ANY = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=4), st.complex_numbers(), st.dates(),
    st.timedeltas(), st.just(pd.NA), st.just(pd.NaT), st.just(np.ma.masked), st.decimals(), st.fractions(),
    st.lists(st.floats(), max_size=2),
)  # fmt: skip
PLAIN = st.one_of(st.floats(), st.floats(-1, 1), st.integers(-3, 3))


@settings(deadline=None, max_examples=400)
@given(
    st.sampled_from(sorted(name for name in CALLS if name not in {"predict", "design", "gosh", "gosh_batches"})),
    st.data(),
)
def test_whatever_is_given_gets_a_result_or_a_named_error(function, data):
    """Any argument may be replaced by anything."""
    arguments = dict(CALLS[function])
    for name in data.draw(st.lists(st.sampled_from(sorted(arguments)), min_size=1, max_size=2, unique=True)):
        arguments[name] = data.draw(st.one_of(ANY, st.lists(ANY, max_size=4), st.lists(PLAIN, min_size=K, max_size=K)))
    if type(asked := arguments.get("iterations")) is int:
        arguments["iterations"] = min(asked, 50)
    with np.errstate(all="ignore"), contextlib.suppress(InputError):
        getattr(synthesis, function)(**arguments)
