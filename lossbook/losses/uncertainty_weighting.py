"""Uncertainty weighting: several losses in one, each with a weight that is learned."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import torch
from torch import Tensor

from ..guards.names import enumerate_names
from ..guards.tensors import check_floating, check_same_shape, check_tensors
from ..kit.batches.batch import exact, normal, row
from ..kit.batches.by_element import elementwise
from ..kit.entry import Entry, Term, uniform
from ..kit.loss import Loss, loss_function, reduce
from ..kit.settings import Reduction, one_of
from ..kit.steps import by_element
from ..kit.text import given, number, operand
from ..kit.views import LOG_VARIANCE, View, behind
from ..language import gettext as _
from ..language import message

KINDS = {"regression": 0.5, "classification": 1.0}  #: what the loss is multiplied by besides its precision
one_kind = one_of(*KINDS)


def kinds(name: str, value: Any) -> None:
    """The value is a kind of loss, or a row of kinds."""
    for kind in [value] if isinstance(value, str) or not isinstance(value, Sequence) else value:
        one_kind(name, kind)


@loss_function
def uncertainty_weighting(
    input: Tensor,
    log_var: Tensor,
    *,
    kind: Annotated[str | Sequence[str], kinds] = "regression",
    regularizer: Annotated[str, one_of("log_sigma", "log1p")] = "log_sigma",
    reduction: Reduction = "sum",
) -> Tensor:
    r"""Several losses, each divided by a learned variance, plus what keeps that variance from growing.

    .. math:: \ell(L, s) = \tfrac{1}{2} e^{-s} L + \tfrac{1}{2} s, \qquad s = \log \sigma^2

    A task whose loss is large gets a large variance σ², and so a small weight. At the best s of a regression the
    variance is the loss: its weighted loss is then ½, in whatever unit it is measured.

    Args:
        input: the losses L of the tasks, shape ``(K,)``, floating point.
        log_var: s, the logarithm of the variance of each task, shape of ``input``: parameters, as
            :class:`UncertaintyWeighting` owns them.
        kind: ``"regression"``, a squared error: ½ e⁻ˢ L; ``"classification"``, a cross-entropy: e⁻ˢ L; or a row with one
            of them for each task. Much code takes e⁻ˢ L + s for every task: twice the form for regression.
        regularizer: ``"log_sigma"``, log σ = ½ s, as in the paper; ``"log1p"``, log (1 + σ²), which is never negative,
            as L. Liebel and M. Körner have it.
        reduction: ``"sum"``, the total loss, which is the default; ``"mean"``, ``"none"``.

    Returns:
        A tensor of shape ``()``, or that of ``input`` with ``reduction="none"``. Any sign with ``"log_sigma"``: small losses
        are worth a small variance, whose logarithm is negative.

    Raises:
        ValueError: shapes differ, or there are not as many kinds as losses.
        TypeError: no floating-point numbers.

    Source: A. Kendall et al., "Multi-task learning using uncertainty to weigh losses for scene geometry and semantics",
    2018, https://arxiv.org/abs/1705.07115; L. Liebel and M. Körner, "Auxiliary tasks in multi-task learning", 2018,
    https://arxiv.org/abs/1805.06334.

    >>> uncertainty_weighting(torch.tensor([4.0, 6.0]), torch.zeros(2))  # half of their sum, where all variances are 1
    tensor(5.)
    """
    check_tensors(input=input, log_var=log_var)
    check_same_shape(input=input, log_var=log_var)
    check_floating(input=input, log_var=log_var)
    factor = factors(kind, input)
    cost = 0.5 * log_var if regularizer == "log_sigma" else torch.nn.functional.softplus(log_var)
    return reduce(factor * (-log_var).exp() * input + cost, reduction)


def factors(kind: str | Sequence[str], input: Tensor) -> Any:
    """What each loss is multiplied by besides its precision: one number, or one for each."""
    if isinstance(kind, str):
        return KINDS[kind]
    if tuple(input.shape) != (len(kind),):
        raise ValueError(
            message(
                "kind must be one for all losses, or one for each, got {count} for losses of shape {input_shape}.",
                count=len(kind),
                input_shape=tuple(input.shape),
            )
        )
    return torch.tensor([KINDS[k] for k in kind], dtype=input.dtype, device=input.device)


class UncertaintyWeighting(Loss):
    """Owns ``log_var``, the logarithms of the variances, which an optimizer learns with the model's parameters.

    Args:
        n_losses: K, how many losses there are.
        device, dtype: of ``log_var``, which starts at 0: all variances 1.
        **settings: those of :func:`lossbook.beyond.uncertainty_weighting`.

    Called with the losses one by one, ``weighting(depth, labels)``, or with a tensor of shape ``(K,)``, it returns what
    :func:`lossbook.beyond.uncertainty_weighting` returns. Give its parameters to the optimizer too, without weight decay,
    which would pull the variances to 1.

    >>> weighting = UncertaintyWeighting(2, kind=("regression", "classification"))
    >>> weighting(torch.tensor(4.0), torch.tensor(3.0))  # 4/2 + 3
    tensor(5., grad_fn=<SumBackward0>)
    """

    function = uncertainty_weighting

    def __init__(
        self,
        n_losses: int,
        *,
        device: torch.device | None = None,
        dtype: torch.dtype | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(**settings)
        self.log_var = torch.nn.Parameter(torch.zeros(n_losses, device=device, dtype=dtype))

    def with_parameters(self, *losses: Tensor) -> tuple[Tensor, Tensor]:
        expected, named = len(self.log_var), {f"loss {i}": loss for i, loss in enumerate(losses, start=1)}
        if named:
            check_tensors(**named)
        together = len(losses) == 1 and losses[0].dim() == 1
        count = len(losses[0]) if together else len(losses)
        wrong = [name for name, loss in named.items() if loss.dim() and not together]
        if count != expected or wrong:
            got = f"{enumerate_names(wrong)} with dimensions" if wrong else count
            raise ValueError(
                message(
                    "UncertaintyWeighting({expected}) takes {expected} losses, a single number each, or a tensor "
                    "of shape ({expected},), got {got}.",
                    expected=expected,
                    got=got,
                )
            )
        return (losses[0] if together else torch.stack(losses)), self.log_var

    def forward(self, *losses: Tensor) -> Tensor:
        return super().forward(*self.with_parameters(*losses))

    def extra_repr(self) -> str:
        return f"n_losses={len(self.log_var)}, {super().extra_repr()}"


def definition(
    losses: list[float], log_var: list[float], kind: str = "regression", regularizer: str = "log_sigma"
) -> Iterator[Term]:
    for loss, s in zip(losses, log_var, strict=True):
        factor = {"regression": 1 / 2, "classification": 1}[kind]
        cost = math.log(math.sqrt(math.exp(s))) if regularizer == "log_sigma" else math.log(1 + math.exp(s))
        yield Term(factor * loss / math.exp(s) + cost)


def formula(kind: str | Sequence[str], regularizer: str) -> str:
    factor = {"regression": r"\tfrac{1}{2} ", "classification": ""}.get(str(kind), "c ")
    cost = r"\tfrac{1}{2} s" if regularizer == "log_sigma" else r"\log(1 + e^{s})"
    meaning = "" if isinstance(kind, str) else given("c", r"\tfrac{1}{2} \text{ or } 1")
    return rf"\ell(L, s) = {factor}e^{{-s}} L + {cost}" + meaning


def term(loss: float, log_var: float, kind: str, regularizer: str) -> str:
    factor, s = KINDS[kind], operand(log_var)
    weighted = f"{number(factor)} · " * (factor != 1) + f"e^{operand(-log_var)} · {operand(loss)}"
    return f"{weighted} + " + (f"0.5 · {s}" if regularizer == "log_sigma" else f"(ln (1 + e^{s}))")


def draw(g: torch.Generator, shape: tuple[int, ...], settings: dict[str, Any]) -> tuple[Tensor, ...]:
    return exact(normal(g, *shape).abs()), normal(g, *shape)


def edges(settings: dict[str, Any]) -> Iterator[tuple[str, tuple[Tensor, ...]]]:
    yield _("variances of 1"), (row(1, 2, 0), row(0, 0, 0))
    yield _("large and small variances"), (row(1, 2, 3), row(20, -8, 0))
    yield _("losses of 0"), (row(0, 0), row(1, -1))


ENTRY = Entry(
    name="uncertainty_weighting",
    also=("uncertainty", "multi_task", "multi_task_loss", "uncertainty_weighted_loss"),
    family="several losses",
    module=UncertaintyWeighting,
    page="practice/several-losses",
    definition=definition,
    formula=formula,
    steps=by_element(uncertainty_weighting, term),
    views=(View(LOG_VARIANCE, {f"L = {loss}": behind(loss) for loss in (1, 4)}),),
    batches=elementwise(
        draw, edges, wrt=(0, 1), reductions=("sum", "mean", "none"), trials=({"kind": "classification"},)
    ),
    sample=lambda g: (uniform(g, 3, low=0.0, high=4.0), uniform(g, 3, low=-2.0, high=2.0)),
    settings=({}, {"kind": "classification"}, {"regularizer": "log1p"}),
    sizes={"n_losses": 3},
    fitting=lambda module: (torch.rand(len(module.log_var)),),
)
