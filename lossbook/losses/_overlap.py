"""Shared by the losses of overlap (Dice, Jaccard, Tversky): what two masks share, the loss of it, formulas and steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Any

import torch
from torch import Tensor

from ..guards.classes import check_class_weight, class_dim
from ..kit.batches.batch import Settings
from ..kit.curve import few_samples, is_differentiated, keeps_functions, times_slope
from ..kit.loss import reduce, total
from ..kit.settings import one_of
from ..kit.steps import Step, reduction_steps
from ..kit.text import elided, equals, given, number, row, scaled, symbol
from ..language import gettext as _
from ..language import message
from ._masks import logistic, masks, two_sigmoids

Average = Annotated[str, one_of("masks", "weights")]

#: What Dice is taken for where it is 0, so that its logarithm is finite.
SMALLEST = 1e-30


# ---- tensors


def disagreement(p: Tensor, rest: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """For each element what is predicted and not true, and what is true and not predicted."""
    return p * (1 - t), rest * t


def shared_and_apart(
    p: Tensor, rest: Tensor | None, t: Tensor, alpha: float = 1.0, beta: float = 1.0
) -> tuple[Tensor, Tensor]:
    """Of each row the sums of p · t and of α · p · (1 − t) + β · (1 − p) · t. Without ``rest``, 1 − p, p are logits."""
    if not keeps_functions(p):
        p, rest = logistic(p) if rest is None else (p, rest)
        return _Sums.forward(p, rest, t, alpha, beta)
    if rest is None:
        return _SumsOfLogits.apply(p, t, alpha, beta)[:2]
    return _Sums.apply(p, rest, t, alpha, beta)


def sums(p: Tensor, rest: Tensor, t: Tensor, alpha: float, beta: float) -> tuple[Tensor, Tensor]:
    false, missed = (x if weight == 1 else weight * x for x, weight in ((p, alpha), (rest, beta)))
    return (p * t).sum(-1), torch.lerp(false, missed, t).sum(-1)


def along(x: Tensor, shared: Tensor, apart: Tensor, one: float, both: float) -> Tensor:
    """Back from both sums to p, where x are the labels and one is α, or to t, where x are p and one is β."""
    return (shared - both * apart) * x + one * apart  # 1 − p moves with p: it carries no gradient of its own


def moved(
    p: Tensor, t: Tensor, of_p: Tensor | None, of_t: Tensor | None, alpha: float, beta: float
) -> tuple[Tensor, Tensor]:
    """How both sums move along with p and t."""
    of_p, of_t = (torch.zeros_like(p) if x is None else x for x in (of_p, of_t))
    shared = of_p * t + p * of_t
    return shared.sum(-1), (alpha * of_p + beta * of_t - (alpha + beta) * shared).sum(-1)


class _Sums(torch.autograd.Function):
    """Both are straight lines over p, so that one pass goes back through them."""

    generate_vmap_rule = True

    @staticmethod
    def forward(p: Tensor, rest: Tensor, t: Tensor, alpha: float, beta: float) -> tuple[Tensor, Tensor]:
        found = [sums(p, rest, t, alpha, beta) for p, rest, t in few_samples(p, rest, t)]
        shared, apart = (parts[0] if len(parts) == 1 else torch.cat(parts) for parts in zip(*found, strict=True))
        return shared, apart

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, Tensor, float, float], output: Any) -> None:
        p, _rest, t, *ctx.weights = inputs
        ctx.save_for_backward(p, t)
        ctx.save_for_forward(p, t)

    @staticmethod
    def backward(ctx: Any, of_shared: Tensor, of_apart: Tensor) -> tuple[Tensor | None, ...]:
        (p, t), (alpha, beta) = ctx.saved_tensors, ctx.weights
        shared, apart = of_shared.unsqueeze(-1), of_apart.unsqueeze(-1)
        of_t = along(p, shared, apart, beta, alpha + beta) if ctx.needs_input_grad[2] else None
        return along(t, shared, apart, alpha, alpha + beta), None, of_t, None, None

    @staticmethod
    def jvp(ctx: Any, of_p: Tensor, _rest: Tensor, of_t: Tensor | None, *_weights: None) -> tuple[Tensor, Tensor]:
        (p, t), (alpha, beta) = ctx.saved_tensors, ctx.weights
        return moved(p, t, of_p, of_t, alpha, beta)


class _SumsOfLogits(torch.autograd.Function):
    """The same of the sigmoid of logits, of which p · (1 − p) is kept, and returned as a constant; neither p nor 1 − p."""

    generate_vmap_rule = True

    @staticmethod
    def forward(z: Tensor, t: Tensor, alpha: float, beta: float) -> tuple[Tensor, Tensor, Tensor]:
        if len(few_samples(z, t)) == 1:
            p, rest = two_sigmoids(z)
            return *sums(p, rest, t, alpha, beta), p * rest
        slope, found = torch.empty_like(z), []
        for made, few, labels in few_samples(slope, z, t):
            p, rest = two_sigmoids(few)
            torch.mul(p, rest, out=made)
            found.append(sums(p, rest, labels, alpha, beta))
        shared, apart = map(torch.cat, zip(*found, strict=True))
        return shared, apart, slope

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, float, float], output: tuple[Tensor, ...]) -> None:
        z, t, *ctx.weights = inputs
        ctx.mark_non_differentiable(output[2])
        ctx.set_materialize_grads(False)  # no zeros for the constant
        ctx.save_for_backward(z, t, output[2])
        ctx.save_for_forward(z, t, output[2])  # vmap over vmap asks for the same as above

    @staticmethod
    def backward(
        ctx: Any, of_shared: Tensor | None, of_apart: Tensor | None, _slope: None
    ) -> tuple[Tensor | None, ...]:
        (z, t, slope), (alpha, beta) = ctx.saved_tensors, ctx.weights
        none = z.new_zeros(z.shape[:-1])
        shared, apart = ((none if x is None else x).unsqueeze(-1) for x in (of_shared, of_apart))
        if is_differentiated(z):  # again
            slope = torch.mul(*logistic(z))

        def of_p(t: Tensor, shared: Tensor, apart: Tensor) -> Tensor:
            return along(t, shared, apart, alpha, alpha + beta)

        of_z = times_slope(slope, of_p, t, shared, apart, split=few_samples)
        of_t = along(logistic(z)[0], shared, apart, beta, alpha + beta) if ctx.needs_input_grad[1] else None
        return of_z, of_t, None, None

    @staticmethod
    def jvp(ctx: Any, of_z: Tensor | None, of_t: Tensor | None, *_weights: None) -> tuple[Tensor, Tensor, None]:
        (z, t, _slope), (alpha, beta) = ctx.saved_tensors, ctx.weights
        p, rest = logistic(z)
        return *moved(p, t, None if of_z is None else of_z * p * rest, of_t, alpha, beta), None


def shared_and_squares(p: Tensor, rest: Tensor | None, t: Tensor) -> tuple[Tensor, Tensor]:
    """Of each row the sums of p · t and of (p − t)². Without ``rest`` p are logits."""
    p, rest = logistic(p) if rest is None else (p, rest)
    false, missed = disagreement(p, rest, t)
    return (p * t).sum(-1), (false - missed).square().sum(-1)


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
    divisor = total(weight.expand_as(losses)) if average == "weights" else None
    return reduce((weight * losses).to(dtype), reduction, divisor=divisor)


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


def loss_of_fraction(above: str, below: str, log_loss: bool) -> str:
    """1 minus a fraction, or minus its logarithm, in LaTeX."""
    fraction = rf"\frac{{{above}}}{{{below}}}"
    return rf"-\log {fraction}" if log_loss else f"1 - {fraction}"


def weighted(loss: str, weight: Tensor | None) -> str:
    """A loss with the weight of its class, in LaTeX."""
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
