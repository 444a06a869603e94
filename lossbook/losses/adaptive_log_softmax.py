"""Adaptive softmax: frequent classes are cheap, rare ones share clusters that are looked into only when needed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ..guards.classes import check_class_indices, unknown_class
from ..guards.layers import check_cutoffs, logits_shape
from ..guards.tensors import check_tensors
from ..kit.batches.by_class import by_class
from ..kit.class_steps import steps_of_softmax
from ..kit.entry import Entry, Term, uniform
from ..kit.steps import Step, reduction_steps
from ..kit.text import elided, equals, number
from ..language import Phrase
from ..language import gettext as _
from ..softmax import log_softmax

TABLE = Phrase("the table of log-probabilities")  #: what messages call it


class AdaptiveOutput(NamedTuple):
    """What :class:`AdaptiveLogSoftmaxWithLoss` returns."""

    output: Tensor  #: log-probability of each target, at most 0
    loss: Tensor  #: minus their mean


class AdaptiveLogSoftmaxWithLoss(nn.Module):
    r"""Cross-entropy over very many classes, most of them rare.

    .. math:: \ell(x, t) = \begin{cases} -\log p_\text{head}(t) & t \text{ frequent} \\
                        -\log p_\text{head}(k) - \log p_k(t) & t \text{ in cluster } k \end{cases}

    The head is a softmax over the frequent classes and one entry for each cluster; a cluster is a softmax over its own
    classes, with fewer features the rarer they are. The product is a distribution over all classes, and training
    computes only the clusters that hold a target. Classes must be numbered by frequency, the most frequent 0.

    Args:
        in_features: D, how many numbers each sample has.
        n_classes: how many classes there are.
        cutoffs: where clusters begin, increasing, within 1 … n_classes − 1: ``[10, 100]`` puts classes 0 … 9 into the
            head, 10 … 99 into the first cluster and the others into the second.
        div_value: cluster k, counted from 1, works with ``in_features // div_value**k`` features.
        head_bias: whether the head has a bias.
        device, dtype: of the parameters. They have the names and first values of torch's.

    Called with ``input``, shape ``(N, D)`` or ``(D,)``, and ``target``, class numbers of shape ``(N,)`` or ``()``, it
    returns an :class:`AdaptiveOutput`: the log-probability of each target, in the shape of ``target``, and minus their
    mean. There is no ``reduction``: for a sum take ``-output.sum()``. The mean of an empty batch is ``nan``.

    Raises:
        ValueError, TypeError: a wrong shape, kind or cutoff. Unlike torch it refuses a cluster left with 0 features,
            which could learn nothing.
        IndexError: a class number outside 0 … n_classes − 1.

    Source: E. Grave et al., "Efficient softmax approximation for GPUs", 2017;
    :class:`torch.nn.AdaptiveLogSoftmaxWithLoss`.

    >>> loss = AdaptiveLogSoftmaxWithLoss(in_features=4, n_classes=4, cutoffs=[2])
    >>> x = torch.zeros(1, 4)  # all logits 0: the head gives 1/3 to class 0, to class 1 and to the cluster {2, 3}
    >>> loss.log_prob(x).exp()
    tensor([[0.3333, 0.3333, 0.1667, 0.1667]], grad_fn=<ExpBackward0>)
    >>> loss(x, torch.tensor([3])).loss.item()  # ln 6
    1.7917594909667969
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: torch.device | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        check_cutoffs(cutoffs, n_classes, in_features, div_value)
        self.in_features, self.n_classes, self.div_value, self.head_bias = in_features, n_classes, div_value, head_bias
        self.cutoffs = [*cutoffs, n_classes]
        self.shortlist_size, self.n_clusters = self.cutoffs[0], len(cutoffs)
        made = {"device": device, "dtype": dtype}
        self.head = nn.Linear(in_features, self.shortlist_size + self.n_clusters, bias=head_bias, **made)
        self.tail = nn.ModuleList()
        for k, (first, end) in enumerate(pairwise(self.cutoffs), start=1):
            features = int(in_features // div_value**k)
            down = nn.Linear(in_features, features, bias=False, **made)
            self.tail.append(nn.Sequential(down, nn.Linear(features, end - first, bias=False, **made)))

    def reset_parameters(self) -> None:
        """Start anew, from the first values of :class:`torch.nn.Linear`."""
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                layer.reset_parameters()

    def forward(self, input: Tensor, target: Tensor) -> AdaptiveOutput:
        logits_shape(input, self.head.weight, self.head.bias)
        check_tensors(target=target)
        all_classes = torch.zeros((), device=input.device).expand(*input.shape[:-1], self.n_classes)  # only their shape
        check_class_indices(all_classes, target, name=TABLE)
        classes = target.reshape(-1).long()
        try:
            output = self._log_probability(input.reshape(-1, self.in_features), classes)
        except (IndexError, RuntimeError) as cause:
            raise unknown_class(classes, self.n_classes, cause) from None
        return AdaptiveOutput(output.reshape(target.shape), -output.mean())

    def _log_probability(self, input: Tensor, classes: Tensor) -> Tensor:
        head = log_softmax(self.head(input), dim=1)
        cluster = torch.bucketize(classes, torch.tensor(self.cutoffs[:-1], device=input.device), right=True)
        entry = torch.where(cluster == 0, classes, self.shortlist_size + cluster - 1)
        output = head.gather(1, entry.unsqueeze(1)).squeeze(1)
        for k, (first, tail) in enumerate(zip(self.cutoffs[:-1], self.tail, strict=True), start=1):
            rows = (cluster == k).nonzero().squeeze(1)
            if len(rows):  # a cluster without targets is not computed, and gets no gradient
                inside = log_softmax(tail(input[rows]), dim=1).gather(1, (classes[rows] - first).unsqueeze(1))
                output = output.index_add(0, rows, inside.squeeze(1))
        return output

    def log_prob(self, input: Tensor) -> Tensor:
        """Log-probabilities of all classes, shape ``(N, n_classes)`` or ``(n_classes,)``."""
        logits_shape(input, self.head.weight, self.head.bias)
        head = log_softmax(self.head(input), dim=-1)
        frequent, clusters = head.split([self.shortlist_size, self.n_clusters], dim=-1)
        rare = [
            cluster + log_softmax(tail(input), dim=-1)
            for cluster, tail in zip(clusters.split(1, dim=-1), self.tail, strict=True)
        ]
        return torch.cat([frequent, *rare], dim=-1)

    def predict(self, input: Tensor) -> Tensor:
        """The most likely class of each sample, shape ``(N,)`` or ``()``."""
        return self.log_prob(input).argmax(dim=-1)


Matrix = list[list[float]]


def definition(
    rows: Matrix,
    targets: list[int],
    cutoffs: list[int],
    head: Matrix,
    tails: list[tuple[Matrix, Matrix]],
    head_bias: list[float] | None = None,
) -> Iterator[Term]:
    """``cutoffs`` as the module is given them; ``tails`` the two matrices of each cluster."""

    def apply(matrix: Matrix, x: list[float]) -> list[float]:
        return [sum(a * b for a, b in zip(weights, x, strict=True)) for weights in matrix]

    def log_p(logits: list[float], j: int) -> float:
        return logits[j] - max(logits) - math.log(sum(math.exp(z - max(logits)) for z in logits))

    for x, t in zip(rows, targets, strict=True):
        logits = [z + b for z, b in zip(apply(head, x), head_bias or [0.0] * len(head), strict=True)]
        k = sum(t >= cutoff for cutoff in cutoffs)
        if k == 0:
            yield Term(-log_p(logits, t))
        else:
            down, up = tails[k - 1]
            yield Term(-log_p(logits, cutoffs[0] + k - 1) - log_p(apply(up, apply(down, x)), t - cutoffs[k - 1]))


def formula() -> str:
    return (
        r"\ell(x, t) = \begin{cases} -\log p_\text{head}(t) & t \text{ frequent} \\"
        r" -\log p_\text{head}(k) - \log p_k(t) & t \text{ in cluster } k \end{cases}"
    )


def steps(
    module: AdaptiveLogSoftmaxWithLoss | nn.AdaptiveLogSoftmaxWithLoss, input: Tensor, target: Tensor
) -> Iterator[Step]:
    """Takes the module, this one or torch's, since the loss has no function."""
    x, classes = input.detach().reshape(-1, module.in_features), target.reshape(-1).tolist()
    head = module.head(x).detach()
    *_before, last = head_steps = list(steps_of_softmax(head))
    yield from head_steps
    factors = []
    for n, t in enumerate(classes):
        k = sum(t >= cutoff for cutoff in module.cutoffs[:-1])
        entry = module.shortlist_size + k - 1 if k else t
        factors.append([last.value[n, entry]])
        if k:
            inside = module.tail[k - 1](x[n]).detach()
            factors[-1].append(log_softmax(inside, dim=0)[t - module.cutoffs[k - 1]].exp())
    losses = torch.stack([-torch.stack(each).log().sum() for each in factors])
    texts = [" + ".join(f"(−ln {number(f)})" for f in each) for each in factors]
    lines = [equals(text, loss) for text, loss in zip(texts, losses, strict=True)]
    say = _("Loss of each sample, minus the logarithm of the head's probability, and of the cluster's for a rare class")
    yield Step(say, tuple(elided(lines)), losses.reshape(target.shape))
    if target.dim():
        yield from reduction_steps(losses, None, "mean", [number(loss) for loss in losses])


def sample(generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """For a module of the sizes in the entry: the head and each cluster have targets."""
    return uniform(generator, 6, 8), torch.tensor([0, 1, 2, 3, 4, 6])


def loss_alone(module: Callable) -> Callable:
    """What `verify` compares: of the two things that the module returns the second."""

    def alone(input: Tensor, target: Tensor) -> Tensor:
        result = module(input, target)
        return result.loss if hasattr(result, "loss") else result

    return alone


ENTRY = Entry(
    name="adaptive_log_softmax",
    family="classification",
    module=AdaptiveLogSoftmaxWithLoss,
    torch_module=nn.AdaptiveLogSoftmaxWithLoss,
    definition=definition,
    formula=formula,
    steps=steps,
    not_drawn=Phrase(
        "plot draws no AdaptiveLogSoftmaxWithLoss: its loss depends on parameters of its own, which start at random, "
        "so it has no one curve. Over the probability that it gives to the true class it is −ln p, as plot('nll') "
        "shows."
    ),
    batches=by_class(around=loss_alone),
    sample=sample,
    settings=(),
    sizes={"in_features": 8, "n_classes": 7, "cutoffs": [2, 4], "div_value": 2},
    fitting=lambda module: (torch.randn(6, module.in_features), torch.randint(module.n_classes, (6,))),
    page="losses/adaptive-log-softmax",
)
