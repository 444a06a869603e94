"""Two pictures compared as pictures: by what is drawn, not by how a machine rounded it.

Processors round differently in the last bit. In an SVG that renames an id, which matplotlib hashes from unrounded
numbers, and moves where matplotlib leaves out a vertex that the line would hardly show.
"""

import base64
import io
import itertools
import re
from collections import Counter
from collections.abc import Iterator
from html import unescape
from math import hypot
from xml.etree import ElementTree

import numpy as np
from PIL import Image

SVG, PNG = "image/svg+xml", "image/png"
# In points; a third of a pixel on a page. matplotlib leaves out a vertex within 1/9 pt of the line, here or there.
DISTANCE = 0.25
BRIGHTNESS = 0.5  # of 255, the mean over all pixels: edges are smoothed differently, a picture's subject stays
COLORS = 64  # in a stored PNG: a few plain colors and their smoothed edges

HASHED = re.compile(r'(?<=["#])([A-Za-z]\w*?)[0-9a-f]{10}(?=[")])')
TEXT = re.compile(r"<text[ >].*?</text>", re.DOTALL)
REFERENCE = re.compile(r"(?:url\()?#([\w-]+)\)?")
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")  # as matplotlib writes them: no exponents
COMMAND = re.compile(r"([A-Za-z])([^A-Za-z]*)")
PLACES = ("x", "y", "width", "height", "viewBox", "transform")
STEPS = 8  # straight pieces in place of a Bézier curve

Point = tuple[float, float]
Element = tuple[str, ElementTree.Element]  # with the nearest id, which says where it is


def difference(mime: str, stored: str, new: str) -> str | None:
    """What tells two pictures apart, in a sentence; None when they show the same."""
    return png_difference(stored, new) if mime == PNG else svg_difference(stored, new)


def keep_same(stored: list[dict], new: list[dict]) -> list[str]:
    """In a cell's new outputs, put the stored pictures in place of those that show the same. Say what the others show."""
    found = []
    shown = (
        [output["data"] for output in outputs if output.get("data", {}).keys() & {SVG, PNG}]
        for outputs in (stored, new)
    )
    for ours, theirs in zip(*shown, strict=False):
        for mime in (SVG, PNG):  # a PNG stays only with its SVG
            if mime in ours and mime in theirs:
                old = "".join(ours[mime])
                if sentence := difference(mime, old, theirs[mime]):
                    found.append(sentence)
                    break
                theirs[mime] = old
    return found


def texts(svg: str) -> Iterator[str]:
    """The texts that stand on the picture."""
    for text in TEXT.findall(svg):
        yield unescape(re.sub(r"<[^>]*>", " ", text)).strip()


# ---- what is stored


def canonical(svg: str) -> str:
    """The SVG with ids that count (p1, p2, m1) in place of hashes of unrounded numbers."""
    names: dict[str, str] = {}
    count: Counter = Counter()

    def name(hashed: re.Match) -> str:
        if hashed[0] not in names:
            count[hashed[1]] += 1
            names[hashed[0]] = f"{hashed[1]}{count[hashed[1]]}"
        return names[hashed[0]]

    return HASHED.sub(name, svg)


def small(png: str) -> str:
    """The PNG, in base64, with a palette: a third of the size. One that has a palette stays as it is."""
    image = _image(png)
    if image.mode == "P":
        return png
    file = io.BytesIO()
    image.convert("RGB").quantize(COLORS, dither=Image.Dither.NONE).save(file, "png", optimize=True)
    return base64.b64encode(file.getvalue()).decode()


def _image(png: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(png)))


# ---- PNG


def png_difference(stored: str, new: str) -> str | None:
    """How two PNGs in base64 differ: in size, or in brightness by more than smoothed edges do."""
    old, image = (_image(png).convert("RGB") for png in (stored, new))
    if old.size != image.size:
        return (
            f"The PNG is {image.size[0]} × {image.size[1]} pixels large, the stored one {old.size[0]} × {old.size[1]}."
        )
    mean = np.abs(np.asarray(old, dtype=float) - np.asarray(image, dtype=float)).mean()
    if mean > BRIGHTNESS:
        return f"The PNG differs from the stored one by {mean:.2g} of 255 in the mean; {BRIGHTNESS} is allowed."
    return None


# ---- SVG


class Drawing:
    """The elements of an SVG in order. What others refer to is no element of its own: it is where it is used."""

    def __init__(self, svg: str) -> None:
        root = ElementTree.fromstring(svg)
        self.by_id = {element.get("id"): element for element in root.iter() if element.get("id")}
        self.elements = [("the picture", root), *self._inside(root, "the picture")]

    def _inside(self, parent: ElementTree.Element, place: str) -> Iterator[Element]:
        for child in parent:
            if _tag(child) == "metadata" or _tag(parent) == "defs" and child.get("id"):
                continue
            within = child.get("id", place)
            yield within, child
            yield from self._inside(child, within)

    @property
    def marks(self) -> list[Element]:
        """The lines, areas and marks, without the words."""
        return [(place, element) for place, element in self.elements if _tag(element) in ("path", "use")]

    def shapes(self, element: ElementTree.Element) -> Iterator[Element]:
        """What the element refers to, by the attribute that does: the mark it repeats, the frame it is cut to."""
        for name, value in element.attrib.items():
            if reference := REFERENCE.fullmatch(value):
                yield from ((name, inner) for inner in self.by_id[reference[1]].iter())


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def elements_difference(stored: list[Element], new: list[Element]) -> str | None:
    """How two lists of elements differ in kind or style, wherever the elements are and whatever they say."""
    ours, theirs = (Counter(_tag(element) for _, element in elements) for elements in (stored, new))
    if counts := [f"{theirs[tag]} <{tag}>, not {ours[tag]}" for tag in ours | theirs if ours[tag] != theirs[tag]]:
        return f"The picture has {', '.join(counts)}."
    for (place, old), (_, element) in zip(stored, new, strict=True):
        for what, value in (("kind", _tag), ("id", lambda e: e.get("id")), ("style", lambda e: e.get("style"))):
            if value(old) != value(element):
                return f"In {place}, an element's {what} is {value(element)}, not {value(old)}."
    return None


def svg_difference(stored: str, new: str) -> str | None:
    """How two SVGs differ: in elements, styles or texts, or in a point by more than `DISTANCE`."""
    if canonical(stored) == canonical(new):
        return None
    old, drawing = Drawing(stored), Drawing(new)
    if found := elements_difference(old.elements, drawing.elements):
        return found
    for (place, ours), (_, theirs) in zip(old.elements, drawing.elements, strict=True):
        pairs = [(ours, theirs)]
        shapes = [list(side.shapes(element)) for side, element in ((old, ours), (drawing, theirs))]
        if [(name, _tag(shape)) for name, shape in shapes[0]] != [(name, _tag(shape)) for name, shape in shapes[1]]:
            return f"In {place}, a mark or the frame that cuts it has another shape."
        pairs += [(one, other) for (_, one), (_, other) in zip(*shapes, strict=True)]
        for one, other in pairs:
            if found := _element_difference(one, other):
                return f"In {place}, {found}."
    return None


def _element_difference(ours: ElementTree.Element, theirs: ElementTree.Element) -> str | None:
    for before, after in ((ours.text, theirs.text), (ours.tail, theirs.tail)):
        if (before or "").strip() != (after or "").strip():
            return f"the text is {(after or '').strip()!r}, not {(before or '').strip()!r}"
    for name in (ours.attrib | theirs.attrib).keys() - {"id"}:
        before, after = ours.get(name), theirs.get(name)
        if before is None or after is None:
            return f"{name} is {after}, not {before}"
        if before == after or (REFERENCE.fullmatch(before) and REFERENCE.fullmatch(after)):
            continue  # what is referred to is compared instead
        if name == "d":
            if found := path_difference(before, after):
                return found
        elif name not in PLACES:
            return f"{name} is {after}, not {before}"
        elif not _near(before, after):
            return f"{name} is {after}, not {before}; {DISTANCE} pt is allowed"
    return None


def _near(before: str, after: str) -> bool:
    """Whether two attributes say the same, their numbers within `DISTANCE`."""
    numbers = [[float(number) for number in NUMBER.findall(text)] for text in (before, after)]
    return NUMBER.sub("0", before) == NUMBER.sub("0", after) and all(
        abs(one - other) <= DISTANCE for one, other in zip(*numbers, strict=True)
    )


# ---- paths


def path_difference(stored: str, new: str) -> str | None:
    """How far one path leaves the other: every vertex of each lies near the other, in the same order along it."""
    ours, theirs = lines(stored), lines(new)
    if len(ours) != len(theirs):
        return f"a path has {len(theirs)} pieces, not {len(ours)}"
    for old, line in zip(ours, theirs, strict=True):
        for one, other in ((old, line), (line, old)):
            if stray := _first_stray(one, other):
                (x, y), far = stray
                return f"a path is {far:.2g} pt off at ({x:.4g}, {y:.4g}); {DISTANCE} pt is allowed"
    return None


def lines(path: str) -> list[list[Point]]:
    """The pieces of a path as matplotlib writes it (M, L, Q, C, z with absolute numbers), curves as short lines."""
    found: list[list[Point]] = []
    for command, text in COMMAND.findall(path):
        numbers = [float(number) for number in NUMBER.findall(text)]
        points = list(zip(numbers[::2], numbers[1::2], strict=True))
        if command == "M":
            found.append(points)
        elif command in "zZ":
            found[-1].append(found[-1][0])
        elif command == "L":
            found[-1] += points
        else:
            found[-1] += [_on_curve([found[-1][-1], *points], step / STEPS) for step in range(1, STEPS + 1)]
    return found


def _on_curve(points: list[Point], at: float) -> Point:
    """The point of a Bézier curve at a share of its way, by de Casteljau's construction."""
    while len(points) > 1:
        pairs = itertools.pairwise(points)
        points = [(x + (u - x) * at, y + (v - y) * at) for (x, y), (u, v) in pairs]
    return points[0]


def _first_stray(line: list[Point], other: list[Point]) -> tuple[Point, float] | None:
    """The first vertex of a line that is not near the other line, further along it than the vertex before, and by how much.

    Both lines begin and end together. Each vertex takes the first place within `DISTANCE`, which leaves the most of the
    way to those after it.
    """
    for vertex, end in ((line[0], other[0]), (line[-1], other[-1])):
        if (far := hypot(vertex[0] - end[0], vertex[1] - end[1])) > DISTANCE:
            return vertex, far
    segments = list(itertools.pairwise(other)) or [(other[0], other[0])]
    at, start = 0, 0.0
    for vertex in line:
        nearest = float("inf")
        while at < len(segments):
            where, far = _meet(vertex, *segments[at], start)
            nearest = min(nearest, far)
            if where is not None:
                start = where
                break
            at, start = at + 1, 0.0
        else:
            return vertex, nearest
    return None


def _meet(point: Point, begin: Point, end: Point, start: float) -> tuple[float | None, float]:
    """The first share of a segment, from `start` on, that is within `DISTANCE` of a point, and how near the segment comes."""
    dx, dy = end[0] - begin[0], end[1] - begin[1]
    x, y = point[0] - begin[0], point[1] - begin[1]
    squared = dx * dx + dy * dy
    nearest = min(1.0, max(start, (x * dx + y * dy) / squared)) if squared else start
    far = hypot(x - nearest * dx, y - nearest * dy)
    if far > DISTANCE:
        return None, far
    if not squared:
        return start, far
    foot = (x * dx + y * dy) / squared
    half = max(0.0, DISTANCE**2 - (x - foot * dx) ** 2 - (y - foot * dy) ** 2) ** 0.5 / squared**0.5
    return max(start, foot - half), far
