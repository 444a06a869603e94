"""Faults of conventions that stand in one call: logarithms or not, signs or 0 and 1, marks or class numbers."""

import torch
from torch import nn
from torch.nn import functional as F

from . import answered, labelled, network, train, twins


@twins("call", "logarithm-missing")
def probabilities_into_nll(watch, wrong):
    net, criterion = network(), watch(nn.NLLLoss())

    def step():
        x, y = labelled()
        return criterion(net(x).softmax(1) if wrong else net(x).log_softmax(1), y)

    return train(net, step)


@twins("call", "logits-for-log-probabilities")
def logits_into_nll(watch, wrong):
    net, criterion = network(), watch(F.nll_loss)

    def step():
        x, y = labelled()
        return criterion(net(x) if wrong else net(x).log_softmax(1), y)

    return train(net, step)


@twins("call", "logarithm-missing")
def probabilities_into_kl(watch, wrong):
    net, teacher, criterion = network(), network(), watch(nn.KLDivLoss(reduction="batchmean"))

    def step():
        x, _ = labelled()
        target = teacher(x).softmax(1).detach()
        return criterion(net(x).softmax(1) if wrong else net(x).log_softmax(1), target)

    return train(net, step)


@twins("call", "logits-for-log-probabilities")
def logits_into_kl(watch, wrong):
    net, teacher, criterion = network(), network(), watch(nn.KLDivLoss(reduction="batchmean"))

    def step():
        x, _ = labelled()
        target = teacher(x).softmax(1).detach()
        return criterion(net(x) if wrong else net(x).log_softmax(1), target)

    return train(net, step)


@twins("call", "target-in-logarithms")
def log_target_without_saying_so(watch, wrong):
    net, teacher, criterion = network(), network(), watch(nn.KLDivLoss(reduction="batchmean", log_target=not wrong))

    def step():
        x, _ = labelled()
        return criterion(net(x).log_softmax(1), teacher(x).log_softmax(1).detach())

    return train(net, step)


@twins("call", "target-in-logarithms")
def log_target_of_probabilities(watch, wrong):
    net, teacher, criterion = network(), network(), watch(nn.KLDivLoss(reduction="batchmean", log_target=wrong))

    def step():
        x, _ = labelled()
        return criterion(net(x).log_softmax(1), teacher(x).softmax(1).detach())

    return train(net, step)


@twins("call", "target-in-logarithms", "target-not-normalized")
def logits_as_target_of_kl(watch, wrong):
    net, teacher, criterion = network(), network(), watch(nn.KLDivLoss(reduction="batchmean"))

    def step():
        x, _ = labelled()
        target = teacher(x).detach()
        return criterion(net(x).log_softmax(1), target if wrong else target.softmax(1))

    return train(net, step)


@twins("call", "target-not-normalized")
def counts_as_target_of_kl(watch, wrong):
    net, criterion = network(), watch(nn.KLDivLoss(reduction="batchmean"))

    def step():
        x, _ = labelled()
        counts = torch.randint(1, 9, (32, 4)).float()
        return criterion(net(x).log_softmax(1), counts if wrong else counts / counts.sum(1, keepdim=True))

    return train(net, step, lr=0.01)


@twins("call", "divergence-swapped")
def divergence_the_wrong_way_round(watch, wrong):
    net, teacher, criterion = network(), network(), watch(nn.KLDivLoss(reduction="batchmean"))

    def step():
        x, _ = labelled()
        target = teacher(x).softmax(1).detach()
        return criterion(target, net(x).log_softmax(1)) if wrong else criterion(net(x).log_softmax(1), target)

    return train(net, step)


@twins("call", "divergence-mean")
def mean_over_classes_too(watch, wrong):
    net, teacher, criterion = network(), network(), watch(nn.KLDivLoss(reduction="mean" if wrong else "batchmean"))

    def step():
        x, _ = labelled()
        return criterion(net(x).log_softmax(1), teacher(x).softmax(1).detach())

    return train(net, step)


@twins("call", "target-outside-0-1")
def signs_for_bce(watch, wrong):
    net, criterion = network(outputs=1), watch(nn.BCEWithLogitsLoss())

    def step():
        x, y = answered()
        return criterion(net(x), 2 * y - 1 if wrong else y)

    return train(net, step)


@twins("call", "target-outside-0-1")
def mask_of_255(watch, wrong):
    net, criterion = nn.Conv2d(1, 1, 3, padding=1), watch(nn.BCEWithLogitsLoss())

    def step():
        x = torch.randn(4, 1, 8, 8)
        mask = (x > 0).float()
        return criterion(net(x), mask * 255 if wrong else mask)

    return train(net, step)


@twins("call", "target-outside-0-1")
def class_numbers_for_multilabel(watch, wrong):
    net, criterion = network(), watch(nn.MultiLabelSoftMarginLoss())

    def step():
        x, y = labelled()
        return criterion(net(x), y[:, None].expand(-1, 4).float() if wrong else F.one_hot(y, 4).float())

    return train(net, step)


@twins("call", "marks-instead-of-class-numbers")
def marks_for_multilabel_margin(watch, wrong):
    net, criterion = network(), watch(nn.MultiLabelMarginLoss())

    def step():
        x, y = labelled()
        numbers = torch.full((32, 4), -1)
        numbers[:, 0] = y
        return criterion(net(x), F.one_hot(y, 4) if wrong else numbers)

    return train(net, step)


def _signed(name, make, inputs):
    def run(watch, wrong):
        net, criterion = network(outputs=inputs), watch(make())

        def step():
            x, y = answered()
            y = y[:, 0] if wrong else 2 * y[:, 0] - 1
            out = net(x)
            if inputs == 1:
                return criterion(out[:, 0].abs() if "hinge" in name else out[:, 0], y)
            if inputs == 2:
                return criterion(out[:, 0], out[:, 1], y)
            return criterion(out[:, :4], out[:, 4:], y)

        return train(net, step)

    run.__name__ = name
    return twins("call", "labels-without-signs")(run)


zero_one_for_soft_margin = _signed("zero_one_for_soft_margin", nn.SoftMarginLoss, 1)


zero_one_for_hinge = _signed("zero_one_for_hinge", nn.HingeEmbeddingLoss, 1)


zero_one_for_ranking = _signed("zero_one_for_ranking", lambda: nn.MarginRankingLoss(0.5), 2)


zero_one_for_cosine = _signed("zero_one_for_cosine", lambda: nn.CosineEmbeddingLoss(0.2), 8)


@twins("call", "scores-for-distances")
def scores_into_hinge_embedding(watch, wrong):
    net, criterion = network(outputs=1), watch(nn.HingeEmbeddingLoss())

    def step():
        x, y = answered()
        out = net(x)
        return criterion(out if wrong else out.abs(), 2 * y - 1)

    return train(net, step)


@twins("call", "outside-its-contract")
def blank_in_ctc_targets(watch, wrong):
    net, criterion = nn.Linear(8, 5), watch(nn.CTCLoss())

    def step():
        log_probs = net(torch.randn(12, 4, 8)).log_softmax(-1)
        targets = torch.randint(0 if wrong else 1, 5, (4, 3))
        if wrong:
            targets[0, 1] = 0
        return criterion(log_probs, targets, torch.full((4,), 12), torch.full((4,), 3))

    return train(net, step)


@twins("call", "target-longer-than-input")
def ctc_target_too_long(watch, wrong):
    net, criterion = nn.Linear(8, 5), watch(nn.CTCLoss())

    def step():
        frames = 3 if wrong else 12
        log_probs = net(torch.randn(frames, 4, 8)).log_softmax(-1)
        return criterion(
            log_probs,
            torch.randint(1, 5, (4, 6 if wrong else 3)),
            torch.full((4,), frames),
            torch.full((4,), 6 if wrong else 3),
        )

    return train(net, step)


@twins("call", "logits-for-log-probabilities")
def logits_into_ctc(watch, wrong):
    net, criterion = nn.Linear(8, 5), watch(nn.CTCLoss())

    def step():
        out = net(torch.randn(12, 4, 8))
        return criterion(
            out if wrong else out.log_softmax(-1),
            torch.randint(1, 5, (4, 3)),
            torch.full((4,), 12),
            torch.full((4,), 3),
        )

    return train(net, step)


@twins("call", "outside-its-contract", "logits-into-bce")
def logits_into_bce(watch, wrong):
    net, criterion = network(outputs=1), watch(nn.BCELoss())

    def step():
        x, y = answered()
        return criterion(net(x) if wrong else net(x).sigmoid(), y)

    return train(net, step)


@twins("call", "margin-out-of-reach")
def margin_beyond_a_cosine(watch, wrong):
    net, criterion = network(outputs=6), watch(nn.CosineEmbeddingLoss(margin=2.0 if wrong else 0.3))

    def step():
        x = torch.randn(32, 8)
        return criterion(net(x), net(x.flip(0)), 2.0 * torch.randint(2, (32,)) - 1)

    return train(net, step)
