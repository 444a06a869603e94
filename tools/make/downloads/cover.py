"""The cover of an EPUB: a JPEG, because libraries on e-readers and in stores show no SVG. The same bytes on every run."""

import io
import re

from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, fontManager, get_font
from matplotlib.patches import Circle, PathPatch
from matplotlib.path import Path

from tools.book import say, settings
from tools.make.downloads.pdf import FONTS

BLUE, YELLOW = "#0b5c8a", "#ffb703"
CURVE = [(5, 7), (8, 21), (12, 25), (16, 25), (20, 25), (24, 21), (27, 7)]  # of book/_static/logo.svg

COMES_WITH_THE_BOOK = [FONTS["Fallback"], FONTS["Fallback Han"]]
FAMILIES = [get_font(font).family_name for font in COMES_WITH_THE_BOOK]
for font in COMES_WITH_THE_BOOK:
    fontManager.addfont(font)


def draw_cover(language: str) -> bytes:
    """The logo and the title, 1600 by 2400 dots."""
    figure = Figure(figsize=(8, 12), dpi=200, facecolor=BLUE, layout="none")
    axes = figure.add_axes((0.2, 0.3, 0.6, 0.4), xlim=(0, 32), ylim=(32, 0), aspect="equal", facecolor="none")
    axes.set_axis_off()
    codes = [Path.MOVETO, *[Path.CURVE4] * 6]
    axes.add_patch(PathPatch(Path(CURVE, codes), fill=False, edgecolor="white", linewidth=28, capstyle="round"))
    axes.add_patch(Circle((21.5, 16.5), 3.6, color=YELLOW))
    name, subtitle = re.split("[:：] *", say(settings()["title"], language))
    for height, size, text in (0.8, 72, name), (0.18, 30, subtitle):
        figure.text(
            0.5, height, text, color="white", ha="center", fontproperties=FontProperties(family=FAMILIES, size=size)
        )
    file = io.BytesIO()
    # The color is named again: while one thread writes a JPEG, matplotlib's default for all others is white.
    figure.savefig(file, format="jpeg", facecolor=BLUE, pil_kwargs={"quality": 88})
    return file.getvalue()
