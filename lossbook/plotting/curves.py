"""The data behind `plot`: losses, and their gradients, at one value of their variable after another."""

from __future__ import annotations

import copy
import inspect
import itertools
from collections import Counter
from collections.abc import Callable
from functools import partial, reduce
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..catalogue import CATALOGUE, find, lookup, settings_of_module
from ..guards.losses import check_not_class, check_result
from ..guards.names import alternatives
from ..kit.entry import Entry
from ..kit.loss import check_names, settings_of
from ..kit.precision import precise
from ..kit.views import OF_ERROR, Inputs, Variable, View
from ..language import Phrase, message


class Curve(NamedTuple):
    """A loss over its variable."""

    variable: Variable
    name: str  #: of the loss
    setting: str  #: "delta=2"; empty where no setting was given, or makes no difference
    case: str  #: "y = 1"; empty where there is one case only
    x: Tensor
    loss: Tensor
    gradient: Tensor  #: with respect to the variable
    kinks: Tensor  #: True where the gradient jumps: there the loss has no derivative

    @property
    def flat(self) -> Tensor:
        """True where the gradient is 0 at more than a point, up to the kinks that end such a stretch: what PyTorch takes
        for the gradient at a kink changes with its version.
        """
        zero = (self.gradient == 0) & ~self.kinks
        flat = zero & _beside(zero)
        return flat | (self.kinks & _beside(flat))


class Subject(NamedTuple):
    """A loss with its settings, before its variable is chosen."""

    name: str
    setting: str
    loss: Callable[..., Tensor]
    views: tuple[View, ...]  #: none for a loss of the reader's own
    one_by_one: bool  #: whether it reduces, so that each value needs a call of its own


def _beside(points: Tensor) -> Tensor:
    """True next to a point that is True."""
    before, after = torch.nn.functional.pad(points, (1, -1)), torch.nn.functional.pad(points, (-1, 1))
    return before | after


def curves(*losses: str | Callable, **settings: Any) -> list[Curve]:
    """Compute what :func:`lossbook.plot` draws: every curve with its values, its gradient and its kinks.

    >>> [curve] = curves("huber", delta=2)
    >>> curve.x[0].item(), curve.loss[0].item(), curve.gradient[0].item()
    (-3.0, 4.0, -2.0)
    """
    if not losses:
        raise ValueError(message('plot needs at least one loss: plot("l1", "mse").'))
    entries = [_entry(loss) for loss in losses]
    taken = [_settings_taken(loss, entry) if settings else () for loss, entry in zip(losses, entries, strict=True)]
    for name in settings:
        if not any(name in names for names in taken):
            _refuse_setting(name, losses, entries)
        if settings[name] == []:
            raise ValueError(
                message("plot got no value for {name} to compare. Write one, or several: {name}=[…, …].", name=name)
            )
    subjects = [
        subject
        for loss, entry, names in zip(losses, entries, taken, strict=True)
        for subject in _subjects(loss, entry, {name: settings[name] for name in settings if name in names})
    ]
    titles = [_title(subject) for subject in subjects]
    if repeated := [title for title, count in Counter(titles).items() if count > 1]:
        raise ValueError(
            message(
                "plot draws each loss once, got {titles} twice or more. Leave the others out.",
                titles=", ".join(repeated),
            )
        )
    variable = _shared_variable(subjects)
    # A loss of the reader's own is called as the first loss of the catalogue beside it.
    views = [next((v for v in s.views if v.variable == variable), None) for s in subjects]
    own = next(filter(None, views), OF_ERROR)
    drawn = [
        _curve(subject, variable, case, inputs)
        for subject, view in zip(subjects, views, strict=True)
        for case, inputs in (view or own).cases.items()
    ]
    return _without_repeats(drawn)


def _entry(loss: str | Callable) -> Entry | None:
    """Return the loss's entry in the catalogue; none for a loss of the reader's own."""
    entry = lookup(loss) if callable(loss) else find(loss)
    if entry is None:
        check_not_class(loss, "plot")
        return None
    if entry.not_drawn:
        raise ValueError(message(entry.not_drawn))
    if isinstance(loss, torch.nn.Module) and list(loss.parameters()):
        raise ValueError(
            message(
                "plot draws no {module} with parameters of its own: its loss depends on them, so it has no one "
                "curve. Draw its function: plot({loss!r}).",
                module=type(loss).__name__,
                loss=entry.name,
            )
        )
    return entry


def _function(entry: Entry) -> Callable[..., Tensor]:
    """The function of a loss. What has none is not drawn, and `_entry` has refused it."""
    assert entry.function is not None
    return entry.function


def _settings_taken(loss: str | Callable, entry: Entry | None) -> tuple[str, ...]:
    if isinstance(loss, torch.nn.Module):
        return ()
    if entry is not None:
        return tuple(settings_of(_function(entry)))
    assert callable(loss)  # a name has an entry
    return tuple(inspect.signature(loss).parameters)


def _refuse_setting(name: str, losses: tuple[str | Callable, ...], entries: list[Entry | None]) -> None:
    for loss, entry in zip(losses, entries, strict=True):
        if entry and not isinstance(loss, torch.nn.Module):
            check_names(_function(entry).__name__, {name: ...}, settings_of(_function(entry)))
    raise TypeError(
        message(
            "None of these losses takes {name!r} here. A module gets its settings when it is built, as in "
            "nn.HuberLoss(delta=2); a loss of your own has those in its signature.",
            name=name,
        )
    )


def _subjects(loss: str | Callable, entry: Entry | None, given: dict[str, Any]) -> list[Subject]:
    """The loss once for each combination of the settings that are lists."""
    module = loss if isinstance(loss, torch.nn.Module) else None
    function: Callable[..., Tensor]
    if module is not None:
        function = _in_float64(module, entry)
    elif entry is not None and isinstance(loss, (str, type)):
        function = _function(entry)
    else:
        assert callable(loss)  # a name has an entry
        function = loss
    name = entry.module.__name__ if entry and isinstance(loss, str) else getattr(loss, "__name__", type(loss).__name__)
    subjects = []
    for values in itertools.product(*(v if isinstance(v, list) else [v] for v in given.values())):
        chosen = dict(zip(given, map(precise, values), strict=True))
        shown = _changed(module, entry) if module is not None and entry else chosen
        views = _views(entry, shown) if entry else ()
        one_by_one = entry is None or "reduction" in chosen
        call = partial(function, **({} if one_by_one or module else {"reduction": "none"}), **chosen)
        subjects.append(Subject(name, ", ".join(map(_written, shown.items())), call, views, one_by_one))
    return subjects


def _changed(module: torch.nn.Module, entry: Entry) -> dict[str, Any]:
    """The settings of a module that are not the default. Its reduction is not seen at one sample."""
    defaults = settings_of(_function(entry))
    settings = {name: value for name, value in settings_of_module(module).items() if name != "reduction"}
    return {k: v for k, v in settings.items() if isinstance(v, Tensor) or v != defaults[k].default}


def _views(entry: Entry, chosen: dict[str, Any]) -> tuple[View, ...]:
    settings = {name: parameter.default for name, parameter in settings_of(_function(entry)).items()} | chosen
    views = tuple(v for v in entry.views if all(settings[k] == value for k, value in v.only.items()))
    if not views:
        known = [f"{k}={value!r}" for v in entry.views for k, value in v.only.items()]
        raise ValueError(
            message(
                "plot draws {loss} with {known} only. Leave the setting out: the curve is the same.",
                loss=entry.name,
                known=alternatives(known),
            )
        )
    return views


def _in_float64(module: torch.nn.Module, entry: Entry | None) -> Callable[..., Tensor]:
    """The module in float64. One of the catalogue gives a loss for each sample: all values in one call."""
    state = {name: precise(tensor) for name, tensor in module.state_dict().items()}
    if entry:
        module = copy.copy(module)
        module.reduction = "none"  # type: ignore[assignment]
    return lambda *inputs: torch.func.functional_call(module, state, inputs)


def _written(setting: tuple[str, Any]) -> str:
    name, value = setting
    if isinstance(value, Tensor):
        return f"{name}=[{', '.join(f'{x:g}' for x in value.flatten().tolist())}]"
    return f"{name}={value:g}" if isinstance(value, float) else f"{name}={getattr(value, '__name__', value)}"


def _shared_variable(subjects: list[Subject]) -> Variable:
    known = [subject for subject in subjects if subject.views]
    if not known:
        return OF_ERROR.variable
    sets = [[view.variable for view in subject.views] for subject in known]
    shared = [variable for variable in sets[0] if all(variable in variables for variables in sets)]
    if not shared:
        over = {_title(s): alternatives([v.name for v in its]) for s, its in zip(known, sets, strict=True)}
        said = [Phrase("{loss} is drawn over {variable}", loss=title, variable=v) for title, v in over.items()]
        partners = [e.name for e in CATALOGUE if {view.variable for view in e.views} & {*sets[0]}]
        raise ValueError(
            message(
                "plot cannot draw these together: {said}. Over {variable} it draws {partners}. Draw the others into "
                "Axes of their own, with ax=….",
                said=reduce(lambda one, other: Phrase("{one}; {other}", one=one, other=other), said),
                variable=over[_title(known[0])],
                partners=", ".join(partners),
            )
        )
    return shared[0]


def _title(subject: Subject) -> str:
    return subject.name + f"({subject.setting})" * bool(subject.setting)


def _curve(subject: Subject, variable: Variable, case: str, inputs: Inputs) -> Curve:
    def evaluate(x: Tensor) -> tuple[Tensor, Tensor]:
        x = x.clone().requires_grad_()
        parts = x.split(1) if subject.one_by_one else [x]
        values = [subject.loss(*inputs(part)) for part in parts]
        check_result(values[0])
        losses = torch.cat([value.reshape(len(part), -1).sum(1) for value, part in zip(values, parts, strict=True)])
        if not losses.requires_grad:  # piecewise constant, like the accuracy
            return losses, torch.zeros_like(x)
        return losses.detach(), torch.autograd.grad(losses.sum(), x)[0]

    x = variable.values()
    jumps = _jumps(x, lambda values: evaluate(values)[1])
    nearest = (jumps.unsqueeze(1) - x).abs().min(1) if len(jumps) else None
    kinks = torch.zeros(len(x), dtype=torch.bool)
    if nearest:
        on_grid = nearest.values < 1e-5
        kinks[nearest.indices[on_grid]] = True
        x, order = torch.cat([x, jumps[~on_grid]]).sort()
        kinks = torch.nn.functional.pad(kinks, (0, int((~on_grid).sum())), value=True)[order]
    return Curve(variable, subject.name, subject.setting, case, x, *evaluate(x), kinks)


def _jumps(x: Tensor, gradient: Callable[[Tensor], Tensor]) -> Tensor:
    """Find where the gradient jumps. Bisect: what still changes in a tiny interval is a jump."""
    left, right = x[:-1], x[1:]
    at = gradient(x)
    at_left, at_right = at[:-1], at[1:]
    for _halving in range(30):
        kept = (at_right - at_left).abs() > 1e-3
        left, right, at_left, at_right = left[kept], right[kept], at_left[kept], at_right[kept]
        if not kept.any():
            break
        middle = (left + right) / 2
        at_middle = gradient(middle)
        first = (at_middle - at_left).abs() > (at_right - at_middle).abs()
        left, right = left.where(first, middle), middle.where(first, right)
        at_left, at_right = at_left.where(first, at_middle), at_middle.where(first, at_right)
    return (left + right) / 2


def _without_repeats(drawn: list[Curve]) -> list[Curve]:
    """Keep one of the curves that a setting does not change: similar pairs have the same loss for every margin."""
    kept = []
    for curve in drawn:
        alike = [other for other in drawn if (other.name, other.case) == (curve.name, curve.case)]
        if len(alike) == 1 or not all(torch.equal(other.loss, curve.loss) for other in alike):
            kept.append(curve)
        elif curve is alike[0]:
            kept.append(curve._replace(setting=""))
    return kept
