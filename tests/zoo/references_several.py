"""Losses of several arguments, written carefully, with batches: segmentation, boxes, ranking, policies, and their kin."""

from __future__ import annotations

import torch
import torch.nn.functional as F


# --- images
def pixel_ce(logits, labels, ignore=255):
    """Cross entropy of pixels (N, C, H, W), mean over those that are labelled."""
    kept = labels != ignore
    log_p = F.log_softmax(logits, 1).gather(1, labels.where(kept, 0)[:, None])[:, 0]
    return -(log_p * kept).sum() / kept.sum().clamp(min=1)


def boundary_bce(logits, mask, edge, weight=5.0):
    """Binary cross entropy in which pixels at an edge count `1 + weight` times, mean over the pixels."""
    losses = F.softplus(logits) - logits * mask
    return (losses * (1 + weight * edge)).mean()


def multiclass_dice(logits, labels, smooth=1e-5):
    """One minus dice of each class over the whole batch, mean over the classes."""
    p = logits.softmax(1)
    y = F.one_hot(labels, logits.shape[1]).movedim(-1, 1).to(p.dtype)
    overlap, total = (p * y).sum((0, 2, 3)), (p + y).sum((0, 2, 3))
    return (1 - (2 * overlap + smooth) / (total + smooth)).mean()


def depth(pred, target, valid, share=0.5):
    """Scale-invariant log error of depths at valid pixels (Eigen 2014)."""
    error = (pred.log() - target.log()) * valid
    count = valid.sum((1, 2))
    return (error.square().sum((1, 2)) / count - share * (error.sum((1, 2)) / count).square()).mean()


def gradient_l1(pred, target):
    """L1 between the differences of neighbouring pixels, both ways."""
    down = (pred.diff(dim=-2) - target.diff(dim=-2)).abs().mean()
    return down + (pred.diff(dim=-1) - target.diff(dim=-1)).abs().mean()


def centernet(heat, target, alpha=2.0, beta=4.0):
    """CenterNet's focal loss of heat maps, over the number of centres."""
    p = heat.sigmoid()
    centre = target == 1
    positive = (1 - p) ** alpha * F.logsigmoid(heat)
    negative = (1 - target) ** beta * p**alpha * F.logsigmoid(-heat)
    return -torch.where(centre, positive, negative).sum() / centre.sum().clamp(min=1)


def detection(scores, boxes, labels, targets, beta=0.1):
    """Cross entropy of all anchors, and smooth L1 of the boxes whose label is not background (0), over their number."""
    positive = labels > 0
    box = F.smooth_l1_loss(boxes, targets, beta=beta, reduction="none").sum(-1)
    return F.cross_entropy(scores, labels) + (box * positive).sum() / positive.sum().clamp(min=1)


# --- ranking and recommendation
def bpr(user, liked, other, weight=0.01):
    """Bayesian personalised ranking on embeddings, with a penalty on their size."""
    margin = (user * (liked - other)).sum(1)
    size = user.square().sum(1) + liked.square().sum(1) + other.square().sum(1)
    return (F.softplus(-margin) + weight * size).mean()


def list_mle(scores, relevance):
    """ListMLE: the negative log likelihood of the right order, mean over the lists."""
    order = relevance.argsort(dim=1, descending=True, stable=True)
    ranked = scores.gather(1, order)
    rest = ranked.flip(1).logcumsumexp(1).flip(1)
    return (rest - ranked).sum(1).mean()


def pair_margin(scores, labels, margin=0.5):
    """Hinge over all pairs of a relevant and an irrelevant item, mean over these pairs."""
    relevant = labels[:, :, None] > labels[:, None, :]
    gap = scores[:, :, None] - scores[:, None, :]
    return ((margin - gap).clamp(min=0) * relevant).sum() / relevant.sum().clamp(min=1)


def reward(chosen, rejected, margin):
    """Bradley-Terry loss of a reward model with a margin for each pair."""
    return F.softplus(margin - (chosen - rejected)).mean()


# --- preferences and policies
def dpo(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta=0.1, smoothing=0.1):
    """Direct preference optimisation with label smoothing (cDPO)."""
    gap = beta * ((policy_chosen - policy_rejected) - (ref_chosen - ref_rejected).detach())
    return ((1 - smoothing) * F.softplus(-gap) + smoothing * F.softplus(gap)).mean()


def grpo(logp, old_logp, ref_logp, advantage, mask, clip=0.2, beta=0.04):
    """Clipped policy gradient with a penalty against the reference, mean over tokens, then over answers."""
    ratio = (logp - old_logp).exp()
    gain = torch.minimum(ratio * advantage[:, None], ratio.clamp(1 - clip, 1 + clip) * advantage[:, None])
    away = (ref_logp - logp).exp() - (ref_logp - logp) - 1
    return ((beta * away - gain) * mask).sum(1).div(mask.sum(1)).mean()


def td(q, next_q, action, reward, done, gamma=0.9):
    """Huber loss of Q values against the bootstrapped target, which takes no gradient."""
    target = (reward + gamma * (1 - done) * next_q.amax(1)).detach()
    return F.smooth_l1_loss(q.gather(1, action[:, None])[:, 0], target)


def actor_critic(logits, value, action, returns, entropy=0.01):
    """Policy gradient with a baseline that takes none, squared error of the value, and an entropy bonus."""
    log_p = F.log_softmax(logits, 1)
    advantage = (returns - value).detach()
    chosen = log_p.gather(1, action[:, None])[:, 0]
    bonus = -(log_p.exp() * log_p).sum(1)
    return (-chosen * advantage + 0.5 * (returns - value).square() - entropy * bonus).mean()


def expectile(q, value, tau=0.7):
    """Expectile regression of a value on Q, which takes no gradient."""
    error = q.detach() - value
    return (torch.where(error > 0, tau, 1 - tau) * error.square()).mean()


# --- latent variables and teachers
def vae(recon, x, mu, log_var, beta=0.5):
    """Squared error and beta times the divergence, each summed over an element, mean over the batch."""
    error = (recon - x).square().sum(1)
    return (error + beta * 0.5 * (mu.square() + log_var.exp() - 1 - log_var).sum(1)).mean()


def two_gaussians(mu_q, log_q, mu_p, log_p):
    """KL of two diagonal normals, from their log variances, summed over dimensions, mean over the batch."""
    ratio = (log_q - log_p).exp() + (mu_q - mu_p).square() * (-log_p).exp()
    return (0.5 * (log_p - log_q + ratio - 1)).sum(1).mean()


def vq(encoded, code, x, recon, beta=0.25):
    """VQ-VAE: reconstruction, codes towards what is encoded, and what is encoded towards its codes."""
    book = (code - encoded.detach()).square().mean()
    commitment = (encoded - code.detach()).square().mean()
    return (recon - x).square().mean() + book + beta * commitment


def distilled(student, teacher, labels, T=3.0, alpha=0.7):
    """Hinton's loss: T² times the divergence from a teacher that takes no gradient, and cross entropy."""
    soft = F.kl_div(F.log_softmax(student / T, 1), F.softmax(teacher.detach() / T, 1), reduction="batchmean")
    return alpha * T * T * soft + (1 - alpha) * F.cross_entropy(student, labels)


def byol(online_a, online_b, target_a, target_b):
    """BYOL: each view's prediction towards the other view's target, which takes no gradient."""
    a = F.cosine_similarity(online_a, target_b.detach(), dim=1)
    b = F.cosine_similarity(online_b, target_a.detach(), dim=1)
    return (4 - 2 * a - 2 * b).mean()


def vicreg(left, right, sim=25.0, std=25.0, cov=1.0):
    """VICReg: invariance, variance and covariance of two views; both learn."""
    spread = 0.0
    for z in (left, right):
        z = z - z.mean(0)
        deviation = (z.var(0) + 1e-4).sqrt()
        covariance = z.T @ z / (len(z) - 1)
        off = covariance.square().sum() - covariance.diagonal().square().sum()
        spread = spread + std * F.relu(1 - deviation).mean() / 2 + cov * off / z.shape[1]
    return sim * (left - right).square().mean() + spread


# --- metric learning
def proxy_nca(features, labels, proxies, scale=3.0):
    """Proxy-NCA: cross entropy of scaled negative squared distances between unit vectors."""
    distance = torch.cdist(F.normalize(features, dim=1), F.normalize(proxies, dim=1)).square()
    return F.cross_entropy(-scale * distance, labels)


def cosface(features, labels, weight, scale=8.0, margin=0.35):
    """CosFace: the own class's cosine less a margin, scaled."""
    cosine = F.linear(F.normalize(features), F.normalize(weight))
    return F.cross_entropy(scale * (cosine - margin * F.one_hot(labels, len(weight))), labels)


def soft_triplet(anchor, positive, negative):
    """Softplus of the difference of squared distances."""
    return F.softplus((anchor - positive).square().sum(1) - (anchor - negative).square().sum(1)).mean()


# --- sequences and other masks
def masked_lm(logits, labels, mask):
    """Cross entropy of tokens (N, T, V) at masked places, mean over them."""
    losses = F.cross_entropy(logits.movedim(-1, 1), labels, reduction="none")
    return (losses * mask).sum() / mask.sum()


def per_sequence(logp, mask):
    """Negative log likelihood: mean over the tokens of a sequence, then over the sequences."""
    return (-(logp * mask).sum(1) / mask.sum(1)).mean()


def kendall(first, second, s):
    """Kendall's weighting of two losses by learned log variances."""
    return (0.5 * (-s).exp() * torch.stack([first.mean(), second.mean()]) + 0.5 * s).sum()


def cox(risk, time, event):
    """Cox partial likelihood, without ties, mean over the events."""
    order = time.argsort(descending=True)
    risk, event = risk[order], event[order]
    return -((risk - risk.logcumsumexp(0)) * event).sum() / event.sum().clamp(min=1)


def mixture_nll(logits, mu, log_sigma, y):
    """Negative log likelihood of a mixture of normals, mean over the batch."""
    normal = torch.distributions.Normal(mu, log_sigma.exp())
    return -(F.log_softmax(logits, 1) + normal.log_prob(y[:, None])).logsumexp(1).mean()


def pixel_batch():
    labels = torch.randint(4, (2, 3, 5))
    labels[0, 0, :2] = 255
    return torch.randn(2, 4, 3, 5), labels


def edge_batch():
    return torch.randn(2, 4, 4), torch.randint(2, (2, 4, 4)).float(), (torch.rand(2, 4, 4) < 0.3).float()


def segment_batch():
    return torch.randn(2, 3, 4, 4), torch.randint(3, (2, 4, 4))


def depth_batch():
    valid = (torch.rand(2, 3, 4) < 0.7).float()
    valid[:, 0, 0] = 1
    return torch.rand(2, 3, 4) * 5 + 1, torch.rand(2, 3, 4) * 5 + 1, valid


def picture_batch():
    return torch.randn(2, 4, 5), torch.randn(2, 4, 5)


def heat_batch():
    target = torch.rand(2, 4, 4) * 0.9
    target[0, 1, 2] = target[1, 3, 0] = target[1, 0, 1] = 1.0
    return torch.randn(2, 4, 4), target


def anchor_batch():
    return torch.randn(8, 3), torch.randn(8, 4), torch.tensor([0, 1, 2, 0, 0, 1, 0, 2]), torch.randn(8, 4)


def triple_batch():
    return torch.randn(6, 4), torch.randn(6, 4), torch.randn(6, 4)


def list_batch():
    return torch.randn(3, 5), torch.rand(3, 5)


def graded_batch():
    return torch.randn(3, 5), torch.randint(3, (3, 5)).float()


def reward_batch():
    return torch.randn(6), torch.randn(6), torch.rand(6)


def logp_batch():
    return tuple(-10 * torch.rand(6) - 1 for _ in range(4))


def answer_batch():
    old = -torch.rand(4, 6)
    mask = (torch.arange(6) < torch.tensor([[6], [3], [5], [2]])).float()
    near = [old + 0.3 * torch.randn(4, 6) for _ in range(2)]
    return near[0], old, near[1], torch.randn(4), mask


def transition_batch():
    done = torch.tensor([0.0, 1, 0, 0, 1, 0])
    return torch.randn(6, 3), torch.randn(6, 3), torch.randint(3, (6,)), torch.randn(6), done


def step_batch():
    return torch.randn(6, 3), torch.randn(6), torch.randint(3, (6,)), torch.randn(6)


def value_batch():
    return torch.randn(8), torch.randn(8)


def four_batch():
    return tuple(torch.randn(5, 4) for _ in range(4))


def taught_batch():
    return torch.randn(5, 4), torch.randn(5, 4), torch.randint(4, (5,))


def views_batch():
    return torch.randn(8, 4), torch.randn(8, 4)


def proxy_batch():
    return torch.randn(6, 4), torch.randint(3, (6,)), torch.randn(3, 4)


def token_batch():
    mask = (torch.arange(5) < torch.tensor([[5], [2], [3]])).float()
    return torch.randn(3, 5, 4), torch.randint(4, (3, 5)), mask


def sequence_batch():
    return -torch.rand(4, 6) * 3, (torch.arange(6) < torch.tensor([[6], [3], [5], [2]])).float()


def task_batch():
    return torch.rand(5), torch.rand(5), torch.randn(2)


def survival_batch():
    return torch.randn(7), torch.rand(7), torch.tensor([1.0, 0, 1, 1, 0, 1, 1])


def mixture_batch():
    return torch.randn(6, 3), torch.randn(6, 3), 0.3 * torch.randn(6, 3), torch.randn(6)
