"""The report and its appendix in Chromium: opened from disk, by mouse, keyboard, touch, screen reader; light and dark.

Needs Chromium (apt-get install chromium) and axe-core (npm ci --prefix tests/browser); left out, and said so, where
they are missing, unless BROWSER_TESTS is set, as in .ci/run.
"""

import csv
import json
import os
import shutil
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
import yaml
from chromium import Chromium, executable
from conftest import ROOT
from shared import once
from synthesis.cli.main import main
from synthesis.cli.report import TABLES
from synthesis.plan.config import read_config
from synthesis.plan.parts import diagnostic_figures
from synthesis.results.files import write_csv

PAGES = ("report.html", "report_appendix.html")
EVIL = ("<script>alert(1)</script>", r"$\alpha$")
FIGURE = "#figure-forest_alliance"
SOURCES = ("alliance_primary", "low_intensity_depression", "beierl_2021", "thresholds")
METRICS = ("z", "g", "z", "g")
# Decided by the small plan; and one whose words must be shown as written.
CLAIMS = ("predicts_mean", "low_intensity_below_024", "not_above_low_intensity", "ptsd_patient_rated")
AXE = ROOT / "tests" / "browser"
NEEDED = bool(os.environ.get("BROWSER_TESTS"))
NO_BROWSER = pytest.mark.skipif(not (NEEDED or executable()), reason="no Chromium here: apt-get install chromium")
pytestmark = [pytest.mark.slow, NO_BROWSER]


def configure(folder):
    """A small plan with both lanes, a bridge and a comparison figure."""
    plan = yaml.safe_load((ROOT / "config.yaml").read_text())
    figure = plan["figures"]["comparison_studies"]
    figure |= {
        "references": {},
        "blocks": [{"synthesis": "alliance"}, {"synthesis": "low_intensity"}],
        "bridges": ["alliance_beside_low_intensity"],
    }
    del plan["processes"], plan["doubts"], plan["certainty"]
    syntheses = {name: plan["syntheses"][name] | {"alternatives": []} for name in ("alliance", "low_intensity")}
    for synthesis in syntheses.values():
        synthesis["sources"] = [source for source in synthesis["sources"] if source in SOURCES]
    plan |= {
        "sources": list(SOURCES),
        "syntheses": syntheses,
        "interactions": {},
        "diagnostic_figures": {"alliance": ["funnel", "leave_one_out"]},
        "comparisons": {},
        "multiverses": {n: m for n, m in plan["multiverses"].items() if m["synthesis"] in syntheses},
        "bridges": {"alliance_beside_low_intensity": plan["bridges"]["alliance_beside_low_intensity"]},
        "figures": {"comparison": figure},
        "diagnostics": plan["diagnostics"] | {"permutations": 99},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(plan, sort_keys=False))


def spoil(table):
    """Gives two pooled samples names that must be shown as written."""
    with table.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    for row in rows:
        if row["effect_id"] in ("ap_e001", "ap_e009"):
            row["label"] = EVIL[row["effect_id"] == "ap_e009"]
    with table.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(scope="session")
def results(tmp_path_factory):
    """The results of the small plan, shared by all workers: only to be read."""
    return once(tmp_path_factory, "report", make_results) / "results"


def make_results(folder):
    """The results of the small plan, made by the commands of the workflow."""
    folder.mkdir()
    configure(folder)
    raw, out = folder / "raw", folder / "results"
    for source in SOURCES:
        shutil.copytree(ROOT / "data" / "raw" / source, raw / source)
    shutil.copy(ROOT / "data" / "raw" / "corrections.csv", raw)
    spoil(raw / "alliance_primary" / "effects.csv")
    with (ROOT / "data" / "raw" / "claims.csv").open(encoding="utf-8", newline="") as handle:
        claims = [row for row in csv.DictReader(handle) if row["claim_id"] in CLAIMS]
    for row in claims:
        row |= {"evidence": "", "claim": f"{row['claim']} {EVIL[0]} {EVIL[1]}"}
    write_csv(raw / "claims.csv", claims)
    config = ["--config", str(folder / "config.yaml")]
    sources = [out / "sources" / f"{source}.json" for source in SOURCES]
    models = [out / "models" / f"{name}.json" for name in ("alliance", "low_intensity")]
    found = [out / "diagnostics" / path.name for path in models]
    tables, figures = out / "tables", out / "figures"

    def run(command, *words):
        assert main([command, *map(str, words)]) == 0

    for source, metric in zip(SOURCES, METRICS, strict=True):
        place = out / "sources" / f"{source}.json"
        run("extract", "--raw", raw, "--source", source, "--metrics", metric, "--out", place)
    for model in models:
        run("fit", *config, "--synthesis", model.stem, "--sources", *sources, "--out", model,
            "--check", out / "crosscheck" / model.name)  # fmt: skip
        run("diagnose", *config, "--model", model, "--out", out / "diagnostics" / model.name)
        run("forest", *config, "--model", model, "--sources", *sources, "--out", figures)
    checks = ["--checks", *(out / "crosscheck" / model.name for model in models)]
    run("crosscheck", "--models", *models, *checks, "--table", tables / "crosscheck.csv")
    run("pooled", *config, "--models", *models, "--table", tables / "pooled.csv")
    run("diagnostics", "--diagnostics", *found, "--tables", tables)
    both = ["--models", *models, "--sources", *sources]
    claims = ["--claims", raw / "claims.csv"]
    run("compare", *config, *both, "--tables", tables)
    run("tipping", *config, *both, "--diagnostics", *found, *claims, "--tables", tables)
    run("claims", *config, *both, *claims, "--table", tables / "claims.csv", "--out", out / "claims.json")
    content = read_config(config[1])
    for figure in diagnostic_figures(content, "alliance"):
        moderator = ["--moderator", figure.moderator] if figure.moderator else []
        files = ["--model", models[0], "--diagnostics", found[0], "--out", figures]
        run("diagnostic-figure", *config, "--kind", figure.kind, *moderator, *files)
    run(
        "comparison-forest",
        *config,
        "--figure",
        "comparison",
        *both,
        "--bridge",
        tables / "bridge.csv",
        "--out",
        figures,
    )
    for name in content.bridges:
        table = ["--table", tables / "bridge.csv", "--out", figures]
        run("bridge-figure", *config, "--bridge", name, "--models", *models, *table)
    run("claims-figure", "--claims", out / "claims.json", "--out", figures)
    compared = [tables / f"{name}.csv" for name in TABLES]
    both += ["--compared", *compared, "--claims", out / "claims.json"]
    about = ["--about", *(raw / source / "source.yaml" for source in SOURCES), "--diagnostics", *found]
    drawn = ["--crosscheck", tables / "crosscheck.csv", "--figures", *sorted(figures.glob("*.svg"))]
    run("report", *config, *both, *about, *drawn, "--out", out / "report.html", "--appendix", out / PAGES[1])


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    with Chromium(tmp_path_factory.mktemp("profile")) as started:
        yield started


@pytest.fixture
def page(browser, results):
    """The appendix, which has every figure."""
    yield from opened(browser, results / PAGES[1])


@pytest.fixture
def short(browser, results):
    yield from opened(browser, results / PAGES[0])


@pytest.fixture(params=PAGES)
def either(request, browser, results):
    yield from opened(browser, results / request.param)


def opened(browser, path):
    page = browser.page()
    page.look()
    page.open(path)
    yield page
    page.close()


@pytest.fixture(scope="session")
def axe():
    """The accessibility rules of axe-core, from the lock file."""
    installed = AXE / "node_modules" / "axe-core" / "axe.min.js"
    if not (NEEDED or installed.exists()):
        pytest.skip("no axe-core here: npm ci --prefix tests/browser")
    return installed.read_text(encoding="utf-8")


def card(page):
    """Text of the open card; empty where none is open."""
    return page.run("document.getElementById('card').hidden ? '' : document.getElementById('card').textContent")


def quotes(results, *effects):
    rows = json.loads((results / "sources" / "alliance_primary.json").read_text())["effects"]
    return [row["quote"] for name in effects for row in rows if row["effect_id"] == name]


def effects_of(page, selector):
    return page.run(f"document.querySelector({json.dumps(selector)}).dataset.effects.split(' ')")


def test_it_opens_from_disk_without_an_error_or_a_request(either, results):
    page, report = either, results / Path(either.run("location.pathname")).name
    assert page.requests == [report.as_uri()]
    assert page.errors == []
    assert page.run("document.fonts.check('12px \"Synthesis Sans\"')")
    assert report.stat().st_size < 5e6


def test_what_is_not_the_reports_own_script_does_not_run(either):
    page = either
    page.run(
        "(() => { const s = document.createElement('script'); s.textContent = 'window.ran = 1';"
        "document.body.append(s);"
        "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.ran = 1\">'); })()"
    )
    time.sleep(0.2)
    assert page.run("window.ran") is None


def test_names_from_the_data_are_shown_as_written(page):
    assert page.run("document.querySelectorAll('script').length") == 2
    for name in EVIL:
        shown = page.run(
            f"[...document.querySelectorAll('{FIGURE} text')].some(t => t.textContent === {json.dumps(name)})"
        )
        assert shown
        assert page.run(f"[...document.querySelectorAll('td')].some(t => t.textContent.startsWith({json.dumps(name)}))")
        label = json.dumps(name)
        number = page.run(
            f"[...document.querySelectorAll('.mark')].findIndex(m => m.dataset.label.startsWith({label}))"
        )
        page.run(f"document.querySelectorAll('.mark')[{number}].id = 'evil'")
        page.hover("#evil .area")
        page.until(f"document.getElementById('card').textContent.includes({label})")
        page.run("document.getElementById('evil').removeAttribute('id')")
    assert page.errors == []


def test_a_mark_shows_its_quote_to_the_mouse(page, results):
    mark = f"{FIGURE} .mark:nth-of-type(5)"
    page.hover(f"{mark} .area")
    page.until("!document.getElementById('card').hidden")
    for quote in quotes(results, *effects_of(page, mark)):
        assert quote in card(page)
    for word in ("Estimate", "Conversion", "Where"):
        assert word in card(page)
    assert page.run("document.querySelector('#card a').href").startswith("http")
    page.hover("h1")
    page.until("document.getElementById('card').hidden")


def test_a_click_keeps_the_card_until_a_click_elsewhere(page):
    page.click(f"{FIGURE} .mark:nth-of-type(4) .area")
    page.hover("h2")
    time.sleep(0.5)
    assert card(page)
    page.click("h2")
    assert not card(page)


def test_a_mark_shows_its_quote_to_the_keyboard(page, results):
    focused = "document.activeElement.closest('.mark')"
    for _ in range(page.run("document.querySelectorAll('a, button, summary, [tabindex]').length")):
        page.press("Tab")
        if page.run(f"document.activeElement.matches('{FIGURE} .area')"):
            break
    first = page.run(f"{focused}.id")
    page.press("ArrowDown")
    second = page.run(f"{focused}.id")
    assert second != first
    assert page.run("document.activeElement.getAttribute('role')") == "button"
    assert page.run("document.activeElement.getAttribute('aria-expanded')") == "true"
    effects = page.run(f"{focused}.dataset.effects.split(' ')")
    found = quotes(results, *effects)
    assert found
    assert all(quote in card(page) for quote in found)
    assert found[0] in page.run("document.querySelector('[role=status].unseen').textContent")
    assert page.run("getComputedStyle(document.activeElement).stroke") != "none"
    page.press("Enter")
    assert page.run("document.activeElement.id") == "card"
    page.press("Tab", "Tab")
    assert page.run("document.activeElement.matches('#card a')")
    page.press("Escape")
    assert not card(page)
    assert page.run(f"{focused}.id") == second
    page.press("End")
    assert page.run(f"{focused}.dataset.synthesis") == "alliance"
    page.press("Home")
    assert page.run(f"{focused}.id") == first


def test_a_mark_shows_its_quote_to_a_finger(page, results):
    page.look(400, 860)
    mark = f"{FIGURE} .narrow .mark:nth-of-type(5)"
    page.tap(f"{mark} .area")
    page.until("!document.getElementById('card').hidden")
    assert quotes(results, *effects_of(page, mark))[0] in card(page)


def test_every_mark_of_every_figure_leads_to_quotes(page):
    """By way of its effects, or of the synthesis that a diamond stands for."""
    bare = page.run(
        "(() => { const data = JSON.parse(document.getElementById('data').textContent);"
        "const quoted = (names) => names.length > 0 && names.every((n) => data.effects[n]?.quote);"
        "return [...document.querySelectorAll('.mark')].filter((m) => m.dataset.effects"
        "  ? !quoted(m.dataset.effects.split(' '))"
        "  : !quoted(data.syntheses[m.dataset.synthesis].samples.flatMap((s) => s.effects))).map((m) => m.id); })()"
    )
    assert bare == []
    counts = page.run(
        "[...document.querySelectorAll('svg.live:not(.narrow)')].map((s) => s.querySelectorAll('.mark').length)"
    )
    # Two forest plots, a comparison, a bridge, a funnel and a plot of deletions; verdicts on claims have no marks.
    assert len(counts) == 7
    assert sorted(counts)[0] == 0
    assert sorted(counts)[1] > 20
    ids = page.run("[...document.querySelectorAll('[id]')].map((e) => e.id)")
    assert len(ids) == len(set(ids))


def test_a_diamond_lists_the_quotes_of_its_synthesis(page):
    page.click(f"{FIGURE} .mark[data-synthesis] .area")
    assert "pooled association r = " in card(page)
    assert "The 47 quotes behind it" in card(page)


def test_tables_sort_and_filter(page):
    table = "[...document.querySelectorAll('table')].find(t => t.caption.textContent.startsWith('All usable'))"
    page.run(f"{table}.id = 'usable'; {table}.closest('details').open = true")
    numbers = "[...document.querySelectorAll('#usable tbody tr')].map(r => Number(r.cells[1].dataset.order))"
    given = page.run(numbers)
    page.click("#usable th:nth-child(2) button")
    assert page.run(numbers) == sorted(given)
    assert page.run("document.querySelector('#usable th:nth-child(2)').getAttribute('aria-sort')") == "ascending"
    page.click("#usable th:nth-child(2) button")
    assert page.run(numbers) == sorted(given, reverse=True)
    page.click("#usable th:nth-child(1) button")
    assert page.run("document.querySelectorAll('#usable [aria-sort]').length") == 1
    page.run("document.querySelector('#usable').closest('details').querySelector('input').id = 'sieve'")
    page.click("#sieve")
    page.type("arnow 2013")
    shown = page.run(
        "[...document.querySelectorAll('#usable tbody tr')].filter(r => !r.hidden).map(r => r.textContent)"
    )
    assert 0 < len(shown) < len(given)
    assert all("Arnow" in words for words in shown)
    tools = page.run(
        "[...document.querySelectorAll('main table')].map(t => [t.querySelectorAll('th[scope=col] button').length ==="
        "t.tHead.rows[0].cells.length, document.querySelectorAll('.filter label').length])"
    )
    assert all(sortable and labels == len(tools) for sortable, labels in tools)


def a_mark(page, width):
    """The area of a mark of the first figure as it is shown at this width."""
    figure = page.run("document.querySelector('figure:has(.mark)').id")
    page.run("document.querySelectorAll('details:has(figure)').forEach(d => { d.open = true })")
    return f"#{figure} {'.narrow' if width < 704 else '.drawing'} .mark:nth-of-type(5) .area"


@pytest.mark.parametrize("width", [400, 800, 1600])
@pytest.mark.parametrize("dark", [False, True])
def test_nothing_overflows(either, width, dark):
    page = either
    page.look(width, 900, dark)
    page.run("document.querySelectorAll('details').forEach(d => { d.open = true })")
    assert page.run("document.documentElement.scrollWidth") <= width
    beyond = page.run(
        "[...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1 &&"
        "!e.closest('.wide, .drawing, .unseen')).map(e => e.outerHTML.slice(0, 200))"
    )
    assert beyond == []
    page.run("document.querySelector('nav details').open = innerWidth > 1200")
    page.hover(a_mark(page, width))
    page.until("!document.getElementById('card').hidden")
    box = page.run("(b => [b.left, b.right])(document.getElementById('card').getBoundingClientRect())")
    assert box[0] >= 0
    assert box[1] <= width


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [400, 1600])
def test_axe_finds_no_violation(either, axe, width, dark):
    page = either
    page.look(width, 900, dark)
    page.run("document.querySelectorAll('main details').forEach(d => { d.open = true })")
    page.click(a_mark(page, width))
    page.run(axe + "; 0")
    found = page.run("axe.run(document, {resultTypes: ['violations']}).then(r => r.violations)")
    assert [(v["id"], v["help"], [n["html"] for n in v["nodes"]][:3]) for v in found] == []


def test_figures_are_recoloured_on_a_dark_page(page):
    fill = f"getComputedStyle(document.querySelector('{FIGURE} text')).fill"
    light = page.run(fill)
    page.look(dark=True)
    assert page.run(fill) != light
    assert page.run("document.querySelectorAll('.drawing.paper').length") == 0


def test_drawing_and_data_download_from_the_page_itself(page, results, tmp_path):
    page.browser.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    for kind in ("SVG", "CSV"):
        page.click(f"{FIGURE} button[aria-label^={kind}]")
    written = [tmp_path / f"forest_alliance.{kind}" for kind in ("svg", "csv")]
    end = time.monotonic() + 20
    while not all(path.exists() and path.stat().st_size for path in written):
        assert time.monotonic() < end
        time.sleep(0.05)
    drawing = ElementTree.fromstring(written[0].read_text(encoding="utf-8"))  # noqa: S314
    assert drawing.tag == "{http://www.w3.org/2000/svg}svg"
    assert not [e for e in drawing.iter() if e.get("class") == "area" or e.get("tabindex")]
    assert written[1].read_bytes() == (results / "figures" / "data" / "forest_alliance.csv").read_bytes()
    links = page.run(f"[...document.querySelectorAll('{FIGURE} .files a')].map(a => a.getAttribute('href'))")
    assert all((results / link).exists() for link in links)
    assert {Path(link).suffix for link in links} == {".svg", ".pdf", ".png", ".csv", ".json"}


def test_a_tall_figure_is_printed_in_pieces_that_cut_no_line(page):
    page.run("window.dispatchEvent(new Event('beforeprint'))")
    whole = page.run("document.querySelectorAll('.whole').length")
    cut = page.run(
        "[...document.querySelectorAll('.whole')].map((svg) => {"
        "  const parts = [...svg.parentElement.querySelectorAll('.piece')].map((p) => p.viewBox.baseVal);"
        "  const lines = [...svg.querySelectorAll('.area')].map((a) => [a.y.baseVal.value, a.height.baseVal.value]);"
        "  return { covered: parts.reduce((sum, p) => sum + p.height, 0) / svg.viewBox.baseVal.height,"
        "    through: parts.slice(1).map((p) => p.y).filter((at) =>"
        "      lines.some(([y, h]) => y < at - 0.1 && at + 0.1 < y + h)).length };"
        "})"
    )
    assert whole == len(cut) > 0
    assert all(piece["covered"] == pytest.approx(1, abs=1e-4) and not piece["through"] for piece in cut)
    page.run("window.dispatchEvent(new Event('afterprint'))")
    assert page.run("document.querySelectorAll('.piece, .whole').length") == 0


def test_print_shows_what_is_closed_and_hides_what_is_for_the_screen(page, tmp_path):
    page.call("Emulation.setEmulatedMedia", media="print")
    for selector in ("nav", "#card", ".filter", ".files"):
        assert page.run(f"getComputedStyle(document.querySelector('{selector}')).display") == "none"
    assert page.run("document.querySelector('details:not([open]) table').getBoundingClientRect().height") > 100
    page.call("Emulation.setEmulatedMedia", media="")
    page.pdf(tmp_path / "report.pdf")
    assert (tmp_path / "report.pdf").read_bytes().count(b"/Type /Page\n") > 5
    assert page.run("document.querySelectorAll('main details[open]').length") == 0


def test_the_short_report_is_printed_on_few_pages(short, tmp_path):
    """At most 12 pages of A4; the plan of this test has two syntheses and a comparison."""
    short.pdf(tmp_path / "report.pdf")
    assert 1 < (tmp_path / "report.pdf").read_bytes().count(b"/Type /Page\n") <= 12


@pytest.mark.skipif(not (ROOT / "results" / "report.html").exists(), reason="no run of the main job here")
def test_the_report_of_the_main_job_is_printed_on_few_pages(browser, tmp_path):
    for page in opened(browser, ROOT / "results" / "report.html"):
        page.pdf(tmp_path / "main.pdf")
    assert 1 < (tmp_path / "main.pdf").read_bytes().count(b"/Type /Page\n") <= 12


@pytest.mark.parametrize("dark", [False, True])
def test_a_narrow_screen_shows_each_label_above_its_plot_and_the_estimate(short, dark):
    """Without scrolling sideways, in letters that can be read."""
    short.look(400, 860, dark)
    found = short.run(
        "[...document.querySelectorAll('.narrow .mark')].map((mark) => {"
        "  const label = mark.querySelector('text:not(.value)').getBoundingClientRect();"
        "  const value = mark.querySelector('text.value').getBoundingClientRect();"
        "  const drawn = mark.querySelector('polygon, .box, .new').getBoundingClientRect();"
        "  return [label.bottom <= drawn.top + 2, label.height, value.left > 200 && value.right <= innerWidth,"
        "    drawn.right <= value.left]; })"
    )
    assert len(found) > 20
    assert all(above and height > 11 and inside and apart for above, height, inside, apart in found)
    assert short.run("getComputedStyle(document.querySelector('.twofold .drawing')).display") == "none"
    short.look(800, 860, dark)
    assert short.run("getComputedStyle(document.querySelector('.telephone')).display") == "none"


def test_the_first_screen_answers(short):
    """Question, three sentences and the start of the figure, before a reader of a usual screen scrolls."""
    short.look(1440, 900)
    assert short.run("document.querySelector('.question').getBoundingClientRect().top") < 300
    assert short.run("document.querySelector('.answer').getBoundingClientRect().bottom") < 900
    assert short.run("document.querySelectorAll('.answer li').length") == 3


def test_the_two_pages_lead_to_each_other(browser, results):
    for here, there in (PAGES, PAGES[::-1]):
        for page in opened(browser, results / here):
            links = page.run("[...document.querySelectorAll('a[href*=\".html\"]')].map(a => a.getAttribute('href'))")
        for page in opened(browser, results / there):
            places = page.run("[...document.querySelectorAll('[id]')].map(e => e.id)")
        assert there in links
        assert {link.partition("#")[2] for link in links if "#" in link} <= set(places)
