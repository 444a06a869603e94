"""What every test finds: fixed seeds, one thread, English, and no figure left open."""

import gc
from contextlib import contextmanager

import matplotlib
import pytest
import torch

import lossbook

matplotlib.use("Agg")
torch.set_num_threads(1)
# Parsed pages are millions of objects that stay: to look through them for garbage takes a quarter of the time.
gc.set_threshold(100_000, 50)


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
def refuses():
    """`with refuses(kind, sentence)`: one error of this very kind, in one line, not a chain of errors."""

    @contextmanager
    def refused(kind, sentence):
        with pytest.raises(kind, match=sentence) as caught:
            yield
        assert type(caught.value) is kind
        assert "\n" not in str(caught.value)
        assert caught.value.__context__ is None or caught.value.__suppress_context__, "one error, not a chain of them"

    return refused


@pytest.fixture
def in_torch():
    """`in_torch(torch's own)`: itself; where this torch is too old to have it, the comparison is skipped."""

    def found(own):
        if own is None:
            pytest.skip(f"torch {torch.__version__} lacks this loss, so ours has nothing to be compared with here.")
        return own

    return found


@pytest.fixture
def comparable():
    """A gradient as it arrives below the input. torch's gradient of CTC contains the step through log_softmax already,
    ours does not: both agree once they have taken it."""

    def project(entry, gradient, inputs):
        if entry.name != "ctc":
            return gradient
        return gradient - inputs[0].detach().exp() * gradient.sum(-1, keepdim=True)

    return project
