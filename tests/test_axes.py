"""One policy for axes, numbers, columns, pages, presets and words of figures, at the edges of what data can hold."""

import math
import random
import re

import numpy as np
import pytest
import synthesis
import synthesis.draw.forest
from hand_made import comparison, forest
from msgspec.structs import replace
from synthesis.draw import canvas, characters, panels
from synthesis.draw.axes import linear_ticks, ratio_ticks
from synthesis.draw.bridge_figure import bridge_layout
from synthesis.draw.canvas import LANE_COLOUR, PRESETS, draw
from synthesis.draw.chart import Axis, Chart, Panel, Point, RowText, narrow_axis, number_axis
from synthesis.draw.forest import notes_below, pages
from synthesis.draw.layout import estimate_text
from synthesis.draw.panel_pages import split
from synthesis.draw.writing import write_figure
from synthesis.plan.config import ComparisonFigure
from synthesis.results.diagnosed import LevelFit
from synthesis.results.document import columns
from synthesis.results.fitted import BlockFit
from synthesis.review.declared import dependence_of
from synthesis.review.fit import _blocks, pool_part
from synthesis.review.moderators import moderator
from test_figures import boxes_of, document, grouped, placed_in, reading
from typed import estimates, fitted


def pooled(values, metric="g", **changes):
    """A document of samples with these estimates and variances."""
    made = document(len(values), metric=metric)
    fit = synthesis.pool([y for y, _ in values], [v for _, v in values], metric=metric)
    for study, (y, v), weight in zip(made["studies"], values, fit.weights, strict=True):
        study |= {"yi": y, "vi": v, "weight": weight}
    return made | fit.to_dict() | changes


# --- axes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("low", "high", "held"),
    [
        (0.7, 1.4, {"0.8", "1", "1.2", "1.4"}),
        (1e-11, 1e7, {"10⁻⁶", "1", "10⁶"}),
        (0.3, 40, {"0.5", "1", "20"}),
        (0.001, 1000, {"0.01", "1", "100"}),
        (0.9, 1.0, {"0.9", "1"}),
    ],
)
def test_ratio_axes_have_round_ratios(low, high, held):
    _, texts = ratio_ticks(math.log(low), math.log(high))
    assert held <= {*texts}
    assert 3 <= len(texts) <= 8


def test_ratio_axes_have_three_ticks_or_more_at_any_range():
    draws = random.Random(1)  # noqa: S311 nothing secret
    for _ in range(3000):
        low, width = draws.uniform(-90, 90), 10 ** draws.uniform(-4, 2.2)
        for about in (2, 4, 8):
            ticks, texts = ratio_ticks(low, low + width, about)
            assert len(ticks) >= 3
            assert len({*texts}) == len(texts)
            assert all(low - 1e-9 <= tick <= low + width + 1e-9 for tick in ticks)
            assert list(ticks) == sorted(ticks)


@pytest.mark.parametrize("values", [((-0.16, 0.01), (-0.05, 0.012), (-0.2, 0.02)), ((-25, 0.1), (16, 0.1), (0, 0.2))])
def test_at_least_three_ratios_are_written_below_an_axis_and_none_touches_another(values):
    layout = forest(pooled(values, "log_odds_ratio"))
    figure = draw(layout)
    boxes_of(figure)
    written = [t.get_text() for t in figure.texts if t.get_text() in layout.sections[0].tick_texts]
    assert len({*written}) >= 3


USUAL = [(0.4, 0.02), (0.3, 0.03), (0.5, 0.02), (0.35, 0.03), (0.45, 0.02), (0.42, 0.02)]


def test_an_interval_far_wider_than_the_others_is_cut_whatever_the_number_of_samples():
    made = pooled([*USUAL, (0.4, 25.0)])
    layout = forest(made)
    section = layout.sections[0]
    (wide,) = [row for row in section.rows if row.key == "x6"]
    assert wide.ci_low < section.low
    assert section.high < wide.ci_high
    assert section.high - section.low < 4
    # The ink of the arrows lies inside the plot, and apart from the mark.
    shapes = [a.get_xy() for a in draw(layout).artists if hasattr(a, "get_xy") and hasattr(a, "get_closed")]
    arrows = [corners for corners in shapes if len(corners) == 4]
    assert len(arrows) == 2
    span = section.high - section.low
    assert section.low + 0.04 * span < wide.estimate < section.high - 0.04 * span


def test_a_prediction_interval_far_beyond_all_else_is_cut():
    made = pooled(USUAL)
    made |= {"pi_low": -400.0, "pi_high": 400.0}
    section = forest(made).sections[0]
    assert section.high - section.low < 5


def test_limits_just_outside_extend_the_axis():
    made = document(60)
    for i, study in enumerate(made["studies"]):
        study |= {"yi": 0.4, "vi": 0.02 + 0.00005 * i}
    section = forest(made).sections[0]
    studies = [row for row in section.rows if row.kind == "study"]
    assert all(section.low < row.ci_low < row.ci_high < section.high for row in studies)


def test_no_limit_is_cut_that_lies_just_outside_the_axis_as_drawn():
    draws = random.Random(11)  # noqa: S311 nothing secret
    for _ in range(60):
        count = draws.choice([12, 25, 60, 100])
        made = pooled([(draws.gauss(0.4, 0.3), draws.choice([0.01, 0.02, 0.05, 0.2])) for _ in range(count)])
        section = forest(made).sections[0]
        room = 0.15 * (section.high - section.low)
        for row in section.rows:
            for end in (row.ci_low, row.ci_high, row.pi_low, row.pi_high):
                outside = 0.0 if end is None else max(section.low - end, end - section.high)
                assert outside <= 0 or outside > room, row.label


def test_an_estimate_stretches_the_axis_as_long_as_the_others_are_read():
    usual = [(0.4 + 0.05 * i, 0.04) for i in range(-6, 12)]
    section = forest(pooled([*usual, (2.6, 0.06)])).sections[0]
    assert section.low < 2.6 < section.high


@pytest.mark.parametrize(("extremes", "sign"), [((9.0,), 1), ((-9.0,), -1), ((9.0, 8.5), 1)])
def test_few_estimates_that_squeeze_all_others_are_arrow_heads_with_their_numbers(extremes, sign):
    usual = [(0.4 + 0.05 * i, 0.04) for i in range(-6, 16)]
    layout = forest(pooled([*usual, *((x, 0.06) for x in extremes)]))
    (section,) = layout.sections
    assert section.high - section.low < 9
    far = [row for row in section.rows if row.kind == "study" and abs(row.estimate) > 5]
    assert len(far) == len(extremes)
    assert all(not section.low <= row.estimate <= section.high for row in far)
    figure = draw(layout)
    heads = [a.get_xy() for a in figure.artists if hasattr(a, "get_xy") and hasattr(a, "get_closed")]
    arrows = [corners for corners in heads if len(corners) == 4]
    assert len(arrows) == len(extremes) + sum(
        row.pi_high is not None and row.pi_high > section.high for row in section.rows
    )
    tips = {round(float(max(c[:, 0]) if sign > 0 else min(c[:, 0])), 6) for c in map(np.asarray, arrows)}
    assert len(tips) == 1
    for row in far:
        assert any(t.get_text() == row.estimate_text for t in figure.texts)
    (note,) = [note for note in layout.notes if note.startswith("Arrow heads")]
    assert all(row.label in note for row in far)


def test_of_few_samples_no_estimate_is_left_off_the_axis():
    section = forest(pooled([(0.1, 0.02), (0.2, 0.02), (9.0, 0.05)])).sections[0]
    assert section.low < 0.1 < 9.0 < section.high


def test_the_axis_stands_below_the_last_row_and_words_below_the_axis():
    for made in (document(5), grouped(6)):
        layout = forest(made)
        section = layout.sections[0]
        last = max(i for i, row in enumerate(section.rows) if row.kind == "prediction")
        assert notes_below(section) == section.rows[last + 1 :] != ()
        figure = draw(layout)
        row, axis, words = (
            placed_in(figure, content)[1]
            for content in ("95% prediction interval", section.axis, notes_below(section)[0].label.split(";")[0])
        )
        assert row < axis < words
        tick = placed_in(figure, section.tick_texts[0])[1]
        assert tick - row < 0.3


def test_words_below_an_axis_are_never_alone_on_a_page():
    layout = forest(document(70))
    last = layout.sections[0].rows[-2]
    for height in (5.0, 5.1, 5.2, 5.3, 5.4, 5.5, 6.0):
        drawn = [[t.get_text() for t in figure.texts] for figure in pages(layout, height)]
        assert any(last.label in texts for texts in drawn[-1:])
        assert all(figure.get_size_inches()[1] <= height + 1e-9 for figure in pages(layout, height))


# --- numbers and columns ------------------------------------------------------------------------------------------


def test_small_estimates_are_not_printed_as_zero():
    layout = forest(pooled([(0.01 * y, 1e-4 * v) for y, v in USUAL]))
    rows = [row for row in layout.sections[0].rows if row.estimate is not None]
    assert not any(row.estimate_text == "0.00" for row in rows)
    assert all(row.low_text[1:-1] != row.high_text[:-1] for row in rows)
    usual = [row for row in forest(pooled(USUAL)).sections[0].rows if row.estimate is not None]
    assert {len(row.estimate_text) for row in usual} == {4}


def test_ratios_too_small_for_two_decimals_keep_two_digits():
    shown = [estimate_text("log_odds_ratio", math.log(ratio)) for ratio in (1.4e-11, 0.0025, 0.85, 12.24, 8.9e6)]
    assert shown == ["1.4×10⁻¹¹", "0.0025", "0.85", "12.24", "8.9×10⁶"]


@pytest.mark.parametrize("values", [[0.0, 1e-9], [2006.0], [0.2, 0.3], [1999.0, 2000.0]])
def test_an_axis_of_whole_numbers_holds_values_that_hardly_differ(values):
    axis = number_axis("Year", values, whole=True)
    assert axis.low < min(values)
    assert max(values) < axis.high
    assert all(tick == round(tick) for tick in axis.ticks)


def test_a_column_with_one_word_for_all_samples_is_a_note():
    made = document(4)
    for study in made["studies"]:
        study["comparator"] = "wait list"
    made["figure"]["columns"] = ["n", "comparator", "rater", "rob"]
    layout = forest(made)
    assert layout.sections[0].columns == ("n", "Risk of bias")
    assert "In all samples, comparator: wait list; rater: client." in layout.notes
    assert all(len(row.cells) in (0, 2) for row in layout.sections[0].rows)
    made["studies"][1]["comparator"] = "usual care"
    assert forest(made).sections[0].columns == ("n", "Comparator", "Risk of bias")


# --- blocks -------------------------------------------------------------------------------------------------------


def test_a_subtotal_is_what_a_synthesis_of_its_rows_gives():
    draws = random.Random(3)  # noqa: S311 nothing secret
    samples = [
        estimates(f"s{i}", [(draws.gauss(0.3, 0.2), draws.uniform(0.01, 0.05)) for _ in range(1 + i % 3)])
        for i in range(24)
    ]
    values = ["a" if i % 2 else "b" for i in range(24)]

    def effects(held):
        rows = [(m["yi"], m["vi"], s["sample_id"]) for s in held for m in s["members"]]
        yi, vi, cluster = (list(column) for column in zip(*rows, strict=True))
        return synthesis.pool(yi, vi, cluster=cluster, model="che", rho=0.6, metric="g")

    whole = effects(samples)
    document = fitted({"studies": samples})
    blocks = {block.value: block for block in _blocks(whole, document.studies, values)}
    for value in ("a", "b"):
        alone = effects([s for s, of in zip(samples, values, strict=True) if of == value])
        assert blocks[value].model == "che"
        for name in ("estimate", "ci_low", "ci_high", "pi_low", "tau2", "i2"):
            assert getattr(blocks[value], name) == pytest.approx(getattr(alone, name), rel=1e-9), name


def test_a_subtotal_has_the_sampling_covariance_that_is_declared():
    """As a synthesis of the block has it: a shared control arm, several correlations."""
    draws = random.Random(4)  # noqa: S311 nothing secret
    samples = []
    for i in range(24):
        made = estimates(f"s{i}", [(draws.gauss(0.3, 0.2), draws.uniform(0.01, 0.05)) for _ in range(2)])
        a, b = (member["vi"] for member in made["members"])
        made["sampling"] = [[a, 0.95 * (a * b) ** 0.5], [0.95 * (a * b) ** 0.5, b]]
        samples.append(made)
    values = ["a" if i % 2 else "b" for i in range(24)]
    studies = fitted({"studies": samples}).studies

    def alone(held, model, **options):
        members = [(m.yi, m.vi, s.sample_id) for s in held for m in s.members]
        yi, vi, cluster = (list(column) for column in zip(*members, strict=True))
        return synthesis.pool(yi, vi, cluster=cluster, model=model, **options, **dependence_of(held))

    for model in ("che", "composites"):
        options = {"ci": "hksj_adhoc"} if model == "composites" else {}
        whole = alone(studies, model)
        for block in _blocks(whole, studies, values):
            held = [study for study, of in zip(studies, values, strict=True) if of == block.value]
            expected = alone(held, model, **options)
            assert (block.estimate, block.ci_low, block.tau2) == (expected.estimate, expected.ci_low, expected.tau2)
            assert block.ci_low != pool_part(whole, [replace(study, sampling=()) for study in held]).ci_low


def test_the_level_of_a_moderator_is_the_block_of_the_same_samples():
    """In every number that both have, whether the model of the whole can be fitted to it or not."""
    draws = random.Random(5)  # noqa: S311 nothing secret
    samples = []
    for i in range(21):
        made = estimates(f"s{i}", [(draws.gauss(0.3, 0.2), draws.uniform(0.01, 0.05)) for _ in range(1 + i % 3)])
        level = "few" if i < 3 else "ab"[i % 2]
        samples.append(made | {"members": [m | {"comparator": level} for m in made["members"]], "comparator": level})
    studies = fitted({"studies": samples}).studies
    rows = [(m.yi, m.vi, s.sample_id) for s in studies for m in s.members]
    yi, vi, cluster = (list(column) for column in zip(*rows, strict=True))
    whole = synthesis.pool(yi, vi, cluster=cluster, model="che", rho=0.6, metric="g")
    blocks = {block.value: block for block in _blocks(whole, studies, [study.comparator for study in studies])}
    found = moderator(replace(fitted({}), fit=whole, studies=studies), "comparator", None, "hksj")
    assert {level.level: level.model for level in found.levels} == {"a": "che", "b": "che", "few": "composites"}
    for level in found.levels:
        for name in set(columns(BlockFit)) & set(columns(LevelFit)):
            assert getattr(level, name) == getattr(blocks[level.level], name), name


def test_a_block_too_small_for_the_model_of_the_whole_says_so():
    made = grouped(8, model="che", rho=0.6)
    made["groups"][1]["model"] = "composites"
    (note,) = [note for note in forest(made).notes if note.startswith("Subtotals")]
    assert "Too few samples for that model, so each sample counts with one mean in: Wait list" in note


# --- words --------------------------------------------------------------------------------------------------------


def words_of(layout):
    rows = [row for section in layout.sections for row in section.rows]
    heads = [section.heading for section in layout.sections]
    return " ".join([layout.title, *layout.notes, *heads, *(row.label for row in rows)])


def test_no_figure_speaks_of_an_alliance_or_a_lane_unless_its_plan_does():
    a, b = document(5, "z", "A", name="attendance"), document(5, name="tutoring")
    plan = ComparisonFigure.model_validate(
        {"title": "Both", "blocks": [{"synthesis": "attendance"}, {"synthesis": "tutoring"}], "bridges": ["m"]}
    )
    bridge = [reading(contrast="2_sd", association_estimate=0.5, effect_estimate=0.4)]
    both = comparison("both", plan, {"attendance": a, "tutoring": b}, {}, [("Bridge", bridge)])
    for layout in (forest(a), both):
        said = words_of(layout).casefold()
        assert "alliance" not in said
        assert "lane" not in said


def bridge_of_all():
    contrasts = ("2_sd", "1_sd", "median_split", "concordance")
    named = [(c, "d") for c in contrasts] + [("probability", "%"), ("concordance_r", "r"), ("variance", "%")]
    named += [(f"{prefix}_{c}", "%") for prefix in ("u3", "overlap") for c in contrasts]
    numbers = {"association_estimate": 0.3, "association_ci_low": 0.1, "association_ci_high": 0.5}
    rows = [reading(unit, contrast=c, effect_estimate=0.2, **numbers) for c, unit in named]
    association = fitted(document(5, "z", "A", name="a", title="Attendance"))
    return bridge_layout("m", rows, association, fitted(document(5, name="b", title="Tutoring")))


def test_each_page_of_a_bridge_says_what_its_own_marks_are():
    layout = bridge_of_all()
    parts = pages(layout, 4.0)
    assert len(parts) > 2
    for page in parts:
        words = " ".join(t.get_text() for t in page.texts)
        assert "Hollow marks" not in words
        assert "Hollow diamonds: the association, read in several ways" in words
    assert set(layout.marks) < set(layout.notes)


def test_an_interval_of_a_bridge_is_one_text():
    """Limits in columns of their own were torn apart where another section has longer ones."""
    rows = [row for section in bridge_of_all().sections for row in section.rows if row.ci_low is not None]
    assert rows
    assert all(re.fullmatch(r"\[\S+, \S+\]", row.high_text) and not row.low_text for row in rows)


def test_the_two_correlations_of_one_effect_have_names_of_their_own():
    layout = bridge_of_all()
    headings = {section.name: section.heading for section in layout.sections}
    assert headings["r"].startswith("Correlation with the same probability")
    assert "two groups" in headings["variance"]
    assert any("d²/(d² + 4)" in note for note in layout.notes)
    assert "alliance" not in words_of(layout).casefold()


# --- presets ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", ["bmj", "revman"])
def test_presets_have_none_of_our_colours_and_an_order_of_their_own(preset):
    style = PRESETS[preset]
    theirs = {*style.marks.values(), *style.diamonds.values(), *style.bands.values()}
    assert canvas.BANDS["B"] not in theirs
    assert not {LANE_COLOUR["A"], LANE_COLOUR["B"]} & theirs
    layout = forest(document(5))
    figure = draw(layout, style)
    boxes_of(figure)
    row = next(row for row in layout.sections[0].rows if row.kind == "pooled")
    weight, estimate = placed_in(figure, row.weight_text)[0], placed_in(figure, row.estimate_text, bold=True)[0]
    axis = placed_in(figure, layout.sections[0].axis)[0]
    assert weight < estimate
    assert (estimate < axis) == (preset == "revman")


# --- pages --------------------------------------------------------------------------------------------------------


def test_the_pages_of_a_tall_figure_are_png_files_at_the_density_of_print(tmp_path):
    layout = forest(document(130))
    made = pages(layout, 6.0)
    (tmp_path / "pages" / "x").mkdir(parents=True)
    (tmp_path / "pages" / "x" / "99.png").touch()
    write_figure(tmp_path, "x", layout, "Described.", None, made)
    files = [tmp_path / "x.png", *sorted((tmp_path / "pages" / "x").iterdir(), key=lambda path: int(path.stem))]
    assert [path.stem for path in files[1:]] == [str(number) for number in range(2, len(made) + 1)]
    for path, page in zip(files, made, strict=True):
        content = path.read_bytes()
        width, height = (int.from_bytes(content[at : at + 4], "big") for at in (16, 20))
        assert (width, height) == pytest.approx(tuple(300 * size for size in page.get_size_inches()), abs=2)


@pytest.mark.parametrize("k", [4, 60])
def test_a_png_that_may_stay_whole_has_an_empty_folder(tmp_path, k):
    layout = forest(document(k))
    write_figure(tmp_path, "x", layout, "Described.", None, pages(layout, 8.0))
    height = int.from_bytes((tmp_path / "x.png").read_bytes()[20:24], "big")
    assert height == pytest.approx(300 * draw(layout).get_size_inches()[1], abs=2)
    assert list((tmp_path / "pages" / "x").iterdir()) == []


def rows_chart(count):
    points = tuple(Point("sample", 0.5, i + 0.5, 0.05, str(i), effects=(str(i),)) for i in range(count))
    texts = tuple(RowText(i + 0.5, f"row {i}", key=str(i)) for i in range(count))
    panel = Panel(Axis("x", 0.0, 1.0, (0.0, 1.0), ("0", "1")), Axis("", float(count), 0.0), points=points)
    return Chart("influence", "x", "T", "A", (panel,), height=0.135 * count, rows=texts, notes=("Note.",))


@pytest.mark.parametrize("count", [5, 59, 200, 1500])
def test_a_chart_of_many_rows_is_cut_between_rows(count):
    parts = split(rows_chart(count), 10.0)
    if count < 59:
        assert parts == []
        return
    assert [row.label for part in parts for row in part.rows] == [f"row {i}" for i in range(count)]
    assert sum(len(part.panels[0].points) for part in parts) == count
    assert [bool(part.notes) for part in parts] == [*(False for _ in parts[1:]), True]
    assert all(draw(part).get_size_inches()[1] <= 10.0 for part in parts[:3])
    assert len(panels.pages(rows_chart(200), 10.0)) == len(split(rows_chart(200), 10.0))


# --- letters ------------------------------------------------------------------------------------------------------


@pytest.fixture
def no_further_fonts(monkeypatch):
    caches = (characters.further_fonts, characters.further_characters, characters._seen, characters.fallback)
    for cached in caches:
        cached.cache_clear()
    monkeypatch.setattr(characters, "_FONT_PACKAGES", ())
    yield
    for cached in caches:
        cached.cache_clear()


@pytest.mark.filterwarnings("ignore:Glyph")
def test_characters_that_no_font_has_are_named_in_the_figure_and_in_the_log(no_further_fonts, tmp_path, capsys):
    labels = ["吳 2019", "김 2012", "Flückiger", "Иванов 2011", "محمد 2020", "x\u200dy\ufe0f"]
    layout = forest(document(6, labels=labels))
    shown = [t.get_text() for t in draw(layout).texts]
    assert "Boxes stand for characters that no font has here: U+5433, U+AE40, in 2 texts." in shown
    write_figure(tmp_path, "x", layout, "Described.")
    warned = capsys.readouterr().err.splitlines()
    assert [line.split(";")[0] for line in warned] == [
        "warning: x: no font has 吳 (U+5433), in '吳 2019 (2 estimates)'",
        "warning: x: no font has 김 (U+AE40), in '김 2012'",
    ]
    assert not any("Boxes" in t.get_text() for t in draw(forest(document(3))).texts)


@pytest.mark.parametrize("width", [0.85, 1.0, 2.5])
def test_a_narrow_axis_has_three_texts_that_touch_nothing(width):
    drawn = random.Random(1)  # noqa: S311
    for _ in range(300):
        size = 10 ** drawn.uniform(-1, 1.5)
        low = drawn.uniform(-1, 1) * size
        axis = narrow_axis("", [low, low + size], width)
        assert axis.low <= low < low + size <= axis.high
        assert len(axis.ticks) >= 3
        page = canvas.Page(canvas.Style(), 1.0)
        at = [width * (tick - axis.low) / (axis.high - axis.low) for tick in axis.ticks]
        with canvas.settings():
            texts = page.apart(at, axis.texts, page.style.small, at[1], (-0.065, width + 0.065))
        assert sum(map(bool, texts)) >= 3


def test_measures_as_wide_as_those_of_influence_have_three_texts_of_five_characters():
    axis = narrow_axis("", [0.0031, 0.0064], 0.75)
    assert axis.texts == ("0.002", "0.004", "0.006")


def test_no_axis_of_numbers_has_fewer_than_three_ticks():
    drawn = random.Random(1)  # noqa: S311
    for _ in range(3000):
        low, size = drawn.uniform(-5, 5), 10 ** drawn.uniform(-4, 3)
        ticks, decimals = linear_ticks(low, low + size, drawn.randint(2, 8))
        assert len(ticks) >= 3
        assert all(low - 1e-6 <= tick <= low + size + 1e-6 for tick in ticks)
        assert len({f"{tick:.{decimals}f}" for tick in ticks}) == len(ticks)
