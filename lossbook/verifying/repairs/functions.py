"""Changes of functions of each number: left out, another one, one that is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ...language import gettext as _
from .call import Call
from .change import Change, is_real, is_turned, masks_of, of_result

One = Callable[[Tensor], Tensor]


def _classes(x: Tensor) -> int:
    return 1 if x.dim() > 1 else 0


#: Functions that stand for each other: what is written, what people write instead.
FUNCTIONS: dict[str, One] = {
    "sigmoid(x)": torch.sigmoid,
    "softmax(x, 1)": lambda x: x.softmax(_classes(x)),
    "softmax(x, -1)": lambda x: x.softmax(-1),
    "log_softmax(x, 1)": lambda x: x.log_softmax(_classes(x)),
    "log_softmax(x, -1)": lambda x: x.log_softmax(-1),
    "logsigmoid(x)": F.logsigmoid,
    "tanh(x)": torch.tanh,
    "exp(x)": torch.exp,
    "log(x)": torch.log,
    "log1p(x)": torch.log1p,
    "sqrt(x)": torch.sqrt,
    "square(x)": torch.square,
    "abs(x)": torch.abs,
    "relu(x)": torch.relu,
    "softplus(x)": F.softplus,
    "1 - x": lambda x: 1 - x,
    "normalize(x, dim=-1)": lambda x: F.normalize(x, dim=-1),
    "1 / x": torch.reciprocal,
}
MAPS = {
    "sigmoid", "softmax", "log_softmax", "logsigmoid", "tanh", "exp", "expm1", "log", "log1p", "log2", "log10", "sqrt",
    "rsqrt", "square", "abs", "absolute", "relu", "softplus", "normalize", "clamp", "clip", "clamp_min", "clamp_max",
    "round", "floor", "ceil", "sign", "neg", "reciprocal", "erf", "sin", "cos", "acos", "tan", "atan", "detach", "T",
    "mT", "t", "flip", "cumsum", "nan_to_num", "norm", "pow", "dropout", "elu", "gelu", "hardtanh", "leaky_relu",
    "silu", "diagonal", "masked_fill", "getitem", "roll", "sort", "long", "int", "float", "double", "argmax", "div",
}  # fmt: skip


def of_function(call: Call) -> Iterator[Change]:
    """Without this function, with another one, or with something done to its argument."""
    if call.spot.name not in MAPS or not call.args or not isinstance(call.args[0], Tensor):
        return
    x, result = call.args[0], call.result
    if not isinstance(result, Tensor):
        return
    if x.shape == result.shape:
        yield Change(_("{old} is one step too many: right without it"), "", lambda c: c.args[0])
        if call.spot.name in ("div",):
            return
        for new, made in FUNCTIONS.items():
            if is_real(x) and not is_turned(new, x):
                says = _("another function belongs there: right with {new} in the place of {old}")
                # Of differences between all pairs half of them, and half of each, have one sum.
                halved = of_result(lambda r: r / 2) if (call.spot.name, new) == ("abs", "relu(x)") else None
                yield Change(says, new, partial(lambda made, c: made(c.args[0]), made), unless=halved)
    if is_real(x):
        for new, made in (("-x", torch.neg), ("1 - x", lambda x: 1 - x), ("abs(x)", torch.abs)):
            if is_turned(new, x):
                continue
            says = _("what goes into {old} is wrong: right with {new} in the place of its argument x")
            yield Change(says, new, partial(lambda made, c: c.again(made(c.args[0]), *c.args[1:]), made))


def of_missing(call: Call) -> Iterator[Change]:
    """With one more function of the result."""
    if not is_real(call.result) or call.result.numel() == 0:
        return
    for new, made in FUNCTIONS.items():
        if not (call.result.dim() == 0 and "ax(" in new) and not is_turned(new, call.result):
            says = _("a step is missing: right with {new} of x = {old}")
            yield Change(says, new, of_result(made))
    if call.result.dim() == 2 and call.result.shape[0] == call.result.shape[1]:
        yield Change(_("rows and columns are exchanged: right with {new} in {old}"), "x.T", of_result(lambda x: x.T))
    for name, mask in masks_of(call, call.result):
        says = _("a mask or a target is not used there: right with {new}, where x is {old}")
        yield Change(says, f"x * {name}", partial(lambda mask, c: c.again() * mask(c), mask))
        yield Change(says, f"x * (1 - {name})", partial(lambda mask, c: c.again() * (1 - mask(c)), mask))
    for name, mask in masks_of(call, call.inputs[0]) if call.result.dim() else ():
        kept = mask(call)
        if kept.dim() > call.result.dim() and kept.shape[: call.result.dim()] == call.result.shape:
            says = _("the sum is not divided by how many {mask} leaves in: right with {new}, where x is {old}")
            says = says.replace("{mask}", name)
            dims = tuple(range(call.result.dim(), kept.dim()))
            new = f"x / {name}.sum({', '.join(map(str, dims))})"
            yield Change(says, new, partial(lambda mask, dims, c: c.again() / mask(c).sum(dims), mask, dims))
    for i, other in enumerate(call.inputs):
        if i and other.is_floating_point() and other.shape == call.result.shape[: other.dim()] and other.dim():
            says = _("an argument is not used there: right with {new}, where x is {old}")
            for sign, two in JOINING.items():
                new = f"x {sign} {call.name_of(i)}"
                yield Change(says, new, partial(lambda i, two, c: _joined(c, i, two), i, two))


def of_operands(call: Call) -> Iterator[Change]:
    """With one more function of an argument of the loss, which is used as it comes."""
    for i, used in enumerate(call.args):
        at = call.number_of(used)
        if at is None or not is_real(used) or not used.numel() or call.spot.name in MAPS:
            continue
        for new, made in FUNCTIONS.items():
            if is_turned(new, used):
                continue
            says = _("a step is missing: right with {new} in the place of x = {argument} in {old}")
            says = says.replace("{argument}", call.name_of(at))
            yield Change(says, new, partial(lambda i, made, c: c.again(*_replaced(c.args, i, made)), i, made))


def _replaced(args: tuple, i: int, made: One) -> list:
    return [made(a) if j == i else a for j, a in enumerate(args)]


JOINING: dict[str, Callable[..., Tensor]] = {"*": torch.mul, "/": torch.div, "-": torch.sub, "+": torch.add}


def _joined(call: Call, i: int, made: Callable[..., Any]) -> Tensor:
    result, other = call.again(), call.inputs[i]
    return made(result, other.reshape(other.shape + (1,) * (result.dim() - other.dim())))


def of_layout(call: Call) -> Iterator[Change]:
    """A view that should have moved the classes to the end first."""
    if (
        call.spot.name in ("view", "reshape", "flatten", "view_as", "reshape_as")
        and call.args
        and isinstance(call.args[0], Tensor)
    ):
        x = call.args[0]
        if x.dim() > 2:
            says = _("view or reshape without permute mixes classes with positions: right with {new} in {old}")
            yield Change(says, "movedim(1, -1)", lambda c: _reshaped(c, c.args[0].movedim(1, -1)))
            yield Change(says, "movedim(-1, 1)", lambda c: _reshaped(c, c.args[0].movedim(-1, 1)))
        elif x.dim() == 2:
            says = _("rows and columns are exchanged: right with {new} in {old}")
            yield Change(says, "x.T", lambda c: _reshaped(c, c.args[0].mT))


def _reshaped(call: Call, x: Tensor) -> Tensor:
    return call.again(x.contiguous(), *call.args[1:])


LOSSES = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "cross_entropy", "nll_loss", "kl_div",
          "binary_cross_entropy", "binary_cross_entropy_with_logits", "soft_margin_loss")  # fmt: skip


def of_torch_loss(call: Call) -> Iterator[Change]:
    """Another loss of torch, its arguments exchanged, or a setting of it changed."""
    if not call.spot.name.endswith(("_loss", "entropy", "logits", "kl_div")) or len(call.tensors) < 2:
        return
    says = _("the arguments of a loss of torch are exchanged: right with {new} in the place of {old}")
    yield Change(says, f"{call.spot.name}(b, a)", lambda c: c.again(c.args[1], c.args[0], *c.args[2:]))
    for i, used in enumerate(call.args[:2]):
        for j, other in enumerate(call.inputs):
            if (
                isinstance(used, Tensor)
                and other is not used
                and other.shape == used.shape
                and other.dtype == used.dtype
            ):
                says = _("a loss of torch gets something other than the argument itself: right with {new} in {old}")
                new = call.name_of(j)
                yield Change(
                    says, new, partial(lambda i, j, c: c.again(*c.args[:i], c.inputs[j], *c.args[i + 1 :]), i, j)
                )
    for name in LOSSES:
        if name != call.spot.name:
            says = _("another loss belongs there: right with {new} in the place of {old}")
            yield Change(says, name, partial(lambda name, c: _other_loss(c, getattr(F, name)), name))
    for name, values in SETTINGS.items():
        if name in call.kwargs:
            for value in values:
                says = _("a setting of a loss of torch is wrong: right with {new} in {old}")
                yield Change(says, f"{name}={value}", partial(lambda n, v, c: c.again(**{n: v}), name, value))
    if call.kwargs.get("weight", 0) is None:
        return
    says = _("a setting of a loss of torch is wrong: right with {new} in {old}")
    yield Change(says, "weight=None", lambda c: c.again(weight=None))


SETTINGS: dict[str, tuple[Any, ...]] = {
    "log_target": (True, False),
    "ignore_index": (-1, 0, -100, 255),
    "pos_weight": (None,),
    "label_smoothing": (0.0, 0.1),
    "p": (1, 2),
    "swap": (True, False),
    "log_input": (True, False),
    "full": (True, False),
}


def _other_loss(call: Call, loss: Callable[..., Tensor]) -> Tensor:
    limit = call.kwargs.get("beta", call.kwargs.get("delta"))  # of Huber's loss and its scaled form
    name = {"smooth_l1_loss": "beta", "huber_loss": "delta"}.get(loss.__name__)
    more = {name: limit} if name and limit else {}
    return loss(call.args[0], call.args[1], reduction=call.kwargs.get("reduction", "mean"), **more)
