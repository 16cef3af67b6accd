"""A Workflow Run RO-Crate of the results: every file with its hash, the workflow, and the run that made it.

Profiles: Process Run Crate and Workflow Run Crate 0.5 on RO-Crate 1.1. Times of the run are left out on purpose: equal
inputs give equal bytes, and the times are in `results/benchmarks/`.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from synthesis.data.source import Source
from synthesis.errors import InputError, Problem
from synthesis.plan.config import Config
from synthesis.results.files import AGAIN, check_whole, read_json

Record = dict[str, Any]
_PROFILES = (
    "https://w3id.org/ro/wfrun/process/0.5",
    "https://w3id.org/ro/wfrun/workflow/0.5",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0",
)
_FORMATS = {
    ".csv": "text/csv",
    ".html": "text/html",
    ".json": "application/json",
    ".parquet": "application/vnd.apache.parquet",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".R": "text/x-r-source",
    ".svg": "image/svg+xml",
    ".yaml": "application/yaml",
}
METADATA = "ro-crate-metadata.json"


def crate(plan: Config, sources: dict[str, Source], files: list[Path], root: Path, versions: dict[str, str]) -> Record:
    """The crate's metadata as JSON-LD. `files` lie below `root`, the folder of the crate."""
    described = [_file(path, root) for path in sorted(files)]
    inputs = [_source(name, source) for name, source in sources.items()]
    software = [
        {"@id": f"#{name}", "@type": "SoftwareApplication", "name": name, "softwareVersion": version}
        for name, version in versions.items()
    ]
    workflow = {
        "@id": "#workflow",
        "@type": ["SoftwareSourceCode", "ComputationalWorkflow"],
        "name": "Snakefile",
        "description": "The workflow that made these results; its code is versioned beside them.",
        "programmingLanguage": {"@id": "#snakemake-language"},
    }
    run = {
        "@id": "#run",
        "@type": "CreateAction",
        "name": f"Run of the workflow: {plan.title}",
        "instrument": {"@id": "#workflow"},
        "object": [{"@id": entry["@id"]} for entry in inputs],
        "result": [{"@id": entry["@id"]} for entry in described],
        "actionStatus": "http://schema.org/CompletedActionStatus",
    }
    dataset = {
        "@id": "./",
        "@type": "Dataset",
        "name": plan.title,
        "description": plan.question or plan.title,
        "license": "Code: MIT. Data: facts with short quotations; the terms of each source are named with it.",
        "conformsTo": [{"@id": profile} for profile in _PROFILES],
        "hasPart": [{"@id": entry["@id"]} for entry in described],
        "mainEntity": {"@id": "#workflow"},
        "mentions": [{"@id": "#run"}],
    }
    descriptor = {
        "@id": METADATA,
        "@type": "CreativeWork",
        "about": {"@id": "./"},
        "conformsTo": [
            {"@id": "https://w3id.org/ro/crate/1.1"},
            {"@id": "https://w3id.org/workflowhub/workflow-ro-crate/1.0"},
        ],
    }
    language = {
        "@id": "#snakemake-language",
        "@type": "ComputerLanguage",
        "name": "Snakemake",
        "url": {"@id": "https://snakemake.github.io"},
    }
    profiles = [{"@id": profile, "@type": "CreativeWork"} for profile in _PROFILES]
    graph = [descriptor, dataset, workflow, language, run, *software, *inputs, *described, *profiles]
    return {
        "@context": ["https://w3id.org/ro/crate/1.1/context", "https://w3id.org/ro/terms/workflow-run"],
        "@graph": graph,
    }


def verify(root: Path) -> int:
    """Compares every file of a crate with its hash; returns their number. Raises InputError with all that differ."""
    files = [entry for entry in read_json(root / METADATA)["@graph"] if entry["@type"] == "File"]
    problems = []
    for entry in files:
        path = root / entry["@id"]
        if not path.is_file():
            problems.append(Problem(str(path), "missing", "a file of the crate", "run again"))
        elif hashlib.sha256(path.read_bytes()).hexdigest() != entry["sha256"]:
            problems.append(Problem(str(path), "other content", "what the run wrote", AGAIN))
    if problems:
        raise InputError(problems)
    return len(files)


def _file(path: Path, root: Path) -> Record:
    check_whole(path)
    content = path.read_bytes()
    entry = {
        "@id": path.relative_to(root).as_posix(),
        "@type": "File",
        "name": path.name,
        "contentSize": str(len(content)),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    kind = _FORMATS.get(path.suffix)
    return entry | ({"encodingFormat": kind} if kind else {})


def _source(name: str, source: Source) -> Record:
    entry: Record = {
        "@id": f"#source-{name}",
        "@type": "Dataset",
        "name": source.title,
        "citation": source.citation,
        "license": source.licence,
        "description": " ".join(source.limits),
    }
    return entry | ({"sameAs": f"https://doi.org/{source.doi}"} if source.doi else {})
