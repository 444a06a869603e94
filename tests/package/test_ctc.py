"""CTC where the catalogue's samples do not reach: every form of input, impossible alignments, the edges of length."""

import itertools
import math

import pytest
import torch
from torch.nn import functional as F
from torch.testing import assert_close

import lossbook
from lossbook.losses import ctc
from lossbook.losses.ctc import CTCLoss, ctc_loss


@pytest.fixture
def batch(generator):
    """Six frames, four sequences, five symbols; lengths differ."""
    logits = torch.rand(6, 4, 5, generator=generator).double() * 4
    targets = torch.tensor([[1, 2, 2], [4, 4, 4], [3, 9, -7], [0, 0, 0]])  # what is past the length may be anything
    return logits.log_softmax(2), targets, torch.tensor([6, 5, 3, 4]), torch.tensor([3, 3, 1, 0])


def by_definition(log_probs, targets, input_lengths, target_lengths):
    lists = (x.tolist() for x in (log_probs, targets, input_lengths, target_lengths))
    return torch.tensor([term.loss for term in ctc.definition(*lists)], dtype=torch.float64)


def test_definition_tries_every_sequence():
    assert ctc.alignments([1, 1], frames=3, classes=2, blank=0) == [(1, 0, 1)]
    assert len(ctc.alignments([1], frames=4, classes=2, blank=0)) == 4 + 3 + 2 + 1  # one run of 1, 2, 3 or 4 frames
    assert (
        sum(len(ctc.alignments(list(t), 3, 3, 0)) for n in range(4) for t in itertools.product([1, 2], repeat=n)) == 27
    )


def test_every_length_at_once(batch):
    assert_close(ctc_loss(*batch, reduction="none"), by_definition(*batch), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", [tuple, list, torch.tensor, lambda x: torch.tensor(x, dtype=torch.int32)])
def test_every_form_of_targets_and_lengths(batch, kind):
    log_probs, targets, *lengths = batch
    targets = targets.clamp(1, 4)
    input_lengths, target_lengths = (kind(x.tolist()) for x in lengths)
    in_a_row = torch.cat([row[:n] for row, n in zip(targets, lengths[1], strict=True)])
    expected = F.ctc_loss(log_probs, targets, *lengths, reduction="none")
    for given in (targets, in_a_row, targets.int(), in_a_row.to(torch.uint8)):
        for reduction in ("none", "mean", "sum"):
            loss = ctc_loss(log_probs, given, input_lengths, target_lengths, reduction=reduction)
            theirs = F.ctc_loss(log_probs, given.int(), input_lengths, target_lengths, reduction=reduction)
            assert_close(loss, theirs)
        assert_close(ctc_loss(log_probs, given, input_lengths, target_lengths, reduction="none"), expected)


@pytest.mark.parametrize("length", [lambda n: n, lambda n: (n,), torch.tensor, lambda n: torch.tensor([n])])
def test_one_sequence(batch, length):
    log_probs, targets, *_ = batch
    alone = log_probs[:, 0], targets[0], length(6), length(3)
    expected = F.ctc_loss(*batch, reduction="none")[0]
    assert_close(ctc_loss(*alone, reduction="none"), expected)
    assert_close(ctc_loss(*alone), expected / 3)
    assert_close(CTCLoss(reduction="sum")(*alone), expected)
    assert_close(ctc_loss(log_probs[:, 0], targets[:1], length(6), length(3), reduction="sum"), expected)


def test_the_mean_divides_each_by_its_length_first(batch):
    losses = ctc_loss(*batch, reduction="none")
    assert_close(ctc_loss(*batch), (losses / torch.tensor([3, 3, 1, 1])).mean())


def test_gradient_is_true_and_torchs_is_projected(batch):
    """torch adds exp(log_probs), as if a log_softmax stood before; below a log_softmax both agree."""
    log_probs, *rest = batch
    ours, theirs = (log_probs.clone().requires_grad_() for _ in range(2))
    (mine,) = torch.autograd.grad(ctc_loss(ours, *rest, reduction="sum"), ours)
    (torchs,) = torch.autograd.grad(F.ctc_loss(theirs, *rest, reduction="sum"), theirs)
    counted = torch.arange(6)[:, None, None] < rest[1][:, None]
    assert_close(torchs, mine + log_probs.exp() * counted)
    assert_close(-mine.sum(2), counted.expand(6, 4, 1).squeeze(2).double())  # in every frame stands some symbol

    logits = torch.rand(6, 4, 5).double()
    ours, theirs = (logits.clone().requires_grad_() for _ in range(2))
    ctc_loss(ours.log_softmax(2), *rest).backward()
    F.ctc_loss(theirs.log_softmax(2), *rest).backward()
    assert_close(ours.grad, theirs.grad)


def test_an_impossible_target_costs_infinity_and_says_nothing():
    log_probs = torch.full((3, 2, 3), 1 / 3).log().requires_grad_()
    targets, lengths = torch.tensor([[1, 1], [1, 2]]), (2, 2)
    for frames, expected in (((2, 3), [True, False]), ((3, 1), [False, True])):  # 1 1 needs a blank between
        losses = ctc_loss(log_probs, targets, frames, lengths, reduction="none")
        assert losses.isinf().tolist() == expected
        (gradient,) = torch.autograd.grad(losses.sum(), log_probs)
        assert gradient.isfinite().all()
        assert (gradient == 0).all(2).all(0).tolist() == expected
        zero = ctc_loss(log_probs, targets, frames, lengths, reduction="none", zero_infinity=True)
        assert_close(zero, torch.where(losses.isinf(), 0, losses))
        assert_close(torch.autograd.grad(zero.sum(), log_probs)[0], gradient)
        assert_close(zero, F.ctc_loss(log_probs, targets, frames, lengths, reduction="none", zero_infinity=True))
    assert ctc_loss(log_probs, targets, (2, 3), lengths).isinf()


@pytest.mark.parametrize("zero_infinity", [False, True])
def test_an_impossible_symbol_gives_no_nan(zero_infinity):
    """A log-probability of −∞: the sequences through it are impossible, the others count."""
    log_probs = torch.tensor([[0.0, 0.0, -math.inf]] * 4).log_softmax(1)
    log_probs = log_probs.unsqueeze(1).requires_grad_()
    loss = ctc_loss(log_probs, torch.tensor([[1]]), (4,), (1,), zero_infinity=zero_infinity)
    assert_close(loss.exp(), torch.tensor(16 / 10))  # 4 + 3 + 2 + 1 runs of 16 sequences over two symbols
    loss.backward()
    assert log_probs.grad.isfinite().all()
    log_probs.grad = None
    never = ctc_loss(log_probs, torch.tensor([[2]]), (4,), (1,), zero_infinity=zero_infinity)
    assert never == (0 if zero_infinity else math.inf)
    never.backward()
    assert (log_probs.grad == 0).all()


def test_no_label_and_no_frame():
    log_probs = torch.full((3, 4, 2), 0.5).log().requires_grad_()
    targets = torch.ones(4, 1).long()
    losses = ctc_loss(log_probs, targets, (3, 0, 3, 0), (0, 0, 1, 1), reduction="none")
    # All blank: 1 of 8. Nothing from nothing: certain. One run: 3 + 2 + 1 of 8. A label from nothing: impossible.
    assert_close(losses.exp(), torch.tensor([8, 1, 8 / 6, math.inf]))
    assert_close(losses, F.ctc_loss(log_probs, targets, (3, 0, 3, 0), (0, 0, 1, 1), reduction="none"))
    losses.sum().backward()
    assert log_probs.grad.isfinite().all()
    no_frames = ctc_loss(log_probs[:0], targets, [0] * 4, (0, 0, 1, 1), reduction="none")
    assert no_frames.tolist() == [0, 0, math.inf, math.inf]
    assert ctc_loss(log_probs, torch.zeros(4, 0).long(), [3] * 4, [0] * 4).exp() == 8
    assert ctc_loss(log_probs, torch.zeros(0).long(), [3] * 4, [0] * 4).exp() == 8


def test_frames_past_the_length_may_hold_anything(batch):
    log_probs, targets, input_lengths, target_lengths = batch
    padded = log_probs.clone()
    padded[torch.arange(6).unsqueeze(1) >= input_lengths] = math.nan
    padded.requires_grad_()
    loss = ctc_loss(padded, targets, input_lengths, target_lengths)
    assert_close(loss, ctc_loss(*batch))
    loss.backward()
    assert padded.grad.isfinite().all()


@pytest.mark.parametrize("scale", [1.0, 1e4, 1e30])
def test_long_and_extreme_input_stays_finite_in_float32(scale, generator):
    logits = (torch.rand(300, 2, 6, generator=generator) * scale).requires_grad_()
    targets = torch.randint(1, 6, (2, 40), generator=generator)
    loss = ctc_loss(logits.log_softmax(2), targets, (300, 250), (40, 30))
    exact = ctc_loss(logits.double().log_softmax(2), targets, (300, 250), (40, 30))
    assert_close(loss.double(), exact, rtol=1e-6, atol=0)
    (gradient,) = torch.autograd.grad(loss, logits)
    assert gradient.isfinite().all()


def test_float32_gradient_is_nearer_than_torchs(generator):
    log_probs = (torch.rand(200, 2, 20, generator=generator) * 6).log_softmax(2)
    rest = torch.randint(1, 20, (2, 30), generator=generator), (200, 200), (30, 20)
    precise = log_probs.double().requires_grad_()
    (exact,) = torch.autograd.grad(ctc_loss(precise, *rest, reduction="sum"), precise)
    ours, theirs = (log_probs.clone().requires_grad_() for _ in range(2))
    (mine,) = torch.autograd.grad(ctc_loss(ours, *rest, reduction="sum"), ours)
    (torchs,) = torch.autograd.grad(F.ctc_loss(theirs, *rest, reduction="sum"), theirs)
    assert (mine - exact).abs().max() < 2e-4
    assert (mine - exact).abs().max() < (torchs - log_probs.exp() - exact).abs().max()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_adds_up_in_float32(dtype, generator):
    log_probs = torch.rand(300, 2, 6, generator=generator).log_softmax(2).to(dtype)
    rest = torch.randint(1, 6, (2, 40), generator=generator), (300, 250), (40, 30)
    loss = ctc_loss(log_probs, *rest, reduction="none")
    assert loss.dtype == dtype
    exact = ctc_loss(log_probs.double(), *rest, reduction="none")
    assert_close(loss.double(), exact, rtol=torch.finfo(dtype).eps, atol=0)


def test_lengths_by_number_compile(batch):
    log_probs, targets, input_lengths, target_lengths = batch
    lengths = tuple(input_lengths.tolist()), tuple(target_lengths.tolist())
    compiled = torch.compile(ctc_loss, fullgraph=True, backend="aot_eager")
    assert_close(compiled(log_probs, targets, *lengths), ctc_loss(*batch))


def test_vmap_over_sequences(batch):
    alone = torch.func.vmap(lambda *one: ctc_loss(*one, reduction="none"), in_dims=(1, 0, 0, 0))(*batch)
    assert_close(alone, ctc_loss(*batch, reduction="none"))


def test_steps_list_the_alignments():
    half = torch.full((3, 2), 0.5).double().log()
    steps = lossbook.explain("ctc", half, torch.tensor([1, 1]), 3, 2).steps
    assert steps[0].text == ("[1, 0, 1],  0.5 · 0.5 · 0.5 = 0.125",)
    assert steps[2].text == ("−ln 0.125 ≈ 2.0794",)
    assert steps[-1].text == ("2.0794 / 2 ≈ 1.0397",)


def test_steps_of_what_cannot_be_listed():
    for zero_infinity, shown in ((False, "∞"), (True, "0")):
        settings = {"reduction": "none", "zero_infinity": zero_infinity}
        impossible = lossbook.explain(
            "ctc", torch.full((1, 2), 0.5).log(), torch.tensor([1, 1]), 1, 2, **settings
        ).steps
        assert [step.text for step in impossible] == [(), ("0 = 0",), (shown,)]
    long = torch.full((2000, 1, 3), 1 / 3).log()
    steps = lossbook.explain("ctc", long, torch.tensor([[1]]), (2000,), (1,), reduction="none").steps
    assert len(steps) == 1  # 3²⁰⁰⁰ sequences; their probability is 0 in floating point, the loss is not
    assert_close(steps[-1].value, ctc_loss(long.double(), torch.tensor([[1]]), (2000,), (1,), reduction="none"))


LOG_PROBS, TARGETS = torch.zeros(4, 2, 3), torch.tensor([[1, 2], [2, 1]])
WRONG = {
    "a list": (([[0.0]], TARGETS, (4, 4), (2, 2)), {}, TypeError, "log_probs must be a torch.Tensor, got list"),
    "integers": ((LOG_PROBS.long(), TARGETS, (4, 4), (2, 2)), {}, TypeError, "floating-point"),
    "one dimension": ((torch.zeros(3), TARGETS, (4,), (2,)), {}, ValueError, r"\(T, N, C\).*Time comes first"),
    "an empty batch": ((LOG_PROBS[:, :0], TARGETS[:0], (), ()), {}, ValueError, "at least one sequence"),
    "no symbols": ((LOG_PROBS[:, :, :0], TARGETS, (4, 4), (2, 2)), {}, ValueError, "at least one sequence and one symbol"),
    "a blank too many": ((LOG_PROBS, TARGETS, (4, 4), (2, 2)), {"blank": 3}, IndexError, "blank is class 3.*0 to 2"),
    "a negative blank": ((LOG_PROBS, TARGETS, (4, 4), (2, 2)), {"blank": -1}, IndexError, "blank is class -1"),
    "labels as floats": ((LOG_PROBS, TARGETS.float(), (4, 4), (2, 2)), {}, TypeError, r"targets must hold integers.*long\(\)"),
    "a label too many": ((LOG_PROBS, TARGETS + 1, (4, 4), (2, 2)), {}, IndexError, "label 3.*0 to 2.*padding"),
    "a negative label": ((LOG_PROBS, TARGETS - 3, (4, 4), (2, 2)), {}, IndexError, "label -2"),
    "the blank as label": ((LOG_PROBS, TARGETS, (4, 4), (2, 2)), {"blank": 2}, ValueError, "must not hold the blank, 2"),
    "rows of targets": ((LOG_PROBS, TARGETS[:1], (4, 4), (2, 2)), {}, ValueError, r"shape \(2, S\).*got \(1, 2\)"),
    "a cube of targets": ((LOG_PROBS, TARGETS[None], (4, 4), (2, 2)), {}, ValueError, r"shape \(2, S\)"),
    "targets in two rows each": ((LOG_PROBS, TARGETS[:, None], (4, 4), (2, 2)), {}, ValueError, r"shape \(2, S\)"),
    "labels in a row": ((LOG_PROBS, torch.ones(5).long(), (4, 4), (2, 2)), {}, ValueError, "adds up to, 4, got 5"),
    "too many lengths": ((LOG_PROBS, TARGETS, (4, 4, 4), (2, 2)), {}, ValueError, "input_lengths.*2 sequences, got 3"),
    "no lengths": ((LOG_PROBS, TARGETS, (4, 4), ()), {}, ValueError, "target_lengths.*2 sequences, got 0"),
    "lengths as floats": ((LOG_PROBS, TARGETS, (4.0, 4.0), (2, 2)), {}, TypeError, "input_lengths must hold integers"),
    "too many frames": ((LOG_PROBS, TARGETS, (4, 5), (2, 2)), {}, ValueError, "input_lengths.*0 and 4.*got 5"),
    "negative frames": ((LOG_PROBS, TARGETS, (4, -1), (2, 2)), {}, ValueError, "input_lengths.*got -1"),
    "too many labels": ((LOG_PROBS, TARGETS, (4, 4), (2, 3)), {}, ValueError, "target_lengths.*0 and 2.*got 3"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input(case, refuses):
    inputs, settings, kind, sentence = WRONG[case]
    with refuses(kind, sentence):
        ctc_loss(*inputs, **settings)
