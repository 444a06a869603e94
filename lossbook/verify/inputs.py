"""The batches on which a loss is tried: of every shape that its reference documents, and the values where losses break.

All numbers are exact in float32, so that a loss may compute in float32 inside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

Settings = dict[str, Any]


@dataclass(frozen=True)
class Batch:
    """Tensors to call a loss with."""

    tensors: tuple[Tensor, ...]
    form: str  #: what kind of input it is; a loss that refuses one form may still be right in the others
    base: str = ""  #: the form that this one is a special case of: who takes that must take this
    edge: bool = False  #: values where losses break, rather than ordinary ones
    name: str = ""  #: what is special about an edge


@dataclass(frozen=True)
class Kind:
    """What the inputs of one loss look like."""

    batches: Callable[[Settings, torch.Generator], Iterator[Batch]]
    wrt: tuple[int, ...] = (0,)  #: which arguments are predictions
    trials: tuple[Settings, ...] = ()  #: settings to try on a loss that takes them
    reductions: tuple[str, ...] = ("mean", "sum", "none")
    around: Callable[[Callable], Callable] = field(default=lambda loss: loss)  #: what comes before the loss


def normal(g: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(shape, generator=g).double()


def row(*numbers: float) -> Tensor:
    return torch.tensor(numbers, dtype=torch.float32).double()


def exact(tensor: Tensor) -> Tensor:
    return tensor.float().double()


# ---- losses of numbers, element by element

#: form, shape, and the form that it is a special case of
SHAPES = (
    ("(N)", (6,), ""),
    ("(N, D)", (4, 3), ""),
    ("(N)", (11,), ""),
    ("(N, D)", (7, 2), ""),
    ("(N, D)", (3, 3), ""),
    ("(N)", (150,), ""),  # more than one chunk, and the last one smaller
    ("(1)", (1,), "(N)"),
    ("(N, 1)", (5, 1), "(N, D)"),
    ("(1, D)", (1, 3), "(N, D)"),
    ("(N, C, L)", (2, 3, 4), ""),
    ("(N, C, H, W)", (2, 3, 2, 2), ""),
)


def elementwise(
    draw: Callable[[torch.Generator, tuple[int, ...], Settings], tuple[Tensor, ...]],
    edges: Callable[[Settings], Iterator[tuple[str, tuple[Tensor, ...]]]],
) -> Callable[[Settings, torch.Generator], Iterator[Batch]]:
    """Batches of a loss that compares number with number."""

    def batches(settings: Settings, g: torch.Generator) -> Iterator[Batch]:
        shapes = [s for s in SHAPES if _fits(settings, s[1])] or [("(N, D)", _shape_for(settings), "")]
        for form, shape, base in shapes:
            yield Batch(draw(g, shape, settings), form, base)
        for name, tensors in edges(settings):
            form, shape = next(((f, s) for f, s, _ in shapes if len(s) == 1), (shapes[0][0], shapes[0][1]))
            if len(shape) > 1 or any(_lengths(settings)):
                tensors = tuple(
                    t.repeat_interleave(shape[-1]).reshape(len(t), *shape[1:-1], shape[-1]) for t in tensors
                )
            yield Batch(tensors, form, form, edge=True, name=name)

    return batches


def _lengths(settings: Settings) -> list[tuple[int, ...]]:
    """The shapes of settings that hold one number for each element or column."""
    return [tuple(v.shape) for v in settings.values() if isinstance(v, Tensor) and v.numel() > 1]


def _fits(settings: Settings, shape: tuple[int, ...]) -> bool:
    return all(len(s) <= len(shape) and tuple(shape[-len(s) :]) == s for s in _lengths(settings))


def _shape_for(settings: Settings) -> tuple[int, ...]:
    longest = max(_lengths(settings), key=len)
    return longest if len(longest) > 1 else (4, *longest)


def two_numbers(g: torch.Generator, shape: tuple[int, ...], settings: Settings) -> tuple[Tensor, ...]:
    return normal(g, *shape) * 2, normal(g, *shape) * 2


def error_edges(settings: Settings) -> Iterator[tuple[str, tuple[Tensor, ...]]]:
    turn = float(settings.get("beta", settings.get("delta", 1.0)))
    yield "perfect predictions", (row(1, 2, 3), row(1, 2, 3))
    yield "one perfect prediction", (row(2, 1, 5), row(2, 3, 4))
    yield "one sample, predicted perfectly", (row(3), row(3))
    yield "large errors", (row(100, -100, 1000, 3), row(0, 0, -1000, 1))
    yield "errors at the turn", (row(turn, -turn, 0.5 * turn, 2 * turn), row(0, 0, 0, 0))


def rates(g: torch.Generator, shape: tuple[int, ...], settings: Settings) -> tuple[Tensor, ...]:
    rate = normal(g, *shape)
    counts = torch.randint(6, shape, generator=g).double()
    return (rate if settings.get("log_input", True) else exact(rate.exp())), counts


def rate_edges(settings: Settings) -> Iterator[tuple[str, tuple[Tensor, ...]]]:
    if settings.get("log_input", True):
        yield "counts of 0 and large rates", (row(0, -20, 10, 2), row(0, 0, 5, 1))
    else:
        yield "counts of 0 and large rates", (row(1, 0.0625, 100, 2), row(0, 0, 5, 1))
        yield "a rate of 0", (row(0, 0, 1), row(0, 2, 1))
    yield "counts of 1 and 2", (row(0.5, 1, 0.25), row(1, 2, 1))


def measurements(g: torch.Generator, shape: tuple[int, ...], settings: Settings) -> tuple[Tensor, ...]:
    return normal(g, *shape), normal(g, *shape), exact(normal(g, *shape).abs() + 0.125)


def measurement_edges(settings: Settings) -> Iterator[tuple[str, tuple[Tensor, ...]]]:
    yield "perfect predictions", (row(1, 2, 3), row(1, 2, 3), row(1, 0.5, 2))
    yield "a variance of 0", (row(1, 2, 3), row(1, 2, 3.5), row(0, 1, 2))
    yield "large and small variances", (row(1, 2), row(3, 2.5), row(1024, 0.0009765625))


def chances(g: torch.Generator, shape: tuple[int, ...], settings: Settings) -> tuple[Tensor, ...]:
    return exact(normal(g, *shape).sigmoid()), torch.randint(2, shape, generator=g).double()


def chance_edges(settings: Settings) -> Iterator[tuple[str, tuple[Tensor, ...]]]:
    yield "soft labels", (row(0.25, 0.5, 0.75), row(0.25, 0.75, 0.5))
    yield "probabilities of 0 and 1, right", (row(0, 1, 0.5), row(0, 1, 1))
    yield "probabilities of 0 and 1, wrong", (row(0, 1, 0.5), row(1, 0, 1))
    yield "probabilities near 0 and 1", (row(2**-20, 1 - 2**-20, 2**-20), row(1, 0, 0))
    yield "only positives", (row(0.5, 0.25), row(1, 1))


def scores_and_labels(g: torch.Generator, shape: tuple[int, ...], settings: Settings) -> tuple[Tensor, ...]:
    return normal(g, *shape) * 2, torch.randint(2, shape, generator=g).double()


def score_edges(settings: Settings) -> Iterator[tuple[str, tuple[Tensor, ...]]]:
    yield "soft labels", (row(1, -1, 2), row(0.25, 0.75, 0.5))
    yield "logits of 0", (row(0, 0, 1), row(0, 1, 1))
    yield "large logits", (row(40, -40, 100, -100), row(0, 1, 1, 0))
    yield "huge logits", (row(1000, -1000, 1000, -1000), row(0, 1, 1, 0))
    yield "only negatives", (row(0.5, -2), row(0, 0))


def signed(g: torch.Generator, shape: tuple[int, ...], settings: Settings) -> tuple[Tensor, ...]:
    return normal(g, *shape) * 2, 2.0 * torch.randint(2, shape, generator=g).double() - 1


def signed_edges(settings: Settings) -> Iterator[tuple[str, tuple[Tensor, ...]]]:
    margin = float(settings.get("margin", 1.0))
    yield "scores of 0", (row(0, 0, 1), row(1, -1, 1))
    yield "scores at the margin", (row(margin, margin, -margin), row(1, -1, -1))
    yield "large scores", (row(40, -40, 100, -100), row(1, 1, -1, -1))
    yield "huge scores", (row(1000, -1000, 1000, -1000), row(1, 1, -1, -1))
    yield "one kind of label", (row(0.5, 2), row(-1, -1))


def pairs(g: torch.Generator, shape: tuple[int, ...], settings: Settings) -> tuple[Tensor, ...]:
    return normal(g, *shape), normal(g, *shape), 2.0 * torch.randint(2, shape, generator=g).double() - 1


def pair_edges(settings: Settings) -> Iterator[tuple[str, tuple[Tensor, ...]]]:
    margin = float(settings.get("margin", 0.0))
    yield "equal scores", (row(1, 2, 3), row(1, 2, 0), row(1, -1, 1))
    yield "scores at the margin", (row(1 + margin, 2, 5), row(1, 2 + margin, 1), row(1, -1, -1))
    yield "far apart", (row(100, -100), row(-100, 100), row(1, 1))


# ---- losses of classes


def classes_of(settings: Settings) -> int:
    weight = settings.get("weight")
    return len(weight) if isinstance(weight, Tensor) else 4


def class_batches(log_probabilities: bool = False, trailing: bool = True, more: Any = None) -> Callable:
    """Batches of a loss that takes one score for each class and the number of the true class."""

    def scores(g: torch.Generator, *shape: int) -> Tensor:
        found = normal(g, *shape) * 2
        return exact(found.log_softmax(0 if len(shape) == 1 else 1)) if log_probabilities else found

    def batches(settings: Settings, g: torch.Generator) -> Iterator[Batch]:
        c = classes_of(settings)
        fixed = isinstance(settings.get("weight"), Tensor)
        ignored = settings.get("ignore_index", -100)

        def labels(*shape: int, classes: int = c) -> Tensor:
            return torch.randint(classes, shape, generator=g)

        yield Batch((scores(g, 5, c), labels(5)), "(N, C)")
        yield Batch((scores(g, c, c), labels(c)), "(N, C)")
        yield Batch((scores(g, 9, c), labels(9)), "(N, C)")
        yield Batch((scores(g, 150, c), labels(150)), "(N, C)")
        if not fixed:
            yield Batch((scores(g, 6, 3), labels(6, classes=3)), "(N, C)")
            yield Batch((scores(g, 4, 7), labels(4, classes=7)), "(N, C)")
            yield Batch((scores(g, 3, 2), labels(3, classes=2)), "(N, C)")
        yield Batch((scores(g, 1, c), labels(1)), "(1, C)", "(N, C)")
        yield Batch((scores(g, c), labels()), "(C)")
        if trailing:
            yield Batch((scores(g, 2, c, 3), labels(2, 3)), "(N, C, d)")
            yield Batch((scores(g, c, c, c), labels(c, c)), "(N, C, d)")
            yield Batch((scores(g, 2, c, 3, 5), labels(2, 3, 5)), "(N, C, H, W)")
            pairs = labels(3, 4)  # of sequences of different lengths
            pairs[0, 1:], pairs[1, 3] = ignored, ignored
            yield Batch((scores(g, 3, c, 4), pairs), "ignored targets, (N, C, d)")
            some = labels(6)
            some[[1, 4]] = ignored
            yield Batch((scores(g, 6, c), some), "ignored targets")
        ladder = torch.arange(float(c)).double()

        def edge(name: str, logits: Tensor, target: Tensor) -> Batch:
            logits = exact(logits.log_softmax(-1)) if log_probabilities else logits
            return Batch((logits, target), "(N, C)", "(N, C)", edge=True, name=name)

        yield edge("equal scores", torch.zeros(3, c).double(), torch.arange(3) % c)
        yield edge("one class only", torch.stack([ladder, -ladder, ladder * 0.5]), torch.zeros(3).long())
        yield edge("the last class only", torch.stack([ladder, -ladder, ladder * 0.5]), torch.full((3,), c - 1))
        yield edge("the first classes only", torch.stack([ladder, -ladder]), torch.arange(2))
        yield edge("large logits", torch.stack([100 * ladder, -40 * ladder]), torch.tensor([0, 0]))
        if not log_probabilities:
            yield edge("huge logits", torch.stack([1000 * ladder, -1000 * ladder]), torch.tensor([c - 1, 0]))
            yield edge("huge logits, wrong", torch.stack([1000 * ladder, 1000 + ladder]), torch.tensor([0, 0]))
            yield edge("scores 1 apart", torch.stack([ladder, -ladder]), torch.tensor([1, 0]))
        if more:
            yield from more(settings, g, c)

    return batches


def probability_targets(settings: Settings, g: torch.Generator, c: int) -> Iterator[Batch]:
    if settings.get("ignore_index", -100) < 0:
        for n in (5, 3):
            soft = exact(normal(g, n, c).softmax(1))
            yield Batch((normal(g, n, c), soft), "probability targets")
        one_hot = torch.eye(c).double()[torch.arange(3) % c]
        yield Batch((normal(g, 3, c), one_hot), "probability targets")


def label_matrix(g: torch.Generator, *shape: int) -> Tensor:
    """Class numbers that come first, closed by −1."""
    order = torch.rand(shape, generator=g).argsort(-1)
    count = torch.randint(1, shape[-1], (*shape[:-1], 1), generator=g)
    return torch.where(torch.arange(shape[-1]) < count, order, -1)


def multilabel_margins(settings: Settings, g: torch.Generator) -> Iterator[Batch]:
    for n, c in ((5, 4), (3, 3), (4, 6)):
        yield Batch((normal(g, n, c), label_matrix(g, n, c)), "(N, C)")
    yield Batch((normal(g, 1, 4), label_matrix(g, 1, 4)), "(1, C)", "(N, C)")
    yield Batch((normal(g, 4), label_matrix(g, 4)), "(C)")
    edges = {
        "no label, and all labels": (row(1, 2, 3, 1, 2, 3), torch.tensor([[-1, 0, 1], [2, 0, 1]])),
        "labels after the end": (row(1, 2, 3, 3, 1, 0), torch.tensor([[0, -1, 2], [1, -1, 0]])),
        "equal scores": (row(0, 0, 0, 1, 1, 1), torch.tensor([[0, -1, -1], [1, 2, -1]])),
    }
    for name, (scores, target) in edges.items():
        yield Batch((scores.reshape(2, 3), target), "(N, C)", "(N, C)", edge=True, name=name)


def multilabel_scores(settings: Settings, g: torch.Generator) -> Iterator[Batch]:
    c = classes_of(settings)
    shapes = (("(N, C)", (5, c), ""), ("(N, C)", (c, c), ""), ("(1, C)", (1, c), "(N, C)"), ("(C)", (c,), ""))
    for form, shape, base in shapes:
        yield Batch(scores_and_labels(g, shape, settings), form, base)
    for name, (x, t) in score_edges(settings):
        wide = tuple(v.repeat_interleave(c).reshape(-1, c) for v in (x, t))
        yield Batch(wide, "(N, C)", "(N, C)", edge=True, name=name)


def distributions(settings: Settings, g: torch.Generator) -> Iterator[Batch]:
    """Log-probabilities of a model, and the probabilities that it should have."""

    def target(p: Tensor) -> Tensor:
        return exact(p.log()) if settings.get("log_target") else exact(p)

    def draw(*shape: int) -> tuple[Tensor, Tensor]:
        dim = 0 if len(shape) == 1 else 1
        return exact(normal(g, *shape).log_softmax(dim)), target(normal(g, *shape).softmax(dim))

    for form, shape, base in (
        ("(N, C)", (5, 4), ""), ("(N, C)", (3, 3), ""), ("(N, C)", (2, 6), ""), ("(1, C)", (1, 4), "(N, C)"),
        ("(N, C, d)", (2, 3, 4), ""),
    ):  # fmt: skip
        yield Batch(draw(*shape), form, base)
    same = normal(g, 3, 4).log_softmax(1)
    yield Batch((exact(same), target(same.exp())), "(N, C)", "(N, C)", edge=True, name="equal distributions")
    if not settings.get("log_target"):
        one_hot = (exact(normal(g, 3, 4).log_softmax(1)), torch.eye(4).double()[:3])
        yield Batch(one_hot, "(N, C)", "(N, C)", edge=True, name="target probabilities of 0")


# ---- losses of vectors


def vectors(count: int) -> Callable:
    """Batches of a loss that compares vectors; with two, a label 1 or −1 comes third."""

    def batches(settings: Settings, g: torch.Generator) -> Iterator[Batch]:
        def draw(*shape: int) -> tuple[Tensor, ...]:
            drawn = tuple(normal(g, *shape) for _ in range(count))
            label = 2.0 * torch.randint(2, shape[:-1], generator=g).double() - 1
            return drawn if count == 3 else (*drawn, label)

        for n, d in ((5, 3), (4, 4), (8, 2), (3, 6), (150, 2)):
            yield Batch(draw(n, d), "(N, D)")
        yield Batch(draw(1, 3), "(1, D)", "(N, D)")
        yield Batch(draw(6, 1), "(N, 1)", "(N, D)")
        yield Batch(draw(4), "(D)")
        for name, tensors in (triplet_edges if count == 3 else cosine_edges)(settings):
            yield Batch(tensors, "(N, D)", "(N, D)", edge=True, name=name)

    return batches


def cosine_edges(settings: Settings) -> Iterator[tuple[str, tuple[Tensor, ...]]]:
    x = row(1, 0, 0, 1, 3, 4).reshape(3, 2)
    turned = row(0, 1, -1, 0, -4, 3).reshape(3, 2)
    yield "parallel vectors", (x, 2 * x, row(1, -1, 1))
    yield "opposite vectors", (x, -x, row(1, -1, 1))
    yield "orthogonal vectors", (x, turned, row(1, -1, -1))
    yield "long and short vectors", (1024 * x, turned / 1024 + x / 512, row(1, -1, 1))
    yield "one kind of label", (x, turned + x, row(-1, -1, -1))


def triplet_edges(settings: Settings) -> Iterator[tuple[str, tuple[Tensor, ...]]]:
    a = row(1, 0, 0, 1, 3, 4).reshape(3, 2)
    far = a + row(8, 0)
    yield "anchor equals positive", (a, a, a + row(0.5, 0))
    yield "negative equals anchor", (a, a + row(0.5, 0.25), a)
    yield "three equal points", (a, a, a)
    yield "negatives far away", (a, a + row(0.5, 0), far)
    yield "positives far away", (a, far, a + row(0, 0.5))


# ---- losses with inputs of their own


def ctc_batches(settings: Settings, g: torch.Generator) -> Iterator[Batch]:
    blank = settings.get("blank", 0)

    def labels(n: int, s: int) -> Tensor:
        found = torch.randint(3, (n, s), generator=g)
        return found + (found >= blank)

    for n, s in ((3, 2), (2, 3)):
        lengths = torch.full((n,), 8), torch.full((n,), s)
        yield Batch((normal(g, 8, n, 4), labels(n, s), *lengths), "(T, N, C)")
    lengths = torch.tensor([8, 7, 6]), torch.tensor([3, 1, 2])
    yield Batch((normal(g, 8, 3, 4), labels(3, 3), *lengths), "(T, N, C)")
    yield Batch((normal(g, 8, 1, 4), labels(1, 2), torch.tensor([8]), torch.tensor([2])), "N = 1", "(T, N, C)")
    other = next(c for c in range(4) if c != blank)
    repeats = torch.full((2, 3), other)
    lengths = torch.full((2,), 8), torch.full((2,), 3)
    yield Batch((normal(g, 8, 2, 4), repeats, *lengths), "(T, N, C)", "(T, N, C)", edge=True, name="repeated labels")


def linear_batches(settings: Settings, g: torch.Generator) -> Iterator[Batch]:
    for n, d, c in ((5, 3, 4), (4, 4, 4), (7, 2, 3), (1, 3, 4)):
        tensors = (normal(g, n, d), normal(g, c, d), torch.randint(c, (n,), generator=g))
        yield Batch(tensors, "(N, D)" if n > 1 else "(1, D)", "" if n > 1 else "(N, D)")
    large = (100 * normal(g, 4, 3), normal(g, 4, 3), torch.randint(4, (4,), generator=g))
    yield Batch(large, "(N, D)", "(N, D)", edge=True, name="large logits")


WEIGHT = torch.tensor([0.5, 2.0, 1.0, 0.25], dtype=torch.float64)
REGRESSION = elementwise(two_numbers, error_edges)

KINDS: dict[str, Kind] = {
    "l1": Kind(REGRESSION),
    "mse": Kind(REGRESSION),
    "smooth_l1": Kind(REGRESSION, trials=({"beta": 0.5}, {"beta": 2.0})),
    "huber": Kind(REGRESSION, trials=({"delta": 0.5}, {"delta": 2.0})),
    "poisson_nll": Kind(elementwise(rates, rate_edges), trials=({"full": True}, {"log_input": False})),
    "gaussian_nll": Kind(elementwise(measurements, measurement_edges), wrt=(0, 2), trials=({"full": True},)),
    "kl_div": Kind(distributions, trials=({"log_target": True},), reductions=("batchmean", "mean", "sum", "none")),
    "bce": Kind(elementwise(chances, chance_edges)),
    "bce_with_logits": Kind(elementwise(scores_and_labels, score_edges), trials=({"pos_weight": torch.tensor(3.0).double()},)),
    "nll": Kind(class_batches(log_probabilities=True), trials=({"weight": WEIGHT}, {"ignore_index": 1})),
    "cross_entropy": Kind(
        class_batches(more=probability_targets),
        trials=(
            {"weight": WEIGHT}, {"ignore_index": 1}, {"label_smoothing": 0.25},
            {"weight": WEIGHT, "label_smoothing": 0.25}, {"weight": WEIGHT, "ignore_index": 1},
            {"label_smoothing": 0.25, "ignore_index": 1},
        ),
    ),
    "multi_margin": Kind(class_batches(trailing=False), trials=({"p": 2}, {"margin": 0.5}, {"weight": WEIGHT})),
    "multilabel_margin": Kind(multilabel_margins),
    "multilabel_soft_margin": Kind(multilabel_scores, trials=({"weight": WEIGHT},)),
    "hinge_embedding": Kind(elementwise(signed, signed_edges), trials=({"margin": 2.0},)),
    "soft_margin": Kind(elementwise(signed, signed_edges)),
    "margin_ranking": Kind(elementwise(pairs, pair_edges), wrt=(0, 1), trials=({"margin": 0.5},)),
    "cosine_embedding": Kind(vectors(2), wrt=(0, 1), trials=({"margin": 0.25},)),
    "triplet_margin": Kind(vectors(3), wrt=(0, 1, 2), trials=({"margin": 2.0}, {"p": 1.0}, {"swap": True})),
    "triplet_margin_with_distance": Kind(vectors(3), wrt=(0, 1, 2), trials=({"margin": 2.0}, {"swap": True})),
    "linear_cross_entropy": Kind(linear_batches, wrt=(0, 1), trials=({"label_smoothing": 0.25},)),
    "ctc": Kind(
        ctc_batches,
        trials=({"blank": 3},),
        around=lambda loss: lambda logits, *rest, **settings: loss(logits.log_softmax(-1), *rest, **settings),
    ),
}  # fmt: skip
