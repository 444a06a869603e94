"""Knowledge distillation: a student learns a teacher's probabilities, softened by a temperature, beside the labels."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any

import torch
from torch import Tensor
from torch.nn.functional import log_softmax, softmax

from ..guards.classes import classes_last
from ..guards.tensors import can_be_read, check_tensors
from ..kit.batches.batch import Batch, Kind, Settings, normal
from ..kit.curve import curve_of_rows
from ..kit.entry import Entry, Term, uniform
from ..kit.loss import Loss, loss_function, reduce
from ..kit.settings import ClassDim, ClassNumber, Positive, Reduction, Switch, UnitInterval, one_of
from ..kit.steps import Step, reduction_steps
from ..kit.text import elided, equals, given, number, row
from ..kit.views import SCORE, Inputs, View, scores
from ..language import gettext as _
from ..language import message
from .cross_entropy import cross_entropy


@loss_function
def distillation_loss(
    input: Tensor,
    teacher: Tensor,
    target: Tensor | None = None,
    *,
    temperature: Positive = 2.0,
    alpha: UnitInterval = 0.5,
    t_squared: Switch = True,
    direction: Annotated[str, one_of("forward", "reverse")] = "forward",
    ignore_index: ClassNumber = -100,
    dim: ClassDim = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""The divergence of a student's softened probabilities from the teacher's, and the cross-entropy of the labels.

    .. math:: \ell(z, v, t) = \alpha\, T^2 \sum_j p_j \log \frac{p_j}{q_j} - (1 - \alpha) \log \frac{e^{z_t}}{\sum_j e^{z_j}},
              \qquad q = \operatorname{softmax}(z / T), \quad p = \operatorname{softmax}(v / T)

    A high temperature shows what the teacher thinks of the wrong classes, too. The gradients of the first part shrink, at
    high temperatures as 1/T²; the factor T² makes up for it there, so that α means much the same at each of them.

    Args:
        input: the student's logits z, shape ``(C,)``, ``(N, C)`` or ``(N, C, d1, …)``, floating point.
        teacher: the teacher's logits v, shape of ``input``. A gradient reaches them too: compute them under
            ``torch.no_grad()``, or detach them.
        target: class numbers t, shape of ``input`` without the classes, int64. Without them the teacher's part alone is
            the loss, with the weight 1.
        temperature: T, larger than 0, of both softmaxes; the labels' part has 1. Towards 0 only the teacher's first class
            is left, and T² makes that little.
        alpha: the weight α of the teacher's part, in [0, 1]; the labels' part has 1 − α. Some name it the other way round.
        t_squared: whether the teacher's part is multiplied by T².
        direction: ``"forward"`` is KL(teacher ‖ student), which spreads the student over all that the teacher holds
            likely; ``"reverse"`` is KL(student ‖ teacher), which lets it choose, as in MiniLLM.
        ignore_index: samples with this class number add nothing to either part nor to what the mean divides by.
        dim: the dimension of the classes; ``None`` is 1, or 0 for one sample. For a language model, ``(B, T, V)``, −1.
        reduction: ``"mean"`` divides by the number of samples that count, as ``"batchmean"`` of
            :func:`lossbook.functional.kl_div` for ``(N, C)``, whose ``"mean"`` is C times too small; ``"sum"``; ``"none"``.

    Returns:
        A tensor of shape ``()``, or one loss for each sample with ``reduction="none"``; in nats, at least 0 up to rounding.
        A class that both rule out, with logits of −∞, adds 0.

    Raises:
        ValueError: shapes differ, or a setting lies outside its range.
        TypeError: logits are no floating-point numbers, or labels no class numbers.
        IndexError: a class number outside 0 … C − 1.

    Source: G. Hinton et al., "Distilling the knowledge in a neural network", 2015, https://arxiv.org/abs/1503.02531; Y. Gu
    et al., "MiniLLM", 2023, https://arxiv.org/abs/2306.08543, for the reverse direction.

    >>> student, teacher = torch.zeros(1, 2), torch.tensor([[1000.0, 0.0]])  # undecided, and certain: ln 2 between them
    >>> distillation_loss(student, teacher, temperature=1.0)
    tensor(0.6931)
    >>> distillation_loss(student, teacher, torch.tensor([1]), temperature=2.0, alpha=0.5)  # (4 ln 2 + ln 2) / 2
    tensor(1.7329)
    """
    z, v = classes_last(dim, input=input, teacher=teacher)
    soft = divergence(z, v, temperature, direction)
    losses = (soft * temperature**2 if t_squared else soft).to(input.dtype)
    if target is None:
        return reduce(losses, reduction)
    kept = kept_of(z, target, ignore_index)
    hard = cross_entropy(z.reshape(-1, z.shape[-1]), target.reshape(-1), reduction="none", ignore_index=ignore_index)
    losses = alpha * torch.where(kept, losses, 0) + (1 - alpha) * hard.reshape(target.shape)
    return reduce(losses, reduction, divisor=kept.sum())


def divergence(student: Tensor, teacher: Tensor, temperature: float, direction: str) -> Tensor:
    """The KL divergence of each sample's softened distributions, the classes in the last dimension; half in float32."""

    def loss(student: Tensor, teacher: Tensor) -> Tensor:
        log_q, log_p = (log_softmax(at_temperature(x, temperature), -1) for x in (student, teacher))
        true, other = (log_p, log_q) if direction == "forward" else (log_q, log_p)
        p = true.exp()
        sums = (p * (true - other)).sum(-1)
        if can_be_read(sums) and bool(sums.isfinite().all()):
            return sums  # the usual case; the masking takes longer than all the rest
        return (p * torch.where(p == 0, 0, true - other)).sum(-1)  # 0 · (−∞ + ∞) would be nan, in the gradient too

    def slope(student: Tensor, teacher: Tensor) -> Tensor:
        q, p = (softmax(at_temperature(x, temperature), -1) for x in (student, teacher))
        return (q - p) / temperature

    return curve_of_rows(student, loss, slope, teacher) if direction == "forward" else loss(student, teacher)


def at_temperature(logits: Tensor, temperature: float) -> Tensor:
    """Logits over the temperature; of half precision in float32, which a small temperature would overflow."""
    return logits.to(torch.promote_types(logits.dtype, torch.float32)) / temperature


def kept_of(logits: Tensor, target: Tensor, ignore_index: int) -> Tensor:
    """Check the shape of the labels, one for each row of logits. True for those that count."""
    check_tensors(input=logits, target=target)
    if target.shape != logits.shape[:-1]:
        raise ValueError(
            message(
                "target must hold one class number for each sample, shape {logits_shape}, got {target_shape}.",
                logits_shape=tuple(logits.shape[:-1]),
                target_shape=tuple(target.shape),
            )
        )
    return target.long() != ignore_index


class DistillationLoss(Loss):
    """Module form of :func:`lossbook.beyond.distillation_loss`."""

    function = distillation_loss


def probabilities(logits: list[float], temperature: float) -> list[float]:
    exponentials = [math.exp((z - max(logits)) / temperature) for z in logits]
    return [e / sum(exponentials) for e in exponentials]


def definition(
    students: list[list[float]],
    teachers: list[list[float]],
    target: list[int] | None = None,
    temperature: float = 2.0,
    alpha: float = 0.5,
    t_squared: bool = True,
    direction: str = "forward",
    ignore_index: int = -100,
    dim: int | None = None,
) -> Iterator[Term]:
    for i, (z, v) in enumerate(zip(students, teachers, strict=True)):
        q, p = probabilities(z, temperature), probabilities(v, temperature)
        true, other = (p, q) if direction == "forward" else (q, p)
        soft = sum(a * math.log(a / b) for a, b in zip(true, other, strict=True) if a > 0)
        soft *= temperature**2 if t_squared else 1
        if target is None:
            yield Term(soft)
        elif target[i] == ignore_index:
            yield Term(0.0, 0.0)
        else:
            yield Term(alpha * soft - (1 - alpha) * math.log(probabilities(z, 1)[target[i]]))


def formula(
    target: Tensor | None, temperature: float, alpha: float, t_squared: bool, direction: str, ignore_index: int
) -> str:
    above, below = ("p", "q") if direction == "forward" else ("q", "p")
    weight = (r"\alpha\, " if target is not None else "") + ("T^2 " if t_squared else "")
    text = rf"{weight}\sum_j {above}_j \log \frac{{{above}_j}}{{{below}_j}}"
    if target is not None:
        text += r" - (1 - \alpha) \log \frac{e^{z_t}}{\sum_j e^{z_j}}"
        if ignore_index >= 0:
            text = rf"\begin{{cases}} {text} & t \ne {ignore_index} \\ 0 & t = {ignore_index} \end{{cases}}"
    text = (r"\ell(z, v) = " if target is None else r"\ell(z, v, t) = ") + text
    text += given("q", r"\operatorname{softmax}(z / T)") + given("p", r"\operatorname{softmax}(v / T)")
    return text + given("T", temperature) + (given(r"\alpha", alpha) if target is not None else "")


def term(student: list[float], teacher: list[float], temperature: float, direction: str) -> str:
    q, p = probabilities(student, temperature), probabilities(teacher, temperature)
    true, other = (p, q) if direction == "forward" else (q, p)
    pairs = [(number(a), number(b)) for a, b in zip(true, other, strict=True) if a > 0]
    return " + ".join(f"{a} · ((ln {a}) − (ln {b}))" for a, b in pairs)


def steps(
    input: Tensor,
    teacher: Tensor,
    target: Tensor | None,
    dim: int | None,
    reduction: str,
    ignore_index: int,
    **settings: Any,
) -> Iterator[Step]:
    z, v = classes_last(dim, input=input.detach(), teacher=teacher.detach())
    T, direction = settings["temperature"], settings["direction"]
    for say, logits in (
        (_("Student's probabilities, the softmax of its logits divided by T"), z),
        (_("Teacher's probabilities, likewise"), v),
    ):
        p = softmax(at_temperature(logits, T), -1)
        yield Step(say, tuple(elided([row(sample) for sample in p.reshape(-1, p.shape[-1])])), p)
    soft = divergence(z, v, T, direction)
    students, teachers = (t.reshape(-1, z.shape[-1]).tolist() for t in (z, v))
    terms = [term(a, b, T, direction) for a, b in zip(students, teachers, strict=True)]
    lines = [equals(text, value) for text, value in zip(terms, soft.flatten(), strict=True)]
    yield Step(_("Divergence of each sample"), tuple(elided(lines)), soft)

    losses = distillation_loss(z, v, target, dim=-1, reduction="none", ignore_index=ignore_index, **settings)
    scale = f"{number(T)}² · " if settings["t_squared"] and T != 1 else ""
    texts = [f"{scale}{number(d)}" for d in soft.flatten()]
    share = None
    if target is not None:
        kept = kept_of(z, target, ignore_index).flatten()
        log_p = log_softmax(z, -1).reshape(-1, z.shape[-1])
        picked = log_p.gather(1, torch.where(kept, target.flatten().long(), 0).unsqueeze(1)).flatten().exp()
        a = settings["alpha"]
        both = [f"{number(a)} · {t} + {number(1 - a)} · (−ln {number(p)})" for t, p in zip(texts, picked, strict=True)]
        texts = [text if k else "0" for text, k in zip(both, kept.tolist(), strict=True)]
        share = None if bool(kept.all()) else kept.to(z.dtype)
    lines = [equals(text, value) for text, value in zip(texts, losses.flatten(), strict=True)]
    yield Step(_("Loss of each sample"), tuple(elided(lines)), losses)
    if losses.dim():
        yield from reduction_steps(losses.flatten(), share, reduction, [number(v) for v in losses.flatten()])


def batches(settings: Settings, g: torch.Generator) -> Iterator[Batch]:
    def draw(*shape: int) -> tuple[Tensor, Tensor]:
        return normal(g, *shape) * 2, normal(g, *shape) * 2

    labelled = _("with labels")
    for n, c in ((5, 4), (4, 4), (7, 3), (3, 6)):
        yield Batch(draw(n, c), "(N, C)")
        yield Batch((*draw(n, c), torch.randint(c, (n,), generator=g)), f"(N, C), {labelled}")
    yield Batch(draw(1, 4), "(1, C)", "(N, C)")
    yield Batch(draw(4), "(C)")
    same = normal(g, 3, 4)
    yield Batch((same, same.clone()), "(N, C)", "(N, C)", edge=True, name=_("equal distributions"))
    large = torch.tensor([[40.0, 0, -40], [-100, 0, 100]]).double()
    yield Batch((large, large.flip(0)), "(N, C)", "(N, C)", edge=True, name=_("large logits"))


def taught(v: float) -> Inputs:
    """A student and a teacher, both with the other two scores at 0."""
    return lambda x: (scores(x), scores(torch.full_like(x, v)))


ENTRY = Entry(
    name="distillation",
    also=("kd", "kd_loss", "knowledge_distillation", "distill", "KDLoss"),
    family="likelihood",
    module=DistillationLoss,
    page="practice/distillation",
    definition=definition,
    formula=formula,
    steps=steps,
    views=(View(SCORE, {f"v = {v}": taught(v) for v in (0, 2)}),),
    batches=Kind(
        batches,
        lambda g, rows, columns: (normal(g, rows, columns), normal(g, rows, columns)),
        trials=({"temperature": 4.0}, {"alpha": 0.25}, {"direction": "reverse"}),
    ),
    sample=lambda g: (uniform(g, 5, 4), uniform(g, 5, 4), torch.randint(4, (5,), generator=g)),
    settings=(
        {},
        {"temperature": 4.0, "alpha": 0.9},
        {"direction": "reverse", "t_squared": False},
        {"temperature": 1.0, "ignore_index": 1, "dim": -1},
    ),
)
