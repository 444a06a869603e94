"""Faults of batches: a part of one that does not count, an order in which nothing is learned, labels of other places."""

import torch
from torch import nn
from torch.nn import functional as F

from . import answered, fit, labelled, measured, network, suspicious, train, twins


@twins("backward", "one-sample-counts")
def first_loss_alone(watch, wrong):
    net, criterion = network(), watch(nn.CrossEntropyLoss(reduction="none"))

    def step():
        x, y = labelled()
        losses = criterion(net(x), y)
        return losses[0] if wrong else losses.mean()

    return train(net, step)


@twins("graph", "one-sample-counts")
def first_prediction_alone(watch, wrong):
    net, criterion = network(), watch(nn.CrossEntropyLoss())

    def step():
        x, y = labelled()
        out = net(x)
        return criterion(out[0], y[0]) if wrong else criterion(out, y)

    return train(net, step)


@twins("graph", "one-sample-counts")
def first_image_alone(watch, wrong):
    net, criterion = nn.Conv2d(1, 1, 3, padding=1), watch(nn.MSELoss())

    def step():
        x = torch.randn(8, 1, 6, 6)
        out = net(x)
        return criterion(out[:1], x[:1]) if wrong else criterion(out, x)

    return train(net, step)


@suspicious
def each_sample_in_turn(watch, wrong=False):
    net, criterion = network(), watch(nn.CrossEntropyLoss())

    def step():
        x, y = labelled(n=4)
        out = net(x)
        return sum(criterion(out[i], y[i]) for i in range(4)) / 4

    return train(net, step)


@suspicious
def hardest_sample_of_each_batch(watch, wrong=False):
    net, criterion = network(), watch(nn.CrossEntropyLoss(reduction="none"))

    def step():
        x, y = labelled()
        return criterion(net(x), y).max()

    return train(net, step)


@suspicious
def first_token_stands_for_the_sequence(watch, wrong=False):
    net, head, criterion = nn.TransformerEncoderLayer(8, 2, 16), nn.Linear(8, 3), watch(nn.CrossEntropyLoss())
    both = nn.ModuleList([net, head])

    def step():
        tokens, y = torch.randn(6, 16, 8), torch.randint(3, (16,))  # the sequence first, then the batch
        return criterion(head(net(tokens))[0], y)

    return train(both, step)


@twins("graph", "part-detached")
def second_half_detached(watch, wrong):
    net, criterion = network(outputs=1), watch(nn.MSELoss())

    def step():
        x, y = measured()
        out = net(x)
        return criterion(torch.cat([out[:16], out[16:].detach()]) if wrong else out, y)

    return train(net, step)


@twins("graph", "part-detached")
def one_view_without_gradient(watch, wrong):
    net, criterion = network(), watch(nn.CrossEntropyLoss())

    def step():
        x, y = labelled()
        with torch.set_grad_enabled(not wrong):
            second = net(x + 0.1)
        return criterion(torch.cat([net(x), second]), torch.cat([y, y]))

    return train(net, step)


@suspicious
def reference_class_fixed_at_zero(watch, wrong=False):
    net, criterion = network(outputs=3), watch(nn.CrossEntropyLoss())

    def step():
        x, y = labelled()
        return criterion(torch.cat([torch.zeros(32, 1), net(x)], 1), y)

    return train(net, step)


@suspicious
def forecast_behind_what_is_known(watch, wrong=False):
    net, criterion = network(outputs=4), watch(nn.MSELoss())

    def step():
        series = torch.randn(16, 12).cumsum(1)
        return criterion(torch.cat([series[:, :8], series[:, 7:8] + net(series[:, :8])], 1), series)

    return train(net, step, lr=0.01)


@suspicious
def negatives_from_a_queue(watch, wrong=False):
    net, criterion = nn.Linear(8, 6), watch(nn.CrossEntropyLoss())

    def step():
        q, k = F.normalize(net(torch.randn(16, 8)), dim=1), F.normalize(torch.randn(16, 6), dim=1)
        others = (k @ F.normalize(torch.randn(32, 6), dim=1).T).detach()
        return criterion(torch.cat([(q * k).sum(1, keepdim=True), others], 1) / 0.2, torch.zeros(16, dtype=torch.long))

    return train(net, step)


@twins("graph", "only-a-bias-learns")
def all_but_the_last_bias_frozen(watch, wrong):
    net, criterion = network(), watch(nn.CrossEntropyLoss())
    for p in [*net.parameters()][: -1 if wrong else -2]:
        p.requires_grad_(False)

    return fit(net, criterion, labelled)


@suspicious
def biases_alone_are_tuned(watch, wrong=False):
    net, criterion = network(), watch(nn.CrossEntropyLoss())
    for name, p in net.named_parameters():
        p.requires_grad_("bias" in name)

    return fit(net, criterion, labelled)


def _in_order(name, make, classes, batch=16):
    def run(watch, wrong):
        net, criterion = network(outputs=1 if classes == 2 else classes), watch(make())
        y = torch.arange(classes).repeat_interleave(8 * batch // classes)
        y = y if wrong else y[torch.randperm(len(y))]
        x, parts = torch.randn(len(y), 8) + y[:, None], iter(range(0, len(y), batch))

        def step():
            i = next(parts)
            target = y[i : i + batch]
            return criterion(net(x[i : i + batch]), target[:, None].float() if classes == 2 else target)

        return train(net, step)

    run.__name__ = name
    return twins("loop", "batches-in-order")(run)


sorted_by_class = _in_order("sorted_by_class", nn.CrossEntropyLoss, 4)
sorted_by_eight_classes = _in_order("sorted_by_eight_classes", nn.CrossEntropyLoss, 8)
sorted_by_answer = _in_order("sorted_by_answer", nn.BCEWithLogitsLoss, 2)
sorted_with_neighbors = _in_order("sorted_with_neighbors", nn.CrossEntropyLoss, 6)


@suspicious
def one_task_after_the_other(watch, wrong=False):
    net, criterion, count = network(outputs=6), watch(nn.CrossEntropyLoss()), iter(range(8))

    def step():
        y = torch.randint(2, (16,)) + 2 * (next(count) // 3)
        return criterion(net(torch.randn(16, 8) + y[:, None]), y)

    return train(net, step)


@suspicious
def real_and_false_in_turn(watch, wrong=False):
    judge, criterion, count = network(outputs=1), watch(nn.BCEWithLogitsLoss()), iter(range(8))

    def step():
        real = next(count) % 2
        return criterion(judge(torch.randn(16, 8) + real), torch.full((16, 1), float(real)))

    return train(judge, step)


class Speaker(nn.Module):
    """A small language model that returns the loss for labels, which it shifts itself, or does not."""

    def __init__(self, criterion, shifts):
        super().__init__()
        self.embed, self.body, self.head = nn.Embedding(20, 12), nn.GRU(12, 12, batch_first=True), nn.Linear(12, 20)
        self.criterion, self.shifts = criterion, shifts

    def forward(self, tokens, labels):
        logits = self.head(self.body(self.embed(tokens))[0])
        if self.shifts:
            logits, labels = logits[:, :-1], labels[:, 1:]
        return self.criterion(logits.reshape(-1, 20), labels.reshape(-1))


@twins("call", "shifted-twice")
def shifted_in_data_and_model(watch, wrong):
    net = Speaker(watch(nn.CrossEntropyLoss()), shifts=wrong)

    def step():
        tokens = torch.randint(20, (8, 13))
        return net(tokens[:, :-1], tokens[:, 1:])

    return train(net, step)


@suspicious
def shifted_by_the_model(watch, wrong=False):
    net = Speaker(watch(nn.CrossEntropyLoss()), shifts=True)

    def step():
        tokens = torch.randint(20, (8, 13))
        return net(tokens, tokens)

    return train(net, step)


@suspicious
def next_token_and_the_one_after(watch, wrong=False):
    embed, heads, criterion = nn.Embedding(20, 12), nn.Linear(12, 40), watch(nn.CrossEntropyLoss())
    both = nn.ModuleList([embed, heads])

    def step():
        tokens = torch.randint(20, (8, 12))
        one, two = heads(embed(tokens[:, :-2])).chunk(2, -1)
        return criterion(one.flatten(0, 1), tokens[:, 1:-1].flatten()) + criterion(
            two.flatten(0, 1), tokens[:, 2:].flatten()
        )

    return train(both, step)


@twins("graph", "dropout-before-loss")
def dropout_behind_the_head(watch, wrong):
    net, criterion = network(), watch(nn.CrossEntropyLoss())
    net.insert(3 if wrong else 2, nn.Dropout(0.5))

    return fit(net, criterion, labelled)


@twins("graph", "dropout-before-loss")
def dropout_behind_a_regression(watch, wrong):
    net, criterion = network(outputs=1), watch(nn.SmoothL1Loss())

    def step():
        x, y = measured()
        return criterion(F.dropout(net(x), 0.2) if wrong else net(x), y)

    return train(net, step)


@suspicious
def masked_predictions(watch, wrong=False):
    net, criterion = network(), watch(nn.MSELoss(reduction="sum"))

    def step():
        x, y = answered(4)
        known = (torch.rand(32, 4) < 0.7).float()
        return criterion(net(x) * known, y * known) / known.sum()

    return train(net, step)


@twins("loop", "weight-decay-wins")
def decayed_to_nothing(watch, wrong):
    net, criterion = network(), watch(nn.CrossEntropyLoss())

    return fit(
        net,
        criterion,
        labelled,
        optimizer=lambda p, lr: torch.optim.SGD(p, lr=0.1, weight_decay=5.0 if wrong else 5e-4),
    )


@twins("loop", "weight-decay-wins")
def decay_of_one_hundred(watch, wrong):
    net, criterion = network(outputs=1), watch(nn.MSELoss())

    return fit(
        net,
        criterion,
        measured,
        optimizer=lambda p, lr: torch.optim.AdamW(p, lr=3e-3, weight_decay=100 if wrong else 0.1),
    )


@twins("loop", "weight-decay-wins")
def decay_within_the_gradient_of_adam(watch, wrong):
    net, criterion = network(), watch(nn.CrossEntropyLoss())

    return fit(
        net,
        criterion,
        labelled,
        optimizer=lambda p, lr: torch.optim.Adam(p, lr=0.05, weight_decay=10 if wrong else 1e-4),
    )


@suspicious
def weights_that_shrink_by_learning(watch, wrong=False):
    net, criterion = nn.Linear(8, 1), watch(nn.MSELoss())
    nn.init.normal_(net.weight, std=1.0)

    return fit(net, criterion, measured, optimizer=lambda p, lr: torch.optim.SGD(p, lr=0.2, weight_decay=1e-2))
