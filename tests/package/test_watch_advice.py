"""What `watch` tells people to write instead fits what it has seen."""

import pytest
import torch
from torch import nn

import lossbook


@pytest.mark.parametrize(
    ("labels", "instead"),
    [((1, 2), "write target - 1"), ((2, 4), "(target == 4)"), ((0, 255), "target.max()"), ((0, 1, 2), "one_hot")],
)
def test_what_to_write_instead_fits_the_labels(labels, instead):
    target = torch.tensor(labels, dtype=torch.float32).repeat(4)
    report = lossbook.examine(nn.BCEWithLogitsLoss(), torch.randn(len(target), requires_grad=True), target)
    assert instead in report.findings[0].instead


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
