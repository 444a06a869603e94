"""One call of a loss, as the rules look at it. It lives as long as the call: nothing of it is kept."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from ..catalogue import lookup
from ..kit.entry import Entry
from ..kit.loss import DEPRECATED, settings_of
from . import graph
from .contract import OF_PEERS, symmetric, takes

LARGEST = 1 << 17  #: so many numbers of a tensor are looked at


def part(tensor: Tensor, whole: int = 1) -> Tensor:
    """The beginning of a large tensor: about `LARGEST` numbers, with the dimension `whole`, the classes, as it is."""
    for dim in range(tensor.dim()):
        if tensor.numel() <= LARGEST:
            break
        if dim != whole % tensor.dim() or tensor.dim() == 1:
            tensor = tensor.narrow(dim, 0, max(1, LARGEST * tensor.shape[dim] // tensor.numel()))
    return tensor


class Numbers:
    """What a tensor holds, computed when it is asked for."""

    def __init__(self, tensor: Tensor, whole: int = 1) -> None:
        self.shape = tuple(tensor.shape)
        self._part = part(tensor.detach(), whole)

    @cached_property
    def some(self) -> Tensor:
        """The part that is looked at, in a type to compute with."""
        values = self._part
        if values.is_complex():
            values = torch.view_as_real(values)
        return values if values.dtype in (torch.float64, torch.int64) else values.to(_precise(values))

    @cached_property
    def finite(self) -> bool:
        return bool(self.some.isfinite().all()) if self.some.is_floating_point() else True

    @cached_property
    def range(self) -> tuple[float, float]:
        """The smallest and the largest number; both nan where one is, or there is none."""
        if not self.some.numel():
            return float("nan"), float("nan")
        low, high = self.some.aminmax()
        return low.item(), high.item()

    @property
    def low(self) -> float:
        return self.range[0]

    @property
    def high(self) -> float:
        return self.range[1]

    @cached_property
    def values(self) -> tuple[float, ...]:
        """The distinct numbers, in order; of many the first nine."""
        return tuple(self.some.unique()[:9].tolist())

    @cached_property
    def whole(self) -> bool:
        return bool((self.some == self.some.round()).all()) if self.some.is_floating_point() else True

    def first(self, wrong: Callable[[Tensor], Tensor]) -> float:
        """The first number for which `wrong` is true."""
        return self.some[wrong(self.some)].flatten()[0].item()

    def share(self, wrong: Callable[[Tensor], Tensor]) -> float:
        """How many of the numbers `wrong` is true for, from 0 to 1."""
        return wrong(self.some).double().mean().item() if self.some.numel() else 0.0


def _precise(values: Tensor) -> torch.dtype:
    return torch.float32 if values.is_floating_point() else torch.int64


class NothingToSee(Exception):
    """A rule asked for what a call does not have: it sees nothing then."""


class Call:
    """What came in, with which settings, and what came out."""

    def __init__(
        self,
        loss: Callable,
        entry: Entry | None,
        arguments: dict[str, Any],
        result: Any = None,
        error: Exception | None = None,
        grad_enabled: bool = True,
        index: int = 0,
        training: int = 0,
    ) -> None:
        self.loss, self.entry = loss, entry
        self.arguments, self.result, self.error = arguments, result, error
        self.grad_enabled = grad_enabled
        self.index = index  #: which call of the training it is, counted from 1; 0 for one that is looked at alone
        self.mark = (training, index) if index else None  #: left on the operations behind the prediction
        self.versions = {id(t): t._version for t in self.tensors.values() if not t.is_inference()}
        self.met: set[tuple[tuple[int, ...], tuple[int, ...]]] = set()  #: shapes that met inside of an own loss
        self.weighed: set[tuple[tuple[int, ...], tuple[int, ...]]] = set()  #: those of numbers and of weights for them
        self.used: set[str] = set()  #: the functions of torch that an own loss called

    @property
    def name(self) -> str:
        """The name of the loss in the catalogue; empty for one of the reader's own."""
        return self.entry.name if self.entry else ""

    @property
    def spoken(self) -> str:
        """The name of the loss as a reader wrote it."""
        return name_of(self.loss)

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The settings of a loss of the catalogue, those that were left out included."""
        if self.entry is None or self.entry.function is None:
            return {}
        names, _ = _parameters(self.entry.function)
        given = {name: parameter.default for name, parameter in names.items()}
        given |= {n: getattr(self.loss, n) for n in names if hasattr(self.loss, n)}
        given |= {n: self.arguments[n] for n in names if n in self.arguments}
        return given

    @cached_property
    def tensors(self) -> dict[str, Tensor]:
        """The tensors among the arguments, by name."""
        return {name: value for name, value in self.arguments.items() if isinstance(value, Tensor)}

    @cached_property
    def exchanged(self) -> bool:
        """Whether a loss to which it makes no difference was given the target first."""
        given, compared = (self.tensors.get(name) for name in ("input", "target"))
        if given is None or compared is None or given.requires_grad or not compared.requires_grad:
            return False
        return symmetric(self.name, self.settings)

    @cached_property
    def predictions(self) -> dict[str, Tensor]:
        """The tensors that the loss should move: those of the entry, or those of an own loss that carry a gradient."""
        if self.entry is not None:
            places = {1, *self.entry.batches.wrt} - {0} if self.exchanged else self.entry.batches.wrt
            return {n: t for i, (n, t) in enumerate(self.tensors.items()) if i in places}
        carrying = {n: t for n, t in self.tensors.items() if t.requires_grad}
        return carrying or dict(list(self.tensors.items())[:1])

    @cached_property
    def prediction(self) -> Tensor:
        """The first of them; where they are peers, the first that carries a gradient."""
        predictions = list(self.predictions.values())
        if not predictions:
            raise NothingToSee
        learning = (t for t in predictions if t.requires_grad) if self.name in OF_PEERS else ()
        return next(iter(learning), predictions[0])

    @cached_property
    def learning(self) -> list[Tensor]:
        """What the loss does move: predictions that carry a gradient; without one the target, if that does."""
        carrying = [t for t in self.predictions.values() if t.requires_grad]
        return carrying or ([self.target] if self.has_target and self.target.requires_grad else [])

    @cached_property
    def target(self) -> Tensor:
        """What the prediction is compared with: for an own loss the next tensor that is no prediction."""
        names = [n for n in self.tensors if n not in self.predictions]
        if self.entry is not None:
            known = ("input",) if self.exchanged else ("target", "targets", "teacher")
            names = [name for name in known if name in names]
        for name in names:
            return self.tensors[name]
        raise NothingToSee

    @property
    def has_target(self) -> bool:
        try:
            return self.target is not None
        except NothingToSee:
            return False

    @cached_property
    def predicted(self) -> Numbers:
        return Numbers(self.prediction, self.class_dim)

    @cached_property
    def targeted(self) -> Numbers:
        return Numbers(self.target, self.class_dim)

    @cached_property
    def takes(self) -> str:
        """What kind of numbers the loss takes for a prediction."""
        return takes(self.name, self.settings)

    @cached_property
    def chain(self) -> list[graph.Link]:
        """The operations that made the prediction, the last first."""
        return graph.chain(self.prediction)

    @cached_property
    def operations(self) -> list[graph.Link]:
        """The same without what only moves numbers."""
        return [link for link in self.chain if link.name not in graph.SHAPES]

    @property
    def last_operation(self) -> str:
        return self.operations[0].name if self.operations else ""

    @cached_property
    def ancestry(self) -> graph.Ancestry:
        """All that what learns depends on."""
        return graph.ancestry(*self.learning, mark=self.mark)

    def meets(self, one: tuple[int, ...], other: tuple[int, ...]) -> bool:
        """Whether tensors of these shapes were computed with one another inside of the loss."""
        return (one, other) in self.met or (other, one) in self.met

    @cached_property
    def class_dim(self) -> int:
        """The dimension of the classes: 1, or 0 of a single sample."""
        if self.name in ("token_cross_entropy", "ctc"):
            return self.prediction.dim() - 1
        return 0 if self.prediction.dim() < 2 else 1

    @cached_property
    def labeled(self) -> Tensor | None:
        """Which of the answers of an own loss are labeled as true, where it makes probabilities of scores, or is given some."""
        if self.entry is not None or not self.has_target or not self.prediction.requires_grad:
            return None
        made_here = self.used & {"sigmoid", "logsigmoid", "softmax", "log_softmax", "binary_cross_entropy_with_logits"}
        if not made_here and self.last_operation not in ("Sigmoid", "Softmax", "LogSoftmax", "LogSigmoid"):
            return None
        if self.prediction.numel() > LARGEST or not graph.last_layer_learns(self.chain):
            return None
        if self.target.shape == self.prediction.shape:
            return self.target.detach() > 0.5 if self.targeted.values == (0, 1) else None
        if self.target.dtype != torch.int64 or self.prediction.dim() != 2 or self.target.dim() != 1:
            return None
        classes = torch.arange(self.prediction.shape[1], device=self.target.device)
        return self.target.detach()[:, None] == classes if len(self.target) == len(self.prediction) else None

    @property
    def per_element(self) -> bool:
        """Whether the loss pairs number with number."""
        return self.entry is not None and self.entry.batches.elementwise


def name_of(loss: Any) -> str:
    """The name of a function, or of a module's class."""
    if getattr(loss, "__name__", "") == "<lambda>":
        return "lambda"
    return type(loss).__name__ if isinstance(loss, torch.nn.Module) else getattr(loss, "__name__", type(loss).__name__)


def named_arguments(loss: Callable, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a call by name; by their places where the names cannot be found."""
    try:
        function = loss.forward if isinstance(loss, torch.nn.Module) else loss
        bound = inspect.signature(function).bind(*args, **kwargs).arguments
    except (TypeError, ValueError):  # built in, or called wrongly
        return {**{str(i): value for i, value in enumerate(args)}, **kwargs}
    return dict(_flat(bound.items()))


def _flat(bound: Iterable[tuple[str, Any]]) -> Iterable[tuple[str, Any]]:
    """The arguments behind ``*tensors`` and ``**settings`` one by one."""
    for name, value in bound:
        if name in DEPRECATED:
            continue
        if isinstance(value, tuple) and any(isinstance(v, Tensor) for v in value):
            yield from ((f"{name}[{i}]", v) for i, v in enumerate(value))
        elif isinstance(value, dict):
            yield from value.items()
        else:
            yield name, value


@functools.cache
def _parameters(function: Callable) -> tuple[dict[str, inspect.Parameter], list[str]]:
    """The settings of a function of the catalogue, and the names of its tensors: to ask Python takes long."""
    settings = settings_of(function)
    return settings, [name for name in inspect.signature(function).parameters if name not in settings]


def observe(loss: Callable, args: tuple[Any, ...], kwargs: dict[str, Any], **seen: Any) -> Call:
    """What is to be seen in one call of a loss."""
    entry = lookup(loss)
    if entry is None or entry.function is None:
        return Call(loss, entry, named_arguments(loss, args, kwargs), **seen)
    if isinstance(loss, entry.module):  # whose forward takes *tensors
        return Call(loss, entry, named_arguments(entry.function, args, kwargs), **seen)
    # torch has other names for some tensors: log_input for the first one of PoissonNLLLoss.
    function = loss.forward if isinstance(loss, torch.nn.Module) else loss
    _, own = _parameters(entry.function)
    renamed = dict(zip(list(inspect.signature(function).parameters)[: len(own)], own, strict=False))
    given = named_arguments(loss, args, kwargs)
    return Call(loss, entry, {renamed.get(name, name): value for name, value in given.items()}, **seen)
