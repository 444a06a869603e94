"""Cross-entropy, NLL, BCE and hinge: what they take, what they give, how they hang together."""

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.testing import assert_close

SCORES, CLASSES = torch.tensor([[2.0, 0.5, -1.0], [0.3, 0.1, 1.2], [-0.7, 0.9, 0.4]]), torch.tensor([0, 2, 0])


def _gradient(loss, x: Tensor, *rest: Tensor) -> Tensor:
    x = x.clone().requires_grad_()
    return torch.autograd.grad(loss(x, *rest), x)[0]


def cross_entropy_is_categorical():
    """nn.CrossEntropyLoss is minus the sum of one-hot times log softmax: categorical cross-entropy itself."""
    one_hot = F.one_hot(CLASSES, 3)
    categorical = -(one_hot * SCORES.softmax(dim=1).log()).sum(dim=1).mean()
    assert_close(nn.CrossEntropyLoss()(SCORES, CLASSES), categorical)


def cross_entropy_is_minus_log_probability():
    """For one sample it is minus the logarithm of the true class's softmax."""
    total = math.exp(2) + math.exp(0.5) + math.exp(-1)
    assert_close(F.cross_entropy(SCORES[:1], CLASSES[:1]), torch.tensor(-math.log(math.exp(2) / total)))


def cross_entropy_subtracts_nothing():
    """It is no difference of score and class: it is positive, and adding 100 to all scores changes nothing."""
    scores, true = SCORES[0], torch.tensor(1)
    loss = F.cross_entropy(scores, true)
    assert loss > 0
    assert_close(F.cross_entropy(scores + 100, true), loss, atol=1e-5, rtol=0)
    assert abs(loss - abs(scores[1] - 1)) > 0.1


def cross_entropy_takes_logits():
    """It applies log-softmax itself; PyTorch's documentation says logits."""
    assert_close(F.cross_entropy(SCORES, CLASSES), -SCORES.log_softmax(dim=1)[range(3), CLASSES].mean())
    assert "unnormalized logits" in nn.CrossEntropyLoss.__doc__


def softmax_twice_leaves_a_floor():
    """Given perfect probabilities in place of logits, it still costs log(1 + (C-1)/e); given logits, nothing."""
    for classes in (2, 5, 10):
        perfect = torch.eye(classes)[:1]
        floor = torch.tensor(math.log(1 + (classes - 1) / math.e))
        assert_close(F.cross_entropy(perfect, torch.tensor([0])), floor)
        assert floor > 0.3
        assert F.cross_entropy(100 * perfect, torch.tensor([0])) == 0


def softmax_twice_shrinks_gradients():
    """A badly wrong sample: with a softmax before the loss the gradient is over 100 times smaller."""
    wrong, true = torch.tensor([[0.0, 9.0, 0.0, 0.0, 0.0]]), torch.tensor([0])
    once = _gradient(F.cross_entropy, wrong, true)
    twice = _gradient(lambda z, y: F.cross_entropy(z.softmax(dim=1), y), wrong, true)
    assert once.abs().max() > 100 * twice.abs().max() > 0


def cross_entropy_needs_no_one_hot():
    """A class number and its one-hot probabilities give the same; soft targets are taken too."""
    one_hot = F.one_hot(CLASSES, 3).float()
    assert_close(F.cross_entropy(SCORES, CLASSES), F.cross_entropy(SCORES, one_hot))
    assert F.cross_entropy(SCORES, 0.9 * one_hot + 0.1 / 3) > F.cross_entropy(SCORES, one_hot)


def cross_entropy_is_entropy_plus_kl():
    """CE(p, q) = H(p) + KL(p, q): for q = p it is the entropy of p, which is 0 only for one-hot p."""
    p, q = torch.tensor([[0.7, 0.2, 0.1]]), torch.tensor([[0.5, 0.3, 0.2]])
    entropy, kl = -(p * p.log()).sum(), (p * (p / q).log()).sum()
    assert_close(F.cross_entropy(q.log(), p), entropy + kl)
    assert_close(F.cross_entropy(p.log(), p), entropy)
    assert entropy > 0.5
    assert kl > 0


def cross_entropy_is_log_softmax_and_nll():
    """Log-softmax, then NLL: the same number to the last bit."""
    assert torch.equal(F.cross_entropy(SCORES, CLASSES), F.nll_loss(SCORES.log_softmax(dim=1), CLASSES))


def cross_entropy_is_likelihood():
    """exp(-CE) is the geometric mean of the probabilities given to the true classes: less loss, more likelihood."""
    likelihood = SCORES.softmax(dim=1)[range(3), CLASSES].prod()
    assert_close(F.cross_entropy(SCORES, CLASSES).neg().exp(), likelihood ** (1 / 3))


def grad_fn_of_cross_entropy_depends():
    """It is that of NLL for class numbers, and another with label smoothing or probabilities as targets."""
    scores = SCORES.clone().requires_grad_()

    def name(*target, **settings) -> str:
        return type(F.cross_entropy(scores, *target, **settings).grad_fn).__name__

    assert name(CLASSES) == "NllLossBackward0"
    assert not name(CLASSES, label_smoothing=0.1).startswith("Nll")
    assert not name(F.one_hot(CLASSES, 3).float()).startswith("Nll")


def nll_takes_no_logarithm():
    """It picks the input of the true class and changes its sign: probabilities give a negative loss."""
    p = torch.tensor([[0.2, 0.8]])
    assert_close(F.nll_loss(p, torch.tensor([1])), torch.tensor(-0.8))
    assert_close(F.nll_loss(p.log(), torch.tensor([1])), torch.tensor(-math.log(0.8)))


def nll_wants_samples_by_classes():
    """The classes are dimension 1: 3 x 5 scores, or what the convolution gives, 5 x 4 x 8 x 8; not what it takes."""
    assert F.nll_loss(torch.randn(3, 5).log_softmax(dim=1), torch.tensor([1, 0, 4])).isfinite()
    data, target = torch.randn(5, 16, 10, 10), torch.randint(4, (5, 8, 8))
    scores = nn.Conv2d(16, 4, 3)(data)
    assert scores.shape == (5, 4, 8, 8)
    assert F.nll_loss(scores.log_softmax(dim=1), target).isfinite()
    with pytest.raises(RuntimeError):
        F.nll_loss(data, target)


def nll_targets_have_a_range():
    """Classes run from 0 to C-1; -100 is ignored; all else is refused."""
    scores = torch.randn(3, 5).log_softmax(dim=1)
    assert_close(F.nll_loss(scores, torch.tensor([1, 0, -100])), -(scores[0, 1] + scores[1, 0]) / 2)
    for beyond in (5, -1):
        with pytest.raises(IndexError):
            F.nll_loss(scores, torch.tensor([1, 0, beyond]))


def bce_is_cross_entropy_of_two_classes():
    """BCE of a score is cross-entropy of the scores 0 and z."""
    z = torch.linspace(-4, 4, 9)
    y = (z > 1).long()
    two_classes = torch.stack([torch.zeros(9), z], dim=1)
    assert_close(F.binary_cross_entropy(z.sigmoid(), y.float()), F.cross_entropy(two_classes, y))


def bce_takes_soft_and_many_labels():
    """Targets may be any number from 0 to 1, and each sample may carry several labels."""
    p, soft = torch.tensor([[0.7, 0.2, 0.6]]), torch.tensor([[0.9, 0.1, 1.0]])
    by_hand = -(soft * p.log() + (1 - soft) * (1 - p).log()).mean()
    assert_close(F.binary_cross_entropy(p, soft), by_hand)


def sigmoid_lies_between():
    """Between 0 and 1, and for scores near 0 near 0.5."""
    p = torch.sigmoid(torch.tensor([-5.0, -0.1, 0.0, 0.1, 5.0]))
    assert 0 < p.min() < p.max() < 1
    assert p[2] == 0.5
    assert (p[1:4] - 0.5).abs().max() < 0.03


def bce_with_logits_is_sigmoid_and_bce():
    """Sigmoid and BCE in one."""
    z, y = torch.randn(50), torch.randint(2, (50,)).float()
    assert_close(F.binary_cross_entropy_with_logits(z, y), F.binary_cross_entropy(z.sigmoid(), y))


def bce_with_logits_is_stable():
    """A score of 20 for label 0 costs 20, with gradient 1. In two steps float32 says 100, with gradient 0."""
    z, y = torch.tensor([20.0]), torch.zeros(1)
    assert_close(F.binary_cross_entropy_with_logits(z, y), torch.tensor(20.0))
    assert_close(_gradient(F.binary_cross_entropy_with_logits, z, y), torch.ones(1))
    assert F.binary_cross_entropy(z.sigmoid(), y) == 100
    assert _gradient(lambda z, y: F.binary_cross_entropy(z.sigmoid(), y), z, y) == 0


def bce_with_logits_sample_prints_0_2014():
    """Scores of 1.5 with label 1 cost -log(sigmoid(1.5)) = 0.2014 each."""
    loss = nn.BCEWithLogitsLoss(pos_weight=torch.ones(64))(torch.full((10, 64), 1.5), torch.ones(10, 64))
    assert repr(loss) == "tensor(0.2014)"
    assert_close(loss, torch.tensor(-math.log(1 / (1 + math.exp(-1.5)))))


def each_logit_is_a_label_of_its_own():
    """Of 10 x 64 scores each has its own loss: changing one changes no other."""
    z, y = torch.zeros(10, 64), torch.ones(10, 64)
    before = F.binary_cross_entropy_with_logits(z, y, reduction="none")
    z[3, 7] = 5.0
    changed = F.binary_cross_entropy_with_logits(z, y, reduction="none") != before
    assert changed.nonzero().tolist() == [[3, 7]]


def weights_of_one_change_nothing():
    """pos_weight of ones is no weight; of twos it is one."""
    z, y = torch.randn(10, 64), torch.ones(10, 64)
    plain = F.binary_cross_entropy_with_logits(z, y)
    assert F.binary_cross_entropy_with_logits(z, y, pos_weight=torch.ones(64)) == plain
    assert_close(F.binary_cross_entropy_with_logits(z, y, pos_weight=torch.full((64,), 2.0)), 2 * plain)


def hinge_is_not_hinge_embedding():
    """max(0, 1 - y f) costs nothing beyond 1 on the right side; nn.HingeEmbeddingLoss of the same is another."""
    f, y = torch.tensor([2.0, 0.3, -1.0, -0.5, 0.0]), torch.tensor([1.0, 1.0, 1.0, -1.0, -1.0])
    hinge = torch.clamp(1 - y * f, min=0)
    assert_close(hinge, torch.tensor([0.0, 0.7, 2.0, 0.5, 1.0]))
    assert not torch.allclose(hinge, F.hinge_embedding_loss(f, y, reduction="none"))


def hinge_needs_signed_labels():
    """With label 0 every score costs 1, whatever the model says."""
    scores = torch.tensor([-3.0, 0.0, 3.0])
    assert torch.clamp(1 - torch.zeros(3) * scores, min=0).tolist() == [1, 1, 1]
    assert torch.clamp(1 + scores, min=0).tolist() == [0, 1, 4]


def several_classes_need_multi_margin():
    """Its formula compares the true score with each other one; the binary formula has one score only."""
    scores = torch.tensor([[0.1, 0.2, 0.4, 0.8]])
    by_hand = sum(max(0.0, 1 - 0.8 + other) for other in (0.1, 0.2, 0.4)) / 4
    assert_close(F.multi_margin_loss(scores, torch.tensor([3])), torch.tensor(by_hand))


def gradients_need_not_be_stable():
    """MSE behind a sigmoid has no slope where the score is badly wrong, and MSE alone has a huge one far away."""
    z, y = torch.tensor([-20.0]), torch.ones(1)
    assert _gradient(lambda z, y: F.mse_loss(z.sigmoid(), y), z, y).abs() < 1e-8
    assert_close(_gradient(F.binary_cross_entropy_with_logits, z, y), -torch.ones(1))
    assert _gradient(F.mse_loss, torch.tensor([1e6]), y) > 1e6


def metrics_are_not_more_robust():
    """With 99 of 100 in one class "always 0" has accuracy 0.99; and accuracy 1 goes with different losses."""
    labels, always = torch.tensor([1] + 99 * [0]), torch.zeros(100)
    assert (always == labels).double().mean() == 0.99
    assert ((always == 1) & (labels == 1)).sum() == 0  # no true positive: the F-score is 0
    sure, unsure, y = torch.tensor([0.9, 0.1]), torch.tensor([0.51, 0.49]), torch.tensor([1.0, 0.0])
    assert ((sure > 0.5) == (unsure > 0.5)).all()
    assert F.binary_cross_entropy(unsure, y) > 6 * F.binary_cross_entropy(sure, y)
