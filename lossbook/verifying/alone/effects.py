"""Checks of what has an effect: each argument, each setting, and which one a nearer prediction has."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from ...language import gettext as _
from ...tracing import body_of
from ..checks.check import Result, check, passed
from ..examination import Examination, NotApplicable
from ..subject.candidate import in_double
from ..subject.outcome import Answered, call
from .subject import answered, arguments, differs, first_answered, shuffled, steady, told, value_of

SHUFFLES = 3  #: how many times the numbers of an argument change places
SCORES = ("logit", "score", "pred", "output", "input")  #: words in the names of scores
TINY = 1e-3  #: a setting below only keeps a division or a root from 0


@check(lambda: _("each argument has an effect"), name="arguments")
@steady
def each_argument(examination: Examination) -> Result:
    idle = [a.name for a in arguments(examination) if _is_idle(examination, a.index)]
    if idle:
        says = _("{names} changes nothing: other numbers there give the same loss on every batch.")
        return told(says.format(names=", ".join(idle)))
    return passed()


def _is_idle(examination: Examination, index: int) -> bool:
    """True if the loss stays the same whatever stands in this argument; a single number is not judged.

    Nor is a batch without a gradient, such as one on which a hinge is shut.
    """
    seen = 0
    for batch, got in answered(examination):
        if not any(g is not None and bool((g != 0).any()) for g in got.gradients):
            continue
        tensor = batch.tensors[index]
        others = [shuffled(tensor, seed) for seed in range(SHUFFLES)]
        if tensor.is_floating_point():
            others.append(tensor * 0.75)
        for other in others:
            if torch.equal(other, tensor):
                continue
            moved = list(batch.tensors)
            moved[index] = other
            outcome = call(examination.loss, moved)
            if not isinstance(outcome, Answered) or not outcome.is_finite or differs(got.value, outcome.value, 1e-9):
                return False
            seen += 1
    return seen >= SHUFFLES


@check(lambda: _("parts that are never used"), name="unused")
@steady
def unused(examination: Examination) -> Result:
    """Steps at an end of a dimension that get no gradient in any batch: two and more, as after a double shift."""
    every = answered(examination)
    for k, index in enumerate(examination.wrt):
        gradients = [got.gradients[k] for _batch, got in every]
        used = [g for g in gradients if g is not None]
        if not used or len({g.shape for g in used}) > 1 or len(used) < 3:
            continue
        total = torch.stack([g.abs() for g in used]).sum(0)
        for dim in range(1, total.dim() - 1):
            per_step = total.movedim(dim, 0).flatten(1).sum(1)
            idle = _idle_at_the_end(per_step)
            if idle > 1:
                says = _("The last {n} steps along dimension {dim} of {name} get no gradient in any batch.")
                name = arguments(examination)[index].name
                return told(says.format(n=idle, dim=dim, name=name))
    if not every:
        raise NotApplicable(_("no batch on which it runs"))
    return passed()


def _idle_at_the_end(per_step: Tensor) -> int:
    used = per_step.nonzero().flatten()
    return 0 if not len(used) else len(per_step) - 1 - int(used[-1])


@check(lambda: _("each setting has an effect"), name="settings")
@steady
def each_setting(examination: Examination) -> Result:
    batch, got = first_answered(examination)
    tried, idle = 0, []
    for name, losses in _with_other_settings(examination):
        outcomes = [
            (mine.value, call(examination.around(loss), b.tensors))
            for loss in losses
            for b, mine in answered(examination)
        ]
        tried += 1
        if outcomes and all(isinstance(o, Answered) and not differs(mine, o.value, 1e-9) for mine, o in outcomes):
            idle.append(name)
    if idle:
        says = _("The setting {names} changes nothing: other numbers for it give the same loss on every batch.")
        return told(says.format(names=", ".join(idle)))
    if not tried:
        raise NotApplicable(_("it has none"))
    return passed()


def _with_other_settings(examination: Examination) -> Iterator[tuple[str, list[Any]]]:
    """Copies of the loss with another number for one of its settings."""
    loss = examination.candidate.original
    if inspect.isfunction(loss) and examination.candidate.adapter.call is None:
        for name, parameter in inspect.signature(loss).parameters.items():
            if _is_number(parameter.default):
                yield name, [_partial(loss, name, value) for value in _others(parameter.default)]
    if examination.candidate.module is None or examination.single:
        return
    read = getattr(getattr(body_of(loss), "__code__", None), "co_names", ())
    built = _arguments_of(examination, loss)
    for name, value in vars(loss).items():
        if not _is_number(value) or name == "ignore_index":
            continue
        if name in built:
            yield name, [in_double(type(loss)(**{**built, name: other})) for other in _others(value)]
        elif name in read:
            yield name, [_changed(examination, name, other) for other in _others(value)]


def _arguments_of(examination: Examination, loss: Any) -> dict[str, Any]:
    """What an object was built with, where that can be told: its attributes, if they build the same loss again."""
    if next(loss.parameters(), None) is not None:
        return {}
    try:
        names = list(inspect.signature(type(loss)).parameters)
        built = {name: getattr(loss, name) for name in names}
        again = in_double(type(loss)(**built))
    except Exception:  # some are kept under another name
        return {}
    batch, got = first_answered(examination)
    value = call(examination.around(again), batch.tensors)
    return built if isinstance(value, Answered) and not differs(got.value, value.value) else {}


def _changed(examination: Examination, name: str, value: float) -> Any:
    changed = copy.deepcopy(examination.candidate.module)
    setattr(changed, name, value)
    return changed


def _partial(loss: Any, name: str, value: float) -> Any:
    return lambda *args, **kwargs: loss(*args, **{**kwargs, name: value})


def _is_number(value: Any) -> bool:
    return isinstance(value, float) and abs(value) > TINY


def _others(value: float) -> list[float]:
    return [value * 0.5, value * 1.5, value * 3]


@check(lambda: _("a prediction nearer to the target"), name="toward")
@steady
def toward(examination: Examination) -> Result:
    """Moving the prediction toward the target should not raise the loss; told, as what the target is, is a guess."""
    grew = []
    for batch, got in answered(examination):
        if got.value.dim():
            continue
        for nearer in _nearer(examination, batch.tensors):
            value = value_of(examination, nearer)
            grew.append(value is not None and float(value) > float(got.value) + 1e-6 * max(1.0, abs(float(got.value))))
    if not grew:
        raise NotApplicable(_("no argument that is a target by its name"))
    if all(grew):
        return told(_("The loss grows on every batch where the predictions are moved to their targets."))
    return passed()


def _nearer(examination: Examination, tensors: Sequence[Tensor]) -> Iterator[tuple[Tensor, ...]]:
    """The batch with its prediction at the target; where the target holds 0 and 1, with scores far on its side too."""
    targets = [a.index for a in arguments(examination) if a.is_target]
    if len(targets) != 1 or len(examination.wrt) != 1 or targets[0] == examination.wrt[0]:
        return
    index = examination.wrt[0]
    prediction, target = tensors[index], tensors[targets[0]]
    nearer = []
    if target.is_floating_point() and target.shape == prediction.shape:
        are_answers = bool(((target == 0) | (target == 1)).all())
        if are_answers or not bool((target == target.round()).all()):  # neither counts nor labels of 1 and −1
            nearer.append(target.clone())
        if are_answers and bool((prediction < 0).any()):
            nearer.append(prediction + 5 * (2 * target - 1))
    elif _are_scores(examination, prediction, target):
        nearer.append(prediction + 5 * torch.nn.functional.one_hot(target, prediction.shape[1]))
    for moved in nearer:
        yield (*tensors[:index], moved, *tensors[index + 1 :])


def _are_scores(examination: Examination, prediction: Tensor, target: Tensor) -> bool:
    """True for one score a class, and class numbers; features of a loss with weights of its own are none."""
    if not examination.wrt:
        return False
    name = arguments(examination)[examination.wrt[0]].name.lower()
    owns = examination.candidate.module is not None and any(True for _ in examination.candidate.module.parameters())
    return (
        not owns
        and any(word in name for word in SCORES)
        and target.dtype is torch.int64
        and target.dim() == 1
        and prediction.dim() == 2
        and len(target) == len(prediction)
        and bool((prediction < 0).any())
        and int(target.min()) >= 0
        and int(target.max()) < prediction.shape[1]
    )


@check(lambda: _("not below 0 for class numbers"), name="negative")
def negative(examination: Examination) -> Result:
    """Minus the logarithm of a probability is not below 0; minus a probability is."""
    tried = 0
    for batch, got in answered(examination):
        labels = [t for t in batch.tensors if t.dtype is torch.int64 and t.dim()]
        if len(labels) != 1 or len(batch.tensors) != 2 or not _are_scores(examination, batch.tensors[0], labels[0]):
            continue
        tried += 1
        if bool((got.value < 0).all()):
            says = _("The loss is below 0. Minus the logarithm of a probability is not: is a logarithm missing?")
            return told(says, inputs=batch.tensors)
    if not tried:
        raise NotApplicable(_("no class numbers"))
    return passed()
