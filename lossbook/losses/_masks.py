"""Shared by the losses of overlap (Dice, Jaccard, Tversky): the masks. Probabilities and labels, a row for each mask."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any

import torch
from torch import Tensor

from ..guards.classes import check_class_indices, check_known_classes, class_dim
from ..guards.tensors import (
    are_probabilities,
    can_be_read,
    check_floating,
    check_probabilities,
    check_real,
    check_soft_labels,
    check_tensors,
)
from ..kit.batches.batch import Batch, Kind, Settings, exact, normal
from ..kit.curve import keeps_functions, times_slope
from ..kit.entry import uniform
from ..kit.precision import at_least_float32
from ..kit.settings import one_of
from ..kit.views import ANSWERS, LOGIT, Inputs, View
from ..language import gettext as _
from ..language import message

Mode = Annotated[str, one_of("binary", "multiclass", "multilabel")]


# ---- tensors


def masks(
    input: Any,
    target: Any,
    mode: str,
    from_logits: bool,
    batch: bool,
    include_background: bool = True,
    ignore_index: int = -100,
) -> tuple[Tensor, Tensor, Tensor]:
    """The probabilities p, 1 − p, and the labels t: a row for each mask of which the overlap is taken."""
    check_masks(input, target, mode, from_logits, include_background)
    found = probabilities_of(input, mode, from_logits)
    return rows_of(*found, *labels_of(input, target, mode, ignore_index), mode, batch, include_background)


def masks_or_logits(
    input: Any,
    target: Any,
    mode: str,
    from_logits: bool,
    batch: bool,
    include_background: bool,
    ignore_index: int,
) -> tuple[Tensor, Tensor | None, Tensor]:
    """The same, but logits of a sigmoid stay logits, with None beside them, where no label is ignored."""
    if not from_logits or mode == "multiclass":
        return masks(input, target, mode, from_logits, batch, include_background, ignore_index)
    check_masks(input, target, mode, from_logits, include_background)
    labels, kept = labels_of(input, target, mode, ignore_index)
    if kept is not None:
        return rows_of(*probabilities_of(input, mode, from_logits), labels, kept, mode, batch, include_background)
    wide = input.to(at_least_float32(input))
    z, t = (in_rows(x, mode, batch) for x in (wide, labels.to(wide.dtype)))
    return (z, None, t) if include_background else (z[..., 1:, :], None, t[..., 1:, :])


def check_masks(input: Any, target: Any, mode: str, from_logits: bool, include_background: bool) -> None:
    check_tensors(input=input, target=target)
    check_floating(input=input)
    check_real(target=target)
    if mode == "binary" and not include_background:
        raise ValueError(
            message("include_background=False leaves out class 0, and mode='binary' has no classes. Leave it out.")
        )
    if not from_logits:
        check_probabilities(input=input)


def rows_of(
    p: Tensor, rest: Tensor, labels: Tensor, kept: Tensor | None, mode: str, batch: bool, include_background: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """These probabilities and the labels, in rows."""
    if kept is not None:
        p = torch.where(kept, p, 0)  # where it is ignored, t is 0 too: nothing is shared and nothing is missed
    p, rest, t = (in_rows(x, mode, batch) for x in (p, rest, labels.to(p.dtype)))
    return (p, rest, t) if include_background else (p[..., 1:, :], rest[..., 1:, :], t[..., 1:, :])


def probabilities_of(input: Tensor, mode: str, from_logits: bool) -> tuple[Tensor, Tensor]:
    """p and 1 − p, which keeps its digits where p is near 1. Half precision is summed in float32."""
    wide = input.to(at_least_float32(input))
    if not from_logits:
        return wide, 1 - wide
    if mode == "multiclass":
        dim = class_dim(wide)
        p = wide.softmax(dim)
        likely = p > 0.5  # of one class at most: 1 − p is the sum of the others, which keeps its digits
        return p, torch.where(likely, torch.where(likely, 0, p).sum(dim, keepdim=True), 1 - p)
    return logistic(wide)


def logistic(z: Tensor) -> tuple[Tensor, Tensor]:
    """The sigmoid p and 1 − p, whose backward pass takes p · (1 − p) from both: torch's own finds 0 where p rounds to 1."""
    return _Logistic.apply(z) if keeps_functions(z) else two_sigmoids(z)


def two_sigmoids(z: Tensor) -> tuple[Tensor, Tensor]:
    return z.sigmoid(), (-z).sigmoid()


class _Logistic(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(z: Tensor) -> tuple[Tensor, Tensor]:
        return two_sigmoids(z)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: tuple[Tensor, Tensor]) -> None:
        ctx.save_for_backward(*output)
        ctx.save_for_forward(*output)
        ctx.set_materialize_grads(False)

    @staticmethod
    def backward(ctx: Any, of_p: Tensor | None, of_rest: Tensor | None) -> Tensor | None:
        p, rest = ctx.saved_tensors
        gradient = of_p if of_rest is None else -of_rest if of_p is None else of_p - of_rest
        return None if gradient is None else times_slope(gradient, torch.mul, p, rest)

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor) -> tuple[Tensor, Tensor]:
        p, rest = ctx.saved_tensors
        of_p = tangent * p * rest
        return of_p, -of_p


def labels_of(input: Tensor, target: Tensor, mode: str, ignore_index: int) -> tuple[Tensor, Tensor | None]:
    """The labels in the shape of input, 0 where they are ignored, and which of them count; None where all do."""
    if mode == "multiclass" and target.shape != input.shape:
        check_class_indices(input, target)
        dim, numbers = class_dim(input), target.long()
        kept, classes = numbers != ignore_index, torch.arange(input.shape[dim], device=target.device)
        check_known_classes(numbers, kept, len(classes))
        hot = numbers.unsqueeze(dim) == classes.reshape(-1, *[1] * (input.dim() - dim - 1))
        if can_be_read(kept) and bool(kept.all()):
            return hot, None
        return hot & kept.unsqueeze(dim), kept.unsqueeze(dim)
    if target.shape != input.shape:
        raise ValueError(
            message(
                "input and target must have the same shape with mode={mode!r}, got {input_shape} and "
                "{target_shape}. For (N, 1, H, W) against (N, H, W) write target.unsqueeze(1); a target of class "
                "numbers needs mode='multiclass'.",
                mode=mode,
                input_shape=tuple(input.shape),
                target_shape=tuple(target.shape),
            )
        )
    if not 0 <= ignore_index <= 1 and can_be_read(target) and are_probabilities(target):
        return target, None  # in the usual case the labels are looked at once, and none is ignored
    kept = target != ignore_index
    labels = torch.where(kept, target, 0)
    check_soft_labels(target=labels)
    return labels, kept


def in_rows(x: Tensor, mode: str, batch: bool) -> Tensor:
    """One row for each mask: of a sample or of the whole batch, and of each class where there are several."""
    if mode == "binary":
        return x.flatten() if batch or x.dim() < 2 else x.flatten(1)
    x = x.flatten(2) if x.dim() > 2 else x.unsqueeze(-1)
    return x.movedim(1, 0).flatten(1) if batch and x.dim() > 2 else x


# ---- plain Python


def masks_by_hand(
    input: list[list[Any]], target: list[list[Any]], mode: str, from_logits: bool, batch: bool
) -> Iterator[tuple[list[float], list[float]]]:
    """Probabilities and labels of each mask. A sample is a row of numbers, or, of classes, a row of lists of pixels."""
    samples = []
    for logits, labels in zip(input, target, strict=True):
        p, t = ([value if isinstance(value, list) else [value] for value in values] for values in (logits, labels))
        if from_logits and mode == "multiclass":
            totals = [sum(math.exp(z) for z in pixel) for pixel in zip(*p, strict=True)]
            p = [[math.exp(z) / total for z, total in zip(zs, totals, strict=True)] for zs in p]
        elif from_logits:
            p = [[1 / (1 + math.exp(-z)) for z in zs] for zs in p]
        samples.append([(sum(p, []), sum(t, []))] if mode == "binary" else list(zip(p, t, strict=True)))
    if batch:
        samples = [
            [(sum(p, []), sum(t, [])) for p, t in (zip(*same, strict=True) for same in zip(*samples, strict=True))]
        ]
    for sample in samples:
        yield from sample


# ---- what verify, plot and the tests call them with


def mask_batches(settings: Settings, g: torch.Generator) -> Iterator[Batch]:
    """Predictions and true masks, of the mode that the settings name."""
    mode, from_logits = settings.get("mode", "binary"), settings.get("from_logits", True)

    def predicted(z: Tensor) -> Tensor:
        if from_logits:
            return z
        return exact(z.softmax(1) if mode == "multiclass" else z.sigmoid())

    def draw(*shape: int) -> tuple[Tensor, Tensor]:
        z = predicted(normal(g, *shape) * 2)
        if mode == "multiclass":
            return z, torch.randint(shape[1], (shape[0], *shape[2:]), generator=g)
        return z, torch.randint(2, shape, generator=g).double()

    several, weight = mode != "binary", settings.get("weight")
    first, second, third = (3, 4, 2) if weight is None else [len(weight)] * 3
    main, shapes = ("(N, C, H, W)", (2, first, 2, 3)) if several else ("(N, 1, H, W)", (3, 1, 2, 3))
    yield Batch(draw(*shapes), main)
    yield Batch(draw(*(5, second, 3, 2) if several else (5, 1, 4, 4)), main)
    yield Batch(draw(*(4, third, 2, 2) if several else (4, 1, 2, 2)), main)
    yield Batch(draw(1, *shapes[1:]), main, main)
    if not several:
        yield Batch(draw(3, 4, 4), "(N, H, W)")
        yield Batch(draw(5, 6), "(N, D)")
        for name, z, t in (
            (_("empty masks"), normal(g, *shapes), torch.zeros(shapes)),
            (_("full masks"), normal(g, *shapes), torch.ones(shapes)),
            (_("perfect predictions"), torch.full(shapes, 100.0), torch.ones(shapes)),
            (_("nothing true and nothing predicted"), torch.full(shapes, -100.0), torch.zeros(shapes)),
        ):
            yield Batch((predicted(z.double()), t.double()), main, main, edge=True, name=name)


def large_masks(g: torch.Generator, rows: int, columns: int) -> tuple[Tensor, Tensor]:
    return normal(g, rows, columns), torch.randint(2, (rows, columns), generator=g).double()


WEIGHT = torch.tensor([2.0, 0.5, 1.0], dtype=torch.float64)  #: for the three classes of the sample

#: Settings that `verify` tries on a loss that takes them. One mask alone has no classes to weigh.
TRIALS: tuple[Settings, ...] = (
    {"batch": True},
    {"from_logits": False},
    {"smooth_nr": 1.0, "smooth_dr": 1.0},
    {"mode": "multilabel", "weight": WEIGHT},
    {"weight": WEIGHT, "average": "weights"},
)


def kind(*trials: Settings) -> Kind:
    """What a loss of overlap is called with, and the settings of its own to try."""
    return Kind(mask_batches, large_masks, trials=(*TRIALS, *trials), tensors=(WEIGHT,))


def beside_the_object(label: float) -> Inputs:
    """A mask of two pixels: one with the logit on the axis, and one that is true and found, with the logit 2."""
    return lambda z: (
        torch.stack([z, torch.full_like(z, 2.0)], dim=-1),
        torch.tensor([label, 1.0], dtype=z.dtype).expand(len(z), -1),
    )


OF_PIXEL = View(
    LOGIT,
    {case: beside_the_object(label) for case, label in ANSWERS.items()},
    {"mode": "binary", "batch": False, "from_logits": True},
)


def sample_of_masks(generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Four masks of three pixels, or three classes of one pixel; probabilities, which may be logits too."""
    target = torch.tensor([[1.0, 0, 1], [0, 0, 1], [0, 1, 0], [0, 0, 0]]).double()
    return uniform(generator, 4, 3, low=0.02, high=0.98), target
