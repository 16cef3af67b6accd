"""The tools that judge risk of bias by domain: their domains, their words, and the overall judgement that follows.

RoB 2: Sterne et al. (2019), BMJ 366:l4898. ROBINS-I: Sterne et al. (2016), BMJ 355:i4919. QUIPS: Hayden et al. (2013),
Ann Intern Med 158:280-286; it has no rule for the whole, which is that of Grooten et al. (2019), Diagn Progn Res 3:5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from synthesis.data.vocabulary import RiskTool

NO_INFORMATION = "no information"
OVERALL = "overall"
# Moderate domains of QUIPS that make the whole moderate, and high (Grooten et al. 2019).
_QUIPS_MODERATE, _QUIPS_HIGH = 2, 3
# Domains of RoB 2 with some concerns, from which on people may judge the whole high.
_RAISED = 2


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool: its name, the domains in their order, and its judgements from the best to the worst."""

    name: RiskTool
    domains: tuple[str, ...]
    levels: tuple[str, ...]
    informed: bool = True

    @property
    def judgements(self) -> tuple[str, ...]:
        """Every word that a domain can have."""
        return self.levels if self.informed else (*self.levels, NO_INFORMATION)


TOOLS: dict[str, Tool] = {
    "RoB 2": Tool(
        "RoB 2",
        (
            "randomisation process",
            "deviations from intended interventions",
            "missing outcome data",
            "measurement of the outcome",
            "selection of the reported result",
        ),
        ("low", "some concerns", "high"),
    ),
    "ROBINS-I": Tool(
        "ROBINS-I",
        (
            "confounding",
            "selection of participants",
            "classification of interventions",
            "deviations from intended interventions",
            "missing data",
            "measurement of outcomes",
            "selection of the reported result",
        ),
        ("low", "moderate", "serious", "critical"),
        informed=False,
    ),
    "QUIPS": Tool(
        "QUIPS",
        (
            "study participation",
            "study attrition",
            "prognostic factor measurement",
            "outcome measurement",
            "study confounding",
            "statistical analysis and reporting",
        ),
        ("low", "moderate", "high"),
    ),
}
MOST_DOMAINS = max(len(tool.domains) for tool in TOOLS.values())


def overall(tool: Tool, judged: Mapping[str, str]) -> str:
    """The judgement of the whole from those of all domains.

    RoB 2 and ROBINS-I: that of the worst domain; of ROBINS-I no information, where a domain has none and no other is
    serious or critical. QUIPS: high with a high domain or three moderate ones, moderate with two, else low.
    """
    words = list(judged.values())
    if tool.name == "QUIPS":
        moderate = words.count("moderate")
        if "high" in words or moderate >= _QUIPS_HIGH:
            return "high"
        return "moderate" if moderate >= _QUIPS_MODERATE else "low"
    worst = max((tool.levels.index(word) for word in words if word in tool.levels), default=0)
    if NO_INFORMATION in words and tool.levels[worst] not in ("serious", "critical"):
        return NO_INFORMATION
    return tool.levels[worst]


def possible(tool: Tool, judged: Mapping[str, str]) -> tuple[str, ...]:
    """The judgements of the whole that people may give beside those of the domains, all of them or some.

    RoB 2: that of the worst domain, and high where several have some concerns. ROBINS-I: at least that of the worst
    domain; no information where a domain has none and none is serious or critical. QUIPS, which has no rule of its
    own: between the best and the worst, and that of Grooten et al.
    """
    words = list(judged.values())
    places = [tool.levels.index(word) for word in words if word in tool.levels]
    worst = max(places, default=0)
    whole = set(judged) == set(tool.domains)
    if tool.name == "QUIPS":
        by_rule = tool.levels.index(overall(tool, judged))
        return tool.levels[min(places) : max(worst, by_rule) + 1] if whole else tool.levels
    if tool.name == "RoB 2" and whole and words.count("some concerns") < _RAISED:
        return (tool.levels[worst],)
    unknown = NO_INFORMATION in words and overall(tool, judged) == NO_INFORMATION
    return (*tool.levels[worst:], *((NO_INFORMATION,) if unknown else ()))
