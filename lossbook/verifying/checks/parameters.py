"""Checks of a loss that owns parameters: they are trained, and with the right gradients."""

from __future__ import annotations

from torch import Tensor, nn

from ...language import gettext as _
from ...report import Finding, tensor_text
from ..compare import Sample, close
from ..diagnosis.diagnosis import Diagnosis
from ..examination import Examination, NotApplicable
from ..subject.outcome import Answered, call
from .check import Result, check, failed, passed, warned
from .findings import CUSTOM, finding

CUT = ("detach", "data", "item", "no_grad", "float", "tensor", "Parameter")


@check(lambda: _("its own parameters"))
def parameters(examination: Examination) -> Result:
    """They are the same objects after a call, a gradient reaches each, and it is that of the right loss."""
    module = examination.candidate.module
    own = {} if module is None else {name: p for name, p in module.named_parameters() if p.requires_grad}
    if module is None or not own:
        raise NotApplicable(_("it has none"))
    sample = examination.sample()
    replaced = _replaced(examination, sample)
    if replaced:
        return failed(replaced)
    reached: set[str] = set()
    for one in examination.samples()[:4]:
        mine, right = _gradients(examination, one, own), _right_gradients(examination, one)
        value, best = one.got.value, one.best.value
        comparable = value.shape == best.shape and close(value, best, examination.tolerance)
        for name, gradient in mine.items():
            wanted = right.get(name) if comparable else None
            if gradient is not None:
                reached.add(name)
                if wanted is not None and not _agrees(gradient, wanted, examination):
                    says = _("The gradient of its parameter {name} is not the right one.").format(name=name)
                    got, should = tensor_text(gradient), tensor_text(wanted)
                    return failed(
                        finding(examination, one.batch, says, Diagnosis("", page=CUSTOM), got=got, wanted=should)
                    )
        reached |= {name for name in right if right[name] is None}  # nor do they train in the right loss
    missed = [name for name in own if name not in reached]
    if not missed:
        return passed(", ".join(own))
    trained = {name.partition(".")[0] for name in reached}
    name = next((n for n in missed if "." not in n or n.partition(".")[0] in trained), "")
    if not name:  # a whole network inside, such as a teacher, may be meant to stay as it is
        return warned(_("no gradient reaches {name}, which is right if it is not to be trained").format(name=missed[0]))
    says = _("No gradient reaches its parameter {name}, so it is never trained.").format(name=name)
    behind = _("the parameter is not used, or the graph to it is cut: detach, .data, .item() or no_grad")
    return failed(finding(examination, sample.batch, says, Diagnosis(behind, operations=CUT, page=CUSTOM)))


def _replaced(examination: Examination, sample: Sample) -> Finding | None:
    """A parameter that is another object after a call, or was not there before."""
    module, given = examination.candidate.module, examination.candidate.original
    assert module is not None
    before = dict(module.named_parameters())
    examination.run(sample.batch)
    after = dict(module.named_parameters())
    name = next((n for n, p in after.items() if p is not before.get(n) or n not in dict(given.named_parameters())), "")
    if not name:
        return None
    says = _("A call replaces its parameter {name} by a new one: an optimizer goes on to train the old one.")
    behind = _("forward assigns a new Parameter: make it once in __init__, and compute with a changed copy of it")
    return finding(
        examination, sample.batch, says.format(name=name), Diagnosis(behind, operations=("Parameter",), page=CUSTOM)
    )


def _gradients(examination: Examination, sample: Sample, own: dict[str, nn.Parameter]) -> dict[str, Tensor | None]:
    got = call(examination.loss, sample.batch.tensors, examination.wrt, parameters=list(own.values()))
    if not isinstance(got, Answered) or got.backward_error or not got.carries_gradient:
        raise NotApplicable(_("no gradient"))
    return dict(zip(own, got.gradients[len(examination.wrt) :], strict=True))


def _right_gradients(examination: Examination, sample: Sample) -> dict[str, Tensor | None]:
    """Those of the right loss, where it is a module with parameters of these names."""
    right = examination.reference.module
    if right is None:
        return {}
    names, theirs = zip(*right.named_parameters(), strict=True) if list(right.parameters()) else ((), ())
    got = call(examination.standard.losses[0], sample.batch.tensors, examination.wrt, parameters=theirs)
    known = got.gradients[len(examination.wrt) :] if isinstance(got, Answered) and got.carries_gradient else ()
    return dict(zip(names, known, strict=False))


def _agrees(mine: Tensor, wanted: Tensor, examination: Examination) -> bool:
    return mine.shape != wanted.shape or close(mine, wanted, 10 * examination.tolerance, steep=True)
