"""What `lossbook.verify` tries a loss on: settings from the signature, larger batches, another device, and no longer
than a loss may take."""

import copy
import inspect
import subprocess
import sys

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from lossbook.catalogue import CATALOGUE
from lossbook.kit.batches.batch import Batch, normal
from lossbook.kit.batches.trials import alone, in_pairs, values_of
from lossbook.kit.loss import rules_of, settings_of
from lossbook.verifying.growth import adds_up, affordable, repeated, sizes
from lossbook.verifying.subject import outcome, state
from lossbook.verifying.subject.elsewhere import DEVICE, Elsewhere, elsewhere
from lossbook.verifying.verify import verify
from tests.package.small_losses import right

WITH_FUNCTION = [entry for entry in CATALOGUE if entry.function is not None]


def check(report, name):
    return next(c for c in report.checks if c.name == name)


# ---- settings


@pytest.mark.parametrize("entry", WITH_FUNCTION, ids=lambda entry: entry.name)
def test_every_setting_of_the_signature_is_tried(entry):
    values = values_of(entry.function, entry.batches)
    how_not_what = {"options"}  # says how the loss is computed, and changes nothing
    assert settings_of(entry.function).keys() - {"reduction"} - how_not_what <= values.keys()
    rules = rules_of(entry.function)
    for name, tried in values.items():
        default = inspect.signature(entry.function).parameters[name].default
        assert tried
        assert all(isinstance(v, torch.Tensor) or callable(v) or v != default for v in tried)
        for value in tried:
            if name in rules:
                rules[name](name, value)


def test_boundaries_pairs_and_reductions():
    entry = next(e for e in CATALOGUE if e.name == "cross_entropy")
    accepted = {"label_smoothing", "ignore_index", "weight", "reduction"}
    singles = list(alone(entry.function, entry.batches, accepted))
    assert [s["label_smoothing"] for s in singles if s.keys() == {"label_smoothing"}] == [0.25, 1.0]
    assert [s["ignore_index"] for s in singles if s.keys() == {"ignore_index"}] == [1, 0, -1]
    pairs = {frozenset(s) for s in in_pairs(entry.function, entry.batches, accepted)}
    assert pairs == {frozenset((a, b)) for a in accepted for b in accepted if a != b}
    reductions = [s["reduction"] for s in in_pairs(entry.function, entry.batches, accepted) if "reduction" in s]
    assert sorted(set(reductions)) == ["none", "sum"]


def beta_in_forward(input, target, beta=1.0):
    return F.smooth_l1_loss(input, target, beta=max(beta, 0.5))


class BetaInForward(nn.Module):
    def forward(self, input, target, beta=1.0):
        return beta_in_forward(input, target, beta)


class BetaWhenBuilt(nn.Module):
    def __init__(self, beta=1.0):
        super().__init__()
        self.beta = beta

    def forward(self, input, target):
        return beta_in_forward(input, target, self.beta)


@pytest.mark.parametrize("loss", [beta_in_forward, BetaInForward, BetaInForward(), BetaWhenBuilt, BetaWhenBuilt()])
def test_a_setting_is_tried_wherever_a_loss_takes_it(loss):
    assert [c.name for c in verify(loss, like="smooth_l1").failures] == ["settings"]


@pytest.mark.parametrize(
    ("loss", "like", "settings", "why"),
    [
        (right, "mse", {}, "it takes none"),
        (
            lambda input, target, reduction="mean": F.mse_loss(input, target, reduction=reduction),
            "mse",
            {},
            "it takes none",
        ),
        (
            lambda x, y, t, margin=0.0: F.margin_ranking_loss(x, y, t, margin),
            "margin_ranking",
            {},
            "margin=0.5, 0.25, 8.0",
        ),
        (lambda input, target, gamma=2.0: right(input, target), "mse", {}, "none of its settings (gamma)"),
        (BetaWhenBuilt(2.0), "smooth_l1", {"beta": 2.0}, "those that it was built with"),
        (F.huber_loss, "huber", {}, "delta=0.5, 2.0, 0.25, 8.0; weight"),
    ],
)
def test_the_report_says_which_settings_were_tried(loss, like, settings, why):
    report = verify(loss, like=like, **settings)
    assert report, report
    assert why in check(report, "settings").why


# ---- larger batches


def rows(n, columns=3):
    g = torch.Generator().manual_seed(n)
    return Batch((normal(g, n, columns), normal(g, n, columns)), "(N, D)")


def all_pairs(input, target):
    return (input[:, None] - target[None]).square().mean()


def one_by_one(input, target):
    return sum((a - b).square().mean() for a, b in zip(input, target, strict=True)) / len(input)


def test_a_batch_grows_as_far_as_time_and_memory_allow():
    def grown(loss, most):
        return affordable([loss], (0,), lambda n: repeated([rows(5)], n), most)

    assert grown(right, 40_000) == 40_000
    assert 150 <= grown(all_pairs, 40_000) < 1000
    assert 8 <= grown(one_by_one, 40_000) < 40_000
    assert affordable([right], (0,), lambda n: repeated([Batch((torch.ones(()),) * 2, "()")], n), 100) == 0


def test_repeated_samples():
    layer = torch.ones(4, 3).double()
    one, other = (Batch((normal(torch.Generator(), n, 3), layer, torch.arange(n) % 4), "(N, D)") for n in (5, 6))
    many = repeated([one, other], 13)
    assert [tuple(t.shape) for t in many.tensors] == [(13, 3), (4, 3), (13,)]
    assert torch.equal(many.tensors[0][:11], torch.cat([one.tensors[0], other.tensors[0]]))
    assert torch.equal(many.tensors[0][11:], one.tensors[0][:2])


@pytest.mark.parametrize(
    ("loss", "adds"),
    [
        (right, True),
        (lambda a, b: (a - b).square().sum(), True),
        (lambda a, b: (a - b).square(), True),
        (lambda a, b: a.max() - b.max(), False),
        (lambda a, b: (a - b).square().sum() / (len(a) - 1), False),
    ],
)
def test_samples_that_do_not_meet(loss, adds):
    assert adds_up(loss, [rows(5), rows(6)]) == adds


BLOCK = 300


def in_blocks(input, target, size=64):
    return right(input[:BLOCK], target[:BLOCK]) if len(input) > 2 * size else right(input, target)


def test_the_sizes_of_blocks_are_read_from_the_code():
    assert sizes(right, rows(5)) == [150, 1009]
    assert sizes(in_blocks, rows(5)) == [63, 64, 65, 150, 299, 300, 301, 1009]
    assert sizes(right, rows(5, columns=2000)) == []  # a table of all pairs of samples would be too large


# ---- another device


def test_tensors_elsewhere_do_not_mix_with_those_here():
    x, y = torch.tensor([[1.0, -2.0], [3.0, 0.5]]), torch.tensor([0, 1])
    with elsewhere() as there:
        away, label = there(x).requires_grad_(), there(y)
        assert away.device == DEVICE
        loss = F.cross_entropy(away, label) + torch.ones_like(away).mean() + torch.tensor([2.0], device=DEVICE)
        loss.sum().backward()
        assert isinstance(loss, Elsewhere)
        assert torch.allclose(loss.held, F.cross_entropy(x, y) + 3)
        assert isinstance(away.grad, Elsewhere)
        assert bool((away > 2).any())
        assert away.tolist() == x.tolist()
        assert not isinstance(away.cpu(), Elsewhere)
        assert torch.equal(away.detach()[torch.tensor([1])].held, x[1:])  # as on a GPU, an index may be here
        for mixes in (lambda: away + torch.ones(2), lambda: torch.eye(2)[label], lambda: torch.zeros(2, 2).add_(away)):
            with pytest.raises(RuntimeError, match="same device"):
                mixes()
        zeros = torch.zeros(2)
        zeros[0] = away[1, 0].detach()  # a copy
        assert zeros.tolist() == [3, 0]


def test_verify_does_not_import_the_compiler():
    """It takes two seconds, and the device check once did so."""
    code = "import sys, lossbook; assert lossbook.verify(lambda a, b: (a - b).square().mean(), like='mse'); "
    code += "sys.exit('torch._dynamo' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# ---- time


@pytest.mark.parametrize("calls", [4, 60, 90, 120])
@pytest.mark.parametrize("factor", [1, 2])
def test_a_slow_loss_is_judged_by_what_it_had_time_for(calls, factor, monkeypatch):
    left = iter(range(calls))

    def runs_out():
        if next(left, None) is None:
            raise state.TimeIsUp

    monkeypatch.setattr(outcome, "check_time", runs_out)
    report = verify(lambda input, target: factor * right(input, target), like="mse")
    assert bool(report) == (factor == 1)
    assert any("no time left" in c.why for c in report.checks)


def test_time_runs_out(monkeypatch):
    monkeypatch.setattr(state, "TIME", -1.0)
    with state.timed(), pytest.raises(state.TimeIsUp):
        state.check_time()
    state.check_time()


# ---- what else is compared


def test_adaptive_log_softmax_can_be_the_right_loss():
    own = nn.AdaptiveLogSoftmaxWithLoss(6, 10, cutoffs=[4])

    class Doubled(nn.AdaptiveLogSoftmaxWithLoss):
        def forward(self, input, target):
            result = super().forward(input, target)
            return result._replace(loss=2 * result.loss)

    wrong = Doubled(6, 10, cutoffs=[4])
    wrong.load_state_dict(own.state_dict())
    assert verify(copy.deepcopy(own), like=own)
    assert verify(wrong, like=own).diagnosis == "twice the right loss"


class WithATeacher(nn.Module):
    def __init__(self):
        super().__init__()
        self.teacher = nn.Linear(3, 3)

    def forward(self, input):
        with torch.no_grad():
            goal = self.teacher(torch.ones_like(input))
        return right(input, goal)


def test_a_network_that_is_not_to_be_trained():
    loss = WithATeacher()
    report = verify(copy.deepcopy(loss), like=loss, inputs=lambda: torch.randn(4, 3))
    assert report, report
    loss.head = nn.Linear(3, 3)
    report = verify(
        loss, like=WithATeacher.forward.__get__(copy.deepcopy(loss).double()), inputs=lambda: torch.randn(4, 3)
    )
    assert report, report
    assert "not to be trained" in check(report, "parameters").why


def test_what_float16_cannot_hold_is_no_fault():
    """The exact sum is larger than 65 504: the right loss adds it up in float32."""

    def in_single(input, target):
        return (input.float() - target.float()).square().sum() * 40

    def as_it_comes(input, target):
        return (input - target).square().sum() * 40

    batch = 30 * torch.ones(8), -30 * torch.ones(8)
    assert verify(as_it_comes, like=in_single, inputs=[batch])


def test_nan_is_told_once():
    """What is no number says nothing of the order, of the gradient from above, of a second backward pass."""

    def mean_of_all(input, target):
        return ((input - target).square() * ~target.isnan()).nan_to_num().mean()

    def nan_in_the_gradient(input, target):
        return F.mse_loss(input, target, reduction="none")[~target.isnan()].sum() / target.numel()

    target = torch.randn(4, 3)
    target[0, 1] = torch.nan
    report = verify(
        nan_in_the_gradient,
        like=lambda a, b: mean_of_all(a, b.where(~b.isnan(), a.detach())),
        inputs=[(torch.randn(4, 3), target)],
    )
    assert {c.name for c in report.failures} & {"upstream", "second backward", "order"} == set()
