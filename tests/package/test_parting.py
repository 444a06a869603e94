"""What `verify` says of a loss beside a person's own right one: where the two part, what is missing before, what refutes."""

import pytest
import torch
from torch.nn import functional as F

from lossbook.kit.batches.batch import Batch
from lossbook.verifying.compare import Sample, Standard
from lossbook.verifying.diagnosis.by_place import by_layout
from lossbook.verifying.diagnosis.refuting import resized
from lossbook.verifying.subject.outcome import call
from lossbook.verifying.verify import verify


def two():
    return torch.randn(6, 4), torch.randn(6, 4)


def told(loss, like, inputs=two):
    return verify(loss, like=like, inputs=inputs).diagnosis


def test_an_expression_of_the_right_loss_belongs_there():
    def right(x, t):
        spread = (x.var(0) + 1e-4).sqrt()
        return F.relu(1 - spread).mean() + (x - t).abs().mean()

    def wrong(x, t):
        return F.relu(1 - x.var(0)).mean() + (x - t).abs().mean()

    diagnosis = told(wrong, right)
    assert "one part is wrong, the rest is right" in diagnosis
    assert "`1 - spread` (with `(x.var(0) + 1e-4).sqrt()`)" in diagnosis
    assert "in the place of `1 - x.var(0)`" in diagnosis


def test_a_right_loss_in_a_loop_is_compared_too():
    def right(x, t):
        rows = []
        for a, b in zip(x, t, strict=True):
            cosine = (a @ b) / (a.norm() * b.norm())
            rows.append((torch.cos(torch.acos(cosine) + 0.3) - cosine) * 2)
        return torch.stack(rows).square().mean()

    def wrong(x, t):
        cosine = F.cosine_similarity(x, t)
        return ((cosine * 0.3 - cosine) * 2).square().mean()

    assert "`torch.cos(torch.acos(cosine) + 0.3)` in the place of `cosine * 0.3`" in told(wrong, right)


def test_a_last_step_is_right_whose_row_is_wrong():
    """What comes of several results, as of max(1), is no argument that both have."""

    def right(x, t):
        top, _where = (x - t).max(1)
        return top.mean()

    def wrong(x, t):
        middle, _where = (x - t).median(1)
        return middle.mean()

    diagnosis = told(wrong, right)
    assert "the last step" not in diagnosis
    assert "this one goes on with `(x - t).median(1)`, and the right loss with `(x - t).max(1)`" in diagnosis


def test_the_last_step():
    def right(x, t):
        down = (x.diff(dim=0) - t.diff(dim=0)).abs().mean()
        return down + (x.diff(dim=1) - t.diff(dim=1)).abs().mean()

    def wrong(x, t):
        down = (x[1:] - x[:-1] - t[1:] + t[:-1]).abs().mean()
        return down + down

    diagnosis = told(wrong, right)
    assert "all is right but the last step" in diagnosis
    assert "`down + (x.diff(dim=1) - t.diff(dim=1)).abs().mean()` (here nothing is " in diagnosis
    assert "`(x.diff(dim=1) - t.diff(dim=1)).abs().mean()`) in the place of `down + down`" in diagnosis


def test_where_two_losses_part():
    def batch():
        return torch.randn(2, 5), torch.tensor([[1.0, 0.3, 0.2, 0.8, 1.0], [0.1, 0.7, 1.0, 0.2, 0.4]])

    def right(x, t):
        each = torch.where(t == 1, F.softplus(-x), t * F.softplus(x))
        return (each.sum() / (t == 1).sum().sqrt()).log()

    def wrong(x, t):
        each = torch.where(t >= 1, F.softplus(-x), t * F.softplus(x))
        return 0.5 * each.mean().log() - 1

    diagnosis = told(wrong, right, batch)
    assert "both are alike up to `torch.where(t == 1, F.softplus(-x), t * F.softplus(x))`" in diagnosis
    assert "this one goes on with `each.mean()`, and the right loss with `each.sum()`" in diagnosis


def test_where_the_two_part_it_is_told_for_which_numbers():
    def right(x, t):
        distance = (x - t).square().sum(1).sqrt()
        return torch.where(distance > 2, distance.log(), distance * 3).mean()

    def wrong(x, t):
        distance = torch.linalg.vector_norm(x - t, dim=1)
        return (distance * 3).mean()

    diagnosis = told(wrong, right)
    assert "`torch.where(distance > 2, distance.log(), distance * 3).mean()`" in diagnosis
    assert "; it differs only where" in diagnosis


def test_a_count_that_happens_to_fit_is_refuted_by_other_sizes():
    """Half of the labels are positive in every batch, and each row has four numbers."""

    def batch():
        return torch.randn(8, 4), torch.randn(8, 4), torch.tensor([0, 1, 1, 0, 0, 1, 0, 1])

    def right(x, t, labels):
        kept = labels > 0
        return ((x - t).abs().sum(1) * kept).sum() / kept.sum().clamp(min=1) + x.square().mean()

    def wrong(x, t, labels):
        return ((x - t).abs().sum(1) * (labels > 0)).mean() + x.square().mean()

    diagnosis = told(wrong, right, batch)
    assert "times 2" not in diagnosis
    assert "(labels > 0)" in diagnosis


def test_batches_in_other_sizes():
    def loss(x, t):
        return (x - t).abs().mean()

    samples = resized(loss, Standard([loss], (0,), True), Batch(two(), "inputs"))
    assert {tuple(s.batch.tensors[0].shape) for s in samples} == {(5, 4), (4, 4), (6, 3)}
    labelled = Batch((torch.randn(5, 3), torch.randint(3, (5,))), "inputs")
    kinds = resized(F.cross_entropy, Standard([F.cross_entropy], (0,), True), labelled)
    assert all(s.batch.tensors[1].max() < s.batch.tensors[0].shape[1] for s in kinds)


def test_a_mean_of_a_loss_of_torch_over_too_much():
    def right(x, t):
        return 0.05 * 0.5 * (x - t).square().sum(1).mean() + x.abs().mean()

    def wrong(x, t):
        return 0.025 * F.mse_loss(x, t) + x.abs().mean()

    assert "their sum belongs: right with `(…).sum() / N`" in told(wrong, right)


def test_an_argument_is_taken_for_something_else():
    def right(x, s):
        return 0.5 * (s + x.square() * torch.exp(-s)).mean()

    def wrong(x, s):
        return (s + 0.5 * x.square() * torch.exp(-2 * s)).mean()

    diagnosis = told(wrong, right)
    assert (
        diagnosis
        == "argument 2 (s) is taken for something other than what it is: equals the right loss on `2 * s` in its place"
    )


def test_what_is_missing_at_the_beginning():
    def sequences():
        return torch.randn(3, 5, 4), torch.randint(4, (3, 5))

    def right(x, t):
        return torch.stack([F.cross_entropy(a[:-1], b[1:]) for a, b in zip(x, t, strict=True)]).mean()

    def wrong(x, t):
        return F.cross_entropy(x.flatten(0, 1), t.flatten())

    assert "the shift by one position is missing" in told(wrong, right, sequences)


def test_a_step_too_many_at_calls_of_one_kind():
    """Only the sizes of what diff gives, and not the last abs."""

    def right(x, t):
        return (x.diff(dim=0) - t.diff(dim=0)).abs().mean()

    def wrong(x, t):
        return (x.diff(dim=0).abs() - t.diff(dim=0).abs()).abs().mean()

    assert "one step too many" in told(wrong, right)


def test_a_logarithm_that_lost_its_digits():
    def right(x, t):
        return F.softplus(-(x * t).sum(1)).mean() + 0.1 * x.square().mean()

    def wrong(x, t):
        return -(torch.sigmoid((x * t).sum(1)) + 1e-10).log().mean() + 0.1 * x.square().mean()

    diagnosis = told(wrong, right)
    assert "digits are lost before the logarithm" in diagnosis
    assert "logsigmoid" in diagnosis


@pytest.mark.parametrize("name", ["log_softmax", "logsumexp", "logsigmoid(-x)"])
def test_logarithms_of_softmax_and_sums(name):
    right = {
        "log_softmax": lambda x, t: -x.log_softmax(1).mean() + t.mean(),
        "logsumexp": lambda x, t: x.logsumexp(1).mean() + t.mean(),
        "logsigmoid(-x)": lambda x, t: -F.logsigmoid(-x).mean() + t.mean(),
    }[name]
    wrong = {
        "log_softmax": lambda x, t: -(x.softmax(1) + 1e-8).log().mean() + t.mean(),
        "logsumexp": lambda x, t: (x.clamp(max=20).exp().sum(1) + 1e-3).log().mean() + t.mean(),
        "logsigmoid(-x)": lambda x, t: -(1 - torch.sigmoid(x) + 1e-8).log().mean() + t.mean(),
    }[name]
    if name == "logsumexp":
        wrong = lambda x, t: (x.exp().sum(1) + 1e-3).log().mean() + t.mean()  # noqa: E731
    assert name in told(wrong, right)


def test_two_faults_do_not_hide_each_other():
    """Of one sample nothing is left, which is another fault than that of the others."""

    def batch():
        return torch.randn(8, 4), torch.randn(8, 4), torch.tensor([0, 1, 1, 0, 0, 1, 0, 1])

    def right(x, t, labels):
        kept = labels > 0
        losses = F.smooth_l1_loss(x, t, beta=0.1, reduction="none").sum(1)
        return (losses * kept).sum() / kept.sum().clamp(min=1) + x.square().mean()

    def wrong(x, t, labels):
        kept = labels > 0
        return F.huber_loss(x[kept], t[kept], delta=0.1, reduction="sum") / kept.sum() + x.square().mean()

    assert "right with `smooth_l1_loss`" in told(wrong, right, batch)


def test_a_sign_comes_before_rows_and_columns():
    def right(scores, relevance):
        gap = scores[:, :, None] - scores[:, None]
        return (F.softplus(-gap) * (relevance[:, :, None] > relevance[:, None])).sum((1, 2)).mean()

    def wrong(scores, relevance):
        gap = scores[:, :, None] - scores[:, None]
        return (F.softplus(gap) * (relevance[:, :, None] > relevance[:, None])).sum((1, 2)).mean()

    assert "rows and columns" not in told(wrong, right)


def test_what_is_left_of_an_operation_is_shown_as_it_is_written():
    def right(x, t):
        return (x.exp() * t.square()).mean()

    def wrong(x, t):
        return ((2 * x).exp() * t.square()).mean()

    assert "right with `x` in the place of `2 * x`" in told(wrong, right)


def test_of_a_choice_the_branch_is_shown():
    def right(x, t):
        return (x - t).square().mean()

    def wrong(x, t):
        e = x - t
        return torch.where(x.abs() > 1.5, e.abs(), e * e).mean()

    assert "one branch is enough: right with `e * e`" in told(wrong, right)


# --- losses of the catalogue


def test_a_setting_alone_is_wrong():
    def loss(input, target, beta=1.0):
        return F.smooth_l1_loss(input, target, beta=max(beta, 1e-3))

    report = verify(loss, like="smooth_l1")
    assert report.diagnosis == "it is wrong only with beta=0.0: without, it is right"
    assert next(c.why for c in report.checks if c.name == "reductions") == "it takes no reduction"


def test_a_form_alone_is_wrong():
    def loss(input, target):
        if target.is_floating_point():
            return -(target * (2 * input.tanh()).log_softmax(1)).sum(1).mean()
        return F.cross_entropy(input, target)

    told = verify(loss, like="cross_entropy").diagnosis
    assert told == "it is wrong only for this form of input: probability targets"


def test_probabilities_that_become_the_likeliest_class():
    def loss(input, target):
        return F.cross_entropy(input, target.argmax(1) if target.is_floating_point() else target)

    assert "argmax" in verify(loss, like="cross_entropy").diagnosis


@pytest.mark.parametrize("name", ["weight", "p"])
def test_a_setting_is_not_used(name):
    def loss(input, target, p=1, margin=1.0, weight=None):
        given = {"p": p, "margin": margin, "weight": weight} | {name: {"p": 1, "weight": None}[name]}
        return F.multi_margin_loss(input, target, **given)

    assert verify(loss, like="multi_margin").diagnosis == f"the setting {name} is not used"


def test_a_setting_is_not_used_where_the_loss_is_infinite():
    def loss(log_probs, targets, input_lengths, target_lengths, zero_infinity=False):
        return F.ctc_loss(log_probs, targets, input_lengths, target_lengths)

    assert verify(loss, like="ctc").diagnosis == "the setting zero_infinity is not used"


def settings_of(report):
    return {c.name: c.why for c in report.checks if c.name in ("reductions", "settings")}


def test_settings_that_go_by_any_name():
    report = verify(lambda input, target, **more: F.mse_loss(input, target, **more), like="mse")
    assert report, report
    assert settings_of(report) == {"reductions": "reduction=mean, sum, none", "settings": "weight"}

    def halved(input, target, **more):
        return F.mse_loss(input, target, **more) / (2 if "weight" in more else 1)

    assert "half" in verify(halved, like="mse").diagnosis


def test_what_is_taken_by_any_name_may_be_for_others():
    def weightless(input, target, **more):
        return F.mse_loss(input, target, reduction=more.get("reduction", "mean"))

    report = verify(weightless, like="mse")
    assert report, report
    assert settings_of(report)["settings"] == " (not: weight)"

    def ignoring(input, target, **more):
        return F.mse_loss(input, target)

    assert settings_of(verify(ignoring, like="mse"))["settings"] == "it takes none"


def test_right_numbers_in_another_shape():
    x = torch.randn(4, 3)
    sample = Sample(Batch((x, x), "N"), call(lambda x, t: (x + t).flatten(), (x, x)), call(lambda x, t: x + t, (x, x)))
    assert "(12,) where (4, 3) belongs" in by_layout([sample]).says
    other = Sample(Batch((x, x), "N"), call(lambda x, t: (x - 1).flatten(), (x, x)), call(lambda x, t: x + t, (x, x)))
    assert by_layout([other]) is None


@pytest.mark.parametrize(("more", "says"), [(1, "one more than"), (-1, "N − 1")])
def test_one_too_many_or_too_few(more, says):
    assert (
        says in verify(lambda input, target: (input - target).abs().sum() / (input.numel() + more), like="l1").diagnosis
    )


def test_a_script_shows_no_operations():
    @torch.jit.script
    def loss(input, target):
        return (torch.log(1 + torch.exp(input)) - input * target).mean()

    assert "overflow" in verify(loss, like="bce_with_logits").diagnosis
