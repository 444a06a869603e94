"""Wrong losses between distributions, and of sequences."""

from __future__ import annotations

import torch
import torch.nn as nn
import torch.nn.functional as F

import lossbook

from . import wrong

SUMMED = r"sum|mean|divi|times|factor|reduc|averag|batchmean"


@wrong("kl_div", "KLDiv", r"logarithm|\blog|probab|exp")
def kl_of_probabilities(p, q):
    return F.kl_div(p.exp(), q)


@wrong(nn.KLDivLoss(reduction="batchmean"), "KLDiv", r"entropy|term|cross|constant|target.*log")
def kl_without_entropy(log_q, p):
    return -(p * log_q).sum() / log_q.size(0)


@wrong("kl_div", "KLDiv", SUMMED, reduction="batchmean")
def kl_mean_for_batchmean(log_q, p):
    return F.kl_div(log_q, p, reduction="mean")


@wrong(F.kl_div, "KLDiv", SUMMED, reduction="mean")
def kl_batchmean_for_mean(log_q, p):
    return F.kl_div(log_q, p, reduction="batchmean")


@wrong("kl_div", "KLDiv", r"log|log_target|exp|probab|softmax", log_target=True)
def kl_target_in_logs(log_q, log_p):
    return F.kl_div(log_q, log_p.exp().log_softmax(-1), log_target=True)


@wrong("kl_div", "swapped arguments", r"swap|order|exchang|direction|reverse")
def reverse_kl(log_q, p):
    q = log_q.exp()
    return (q * (log_q - torch.log(p.clamp(min=1e-12)))).mean()


@wrong(lossbook.functional.kl_div, "swapped arguments", r"swap|order|exchang|direction|reverse", log_target=True)
def kl_arguments_swapped(log_q, log_p):
    return F.kl_div(log_p, log_q, log_target=True)


@wrong("kl_div", "wrong dim", r"dim|axis|softmax|batch|normali")
def kl_softmax_over_batch(log_q, p):
    return F.kl_div(F.log_softmax(log_q, dim=0), p)


@wrong("kl_div", "softmax / sigmoid twice", r"softmax|normali|already|twice", reduction="batchmean")
def kl_softmaxes_target(log_q, p):
    return F.kl_div(log_q, p.softmax(-1), reduction="batchmean")


@wrong("kl_div", "sign, log base", r"sign|minus|negat")
def kl_negative(log_q, p):
    return (p * log_q - torch.xlogy(p, p)).mean()


@wrong("kl_div", "sign, log base", r"base|log2|log 2|bits|ln|1\.44|0\.69")
def kl_mixed_logs(log_q, p):
    return (p * (torch.log2(p.clamp(min=1e-30)) - log_q)).mean()


@wrong("kl_div", "unstable log, overflow", r"nan|inf|zero|log\(0\)|xlogy|finite")
def kl_log_of_zero(log_q, p):
    return torch.mean(p * (p.log() - log_q))


@wrong("kl_div", "wrong formula", r"symmetr|jensen|js_div|both|half|term|formula|mid|mix", reduction="sum")
def jensen_shannon(log_q, p):
    m = 0.5 * (log_q.exp() + p)
    return 0.5 * (torch.xlogy(p, p) - torch.xlogy(p, m)).sum() + 0.5 * (log_q.exp() * (log_q - m.log())).sum()


@wrong(
    "kl_div",
    "not differentiable",
    r"argmax|differentia|detach|constant|round|thresh|step|no gradient|gradient is"
    r"|right with `log_q` in `F\.kl_div\(hard",
    reduction="sum",
)
def kl_of_hard_prediction(log_q, p):
    hard = torch.round(log_q * 100) / 100
    return F.kl_div(hard, p, reduction="sum")


@wrong("ctc", "reduction", SUMMED + r"|length")
def ctc_without_lengths(log_probs, targets, input_lengths, target_lengths):
    return F.ctc_loss(log_probs, targets, input_lengths, target_lengths, reduction="none").mean()


@wrong(nn.CTCLoss(blank=0), "wrong formula", r"blank")
def ctc_blank_is_last(log_probs, targets, input_lengths, target_lengths):
    blank = log_probs.shape[-1] - 1
    return F.ctc_loss(log_probs, targets, input_lengths, target_lengths, blank=blank)


@wrong("poisson_nll", "unstable log, overflow", r"log\(0\)|inf|nan|zero|eps|finite", log_input=False)
def poisson_log_zero(rate, count):
    return (rate - count * rate.log()).mean()


@wrong("gaussian_nll", "unstable log, overflow", r"inf|nan|zero|eps|finite|clamp")
def nll_of_zero_variance(mu, y, var):
    return 0.5 * (torch.log(var) + (y - mu) ** 2 / var).mean()


@wrong("gaussian_nll", "eps too small", r"eps|clamp|added|1e-|too (small|large)")
def nll_adds_eps(mu, y, var):
    var = var + 1e-3
    return 0.5 * (var.log() + (y - mu).square() / var).mean()


@wrong("gaussian_nll", "eps too small", r"eps|clamp|zero|small")
def nll_clamp_without_gradient(mu, y, var):
    var = torch.clamp(var, min=1e-6)
    return 0.5 * (torch.log(var) + (mu - y) ** 2 / var).mean()


@wrong("gaussian_nll", "partial detach", r"detach|gradient (of|for|with respect to|does|is|never).*var|cut|graph")
def nll_beta_detached(mu, y, var):
    var = var + (var.clamp(min=1e-6) - var).detach()
    return 0.5 * (var.log() + (y - mu) ** 2 / var.detach()).mean()


@wrong(
    "gaussian_nll",
    "wrong variable",
    r"wrong variable|instead|does not (use|depend)|ignor|no gradient|gradient is|input has no|prediction|changes nothing",
)
def nll_of_the_target(mu, y, var):
    var = var + (var.clamp(min=1e-6) - var).detach()
    return 0.5 * (torch.log(var) + (y - y.mean()) ** 2 / var + 0 * mu).mean()
