"""The workflow as a small drawing and a table: which rule waits for which."""

from __future__ import annotations

from synthesis.report.markup import Html, details, heading, joined, paragraph, safe, table

_WIDTH, _HEIGHT, _ACROSS, _DOWN = 124, 30, 166, 46


def _depths(rules: dict[str, tuple[str, ...]]) -> dict[str, int]:
    """Per rule the longest way from a rule that waits for none."""
    depths: dict[str, int] = {}

    def depth(name: str) -> int:
        if name not in depths:
            depths[name] = 1 + max((depth(before) for before in rules.get(name, ())), default=-1)
        return depths[name]

    for name in rules:
        depth(name)
    return depths


def _direct(rules: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """The rules without edges that a longer way implies."""
    reached: dict[str, frozenset[str]] = {}

    def before(name: str) -> frozenset[str]:
        if name not in reached:
            own = rules.get(name, ())
            reached[name] = frozenset(own).union(*(before(other) for other in own))
        return reached[name]

    return {
        name: tuple(one for one in after if not any(one in before(other) for other in after if other != one))
        for name, after in rules.items()
    }


def drawing(rules: dict[str, tuple[str, ...]]) -> Html:
    """Rules from left to right in the order of their work."""
    depths = _depths(rules)
    columns: dict[int, list[str]] = {}
    for name, depth in depths.items():
        columns.setdefault(depth, []).append(name)
    tallest = max(len(names) for names in columns.values())
    width = _ACROSS * (len(columns) - 1) + _WIDTH + 4
    height = _DOWN * (tallest - 1) + _HEIGHT + 4
    places: dict[str, tuple[float, float]] = {}
    for depth, names in columns.items():
        # Lines that pass a column run above it: what leads on stands at the bottom, the end in the middle.
        following = {one for name in columns.get(depth + 1, []) for one in rules[name]}
        names.sort(key=following.__contains__)
        above = tallest - len(names)
        top = 2 + above * _DOWN / (2 if depth == len(columns) - 1 else 1)
        places |= {name: (2 + depth * _ACROSS, top + i * _DOWN) for i, name in enumerate(names)}
    parts = []
    for name, after in _direct(rules).items():
        x, y = places[name]
        for one in after:
            left, right = places[one][0] + _WIDTH, x
            from_y, to_y = places[one][1] + _HEIGHT / 2, y + _HEIGHT / 2
            bend = (left + right) / 2
            curve = f"M{left:g} {from_y:g}C{bend:g} {from_y:g} {bend:g} {to_y:g} {right:g} {to_y:g}"
            parts.append(f"<path class='edge' d='{curve}'/>")
    for name, (x, y) in places.items():
        parts.append(f"<rect class='rule' x='{x:g}' y='{y:g}' width='{_WIDTH}' height='{_HEIGHT}' rx='4'/>")
        parts.append(
            f"<text class='rule-name' x='{x + _WIDTH / 2:g}' y='{y + _HEIGHT / 2 + 4:g}' text-anchor='middle' "
            f"font-size='12'>{safe(name)}</text>"
        )
    return Html(
        "<div class='wide' role='group' aria-label='Drawing of the workflow' tabindex='0'>"
        f"<svg class='rules' viewBox='0 0 {width:g} {height:g}' width='{width:g}' role='img' "
        f"aria-label='Rules of the workflow, from left to right; the table below lists them'>"
        f"{''.join(parts)}</svg></div>"
    )


def section(rules: dict[str, tuple[str, ...]]) -> Html:
    """Drawing and table; nothing where the run did not say its rules."""
    if not rules:
        return Html("")
    rows = [[name, ", ".join(after) or "the plan and the data"] for name, after in rules.items()]
    return joined(
        heading(3, "workflow", "Workflow"),
        paragraph("Each box is a rule of the workflow; what it writes goes to the rules on its right."),
        drawing(rules),
        details("The rules as a table", table("Rules of the workflow", ["Rule", "Reads what is written by"], rows)),
    )
