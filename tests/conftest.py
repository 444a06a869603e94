"""What every test finds: fixed seeds, one thread, English, and no figure left open."""

import matplotlib
import pytest
import torch

import lossbook

matplotlib.use("Agg")
torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _same_start():
    torch.manual_seed(0)
    lossbook.set_language("en")
    yield
    lossbook.set_language("en")


@pytest.fixture
def styled():
    """Pictures as the book draws them."""
    lossbook.set_style()
    yield
    matplotlib.pyplot.close("all")
    matplotlib.rcdefaults()


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


@pytest.fixture
def comparable():
    """A gradient as it arrives below the input. torch's gradient of CTC contains the step through log_softmax already,
    ours does not: both agree once they have taken it."""

    def project(entry, gradient, inputs):
        if entry.name != "ctc":
            return gradient
        return gradient - inputs[0].detach().exp() * gradient.sum(-1, keepdim=True)

    return project
