"""Which triplets of a batch are chosen: by plain loops over the definitions, by peers, and where there are none or several."""

import math

import pytest
import torch

import lossbook
from lossbook.beyond import all_triplets, hard_triplets, semi_hard_triplets
from lossbook.functional import triplet_margin_loss

N = torch.arange(36, dtype=torch.float64)
X, T = torch.sin(N * N).reshape(12, 3), 7 * torch.arange(12) ** 2 // 3 % 4  # two, six and four samples of the classes


def numbers(triplets):
    return [indices.tolist() for indices in triplets]


def squared(a, b):
    return (a - b).square().sum(-1)


# ---- what pytorch-metric-learning 2.9.0 chose, with LpDistance(normalize_embeddings=False)


def test_all_as_pytorch_metric_learning():
    """get_all_triplets_indices: their number, and the sum of each column, weighted by the place."""
    triplets = all_triplets(T)
    places = torch.arange(1, 297)
    assert [int((indices * places).sum()) for indices in triplets] == [339222, 241574, 227086]


def test_hard_as_pytorch_metric_learning():
    """BatchHardMiner."""
    assert numbers(hard_triplets(X, T)) == [
        [*range(12)],
        [6, 5, 10, 9, 9, 7, 0, 5, 10, 2, 2, 5],
        [8, 10, 5, 5, 5, 2, 8, 10, 6, 1, 11, 10],
    ]


def test_semi_hard_as_pytorch_metric_learning():
    """TripletMarginMiner(margin=0.2, type_of_triplets="semihard")."""
    assert numbers(semi_hard_triplets(X, T, margin=0.2)) == [
        [1, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 4, 4, 4, 4, 5, 5, 7, 8, 8, 9, 9, 9, 9, 10, 10, 10, 11],
        [5, 7, 7, 7, 11, 8, 9, 9, 10, 8, 10, 8, 9, 10, 10, 1, 11, 11, 3, 4, 2, 10, 10, 10, 3, 4, 8, 7],
        [3, 0, 4, 8, 10, 1, 6, 7, 11, 7, 6, 11, 6, 6, 11, 6, 0, 10, 11, 11, 7, 5, 6, 11, 5, 5, 5, 9],
    ]


def test_the_nearest_semi_hard_one_as_pytorch_metric_learning():
    """BatchEasyHardMiner(pos_strategy="hard", neg_strategy="semihard"), which keeps one positive for each anchor."""
    triplets = zip(*numbers(semi_hard_triplets(X, T, margin=math.inf, negatives="nearest")), strict=True)
    chosen = zip([0, 1, 2, 3, 4, 6, 8, 9, 11], [6, 5, 10, 9, 9, 0, 10, 2, 5], [8, 3, 11, 0, 6, 1, 7, 7, 2], strict=True)
    assert {*chosen} <= {*triplets}


# ---- against the definitions, by loops


def by_loops(x, t):
    """Every triplet with its two distances."""
    for a in range(len(t)):
        for p in range(len(t)):
            for n in range(len(t)):
                if a != p and t[a] == t[p] and t[a] != t[n]:
                    yield (a, p, n), math.dist(x[a], x[p]), math.dist(x[a], x[n])


@pytest.fixture(params=["many classes", "two classes", "alone"])
def batch(request, generator):
    """Some samples have no other of their class."""
    t = torch.randint({"many classes": 9, "two classes": 2, "alone": 40}[request.param], (14,), generator=generator)
    return torch.randn(14, 2, generator=generator, dtype=torch.float64), t


def test_all_by_loops(batch):
    x, t = (values.tolist() for values in batch)
    assert [*zip(*numbers(all_triplets(batch[1])), strict=True)] == [triplet for triplet, _near, _far in by_loops(x, t)]


def test_hard_by_loops(batch):
    x, t = (values.tolist() for values in batch)
    chosen = {a: (p, n) for a, p, n in zip(*numbers(hard_triplets(*batch)), strict=True)}
    assert chosen.keys() == {a for (a, _p, _n), *_distances in by_loops(x, t)}
    for (a, _p, _n), near, far in by_loops(x, t):
        p, n = chosen[a]
        assert t[a] == t[p]
        assert t[a] != t[n]
        assert a != p
        assert near <= math.dist(x[a], x[p])
        assert far >= math.dist(x[a], x[n])


@pytest.mark.parametrize("margin", [0.2, 1.0, math.inf])
def test_semi_hard_by_loops(batch, margin):
    x, t = (values.tolist() for values in batch)
    expected = [triplet for triplet, near, far in by_loops(x, t) if near < far < near + margin]
    assert [*zip(*numbers(semi_hard_triplets(*batch, margin=margin)), strict=True)] == expected
    nearest = {}
    for triplet, near, far in by_loops(x, t):
        if near < far < near + margin:
            nearest[triplet[:2]] = min(nearest.get(triplet[:2], (math.inf,)), (far, triplet[2]))
    chosen = semi_hard_triplets(*batch, margin=margin, negatives="nearest")
    assert [*zip(*numbers(chosen), strict=True)] == [(*pair, n) for pair, (_far, n) in nearest.items()]


def by_tensorflow(x, t):
    """triplet_semihard_loss of TensorFlow Addons: each pair with its nearest negative outside, or else its farthest one."""
    losses = []
    pairs = {triplet[:2] for triplet, *_distances in by_loops(x, t)}
    for a, p in pairs:
        near = math.dist(x[a], x[p])
        others = [math.dist(x[a], x[n]) for n in range(len(t)) if t[n] != t[a]]
        outside = [far for far in others if far > near]
        losses.append(max(near - (min(outside) if outside else max(others)) + 1, 0))
    return sum(losses) / len(losses) if losses else math.nan


def test_semi_hard_as_tensorflow(batch):
    x, t = batch
    a, p, n = semi_hard_triplets(x, t, margin=math.inf, negatives="nearest_or_farthest")
    expected = by_tensorflow(x.tolist(), t.tolist())
    assert triplet_margin_loss(x[a], x[p], x[n]).item() == pytest.approx(expected, abs=1e-5, nan_ok=True)


def test_a_distance_of_ones_own():
    """FaceNet's is squared; a pair 1 apart, a negative 2 apart: 1 < 4, which lies beyond 1 + 2, but 2 does not."""
    x, t = torch.tensor([[0.0], [1.0], [2.0]]), torch.tensor([0, 0, 1])
    assert numbers(semi_hard_triplets(x, t, margin=2.0, distance_function=squared))[0] == []
    assert numbers(semi_hard_triplets(x, t, margin=2.0)) == [[0], [1], [2]]
    assert numbers(hard_triplets(X, T, distance_function=squared)) == numbers(hard_triplets(X, T))
    assert numbers(hard_triplets(-X, T, distance_function=lambda a, b: -squared(a, b))) != numbers(hard_triplets(X, T))


def test_no_graph_is_built_for_the_choice():
    enabled = []

    def distance(a, b):
        enabled.append(torch.is_grad_enabled())
        return squared(a, b)

    hard_triplets(X.clone().requires_grad_(), T, distance_function=distance)
    assert enabled == [False] * 12, "one call for each sample"


# ---- extremes


def every(x, t):
    yield all_triplets(t)
    yield hard_triplets(x, t)
    for negatives in ("all", "nearest", "nearest_or_farthest"):
        yield semi_hard_triplets(x, t, negatives=negatives)


@pytest.mark.parametrize(
    "target", [[], [3], [1, 1, 1], [0, 1, 2]], ids=["no sample", "one", "one class", "no positive"]
)
def test_no_triplet(target):
    t = torch.tensor(target, dtype=torch.int64)
    x = torch.randn(len(t), 2, requires_grad=True)
    for triplets in every(x, t):
        assert all(indices.shape == (0,) and indices.dtype == torch.int64 for indices in triplets)
        chosen = [x[indices] for indices in triplets]
        assert triplet_margin_loss(*chosen).isnan()
        assert triplet_margin_loss(*chosen, reduction="sum") == 0
    assert hard_triplets(x, t, distance_function=squared)[0].numel() == 0


def test_an_anchor_without_a_positive_is_left_out():
    x, t = torch.tensor([[0.0], [1.0], [5.0]]), torch.tensor([0, 0, 1])
    assert numbers(hard_triplets(x, t)) == [[0, 1], [1, 0], [2, 2]]


def test_of_equals_the_first_and_no_tie_is_semi_hard():
    x, t = torch.tensor([[0.0], [2.0], [-2.0], [2.0], [-2.0], [3.0], [-3.0]]), torch.tensor([0, 0, 0, 1, 1, 1, 1])
    assert numbers(hard_triplets(x, t))[1:] == [[1, 2, 1, 6, 5, 6, 5], [3, 3, 4, 1, 2, 1, 2]]
    a, p, n = semi_hard_triplets(x, t, margin=1.5)
    assert n[(a == 0) & (p == 1)].tolist() == [5, 6], "as far as the positive is not farther"
    a, p, n = semi_hard_triplets(x, t, margin=1.0)
    assert n[(a == 0) & (p == 1)].tolist() == [], "farther by the margin costs nothing"
    a, p, n = semi_hard_triplets(x, t, negatives="nearest", margin=1.5)
    assert n[(a == 0) & (p == 1)].tolist() == [5]


def test_collapsed_embeddings():
    """All in one point: no negative is farther than a positive, and each sample has a hard triplet."""
    x, t = torch.ones(6, 3), torch.arange(6) % 2
    assert semi_hard_triplets(x, t)[0].numel() == 0
    assert semi_hard_triplets(x, t, negatives="nearest_or_farthest")[0].numel() == 12
    a, p, n = hard_triplets(x, t)
    assert len(a) == 6
    assert (t[p] == t).all()
    assert (t[n] != t).all()
    assert (a != p).all()


def test_nan_is_chosen_so_that_it_is_seen():
    x, t = torch.tensor([[0.0], [1.0], [math.nan], [1.5]]), torch.tensor([0, 0, 1, 1])
    for triplets in every(x, t):
        assert any(x[indices].isnan().any() for indices in triplets), "not the mean of nothing"
        assert triplet_margin_loss(*(x[indices] for indices in triplets)).isnan()


def test_distances_beyond_what_a_float_holds():
    """Their squares overflow to ∞: what is chosen is a triplet all the same."""
    x, t = 1e30 * torch.tensor([[0.0], [1.0], [2.0], [3.0]]), torch.tensor([0, 0, 1, 1])
    for triplets in (hard_triplets(x, t), hard_triplets(x, t, distance_function=squared)):
        a, p, n = triplets
        assert (t[a] == t[p]).all()
        assert (t[a] != t[n]).all()


def test_near_distances_keep_their_digits():
    """Of the product of matrices, |a|² + |b|² − 2ab, nothing would be left at this distance from the origin."""
    x, t = torch.zeros(40, 2), torch.arange(40) % 2
    x[:, 0] = 4096 + torch.arange(40) / 64
    a, _p, n = hard_triplets(x, t)
    assert ((a - n).abs() == 1).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_the_choice_has_no_gradient_and_the_loss_has(dtype):
    x = X.to(dtype).requires_grad_()
    for triplets in every(x, T):
        assert not any(indices.requires_grad for indices in triplets)
        loss = triplet_margin_loss(*(x[indices] for indices in triplets))
        assert torch.autograd.grad(loss, x)[0].abs().sum() > 0
    large = 300 * torch.ones(4, 2, dtype=torch.float16) * torch.tensor([[1], [2], [3], [4]])
    assert numbers(hard_triplets(large, torch.tensor([0, 0, 1, 1])))[2] == [2, 2, 1, 1], "squares pass 65504"


WRONG = {
    "one vector": (hard_triplets, (X[0], T), {}, ValueError, r"input must hold a batch of embeddings, shape \(N, D\)"),
    "too few labels": (
        hard_triplets,
        (X, T[:5]),
        {},
        ValueError,
        r"one label for each pair, shape \(12,\), got \(5,\)",
    ),
    "labels as numbers": (semi_hard_triplets, (X, T.double()), {}, TypeError, r"Write target.long\(\)"),
    "whole numbers": (semi_hard_triplets, (X.long(), T), {}, TypeError, "input must hold floating-point numbers"),
    "no margin": (semi_hard_triplets, (X, T), {"margin": 0.0}, ValueError, "margin must be larger than 0, got 0"),
    "an unknown choice": (semi_hard_triplets, (X, T), {"negatives": "hard"}, ValueError, "one of 'all', 'nearest'"),
    "no function": (hard_triplets, (X, T), {"distance_function": "l2"}, TypeError, "must be a function of two batches"),
    "a table": (hard_triplets, (X, T), {"distance_function": torch.cdist}, ValueError, "one distance for each pair"),
    "a column": (all_triplets, (T[:, None],), {}, ValueError, r"class of each sample, shape \(N,\), got \(12, 1\)"),
    "a list": (all_triplets, ([0, 1],), {}, TypeError, "target must be a torch.Tensor, got list"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_is_told_in_a_sentence(case, refuses):
    helper, tensors, settings, kind, sentence = WRONG[case]
    with refuses(kind, sentence):
        helper(*tensors, **settings)


def test_the_triplet_loss_names_them():
    assert lossbook.catalogue.find("triplet_margin").helpers == (all_triplets, hard_triplets, semi_hard_triplets)
