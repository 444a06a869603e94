"""Slips in what is made of the losses of all elements: sums, means, and what they divide by."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import torch
from torch import Tensor

from ...kit.batches.batch import Settings
from ...language import gettext as _
from ..subject.reference import Reference
from .slip import Loss, Slip

#: What is said, what is made of the losses and the loss's arguments, and the operations of such a line.
Way = tuple[str, Callable[[Tensor, Sequence[Tensor]], Tensor], tuple[str, ...]]


def of_reduction(reference: Reference, settings: Settings) -> Iterator[Slip]:
    if reference.name == "linear_cross_entropy":  # which has no losses to reduce
        return
    each = reference.bound({**settings, "reduction": "none"})[0]
    for ways in (_other_reductions(settings["reduction"]), _of_dimensions(), _of_counts()):
        for says, reduced, operations in ways:
            loss = partial(_reduced, each=each, reduced=reduced)
            yield Slip(says, loss, operations=operations)


def _reduced(*tensors: Tensor, each: Loss, reduced: Callable[[Tensor, Sequence[Tensor]], Tensor]) -> Tensor:
    return reduced(each(*tensors), tensors)


def _other_reductions(own: str) -> Iterator[Way]:
    if own != "sum":
        yield _("the sum instead of the mean: exactly N times too large"), lambda e, t: e.sum(), ("sum",)
    if own != "mean":
        yield _("the mean instead of the sum: exactly N times too small"), lambda e, t: e.mean(), ("mean",)
    if own != "none":
        yield _("no reduction: one loss for each element instead of one number"), lambda e, t: e, ()
    if own != "batchmean":
        yield (
            _("the sum divided by the batch size only, instead of by the number of all elements"),
            lambda e, t: e.sum() / e.shape[0],
            ("sum", "mean", "div"),
        )
    if own == "batchmean":
        yield (
            _("the mean over all elements, where the sum is to be divided by the batch size"),
            lambda e, t: e.mean(),
            ("mean",),
        )
    yield (
        _("the mean divides by the number of all inputs, N·C, instead of by the number of losses, N"),
        lambda e, t: e.sum() / t[0].numel(),
        ("mean", "div"),
    )
    yield (
        _("the sum is divided by the batch size N, not by the number of all targets"),
        lambda e, t: e.sum() / t[0].shape[0],
        ("sum", "div"),
    )


def _of_dimensions() -> Iterator[Way]:
    yield _("the mean goes over dimension 0 only"), lambda e, t: e.mean(0), ("mean",)
    yield _("the mean goes over the last dimension only"), lambda e, t: e.mean(-1), ("mean",)
    yield (
        _("the mean is divided by the batch size once more"),
        lambda e, t: e.mean() / t[0].shape[0],
        ("div", "mean"),
    )
    yield _("the median instead of the mean"), lambda e, t: e.median(), ("median",)
    yield _("the largest loss instead of the mean"), lambda e, t: e.max(), ("max", "amax")
    yield _("only the loss of the first sample counts"), lambda e, t: e[0].mean(), ()
    yield _("only the loss of the last sample counts"), lambda e, t: e[-1].mean(), ()
    yield (
        _("the mean divides by N − 1 instead of N"),
        lambda e, t: e.sum() / (e.numel() - 1),
        ("div", "var", "std"),
    )
    yield _("the norm of the losses instead of their mean"), lambda e, t: e.norm(), ("norm", "sqrt")


def of_parts(right: Loss) -> Iterator[Slip]:
    """The mean of the means of parts that are not equally large, whatever is left out in each."""
    operations = ("mean", "stack", "chunk", "split")

    of = partial(_of_means, right)
    for k in (2, 3, 4, 5, 8, 10, 16, 32, 64, 100, 128, 256, 512):
        says = _("the mean of the means of chunks of {k}, the last of which is smaller").format(k=k)
        yield Slip(says, of(lambda t, k: t.split(k), k), operations=operations)
    for k in (2, 3, 4):
        says = _("the mean of the means of {k} chunks, the last of which is smaller").format(k=k)
        yield Slip(says, of(lambda t, k: t.chunk(k), k), operations=operations)
    for k in (2, 3, 4):
        says = _("the mean of the means of {k} parts that are not equally large").format(k=k)
        yield Slip(says, of(_parts_of_samples, k), operations=operations)


def of_each_sample(right: Loss) -> Iterator[Slip]:
    """The same with parts of one sample."""
    says = _(
        "the mean of the samples' means, where one mean over all belongs: what is left of a sample with more left out weighs more"
    )
    yield Slip(says, _of_means(right, lambda t, k: t.split(k), 1), operations=("mean", "sum", "div"))


def _of_means(right: Loss, parts: Callable[[Tensor, int], Sequence[Tensor]], k: int) -> Loss:
    def loss(*tensors: Tensor) -> Tensor:
        n = len(tensors[0])
        cut = [parts(t, k) if len(t) == n else itertools.repeat(t) for t in tensors]  # weights are of all samples
        every = [*zip(*cut, strict=False)]
        if k > 1 and all(len(part[0]) <= 1 for part in every):
            raise ValueError  # single samples are no chunks: another batch has to tell
        means = torch.stack([right(*part) for part in every])
        return means[means.isfinite()].mean()  # a part of which all is left out has no mean

    return loss


def _parts_of_samples(tensor: Tensor, k: int) -> Sequence[Tensor]:
    return tensor.tensor_split([i * tensor.shape[0] // k for i in range(1, k)])


def _of_counts() -> Iterator[Way]:
    yield (
        _("the mean divides by the number of targets that are not 0"),
        lambda e, t: e.sum() / (t[-1] != 0).sum().clamp(min=1),
        ("sum", "div"),
    )
    yield (
        _("the mean goes over the losses above 0 only"),
        lambda e, t: e.sum() / (e > 0).sum().clamp(min=1),
        ("mean", "div"),
    )
