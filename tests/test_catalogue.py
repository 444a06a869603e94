"""The catalogue is whole: one entry for each file, one name in functional and in nn."""

from pathlib import Path

import torch

import lossbook
from lossbook.catalogue import CATALOGUE, find


def test_every_file_has_an_entry():
    files = {path.stem for path in Path(lossbook.__file__).parent.glob("losses/*.py")} - {"__init__"}
    assert files == {entry.name for entry in CATALOGUE}


def test_functional_and_nn_are_the_catalogue():
    softmax = {"softmax", "log_softmax"}, {"Softmax", "LogSoftmax"}
    assert (
        set(lossbook.functional.__all__)
        == {entry.function.__name__ for entry in CATALOGUE if entry.function} | softmax[0]
    )
    assert set(lossbook.nn.__all__) == {entry.module.__name__ for entry in CATALOGUE} | softmax[1]


def test_torch_has_every_name():
    assert all(hasattr(torch.nn.functional, name) for name in lossbook.functional.__all__)
    assert all(hasattr(torch.nn, name) for name in lossbook.nn.__all__)


def test_find_by_any_name():
    for entry in CATALOGUE:
        torch_class = getattr(torch.nn, entry.module.__name__)
        modules = entry.module(**entry.sizes), torch_class(**entry.sizes)
        for name in (entry.name, entry.function, entry.module, entry.torch_function, torch_class, *modules):
            assert name is None or find(name) is entry


def test_every_loss_of_torch_is_here():
    """A newer torch that adds a loss makes this fail: write it."""
    theirs = set(torch.nn.modules.loss.__all__) - {"NLLLoss2d"}  # the deprecated alias of NLLLoss
    assert {entry.module.__name__ for entry in CATALOGUE} == theirs | {"AdaptiveLogSoftmaxWithLoss"}
    functions = {name for name in dir(torch.nn.functional) if name.endswith("_loss") or "cross_entropy" in name}
    ours = {entry.torch_function.__name__ for entry in CATALOGUE if entry.torch_function}
    assert functions - {"kl_div"} <= ours, "a functional form without an entry"
