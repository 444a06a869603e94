"""The slips that people make, each as the right loss with one thing done wrong.

A slip is found by its numbers: where the right loss with the slip gives what the loss under test gives, that is it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..catalogue import CATALOGUE
from ..language import gettext as _
from .reference import Reference

Loss = Callable[..., Tensor]


@dataclass(frozen=True)
class Slip:
    """One thing done wrong."""

    says: str
    loss: Loss  #: takes the tensors of a batch and gives what the slip gives
    operations: tuple[str, ...] = ()  #: operations of torch that a line with this slip calls
    page: str = ""  #: the page of the book that explains it


def slips(reference: Reference, settings: dict[str, Any]) -> Iterator[Slip]:
    """Every slip that makes sense for this loss, the likeliest first."""
    right = reference.bound(settings)[0]
    everything = {**reference.settings, **settings}
    if reference.entry is not None:
        yield from OWN.get(reference.entry.name, lambda *_: ())(reference, everything)
    yield from _of_reduction(reference, everything)
    yield from _of_settings(reference, settings)
    yield from _of_predictions(right, reference)
    yield from _of_targets(right, reference)
    yield from _of_order(right, reference)
    yield from _of_shapes(right)
    yield from _of_result(right)
    yield from _of_other_losses(reference)


def _none(reference: Reference, settings: dict[str, Any]) -> Loss | None:
    """The right loss without its reduction."""
    if reference.entry is None or reference.entry.name in ("linear_cross_entropy",):
        return None
    return reference.bound({**settings, "reduction": "none"})[0]


def _of_reduction(reference: Reference, settings: dict[str, Any]) -> Iterator[Slip]:
    each = _none(reference, settings)
    if each is None:
        return
    own = settings.get("reduction", "mean")
    page = _page(reference)

    def reduced(how: Callable[[Tensor, tuple[Tensor, ...]], Tensor]) -> Loss:
        return lambda *tensors: how(each(*tensors), tensors)

    ways: list[tuple[str, str, Callable, tuple[str, ...]]] = [
        ("sum", _("the sum instead of the mean: exactly N times too large"), lambda e, t: e.sum(), ("sum",)),
        ("mean", _("the mean instead of the sum: exactly N times too small"), lambda e, t: e.mean(), ("mean",)),
        ("none", _("no reduction: one loss for each element instead of one number"), lambda e, t: e, ()),
        (
            "batchmean",
            _("the sum divided by the batch size only, instead of by the number of all elements"),
            lambda e, t: e.sum() / e.shape[0],
            ("sum", "mean", "div"),
        ),
        (
            "elements",
            _("the mean over all elements, where the sum is to be divided by the batch size"),
            lambda e, t: e.mean(),
            ("mean",),
        ),
        (
            "inputs",
            _("the mean divides by the number of all inputs, N·C, instead of by the number of losses, N"),
            lambda e, t: e.sum() / t[0].numel(),
            ("mean", "div"),
        ),
        (
            "batch",
            _("the sum is divided by the batch size N, not by the number of all targets"),
            lambda e, t: e.sum() / t[0].shape[0],
            ("sum", "div"),
        ),
        ("dim0", _("the mean goes over dimension 0 only"), lambda e, t: e.mean(0), ("mean",)),
        ("last", _("the mean goes over the last dimension only"), lambda e, t: e.mean(-1), ("mean",)),
        (
            "twice",
            _("the mean is divided by the batch size once more"),
            lambda e, t: e.mean() / t[0].shape[0],
            ("div", "mean"),
        ),
        ("median", _("the median instead of the mean"), lambda e, t: e.median(), ("median",)),
        ("max", _("the largest loss instead of the mean"), lambda e, t: e.max(), ("max", "amax")),
        ("first", _("only the loss of the first sample counts"), lambda e, t: e[0].mean(), ()),
        ("last one", _("only the loss of the last sample counts"), lambda e, t: e[-1].mean(), ()),
        ("n-1", _("the mean divides by N − 1 instead of N"), lambda e, t: e.sum() / (e.numel() - 1), ("div", "var", "std")),
        ("norm", _("the norm of the losses instead of their mean"), lambda e, t: e.norm(), ("norm", "sqrt")),
        (
            "nonzero",
            _("the mean goes over the losses above 0 only"),
            lambda e, t: e.sum() / (e > 0).sum().clamp(min=1),
            ("mean", "div"),
        ),
    ]  # fmt: skip
    for name, says, how, operations in ways:
        if name != own:
            yield Slip(says, reduced(how), operations, page)


def _of_settings(reference: Reference, settings: dict[str, Any]) -> Iterator[Slip]:
    """Another value of a setting, or a setting that is not used."""
    if reference.entry is None:
        return
    page = _page(reference)
    for name, values in VALUES.items():
        try:
            now = {**reference.settings, **settings}.get(name, _default(reference, name))
        except KeyError:
            continue
        for value in values:
            if isinstance(now, Tensor) or value != now:
                says = (
                    _("the setting {name} is not used").format(name=name)
                    if value == _default(reference, name)
                    else _("it computes with {name} = {value}").format(name=name, value=value)
                )
                loss = reference.bound({**settings, name: value})[0]
                yield Slip(says, loss, (), page)


VALUES: dict[str, tuple[Any, ...]] = {
    "weight": (None,), "pos_weight": (None,), "ignore_index": (-100, 0, -1), "label_smoothing": (0.0, 0.1),
    "margin": (0.0, 0.5, 1.0, 2.0, 0.1, 0.2, 0.3), "p": (2, 1), "swap": (False, True), "beta": (1.0, 0.5, 2.0, 0.0), "delta": (1.0, 0.5, 2.0),
    "full": (False, True), "log_input": (True, False), "log_target": (False, True), "blank": (0, 3), "zero_infinity": (True,),
}  # fmt: skip


def _default(reference: Reference, name: str) -> Any:
    from .._core import settings_of

    return settings_of(reference.entry.function)[name].default


def _of_predictions(right: Loss, reference: Reference) -> Iterator[Slip]:
    """Something done to a prediction that should not be done."""
    for i in reference.kind.wrt:
        which = _("the prediction") if len(reference.kind.wrt) == 1 else _("argument {n}").format(n=i + 1)

        def on(change: Callable[[Tensor], Tensor], i: int = i) -> Loss:
            return lambda *t: right(*t[:i], change(t[i]), *t[i + 1 :])

        for says, change, operations, page in _changes():
            yield Slip(says.format(input=which), on(change), operations, page)


def _changes() -> Iterator[tuple[str, Callable[[Tensor], Tensor], tuple[str, ...], str]]:
    ce, bce = "guide/cross-entropy", "guide/bce-with-logits"
    classes = lambda x: 0 if x.dim() == 1 else 1  # noqa: E731
    yield (
        _("equals the right loss on softmax({input}): softmax is applied twice"),
        lambda x: x.softmax(classes(x)), ("softmax",), ce,
    )  # fmt: skip
    yield (
        _("equals the right loss on sigmoid({input}): sigmoid is applied twice"),
        torch.sigmoid, ("sigmoid", "logsigmoid"), bce,
    )  # fmt: skip
    yield (
        _("softmax goes over dimension 0, the batch, and not over the classes"),
        lambda x: x.softmax(0),
        ("softmax", "log_softmax"),
        ce,
    )
    yield _("log-softmax goes over dimension 0, the batch"), lambda x: x.log_softmax(0), ("log_softmax", "softmax"), ce
    yield (
        _("log-softmax goes over the last dimension, not over the classes"),
        lambda x: x.log_softmax(-1),
        ("log_softmax", "softmax"),
        ce,
    )
    yield (
        _("softmax goes over the last dimension, not over the classes"),
        lambda x: x.softmax(-1),
        ("softmax", "log_softmax"),
        ce,
    )
    yield (
        _("takes log-probabilities for probabilities: exp({input}) would be right"),
        torch.exp,
        ("exp",),
        "guide/kl-divergence",
    )
    yield _("takes the logarithm of {input} once more"), torch.log, ("log",), "guide/nll"
    yield _("the logarithm is missing: {input} is used as it is"), torch.exp, (), "guide/kl-divergence"
    yield _("the sign of {input} is turned round"), torch.neg, ("neg",), ""
    yield _("the absolute value of {input} is taken"), torch.abs, ("abs",), ""
    yield _("negative numbers of {input} are set to 0"), torch.relu, ("relu", "clamp", "clamp_min"), ""
    yield _("{input} goes through tanh"), torch.tanh, ("tanh",), ""
    yield _("{input} is rounded"), torch.round, ("round",), "guide/custom-losses"
    yield (
        _("{input} is turned into 0 and 1"),
        lambda x: (x > 0.5).to(x.dtype),
        ("gt", "round", "ge"),
        "guide/custom-losses",
    )
    for limit in (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7):
        yield (
            _("{{input}} is clamped to [{limit:g}, 1 − {limit:g}]").format(limit=limit),
            lambda x, limit=limit: x.clamp(limit, 1 - limit), ("clamp",), "guide/bce",
        )  # fmt: skip


def _of_targets(right: Loss, reference: Reference) -> Iterator[Slip]:
    def on(i: int, change: Callable[[Tensor], Tensor]) -> Loss:
        return lambda *t: right(*t[:i], change(t[i]), *t[i + 1 :])

    changes = (
        (_("labels 0 and 1 are expected where −1 and 1 come"), lambda t: (t + 1) / 2, "guide/hinge-embedding"),
        (_("labels −1 and 1 are expected where 0 and 1 come"), lambda t: 2 * t - 1, "guide/bce"),
        (_("the labels are turned round: 1 and −1 change places"), lambda t: -t, "guide/hinge-embedding"),
        (_("the labels are turned round: 0 and 1 change places"), lambda t: 1 - t, "guide/bce"),
        (_("soft labels are rounded to 0 and 1"), lambda t: t.round(), "guide/bce"),
        (_("soft labels are cut off to integers"), lambda t: t.long().to(t.dtype), "guide/cross-entropy"),
        (_("labels above 0.5 become 1, the others 0"), lambda t: (t > 0.5).to(t.dtype), "guide/bce"),
        (_("probabilities are replaced by the likeliest class (argmax)"), _hard, "guide/cross-entropy"),
        (_("the class numbers are one too high"), lambda t: t + 1, "guide/cross-entropy"),
        (_("the class numbers are one too low"), lambda t: t - 1, "guide/cross-entropy"),
        (_("an ignored target is counted as class 0"), lambda t: t.clamp(min=0), "guide/cross-entropy"),
        (_("the target is not used"), torch.zeros_like, ""),
        (_("every target counts as 1"), torch.ones_like, ""),
    )
    targets = [i for i in range(3) if i not in reference.kind.wrt]
    for i in targets[:1]:
        for says, change, page in changes:
            yield Slip(says, on(i, change), (), page)


def _hard(target: Tensor) -> Tensor:
    return torch.nn.functional.one_hot(target.argmax(1), target.shape[1]).to(target.dtype)


def _of_order(right: Loss, reference: Reference) -> Iterator[Slip]:
    names = ("input", "target") if len(reference.kind.wrt) == 1 else None
    for i, j in itertools.combinations(range(3), 2):

        def swapped(*t: Tensor, i: int = i, j: int = j) -> Tensor:
            order = list(t)
            order[i], order[j] = order[j], order[i]
            return right(*order)

        says = (
            _("input and target are swapped")
            if names and (i, j) == (0, 1)
            else _("arguments {i} and {j} are swapped").format(i=i + 1, j=j + 1)
        )
        yield Slip(says, swapped, (), "guide/kl-divergence")
    for i, j in itertools.permutations(range(3), 2):

        def twice(*t: Tensor, i: int = i, j: int = j) -> Tensor:
            used = list(t)
            used[i] = used[j]
            return right(*used)

        yield Slip(_("argument {j} is used in the place of argument {i}").format(i=i + 1, j=j + 1), twice)


def _of_shapes(right: Loss) -> Iterator[Slip]:
    broadcast = "what-is-a-loss/l1-and-mse"

    def tables(x: Tensor, t: Tensor, *rest: Tensor) -> Tensor:
        x, t = x.reshape(-1, 1), t.reshape(1, -1)
        return right(*torch.broadcast_tensors(x, t), *rest)

    yield Slip(
        _("the target was broadcast from (N) to (N, N): every prediction meets every target"), tables, (), broadcast
    )

    def rows(x: Tensor, t: Tensor, *rest: Tensor) -> Tensor:
        x, t = torch.broadcast_tensors(x.unsqueeze(1), t.unsqueeze(0))
        return right(x, t, *rest)

    yield Slip(_("the samples were broadcast: every prediction meets every target"), rows, (), broadcast)

    def reshaped(x: Tensor, t: Tensor, *rest: Tensor) -> Tensor:
        return right(x.reshape(-1, x.shape[1]), t.reshape(-1), *rest)

    yield Slip(
        _("view or reshape without permute: (N, C, …) became (N·…, C) and mixed classes with positions"),
        reshaped, ("view", "reshape"), "guide/cross-entropy",
    )  # fmt: skip
    yield Slip(_("rows and columns of the input are exchanged"), lambda x, *rest: right(x.mT.reshape(x.shape), *rest))


def _of_result(right: Loss) -> Iterator[Slip]:
    changes = (
        (_("the square root of the right loss"), torch.sqrt, ("sqrt",)),
        (_("the square of the right loss"), torch.square, ("square", "pow")),
        (_("the logarithm of the right loss"), torch.log, ("log",)),
        (_("the exponential of the right loss"), torch.exp, ("exp",)),
        (_("the absolute value of the right loss"), torch.abs, ("abs",)),
        (_("log(1 + loss) of the right loss"), torch.log1p, ("log1p",)),
    )
    for says, change, operations in changes:
        yield Slip(says, lambda *t, change=change: change(right(*t)), operations)


def _of_other_losses(reference: Reference) -> Iterator[Slip]:
    """Another loss of the catalogue."""
    for entry in CATALOGUE:
        if entry.function is None or entry is reference.entry or entry.name == "linear_cross_entropy":
            continue
        settings = {"reduction": reference.settings["reduction"]} if "reduction" in reference.settings else {}
        says = _("it computes another loss: {name}").format(name=entry.name)
        yield Slip(says, lambda *t, f=entry.function, s=settings: f(*t, **s), (), PAGES.get(entry.name, ""))


PAGES = {
    "l1": "guide/l1", "mse": "guide/mse", "smooth_l1": "guide/smooth-l1", "huber": "guide/smooth-l1",
    "cross_entropy": "guide/cross-entropy", "nll": "guide/nll", "bce": "guide/bce",
    "bce_with_logits": "guide/bce-with-logits", "kl_div": "guide/kl-divergence",
    "hinge_embedding": "guide/hinge-embedding", "margin_ranking": "guide/margin-ranking",
    "triplet_margin": "guide/triplet-margin", "triplet_margin_with_distance": "guide/triplet-margin",
    "cosine_embedding": "guide/cosine-embedding",
}  # fmt: skip


def _page(reference: Reference) -> str:
    return PAGES.get(reference.entry.name, "") if reference.entry else ""


# ---- slips of one loss alone


def _of_cross_entropy(reference: Reference, settings: dict[str, Any]) -> Iterator[Slip]:
    page = "guide/cross-entropy"
    weight, smoothing = settings.get("weight"), settings.get("label_smoothing", 0.0)
    ignored = settings.get("ignore_index", -100)
    reduce = {"mean": torch.mean, "sum": torch.sum, "none": lambda e: e}[settings.get("reduction", "mean")]
    each = reference.bound({**settings, "reduction": "none"})[0]

    def kept(x: Tensor, t: Tensor) -> Tensor:
        return t != ignored

    if isinstance(weight, Tensor):
        w = weight.double()
        yield Slip(_("the class weights are not divided out: the mean divides by N, not by the sum of the weights"),
                   lambda x, t: each(x, t).sum() / kept(x, t).sum(), ("mean", "div"), page)  # fmt: skip
        yield Slip(_("the class weights are not divided out, and ignored targets count too"),
                   lambda x, t: each(x, t).sum() / t.numel(), ("mean", "div"), page)  # fmt: skip
    yield Slip(_("ignored targets count in what the mean divides by"),
               lambda x, t: each(x, t).sum() / t.numel(), ("mean", "div"), page)  # fmt: skip
    if isinstance(weight, Tensor):
        yield Slip(_("the mean divides by the sum of all class weights, not by those of the targets"),
                   lambda x, t: each(x, t).sum() / w.sum(), ("sum", "div"), page)  # fmt: skip
    if reference.entry.name != "cross_entropy":
        return

    def smoothed(other: Callable[[int, float], float], own: Callable[[int, float], float]) -> Loss:
        def loss(x: Tensor, t: Tensor) -> Tensor:
            log_p = x.log_softmax(1)
            c = x.shape[1]
            rows = t.clamp(min=0).unsqueeze(1)
            p = torch.full_like(log_p, other(c, smoothing)).scatter(1, rows, own(c, smoothing))
            losses = -(p * log_p).sum(1)
            return reduce(losses[kept(x, t)] if settings.get("reduction", "mean") != "none" else losses)

        return loss

    if smoothing:
        yield Slip(_("label smoothing spreads ε over the C − 1 wrong classes, not over all C: ε/(C − 1)"),
                   smoothed(lambda c, e: e / (c - 1), lambda c, e: 1 - e), (), page)  # fmt: skip
        yield Slip(_("label smoothing leaves 1 − ε at the true class, without its share ε/C"),
                   smoothed(lambda c, e: e / c, lambda c, e: 1 - e), (), page)  # fmt: skip
        yield Slip(_("label smoothing spreads ε/C but keeps 1 at the true class"),
                   smoothed(lambda c, e: e / c, lambda c, e: 1.0), (), page)  # fmt: skip
        yield Slip(_("label smoothing divides ε by C − 2"),
                   smoothed(lambda c, e: e / max(c - 2, 1), lambda c, e: 1 - e), (), page)  # fmt: skip

        def padded(x: Tensor, t: Tensor) -> Tensor:
            log_p = x.log_softmax(1)
            nll = -log_p.gather(1, t.clamp(min=0).unsqueeze(1)).squeeze(1) * kept(x, t)
            return ((1 - smoothing) * nll.sum() - smoothing * log_p.mean(1).sum()) / kept(x, t).sum()

        yield Slip(_("the smoothing term keeps the ignored targets"), padded, (), page)
        if isinstance(weight, Tensor):

            def unweighted(x: Tensor, t: Tensor) -> Tensor:
                log_p = x.log_softmax(1)
                own = w[t.clamp(min=0)] * kept(x, t)
                nll = -(own * log_p.gather(1, t.clamp(min=0).unsqueeze(1)).squeeze(1)).sum() / own.sum()
                return (1 - smoothing) * nll + smoothing * -(log_p.mean(1) * kept(x, t)).sum() / kept(x, t).sum()

            yield Slip(_("the smoothing term is not weighted"), unweighted, (), page)

    def nll(x: Tensor, t: Tensor) -> Tensor:
        return torch.nn.functional.nll_loss(x, t, **_nll_settings(settings))

    yield Slip(_("log-softmax goes over dimension 0, the batch, and not over the classes"),
               lambda x, t: nll(x.log_softmax(0), t), ("log_softmax", "softmax", "logsumexp"), page)  # fmt: skip
    yield Slip(_("log-softmax goes over the last dimension, not over the classes"),
               lambda x, t: nll(x.log_softmax(-1), t), ("log_softmax", "softmax", "logsumexp"), page)  # fmt: skip
    yield Slip(_("log-softmax is missing: the logits are taken for log-probabilities"), nll, (), "guide/nll")
    yield Slip(_("the logarithm is missing: the loss is minus the probability"),
               lambda x, t: nll(x.softmax(1), t), ("softmax",), "guide/nll")  # fmt: skip
    yield Slip(_("the loss is 1 minus the probability, without the logarithm"),
               lambda x, t: 1 + nll(x.softmax(1), t), ("softmax",), "guide/nll")  # fmt: skip

    def binary(x: Tensor, t: Tensor) -> Tensor:
        one_hot = torch.nn.functional.one_hot(t, x.shape[1]).to(x.dtype)
        return torch.nn.functional.binary_cross_entropy_with_logits(x, one_hot)

    yield Slip(_("it computes binary cross-entropy of each class instead"), binary, (), "guide/bce-with-logits")


def _nll_settings(settings: dict[str, Any]) -> dict[str, Any]:
    weight = settings.get("weight")
    return {
        "weight": weight.double() if isinstance(weight, Tensor) else None,
        "ignore_index": settings.get("ignore_index", -100),
        "reduction": settings.get("reduction", "mean"),
    }


def _of_binary(reference: Reference, settings: dict[str, Any]) -> Iterator[Slip]:
    page = "guide/bce-with-logits"
    name = reference.entry.name
    reduce = {"mean": torch.mean, "sum": torch.sum, "none": lambda e: e}[settings.get("reduction", "mean")]
    weight = settings.get("pos_weight")
    w = weight.double() if isinstance(weight, Tensor) else 1.0

    def logs(x: Tensor) -> tuple[Tensor, Tensor]:
        if name == "bce":
            return x.log().clamp(min=-100), (1 - x).log().clamp(min=-100)
        return torch.nn.functional.logsigmoid(x), torch.nn.functional.logsigmoid(-x)

    def mixed(a: Callable, b: Callable) -> Loss:
        def loss(x: Tensor, t: Tensor) -> Tensor:
            p, q = logs(x)
            return reduce(-(a(t) * p + b(t) * q))

        return loss

    if isinstance(weight, Tensor):
        yield Slip(_("pos_weight weighs both terms"), mixed(lambda t: w * t, lambda t: w * (1 - t)), (), page)
        yield Slip(_("pos_weight weighs the negative class"), mixed(lambda t: t, lambda t: w * (1 - t)), (), page)

        def divided(x: Tensor, t: Tensor) -> Tensor:
            p, q = logs(x)
            return -(w * t * p + (1 - t) * q).sum() / (w * t + (1 - t)).sum()

        yield Slip(_("the mean divides by the sum of the weights, not by N"), divided, (), page)
    yield Slip(_("the term (1 − y)·log(1 − p) is missing"), mixed(lambda t: w * t, lambda t: 0 * t), (), "guide/bce")
    yield Slip(_("the term y·log p is missing"), mixed(lambda t: 0 * t, lambda t: 1 - t), (), "guide/bce")
    if name == "bce_with_logits":

        def probabilities(x: Tensor, t: Tensor) -> Tensor:
            return reduce(-(w * t * x.log() + (1 - t) * (1 - x).log()))

        yield Slip(_("sigmoid is missing: the logits are taken for probabilities"), probabilities, ("log",), page)

        def in_two(x: Tensor, t: Tensor) -> Tensor:
            p, q = x.sigmoid().log().clamp(min=-100), (1 - x.sigmoid()).log().clamp(min=-100)
            return reduce(-(w * t * p + (1 - t) * q))

        yield Slip(_("sigmoid first, then the logarithm: for large logits the probability is rounded to 0 or 1"), in_two, ("sigmoid", "log"), page)  # fmt: skip
    for eps in (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-10, 1e-12):

        def padded(x: Tensor, t: Tensor, eps: float = eps) -> Tensor:
            p = x if name == "bce" else x.sigmoid()
            return reduce(-(w * t * (p + eps).log() + (1 - t) * (1 - p + eps).log()))

        yield Slip(_("{eps:g} is added inside the logarithm").format(eps=eps), padded, ("log",), "guide/bce")


def _of_regression(reference: Reference, settings: dict[str, Any]) -> Iterator[Slip]:
    name, page = reference.entry.name, _page(reference)
    reduce = {"mean": torch.mean, "sum": torch.sum, "none": lambda e: e}[settings.get("reduction", "mean")]
    turn = float(settings.get("beta", settings.get("delta", 1.0)))

    def of_error(f: Callable[[Tensor], Tensor]) -> Loss:
        return lambda x, t: reduce(f(x - t))

    yield Slip(_("the error itself is averaged: positive and negative errors cancel"), of_error(lambda e: e), (), page)
    yield Slip(
        _("the errors are averaged first and squared afterwards"), lambda x, t: (x - t).mean().square(), (), page
    )
    yield Slip(
        _("the errors are averaged before the absolute value is taken"), lambda x, t: (x - t).mean().abs(), (), page
    )
    yield Slip(
        _("the square root of the mean squared error"), lambda x, t: (x - t).square().mean().sqrt(), ("sqrt",), page
    )
    yield Slip(
        _("the variance of the errors: their mean is taken out"), lambda x, t: (x - t).var(correction=0), ("var",), page
    )
    yield Slip(_("the norm of the error"), lambda x, t: (x - t).norm(), ("norm",), page)
    yield Slip(
        _("the squares of the numbers are compared, not the numbers"),
        lambda x, t: reduce((x**2 - t**2).abs()),
        (),
        page,
    )
    yield Slip(
        _("the logarithms are compared"), lambda x, t: reduce((torch.log1p(x) - torch.log1p(t)) ** 2), ("log1p",), page
    )
    yield Slip(_("the error is divided by the target"), lambda x, t: reduce(((x - t) / t).abs()), ("div",), page)
    yield Slip(
        _("negative errors do not count"),
        of_error(lambda e: e.clamp(min=0) ** (2 if name == "mse" else 1)),
        ("clamp", "relu"),
        page,
    )
    yield Slip(_("sum of x² and y² without the product −2xy"), lambda x, t: reduce(x**2 + t**2), (), page)
    if name in ("smooth_l1", "huber"):
        inside = {True: "<=", False: ">"}
        huber = lambda e: torch.where(e.abs() < turn, 0.5 * e * e, turn * (e.abs() - 0.5 * turn))  # noqa: E731
        other = {"smooth_l1": (_("Huber loss: beta is missing in the denominator"), huber),
                 "huber": (_("Smooth L1: divided by delta"), lambda e: huber(e) / turn)}[name]  # fmt: skip
        yield Slip(other[0], of_error(other[1]), (), "guide/smooth-l1")
        del inside
        variants = (
            (_("the factor ½ of the squared branch is missing"), lambda e: torch.where(e.abs() < turn, e * e / (turn if name == "smooth_l1" else 1), huber(e) / (turn if name == "smooth_l1" else 1))),
            (_("½·beta is not subtracted from the linear branch"), lambda e: torch.where(e.abs() < turn, huber(e) / (turn if name == "smooth_l1" else 1), (turn if name == "huber" else 1) * e.abs())),
            (_("the two branches are exchanged"), lambda e: torch.where(e.abs() < turn, e.abs() - 0.5 * turn, 0.5 * e * e / turn)),
            (_("the linear branch is not multiplied by delta"), lambda e: torch.where(e.abs() < turn, 0.5 * e * e, e.abs() - 0.5 * turn)),
            (_("the turn is taken at e < beta instead of |e| < beta"), lambda e: torch.where(e < turn, 0.5 * e * e / (turn if name == "smooth_l1" else 1), huber(e) / (turn if name == "smooth_l1" else 1))),
        )  # fmt: skip
        for says, f in variants:
            yield Slip(says, of_error(f), (), "guide/smooth-l1")


def _of_kl(reference: Reference, settings: dict[str, Any]) -> Iterator[Slip]:
    page = "guide/kl-divergence"
    own = settings.get("reduction", "mean")

    def reduce(e: Tensor) -> Tensor:
        return {"mean": e.mean, "sum": e.sum, "batchmean": lambda: e.sum() / e.shape[0], "none": lambda: e}[own]()

    def of(f: Callable[[Tensor, Tensor], Tensor]) -> Loss:
        def loss(x: Tensor, t: Tensor) -> Tensor:
            return reduce(f(x, t.exp() if settings.get("log_target") else t))

        return loss

    yield Slip(
        _("the entropy of the target is missing: cross-entropy instead of divergence"),
        of(lambda x, p: -p * x),
        (),
        page,
    )
    yield Slip(
        _("the cross-entropy is missing: minus the entropy of the target only"),
        of(lambda x, p: torch.xlogy(p, p)),
        (),
        page,
    )
    yield Slip(_("the divergence the other way round: KL(q‖p)"), of(lambda x, p: x.exp() * (x - p.log())), (), page)
    yield Slip(
        _("the logarithm of q is missing: {code}").format(code="p·(log p − q)"),
        of(lambda x, p: p * (p.log() - x.exp())),
        (),
        page,
    )
    yield Slip(_("both logarithms are missing"), of(lambda x, p: p * (p - x.exp())), (), page)
    yield Slip(
        _("the logarithm of the log-probabilities is taken once more"),
        of(lambda x, p: p * (p.log() - x.exp().log().exp().log())),
        (),
        page,
    )
    yield Slip(_("the weight p in front of the logarithm is missing"), of(lambda x, p: p.log() - x), (), page)
    yield Slip(_("the symmetric divergence"), of(lambda x, p: p * (p.log() - x) + x.exp() * (x - p.log())), (), page)
    yield Slip(
        _("half of the symmetric divergence"),
        of(lambda x, p: 0.5 * (p * (p.log() - x) + x.exp() * (x - p.log()))),
        (),
        page,
    )


def _of_vectors(reference: Reference, settings: dict[str, Any]) -> Iterator[Slip]:
    name, page = reference.entry.name, _page(reference)
    reduce = {"mean": torch.mean, "sum": torch.sum, "none": lambda e: e}[settings.get("reduction", "mean")]
    margin = settings.get("margin", 0.0 if name == "cosine_embedding" else 1.0)
    if name == "cosine_embedding":

        def cosines(how: Callable[[Tensor, Tensor], Tensor], near: Callable, far: Callable) -> Loss:
            return lambda x1, x2, y: reduce(torch.where(y == 1, near(how(x1, x2)), far(how(x1, x2))))

        right = torch.nn.functional.cosine_similarity
        hinge = lambda c: (c - margin).clamp(min=0)  # noqa: E731
        yield Slip(
            _("the cosine is taken over dimension 0, the batch"),
            cosines(lambda a, b: right(a, b, dim=0), lambda c: 1 - c, hinge),
            ("cosine_similarity", "normalize", "norm"),
            page,
        )
        yield Slip(
            _("the vectors are not divided by their lengths: a dot product, not a cosine"),
            cosines(lambda a, b: (a * b).sum(-1), lambda c: 1 - c, hinge),
            ("mul", "sum", "matmul"),
            page,
        )
        yield Slip(
            _("similar pairs cost the cosine instead of 1 − cosine"), cosines(right, lambda c: c, hinge), (), page
        )
        yield Slip(
            _("the hinge is missing: dissimilar pairs cost less than 0"),
            cosines(right, lambda c: 1 - c, lambda c: c - margin),
            (),
            page,
        )
        yield Slip(
            _("dissimilar pairs cost 1 − cosine too"),
            cosines(right, lambda c: 1 - c, lambda c: (margin - c).clamp(min=0)),
            (),
            page,
        )
        yield Slip(_("dissimilar pairs cost nothing"), cosines(right, lambda c: 1 - c, lambda c: 0 * c), (), page)
        yield Slip(
            _("the margin is added, not subtracted"),
            cosines(right, lambda c: 1 - c, lambda c: (c + margin).clamp(min=0)),
            (),
            page,
        )
        return
    if not name.startswith("triplet"):
        return
    eps, p = settings.get("eps", 1e-6), settings.get("p", 2)

    def triplets(distance: Callable, hinge: Callable) -> Loss:
        return lambda a, pos, neg: reduce(hinge(distance(a, pos), distance(a, neg), distance(pos, neg)))

    def plain(x: Tensor, y: Tensor) -> Tensor:
        return torch.linalg.vector_norm(x - y + eps, ord=p, dim=-1)

    right = lambda near, far, other: (near - far + margin).clamp(min=0)  # noqa: E731
    squared = lambda x, y: (x - y).square().sum(-1)  # noqa: E731
    yield Slip(_("squared distances: the root is missing"), triplets(squared, right), ("square", "pow", "sum"), page)
    yield Slip(
        _("squared distances, averaged over the coordinates"),
        triplets(lambda x, y: (x - y).square().mean(-1), right),
        ("mse_loss", "mean"),
        page,
    )
    yield Slip(
        _("the distances of absolute values (p = 1)"),
        triplets(lambda x, y: (x - y).abs().sum(-1), right),
        ("abs",),
        page,
    )
    yield Slip(
        _("cosine distances instead of Euclidean ones"),
        triplets(lambda x, y: 1 - torch.nn.functional.cosine_similarity(x, y), right),
        ("cosine_similarity",),
        page,
    )
    yield Slip(_("the margin is missing"), triplets(plain, lambda n, f, o: (n - f).clamp(min=0)), (), page)
    yield Slip(
        _("the margin is subtracted, not added"),
        triplets(plain, lambda n, f, o: (n - f - margin).clamp(min=0)),
        (),
        page,
    )
    yield Slip(
        _("the hinge is missing: easy triplets cost less than 0"),
        triplets(plain, lambda n, f, o: n - f + margin),
        (),
        page,
    )
    yield Slip(
        _("positive and negative are exchanged"),
        triplets(plain, lambda n, f, o: (f - n + margin).clamp(min=0)),
        (),
        page,
    )
    yield Slip(
        _("the hinge is taken after the mean, not for each triplet"),
        lambda a, pos, neg: (plain(a, pos) - plain(a, neg) + margin).mean().clamp(min=0),
        (),
        page,
    )
    yield Slip(
        _("softplus instead of the hinge"),
        triplets(plain, lambda n, f, o: torch.nn.functional.softplus(n - f + margin)),
        ("softplus",),
        page,
    )
    yield Slip(
        _("the distance goes over all samples at once"),
        lambda a, pos, neg: ((a - pos).norm() - (a - neg).norm() + margin).clamp(min=0),
        ("norm",),
        page,
    )


def _of_hinges(reference: Reference, settings: dict[str, Any]) -> Iterator[Slip]:
    name, page = reference.entry.name, _page(reference)
    reduce = {"mean": torch.mean, "sum": torch.sum, "none": lambda e: e}[settings.get("reduction", "mean")]
    margin = settings.get("margin", 0.0 if name == "margin_ranking" else 1.0)
    if name == "margin_ranking":

        def ranked(f: Callable) -> Loss:
            return lambda a, b, y: reduce(f(a - b, y))

        yield Slip(_("the margin is missing"), ranked(lambda d, y: (-y * d).clamp(min=0)), (), page)
        yield Slip(
            _("the margin is subtracted, not added"), ranked(lambda d, y: (-y * d - margin).clamp(min=0)), (), page
        )
        yield Slip(
            _("the sign is wrong: the lower score should win"),
            ranked(lambda d, y: (y * d + margin).clamp(min=0)),
            (),
            page,
        )
        yield Slip(
            _("the hinge is missing: pairs in the right order cost less than 0"),
            ranked(lambda d, y: -y * d + margin),
            (),
            page,
        )
        yield Slip(_("the target is not used"), ranked(lambda d, y: (-d + margin).clamp(min=0)), (), page)
        yield Slip(
            _("labels 0 and 1 are expected where −1 and 1 come"),
            ranked(lambda d, y: (-((y + 1) / 2) * d + margin).clamp(min=0)),
            (),
            page,
        )
        return

    def embedded(near: Callable, far: Callable) -> Loss:
        return lambda x, y: reduce(torch.where(y == 1, near(x), far(x)))

    hinge = lambda x: (margin - x).clamp(min=0)  # noqa: E731
    yield Slip(
        _("the classification hinge max(0, m − y·x) instead"),
        lambda x, y: reduce((margin - y * x).clamp(min=0)),
        (),
        page,
    )
    yield Slip(_("the labels are turned round: 1 and −1 change places"), embedded(hinge, lambda x: x), (), page)
    yield Slip(_("the hinge is missing"), embedded(lambda x: x, lambda x: margin - x), (), page)
    yield Slip(_("the hinge is squared"), embedded(lambda x: x * x, lambda x: hinge(x) ** 2), (), page)
    yield Slip(_("dissimilar pairs cost nothing"), embedded(lambda x: x, lambda x: 0 * x), (), page)
    yield Slip(_("the other pairs count as 0, and still in the mean"), embedded(lambda x: 0 * x, hinge), (), page)


def _of_counts(reference: Reference, settings: dict[str, Any]) -> Iterator[Slip]:
    reduce = {"mean": torch.mean, "sum": torch.sum, "none": lambda e: e}[settings.get("reduction", "mean")]
    if reference.entry.name == "gaussian_nll":

        def measured(f: Callable) -> Loss:
            return lambda x, t, v: reduce(f(x - t, v))

        yield Slip(
            _("the variance is taken for a standard deviation and squared"),
            measured(lambda e, v: 0.5 * ((v * v).log() + e * e / (v * v))),
        )
        yield Slip(
            _("the root of the variance is taken: divided by σ, not σ²"),
            measured(lambda e, v: 0.5 * (v.log() + e * e / v.sqrt())),
        )
        yield Slip(_("the variance is taken for its own logarithm"), measured(lambda e, v: 0.5 * (v + e * e / v.exp())))
        yield Slip(_("the factor ½ is missing"), measured(lambda e, v: v.log() + e * e / v))
        yield Slip(
            _("the factor ½ in front of the logarithm is missing"), measured(lambda e, v: v.log() + 0.5 * e * e / v)
        )
        yield Slip(
            _("the factor ½ in front of the squared error is missing"), measured(lambda e, v: 0.5 * v.log() + e * e / v)
        )
        yield Slip(_("the logarithm of the variance is missing"), measured(lambda e, v: 0.5 * e * e / v))
        yield Slip(
            _("the constant ½·log 2π is added"),
            measured(lambda e, v: 0.5 * (v.log() + e * e / v + math.log(2 * math.pi))),
        )
        yield Slip(
            _("the logarithm of the variance is subtracted"), measured(lambda e, v: 0.5 * (-v.log() + e * e / v))
        )
        return
    yield Slip(
        _("the rate is taken as it is, where its logarithm comes"), lambda x, t: reduce(x - t * torch.log(x)), ("log",)
    )
    yield Slip(_("the exponential is missing: x − t·x"), lambda x, t: reduce(x - t * x))
    yield Slip(_("the term exp(x) is missing"), lambda x, t: reduce(-t * x))
    yield Slip(_("the sign of t·x is wrong"), lambda x, t: reduce(x.exp() + t * x))
    yield Slip(
        _("log t! is added exactly, where torch leaves it out"),
        lambda x, t: reduce(x.exp() - t * x + torch.lgamma(t + 1)),
        ("lgamma",),
    )


def _of_margins(reference: Reference, settings: dict[str, Any]) -> Iterator[Slip]:
    reduce = {"mean": torch.mean, "sum": torch.sum, "none": lambda e: e}[settings.get("reduction", "mean")]
    margin, p = settings.get("margin", 1.0), settings.get("p", 1)

    def hinges(x: Tensor, t: Tensor) -> Tensor:
        return (margin - x.gather(1, t.unsqueeze(1)) + x).clamp(min=0) ** p

    def others(x: Tensor, t: Tensor) -> Tensor:
        return hinges(x, t).scatter(1, t.unsqueeze(1), 0.0)

    yield Slip(_("the true class is compared with itself: margin too much"), lambda x, t: reduce(hinges(x, t).mean(1)))
    yield Slip(_("the sum over the classes is not divided by their number C"), lambda x, t: reduce(others(x, t).sum(1)))
    yield Slip(_("divided by C − 1 instead of C"), lambda x, t: reduce(others(x, t).sum(1) / (x.shape[1] - 1)))
    yield Slip(_("only the worst class counts"), lambda x, t: reduce(others(x, t).amax(1)), ("max", "amax"))
    yield Slip(
        _("the hinge is missing"),
        lambda x, t: reduce((margin - x.gather(1, t.unsqueeze(1)) + x).scatter(1, t.unsqueeze(1), 0.0).mean(1)),
    )


OWN: dict[str, Callable[[Reference, dict[str, Any]], Iterator[Slip]]] = {
    "cross_entropy": _of_cross_entropy, "nll": _of_cross_entropy, "bce": _of_binary, "bce_with_logits": _of_binary,
    "l1": _of_regression, "mse": _of_regression, "smooth_l1": _of_regression, "huber": _of_regression,
    "kl_div": _of_kl, "cosine_embedding": _of_vectors, "triplet_margin": _of_vectors,
    "triplet_margin_with_distance": _of_vectors, "margin_ranking": _of_hinges, "hinge_embedding": _of_hinges,
    "gaussian_nll": _of_counts, "poisson_nll": _of_counts, "multi_margin": _of_margins,
}  # fmt: skip
