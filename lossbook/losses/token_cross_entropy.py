"""Cross-entropy of a language model: of each token given those before it, averaged over the tokens that count."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any

import torch
from torch import Tensor

from ..guards.classes import check_class_numbers, check_known_classes
from ..guards.tensors import check_floating, check_tensors
from ..kit.batches.batch import Batch, Kind, Settings, normal
from ..kit.class_steps import steps_of_softmax
from ..kit.entry import Entry, Term, uniform
from ..kit.loss import Loss, loss_function, reduce, total
from ..kit.settings import ClassNumber, Reduction, Switch, one_of, positive
from ..kit.steps import Step, reduction_steps
from ..kit.text import elided, equals, number
from ..kit.views import SCORE, View, first_class, scores
from ..language import gettext as _
from ..language import message
from ..softmax import log_softmax
from .nll import pick_from_logits


def count_or_none(name: str, value: Any) -> None:
    """The value is a number larger than 0, or a tensor that holds one, or None."""
    if value is None or isinstance(value, Tensor):
        return
    positive(name, value)


@loss_function
def token_cross_entropy(
    input: Tensor,
    target: Tensor,
    *,
    shift: Switch = True,
    ignore_index: ClassNumber = -100,
    average: Annotated[str, one_of("token", "sequence")] = "token",
    num_items_in_batch: Annotated[float | Tensor | None, count_or_none] = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Minus the logarithm of the probability of each token, given the tokens before it.

    .. math:: \ell_i(z, t) = -\log \frac{e^{z_{i, t_{i+1}}}}{\sum_j e^{z_{i, j}}}

    Here i counts the tokens and j the vocabulary. With ``shift=False`` the token is :math:`t_i`.

    Args:
        input: logits of the next token, shape ``(T, V)`` or ``(B, T, V)``, the vocabulary **last**, floating point.
        target: the tokens, shape ``(T,)`` or ``(B, T)``, int64.
        shift: whether ``target`` holds the very tokens that the model read, ``labels = input_ids`` as with Hugging Face:
            then the logits at t answer for the token at t + 1, and the first token and the last logits are left out. Where
            the data are shifted already, as in nanoGPT, write ``False``.
        ignore_index: tokens with this number, such as a prompt or padding, add nothing to loss, gradient or mean.
        average: ``"token"`` divides the sum by the number of tokens that count: each weighs the same. ``"sequence"`` takes
            the mean of each sequence, then their mean: a token of a short answer weighs more. Sequences without a token
            that counts are left out.
        num_items_in_batch: what the mean divides by instead, a number or a tensor of shape ``()``: the tokens that count of
            all micro-batches and machines together, for gradients that are accumulated. With several micro-batches of
            different lengths the mean of their means is another number. Hugging Face's name.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Returns:
        A tensor of shape ``()``, or that of ``target``, one token shorter with ``shift``, with ``reduction="none"``; in
        nats, at least 0. Its exponential is the perplexity. Where no token counts the mean is ``nan``, and the sum 0.

    Raises:
        ValueError: shapes do not fit, a sequence is too short to be shifted, or ``num_items_in_batch`` comes with
            ``average="sequence"``.
        TypeError: logits are no floating-point numbers, or tokens no int64.
        IndexError: a token outside the vocabulary.

    Source: :class:`torch.nn.CrossEntropyLoss`; ``ForCausalLMLoss`` of Hugging Face's transformers.

    >>> logits = torch.zeros(1, 3, 4)  # four tokens, all alike: ln 4 for each of the two that are predicted
    >>> token_cross_entropy(logits, torch.tensor([[0, 3, 1]]), reduction="none")
    tensor([[1.3863, 1.3863]])
    """
    _logits, tokens = shifted(input, target, shift)
    kept = tokens.long() != ignore_index
    check_known_classes(tokens, kept, input.shape[-1])
    losses, _share = pick_from_logits(input, tokens, -1, None, ignore_index)  # the last logits answer for no token
    if num_items_in_batch is not None:
        if average == "sequence":
            raise ValueError(
                message("num_items_in_batch counts tokens: it has no meaning with average='sequence'. Leave one out.")
            )
        wide = torch.promote_types(losses.dtype, torch.float32)  # float16 counts to 65504
        count = torch.as_tensor(num_items_in_batch, dtype=wide, device=losses.device)
        return reduce(losses, reduction, divisor=count)
    if average == "sequence" and reduction == "mean":
        counts = kept.sum(-1)
        means = total(losses, -1) / counts.clamp_min(1)
        return reduce(means, "mean", divisor=(counts > 0).sum()).to(losses.dtype)
    return reduce(losses, reduction, divisor=kept.sum())


def shifted(input: Tensor, target: Tensor, shift: bool) -> tuple[Tensor, Tensor]:
    """Check logits and tokens. Returns the logits that answer for a token, and those tokens."""
    check_tensors(input=input, target=target)
    check_floating(input=input)
    if input.dim() < 2 or input.shape[-1] == 0 or target.shape != input.shape[:-1]:
        raise ValueError(
            message(
                "input must have shape (T, V) or (B, T, V), a logit for each token of the vocabulary last, and "
                "target its shape without that dimension; got {input_shape} and {target_shape}. For logits of "
                "shape (B, V, T) write input.movedim(1, -1).",
                input_shape=tuple(input.shape),
                target_shape=tuple(target.shape),
            )
        )
    check_class_numbers(target)
    if not shift:
        return input, target
    if target.shape[-1] < 2:
        raise ValueError(
            message(
                "A sequence must have two tokens at least, one to read and one to predict, got target of shape "
                "{target_shape}. Where target is shifted already, write shift=False.",
                target_shape=tuple(target.shape),
            )
        )
    return input[..., :-1, :], target[..., 1:]


class TokenCrossEntropyLoss(Loss):
    """Module form of :func:`lossbook.beyond.token_cross_entropy`."""

    function = token_cross_entropy


def definition(
    batch: list[list[list[float]]],
    targets: list[list[int]],
    shift: bool = True,
    ignore_index: int = -100,
    average: str = "token",
    num_items_in_batch: float | None = None,
) -> Iterator[Term]:
    pairs = [(rows[:-1], tokens[1:]) if shift else (rows, tokens) for rows, tokens in zip(batch, targets, strict=True)]
    for rows, tokens in pairs:
        count = sum(t != ignore_index for t in tokens)
        for z, t in zip(rows, tokens, strict=True):
            loss = 0.0 if t == ignore_index else math.log(sum(math.exp(x - z[t]) for x in z))
            if num_items_in_batch is not None:
                yield Term(loss, num_items_in_batch / sum(len(tokens) for _rows, tokens in pairs))
            elif average == "token":
                yield Term(loss, float(t != ignore_index))
            else:
                yield Term(loss, (t != ignore_index) / max(count, 1), max(count, 1))


def formula(shift: bool, ignore_index: int) -> str:
    token = "t_{i+1}" if shift else "t_i"
    text = rf"-\log \frac{{e^{{z_{{i, {token}}}}}}}{{\sum_j e^{{z_{{i, j}}}}}}"
    if ignore_index >= 0:
        text = rf"\begin{{cases}} {text} & {token} \ne {ignore_index} \\ 0 & {token} = {ignore_index} \end{{cases}}"
    return rf"\ell_i(z, t) = {text}"


def steps(
    input: Tensor,
    target: Tensor,
    shift: bool,
    ignore_index: int,
    average: str,
    num_items_in_batch: float | Tensor | None,
    reduction: str,
) -> Iterator[Step]:
    logits, tokens = shifted(input.detach(), target, shift)
    if shift:
        yield Step(_("The tokens to predict, each by the logits before it"), (f"{tokens.tolist()}",), tokens)
    rows, kept = logits.reshape(-1, logits.shape[-1]), tokens.flatten() != ignore_index
    yield from steps_of_softmax(rows, -1)
    losses = token_cross_entropy(logits, tokens, shift=False, ignore_index=ignore_index, reduction="none")
    picked = log_softmax(rows, -1).gather(1, torch.where(kept, tokens.flatten(), 0).unsqueeze(1)).flatten().exp()
    texts = [f"−ln {number(p)}" if k else "0" for p, k in zip(picked, kept.tolist(), strict=True)]
    lines = [equals(text, loss) for text, loss in zip(texts, losses.flatten(), strict=True)]
    yield Step(_("Loss of each token, minus the logarithm of its probability"), tuple(elided(lines)), losses)
    share: Tensor | None = None if bool(kept.all()) else kept.to(losses.dtype)
    if num_items_in_batch is not None and reduction == "mean":
        count = float(num_items_in_batch)
        value = losses.sum() / count
        text = f"({' + '.join(elided([number(v) for v in losses.flatten()]))}) / {number(count)}"
        yield Step(_("The sum divided by num_items_in_batch"), (equals(text, value),), value)
    elif average == "sequence" and reduction == "mean":
        by_sequence = kept.reshape(-1, tokens.shape[-1]).sum(1)
        means = losses.reshape(-1, tokens.shape[-1]).sum(1)[by_sequence > 0] / by_sequence[by_sequence > 0]
        yield Step(
            _("Mean of each sequence, over its tokens that count"), (f"[{', '.join(map(number, means))}]",), means
        )
        yield from reduction_steps(means, None, "mean", [number(m) for m in means])
    else:
        yield from reduction_steps(losses.flatten(), share, reduction, [number(v) for v in losses.flatten()])


def batches(settings: Settings, g: torch.Generator) -> Iterator[Batch]:
    for b, t, v in ((3, 5, 4), (4, 4, 4), (2, 6, 3)):
        yield Batch((normal(g, b, t, v) * 2, torch.randint(v, (b, t), generator=g)), "(B, T, V)")
    tokens = torch.randint(4, (3, 6), generator=g)
    tokens[0, :4], tokens[1, 3:] = -100, -100  # a prompt and padding
    yield Batch((normal(g, 3, 6, 4), tokens), _("ignored targets"))
    yield Batch((normal(g, 1, 5, 4), torch.randint(4, (1, 5), generator=g)), "(1, T, V)", "(B, T, V)")
    large = 100 * normal(g, 2, 4, 3)
    tokens = torch.randint(3, (2, 4), generator=g)
    yield Batch((large, tokens), "(B, T, V)", "(B, T, V)", edge=True, name=_("large logits"))


def large(g: torch.Generator, rows: int, columns: int) -> tuple[Tensor, Tensor]:
    sequences = (4, rows // 4) if rows % 4 == 0 else (1, rows)
    return normal(g, *sequences, columns), torch.randint(columns, sequences, generator=g)


def sample(generator: torch.Generator) -> tuple[Tensor, Tensor]:
    return uniform(generator, 3, 5, 4), torch.randint(4, (3, 5), generator=generator)


def two_tokens(x: Tensor) -> tuple[Tensor, Tensor]:
    """Sequences of two tokens: the first logits answer for the second token, class 0."""
    return torch.stack([scores(x), torch.zeros_like(scores(x))], 1), torch.stack([first_class(x)] * 2, 1)


ENTRY = Entry(
    name="token_cross_entropy",
    also=("causal_lm", "causal_lm_loss", "language_modeling", "lm_loss", "next_token", "ForCausalLMLoss"),
    family="classification",
    module=TokenCrossEntropyLoss,
    page="practice/language-model",
    definition=definition,
    formula=formula,
    steps=steps,
    views=(View(SCORE, {"": two_tokens}),),
    batches=Kind(batches, large, trials=({"shift": False}, {"average": "sequence"})),
    sample=sample,
    settings=(
        {},
        {"shift": False, "ignore_index": 1},
        {"average": "sequence", "ignore_index": 1},
        {"num_items_in_batch": 20.0, "ignore_index": 2},
    ),
)
