"""Slips that can happen in any loss."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ...catalogue import CATALOGUE
from ...kit.batches.batch import Settings
from ...language import gettext as _
from ..subject.arguments import parameters_of, placed
from ..subject.reference import Reference
from ..subject.state import TakesTooLong
from .slip import Loss, Slip

CROSS_ENTROPY = "guide/cross-entropy"
BCE = "guide/bce"
KL = "guide/kl-divergence"
HINGE = "guide/hinge-embedding"
CUSTOM = "guide/custom-losses"
BROADCAST = "what-is-a-loss/l1-and-mse"

VALUES: dict[str, tuple[Any, ...]] = {
    "weight": (None,),
    "pos_weight": (None,),
    "ignore_index": (-100, 0, -1),
    "label_smoothing": (0.0, 0.1),
    "margin": (0.0, 0.5, 1.0, 2.0, 0.1, 0.2, 0.3),
    "p": (2, 1),
    "swap": (False, True),
    "beta": (1.0, 0.5, 2.0, 0.0),
    "delta": (1.0, 0.5, 2.0),
    "full": (False, True),
    "temperature": (2.0, 1.0, 3.0, 4.0, 5.0, 10.0, 20.0),
    "alpha": (0.5, 0.1, 0.25, 0.75, 0.9, 1.0),
    "direction": ("forward", "reverse"),
    "quantile": (0.5, 0.1, 0.9),
    "eps": (1e-3, 1e-6, 1e-8, 1e-4, 1e-12),
    "log_input": (True, False),
    "log_target": (False, True),
    "blank": (0, 3),
    "zero_infinity": (True,),
}


def of_unused(reference: Reference, settings: Settings, everything: Settings, defaults: Settings) -> Iterator[Slip]:
    """Settings under which the loss was tried, and which it does not use."""
    for name in settings.keys() & defaults.keys() - {"reduction"}:
        loss = reference.bound({**everything, name: defaults[name]})[0]
        yield Slip(_("the setting {name} is not used").format(name=name), loss, unused=True)


def of_settings(reference: Reference, settings: Settings, defaults: Settings) -> Iterator[Slip]:
    """Another value of a setting, or a setting that is not used."""
    for name in [name for name in VALUES if name in defaults]:
        now, default = settings[name], defaults[name]
        scaled = [2 * now, now / 2, -now] if isinstance(now, float) and now else []
        for value in (*VALUES[name], *scaled):
            if isinstance(now, Tensor) or value != now:
                says = (
                    _("the setting {name} is not used").format(name=name)
                    if value == default
                    else _("it computes with {name} = {value}").format(name=name, value=value)
                )
                yield Slip(says, reference.bound({**settings, name: value})[0])


class Change(NamedTuple):
    """Something done to one tensor that should not be done."""

    says: str
    of: Callable[[Tensor], Tensor]
    operations: tuple[str, ...] = ()
    page: str = ""


def of_predictions(right: Loss, reference: Reference) -> Iterator[Slip]:
    for i in reference.kind.wrt:
        which = _("the prediction") if len(reference.kind.wrt) == 1 else placed(_names(reference), i)
        for change in (*_changes_of_classes(), *_changes_of_numbers()):
            yield Slip(
                change.says.format(input=which),
                _changed(right, i, change.of),
                operations=change.operations,
                page=change.page,
            )


def _changed(right: Loss, i: int, change: Callable[[Tensor], Tensor]) -> Loss:
    """The right loss, with its argument i changed."""
    return lambda *t: right(*t[:i], change(t[i]), *t[i + 1 :])


def _over_classes(x: Tensor) -> Tensor:
    return x.softmax(0 if x.dim() == 1 else 1)


def _changes_of_classes() -> Iterator[Change]:
    softmax, page = ("log_softmax", "softmax"), CROSS_ENTROPY
    says = _("equals the right loss on softmax({input}): softmax is applied twice")
    yield Change(says, _over_classes, ("softmax",), page)
    says = _("equals the right loss on sigmoid({input}): sigmoid is applied twice")
    yield Change(says, torch.sigmoid, ("sigmoid", "logsigmoid"), "guide/bce-with-logits")
    says = _("softmax goes over dimension 0, the batch, and not over the classes")
    yield Change(says, lambda x: x.softmax(0), softmax[::-1], page)
    says = _("log-softmax goes over dimension 0, the batch")
    yield Change(says, lambda x: x.log_softmax(0), softmax, page)
    says = _("log-softmax goes over the last dimension, not over the classes")
    yield Change(says, lambda x: x.log_softmax(-1), softmax, page)
    says = _("softmax goes over the last dimension, not over the classes")
    yield Change(says, lambda x: x.softmax(-1), softmax[::-1], page)


def _changes_of_numbers() -> Iterator[Change]:
    yield Change(_("takes log-probabilities for probabilities: exp({input}) would be right"), torch.exp, ("exp",), KL)
    yield Change(_("takes the logarithm of {input} once more"), torch.log, ("log",), "guide/nll")
    yield Change(_("the logarithm is missing: {input} is used as it is"), torch.exp, page=KL)
    yield Change(_("the sign of {input} is flipped"), torch.neg, ("neg",))
    yield Change(_("the absolute value of {input} is taken"), torch.abs, ("abs",))
    yield Change(_("negative numbers of {input} are set to 0"), torch.relu, ("relu", "clamp", "clamp_min"))
    yield Change(_("{input} goes through tanh"), torch.tanh, ("tanh",))
    yield Change(_("{input} is rounded: a step has no slope"), torch.round, ("round",), CUSTOM)
    says = _("{input} is thresholded to 0 and 1: a step has no slope")
    yield Change(says, lambda x: (x > 0.5).to(x.dtype), ("gt", "round", "ge"), CUSTOM)
    for limit in (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7):
        says = _("{{input}} is clamped to [{limit:g}, 1 − {limit:g}]").format(limit=limit)
        yield Change(says, partial(torch.clamp, min=limit, max=1 - limit), ("clamp",), BCE)


def of_targets(right: Loss, reference: Reference) -> Iterator[Slip]:
    targets = [i for i in range(3) if i not in reference.kind.wrt]
    for i in targets[:1]:
        for change in _changes_of_targets():
            yield Slip(change.says, _changed(right, i, change.of), page=change.page)


def _changes_of_targets() -> Iterator[Change]:
    yield Change(_("labels 0 and 1 are expected where −1 and 1 come"), lambda t: (t + 1) / 2, page=HINGE)
    yield Change(_("labels −1 and 1 are expected where 0 and 1 come"), lambda t: 2 * t - 1, page=BCE)
    yield Change(_("the labels are flipped: 1 and −1 are swapped"), _opposite, page=HINGE)
    yield Change(_("the labels are flipped: 0 and 1 are swapped"), _exchanged, page=BCE)
    yield Change(_("the sign in front of the target is wrong"), torch.neg)
    yield Change(_("soft labels are rounded to 0 and 1"), torch.round, page=BCE)
    yield Change(_("soft labels are cut off to integers"), lambda t: t.long().to(t.dtype), page=CROSS_ENTROPY)
    yield Change(_("labels above 0.5 become 1, the others 0"), lambda t: (t > 0.5).to(t.dtype), page=BCE)
    says = _("probabilities are replaced by the most likely class (argmax)")
    yield Change(says, _likeliest, page=CROSS_ENTROPY)
    yield Change(_("the class numbers are one too high"), lambda t: t + 1, page=CROSS_ENTROPY)
    yield Change(_("the class numbers are one too low"), lambda t: t - 1, page=CROSS_ENTROPY)
    yield Change(_("an ignored target is counted as class 0"), lambda t: t.clamp(min=0), page=CROSS_ENTROPY)
    says = _("softmax of the target, which holds probabilities already")
    yield Change(says, lambda t: t.softmax(-1), page=KL)
    yield Change(_("the logarithm of the target is taken"), torch.log, page=KL)
    yield Change(_("the target is not used"), torch.zeros_like)
    yield Change(_("every target counts as 1"), torch.ones_like)


def _opposite(labels: Tensor) -> Tensor:
    if not bool((labels.abs() == 1).all()):
        raise ValueError  # no labels 1 and −1
    return -labels


def _exchanged(labels: Tensor) -> Tensor:
    if labels.is_floating_point() and not bool(((labels == 0) | (labels == 1)).any()):
        raise ValueError  # no labels 0 and 1
    return 1 - labels


def _likeliest(target: Tensor) -> Tensor:
    if not target.is_floating_point():
        return target  # class numbers stay as they are
    return torch.nn.functional.one_hot(target.argmax(1), target.shape[1]).to(target.dtype)


#: What an argument may be taken for, as a function of it.
MEANINGS: dict[str, Callable[[Tensor], Tensor]] = {
    "2 * {x}": lambda x: 2 * x,
    "{x} / 2": lambda x: x / 2,
    "{x}.square()": torch.square,
    "{x}.sqrt()": torch.sqrt,
    "{x}.exp()": torch.exp,
    "{x}.log()": torch.log,
    "{x}.sigmoid()": torch.sigmoid,
    "{x}.softmax(-1)": lambda x: x.softmax(-1),
    "{x}.log_softmax(-1)": lambda x: x.log_softmax(-1),
    "normalize({x}, dim=-1)": lambda x: torch.nn.functional.normalize(x, dim=-1),
    "1 - {x}": lambda x: 1 - x,
    "-{x}": torch.neg,
    "{x}.abs()": torch.abs,
}


def of_meanings(right: Loss, reference: Reference, batches: Sequence[tuple[Tensor, ...]]) -> Iterator[Slip]:
    """An argument taken for what it is not: log σ for log σ², a probability for a score, a vector for one of length 1."""
    names = _names(reference)
    for i, tensor in enumerate(batches[0] if batches else ()):
        x = names[i] if i < len(names) else "x"
        for new, of in MEANINGS.items() if tensor.is_floating_point() else ():
            says = _("{name} is taken for something other than what it is: equals the right loss on {new} in its place")
            yield Slip(
                says.format(name=placed(names, i), new=f"`{new.format(x=x)}`"), _changed(right, i, of), page=CUSTOM
            )


TWO_AND_TWO = (((0, 2), (1, 3)), ((0, 1), (2, 3)), ((0, 3), (1, 2)))  #: pairs that may change places together


def _names(reference: Reference) -> list[str]:
    """The names of the arguments, as a person's own right loss has them."""
    plain = reference.entry is None and reference.given is not None and reference.given.layout.is_plain
    return parameters_of(reference.module or reference.losses[0]) if plain else []


def of_order(right: Loss, reference: Reference) -> Iterator[Slip]:
    """Arguments that are swapped, or used twice."""
    names, with_places = _names(reference), partial(_with_places, right)
    for i, j in itertools.combinations(range(3), 2):
        says = _("arguments {i} and {j} are swapped").format(i=i + 1, j=j + 1)
        if len(reference.kind.wrt) == 1 and (i, j) == (0, 1):
            says = _("input and target are swapped")
        yield Slip(says, with_places((i, j), (j, i)), page=KL)
    for i, j in itertools.permutations(range(3), 2):
        says = _("{this} is used in the place of {that}").format(this=placed(names, j), that=placed(names, i))
        yield Slip(says, with_places((i, j)))
    yield from of_pairs(right, reference)


def of_pairs(right: Loss, reference: Reference) -> Iterator[Slip]:
    """Two arguments that are swapped, and two others."""
    names = _names(reference)
    for one, other in TWO_AND_TWO:
        says = _("arguments are swapped: {this} with {that}, and {one} with {other}")
        words = [placed(names, i) for pair in (one, other) for i in pair]
        says = says.format(**dict(zip(("this", "that", "one", "other"), words, strict=True)))
        yield Slip(says, _with_places(right, *(place for i, j in (one, other) for place in ((i, j), (j, i)))), page=KL)


def _with_places(right: Loss, *places: tuple[int, int]) -> Loss:
    """The right loss with the argument j in the place of i, for each pair."""

    def loss(*t: Tensor) -> Tensor:
        used = list(t)
        for i, j in places:
            used[i] = t[j]
        return right(*used)

    return loss


MOST_PAIRS = 250_000  #: of a batch whose samples are all put beside each other


def _refuse_large(pairs: int) -> None:
    """A slip that raises an error on a batch is judged by the others."""
    if pairs > MOST_PAIRS:
        raise TakesTooLong


def of_shapes(right: Loss) -> Iterator[Slip]:
    """Shapes that are broadcast, or mixed up."""

    def tables(*t: Tensor, column: int) -> Tensor:
        shape = t[column].shape
        _refuse_large(shape.numel() ** 2)
        alike = [i for i in range(len(t)) if t[i].shape == shape]
        if len(alike) < 2:
            raise ValueError  # nothing that it could be broadcast against
        lines = {i: t[i].reshape(-1, 1) if i == column else t[i].reshape(1, -1) for i in alike}
        wide = dict(zip(lines, torch.broadcast_tensors(*lines.values()), strict=True))
        return right(*(wide.get(i, t[i]) for i in range(len(t))))

    says = _("the target was broadcast from (N,) to (N, N): every prediction meets every target")
    for column in (0, 1, 2):
        yield Slip(says, partial(tables, column=column), page=BROADCAST, pairs=True)

    def rows(x: Tensor, t: Tensor, *rest: Tensor) -> Tensor:
        _refuse_large(len(x) * x.numel())
        x, t = torch.broadcast_tensors(x.unsqueeze(1), t.unsqueeze(0))
        return right(x, t, *rest)

    says = _("the samples were broadcast: every prediction meets every target")
    yield Slip(says, rows, page=BROADCAST, pairs=True)
    yield Slip(
        _("view or reshape without permute: (N, C, …) became (N·…, C) and mixed classes with positions"),
        lambda x, t, *rest: right(x.reshape(-1, x.shape[1]), t.reshape(-1), *rest),
        operations=("view", "reshape"),
        page=CROSS_ENTROPY,
    )
    yield Slip(_("rows and columns of the input are exchanged"), lambda x, *rest: right(x.mT.reshape(x.shape), *rest))


def of_shifts(right: Loss) -> Iterator[Slip]:
    """Sequences (N, T, …) that are shifted against each other, or cut off."""

    def cut(*ends: slice) -> Loss:
        """The right loss of the sequences between these ends; the last of them is for all further arguments."""
        return lambda *t: right(*(x[:, ends[min(i, len(ends) - 1)]] for i, x in enumerate(t)))

    first, last = slice(None, -1), slice(1, None)
    yield Slip(
        _("the sequence is shifted by one position too many: once more than the right loss does"), cut(first, last)
    )
    yield Slip(_("the sequence is shifted by one position, the wrong way"), cut(last, first))
    # Of a right loss that shifts by itself: read from the end, each position meets the one before it.
    backwards: Loss = lambda *t: right(*(x.flip(1) for x in t))  # noqa: E731
    yield Slip(_("the sequence is shifted by one position, the wrong way"), backwards)
    yield Slip(_("the last position of each sequence is left out"), cut(first))
    yield Slip(_("the first position of each sequence is left out"), cut(last))
    yield Slip(_("the sequences are shifted against each other by one position"), lambda x, *t: right(x.roll(1, 1), *t))
    yield Slip(
        _("the sequences are shifted against each other by one position"), lambda x, *t: right(x.roll(-1, 1), *t)
    )


def of_elements(right: Loss) -> Iterator[Slip]:
    """Something made of losses that should be left as they are, one for each element."""
    for says, made in (
        (_("one mean where a loss for each element is asked for: it is reduced"), torch.mean),
        (_("one sum where a loss for each element is asked for: it is reduced"), torch.sum),
        (_("the mean over the last dimension, then the sum: it is reduced"), lambda e: e.mean(-1).sum()),
        (_("the sum over the last dimension, then the mean: it is reduced"), lambda e: e.sum(-1).mean()),
        (_("the mean over the last dimension where a loss for each element is asked for"), lambda e: e.mean(-1)),
        (_("the sum over the last dimension where a loss for each element is asked for"), lambda e: e.sum(-1)),
    ):
        yield Slip(says, lambda *t, made=made: _made_of_several(made, right(*t)), operations=("mean", "sum"))


def _made_of_several(made: Callable[[Tensor], Tensor], losses: Tensor) -> Tensor:
    if losses.numel() == 1:
        raise ValueError  # one number, which no reduction changes
    return made(losses)


def of_result(right: Loss) -> Iterator[Slip]:
    """Something done to the loss itself."""
    for change in (
        Change(_("the square root of the right loss"), torch.sqrt, ("sqrt",)),
        Change(_("the square of the right loss"), torch.square, ("square", "pow")),
        Change(_("the logarithm of the right loss"), torch.log, ("log",)),
        Change(_("the exponential of the right loss"), torch.exp, ("exp",)),
        Change(_("the absolute value of the right loss"), torch.abs, ("abs",)),
        Change(_("log(1 + loss) of the right loss"), torch.log1p, ("log1p",)),
    ):
        yield Slip(change.says, lambda *t, of=change.of: of(right(*t)), operations=change.operations)


def of_other_losses(reference: Reference) -> Iterator[Slip]:
    """Another loss of the catalogue."""
    reduction = {name: value for name, value in reference.settings.items() if name == "reduction"}
    for entry in CATALOGUE:
        if entry.function is None or entry is reference.entry or entry.name == "linear_cross_entropy":
            continue
        says = _("it computes another loss: {name}").format(name=entry.name)
        yield Slip(says, partial(entry.function, **reduction), page=entry.page)
