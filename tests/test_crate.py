"""The research object: what it says of files, workflow and date, and that another reader of crates finds it."""

import hashlib
import json
import re

import pytest
from conftest import ROOT
from synthesis.cli.main import main
from synthesis.data.reading import read_yaml
from synthesis.data.source import Source
from synthesis.errors import InputError
from synthesis.export.crate import METADATA, crate
from synthesis.plan import plan as planning
from synthesis.results.files import write_json

OTHER = "tables/c.csv"


def source(**more):
    extraction = {"how": "read", "by": "AB", "on": "not recorded"}
    about = {"title": "A source", "citation": "Author (2020)", "licence": "facts", "limits": ["abstracts only"]}
    return Source.model_validate(about | {"extraction": extraction} | more)


@pytest.fixture
def results(tmp_path):
    (tmp_path / "figures").mkdir()
    (tmp_path / "tables").mkdir()
    files = [tmp_path / "figures" / "a.svg", tmp_path / "b.csv", tmp_path / OTHER]
    for path in files:
        path.write_text({".svg": "<svg></svg>\n", ".csv": "a,b\n"}[path.suffix])
    return tmp_path, files


@pytest.fixture
def made(results):
    folder, files = results
    plan = planning.load(read_yaml(ROOT / "examples" / "bcg" / "config.yaml")).config
    sources = {"s": source(doi="10.1/x"), "t": source()}
    content = crate(plan, sources, files, ROOT, folder, {"synthesis": "1"})
    assert content == crate(plan, sources, files[::-1], ROOT, folder, {"synthesis": "1"})
    write_json(folder / METADATA, content)
    return folder, content, {node["@id"]: node for node in content["@graph"]}


def test_every_file_has_its_hash_and_every_reference_its_node(made, results):
    _, content, nodes = made
    for path in results[1]:
        found = [node for node in nodes.values() if node.get("name") == path.name]
        assert [node["sha256"] for node in found] == [hashlib.sha256(path.read_bytes()).hexdigest()]
    listed = {part["@id"] for part in nodes["./"]["hasPart"]}
    assert {"figures/a.svg", "b.csv", "workflow/Snakefile"} <= listed
    assert len(listed) == sum("sha256" in node for node in nodes.values())
    assert nodes["#run"]["instrument"]["@id"] == nodes["./"]["mainEntity"]["@id"]
    assert len(nodes["#run"]["result"]) == 3
    assert nodes["#source-s"]["sameAs"] == "https://doi.org/10.1/x"
    referred = set(re.findall(r'"@id": "([^"]+)"', json.dumps(content)))
    assert {r for r in referred if not r.startswith("https://")} <= set(nodes)


def test_the_workflow_is_a_file_of_the_crate_and_the_date_that_of_its_release(made):
    folder, _, nodes = made
    citation = read_yaml(ROOT / "CITATION.cff")
    main_workflow = nodes[nodes["./"]["mainEntity"]["@id"]]
    assert set(main_workflow["@type"]) == {"File", "SoftwareSourceCode", "ComputationalWorkflow"}
    assert (folder / main_workflow["@id"]).read_bytes() == (ROOT / "Snakefile").read_bytes()
    parts = {part["@id"] for part in main_workflow["hasPart"]}
    assert {path.relative_to(folder).as_posix() for path in folder.glob("workflow/workflow/rules/*.smk")} == parts
    assert "snakemake" in main_workflow["programmingLanguage"]["@id"]
    assert nodes["./"]["datePublished"] == str(citation["date-released"])


def test_a_reader_of_crates_opens_it(made):
    from rocrate.rocrate import ROCrate

    opened = ROCrate(made[0])
    assert opened.datePublished.date().isoformat() == str(read_yaml(ROOT / "CITATION.cff")["date-released"])
    assert opened.mainEntity["programmingLanguage"]["name"] == "Snakemake"
    assert opened.get(OTHER)["contentSize"] == "4"


def test_nothing_of_the_clock_or_the_machine_is_in_it(made):
    text = (made[0] / METADATA).read_text()
    assert str(made[0]) not in text
    assert str(ROOT) not in text
    assert re.findall(r"\d{2}:\d{2}:\d{2}|[0-9a-f]{8}-[0-9a-f]{4}-", text) == []


def test_verify_finds_what_was_changed_or_lost(made, capsys):
    folder, _, nodes = made
    assert main(["verify", str(folder)]) == 0
    assert f"{sum('sha256' in n for n in nodes.values())} files" in capsys.readouterr().out
    (folder / OTHER).write_text("a,c\n")
    (folder / "workflow" / "Snakefile").unlink()
    assert main(["verify", str(folder)]) == 1
    said = capsys.readouterr().err
    assert OTHER in said
    assert "Snakefile: 'missing'" in said


def test_the_date_of_the_plan_comes_first(project, tmp_path):
    for written in ("2025-02-28", '"2025-02-28"'):
        project.config_path.write_text(f"date: {written}\n" + (ROOT / "examples/bcg/config.yaml").read_text())
        plan = planning.load(read_yaml(project.config_path)).config
        made = crate(plan, {}, [], ROOT, tmp_path, {})
        (root,) = [node for node in made["@graph"] if node["@id"] == "./"]
        assert root["datePublished"] == plan.model_dump(mode="json")["date"] == "2025-02-28"


@pytest.mark.parametrize("written", ["2025-02-30", "last spring", "7"])
def test_a_date_that_is_none_is_refused(project, written):
    project.config_path.write_text(f"date: {written}\n" + project.config_path.read_text())
    with pytest.raises(InputError, match="date"):
        planning.load(read_yaml(project.config_path))


def test_a_folder_that_is_no_workflow_is_named(tmp_path):
    plan = planning.load(read_yaml(ROOT / "examples" / "bcg" / "config.yaml")).config
    with pytest.raises(InputError, match="Snakefile: 'no such file'"):
        crate(plan, {}, [], tmp_path, tmp_path / "results", {})
