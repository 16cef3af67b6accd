"""How strong an unmeasured cause of both would have to be to explain an association away."""

from __future__ import annotations

import math

from synthesis.errors import InputError, Problem
from synthesis.meta.inputs import number

# VanderWeele & Ding (2017), table 2: a standardised mean difference as an approximate risk ratio, exp(.91 d).
_LOG_RATIO_OF_D = 0.91


def impact_threshold(r: float, bound: float = 0.0) -> float:
    """The correlation that a cause must have with both variables so that nothing above `bound` is left of their `r`.

    Frank (2000), Sociol Methods Res 29:147-194: given a cause that correlates a with one and b with the other, the
    partial correlation is (r - ab) / sqrt((1 - a^2)(1 - b^2)); the product ab that brings it down to the bound is
    smallest where a = b, with ab = (|r| - bound) / (1 - bound). Returns a = b, 0 where |r| is within the bound. Raises
    InputError for an r that is not between -1 and 1, and a bound that is not at least 0 and below 1.
    """
    r = number("r", r, -1, 1, allowed="a correlation between -1 and 1")
    bound = number("bound", bound, 0, 1, allowed="a correlation of at least 0 and below 1")
    if abs(r) == 1 or bound == 1:
        name, value = ("bound", bound) if bound == 1 else ("r", r)
        raise InputError([Problem(name, f"{value:g}", "a correlation that is not perfect")])
    return math.sqrt(max(0.0, (abs(r) - bound) / (1 - bound)))


def e_value(ratio: float) -> float:
    """The risk ratio that an unmeasured cause must have with both to explain a risk ratio away: the E-value.

    VanderWeele & Ding (2017), Ann Intern Med 167:268-274: RR + sqrt(RR (RR - 1)), of 1 / RR where it is below 1. Raises
    InputError for a ratio that is not above 0.
    """
    ratio = number("ratio", ratio, 0, allowed="a risk ratio above 0")
    if ratio == 0:
        raise InputError([Problem("ratio", "0", "a risk ratio above 0")])
    larger = max(ratio, 1 / ratio)
    return larger + math.sqrt(larger * (larger - 1))


def e_value_of_r(r: float) -> float:
    """The E-value of a correlation, read as d = 2r / sqrt(1 - r^2) and that as a risk ratio of exp(.91 d).

    VanderWeele & Ding (2017), table 2: an approximation. Raises InputError as `impact_threshold`.
    """
    r = number("r", r, -1, 1, allowed="a correlation between -1 and 1")
    if abs(r) == 1:
        raise InputError([Problem("r", f"{r:g}", "a correlation that is not perfect")])
    return e_value(math.exp(_LOG_RATIO_OF_D * 2 * abs(r) / math.sqrt(1 - r * r)))
