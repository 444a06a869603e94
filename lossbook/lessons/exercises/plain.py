"""A loss that a reader writes in the page, where there are no tensors: for one sample, in numbers and lists."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from inspect import cleandoc
from textwrap import indent
from typing import Any

import torch
from torch import Tensor

from ...kit.loss import settings_of
from ...language import gettext as _
from ...report import arguments_text
from ...verifying.compare import DOUBLE
from ...verifying.slips import Slip, slips_of_one_sample
from ...verifying.subject.reference import Reference, understand
from .loss_judgment import slip_of
from .points import POINTS

ENOUGH = 3  #: at so many points a slip must give a number
Number = float | list[float] | list[int]
Row = list[float | None]  #: a number for each point
Place = tuple[int, int]  #: of a slip: the point, and the slip's number under its settings


@dataclass(frozen=True)
class Point:
    """The arguments of one sample. A whole number is a class; a list holds the numbers of a vector, or of the classes."""

    given: tuple[Number, ...]
    settings: dict[str, Any]

    def tensors(self) -> tuple[Tensor, ...]:
        """The same as a batch of one."""
        return tuple(torch.tensor([x], dtype=_dtype(x)) for x in self.given)

    def tensor_settings(self, function: Callable) -> dict[str, Any]:
        """The same for the loss, whose settings without a default are tensors."""
        known = settings_of(function)
        return {
            name: torch.tensor(value if isinstance(value, list) else [value], dtype=torch.float64)
            if known[name].default is None
            else value
            for name, value in self.settings.items()
        }

    def fits(self, other: Point) -> bool:
        """Whether both may be in one batch."""
        shapes = [[t.shape for t in point.tensors()] for point in (self, other)]
        return shapes[0] == shapes[1] and self.settings == other.settings and self.given != other.given


@dataclass(frozen=True)
class Plain:
    """What the page asks: a function of these arguments, written, or mended where there is a body."""

    arguments: str  #: names, as the page's editor shows them
    body: str = "return ..."

    def source(self, name: str, points: Sequence[Point], function: Callable) -> str:
        """What stands in the editor. The settings are those of the points."""
        known = settings_of(function)
        arguments = [f"{each}: {_kind(x)}" for each, x in zip(self.arguments.split(", "), points[0].given, strict=True)]
        for setting, value in {k: v for point in points for k, v in point.settings.items()}.items():
            default = known[setting].default
            arguments.append(f"{setting}: {_kind(value)}{' | None' if default is None else ''} = {default!r}")
        line = ", ".join(arguments)
        head = f"({line})" if len(line) < 50 else "(\n    " + ",\n    ".join(arguments) + ",\n)"
        return f"def {name}{head} -> float:\n{indent(cleandoc(self.body), '    ')}\n"


@dataclass(frozen=True)
class Key:
    """What is right at the points of a plain loss, and what its slips give there: worked out once for all languages."""

    plain: Plain
    like: str
    settings: dict[str, Any]
    takes: tuple[str, ...]
    names_the_slip: bool

    @cached_property
    def points(self) -> list[Point]:
        """The points of the loss, without settings that the exercise does not ask for."""
        n = len(self.plain.arguments.split(", "))
        points = [Point(at[:n], dict(*at[n:])) for at in POINTS[self.like]]
        return [point for point in points if point.settings.keys() <= set(self.takes)]

    @cached_property
    def reference(self) -> Reference:
        return understand(self.like, None, self.settings)

    def data(self) -> dict[str, Any]:
        """All that the judgment needs, in the language of the moment, as JSON can hold it."""
        name = f"my_{self.like}"
        return {
            "name": name,
            "mends": self.plain.body != Plain.body,
            "source": self.plain.source(name, self.points, self.reference.losses[0]),
            "tolerance": DOUBLE,
            "points": [
                {
                    "given": point.given,
                    "settings": point.settings,
                    "shown": arguments_text([t[0] for t in point.tensors()], point.settings),
                    "right": right,
                }
                for point, right in zip(self.points, self.rights, strict=True)
            ],
            "slips": [{"says": says, "gives": gives} for says, gives in zip(self._says(), self.gives, strict=True)],
            "said": self._said(name),
        }

    def _said(self, name: str) -> dict[str, str]:
        """The sentences around names and numbers, as `verify` and `check` have them."""
        agrees, where = _("{loss} agrees with {like}.").format(loss=name, like=self.like), _("one sample")
        error = _("The loss raises an error on input that it should take ({where}): {said}")
        return {
            "right": _("Right. {praise}").format(praise=agrees),
            "wrong": _("Not yet. {hint}"),
            "blank": _("No answer yet: put yours in place of the three dots, and press the button."),
            "name": _("Keep the name {name}: your loss is called by it.").format(name=name),
            "kind": _("The loss returns {kind}, not a number: return one number, the loss alone."),
            "value": _("The loss gives the wrong value ({where}).").format(where=where),
            "not finite": _("The loss is not finite where the right one is ({where}).").format(where=where),
            "error": error.format(where=where, said="{said}"),
            "given": _("smallest input: {arguments}"),
            "got": _("got {got}, should be {wanted}"),
            "diagnosis": _("diagnosis: {diagnosis}"),
        }

    @cached_property
    def rights(self) -> list[float]:
        """What is right: the sum, for the mean of a sample that does not count would be no number."""
        reference = understand(self.like, None, {"reduction": "sum", **self.settings})
        return [
            reference.bound(point.tensor_settings(reference.losses[0]))[0](*point.tensors()).item()
            for point in self.points
        ]

    @property
    def gives(self) -> list[Row]:
        """What each slip gives at the points."""
        return [gives for _place, gives in self._shown]

    def _says(self) -> list[str]:
        """What is said of each slip, in the language of the moment."""
        every = self._every_slip() if self._shown else []
        return [every[i][k].says for (i, k), _gives in self._shown]

    @cached_property
    def _shown(self) -> list[tuple[Place, Row]]:
        """The slips that the points show; of those that give the same, the likeliest."""
        every = self._every_slip() if self.names_the_slip else []
        shown: list[tuple[Place, Row]] = []
        # What gives no number at many points is hardly refuted: it comes last.
        for places, gives in sorted(self._aligned(every), key=lambda found: 4 * found[1].count(None) > len(found[1])):
            known = [(i, mine) for i, mine in enumerate(gives) if mine is not None]
            wrong = [i for i, mine in known if not _equal(mine, self.rights[i])]
            if not wrong or len(known) < ENOUGH:
                continue  # no slip in one sample, or one that is no number at the others
            told = {"slips": [{"says": "the same", "gives": row} for _, row in shown], "tolerance": DOUBLE}
            if slip_of(wrong[0], [(x, "") for x in gives], told):
                continue
            if not any(self._samples_meet(i, every[i][k]) for i, k in places):
                shown.append((places[0], gives))
        return shown

    def _every_slip(self) -> list[list[Slip]]:
        """The slips under the settings of each point."""
        settings = [point.tensor_settings(self.reference.losses[0]) for point in self.points]
        return [list(slips_of_one_sample(self.reference, each)) for each in settings]

    def _aligned(self, every: list[list[Slip]]) -> Iterator[tuple[list[Place], Row]]:
        """Each slip's places, and what it gives at all points. One in a setting is none where that is the default."""
        found: dict[tuple[str, int], tuple[list[Place], Row]] = {}
        points = self.points
        for i in sorted(range(len(every)), key=lambda i: not points[i].settings):  # there are slips in settings, too
            seen = Counter[str]()
            for k, slip in enumerate(every[i]):
                seen[slip.says] += 1
                places, gives = found.setdefault((slip.says, seen[slip.says]), ([], list(self.rights)))
                places.append((i, k))
                gives[i] = self._number(slip, points[i].tensors())
        yield from found.values()

    def _number(self, slip: Slip, tensors: Sequence[Tensor]) -> float | None:
        """What a slip gives, in ten digits; None where it cannot take such input, or gives no number."""
        try:
            value = float(f"{self.reference.kind.around(slip.loss)(*tensors).item():.10g}")
        except Exception:  # slips are made for the batches of `verify`, and may not take each one
            return None
        return value if math.isfinite(value) else None

    def _samples_meet(self, i: int, slip: Slip) -> bool:
        """Whether two samples in one batch give something else than their sum or mean: alone they tell nothing of that."""
        one = self.points[i]
        other = next((point for point in self.points if point.fits(one)), None)
        if other is None:
            return False
        pairs = zip(one.tensors(), other.tensors(), strict=True)
        first, second = self._number(slip, one.tensors()), self._number(slip, other.tensors())
        together = self._number(slip, [torch.cat(pair) for pair in pairs])
        if first is None or second is None:
            return False
        return together is None or not any(_equal(together, s) for s in (first + second, (first + second) / 2))


def _dtype(x: Number) -> torch.dtype:
    first = x[0] if isinstance(x, list) else x
    return torch.int64 if isinstance(first, int) else torch.float64


def _kind(x: Any) -> str:
    return f"list[{_kind(x[0])}]" if isinstance(x, list) else type(x).__name__


def _equal(one: float, other: float) -> bool:
    return abs(one - other) <= DOUBLE * max(1, abs(other))
