"""The gradients of every argument, where a person's own right loss says what these are."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ...kit.batches.batch import Batch
from ...language import gettext as _
from ...report import Finding, tensor_text
from ...tracing import Operations
from ..compare import Sample, close, is_subgradient
from ..diagnosis.by_manner import is_written_by_hand
from ..diagnosis.by_repair import gradient_repair
from ..diagnosis.diagnosis import Diagnosis
from ..examination import Examination, NotApplicable
from ..smallest import smallest
from ..subject.arguments import Argument, arguments_of, named, parameters_of, placed
from ..subject.outcome import Answered, call
from ..subject.state import quiet
from .check import Result, check, failed, passed
from .findings import CUSTOM, finding

#: Words in the names of arguments that many hold constant, though a right loss may give them a gradient by accident.
HELD = (
    "target", "ref", "reference", "old", "next", "teacher", "advantage", "advantages", "momentum", "ema", "baseline",
    "prior", "frozen",
)  # fmt: skip
#: Names of what is never trained: whatever gradient arrives there goes nowhere.
DATA = {
    "target", "targets", "label", "labels", "y", "t", "y_true", "true", "truth", "gt", "ground_truth", "x", "real",
    "wanted", "desired", "expected", "goal", "actual", "observed", "clean", "original", "reference", "mask", "masks",
    "valid", "reward", "rewards", "returns", "margin", "margins",
}  # fmt: skip
STEPS = (1e-4, 5e-5)  #: how far to go for the slope of the right loss's value
CUT = ("detach", "detach_", "data", "item", "tolist", "numpy", "no_grad", "tensor")
BATCHES = 3  #: on so many the gradients are compared


@dataclass(frozen=True)
class Slopes:
    """The gradient of one argument on one batch, of the loss and of the right one; zeros where none arrived."""

    mine: Tensor
    right: Tensor
    result: Tensor  #: of the loss, with its graph


@check(lambda: _("gradients of the other arguments"))
def other_gradients(examination: Examination) -> Result:
    """Each argument gets the gradient that the right loss gives it."""
    reference = examination.reference
    if reference.given is None or reference.entry is not None:
        raise NotApplicable(_("the catalogue says which arguments are predictions"))
    trials = [t for t in examination.ordinary() if t.sample and t.batch.form == _("inputs")]
    samples = [t.sample for t in trials if t.sample][:BATCHES]
    if not samples or any(examination.fault(t) for t in trials):
        raise NotApplicable(_("the value is not right there"))
    compared = []
    for argument, allowed in _arguments(examination, samples[0].batch):
        for sample in samples:
            fault = _fault(examination, argument.index, sample.batch)
            if fault is not None and fault not in allowed:
                return failed(_told(examination, argument, fault, samples, sample))
        compared.append(argument.name)
    if not compared:
        raise NotApplicable(_("no gradient"))
    return passed(", ".join(compared))


MISSING, ADDED, OTHER, BY_HAND = "missing", "added", "other", "by hand"  #: what may be wrong with a gradient


def _arguments(examination: Examination, batch: Batch) -> list[tuple[Argument, set[str]]]:
    """The arguments that a gradient may reach, each with the faults that are none there, by its name in either loss."""
    given, reference = examination.reference.given, examination.reference
    assert given is not None
    own = arguments_of(examination.candidate, given.layout)
    theirs = named(parameters_of(reference.module or reference.losses[0]), given.layout)
    found = []
    for both in zip(own, theirs, strict=True) if len(own) == len(batch.tensors) else ():
        argument, tensor = both[0], batch.tensors[both[0].index]
        if not argument.reached or bool((tensor == tensor.round()).all()):
            continue  # what counts or marks something means nothing if it is moved a little
        allowed: set[str] = set()
        if _is_held(examination, argument, batch):
            allowed = {MISSING, OTHER}
        elif any(one.name in DATA or one.is_one_of(("weight", "weights")) and _pairs(batch, one) for one in both):
            allowed = {MISSING, ADDED, OTHER}
        elif any(one.is_one_of(HELD) for one in both) or not any(one.is_named for one in both):
            allowed = {MISSING, OTHER}
        found.append((argument, allowed))
    return found


def _is_held(examination: Examination, argument: Argument, batch: Batch) -> bool:
    """True for a target that the right loss detaches: a person who does that has one in mind that a network makes."""
    if argument.name not in ("target", "targets"):
        return False
    tensors = [t.clone().requires_grad_() if i == argument.index else t for i, t in enumerate(batch.tensors)]
    with Operations(None) as operations, quiet(), contextlib.suppress(Exception):
        examination.standard.losses[0](*tensors)
    return any(o.cut and o.name in ("detach", "detach_", "data") for o in operations.seen)


def _pairs(batch: Batch, argument: Argument) -> bool:
    """True for an argument with as many numbers as a prediction has, or samples: it weighs them, and is no layer."""
    shape, first = batch.tensors[argument.index].shape, batch.tensors[0].shape
    return shape == first[: len(shape)]


def _slopes(examination: Examination, loss: Callable, i: int, batch: Batch) -> Slopes | None:
    """None where one of the two losses does not take a gradient there, or has none that is finite."""
    wrt = tuple(sorted({*examination.wrt, i}))
    found: list[Tensor] = []
    results: list[Tensor] = []
    for one in (loss, examination.standard.losses[0]):
        got = call(one, batch.tensors, wrt)
        if not isinstance(got, Answered) or got.backward_error is not None or not got.is_finite:
            return None
        slope = got.gradients[wrt.index(i)]
        found.append(torch.zeros_like(batch.tensors[i]) if slope is None else slope)
        results.append(got.result)
    return Slopes(found[0], found[1], results[0]) if all(bool(slope.isfinite().all()) for slope in found) else None


def _fault(examination: Examination, i: int, batch: Batch) -> str | None:
    """What is wrong with the gradient of argument i."""
    slopes, right = _slopes(examination, examination.loss, i, batch), examination.standard.losses[0]
    tolerance = 10 * examination.tolerance
    if slopes is None or close(slopes.mine, slopes.right, tolerance, steep=True):
        return None
    if is_subgradient(slopes.mine, [slopes.right], batch, right, i, tolerance):
        return None
    if bool((slopes.mine == 0).all()):
        return MISSING
    if bool((slopes.right == 0).all()):
        # Where the right loss jumps, as from label to label, it has no slope that it could have cut off.
        return ADDED if _moves(right, batch, i) else None
    return BY_HAND if is_written_by_hand(slopes.result) else OTHER


def _moves(right: Callable, batch: Batch, i: int) -> bool:
    """True if the value of the right loss goes with argument i, and does not jump: its gradient was cut off."""
    way = torch.randn(batch.tensors[i].shape, generator=torch.Generator().manual_seed(0)).double()
    slopes = []
    for step in STEPS:
        ends = []
        for side in (step, -step):
            moved = call(right, [t + side * way if k == i else t for k, t in enumerate(batch.tensors)])
            if not isinstance(moved, Answered) or not moved.is_finite:
                return False
            ends.append(moved.value.sum().item())
        slopes.append((ends[0] - ends[1]) / (2 * step))
    return abs(slopes[0]) > 1e-6 and abs(slopes[0] - slopes[1]) <= 1e-2 * abs(slopes[0])


def _told(
    examination: Examination, argument: Argument, fault: str, samples: Sequence[Sample], failing: Sample
) -> Finding:
    """The fault in words, on the smallest input that shows it."""
    name = placed([*[""] * argument.index, argument.name if argument.is_named else ""], argument.index)
    batch = smallest(failing.batch, lambda b: _fault(examination, argument.index, b) == fault)
    slopes = _slopes(examination, examination.loss, argument.index, batch)
    says, behind, operations = {
        MISSING: (
            _("The value is right, but no gradient reaches {name}, to which the right loss gives one."),
            _("what is computed of {name} was cut off the graph: detach, .data, .item() or no_grad"),
            CUT,
        ),
        ADDED: (
            _("The value is right, but a gradient reaches {name}, to which the right loss gives none."),
            _("a detach is missing: {name} should be a constant for the gradient (detach, no_grad)"),
            (),
        ),
        OTHER: (
            _("The value is right, the gradient of {name} is not."),
            _("a part of the gradient of {name} was cut off, or should have been: compare what each loss detaches"),
            CUT,
        ),
        BY_HAND: (
            _("The value is right, the gradient of {name} is not."),
            _("the backward pass that was written by hand does not belong to the forward pass"),
            ("backward",),
        ),
    }[fault]
    diagnosis = Diagnosis(behind.format(name=name), operations=operations, page=CUSTOM)
    if fault == OTHER:
        diagnosis = _repaired(examination, argument.index, samples) or diagnosis
    told = (
        [_("gradient {gradient}").format(gradient=tensor_text(s)) for s in (slopes.mine, slopes.right)]
        if slopes
        else ["", ""]
    )
    return finding(examination, batch, says.format(name=name), diagnosis, got=told[0], wanted=told[1])


def _repaired(examination: Examination, i: int, samples: Sequence[Sample]) -> Diagnosis | None:
    """The detach that is missing, or one too many."""
    wrt = tuple(sorted({*examination.wrt, i}))
    again = []
    for sample in samples:
        got, best = (call(one, sample.batch.tensors, wrt) for one in (examination.loss, examination.standard.losses[0]))
        if not isinstance(got, Answered) or not isinstance(best, Answered):
            return None
        tensors = [sample.batch.tensors[k] for k in wrt]
        zeros = [torch.zeros_like(t) if g is None else g for t, g in zip(tensors, best.gradients, strict=True)]
        again.append(Sample(sample.batch, got, replace(best, gradients=tuple(zeros))))
    return gradient_repair(examination, examination.loss, again, wrt)
