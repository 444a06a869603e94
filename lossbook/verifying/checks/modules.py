"""Checks of modules, of other devices, and of torch.compile."""

from __future__ import annotations

import copy
import io
import pickle
import types
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from ...language import gettext as _
from ...report import Finding, tensor_text
from ..compare import Sample, close
from ..diagnosis.diagnosis import Diagnosis
from ..diagnosis.operations import graph_of
from ..examination import Examination, NotApplicable
from ..subject.elsewhere import Elsewhere, elsewhere
from ..subject.outcome import Answered, Failed, call
from ..subject.state import TakesTooLong, limited
from .check import Result, check, failed, passed, warned
from .findings import CUSTOM, finding


@check(lambda: _("another device"))
def device(examination: Examination) -> Result:
    """Forward and backward on a device that is not the CPU."""
    sample, candidate = examination.sample(), examination.candidate
    if candidate.module is None and candidate.holds_tensors:
        raise NotApplicable(_("a function that brings tensors of its own along"))
    said, moved = _tried_elsewhere(examination, sample)
    if any(words in said for words in ("same device", "expected device", "two devices")):
        if _loops(examination):
            return warned(_("it runs on the CPU only, one sample after the other: {said}").format(said=said))
        says = _("On another device than the CPU the loss fails: {said}").format(said=said)
    elif said:
        raise NotApplicable(_("it asks for what such a tensor does not have: {said}").format(said=said))
    elif moved:
        return passed()
    elif candidate.module is None or not _loose(candidate.module):
        return warned(_("its result is on the CPU, wherever its input is"))
    else:
        says = _("On another device than the CPU the loss fails: {said}").format(said="")
    behind = (
        _(
            "a tensor of the module that is to be learned is no parameter: an optimizer does not see it, .to(device) "
            "leaves it behind; nn.Parameter"
        )
        if candidate.module is not None and _is_learned(candidate.original)
        else _("a tensor of the module is no buffer, so .to(device) leaves it behind: register_buffer")
        if candidate.module is not None and _loose(candidate.module)
        else _(
            "a tensor that the loss keeps stays on the CPU: make it a buffer of a module, or move it to input.device"
        )
        if candidate.holds_tensors or _loose(candidate.original)
        else _("a new tensor is made on the CPU: make it with device=input.device, or input.new_tensor")
    )
    makers = ("tensor", "zeros", "ones", "eye", "arange", "full", "one_hot")
    return failed(finding(examination, sample.batch, says, Diagnosis(behind, operations=makers, page=CUSTOM)))


def _tried_elsewhere(examination: Examination, sample: Sample) -> tuple[str, bool]:
    """What the loss says on another device, and whether its result is there."""
    candidate = examination.candidate
    with elsewhere() as there:
        try:
            loss: Callable = candidate.original
            if candidate.module is not None:
                loss = copy.deepcopy(candidate.module)._apply(there)
            tensors = [there(t.detach().clone()) for t in sample.batch.tensors]
            for i in examination.wrt:
                tensors[i].requires_grad_()
            with limited():
                result = examination.around(loss)(*tensors)
                if isinstance(result, Tensor) and result.requires_grad:
                    result.sum().backward()
        except (Exception, TakesTooLong) as error:
            return str(error).strip().split("\n")[0] or type(error).__name__, True
    return "", not isinstance(result, Tensor) or isinstance(result, Elsewhere)


def _loops(examination: Examination) -> bool:
    """True if the loss goes through the samples one by one, so that its graph grows with them."""

    def rows(sample: Sample) -> int:
        return sample.batch.tensors[0].shape[0]

    def size(sample: Sample) -> int:
        return len(graph_of(sample.got.result))

    known = [s for s in examination.samples() if s.batch.tensors[0].dim()]
    alike = [s for s in known if s.batch.form == known[0].batch.form]
    first = min(alike, key=rows, default=None)
    return any(rows(s) > rows(first) and size(s) > size(first) for s in alike if first)


def _loose(loss: Any) -> list[str]:
    """Tensors of an object, or of a module's parts, that are neither parameters nor buffers; also within lists."""
    parts = loss.modules() if isinstance(loss, nn.Module) else [loss]
    names: list[str] = []
    for part in parts:
        kept = {
            n: v for n, v in getattr(part, "__dict__", {}).items() if n not in ("_parameters", "_buffers", "_modules")
        }
        names += [n for n, v in kept.items() if any(isinstance(leaf, Tensor) for leaf in tree_leaves(v))]
    return names


def _is_learned(loss: Any) -> bool:
    """True if a tensor that is no parameter asks for a gradient."""
    parts = loss.modules() if isinstance(loss, nn.Module) else [loss]
    kept = [getattr(part, name) for part in parts for name in _loose(part) if hasattr(part, name)]
    return any(isinstance(t, Tensor) and t.requires_grad for t in tree_leaves(kept))


@check(lambda: _("module: copy, pickle, hooks, state, train and eval"))
def module(examination: Examination) -> Result:
    if examination.candidate.module is None:
        raise NotApplicable(_("it is a function"))
    fault = _fault_as_given(examination.candidate.original)
    if fault is None and examination.samples():
        fault = (
            _fault_of_calling(examination, examination.candidate.module)
            or _fault_after_calls(examination.candidate.module)
            or _fault_of_state(examination.candidate.original)
        )
    return failed(replace(fault, page=CUSTOM)) if fault else passed()


def _fault_as_given(loss: Any) -> Finding | None:
    """Look for faults of a module before it is called."""
    if not hasattr(loss, "_parameters"):
        behind = _("super().__init__() is missing in __init__")
        return Finding(_("The module was not set up."), diagnosis=behind)
    try:
        copy.deepcopy(loss)
    except Exception as error:
        says = _("The module cannot be copied: {said}").format(said=error)
        return Finding(says, diagnosis=_("it holds a tensor with a graph, or something that cannot be copied"))
    unpicklable = [] if isinstance(loss, torch.jit.ScriptModule) else _unpicklable(loss)
    if unpicklable:
        says = _("The module cannot be pickled, so neither saved whole nor sent to another process.")
        behind = _("the attribute {name} cannot be pickled, as a lambda cannot: write a function with def")
        return Finding(says, diagnosis=behind.format(name=unpicklable[0]))
    return None


def _unpicklable(module: nn.Module, path: str = "") -> list[str]:
    """Attributes that can never be pickled: lambdas, generators, open files, locks."""
    found = []
    for name, value in vars(module).items():
        if name.startswith("_") and name in nn.Module().__dict__:
            continue
        kind = type(value)
        is_lambda = kind is types.FunctionType and value.__name__ == "<lambda>"
        if is_lambda or isinstance(value, (types.GeneratorType, io.IOBase)) or kind.__module__ == "_thread":
            found.append(path + name)
        elif kind.__module__ in ("functools", "builtins") and not isinstance(value, (types.FunctionType, type)):
            try:
                pickle.dumps(value)
            except Exception as error:
                if "lambda" in str(error):
                    found.append(path + name)
    for name, child in module.named_children():
        found += _unpicklable(child, f"{path}{name}.")
    return found


def _fault_of_calling(examination: Examination, module: nn.Module) -> Finding | None:
    """Check that hooks are called, and that .train() and .eval() do not change the loss."""
    sample = examination.sample()
    if not isinstance(module, torch.jit.ScriptModule):
        hook_calls: list[int] = []
        with module.register_forward_hook(lambda *_: hook_calls.append(1)):
            examination.run(sample.batch)
        if not hook_calls:
            behind = _("the class defines __call__ itself: name the method forward")
            return Finding(_("Forward hooks are not called."), diagnosis=behind)
    for training in () if examination.reference.draws else (False, True):  # where it draws, it may well be by the mode
        module.train(training)
        again = examination.run(sample.batch)
        if not isinstance(again, Answered) or not close(again.value, sample.got.value, examination.tolerance):
            behind = _("something in it depends on the mode: dropout, batch norm, or self.training")
            return Finding(_("After .eval() or .train() the loss gives a different value."), diagnosis=behind)
    return None


def _fault_after_calls(module: nn.Module) -> Finding | None:
    try:
        copy.deepcopy(module)
    except Exception:
        says = _("After a call the module can no longer be copied or saved.")
        behind = _("it keeps a tensor with its graph, and so the memory of a whole batch: keep it detached")
        return Finding(says, diagnosis=behind)
    return None


def _fault_of_state(loss: nn.Module) -> Finding | None:
    state = {name: value.clone() for name, value in loss.state_dict().items()}
    try:
        copy.deepcopy(loss).load_state_dict(state)
    except Exception as error:
        says = _("Its state cannot be loaded again: {said}").format(said=error)
        return Finding(says, diagnosis=_("state_dict does not fit the module"))
    return None


@check(lambda: _("torch.compile"), name="compile")
def compiled(examination: Examination) -> Result:
    sample = examination.sample()
    torch.compiler.set_stance("default")
    try:
        loss: Callable = torch.compile(examination.loss, backend="aot_eager", fullgraph=True)
        again = call(loss, sample.batch.tensors, examination.wrt)
    finally:
        torch.compiler.reset()
    if isinstance(again, Failed):
        said = str(again.error).strip().splitlines()[0]
        says = _("It cannot be compiled as one graph: {said}").format(said=said)
        return failed(finding(examination, sample.batch, says))
    if isinstance(again, Answered) and close(again.value, sample.got.value, examination.tolerance):
        return passed()
    got = tensor_text(again.value) if isinstance(again, Answered) else again.kind
    says, wanted = _("Compiled, it gives a different number."), tensor_text(sample.got.value)
    return failed(finding(examination, sample.batch, says, got=got, wanted=wanted))
