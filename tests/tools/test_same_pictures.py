"""Pictures are compared as pictures: what a reader would see is caught, what a processor does to the last bit is not."""

import base64
import io
import re

import matplotlib
import numpy as np
import pytest
import torch
from PIL import Image

from lossbook.plotting import style
from tools.book import LANGUAGES, REFERENCE, pages
from tools.book.pictures import PNG, SVG, canonical, difference, keep_same, lines, path_difference, small

X = torch.linspace(-3, 3, 200)


def svg(figure) -> str:
    """The figure as a notebook shows it."""
    file = io.StringIO()
    figure.savefig(file, format="svg", bbox_inches="tight", metadata=style.METADATA)
    return file.getvalue()


def png(figure) -> str:
    """The figure as a notebook that is not trusted shows it, in base64."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=200, bbox_inches="tight")
    return base64.b64encode(file.getvalue()).decode()


def curve(**changed):
    """A figure with a curve, three marks and a legend."""
    choice = {"color": style.BLUE, "label": "mse", "xlim": (-3, 3), "marks": [(-2, 4), (0, 0), (1, 1)], "curves": 2}
    choice |= changed
    ax = style.panel()
    ax.plot(X, choice.get("y", X**2), color=choice["color"], label=choice["label"])
    if choice["curves"] == 2:
        ax.plot(X, X.abs(), color=style.ORANGE, label="l1")
    ax.plot(*zip(*choice["marks"], strict=True), "o", color=style.GREEN)
    ax.set(xlim=choice["xlim"], ylim=(-1, 10), xlabel="error", ylabel="loss")
    ax.legend()
    return ax.figure


@pytest.fixture
def stored(styled):
    return svg(curve())


# A point is 0.02 along the axis of errors, 0.065 along that of losses.
FAULTS = {
    "a mark moved by 1 pt": {"marks": [(-2, 4), (0.02, 0), (1, 1)]},
    "a data point moved by 1 pt": {"y": torch.where(torch.arange(200) == 120, X**2 + 0.065, X**2)},
    "a curve missing": {"curves": 1},
    "another color": {"color": style.PURPLE},
    "another label": {"label": "MSE"},
    "an axis with another range": {"xlim": (-3, 3.05)},
    "one mark more": {"marks": [(-2, 4), (0, 0), (1, 1), (2, 4)]},
}
SAYS = {
    "a mark moved by 1 pt": r"In line2d_\d+, x is \S+, not \S+; 0\.25 pt is allowed\.",
    "a data point moved by 1 pt": r"In line2d_\d+, a path is 0\.7\d* pt off at \(.*\); 0\.25 pt is allowed\.",
    "a curve missing": r"The picture has \d+ <g>, not \d+",
    "another color": r"In line2d_\d+, an element's style is .*#b8629a.*, not .*#0072b2",
    "another label": r"In text_\d+, the text is 'MSE', not 'mse'\.",
    "an axis with another range": r"In \w+, a path is 2\.\d pt off",
    "one mark more": r"The picture has \d+ <use>, not \d+\.",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_a_reader_would_see_is_caught(stored, fault):
    sentence = difference(SVG, stored, svg(curve(**FAULTS[fault])))
    assert re.match(SAYS[fault], sentence), sentence


def test_what_nobody_would_see_is_not_caught(stored):
    assert difference(SVG, stored, svg(curve())) is None
    ids = re.sub(r"\b([pm])[0-9a-f]{10}\b", lambda hashed: f"{hashed[1]}{hash(hashed[0]) % 10**10:010d}", stored)
    assert ids != stored
    assert difference(SVG, stored, ids) is None
    assert difference(SVG, stored, svg(curve(y=X**2 + 6e-5))) is None  # a thousandth of a point


def test_a_vertex_that_the_line_does_not_need_may_be_left_out(styled):
    figures = []
    for threshold in (0.11, 0.13):
        with matplotlib.rc_context({"path.simplify_threshold": threshold}):
            figures.append(svg(curve()))
    vertices = [
        [len(line) for path in re.findall(r' d="([^"]*)"', figure) for line in lines(path)] for figure in figures
    ]
    assert vertices[0] != vertices[1]
    assert difference(SVG, *figures) is None


def test_a_frame_that_cuts_otherwise_is_caught(stored):
    frame = re.search(r'<rect x="[\d.]+" y="[\d.]+" width="([\d.]+)"', stored)
    narrow = stored.replace(frame[0], frame[0].replace(frame[1], str(float(frame[1]) - 1)))
    assert re.match(r"In line2d_\d+, width is ", difference(SVG, stored, narrow))


# ---- paths


@pytest.mark.parametrize(
    ("new", "says"),
    [
        ("M 0 0 L 10 0 L 20 0", None),
        ("M 0 0 L 20 0", None),
        ("M 0 0.2 L 9 -0.2 L 20 0", None),
        ("M 0 0 L 10 0 L 20 0 z", "a path is 20 pt off at (20, 0); 0.25 pt is allowed"),
        ("M 0 0 L 10 1 L 20 0", "a path is 1 pt off at (10, 0)"),
        ("M 0 0 L 15 0 L 5 0 L 20 0", "a path is 9.8 pt off at (5, 0)"),  # there and back
        ("M 0 0 L 19 0", "a path is 1 pt off at (20, 0)"),
        ("M 0 0 L 10 0 M 10 0 L 20 0", "a path has 2 pieces, not 1"),
        ("M 0 0 Q 10 2 20 0", "a path is"),
    ],
)
def test_paths(new, says):
    found = [path_difference("M 0 0 L 10 0 L 20 0", new), path_difference(new, "M 0 0 L 10 0 L 20 0")]
    assert (found == [None, None]) if says is None else (found[0] or "").startswith(says) and found[1], found


def test_points_in_another_order_are_another_line():
    assert path_difference("M 0 0 L 5 9 L 9 2 L 20 0", "M 0 0 L 9 2 L 5 9 L 20 0")


def test_curves():
    half = "M 0 0 C 0 {0} 20 {0} 20 0"
    assert path_difference(half.format(10), half.format(10.2)) is None
    assert path_difference(half.format(10), half.format(12))
    assert lines("M 0 0 Q 4 4 8 0")[0][4] == (4, 2)


# ---- PNG


def test_png(styled):
    stored, same = small(png(curve())), png(curve())
    assert len(stored) < len(same) / 2
    assert small(stored) == stored
    assert difference(PNG, stored, same) is None
    assert "differs from the stored one by" in difference(PNG, stored, png(curve(curves=1)))
    larger = curve()
    larger.set_size_inches(6, 3)
    assert re.match(
        r"The PNG is 12\d\d × 6\d\d pixels large, the stored one 10\d\d ×", difference(PNG, stored, png(larger))
    )
    assert Image.open(io.BytesIO(base64.b64decode(stored))).convert("RGB").getpixel((0, 0)) == (255, 255, 255)


# ---- what is stored


def test_ids_count(stored):
    text = canonical(stored)
    assert canonical(text) == text
    assert not re.search(r'["#][pm][0-9a-f]{10}[")]', text)
    ids, used = re.findall(r'\bid="([^"]+)"', text), re.findall(r'(?:href="|url\()#(\w+)', text)
    assert len(ids) == len(set(ids))
    assert set(used) <= set(ids)
    assert {"p1", "m1", "m2"} <= set(ids)


def output(**data: str) -> dict:
    """A picture as a cell's output."""
    return {
        "output_type": "display_data",
        "data": {{"svg": SVG, "png": PNG}[kind]: text for kind, text in data.items()},
    }


def test_same_pictures_stay_and_others_go_together(styled):
    stored, again, other = (
        [svg(figure), png(figure)] for figure in (curve(), curve(y=X**2 + 6e-5), curve(y=X**2 + 0.01))
    )
    assert again[0] != stored[0]
    assert difference(PNG, stored[1], other[1]) is None
    cell = [output(svg=stored[0], png=small(stored[1]))]
    new = [{"output_type": "stream", "name": "stdout", "text": "drawn"}, output(svg=again[0], png=again[1])]
    assert keep_same(cell, new) == []
    assert new[1] == cell[0]
    moved = [output(svg=svg(curve(y=X**2 + 0.1)), png=other[1])]
    [sentence] = keep_same(cell, moved)
    assert "pt off" in sentence
    assert moved[0]["data"][PNG] == other[1]


# ---- the book


@pytest.mark.parametrize("language", LANGUAGES)
def test_noise_in_the_book_is_not_caught_and_a_moved_point_is(language):
    noise = np.random.default_rng(0)
    pictures = [
        "".join(output["data"][SVG])
        for page in pages(language).values()
        for cell in page.cells
        for output in cell.outputs
        if SVG in output.get("data", {})
    ]
    assert len(pictures) > 50
    for stored in pictures[:: 1 if language == REFERENCE else 8]:
        shaken = re.sub(r"\d+\.\d{4,}(?=[^<>]*>)", lambda n: f"{float(n[0]) + noise.uniform(-1e-3, 1e-3):.6f}", stored)
        assert shaken != stored
        assert difference(SVG, stored, shaken) is None
        *_, vertex = re.finditer(r'(?<= d="M )[\d.]+(?= [\d.]+ \nL)', stored)
        moved = f"{stored[: vertex.start()]}{float(vertex[0]) + 1}{stored[vertex.end() :]}"
        assert "a path is 1 pt off" in difference(SVG, stored, moved)
