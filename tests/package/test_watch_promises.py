"""`watch` changes nothing: the same numbers to the last bit, the same random state, no memory held, in every kind of step."""

import copy
import gc
import io
import pickle

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel
from torch.utils.checkpoint import checkpoint

import lossbook

from . import TORCH

CROSS_ENTROPY = F.cross_entropy
STEPS = 20  # more than the first 16, which are looked at


def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 12), nn.ReLU(), nn.Dropout(0.3), nn.Linear(12, 3), nn.Softmax(dim=1))


def batches():
    generator = torch.Generator().manual_seed(1)
    return [(torch.randn(8, 6, generator=generator), torch.randint(3, (8,), generator=generator)) for _ in range(STEPS)]


def plain(net, optimizer, criterion, x, y, _step):
    optimizer.zero_grad()
    loss = criterion(net(x), y)
    loss.backward()
    optimizer.step()
    return loss


def autocast(net, optimizer, criterion, x, y, _step):
    optimizer.zero_grad()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = criterion(net(x), y)
    loss.backward()
    optimizer.step()
    return loss


def accumulation(net, optimizer, criterion, x, y, step):
    loss = criterion(net(x), y)
    (loss / 4).backward()
    if step % 4 == 3:
        optimizer.step()
        optimizer.zero_grad()
    return loss


def checkpointing(net, optimizer, criterion, x, y, step):
    optimizer.zero_grad()
    hidden = checkpoint(net[:3], x.requires_grad_(), use_reentrant=bool(step % 2))
    loss = criterion(net[3:](hidden), y)
    loss.backward()
    optimizer.step()
    return loss


def second_order(net, optimizer, criterion, x, y, _step):
    optimizer.zero_grad()
    loss = criterion(net(x), y)
    gradients = torch.autograd.grad(loss, list(net.parameters()), create_graph=True)
    (loss + sum(g.square().sum() for g in gradients)).backward()
    optimizer.step()
    return loss


def weighted_samples(net, optimizer, criterion, x, y, _step):
    optimizer.zero_grad()
    loss = (criterion(net(x), y) * torch.rand(())).mean()
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), 0.5)
    optimizer.step()
    return loss


STEPPERS = [plain, autocast, accumulation, checkpointing, second_order, weighted_samples]


def train(step, criterion, net=None):
    """Losses, parameters and random state after a training."""
    net = net or model()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    losses = [step(net, optimizer, criterion, x, y, i).detach() for i, (x, y) in enumerate(batches())]
    return [torch.stack(losses), *net.parameters(), *(p.grad for p in net.parameters()), torch.get_rng_state()]


def same(one, other):
    return all((a is None and b is None) or torch.equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("step", STEPPERS)
@pytest.mark.parametrize(
    "loss", [nn.CrossEntropyLoss(label_smoothing=0.1), F.cross_entropy, lambda p, y: F.nll_loss(p.log(), y)]
)
def test_the_same_to_the_last_bit(step, loss):
    expected = train(step, loss)
    criterion = lossbook.watch(loss)
    assert same(train(step, criterion), expected)
    with lossbook.watch():
        assert same(train(step, F.cross_entropy if loss is CROSS_ENTROPY else loss), expected)
    assert criterion.report.loss  # it was watched


@pytest.fixture
def process_group(tmp_path):
    """Of this one process: gradients go through DDP's hooks all the same."""
    torch.distributed.init_process_group("gloo", f"file://{tmp_path}/group", world_size=1, rank=0)
    yield
    torch.distributed.destroy_process_group()


@pytest.mark.parametrize("softmax", [True, False])
def test_distributed(process_group, softmax):
    def net():
        return DistributedDataParallel(model() if softmax else model()[:-1])

    expected = train(plain, nn.CrossEntropyLoss(), net())
    criterion = lossbook.watch(nn.CrossEntropyLoss())
    assert same(train(plain, criterion, net()), expected)
    assert [f.kind for f in criterion.report.findings] == ["softmax-before-cross-entropy"] * softmax


def alive():
    """Bytes of all tensors that are alive."""
    gc.collect()
    tensors = [thing for thing in gc.get_objects() if type(thing) in (torch.Tensor, nn.Parameter)]
    return sum({t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in tensors}.values())


@pytest.mark.parametrize("calls", [3, STEPS])
def test_memory_is_not_held(calls):
    """Neither activations nor inputs nor the model: of each parameter a few numbers."""
    before = alive()
    criterion = lossbook.watch(nn.MSELoss())
    for _ in range(calls):
        net = nn.Sequential(nn.Linear(300, 300), nn.Tanh(), nn.Linear(300, 300))
        criterion(net(torch.randn(500, 300)), torch.randn(500, 300)).backward()
    del net
    held = alive() - before
    assert held < 4 * 300 * 300  # less than one layer, of 2 · calls
    assert criterion.report.loss == "MSELoss"


def test_under_torch_func():
    """Transformed calls are let alone, and it is said; their numbers are the same."""
    criterion, net = lossbook.watch(nn.CrossEntropyLoss()), model().eval()
    x, y = batches()[0]
    parameters = dict(net.named_parameters())

    def loss(parameters, x, y, criterion):
        return criterion(torch.func.functional_call(net, parameters, (x,)), y)

    def one(parameters, x, y, criterion):
        return loss(parameters, x[None], y[None], criterion)

    for transformed in (torch.func.grad(loss), torch.func.vmap(torch.func.grad(one), in_dims=(None, 0, 0, None))):
        got = transformed(parameters, x, y, criterion)
        expected = transformed(parameters, x, y, F.cross_entropy)
        assert same(got.values(), expected.values())
    tangents = {name: torch.ones_like(p) for name, p in parameters.items()}
    got, expected = (
        torch.func.jvp(lambda p, c=c: loss(p, x, y, c), (parameters,), (tangents,))
        for c in (criterion, F.cross_entropy)
    )
    assert same(got, expected)
    assert not criterion.report.findings
    assert len(criterion.report.notes) == 1


def test_exported_and_traced():
    class WithLoss(nn.Module):
        def __init__(self, criterion):
            super().__init__()
            self.net, self.criterion = model().eval(), criterion

        def forward(self, x, y):
            return self.criterion(self.net(x), y)

    x, y = batches()[0]
    watched = WithLoss(lossbook.watch(nn.CrossEntropyLoss()))
    expected = WithLoss(nn.CrossEntropyLoss())(x, y)
    assert torch.equal(torch.export.export(watched, (x, y)).module()(x, y), expected)
    assert watched.criterion.report.notes or TORCH < (2, 7)  # which calls a copy


def test_stored_within_a_model():
    """A model that holds a watched loss has the same state, and can be copied, stored and moved."""

    class WithLoss(nn.Module):
        def __init__(self):
            super().__init__()
            self.net, self.criterion = nn.Linear(2, 3), nn.CrossEntropyLoss(weight=torch.ones(3))

    bare = WithLoss()
    expected = {name: value.clone() for name, value in bare.state_dict().items()}
    bare.criterion = lossbook.watch(bare.criterion)
    assert list(bare.state_dict()) == list(expected)
    bare.load_state_dict(expected)
    bare.double()
    assert bare.criterion.weight.dtype == torch.float64
    assert bare.criterion._watcher.loss.weight.dtype == torch.float64
    assert [name for name, _ in bare.named_modules()] == ["", "net", "criterion"]
    copied = copy.deepcopy(bare)
    assert copied.criterion.report is not bare.criterion.report
    copied.criterion(torch.zeros(2, 3).double(), torch.tensor([0, 1]))
    stored = io.BytesIO()
    torch.save(bare.criterion, stored)
    stored.seek(0)
    assert torch.equal(torch.load(stored, weights_only=False).weight, bare.criterion.weight)


def test_a_setting_that_is_changed_later_is_seen():
    criterion = lossbook.watch(nn.CrossEntropyLoss())
    criterion.ignore_index = 1
    criterion.eval()
    assert criterion._watcher.loss.ignore_index == 1
    assert not criterion._watcher.loss.training
    assert torch.equal(
        criterion(torch.tensor([[2.0, 1.0], [0.0, 1.0]]), torch.tensor([0, 1])),
        F.cross_entropy(torch.tensor([[2.0, 1.0]]), torch.tensor([0])),
    )


def test_a_copy_ignores_what_it_ignored():
    criterion = lossbook.watch(nn.CrossEntropyLoss(), strict=True)
    criterion.ignore("softmax-before-cross-entropy")
    for copied in (copy.deepcopy(criterion), pickle.loads(pickle.dumps(criterion))):
        copied(torch.randn(4, 3).requires_grad_().softmax(dim=1), torch.tensor([0, 1, 2, 0]))
        assert copied.report
