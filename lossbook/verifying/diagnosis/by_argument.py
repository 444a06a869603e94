"""Finds arguments without effect, and what a mask leaves out that has one."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from ...language import gettext as _
from ...tracing import body_of
from ..compare import Sample, close
from ..examination import Examination
from ..repairs import Calls
from ..subject.arguments import placed
from ..subject.given import samples_of, with_samples
from ..subject.outcome import Answered, call
from .diagnosis import Diagnosis

CUSTOM = "guide/custom-losses"
MOST_COLUMNS = 8  #: of an argument that are looked at
Others = Callable[[Tensor], Iterator[Tensor]]  #: from what an argument holds to what it may hold as well
SAME = 1e-12  #: what two results may differ by that are the same


def by_idle(examination: Examination, samples: Sequence[Sample], loss: Callable) -> Diagnosis | None:
    """Arguments that change the right loss and not this one."""
    right = examination.standard.losses[0]
    names = argument_names(examination, len(samples[0].batch.tensors))
    samples = _alike(samples)
    idle = [i for i in range(len(samples[0].batch.tensors)) if _is_idle(loss, right, samples, i, _others)]
    if not idle or len(idle) == len(samples[0].batch.tensors):
        return None  # it changes with nothing, which others tell better
    says = (
        _("{names} changes nothing: it is not used, or what is made of it is overwritten")
        if len(idle) == 1
        else _("{names} change nothing: they are not used, or what is made of them is overwritten")
    )
    if len(idle) == 1 and _is_used(loss, samples[0].batch.tensors, idle[0]):
        says = _("{names} changes nothing, though it is used: what is made of it is overwritten, or cancels")
    return Diagnosis(says.format(names=", ".join(placed(names, i) for i in idle)), page=CUSTOM)


def _is_used(loss: Callable, tensors: Sequence[Tensor], i: int) -> bool:
    """Whether an argument goes into a call of torch."""
    own = [t.clone() for t in tensors]
    with Calls(own) as calls:
        call(lambda: loss(*own), ())
    return any(leaf is own[i] for c in calls.first.values() for leaf in tree_leaves((c.args, c.kwargs)))


def by_idle_part(examination: Examination, samples: Sequence[Sample], loss: Callable) -> Diagnosis | None:
    """Columns of an argument that change the right loss and not this one."""
    right = examination.standard.losses[0]
    names = argument_names(examination, len(samples[0].batch.tensors))
    samples = _alike(samples)
    for i, t in enumerate(samples[0].batch.tensors):
        if not t.is_floating_point() or t.dim() < 2 or not 1 < t.shape[-1] <= MOST_COLUMNS:
            continue
        columns = range(t.shape[-1])
        # Where no column changes the loss, as that of boxes that do not meet, it says nothing of any of them.
        telling = [
            s for s in samples if any(not _is_still(loss, s, i, partial(_other_column, column=k)) for k in columns)
        ]
        idle = [k for k in columns if _is_idle(loss, right, telling, i, partial(_other_column, column=k))]
        if idle and len(idle) < t.shape[-1] and not _has_slope(examination, samples, i, idle):
            says = _("of {name} only a part counts: index {idle} of the last dimension changes nothing")
            return Diagnosis(says.format(name=placed(names, i), idle=", ".join(map(str, idle))), page=CUSTOM)
    return None


def by_mixing(examination: Examination, samples: Sequence[Sample], loss: Callable) -> Diagnosis | None:
    """Samples that are right one by one, and wrong together, where those of the right loss do not meet."""
    right, seen = examination.standard.losses[0], 0
    for sample in _alike(samples):
        n = samples_of(sample.batch.tensors)
        if n < 2 or sample.got.value.dim() or sample.batch.edge:
            continue
        singles = [with_samples(sample.batch.tensors, n, torch.tensor([k])) for k in range(n)]
        pairs = [(call(loss, one), call(right, one)) for one in singles]
        values = [(a.value, b.value) for a, b in pairs if isinstance(a, Answered) and isinstance(b, Answered)]
        if len(values) < n or not all(_same(a, b) for a, b in values):
            return None
        total = torch.stack([b for _a, b in values]).sum()
        if not _same(total, sample.best.value) and not _same(total / n, sample.best.value):
            return None
        seen += not _same(sample.got.value, sample.best.value)
    if not seen:
        return None
    says = _(
        "each sample by itself is right, together they are not: samples of a batch meet that should not, as where a "
        "broadcast, a view, a flatten or a mean goes over the batch too"
    )
    return Diagnosis(says, operations=("view", "reshape", "flatten", "matmul"), page=CUSTOM)


def by_mask(examination: Examination, samples: Sequence[Sample], loss: Callable) -> Diagnosis | None:
    """What a mask leaves out, that changes this loss and not the right one."""
    right = examination.standard.losses[0]
    names = argument_names(examination, len(samples[0].batch.tensors))
    samples = _alike(samples)
    for i, j, mask in _masked(samples[0].batch.tensors):
        if _is_blind(right, samples, i, mask) and not _is_blind(loss, samples, i, mask):
            says = _("what {mask} leaves out of {name} changes the loss, and should not")
            return Diagnosis(says.format(mask=placed(names, j), name=placed(names, i)), page=CUSTOM)
    return None


def _alike(samples: Sequence[Sample]) -> list[Sample]:
    """Those that are built as the first: some may lack the mask."""
    form = [t.dim() for t in samples[0].batch.tensors]
    return [s for s in samples if [t.dim() for t in s.batch.tensors] == form]


def argument_names(examination: Examination, n: int) -> list[str]:
    """The names of the arguments as the loss has them; none where it has fewer than it is called with."""
    try:
        parameters = list(inspect.signature(body_of(examination.candidate.original)).parameters)
    except (TypeError, ValueError):
        return []
    adapter, given = examination.candidate.adapter, examination.reference.given
    if adapter.call is not None or (given is not None and not given.layout.is_plain):
        return []  # called otherwise than with these tensors in a row
    own = [name for name in parameters if name != "self"]
    return own[:n] if len(own) >= n else []


def _is_idle(loss: Callable, right: Callable, samples: Sequence[Sample], i: int, others: Others) -> bool:
    """True if other values of argument i change the right loss, and never this one."""
    changed = False
    for sample in samples:
        for other in others(sample.batch.tensors[i]):
            tensors = [other if k == i else t for k, t in enumerate(sample.batch.tensors)]
            mine, theirs = call(loss, tensors), call(right, tensors)
            if not isinstance(mine, Answered) or not isinstance(theirs, Answered):
                continue
            if not _same(mine.value, sample.got.value):
                return False
            changed = changed or not _same(theirs.value, sample.best.value)
    return changed


def _is_still(loss: Callable, sample: Sample, i: int, others: Others) -> bool:
    """True if none of these values of argument i changes the loss."""
    for other in others(sample.batch.tensors[i]):
        got = call(loss, [other if k == i else t for k, t in enumerate(sample.batch.tensors)])
        if isinstance(got, Answered) and not _same(got.value, sample.got.value):
            return False
    return True


def _has_slope(examination: Examination, samples: Sequence[Sample], i: int, columns: Sequence[int]) -> bool:
    """True if the gradient of one of these columns is not 0 on every batch."""
    if i not in examination.wrt:
        return False
    slopes = [s.got.gradients[examination.wrt.index(i)] for s in samples]
    return any(g is not None and bool(g[..., list(columns)].any()) for g in slopes)


def _same(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and close(one.nan_to_num(7.5), other.nan_to_num(7.5), SAME)


def _other_column(tensor: Tensor, column: int) -> Iterator[Tensor]:
    """The tensor with other values in one column, if it has so many."""
    if column < tensor.shape[-1]:
        for change in (lambda x: x * 0.5 + 0.25, lambda x: x * 1.01 + 0.01, lambda x: x * 0.99 - 0.01):
            other = tensor.clone()
            other[..., column] = change(other[..., column])
            yield other


def _others(tensor: Tensor) -> Iterator[Tensor]:
    """Other values that a tensor of this kind may hold: its own in another order, and masks turned round."""
    for dim in range(tensor.dim()):
        if tensor.shape[dim] > 1:
            yield tensor.roll(1, dim)
    if tensor.dtype is torch.bool:
        yield ~tensor
    elif tensor.is_floating_point() and bool(((tensor == 0) | (tensor == 1)).all()):
        yield 1 - tensor
    elif tensor.is_floating_point():
        yield tensor * 0.5


def _masked(tensors: Sequence[Tensor]) -> Iterator[tuple[int, int, Callable[[Sequence[Tensor]], Tensor]]]:
    """Which argument a mask, or labels below 0, may leave a part out of; and what it leaves out."""
    for i, t in enumerate(tensors):
        if not t.is_floating_point() or t.dim() == 0:
            continue
        for j, m in enumerate(tensors):
            if j == i or m.dim() == 0 or m.shape != t.shape[: m.dim()]:
                continue
            if m.dtype is torch.bool or bool(((m == 0) | (m == 1)).all()):
                yield i, j, partial(lambda j, every: every[j] == 0, j)
            elif not m.is_floating_point() and bool((m < 0).any()):
                yield i, j, partial(lambda j, every: every[j] < 0, j)


def _is_blind(loss: Callable, samples: Sequence[Sample], i: int, mask: Callable) -> bool:
    """True if a loss does not see what a mask leaves out of argument i."""
    seen = 0
    for sample in samples:
        out = mask(sample.batch.tensors)
        if not bool(out.any()) or bool(out.all()) or out.shape != sample.batch.tensors[i].shape[: out.dim()]:
            continue
        tensors = list(sample.batch.tensors)
        tensors[i] = tensors[i].clone()
        tensors[i][out] = tensors[i][out] * 0.5 + 0.25
        before, after = call(loss, sample.batch.tensors), call(loss, tensors)
        if not isinstance(before, Answered) or not isinstance(after, Answered):
            return False
        if not _same(before.value, after.value):
            return False
        seen += 1
    return seen > 0
