"""Right trainings in which what is given to the loss looks suspicious."""

import torch
from torch import nn
from torch.nn import functional as F

from . import answered, labelled, measured, network, suspicious, train


def _run(name, make, prediction=lambda z: z, data=labelled, outputs=4, **more):
    def run(watch, wrong=False):
        net, criterion = network(outputs=outputs), watch(make)

        def step():
            x, y = data()
            return criterion(prediction(net(x)), y)

        return train(net, step, **more)

    run.__name__ = name
    return suspicious(run)


log_softmax_then_ce = _run("log_softmax_then_ce", nn.CrossEntropyLoss(), lambda z: z.log_softmax(1))


softmax_brier = _run(
    "softmax_brier",
    nn.MSELoss(),
    lambda z: z.softmax(1),
    lambda: (lambda x, y: (x, F.one_hot(y, 4).float()))(*labelled()),
)


soft_targets = _run(
    "soft_targets", nn.CrossEntropyLoss(), data=lambda: (torch.randn(32, 8), torch.randn(32, 4).softmax(1))
)


smoothed = _run("smoothed", nn.CrossEntropyLoss(label_smoothing=0.2))


scaled_tanh = _run("scaled_tanh", nn.CrossEntropyLoss(), lambda z: 30 * torch.tanh(z / 30))


temperature = _run("temperature", nn.CrossEntropyLoss(), lambda z: z / 0.07, lr=0.01)


constant_target = _run("constant_target", nn.MSELoss(), data=lambda: (torch.randn(32, 8), torch.tensor(1.5)), outputs=1)


target_row = _run("target_row", nn.MSELoss(), data=lambda: (torch.randn(32, 8), torch.tensor([1.0, 2.0, 3.0, 4.0])))


quantiles_of_one_target = _run(
    "quantiles_of_one_target",
    lambda z, y: torch.maximum(
        torch.tensor([0.1, 0.5, 0.9]) * (y - z), (torch.tensor([0.1, 0.5, 0.9]) - 1) * (y - z)
    ).mean(),
    data=measured,
    outputs=3,
)


integer_targets = _run(
    "integer_targets", nn.MSELoss(), data=lambda: (torch.randn(32, 8), torch.randint(5, (32, 1))), outputs=1
)


double_targets = _run(
    "double_targets", nn.L1Loss(), lambda z: z.double(), lambda: (lambda x, y: (x, y.double()))(*measured()), 1
)


soft_binary_labels = _run(
    "soft_binary_labels", nn.BCEWithLogitsLoss(), data=lambda: (torch.randn(32, 8), torch.rand(32, 1)), outputs=1
)


sigmoid_mse_of_labels = _run("sigmoid_mse_of_labels", nn.MSELoss(), torch.sigmoid, answered, 1)


relu_of_positive = _run("relu_of_positive", nn.MSELoss(), F.relu, lambda: (lambda x, y: (x, y.abs()))(*measured()), 1)


softplus_rate = _run(
    "softplus_rate",
    nn.PoissonNLLLoss(log_input=False),
    F.softplus,
    lambda: (lambda x, y: (x, torch.poisson(y.exp())))(*measured()),
    1,
)


hinge_of_cosine_distance = _run(
    "hinge_of_cosine_distance",
    nn.HingeEmbeddingLoss(0.5),
    lambda z: 1 - F.cosine_similarity(z[:, :2], z[:, 2:]),
    lambda: (torch.randn(32, 8), 2.0 * torch.randint(2, (32,)) - 1),
)


class_weights = _run("class_weights", nn.CrossEntropyLoss(torch.tensor([1.0, 2.0, 0.5, 0.0])))


ignored_class = _run("ignored_class", nn.CrossEntropyLoss(ignore_index=0))


clamped_after_sigmoid = _run(
    "clamped_after_sigmoid", nn.BCELoss(), lambda z: z.sigmoid().clamp(1e-6, 1 - 1e-6), answered, 1
)


log_of_softmax_with_eps = _run("log_of_softmax_with_eps", nn.NLLLoss(), lambda z: (z.softmax(1) + 1e-9).log())


straight_through = _run("straight_through", nn.MSELoss(), lambda z: z + (z.round() - z).detach(), measured, 1)


sum_with_small_rate = _run("sum_with_small_rate", nn.MSELoss(reduction="sum"), data=measured, outputs=1, lr=0.001)


unreduced_then_mean = _run("unreduced_then_mean", lambda z, y: F.cross_entropy(z, y, reduction="none").mean())


negative_log_density = _run(
    "negative_log_density",
    lambda z, y: -(torch.distributions.Normal(z, 0.05).log_prob(y)).mean() / 400,
    data=measured,
    outputs=1,
    lr=0.005,
)


bf16 = _run("bf16", nn.MSELoss(), lambda z: z.bfloat16(), lambda: (lambda x, y: (x, y.bfloat16()))(*measured()), 1)


label_one_rare = _run(
    "label_one_rare",
    nn.BCEWithLogitsLoss(),
    data=lambda: (torch.randn(32, 8), (torch.rand(32, 1) < 0.05).float()),
    outputs=1,
)


huber_beta_zero = _run("huber_beta_zero", nn.SmoothL1Loss(beta=0.0), data=measured, outputs=1)


cosine_logits = _run("cosine_logits", nn.CrossEntropyLoss(), lambda z: 10 * F.normalize(z, dim=1))


multilabel_one_column = _run("multilabel_one_column", nn.MultiLabelSoftMarginLoss(), data=lambda: answered(4))


high_rate_that_works = _run("high_rate_that_works", nn.MSELoss(), data=measured, outputs=1, lr=0.3)


tiny_rate_of_finetuning = _run("tiny_rate_of_finetuning", nn.CrossEntropyLoss(), lr=1e-5, optimizer=torch.optim.Adam)
