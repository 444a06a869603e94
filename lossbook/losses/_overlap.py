"""Shared by the losses of overlap (Dice, Jaccard, Tversky): masks in rows, what they share, and the settings for both."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Annotated, Any

import torch
from torch import Tensor

from ..guards.classes import check_class_indices, check_class_weight, check_known_classes, class_dim
from ..guards.tensors import can_be_read, check_floating, check_probabilities, check_real, check_tensors
from ..kit.batches.batch import Batch, Settings, exact, normal
from ..kit.entry import uniform
from ..kit.loss import reduce
from ..kit.settings import one_of
from ..kit.steps import Step, reduction_steps
from ..kit.text import elided, equals, given, number, row, scaled, symbol
from ..kit.views import ANSWERS, LOGIT, Inputs, View
from ..language import gettext as _
from ..language import message

Mode = Annotated[str, one_of("binary", "multiclass", "multilabel")]
Average = Annotated[str, one_of("masks", "weights")]

#: What Dice is taken for where it is 0, so that its logarithm is finite.
SMALLEST = 1e-30


# ---- tensors


def masks(
    input: Any,
    target: Any,
    mode: str,
    from_logits: bool,
    batch: bool,
    include_background: bool = True,
    ignore_index: int = -100,
) -> tuple[Tensor, Tensor, Tensor]:
    """The probabilities p, 1 − p, and the labels t: a row for each mask of which the overlap is taken."""
    check_tensors(input=input, target=target)
    check_floating(input=input)
    check_real(target=target)
    if mode == "binary" and not include_background:
        raise ValueError(
            message("include_background=False leaves out class 0, and mode='binary' has no classes. Leave it out.")
        )
    if not from_logits:
        check_probabilities(input=input)
    found = probabilities_of(input, mode, from_logits)
    return rows_of(input, target, *found, mode, batch, include_background, ignore_index)


def rows_of(
    input: Tensor,
    target: Tensor,
    p: Tensor,
    rest: Tensor,
    mode: str,
    batch: bool,
    include_background: bool,
    ignore_index: int,
) -> tuple[Tensor, Tensor, Tensor]:
    """These probabilities and the labels, in rows."""
    labels, kept = labels_of(input, target, mode, ignore_index)
    if not (can_be_read(kept) and bool(kept.all())):  # the usual case needs no masking
        p = torch.where(kept, p, 0)  # where it is ignored, t is 0 too: nothing is shared and nothing is missed
    p, rest, t = (in_rows(x, mode, batch) for x in (p, rest, labels.to(p.dtype)))
    return (p, rest, t) if include_background else (p[..., 1:, :], rest[..., 1:, :], t[..., 1:, :])


def probabilities_of(input: Tensor, mode: str, from_logits: bool) -> tuple[Tensor, Tensor]:
    """p and 1 − p, which keeps its digits where p is near 1. Half precision is summed in float32."""
    wide = input.to(torch.promote_types(input.dtype, torch.float32))
    if not from_logits:
        return wide, 1 - wide
    if mode == "multiclass":
        dim = class_dim(wide)
        p = wide.softmax(dim)
        likely = p > 0.5  # of one class at most: 1 − p is the sum of the others, which keeps its digits
        return p, torch.where(likely, torch.where(likely, 0, p).sum(dim, keepdim=True), 1 - p)
    return wide.sigmoid(), (-wide).sigmoid()


def labels_of(input: Tensor, target: Tensor, mode: str, ignore_index: int) -> tuple[Tensor, Tensor]:
    """The labels in the shape of input, 0 where they are ignored, and which of them count."""
    if mode == "multiclass" and target.shape != input.shape:
        check_class_indices(input, target)
        dim, numbers = class_dim(input), target.long()
        kept, classes = numbers != ignore_index, torch.arange(input.shape[dim], device=target.device)
        check_known_classes(numbers, kept, len(classes))
        hot = numbers.unsqueeze(dim) == classes.reshape(-1, *[1] * (input.dim() - dim - 1))
        return hot & kept.unsqueeze(dim), kept.unsqueeze(dim)
    if target.shape != input.shape:
        raise ValueError(
            message(
                "input and target must have the same shape with mode={mode!r}, got {input_shape} and "
                "{target_shape}. For (N, 1, H, W) against (N, H, W) write target.unsqueeze(1); a target of class "
                "numbers needs mode='multiclass'.",
                mode=mode,
                input_shape=tuple(input.shape),
                target_shape=tuple(target.shape),
            )
        )
    kept = target != ignore_index
    labels = target if can_be_read(kept) and bool(kept.all()) else torch.where(kept, target, 0)
    check_probabilities(target=labels)
    return labels, kept


def in_rows(x: Tensor, mode: str, batch: bool) -> Tensor:
    """One row for each mask: of a sample or of the whole batch, and of each class where there are several."""
    if mode == "binary":
        return x.flatten() if batch or x.dim() < 2 else x.flatten(1)
    x = x.flatten(2) if x.dim() > 2 else x.unsqueeze(-1)
    return x.movedim(1, 0).flatten(1) if batch and x.dim() > 2 else x


def disagreement(p: Tensor, rest: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """For each element what is predicted and not true, and what is true and not predicted."""
    return p * (1 - t), rest * t


def not_shared(p: Tensor, rest: Tensor, t: Tensor, squared: bool) -> Tensor:
    """For each element the sum of both: from p, where t is 0, to 1 − p, where it is 1; or the square, (p − t)²."""
    if not squared:
        return torch.lerp(p, rest, t)
    false, missed = disagreement(p, rest, t)
    return (false - missed).square()


def missing_share(shared: Tensor, apart: Tensor, smooth_nr: float, smooth_dr: float, log_loss: bool = False) -> Tensor:
    """1 − (shared + smooth_nr) / (shared + apart + smooth_dr), without the difference, which loses digits near 0.

    With ``log_loss`` it is minus the logarithm of the fraction. Two empty masks without smoothing agree: 0 / 0 counts as 0.
    """
    above, below = apart + (smooth_dr - smooth_nr), shared + apart + smooth_dr
    divisor = torch.where(below == 0, 1, below)
    return torch.where(below == 0, 0, minus_log(above, divisor, shared + smooth_nr) if log_loss else above / divisor)


def minus_log(above: Tensor, below: Tensor, rest: Tensor) -> Tensor:
    """−log(1 − above / below), where rest = below − above: with its digits near 0, and finite where rest is 0."""
    rest = torch.maximum(rest, SMALLEST * below)
    good = above < rest
    return torch.where(good, torch.log1p(above / torch.where(good, rest, below)), below.log() - rest.log())


def class_weight(weight: Tensor | None, input: Tensor, mode: str, include_background: bool) -> Tensor | None:
    """The weights of the classes that count."""
    if weight is None:
        return None
    if mode == "binary":
        raise ValueError(
            message("weight holds one number for each class, and mode='binary' has no classes. Leave it out.")
        )
    check_class_weight(weight, input.shape[class_dim(input)])
    return weight if include_background else weight[1:]


def finish(
    losses: Tensor,
    t: Tensor,
    skip_absent: bool,
    dtype: torch.dtype,
    reduction: str,
    weight: Tensor | None = None,
    average: str = "masks",
) -> Tensor:
    """What the losses of all masks become; with ``skip_absent`` a mask without a true element costs nothing."""
    losses = torch.where(t.sum(-1) > 0, losses, 0) if skip_absent else losses
    if weight is None:
        return reduce(losses.to(dtype), reduction)
    divisor = weight.expand_as(losses).sum().to(dtype) if average == "weights" else None
    return reduce((weight * losses).to(dtype), reduction, divisor=divisor)


# ---- plain Python


def masks_by_hand(
    input: list[list[Any]], target: list[list[Any]], mode: str, from_logits: bool, batch: bool
) -> Iterator[tuple[list[float], list[float]]]:
    """Probabilities and labels of each mask. A sample is a row of numbers, or, of classes, a row of lists of pixels."""
    samples = []
    for logits, labels in zip(input, target, strict=True):
        p, t = ([value if isinstance(value, list) else [value] for value in values] for values in (logits, labels))
        if from_logits and mode == "multiclass":
            totals = [sum(math.exp(z) for z in pixel) for pixel in zip(*p, strict=True)]
            p = [[math.exp(z) / total for z, total in zip(zs, totals, strict=True)] for zs in p]
        elif from_logits:
            p = [[1 / (1 + math.exp(-z)) for z in zs] for zs in p]
        samples.append([(sum(p, []), sum(t, []))] if mode == "binary" else list(zip(p, t, strict=True)))
    if batch:
        samples = [
            [(sum(p, []), sum(t, [])) for p, t in (zip(*same, strict=True) for same in zip(*samples, strict=True))]
        ]
    for sample in samples:
        yield from sample


# ---- formulas and steps


class Symbols:
    """p and t with their indices, in LaTeX, and sums over the elements of a mask."""

    def __init__(self, mode: str, from_logits: bool, batch: bool) -> None:
        index = "n" * batch + "c" * (mode != "binary") + "i"
        self.mode, self.from_logits = mode, from_logits
        self.index = index if len(index) == 1 else f"{{{index}}}"
        self.sign = r"\sum_{n,i} " if batch else r"\sum_i "
        self.p, self.t = f"p_{self.index}", f"t_{self.index}"

    def sum(self, term: str) -> str:
        return self.sign + term.replace("p", self.p).replace("t", self.t)

    def formula(self, loss: str, skip_absent: bool, *meanings: str) -> str:
        """The formula of a loss, and what p stands for."""
        text = r"\ell(p, t) = " + (rf"\big[{self.sum('t')} > 0\big]\, \big({loss}\big)" if skip_absent else loss)
        if self.from_logits:
            other = f"z_{self.index.replace('c', 'k')}"
            softmax = rf"\frac{{e^{{z_{self.index}}}}}{{\sum_k e^{{{other}}}}}"
            text += given(self.p, softmax if self.mode == "multiclass" else rf"\sigma(z_{self.index})")
        return text + "".join(meanings)


def loss_of_fraction(above: str, below: str, log_loss: bool, weight: Tensor | None) -> str:
    """1 minus a fraction, or minus its logarithm, with the weight of its class, in LaTeX."""
    fraction = rf"\frac{{{above}}}{{{below}}}"
    loss = rf"-\log {fraction}" if log_loss else f"1 - {fraction}"
    return loss if weight is None else rf"{symbol('w_c', weight)}\Big({loss}\Big)"


def smoothed(text: str, name: str, value: float) -> str:
    return text + (f" + {name}" if value else "")


def meaning(name: str, value: float) -> str:
    return given(name, value) if value else ""


#: A sum over the elements of a mask: what it is, how one element is written, and what it is for tensors.
Sum = tuple[Callable[[], str], Callable[[str, str], str], Callable[[Tensor, Tensor], Tensor]]
SHARED: Sum = (
    lambda: _("What prediction and target share, the sum of p · t over the mask"),
    lambda p, t: f"{p} · {t}",
    lambda p, t: p * t,
)
PREDICTED: Sum = (lambda: _("Size of the predicted mask, the sum of p"), lambda p, t: p, lambda p, t: p)
TRUE: Sum = (lambda: _("Size of the true mask, the sum of t"), lambda p, t: t, lambda p, t: t)
PREDICTED_SQUARED: Sum = (lambda: _("The sum of p²"), lambda p, t: f"{p}²", lambda p, t: p.square())
TRUE_SQUARED: Sum = (lambda: _("The sum of t²"), lambda p, t: f"{t}²", lambda p, t: t.square())
FALSE: Sum = (
    lambda: _("Predicted and not true, the sum of p · (1 − t)"),
    lambda p, t: f"{p} · (1 − {t})",
    lambda p, t: p * (1 - t),
)
MISSED: Sum = (
    lambda: _("True and not predicted, the sum of (1 − p) · t"),
    lambda p, t: f"(1 − {p}) · {t}",
    lambda p, t: (1 - p) * t,
)


def sums_of_sizes(settings: Settings) -> tuple[Sum, ...]:
    """What is shared and how large both masks are, for a loss that may square."""
    return (SHARED, PREDICTED_SQUARED, TRUE_SQUARED) if settings["squared"] else (SHARED, PREDICTED, TRUE)


def steps_of_overlap(
    loss: Callable[..., Tensor], sums: Callable[[Settings], tuple[Sum, ...]], term: Callable[..., str]
) -> Callable[..., Iterator[Step]]:
    """The steps of a loss of overlap: probabilities, the sums over each mask, the loss of each, the reduction.

    ``term`` writes the loss of one mask. It takes the sums by position, and all settings by name.
    """

    def steps(input: Tensor, target: Tensor, reduction: str, **settings: Any) -> Iterator[Step]:
        names = ("mode", "from_logits", "batch", "include_background", "ignore_index")
        p, _rest, t = (x.detach() for x in masks(input, target, *(settings[name] for name in names)))
        losses = loss(input, target, reduction="none", **settings).detach()
        if settings["from_logits"]:
            yield probability_step(p, settings["mode"])
        written = []
        for a_sum in sums(settings):
            step = sum_step(a_sum, p, t)
            yield step
            written.append([number(total) for total in step.value.flatten()])
        terms = [term(*numbers, **settings) for numbers in zip(*written, strict=True)]
        if settings["skip_absent"]:
            there = (t.sum(-1) > 0).flatten().tolist()
            terms = [text if true else "0" for text, true in zip(terms, there, strict=True)]
        weight = class_weight(settings.get("weight"), input, settings["mode"], settings["include_background"])
        share = None
        if weight is not None:
            weights = weight.detach().expand_as(losses).flatten()
            signed = [f"({text})" if text.startswith("−") else text for text in terms]
            terms = [scaled(w, text) for w, text in zip(weights, signed, strict=True)]
            share = weights if settings["average"] == "weights" else None
        lines = [equals(text, value) for text, value in zip(terms, losses.flatten(), strict=True)]
        yield Step(_("Loss of each mask"), tuple(elided(lines)), losses)
        if losses.dim():
            each = losses.flatten()
            yield from reduction_steps(each, share, reduction, [number(value) for value in each])

    return steps


def probability_step(p: Tensor, mode: str) -> Step:
    say = _("Probabilities, the sigmoid of the logits")
    if mode == "multiclass":
        say = _("Probabilities, the softmax of the logits over the classes")
    return Step(say, tuple(elided([row(mask) for mask in p.reshape(-1, p.shape[-1])])), p)


def sum_step(a_sum: Sum, p: Tensor, t: Tensor) -> Step:
    """A sum over each mask."""
    says, write, of = a_sum
    texts = []
    for ps, ts in zip(*(x.reshape(-1, p.shape[-1]) for x in (p, t)), strict=True):
        texts.append(" + ".join(elided([write(number(a), number(b)) for a, b in zip(ps, ts, strict=True)])))
    totals = of(p, t).sum(-1)
    lines = [equals(text, total) for text, total in zip(texts, totals.flatten(), strict=True)]
    return Step(says(), tuple(elided(lines)), totals)


def ratio(above: str, below: str, smooth_nr: float, smooth_dr: float, log_loss: bool = False) -> str:
    """1 − above / below, or minus the logarithm, with what is added to both."""
    above, below = (
        f"{text} + {number(added)}" if added else text for text, added in ((above, smooth_nr), (below, smooth_dr))
    )
    return f"−ln (({above}) / ({below}))" if log_loss else f"1 − ({above}) / ({below})"


# ---- what verify, plot and the tests call them with


def mask_batches(settings: Settings, g: torch.Generator) -> Iterator[Batch]:
    """Predictions and true masks, of the mode that the settings name."""
    mode, from_logits = settings.get("mode", "binary"), settings.get("from_logits", True)

    def predicted(z: Tensor) -> Tensor:
        if from_logits:
            return z
        return exact(z.softmax(1) if mode == "multiclass" else z.sigmoid())

    def draw(*shape: int) -> tuple[Tensor, Tensor]:
        z = predicted(normal(g, *shape) * 2)
        if mode == "multiclass":
            return z, torch.randint(shape[1], (shape[0], *shape[2:]), generator=g)
        return z, torch.randint(2, shape, generator=g).double()

    several, weight = mode != "binary", settings.get("weight")
    first, second, third = (3, 4, 2) if weight is None else [len(weight)] * 3
    main, shapes = ("(N, C, H, W)", (2, first, 2, 3)) if several else ("(N, 1, H, W)", (3, 1, 2, 3))
    yield Batch(draw(*shapes), main)
    yield Batch(draw(*(5, second, 3, 2) if several else (5, 1, 4, 4)), main)
    yield Batch(draw(*(4, third, 2, 2) if several else (4, 1, 2, 2)), main)
    yield Batch(draw(1, *shapes[1:]), main, main)
    if not several:
        yield Batch(draw(3, 4, 4), "(N, H, W)")
        yield Batch(draw(5, 6), "(N, D)")
        for name, z, t in (
            (_("empty masks"), normal(g, *shapes), torch.zeros(shapes)),
            (_("full masks"), normal(g, *shapes), torch.ones(shapes)),
            (_("perfect predictions"), torch.full(shapes, 100.0), torch.ones(shapes)),
            (_("nothing true and nothing predicted"), torch.full(shapes, -100.0), torch.zeros(shapes)),
        ):
            yield Batch((predicted(z.double()), t.double()), main, main, edge=True, name=name)


def large_masks(g: torch.Generator, rows: int, columns: int) -> tuple[Tensor, Tensor]:
    return normal(g, rows, columns), torch.randint(2, (rows, columns), generator=g).double()


#: Settings that `verify` tries on a loss that takes them.
TRIALS: tuple[Settings, ...] = ({"batch": True}, {"from_logits": False}, {"smooth_nr": 1.0, "smooth_dr": 1.0})


def beside_the_object(label: float) -> Inputs:
    """A mask of two pixels: one with the logit on the axis, and one that is true and found, with the logit 2."""
    return lambda z: (
        torch.stack([z, torch.full_like(z, 2.0)], dim=-1),
        torch.tensor([label, 1.0], dtype=z.dtype).expand(len(z), -1),
    )


OF_PIXEL = View(
    LOGIT,
    {case: beside_the_object(label) for case, label in ANSWERS.items()},
    {"mode": "binary", "batch": False, "from_logits": True},
)


WEIGHT = torch.tensor([2.0, 0.5, 1.0], dtype=torch.float64)  #: for the three classes of the sample


def sample_of_masks(generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Four masks of three pixels, or three classes of one pixel; probabilities, which may be logits too."""
    target = torch.tensor([[1.0, 0, 1], [0, 0, 1], [0, 1, 0], [0, 0, 0]]).double()
    return uniform(generator, 4, 3, low=0.02, high=0.98), target
