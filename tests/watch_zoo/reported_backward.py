"""Faults as they stand in questions and bug reports, in the graph behind a loss and in its gradient."""

import torch
from torch import nn
from torch.nn import functional as F

from . import STEPS, fit, train, twins
from .reported import Tagger, convolutional, mlp, photographs, tabular


@twins("graph", "prediction-without-gradient", "loss-made-a-leaf")
def error_of_predicted_classes(watch, wrong):
    net, criterion = convolutional(), watch(nn.MSELoss() if wrong else nn.CrossEntropyLoss())

    def step():
        x, y = photographs()
        if not wrong:
            return criterion(net(x), y)
        loss = criterion(net(x).max(1).indices.float(), y.float())
        loss.requires_grad = True
        return loss

    return train(net, step)


@twins("graph", "loss-without-gradient")
def score_of_a_library(watch, wrong):
    def relative(prediction, target):
        if wrong:
            prediction, target = prediction.detach().numpy(), target.numpy()
            return torch.tensor(float(abs(prediction - target).mean()), requires_grad=True)
        return (prediction - target).abs().mean()

    return fit(mlp(5, 1), watch(relative), tabular)


@twins("graph", "parameters-unreached")
def features_taken_out_as_data(watch, wrong):
    body, head, criterion = mlp(5, 8), nn.Linear(8, 1), watch(nn.SmoothL1Loss())
    both = nn.ModuleList([body, head])

    def step():
        x, y = tabular()
        features = body(x)
        return criterion(head(features.data if wrong else features), y)

    return train(both, step, optimizer=torch.optim.Adam, lr=0.01)


@twins("backward", "weights-all-equal")
def hidden_weights_of_one_tenth(watch, wrong):
    net = mlp(5, 3)
    if wrong:
        nn.init.constant_(net[0].weight, 0.1)
        nn.init.constant_(net[0].bias, 0.0)
    return fit(net, watch(nn.CrossEntropyLoss()), lambda: (torch.randn(24, 5), torch.randint(3, (24,))))


@twins("backward", "gradient-vanishes")
def deep_and_sigmoid(watch, wrong):
    layers = [layer for _ in range(9) for layer in (nn.Linear(10, 10), nn.Sigmoid() if wrong else nn.Tanh())]
    net = nn.Sequential(nn.Linear(5, 10), *layers, nn.Linear(10, 1))
    return fit(net, watch(nn.L1Loss()), tabular)


@twins("backward", "gradient-not-finite")
def root_of_the_mean_of_nothing(watch, wrong):
    class RMSE(nn.Module):
        def forward(self, prediction, target):
            return (F.mse_loss(prediction, target) + (0 if wrong else 1e-8)).sqrt()

    net, criterion = nn.Linear(5, 1), watch(RMSE())
    rule = [p.detach().clone() for p in net.parameters()]

    def step():
        x = torch.randn(8, 5)
        return criterion(net(x), F.linear(x, *rule))

    return train(net, step)


@twins("backward", "graph-of-earlier-loss")
def loss_of_the_epoch_so_far(watch, wrong):
    net, criterion, losses, epoch = mlp(5, 1), watch(nn.HuberLoss()), [], 0
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(STEPS):
        x, y = tabular()
        loss = criterion(net(x), y)
        epoch = epoch + loss if wrong else loss
        optimizer.zero_grad()
        try:
            epoch.backward(retain_graph=wrong)
        except RuntimeError:  # weights that a step has changed are part of the older graphs
            break
        optimizer.step()
        losses.append(loss.detach())
    return losses


@twins("backward", "loss-maximized")
def minus_the_likelihood_once_more(watch, wrong):
    net, criterion = convolutional(3, nn.LogSoftmax(1)), watch(nn.NLLLoss())

    def step():
        x, y = photographs()
        return -criterion(net(x), y) if wrong else criterion(net(x), y)

    return train(net, step, lr=0.01)


@twins("graph", "dropout-before-loss")
def dropout_closes_the_network(watch, wrong):
    net = mlp(5, 3, nn.Dropout(0.3)) if wrong else nn.Sequential(nn.Dropout(0.3), *mlp(5, 3))
    return fit(net, watch(nn.CrossEntropyLoss()), lambda: (torch.randn(24, 5), torch.randint(3, (24,))))


@twins("graph", "one-sample-counts")
def first_row_of_a_table(watch, wrong):
    net, criterion = mlp(5, 1), watch(nn.L1Loss())

    def step():
        x, y = tabular()
        return criterion(net(x)[0], y[0]) if wrong else criterion(net(x), y)

    return train(net, step)


@twins("backward", "one-sample-counts")
def loss_of_the_first_picture(watch, wrong):
    net, criterion = convolutional(), watch(F.cross_entropy)

    def step():
        x, y = photographs()
        losses = criterion(net(x), y, reduction="none")
        return losses[0] if wrong else losses.mean()

    return train(net, step)


@twins("graph", "part-detached")
def second_crop_without_gradient(watch, wrong):
    net, criterion = convolutional(), watch(nn.CrossEntropyLoss())

    def step():
        x, y = photographs()
        one, other = net(x), net(x.flip(-1))
        return criterion(torch.cat((one, other.detach() if wrong else other), 0), y.repeat(2))

    return train(net, step)


@twins("call", "shifted-twice")
def causal_labels_shifted_before(watch, wrong):
    embed, body, head = nn.Embedding(30, 8), nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), nn.Linear(8, 30)
    net, criterion = nn.ModuleList([embed, body, head]), watch(F.cross_entropy)

    def step():
        text = torch.randint(30, (6, 17))
        ids, labels = (text[:, :-1], text[:, 1:]) if wrong else (text, text)
        mask = nn.Transformer.generate_square_subsequent_mask(ids.shape[1])
        logits = head(body(embed(ids), mask))
        return criterion(logits[:, :-1].transpose(1, 2), labels[:, 1:])

    return train(net, step)


@twins("graph", "exponential-twice")
def decoder_of_a_softplus_variance(watch, wrong):
    class Loss(nn.Module):
        def forward(self, out, x, mu, log_var):
            kl = 0.5 * (log_var.exp() + mu**2 - 1 - log_var).sum(-1)
            return F.binary_cross_entropy_with_logits(out, x, reduction="none").sum(-1).mean() + kl.mean()

    mean, spread, decode = nn.Linear(12, 3), nn.Linear(12, 3), nn.Linear(3, 12)
    both, criterion = nn.ModuleList([mean, spread, decode]), watch(Loss())

    def step():
        x = torch.rand(10, 12)
        mu, v = mean(x), F.softplus(spread(x)) if wrong else spread(x)
        return criterion(decode(mu + torch.exp(0.5 * v) * torch.randn_like(mu)), x, mu, v)

    return train(both, step, lr=0.01)


@twins("call", "variance-or-its-root")
def variance_of_a_relu(watch, wrong):
    net, criterion = mlp(5, 2), watch(F.gaussian_nll_loss)

    def step():
        x, y = tabular()
        out = net(x)
        var = F.relu(out[:, 1:]) if wrong else out[:, 1:].exp()
        return criterion(out[:, :1], y, var)

    return train(net, step, lr=1e-8 if wrong else 0.01)


@twins("backward", "dead-units")
def relus_behind_a_large_negative_bias(watch, wrong):
    net = nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 1))
    nn.init.constant_(net[0].bias, -20.0 if wrong else 0.0)
    return fit(net, watch(nn.HuberLoss()), tabular)


@twins("graph", "target-carries-gradient")
def bootstrapped_value_moves_too(watch, wrong):
    net, criterion = mlp(5, 1), watch(nn.SmoothL1Loss())

    def step():
        state, following = torch.randn(24, 5), torch.randn(24, 5)
        target = 0.1 * torch.randn(24, 1) + 0.95 * net(following)
        return criterion(net(state), target if wrong else target.detach())

    return train(net, step, optimizer=torch.optim.Adam, lr=1e-3)


@twins("backward", "masked-mean", "padded-numbers-counted")
def mean_over_padded_places_too(watch, wrong):
    net, criterion = Tagger(), watch(nn.CrossEntropyLoss(reduction="none"))

    def step():
        tokens = torch.randint(1, 40, (6, 10))
        mask = torch.arange(10) < torch.randint(3, 11, (6, 1))
        losses = criterion(net(tokens).transpose(1, 2), tokens % 6) * mask
        return losses.mean() if wrong else losses.sum() / mask.sum()

    return train(net, step)


@twins("graph", "only-a-bias-learns")
def everything_but_one_parameter_frozen(watch, wrong):
    net, criterion = convolutional(), watch(nn.CrossEntropyLoss())
    kept = ("4.bias",) if wrong else ("4.bias", "4.weight")
    for name, parameter in net.named_parameters():
        parameter.requires_grad = name in kept

    return fit(net, criterion, photographs)
