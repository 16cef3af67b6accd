"""Small changes of code that should change a number: what a slip of the hand would be."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

_OPERATORS: dict[type, tuple[type, ...]] = {
    ast.Add: (ast.Sub,), ast.Sub: (ast.Add,), ast.Mult: (ast.Div,), ast.Div: (ast.Mult,), ast.Pow: (ast.Mult,),
    ast.Lt: (ast.LtE, ast.Gt), ast.LtE: (ast.Lt, ast.GtE), ast.Gt: (ast.GtE, ast.Lt), ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.In: (ast.NotIn,), ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,), ast.And: (ast.Or,), ast.Or: (ast.And,),
}  # fmt: skip
# Fields that could be mistaken for each other, as keys and as attributes.
_MISTAKEN = {
    "yi": "vi", "vi": "yi", "estimate": "se", "se": "estimate", "tau2": "i2", "i2": "tau2", "rho": "level",
    "level": "rho", "samples": "k", "k": "samples", "p": "statistic", "df": "k", "first": "second", "second": "first",
    "n_treat": "n_control", "n_control": "n_treat",
}  # fmt: skip
# Calls that a number can go without: replaced by the number that they are of.
_DROPPED = frozenset(
    {"back_transform", "tanh", "atanh", "exp", "log", "sqrt", "abs", "sorted", "copysign", "ndtr", "hypot"}
)


@dataclass(frozen=True)
class Mutant:
    """A change at a place of a source text: `text` stands for what was from `start` to `end` (bytes)."""

    line: int
    last: int
    what: str
    start: int
    end: int
    text: str

    @property
    def shown(self) -> str:
        """The change in a cell of a table."""
        return " ".join(self.what.split())[:110].replace("|", "/")

    def applied(self, source: str) -> str:
        """The source with the change."""
        content = source.encode()
        # The lines below keep their numbers.
        text = self.text[:-1] + "\n" * (self.last - self.line) + self.text[-1] if self.text[-1] == ")" else self.text
        return (content[: self.start] + text.encode() + content[self.end :]).decode()


def mutants(source: str) -> list[Mutant]:
    """Every change of a source, in the order of the lines."""
    starts = [0]
    for line in source.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    changes = []
    for node in _expressions(ast.parse(source)):
        for changed in _changes(node):
            start = starts[node.lineno - 1] + node.col_offset
            end = starts[node.end_lineno - 1] + node.end_col_offset
            before, after = ast.unparse(node), ast.unparse(changed)
            text = after if isinstance(node, ast.Constant) else f"({after})"
            mutant = Mutant(node.lineno, node.end_lineno, f"{before} -> {after}", start, end, text)
            if before != after:
                changes.append(mutant)
    return sorted(changes, key=lambda m: (m.line, m.start, m.what))


def _expressions(tree: ast.AST) -> Iterator[Any]:
    """Expressions that run: no annotations, docstrings, or parts of f-strings (Python 3.11 misplaces them)."""
    if isinstance(tree, ast.JoinedStr):
        return
    skipped = {id(part) for part in (getattr(tree, "annotation", None), getattr(tree, "returns", None)) if part}
    for child in ast.iter_child_nodes(tree):
        if id(child) in skipped or (isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)):
            continue
        if isinstance(child, ast.expr):
            yield child
        yield from _expressions(child)


def _changes(node: ast.expr) -> list[ast.expr]:
    change = _CHANGES.get(type(node))
    return change(node) if change else []


def _constant(node: Any) -> list[ast.expr]:
    value = node.value
    if isinstance(value, bool):
        return [ast.Constant(not value)]
    if isinstance(value, int):
        return [ast.Constant(value + 1)]
    if isinstance(value, float):
        return [ast.Constant(value * 1.5 + 0.01)]
    if isinstance(value, str) and (other := _mistaken(value)):
        return [ast.Constant(other)]
    return []


def _mistaken(name: str) -> str:
    for bound, other in (("low", "high"), ("high", "low")):
        if name == bound or name.endswith(f"_{bound}"):
            return name.removesuffix(bound) + other
    return _MISTAKEN.get(name, "")


def _attribute(node: Any) -> list[ast.expr]:
    other = _mistaken(node.attr)
    return [ast.Attribute(node.value, other, node.ctx)] if other and isinstance(node.ctx, ast.Load) else []


def _binary(node: Any) -> list[ast.expr]:
    return [ast.BinOp(node.left, other(), node.right) for other in _OPERATORS.get(type(node.op), ())]


def _compare(node: Any) -> list[ast.expr]:
    changes: list[ast.expr] = []
    for i, operator in enumerate(node.ops):
        for other in _OPERATORS.get(type(operator), ()):
            changes.append(ast.Compare(node.left, [*node.ops[:i], other(), *node.ops[i + 1 :]], node.comparators))
    return changes


def _bool(node: Any) -> list[ast.expr]:
    return [ast.BoolOp(other(), node.values) for other in _OPERATORS[type(node.op)]]


def _unary(node: Any) -> list[ast.expr]:
    return [node.operand] if isinstance(node.op, (ast.USub, ast.Not)) else []


def _conditional(node: Any) -> list[ast.expr]:
    return [node.body, node.orelse]


def _call(node: Any) -> list[ast.expr]:
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    if name in _DROPPED and node.args and not isinstance(node.args[-1], ast.Starred):
        return [node.args[-1] if name == "back_transform" else node.args[0]]
    if name in ("min", "max") and isinstance(node.func, ast.Name):
        return [ast.Call(ast.Name("max" if name == "min" else "min", ast.Load()), node.args, node.keywords)]
    return []


_CHANGES: dict[type, Callable[[Any], list[ast.expr]]] = {
    ast.Constant: _constant,
    ast.Attribute: _attribute,
    ast.BinOp: _binary,
    ast.Compare: _compare,
    ast.BoolOp: _bool,
    ast.UnaryOp: _unary,
    ast.IfExp: _conditional,
    ast.Call: _call,
}
