"""Hinge embedding, margin ranking, triplet, cosine embedding and KL: formulas, printed values, limits."""

import inspect
import itertools
import math
import warnings

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.testing import assert_close

# Printed by the samples.
HINGE_INPUT = torch.tensor(
    [
        [1.4668e00, 2.9302e-01, -3.5806e-01, 1.8045e-01, 1.1793e00],
        [-6.9471e-05, 9.4336e-01, 8.8339e-01, -1.1010e00, 1.5904e00],
        [-4.7971e-02, -2.7016e-01, 1.5292e00, -6.0295e-01, 2.3883e00],
    ]
)
RANKED = torch.tensor([-1.1109, 0.1187, 0.9441]), torch.tensor([0.9284, -0.3707, -0.7504])
DIRECTIONS = (
    torch.tensor(
        [
            [1.2969e-01, 1.9397e00, -1.7762e00, -1.2793e-01, -4.7004e-01, -1.1736e00],
            [-3.7807e-02, 4.6385e-03, -9.5373e-01, 8.4614e-01, -1.1113e00, 4.0305e-01],
            [-1.7561e-01, 8.8705e-01, -5.9533e-02, 1.3153e-03, -6.0306e-01, 7.9162e-01],
        ]
    ),
    torch.tensor(
        [
            [-0.6177, -0.0625, -0.7188, 0.0824, 0.3192, 1.0410],
            [-0.5767, 0.0298, -0.0826, 0.5866, 1.1008, 1.6463],
            [-0.9608, -0.6449, 1.4022, 1.2211, 0.8248, -1.9933],
        ]
    ),
)
P, Q = torch.tensor([[0.36, 0.48, 0.16]]), torch.tensor([[1 / 3, 1 / 3, 1 / 3]])


def _targets_that_give(printed: float, loss, *inputs: Tensor) -> list[tuple[float, ...]]:
    """Of the eight targets for three rows, those with which the loss prints the value."""
    targets = itertools.product((-1.0, 1.0), repeat=3)
    return [signs for signs in targets if round(loss(*inputs, torch.tensor(signs)).item(), 4) == printed]


def _divergence(p: Tensor, q: Tensor) -> Tensor:
    return (p * (p / q).log()).sum()


def hinge_embedding_takes_one_input():
    """One input and the labels: the distance of two embeddings is computed before."""
    assert list(inspect.signature(nn.HingeEmbeddingLoss.forward).parameters) == ["self", "input", "target"]
    a, b = torch.randn(2, 4, 3)
    assert F.hinge_embedding_loss(F.pairwise_distance(a, b), torch.tensor([1.0, -1.0, 1.0, -1.0])) > 0


def hinge_embedding_formula():
    """x for label 1, so negative for a negative x; max(0, margin - x) for label -1."""
    x, y = torch.tensor([0.2, 0.2, 1.5, 1.5, -2.0]), torch.tensor([1.0, -1.0, 1.0, -1.0, 1.0])
    assert_close(F.hinge_embedding_loss(x, y, reduction="none"), torch.tensor([0.2, 0.8, 1.5, 0.0, -2.0]))
    assert HINGE_INPUT.min() < 0


def hinge_embedding_prints_1_2103():
    """The printed input gives 1.2103, the mean of max(1, x), with labels that are neither 1 nor -1."""
    loss = F.hinge_embedding_loss(HINGE_INPUT, torch.randn(3, 5))
    assert repr(loss) == "tensor(1.2103)"
    assert_close(loss, HINGE_INPUT.clamp(min=1).mean())


def hinge_embedding_ignores_other_labels():
    """Random labels all give one value, without an error; their signs give others."""
    targets = [torch.randn(3, 5) for _ in range(20)]
    assert len({F.hinge_embedding_loss(HINGE_INPUT, target).item() for target in targets}) == 1
    assert len({F.hinge_embedding_loss(HINGE_INPUT, target.sign()).item() for target in targets}) > 10


def margin_ranking_formula():
    """max(0, -y (x1 - x2) + margin): label 1 wants x1 above x2, label -1 below; margin 0 by default."""
    a, b = torch.tensor([3.0, 1.0]), torch.tensor([1.0, 3.0])
    one = torch.ones(2)
    assert F.margin_ranking_loss(a, b, one, reduction="none").tolist() == [0, 2]
    assert F.margin_ranking_loss(a, b, -one, reduction="none").tolist() == [2, 0]
    assert F.margin_ranking_loss(a, b, one, margin=2.5, reduction="none").tolist() == [0.5, 4.5]


def margin_ranking_looks_at_the_order():
    """3 before 1 and 300 before 1 both cost 0; the other way round the violation counts."""
    low, one = torch.ones(2), torch.ones(2)
    assert F.margin_ranking_loss(torch.tensor([3.0, 300.0]), low, one, reduction="none").tolist() == [0, 0]
    assert F.margin_ranking_loss(low, torch.tensor([3.0, 300.0]), one, reduction="none").tolist() == [2, 299]


def margin_ranking_target_can_be_found():
    """Of the eight targets only (-1, 1, -1) gives 0.5648 for the printed inputs."""
    assert _targets_that_give(0.5648, F.margin_ranking_loss, *RANKED) == [(-1, 1, -1)]


def sorting_faces_leaves_a_threshold_to_choose():
    """The order of the distances to a face says who is closest; who is the same depends on the threshold."""
    faces = torch.tensor([[0.1, 0.0], [0.0, 0.3], [1.0, 1.0], [2.0, 0.0]])
    distances = F.pairwise_distance(torch.zeros(4, 2), faces)
    assert distances.argsort().tolist() == [0, 1, 2, 3]
    assert len({(distances < threshold).sum().item() for threshold in (0.2, 0.5, 1.5)}) == 3


def triplet_formula():
    """max(0, d(a, p) - d(a, n) + margin), averaged."""
    a, p, n = torch.randn(3, 20, 8)
    terms = [max(0.0, (x - y).norm().item() - (x - z).norm().item() + 1) for x, y, z in zip(a, p, n, strict=True)]
    assert_close(F.triplet_margin_loss(a, p, n), torch.tensor(sum(terms) / 20), atol=1e-5, rtol=0)


def triplet_stops_at_the_margin():
    """Positive at distance 1, negative at 9: loss and gradient are 0, and the positive comes no closer."""
    anchor = torch.zeros(1, 2, requires_grad=True)
    positive = torch.tensor([[1.0, 0.0]])
    met = F.triplet_margin_loss(anchor, positive, torch.tensor([[9.0, 0.0]]))
    assert met == 0
    assert torch.autograd.grad(met, anchor)[0].abs().sum() == 0
    unmet = F.triplet_margin_loss(anchor, positive, torch.tensor([[0.0, 1.5]]))
    assert torch.autograd.grad(unmet, anchor)[0].abs().sum() > 0


def triplet_sees_no_class():
    """Its inputs are three embeddings; who has whose class is up to the one who chooses them."""
    assert list(inspect.signature(nn.TripletMarginLoss.forward).parameters)[1:] == ["anchor", "positive", "negative"]


def triplet_defaults():
    """margin=1.0 and p=2 are what TripletMarginLoss takes anyway."""
    a, p, n = torch.randn(3, 100, 128)
    assert nn.TripletMarginLoss(margin=1.0, p=2)(a, p, n) == nn.TripletMarginLoss()(a, p, n)
    assert nn.TripletMarginLoss(margin=2.0)(a, p, n) != nn.TripletMarginLoss()(a, p, n)


def cosine_embedding_formula():
    """1 - cos for label 1, max(0, cos - margin) for label -1."""
    a, b = torch.randn(2, 4, 6)
    cosines = [(x @ y / (x.norm() * y.norm())).item() for x, y in zip(a, b, strict=True)]
    for margin in (0.0, 0.2):
        for label, term in ((1, lambda c: 1 - c), (-1, lambda c, margin=margin: max(0.0, c - margin))):
            loss = F.cosine_embedding_loss(a, b, torch.full((4,), label), margin=margin, reduction="none")
            assert_close(loss, torch.tensor([term(c) for c in cosines]))


def cosine_distance_rises_with_the_angle():
    """At 0, 60, 90 and 180 degrees it is 0, 0.5, 1 and 2: not in proportion. x and 10 x are at 0."""
    angles = [math.radians(degrees) for degrees in (0, 60, 90, 180)]
    x, y = torch.tensor([[1.0, 0.0]] * 4), torch.tensor([[math.cos(a), math.sin(a)] for a in angles])
    distances = F.cosine_embedding_loss(x, y, torch.ones(4), reduction="none")
    assert_close(distances, torch.tensor([0.0, 0.5, 1.0, 2.0]))
    assert_close(F.cosine_embedding_loss(x, 10 * x, torch.ones(4)), torch.tensor(0.0))


def cosine_embedding_target_can_be_found():
    """Of the eight targets only (-1, -1, -1) gives 0.0033 for the printed inputs, with -0.47004 among them."""
    assert _targets_that_give(0.0033, F.cosine_embedding_loss, *DIRECTIONS) == [(-1, -1, -1)]


def cosine_embedding_refuses_a_matrix_of_labels():
    """One label for each row; a matrix is an error."""
    a, b = torch.randn(2, 3, 6)
    assert F.cosine_embedding_loss(a, b, torch.ones(3)).isfinite()
    with pytest.raises(RuntimeError, match="0D or 1D target tensor expected"):
        F.cosine_embedding_loss(a, b, torch.ones(3, 6))


def kl_formula():
    """The sum of p log(p / q): what KLDivLoss gives for log q and p with batchmean."""
    assert_close(F.kl_div(Q.log(), P, reduction="batchmean"), _divergence(P, Q))
    assert _divergence(P, Q) > 0 == _divergence(P, P)


def kl_is_not_symmetric():
    """The divergence of P from Q is not that of Q from P."""
    assert abs(_divergence(P, Q) - _divergence(Q, P)) > 0.01


def kl_is_no_distance():
    """It is 0 for equal distributions, grows without bound, and a detour can be shorter than the direct way."""
    p, q, r = torch.tensor([0.9, 0.1]), torch.tensor([0.5, 0.5]), torch.tensor([0.1, 0.9])
    assert _divergence(p, p) == 0
    assert _divergence(p, q) + _divergence(q, r) < _divergence(p, r)
    assert _divergence(q, torch.tensor([1e-30, 1.0])) > 30


def kl_leads_to_the_true_distribution():
    """Gradient descent on the divergence turns Q into P."""
    scores = torch.zeros(1, 3, requires_grad=True)
    optimizer = torch.optim.SGD([scores], lr=1.0)
    for _ in range(200):
        optimizer.zero_grad()
        F.kl_div(scores.log_softmax(dim=1), P, reduction="batchmean").backward()
        optimizer.step()
    assert_close(scores.softmax(dim=1), P, atol=1e-3, rtol=0)


def kl_of_raw_numbers_is_nan():
    """Random numbers with a negative one as target have no logarithm; distributions have."""
    a, b = torch.randn(2, 3, 6)
    assert b.min() < 0
    assert F.kl_div(a, b, reduction="batchmean").isnan()
    assert F.kl_div(a.log_softmax(dim=1), b.softmax(dim=1), reduction="batchmean").isfinite()


def kl_is_never_negative():
    """Of 500 pairs of distributions none has a divergence below 0, with either reduction."""
    for _ in range(500):
        a, b = torch.randn(2, 3, 6)
        assert F.kl_div(a.log_softmax(dim=1), b.softmax(dim=1), reduction="batchmean") > 0


def kl_mean_is_not_the_divergence():
    """ "mean" also divides by the 6 classes; PyTorch warns of it."""
    a, b = torch.randn(2, 3, 6)
    log_q, p = a.log_softmax(dim=1), b.softmax(dim=1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        mean = nn.KLDivLoss()(log_q, p)
    assert_close(6 * mean, F.kl_div(log_q, p, reduction="batchmean"))
    assert any("batchmean" in str(warning.message) for warning in caught)
