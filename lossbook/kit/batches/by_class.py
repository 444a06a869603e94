"""Batches for losses of classes and of distributions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from ...language import gettext as _
from .batch import Batch, Kind, Settings, exact, normal, row
from .by_element import score_edges, scores_and_labels

WEIGHT = row(0.5, 2, 1, 0.25)
WEIGHTS = (WEIGHT, row(0, 1, 8, 0.5))  #: of classes; one counts nothing, one much


def _classes_of(settings: Settings) -> int:
    weight = settings.get("weight")
    return len(weight) if isinstance(weight, Tensor) else 4


def by_class(log_probabilities: bool = False, trailing: bool = True, soft_targets: bool = False, **more: Any) -> Kind:
    """The inputs of a loss that takes one score for each class and the number of the true class."""

    def scores(g: torch.Generator, *shape: int) -> Tensor:
        scores = normal(g, *shape) * 2
        return exact(scores.log_softmax(0 if len(shape) == 1 else 1)) if log_probabilities else scores

    def batches(settings: Settings, g: torch.Generator) -> Iterator[Batch]:
        c = _classes_of(settings)
        fixed = isinstance(settings.get("weight"), Tensor)
        ignored = settings.get("ignore_index", -100)

        def labels(*shape: int, classes: int = c) -> Tensor:
            return torch.randint(classes, shape, generator=g)

        yield Batch((scores(g, 5, c), labels(5)), "(N, C)")
        yield Batch((scores(g, 9, c), labels(9)), "(N, C)")
        if not fixed:
            yield Batch((scores(g, 6, 3), labels(6, classes=3)), "(N, C)")
            yield Batch((scores(g, 4, 7), labels(4, classes=7)), "(N, C)")
            yield Batch((scores(g, 3, 2), labels(3, classes=2)), "(N, C)")
        yield Batch((scores(g, c, c), labels(c)), "(N, C)", "(N, C)")  # which the other order of the two survives
        yield Batch((scores(g, 1, c), labels(1)), "(1, C)", "(N, C)")
        yield Batch((scores(g, c), labels()), "(C)")
        if trailing:
            yield Batch((scores(g, 2, c, c + 1), labels(2, c + 1)), "(N, C, d)")
            yield Batch((scores(g, 3, c, c + 2), labels(3, c + 2)), "(N, C, d)")
            yield Batch((scores(g, c, c, c), labels(c, c)), "(N, C, d)", "(N, C, d)")
            yield Batch((scores(g, 2, c, 3, 5), labels(2, 3, 5)), "(N, C, H, W)")
            pairs = labels(3, c + 1)  # of sequences of different lengths
            pairs[0, 1:], pairs[1, 3] = ignored, ignored
            yield Batch((scores(g, 3, c, c + 1), pairs), _("ignored targets") + ", (N, C, d)")
            some = labels(6)
            some[[1, 4]] = ignored
            yield Batch((scores(g, 6, c), some), _("ignored targets"))
        ladder = torch.arange(float(c)).double()

        def edge(name: str, logits: Tensor, target: Tensor) -> Batch:
            logits = exact(logits.log_softmax(-1)) if log_probabilities else logits
            return Batch((logits, target), "(N, C)", "(N, C)", edge=True, name=name)

        yield edge(_("equal scores"), torch.zeros(3, c).double(), torch.arange(3) % c)
        yield edge(_("one class only"), torch.stack([ladder, -ladder, ladder * 0.5]), torch.zeros(3).long())
        yield edge(_("the last class only"), torch.stack([ladder, -ladder, ladder * 0.5]), torch.full((3,), c - 1))
        yield edge(_("the first classes only"), torch.stack([ladder, -ladder]), torch.arange(2))
        yield edge(_("large logits"), torch.stack([100 * ladder, -40 * ladder]), torch.tensor([0, 0]))
        if not log_probabilities:
            yield edge(_("huge logits"), torch.stack([1000 * ladder, -1000 * ladder]), torch.tensor([c - 1, 0]))
            yield edge(_("huge logits, wrong"), torch.stack([1000 * ladder, 1000 + ladder]), torch.tensor([0, 0]))
            yield edge(_("scores 1 apart"), torch.stack([ladder, -ladder]), torch.tensor([1, 0]))
        if soft_targets:
            yield from _probability_targets(settings, g, c)

    def large(g: torch.Generator, rows: int, columns: int) -> tuple[Tensor, Tensor]:
        return scores(g, rows, columns), torch.randint(columns, (rows,), generator=g)

    return Kind(batches, large, tensors=WEIGHTS, **more)


def _probability_targets(settings: Settings, g: torch.Generator, c: int) -> Iterator[Batch]:
    if settings.get("ignore_index", -100) < 0:
        for n in (5, 3):
            soft = exact(normal(g, n, c).softmax(1))
            yield Batch((normal(g, n, c), soft), _("probability targets"))
        soft = exact(normal(g, 2, c, c + 1).softmax(1))
        yield Batch((normal(g, 2, c, c + 1), soft), _("probability targets"), "(N, C, d)")
        one_hot = torch.eye(c).double()[torch.arange(3) % c]
        yield Batch((normal(g, 3, c), one_hot), _("probability targets"))


def _label_matrix(g: torch.Generator, *shape: int) -> Tensor:
    """Class numbers that come first, closed by −1."""
    order = torch.rand(shape, generator=g).argsort(-1)
    count = torch.randint(1, shape[-1], (*shape[:-1], 1), generator=g)
    return torch.where(torch.arange(shape[-1]) < count, order, -1)


def _multilabel_margins(settings: Settings, g: torch.Generator) -> Iterator[Batch]:
    for n, c, base in ((5, 4, ""), (3, 3, "(N, C)"), (4, 6, "")):
        yield Batch((normal(g, n, c), _label_matrix(g, n, c)), "(N, C)", base)
    yield Batch((normal(g, 1, 4), _label_matrix(g, 1, 4)), "(1, C)", "(N, C)")
    yield Batch((normal(g, 4), _label_matrix(g, 4)), "(C)")
    edges = {
        _("no label, and all labels"): (row(1, 2, 3, 1, 2, 3), torch.tensor([[-1, 0, 1], [2, 0, 1]])),
        _("labels after the end"): (row(1, 2, 3, 3, 1, 0), torch.tensor([[0, -1, 2], [1, -1, 0]])),
        _("equal scores"): (row(0, 0, 0, 1, 1, 1), torch.tensor([[0, -1, -1], [1, 2, -1]])),
    }
    for name, (scores, target) in edges.items():
        yield Batch((scores.reshape(2, 3), target), "(N, C)", "(N, C)", edge=True, name=name)


def _multilabel_scores(settings: Settings, g: torch.Generator) -> Iterator[Batch]:
    c = _classes_of(settings)
    shapes = (("(N, C)", (5, c), ""), ("(N, C)", (c, c), "(N, C)"), ("(1, C)", (1, c), "(N, C)"), ("(C)", (c,), ""))
    for form, shape, base in shapes:
        yield Batch(scores_and_labels(g, shape, settings), form, base)
    for name, (x, t) in score_edges(settings):
        wide = tuple(v.repeat_interleave(c).reshape(-1, c) for v in (x, t))
        yield Batch(wide, "(N, C)", "(N, C)", edge=True, name=name)


def _distributions(settings: Settings, g: torch.Generator) -> Iterator[Batch]:
    """Log-probabilities of a model, and the probabilities that it should have."""

    def target(p: Tensor) -> Tensor:
        return exact(p.log()) if settings.get("log_target") else exact(p)

    def draw(*shape: int) -> tuple[Tensor, Tensor]:
        dim = 0 if len(shape) == 1 else 1
        return exact(normal(g, *shape).log_softmax(dim)), target(normal(g, *shape).softmax(dim))

    for form, shape, base in (
        ("(N, C)", (5, 4), ""), ("(N, C)", (2, 6), ""), ("(N, C)", (3, 3), "(N, C)"), ("(1, C)", (1, 4), "(N, C)"),
        ("(N, C, d)", (2, 3, 4), ""),
    ):  # fmt: skip
        yield Batch(draw(*shape), form, base)
    same = normal(g, 3, 4).log_softmax(1)
    yield Batch((exact(same), target(same.exp())), "(N, C)", "(N, C)", edge=True, name=_("equal distributions"))
    if not settings.get("log_target"):
        one_hot = (exact(normal(g, 3, 4).log_softmax(1)), torch.eye(4).double()[:3])
        yield Batch(one_hot, "(N, C)", "(N, C)", edge=True, name=_("target probabilities of 0"))


def _one_label(g: torch.Generator, rows: int, columns: int) -> tuple[Tensor, Tensor]:
    closed = torch.full((rows, columns - 1), -1)
    return normal(g, rows, columns), torch.cat([torch.randint(columns, (rows, 1), generator=g), closed], 1)


def lists_of_labels(**more: Any) -> Kind:
    """The inputs of a loss that takes one score for each class and the numbers of the true classes."""
    return Kind(_multilabel_margins, _one_label, **more)


def labels_by_class(**more: Any) -> Kind:
    """The inputs of a loss that takes one score and one label, 1 or 0, for each class."""

    def large(g: torch.Generator, rows: int, columns: int) -> tuple[Tensor, ...]:
        return scores_and_labels(g, (rows, columns), {})

    return Kind(_multilabel_scores, large, tensors=WEIGHTS, **more)


def distributions(by_sample: bool = False, **more: Any) -> Kind:
    """The inputs of a loss that compares distributions, the model's in logarithms: class by class, or as wholes."""

    def batches(settings: Settings, g: torch.Generator) -> Iterator[Batch]:
        return (b for b in _distributions(settings, g) if not by_sample or b.tensors[0].dim() == 2)

    def large(g: torch.Generator, rows: int, columns: int) -> tuple[Tensor, Tensor]:
        return normal(g, rows, columns).log_softmax(1), normal(g, rows, columns).softmax(1)

    return Kind(batches, large, elementwise=not by_sample, **more)
