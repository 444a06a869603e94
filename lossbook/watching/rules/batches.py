"""Batches: of which a part only reaches the loss, or that come in an order in which nothing can be learned."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ...language import Phrase
from .. import contract, graph
from ..finding import Told
from ..observation import Call
from ..seen import Seen
from ..training import Training
from .rule import in_call, in_training


@in_training("one-sample-counts", Phrase("only the first sample of a batch reaches the loss"), page="guide/overview")
def one_sample_counts(training: Training) -> Told | None:
    learning = [seen for seen in training.calls if seen.arrived]
    alone = [seen.weighed for seen in learning if seen.weighed is not None]
    if len(learning) < 3:
        return None
    if len(alone) == len(learning) and all(one.kept == 1 and one.first and one.total >= 8 for one in alone):
        return Told(
            Phrase(
                "Of the {total} losses of a batch only the first got a gradient, in {calls} calls: the others are "
                "computed and thrown away.",
                total=alone[-1].total,
                calls=len(alone),
            ),
            Phrase("Write loss.mean() instead of loss[0]."),
        )
    if {seen.picked for seen in learning} != {0}:
        return None
    return Told(
        Phrase(
            "In each of {calls} calls the prediction is the first sample of a batch that went through the model: the "
            "others are computed and thrown away.",
            calls=len(learning),
        ),
        Phrase("Give the loss the whole batch: criterion(prediction, target), without [0]."),
    )


@in_call(
    "part-detached", Phrase("a part of the predictions that is cut off from the model"), page="guide/custom-losses"
)
def part_detached(call: Call) -> Told | None:
    """Predictions that were put together from some that carry a gradient and some that do not."""
    link = next((one for one in call.chain if one.name in ("Cat", "Stack")), None)
    if link is None or graph.size(link.node) != call.predicted.shape or not call.prediction.numel():
        return None
    dim = graph.signed(link.node._saved_dim, call.prediction.dim())
    if not call.per_element and not (call.name in contract.OF_CLASSES and dim == 0):
        return None  # where classes compete, a score that stands still has its effect
    cut = _cut_off(link, call.prediction.detach(), dim)
    if cut is None or cut.numel() < 0.2 * call.prediction.numel() or len(cut.unique()) < 4:
        return None
    known = call.has_target and call.target.shape == call.prediction.shape
    if known and torch.equal(cut, _cut_off(link, call.target.detach(), dim).to(cut)):
        return None  # put in where nothing has to be predicted
    return Told(
        Phrase(
            "{count} of {total} predictions, {share}%, carry no gradient: they were detached and put together with "
            "the others, so that their errors are counted and nothing is learned from them.",
            count=cut.numel(),
            total=call.prediction.numel(),
            share=round(100 * cut.numel() / call.prediction.numel()),
        ),
        Phrase("Leave detach() or torch.no_grad() out, or give the loss the others alone."),
    )


def _cut_off(link: graph.Link, tensor: Tensor, dim: int) -> Any:
    """The part of a tensor that an operand without a gradient gave, if that is a single one."""
    operands = graph.carried(link.node)
    if operands.count(None) != 1:
        return None
    sizes = [1 if link.name == "Stack" else operand[dim] if operand is not None else 0 for operand in operands]
    place = operands.index(None)
    sizes[place] = 0
    return tensor.narrow(dim, sum(sizes[:place]), tensor.shape[dim] - sum(sizes))


@in_call(
    "only-a-bias-learns",
    Phrase("all that can learn is the bias of the last layer"),
    page="first-losses/five-steps",
)
def only_a_bias_learns(call: Call) -> Told | None:
    link = next((one for one in call.operations if one.name not in graph.ELEMENTWISE), None)
    bias = {"Addmm": 0, "Convolution": 2}.get(link.name if link is not None else "")
    if link is None or bias is None or len(call.ancestry.leaves) != 1:
        return None
    if [place for place, operand in enumerate(graph.carried(link.node)) if operand is not None] != [bias]:
        return None
    return Told(
        Phrase(
            "All that can learn behind {loss} is the bias of the last layer, {count} numbers: whatever the input, the "
            "model can only add the same to its predictions.",
            loss=call.spoken,
            count=call.ancestry.leaves[0].numel(),
        ),
        Phrase("Unfreeze the last layer as well, at least: layer.requires_grad_(True)."),
    )


@in_training("batches-in-order", Phrase("batches sorted by class"), page="first-losses/five-steps", likely=True)
def batches_in_order(training: Training) -> Told | None:
    for calls in training.series():
        ranges = [seen.classes for seen in calls if seen.classes is not None and seen.arrived]
        if len(ranges) < 4 or len(ranges) < len(calls) or len({seen.after_steps for seen in calls}) < len(calls):
            continue  # two batches before a step, such as the real and the fake ones
        if len({low for low, _ in ranges}) < 2 or not _sorted(ranges):
            continue
        return Told(
            Phrase(
                "The classes of {calls} batches come in order, {begin} and so on: each batch is of one class, or of "
                "neighbors, and the model learns it and forgets the one before.",
                calls=len(ranges),
                begin=", ".join(str(low) if low == high else f"{low}–{high}" for low, high in ranges[:4]),
            ),
            Phrase("Shuffle the data: DataLoader(…, shuffle=True)."),
        )
    return None


def _sorted(ranges: list[tuple[int, int]]) -> bool:
    """Whether ranges rise from batch to batch, or fall; after four batches or more they may begin anew."""
    turned = [(-high, -low) for low, high in ranges]
    return any(_rises(way) for way in (ranges, turned))


def _rises(ranges: list[tuple[int, int]]) -> bool:
    run = 1
    for (_, highest), now in zip(ranges, ranges[1:], strict=False):
        if now[0] >= highest:
            run += 1
        elif now == ranges[0] and run >= 4:
            run = 1
        else:
            return False
    return True


@in_training(
    "shifted-twice",
    Phrase("targets of a language model that are shifted twice"),
    page="guide/cross-entropy",
)
def shifted_twice(training: Training) -> Told | None:
    seen: list[Seen] = [one for one in training.calls if one.ahead is not None]
    if len(seen) < 2 or {one.ahead for one in seen} != {2}:
        return None  # a model with several heads predicts the next token too
    return Told(
        Phrase(
            "In {calls} calls each target is the token after next: the targets were shifted once in the data, and "
            "once more before {loss}.",
            calls=len(seen),
            loss=training.loss,
        ),
        Phrase("Shift once: logits[:, :-1] with tokens[:, 1:], or labels=tokens for a model that shifts them itself."),
    )
