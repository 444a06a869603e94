"""The tensors of a batch by the names that a loss has for them, and what such a name says."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import nn

from ...language import gettext as _
from .candidate import Candidate
from .layout import Layout

#: Words in the names of arguments, by what these are.
TARGETS = ("target", "label", "true", "truth", "gt", "ground", "annot")


@dataclass(frozen=True)
class Argument:
    """One tensor of a batch."""

    index: int
    name: str  #: as the loss calls it; a number where it has no name
    is_named: bool
    reached: bool  #: whether a gradient can reach it

    def is_one_of(self, words: Sequence[str]) -> bool:
        """True if its name holds one of these words; short ones are whole words."""
        parts = self.name.lower().replace("[", "_").replace("'", "_").split("_")
        return self.is_named and any(
            word in part if len(word) > 3 else word == part for word in words for part in parts
        )

    @property
    def is_target(self) -> bool:
        return self.is_one_of(TARGETS) or self.is_named and self.name in ("y", "t")


def arguments_of(candidate: Candidate, layout: Layout) -> list[Argument]:
    """The tensors of a batch, with the names that a loss has for them."""
    call = candidate.adapter.call
    return named(parameters_of(call)[1:] if call else parameters_of(candidate.loss), layout)


def named(names: Sequence[str], layout: Layout) -> list[Argument]:
    """The tensors of a batch, with the names of the arguments by position."""
    found = []
    for i, (path, reached) in enumerate(zip(layout.tensor_names(), layout.differentiable(), strict=True)):
        key, _bracket, rest = path[1:].partition("]")
        position = int(key) if key.isdigit() else -1
        is_named = not key.isdigit() or position < len(names)
        name = key.strip("'") if not key.isdigit() else names[position] if is_named else str(position + 1)
        found.append(Argument(i, name + rest, is_named, reached))
    return found


def placed(names: Sequence[str], i: int) -> str:
    """An argument in a sentence: by its place, and by its name where it has one."""
    place = _("argument {n}").format(n=i + 1)
    return f"{place} ({names[i]})" if i < len(names) and names[i] else place


def parameters_of(function: Callable) -> list[str]:
    """The names of the arguments by position; none where they are not known."""
    target = function.forward if isinstance(function, nn.Module) else function
    try:
        parameters = inspect.signature(target).parameters.values()
    except (TypeError, ValueError):
        return []
    return [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
