"""The style of all pictures: for light and dark pages, screens and phones, and readers who see no color."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..language import message

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FONTS = Path(__file__).parent.parent / "fonts"

# Three to one against white and against a dark page (#121212); after Okabe and Ito, whose lighter colors fail on white.
COLORS = ("#0072b2", "#d55e00", "#009371", "#b8629a", "#7a7a7a", "#8a7000")
BLUE, ORANGE, GREEN, PURPLE = COLORS[:4]
# One line style for each color, for print in black and white and for readers who see no color.
LINES = ("-", "--", "-.", ":", (0, (8, 2, 1, 2, 1, 2)), (0, (14, 4)))

SETTINGS = {
    # matplotlib draws with the first two, the second where the first has no glyph; a browser may need the third.
    "font.family": ["DejaVu Sans", "Noto Sans CJK SC Subset", "sans-serif"],
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 12,  # eleven pixels where a phone shows the picture 340 pixels wide
    "axes.titlesize": 12,
    "figure.titlesize": 12,
    "figure.figsize": (5, 3),
    "figure.constrained_layout.use": True,
    "figure.facecolor": "white",  # readable in a dark notebook; the site takes it away and inks black in its own color
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": "black",
    "grid.alpha": 0.15,
    "legend.frameon": False,
    "lines.linewidth": 2.0,
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "lossbook",  # the same names inside the file on every run
}
# No date, no version: the same picture is the same file on every run.
METADATA = {"Date": None, "Creator": None}


def pyplot() -> Any:
    """Return `matplotlib.pyplot`, or say how to install it."""
    try:
        import matplotlib.pyplot
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            message('Pictures need matplotlib, which is not installed. Install it with: pip install "lossbook[plot]"')
        ) from error
    return matplotlib.pyplot


def set_style() -> None:
    """Draw every picture from now on as the book does. In a notebook, show pictures as SVG, and as PNG where it cannot.

    Sets matplotlib's `rcParams`; `matplotlib.rcdefaults()` takes them back.
    """
    plt = pyplot()
    from cycler import cycler
    from matplotlib import font_manager

    known = {font.fname for font in font_manager.fontManager.ttflist}
    for file in map(str, FONTS.glob("*.otf")):
        if file not in known:
            font_manager.fontManager.addfont(file)
    plt.rcParams.update(SETTINGS)
    # Color and line together: the third curve is still the third in a black and white print.
    plt.rcParams["axes.prop_cycle"] = cycler(color=COLORS, linestyle=LINES)
    if "IPython" in sys.modules and (shell := sys.modules["IPython"].get_ipython()):
        from matplotlib_inline.config import InlineBackend

        inline = InlineBackend.instance(parent=shell)
        saving: dict[str, Any] = {"bbox_inches": "tight", "metadata": METADATA}
        inline.print_figure_kwargs = saving
        # JupyterLab shows a PNG, but no SVG, of a notebook that it does not trust yet. "retina" is a PNG for screens
        # with two pixels to a point: small text stays sharp.
        inline.figure_formats = {"svg", "retina"}


def distinct_styles(count: int) -> list[tuple]:
    """Return a color and a line style for each of `count` curves."""
    if count > len(COLORS):
        raise ValueError(
            message(
                "One picture holds {most} curves that can be told apart; these are {count}. Draw fewer, or "
                "several pictures.",
                most=len(COLORS),
                count=count,
            )
        )
    return list(zip(COLORS, LINES, strict=True))[:count]


def panel(ax: Axes | None = None, **figure: Any) -> Any:
    """Return `ax`, or the Axes of a new figure. Nothing is ever drawn onto a picture that happens to be open."""
    return pyplot().subplots(**figure)[1] if ax is None else ax
