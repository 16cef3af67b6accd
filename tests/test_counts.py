"""Every count of rows adds up on the real data: what goes into a stage of the flow leaves it or goes on."""

import csv
import re
from types import SimpleNamespace

import pytest
from conftest import ROOT
from hand_made import flow
from synthesis.data.extraction import convert_rows, extract, load_source
from synthesis.data.reading import read_yaml
from synthesis.data.registry import Policy
from synthesis.draw.canvas import draw
from synthesis.plan import plan as planning
from synthesis.plan.selection import select_effects
from synthesis.report.result_tables import CATEGORY_NAME, dropped
from synthesis.report.review_results import ReviewResults
from synthesis.results.comparisons import Comparisons
from synthesis.results.extracted import Extracted
from synthesis.review.diagnostic_tables import DiagnosticTables
from typed import fitted

RAW = ROOT / "data" / "raw"


@pytest.fixture(scope="module")
def real():
    """The plan, its extracted sources, and which rows each synthesis pools (of a document, what the flow reads)."""
    plan = planning.load(read_yaml(ROOT / "config.yaml"))
    policy = Policy(plan.config.conversions.zero_cells)
    found = [extract(RAW, source, plan.metrics(source), policy) for source in plan.config.sources]
    whole = Extracted(
        effects=tuple(e for f in found for e in f.effects), dropped=tuple(d for f in found for d in f.dropped)
    )
    documents = []
    for name, synthesis in plan.config.syntheses.items():
        rows = select_effects(name, synthesis, whole.effects, whole.dropped)
        samples = {}
        for row in rows:
            samples.setdefault(row.sample_id, []).append(row.effect_id)
        studies = [{"sample_id": sample, "effects": effects} for sample, effects in samples.items()]
        content = {"title": synthesis.title, "samples": len(samples), "k": len(rows), "studies": studies}
        documents.append(fitted(content))
    return SimpleNamespace(plan=plan, found=whole, documents=documents)


def counts(lines):
    """The first number of each line that counts something; a line that says what a word means has none."""
    found = [re.search(r"\d[\d\u202f]*", line) for line in lines]
    return [int(number[0].replace("\u202f", "")) for number in found if number]


def stages(layout):
    return {box.stage: box for box in layout.boxes}


def adds_up(layout):
    """In equals out at each box; returns how many rows went in, and how many ended in a synthesis."""
    extraction, conversion, pooled = (stages(layout)[name] for name in ("Extraction", "Conversion", "Synthesis"))
    (extracted,), (converted,) = counts(extraction.words), counts(conversion.words)
    lost, *reasons = counts(extraction.left)
    assert lost == sum(reasons)
    assert extracted == lost + converted
    joined = counts(pooled.joined[:1])
    used = counts(pooled.words)[0]
    assert converted - sum(counts(conversion.left)) + sum(joined) == used
    return extracted, used


def test_the_flow_of_the_real_data_adds_up(real):
    layout = flow("Own", real.documents, real.found.effects, real.found.dropped)
    extracted, used = adds_up(layout)
    rows = 0
    for source in real.plan.config.sources:
        with (RAW / source / "effects.csv").open(encoding="utf-8-sig", newline="") as handle:
            rows += sum(1 for row in csv.DictReader(handle) if any(row.values()))
    assert extracted == rows
    assert used == len({e for d in real.documents for s in d.studies for e in s.effects})
    # The stress test's zeros come in by name, and are among those that left.
    zeros = counts(stages(layout)["Synthesis"].joined[:1])
    assert zeros[0] > 0
    assert "brought back from those without a usable number" in stages(layout)["Synthesis"].joined[0]
    texts = " ".join(t.get_text() for t in draw(layout).texts)
    assert "brought back" in texts


def test_the_flow_adds_up_where_a_synthesis_pools_published_summaries(real):
    summary = next(row for row in real.found.effects if row.level == "summary" and row.metric == "z")
    document = {"title": "T", "samples": 1, "k": 1, "studies": [{"sample_id": "s", "effects": [summary.effect_id]}]}
    adds_up(flow("Own", [document], real.found.effects, real.found.dropped))


def test_a_published_summary_is_usable_or_dropped_never_both(real):
    usable = {row.effect_id for row in real.found.effects}
    both = {row.effect_id for row in real.found.dropped if row.level == "summary"} & usable
    assert not both


def test_a_row_refused_by_number_in_one_metric_stays_listed_beside_another():
    """Only "no place on this scale" is no loss: 3 people are enough for an odds ratio, and too few for Hedges' g."""
    rows, problems = load_source(ROOT / "examples" / "bcg" / "data" / "raw", "bcg", [])
    assert not problems
    small = rows[0][1] | {"events_treat": 1.0, "total_treat": 1.0, "events_control": 1.0, "total_control": 2.0}
    found = convert_rows([(2, small)], "bcg", ("g", "log_odds_ratio", "z"))
    assert [row.metric for row in found.effects] == ["log_odds_ratio"]
    assert [row.metric for row in found.dropped] == ["g"]
    assert found.dropped[0].reason.startswith("total_treat: '1'")


def test_the_report_counts_rows_as_the_flow_does(real):
    material = ReviewResults(
        config=real.plan.config,
        documents=[],
        compared=Comparisons([], [], [], [], [], []),
        tipping=[],
        effects=real.found.effects,
        dropped=real.found.dropped,
        crosscheck=[],
        sources=[],
        diagnostics=DiagnosticTables(),
    )
    layout = flow("Own", real.documents, real.found.effects, real.found.dropped)
    assert len(material.usable) == counts(stages(layout)["Conversion"].words)[0]
    assert len(material.lost) == counts(stages(layout)["Extraction"].left)[0]
    unused = dropped(list(material.lost.values()))
    assert {table.caption for table in unused} <= set(CATEGORY_NAME.values())
    shown = [len(table.rows) for table in unused]
    assert sum(shown) == len(material.lost)
    assert sorted(shown) == sorted(counts(stages(layout)["Extraction"].left)[1:])
