"""Which rule of the workflow waits for which, from the rules' inputs and outputs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

_WILDCARD = re.compile(r"\{(\w+)(?:,[^{}]*)?\}")


def edges(rules: Iterable[Any], batches: Iterable[str], wildcards: Mapping[str, str]) -> list[str]:
    """Words like `pool:extract` and `report:pool,compare`, in the order of the rules.

    `rules` have name, input and output, as Snakemake's do; a rule per batch counts as one; `wildcards` are values
    to try input functions with.
    """
    rules = list(rules)
    suffixes = tuple(f"_{batch}" for batch in batches)
    makers = [(_stage(rule.name, suffixes), _pattern(path)) for rule in rules for path in map(str, rule.output)]
    after: dict[str, dict[str, None]] = {}
    for rule in rules:
        name = _stage(rule.name, suffixes)
        if not rule.output:
            continue
        found = after.setdefault(name, {})
        for path in _inputs(rule.input, wildcards):
            found.update((maker, None) for maker, pattern in makers if maker != name and pattern.fullmatch(path))
    return [f"{name}:{','.join(sorted(before))}" for name, before in after.items()]


def _stage(name: str, suffixes: tuple[str, ...]) -> str:
    found = [suffix for suffix in suffixes if name.endswith(suffix)]
    return name.removesuffix(max(found, key=len)) if found else name


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile("".join(".+" if i % 2 else re.escape(part) for i, part in enumerate(_WILDCARD.split(path))))


def _inputs(given: Iterable[Any], wildcards: Mapping[str, str]) -> list[str]:
    paths: list[str] = []
    for one in given:
        found = one
        if callable(one) and not isinstance(one, str):
            found = None
            # An input function may fail in any way for wildcards that are not its own.
            with suppress(Exception):
                found = one(SimpleNamespace(**wildcards))
        listed = [found] if isinstance(found, str) else list(found or [])
        paths += [_WILDCARD.sub("x", str(path)) for path in listed]
    return paths
