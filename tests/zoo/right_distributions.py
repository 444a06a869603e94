"""Right losses between distributions, and of sequences, in unusual styles."""

from __future__ import annotations

import functools

import torch
import torch.nn as nn
import torch.nn.functional as F

from . import right


@right("kl_div")
def kl_xlogy(log_q, p):
    return (torch.xlogy(p, p) - p * log_q).mean()


@right(nn.KLDivLoss(reduction="batchmean"))
def kl_batchmean(log_q, p):
    return (torch.special.xlogy(p, p) - log_q * p).sum() / log_q.size(0)


@right("kl_div")
def kl_entr(log_q, p):
    return -(torch.special.entr(p) + p * log_q).mean()


@right("kl_div", reduction="sum")
def kl_indexed(log_q, p):
    seen = p > 0
    return (p[seen] * (p[seen].log() - log_q[seen])).sum()


@right("kl_div")
def kl_where_safe(log_q, p):
    safe = torch.where(p > 0, p, torch.ones_like(p))
    return (p * (safe.log() - log_q)).mean()


@right("kl_div", log_target=True)
def kl_of_logs(log_q, log_p):
    return (log_p.exp() * (log_p - log_q)).mean()


@right("kl_div", log_target=True, reduction="batchmean")
def kl_of_logs_batchmean(log_q, log_p):
    return torch.einsum("i,i->", log_p.exp().flatten() / len(log_q), (log_p - log_q).flatten())


@right("kl_div")
def kl_detached(log_q, p):
    return F.kl_div(log_q, p.detach())


class _KL(torch.autograd.Function):
    @staticmethod
    def forward(ctx, log_q, p):
        ctx.save_for_backward(p)
        return (torch.xlogy(p, p) - p * log_q).mean()

    @staticmethod
    def backward(ctx, grad_output):
        (p,) = ctx.saved_tensors
        return -grad_output * p / p.numel(), None


@right("kl_div")
def kl_own_backward(log_q, p):
    return _KL.apply(log_q, p)


@right("kl_div", build=torch.jit.script)
def kl_scripted(log_q: torch.Tensor, p: torch.Tensor) -> torch.Tensor:
    return torch.mean(torch.xlogy(p, p) - p * log_q)


@right("kl_div", build=lambda f: torch.compile(f, backend="eager"))
def kl_compiled(log_q, p):
    return (torch.xlogy(p, p) - p * log_q).mean()


@right("kl_div")
def kl_rows(log_q, p):
    rows = [(torch.xlogy(b, b) - b * a).mean() for a, b in zip(log_q, p, strict=True)]
    return torch.stack(rows).mean()


@right("kl_div")
def kl_with_settings(input, target, reduction="mean", log_target=False):
    log_p = target if log_target else target.clamp(min=torch.finfo(target.dtype).tiny).log()
    p = target.exp() if log_target else target
    loss = p * (log_p - input)
    if reduction == "batchmean":
        return loss.sum() / input.shape[0]
    return loss if reduction == "none" else getattr(torch, reduction)(loss)


@right("kl_div", build=lambda f: functools.partial(f, reduction="mean"))
def kl_partial(log_q, p, *, reduction):
    per = torch.xlogy(p, p).sub(p.mul(log_q))
    if reduction == "none":
        return per
    return per.mean() if reduction == "mean" else per.sum()


@right("kl_div", reduction="batchmean", build=lambda c: c())
class CrossMinusEntropy(nn.Module):
    def forward(self, log_q, p):
        cross = -(p * log_q).flatten(1).sum(1) if p.dim() > 1 else -(p * log_q)
        own = torch.special.entr(p)
        return (cross - (own.flatten(1).sum(1) if p.dim() > 1 else own)).mean()


@right("ctc")
def ctc_by_hand_of_torch(log_probs, targets, input_lengths, target_lengths):
    per = F.ctc_loss(log_probs, targets, input_lengths, target_lengths, reduction="none")
    lengths = torch.as_tensor(target_lengths, device=per.device).clamp(min=1)
    return (per / lengths.to(per.dtype)).mean()


@right(nn.CTCLoss(reduction="sum"), build=lambda c: c())
class SummedCTC(nn.Module):
    def forward(self, log_probs, targets, input_lengths, target_lengths):
        return F.ctc_loss(log_probs, targets, input_lengths, target_lengths, reduction="none").sum()


@right("ctc", zero_infinity=True)
def ctc_without_infinity(log_probs, targets, input_lengths, target_lengths):
    return F.ctc_loss(log_probs, targets, input_lengths, target_lengths, zero_infinity=True)
