"""A Workflow Run RO-Crate of the results: every file with its hash, the workflow, and the run that made it.

Profiles: Process Run Crate and Workflow Run Crate 0.5 on RO-Crate 1.1. Times of the run are left out on purpose: equal
inputs give equal bytes, and the times are in `results/benchmarks/`.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthesis.data.days import RELEASED
from synthesis.data.source import Source
from synthesis.errors import InputError, Problem
from synthesis.plan.config import Config
from synthesis.results.files import AGAIN, check_whole, read_json, replace

if TYPE_CHECKING:
    from rocrate.rocrate import ROCrate

_RUN_TERMS = "https://w3id.org/ro/terms/workflow-run"
_PROFILES = (
    "https://w3id.org/ro/wfrun/process/0.5",
    "https://w3id.org/ro/wfrun/workflow/0.5",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0",
)
_FORMATS = {
    ".bib": "application/x-bibtex",
    ".csv": "text/csv",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".html": "text/html",
    ".json": "application/json",
    ".md": "text/markdown",
    ".parquet": "application/vnd.apache.parquet",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".R": "text/x-r-source",
    ".svg": "image/svg+xml",
    ".yaml": "application/yaml",
}
METADATA = "ro-crate-metadata.json"
# Where the crate keeps the workflow's own files.
WORKFLOW = "workflow"


def crate(
    plan: Config,
    sources: dict[str, Source],
    files: list[Path],
    workflow: Path,
    root: Path,
    versions: dict[str, str],
) -> dict[str, object]:
    """The crate's metadata as JSON-LD, of `files` below `root`; copies the workflow of a folder there."""
    # `verify` and the other commands do without it.
    from rocrate.rocrate import ROCrate

    made = ROCrate(version="1.1")
    made.metadata.extra_contexts.append(_RUN_TERMS)
    made.name, made.description, made.datePublished = plan.title, plan.question or plan.title, published(plan)
    made.license = "Code: MIT. Data: facts with short quotations; the terms of each source are named with it."
    snakefile, *rules = _copy_workflow(workflow, root)
    main = made.add_workflow(None, _place(snakefile, root), properties=_content(snakefile), main=True, lang="snakemake")
    main["hasPart"] = [made.add_file(None, _place(path, root), properties=_content(path)) for path in rules]
    inputs = [_add(made, f"#source-{name}", "Dataset", **_source(source)) for name, source in sources.items()]
    for name, version in versions.items():
        _add(made, f"#{name}", "SoftwareApplication", name=name, softwareVersion=version)
    described = [made.add_file(None, _place(path, root), properties=_content(path)) for path in sorted(files)]
    done = {"actionStatus": "http://schema.org/CompletedActionStatus", "name": f"Run of the workflow: {plan.title}"}
    made.root_dataset["mentions"] = made.add_action(main, "#run", inputs, described, done)
    made.root_dataset["conformsTo"] = [_add(made, profile, "CreativeWork") for profile in _PROFILES]
    content: dict[str, object] = made.metadata.generate()
    return content


def _add(made: ROCrate, identifier: str, kind: str, /, **properties: str) -> Any:
    from rocrate.model import ContextEntity

    return made.add(ContextEntity(made, identifier, properties={"@type": kind, **properties}))


def published(plan: Config) -> str:
    """The day that the results are dated: the plan's, or that of the release of this package; no clock is asked."""
    return RELEASED if plan.date is None else plan.date.isoformat()


def _copy_workflow(folder: Path, root: Path) -> list[Path]:
    """Copies `folder`'s Snakefile and rules into the crate, each in its place; returns the copies, Snakefile first."""
    copies = []
    for path in (folder / "Snakefile", *sorted((folder / "workflow" / "rules").glob("*.smk"))):
        if not path.is_file():
            raise InputError([Problem(str(path), "no such file", "the workflow that made the results")])
        copies.append(root / WORKFLOW / path.relative_to(folder))
        content = path.read_bytes()
        replace(copies[-1], lambda target, content=content: target.write_bytes(content))  # type: ignore[misc]
    return copies


def _place(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def verify(root: Path) -> int:
    """Compares every file of a crate with its hash; returns their number. Raises InputError with all that differ."""
    files = [entry for entry in read_json(root / METADATA)["@graph"] if "sha256" in entry]
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


def _content(path: Path) -> dict[str, str]:
    check_whole(path)
    content = path.read_bytes()
    entry = {"name": path.name, "contentSize": str(len(content)), "sha256": hashlib.sha256(content).hexdigest()}
    kind = _FORMATS.get(path.suffix)
    return entry | ({"encodingFormat": kind} if kind else {})


def _source(source: Source) -> dict[str, str]:
    entry = {
        "name": source.title,
        "citation": source.citation,
        "license": source.licence,
        "description": " ".join(source.limits),
    }
    return entry | ({"sameAs": f"https://doi.org/{source.doi}"} if source.doi else {})
