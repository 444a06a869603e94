"""The catalogue is whole: one entry for each file, one name in functional and nn, or in beyond."""

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import lossbook
from lossbook import catalogue
from lossbook.catalogue import CATALOGUE, find, lookup

from . import TORCH

#: What came to torch later than the oldest version that we support, and with which.
SINCE = {"linear_cross_entropy": (2, 13), "LinearCrossEntropyLoss": (2, 13)}


def test_every_file_has_an_entry():
    files = {path.stem for path in Path(lossbook.__file__).parent.glob("losses/[a-z]*.py")}
    assert files == {entry.name for entry in CATALOGUE}


def test_the_doors_are_the_catalogue():
    """Each loss stands in `functional` and `nn`, or in `beyond`: there, sorted, and never in both. So do its helpers, in `beyond`."""
    functional, nn, beyond = lossbook.functional.__all__, lossbook.nn.__all__, lossbook.beyond.__all__
    functions = {entry.function.__name__ for entry in CATALOGUE if entry.function}
    modules = {entry.module.__name__ for entry in CATALOGUE}
    helpers = {helper.__name__ for entry in CATALOGUE for helper in entry.helpers}
    assert sorted([*functional, *nn, *beyond]) == sorted(
        functions | modules | helpers | {"softmax", "log_softmax", "Softmax", "LogSoftmax"}
    )
    assert helpers <= {*beyond}
    for entry in CATALOGUE:
        assert (entry.module.__name__ in nn) == (entry.function is None or entry.function.__name__ in functional)
    assert [functional, nn, beyond] == [sorted(names) for names in (functional, nn, beyond)]


def test_torch_lacks_what_is_beyond():
    """A newer torch that has one of them makes this fail: move it to `functional` and `nn`."""
    for name in lossbook.beyond.__all__:
        assert not hasattr(torch.nn.functional, name), name
        assert not hasattr(torch.nn, name), name
    for entry in CATALOGUE:
        if entry.module.__name__ in lossbook.beyond.__all__:
            assert entry.torch_module is entry.torch_function is None


def test_torch_has_every_name():
    late = {name for name, since in SINCE.items() if since > TORCH}
    assert {name for name in lossbook.functional.__all__ if not hasattr(torch.nn.functional, name)} <= late
    assert {name for name in lossbook.nn.__all__ if not hasattr(torch.nn, name)} <= late


def test_find_by_any_name():
    for entry in CATALOGUE:
        classes = [kind for kind in (entry.module, entry.torch_module) if kind is not None]
        functions = [function for function in (entry.function, entry.torch_function) if function is not None]
        for name in (entry.name, *functions, *classes, *(kind(**entry.sizes) for kind in classes)):
            assert find(name) is entry


def test_find_by_the_names_that_people_type():
    every = Counter(name for entry in CATALOGUE for name in {*entry.names})
    for entry in CATALOGUE:
        assert not {*entry.also} & {*replace(entry, also=()).names}, "a name twice"
        for name in entry.names:
            if name == entry.name or every[name] == 1:
                assert find(name) is lookup(name) is entry, name


def test_a_name_of_several_losses_lists_them(monkeypatch):
    named = {"l1": ("absolute", "error"), "mse": ("error", "l1")}
    entries = [replace(entry, also=named.get(entry.name, ())) for entry in CATALOGUE]
    monkeypatch.setattr(catalogue, "CATALOGUE", entries)
    assert find("absolute").name == "l1"
    assert find("l1").name == "l1", "a loss's own name means that loss"
    meaning = re.escape("'error' means several losses: 'l1' (L1Loss) and 'mse' (MSELoss). Write the name of the one")
    for ask in (find, lookup, lossbook.explain, lossbook.plot, lambda name: lossbook.verify(abs, like=name)):
        with pytest.raises(ValueError, match=meaning):
            ask("error")
    with pytest.raises(ValueError, match="Did you mean 'absolute'"):
        find("absolut")


def test_every_loss_of_torch_is_here():
    """A newer torch that adds a loss makes this fail: write it."""
    theirs = set(torch.nn.modules.loss.__all__) - {"NLLLoss2d"}  # the deprecated alias of NLLLoss
    ours = {entry.module.__name__ for entry in CATALOGUE if entry.torch_module}
    assert ours == theirs | {"AdaptiveLogSoftmaxWithLoss"}
    functions = {name for name in dir(torch.nn.functional) if name.endswith("_loss") or "cross_entropy" in name}
    ours = {entry.torch_function.__name__ for entry in CATALOGUE if entry.torch_function}
    assert functions - {"kl_div"} <= ours, "a functional form without an entry"


@pytest.mark.parametrize("entry", [e for e in CATALOGUE if e.function], ids=lambda entry: entry.name)
def test_a_batch_of_any_size_to_time_it(entry):
    """What `tools.measure.bench` calls a loss with: rows × columns predictions."""
    prediction, *rest = entry.batches.large(torch.Generator().manual_seed(0), 16, 6)
    assert prediction.numel() == 16 * 6
    assert entry.function(prediction, *rest).isfinite()
