"""`lossbook.verify`: its report, what it says of losses that misbehave, and that it leaves everything as it was."""

import copy
import functools
import random
import re
import signal
import sys
import time
import warnings

import numpy
import pytest
import torch
from torch import nn

import lossbook
from lossbook.catalogue import CATALOGUE
from lossbook.verifying.checks import CHECKS
from lossbook.verifying.subject import outcome
from lossbook.verifying.subject.state import limited
from lossbook.verifying.verify import verify
from tests.package.small_losses import asks_for_a_mask, clears_the_target, right, shaken, spread, two_sorted_rows

pytest_plugins = ["pytester"]

INTERRUPTS = hasattr(signal, "setitimer")
interrupted = pytest.mark.skipif(not INTERRUPTS, reason="On Windows nothing interrupts a loss that does not return.")


def summed(input, target):
    return (input - target).square().sum()


BEYOND = [entry for entry in CATALOGUE if entry.module.__name__ in lossbook.beyond.__all__]


@pytest.mark.parametrize("entry", BEYOND, ids=lambda entry: entry.name)
def test_a_loss_that_torch_lacks_agrees_with_its_name(entry):
    """Those of torch are compared with torch's own, in the zoo."""
    own = entry.module(**entry.sizes) if entry.sizes else None
    report = verify(copy.deepcopy(own), like=own) if own else verify(entry.module, like=entry.name)
    assert report, report
    assert not verify(lambda *tensors: 2 * entry.function(*tensors), like=entry.name)


# ---- the report


def test_a_right_loss():
    report = verify(right, like="mse")
    assert report
    assert str(report).startswith("right agrees with mse.")
    assert {c.state for c in report.checks} == {"passed", "not applicable"}
    assert all(c.why for c in report.checks if c.state == "not applicable")
    assert [c.name for c in report.checks] == [check.name for check in CHECKS]
    assert not report.failures
    assert not report.diagnosis
    report.raise_on_failure()


def test_a_wrong_loss():
    report = verify(summed, like="mse")
    assert not report
    assert [c.name for c in report.failures] == ["value", "forms", "edges"]
    value = report.failures[0].finding
    assert [t.tolist() for t in value.inputs] == [[0, 2], [-1, 0]]
    assert (value.got, value.wanted) == ("5", "2.5")
    assert value.diagnosis == report.diagnosis == "the sum instead of the mean: exactly N times too large"
    number, code = value.line.split(": ", 1)
    assert code == "return (input - target).square().sum()"
    assert int(number) == summed.__code__.co_firstlineno + 1
    assert value.page == "guide/mse"
    with pytest.raises(AssertionError, match="got 5, should be 2.5") as caught:
        report.raise_on_failure()
    assert str(caught.value) == str(report) == repr(report)


def test_settings_and_references():
    assert verify(nn.HuberLoss(delta=2.0), like=nn.HuberLoss(delta=2.0))
    assert not verify(nn.HuberLoss(delta=2.0), like="huber")
    assert verify(nn.HuberLoss(delta=2.0), like="huber", delta=2.0)
    assert verify(lambda input, target: (input - target).square(), like="mse", reduction="none")
    assert verify(summed, like=functools.partial(nn.functional.mse_loss, reduction="sum"))
    assert verify(summed, like=nn.MSELoss, reduction="sum")
    assert verify(right, like=lambda a, b: (a - b).pow(2).mean(), inputs=[(torch.randn(4, 2), torch.randn(4, 2))])


@pytest.mark.parametrize("code", lossbook.language.languages())
def test_the_report_in_each_language(code):
    english = str(verify(summed, like="mse"))
    lossbook.set_language(code)
    report = verify(summed, like="mse")
    assert (str(report) == english) == (code == "en")
    assert "[0, 2], [−1, 0]" in str(report)
    markdown = report._repr_markdown_()
    table = [line for line in markdown.splitlines() if line.startswith("|")]
    assert len(table) == len(CHECKS) + 2
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in table} == {4}
    assert table[1] == "|---|---|---|"
    assert report.failures[0].finding.says.split("(")[0] in markdown


def softmax_twice(input, target):
    return nn.functional.cross_entropy(input.softmax(1), target)


def minus(input, target):
    return -(input - target).abs().mean()


@pytest.mark.parametrize(
    ("loss", "like", "diagnosis"),
    [
        (summed, "mse", "sum instead of the mean"),
        (minus, "l1", "sign is wrong"),
        (lambda input, target: (input - target).square().mean() / 2, "mse", "half"),
        (softmax_twice, "cross_entropy", "softmax"),
        (lambda input, target: right(input, target) + 1, "mse", "constant is added"),
        (lambda input, target: right(input, target).sqrt(), "mse", "root"),
        (lambda input, target: (input - target).abs().mean(), "mse", "another loss: l1"),
        (lambda input, target: right(input, target.detach()).detach(), "mse", "graph is cut"),
    ],
)
def test_the_smallest_input_is_small(loss, like, diagnosis):
    report = verify(loss, like)
    assert diagnosis in report.diagnosis
    inputs = report.failures[0].finding.inputs
    assert sum(t.numel() for t in inputs) <= 4
    assert all(bool((2 * t == (2 * t).round()).all()) for t in inputs), "round numbers"


def clamped_logits(input, target):
    return nn.functional.binary_cross_entropy(input.clamp(0, 1), target, reduction="sum")


def test_a_slip_is_named_under_every_reduction():
    report = verify(clamped_logits, like="bce_with_logits", reduction="sum")
    assert report.diagnosis == "sigmoid is missing: the logits are clamped to [0, 1] and taken for probabilities"


def summed_over_classes(input, target):
    losses = nn.functional.binary_cross_entropy_with_logits(input, target, reduction="none")
    return losses.sum(-1).mean()


def test_a_count_holds_in_every_batch():
    """The loss is C times too large; N is that number in one of the failing batches, of shape (C), only."""
    report = verify(summed_over_classes, like="multilabel_soft_margin")
    forms = next(check.finding for check in report.checks if check.name == "forms")
    assert forms.diagnosis == "too large by the number of all elements: the sum instead of the mean"


def test_twice_the_same():
    for loss, like in ((summed, "mse"), (shaken, "mse"), (softmax_twice, "cross_entropy")):
        assert str(verify(loss, like)) == str(verify(loss, like))


def test_compiled():
    report = verify(right, like="mse", compile=True)
    assert report
    assert report.checks[-1].name == "compile"
    assert report.checks[-1].state == "passed"


# ---- nothing is changed


def everything():
    state = numpy.random.get_state()
    return {
        "torch's random numbers": torch.get_rng_state().tolist(),
        "Python's": random.getstate(),
        "numpy's": (state[0], state[1].tolist(), *state[2:]),
        "dtype": torch.get_default_dtype(),
        "gradients": torch.is_grad_enabled(),
        "threads": torch.get_num_threads(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "anomalies": torch.is_anomaly_enabled(),
        "warnings": list(warnings.filters),
        "output": (sys.stdout, sys.stderr),
        "alarm": (signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL)) if INTERRUPTS else None,
    }


def turns_everything_over(input, target):
    torch.manual_seed(7)
    random.seed(7)
    numpy.random.seed(7)
    torch.set_default_dtype(torch.float64)
    torch.set_grad_enabled(False)
    torch.set_num_threads(2)
    torch.use_deterministic_algorithms(True)
    torch.autograd.set_detect_anomaly(True)
    warnings.simplefilter("error")
    sys.stdout = sys.stderr
    return right(input, target)


def and_raises(input, target):
    turns_everything_over(input, target)
    raise RuntimeError("after all that")


@pytest.mark.parametrize("loss", [right, shaken, turns_everything_over, and_raises])
@pytest.mark.parametrize("mode", [True, False])
def test_global_state_is_as_it_was(loss, mode, capsys):
    with torch.set_grad_enabled(mode):
        before = everything()
        report = verify(loss, like="mse")
        after = everything()
    assert before == after
    assert bool(report) == (loss is right)
    with torch.set_grad_enabled(mode), pytest.raises(ValueError, match="no loss"):
        verify(loss, like="mes")
    assert capsys.readouterr() == ("", "")


class Remembers(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("scale", torch.ones(()))
        self.calls = 0

    def forward(self, input, target):
        self.calls += 1
        self.scale += 1
        return right(input, target)


def test_the_module_given_stays_untouched():
    module = Remembers().eval()
    before = copy.deepcopy(vars(module))
    verify(module, like="mse")
    assert module.calls == 0
    assert module.scale.item() == 1
    assert module.scale.dtype is torch.float32
    assert not module.training
    assert vars(module).keys() == before.keys()
    assert all(not hooks for name, hooks in vars(module).items() if name.endswith("hooks") and hooks is not None)


# ---- losses with bad manners


def prints(input, target):
    print("loss:", right(input, target))
    return right(input, target)


def hangs(input, target):
    while True:
        time.sleep(0.01)


def raises(input, target):
    raise KeyError("weights")


def leaves(input, target):
    sys.exit(3)


def returns_nothing(input, target):
    right(input, target)


class NeverBuilt(nn.Module):
    def __init__(self, width):
        super().__init__()


class NoSuper(nn.Module):
    def __init__(self):
        self.scale = nn.Parameter(torch.ones(()))


@pytest.mark.parametrize(
    ("loss", "check", "words", "ran"),
    [
        (prints, "calls", "prints something", True),
        pytest.param(hangs, "calls", "does not return", False, marks=interrupted),
        (raises, "calls", "KeyError: 'weights'", False),
        (leaves, "calls", "SystemExit: 3", False),
        (returns_nothing, "calls", "got NoneType", False),
        (asks_for_a_mask, "calls", "missing 1 required positional argument: 'mask'", False),
        (clears_the_target, "inputs", "overwrites argument 2", True),
        (NeverBuilt, "calls", "cannot be built without arguments", False),
        (NoSuper, "calls", "super().__init__() is missing", False),
        (nn.Module, "calls", "NotImplementedError", False),
        (3, "calls", "something to call, got int", False),
    ],
)
def test_bad_manners_are_reported(loss, check, words, ran, capsys, monkeypatch):
    monkeypatch.setattr(outcome, "limited", functools.partial(limited, 0.2))
    report = verify(loss, like="mse")
    assert not report
    assert report.ran == ran
    assert report.failures[0].name == check
    assert words in str(report)
    assert "Traceback" not in str(report)
    assert capsys.readouterr() == ("", "")


@interrupted
def test_the_time_limit_cuts_no_import_in_half(tmp_path, monkeypatch):
    (tmp_path / "late.py").write_text("import time\n\ntime.sleep(0.1)\nwhole = True\n", "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with limited(0.01):
        import late
    assert late.whole


class WearsOut(nn.Module):
    def __init__(self):
        super().__init__()
        self.calls = 0

    def forward(self, input, target):
        self.calls += 1
        if self.calls > 23.0:  # as many as are made before the first check
            raise RuntimeError("worn out")
        return right(input, target)


def test_a_loss_that_fails_only_later():
    report = verify(WearsOut(), like="mse")
    states = {check.name: check.state for check in report.checks}
    assert states["value"] == "passed"
    assert states["upstream"] == states["second backward"] == "not applicable"
    assert states["repeatable"] == "failed"
    assert "got worn out" in str(report)


# ---- what cannot be compared


@pytest.mark.parametrize(
    ("arguments", "settings", "error", "sentence"),
    [
        (("mes",), {}, ValueError, "no loss 'mes'. Did you mean 'mse'"),
        ((spread,), {}, TypeError, "spread is not in the catalogue, so its inputs are not known. Give some"),
        ((spread, lambda: 3), {}, TypeError, "must be a tuple of tensors, as the loss takes them, got tuple of int"),
        ((spread, [("a", "b")]), {}, TypeError, "got tuple of str, str"),
        ((spread, []), {}, ValueError, "inputs holds no batch"),
        ((nn.AdaptiveLogSoftmaxWithLoss,), {}, TypeError, "built with the sizes that yours has"),
        (("mse",), {"delta": 3.0}, ValueError, "mse cannot be computed on any of the batches.*delta"),
        ((raises, two_sorted_rows), {}, ValueError, "raises cannot be computed.*KeyError: 'weights'"),
        ((lambda a, b: a.sum() / 0, two_sorted_rows), {}, ValueError, "No finite tensor comes back"),
    ],
)
def test_errors_are_sentences(refuses, arguments, settings, error, sentence):
    with refuses(error, sentence):
        verify(right, *arguments, **settings)


# ---- as tests


def test_loss_checks(pytester):
    pytester.makepyfile(
        """
        import torch
        from lossbook.testing import loss_checks

        test_right = loss_checks(torch.nn.MSELoss(), like="mse")
        test_wrong = loss_checks(lambda a, b: (a - b).square().sum(), like="mse")
        test_broken = loss_checks(lambda a: a, like="mse")
        """
    )
    done = pytester.runpytest_inprocess("-q", "-rs", "-p", "no:cacheprovider")
    outcomes = done.parseoutcomes()
    assert sum(outcomes[k] for k in ("passed", "failed", "skipped")) == 3 * len(CHECKS)
    assert outcomes["failed"] == 4  # value, forms and edges of the wrong one, calls of the broken one
    done.stdout.fnmatch_lines(["*got 5, should be 2.5*", "*diagnosis: the sum instead of the mean*"])
    done.stdout.no_fnmatch_line("*Traceback*")
