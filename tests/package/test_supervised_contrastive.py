"""The supervised contrastive loss against peers that compute otherwise, and where there is little to compare."""

import math

import pytest
import torch
from torch.nn import functional as F
from torch.testing import assert_close

import lossbook
from lossbook.beyond import nt_xent_loss, supervised_contrastive_loss

from .test_info_nce import batch, wave

CLASSES = torch.tensor([0, 1, 0, 2, 1, 0])  # the fourth is alone

#: Value, and gradient with respect to the first vector, of SupConLoss from pytorch-metric-learning 2.9.0.
BY_PYTORCH_METRIC_LEARNING = {
    0.1: (15.1763787308, -0.7305915336, 0.4818931782, 1.2513275243),
    0.5: (3.608915661, -0.1598316841, 0.1054238856, 0.2737532211),
}


@pytest.mark.parametrize("temperature", BY_PYTORCH_METRIC_LEARNING)
def test_equals_pytorch_metric_learning(temperature):
    vectors = wave(6, 3)
    value = supervised_contrastive_loss(vectors, CLASSES, temperature=temperature)
    (slope,) = torch.autograd.grad(value, vectors)
    assert [value.item(), *slope[0].tolist()] == pytest.approx(BY_PYTORCH_METRIC_LEARNING[temperature], abs=1e-9)


def by_its_authors(vectors, classes, temperature, base_temperature):
    """The formula of SupConLoss in github.com/HobbitLong/SupContrast, one view, alone samples counted with 0."""
    features = F.normalize(vectors, dim=1)
    logits = features @ features.T / temperature
    logits = logits - logits.max(1, keepdim=True).values.detach()
    logits_mask = 1 - torch.eye(len(features), dtype=features.dtype)
    mask = (classes[:, None] == classes).to(features.dtype) * logits_mask
    log_prob = logits - (logits.exp() * logits_mask).sum(1, keepdim=True).log()
    count = torch.where(mask.sum(1) < 1e-6, 1, mask.sum(1))
    return -(temperature / base_temperature) * (mask * log_prob).sum(1) / count


@pytest.mark.parametrize("temperature", [0.07, 0.5])
@pytest.mark.parametrize("base_temperature", [0.07, 1.0])
def test_equals_the_code_of_its_authors(temperature, base_temperature):
    vectors = wave(6, 3)
    settings = {"temperature": temperature, "base_temperature": base_temperature, "count_alone": True}
    losses = by_its_authors(vectors, CLASSES, temperature, base_temperature)
    for reduction, expected in (("none", losses), ("mean", losses.mean()), ("sum", losses.sum())):
        value = supervised_contrastive_loss(vectors, CLASSES, **settings, reduction=reduction)
        assert_close(value, expected)
        assert_close(*(torch.autograd.grad(v.sum(), vectors, retain_graph=True)[0] for v in (value, expected)))


def test_of_two_views_it_is_nt_xent():
    views = batch("none")
    vectors, classes = torch.cat(views), torch.arange(4).repeat(2)
    for positives in ("out", "in"):
        value = supervised_contrastive_loss(vectors, classes, temperature=0.5, positives=positives)
        assert_close(value, nt_xent_loss(*views, temperature=0.5))


def test_the_logarithm_of_the_mean_is_never_larger():
    vectors = wave(6, 3)
    out, inside = (supervised_contrastive_loss(vectors, CLASSES, positives=p, reduction="none") for p in ("out", "in"))
    assert (inside <= out + 1e-12).all()
    assert (inside[:3] < out[:3]).any()
    assert_close(inside[1], out[1])  # of one positive both are alike


@pytest.mark.parametrize("positives", ["out", "in"])
@pytest.mark.parametrize("count_alone", [False, True])
def test_no_sample_has_another_of_its_class(positives, count_alone):
    """The authors' first code gives nan for one such sample."""
    vectors = torch.eye(3, requires_grad=True)
    settings = {"positives": positives, "count_alone": count_alone}
    mean = supervised_contrastive_loss(vectors, torch.arange(3), **settings)
    assert mean == 0 if count_alone else mean.isnan()
    total = supervised_contrastive_loss(vectors, torch.arange(3), **settings, reduction="sum")
    assert total == 0
    assert torch.equal(torch.autograd.grad(total, vectors)[0], torch.zeros(3, 3))
    some = supervised_contrastive_loss(vectors, torch.tensor([0, 0, 1]), **settings)
    assert torch.autograd.grad(some, vectors)[0].isfinite().all()


@pytest.mark.parametrize("positives", ["out", "in"])
def test_one_sample_and_none(positives):
    for n in (0, 1):
        vectors, classes = torch.ones(n, 3, requires_grad=True), torch.zeros(n).long()
        total = supervised_contrastive_loss(vectors, classes, positives=positives, reduction="sum")
        assert total == 0
        assert torch.autograd.grad(total, vectors)[0].isfinite().all()
        assert supervised_contrastive_loss(vectors, classes, positives=positives).isnan()


@pytest.mark.parametrize("positives", ["out", "in"])
@pytest.mark.parametrize("n", [1, 3])
def test_no_nan_arises_on_the_way_back_where_a_sample_is_alone(n, positives):
    """None in the gradient, and none that torch's detection of anomalies would stop at."""
    vectors = torch.eye(3, requires_grad=True)
    with torch.autograd.set_detect_anomaly(True):
        loss = supervised_contrastive_loss(vectors[:n], torch.arange(n), positives=positives, reduction="sum")
        assert torch.equal(torch.autograd.grad(loss, vectors)[0], torch.zeros(3, 3))


def test_a_sample_that_is_alone_has_no_probability_of_others():
    shares = lossbook.explain("supervised_contrastive", torch.ones(1, 3), torch.tensor([0])).steps[1].value
    assert shares.tolist() == [[0.0]]


def test_one_class_of_equal_vectors():
    """Nothing tells them apart: each has a share of 1/(N − 1)."""
    vectors = torch.ones(5, 3, requires_grad=True)
    loss = supervised_contrastive_loss(vectors, torch.zeros(5).long())
    assert_close(loss, torch.tensor(4.0).log())
    assert torch.autograd.grad(loss, vectors)[0].isfinite().all()


@pytest.mark.parametrize("positives", ["out", "in"])
def test_a_temperature_near_0(positives):
    vectors = torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]], requires_grad=True)
    for classes in ([0, 0, 1, 1], [0, 1, 0, 1]):
        loss = supervised_contrastive_loss(vectors, torch.tensor(classes), temperature=1e-4, positives=positives)
        assert loss.isfinite()
        assert torch.autograd.grad(loss, vectors)[0].isfinite().all()


def test_nan_is_not_hidden():
    vectors = torch.tensor([[math.nan, 1.0], [1.0, 0.0]])
    assert supervised_contrastive_loss(vectors, torch.zeros(2).long()).isnan()


TWO = torch.ones(2, 3)
WRONG = {
    "features with views": ((torch.ones(2, 2, 3), torch.zeros(2).long()), {}, ValueError, r"shape \(N, D\), got"),
    "a column of classes": ((TWO, torch.zeros(2, 1).long()), {}, ValueError, r"target.squeeze\(1\)"),
    "classes as numbers": ((TWO, torch.zeros(2)), {}, TypeError, r"Write target.long\(\)"),
    "other positives": ((TWO, torch.zeros(2).long()), {"positives": "all"}, ValueError, "must be one of 'out', 'in'"),
    "no base": ((TWO, torch.zeros(2).long()), {"base_temperature": 0.0}, ValueError, "base_temperature must be larger"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_is_told_in_a_sentence(case, refuses):
    tensors, settings, kind, sentence = WRONG[case]
    with refuses(kind, sentence):
        supervised_contrastive_loss(*tensors, **settings)


def test_verify_names_what_is_wrong():
    def with_itself(vectors, classes):
        z = F.normalize(vectors, dim=1)
        alike = (classes[:, None] == classes).to(z.dtype)
        return (-((z @ z.T / 0.1).log_softmax(1) * alike).sum(1) / alike.sum(1)).mean()

    assert "compared with itself" in lossbook.verify(with_itself, like="supcon").diagnosis
