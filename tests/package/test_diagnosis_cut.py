"""Where the gradient ends is named: the line, what is made there, and why it has no slope."""

import math

import pytest
import torch
from torch.nn import functional as F

from lossbook.verifying.verify import verify


def masks():
    return torch.randn(3, 4, 4), (torch.rand(3, 4, 4) > 0.5).float()


def classes():
    return torch.randn(7, 4), torch.randint(4, (7,))


def numbers():
    return torch.randn(8), torch.randn(8)


def embeddings():
    return torch.randn(6, 4), torch.randn(6, 4)


def compared(logits, y):
    hard = (torch.sigmoid(logits) > 0.5).float()
    return 1 - 2 * (hard * y).sum() / (hard.sum() + y.sum() + 1)


def soft(logits, y):
    p = torch.sigmoid(logits)
    return 1 - 2 * (p * y).sum() / (p.sum() + y.sum() + 1)


def by_argmax(logits, y):
    guess = logits.argmax(dim=-1)
    return (guess - y).abs().float().mean()


def by_indices(scores, y):
    top = scores.softmax(1).max(1).indices
    return 1.0 - torch.eq(top, y).double().mean()


def through_numpy(pred, y):
    p = pred.detach().numpy()
    return torch.tensor(float(((p - y.numpy()) ** 2).mean()))


def through_item(pred, y):
    total = 0.0
    for a, b in zip(pred, y, strict=True):
        total += (a - b).pow(2).item()
    return torch.tensor(total / len(pred), requires_grad=True)


def within_no_grad(pred, y):
    with torch.no_grad():
        apart = pred - y
    return apart.square().mean()


def rounded(pred, y):
    return (pred.round() - y).square().mean()


@pytest.mark.parametrize(
    ("loss", "inputs", "what", "why"),
    [
        (compared, masks, "`torch.sigmoid(logits) > 0.5`, of which `hard` is made", "a comparison"),
        (by_argmax, classes, "`logits.argmax(dim=-1)`, of which `guess` is made", "an index or a count"),
        (by_indices, classes, "`scores.softmax(1).max(1)`, of which `top` is made", "an index or a count"),
        (through_numpy, numbers, "`pred.detach()`, of which `p` is made", "what was detached"),
        (through_item, numbers, "`(a - b).pow(2).item()`", "a number of Python or NumPy"),
        (within_no_grad, numbers, "`pred - y`, of which `apart` is made", "within no_grad"),
        (rounded, numbers, "`pred.round()`", "rounded has the slope 0"),
    ],
)
def test_where_and_why(loss, inputs, what, why):
    check = next(check for check in verify(loss, inputs=inputs).checks if check.name == "reaches")
    how = "the gradient is 0 before" if loss is rounded else "the graph is cut at"
    assert f"{how} {what}: " in check.finding.diagnosis
    assert why in check.finding.diagnosis
    assert what.split("`")[1] in check.finding.line


def test_a_comparison_that_only_chooses_ends_nothing():
    report = verify(lambda x, t: ((x - t).abs() * (x > t)).mean(), inputs=numbers)
    assert all("the graph is cut" not in (c.finding.diagnosis if c.finding else "") for c in report.checks)


def test_beside_a_right_loss():
    assert "`torch.sigmoid(logits) > 0.5`" in str(verify(compared, like=soft, inputs=masks))
    assert verify(soft, like=soft, inputs=masks)


def chosen(a, p, n, margin=0.5):
    near = ((a - p).norm(dim=1) - (a - n).norm(dim=1) + margin > 0).nonzero().flatten()
    return F.triplet_margin_loss(a[near], p[near], n[near], margin=margin) + a.sum() * 0


def chosen_through_python(a, p, n, margin=0.5):
    near = ((a - p).norm(dim=1) - (a - n).norm(dim=1) + margin > 0).nonzero().flatten()
    x, y, z = (torch.tensor(e[near].tolist()) for e in (a, p, n))
    return F.triplet_margin_loss(x, y, z, margin=margin) + a.sum() * 0


def test_a_gradient_of_0_beside_a_right_value():
    def triplets():
        a = torch.randn(6, 4)
        return a, torch.randn(6, 4), a + 0.1 * torch.randn(6, 4)

    diagnosis = verify(chosen_through_python, like=chosen, inputs=triplets).diagnosis
    assert "the graph is cut at `e[near].tolist()`" in diagnosis


def hardest(q, k, fill=-math.inf):
    s = F.cosine_similarity(q[:, None], k[None], dim=-1)
    other = s.masked_fill(torch.eye(len(q), dtype=torch.bool), fill).max(1).values.clamp(max=1)
    return F.relu(other - s.diagonal() + 0.3).mean()


def itself(q, k):
    s = F.cosine_similarity(q[:, None], k[None], dim=-1)
    other = s.masked_fill(torch.eye(len(q), dtype=torch.bool), math.inf).max(1).values.clamp(max=1)
    return F.relu(other - s.diagonal() + 0.3).mean()


def farthest(a, p, m=0.4):
    d = 1 - F.normalize(a) @ F.normalize(p).T
    apart = d.diagonal().clone()
    d[range(len(a)), range(len(a))] = math.inf
    return F.relu(apart - d.max(1)[0] + m).mean()


def nearest_of_others(a, p, m=0.4):
    d = 1 - F.normalize(a) @ F.normalize(p).T
    apart = d.diagonal().clone()
    d[range(len(a)), range(len(a))] = -math.inf
    return F.relu(apart - d.max(1)[0] + m).mean()


def filled(a, p, m=0.4):
    s = F.normalize(a) @ F.normalize(p).T
    own = 1 - s.diagonal()
    s = s.clone()
    s.diagonal().fill_(-math.inf)
    return F.relu(own - (1 - s).amax(1) + m).mean()


@pytest.mark.parametrize(
    ("wrong", "right", "new"),
    [(itself, hardest, "`-inf`"), (farthest, nearest_of_others, "`-inf`"), (filled, nearest_of_others, "`inf`")],
)
def test_what_is_filled_in_is_always_chosen(wrong, right, new):
    """The loss is 0, or the same, whatever comes in: the fault is where infinity is written."""
    assert f"the wrong number is filled in: right with {new}" in verify(wrong, like=right, inputs=embeddings).diagnosis


def test_infinity_with_the_right_sign():
    assert not [c for c in verify(hardest, like=hardest, inputs=embeddings).failures if c.name != "device"]
