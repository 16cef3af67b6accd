"""A digest of the code behind a command: of every module that it imports, and of the package's data that those read.

It is among a rule's params, so that a job runs again when code that it runs changed, and when no other code did.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
_PACKAGE = ROOT.name
# Editors and Python leave these beside the sources; words about the code are no code.
_NO_DATA = {".py", ".pyc", ".md", ""}
# A plan in a file is read with what its sources declare. A job gets its part, which holds that, on standard input: what
# reads sources is not behind it.
_BY_HAND = ("plan/config.py", "plan/declaring.py")

# Read as text, which takes a tenth of the time that parsing takes: every job on a cluster asks for it.
_IMPORT = re.compile(
    rb"^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import[ \t]+(\([^)]*\)|[^\n#(]+)|import[ \t]+([^\n#]+))", re.M
)
_FOR_TYPES = re.compile(rb"^if TYPE_CHECKING:\n(?:[ \t]+[^\n]*\n|\n)+", re.M)


def code_of(command: str, root: Path = ROOT) -> str:
    """Digest of the files behind a command such as `fit`. Raises KeyError for a command that is none."""
    summed = hashlib.sha256()
    for path in files_of(command, root):
        summed.update(path.relative_to(root).as_posix().encode() + b"\0" + hashlib.sha256(_content(path)).digest())
    return summed.hexdigest()[:16]


def files_of(command: str, root: Path = ROOT) -> list[Path]:
    """Files of the package behind a command, sorted: the modules that its function imports, late or through others,
    and the data that they name."""
    function = command.replace("-", "_")
    command_files = [path for path in _sources(root) if path.parent.name == "cli" and function in _functions(path)]
    if len(command_files) != 1:
        raise KeyError(f"{len(command_files)} functions {function} in {root / 'cli'}")
    modules = {root / "__main__.py"}
    new = {command_files[0], *_below(root, root / "__main__.py"), *_used(root, command_files[0], function)}
    while new:
        modules |= new
        # Command files import late: what another command needs is not behind this one.
        searched = [module for module in new if module.parent.name != "cli" or module.name == "main.py"]
        by_hand = tuple(root / name for name in _BY_HAND)
        new = {p for module in searched for p in _below(root, module) if (module, p) != by_hand} - modules
    return sorted(modules | set(_data(root, modules)))


@cache
def _content(path: Path) -> bytes:
    return path.read_bytes()


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(_content(path), str(path))


@cache
def _sources(root: Path) -> tuple[Path, ...]:
    return tuple(sorted(root.rglob("*.py")))


def _functions(path: Path) -> dict[str, ast.FunctionDef]:
    return {node.name: node for node in _tree(path).body if isinstance(node, ast.FunctionDef)}


def _used(root: Path, stage: Path, function: str) -> set[Path]:
    """What a command file imports at its top and in the functions that a command calls there."""
    functions, waiting, seen = _functions(stage), [function], set[str]()
    nodes = [n for part in _tree(stage).body if not isinstance(part, ast.FunctionDef) for n in _parts(part)]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        within = list(ast.walk(functions[name]))
        nodes += within
        waiting += [node.id for node in within if isinstance(node, ast.Name) and node.id in functions]
    return set(_imported(root, _imports(nodes)))


def _parts(node: ast.AST) -> list[ast.AST]:
    """A node and all below it, but what only the type checker reads."""
    parts = [node]
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING"):
            parts += _parts(child)
    return parts


def _imports(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Dotted names that may be modules of the package."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _imported(root: Path, names: Iterable[str]) -> Iterator[Path]:
    """Files of the modules among these names, with the packages that hold them."""
    for name in names:
        first, *rest = name.split(".")
        if first != _PACKAGE:
            continue
        for depth in range(len(rest) + 1):
            place = root.joinpath(*rest[:depth])
            yield from (path for path in (place / "__init__.py", place.with_suffix(".py")) if path in _known(root))


@cache
def _below(root: Path, module: Path) -> frozenset[Path]:
    """Files of the modules that a module imports, anywhere in it but for the type checker."""
    names: set[str] = set()
    for first, imported, others in _IMPORT.findall(_FOR_TYPES.sub(b"", _content(module))):
        parts = imported.decode().strip("() \n").replace("\n", " ").split(",")
        names |= {f"{first.decode()}.{part.split()[0]}" for part in parts if part.strip()}
        names |= {part.split()[0] for part in others.decode().split(",") if part.strip()}
    return frozenset(_imported(root, names))


@cache
def _known(root: Path) -> frozenset[Path]:
    return frozenset(_sources(root))


def _data(root: Path, modules: Iterable[Path]) -> Iterator[Path]:
    """Data files that modules name, by their own name or by that of a folder on the way to them.

    What no module at all names may be read by any: it counts for every command.
    """
    for path in _data_files(root):
        readers = _readers(root, path)
        if not readers or readers & set(modules):
            yield path


@cache
def _data_files(root: Path) -> tuple[Path, ...]:
    return tuple(sorted(p for p in root.rglob("*") if p.is_file() and p.suffix not in _NO_DATA))


@cache
def _readers(root: Path, data: Path) -> frozenset[Path]:
    """Modules in whose texts a data file's name stands, or that of a folder on the way to it that is no package."""
    folders = [folder for folder in data.relative_to(root).parents if not (root / folder / "__init__.py").exists()]
    words = [name.encode() for name in (data.name, *(folder.name for folder in folders))]
    quoted = re.compile(rb"""["'/](%s)["'/]""" % b"|".join(map(re.escape, words)))
    # Most modules hold none of the words: asked so, it takes a tenth of the time.
    candidates = (path for path in _sources(root) if any(word in _content(path) for word in words))
    return frozenset(path for path in candidates if quoted.search(_content(path)))
