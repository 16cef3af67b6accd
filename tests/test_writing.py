"""Files of a figure: the same bytes twice, pixels and their density, tall figures."""

import numpy as np
import pytest
import synthesis.draw.forest  # noqa: F401 tells how a forest is drawn
from hand_made import forest
from PIL import Image
from synthesis.draw.canvas import DPI, draw
from synthesis.draw.writing import FORMATS, MAX_PIXELS, write_figure, write_png
from test_figures import document


@pytest.mark.parametrize("k", [1, 5, 150])
def test_the_same_layout_gives_the_same_bytes(tmp_path, k):
    layout = forest(document(k))
    contents = []
    for run in ("a", "b"):
        write_figure(tmp_path / run, "x", layout, "Described.")
        files = [*(tmp_path / run / f"x.{kind}" for kind in FORMATS), tmp_path / run / "data" / "x.csv"]
        assert {*(tmp_path / run).rglob("*.*")} == {*files}
        contents.append([path.read_bytes() for path in files])
    assert contents[0] == contents[1]
    assert all(len(content) > 1000 for content in contents[0][: len(FORMATS)])


def test_a_tall_figure_gets_a_coarser_png_and_stays_legible_in_the_others(tmp_path):
    figure = draw(forest(document(150)))
    write_png(tmp_path / "x.png", figure)
    height = int.from_bytes((tmp_path / "x.png").read_bytes()[20:24], "big")
    assert height == pytest.approx(min(MAX_PIXELS, DPI * figure.get_size_inches()[1]), abs=2)
    sizes = {t.get_fontsize() for t in figure.texts}
    assert min(sizes) >= 6.5


def test_a_png_holds_the_pixels_that_were_drawn_and_their_density(tmp_path):
    figure = draw(forest(document(4)))
    write_png(tmp_path / "x.png", figure)
    assert figure.dpi == DPI
    figure.canvas.draw()
    with Image.open(tmp_path / "x.png") as written:
        written.load()
        assert written.mode == "RGB"
        assert written.info["dpi"] == pytest.approx((DPI, DPI), abs=0.01)
        assert written.info["Software"] == "synthesis"
        pixels = np.asarray(written)
    expected = np.asarray(figure.canvas.buffer_rgba())
    assert np.array_equal(pixels, expected[:, :, :3])
    assert (expected[:, :, 3] == 255).all()
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 20
