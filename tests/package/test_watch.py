"""`watch` and `examine`: what they return, and that nothing else changes."""

import copy
import gc
import logging
import pickle
import weakref

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import lossbook
from lossbook.watching.finding import MisusedLossError
from lossbook.watching.rules import CALL_RULES, TRAINING_RULES
from lossbook.watching.watcher import FIRST

pytestmark = pytest.mark.filterwarnings("ignore:Using a target size")  # torch's own word on what is wrong on purpose
CROSSED = (torch.randn(4, 1), torch.randn(4))


@pytest.fixture(autouse=True)
def _looks_that_fail_are_told(caplog):
    """A look that fails is left out in use; here it is a fault."""
    caplog.set_level(logging.DEBUG, "lossbook.watch")
    yield
    assert [record.exc_text for record in caplog.records if record.levelno == logging.DEBUG] == []


class Weighted(nn.Module):
    """A loss of one's own, with a parameter and a buffer."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))
        self.register_buffer("shift", torch.zeros(1))
        self.report_every = 3

    def forward(self, prediction, target):
        return (self.scale * prediction - target + self.shift).square().mean()


def test_a_watched_module_stays_what_it_was():
    loss = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0]), ignore_index=5)
    watched = lossbook.watch(loss)
    assert isinstance(watched, nn.CrossEntropyLoss)
    assert watched.ignore_index == 5
    assert repr(watched) == repr(loss)
    assert list(watched.state_dict()) == ["weight"]
    assert watched.double().weight.dtype == torch.float64


def test_a_watched_module_shares_its_parameters():
    loss = Weighted()
    watched = lossbook.watch(loss)
    assert [id(p) for p in watched.parameters()] == [id(p) for p in loss.parameters()]
    assert watched.report_every == 3
    assert nn.ModuleList([watched])[0].report is watched.report
    watched.train(False)
    assert not watched.training


@pytest.mark.parametrize("loss", [nn.MSELoss(), Weighted(), F.mse_loss, lambda p, t: (p - t).square().mean()])
def test_values_gradients_and_random_state_are_the_same(loss):
    x, y = torch.randn(6, 2, requires_grad=True), torch.randn(6, 2)
    before = torch.get_rng_state()
    watched = lossbook.watch(loss)
    for _ in range(FIRST + 2):
        value, right = watched(x, y), loss(x, y)
        assert torch.equal(value, right)
        assert value.grad_fn.name() == right.grad_fn.name()
        (gradient,) = torch.autograd.grad(value, x)
        assert torch.equal(gradient, torch.autograd.grad(right, x)[0])
    assert torch.equal(torch.get_rng_state(), before)


def test_it_can_be_copied_and_stored():
    watched = lossbook.watch(nn.HuberLoss(delta=2.0), strict=True)
    for other in (copy.deepcopy(watched), pickle.loads(pickle.dumps(watched))):
        assert isinstance(other, nn.HuberLoss)
        assert other.delta == 2
        assert other.report is not watched.report
        with pytest.raises(MisusedLossError):
            other(*CROSSED)


def test_a_loss_may_have_a_report_of_its_own():
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.report = 2.0

        def forward(self, prediction, target):
            return self.report * (prediction - target).square().mean()

    watched = lossbook.watch(Own())
    assert watched(torch.zeros(3), torch.ones(3)) == 2
    assert watched.report


def test_a_partial_and_a_method_are_losses_too():
    import functools

    assert lossbook.watch(functools.partial(F.huber_loss, delta=0.5))(torch.zeros(2), torch.ones(2)) == 0.375
    assert lossbook.watch(Weighted().forward)(torch.zeros(2), torch.ones(2)) == 1


def test_a_function_keeps_its_name():
    watched = lossbook.watch(F.mse_loss)
    assert watched.__name__ == "mse_loss"
    assert copy.deepcopy(watched)(torch.zeros(2), torch.ones(2)) == 1


def test_nothing_of_a_graph_is_kept():
    watched, weight = lossbook.watch(nn.MSELoss()), torch.ones(3, requires_grad=True)
    alive = []
    for _ in range(3):
        prediction = weight * torch.randn(5, 3)
        target = torch.randn(5, 3)
        loss = watched(prediction, target)
        alive += [weakref.ref(prediction), weakref.ref(target), weakref.ref(loss)]
        loss.backward()
    del prediction, target, loss
    gc.collect()
    assert [ref() for ref in alive] == [None] * 9
    gone = weakref.ref(weight)
    del weight
    gc.collect()
    assert gone() is None


def test_a_watch_that_is_gone_leaves_no_hook():
    from torch.optim import optimizer

    before = len(optimizer._global_optimizer_pre_hooks)
    watched = lossbook.watch(nn.MSELoss())
    watched(torch.zeros(2, requires_grad=True), torch.ones(2))
    assert len(optimizer._global_optimizer_pre_hooks) == before + 1
    del watched
    gc.collect()
    assert len(optimizer._global_optimizer_pre_hooks) == before


def test_after_the_first_calls_only_a_few_are_looked_at(monkeypatch):
    watched = lossbook.watch(nn.MSELoss())
    looks = []
    monkeypatch.setattr(type(watched._watcher), "_look_at_call", lambda self, call, inner: looks.append(self.calls))
    for _ in range(200):
        watched(torch.zeros(2), torch.ones(2))
    assert looks == [*range(1, FIRST + 1), 32, 64, 128]


def test_examine_returns_its_report_and_logs_nothing(caplog):
    assert not lossbook.examine(nn.BCEWithLogitsLoss(), torch.zeros(2), torch.tensor([-1.0, 1.0]))
    assert caplog.records == []


def test_a_finding_is_logged_once_and_says_it_all(caplog):
    watched = lossbook.watch(nn.MSELoss())
    for _ in range(2):
        watched(*CROSSED)
    told = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    (finding,) = watched.report.findings
    assert told == [str(finding)]
    assert (finding.kind, finding.certainty, finding.page, finding.call) == (
        "crossed-shapes",
        "certain",
        "guide/mse",
        1,
    )
    assert finding.evidence == {"one": (4, 1), "other": (4,), "both": (4, 4)}
    assert str(finding) == f"{finding.sentence} {finding.instead}"
    assert "crossed-shapes" in str(watched.report)
    assert not watched.report
    assert "✗" in watched.report._repr_markdown_()


def test_right_use_is_a_true_report():
    watched = lossbook.watch(nn.MSELoss())
    watched(torch.zeros(4, 1), torch.ones(4, 1))
    assert watched.report
    assert str(watched.report) == "Nothing wrong was seen in the use of MSELoss."


def test_strict_raises_what_is_certain():
    with pytest.raises(MisusedLossError, match="broadcast to"):
        lossbook.watch(nn.MSELoss(), strict=True)(*CROSSED)


def test_a_kind_can_be_ignored():
    watched = lossbook.watch(nn.MSELoss())
    watched.ignore("crossed-shapes")
    watched(*CROSSED)
    assert watched.report.findings == []
    with pytest.raises(ValueError, match="Did you mean 'crossed-shapes'"):
        watched.ignore("crosed-shapes")


def test_errors_of_the_loss_stay_errors_and_are_explained():
    watched = lossbook.watch(nn.CrossEntropyLoss())
    with pytest.raises(IndexError, match="out of bounds"):
        watched(torch.zeros(2, 3), torch.tensor([1, 3]))
    assert "Count classes from 0" in str(watched.report.findings[0])


@pytest.mark.parametrize("wrong", [nn.MSELoss, 3])
def test_what_is_no_loss_is_refused(wrong):
    with pytest.raises(TypeError, match="needs a loss"):
        lossbook.watch(wrong)
    with pytest.raises(TypeError, match="needs a loss"):
        lossbook.examine(wrong, torch.zeros(1))


def test_it_steps_aside_under_transformations():
    watched = lossbook.watch(nn.MSELoss())
    gradient = torch.func.grad(lambda w: watched(w * torch.ones(3), torch.zeros(3)))(torch.tensor(2.0))
    assert gradient == 4
    torch.func.vmap(watched)(torch.zeros(3, 2), torch.ones(3, 2))
    assert watched.report
    assert "torch.func" in watched.report.notes[0]


def test_it_steps_aside_in_a_compiled_step():
    watched = lossbook.watch(nn.MSELoss())
    step = torch.compile(lambda p, t: watched(p * 2, t), backend="eager", fullgraph=True)
    assert step(torch.ones(3), torch.zeros(3)) == 4
    assert "torch.compile" in watched.report.notes[0]


def test_a_compiled_model_is_watched():
    net, watched = torch.compile(nn.Linear(3, 1), backend="eager"), lossbook.watch(nn.MSELoss())
    watched(net(torch.randn(4, 3)), torch.randn(4))
    assert [finding.kind for finding in watched.report.findings] == ["crossed-shapes"]


def test_a_loss_in_a_module_is_seen_through():
    class Both(nn.Module):
        def __init__(self):
            super().__init__()
            self.classes, self.numbers = nn.CrossEntropyLoss(), nn.MSELoss()

        def forward(self, outputs, label, number):
            return self.classes(outputs["classes"].softmax(1), label) + self.numbers(outputs["number"], number)

    net, watched = nn.Linear(8, 3), lossbook.watch(Both())
    out = net(torch.randn(5, 8))
    watched({"classes": out, "number": out[:, :1]}, torch.randint(3, (5,)), torch.randn(5))
    assert {f.kind for f in watched.report.findings} == {"softmax-before-cross-entropy", "crossed-shapes"}


def test_examine_looks_at_one_batch():
    state = torch.get_rng_state()
    report = lossbook.examine(lambda p, t: (p - t).square().mean() + 0 * torch.rand(()), *CROSSED)
    assert [finding.kind for finding in report.findings] == ["crossed-shapes"]
    assert torch.equal(torch.get_rng_state(), state)
    report = lossbook.examine(F.cross_entropy, torch.zeros(2, 3), torch.tensor([0, 3]))
    assert report.findings[0].kind == "outside-its-contract"
    assert lossbook.examine(F.huber_loss, torch.zeros(2), torch.ones(2), delta=0.5)


def training(net, optimizer, loss, steps=8, inputs=8):
    for _ in range(steps):
        optimizer.zero_grad()
        loss(net(torch.randn(16, inputs))).backward()
        optimizer.step()


def test_a_loop_is_watched_without_a_change():
    net = nn.Sequential(nn.Linear(8, 4), nn.Softmax(1))
    original = F.cross_entropy
    criterion = nn.CrossEntropyLoss()
    with lossbook.watch(model=net) as w:
        training(net, torch.optim.SGD(net.parameters(), 0.1), lambda out: criterion(out, torch.randint(4, (16,))))
    assert [finding.kind for finding in w.report.findings] == ["softmax-before-cross-entropy"]
    assert F.cross_entropy is original


def test_losses_of_different_lines_are_told_apart():
    net = nn.Linear(8, 1)
    with lossbook.watch() as w:
        for i in range(4):
            F.mse_loss(net(torch.randn(4, 8)), torch.full((4, 1), 10.0**i)).backward()
            F.l1_loss(net(torch.randn(4, 8)), torch.zeros(4, 1)).backward()
    assert len(w._watchers) == 2
    assert w.report.loss == "mse_loss, l1_loss"


def test_a_frozen_model_has_a_name():
    net = nn.Linear(8, 4).requires_grad_(False)
    with lossbook.watch(model=net, optimizer=torch.optim.SGD(net.parameters(), 0.1)) as w, pytest.raises(RuntimeError):
        F.cross_entropy(net(torch.randn(16, 8)), torch.randint(4, (16,))).backward()
    assert [f.kind for f in w.report.findings] == ["model-frozen"]


def test_parameters_that_the_optimizer_lacks_have_names():
    net = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 4))
    optimizer = torch.optim.SGD(net[0].parameters(), 0.1)
    with lossbook.watch(model=net, optimizer=optimizer) as w:
        training(net, optimizer, lambda out: F.cross_entropy(out, torch.randint(4, (16,))))
    (finding,) = w.report.findings
    assert finding.kind == "optimizer-lacks-parameters"
    assert "2.weight" in str(finding)


def test_a_backbone_that_is_left_as_it_is_is_no_fault():
    net = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 4))
    optimizer = torch.optim.SGD(net[2].parameters(), 0.1)
    with lossbook.watch(model=net, optimizer=optimizer) as w:
        training(net, optimizer, lambda out: F.cross_entropy(out, torch.randint(4, (16,))))
    assert w.report.findings == []


@pytest.mark.parametrize("training_mode", [True, False])
def test_a_model_trained_in_evaluation_mode(training_mode):
    net = nn.Sequential(nn.Linear(8, 8), nn.Dropout(), nn.Linear(8, 4)).train(training_mode)
    optimizer = torch.optim.SGD(net.parameters(), 0.1)
    with lossbook.watch(model=net, optimizer=optimizer) as w:
        training(net, optimizer, lambda out: F.cross_entropy(out, torch.randint(4, (16,))))
    assert [f.kind for f in w.report.findings] == ([] if training_mode else ["model-in-evaluation"])


def test_every_kind_has_a_name_a_title_and_a_page_that_exists():
    from tools.book import ROOT

    rules = [*CALL_RULES, *TRAINING_RULES]
    kinds = [rule.kind for rule in rules]
    assert len(set(kinds)) == len(kinds) >= 70
    for rule in rules:
        assert len(str(rule.title)) < 90
        assert (ROOT / "book/en" / f"{rule.page}.ipynb").exists(), rule.page
        assert set(rule.hides) <= set(kinds)


def test_findings_speak_the_language_of_the_moment():
    watched = lossbook.watch(nn.MSELoss())
    watched(*CROSSED)
    english = str(watched.report.findings[0])
    lossbook.set_language("vi")
    assert str(watched.report.findings[0]) == lossbook.language.gettext(watched.report.findings[0].told.text).format(
        one=(4, 1), other=(4,), both=(4, 4)
    ) + " " + lossbook.language.gettext(watched.report.findings[0].told.instead.text)
    lossbook.set_language("en")
    assert str(watched.report.findings[0]) == english


def test_many_small_batches_before_a_step_are_no_fault():
    model, criterion = nn.Linear(2, 1), lossbook.watch(nn.MSELoss())
    for _ in range(12):
        (criterion(model(torch.randn(4, 2)), torch.randn(4, 1)) / 12).backward()
    assert criterion.report, criterion.report


def test_a_loss_of_zero_that_meets_another_task_is_no_divergence():
    x, model, criterion = torch.randn(16, 5), nn.Linear(5, 5), lossbook.watch(nn.MSELoss())
    with torch.no_grad():
        model.weight.copy_(torch.eye(5))
        model.bias.zero_()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for step in range(8):
        optimizer.zero_grad()
        (criterion(model(x), x if step < 2 else x + 1) + 1e-8).sqrt().backward()
        optimizer.step()
    assert criterion.report, criterion.report


def test_a_function_rests_like_a_module(monkeypatch):
    watched = lossbook.watch(F.mse_loss)
    looks = []
    monkeypatch.setattr(type(watched._watcher), "_look_at_call", lambda self, call, inner: looks.append(self.calls))
    for _ in range(200):
        watched(torch.zeros(2), torch.ones(2))
    assert looks == [*range(1, FIRST + 1), 32, 64, 128]


def test_a_loop_looks_at_a_new_line_among_many_calls():
    with lossbook.watch() as w:
        for _ in range(60):
            F.l1_loss(torch.zeros(4, 1), torch.zeros(4, 1))
        for _ in range(8):
            F.mse_loss(torch.zeros(4, 1), torch.zeros(4))
    assert [finding.kind for finding in w.report.findings] == ["crossed-shapes"]


def test_certainty_is_said_in_the_language_of_the_moment():
    watched = lossbook.watch(nn.MSELoss())
    watched(*CROSSED)
    (finding,) = watched.report.findings
    assert finding.certain
    assert finding.certainty == "certain"
    lossbook.set_language("pt")
    said = finding.certainty
    lossbook.set_language("en")
    assert said == "comprovado"
