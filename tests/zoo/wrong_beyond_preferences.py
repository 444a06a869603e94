"""Wrong losses of preferences and rankings that torch lacks."""

import torch
from torch.nn import functional as F

from . import wrong


@wrong("dpo", "wrong formula", r"reference")
def dpo_without_a_reference(chosen, rejected, ref_chosen, ref_rejected):
    return -F.logsigmoid(0.1 * (chosen - rejected)).mean()


@wrong("dpo", "wrong formula", r"log-ratio alone|beta")
def dpo_with_beta_on_the_model(chosen, rejected, ref_chosen, ref_rejected):
    return F.softplus(ref_chosen - ref_rejected - 0.1 * (chosen - rejected)).mean()


@wrong("ipo", "wrong formula", r"1/\(2β\)")
def ipo_with_another_goal(chosen, rejected, ref_chosen, ref_rejected, beta=0.1):
    return ((chosen - rejected) - (ref_chosen - ref_rejected) - 1 / beta).square().mean()


@wrong("pairwise_logistic", "sign, log base", r"exchang|swap|turned|flipped")
def reward_model_prefers_the_rejected(first, second):
    return -F.logsigmoid(second - first).mean()


@wrong("pairwise_logistic", "wrong formula", r"logarithm")
def ranknet_without_logarithm(first, second, target):
    return -(target * torch.sigmoid(first - second) + (1 - target) * torch.sigmoid(second - first)).mean()


@wrong("list_net", "wrong formula", r"relevance|target")
def list_net_of_raw_relevance(scores, relevance):
    return -(relevance * scores.log_softmax(-1)).sum(-1).mean()


@wrong("list_net", "KLDiv", r"divergence|entropy")
def list_net_as_divergence(scores, relevance):
    return F.kl_div(scores.log_softmax(-1), relevance.log_softmax(-1), log_target=True, reduction="none").sum(-1).mean()
