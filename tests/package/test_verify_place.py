"""What `verify` says where no change of a loss makes it right: the place where it and a person's right one part."""

import pytest
import torch
from torch.nn import functional as F

from lossbook.verifying.verify import verify


def told(loss, like, inputs):
    report = verify(loss, like=like, inputs=inputs)
    assert not report
    return report.diagnosis


def joints():
    return torch.randn(5, 4, 6), torch.randn(5, 4, 6)


def hard(x, t):
    each = (x - t).square().mean(2)
    return each.sort(dim=1, descending=True).values[:, :2].mean()


def in_a_loop(x, t, dim=0):
    each = torch.stack([F.mse_loss(a, b, reduction="none").mean(-1) for a, b in zip(x, t, strict=True)])
    total = 0.0
    for i in range(each.shape[dim]):
        row = each.select(dim, i)
        total += torch.topk(row, 2).values.sum() / 2
    return total / each.shape[dim]


def over_columns(x, t):
    columns = (x - t).pow(2).sum(2) / 6
    chosen = [columns[:, j][torch.argsort(columns[:, j])[-2:]] for j in range(4)]
    return torch.cat(chosen).mean()


def of_the_largest(x, t):
    d = x - t
    rows = torch.einsum("njd,njd->nj", d, d) / d.shape[-1]
    return torch.kthvalue(rows, rows.shape[1], dim=1).values.mean()


@pytest.mark.parametrize("wrong", [lambda x, t: in_a_loop(x, t, 1), over_columns, of_the_largest])
def test_the_place_is_said_however_each_came_there(wrong):
    """What differs on the way to something that both have is no place where they part."""
    assert verify(in_a_loop, like=hard, inputs=joints)
    said = told(wrong, hard, joints)
    assert "both are alike up to `(x - t).square().mean(2)`" in said
    assert "`each.sort(dim=1, descending=True)`" in said


def test_a_slow_search_leaves_time_to_say_where():
    def right(x, t):
        s = x @ x.T
        own = torch.eye(len(s), dtype=torch.bool)
        return s.masked_fill(own, -9.0).amax(1).exp().mean()

    def slow(x, t):
        s = torch.matmul(x, x.transpose(0, 1))
        total = []
        for i in range(len(s)):
            near = s[i][torch.arange(len(s)) >= 0]
            for _ in range(40):
                near = near * 1.0
            total.append(near.max().exp())
        return torch.stack(total).mean()

    said = told(slow, right, lambda: (torch.randn(6, 4), torch.randn(6, 4)))
    assert "s.masked_fill(own, -9.0)" in said
