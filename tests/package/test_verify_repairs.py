"""Changes of a loss's own code that `verify` finds beside a person's right one: exchanged numbers, orders, counts, ends."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from lossbook.verifying.verify import verify


def told(loss, like, inputs):
    report = verify(loss, like=like, inputs=inputs)
    assert not report
    return report.diagnosis


def binary():
    return torch.randn(6, 3), (torch.rand(6, 3) > 0.5).float()


class Asymmetric(nn.Module):
    def __init__(self, on=1, off=4):
        super().__init__()
        self.on, self.off = on, off

    def forward(self, x, y):
        p = x.sigmoid()
        right = p * y + (1 - p) * (1 - y)
        power = self.on * y + self.off * (1 - y)
        return (torch.pow(1 - right, power) * F.binary_cross_entropy_with_logits(x, y, reduction="none")).mean()


def contrastive(x, y, near=0.2, far=1.5):
    d = x.abs()
    return (y * F.relu(d - near).square() + (1 - y) * F.relu(far - d).square()).sum(1).mean()


def weighted(x, y, smooth=0.3):
    p = x.sigmoid()
    hit, extra, lost = (p * y).sum(1), (p * (1 - y)).sum(1), ((1 - p) * y).sum(1)
    return 1 - ((hit + 1) / (hit + smooth * extra + (1 - smooth) * lost + 1)).mean()


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        (Asymmetric(4, 1), Asymmetric()),
        (lambda x, y: contrastive(x, y, 1.5, 0.2), contrastive),
    ],
)
def test_two_numbers_are_exchanged(wrong, right):
    assert "two numbers are exchanged" in told(wrong, right, binary)
    assert verify(right, like=lambda x, y: right(x, y) + 0.0, inputs=binary)


def survival():
    return torch.randn(7), torch.rand(7) * 9, torch.tensor([1.0, 0, 1, 1, 0, 1, 1])


def cox(risk, time, event):
    total = sum(event[i] * (torch.logsumexp(risk[time >= time[i]], 0) - risk[i]) for i in range(len(time)))
    return total / event.sum()


def sorted_cox(risk, time, event, sorts_events=True):
    order = time.argsort(descending=True)
    risk, event = risk[order], event[order] if sorts_events else event
    return -((risk - risk.logcumsumexp(0)) * event).sum() / event.sum()


def packed_cox(risk, time, event):
    order = torch.sort(time, descending=True).indices
    scores = torch.index_select(risk, 0, order)
    each = scores - torch.logcumsumexp(risk[order], 0)
    return -torch.dot(each, event) / event.sum()


def weighted_cox(risk, time, event):
    order = time.argsort(descending=True)
    r = risk[order]
    each = torch.where(event > 0, r.logcumsumexp(0) - r, torch.zeros_like(r))
    return each.sum() / event.sum()


def test_what_is_not_sorted_with_the_rest():
    assert verify(sorted_cox, like=cox, inputs=survival)
    said = told(lambda *a: sorted_cox(*a, sorts_events=False), cox, survival)
    assert "not in the order of the rest" in said
    assert "`event[order]`" in said


@pytest.mark.parametrize("wrong", [packed_cox, weighted_cox])
def test_the_same_of_other_calls(wrong):
    assert "not in the order of the rest" in told(wrong, cox, survival)


def ensemble():
    return torch.randn(5, 4), torch.randn(5)


def crps(x, y):
    pairs = (x[:, :, None] - x[:, None]).abs().mean((1, 2))
    return ((x - y[:, None]).abs().mean(1) - pairs / 2).mean()


def looped(x, y, factor=2):
    spread = 0.0
    for i in range(x.shape[1]):
        for j in range(x.shape[1]):
            spread = spread + (x[:, i] - x[:, j]).abs()
    return ((x - y[:, None]).abs().mean(1) - spread / (factor * x.shape[1] ** 2)).mean()


def compact(x, y):
    return ((x - y[:, None]).abs().mean(1) - torch.cdist(x[..., None], x[..., None], p=1).mean((1, 2))).mean()


def test_half_of_all_pairs_is_no_other_function():
    assert verify(looped, like=crps, inputs=ensemble)
    for wrong in (
        lambda x, y: looped(x, y, 1),
        lambda x, y: crps(x, y) - (x[:, :, None] - x[:, None]).abs().mean() / 2,
    ):
        assert "relu" not in told(wrong, crps, ensemble)
    assert "0.5" in told(compact, crps, ensemble) or "/ 2" in told(compact, crps, ensemble)


def tokens():
    labels = torch.randint(0, 5, (4, 6))
    labels[0, 3:], labels[1, :2], labels[2, 5:] = -100, -100, -100
    return torch.randn(4, 6, 5), labels


def token_mean(x, labels):
    rows = []
    for scores, row in zip(x.log_softmax(-1), labels, strict=True):
        kept = row != -100
        rows.append(-scores[kept].gather(1, row[kept][:, None]).mean().square())
    return torch.stack(rows).mean()


def token_sum(x, labels, mean=False):
    kept = labels != -100
    each = x.log_softmax(-1).gather(-1, labels.clamp(min=0)[..., None]).squeeze(-1)
    each = each * kept
    rows = each.sum(-1) / kept.sum(-1) if mean else each.sum(-1)
    return -rows.square().mean()


def einsum_sum(x, labels):
    kept = (labels >= 0).to(x.dtype)
    each = F.cross_entropy(x.transpose(1, 2), labels, reduction="none", ignore_index=-100)
    rows = torch.mul(each, kept).sum(dim=1)
    return -(rows**2).mean()


def test_a_sum_over_what_a_mask_leaves_in():
    assert verify(lambda *a: token_sum(*a, mean=True), like=token_mean, inputs=tokens)
    for wrong in (token_sum, einsum_sum):
        said = told(wrong, token_mean, tokens)
        assert "the mean over what" in said
        assert ".sum(1)" in said


def test_a_mask_that_lies_otherwise_is_none():
    def right(x, y):
        return (x.reshape(6, 2, 3) * y.reshape(6, 2, 3)).sum(1).square().mean()

    said = told(
        lambda x, y: 2.5 * right(x, y), right, lambda: (torch.randn(6, 3, 2), (torch.rand(6, 3, 2) > 0.4).float())
    )
    assert "2.5" in said


def pairs():
    return torch.randn(6, 4), torch.tensor([0, 1, 0, 2, 1, 2])


def circle(x, y, end=F.softplus):
    z = F.normalize(x, dim=1)
    s = z @ z.T
    upper = torch.ones_like(s).triu(1).bool()
    same = y[:, None] == y[None]
    p, n = s[same & upper], s[~same & upper]
    ap, an = (1.25 - p.detach()).clamp(min=0), (n.detach() + 0.25).clamp(min=0)
    return end(torch.logsumexp(2 * an * (n - 0.25), 0) + torch.logsumexp(-2 * ap * (p - 0.75), 0))


@pytest.mark.parametrize("end", [F.softplus, torch.log1p, torch.tanh])
def test_a_step_is_missing_at_the_end_of_a_long_loss(end):
    """However many numbers stand before it that could be turned."""

    def right(x, y):
        return circle(x, y, lambda v: end(v.square() / 20))

    assert verify(lambda x, y: right(x, y) * 1.0, like=right, inputs=pairs)
    said = told(lambda x, y: circle(x, y, lambda v: v.square() / 20), right, pairs)
    assert "a step is missing" in said
    assert end.__name__ in said


def test_a_small_number_that_any_other_would_mend_is_not_told():
    def right(x, y):
        return x.square().sum(1).log().mean()

    def near(x, y, eps=3e-5):
        return (x.square().sum(1) + eps).log().mean()

    said = told(near, right, pairs)
    assert "1.5e-05" not in said
    assert "x.square().sum(1)" in said or "eps = 0" in said


def weighted_triples():
    return torch.rand(5, 4) + 0.1, torch.rand(5, 4) + 0.1, torch.rand(5, 4)


def distorted(w, d, t, of_square=torch.square, power=4):
    return (of_square(w) * d).sum(1).mean() + ((1 - t) ** power * w).mean()


def test_a_number_is_told_as_a_number():
    said = told(lambda w, d, t: distorted(w, d, t, power=2), distorted, weighted_triples)
    assert "right with 4" in said


def of_one_factor(w, d, t):
    return torch.einsum("nk,nk->n", w, d).mean() + (w * (1 - t).pow(4)).mean()


def of_one_product(w, d, t):
    first = w * d
    return first.sum(1).mean() + torch.mean(torch.pow(1 - t, 4) * w)


def test_which_operand_is_wrong_is_named():
    for wrong in (lambda w, d, t: distorted(w, d, t, lambda x: x), of_one_product):
        said = told(wrong, distorted, weighted_triples)
        assert "`w.square()`" in said or "`torch.square(w)`" in said or "of_square" in said


def spectra():
    return torch.rand(4, 6) + 0.1, torch.rand(4, 6) + 0.1


def convergence(x, y, below=1):
    a, b = 2 * x + 0.1, 2 * y + 0.1
    num = torch.norm(b - a, p="fro", dim=1)
    one = (a, b)[below]
    den = torch.norm(one, p="fro", dim=1)
    return (num / den).mean() + (a.log() - b.log()).abs().mean()


def of_own_norm(x, y):
    mine, right = 2 * x + 0.1, 2 * y + 0.1
    mine2, right2 = mine.square(), right.square()
    distance = (mine2 - 2 * mine * right + right2).sum(dim=1)
    return (distance.sqrt() / mine2.sum(dim=1).sqrt()).mean() + F.l1_loss(mine.log(), right.log())


def of_own_sum(x, y):
    u, v = x.mul(2).add(0.1), y.mul(2).add(0.1)
    share = torch.linalg.vector_norm(u - v, dim=-1) / torch.linalg.vector_norm(u, dim=-1)
    return torch.mean(share) + torch.mean(torch.abs(torch.log(u / v)))


@pytest.mark.parametrize(
    ("wrong", "belongs"), [(lambda x, y: convergence(x, y, 0), "`b`"), (of_own_norm, "`right2`"), (of_own_sum, "`v`")]
)
def test_the_sum_or_norm_of_the_wrong_tensor(wrong, belongs):
    """A loss of two tensors that is alike in both but for that is not one whose arguments are swapped."""
    assert verify(lambda x, y: convergence(x, y) * 1.0, like=convergence, inputs=spectra)
    said = told(wrong, convergence, spectra)
    assert "swapped" not in said
    assert f"right with {belongs} in the place of" in said


def scores():
    return torch.randn(5, 5), torch.rand(5) + 0.1


def sampled(s, q, dim=0):
    return F.cross_entropy(s - q.log().unsqueeze(dim), torch.arange(len(s)))


def by_rows(s, q):
    logits = s - torch.log(q)[:, None]
    return -(logits - logits.logsumexp(1, keepdim=True)).diagonal().mean()


def by_expanding(s, q):
    lift = q.log().reshape(-1, 1).expand(5, 5)[: len(s), : len(s)]
    return -torch.log_softmax(s - lift, dim=-1).diag().mean()


def test_an_argument_that_cancels_is_one_that_is_used():
    for wrong in (lambda s, q: sampled(s, q, 1), by_rows, by_expanding):
        said = told(wrong, sampled, scores)
        assert "it is not used" not in said
        assert "broadcasts" in said or "cancels" in said or "exchanged" in said or "in the place of" in said
    unused = told(lambda s, q: F.cross_entropy(s, torch.arange(len(s))), sampled, scores)
    assert "q" in unused


def classes():
    return torch.randn(9, 3), torch.tensor([0, 0, 0, 0, 1, 1, 2, 2, 2])


def over_all(x, y):
    return F.cross_entropy(x, y, reduction="sum") / len(y)


def by_class(x, y, pooled=False):
    each = F.cross_entropy(x, y, reduction="none")
    kinds = y.unique().tolist()
    losses = 0.0
    for k in kinds:
        kept = each[y == k]
        losses += kept.sum() if pooled else kept.sum() / len(kept)
    return losses / (len(y) if pooled else len(kinds))


def by_chunk(x, y):
    """As where gradients of uneven batches are gathered."""
    total = []
    if len(y) < 9:
        return over_all(x, y)
    for part, labels in zip(x.split([2, 7]), y.split([2, 7]), strict=True):
        each = -part.log_softmax(1).gather(1, labels[:, None])
        total.append(each.mean())
    return torch.stack(total).mean()


def by_margin(x, y):
    scores = x.log_softmax(1)
    terms = []
    for k in range(3):
        mine = (y == k).to(x.dtype)
        if mine.sum() > 0:
            terms.append(-(scores[:, k] * mine).sum() / mine.sum())
    return sum(terms) / len(terms)


@pytest.mark.parametrize("wrong", [by_class, by_chunk, by_margin])
def test_a_mean_of_means(wrong):
    assert verify(lambda x, y: by_class(x, y, pooled=True), like=over_all, inputs=classes)
    said = told(wrong, over_all, classes)
    assert "a mean of means, where all belong into one" in said
