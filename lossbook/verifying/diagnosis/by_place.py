"""Says under which settings, or for which form of input, a loss is wrong, where nothing says how."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from ...kit.batches.batch import Settings
from ...language import gettext as _
from ..compare import Sample, Trial
from ..examination import Examination
from .diagnosis import Diagnosis

CUSTOM = "guide/custom-losses"


def by_place(examination: Examination, failing: Sequence[Sample], trials: Sequence[Trial], settings: Settings):
    """The settings, or the form of input, without which the loss is right."""
    if settings:
        if any(examination.fault(t) for t in examination.ordinary()):
            return None
        says = _("it is wrong only with {settings}: without, it is right")
        return Diagnosis(says.format(settings=", ".join(map(_shown, settings.items()))), page=CUSTOM)
    forms = {sample.batch.form for sample in failing}
    others = [t for t in trials if t.batch.form not in forms and not t.batch.edge and t.sample]
    if len(forms) > 1 or any(s.batch.edge for s in failing) or not others or any(map(examination.fault, others)):
        return None
    says = _("it is wrong only for this form of input: {form}")
    return Diagnosis(says.format(form=forms.pop()), page=CUSTOM)


def _shown(setting: tuple[str, object]) -> str:
    name, value = setting
    return name if isinstance(value, Tensor) or callable(value) else f"{name}={value}"
