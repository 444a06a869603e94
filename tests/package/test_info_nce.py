"""InfoNCE against peers that compute otherwise, and where it is hard to compute."""

import math

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck
from torch.nn import functional as F
from torch.testing import assert_close

import lossbook
from lossbook.beyond import InfoNCELoss, info_nce_loss
from lossbook.losses._by_similarity import unit


def wave(*shape, step=1.0, of=torch.sin):
    """Numbers that anybody can make again: the sine of 1, 2, 3, …"""
    return of(step * torch.arange(1.0, math.prod(shape) + 1, dtype=torch.float64)).reshape(shape).requires_grad_()


def batch(negatives):
    keys = {"none": (), "shared": (wave(5, 3, step=2.0),), "each": (wave(4, 2, 3, step=3.0),)}[negatives]
    return wave(4, 3), wave(4, 3, of=torch.cos), *keys


#: Value, and gradient with respect to the first query, of info_nce from info-nce-pytorch 0.1.4.
BY_INFO_NCE_PYTORCH = {
    ("none", 0.1): (3.1924299324, -0.0803668689, 0.053009437, 0.137649111),
    ("shared", 0.1): (3.3786995236, -0.2167503621, 0.1854293036, 0.0976385436),
    ("each", 0.1): (1.1966269306, -1.1427619945, 0.961972711, 0.6156586247),
    ("none", 0.5): (1.5162804292, -0.1270510537, 0.083802006, 0.2176078878),
}


@pytest.mark.parametrize("case", BY_INFO_NCE_PYTORCH, ids=str)
def test_equals_info_nce_pytorch(case):
    negatives, temperature = case
    query, *keys = batch(negatives)
    value = info_nce_loss(query, *keys, temperature=temperature)
    (slope,) = torch.autograd.grad(value, query)
    assert [value.item(), *slope[0].tolist()] == pytest.approx(BY_INFO_NCE_PYTORCH[case], abs=1e-9)


def by_pairs(query, key, *negatives, temperature, normalize, in_batch):
    """Pair by pair, with no matrix product."""
    losses = []
    for i, q in enumerate(query):
        others = [k for j, k in enumerate(key) if j != i] if in_batch or not negatives else []
        for keys in negatives:
            others += list(keys[i] if keys.dim() == 3 else keys)
        scores = torch.stack([F.cosine_similarity(q, k, 0) if normalize else q @ k for k in (key[i], *others)])
        losses.append(-(scores / temperature).log_softmax(0)[0])
    return torch.stack(losses)


@pytest.mark.parametrize("negatives", ["none", "shared", "each"])
@pytest.mark.parametrize("in_batch", [False, True])
@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("temperature", [0.07, 1.0])
def test_equals_it_pair_by_pair(negatives, in_batch, normalize, temperature):
    tensors, settings = batch(negatives), {"in_batch": in_batch, "normalize": normalize, "temperature": temperature}
    expected = by_pairs(*tensors, **settings)
    for reduction, of in (("none", lambda x: x), ("mean", torch.mean), ("sum", torch.sum)):
        value = info_nce_loss(*tensors, **settings, reduction=reduction)
        assert_close(value, of(expected))
        slopes = [torch.autograd.grad(v.sum(), tensors, retain_graph=True) for v in (value, of(expected))]
        for ours, theirs in zip(*slopes, strict=True):
            assert_close(ours, theirs)


def test_negatives_of_each_query_are_differentiable_twice():
    query, key, each = batch("each")
    assert torch.autograd.gradcheck(info_nce_loss, (query, key, each))
    assert torch.autograd.gradgradcheck(info_nce_loss, (query, key, each))


@pytest.mark.parametrize("size", [1.0, 1e-170])  # of the second no square is left
def test_directions_by_finite_differences(size, generator):
    vectors = torch.randn(3, 4, generator=generator, dtype=torch.float64, requires_grad=True)
    modes = {"check_batched_grad": True}
    assert gradcheck(lambda x: unit(size * x), vectors, check_forward_ad=True, **modes)
    assert gradgradcheck(lambda x: unit(size * x), vectors, check_fwd_over_rev=True, **modes)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("size", [2.0**-10, 1.0, 2.0**10])
def test_the_length_of_the_vectors_does_not_count(dtype, size):
    query, key = (x.detach().to(dtype) for x in batch("none"))
    exact = info_nce_loss(query.double(), key.double())
    long = (size * query).requires_grad_()
    value = info_nce_loss(long, key / size)
    assert_close(value.double(), exact, rtol=4 * torch.finfo(dtype).eps, atol=0)
    assert torch.autograd.grad(value, long)[0].isfinite().all()


def test_lengths_whose_squares_overflow():
    query, key = (x.detach().float() for x in batch("none"))
    for size in (1e-30, 1e30):
        long = (size * query).requires_grad_()
        value = info_nce_loss(long, key)
        assert_close(value, info_nce_loss(query, key))
        assert torch.autograd.grad(value, long)[0].isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_cosines_of_half_precision_keep_digits_that_a_small_temperature_needs(dtype, generator):
    """All are near 1: rounded to half precision, and divided by 0.01, they would be off by 0.05, or 0.4."""
    query, key = ((1 + 0.1 * torch.randn(8, 16, generator=generator)).to(dtype) for _ in range(2))
    value = info_nce_loss(query, key, temperature=0.01)
    exact = info_nce_loss(query.double(), key.double(), temperature=0.01)
    assert_close(value.double(), exact, rtol=torch.finfo(dtype).eps / 2, atol=0)


def test_a_vector_of_zeros_has_no_direction():
    """F.normalize gives it a slope of 1e12, and x / x.norm() gives nan."""
    query = torch.tensor([[0.0, 0.0], [1.0, 0.0]], requires_grad=True)
    losses = info_nce_loss(query, torch.tensor([[1.0, 0.0], [-1.0, 0.0]]), reduction="none")
    assert_close(losses[0], torch.tensor(2.0).log(), msg="its cosine is 0 with all")
    (slope,) = torch.autograd.grad(losses.sum(), query)
    assert torch.equal(slope[0], torch.zeros(2))
    assert slope[1].isfinite().all()


@pytest.mark.parametrize("temperature", [1e-3, 1e-6, 1e-30])
def test_a_temperature_near_0_leaves_the_nearest_negative(temperature):
    query = torch.tensor([[1.0, 0.0], [0.0, 1.0]], requires_grad=True)
    right = info_nce_loss(query, torch.eye(2), temperature=temperature)
    wrong = info_nce_loss(query, torch.eye(2).flip(0), temperature=temperature)
    assert right == 0
    assert_close(wrong, torch.tensor(1 / temperature))
    for value in (right, wrong):
        assert torch.autograd.grad(value, query, retain_graph=True)[0].isfinite().all()


def test_equal_pairs_do_not_cost_nothing():
    """The negatives stay: log(1 + (K − 1) e^(−2/τ)) is the least."""
    one, other = torch.tensor([[1.0, 0.0]]), torch.tensor([[-1.0, 0.0]] * 3)
    assert_close(info_nce_loss(one, one, other), torch.tensor(1 + 3 * math.exp(-20)).log())
    assert info_nce_loss(one, one) == 0, "one sample has no negatives"


def test_empty_batch():
    empty = torch.empty(0, 3)
    assert info_nce_loss(empty, empty).isnan()
    assert info_nce_loss(empty, empty, reduction="sum") == 0


def test_nan_is_not_hidden():
    assert info_nce_loss(torch.tensor([[math.nan, 1.0]]), torch.ones(1, 2)).isnan()


ONE = torch.ones(2, 3)
WRONG = {
    "one vector": (
        (ONE[0], ONE[0]),
        {},
        ValueError,
        r"query must hold a batch of embeddings, shape \(N, D\), got \(3,\)",
    ),
    "negatives of another width": ((ONE, ONE, torch.ones(4, 2)), {}, ValueError, r"shape \(M, 3\), negatives for all"),
    "negatives of another batch": ((ONE, ONE, torch.ones(4, 1, 3)), {}, ValueError, r"got \(4, 1, 3\)"),
    "integers": ((ONE, ONE, ONE.long()), {}, TypeError, "negative_keys must hold floating-point"),
    "no temperature": ((ONE, ONE), {"temperature": 0.0}, ValueError, "temperature must be larger than 0"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_is_told_in_a_sentence(case, refuses):
    tensors, settings, kind, sentence = WRONG[case]
    with refuses(kind, sentence):
        info_nce_loss(*tensors, **settings)


def test_the_keys_are_named_in_the_formula():
    shared = lossbook.explain("InfoNCE", *batch("shared"), in_batch=True).formula
    assert r"K_i = \{k_1, \dots, k_N, n_1, \dots, n_M\}" in shared
    assert r"K_i = \{k_i, n_{i1}, \dots, n_{iM}\}" in lossbook.explain("infonce", *batch("each")).formula
    assert r"K_i = \{k_1, \dots, k_N\}" in lossbook.explain(InfoNCELoss(), *batch("none")).formula


def test_verify_names_what_is_wrong():
    def transposed(query, key):
        return info_nce_loss(key, query)

    def decoupled(query, key):
        scores = F.normalize(query, dim=1) @ F.normalize(key, dim=1).T / 0.1
        itself = torch.eye(len(query), dtype=torch.bool)
        return (scores.masked_fill(itself, -math.inf).logsumexp(1) - scores.diagonal()).mean()

    assert "rows and columns" in lossbook.verify(transposed, like="info_nce").diagnosis
    assert "own key is missing" in lossbook.verify(decoupled, like="info_nce").diagnosis
