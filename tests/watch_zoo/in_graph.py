"""Faults that stand in the autograd graph behind the prediction."""

import torch
from torch import nn
from torch.nn import functional as F

from . import answered, labelled, measured, network, train, twins


def _last(name, kind, make, operation, data=labelled, outputs=4):
    def run(watch, wrong):
        net, criterion = network(outputs=outputs), watch(make)

        def step():
            x, y = data()
            return criterion(operation(net(x)) if wrong else net(x), y)

        return train(net, step)

    run.__name__ = name
    return twins("graph", *([kind] if isinstance(kind, str) else kind))(run)


ce, bce = nn.CrossEntropyLoss(), nn.BCEWithLogitsLoss()
softmax_then_ce = _last("softmax_then_ce", "softmax-before-cross-entropy", ce, lambda z: z.softmax(1))
softmax_module_then_ce = _last(
    "softmax_module_then_ce", "softmax-before-cross-entropy", F.cross_entropy, nn.Softmax(dim=-1)
)
softmax_inside_own_loss = _last(
    "softmax_inside_own_loss",
    "softmax-before-cross-entropy",
    lambda z, y: F.cross_entropy(z, y) * 1,
    lambda z: F.softmax(z, 1),
)
sigmoid_then_ce = _last("sigmoid_then_ce", "sigmoid-before-cross-entropy", ce, torch.sigmoid)
sigmoid_then_bce_with_logits = _last("sigmoid_then_bce_with_logits", "sigmoid-twice", bce, torch.sigmoid, answered, 1)
softmax_then_bce_with_logits = _last(
    "softmax_then_bce_with_logits", "sigmoid-twice", bce, lambda z: z.softmax(1), lambda: answered(4), 4
)
sigmoid_then_soft_margin = _last(
    "sigmoid_then_soft_margin",
    "sigmoid-twice",
    nn.SoftMarginLoss(),
    torch.sigmoid,
    lambda: (lambda x, y: (x, 2 * y - 1))(*answered()),
    1,
)
relu_then_bce = _last("relu_then_bce", "relu-before-loss", bce, F.relu, answered, 1)
exp_then_ce = _last("exp_then_ce", "relu-before-loss", ce, torch.exp)
softplus_then_bce = _last("softplus_then_bce", "relu-before-loss", bce, F.softplus, answered, 1)
log_softmax_then_bce = _last(
    "log_softmax_then_bce", "logarithm-before-logits", bce, lambda z: z.log_softmax(1), lambda: answered(4), 4
)
logsigmoid_then_ce = _last("logsigmoid_then_ce", "logarithm-before-logits", ce, F.logsigmoid)
relu_then_ce = _last("relu_then_ce", "relu-before-loss", ce, F.relu)
tanh_then_ce = _last("tanh_then_ce", "tanh-before-loss", ce, torch.tanh)
softmax_then_multi_margin = _last(
    "softmax_then_multi_margin", "softmax-before-margin", nn.MultiMarginLoss(), lambda z: z.softmax(1)
)
rounded = _last("rounded", "flat-operation", nn.MSELoss(), torch.round, measured, 1)
sign_then_own = _last("sign_then_own", "flat-operation", lambda z, y: (z - y).abs().mean(), torch.sign, measured, 1)
sigmoid_for_measurements = _last(
    "sigmoid_for_measurements", "target-out-of-reach", nn.MSELoss(), torch.sigmoid, measured, 1
)
relu_for_measurements = _last("relu_for_measurements", "target-out-of-reach", nn.L1Loss(), F.relu, measured, 1)
tanh_for_large = _last(
    "tanh_for_large",
    "target-out-of-reach",
    nn.SmoothL1Loss(),
    torch.tanh,
    lambda: (lambda x, y: (x, 3 * y))(*measured()),
    1,
)


@twins("graph", "activation-twice")
def sigmoid_of_sigmoid(watch, wrong):
    net, criterion = network(outputs=1), watch(nn.BCELoss())

    def step():
        x, y = answered()
        p = net(x).sigmoid()
        return criterion(p.sigmoid() if wrong else p, y)

    return train(net, step)


@twins("graph", "activation-twice")
def log_softmax_of_softmax(watch, wrong):
    net, criterion = network(), watch(nn.NLLLoss())

    def step():
        x, y = labelled()
        z = net(x)
        return criterion((z.softmax(1) if wrong else z).log_softmax(1), y)

    return train(net, step)


@twins("graph", "softmax-of-one")
def softmax_of_one_output(watch, wrong):
    net, criterion = network(outputs=1), watch(nn.BCELoss())

    def step():
        x, y = answered()
        return criterion(net(x).softmax(1) if wrong else net(x).sigmoid(), y)

    return train(net, step)


@twins("graph", "softmax-over-wrong-dimension")
def log_softmax_over_batch(watch, wrong):
    net, criterion = network(), watch(nn.NLLLoss())

    def step():
        x, y = labelled()
        return criterion(net(x).log_softmax(0 if wrong else 1), y)

    return train(net, step)


@twins("graph", "softmax-over-wrong-dimension")
def kl_over_batch(watch, wrong):
    net, teacher, criterion = network(), network(), watch(nn.KLDivLoss(reduction="batchmean"))

    def step():
        x, _ = labelled()
        return criterion(net(x).log_softmax(0 if wrong else 1), teacher(x).softmax(1).detach())

    return train(net, step)


@twins("graph", "view-instead-of-transpose")
def view_for_transpose(watch, wrong):
    net, criterion = nn.Linear(8, 5), watch(nn.CrossEntropyLoss())

    def step():
        x, y = torch.randn(4, 6, 8), torch.randint(5, (4, 6))
        out = net(x)
        return criterion(out.view(4, 5, 6) if wrong else out.transpose(1, 2), y)

    return train(net, step)


@twins("graph", "view-instead-of-transpose")
def flattened_image_classes(watch, wrong):
    net, criterion = nn.Conv2d(1, 5, 1), watch(F.cross_entropy)

    def step():
        x, y = torch.randn(4, 1, 6, 6), torch.randint(5, (4, 6, 6))
        out = net(x)
        rows = out.reshape(-1, 5) if wrong else out.permute(0, 2, 3, 1).reshape(-1, 5)
        return criterion(rows, y.reshape(-1))

    return train(net, step)


@twins("graph", "classes-in-last-dimension")
def square_sequences(watch, wrong):
    net, criterion = nn.Linear(8, 5), watch(nn.CrossEntropyLoss())

    def step():
        out, y = net(torch.randn(4, 5, 8)), torch.randint(5, (4, 5))
        return criterion(out if wrong else out.transpose(1, 2), y)

    return train(net, step)


@twins("graph", "clamped-probabilities")
def clamped_scores(watch, wrong):
    net, criterion = network(outputs=1), watch(nn.BCELoss())

    def step():
        x, y = answered()
        return criterion(net(x).clamp(0, 1) if wrong else net(x).sigmoid(), y)

    return train(net, step)


@twins("graph", "target-carries-gradient")
def teacher_not_detached(watch, wrong):
    net, teacher, criterion = network(), network(), watch(nn.KLDivLoss(reduction="batchmean"))
    both = nn.ModuleList([net, teacher])

    def step():
        x, _ = labelled()
        target = teacher(x).softmax(1)
        return criterion(net(x).log_softmax(1), target if wrong else target.detach())

    return train(both if wrong else net, step)


@twins("graph", "target-carries-gradient")
def temporal_difference_not_detached(watch, wrong):
    net, criterion = network(), watch(nn.SmoothL1Loss())

    def step():
        x, action = labelled()
        target = torch.randn(32) + 0.9 * net(torch.randn(32, 8)).max(1).values
        return criterion(net(x).gather(1, action[:, None])[:, 0], target if wrong else target.detach())

    return train(net, step)


@twins("graph", "softmax-for-several-labels")
def softmax_of_several_labels(watch, wrong):
    net, criterion = network(), watch(nn.BCELoss())

    def step():
        x, y = answered(4)
        return criterion(net(x).softmax(1) if wrong else net(x).sigmoid(), y)

    return train(net, step)


@twins("loop", "graph-of-earlier-batch")
def predicted_once(watch, wrong):
    net, criterion = nn.Linear(8, 1), watch(nn.MSELoss())
    x, y = measured()
    optimizer, losses, out = torch.optim.SGD(net.parameters(), lr=0.05), [], net(x)
    for _ in range(8):
        optimizer.zero_grad()
        out = out if wrong else net(x)
        loss = criterion(out, y)
        loss.backward(retain_graph=wrong)
        optimizer.step()
        losses.append(loss.detach())
    return losses
