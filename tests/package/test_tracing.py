"""What the record of a loss's operations shows: places, broadcasts, where the gradient ended, how far arguments went."""

import math

import pytest
import torch
import torch.nn.functional as F

from lossbook.explaining.explain import explain
from lossbook.tracing import PAIRING, Operations, body_of, broadcasts, snapshot, steep

ROW = torch.tensor([1.0, 2.0, 3.0])
COLUMN = ROW.unsqueeze(1).clone()


def recorded(loss, *tensors):
    given = [t.clone().requires_grad_() if i == 0 else t for i, t in enumerate(tensors)]
    with Operations(body_of(loss).__code__) as operations:
        loss(*given)
    return operations.seen, given


def crossed(loss, *tensors):
    return [found.shapes for found in broadcasts(*recorded(loss, *tensors))]


def helper(x, eps=0.0):
    return (x + eps).log()


def calls_helper(p, t):
    error = helper(p) - helper(t)
    return error.square().mean()


def test_the_place_is_the_innermost_line_of_the_own_code():
    seen, _ = recorded(calls_helper, ROW, ROW)
    first = calls_helper.__code__.co_firstlineno
    assert [(o.name, o.place.function, o.line - first) for o in seen] == [
        ("add", "helper", 1), ("log", "helper", 1), ("add", "helper", 1), ("log", "helper", 1),
        ("sub", "calls_helper", 1), ("square", "calls_helper", 2), ("mean", "calls_helper", 2),
    ]  # fmt: skip
    assert seen[1].place.code == "return (x + eps).log()"
    assert [o.place.expression for o in seen[:2]] == ["x + eps", "(x + eps).log()"]


def test_code_of_torch_is_not_the_loss_own():
    seen, _ = recorded(lambda p, t: torch.distributions.Normal(p, 1.0).log_prob(t).mean(), ROW, ROW)
    assert {o.place.function for o in seen} == {"<lambda>"}


@pytest.mark.parametrize(
    "loss",
    [
        lambda p, t: (p - t).square().mean(),
        lambda p, t: F.l1_loss(p, t),
        lambda p, t: (p.log() * (1 - t)).mean(),
        lambda p, t: (p.square() * F.one_hot(t.long(), 4).sum(1)).mean(),
    ],
)
@pytest.mark.filterwarnings("ignore:Using a target size")
def test_n_by_1_against_n_is_seen(loss):
    assert crossed(loss, COLUMN, ROW) == [((3, 1), (3,))]


@pytest.mark.parametrize(
    ("loss", "tensors"),
    [
        (lambda p, t: p[:, None] - p, (ROW, ROW)),  # every pair of one tensor
        (lambda p, t: p.unsqueeze(1) - t.unsqueeze(0), (ROW, ROW)),  # every pair, said on both sides
        (lambda p, t: (p - t) * torch.tensor([0.1, 0.5, 0.9]), (COLUMN, COLUMN)),  # three quantiles, a constant
        (lambda p, t: p - t[:2], (COLUMN, ROW)),  # other sizes
        (lambda p, t: p * t, (torch.ones(4, 3), ROW)),  # one weight for each class
        (lambda p, t: p @ t, (torch.ones(4, 3), ROW)),
        (lambda p, t: p > t, (COLUMN, ROW)),
    ],
)
def test_what_is_meant_is_no_broadcast(loss, tensors):
    assert crossed(loss, *tensors) == []


def test_every_loss_of_the_catalogue_that_pairs_numbers_is_known():
    from lossbook.catalogue import CATALOGUE

    assert {e.torch_function.__name__ for e in CATALOGUE if e.torch_function and e.batches.elementwise} <= PAIRING


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, grad):
        return grad * 2


@pytest.mark.parametrize(
    ("loss", "names"),
    [
        (lambda p, t: (p.detach() - t).mean(), ["detach"]),
        (lambda p, t: (p.data - t).mean(), ["data"]),
        (lambda p, t: p.mean().item() * t, ["item"]),
        (lambda p, t: torch.tensor([p[0], p[1]]) * t[:2], ["tensor"]),
        (lambda p, t: (t.to(p) - p).mean() + p.new_tensor(1.0) + p.max(0).indices, []),
        (lambda p, t: Doubled.apply(p).sum(), []),
        (lambda p, t: torch.ones_like(p) * (p > t), []),
    ],
)
@pytest.mark.filterwarnings("ignore:Converting a tensor with requires_grad")
def test_where_the_gradient_is_cut(loss, names):
    seen, _ = recorded(loss, ROW, ROW)
    assert [o.name for o in seen if o.cut] == names


@pytest.mark.parametrize(
    ("loss", "kind", "low", "high", "nearest", "breaks"),
    [
        (lambda p: p.log(), "log", 0, 2, 0, True),
        (lambda p: torch.log1p(p), "log", 1, 3, 1, False),
        (lambda p: (p - 1).sqrt(), "root", -1, 1, 0, True),
        (lambda p: (p + 1) ** 0.5, "root", 1, 3, 1, False),
        (lambda p: 3 / (p - 1), "division", -1, 1, 0, True),
        (lambda p: p / (p + 1), "division", 1, 3, 1, False),
        (lambda p: torch.exp(50 * p), "exp", 0, 100, 0, True),
        (lambda p: p.exp(), "exp", 0, 2, 0, False),
        (lambda p: torch.acos(p / p.max().detach()), "arc", 0, 1, 0, True),
        (lambda p: p[p > 5].mean(), "division", 0, 0, 0, True),
    ],
)
def test_how_far_an_argument_went(loss, kind, low, high, nearest, breaks):
    seen, _ = recorded(loss, torch.tensor([0.0, 1.0, 2.0]))
    found = [o.argument for o in seen if o.argument][-1]
    assert (found.kind, found.low, found.high, found.nearest, found.breaks()) == (kind, low, high, nearest, breaks)


def test_an_exp_that_breaks_in_another_dtype():
    seen, _ = recorded(lambda p: p.exp(), torch.tensor([20.0]))
    (found,) = (o.argument for o in seen if o.argument)
    assert not found.breaks()
    assert found.breaks(torch.float16)
    assert math.exp(20) > torch.finfo(torch.float16).max


def test_vmap_is_passed_over():
    row = lambda p, t: (p - t).square().mean()  # noqa: E731
    assert explain(lambda p, t: torch.vmap(row)(p, t).sum(), COLUMN, COLUMN).value == 0


@pytest.mark.parametrize(
    ("loss", "names"),
    [
        (lambda p: p.sqrt().sum(), ["sqrt"]),
        (lambda p: (p * 2).sqrt().sum() + (p * 3).sum(), ["sqrt"]),
        (lambda p: torch.where(p > 0, p.log(), p).sum(), ["log"]),
        (lambda p: (p + 1).sqrt().sum(), []),
        (lambda p: p.detach().sqrt().sum(), []),
    ],
)
def test_where_the_gradient_stops_being_finite(loss, names):
    given = torch.tensor([0.0, 1.0], requires_grad=True)
    with Operations(body_of(loss).__code__) as operations:
        value = loss(given)
    assert [o.name for o in steep(operations.seen, value)] == names


def test_a_snapshot_is_no_operation_of_the_loss():
    with Operations(None) as operations:
        assert snapshot(torch.ones(2, requires_grad=True)).requires_grad
    assert [o.name for o in operations.seen] == ["ones"]
