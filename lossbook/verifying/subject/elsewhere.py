"""A device that every machine has: tensors that say they are elsewhere, and hold their numbers on the CPU all the same.

Torch's own device without hardware, "meta", holds no numbers, so that a loss which looks at one fails there; and it
imports torch's compiler, which takes seconds. Here a mistake shows as on a GPU: tensors of two devices do not mix.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

DEVICE = torch.device("meta")  #: what these tensors call their device
MIXED = "Expected all tensors to be on the same device, but found at least two devices, elsewhere and cpu!"
#: Operations that take tensors of two devices, on a GPU too: copies, and indices on the CPU.
COPIES = ("_to_copy", "copy_")
INDEXED = ("index", "index_put", "index_put_", "_index_put_impl_")


class Elsewhere(Tensor):
    """A tensor elsewhere."""

    held: Tensor  #: its numbers, on the CPU

    @staticmethod
    def __new__(cls, held: Tensor) -> Elsewhere:
        made = torch.Tensor._make_wrapper_subclass(
            cls,
            held.shape,
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            device=DEVICE,
            requires_grad=False,
        )
        made.held = held
        return made

    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    @classmethod
    def __torch_dispatch__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # type: ignore[override]
        return _run(function, args, kwargs or {})


class _There(TorchDispatchMode):
    """Puts new tensors of that device there, too."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # or else each operation goes through torch's compiler, which takes seconds to import

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(function, args, kwargs or {})


class _WithNumbers(TorchFunctionMode):
    """Does what no operation shows: numbers of Python become a tensor there, and a tensor becomes numbers."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if function is Tensor.tolist:
            return _held(args[0]).tolist()
        if function is Tensor.new_tensor and isinstance(args[0], Elsewhere) and "device" not in kwargs:
            kwargs = {**kwargs, "device": DEVICE}
        if function in (torch.tensor, torch.as_tensor, torch.asarray, Tensor.new_tensor) and _is_there(kwargs):
            made = function(*tree_map(_held, args), **{**kwargs, "device": "cpu"})
            return Elsewhere(made.detach()).requires_grad_(made.requires_grad)
        return function(*args, **kwargs)


@contextmanager
def elsewhere() -> Iterator[Callable[[Tensor], Tensor]]:
    """While it lasts, the device exists; gives a function that takes a tensor there."""
    with _WithNumbers(), _There():
        yield Elsewhere


def _run(function: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """Run an operation on the numbers held, if its tensors are all on one device."""
    tensors = [x for x in tree_flatten((args, kwargs))[0] if isinstance(x, Tensor)]
    there = [t for t in tensors if isinstance(t, Elsewhere)]
    asked = kwargs.get("device")
    if not there and not _is_there(kwargs):
        return function(*args, **kwargs)
    name = function.overloadpacket.__name__
    here = [t for t in tensors if not isinstance(t, Elsewhere) and t.dim()]  # a number on the CPU goes with any
    allowed = name in COPIES or (name in INDEXED and isinstance(args[0], Elsewhere))
    if there and here and not allowed:
        raise RuntimeError(MIXED)
    if there and tensors[0] is not there[0] and name.endswith("_") and name not in COPIES:
        raise RuntimeError(MIXED)  # the result would have to be written from there into a tensor of the CPU
    if _is_there(kwargs):
        kwargs = {**kwargs, "device": torch.device("cpu")}
    result = function(*tree_map(_held, args), **tree_map(_held, kwargs))
    stays = bool(there) if asked is None else _is_there({"device": asked})
    if name == "copy_" or (there and name.endswith("_") and not name.endswith("__")):
        return args[0]  # in place: the tensor that was given
    return tree_map(lambda x: Elsewhere(x) if isinstance(x, Tensor) and stays else x, result)


def _is_there(kwargs: dict[str, Any]) -> bool:
    device = kwargs.get("device")
    return device is not None and torch.device(device) == DEVICE


def _held(x: Any) -> Any:
    return x.held if isinstance(x, Elsewhere) else x
