"""Finds numbers that are none in the files of a run: NaN, infinity, and their words where a number should be."""

import csv
import json
import re

NOTHING = re.compile(r"(?<![\w.-])[+\-\N{MINUS SIGN}]?(nan|NaN|NaT|inf|Inf|Infinity)(?![\w-])")
# Words that texts hold too count where a number stands: behind an equals sign or alone between brackets.
_BEHIND = re.compile(r"(?:=|\[|\(|,|>|: )\s*(None|undefined)\s*(?=[<\],;)]|$)", re.MULTILINE)
_CELLS = frozenset({"nan", "NaN", "inf", "-inf", "Infinity", "None", "NaT", "undefined", "<NA>"})


def found_in(path):
    """What is wrong in a file: the words with some text around them."""
    match path.suffix:
        case ".csv":
            with path.open(encoding="utf-8", newline="") as handle:
                return [cell for row in csv.reader(handle) for cell in row if cell.strip() in _CELLS]
        case ".json" | ".jsonl":
            lines = [path.read_text(encoding="utf-8")] if path.suffix == ".json" else path.open(encoding="utf-8")
            return [word for line in lines for word in _in_json(line)]
        case ".parquet":
            return _in_parquet(path)
        case ".html" | ".svg":
            text = path.read_text(encoding="utf-8")
            # What readers quote is theirs, and programs have words of their own.
            text = re.sub(r"<script(?![^>]*json)[^>]*>.*?</script>|<style.*?</style>|<q>.*?</q>", "", text, flags=re.S)
            return _words(re.sub(r'"quote":"(?:[^"\\]|\\.)*"', "", text))
        case ".R" | ".md" | ".txt" | ".yaml" | ".log":
            return _words(path.read_text(encoding="utf-8"))
    return []


def _words(text):
    hits = [*NOTHING.finditer(text), *_BEHIND.finditer(text)]
    return [text[max(0, hit.start() - 40) : hit.end() + 20] for hit in hits]


def _in_json(text):
    bad = []
    content = json.loads(text, parse_constant=bad.append)
    stack = [content]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            stack += value.values()
        elif isinstance(value, list):
            stack += value
        elif isinstance(value, str) and (NOTHING.fullmatch(value.strip()) or re.search(r"= ?(nan|inf|None)$", value)):
            bad.append(value)
    return bad


def _in_parquet(path):
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    numbers = [name for name in table.column_names if pa.types.is_floating(table[name].type)]
    return [name for name in numbers if pc.all(pc.is_finite(table[name])).as_py() is False]
