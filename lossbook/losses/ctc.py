"""CTC: the likelihood of a label sequence when no frame-level alignment is known."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import groupby, product

import torch
from torch import Tensor
from torch.nn.functional import pad

from ..guards.sequences import (
    as_lengths,
    check_concatenated,
    check_integers,
    check_labels,
    check_rows_of_labels,
    is_batch_of_frames,
)
from ..kit.batches.by_vector import sequences
from ..kit.entry import Entry, Term, uniform
from ..kit.loss import Loss, loss_function
from ..kit.settings import ClassNumber, Reduction, Switch
from ..kit.steps import Step, reduction_steps
from ..kit.text import SIDE_BY_SIDE, elided, equals, given, number, row
from ..kit.views import P, View, frames_of_label
from ..language import gettext as _
from ..softmax import log_softmax

SHORT = 10_000  #: so many symbol sequences can be listed one by one


@loss_function
def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Tensor | Sequence[int],
    target_lengths: Tensor | Sequence[int],
    *,
    blank: ClassNumber = 0,
    reduction: Reduction = "mean",
    zero_infinity: Switch = False,
) -> Tensor:
    r"""Minus the log-probability of all frame-by-frame symbol sequences that collapse to the target.

    .. math:: \ell(y, l) = -\log \sum_{\pi \in B^{-1}(l)} \prod_{t=1}^{T} y^t_{\pi_t}

    A sequence collapses (:math:`B`) by merging repeats, then dropping blanks: ``a a - a b`` gives ``a a b``. The sum
    has exponentially many terms; the forward variables of the paper add it up in T steps, here in logarithms.

    Args:
        log_probs: log-probabilities of C symbols (from :func:`log_softmax`), shape ``(T, N, C)``, or ``(T, C)`` for one
            sequence, floating point, at most 0 (not checked).
        targets: labels 0 … C − 1 other than ``blank``, shape ``(N, S)`` with anything as padding, or all targets
            concatenated, shape ``(sum of target_lengths,)``; integers.
        input_lengths: how many frames of each sequence count, 0 … T: integers of shape ``(N,)``, tensor or sequence.
        target_lengths: how many labels each target has, likewise.
        blank: the class number of the blank.
        reduction: ``"mean"`` divides each loss by the length of its target (at least 1), then takes the mean over N.
        zero_infinity: count impossible targets, longer than their frames allow, as 0 instead of ∞.

    Returns:
        A tensor of shape ``()``, or ``(N,)`` with ``reduction="none"``; at least 0. An impossible target costs ∞. Its
        gradient is 0, never ``nan``.

        The gradient with respect to ``log_probs`` is the true one: minus the probability, given the target, that the
        symbol stands in that frame. torch returns it with :func:`exp(log_probs) <torch.exp>` added, which already
        contains the step through log_softmax. Below a log_softmax both give the same; on bare log-probabilities only
        this one agrees with finite differences, and only this one can be differentiated again.

    Raises:
        ValueError, TypeError: a wrong shape, length or kind; an empty batch; a blank inside a target.
        IndexError: a label outside 0 … C − 1. torch reads outside the tensor.

    Source: A. Graves et al., "Connectionist temporal classification", 2006; :class:`torch.nn.CTCLoss`.

    >>> half = torch.full((2, 1, 2), 0.5).log()  # two frames; a blank and one label, as likely as each other
    >>> ctc_loss(half, torch.tensor([[1]]), (2,), (1,)).exp()  # 3 of 4 sequences give the label: 1 / (3/4)
    tensor(1.3333)
    """
    batched = is_batch_of_frames(log_probs, blank)
    if not batched:
        log_probs = log_probs.unsqueeze(1)
    frames, batch, classes = log_probs.shape
    input_lengths = as_lengths("input_lengths", input_lengths, batch, frames, log_probs.device)
    targets, target_lengths = _padded(targets, target_lengths, batch, log_probs.device)
    inside = torch.arange(targets.shape[1], device=targets.device) < target_lengths.unsqueeze(1)
    check_labels(targets, inside, classes, blank)

    # A blank before, between and after the labels: states 0 … 2S.
    labels = torch.where(inside, targets, blank)
    states = pad(pad(labels.unsqueeze(2), (1, 0), value=blank).flatten(1), (0, 1), value=blank)
    no_label = -1
    two_before = pad(states, (2, 0), value=no_label)[:, :-2]
    may_skip = states != two_before  # from label to label over the blank, unless it separates two equal ones

    # Pad two states in front with −∞, so that s−1 and s−2 always exist; the start is state −1.
    wide = torch.promote_types(log_probs.dtype, torch.float32)
    emissions = log_probs.to(wide).gather(2, states.expand(frames, -1, -1))
    alpha = pad(torch.zeros_like(states[:, :1], dtype=wide), (1, states.shape[1]), value=-math.inf)
    for t in range(frames):
        skip = torch.where(may_skip, alpha[:, :-2], -math.inf)
        moved = emissions[t] + _log_sum_exp(torch.stack([alpha[:, 2:], alpha[:, 1:-1], skip]))
        alpha = torch.where(t < input_lengths.unsqueeze(1), pad(moved, (2, 0), value=-math.inf), alpha)

    ends = alpha.gather(1, 2 * target_lengths.unsqueeze(1) + torch.tensor([1, 2], device=alpha.device))
    losses = -_log_sum_exp(ends.T)
    if zero_infinity:
        losses = torch.where(losses == math.inf, 0, losses)
    losses = losses.to(log_probs.dtype)
    if reduction == "mean":
        return (losses / target_lengths.clamp(min=1)).mean()
    if reduction == "sum":
        return losses.sum()
    return losses if batched else losses.squeeze(0)


def _log_sum_exp(logs: Tensor) -> Tensor:
    """The logarithm of the sum over the first dimension; where all are −∞ so is the result, and the gradient is 0.

    The gradient of :func:`torch.logsumexp` is ``nan`` there.
    """
    largest = logs.detach().amax(0)
    nothing = largest == -math.inf
    total = (logs - torch.where(nothing, 0, largest)).exp().sum(0)
    return torch.where(nothing, -math.inf, torch.where(nothing, 1, total).log() + largest)


def _padded(
    targets: Tensor, lengths: Tensor | Sequence[int], batch: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Targets of shape (N, S) with their lengths, however they came."""
    check_integers(targets=targets)
    longest = targets.shape[-1] if targets.dim() else 0
    lengths = as_lengths("target_lengths", lengths, batch, longest, device)
    if targets.dim() == 1 and batch > 1:
        check_concatenated(targets, lengths)
        targets = torch.nn.utils.rnn.pad_sequence(targets.split(lengths.tolist()), batch_first=True)
    elif targets.dim() == 1:
        targets = targets.unsqueeze(0)
    check_rows_of_labels(targets, batch)
    return targets.long(), lengths


class CTCLoss(Loss):
    function = ctc_loss


def collapse(path: Sequence[int], blank: int) -> list[int]:
    """Repeats merged, then blanks dropped.

    >>> collapse([1, 1, 0, 1, 2], blank=0)
    [1, 1, 2]
    """
    return [symbol for symbol, _run in groupby(path) if symbol != blank]


def alignments(target: list[int], frames: int, classes: int, blank: int) -> list[tuple[int, ...]]:
    """Every sequence of symbols, one for each frame, that collapses to the target: found by trying them all."""
    return [path for path in product(range(classes), repeat=frames) if collapse(path, blank) == target]


def definition(
    log_probs: list[list[list[float]]],
    targets: list[list[int]],
    input_lengths: list[int],
    target_lengths: list[int],
    blank: int = 0,
    zero_infinity: bool = False,
) -> Iterator[Term]:
    for n, (frames, length) in enumerate(zip(input_lengths, target_lengths, strict=True)):
        paths = alignments(targets[n][:length], frames, len(log_probs[0][n]), blank)
        p = sum(math.prod(math.exp(log_probs[t][n][symbol]) for t, symbol in enumerate(path)) for path in paths)
        impossible = 0.0 if zero_infinity else math.inf
        yield Term(-math.log(p) if p else impossible, own=max(length, 1))


def formula(blank: int, zero_infinity: bool) -> str:
    text = r"-\log \sum_{\pi \in B^{-1}(l)} \prod_{t=1}^{T} y^t_{\pi_t}"
    if zero_infinity:
        text = rf"\begin{{cases}} {text} & B^{{-1}}(l) \ne \varnothing \\ 0 & B^{{-1}}(l) = \varnothing \end{{cases}}"
    return r"\ell(y, l) = " + text + given(r"\text{blank}", blank)


def steps(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Tensor | Sequence[int],
    target_lengths: Tensor | Sequence[int],
    blank: int,
    reduction: str,
    zero_infinity: bool,
) -> Iterator[Step]:
    inputs = log_probs, targets, input_lengths, target_lengths
    losses = ctc_loss(*inputs, blank=blank, reduction="none", zero_infinity=zero_infinity)
    probability = (-ctc_loss(*inputs, blank=blank, reduction="none")).exp().reshape(-1)
    each, batch = losses.reshape(-1), losses.numel()
    y = log_probs.exp().reshape(len(log_probs), batch, -1)
    rows, lengths = _padded(targets, target_lengths, batch, log_probs.device)

    listed, sums = [], []
    for n, frames in enumerate(torch.as_tensor(input_lengths).reshape(-1).tolist()):
        if y.shape[2] ** frames > SHORT:
            continue
        paths = alignments(rows[n, : lengths[n]].tolist(), frames, y.shape[2], blank)
        factors = [y[range(frames), n, path] for path in paths]
        products = [equals(" · ".join(map(number, f)) or "1", f.prod()) for f in factors]
        listed += [SIDE_BY_SIDE.join([row(path), line]) for path, line in zip(paths, products, strict=True)]
        sums.append(equals(" + ".join(elided([number(f.prod()) for f in factors])) or "0", probability[n]))
    if sums:
        say = _(
            "Alignments, the sequences of symbols that give the target, with their probabilities; the blank is {blank}"
        )
        yield Step(say.format(blank=blank), tuple(elided(listed)), y)
        yield Step(_("Probability of each target, the sum over its alignments"), tuple(elided(sums)), probability)
    lines = [equals(f"−ln {number(p)}", loss) if p else number(loss) for p, loss in zip(probability, each, strict=True)]
    yield Step(_("Loss of each target, minus the logarithm of its probability"), tuple(elided(lines)), losses)
    if reduction == "mean":
        terms = [f"{number(loss)} / {number(own)}" for loss, own in zip(each, lengths.clamp(min=1), strict=True)]
        losses, each = losses / lengths.clamp(min=1).reshape(losses.shape), each / lengths.clamp(min=1)
        lines = [equals(term, value) for term, value in zip(terms, each, strict=True)]
        yield Step(_("Divided by the length of its target"), tuple(elided(lines)), losses)
    if losses.dim():
        yield from reduction_steps(losses, None, reduction, [number(loss) for loss in each])


def sample(generator: torch.Generator) -> tuple[Tensor, ...]:
    """Three sequences over four symbols, 0 and 3 among them to be the blank; one repeats a label, one has none."""
    log_probs = log_softmax(uniform(generator, 4, 3, 4, low=-1.0, high=1.0), dim=2)
    targets = torch.tensor([[1, 2], [1, 1], [0, 0]])
    return log_probs, targets, torch.tensor([4, 3, 2]), torch.tensor([2, 2, 0])


ENTRY = Entry(
    name="ctc",
    family="likelihood",
    module=CTCLoss,
    torch_module=torch.nn.CTCLoss,
    torch_function=torch.nn.functional.ctc_loss,
    definition=definition,
    formula=formula,
    steps=steps,
    views=(View(P, {f"T = {count}": frames_of_label(count) for count in (1, 2, 4)}, {"blank": 0}),),
    batches=sequences(trials=({"blank": 3},)),
    sample=sample,
    settings=({}, {"blank": 3}, {"zero_infinity": True}),
    page="losses/ctc",
)
