"""Wrong losses for labels that may be wrong."""

from torch.nn import functional as F

from . import wrong


@wrong("gce", "wrong formula", r"division by q|divi|factor|times")
def gce_without_division(logits, target, q=0.7):
    p = (-F.cross_entropy(logits, target, reduction="none")).exp()
    return (1 - p**q).mean()


@wrong("sce", "swapped arguments", r"swap|alpha|beta")
def sce_swapped(logits, target, alpha=0.1, beta=1.0):
    ce = F.cross_entropy(logits, target, reduction="none")
    return (beta * ce + alpha * 4 * (1 - (-ce).exp())).mean()
