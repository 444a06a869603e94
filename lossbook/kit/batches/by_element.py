"""Batches for losses that compare number with number."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ...language import gettext as _
from .batch import Batch, Kind, Settings, exact, normal, row

#: form, shape, and the form that it is a special case of
SHAPES: tuple[tuple[str, tuple[int, ...], str], ...] = (
    ("(N)", (6,), ""),
    ("(N, D)", (4, 3), ""),
    ("(N)", (11,), ""),
    ("(N, D)", (7, 2), ""),
    ("(N, D)", (3, 3), "(N, D)"),  # as many columns as rows, which another order of the two survives
    ("(N, D)", (2, 6), ""),
    ("(1)", (1,), "(N)"),
    ("(N, 1)", (5, 1), "(N, D)"),
    ("(1, D)", (1, 3), "(N, D)"),
    ("(N, C, L)", (2, 3, 4), ""),
    ("(N, C, H, W)", (2, 3, 2, 2), ""),
    ("()", (), ""),
)

#: Weights of the elements, for the shapes (6) and (2, 6); one counts nothing, one much.
WEIGHTS = (row(1, 2, 3, 4, 5, 6) / 4, row(0, 1, 0.5, 8, 2, 1), row(*range(12)).reshape(2, 6) / 4)


def elementwise(
    draw: Callable[[torch.Generator, tuple[int, ...], Settings], tuple[Tensor, ...]],
    edges: Callable[[Settings], Iterator[tuple[str, tuple[Tensor, ...]]]],
    **more: Any,
) -> Kind:
    """The inputs of a loss that compares number with number."""

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

    def large(g: torch.Generator, rows: int, columns: int) -> tuple[Tensor, ...]:
        return draw(g, (rows, columns), {})

    return Kind(batches, large, elementwise=True, tensors=WEIGHTS, **more)


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
    turn = float(settings["beta"] if "beta" in settings else settings.get("delta", 1.0))
    yield _("perfect predictions"), (row(1, 2, 3), row(1, 2, 3))
    yield _("one perfect prediction"), (row(2, 1, 5), row(2, 3, 4))
    yield _("one sample, predicted perfectly"), (row(3), row(3))
    yield _("large errors"), (row(100, -100, 1000, 3), row(0, 0, -1000, 1))
    yield _("errors at the threshold"), (row(turn, -turn, 0.5 * turn, 2 * turn), row(0, 0, 0, 0))


def small_error_edges(settings: Settings) -> Iterator[tuple[str, tuple[Tensor, ...]]]:
    """Those whose squares float16 holds: a loss whose own value is no square may still take them."""
    return ((name, (x, t)) for name, (x, t) in error_edges(settings) if float((x - t).abs().max()) < 200)


def rates(g: torch.Generator, shape: tuple[int, ...], settings: Settings) -> tuple[Tensor, ...]:
    rate = normal(g, *shape)
    counts = torch.randint(6, shape, generator=g).double()
    return (rate if settings.get("log_input", True) else exact(rate.exp())), counts


def rate_edges(settings: Settings) -> Iterator[tuple[str, tuple[Tensor, ...]]]:
    if settings.get("log_input", True):
        yield _("counts of 0 and large rates"), (row(0, -20, 10, 2), row(0, 0, 5, 1))
        yield _("rates beyond 20 000"), (row(11.3, 12.75, -14.6, 16.1), row(3, 120, 0, 70000))
    else:
        yield _("counts of 0 and large rates"), (row(1, 0.0625, 100, 2), row(0, 0, 5, 1))
        yield _("rates beyond 20 000"), (row(80821.6, 523.25, 0.000457, 9820670.5), row(3, 120, 0, 70000))
        yield _("a rate of 0"), (row(0, 0, 1), row(0, 2, 1))
    yield _("counts of 1 and 2"), (row(0.5, 1, 0.25), row(1, 2, 1))


def measurements(g: torch.Generator, shape: tuple[int, ...], settings: Settings) -> tuple[Tensor, ...]:
    return normal(g, *shape), normal(g, *shape), exact(normal(g, *shape).abs() + 0.125)


def with_shared_variances(kind: Kind) -> Kind:
    """Its batches, and those where the numbers of a row share one variance, in both documented shapes."""

    def batches(settings: Settings, g: torch.Generator) -> Iterator[Batch]:
        yield from kind.batches(settings, g)
        for shape in ((4, 3), (2, 3, 5)):
            mean, target, var = measurements(g, shape, settings)
            yield Batch((mean, target, var[..., :1]), _("one variance for a row, of length 1"))
            yield Batch((mean, target, var[..., 0]), _("one variance for a row, without its dimension"))

    return replace(kind, batches=batches)


def measurement_edges(settings: Settings) -> Iterator[tuple[str, tuple[Tensor, ...]]]:
    yield _("perfect predictions"), (row(1, 2, 3), row(1, 2, 3), row(1, 0.5, 2))
    yield _("a variance of 0"), (row(1, 2, 3), row(1, 2, 3.5), row(0, 1, 2))
    yield _("large and small variances"), (row(1, 2), row(3, 2.5), row(1024, 0.0009765625))


def chances(g: torch.Generator, shape: tuple[int, ...], settings: Settings) -> tuple[Tensor, ...]:
    return exact(normal(g, *shape).sigmoid()), torch.randint(2, shape, generator=g).double()


def chance_edges(settings: Settings) -> Iterator[tuple[str, tuple[Tensor, ...]]]:
    yield _("soft labels"), (row(0.25, 0.5, 0.75), row(0.25, 0.75, 0.5))
    yield _("probabilities of 0 and 1, right"), (row(0, 1, 0.5), row(0, 1, 1))
    yield _("probabilities of 0 and 1, wrong"), (row(0, 1, 0.5), row(1, 0, 1))
    yield _("probabilities near 0 and 1"), (row(2**-20, 1 - 2**-20, 2**-20), row(1, 0, 0))
    yield _("only positives"), (row(0.5, 0.25), row(1, 1))


def scores_and_labels(g: torch.Generator, shape: tuple[int, ...], settings: Settings) -> tuple[Tensor, ...]:
    return normal(g, *shape) * 2, torch.randint(2, shape, generator=g).double()


def score_edges(settings: Settings) -> Iterator[tuple[str, tuple[Tensor, ...]]]:
    yield _("soft labels"), (row(1, -1, 2), row(0.25, 0.75, 0.5))
    yield from answer_edges(settings)


def answer_edges(settings: Settings) -> Iterator[tuple[str, tuple[Tensor, ...]]]:
    yield _("logits of 0"), (row(0, 0, 1), row(0, 1, 1))
    yield _("large logits"), (row(40, -40, 100, -100), row(0, 1, 1, 0))
    yield _("huge logits"), (row(1000, -1000, 1000, -1000), row(0, 1, 1, 0))
    yield _("only negatives"), (row(0.5, -2), row(0, 0))


def signed(g: torch.Generator, shape: tuple[int, ...], settings: Settings) -> tuple[Tensor, ...]:
    return normal(g, *shape) * 2, 2.0 * torch.randint(2, shape, generator=g).double() - 1


def signed_edges(settings: Settings) -> Iterator[tuple[str, tuple[Tensor, ...]]]:
    margin = float(settings.get("margin", 1.0))
    yield _("scores of 0"), (row(0, 0, 1), row(1, -1, 1))
    yield _("scores at the margin"), (row(margin, margin, -margin), row(1, -1, -1))
    yield _("large scores"), (row(40, -40, 100, -100), row(1, 1, -1, -1))
    yield _("huge scores"), (row(1000, -1000, 1000, -1000), row(1, 1, -1, -1))
    yield _("one kind of label"), (row(0.5, 2), row(-1, -1))


def pairs(g: torch.Generator, shape: tuple[int, ...], settings: Settings) -> tuple[Tensor, ...]:
    return normal(g, *shape), normal(g, *shape), 2.0 * torch.randint(2, shape, generator=g).double() - 1


def pair_edges(settings: Settings) -> Iterator[tuple[str, tuple[Tensor, ...]]]:
    margin = float(settings.get("margin", 0.0))
    yield _("equal scores"), (row(1, 2, 3), row(1, 2, 0), row(1, -1, 1))
    yield _("scores at the margin"), (row(1 + margin, 2, 5), row(1, 2 + margin, 1), row(1, -1, -1))
    yield _("far apart"), (row(100, -100), row(-100, 100), row(1, 1))
