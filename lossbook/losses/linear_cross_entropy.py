"""Linear cross-entropy: a linear layer and the cross-entropy of its logits, never holding all of them at once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial
from types import SimpleNamespace
from typing import Annotated, Any

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.nn.functional import linear

from ..guards.classes import check_class_indices, check_class_probabilities, check_class_weight, class_dim
from ..guards.layers import logits_shape
from ..guards.tensors import check_tensors
from ..kit.batches.by_class import WEIGHT
from ..kit.batches.by_vector import linear_layers
from ..kit.entry import Entry, Term, uniform
from ..kit.loss import Loss, loss_function
from ..kit.settings import OptionalTensor, Reduction, UnitInterval, chunk_options, integer_or_none
from ..kit.steps import Step
from ..kit.text import elided, given, operand, side_by_side
from ..kit.views import OF_PROBABILITY, OF_SCORE, View
from ..language import Phrase
from ..language import gettext as _
from . import cross_entropy as of_logits
from ._by_rows import ByRows, class_weights_of, sweep
from .cross_entropy import cross_entropy
from .nll import pick

CHUNK = 2**24  #: logits held at once, 64 MiB in float32

# torch has this loss and its options from 2.13 on.
Options = getattr(torch.nn, "LinearCrossEntropyOptions", SimpleNamespace)

TABLE = Phrase("the table of logits")  #: what messages call it


@loss_function
def linear_cross_entropy(
    input: Tensor,
    linear_weight: Tensor,
    target: Tensor,
    linear_bias: Tensor | None = None,
    *,
    weight: OptionalTensor = None,
    reduction: Reduction = "mean",
    ignore_index: Annotated[int | None, integer_or_none] = None,
    label_smoothing: UnitInterval = 0.0,
    options: Annotated[Any, chunk_options] = None,
) -> Tensor:
    r"""Cross-entropy of the logits of a linear layer, computed from the layer's input.

    .. math:: \ell(x, t) = -w_t \log \frac{e^{z_t}}{\sum_j e^{z_j}}, \qquad z = W x + b

    Equal to :func:`cross_entropy` of ``torch.nn.functional.linear(input, linear_weight, linear_bias)``. For a large
    vocabulary those logits are often the largest tensor of the whole training step. Here a few rows are computed, used
    for value and gradient, and dropped: with 2048 tokens, 1024 features and 131072 classes a fifth of the memory (0.6
    GiB instead of 3), in the same time.

    Args:
        input: what enters the layer, shape ``(D,)`` or ``(N, D)``, floating point.
        linear_weight: the matrix :math:`W` of the layer, shape ``(C, D)``; or ``(C, d1, …, D)`` for ``d1 × …``
            classifications of each sample.
        target: class numbers 0 … C − 1, shape ``()``, ``(N,)`` or ``(N, d1, …)``, int64; or class probabilities,
            shape of the logits, ``(C,)``, ``(N, C)`` or ``(N, C, d1, …)``, floating point.
        linear_bias: :math:`b`, shape of ``linear_weight`` without its last dimension.
        weight: one weight for each class, shape ``(C,)``.
        reduction: as in :func:`cross_entropy`: the mean of class numbers divides by the summed weights that count.
        ignore_index: samples with this class number add nothing, whatever their input holds; ``None`` is −100.
        label_smoothing: the share of each target that is spread evenly over all classes, in [0, 1].
        options: torch's, or any object like it. Only ``batch_chunk_size`` is read, the rows of logits held at once:
            without it there are as many as fit into 64 MiB, but at least D / 8. Unlike in torch a large table of logits
            is not held whole with ``None`` either, and backward can always be called again.

    Returns:
        A tensor of shape ``()``, or one loss for each sample with ``reduction="none"``; in nats, at least 0.

        Under :mod:`torch.func`, forward-mode gradients, ``create_graph=True``, :func:`torch.compile`, and with a
        ``target`` or ``weight`` that carry a gradient, the logits are materialized: plain linear + cross_entropy.

    Raises:
        ValueError, TypeError: a wrong shape or kind.
        IndexError: a class number outside 0 … C − 1.

    Source: E. Wijmans et al., "Cut your losses in large-vocabulary language models", 2024;
    :class:`torch.nn.LinearCrossEntropyLoss`.

    >>> linear_cross_entropy(torch.tensor([1.0, 2.0]), torch.zeros(4, 2), torch.tensor(3))  # four equal logits: ln 4
    tensor(1.3863)
    """
    shape = logits_shape(input, linear_weight, linear_bias)
    check_tensors(target=target)
    wide = torch.promote_types(input.dtype, torch.float32)
    logits = torch.zeros((), dtype=wide, device=input.device).expand(shape)  # their shape, without their memory
    dim, ignored = class_dim(logits), -100 if ignore_index is None else ignore_index
    classes, positions = shape[dim], math.prod(shape[dim + 1 :])
    check_class_weight(weight, classes)
    if target.shape == shape:
        check_class_probabilities(target, ignored, name=TABLE)
        targets, share = target.reshape(-1, classes, positions), torch.ones_like(logits.select(dim, 0))
    else:
        check_class_indices(logits, target, name=TABLE)
        targets, (_none, share) = target.reshape(-1, positions), pick(logits, target, dim, weight, ignored)

    def plain(input: Tensor, matrix: Tensor, bias: Tensor | None) -> Tensor:
        settings: dict[str, Any] = {"weight": weight, "ignore_index": ignored, "label_smoothing": label_smoothing}
        return cross_entropy(linear(input, matrix, bias).reshape(shape), target, reduction=reduction, **settings)

    features = input.shape[-1]
    bias = None if linear_bias is None else linear_bias.flatten()
    layer = input.reshape(-1, features), linear_weight.flatten(0, -2), bias
    if _must_be_plain(layer, target, weight):
        return plain(*layer)

    class_weights = partial(
        class_weights_of, classes=classes, weight=weight, ignored=ignored, smoothing=label_smoothing
    )
    rows = max(features // 8, CHUNK // max(classes * positions, features, 1), 1)
    if options is not None and options.batch_chunk_size is not None:
        rows = options.batch_chunk_size
    by_rows = partial(
        ByRows.apply, *layer, partial(sweep, targets=targets, class_weights=class_weights, rows=rows), plain
    )
    if reduction == "none":
        return by_rows(None, False).reshape(share.shape)
    divisor = share.sum() if reduction == "mean" else torch.ones_like(share.sum())
    loss = by_rows(1 / torch.where(divisor == 0, 1, divisor), torch.is_grad_enabled())
    return torch.where(divisor == 0, math.nan, loss)


def _must_be_plain(layer: Sequence[Tensor | None], target: Tensor, weight: Tensor | None) -> bool:
    """Whether somebody differentiates in a way that :class:`ByRows` does not know."""
    if torch.compiler.is_compiling() or torch._C._are_functorch_transforms_active():
        return True
    given = [t for t in (*layer, target, weight) if t is not None]
    targets_learn = target.requires_grad or (weight is not None and weight.requires_grad)
    forward_mode = any(forward_ad.unpack_dual(t).tangent is not None for t in given)
    return forward_mode or (targets_learn and torch.is_grad_enabled())


class LinearCrossEntropyLoss(Loss):
    """Owns the linear layer as ``linear``, under the names and with the first values of torch's.

    Args:
        in_features: D, how many numbers each sample has.
        num_classes: C, the number of classes.
        out_features: ``(d1, …)``, when each sample is classified ``d1 × …`` times.
        bias: whether the layer has one.
        device, dtype: of the layer.
        **settings: those of :func:`lossbook.functional.linear_cross_entropy`.
    """

    function = linear_cross_entropy
    weight: Tensor | None  # a buffer

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        *,
        out_features: Sequence[int] = (),
        bias: bool = False,
        device: torch.device | None = None,
        dtype: torch.dtype | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(**settings)
        check_class_weight(self.weight, num_classes)
        self.num_classes, self.out_features = num_classes, tuple(out_features)
        outputs = math.prod(out_features, start=num_classes)
        self.linear = torch.nn.Linear(in_features, outputs, bias=bias, device=device, dtype=dtype)

    def with_parameters(self, input: Tensor, target: Tensor) -> tuple[Tensor | None, ...]:
        shape = self.num_classes, *self.out_features
        weight, bias = self.linear.weight, self.linear.bias
        return input, weight.reshape(*shape, -1), target, None if bias is None else bias.reshape(shape)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return super().forward(*self.with_parameters(input, target))

    def extra_repr(self) -> str:
        return f"num_classes={self.num_classes}, out_features={self.out_features}, {super().extra_repr()}"


def definition(
    rows: list[list[float]],
    matrix: list[list[float]],
    targets: list[int] | list[list[float]],
    linear_bias: list[float] | None = None,
    ignore_index: int | None = None,
    options: object = None,
    **settings: Any,
) -> Iterator[Term]:
    biases = linear_bias or [0.0] * len(matrix)
    logits = [
        [sum(a * x for a, x in zip(weights, row, strict=True)) + b for weights, b in zip(matrix, biases, strict=True)]
        for row in rows
    ]
    return of_logits.definition(
        logits, targets, ignore_index=-100 if ignore_index is None else ignore_index, **settings
    )


def formula(
    target: Tensor,
    linear_bias: Tensor | None,
    weight: Tensor | None,
    ignore_index: int | None,
    label_smoothing: float,
) -> str:
    ignored = -100 if ignore_index is None else ignore_index
    of_logits_alone = of_logits.formula(target, weight, ignored, label_smoothing)
    return of_logits_alone.replace(r"\ell(z,", r"\ell(x,") + given("z", "W x" if linear_bias is None else "W x + b")


def steps(
    input: Tensor,
    linear_weight: Tensor,
    linear_bias: Tensor | None,
    ignore_index: int | None,
    options: object,
    **more: Any,
) -> Iterator[Step]:
    matrix = linear_weight.flatten(0, -2)
    biases = None if linear_bias is None else linear_bias.flatten()
    logits = linear(input, matrix, biases)

    def write(x: Tensor, row: Tensor, j: int) -> str:
        terms = [f"{operand(a)} · {operand(b)}" for a, b in zip(row, x, strict=True)]
        return " + ".join(elided(terms) if biases is None else [*elided(terms), operand(biases[j])])

    samples = zip(input.reshape(-1, matrix.shape[1]), logits.reshape(-1, len(matrix)), strict=True)
    lines = [side_by_side([write(x, row, j) for j, row in enumerate(matrix)], z) for x, z in samples]
    yield Step(_("Logits of the linear layer, weights times input plus bias"), tuple(elided(lines)), logits)
    logits = logits.reshape(*input.shape[:-1], *linear_weight.shape[:-1])
    yield from of_logits.steps(logits, ignore_index=-100 if ignore_index is None else ignore_index, **more)


def sample(generator: torch.Generator) -> tuple[Tensor, ...]:
    target = torch.randint(4, (5,), generator=generator)
    return uniform(generator, 5, 3, low=-1.0, high=1.0), uniform(generator, 4, 3), target


def through_identity(view: View) -> View:
    """The view of the logits, through an identity layer."""

    def inputs(x: Tensor) -> tuple[Tensor, ...]:
        logits, target = view.cases[""](x)
        return logits, torch.eye(3, dtype=x.dtype), target

    return View(view.variable, {"": inputs})


ENTRY = Entry(
    name="linear_cross_entropy",
    family="classification",
    module=LinearCrossEntropyLoss,
    torch_module=getattr(torch.nn, "LinearCrossEntropyLoss", None),
    torch_function=getattr(torch.nn.functional, "linear_cross_entropy", None),
    definition=definition,
    formula=formula,
    steps=steps,
    views=(through_identity(OF_SCORE), through_identity(OF_PROBABILITY)),
    batches=linear_layers(trials=({"label_smoothing": 0.25}, {"linear_bias": WEIGHT})),
    sample=sample,
    settings=(
        {},
        {"ignore_index": 1, "options": Options(batch_chunk_size=2, allow_retain_graph=True)},
        {"linear_bias": torch.tensor([0.5, -1.0, 0.0, 2.0]).double()},
        {"weight": WEIGHT},
        {"weight": WEIGHT, "ignore_index": 2, "label_smoothing": 0.1},
    ),
    sizes={"in_features": 3, "num_classes": 4},
    fitting=lambda module: (torch.randn(6, module.linear.in_features), torch.randint(module.num_classes, (6,))),
    page="losses/linear-cross-entropy",
)
