"""Changes of calls that go over a dimension: another dimension, sum for mean, the mean of a ratio."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ...language import gettext as _
from .call import DIVIDING, Call, written
from .change import Change, is_real, masks_among, masks_of

REDUCING = {
    "sum",
    "mean",
    "amax",
    "amin",
    "logsumexp",
    "prod",
    "norm",
    "vector_norm",
    "var",
    "std",
    "nanmean",
    "nansum",
}
KEEPING = {"softmax", "log_softmax", "cumsum", "normalize", "cosine_similarity", "flip", "argmax", "max", "min"}
DIM_AT = {
    "norm": 2,
    "vector_norm": 2,
    "normalize": 2,
    "cosine_similarity": 2,
}  #: where the dimension stands, if not second


def of_dimensions(call: Call) -> Iterator[Change]:
    """Over other dimensions."""
    name = call.spot.name
    if name not in REDUCING | KEEPING or not call.args or not is_real(call.args[0]):
        return
    x = call.args[0]
    if len(call.tensors) > 1 and name != "cosine_similarity":
        return  # the larger of two tensors
    now = _dims_of(call)
    for dims in _other_dims(x, name in REDUCING):
        if dims != now:
            shown = "…" if dims is None else f"…, dim={dims}"
            yield Change(
                _("it goes over the wrong dimension: right with {new} in the place of {old}"),
                f"{name}({shown})",
                partial(lambda dims, c: _over(c, dims), dims),
                alike=f"{now} {dims}",
            )


def _dims_of(call: Call) -> Any:
    at = DIM_AT.get(call.spot.name, 1)
    dims = call.kwargs.get("dim", call.kwargs.get("axis", call.args[at] if len(call.args) > at else None))
    x = call.args[0]
    if isinstance(dims, int):
        return dims % x.dim() if x.dim() else None
    if isinstance(dims, (tuple, list)):
        every = tuple(sorted(d % x.dim() for d in dims))
        return every[0] if len(every) == 1 else None if len(every) == x.dim() else every
    return None


def _other_dims(x: Tensor, several: bool) -> Iterator[Any]:
    n = x.dim()
    if n < 2:
        return
    yield from range(n)
    if several:
        yield None
        if n > 2:
            for k in range(2, n):
                yield from itertools.combinations(range(n), k)


def _over(call: Call, dims: Any) -> Any:
    at = DIM_AT.get(call.spot.name, 1)
    kwargs = {name: value for name, value in call.kwargs.items() if name not in ("dim", "axis")}
    args = call.args[:at]
    if dims is None:
        kwargs.pop("keepdim", None)
        return call.function(*args, **kwargs) if "p" not in kwargs else torch.norm(args[0], kwargs["p"])
    return call.function(*args, *call.args[at + 1 :], **{**kwargs, "dim": dims})


def of_kind(call: Call) -> Iterator[Change]:
    """The sum in the place of the mean, and the like."""
    name = call.spot.name
    if name in ("sum", "mean") and call.args and is_real(call.args[0]):
        other = {"sum": "mean", "mean": "sum"}[name]
        says = (
            _("the sum is taken where the mean belongs: right with {new} in the place of {old}")
            if name == "sum"
            else _("the mean is taken where the sum belongs: right with {new} in the place of {old}")
        )
        yield Change(says, f"{other}(…)", lambda c: getattr(torch, other)(*c.args, **c.kwargs))
        if call.args[0].dim() > 1 and _dims_of(call) is None:
            yield Change(
                _("the sum is divided by the wrong number: right with {new} in the place of {old}"),
                "sum(…) / N",
                lambda c: c.args[0].sum() / c.args[0].shape[0],
            )
        for says, new, made in (
            (_("right with the largest, {new}, in the place of {old}"), "amax(…)", torch.amax),
            (_("right with the smallest, {new}, in the place of {old}"), "amin(…)", torch.amin),
        ):
            dims = _dims_of(call)
            yield Change(
                says, new, partial(lambda made, dims, c: made(c.args[0], dims if dims is not None else ()), made, dims)
            )
        if name == "mean" and _dims_of(call) is None and call.args[0].numel() != call.inputs[0].numel():
            says = _(
                "the mean goes over a part of its own, where it belongs over all: right with {new} in the place of "
                "{old}"
            )
            new = f"sum(…) / {call.name_of(0)}.shape[0]"
            yield Change(says, new, lambda c: c.args[0].sum() / c.inputs[0].shape[0])
            new = f"sum(…) / {call.name_of(0)}.numel()"
            yield Change(says, new, lambda c: c.args[0].sum() / c.inputs[0].numel())
        yield Change(
            _("it is reduced too early, or where nothing should be: right without the step {old}"),
            "",
            lambda c: c.args[0],
        )
    if name in ("var", "std") and call.args and is_real(call.args[0]):
        for k in (0, 1):
            says = _("the variance divides by the wrong count, N or N − 1: right with {new} in the place of {old}")
            yield Change(says, f"{name}(…, correction={k})", partial(lambda k, c: _corrected(c, k), k))


def _corrected(call: Call, k: int) -> Tensor:
    dims = _dims_of(call)
    keep = call.kwargs.get("keepdim", False)
    return getattr(torch, call.spot.name)(call.args[0], dim=dims, correction=k, keepdim=keep)


def of_masks(call: Call) -> Iterator[Change]:
    """The mean over what a mask, or the ignored labels, leave in."""
    if call.spot.name not in ("sum", "mean") or not call.args or not is_real(call.args[0]) or not call.args[0].dim():
        return
    for name, mask in itertools.chain(masks_of(call, call.args[0]), masks_among(call, call.args[0])):
        if call.spot.name == "sum":
            says = _("the mask is not used: right with {new} in the place of {old}")
            yield Change(
                says, f"(… * {name}).sum()", partial(lambda mask, c: c.again(c.args[0] * mask(c), *c.args[1:]), mask)
            )
            yield from _over_kept(call, name, mask)
            continue
        dims = _dims_of(call)
        says = _("what the mask leaves out counts in the mean: right with {new} in the place of {old}")

        def masked(c: Call, mask: Any = mask, dims: Any = dims) -> Tensor:
            m = mask(c).expand_as(c.args[0])
            kept = torch.where(m > 0, c.args[0], 0) * m
            keep = c.kwargs.get("keepdim", False)
            return kept.sum(dims, keepdim=keep) / m.sum(dims, keepdim=keep)

        yield Change(says, f"(… * {name}).sum() / {name}.sum()", masked)


def _over_kept(call: Call, name: str, mask: Callable[[Call], Tensor]) -> Iterator[Change]:
    """The mean over what a mask leaves in, of numbers that are 0 elsewhere."""
    dims, kept, x = _dims_of(call), mask(call), call.args[0]
    fits = kept.dim() <= x.dim() and all(a in (1, b) for a, b in zip(kept.shape[::-1], x.shape[::-1], strict=False))
    if dims is not None and fits and bool((x * (1 - kept) == 0).all()):
        says = _("the sum is taken where the mean over what {mask} leaves in belongs: right with {new} in {old}")
        new = f"sum(…) / {name}.sum({dims})"
        run = partial(lambda dims, c: c.again() / mask(c).expand_as(c.args[0]).sum(dims), dims)
        yield Change(says.replace("{mask}", name), new, run)


def of_weights(call: Call) -> Iterator[Change]:
    """The mean of weighted numbers, over the sum of the weights."""
    if call.spot.name != "mean" or not call.args or not is_real(call.args[0]) or _dims_of(call) is not None:
        return
    says = _("the mean is not over the sum of the weights: right with {new} in the place of {old}")
    for i, t in enumerate(call.inputs):
        if i and is_real(t) and t.dim() and t.shape == call.args[0].shape and bool((t >= 0).all()):
            new = f"(…).sum() / {call.name_of(i)}.sum()"
            yield Change(says, new, partial(lambda i, c: c.args[0].sum() / c.inputs[i].sum(), i))
    product = call.made.get(id(call.args[0]))
    if product is None or product.spot.name != "mul" or len(product.args) != 2:
        return
    for i, weights in enumerate(product.args):
        if is_real(weights) and weights.dim() and not weights.requires_grad and bool((weights >= 0).all()):
            new = f"(…).sum() / {written(product, i) or _('its weights')}.sum()"
            yield Change(says, new, partial(_over_weights, i))


def _over_weights(i: int, call: Call) -> Tensor:
    product = call.made[id(call.args[0])]
    weights = product.args[i].expand_as(call.args[0])
    return call.args[0].sum() / weights.sum()


def of_stages(call: Call) -> Iterator[Change]:
    """The mean of a ratio where the ratio of the sums belongs, and the other way round; sums divided by other counts."""
    name = call.spot.name
    if name in DIVIDING and len(call.args) == 2 and is_real(call.args[0]):
        above, below = _summed(call, call.args[0]), _summed(call, call.args[1])
        counted = _of_torch(call) if above is None else above
        if counted is not None:
            yield from _of_sum(call, counted)
        if above is not None and below is not None and above.dim() > 1 and below.dim() > 1 and not call.args[0].dim():
            yield Change(
                _(
                    "the ratio of two sums over the whole batch, where the mean of the ratios of each sample belongs: "
                    "right with {new}"
                ),
                "(a.sum(1) / b.sum(1)).mean()",
                _mean_of_ratios,
            )
    if name == "mean" and call.args and isinstance(call.args[0], Tensor):
        ratio = call.made.get(id(call.args[0]))
        is_ratio = ratio is not None and ratio.spot.name in DIVIDING
        if ratio is not None and is_ratio and all(_summed(ratio, a) is not None for a in ratio.args):
            says = _("the mean of ratios, where the ratio of the sums over all belongs: right with {new}")
            yield Change(says, "a.sum() / b.sum()", _ratio_of_sums)


def _of_sum(call: Call, summed: Tensor) -> Iterator[Change]:
    """A sum over another count."""
    if call.args[0].dim():
        return
    for name, mask in masks_of(call, summed):
        says = _("the sum is divided by the wrong count: right with {new} in the place of {old}")
        yield Change(says, f"… / {name}.sum()", partial(lambda mask, c: c.args[0] / mask(c).sum(), mask))
    for new, count in (("N", lambda x: x.shape[0]), ("numel()", lambda x: x.numel())):
        says = _("the sum is divided by the wrong count: right with {new} in the place of {old}")
        yield Change(says, f"… / {new}", partial(lambda count, c: c.args[0] / count(_counted(c)), count))


def _counted(call: Call) -> Tensor:
    """What a sum is of."""
    summed = _summed(call, call.args[0])
    found = _of_torch(call) if summed is None else summed
    assert found is not None  # a change is made of such calls alone
    return found


def _of_torch(call: Call) -> Tensor | None:
    """What a loss of torch was computed of, where it is the sum that is divided."""
    made = call.made.get(id(call.args[0]))
    is_sum = made is not None and made.kwargs.get("reduction") == "sum"
    return made.args[0] if made is not None and is_sum and made.args and is_real(made.args[0]) else None


def _summed(call: Call, value: Any) -> Any:
    """The tensor whose sum a value is, if need be with something added or clamped; None if it is no sum."""
    made = call.made.get(id(value))
    while made is not None and made.spot.name in ("clamp", "clamp_min", "add", "maximum") and made.args:
        value = made.args[0]
        made = call.made.get(id(value))
    if made is not None and made.spot.name == "neg":
        inner = _summed(call, made.args[0])
        return None if inner is None else -inner
    if made is not None and made.spot.name == "sum" and made.args and isinstance(made.args[0], Tensor):
        return made.args[0]
    return None


def _per_sample(x: Tensor) -> Tensor:
    return x.flatten(1).sum(1)


def _mean_of_ratios(call: Call) -> Tensor:
    above, below = (_summed(call, a) for a in call.args)
    return (_per_sample(above) / _per_sample(below).clamp(min=1e-12)).mean()


def _ratio_of_sums(call: Call) -> Tensor:
    above, below = (_summed(call, a) for a in call.made[id(call.args[0])].args)
    return above.sum() / below.sum()


def of_reduction_setting(call: Call) -> Iterator[Change]:
    """Another reduction, of a loss of torch."""
    is_loss = call.spot.name.endswith(LOSS_ENDS) and len(call.tensors) > 1
    now = call.kwargs.get("reduction", "mean" if is_loss else None)
    for other in ("mean", "sum", "none", "batchmean"):
        if now is not None and other != now and (other != "batchmean" or call.function is F.kl_div):
            yield Change(
                _("another reduction: right with {new} in the place of {old}"),
                f"reduction={other!r}",
                partial(lambda other, c: c.again(reduction=other), other),
            )
    if now == "mean" and is_loss:
        yield from _of_mean(call)


LOSS_ENDS = ("_loss", "entropy", "_logits", "kl_div")


def _of_mean(call: Call) -> Iterator[Change]:
    """A mean of a loss of torch over all numbers, where samples are to be added up by themselves, or some left out."""
    x = call.args[0]
    if x.dim() > 1 and call.spot.name not in ("cross_entropy", "nll_loss"):
        says = _(
            "the mean goes over the numbers of a sample too, where their sum belongs: right with {new} in the place of "
            "{old}"
        )
        yield Change(says, "(…).sum() / N", lambda c: c.again(reduction="sum") / c.args[0].shape[0])
    target = call.args[1]
    if isinstance(target, Tensor) and target.dim():
        for name, mask in masks_of(call, target):
            says = _("what the mask leaves out counts in the mean: right with {new} in the place of {old}")

            def masked(c: Call, mask: Any = mask) -> Tensor:
                losses = c.again(reduction="none")
                m = mask(c).to(losses.dtype).reshape(losses.shape)
                return (losses * m).sum() / m.sum()

            yield Change(says, f"(… * {name}).sum() / {name}.sum()", masked)
