"""An exercise whose answer is a training: the reader mends it; it is run, watched, and its model is judged on new data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from ...language import gettext as _
from ...watching.watch import watch
from .. import practice
from .verdict import Verdict, blank, not_yet, right


@dataclass(frozen=True)
class Repair:
    """A function of inputs and targets that builds a model, trains it and returns it."""

    data: str  #: a data set of :mod:`lossbook.lessons.practice`, with classes
    floor: float = 0.85  #: an accuracy that the training reaches without the fault, and not with it

    def judge(self, given: Any) -> Verdict:
        """Right, or the accuracy that was reached, and what was seen in the use of the loss."""
        if given is ...:
            return blank()
        data = getattr(practice, self.data)()
        with watch() as watched:
            model = given(data.train_x, data.train_y)
        if not isinstance(model, torch.nn.Module):
            return not_yet(_("The training should return its model."))
        reached = f"{accuracy(model, data.validation_x, data.validation_y):.2f}"
        seen = tuple(finding.sentence for finding in watched.report.findings if finding.certain)
        if float(reached) < self.floor:
            says = _(
                "The model is right on {reached} of the validation part; without the fault it is right on {floor} or more."
            )
            return not_yet(says.format(reached=reached, floor=self.floor), seen)
        if seen:
            return not_yet(
                _(
                    "The model is right on {reached} of the validation part, but something is wrong in the use of its "
                    "loss."
                ).format(reached=reached),
                seen,
            )
        return right(_("The model is right on {reached} of the validation part.").format(reached=reached))


@torch.no_grad()
def accuracy(model: torch.nn.Module, x: torch.Tensor, y: torch.Tensor) -> float:
    """The share of right answers: the largest of several logits, or the sign of a single one."""
    logits = model.eval()(x)
    answers = logits[:, 0] > 0 if logits.shape[1] == 1 else logits.argmax(dim=1)
    return (answers == y).double().mean().item()
