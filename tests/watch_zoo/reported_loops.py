"""Faults as they stand in questions and bug reports, in the model's graph and in the loop around it."""

import torch
from torch import nn
from torch.nn import functional as F

from . import STEPS, fit, train, twins
from .reported_calls import Tagger, convolutional, mlp, photographs, tabular


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


@twins("loop", "other-parameters")
def state_assigned_behind_the_optimizer(watch, wrong):
    net, criterion, losses = mlp(5, 1), watch(nn.MSELoss()), []
    stored = {name: value.clone() for name, value in net.state_dict().items()}
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    net.load_state_dict(stored, assign=wrong)
    for _ in range(STEPS):
        x, y = tabular()
        optimizer.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return losses


@twins("loop", "never-stepped")
def schedule_steps_alone(watch, wrong):
    net, criterion, losses = mlp(5, 1), watch(nn.MSELoss()), []
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.99)
    for _ in range(STEPS):
        x, y = tabular()
        optimizer.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        if not wrong:
            optimizer.step()
        schedule.step()
        losses.append(loss.detach())
    return losses


@twins("loop", "gradients-not-cleared")
def tagger_never_cleared(watch, wrong):
    net, criterion, losses = Tagger(), watch(nn.CrossEntropyLoss()), []
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.01)
    for _ in range(STEPS):
        tokens = torch.randint(40, (8, 9))
        loss = criterion(net(tokens).flatten(0, 1), (tokens % 6).flatten())
        loss.backward()
        optimizer.step()
        if not wrong:
            net.zero_grad()
        losses.append(loss.detach())
    return losses


@twins("loop", "learning-rate-too-high")
def momentum_with_rate_of_ten(watch, wrong):
    rate = 10.0 if wrong else 0.05
    return fit(
        mlp(5, 1), watch(nn.MSELoss()), tabular, optimizer=lambda p, lr: torch.optim.SGD(p, lr=rate, momentum=0.9)
    )


@twins("loop", "learning-rate-too-high")
def sum_over_the_pixels(watch, wrong):
    net, criterion = nn.Conv2d(3, 3, 3, padding=1), watch(nn.MSELoss(reduction="sum" if wrong else "mean"))
    return fit(net, criterion, lambda: (lambda x, y: (x, x.flip(1)))(*photographs()), lr=0.05)


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


@twins("loop", "graph-of-earlier-batch")
def state_of_an_lstm_carried_on(watch, wrong):
    body, head, criterion = nn.LSTM(4, 6, batch_first=True), nn.Linear(6, 1), watch(nn.MSELoss())
    both, state, losses = nn.ModuleList([body, head]), None, []
    optimizer = torch.optim.SGD(both.parameters(), lr=0.01)
    for _ in range(STEPS):
        x = torch.randn(5, 7, 4)
        out, state = body(x, state)
        loss = criterion(head(out[:, -1]), x.mean((1, 2))[:, None])
        optimizer.zero_grad()
        try:
            loss.backward(retain_graph=wrong)
        except RuntimeError:
            break
        optimizer.step()
        state = state if wrong else tuple(s.detach() for s in state)
        losses.append(loss.detach())
    return losses


@twins("backward", "loss-maximized")
def minus_the_likelihood_once_more(watch, wrong):
    net, criterion = convolutional(3, nn.LogSoftmax(1)), watch(nn.NLLLoss())

    def step():
        x, y = photographs()
        return -criterion(net(x), y) if wrong else criterion(net(x), y)

    return train(net, step, lr=0.01)


@twins("loop", "gradients-clipped-away")
def clipped_to_a_millionth(watch, wrong):
    net, criterion, losses = convolutional(), watch(nn.CrossEntropyLoss()), []
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
    for _ in range(STEPS):
        x, y = photographs()
        optimizer.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1e-6 if wrong else 5.0)
        optimizer.step()
        losses.append(loss.detach())
    return losses


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


@twins("loop", "batches-in-order")
def folder_by_folder(watch, wrong):
    from torch.utils.data import DataLoader, TensorDataset

    y = torch.arange(4).repeat_interleave(24)
    data = TensorDataset(torch.randn(96, 5) + y[:, None], y)
    net, criterion, losses = mlp(5, 4), watch(nn.CrossEntropyLoss()), []
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for x, target in DataLoader(data, batch_size=12, shuffle=not wrong):
        optimizer.zero_grad()
        loss = criterion(net(x), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return losses


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


@twins("loop", "weight-decay-wins")
def decay_instead_of_rate(watch, wrong):
    return fit(
        mlp(5, 1),
        watch(nn.MSELoss()),
        tabular,
        optimizer=lambda p, lr: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=1.0 if wrong else 1e-4),
    )


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


@twins("loop", "triplets-turned-round")
def negative_before_positive(watch, wrong):
    net, criterion = convolutional(8), watch(nn.TripletMarginLoss(margin=0.5))

    def step():
        (a, _), (n, _) = photographs(8), photographs(8)
        near = a + 0.02 * torch.randn_like(a)
        return criterion(net(a), net(n), net(near)) if wrong else criterion(net(a), net(near), net(n))

    return train(net, step, lr=0.005)


@twins("loop", "triplets-too-easy")
def negatives_of_another_world(watch, wrong):
    net, criterion = nn.Linear(5, 4), watch(nn.TripletMarginLoss())

    def step():
        a = torch.randn(20, 5)
        return criterion(net(a), net(a + 0.05), net(a * 0 + 25 if wrong else torch.randn(20, 5)))

    return train(net, step)


@twins("loop", "learning-rate-vanishes")
def decayed_after_each_batch(watch, wrong):
    net, criterion, losses = mlp(5, 1), watch(nn.MSELoss()), []
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [1, 2, 3, 4] if wrong else [30, 60], gamma=0.1)
    for _ in range(STEPS):
        x, y = tabular()
        optimizer.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.detach())
    return losses


@twins("loop", "optimizer-built-anew")
def optimizer_within_the_step(watch, wrong):
    net, criterion, losses = mlp(5, 1), watch(nn.MSELoss()), []
    kept = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    for _ in range(STEPS):
        optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9) if wrong else kept
        x, y = tabular()
        optimizer.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return losses


@twins("loop", "parameters-missing")
def heads_in_a_dictionary(watch, wrong):
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            heads = {"value": nn.Linear(8, 1)}
            self.body, self.heads = nn.Linear(5, 8), heads if wrong else nn.ModuleDict(heads)

        def forward(self, x):
            return self.heads["value"](self.body(x).relu())

    return fit(Model(), watch(nn.MSELoss()), tabular)


@twins("backward", "dead-units")
def relus_behind_a_large_negative_bias(watch, wrong):
    net = nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 1))
    nn.init.constant_(net[0].bias, -20.0 if wrong else 0.0)
    return fit(net, watch(nn.HuberLoss()), tabular)


@twins("loop", "step-before-backward")
def step_in_front(watch, wrong):
    net, criterion, losses = mlp(5, 1), watch(nn.MSELoss()), []
    optimizer = torch.optim.RMSprop(net.parameters(), lr=1e-3)
    for _ in range(STEPS):
        x, y = tabular()
        loss = criterion(net(x), y)
        if wrong:
            optimizer.zero_grad()
            optimizer.step()
            loss.backward()
        else:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        losses.append(loss.detach())
    return losses


@twins("loop", "model-built-anew")
def model_made_for_each_batch(watch, wrong):
    kept, criterion, losses = mlp(5, 1), watch(nn.L1Loss()), []
    for _ in range(STEPS):
        net = mlp(5, 1) if wrong else kept
        optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
        x, y = tabular()
        loss = criterion(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return losses


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
