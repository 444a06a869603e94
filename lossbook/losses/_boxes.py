"""Shared by the losses of boxes (IoU, GIoU, DIoU, CIoU): corners, areas, and the settings for all four."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..guards.tensors import can_be_read, check_pair
from ..kit.batches.batch import Batch, Settings, exact
from ..kit.steps import Step, reduction_steps
from ..kit.text import elided, equals, number, operand
from ..kit.views import ERROR, View
from ..language import Phrase, message
from ..language import gettext as _

CORNERS = Phrase("(x1, y1, x2, y2), the corners with the small and with the large coordinates")


def boxes(input: Any, target: Any) -> tuple[Corners, Corners]:
    """Corners of prediction and target, checked; half precision is computed in float32."""
    check_pair(input, target)
    if not input.dim() or input.shape[-1] != 4:
        raise ValueError(
            message(
                "input and target must hold boxes, shape (*, 4): {corners}; got {input_shape}.",
                corners=CORNERS,
                input_shape=tuple(input.shape),
            )
        )
    wide = torch.promote_types(input.dtype, torch.float32)
    found = corners(input.to(wide)), corners(target.to(wide))
    for name, box, (low, high) in zip(("input", "target"), (input, target), found, strict=True):
        if can_be_read(box) and bool((high < low).any()):
            wrong = box[(box[..., 2:] < box[..., :2]).any(-1)].reshape(-1, 4)[0].tolist()
            raise ValueError(
                message(
                    "{name} must hold boxes as {corners}, got {wrong}. From centers and sizes: torch.cat([center "
                    "- size / 2, center + size / 2], dim=-1).",
                    name=name,
                    corners=CORNERS,
                    wrong=[round(x, 4) for x in wrong],
                )
            )
    return found


class Corners(NamedTuple):
    """Boxes by their corners, each of shape (2, *): x and y."""

    low: Tensor  #: x₁, y₁
    high: Tensor  #: x₂, y₂


def corners(box: Tensor) -> Corners:
    """Cut boxes up, shape (*, 4). In memory all x₁ stand side by side then, so that computing goes along them."""
    return Corners(*box.movedim(-1, 0).contiguous().split(2))


def product(size: Tensor) -> Tensor:
    """Width times height."""
    width, height = size.unbind()
    return width * height


def area(box: Corners) -> Tensor:
    return product(box.high - box.low)


def shared_area(a: Corners, b: Corners) -> Tensor:
    """The area in both boxes; where they only touch, it and its slope are 0."""
    return product((torch.minimum(a.high, b.high) - torch.maximum(a.low, b.low)).relu())


def enclosing_size(a: Corners, b: Corners) -> Tensor:
    """Width and height of the smallest box around both, shape (2, *)."""
    return torch.maximum(a.high, b.high) - torch.minimum(a.low, b.low)


def enclosing_area(a: Corners, b: Corners) -> Tensor:
    return product(enclosing_size(a, b))


def enclosing_diagonal(a: Corners, b: Corners) -> Tensor:
    """The squared diagonal of the smallest box around both."""
    return enclosing_size(a, b).square().sum(0)


def over(above: Tensor, below: Tensor, eps: float) -> Tensor:
    """above / (below + eps), and 0 for 0 / 0: boxes without an area share nothing."""
    below = below + eps
    return torch.where(below == 0, 0, above / torch.where(below == 0, 1, below))


def shared_and_union(a: Corners, b: Corners) -> tuple[Tensor, Tensor]:
    shared = shared_area(a, b)
    return shared, area(a) + area(b) - shared


def iou(a: Corners, b: Corners, eps: float) -> Tensor:
    return over(*shared_and_union(a, b), eps)


def center_distance(a: Corners, b: Corners) -> Tensor:
    """The squared distance of the centers."""
    return ((a.low + a.high - b.low - b.high) / 2).square().sum(0)


# ---- plain Python

Box = list[float]


def area_by_hand(a: Box) -> float:
    return (a[2] - a[0]) * (a[3] - a[1])


def shared_by_hand(a: Box, b: Box) -> float:
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    return max(width, 0.0) * max(height, 0.0)


def union_by_hand(a: Box, b: Box) -> float:
    return area_by_hand(a) + area_by_hand(b) - shared_by_hand(a, b)


def around_by_hand(a: Box, b: Box) -> Box:
    return [min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])]


def distance_by_hand(a: Box, b: Box) -> float:
    return sum(((a[i] + a[i + 2] - b[i] - b[i + 2]) / 2) ** 2 for i in range(2))


# ---- steps

Line = Callable[[Box, Box], tuple[str, float]]


def sides(a: Box) -> str:
    return f"({number(a[2])} − {operand(a[0])}) · ({number(a[3])} − {operand(a[1])})"


def shared_line(a: Box, b: Box) -> tuple[str, float]:
    width, height = (f"max({number(min(a[i + 2], b[i + 2]))} − {operand(max(a[i], b[i]))}, 0)" for i in range(2))
    return f"{width} · {height}", shared_by_hand(a, b)


def union_line(a: Box, b: Box) -> tuple[str, float]:
    return f"{sides(a)} + {sides(b)} − {number(shared_by_hand(a, b))}", union_by_hand(a, b)


def around_line(a: Box, b: Box) -> tuple[str, float]:
    c = around_by_hand(a, b)
    return sides(c), area_by_hand(c)


def distance_line(a: Box, b: Box) -> tuple[str, float]:
    apart = [(a[i] + a[i + 2] - b[i] - b[i + 2]) / 2 for i in range(2)]
    return " + ".join(f"{operand(x)}²" for x in apart), distance_by_hand(a, b)


def diagonal_line(a: Box, b: Box) -> tuple[str, float]:
    c = around_by_hand(a, b)
    text = f"({number(c[2])} − {operand(c[0])})² + ({number(c[3])} − {operand(c[1])})²"
    return text, (c[2] - c[0]) ** 2 + (c[3] - c[1]) ** 2


SHARED = (lambda: _("Area in both boxes, its width times its height"), shared_line)
UNION = (lambda: _("Area of both together: what is in both counts once"), union_line)
AROUND = (lambda: _("Area of the smallest box around both"), around_line)
DISTANCE = (lambda: _("Squared distance of the centers"), distance_line)
DIAGONAL = (lambda: _("Squared diagonal of the smallest box around both"), diagonal_line)


def steps_of_boxes(
    loss: Callable[..., Tensor], lines: tuple[tuple[Callable[[], str], Line], ...], term: Callable[..., str]
) -> Callable[..., Iterator[Step]]:
    """The steps of a loss of boxes: areas and distances of each pair, the loss of each, the reduction.

    ``term`` writes the loss of one pair. It takes what the lines give, by position, and ``below``, which writes what a
    fraction divides by, with ``eps`` where it can be seen.
    """

    def steps(input: Tensor, target: Tensor, reduction: str, eps: float, **settings: Any) -> Iterator[Step]:
        losses = loss(input, target, reduction="none", eps=eps, **settings).detach()
        pairs = list(zip(*(x.detach().reshape(-1, 4).tolist() for x in (input, target)), strict=True))
        written: list[list[float]] = [[] for _pair in pairs]
        for says, line in lines:
            found = [line(a, b) for a, b in pairs]
            values = input.new_tensor([value for _text, value in found]).reshape(losses.shape)
            yield Step(says(), tuple(elided([equals(text, value) for text, value in found])), values)
            for numbers, (_text, value) in zip(written, found, strict=True):
                numbers.append(value)

        def below(value: float) -> str:
            return f"({number(value)} + {number(eps)})" if eps > 1e-6 else number(value)

        terms = [term(*numbers, below=below, **settings) for numbers in written]
        lines_of_losses = [equals(text, value) for text, value in zip(terms, losses.flatten(), strict=True)]
        yield Step(_("Loss of each pair of boxes"), tuple(elided(lines_of_losses)), losses)
        if losses.dim():
            each = losses.flatten()
            yield from reduction_steps(each, None, reduction, [number(value) for value in each])

    return steps


# ---- what verify, plot and the tests call them with


def draw(g: torch.Generator, *shape: int) -> Tensor:
    """Boxes of random places and sizes; most of two overlap."""
    corner, size = (torch.rand((*shape, 2), generator=g).double() for _side in range(2))
    return exact(torch.cat([4 * corner, 4 * corner + 0.5 + 4 * size], dim=-1))


def box_batches(settings: Settings, g: torch.Generator) -> Iterator[Batch]:
    for form, shape, base in (
        ("(N, 4)", (5,), ""), ("(N, 4)", (9,), ""), ("(N, 4)", (4,), ""), ("(1, 4)", (1,), "(N, 4)"), ("(4)", (), ""),
        ("(B, N, 4)", (2, 3), ""),
    ):  # fmt: skip
        yield Batch((draw(g, *shape), draw(g, *shape)), form, base)
    square = [1.0, 1, 3, 3]
    for name, box in (
        (_("equal boxes"), square),
        (_("boxes apart"), [5.0, 6, 7, 7]),
        (_("one box inside the other"), [1.5, 1.25, 2, 2.5]),
        (_("boxes that touch"), [3.0, 1, 4, 2]),
    ):
        pair = (torch.tensor([box, [0.0, 0, 2, 1]]).double(), torch.tensor([square, [0.5, 0, 2, 2]]).double())
        yield Batch(pair, "(N, 4)", "(N, 4)", edge=True, name=name)


def large_boxes(g: torch.Generator, rows: int, columns: int) -> tuple[Tensor, Tensor]:
    count = rows * columns // 4
    return draw(g, count), draw(g, count)


def sample_of_boxes(generator: torch.Generator) -> tuple[Tensor, Tensor]:
    apart = torch.tensor([[0.0, 0, 1, 2], [6, 7, 8, 8.5]]).double()
    pairs = draw(generator, 4), draw(generator, 4)
    return torch.cat([pairs[0], apart[:1]]), torch.cat([pairs[1], apart[1:]])


def moved(side: float) -> View:
    """A square of this side, moved along x by the error."""

    def inputs(error: Tensor) -> tuple[Tensor, Tensor]:
        zero = torch.zeros_like(error)
        true = torch.tensor([0.0, 0, side, side], dtype=error.dtype).expand(len(error), 4)
        return torch.stack([error, zero, error + side, zero + side], dim=-1), true

    return View(ERROR, {"": inputs})
