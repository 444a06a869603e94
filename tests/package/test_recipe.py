"""The recipe of CONTRIBUTING for a new loss, followed in a copy of the package: three places, and the tests know the loss."""

import ast
import os
import shutil
import subprocess
import sys

import pytest

from tools.book import ROOT

TESTS = [
    str(next(ROOT.glob(f"tests/**/test_{name}.py")).relative_to(ROOT))
    for name in ("catalogue", "losses", "explain", "formulas", "curves", "plot", "verify")
]
LOSS = '''"""Log-cosh loss: squared error near zero, absolute error in the tails, without a seam."""

import math

import torch

from ..guards.tensors import check_pair
from ..kit.batches.by_element import elementwise, error_edges, two_numbers
from ..kit.entry import Entry, Term, uniform
from ..kit.loss import Loss, loss_function, reduce
from ..kit.settings import Reduction
from ..kit.steps import by_element, error_step
from ..kit.text import number
from ..kit.views import OF_ERROR


@loss_function
def toy_loss(input: torch.Tensor, target: torch.Tensor, *, reduction: Reduction = "mean") -> torch.Tensor:
    r"""The logarithm of the hyperbolic cosine of the error.

    .. math:: \\ell(\\hat{y}, y) = \\log \\cosh(\\hat{y} - y)

    >>> toy_loss(torch.zeros(2), torch.zeros(2))
    tensor(0.)
    """
    check_pair(input, target)
    error = input - target
    return reduce(torch.logaddexp(error, -error) - math.log(2), reduction)


class ToyLoss(Loss):
    function = toy_loss


def definition(prediction, target):
    for p, y in zip(prediction, target, strict=True):
        yield Term(math.log(math.cosh(p - y)))


def formula():
    return r"\\ell(\\hat{y}, y) = \\log \\cosh(\\hat{y} - y)"


def term(prediction, target):
    return f"ln ((e^({number(prediction - target)}) + e^({number(target - prediction)})) / 2)"


ENTRY = Entry(
    name="toy",
    family="regression",
    module=ToyLoss,
    definition=definition,
    formula=formula,
    steps=by_element(toy_loss, term, first=error_step),
    views=(OF_ERROR,),
    batches=elementwise(two_numbers, error_edges),
    sample=lambda g: (uniform(g, 12), uniform(g, 12)),
)
'''


def run(folder, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-o",
        "addopts=--doctest-modules",
        "-p",
        "no:cacheprovider",
        *arguments,
    ]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.fixture
def copy(tmp_path):
    for name in ("lossbook", "tests", "tools"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "book/languages.yml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def follow(copy):
    """The recipe: the loss's file, a line in the catalogue, a line in its door."""
    (copy / "lossbook/losses/toy.py").write_text(LOSS, "utf-8")
    catalogue, door = copy / "lossbook/catalogue.py", copy / "lossbook/beyond.py"
    catalogue.write_text(catalogue.read_text("utf-8").replace('    "mse",\n', '    "toy",\n    "mse",\n'), "utf-8")
    imports, listed = door.read_text("utf-8").split("__all__ = ")
    listed = sorted([*ast.literal_eval(listed), "ToyLoss", "toy_loss"])
    door.write_text(f"{imports}from .losses.toy import ToyLoss, toy_loss\n\n__all__ = {listed}\n", "utf-8")


def names(folder):
    """The tests there are, by name."""
    said = run(folder, "--collect-only", *TESTS).stdout
    return {line for line in said.splitlines() if "::" in line}


def test_a_new_loss_is_three_places(copy):
    before = names(copy)
    follow(copy)
    after = names(copy)
    assert before <= after, "tests of other losses have changed"
    assert all("toy" in name for name in after - before)
    assert len(after - before) > 30
    done = run(copy, "-k", "toy or catalogue", *TESTS, "lossbook/losses/toy.py")
    assert done.returncode == 0, done.stdout[-3000:]


def test_a_loss_that_is_left_out_of_its_door_is_found(copy):
    (copy / "lossbook/losses/toy.py").write_text(LOSS, "utf-8")
    done = run(copy, TESTS[0])
    assert "test_every_file_has_an_entry" in done.stdout
    assert done.returncode == 1
