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
