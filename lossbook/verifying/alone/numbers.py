"""Checks of the number that comes, and of its gradient."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from ...kit.batches.batch import Batch
from ...kit.precision import cast
from ...language import gettext as _
from ...report import tensor_text
from ..checks.check import Result, check, passed
from ..checks.findings import place
from ..checks.precision import _loss_in
from ..diagnosis.operations import graph_of
from ..diagnosis.source import line_of_error
from ..examination import Examination, NotApplicable
from ..subject.adapter import described
from ..subject.arguments import Argument
from ..subject.given import far_away
from ..subject.outcome import Answered, Failed, NoTensor, call
from ..subject.state import TakesTooLong
from .lines import (
    first_infinite,
    is_detached_on_purpose,
    line_left,
    line_of_cut,
    line_of_operation,
    operations_of,
    where_cut,
    why_infinite,
)
from .samples import are_of_classes, with_other_scores
from .subject import (
    MASKS,
    answered,
    arguments,
    as_given,
    broken_gradients,
    certain,
    differs,
    first_answered,
    given_of,
    reduction_of,
    told,
    value_of,
)

LOGARITHMS = ("log", "log2", "log10")
STEPS = (1e-4, 2e-5)  #: how far to go for a measured slope; both must agree
LARGEST = {torch.float32: 1e30, torch.float16: 3e4}  #: a number beyond lies outside of the dtype, or nearly so


@check(lambda: _("answers"))
def answers(examination: Examination) -> Result:
    """The loss can be called, and gives numbers."""
    trials = as_given(examination)
    for trial in trials:
        got = trial.got
        if isinstance(got, Failed) and isinstance(got.error, TakesTooLong):
            return certain(_("The loss does not return: the call took too long."))
        if isinstance(got, Failed):
            said = f"{type(got.error).__name__}: {got.error}".splitlines()[0]
            says = _("The loss raises an error on a batch that was given: {said}").format(said=said)
            return certain(says, inputs=trial.batch.tensors, line=line_of_error(examination.candidate, got.error))
        if got.printed:
            return certain(_("The loss prints something each time it is called."), inputs=trial.batch.tensors)
        if isinstance(got, NoTensor):
            return certain(_no_tensor(examination, trial.batch))
        if not got.value.is_floating_point():
            says = _("The loss has the dtype {dtype}. No gradient can flow through such numbers.")
            return certain(says.format(dtype=str(got.value.dtype).removeprefix("torch.")))
    return passed(_("{n} batches").format(n=len(trials)))


def _no_tensor(examination: Examination, batch: Batch) -> str:
    """Say what came, and which part of it may be the loss."""
    results: list[object] = []
    call(lambda *tensors: results.append(examination.loss(*tensors)), batch.tensors)
    if not results or not any(isinstance(leaf, Tensor) for leaf in tree_leaves(results)):
        return _("The loss returns no tensor, so no gradient can flow back.")
    says = _("The loss returns {result}. Say which part is the loss, as pick=0 or pick={name}.")
    return says.format(result=described(results[0]), name='"loss"')


@check(lambda: _("one number"), name="shape")
def shape(examination: Examination) -> Result:
    """A scalar, or what its reduction says."""
    batch, got = first_answered(examination)
    reduction = reduction_of(examination)
    if not got.value.dim() or got.value.numel() == 1:
        if reduction == "none" and max(t.numel() for t in batch.tensors) > 1:
            return certain(_("Its reduction is 'none', but one number comes back."), inputs=batch.tensors)
        return passed()
    size = tuple(got.value.shape)
    if reduction in ("mean", "sum", "batchmean"):
        says = _("Its reduction is {reduction!r}, but a tensor of shape {shape} comes back.")
        return certain(says.format(reduction=reduction, shape=size), inputs=batch.tensors)
    if reduction == "none":
        return passed(_("a tensor of shape {shape}").format(shape=size))
    return told(_("A tensor of shape {shape} comes back, not one number: .backward() needs one.").format(shape=size))


@check(lambda: _("finite value and gradient"), name="finite")
def finite(examination: Examination) -> Result:
    for trial in as_given(examination):
        got = trial.got
        if not isinstance(got, Answered):
            continue
        if not got.is_finite:
            says = _("The value is not finite on a batch that was given.")
        elif broken_gradients(examination, got):
            says = _("The value is finite, its gradient is NaN or infinite, on a batch that was given.")
        elif got.backward_error is not None:
            error = got.backward_error
            said = f"{type(error).__name__}: {error}".splitlines()[0]
            says = _("The backward pass raises an error: {said}").format(said=said)
        else:
            continue
        why = why_infinite(examination, examination.loss, trial.batch)
        return certain(says, inputs=trial.batch.tensors, got=tensor_text(got.value), wanted=_("finite numbers"), **why)
    first_answered(examination)
    return passed()


@check(lambda: _("gradient reaches the prediction"), name="reaches")
def reaches(examination: Examination) -> Result:
    known = arguments(examination)
    floats = [a for a in known if a.reached and not a.is_target]
    if not floats:
        raise NotApplicable(_("no prediction among the inputs that could have a gradient"))
    every = answered(examination)
    if not every:
        raise NotApplicable(_("no batch on which it runs"))
    indices = [a.index for a in floats]
    got = [call(examination.loss, batch.tensors, indices) for batch, _got in every]
    known_gradients = [o.gradients for o in got if isinstance(o, Answered) and o.backward_error is None]
    batch = every[0][0]
    if all(g is None for gradients in known_gradients for g in gradients):
        says = _("No gradient reaches the prediction, so nothing can be learned.")
        return certain(says, inputs=batch.tensors, **where_cut(examination, batch))
    if all(g is None or bool((g == 0).all()) for gradients in known_gradients for g in gradients):
        return told(_("The gradient is 0 on every batch."), **where_cut(examination, batch))
    if all(gradients[0] is None for gradients in known_gradients):
        says = _("No gradient reaches {name}, though it reaches other arguments.")
        return told(says.format(name=floats[0].name), **where_cut(examination, batch))
    return _through_python(examination, batch, floats, known_gradients) or passed()


def _through_python(
    examination: Examination, batch: Batch, floats: Sequence[Argument], gradients: Sequence[Sequence[Tensor | None]]
) -> Result | None:
    """Further predictions that change the loss, but only as numbers of Python: no gradient can reach them."""
    cut = [a for k, a in enumerate(floats) if a.index in examination.wrt and all(g[k] is None for g in gradients)]
    line = line_left(examination, batch) if cut else ""
    if not line:
        return None
    here = value_of(examination, batch.tensors)
    moved = {a.name: [t * 0.75 if i == a.index else t for i, t in enumerate(batch.tensors)] for a in cut}
    names = [name for name, m in moved.items() if here is not None and differs(here, value_of(examination, m))]
    if not names:
        return None
    says = _("No gradient reaches {names}, though the loss changes with it: float(…) and .item() leave none.")
    return told(says.format(names=", ".join(names)), line=line)


@check(lambda: _("gradient against measured slopes"), name="slopes")
def slopes(examination: Examination) -> Result:
    """Goes a small step to both sides, in float64."""
    if examination.single:
        raise NotApplicable(_("it computes in float32"))
    tried = 0
    for batch, got in answered(examination)[:2]:
        for argument in arguments(examination):
            if not argument.reached or argument.is_target:
                continue
            pairs = list(_measured(examination, batch, argument.index))
            tried += len(pairs)
            if pairs and all(abs(had - is_so) > 1e-3 * max(abs(is_so), abs(had), 1e-3) for had, is_so in pairs):
                return _other_slope(examination, batch, got, argument.name, *pairs[0])
    if not tried:
        raise NotApplicable(_("no slope could be measured"))
    return passed()


def _measured(examination: Examination, batch: Batch, index: int) -> Iterator[tuple[float, float]]:
    """The slope by the gradient and the one that was measured, in some directions; none where the loss has a kink."""
    here = call(examination.loss, batch.tensors, (index,))
    if not isinstance(here, Answered) or here.gradients[0] is None:
        return
    gradient, point = here.gradients[0], batch.tensors[index]
    g = torch.Generator().manual_seed(7)
    for _direction in range(3):
        way = torch.randn(point.shape, generator=g).double()
        measured = [_slope(examination, batch, index, way, step) for step in STEPS]
        if all(m is not None for m in measured):
            one, other = (float(m) for m in measured if m is not None)
            if abs(one - other) <= 1e-4 * max(abs(one), 1e-3):
                yield float((gradient * way).sum()), other


def _slope(examination: Examination, batch: Batch, index: int, way: Tensor, step: float) -> float | None:
    values = []
    for side in (step, -step):
        moved = list(batch.tensors)
        moved[index] = moved[index] + side * way
        got = call(examination.loss, moved)
        if not isinstance(got, Answered) or not got.is_finite:
            return None
        values.append(_weighted(got.value))
    return (values[0] - values[1]) / (2 * step)


def _weighted(value: Tensor) -> float:
    """The sum that the gradients of `call` are of."""
    if value.numel() == 1:
        return float(value.double().sum())
    return float((value.double() * torch.linspace(0.5, 1.5, value.numel()).reshape(value.shape)).sum())


def _other_slope(
    examination: Examination, batch: Batch, got: Answered, name: str, had: float, measured: float
) -> Result:
    by_hand = any(type(node).__name__.endswith("Backward") for node in graph_of(got.result))
    if by_hand and measured:
        says = _("The backward pass that was written by hand does not belong to the forward pass ({name}).")
        return certain(says.format(name=name), inputs=batch.tensors, got=f"{had:.4g}", wanted=f"{measured:.4g}")
    if is_detached_on_purpose(examination, batch):
        return passed(_("not the slope of the value: a part is detached"))
    says = _("The gradient for {name} is not the slope of the value: a part of the graph is cut, or has no slope.")
    return told(says.format(name=name), line=line_of_cut(examination, batch))


@check(lambda: _("values where losses break"), name="edges")
def edges(examination: Examination) -> Result:
    """One sample, perfect predictions, scores times 10 and 100: told, as the loss may not be meant for them."""
    first_answered(examination)
    trials = [
        t
        for t in examination.trials
        if (t.batch.edge or t.batch.form == _("one sample")) and not _leaves_all_out(examination, t.batch)
    ]
    for trial in trials:
        got = trial.got
        if not isinstance(got, Answered):
            continue
        where = place(trial.batch)
        if got.is_finite and not broken_gradients(examination, got):
            continue
        says = (
            _("The value is finite, its gradient is not ({where})."),
            _("The loss is not finite ({where})."),
        )[not got.is_finite].format(where=where)
        return told(says, inputs=trial.batch.tensors, **why_infinite(examination, examination.loss, trial.batch))
    return _logarithm_of_nought(examination) or passed(_("{n} batches").format(n=len(trials)))


def _logarithm_of_nought(examination: Examination) -> Result | None:
    """The logarithm of a sigmoid or softmax that comes out as 0 where scores lie far apart, as they may at any time."""
    for i in examination.wrt[:1]:
        for batch in far_away(given_of(examination).batches, i):
            got = examination.run(batch)
            if isinstance(got, Answered) and not got.is_finite:
                seen, _given = operations_of(examination, examination.loss, batch)
                first = first_infinite(seen)
                if first and first.name in LOGARITHMS and not bool((first.inputs[0] < 0).any()):
                    says = _(
                        "The logarithm of 0 ({where}): what goes into it underflows. Use logsigmoid, log_softmax or "
                        "softplus of the scores."
                    ).format(where=batch.name)
                    return told(says, inputs=batch.tensors, line=line_of_operation(first))
    return None


def _leaves_all_out(examination: Examination, batch: Batch) -> bool:
    """True for a batch without a sample that counts: the mean of nothing is NaN in torch too."""
    for argument in arguments(examination):
        tensor = batch.tensors[argument.index]
        if argument.is_one_of(MASKS) and len(tensor.unique()) == 1:
            return True
        if (
            tensor.dtype is torch.int64
            and len(tensor.unique()) == 1
            and _is_ignored(examination, argument.index, tensor)
        ):
            return True
    return False


def _is_ignored(examination: Examination, index: int, labels: Tensor) -> bool:
    """True if the scores make no difference where the label is this one, so that such samples do not count."""
    batch, got = first_answered(examination)
    out = batch.tensors[index] == labels.flatten()[0]
    scores = [i for i in examination.wrt if are_of_classes(batch.tensors[i], labels)]
    return bool(scores) and not any(
        differs(got.value, value_of(examination, with_other_scores(batch.tensors, i, out))) for i in scores
    )


@check(lambda: _("float32"), name="float32")
def float32(examination: Examination) -> Result:
    return _in(examination, torch.float32, examination.trials)


@check(lambda: _("float16"), name="half")
def half(examination: Examination) -> Result:
    return _in(examination, torch.float16, as_given(examination))


def _in(examination: Examination, dtype: torch.dtype, trials: list) -> Result:
    """In this dtype it must be finite where the exact value and its slopes fit into the dtype."""
    loss, ran, name = _loss_in(examination, dtype), 0, str(dtype).removeprefix("torch.")
    given = [t.batch for t in as_given(examination)]
    for trial in trials:
        exact = trial.got
        if not isinstance(exact, Answered) or not _fits(exact, trial.batch, LARGEST[dtype]):
            continue
        tensors = tuple(cast(t, dtype) for t in trial.batch.tensors)
        got = call(loss, tensors, examination.wrt)
        if not isinstance(got, Answered) or got.backward_error is not None:
            continue
        ran += 1
        if got.is_finite and not broken_gradients(examination, got):
            continue
        where = place(trial.batch)
        says = _("In {dtype} the loss or its gradient is not finite ({where}), in float64 it is.")
        shown = {
            "inputs": tensors,
            "got": tensor_text(got.value),
            "wanted": tensor_text(exact.value),
            **why_infinite(examination, loss, trial.batch, dtype),
        }
        is_certain = dtype is torch.float32 and any(trial.batch is batch for batch in given)
        return (certain if is_certain else told)(says.format(dtype=name, where=where), **shown)
    if not ran:
        raise NotApplicable(_("it does not run in {dtype}").format(dtype=name))
    return passed()


def _fits(exact: Answered, batch: Batch, largest: float) -> bool:
    """True if inputs, value and slopes are numbers that the dtype holds."""
    numbers = [
        exact.value,
        *(g for g in exact.gradients if g is not None),
        *(t for t in batch.tensors if t.is_floating_point()),
    ]
    return all(bool(n.isfinite().all()) and (not n.numel() or float(n.abs().max()) < largest) for n in numbers)
