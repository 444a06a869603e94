"""What `verify` says of what a sum is divided by: how many it adds up, what a mask leaves in, a size that is another one."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from lossbook.verifying.verify import verify


def embeddings():
    return torch.randn(9, 4), torch.randn(9, 4)


def features():
    return torch.randn(2, 3, 4, 5), torch.randn(2, 3, 4, 5)


def sequences():
    return torch.randn(3, 6, 2), torch.randn(3, 6, 2), (torch.arange(6) < torch.tensor([[6], [3], [4]])).float()


def told(loss, like, inputs):
    report = verify(loss, like=like, inputs=inputs)
    return f"{report.diagnosis} {[check.finding.line for check in report.failures]}"


def standard(z):
    return (z - z.mean(0)) / z.std(0)


def off_diagonal(c):
    return (c - torch.diag(c.diagonal())).square().sum()


def twins(a, b, weight=0.01):
    c = standard(a).T @ standard(b) / len(a)
    return (c.diagonal() - 1).square().sum() + weight * off_diagonal(c)


def twins_undivided(a, b, weight=0.01):
    c = standard(a).T @ standard(b)
    return (c.diagonal() - 1).square().sum() + weight * off_diagonal(c)


def twins_by_features(a, b, weight=0.01):
    c = torch.mm(standard(a).T, standard(b)) / a.shape[1]
    return (c.diagonal() - 1).square().sum() + weight * off_diagonal(c)


def twins_by_einsum(a, b, weight=0.01):
    c = torch.einsum("ni,nj->ij", standard(a), standard(b)).div(a.size(0))
    return (torch.diagonal(c) - 1).pow(2).sum() + weight * off_diagonal(c)


def covariance(x, t):
    return (torch.cov(x.T) - torch.cov(t.T)).square().sum() / (4 * x.shape[1] ** 2)


def covariance_of_sums(x, t):
    a, b = (y - y.mean(0, keepdim=True) for y in (x, t))
    cs, ct = (torch.einsum("ni,nj->ij", y, y) / (len(y) - 1) for y in (a, b))
    return (cs - ct).square().sum() / (4 * x.size(1))


def correlation(x, t):
    return 1 - torch.corrcoef(torch.stack([x[:, 0], t[:, 0]]))[0, 1] + x.abs().mean()


def correlation_undivided(x, t):
    a, b = x[:, 0] - x[:, 0].mean(), t[:, 0] - t[:, 0].mean()
    return 1 - (a * b).sum() / (a.std() * b.std()) + x.abs().mean()


def gram(x, t):
    def of(f):
        v = f.flatten(2)
        return v @ v.mT / f[0].numel()

    return F.mse_loss(of(x), of(t))


def gram_by_two_sizes(x, t):
    def of(f):
        b, c, h, w = f.shape
        v = f.reshape(b, c, h * w)
        return v.bmm(v.transpose(1, 2)) / (c * h)

    return F.mse_loss(of(x), of(t))


@pytest.mark.parametrize(
    ("wrong", "right", "inputs", "says"),
    [
        (twins_undivided, twins, embeddings, "a sum is not divided by a count: right with `… / a.shape[0]`"),
        (twins_by_features, twins, embeddings, "divided by the wrong count: right with `… / a.shape[0]`"),
        (covariance_of_sums, covariance, embeddings, "divided by the wrong count: right with `… / (4 * x.size(1) * "),
        (correlation_undivided, correlation, embeddings, "not divided by a count: right with `… / (x.shape[0] - 1)`"),
        (gram_by_two_sizes, gram, features, "divided by the wrong count: right with `… / (c * h * x.shape[3])`"),
    ],
)
def test_matrix_products(wrong, right, inputs, says):
    assert says in told(wrong, right, inputs)


def test_a_matrix_product_that_is_divided_rightly():
    assert verify(twins_by_einsum, like=twins, inputs=embeddings)


def masked(x, t, valid):
    return F.l1_loss(x[valid > 0], t[valid > 0])


def by_all(x, t, valid):
    e = (x - t).abs() * valid.unsqueeze(-1)
    return e.sum() / (t.shape[0] * t.shape[1] * t.shape[2])


def masked_rightly(x, t, valid):
    e = (x - t).abs() * valid[..., None]
    return e.sum() / (valid.sum() * x.shape[-1])


def smoothed(logits, target, eps=0.1, pad=0):
    kept = target != pad
    return F.cross_entropy(logits[kept], target[kept], label_smoothing=eps)


def smoothed_by_all(logits, target, eps=0.1, pad=0):
    logp = logits.log_softmax(-1)
    each = -(1 - eps) * logp.gather(-1, target[..., None])[..., 0] - eps * logp.mean(-1)
    real = target.ne(pad)
    return (each * real).sum() / target.numel()


def tokens():
    target = torch.randint(1, 6, (3, 5))
    target[1, 2:], target[2, 4:] = 0, 0
    return torch.randn(3, 5, 6), target


class OfRows(nn.Module):
    def forward(self, student, teacher, pad):
        each = (teacher.softmax(-1) * (teacher.log_softmax(-1) - student.log_softmax(-1))).sum(-1)
        return (each.masked_fill(pad, 0.0).sum(1) / (~pad).sum(1)).mean()


class OfRowsByLength(nn.Module):
    def forward(self, student, teacher, pad):
        each = F.kl_div(student.log_softmax(-1), teacher.softmax(-1), reduction="none").sum(-1)
        return each.masked_fill(pad, 0.0).sum(1).div(each.size(1)).mean()


def padded():
    return torch.randn(3, 6, 4), torch.randn(3, 6, 4), torch.arange(6) >= torch.tensor([[6], [3], [4]])


@pytest.mark.parametrize(
    ("wrong", "right", "inputs", "says"),
    [
        (by_all, masked, sequences, "right with `… / valid.expand_as(…).sum()`"),
        (smoothed_by_all, smoothed, tokens, "right with `… / (target.ne(pad)).sum()`"),
        (OfRowsByLength(), OfRows(), padded, "right with `… / (1 - pad).sum(1)`"),
    ],
)
def test_what_is_left_out_counts_below_the_line(wrong, right, inputs, says):
    assert f"it is divided by the wrong count: {says}" in told(wrong, right, inputs)


def test_a_mean_over_what_a_mask_leaves_in():
    assert verify(masked_rightly, like=masked, inputs=sequences)


def test_a_number_that_is_no_count_is_said_as_a_number():
    """Boxes have four numbers, and 4 is a number."""

    def boxes():
        return torch.randn(5, 4), torch.randn(5, 4)

    def right(p, t):
        apart = p[:, 0] - t[:, 0] + p[:, 3] - t[:, 3]
        return (1 + apart.square() / 4).log().mean()

    def wrong(p, t):
        apart = p[:, 0] + p[:, 3] - t[:, 0] - t[:, 3]
        return torch.log1p(apart.pow(2) / 2).mean()

    assert "right with 4 in the place of 2" in told(wrong, right, boxes)


def smoothing(x, y, eps=0.2):
    return F.cross_entropy(x, y, label_smoothing=eps)


def smoothing_of_others(logits, y, eps=0.2):
    n, logp = logits.size(1), logits.log_softmax(1)
    wanted = torch.full_like(logp, eps / (n - 1))
    wanted[torch.arange(len(y)), y] = 1 - eps
    return -(wanted * logp).sum(1).mean()


def smoothing_by_hand(logits, y, eps=0.2):
    n, logp = logits.size(1), logits.log_softmax(1)
    wanted = torch.full_like(logp, eps / n)
    wanted[torch.arange(len(y)), y] += 1 - eps
    return -(wanted * logp).sum(1).mean()


def labels():
    return torch.randn(6, 5), torch.randint(5, (6,))


def test_a_setting_that_does_not_follow_the_number_of_classes():
    diagnosis = told(smoothing_of_others, smoothing, labels)
    assert "right with eps = 0.2 * (logits.shape[1] - 1) / logits.shape[1]" in diagnosis
    assert verify(smoothing_by_hand, like=smoothing, inputs=labels)


def weighted(x, y, w):
    return F.cross_entropy(x, y, weight=w)


def weighted_by_count(logits, target, w):
    own = -F.log_softmax(logits, 1)[range(len(target)), target] * w[target]
    return own.mean()


def weighted_by_weights(logits, target, w):
    own = -F.log_softmax(logits, 1)[range(len(target)), target] * w[target]
    return own.sum() / w[target].sum()


def test_weights_that_are_looked_up():
    def inputs():
        return torch.randn(7, 4), torch.randint(4, (7,)), torch.rand(4) + 0.3

    diagnosis = told(weighted_by_count, weighted, inputs)
    assert "not over the sum of the weights: right with `(…).sum() / w[target].sum()`" in diagnosis
    assert verify(weighted_by_weights, like=weighted, inputs=inputs)


def by_tokens(lp, mask):
    return (lp * mask).sum() / mask.sum()


def by_rows(lp, mask):
    return ((lp * mask).sum(1) / mask.sum(1)).mean()


def test_single_samples_are_no_chunks():
    """The mean of three rows' means is no mean of three chunks, the last of which is smaller."""

    def inputs():
        return torch.randn(3, 6), (torch.arange(6) < torch.tensor([[6], [3], [4]])).float()

    diagnosis = told(by_rows, by_tokens, inputs)
    assert "the mean of ratios, where the ratio of the sums over all belongs" in diagnosis
    assert "chunks" not in diagnosis
    assert verify(by_rows, like=by_rows, inputs=inputs)


def scored(h, w, y):
    return F.cross_entropy(h @ w.T, y)


def scored_in_chunks(h, w, y):
    total = 0.0
    for i in range(0, len(h), 4):
        total = total + F.cross_entropy(h[i : i + 4] @ w.T, y[i : i + 4])
    return total / -(-len(h) // 4)


def test_chunks_of_the_samples_beside_what_all_of_them_share():
    def inputs():
        return torch.randn(10, 4), torch.randn(5, 4), torch.randint(5, (10,))

    assert "the mean of the means of chunks of 4" in told(scored_in_chunks, scored, inputs)


def penalty(real, fake, g):
    return F.softplus(-real).mean() + F.softplus(fake).mean() + 5 * g.square().sum(1).mean()


def penalty_of_each(real, fake, g):
    return F.softplus(-real).mean() + F.softplus(fake).mean() + 5 * g.square().mean()


def test_nothing_is_broadcast_where_nothing_meets():
    def inputs():
        return torch.randn(6), torch.randn(6), torch.randn(6, 4)

    diagnosis = told(penalty_of_each, penalty, inputs)
    assert "broadcast" not in diagnosis
    assert "`g.square().mean()`" in diagnosis


def policy(logp, value, wanted, weight=0.5):
    return -logp.mean() + weight * F.mse_loss(value, wanted)


def policy_of_a_sum(logp, value, wanted, weight=0.5):
    return -logp.mean() + weight * (value - wanted).pow(2).sum()


def policy_turned(logp, value, wanted, weight=0.3):
    return -weight * logp.mean() + (1 - weight) * F.mse_loss(value, wanted)


def policy_weighed(logp, value, wanted, weight=0.3):
    return -(1 - weight) * logp.mean() + weight * F.mse_loss(value, wanted)


def test_where_a_sum_stands_is_told_before_what_its_weight_would_be():
    def inputs():
        return torch.randn(8), torch.randn(8), torch.randn(8)

    assert "right with `mean(…)` in the place of" in told(policy_of_a_sum, policy, inputs)
    assert "weight and 1 − weight are exchanged" in told(policy_turned, policy_weighed, inputs)
