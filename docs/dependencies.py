"""Writes docs/dependencies.md: what is installed, what for, under which licence; from the lock and the metadata."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import tomllib
from importlib.metadata import PackageNotFoundError, files, metadata, requires
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
# What each earns its place with; a test keeps the names those of pyproject.toml.
PURPOSE = {
    "fonttools": "the widths and kerning of our font, and the part of it that a PDF holds",
    "jinja2": "report, model cards: HTML in which every text is escaped",
    "matplotlib": "figures: PDF and PNG, and the measures of texts",
    "msgspec": "JSON of results, read and written by type",
    "numpy": "arrays and linear algebra of every fit",
    "openpyxl": "workbooks (.xlsx) that `synthesis new` reads",
    "pyarrow": "Parquet: effects, and specifications by the million",
    "pydantic": "the model of the plan: checks, schemas, the reference of keys",
    "pymare": "second route to every fit, by other people's code",
    "python-docx": "manuscript and summary of findings for Word (.docx)",
    "pyyaml": "the plan and `source.yaml`",
    "rich": "the line of progress in a terminal",
    "rocrate": "the results as a research object",
    "scipy": "distributions and optimisation",
    "snakemake": "the workflow: what depends on what, and where it runs",
    "snakemake-executor-plugin-slurm": "the same on Slurm",
    "statsmodels": "second route to regressions and kappa",
    "editables": "the checkout as the installed package",
    "hatchling": "wheel and source archive",
    "hypothesis": "generated cases in tests",
    "jsonschema": "tests that schemas say what the models say",
    "mypy": "types, strictly",
    "pre-commit": "linters before a commit",
    "pytest": "tests",
    "pytest-xdist": "tests on all cores",
    "ruff": "linter and formatter",
    "snakefmt": "formatter of rules",
    "types-pyyaml": "types of PyYAML",
    "uv": "installs the lock, by hash; resolves it",
}
# Licences as the metadata of packages spell them, in few words; the text of a licence is not a name.
_CLASSIFIER = "License :: OSI Approved :: "
_SHORT = {
    "2-clause BSD": "BSD-2-Clause",
    "Apache 2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD",
    "GNU General Public License (GPL)": "GPL",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF",
    "The Unlicense (Unlicense)": "Unlicense",
}
_LONGEST = 60
# Any that all locked versions run on.
_PYTHON = "3.11"
_ABOUT = """\
Written by `make lock` from `requirements.lock` and the metadata of the packages that it names. The version is the last
release when the lock was made, as far as the others allow, and *released* the day on which its first file was uploaded;
every package is installed by hash. `make audit` looks them all up in a database of vulnerabilities."""
_OTHER_LOCKS = """\
The site is built with packages of its own (`docs/requirements.lock`: MkDocs with Material, whose critical fixes are
announced until May 2027, and mkdocstrings), fuzzing with atheris (`tests/fuzz.lock`); neither is needed to run or to
test."""
_MIT = "Permission is hereby granted, free of charge, to any person obtaining a copy of this software"


def locked(lock: str) -> dict[str, str]:
    """Names and versions of a lock file."""
    return dict(re.findall(r"^([a-z0-9._-]+)==([^\s;]+)", lock, re.MULTILINE))


def released(versions: dict[str, str]) -> dict[str, str]:
    """The days on which the first files of these versions were uploaded, as the index of uv has them."""
    pins = ", ".join(f'"{name}=={version}"' for name, version in versions.items())
    with tempfile.TemporaryDirectory() as folder:
        project = (
            f'[project]\nname = "dates"\nversion = "0"\nrequires-python = "=={_PYTHON}.*"\ndependencies = [{pins}]\n'
        )
        Path(folder, "pyproject.toml").write_text(project)
        subprocess.run(
            [str(Path(sys.executable).parent / "uv"), "lock", "--quiet", "--no-config", "--directory", folder],
            check=True,
        )
        packages = tomllib.loads(Path(folder, "uv.lock").read_text())["package"]
    days = {}
    for package in packages:
        uploaded = [file.get("upload-time", "") for file in [package.get("sdist", {}), *package.get("wheels", [])]]
        days[package["name"]] = min((str(time)[:10] for time in uploaded if time), default="")
    return days


def days_of(written: str) -> dict[str, str]:
    """The days that a page has, by package."""
    return dict(re.findall(r"^\| ([a-z0-9._-]+) \| [^|]+ \| (\d{4}-\d\d-\d\d) \|", written, re.MULTILINE))


def licence(name: str) -> str:
    """As a package's metadata say: expression, then field, then classifiers. Raises PackageNotFoundError."""
    about = metadata(name)
    for field in (about.get("License-Expression"), about.get("License")):
        if field and field != "UNKNOWN" and "\n" not in field and len(field) <= _LONGEST:
            return _SHORT.get(field, field)
    texts = [file.read_text() for file in files(name) or [] if "LICEN" in file.name.upper() and file.suffix != ".py"]
    given = [c.removeprefix(_CLASSIFIER) for c in about.get_all("Classifier", []) if c.startswith(_CLASSIFIER)]
    if not given and any(_MIT in " ".join(text.split()) for text in texts):
        given = ["MIT"]
    return ", ".join(_SHORT.get(words, words) for words in given) or "not said in its metadata"


def declared(project: str) -> tuple[list[str], list[str]]:
    """The packages that pyproject.toml asks for: at run time, and for development."""
    table = tomllib.loads(project)["project"]
    groups = (table["dependencies"], table["optional-dependencies"]["dev"])
    run, dev = ([Requirement(line).name.lower() for line in group] for group in groups)
    return run, dev


def _users(names: dict[str, str]) -> dict[str, list[str]]:
    users: dict[str, list[str]] = {name: [] for name in names}
    for name in names:
        try:
            needed = {
                Requirement(line).name.lower().replace("_", "-")
                for line in requires(name) or []
                if "extra ==" not in line
            }
        except PackageNotFoundError:
            continue
        for other in needed & users.keys():
            users[other].append(name)
    return users


def _licence_or_none(name: str) -> str:
    try:
        return licence(name)
    except PackageNotFoundError:
        return "installed on other systems only"


def page(project: str, lock: str, days: dict[str, str]) -> str:
    """The whole page; `days`: when the versions were released."""
    versions = locked(lock)
    run, dev = declared(project)
    users = _users(versions)
    others = sorted(versions.keys() - {*run, *dev})
    lines = [
        "# Dependencies",
        "",
        _ABOUT,
        "",
        f"{len(versions)} packages: {len(run)} that the code uses, {len(dev)} for development, {len(others)} others.",
        "",
    ]
    for title, names in (("Used by the code", run), ("For development", dev)):
        lines += [f"## {title}", "", "| package | version | released | licence | what for |"]
        lines.append("|---|---|---|---|---|")
        lines += [
            f"| {n} | {versions[n]} | {days.get(n, '')} | {_licence_or_none(n)} | {PURPOSE[n]} |" for n in sorted(names)
        ]
        lines.append("")
    lines += ["## Needed by those", "", "| package | version | released | licence | needed by |"]
    lines.append("|---|---|---|---|---|")
    for n in others:
        users_of = ", ".join(users[n]) or "-"
        lines.append(f"| {n} | {versions[n]} | {days.get(n, '')} | {_licence_or_none(n)} | {users_of} |")
    lines += ["", _OTHER_LOCKS, ""]
    return "\n".join(lines)


if __name__ == "__main__":
    project, lock = ((ROOT / name).read_text() for name in ("pyproject.toml", "requirements.lock"))
    sys.stdout.write(page(project, lock, released(locked(lock))))
