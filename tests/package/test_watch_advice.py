"""What `watch` tells people to write instead fits what it has seen."""

import pytest
import torch
from torch import nn
from torch._C._autograd import SavedTensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import lossbook
from lossbook.watching import distances
from lossbook.watching.observation import LARGEST, observe


@pytest.mark.parametrize(
    ("labels", "instead"),
    [((1, 2), "write target - 1"), ((2, 4), "(target == 4)"), ((0, 255), "target.max()"), ((0, 1, 2), "one_hot")],
)
def test_what_to_write_instead_fits_the_labels(labels, instead):
    target = torch.tensor(labels, dtype=torch.float32).repeat(4)
    report = lossbook.examine(nn.BCEWithLogitsLoss(), torch.randn(len(target), requires_grad=True), target)
    assert instead in report.findings[0].instead


@pytest.mark.skipif(not hasattr(SavedTensor, "data"), reason="This torch does not show what a layer was given.")
def test_large_inputs_are_named_where_probabilities_saturate():
    def own(p, y):
        return -(y * p.log() + (1 - y) * (1 - p).log()).mean()

    net = nn.Sequential(nn.Linear(4, 1), nn.Sigmoid())
    nn.init.constant_(net[0].weight, 1.0)
    for scale, said in ((60.0, "The inputs go up to 60."), (30.0, "")):
        report = lossbook.examine(own, net(torch.full((8, 4), scale)), torch.zeros(8, 1))
        assert report.findings[0].kind == "loss-not-finite"
        assert ("The inputs" in report.findings[0].sentence) == bool(said)
        assert said in report.findings[0].sentence


def test_probabilities_that_a_mask_made_0_are_not_laid_to_large_scores():
    def entropy(p):
        return -(p * p.log()).sum(1).mean()

    scores = nn.Linear(4, 3)(torch.randn(8, 4))
    allowed = scores.masked_fill(torch.tensor([False, True, False]), -torch.inf)
    report = lossbook.examine(entropy, allowed.softmax(1))
    assert report.findings[0].kind == "loss-not-finite"
    assert "so large" not in report.findings[0].sentence


class Largest(TorchDispatchMode):
    """Keeps how many numbers the largest result of torch holds."""

    numbers = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        self.numbers = max([self.numbers, *(t.numel() for t in tree_leaves(result) if isinstance(t, torch.Tensor))])
        return result


def test_of_many_pairs_some_are_compared():
    labels = torch.tensor([1, -1]).repeat(LARGEST // 2)
    call = observe(nn.HingeEmbeddingLoss(), (labels.double().requires_grad_(), labels), {})
    with Largest() as largest:
        assert distances.pairs(call).turned == 1
    assert largest.numbers < 20 * LARGEST


def test_where_nan_began_is_said_only_of_inputs_that_were_seen():
    x = torch.tensor([[1.0, torch.nan], [0.0, 0.0]])
    for prediction, said in (
        ((x * nn.Parameter(torch.ones(2))).sum(1), "so it began in the data or inside of the model"),
        ((nn.Linear(2, 2)(torch.ones(2, 2)) - 100).sqrt().sum(1), "so it began inside of the model"),
    ):
        [finding] = lossbook.examine(nn.MSELoss(), prediction, torch.zeros(2)).findings
        assert said in finding.sentence
