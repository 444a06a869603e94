"""What a loss takes, as a person has it, and as tensors in a row: the checks change tensors, the loss gets its own form.

A batch may hold dictionaries, lists and tuples of tensors, plain numbers and lists of them (lengths, boxes), models, and
anything else. Numbers become tensors, so that samples can be cut off and exchanged, and numbers again for the call; a
model stands there by its parameters, so that gradients of them are seen; all else is passed on as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as trees  # under this name in every torch since 2.0

from ...kit.precision import cast


@dataclass(frozen=True)
class Layout:
    """How the arguments of one call are built of tensors."""

    spec: Any  #: the nesting: dictionaries, lists, tuples
    leaves: tuple[Any, ...]  #: what stood there in the first batch of this form
    names: tuple[str, ...]  #: of each leaf: ``[0]['logits']`` is the item logits of the first argument

    def arguments(self, tensors: Sequence[Tensor]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments of a call with these tensors: by position, and by name."""
        left = iter(tensors)
        return trees.tree_unflatten([_filled(leaf, left) for leaf in self.leaves], self.spec)

    def fits(self, other: Layout) -> bool:
        """True if the other is built alike, with equal values for all that is no tensor."""
        return self.spec == other.spec and all(map(_alike, self.leaves, other.leaves))

    @property
    def is_plain(self) -> bool:
        """True for tensors by position, as torch's own losses take them."""
        return all(isinstance(leaf, Tensor) for leaf in self.leaves) and self.names == tuple(
            f"[{i}]" for i in range(len(self.leaves))
        )

    @property
    def asks_slopes(self) -> bool:
        """True if some tensors were made with requires_grad: the loss may ask for slopes with respect to them itself."""
        return any(isinstance(leaf, Tensor) and leaf.requires_grad for leaf in self.leaves)

    def differentiable(self) -> list[bool]:
        """For each tensor whether a gradient can reach it: those that stand for plain numbers get none."""
        found: list[bool] = []
        for leaf in self.leaves:
            held = tensors_of(leaf)
            found += [isinstance(leaf, (Tensor, nn.Module)) and t.is_floating_point() for t in held]
        return found

    def tensor_names(self) -> list[str]:
        """The name of each tensor: where it stands among the arguments."""
        named: list[str] = []
        for leaf, name in zip(self.leaves, self.names, strict=True):
            within = [f".{n}" for n, _ in leaf.named_parameters()] if isinstance(leaf, nn.Module) else [""]
            named += [name + part for part in within[: len(tensors_of(leaf))]]
        return named


def laid_out(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[tuple[Tensor, ...], Layout]:
    """The tensors among the arguments of a call, and how the arguments are built of them."""
    paths, spec = trees.tree_flatten_with_path((args, dict(kwargs)), is_leaf=lambda x: x is not args and _numbers(x))
    names = tuple(trees.keystr(path[1:]) for path, _leaf in paths)
    leaves = tuple(leaf for _path, leaf in paths)
    return tuple(t for leaf in leaves for t in tensors_of(leaf)), Layout(spec, leaves, names)


def tensors_of(leaf: Any) -> list[Tensor]:
    """The tensors that stand for a leaf: none for what is passed on as it is."""
    if isinstance(leaf, Tensor):
        return [leaf.detach()]
    if isinstance(leaf, nn.Module):
        return [p.detach() for p in leaf.parameters()]
    if isinstance(leaf, (bool, int, float)) or _numbers(leaf):
        made = torch.tensor(leaf)
        return [cast(made, torch.float64)]
    return []


def _filled(leaf: Any, left: Iterator[Tensor]) -> Any:
    """What stands in the place of a leaf when the loss is called with the next tensors."""
    if isinstance(leaf, nn.Module) and tensors_of(leaf):
        return Parametrized(leaf, {name: next(left) for name, _ in leaf.named_parameters()})
    if not tensors_of(leaf):
        return leaf
    tensor = next(left)
    if isinstance(leaf, Tensor):
        # In place, as an argument is known by its identity; what comes here is a copy already.
        slopes = leaf.requires_grad and tensor.is_floating_point() and torch.is_grad_enabled()
        return tensor.requires_grad_() if slopes and not tensor.requires_grad else tensor
    if tensor.is_meta:  # without data: any number will do
        return leaf
    values = tensor.tolist()
    return tuple(values) if isinstance(leaf, tuple) else type(leaf)(values)


class Parametrized:
    """A model that computes with other tensors in the place of its parameters."""

    def __init__(self, model: nn.Module, parameters: dict[str, Tensor]) -> None:
        self.given, self._parameters = model, parameters

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        one = next(iter(self._parameters.values()))
        buffers = {name: cast(b, one.dtype).to(one.device) for name, b in self.given.named_buffers()}
        return torch.func.functional_call(self.given, {**buffers, **self._parameters}, args, kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.given, name)


def _numbers(value: Any) -> bool:
    """True for a list of numbers, or of lists of as many numbers."""
    if type(value) not in (list, tuple) or not value:
        return False
    if all(isinstance(v, (bool, int, float)) for v in value):
        return True
    return all(_numbers(v) for v in value) and len({len(v) for v in value}) == 1


def _alike(one: Any, other: Any) -> bool:
    if tensors_of(one) or isinstance(one, nn.Module):
        return type(one) is type(other) or isinstance(one, Tensor) and isinstance(other, Tensor)
    try:
        return one is other or bool(one == other)
    except Exception:  # objects may compare as they want
        return False


def called_with(layouts: Mapping[int, Layout]) -> Callable[[Callable], Callable]:
    """Lets a loss be called with tensors in a row; the layout is found by their number."""

    def around(loss: Callable) -> Callable:
        def called(*tensors: Tensor) -> Any:
            args, kwargs = layouts[len(tensors)].arguments(tensors)
            return loss(*args, **kwargs)

        return called

    return around
