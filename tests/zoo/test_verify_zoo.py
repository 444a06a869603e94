"""`lossbook.verify` on the zoo, and on every loss of torch and lossbook: what it finds, and that it raises no alarm.

Half of the zoo was open while `verify` was written; the other half, held back, is the measure.
"""

import copy
import functools
import inspect
import linecache
import re
from collections import Counter
from pathlib import Path

import pytest
import torch
from torch import nn

import lossbook
from lossbook.catalogue import CATALOGUE
from lossbook.verifying.verify import verify
from tests import zoo

BOOK = Path(__file__).parents[2] / "book" / "en"

#: Wrong losses that are not found, and why.
MISSED = {
    "local_class": "each kind of object can be pickled; only this class has no name that pickle could import",
    "nll_clamp_without_gradient": "torch clamps the variance too, and its own gradient there is only a convention",
    "sum_then_divide": "told as a warning: many train in float16 with batches small enough",
}

WITH_FUNCTION = [entry for entry in CATALOGUE if entry.function is not None]


@functools.cache
def report(specimen_name):
    specimen = next(s for s in zoo.WRONG + zoo.RIGHT if s.name == specimen_name)
    return verify(specimen.loss, specimen.like, specimen.inputs, **specimen.settings)


def _home(specimen):
    homes = {inspect.getmodule(specimen.loss), inspect.getmodule(type(specimen.loss))}
    return next((m.__name__.split(".")[-1] for m in homes if m and ".zoo." in m.__name__), "")


def findings(specimen):
    return [check.finding for check in report(specimen.name).failures if check.finding]


def diagnosed(specimen):
    told = "\n".join(f"{found.says} {found.diagnosis}" for found in findings(specimen))
    return re.search(specimen.diagnosis, told, re.IGNORECASE | re.DOTALL) is not None


def test_the_size_of_the_zoo():
    assert len({s.name for s in zoo.WRONG + zoo.RIGHT}) == len(zoo.WRONG) + len(zoo.RIGHT)
    assert len(zoo.WRONG) >= 520
    assert len(zoo.RIGHT) >= 355
    assert len({s.kind for s in zoo.WRONG}) == 52
    for half in (True, False):
        assert sum(s.held_back is half for s in zoo.WRONG) >= 150
        assert sum(s.held_back is half for s in zoo.RIGHT) >= 150
    by_others = [s for s in zoo.RIGHT if getattr(s.loss, "func", s.loss).__module__.startswith("kornia")]
    assert len(by_others) == 8
    assert {s.name for s in zoo.WRONG} >= MISSED.keys()


@pytest.mark.parametrize("specimen", zoo.RIGHT, ids=lambda s: s.name)
def test_no_false_alarm(specimen):
    assert report(specimen.name), report(specimen.name)


@pytest.mark.parametrize("specimen", zoo.WRONG, ids=lambda s: s.name)
def test_wrong_losses_are_found(specimen):
    assert bool(report(specimen.name)) == (specimen.name in MISSED), MISSED.get(specimen.name)


@pytest.mark.parametrize(("held_back", "share"), [(True, 0.94), (False, 0.95)])
def test_the_slip_is_named(held_back, share):
    found = [s for s in zoo.WRONG if s.held_back is held_back and not report(s.name)]
    other = [s.name for s in found if not diagnosed(s)]
    assert 1 - len(other) / len(found) >= share, f"{len(other)} of {len(found)}: {other}"


@pytest.mark.parametrize("specimen", [s for s in zoo.WRONG if _home(s) == "wrong_of_terms"], ids=lambda s: s.name)
def test_each_slip_of_terms_is_named(specimen):
    assert diagnosed(specimen), report(specimen.name)


def test_each_kind_of_slip_is_found():
    found = Counter(s.kind for s in zoo.WRONG if not report(s.name))
    every = Counter(s.kind for s in zoo.WRONG)
    assert all(2 * found[kind] > every[kind] for kind in every)


def test_findings_are_in_order():
    """Each names a page that exists, quotes a line that stands there, and says something."""
    pages, lines = set(), 0
    for specimen in zoo.WRONG:
        for found in findings(specimen):
            assert found.says
            assert "{" not in found.says + found.diagnosis
            assert bool(found.got) >= bool(found.wanted)
            pages |= {found.page} - {""}
            if found.line:
                number, code = found.line.split(": ", 1)
                file = _source(specimen)
                lines += 1
                assert linecache.getline(file, int(number)).strip() == code
    assert all((BOOK / f"{page}.ipynb").exists() for page in pages), pages
    assert len(pages) >= 10
    assert lines >= 250


def _source(specimen):
    return str(Path(zoo.__file__).parent / f"{_home(specimen)}.py")


@pytest.mark.parametrize(
    "entry", [e for e in WITH_FUNCTION if e.module.__name__ in lossbook.nn.__all__], ids=lambda e: e.name
)
@pytest.mark.parametrize("made", ["torch's function", "lossbook's class", "torch's class"])
def test_every_loss_agrees_with_its_name(entry, made, in_torch):
    if made != "torch's function" and entry.sizes:
        kind = entry.module if made == "lossbook's class" else in_torch(entry.torch_module)
        own = kind(**entry.sizes)
        assert verify(copy.deepcopy(own), like=own)
        return
    loss = {
        "torch's function": entry.torch_function,
        "lossbook's class": entry.module,
        "torch's class": entry.torch_module,
    }[made]
    found = verify(in_torch(loss), like=entry.name)
    assert found, found


def test_a_loss_with_a_layer_of_its_own():
    own = nn.AdaptiveLogSoftmaxWithLoss(6, 10, cutoffs=[4])

    def loss(input, target):
        return own(input, target).loss

    def halved(input, target):
        return own(input, target).loss / 2

    def inputs():
        return torch.randn(6, 6), torch.randint(10, (6,))

    assert verify(loss, like=loss, inputs=inputs)
    assert "half" in verify(halved, like=loss, inputs=inputs).diagnosis
