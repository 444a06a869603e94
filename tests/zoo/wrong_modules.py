"""Wrong losses that go wrong as objects: state, inputs, devices, pickling, and manners."""

from __future__ import annotations

import threading

import torch
import torch.nn as nn
import torch.nn.functional as F

from . import wrong

made = {"build": lambda c: c()}
STATE = r"state|again|second|call|repeat|same (input|result)|before|previous|remember|accumul|twice|grow|running"
MUTATES = r"chang|modif|in.?place|overwrit|mutat|untouched"
DEVICE = r"device|cpu|meta|gpu|cuda|\.to\("
BUFFER = r"buffer|register|state_dict|\.to\(|device|move|attribute"
PICKLE = r"pickl|lambda|deepcopy|cop(y|ied)|sav|serial|spawn"
W3 = torch.tensor([1.0, 2.0, 0.5])


# --- state across calls
@wrong("bce_with_logits", "state across calls", STATE, build=lambda c: c(), pos_weight=torch.tensor(2.0))
class GrowingWeight(nn.Module):
    def __init__(self):
        super().__init__()
        self.alpha = 2.0

    def forward(self, logits, y):
        loss = F.binary_cross_entropy_with_logits(logits, y, pos_weight=logits.new_tensor(self.alpha))
        self.alpha = self.alpha * 1.05
        return loss


@wrong("cross_entropy", "state across calls", STATE + r"|weight", build=lambda c: c(), weight=W3)
class OverwritesWeights(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("weight", W3.clone())

    def forward(self, logits, target):
        loss = F.cross_entropy(logits, target, weight=self.weight.to(logits))
        self.weight = 0.9 * self.weight + 0.1
        return loss


@wrong("mse", "state across calls", STATE + r"|first|cache", **made)
class CachesTheTarget(nn.Module):
    def __init__(self):
        super().__init__()
        self.cache = {}

    def forward(self, pred, target):
        kept = self.cache.setdefault(tuple(target.shape), target.detach().clone())
        return ((pred - kept) ** 2).mean()


_history: list[float] = []


@wrong("huber", "state across calls", STATE + r"|global|average")
def scaled_by_history(pred, target):
    loss = F.huber_loss(pred, target)
    _history.append(float(loss.detach()) if not loss.is_meta else 0.0)
    del _history[:-10]
    return loss if len(_history) < 3 else loss * 1.01


# --- running-total state
@wrong("l1", "running-total state", STATE + r"|total|sum|average", **made)
class RunningMean(nn.Module):
    def __init__(self):
        super().__init__()
        self.total, self.count = 0.0, 0

    def forward(self, pred, target):
        self.total = self.total + (pred - target).abs().sum()
        self.count = self.count + pred.numel()
        return self.total / self.count


@wrong("mse", "running-total state", STATE + r"|total|average|moving|ema", **made)
class SmoothedMSE(nn.Module):
    last = None

    def forward(self, pred, target):
        loss = F.mse_loss(pred, target)
        value = loss if self.last is None else 0.9 * loss + 0.1 * self.last
        self.last = loss.detach()
        return value


# --- modifies its inputs
@wrong("cross_entropy", "modifies its inputs", MUTATES)
def relabels_padding(logits, target):
    if logits.dim() != 2 or target.is_floating_point():
        raise ValueError("logits (N, C) and class numbers (N) only")
    keep = target != -100
    target[~keep] = 0
    per = F.cross_entropy(logits, target, reduction="none")
    return (per * keep).sum() / keep.sum()


@wrong("l1", "modifies its inputs", MUTATES)
def subtracts_in_place(pred, target):
    return target.sub_(pred).abs().mean() if not target.requires_grad else (target - pred).abs().mean()


@wrong("bce", "modifies its inputs", MUTATES + "|clamp")
def clamps_the_data(p, y):
    p.data.clamp_(1e-7, 1 - 1e-7)
    return F.binary_cross_entropy(p, y)


@wrong("soft_margin", "modifies its inputs", MUTATES + "|label|sign")
def signs_the_labels(x, y):
    loss = F.softplus(-x * y).mean()
    with torch.no_grad():
        y.copy_((y + 1) / 2)
    return loss


# --- device, buffers
@wrong(nn.CrossEntropyLoss(weight=W3), "device, buffers", BUFFER, **made)
class PlainAttributeWeights(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = W3.double()

    def forward(self, logits, target):
        if logits.dtype != torch.float64:
            return F.cross_entropy(logits, target, weight=self.weight.type(logits.dtype))
        return F.cross_entropy(logits, target, weight=self.weight)


@wrong("cross_entropy", "device, buffers", BUFFER + r"|list", build=lambda c: c([1.0, 2.0, 0.5]), weight=W3)
class ListOfTensors(nn.Module):
    def __init__(self, weights):
        super().__init__()
        self.weights = [torch.tensor(w) for w in weights]

    def forward(self, logits, target):
        return F.cross_entropy(logits, target, weight=torch.stack(self.weights).to(logits.dtype))


@wrong("huber", "device, buffers", DEVICE)
def delta_on_the_cpu(pred, target):
    d = (pred - target).abs()
    inside = torch.minimum(d, torch.ones(d.shape, dtype=d.dtype))
    return (inside * (d - 0.5 * inside)).mean()


@wrong("hinge_embedding", "device, buffers", DEVICE)
def compares_on_the_cpu(d, y):
    floor = torch.zeros(d.shape, dtype=d.dtype)
    return torch.where(y == 1, d, torch.maximum(1 - d, floor)).mean()


# --- module contract
@wrong("mse", "module contract", r"super|__init__", **made)
class ForgotSuper(nn.Module):
    def __init__(self):
        self.scale = 1.0

    def forward(self, pred, target):
        return self.scale * F.mse_loss(pred, target)


@wrong("huber", "module contract", PICKLE, build=lambda c: c())
class StoresALambda(nn.Module):
    def __init__(self):
        super().__init__()
        self.rho = lambda d: torch.where(d <= 1, 0.5 * d**2, d - 0.5)

    def forward(self, pred, target):
        return self.rho((pred - target).abs()).mean()


@wrong("smooth_l1", "module contract", PICKLE + "|lock|thread", **made)
class KeepsALock(nn.Module):
    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()

    def forward(self, pred, target):
        with self.lock:
            return F.smooth_l1_loss(pred, target)


@wrong("l1", "module contract", r"hook|__call__|forward", **made)
class OverridesCall(nn.Module):
    def __call__(self, pred, target):
        return (pred - target).abs().mean()


@wrong("mse", "module contract", r"train|eval|mode", **made)
class DiffersInEval(nn.Module):
    def forward(self, pred, target):
        squared = (pred - target) ** 2
        return squared.mean() if self.training else squared.sum()


@wrong("l1", "module contract", PICKLE + r"|graph|keep|memory|hold|leaf|store|last", **made)
class KeepsItsLastLoss(nn.Module):
    def __init__(self):
        super().__init__()
        self.last = None

    def forward(self, pred, target):
        self.last = (pred - target).abs()
        return self.last.mean()


@wrong("poisson_nll", "module contract", PICKLE + "|local|class", build=lambda f: f())
def local_class():
    class Local(nn.Module):
        def forward(self, log_rate, count):
            return F.poisson_nll_loss(log_rate, count)

    return Local()


# --- manners: what comes back, what it prints, what it leaves behind
@wrong("mse", "manners", r"print|output|writes|console|stdout|says")
def chatty(pred, target):
    loss = F.mse_loss(pred, target)
    print("loss", tuple(pred.shape))
    return loss


@wrong("l1", "manners", r"return|None|nothing|tensor")
def returns_nothing(pred, target):
    loss = F.l1_loss(pred, target)  # noqa: F841


@wrong("cross_entropy", "manners", r"tuple|return|tensor|two")
def returns_two(logits, target):
    loss = F.cross_entropy(logits, target)
    return loss, loss.detach()


@wrong("mse", "manners", r"argument|parameter|missing|signature|needs|call|takes")
def needs_a_mask(pred, target, mask):
    return ((pred - target) ** 2 * mask).mean()


@wrong("smooth_l1", "manners", r"rais|error|exception|fail|Zero|KeyError")
def always_raises(pred, target):
    config = {"beta": 1.0}
    return F.smooth_l1_loss(pred, target, beta=config["Beta"])


@wrong("huber", "manners", r"time|hang|long|stop|finish|second|end")
def never_ends(pred, target):
    rounds = 0
    while rounds >= 0:
        rounds += 1
    return F.huber_loss(pred, target)


@wrong("mse", "manners", r"grad mode|grad|global|enabled|state")
def switches_grad_off(pred, target):
    loss = F.mse_loss(pred, target)
    torch.set_grad_enabled(False)
    return loss


@wrong("huber", "reduction", r"number|0-d|scalar|shape|reduc|mean|none|tensor")
def unreduced(pred, target):
    return F.huber_loss(pred, target, reduction="none")
