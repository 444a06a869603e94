"""Says in one line what was handed to the loss under test, as the loss saw it."""

from __future__ import annotations

import contextlib
import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from ...language import gettext as _
from .candidate import Candidate
from .layout import Parametrized
from .outcome import call
from .reference import Reference
from .state import TimeIsUp

MOST = 6  #: how many items of a list or dictionary are named


def handed(candidate: Candidate, reference: Reference, tensors: Sequence[Tensor], seed: int | None) -> str:
    """What the loss got on one batch, what was taken of its result, and what was done before each call."""
    adapter = candidate.adapter
    names = _names(reference.losses[0]) if reference.losses else []
    seen: list[str] = []
    with contextlib.suppress(TimeIsUp):
        call(reference.kind.around(_watched(candidate, names, seen)), tensors)
    sentences = [_("Called as {call}.").format(call=f"{candidate.name}({seen[0]})")] if seen else []
    if adapter.pick is not None:
        sentences.append(_("Taken of its result: {part}.").format(part=adapter.pick))
    if adapter.fresh:
        sentences.append(_("Each call gets a copy as new."))
    if seed is not None:
        sentences.append(_("Before each call the random numbers begin anew, with the seed {seed}.").format(seed=seed))
    return " ".join(sentences)


def _watched(candidate: Candidate, names: Sequence[str], seen: list[str]) -> Callable:
    """The loss as it is called, with what reaches it written into `seen`."""

    def around(*args: Any, **kwargs: Any) -> Any:
        sources = {id(value): name for value, name in zip(args, names, strict=False)}
        sources |= {id(value): name for name, value in kwargs.items()}

        def note(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
            seen.append(_arguments(candidate.loss, args, kwargs, sources))

        return candidate.around(_noting(candidate.loss, note))(*args, **kwargs)

    return around


def _noting(loss: Callable, note: Callable) -> Callable:
    """A loss that notes its arguments before it runs."""
    if isinstance(loss, nn.Module):
        try:
            loss = copy.deepcopy(loss)
            loss.register_forward_pre_hook(lambda _module, args, kwargs: note(args, kwargs), with_kwargs=True)
        except Exception:  # the check of modules says why it cannot be copied
            return loss
        return loss

    def noting(*args: Any, **kwargs: Any) -> Any:
        note(args, kwargs)
        return loss(*args, **kwargs)

    return noting


def _names(function: Callable) -> list[str]:
    """The names of the arguments by position; fewer where they are not known."""
    target = function.forward if isinstance(function, nn.Module) else function
    try:
        parameters = inspect.signature(target).parameters.values()
    except (TypeError, ValueError):
        return []
    return [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]


def _arguments(loss: Callable, args: Sequence[Any], kwargs: Mapping[str, Any], sources: Mapping[int, str]) -> str:
    names = _names(loss)
    texts = []
    for i, value in enumerate(args):
        name = names[i] if i < len(names) else ""
        texts.append(_argument(name, value, sources.get(id(value), "")))
    texts += [_argument(name, value, sources.get(id(value), "")) for name, value in kwargs.items()]
    return ", ".join(texts)


def _argument(name: str, value: Any, source: str) -> str:
    origin = f"{source} " if source and source != name else ""
    return f"{name}: {origin}{_kind(value)}" if name else f"{origin}{_kind(value)}"


def _kind(value: Any) -> str:
    """What a value is, in a few words: the shape of a tensor, and what it holds if these are no floats."""
    if isinstance(value, Tensor):
        dtype = "" if value.is_floating_point() else f"{str(value.dtype).removeprefix('torch.')} "
        return f"{dtype}{tuple(value.shape)}"
    if isinstance(value, Mapping):
        items = [f"{key}: {_kind(part)}" for key, part in value.items()]
        return f"{{{', '.join(_first(items))}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_first([_kind(part) for part in value]))}]"
    if isinstance(value, Parametrized):
        return type(value.given).__name__
    return repr(value) if isinstance(value, (bool, int, float, str, type(None))) else type(value).__name__


def _first(items: list[str]) -> list[str]:
    return items if len(items) <= MOST else [*items[:MOST], "…"]
