"""What the rules need to know of a plan, and the part of it that each job gets: just what its command uses.

A part is a job's params and standard input: a change elsewhere in the plan reruns nothing, and every executor carries
it, whatever files its nodes share.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from synthesis.data.vocabulary import DiagnosticFigure
from synthesis.errors import InputError, Problem
from synthesis.plan.config import Config

Part = dict[str, Any]
# How a synthesis is shown: no fit, diagnostic or multiverse depends on it.
PRESENTATION = ("title", "columns", "sort", "rows", "favours", "note")
# What others ask of a synthesis, which is not part of its fit either.
ASKED = ("moderators", "regressions", "alternatives", "working_models")
# Tables of the manuscript by the stems of their files: those of its text, in their order, and those beside it.
TABLES_IN_TEXT = ("pools", "contrasts", "readings", "sensitivity", "low_risk", "signals", "certainty")
TABLES_BESIDE = ("sources", "selection", "conversions", "bridges", "relevance", "small_study", "moderators",
                 "certainty_reasons")  # fmt: skip
# Without these a synthesis is none.
_NEEDED = ("lane", "metric", "sources")
# A source that no synthesis draws on is converted to the metric of its estimands.
DEFAULT_METRICS = ("g", "z")
_JSON_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"')


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure beside the forest plot of a synthesis, of a moderator or a joint regression where there are several.

    `name` is that of its files.
    """

    kind: DiagnosticFigure
    synthesis: str
    moderator: str | None = None

    @property
    def name(self) -> str:
        """Names hold no hyphen: no two figures have the same."""
        return f"{self.kind}_{self.synthesis}" + (f"-{self.moderator}" if self.moderator else "")


def diagnostic_figures(config: Config, synthesis: str) -> list[Figure]:
    """The figures that stand beside a synthesis' forest plot; bubble for each numeric moderator, coefficients for each
    joint regression."""
    numeric = [m for m in config.syntheses[synthesis].moderators if config.is_number(m)]
    of_each = {"bubble": numeric, "coefficients": list(config.syntheses[synthesis].regressions)}
    figures: list[Figure] = []
    for kind in config.diagnostic_figures.get(synthesis, ()):
        figures += [Figure(kind, synthesis, m) for m in of_each.get(kind, (None,))]
    return figures


@dataclass(frozen=True)
class Plan:
    """A checked analysis plan."""

    config: Config

    @cached_property
    def _content(self) -> Part:
        return self.config.model_dump(mode="json")

    @cached_property
    def _metrics(self) -> dict[str, set[str]]:
        metrics: dict[str, set[str]] = {}
        for synthesis in self.config.syntheses.values():
            for source in synthesis.sources:
                metrics.setdefault(source, set()).add(synthesis.metric)
        return metrics

    def metrics(self, source: str) -> tuple[str, ...]:
        """Metrics to convert a source to, those that syntheses ask of it. Raises InputError for an unknown one."""
        _check("sources", source, self.config.sources)
        return tuple(sorted(self._metrics.get(source, ()))) or DEFAULT_METRICS

    # --- names, for the inputs and targets of rules -----------------------------------------------------------------

    def sources(self, *syntheses: str) -> list[str]:
        """Sources that syntheses draw on, each once. Raises InputError for an unknown synthesis."""
        for name in syntheses:
            _check("syntheses", name, self.config.syntheses)
        return list(dict.fromkeys(s for name in syntheses for s in self.config.syntheses[name].sources))

    def figures_of_diagnostics(self) -> list[Figure]:
        """All figures beside forest plots."""
        return [figure for name in self.config.diagnostic_figures for figure in diagnostic_figures(self.config, name)]

    def blocks_of(self, figure: str) -> list[str]:
        """Syntheses that a comparison figure draws."""
        _check("figures", figure, self.config.figures)
        return list(dict.fromkeys(b.synthesis for b in self.config.figures[figure].blocks))

    def sources_of_figure(self, figure: str) -> list[str]:
        """Sources of a comparison figure's syntheses, and those that may hold its published summaries: sources that
        no synthesis pools."""
        if any(named.when_filled for named in self.config.figures[figure].references.values()):
            return list(self.config.sources)
        of_blocks = set(self.sources(*self.blocks_of(figure)))
        return [source for source in self.config.sources if source in of_blocks or source not in self._metrics]

    def sides_of_bridge(self, bridge: str) -> list[str]:
        """The syntheses on either side of a bridge."""
        _check("bridges", bridge, self.config.bridges)
        return [self.config.bridges[bridge].association, self.config.bridges[bridge].effect]

    def synthesis_of(self, multiverse: str) -> str:
        """The synthesis that a multiverse departs from."""
        _check("multiverses", multiverse, self.config.multiverses)
        return self.config.multiverses[multiverse].synthesis

    def bridged_multiverses(self) -> list[str]:
        """Bridges whose two sides have a multiverse each."""
        syntheses = {multiverse.synthesis for multiverse in self.config.multiverses.values()}
        return [name for name, b in self.config.bridges.items() if {b.association, b.effect} <= syntheses]

    def figures_of_manuscript(self) -> list[str]:
        """The figures of the manuscript in their order: of forest plots those of bridged syntheses, else all."""
        bridged = {side for bridge in self.config.bridges for side in self.sides_of_bridge(bridge)}
        syntheses = [name for name in self.config.syntheses if name in bridged] or list(self.config.syntheses)
        forests = [f"forest_{name}" for name in (*self.config.figures, *syntheses)]
        return ["prisma_flow", *forests, *(f"bridge_{name}" for name in self.config.bridges), "risk_of_bias"]

    # --- the part of a job ------------------------------------------------------------------------------------------

    def whole(self) -> str:
        """The whole plan as JSON, defaults included."""
        return self._whole

    @cached_property
    def _whole(self) -> str:
        return _as_parameter(self._content)

    def fit(self, synthesis: str) -> str:
        """How a synthesis is fitted."""
        return self._part({synthesis: self._fitted(synthesis)}, self._of("defaults"))

    def diagnosis(self, synthesis: str) -> str:
        """What is examined beside a synthesis."""
        part = self._some(synthesis, "moderators", "regressions", "working_models")
        named = {*part["moderators"], *self._named_together(synthesis)}
        content = self._content["diagnostics"]
        forced = {
            key: [name for name in content[key] if name == synthesis] for key in ("force_funnel", "model_averaging")
        }
        groupings = {k: v for k, v in self._content["groupings"].items() if k in named}
        more = {"diagnostics": content | forced, "groupings": groupings}
        return self._part({synthesis: part}, more)

    def _named_together(self, synthesis: str) -> list[str]:
        """The columns and groupings of a synthesis' joint regressions."""
        models = self.config.syntheses[synthesis].regressions.values()
        return [name for model in models for name in model.columns]

    def titles(self, *syntheses: str) -> str:
        """What these syntheses are called, or all."""
        return self._part({name: self._some(name, "title") for name in syntheses or self.config.syntheses})

    def flow(self) -> str:
        """What the review and its syntheses are called."""
        syntheses = {name: self._some(name, "title") for name in self.config.syntheses}
        return self._part(syntheses, self._of("title"))

    def comparing(self) -> str:
        """Comparisons, bridges and claims, with everything that decides them."""
        keys = ("comparisons", "bridges", "interactions", "groupings", "numbers_needed", "relevance", "defaults")
        syntheses = {name: self._some(name, "title", "alternatives") for name in self.config.syntheses}
        return self._part(syntheses, self._of(*keys))

    def certainty(self) -> str:
        """What syntheses are called, and what is declared of their certainty."""
        syntheses = {name: self._some(name, "title") for name in self.config.syntheses}
        return self._part(syntheses, self._of("certainty"))

    def forest(self, synthesis: str) -> str:
        """How a synthesis' forest plot looks."""
        return self._part({synthesis: self._some(synthesis, *PRESENTATION)}, self._of("drawing"))

    def comparison_forest(self, figure: str) -> str:
        """How a comparison figure looks."""
        content = self._content["figures"][figure]
        bridges = {name: self._content["bridges"][name] for name in content["bridges"]}
        named = [*self.blocks_of(figure), *(s for b in content["bridges"] for s in self.sides_of_bridge(b))]
        syntheses = {name: self._some(name, *PRESENTATION) for name in self._ordered(named)}
        return self._part(syntheses, {"figures": {figure: content}, "bridges": bridges} | self._of("drawing"))

    def bridge(self, bridge: str) -> str:
        """How the figure of a bridge looks."""
        syntheses = {name: self._some(name, "title") for name in self._ordered(self.sides_of_bridge(bridge))}
        return self._part(syntheses, {"bridges": {bridge: self._content["bridges"][bridge]}} | self._of("drawing"))

    def diagnostic_figure(self, synthesis: str) -> str:
        """How the figures beside a synthesis' forest plot look."""
        part = self._some(synthesis, "title", "favours", "note")
        # The titles of the user's columns belong to those that the figures show.
        moderators = [m for m in self._syntheses[synthesis]["moderators"] if m in self.config.own_columns]
        return self._part({synthesis: part | ({"moderators": moderators} if moderators else {})}, self._of("drawing"))

    def drawing(self) -> str:
        """How figures look."""
        return self._part({(name := next(iter(self._syntheses))): self._some(name)}, self._of("drawing"))

    def card(self, synthesis: str) -> str:
        """What a synthesis selects, and how it is shown."""
        keys = ("title", "note", "select", "mix", "nonsignificant_as_zero")
        return self._part({synthesis: self._some(synthesis, *keys)})

    def examined(self) -> str:
        """What is examined beside all syntheses."""
        syntheses = {name: self._some(name, "moderators") for name in self.config.syntheses}
        return self._part(syntheses, self._of("diagnostics", "groupings"))

    def multiverse(self, multiverse: str) -> str:
        """The decisions of a multiverse. Without its shards: their number changes no result."""
        name = self.synthesis_of(multiverse)
        content = {key: value for key, value in self._content["multiverses"][multiverse].items() if key != "shards"}
        asked = self._content["diagnostics"]
        forced = [forced for forced in asked["force_funnel"] if forced == name]
        fewest = {"diagnostics": {"funnel_from": asked["funnel_from"], "force_funnel": forced}}
        more = {"multiverses": {multiverse: content}} | fewest | self._of("defaults")
        return self._part({name: self._fitted(name)}, more)

    def thresholds(self, multiverse: str) -> str:
        """What the estimates of a multiverse are held against."""
        name = self.synthesis_of(multiverse)
        metric = self.config.syntheses[name].metric
        thresholds = {k: v for k, v in self._content["relevance"]["thresholds"].items() if k == metric}
        return self._part({name: self._some(name)}, {"relevance": {"thresholds": thresholds}})

    def smallest_differences(self) -> str:
        """What differences between levels of moderators are held against."""
        return self._part({(name := next(iter(self._syntheses))): self._some(name)}, self._of("relevance"))

    def monitoring(self) -> str:
        """What monitored syntheses are held against."""
        named = list(self.config.monitoring) or [next(iter(self._syntheses))]
        return self._part({name: self._some(name) for name in self._ordered(named)}, self._of("monitoring"))

    def attenuation(self) -> str:
        """Reliabilities of what correlations are between."""
        named = self.corrected_syntheses() or [next(iter(self._syntheses))]
        return self._part({name: self._some(name) for name in named}, self._of("psychometric"))

    def corrected_syntheses(self) -> list[str]:
        """Syntheses that have correlations with and without correction for unreliability."""
        of_rows = [name for name, synthesis in self.config.syntheses.items() if synthesis.metric == "r_corrected"]
        return self._ordered([*self.config.psychometric, *of_rows])

    def bridges_over_multiverses(self) -> str:
        """The bridges whose two sides have a multiverse each."""
        bridges = self.bridged_multiverses()
        named = [side for bridge in bridges for side in self.sides_of_bridge(bridge)] or [next(iter(self._syntheses))]
        syntheses = {name: self._some(name) for name in self._ordered(named)}
        return self._part(syntheses, {"bridges": {name: self._content["bridges"][name] for name in bridges}})

    @property
    def _syntheses(self) -> dict[str, Part]:
        syntheses: dict[str, Part] = self._content["syntheses"]
        return syntheses

    def _ordered(self, names: Iterable[str]) -> list[str]:
        """Each name once."""
        return list(dict.fromkeys(names))

    def _of(self, *keys: str) -> Part:
        return {key: self._content[key] for key in keys}

    def _some(self, synthesis: str, *keys: str) -> Part:
        """These keys of a synthesis, and those without which it is none."""
        _check("syntheses", synthesis, self._syntheses)
        content = self._syntheses[synthesis]
        return {"title": synthesis} | {key: content[key] for key in (*_NEEDED, *keys)}

    def _fitted(self, synthesis: str) -> Part:
        """A synthesis without what its fit does not depend on."""
        _check("syntheses", synthesis, self._syntheses)
        content = self._syntheses[synthesis]
        return {"title": synthesis} | {k: v for k, v in content.items() if k not in (*PRESENTATION, *ASKED)}

    def _part(self, syntheses: dict[str, Part], more: Part | None = None) -> str:
        """A plan of these entries alone, as JSON."""
        sources = self._ordered(source for synthesis in syntheses.values() for source in synthesis["sources"])
        part = {"title": "part of a plan", "sources": sources, "syntheses": syntheses} | (more or {})
        # Those that it may name: a column that it does not name is nobody's matter here.
        named = json.dumps(part) if self.config.own_columns else ""
        # A formula does not quote them.
        together = {m for name, s in syntheses.items() if s.get("regressions") for m in self._named_together(name)}
        declared = {
            name: column
            for name, column in self._content["own_columns"].items()
            if f'"{name}"' in named or name in together
        }
        return _as_parameter(part | {"own_columns": declared})


def _check(key: str, name: str, allowed: Iterable[str]) -> None:
    """Raises InputError for a name that the plan does not have."""
    if name not in allowed:
        names = list(allowed)
        close = difflib.get_close_matches(name, names, n=1)
        hint = f"did you mean {close[0]}?" if close else ""
        raise InputError([Problem(f"config, key {key}", name, "one of " + ", ".join(names[:20]), hint)])


def _as_parameter(content: Part) -> str:
    """JSON without braces in its texts: Snakemake would take a word in braces for a wildcard."""
    written = json.dumps(content, ensure_ascii=False)
    return _JSON_TEXT.sub(lambda text: text[0].replace("{", r"\u007b").replace("}", r"\u007d"), written)
