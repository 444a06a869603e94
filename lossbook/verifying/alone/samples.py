"""Checks of samples: their order and number, what a mask leaves out, ignored labels, mirrored pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from ...language import gettext as _
from ...report import tensor_text
from ..checks.check import Result, check, passed
from ..examination import Examination, NotApplicable
from ..subject.given import samples_of, with_samples
from .subject import MASKS, answered, arguments, differs, first_answered, reduction_of, steady, told, value_of

PADDING = 3  #: so many steps more


@check(lambda: _("independent of the order of the samples"), name="order")
@steady
def order(examination: Examination) -> Result:
    tried = 0
    for batch, got in answered(examination):
        n = samples_of(batch.tensors)
        if n < 3 or got.value.dim():
            continue
        tried += 1
        for shift in (1, n // 2):
            turned = with_samples(batch.tensors, n, torch.arange(n).roll(shift))
            value = value_of(examination, turned)
            if differs(got.value, value, examination.tolerance):
                says = _("The same samples in another order give a different loss.")
                return told(says, inputs=turned, got=tensor_text(value), wanted=tensor_text(got.value))  # type: ignore[arg-type]
    if not tried:
        raise NotApplicable(_("no batch of samples"))
    return passed()


@check(lambda: _("the batch twice: a mean or a sum"), name="reduction")
@steady
def reduction(examination: Examination) -> Result:
    """A mean over samples stays, a sum doubles; neither, where samples of a batch meet each other."""
    batch, got = first_answered(examination)
    n = samples_of(batch.tensors)
    if not n or got.value.dim():
        raise NotApplicable(_("no batch of samples"))
    twice = value_of(examination, with_samples(batch.tensors, n, torch.arange(n).repeat(2)))
    if twice is None or not bool(got.value):
        raise NotApplicable(_("it does not take the batch twice"))
    says = reduction_of(examination)
    is_mean = not differs(got.value, twice, 1e-5)
    is_sum = not differs(2 * got.value, twice, 1e-5)
    if says == "mean" and is_sum:
        return told(_("Its reduction is 'mean', and the same batch twice gives twice the loss."))
    if says == "sum" and is_mean:
        return told(_("Its reduction is 'sum', and the same batch twice gives the same loss."))
    if is_mean:
        return passed(_("a mean: the same"))
    return passed(_("a sum: twice as much") if is_sum else _("neither: samples meet each other"))


# ---- masks


@check(lambda: _("what the mask leaves out"), name="mask")
@steady
def mask(examination: Examination) -> Result:
    """Neither other numbers there nor more of them may change the loss."""
    tried = 0
    for index in _masks(examination):
        name = arguments(examination)[index].name
        for batch, got in answered(examination):
            outs = [out for out in (batch.tensors[index] == 0, batch.tensors[index] != 0) if bool(out.any())]
            changed = [_without_effect(examination, batch.tensors, index, out) for out in outs]
            if len(outs) < 2 or all(c is None for c in changed):
                continue
            tried += 1
            values = [value_of(examination, c) if c else None for c in changed]
            if all(differs(got.value, value) for value in values):
                says = _("Other numbers where {name} is 0 change the loss, and so do others where it is not.")
                return told(
                    says.format(name=name),
                    inputs=changed[0] or (),
                    got=tensor_text(values[0]),  # type: ignore[arg-type]
                    wanted=tensor_text(got.value),
                )
            if not differs(got.value, values[0]):
                padded = _padded(batch.tensors, index)
                value = value_of(examination, padded) if padded else None
                if differs(got.value, value, 1e-6):
                    says = (
                        _("More padding, where {name} is 0, changes the loss: what is left out is counted in a mean.")
                        if _is_thinned(got.value, value, batch.tensors[index])
                        else _("More padding, where {name} is 0, changes the loss: what is left out still counts.")
                    )
                    return told(
                        says.format(name=name),
                        inputs=padded or (),
                        got=tensor_text(value),  # type: ignore[arg-type]
                        wanted=tensor_text(got.value),
                    )
    if not tried:
        raise NotApplicable(_("no argument that is a mask by its name"))
    return passed()


def _is_thinned(before: Tensor, after: Tensor | None, mask: Tensor) -> bool:
    """True if the loss fell as a mean does that goes over more numbers of which these are 0."""
    length = mask.shape[1]
    return not differs(before * length, None if after is None else after * (length + PADDING), 1e-6)


def _masks(examination: Examination) -> Iterator[int]:
    """Arguments that are called a mask, and hold 0 and 1."""
    tensors = first_answered(examination)[0].tensors
    for argument in arguments(examination):
        values = tensors[argument.index]
        if len(tensors) == 2 and values.shape == tensors[1 - argument.index].shape and not _is_padding(values):
            continue  # a mask to be predicted
        if argument.is_one_of(MASKS) and not argument.is_target and bool(((values == 0) | (values == 1)).all()):
            yield argument.index


def _is_padding(mask: Tensor) -> bool:
    """True if each row is ones, then zeros."""
    return mask.dim() == 2 and bool((mask[:, 1:].double() <= mask[:, :-1].double()).all())


def _without_effect(
    examination: Examination, tensors: Sequence[Tensor], index: int, out: Tensor
) -> tuple[Tensor, ...] | None:
    """The batch with other predictions where the mask leaves them out: those of other places, so that they make sense."""
    moved, found = list(tensors), False
    for i in examination.wrt:
        fits = tensors[i].shape[: out.dim()] == out.shape
        squeezed = out.squeeze(1) if out.dim() > 2 and out.shape[1] == 1 else out
        if not fits and out.dim() == tensors[i].dim() and out.shape[1] == 1:  # a mask for all channels
            moved[i] = torch.where(out, tensors[i].flip(0), tensors[i])
        elif fits:
            place = squeezed if squeezed.shape == tensors[i].shape[: squeezed.dim()] else out
            other = tensors[i].roll(1, dims=place.dim() - 1)
            moved[i] = torch.where(
                place.reshape(*place.shape, *[1] * (tensors[i].dim() - place.dim())), other, tensors[i]
            )
        found = found or not torch.equal(moved[i].nan_to_num(7.5), tensors[i].nan_to_num(7.5))
    return tuple(moved) if found else None


def _padded(tensors: Sequence[Tensor], index: int) -> tuple[Tensor, ...] | None:
    """The batch with more steps in the second dimension, which the mask leaves out."""
    out = tensors[index]
    if out.dim() != 2:
        return None
    length = out.shape[1]
    longer = [_longer(t) if t.dim() > 1 and t.shape[:2] == out.shape else t for t in tensors]
    if any(t.dim() > 1 and t.shape[1] == length and t.shape[0] != out.shape[0] for t in tensors):
        return None
    longer[index] = torch.cat([out, torch.zeros_like(out[:, :1]).expand(-1, PADDING)], 1)
    return tuple(longer)


def _longer(tensor: Tensor) -> Tensor:
    return torch.cat([tensor, tensor[:, :1].expand(-1, PADDING, *tensor.shape[2:])], 1)


# ---- ignored labels


@check(lambda: _("ignored labels"), name="ignored")
@steady
def ignored(examination: Examination) -> Result:
    """Other scores where the label is to be ignored, and more such samples, may not change the loss."""
    tried = 0
    for batch, got in answered(examination):
        for scores, labels, number in _ignored(examination, batch.tensors):
            tried += 1
            moved = with_other_scores(batch.tensors, scores, batch.tensors[labels] == number)
            value = value_of(examination, moved)
            if differs(got.value, value):
                says = _("Other scores where the label is {number}, which is to be ignored, change the loss.")
                return told(
                    says.format(number=number),
                    inputs=moved,
                    got=tensor_text(value),  # type: ignore[arg-type]
                    wanted=tensor_text(got.value),
                )
            more = _with_more_ignored(batch.tensors, labels, number)
            value = value_of(examination, more) if more else None
            says = _(
                "More samples with the label {number} change the loss: what is to be ignored is counted in the mean."
            )
            if got.value.dim() == 0 and differs(got.value, value, 1e-6):
                return told(
                    says.format(number=number),
                    inputs=more or (),
                    got=tensor_text(value),  # type: ignore[arg-type]
                    wanted=tensor_text(got.value),
                )
    if not tried:
        raise NotApplicable(_("no label that is to be ignored"))
    return passed()


def _ignored(examination: Examination, tensors: Sequence[Tensor]) -> Iterator[tuple[int, int, int]]:
    """Scores, their labels, and the label that is to be ignored: a negative one, or what the loss calls so."""
    named = getattr(examination.candidate.original, "ignore_index", -100)
    for labels, y in enumerate(tensors):
        if y.is_floating_point() or y.dtype is torch.bool or not y.numel():
            continue
        numbers = {int(v) for v in y.unique().tolist() if v < 0 or v == named}
        for scores in examination.wrt:
            if are_of_classes(tensors[scores], y) and len(numbers) == 1 and len(y.unique()) > 1:
                yield scores, labels, numbers.pop()


def are_of_classes(scores: Tensor, labels: Tensor) -> bool:
    """True for scores with one dimension more than their labels: the classes, the second or the last."""
    shape = tuple(scores.shape)
    return scores.dim() == labels.dim() + 1 and tuple(labels.shape) in (shape[:-1], (shape[0], *shape[2:]))


def with_other_scores(tensors: Sequence[Tensor], scores: int, out: Tensor) -> list[Tensor]:
    """The batch with other scores in these places."""
    z = tensors[scores]
    classes = -1 if z.shape[:-1] == out.shape else 1
    moved = list(tensors)
    moved[scores] = torch.where(out.unsqueeze(classes), z.flip(classes) * 0.5 + 0.25, z)
    return moved


def _with_more_ignored(tensors: Sequence[Tensor], labels: int, number: int) -> tuple[Tensor, ...] | None:
    """The batch with a copy of it whose labels are all ignored."""
    n = samples_of(tensors)
    if not n:
        return None
    doubled = list(with_samples(tensors, n, torch.arange(n).repeat(2)))
    y = doubled[labels].clone()
    y[n:] = number
    doubled[labels] = y
    return tuple(doubled)


# ---- pictures


@check(lambda: _("mirrored pictures"), name="mirrored")
@steady
def mirrored(examination: Examination) -> Result:
    """Scores (N, C, H, W) with labels (N, H, W): a view without permute mixes classes and places."""
    tried = 0
    for batch, got in answered(examination):
        pictures = [t for t in batch.tensors if t.dim() >= 3]
        if (
            max((t.dim() for t in pictures), default=0) < 4
            or len({t.shape[-2:] for t in pictures}) > 1
            or got.value.dim()
        ):
            continue
        if not any(t.dtype is torch.int64 for t in pictures) or any(
            t.dim() < 3 and t.dim() and t.shape[-1] == pictures[0].shape[-1] for t in batch.tensors
        ):
            continue
        for axis in (-1, -2):
            tried += 1
            turned = tuple(t.flip(axis) if t.dim() >= 3 else t for t in batch.tensors)
            value = value_of(examination, turned)
            if differs(got.value, value, 1e-6):
                says = _(
                    "The same pictures mirrored, scores and labels alike, give a different loss. A view or reshape "
                    "without permute mixes classes and places."
                )
                return told(says, inputs=turned, got=tensor_text(value), wanted=tensor_text(got.value))  # type: ignore[arg-type]
    if not tried:
        raise NotApplicable(_("no pictures"))
    return passed()
