"""Reads YAML safely and checks it against a model; every problem is named with its key and what is allowed."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Any, TextIO, TypeVar, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from synthesis.errors import InputError, Problem
from synthesis.data.model import Model

T = TypeVar("T", bound=Model)
# Far above any plan: a file that is larger, or grows larger through its aliases, is a slip or an attack.
LARGEST_FILE, LARGEST_CONTENT = 5_000_000, 200_000
# Snakemake's own reader evaluates Python in a file that holds this key.
TEMPLATE_KEY = "__use_yte__"


class _StrictLoader(yaml.SafeLoader):
    """SafeLoader that refuses a key that stands twice instead of taking the last."""


def _mapping(loader: _StrictLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key_node, _ in node.value:
        where = f"{key_node.start_mark.name}, line {key_node.start_mark.line + 1}"
        if not isinstance(key_node, yaml.ScalarNode):
            raise InputError([Problem(where, "a list or mapping as key", "a word as key", "a colon too many?")])
        key = loader.construct_object(key_node)
        if key in seen:
            raise InputError([Problem(where, str(key), "each key once", "a block pasted twice?")])
        seen.add(key)
    return loader.construct_mapping(node, deep=True)


_StrictLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_yaml(path: Path) -> Any:
    """Content of a YAML file.

    Raises InputError for a missing, malformed or oversized file, for repeated keys, and for anything but plain data.
    """
    try:
        with path.open(encoding="utf-8-sig") as handle:
            content = _load(path, handle)
    except FileNotFoundError:
        raise InputError([Problem(str(path), "no such file", "a YAML file")]) from None
    except UnicodeDecodeError:
        raise InputError([Problem(str(path), "not UTF-8", "UTF-8 text")]) from None
    except RecursionError:
        raise InputError([Problem(str(path), "nested too deeply", "a plan of a few levels")]) from None
    except InputError:
        raise
    except (yaml.YAMLError, ValueError) as error:
        hint = "indentation by spaces; text with a colon or a leading % in quotation marks"
        problem = Problem(str(path), " ".join(str(error).split()), "well-formed YAML", hint)
        raise InputError([problem]) from None
    if isinstance(content, dict) and TEMPLATE_KEY in content:
        hint = "Snakemake would evaluate Python in this file"
        raise InputError([Problem(f"{path}, key {TEMPLATE_KEY}", "a template", "plain data", hint)])
    return content


def _load(path: Path, handle: TextIO) -> Any:
    size = path.stat().st_size
    if size > LARGEST_FILE:
        raise InputError([Problem(str(path), f"{size} bytes", f"at most {LARGEST_FILE} bytes", "another file?")])
    loader = _StrictLoader(handle)
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
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise InputError([p for e in error.errors() for p in _problems(model, e, where)]) from None


def _problems(model: type[Model], error: Any, where: str) -> list[Problem]:
    key = ".".join(str(part) for part in error["loc"])
    place = f"{where}, key {key}" if key else where
    value = error["input"]
    shown = value if isinstance(value, str | int | float | bool) else type(value).__name__
    match error["type"]:
        case "extra_forbidden":
            name = str(error["loc"][-1])
            allowed = _fields_at(model, error["loc"][:-1])
            close = difflib.get_close_matches(name, allowed, n=1)
            hint = f"did you mean {close[0]}?" if close else "unknown key"
            return [Problem(place, name, "one of " + ", ".join(allowed), hint)]
        case "missing":
            return [Problem(place, "missing", "a value: the key is required")]
        case "value_error":
            texts = str(error["ctx"]["error"]).splitlines()
            return [Problem(place, *_split(text)) for text in texts]
        case "literal_error":
            allowed_text = re.sub(r"'(\w+)'", r"\1", error["ctx"]["expected"])
            options = re.findall(r"'([^']+)'", error["ctx"]["expected"])
            close = difflib.get_close_matches(str(value), options, n=1, cutoff=0.4)
            hint = f"did you mean {close[0]}?" if close else ""
            return [Problem(place, str(shown), f"one of {allowed_text}", hint)]
    return [Problem(place, str(shown), error["msg"][0].lower() + error["msg"][1:])]


def _split(text: str) -> tuple[str, str]:
    head, _, tail = text.partition(": ")
    return (head, tail) if tail else ("this combination", text)


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
        found = _inner(argument)
        if found is not None:
            return found
    return None
