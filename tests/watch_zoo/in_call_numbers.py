"""Faults of regression, of distances and of precision that stand in one call."""

import torch
from torch import nn
from torch.nn import functional as F

from . import fit, labelled, measured, network, train, twins


def _crossed(name, make, flip=False):
    def run(watch, wrong):
        net, criterion = network(outputs=1), watch(make)

        def step():
            x, y = measured()
            out = net(x)
            if flip:
                return criterion(out[:, 0], y if wrong else y[:, 0])
            return criterion(out, y[:, 0] if wrong else y)

        return train(net, step)

    run.__name__ = name
    return twins("call", "crossed-shapes")(run)


column_against_row_mse = _crossed("column_against_row_mse", nn.MSELoss())
row_against_column_l1 = _crossed("row_against_column_l1", nn.L1Loss(), flip=True)
column_against_row_huber = _crossed("column_against_row_huber", F.huber_loss)
column_against_row_own = _crossed("column_against_row_own", lambda out, y: (out - y).square().mean())
column_against_row_own_l1 = _crossed("column_against_row_own_l1", lambda out, y: torch.abs(y - out).mean())


@twins("call", "prediction-expanded")
def one_output_for_three_targets(watch, wrong):
    net, criterion = network(outputs=1 if wrong else 3), watch(nn.MSELoss())

    return fit(net, criterion, lambda: measured(3))


@twins("call", "target-is-prediction")
def compared_with_itself(watch, wrong):
    net, criterion = network(outputs=8), watch(nn.MSELoss())

    def step():
        x, _ = measured()
        out = net(x)
        return criterion(out, out.detach() if wrong else x)

    return train(net, step)


@twins("call", "padded-numbers-counted")
def padded_series(watch, wrong):
    net, criterion = nn.GRU(3, 8, batch_first=True), watch(nn.MSELoss())
    head = nn.Linear(8, 1)
    both = nn.ModuleList([net, head])

    def step():
        x, y = torch.randn(6, 9, 3), torch.randn(6, 9)
        mask = torch.arange(9) < torch.tensor([9, 4, 6, 2, 8, 5])[:, None]
        x, y = x * mask[..., None], y * mask
        out = head(net(x)[0]).squeeze(-1)
        return criterion(out, y) if wrong else criterion(out[mask], y[mask])

    return train(both, step)


@twins("call", "padded-numbers-counted")
def masked_but_divided_by_all(watch, wrong):
    net, criterion = nn.Linear(3, 1), watch(nn.MSELoss())

    def step():
        x, y = torch.randn(6, 9, 3), torch.randn(6, 9)
        mask = torch.arange(9) < torch.randint(2, 10, (6, 1))
        mask[0], mask[1, 3:] = True, False
        out = net(x).squeeze(-1)
        return criterion(out * mask, y * mask) if wrong else criterion(out[mask], y[mask])

    return train(net, step)


@twins("backward", "masked-mean")
def unreduced_masked_mean(watch, wrong):
    net, criterion = nn.Linear(3, 1), watch(nn.MSELoss(reduction="none"))

    def step():
        x, y = torch.randn(6, 9, 3), torch.randn(6, 9)
        mask = (torch.arange(9) < torch.randint(2, 10, (6, 1))).float()
        losses = criterion(net(x).squeeze(-1), y) * mask
        return losses.mean() if wrong else losses.sum() / mask.sum()

    return train(net, step)


@twins("call", "target-not-finite")
def nan_in_targets(watch, wrong):
    net, criterion = network(outputs=1), watch(nn.MSELoss())

    def step():
        x, y = measured()
        y[5] = float("nan") if wrong else 0
        return criterion(net(x), y)

    return train(net, step)


@twins("call", "prediction-not-finite")
def nan_in_inputs(watch, wrong):
    net, criterion = network(outputs=1), watch(nn.MSELoss())

    def step():
        x, y = measured()
        x[3, 2] = float("nan") if wrong else 0
        return criterion(net(x), y)

    return train(net, step)


@twins("call", "prediction-not-finite")
def log_of_softmax(watch, wrong):
    net, criterion = network(), watch(nn.NLLLoss())

    def step():
        x, y = labelled()
        out = net(x) * 400
        return criterion(out.softmax(1).log() if wrong else out.log_softmax(1), y)

    return train(net, step, lr=1e-4)


@twins("call", "loss-not-finite", "prediction-not-finite")
def float16_overflows(watch, wrong):
    net = network(outputs=1)
    criterion = watch(lambda out, y: (out - y).square().sum())

    def step():
        x, y = measured()
        out, y = net(x) + 100, y * 100
        loss = criterion(out.half(), y.half()) if wrong else criterion(out, y)
        return loss.float() * 1e-5

    return train(net, step, lr=1e-3)


@twins("call", "loss-not-finite", "prediction-not-finite")
def log_of_zero(watch, wrong):
    net = network(outputs=1)
    criterion = watch(lambda out, y: -(y * (out + (0 if wrong else 1e-6)).log()).mean())

    def step():
        x, y = measured()
        return criterion(net(x).relu(), y.abs())

    return train(net, step, lr=1e-3)


@twins("call", "negative-counts")
def standardized_counts(watch, wrong):
    net, criterion = network(outputs=1), watch(nn.PoissonNLLLoss())

    def step():
        x, y = measured()
        counts = torch.poisson(y.exp())
        return criterion(net(x), (counts - counts.mean()) / counts.std() if wrong else counts)

    return train(net, step)


@twins("graph", "rate-or-its-logarithm")
def rate_for_log_rate(watch, wrong):
    net, criterion = network(outputs=1), watch(nn.PoissonNLLLoss(log_input=True))

    def step():
        x, y = measured()
        out = net(x)
        return criterion(out.exp() if wrong else out, torch.poisson(y.exp()))

    return train(net, step)


@twins("call", "rate-or-its-logarithm")
def log_rate_for_rate(watch, wrong):
    net, criterion = network(outputs=1), watch(nn.PoissonNLLLoss(log_input=False))

    def step():
        x, y = measured()
        out = net(x)
        return criterion(out if wrong else F.softplus(out), torch.poisson(y.exp()))

    return train(net, step)


@twins("graph", "variance-or-its-root")
def deviation_for_variance(watch, wrong):
    net, criterion = network(outputs=2), watch(nn.GaussianNLLLoss())

    def step():
        x, y = measured()
        out = net(x)
        return criterion(out[:, :1], y, (0.5 * out[:, 1:]).exp() if wrong else out[:, 1:].exp())

    return train(net, step)


@twins("call", "variance-or-its-root", "outside-its-contract")
def log_variance_for_variance(watch, wrong):
    net, criterion = network(outputs=2), watch(nn.GaussianNLLLoss())

    def step():
        x, y = measured()
        out = net(x)
        return criterion(out[:, :1], y, out[:, 1:] if wrong else out[:, 1:].exp())

    return train(net, step)


@twins("call", "margin-out-of-reach")
def margin_beyond_the_sphere(watch, wrong):
    net, criterion = network(outputs=6), watch(nn.TripletMarginLoss(margin=5.0 if wrong else 0.3))

    def step():
        parts = [F.normalize(net(torch.randn(16, 8)), dim=1) for _ in range(3)]
        return criterion(*parts)

    return train(net, step)


@twins("call", "target-is-prediction")
def anchor_is_its_own_positive(watch, wrong):
    net, criterion = network(outputs=6), watch(nn.TripletMarginLoss())

    def step():
        x = torch.randn(16, 8)
        anchor = net(x)
        return criterion(anchor, anchor if wrong else net(x + 0.1), net(torch.randn(16, 8)))

    return train(net, step)


@twins("call", "inputs-not-scaled")
def pixels_of_255(watch, wrong):
    net, criterion = nn.Linear(64, 4), watch(nn.CrossEntropyLoss())

    def step():
        y = torch.randint(4, (32,))
        x = (torch.rand(32, 64) * 200 + 13 * y[:, None]).round()
        return criterion(net(x if wrong else (x / 255 - 0.5)), y)

    return train(net, step, lr=1e-3)


@twins("call", "saturated-probabilities")
def saturated_sigmoid(watch, wrong):
    net, criterion = network(outputs=1), watch(nn.BCELoss())

    def step():
        x, y = measured()
        return criterion(net(x * 1000 if wrong else x).sigmoid(), (y > 0).float())

    return train(net, step, lr=1e-4)


@twins("call", "arguments-swapped")
def prediction_and_label_swapped(watch, wrong):
    net, criterion = network(outputs=1), watch(nn.BCELoss())

    def step():
        x, y = measured()
        p, y = net(x).sigmoid(), (y > 0).float()
        return criterion(y, p) if wrong else criterion(p, y)

    return train(net, step)


@twins("call", "arguments-swapped")
def counts_and_rate_swapped(watch, wrong):
    net, criterion = network(outputs=1), watch(nn.PoissonNLLLoss())

    def step():
        x, y = measured()
        counts, out = torch.poisson(y.exp()), net(x)
        return criterion(counts, out) if wrong else criterion(out, counts)

    return train(net, step)


@twins("call", "target-changed-by-loss")
def own_loss_clamps_its_target(watch, wrong):
    net = network(outputs=1)
    criterion = watch(lambda out, y: (out - (y.clamp_(-1, 1) if wrong else y.clamp(-1, 1))).square().mean())

    return fit(net, criterion, measured)


@twins("call", "half-precision-loss")
def large_in_half_precision(watch, wrong):
    net = network(outputs=1)
    criterion = watch(lambda out, y: (out - y).square().mean())

    def step():
        x, y = measured()
        out, y = net(x) + 150, y * 0
        return criterion(out.half(), y.half()).float() * 1e-5 if wrong else criterion(out, y) * 1e-5

    return train(net, step, lr=1e-3)


@twins("loop", "targets-not-scaled")
def prices_in_full(watch, wrong):
    net, criterion = network(outputs=1), watch(nn.MSELoss())

    def step():
        x, y = measured()
        return criterion(net(x), 300_000 + 50_000 * y if wrong else y)

    return train(net, step, lr=1e-3, optimizer=torch.optim.Adam)
