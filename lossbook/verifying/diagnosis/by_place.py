"""Says under which settings, or for which form of input, a loss is wrong, where nothing says how."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from ...kit.batches.batch import Settings
from ...language import gettext as _
from ..compare import DOUBLE, Sample, Trial, close
from ..examination import Examination
from ..subject.outcome import Answered, Outcome, call
from .diagnosis import Diagnosis

CUSTOM = "guide/custom-losses"


def by_layout(failing: Sequence[Sample]) -> Diagnosis | None:
    """Right numbers, one for each element, in another shape than they should have."""
    for sample in failing:
        got, want = sample.got.value, sample.best.value
        if got.numel() != want.numel() or want.numel() < 2 or not close(got.reshape(want.shape), want, DOUBLE):
            return None
    got, want = failing[0].got.value, failing[0].best.value
    says = _(
        "the numbers are right, their shape is not: {got} where {wanted} belongs, as by a flatten, reshape or squeeze"
    )
    return Diagnosis(
        says.format(got=tuple(got.shape), wanted=tuple(want.shape)),
        operations=("flatten", "reshape", "view", "squeeze", "unsqueeze"),
        page=CUSTOM,
    )


def by_unused(
    examination: Examination, failing: Sequence[Sample], trials: Sequence[Trial], settings: Settings
) -> Diagnosis | None:
    """A setting without which the right loss gives the same numbers, where these are not finite."""
    for name in settings:
        right = examination.reference.bound({n: v for n, v in settings.items() if n != name})
        samples = [*failing, *(t.sample for t in trials if t.sample)]
        outcomes = [(s, [call(one, s.batch.tensors) for one in right]) for s in samples]
        if all(any(_gives(one, s) for one in every) for s, every in outcomes):
            return Diagnosis(_("the setting {name} is not used").format(name=name), page=CUSTOM)
    return None


def _gives(outcome: Outcome, sample: Sample) -> bool:
    got = sample.got.value
    return isinstance(outcome, Answered) and outcome.value.shape == got.shape and close(got, outcome.value, DOUBLE)


def by_place(
    examination: Examination, failing: Sequence[Sample], trials: Sequence[Trial], settings: Settings
) -> Diagnosis | None:
    """The settings, or the form of input, without which the loss is right."""
    if settings:
        if any(examination.fault(t) for t in examination.ordinary()):
            return None
        says = _("it is wrong only with {settings}: without, it is right")
        return Diagnosis(says.format(settings=", ".join(map(_shown, settings.items()))), page=CUSTOM)
    larger = {id(t.batch) for t in examination.larger}
    counts = [s.batch.tensors[0].shape[0] for s in failing if id(s.batch) in larger]
    if len(counts) == len(failing):
        says = _(
            "it is right for few samples, and wrong for {n}: look for the size of a block or chunk, and what is left "
            "over"
        )
        return Diagnosis(says.format(n=min(counts)), page=CUSTOM)
    if examination.reference.given is not None:
        return None  # these are all of one form
    forms = {sample.batch.form for sample in failing}
    others = [t for t in trials if t.batch.form not in forms and not t.batch.edge and t.sample]
    if any(t.batch.form in forms and not examination.fault(t) for t in trials if not t.batch.edge):
        return None  # it is not the form
    if len(forms) > 1 or any(s.batch.edge for s in failing) or not others or any(map(examination.fault, others)):
        return None
    says = _("it is wrong only for this form of input: {form}")
    return Diagnosis(says.format(form=forms.pop()), page=CUSTOM)


def _shown(setting: tuple[str, object]) -> str:
    name, value = setting
    return name if isinstance(value, Tensor) or callable(value) else f"{name}={value}"
