"""Checks of modules, of other devices, and of torch.compile."""

from __future__ import annotations

import copy
import io
import pickle
import types

import torch
from torch import Tensor

from ...language import gettext as _
from ...report import CheckResult, Finding, written
from ..compare import close
from ..diagnosis.diagnose import line_of
from ..examination import Examination
from ..subject.call import Outcome, call
from .results import failed, passed, skipped


def device(e: Examination) -> CheckResult:
    name, title = "device", _("another device")
    trial = e.sample()
    if trial is None:
        return skipped(name, title, _("no batch on which it runs"))
    if not e.candidate.is_module and e.candidate.holds_tensors:
        return skipped(name, title, _("a function that brings tensors of its own along"))
    loss = e.candidate.original
    if e.candidate.is_module:
        try:
            loss = copy.deepcopy(e.candidate.loss).to("meta")
        except Exception as error:
            return skipped(name, title, f"{type(error).__name__}")
    tensors = [t.to("meta") for t in trial.batch.tensors]
    outcome = Outcome()
    try:
        result = e.reference.kind.around(loss)(*tensors)
        moved = result.device.type == "meta" if isinstance(result, Tensor) else True
    except Exception as error:
        outcome.error, moved = error, True
    said = str(outcome.error or "")
    mixed = any(words in said for words in ("same device", "expected device", "two devices"))
    if mixed or not moved:
        diagnosis = (
            _("a tensor of the module is no buffer, so .to(device) leaves it behind: register_buffer")
            if e.candidate.is_module and _loose(e.candidate.loss)
            else _("a new tensor is made on the CPU: make it with device=input.device, or input.new_tensor")
        )
        found = Finding(
            _("On another device than the CPU the loss fails: {said}").format(said=said.splitlines()[0] if said else ""),
            trial.batch.tensors, None, "", "", diagnosis,
            line_of(e, trial, ("tensor", "zeros", "ones", "eye", "arange", "full", "one_hot")), "guide/custom-losses",
        )  # fmt: skip
        return failed(name, title, found)
    if outcome.error is not None:
        return skipped(name, title, _("it looks at values, which a tensor without data does not have"))
    return passed(name, title)


def _loose(module: torch.nn.Module) -> list[str]:
    """Tensors of a module that are neither parameters nor buffers."""
    return [n for m in module.modules() for n, v in vars(m).items() if isinstance(v, Tensor)]


def module(e: Examination) -> CheckResult:
    name, title = "module", _("module: copy, pickle, hooks, state, train and eval")
    if not e.candidate.is_module:
        return skipped(name, title, _("it is a function"))
    page = "guide/custom-losses"
    loss = e.candidate.original

    def fault(says: str, diagnosis: str) -> CheckResult:
        return failed(name, title, Finding(says, diagnosis=diagnosis, page=page))

    if not hasattr(loss, "_parameters"):
        return fault(_("The module was not set up."), _("super().__init__() is missing in __init__"))
    scripted = isinstance(loss, torch.jit.ScriptModule)
    try:
        copied = copy.deepcopy(loss)
    except Exception as error:
        return fault(
            _("The module cannot be copied: {said}").format(said=error),
            _("it holds a tensor with a graph, or something that cannot be copied"),
        )
    bad = [] if scripted else list(_unpicklable(loss))
    if bad:
        return fault(
            _("The module cannot be pickled, so neither saved whole nor sent to another process."),
            _("the attribute {name} cannot be pickled, as a lambda cannot: write a function with def").format(
                name=bad[0]
            ),
        )
    trial = e.sample()
    if trial is None:
        return passed(name, title)
    rung = []
    module = e.candidate.loss
    if not scripted:
        with module.register_forward_hook(lambda *_: rung.append(1)):
            e.call(trial.batch)
        if not rung:
            return fault(
                _("Forward hooks are not called."), _("the class defines __call__ itself: name the method forward")
            )
    for mode in (False, True):
        module.train(mode)
        again = e.call(trial.batch)
        if again.value is None or not close(again.value, trial.got.value, e.tolerance):
            return fault(
                _("The loss is another one after .eval() or .train()."),
                _("something in it depends on the mode: dropout, batch norm, or self.training"),
            )
    try:
        copy.deepcopy(module)  # now that it has been called
    except Exception:
        return fault(
            _("After a call the module can no longer be copied or saved."),
            _("it keeps a tensor with its graph, and so the memory of a whole batch: keep it detached"),
        )
    before = {k: v.clone() for k, v in loss.state_dict().items()}
    try:
        copied.load_state_dict(before)
    except Exception as error:
        return fault(
            _("Its state cannot be loaded again: {said}").format(said=error), _("state_dict does not fit the module")
        )
    return passed(name, title)


def _unpicklable(module: torch.nn.Module, path: str = "") -> list[str]:
    """Attributes that can never be pickled: lambdas, generators, open files, locks."""
    found = []
    for name, value in vars(module).items():
        if name.startswith("_") and name in torch.nn.Module().__dict__:
            continue
        if (
            isinstance(value, types.FunctionType)
            and value.__name__ == "<lambda>"
            or isinstance(value, (types.GeneratorType, io.IOBase))
        ) or type(value).__module__ == "_thread":
            found.append(path + name)
        elif type(value).__module__ in ("functools", "builtins") and not isinstance(value, (types.FunctionType, type)):
            try:
                pickle.dumps(value)
            except Exception as error:
                if "lambda" in str(error):
                    found.append(path + name)
    for name, child in module.named_children():
        found += _unpicklable(child, f"{path}{name}.")
    return found


def compiled(e: Examination) -> CheckResult:
    name, title = "compile", _("torch.compile")
    trial = e.sample()
    if trial is None:
        return skipped(name, title, _("no batch on which it runs"))
    torch.compiler.set_stance("default")
    try:
        loss = torch.compile(e.loss, backend="aot_eager", fullgraph=True)
        again = call(loss, trial.batch.tensors, e.wrt)
    finally:
        torch.compiler.reset()
    if again.error is not None:
        said = str(again.error).strip().splitlines()[0]
        return failed(
            name, title, Finding(_("It cannot be compiled as one graph: {said}").format(said=said), trial.batch.tensors)
        )
    if not close(again.value, trial.got.value, e.tolerance):
        return failed(
            name,
            title,
            Finding(
                _("Compiled it gives another number."),
                trial.batch.tensors,
                None,
                written(again.value),
                written(trial.got.value),
            ),
        )
    return passed(name, title)
