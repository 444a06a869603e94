"""The losses of other people's code: `lossbook verify MODULE`, and the plugin `pytest --lossbook`."""

import subprocess
import sys
from types import ModuleType

import pytest
from torch import nn

from lossbook.__main__ import main
from lossbook.found import losses_in, verified
from lossbook.verifying.alone.usual import usual_call

pytest_plugins = ["pytester"]

LOSSES = """
import torch
from torch import nn
from torch.nn.functional import l1_loss  # another's: not looked at

class BaseLoss(nn.Module):
    pass

class SquareLoss(BaseLoss):
    def forward(self, prediction, target):
        return (prediction - target).square().mean()

def focal_loss(logits, labels, gamma):
    p = logits.softmax(1).gather(1, labels[:, None])
    return (-((1 - p) ** gamma) * p.log()).mean()

def in_place_loss(prediction, target):
    return prediction.sub_(target).abs().mean()

def hard_loss(boxes, names):
    return boxes[names["first"]]

def batch():
    return torch.randn(4, 3), torch.randn(4, 3)

def absolute(prediction, target):
    return (prediction - target).abs().mean()

absolute.__lossbook__ = {"like": "l1"}

class Marked(SquareLoss):
    __lossbook__ = {"inputs": batch}
"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    (tmp_path / "losses.py").write_text(LOSSES, "utf-8")
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.modules.pop("losses", None)


@pytest.mark.parametrize("place", ["losses.py", "losses"])
def test_every_loss_of_a_module(capsys, home, place):
    assert main(["verify", place]) == 1
    out = capsys.readouterr().out
    assert "absolute agrees with l1." in out
    assert "Marked shows no fault.\nCalled as Marked(prediction: (4, 3), target: (4, 3))." in out
    assert "SquareLoss shows no fault." in out
    assert "focal_loss(logits: (8, 4), labels: int64 (8,), gamma: 2.0). Guessed settings: gamma=2.0." in out
    assert "in_place_loss has a fault." in out
    assert "The loss overwrites argument 1" in out
    assert "hard_loss was not tried: none of the usual inputs fits it" in out
    assert "BaseLoss has" not in out
    assert "l1_loss" not in out
    assert out.endswith("6 losses: 4 without a fault, 1 with one, 1 not tried.\n")


def test_a_module_without_losses(capsys, tmp_path, monkeypatch):
    (tmp_path / "empty.py").write_text("x = 1\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    assert main(["verify", "empty.py"]) == 2
    assert "empty has no loss" in capsys.readouterr().err


def test_a_mark_that_is_none():
    module = ModuleType("losses")

    class Loss(nn.L1Loss):
        __module__ = "losses"
        __lossbook__ = "l1"

    module.Loss = Loss
    (found,) = losses_in(module)
    with pytest.raises(TypeError, match=r'Loss.__lossbook__ must be a dictionary .* such as {"like": "mse"}, got str'):
        verified(found)


@pytest.mark.parametrize(
    ("loss", "inputs"),
    [
        (nn.CrossEntropyLoss, "_class_numbers"),
        (lambda logits, labels: nn.functional.cross_entropy(logits.flatten(2), labels.flatten(1)), "_pixels"),
        (nn.BCELoss, "_probabilities"),
        (nn.MSELoss(), "_answers"),
        (lambda p, y: (p - y).square().mean(), "_answers"),
        (nn.TripletMarginLoss, "_triplets"),
        (nn.CosineEmbeddingLoss, "_pairs"),
        (lambda image: (image[:, :, 1:] - image[:, :, :-1]).abs().mean() / image.shape[3], "_one_image"),
    ],
)
def test_usual_inputs(loss, inputs):
    arguments, guessed = usual_call(loss)
    assert arguments["inputs"].__name__ == inputs
    assert not guessed


def test_the_command_loads_no_torch_where_it_computes_nothing():
    code = "import sys; from lossbook.__main__ import main; main(['list']); import lossbook.pytest_plugin; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


# ---- the plugin

PLUGIN = ["-plossbook.pytest_plugin", "-pno:lossbook", "-pno:cacheprovider"]  # registered or not


def test_the_plugin_checks_what_is_marked(pytester):
    pytester.makepyfile(losses=LOSSES + "\nin_place_loss.__lossbook__ = {'inputs': batch}\n")
    pytester.makepyfile(other="raise RuntimeError('nothing is marked here, so it is not imported')")
    pytester.makepyfile("def test_own(): pass")
    ran = pytester.runpytest_inprocess(*PLUGIN, "--lossbook", "-v")
    ran.assert_outcomes(passed=3, failed=1)
    ran.stdout.fnmatch_lines(
        ["*losses.py::absolute PASSED*", "*losses.py::Marked PASSED*", "*in_place_loss has a fault.*"]
    )
    ran.stdout.fnmatch_lines(["*The loss overwrites argument 1*"])
    ran.stdout.no_fnmatch_line("*Traceback*")


def test_the_plugin_is_asked_for(pytester):
    pytester.makepyfile(losses=LOSSES)
    pytester.makepyfile("def test_own(): pass")
    pytester.runpytest_inprocess(*PLUGIN).assert_outcomes(passed=1)


def test_what_is_to_be_looked_at_stands_in_the_report(pytester):
    pytester.makepyfile(
        losses="""
        def idle(prediction, target):
            return prediction.square().mean()

        def batch():
            import torch
            return torch.randn(4, 3), torch.randn(4, 3)

        idle.__lossbook__ = {"inputs": batch}
        """
    )
    ran = pytester.runpytest_inprocess(*PLUGIN, "--lossbook", "-rP")
    ran.assert_outcomes(passed=1)
    ran.stdout.fnmatch_lines(["*target changes nothing*"])


def test_a_wrong_mark_is_an_error(pytester):
    pytester.makepyfile(losses="def absolute(a, b):\n    pass\n\nabsolute.__lossbook__ = {'like': 'l0'}\n")
    ran = pytester.runpytest_inprocess(*PLUGIN, "--lossbook")
    ran.assert_outcomes(failed=1)
    ran.stdout.fnmatch_lines(["*The catalogue has no loss 'l0'*"])


def test_the_plugin_is_registered():
    from importlib.metadata import entry_points

    ours = [e.value for e in entry_points(group="pytest11") if e.name == "lossbook"]
    if not ours:
        pytest.skip("the package was installed before it had a plugin")
    assert ours == ["lossbook.pytest_plugin"]
