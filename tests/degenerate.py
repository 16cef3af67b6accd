"""Data sets on which statistics break: equal effects, equal variances, few samples, zeros, one cluster, moderators that
say nothing, and all of it at any scale. Used by test_boundaries.py."""

import dataclasses

import numpy as np
from hypothesis import strategies as st
from typed import effect_row

SIZES = (1, 2, 3, 4, 5, 10, 12)
SCALES = (1.0, 1e-12, 1e-3, 1e3, 1e9)


@dataclasses.dataclass(frozen=True)
class Set:
    """Effects and variances (k,), the sample of each, a factor and a number per effect."""

    yi: np.ndarray
    vi: np.ndarray
    cluster: tuple[str, ...]
    level: tuple[str, ...]
    number: tuple[float, ...]


def effects(kind, k, vi, random):
    """Effects of a kind, of the order of 1."""
    match kind:
        case "zero":
            return np.zeros(k)
        case "equal":
            return np.full(k, 0.3)
        case "rounded":
            # 0.1 + 0.2 is not 0.3: equal but for the last bit.
            return np.where(np.arange(k) % 2, 0.3, 0.1 + 0.2)
        case "one apart":
            return np.append(np.full(k - 1, 0.3), 5.0)
        case "two values":
            return np.where(np.arange(k) % 2, -0.3, 0.3)
        case "on a line":
            return 0.1 + 2 * np.sqrt(vi)
        case "far":
            return np.where(np.arange(k) % 2, -1e6, 1e6)
    return random.normal(0.3, 0.5, k)


def variances(kind, k, random):
    """Variances of a kind, of the order of 0.1."""
    match kind:
        case "equal":
            return np.full(k, 0.04)
        case "two sizes":
            return np.where(np.arange(k) % 2, 0.04, 0.09)
        case "one outweighs":
            return np.append(np.full(k - 1, 0.04), 1e-9)
        case "one huge":
            return np.append(np.full(k - 1, 0.04), 1e9)
    return random.uniform(0.01, 0.5, k)


def clusters(kind, k):
    """The sample of each effect."""
    match kind:
        case "one":
            return ["s"] * k
        case "pairs":
            return [f"s{i // 2}" for i in range(k)]
        case "one large":
            return [f"s{max(0, i - k // 2)}" for i in range(k)]
    return [f"s{i}" for i in range(k)]


def levels(kind, k):
    """A factor."""
    match kind:
        case "single level":
            return ["a"] * k
        case "all of one effect":
            return [f"l{i:02d}" for i in range(k)]
        case "one alone":
            return ["b"] + ["a"] * (k - 1)
    return ["ab"[i % 2] for i in range(k)]


def numbers(kind, k, vi):
    """A numeric moderator."""
    match kind:
        case "constant":
            return [2000.0] * k
        case "the standard error":
            return np.sqrt(vi).tolist()
        case "huge":
            return [1e9 + i for i in range(k)]
        case "tiny":
            return [1e-9 * i for i in range(k)]
        case "two values":
            return [float(i % 2) for i in range(k)]
    return [float(i) for i in range(k)]


KINDS = {
    "effects": ("zero", "equal", "rounded", "one apart", "two values", "on a line", "far", "spread"),
    "variances": ("equal", "two sizes", "one outweighs", "one huge", "spread"),
    "clusters": ("own", "one", "pairs", "one large"),
    "levels": ("single level", "all of one effect", "one alone", "two"),
    "numbers": ("constant", "the standard error", "huge", "tiny", "two values", "distinct"),
}


def build(k, kinds, scale=1.0, seed=0):
    """The data set of these kinds (by the keys of KINDS)."""
    random = np.random.default_rng(seed)
    vi = variances(kinds["variances"], k, random)
    yi = effects(kinds["effects"], k, vi, random)
    return Set(
        yi * scale,
        vi * scale**2,
        tuple(clusters(kinds["clusters"], k)),
        tuple(levels(kinds["levels"], k)),
        tuple(numbers(kinds["numbers"], k, vi)),
    )


@st.composite
def sets(draw, scales=SCALES):
    """Any of them."""
    kinds = {name: draw(st.sampled_from(choices)) for name, choices in KINDS.items()}
    return build(draw(st.sampled_from(SIZES)), kinds, draw(st.sampled_from(scales)), draw(st.integers(0, 50)))


def rows(data, metric="g"):
    """The data set as extracted rows of one source."""
    found = []
    for i, (y, v, sample, level, number) in enumerate(
        zip(data.yi, data.vi, data.cluster, data.level, data.number, strict=True)
    ):
        text = dict.fromkeys(
            ("label", "study", "outcome", "rater", "timepoint", "treatment", "format", "disorder", "comparator",
             "construct", "country", "tier", "url", "quote", "locator", "intensity", "adjusted_for", "converter"), ""
        )  # fmt: skip
        row = TEMPLATE | text | {
            "effect_id": f"e{i}", "sample_id": sample, "source": "s", "metric": metric, "level": "study",
            "estimand": "r_total" if metric == "z" else "d_between", "construct": "alliance", "study": f"Study {i}",
            "label": f"Study {i}", "rater": level, "year": number, "yi": float(y), "vi": float(v), "n_total": 50.0,
            "exactness": "exact", "converter": "as_given", "converter_version": 1.0, "direction": 1.0,
        }  # fmt: skip
        found.append(effect_row(row))
    return found


def _template():
    from synthesis.data.columns import BY_NAME, NUMERIC_KINDS

    return {name: None if column.kind in NUMERIC_KINDS else "" for name, column in BY_NAME.items()}


TEMPLATE = _template()
