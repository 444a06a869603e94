"""Slips that can happen in any loss."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from ...catalogue import CATALOGUE
from ...kit.loss import settings_of
from ...language import gettext as _
from ..subject.reference import Reference
from .slip import Loss, Slip, page_of


def of_reduction(reference: Reference, settings: dict[str, Any]) -> Iterator[Slip]:
    each = _none(reference, settings)
    if each is None:
        return
    own = settings.get("reduction", "mean")
    page = page_of(reference)

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
        *(
            (
                f"chunks of {k}",
                _("the mean of the means of chunks of {k}, the last of which is smaller").format(k=k),
                lambda e, t, k=k: torch.stack([part.mean() for part in e.flatten().split(k)]).mean(),
                ("mean", "stack", "chunk", "split"),
            )
            for k in (2, 3, 4, 5, 8, 10, 16, 32, 64, 100, 128)
        ),
        *(
            (
                f"{k} chunks",
                _("the mean of the means of {k} chunks, the last of which is smaller").format(k=k),
                lambda e, t, k=k: torch.stack([part.mean() for part in e.flatten().chunk(k)]).mean(),
                ("mean", "stack", "chunk", "split"),
            )
            for k in (2, 3, 4)
        ),
        *(
            (
                f"{k} parts",
                _("the mean of the means of {k} parts that are not equally large").format(k=k),
                lambda e, t, k=k: torch.stack(
                    [p.mean() for p in e.flatten().tensor_split([i * e.shape[0] // k for i in range(1, k)])]
                ).mean(),
                ("mean", "stack", "chunk", "split"),
            )
            for k in (2, 3, 4)
        ),
        (
            "targets",
            _("the mean divides by the number of targets that are not 0"),
            lambda e, t: e.sum() / (t[-1] != 0).sum().clamp(min=1),
            ("sum", "div"),
        ),
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


def _none(reference: Reference, settings: dict[str, Any]) -> Loss | None:
    """The right loss without its reduction."""
    if reference.entry is None or reference.entry.name in ("linear_cross_entropy",):
        return None
    return reference.bound({**settings, "reduction": "none"})[0]


def of_settings(reference: Reference, settings: dict[str, Any]) -> Iterator[Slip]:
    """Another value of a setting, or a setting that is not used."""
    if reference.entry is None:
        return
    page = page_of(reference)
    for name, values in VALUES.items():
        try:
            now = {**reference.settings, **settings}.get(name, _default(reference, name))
        except KeyError:
            continue
        scaled = [2 * now, now / 2, -now] if isinstance(now, float) and now else []
        for value in (*values, *scaled):
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
    return settings_of(reference.entry.function)[name].default


def of_predictions(right: Loss, reference: Reference) -> Iterator[Slip]:
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
    yield _("{input} is rounded: a step has no slope"), torch.round, ("round",), "guide/custom-losses"
    yield (
        _("{input} is thresholded to 0 and 1: a step has no slope"),
        lambda x: (x > 0.5).to(x.dtype),
        ("gt", "round", "ge"),
        "guide/custom-losses",
    )
    for limit in (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7):
        yield (
            _("{{input}} is clamped to [{limit:g}, 1 − {limit:g}]").format(limit=limit),
            lambda x, limit=limit: x.clamp(limit, 1 - limit), ("clamp",), "guide/bce",
        )  # fmt: skip


def of_targets(right: Loss, reference: Reference) -> Iterator[Slip]:
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
        (_("softmax of the target, which holds probabilities already"), lambda t: t.softmax(-1), "guide/kl-divergence"),
        (_("the logarithm of the target is taken"), torch.log, "guide/kl-divergence"),
        (_("the target is not used"), torch.zeros_like, ""),
        (_("every target counts as 1"), torch.ones_like, ""),
    )
    targets = [i for i in range(3) if i not in reference.kind.wrt]
    for i in targets[:1]:
        for says, change, page in changes:
            yield Slip(says, on(i, change), (), page)


def _hard(target: Tensor) -> Tensor:
    return torch.nn.functional.one_hot(target.argmax(1), target.shape[1]).to(target.dtype)


def of_order(right: Loss, reference: Reference) -> Iterator[Slip]:
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


def of_shapes(right: Loss) -> Iterator[Slip]:
    broadcast = "what-is-a-loss/l1-and-mse"

    for column in (0, 1, 2):

        def tables(*t: Tensor, column: int = column) -> Tensor:
            shape = t[column].shape
            alike = [i for i in range(len(t)) if t[i].shape == shape]
            lines = {i: t[i].reshape(-1, 1) if i == column else t[i].reshape(1, -1) for i in alike}
            wide = dict(zip(lines, torch.broadcast_tensors(*lines.values()), strict=True))
            return right(*(wide.get(i, t[i]) for i in range(len(t))))

        says = _("the target was broadcast from (N) to (N, N): every prediction meets every target")
        yield Slip(says, tables, (), broadcast)

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


def of_result(right: Loss) -> Iterator[Slip]:
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


def of_other_losses(reference: Reference) -> Iterator[Slip]:
    """Another loss of the catalogue."""
    for entry in CATALOGUE:
        if entry.function is None or entry is reference.entry or entry.name == "linear_cross_entropy":
            continue
        settings = {"reduction": reference.settings["reduction"]} if "reduction" in reference.settings else {}
        says = _("it computes another loss: {name}").format(name=entry.name)
        yield Slip(says, lambda *t, f=entry.function, s=settings: f(*t, **s), (), entry.page)
