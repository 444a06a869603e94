"""Batches for losses of vectors and of sequences."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from ...language import gettext as _
from .batch import Batch, Kind, Settings, normal, row
from .by_class import WEIGHTS


def vectors(count: int, **more: Any) -> Kind:
    """The inputs of a loss that compares vectors; with two, a label 1 or −1 comes third."""

    def draw(g: torch.Generator, *shape: int) -> tuple[Tensor, ...]:
        drawn = tuple(normal(g, *shape) for _vector in range(count))
        label = 2.0 * torch.randint(2, shape[:-1], generator=g).double() - 1
        return drawn if count == 3 else (*drawn, label)

    def batches(settings: Settings, g: torch.Generator) -> Iterator[Batch]:
        for n, d in ((5, 3), (8, 2), (3, 6)):
            yield Batch(draw(g, n, d), "(N, D)")
        yield Batch(draw(g, 4, 4), "(N, D)", "(N, D)")
        yield Batch(draw(g, 1, 3), "(1, D)", "(N, D)")
        yield Batch(draw(g, 6, 1), "(N, 1)", "(N, D)")
        yield Batch(draw(g, 4), "(D)")
        for name, tensors in (triplet_edges if count == 3 else cosine_edges)(settings):
            yield Batch(tensors, "(N, D)", "(N, D)", edge=True, name=name)
        if count == 2:
            x, label = row(1, 0, 0, 1, 3, 4).reshape(3, 2), row(1, -1, -1)
            for name, other in ((_("vectors of zeros"), x), (_("pairs of zeros"), 0 * x)):
                yield Batch((0 * x, other, label), "(N, D)", "(N, D)", edge=True, name=name, open=True)

    return Kind(batches, draw, wrt=tuple(range(count)), **more)


def cosine_edges(settings: Settings) -> Iterator[tuple[str, tuple[Tensor, ...]]]:
    x = row(1, 0, 0, 1, 3, 4).reshape(3, 2)
    turned = row(0, 1, -1, 0, -4, 3).reshape(3, 2)
    yield _("parallel vectors"), (x, 2 * x, row(1, -1, 1))
    yield _("opposite vectors"), (x, -x, row(1, -1, 1))
    yield _("orthogonal vectors"), (x, turned, row(1, -1, -1))
    yield _("long and short vectors"), (1024 * x, turned / 1024 + x / 512, row(1, -1, 1))
    yield _("one kind of label"), (x, turned + x, row(-1, -1, -1))


def batches_of_pairs(settings: Settings, g: torch.Generator) -> Iterator[Batch]:
    """Two batches of vectors that belong together row by row, each compared with the other rows, too."""
    for n, d in ((5, 3), (8, 2), (3, 6)):
        yield Batch((normal(g, n, d), normal(g, n, d)), "(N, D)")
    yield Batch((normal(g, 4, 4), normal(g, 4, 4)), "(N, D)", "(N, D)")
    yield Batch((normal(g, 1, 3), normal(g, 1, 3)), "(1, D)", "(N, D)")
    same = normal(g, 4, 3)
    yield Batch((same, same.clone()), "(N, D)", "(N, D)", edge=True, name=_("pairs of equal vectors"))
    yield Batch((same, -same), "(N, D)", "(N, D)", edge=True, name=_("opposite vectors"))
    one = same[:1].expand(4, -1)
    yield Batch((one.clone(), one.clone()), "(N, D)", "(N, D)", edge=True, name=_("all vectors equal"))
    yield Batch((1024 * same, same.flip(0) / 1024), "(N, D)", "(N, D)", edge=True, name=_("long and short vectors"))
    some = same * torch.tensor([1.0, 0, 1, 1]).double().unsqueeze(1)
    yield Batch((some, same.flip(0)), "(N, D)", "(N, D)", edge=True, name=_("vectors of zeros"), open=True)


def triplet_edges(settings: Settings) -> Iterator[tuple[str, tuple[Tensor, ...]]]:
    a = row(1, 0, 0, 1, 3, 4).reshape(3, 2)
    far = a + row(8, 0)
    yield _("anchor equals positive"), (a, a, a + row(0.5, 0))
    yield _("negative equals anchor"), (a, a + row(0.5, 0.25), a)
    yield _("three equal points"), (a, a, a)
    yield _("negatives far away"), (a, a + row(0.5, 0), far)
    yield _("positives far away"), (a, far, a + row(0, 0.5))
    yield _("vectors of zeros"), (0 * a, a, far)


def _ctc_batches(settings: Settings, g: torch.Generator) -> Iterator[Batch]:
    blank = settings.get("blank", 0)

    def labels(n: int, s: int) -> Tensor:
        labels = torch.randint(3, (n, s), generator=g)
        return labels + (labels >= blank)  # every label but the blank

    for n, s in ((3, 2), (2, 3)):
        lengths = torch.full((n,), 8), torch.full((n,), s)
        yield Batch((normal(g, 8, n, 4), labels(n, s), *lengths), "(T, N, C)")
    lengths = torch.tensor([8, 7, 6]), torch.tensor([3, 1, 2])
    yield Batch((normal(g, 8, 3, 4), labels(3, 3), *lengths), "(T, N, C)")
    yield Batch((normal(g, 8, 1, 4), labels(1, 2), torch.tensor([8]), torch.tensor([2])), "N = 1", "(T, N, C)")
    yield Batch((normal(g, 8, 3, 4), labels(1, 6)[0], *lengths), _("targets one after the other"))
    yield Batch((normal(g, 8, 4), labels(1, 3)[0], torch.tensor(8), torch.tensor(3)), "(T, C)")

    def edge(name: str, target: Tensor, frames: Tensor, length: Tensor) -> Batch:
        return Batch((normal(g, 8, 2, 4), target, frames, length), "(T, N, C)", "(T, N, C)", edge=True, name=name)

    other = next(c for c in range(4) if c != blank)
    all_frames, all_labels = torch.tensor([8, 8]), torch.tensor([3, 3])
    yield edge(_("repeated labels"), torch.full((2, 3), other), all_frames, all_labels)
    yield edge(_("an empty target"), labels(2, 3), all_frames, torch.tensor([0, 3]))
    if settings.get("zero_infinity"):
        yield edge(_("a target longer than its input"), labels(2, 3), torch.tensor([2, 8]), all_labels)


def _linear_batches(settings: Settings, g: torch.Generator) -> Iterator[Batch]:
    fixed = [len(v) for v in settings.values() if isinstance(v, Tensor)]  # weights or biases of so many classes
    c, ignored = (fixed or [4])[0], settings.get("ignore_index")

    def draw(n: int, d: int, classes: int) -> tuple[Tensor, Tensor, Tensor]:
        return normal(g, n, d), normal(g, classes, d), torch.randint(classes, (n,), generator=g)

    yield Batch(draw(5, 3, c), "(N, D)")
    yield Batch(draw(7, 2, c), "(N, D)")
    if not fixed:
        yield Batch(draw(6, 2, 3), "(N, D)")
    yield Batch(draw(4, 4, c), "(N, D)", "(N, D)")
    yield Batch(draw(1, 3, c), "(1, D)", "(N, D)")
    yield Batch((100 * normal(g, 4, 3), *draw(4, 3, c)[1:]), "(N, D)", "(N, D)", edge=True, name=_("large logits"))
    features, layer, target = draw(6, 3, c)
    target[[1, 4]] = -100 if ignored is None else ignored
    yield Batch((features, layer, target), _("ignored targets"))


def sequences(**more: Any) -> Kind:
    """The inputs of a loss that compares frames with labels; the loss gets log-probabilities of their scores."""

    def large(g: torch.Generator, rows: int, columns: int) -> tuple[Tensor, ...]:
        steps = min(rows // 4, 128)  # as many numbers as the others: steps of time × samples × labels
        samples, length = rows // steps, steps // 4
        targets = torch.randint(1, columns, (samples, length), generator=g)
        lengths = [torch.full((samples,), n) for n in (steps, length)]
        return normal(g, steps, samples, columns).log_softmax(-1), targets, *lengths

    def below_log_softmax(loss: Callable) -> Callable:
        return lambda logits, *rest, **settings: loss(logits.log_softmax(-1), *rest, **settings)

    return Kind(_ctc_batches, large, around=below_log_softmax, **more)


def linear_layers(**more: Any) -> Kind:
    """The inputs of a loss that takes features, the weights of a linear layer and the number of the true class."""

    def large(g: torch.Generator, rows: int, columns: int) -> tuple[Tensor, ...]:
        layer = normal(g, columns, columns) / (3 * columns) ** 0.5  # as small as torch.nn.Linear draws it
        return normal(g, rows, columns), layer, torch.randint(columns, (rows,), generator=g)

    return Kind(_linear_batches, large, wrt=(0, 1), tensors=WEIGHTS, **more)
