"""Reads YAML safely and checks it against a model; every problem is named with its key and what is allowed."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO, TypeVar, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from synthesis.data.model import YES_NO, Model
from synthesis.errors import InputError, Problem
from synthesis.results.files import called_otherwise, unreadable
from synthesis.text import unwritable

try:
    from yaml import CSafeLoader as _SafeLoader
except ImportError:
    from yaml import SafeLoader as _SafeLoader  # type: ignore[assignment]

T = TypeVar("T", bound=Model)
# Far above any plan: a file that is larger, or grows larger through its aliases, is a slip or an attack.
LARGEST_FILE, LARGEST_CONTENT = 5_000_000, 200_000
# Snakemake's own reader evaluates Python in a file that holds this key.
TEMPLATE_KEY = "__use_yte__"

_NO_WORD = "YAML reads it as no word: in quotation marks"


class _StrictLoader(yaml.SafeLoader):
    """SafeLoader that refuses a key that stands twice instead of taking the last."""


class _FastLoader(_SafeLoader):
    """The same by libyaml, where there is one: in a fifth of the time."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key_node, _ in node.value:
        where = f"{key_node.start_mark.name}, line {key_node.start_mark.line + 1}"
        if not isinstance(key_node, yaml.ScalarNode):
            raise InputError([Problem(where, "a list or mapping as key", "a word as key", "a colon too many?")])
        key = loader.construct_object(key_node)
        if isinstance(key, bool) or key is None:
            raise InputError([Problem(where, key_node.value or "nothing", "a word as key", _NO_WORD)])
        if key in seen:
            raise InputError([Problem(where, str(key), "each key once", "a block pasted twice?")])
        seen.add(key)
    return loader.construct_mapping(node, deep=True)


def _timestamp(loader: _Loader, node: yaml.ScalarNode) -> Any:
    """A date; one that the calendar does not have is named by its line."""
    try:
        return loader.construct_yaml_timestamp(node)
    except ValueError:
        where = f"{node.start_mark.name}, line {node.start_mark.line + 1}"
        hint = "year-month-day, like 2026-11-23; a text that only looks like one in quotation marks"
        raise InputError([Problem(where, node.value, "well-formed YAML: a day of the calendar", hint)]) from None


_Loader = _StrictLoader | _FastLoader
for _loader in (_StrictLoader, _FastLoader):
    _loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)
    _loader.add_constructor("tag:yaml.org,2002:timestamp", _timestamp)
# libyaml takes these where the parser that Snakemake has for a plan does not, or in another way; so a ? among brackets.
_TAKEN_OTHERWISE = re.compile(
    r"[^\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]|[|>][-+\d]*#|!(?:\s|$)"
)
# Far above the levels of any plan; both parsers take time that grows with their square.
_DEEPEST = 500
# A text that may have more makes libyaml's reader in C overflow its stack.
_SAFE_LEVELS = 5000


def read_yaml(path: Path) -> Any:
    """Content of a YAML file.

    Raises InputError for a missing, malformed or oversized file, for repeated keys, and for anything but plain data.
    """
    try:
        with path.open(encoding="utf-8-sig") as handle:
            content = _load(path, handle)
    except OSError as error:
        raise unreadable(path, error, "a YAML file") from None
    except UnicodeDecodeError:
        raise InputError([Problem(str(path), "not UTF-8", "UTF-8 text", "saved by Excel or an old editor?")]) from None
    except RecursionError:
        raise InputError([Problem(str(path), "nested too deeply", "a plan of a few levels")]) from None
    except InputError:
        raise
    except (yaml.YAMLError, ValueError) as error:
        raise InputError([_malformed(path, error)]) from None
    if isinstance(content, dict) and TEMPLATE_KEY in content:
        hint = "Snakemake would evaluate Python in this file"
        raise InputError([Problem(f"{path}, key {TEMPLATE_KEY}", "a template", "plain data", hint)])
    return content


# What the parser of YAML says, in words of the plan: what is allowed, and the likely slip.
_SYNTAX = {
    "cannot start any token": ("text that begins with a letter", "in quotation marks where it begins with %, @ or `"),
    "mapping values are not allowed": ("one colon in a line", "text with a colon in quotation marks; or indentation"),
    "could not find expected ':'": ("key: value", "a colon, the space after it, or a quotation mark is missing"),
    "expected <block end>": ("entries of a block below each other", "indentation, or a dash or a colon missing"),
    "did not find expected": ("entries of a block below each other", "indentation, or a dash or a colon missing"),
    "expected ',' or": ("a list in [ ] or a mapping in { } that ends", "a bracket or a comma is missing"),
    "unexpected end of stream": ("a text that ends as it began", "a quotation mark is missing"),
    "undefined alias": ("an alias of an anchor that is there", "text that begins with * in quotation marks"),
    "special characters": ("printable text", "a file of another kind, or pasted control characters?"),
    "expected the node content": ("a value", "a bracket, comma or dash too many, or text to be put in quotation marks"),
    "constructor for the tag": ("plain data", "text that begins with ! in quotation marks"),
    "unknown escape": ("a known escape", "a backslash: single quotation marks take it as it is"),
    "single document": ("one document", "--- stands between two"),
}


def _malformed(path: Path, error: Exception) -> Problem:
    """A file that is not YAML: the line and column, what stands there, and the likely slip."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    parts = (getattr(error, name, None) for name in ("context", "problem", "reason"))
    message = " ".join(" ".join(part for part in parts if part).split()) or " ".join(str(error).split())
    opened = getattr(error, "context_mark", None)
    where, value = str(path), message
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    lines = text.splitlines()
    if isinstance(error, yaml.reader.ReaderError):
        before = text[: error.position].split("\n")
        where = f"{path}, line {len(before)}, column {len(before[-1]) + 1}"
        value = text[error.position : error.position + 1]
    if mark is not None:
        where = f"{path}, line {mark.line + 1}, column {mark.column + 1}"
        value = lines[mark.line].strip() if mark.line < len(lines) and lines[mark.line].strip() else "the file ends"
    likely = [words for part, words in _SYNTAX.items() if part in message]
    allowed, hint = likely[0] if likely else ("well-formed YAML", message)
    if "\t" in (value if mark is None else lines[mark.line] if mark.line < len(lines) else ""):
        allowed, hint = "indentation by spaces", "a tab"
    if opened is not None and mark is not None and opened.line != mark.line:
        hint += f"; it began in line {opened.line + 1}"
    return Problem(where, value, f"well-formed YAML: {allowed}" if likely else allowed, hint)


def read_layers(name: str, given: Sequence[Path], by_hand: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """What a plan is made of: the file of that name in this folder, files given beside it, values given by hand.

    Raises InputError for the first that cannot be read, and for one that is no mapping.
    """
    paths = [Path(name)] if Path(name).exists() or not given else []
    if paths and not paths[0].exists():
        hint = called_otherwise(paths[0]) or "run it where the plan is, or with -d FOLDER"
        raise InputError([Problem(name, "no such file", f"the plan of the review, in {Path.cwd()}", hint)])
    layers = []
    for path in [*paths, *given]:
        content = read_yaml(path)
        place = os.path.relpath(path)
        if not isinstance(content, dict):
            hint = "an empty file?" if content is None else "each line a key, a colon and a value?"
            raise InputError([Problem(place, _shown(content), "keys such as title, sources, syntheses", hint)])
        layers.append((place, content))
    return [*layers, ("--config", dict(by_hand))] if by_hand else layers


def _load(path: Path, handle: TextIO) -> Any:
    size = path.stat().st_size
    if size > LARGEST_FILE:
        raise InputError([Problem(str(path), f"{size} bytes", f"at most {LARGEST_FILE} bytes", "another file?")])
    text = handle.read()
    handle.seek(0)
    if _is_plain(text):
        try:
            return _content(path, _FastLoader(handle))
        except yaml.YAMLError:
            # Said in the words of the other one.
            handle.seek(0)
    return _content(path, _StrictLoader(handle))


def _is_plain(text: str) -> bool:
    """Whether libyaml reads a text, and as the other parser does. Raises RecursionError where levels never end."""
    # Before a line: room, dashes of lists, marks of keys and values; each pair may be a level.
    marks = max((len(line) - len(line.lstrip(" -?:")) for line in text.splitlines()), default=0)
    opened, deepest, asked = 0, marks / 2, False
    for sign in re.findall(r"[\[\]{}?]", text):
        opened += {"[": 1, "{": 1, "?": 0}.get(sign, -1)
        deepest, asked = max(deepest, opened), asked or (sign == "?" and opened > 0)
    if deepest > _DEEPEST:
        raise RecursionError
    levels = text.count("[") + text.count("{") + 2 * marks
    return levels <= _SAFE_LEVELS and not asked and not _TAKEN_OTHERWISE.search(text)


def _content(path: Path, loader: _Loader) -> Any:
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        count = _count(node, {})
        if count > LARGEST_CONTENT:
            hint = "aliases of aliases multiply what they stand for"
            raise InputError([Problem(str(path), f"{count} values", f"at most {LARGEST_CONTENT} values", hint)])
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _count(node: yaml.Node, counted: dict[int, int]) -> int:
    """Values of a document with every alias written out. Raises InputError for an alias inside of what it names."""
    known = counted.get(id(node))
    if known == 0:
        where = f"{node.start_mark.name}, line {node.start_mark.line + 1}"
        raise InputError([Problem(where, "an alias inside of what it names", "aliases of something else")])
    if known is None:
        counted[id(node)] = 0
        below = node.value if not isinstance(node, yaml.ScalarNode) else ()
        parts = (part for item in below for part in (item if isinstance(item, tuple) else (item,)))
        known = counted[id(node)] = 1 + sum(_count(part, counted) for part in parts)
    return known


def parse(model: type[T], content: Any, where: str) -> T:
    """`content` as `model`. Raises InputError with every problem, each with its key and what is allowed."""
    problems = list(_unwritable_texts(content, where, ""))
    if problems:
        raise InputError(problems)
    try:
        # The whole is known where a part of it is checked: what a column of the user's holds, for one.
        return model.model_validate(content, context=content if isinstance(content, dict) else None)
    except ValidationError as error:
        raise InputError([p for e in _causes(model, error.errors()) for p in _problems(model, e, where)]) from None


def _causes(model: type[Model], errors: Sequence[Any]) -> list[Any]:
    """The errors without those that follow from another: a key that is missing because it is misspelt, a list that is
    too short because an entry was refused."""
    misspelt = {
        (*error["loc"][:-1], _nearest(str(error["loc"][-1]), _fields_at(model, error["loc"][:-1])))
        for error in errors
        if error["type"] == "extra_forbidden"
    }
    inside = {error["loc"][:depth] for error in errors for depth in range(1, len(error["loc"]))}
    return [
        error
        for error in errors
        if not (error["type"] == "missing" and error["loc"] in misspelt)
        and not (error["type"] == "too_short" and error["loc"] in inside)
    ]


def _nearest(word: str, options: Sequence[str], cutoff: float = 0.6) -> str | None:
    """The option that a word is most like, upper and lower case aside."""
    folded = {option.casefold(): option for option in options}
    close = difflib.get_close_matches(word.casefold(), folded, n=1, cutoff=cutoff)
    return folded[close[0]] if close else None


# What pydantic says of a value, in words of the plan: what is allowed, and the likely slip.
_LIMIT = re.compile(r"\{(\w+)\}")
_ALLOWED = {
    "string_type": ("text", "in quotation marks?"),
    "int_type": ("a whole number", ""),
    "int_parsing": ("a whole number", "without quotation marks, units and thousands separators"),
    "int_parsing_size": ("a whole number", "too many digits"),
    "int_from_float": ("a whole number", ""),
    "float_type": ("a number", ""),
    "float_parsing": ("a number", "a decimal point, not a comma; without units"),
    "finite_number": ("a finite number", ""),
    "bool_type": ("true or false", ""),
    "bool_parsing": ("true or false", ""),
    "tuple_type": ("a list", "in brackets, as [a, b], or with a dash before each entry"),
    "dict_type": ("a mapping: names, each with a colon and a value", "a dash or a value where a name is needed?"),
    "model_type": ("a mapping", "its keys belong below it, indented"),
    "greater_than": ("a number greater than {gt}", ""),
    "greater_than_equal": ("a number of at least {ge}", ""),
    "less_than": ("a number less than {lt}", ""),
    "less_than_equal": ("a number of at most {le}", ""),
    "string_too_short": ("text that is not empty", ""),
    "string_too_long": ("at most {max_length} characters", ""),
    "string_pattern_mismatch": ("a name of small letters, digits and underscores, a letter first", ""),
    "too_short": ("at least {min_length} entries", "there are {actual_length}"),
    "too_long": ("at most {max_length} entries", "there are {actual_length}"),
}


def _unwritable_texts(content: Any, where: str, key: str) -> Iterator[Problem]:
    """Keys and values with a character that no figure or page can hold."""
    if isinstance(content, str) and (fault := unwritable(content)):
        yield Problem(f"{where}, key {key}" if key else where, fault, "text without it", "pasted from a PDF? Retype it")
    elif isinstance(content, dict):
        for name, value in content.items():
            inner = f"{key}.{name}" if key else str(name)
            readable = inner.encode("unicode_escape").decode() if unwritable(inner) else inner
            yield from _unwritable_texts(str(name), where, readable)
            yield from _unwritable_texts(value, where, readable)
    elif isinstance(content, list | tuple):
        for place, value in enumerate(content):
            yield from _unwritable_texts(value, where, f"{key}.{place}" if key else str(place))


def _problems(model: type[Model], error: Any, where: str) -> list[Problem]:
    location = tuple(part for part in error["loc"] if part != "[key]")
    key = ".".join(str(part) for part in location)
    place = f"{where}, key {key}" if key else where
    value = error["input"]
    match error["type"]:
        case "extra_forbidden":
            name, allowed = str(location[-1]), _fields_at(model, location[:-1])
            close = _nearest(name, allowed)
            hint = f"did you mean {close}?" if close else "unknown key"
            return [Problem(place, name, "one of " + ", ".join(allowed), hint)]
        case "missing":
            return [Problem(place, "missing", "a value: the key is required")]
        case "value_error":
            raised = error["ctx"]["error"]
            if isinstance(raised, InputError):
                # Their places are keys below this one.
                below = ((f"{key}." if key else "") + p.where if p.where else key for p in raised.problems)
                return [
                    replace(p, where=f"{where}, key {k}" if k else where)
                    for k, p in zip(below, raised.problems, strict=True)
                ]
            return [Problem(place, _shown(value), str(raised))]
        case "literal_error":
            options = re.findall(r"'([^']+)'", error["ctx"]["expected"])
            close = _nearest(str(value), options, cutoff=0.4)
            hint = f"did you mean {close}?" if close else ""
            if isinstance(value, bool):
                hint = YES_NO
            return [Problem(place, _shown(value), "one of " + ", ".join(options), hint)]
    if "[key]" in error["loc"] and isinstance(value, bool):
        place = place.removesuffix(str(location[-1])) + _shown(value)
        return [Problem(place, _shown(value), _ALLOWED["string_pattern_mismatch"][0], YES_NO)]
    kind = "finite_number" if value != value else error["type"]
    if kind == "string_type" and "[key]" in error["loc"]:
        kind = "string_pattern_mismatch"
    words = _ALLOWED.get(kind, ("another kind of value", "see docs/config.md"))
    allowed_text, hint = (_LIMIT.sub(lambda name: f"{error['ctx'][name[1]]:.15g}", text) for text in words)
    if error["type"] == "model_type":
        allowed_text += " of " + ", ".join(_fields_at(model, location))
    if error["type"] == "tuple_type" and isinstance(value, str | int | float):
        hint = f"write [{str(value).strip('[] ')}]"
    if kind in {"less_than", "less_than_equal"} and 1 < float(value) <= 100:
        hint = "a percentage? .95 is 95%"
    in_list = bool(location) and isinstance(location[-1], int)
    if kind == "string_type" and (isinstance(value, bool | int | float) or (value is None and in_list)):
        hint = "YAML has its own reading of no, yes, on, off, null and numbers: put a word in quotation marks"
    elif value is None:
        hint = "nothing stands after the colon"
    return [Problem(place, _shown(value), allowed_text, hint)]


def _shown(value: Any) -> str:
    """A value as the plan has it, or what kind of value it is."""
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "nothing"
    if isinstance(value, list | tuple):
        return "a list" if value else "an empty list"
    return "a mapping" if isinstance(value, dict) else str(value)


def _fields_at(model: type[Model], location: tuple[Any, ...]) -> list[str]:
    """Keys allowed at a place of the config."""
    current: Any = model
    skip = False
    for part in location:
        if skip:
            skip = False
            continue
        field = current.model_fields.get(str(part)) if current else None
        current = _inner(field.annotation) if field else None
        # Below a mapping or a list comes the name or the number of an entry.
        skip = field is not None and get_origin(field.annotation) in {dict, tuple}
    return list(current.model_fields) if current else []


def _inner(annotation: Any) -> Any:
    """The model inside Optional, dict and tuple annotations."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in reversed(getattr(annotation, "__args__", ())):
        model = _inner(argument)
        if model is not None:
            return model
    return None
