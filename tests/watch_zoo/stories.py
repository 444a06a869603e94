"""Faults as people report them, in what the loss is given: by models with layers of their own, to losses of their own."""

import torch
from torch import nn
from torch.nn import functional as F

from . import answered, labelled, measured, network, train, twins


class Classifier(nn.Module):
    """An image classifier that may end in a softmax."""

    def __init__(self, last):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 5)
        )
        self.last = last

    def forward(self, x):
        return self.last(self.body(x))


def _images(n=16):
    y = torch.randint(5, (n,))
    return torch.randn(n, 1, 8, 8) + y[:, None, None, None] / 2, y


def _classifier(name, kinds, wrong_last, right_last, make, where="graph"):
    def run(watch, wrong):
        net, criterion = Classifier(wrong_last if wrong else right_last), watch(make())

        def step():
            x, y = _images()
            return criterion(net(x), y)

        return train(net, step, optimizer=torch.optim.Adam, lr=0.01)

    run.__name__ = name
    return twins(where, *kinds)(run)


image_softmax = _classifier(
    "image_softmax", ["softmax-before-cross-entropy"], nn.Softmax(1), nn.Identity(), nn.CrossEntropyLoss
)


image_softmax_smoothed = _classifier(
    "image_softmax_smoothed",
    ["softmax-before-cross-entropy"],
    nn.Softmax(1),
    nn.Identity(),
    lambda: nn.CrossEntropyLoss(label_smoothing=0.1),
)


image_logits_nll = _classifier(
    "image_logits_nll", ["logits-for-log-probabilities"], nn.Identity(), nn.LogSoftmax(1), nn.NLLLoss, "call"
)


image_softmax_nll = _classifier(
    "image_softmax_nll", ["logarithm-missing"], nn.Softmax(1), nn.LogSoftmax(1), nn.NLLLoss, "call"
)


image_wrong_dim = _classifier(
    "image_wrong_dim", ["softmax-over-wrong-dimension"], nn.LogSoftmax(0), nn.LogSoftmax(1), nn.NLLLoss
)


image_softmax_margin = _classifier(
    "image_softmax_margin", ["softmax-before-margin"], nn.Softmax(1), nn.Identity(), nn.MultiMarginLoss
)


image_relu = _classifier("image_relu", ["relu-before-loss"], nn.ReLU(), nn.Identity(), nn.CrossEntropyLoss)


image_sigmoid = _classifier(
    "image_sigmoid", ["sigmoid-before-cross-entropy"], nn.Sigmoid(), nn.Identity(), nn.CrossEntropyLoss
)


def _segment(name, kinds, wrong_last, right_last, make, where="graph"):
    def run(watch, wrong):
        net, criterion = nn.Conv2d(1, 3, 3, padding=1), watch(make())
        last = wrong_last if wrong else right_last

        def step():
            x = torch.randn(2, 1, 6, 7)
            y = (x[:, 0] > 0).long() + (x[:, 0] > 1).long()
            return criterion(last(net(x)), y)

        return train(net, step)

    run.__name__ = name
    return twins(where, *kinds)(run)


pixels_softmax = _segment(
    "pixels_softmax", ["softmax-before-cross-entropy"], lambda z: F.softmax(z, 1), lambda z: z, nn.CrossEntropyLoss
)


pixels_softmax2d = _segment(
    "pixels_softmax2d", ["softmax-before-cross-entropy"], nn.Softmax2d(), nn.Identity(), nn.CrossEntropyLoss
)


pixels_wrong_dim = _segment(
    "pixels_wrong_dim",
    ["softmax-over-wrong-dimension", "logits-for-log-probabilities"],
    nn.LogSoftmax(-1),
    nn.LogSoftmax(1),
    nn.NLLLoss,
)


pixels_view = _segment(
    "pixels_view",
    ["view-instead-of-transpose"],
    lambda z: z.permute(0, 2, 3, 1).contiguous().view(2, 3, 6, 7),
    lambda z: z,
    nn.CrossEntropyLoss,
)


@twins("graph", "sigmoid-twice")
def mask_sigmoid_twice(watch, wrong):
    net, criterion = nn.Conv2d(1, 1, 3, padding=1), watch(F.binary_cross_entropy_with_logits)

    def step():
        x = torch.randn(2, 1, 6, 6)
        out = net(x)
        return criterion(torch.sigmoid(out).squeeze(1) if wrong else out.squeeze(1), (x[:, 0] > 0).float())

    return train(net, step)


@twins("call", "crossed-shapes")
def recurrent_last_output(watch, wrong):
    net, head, criterion = nn.LSTM(3, 8, batch_first=True), nn.Linear(8, 1), watch(nn.SmoothL1Loss())
    both = nn.ModuleList([net, head])

    def step():
        x = torch.randn(10, 5, 3)
        out = head(net(x)[0][:, -1])
        y = x.sum((1, 2))
        return criterion(out, y) if wrong else criterion(out.squeeze(1), y)

    return train(both, step)


@twins("call", "crossed-shapes")
def images_without_channel(watch, wrong):
    net, criterion = nn.Conv2d(1, 1, 3, padding=1), watch(nn.MSELoss())

    def step():
        x = torch.randn(3, 1, 6, 6)
        return criterion(net(x), x[:, 0] if wrong else x)

    return train(net, step)


@twins("call", "crossed-shapes")
def crossed_in_own_rmse(watch, wrong):
    class RMSE(nn.Module):
        def forward(self, prediction, target):
            return torch.sqrt(torch.mean((prediction - target) ** 2) + 1e-8)

    net, criterion = network(outputs=1), watch(RMSE())

    def step():
        x, y = measured()
        return criterion(net(x), y[:, 0] if wrong else y)

    return train(net, step)


@twins("call", "crossed-shapes")
def crossed_in_own_module_with_mse(watch, wrong):
    class Mixed(nn.Module):
        def __init__(self):
            super().__init__()
            self.mse, self.l1 = nn.MSELoss(), nn.L1Loss()

        def forward(self, prediction, target):
            return self.mse(prediction, target) + 0.1 * self.l1(prediction, target)

    net, criterion = network(outputs=1), watch(Mixed())

    def step():
        x, y = measured()
        return criterion(net(x), y[:, 0] if wrong else y)

    return train(net, step)


@twins("graph", "softmax-before-cross-entropy")
def own_focal_of_probabilities(watch, wrong):
    def focal(logits, target, gamma=2.0):
        ce = F.cross_entropy(logits, target, reduction="none")
        return ((1 - (-ce).exp()) ** gamma * ce).mean()

    net, criterion = network(), watch(focal)

    def step():
        x, y = labelled()
        return criterion(net(x).softmax(-1) if wrong else net(x), y)

    return train(net, step)


@twins("call", "target-outside-0-1")
def classes_one_and_two(watch, wrong):
    net, criterion = network(outputs=1), watch(nn.BCEWithLogitsLoss())

    def step():
        x, y = answered()
        return criterion(net(x), y + 1 if wrong else y)

    return train(net, step)


@twins("call", "labels-without-signs")
def similar_pairs_zero_one(watch, wrong):
    net, criterion = network(outputs=6), watch(F.cosine_embedding_loss)

    def step():
        x = torch.randn(24, 8)
        same = torch.randint(2, (24,))
        return criterion(net(x), net(x.roll(1, 0)), same if wrong else 2 * same - 1)

    return train(net, step)


@twins("call", "padding-counted")
def translated_with_padding(watch, wrong):
    embed, net, head = nn.Embedding(30, 12, padding_idx=0), nn.GRU(12, 12, batch_first=True), nn.Linear(12, 30)
    both, criterion = (
        nn.ModuleList([embed, net, head]),
        watch(nn.CrossEntropyLoss() if wrong else nn.CrossEntropyLoss(ignore_index=0)),
    )

    def step():
        tokens = torch.randint(3, 30, (6, 9))
        tokens[torch.arange(9) >= torch.randint(3, 10, (6, 1))] = 0
        tokens[0], tokens[1, 4:] = tokens[0].clamp_min(3), 0
        tokens[2, 7:] = 0
        logits = head(net(embed(tokens[:, :-1]))[0])
        return criterion(logits.reshape(-1, 30), tokens[:, 1:].reshape(-1))

    return train(both, step, lr=0.01, optimizer=torch.optim.Adam)


@twins("call", "weights-the-wrong-way")
def rare_class_weighed_down(watch, wrong):
    weight = torch.tensor([0.9, 0.1] if wrong else [0.1, 0.9])
    net, criterion = network(outputs=2), watch(nn.CrossEntropyLoss(weight=weight))

    def step():
        y = (torch.rand(32) < 0.1).long()
        return criterion(net(torch.randn(32, 8) + y[:, None]), y)

    return train(net, step)


@twins("graph", "parameters-unreached")
def encoder_through_numpy(watch, wrong):
    encoder, decoder, criterion = nn.Linear(8, 6), nn.Linear(6, 8), watch(nn.MSELoss())
    both = nn.ModuleList([encoder, decoder])

    def step():
        x = torch.randn(16, 8)
        code = encoder(x)
        code = torch.from_numpy(code.detach().numpy()) if wrong else code
        return criterion(decoder(code), x)

    return train(both, step, optimizer=torch.optim.Adam)


@twins("graph", "prediction-without-gradient")
def prediction_from_data(watch, wrong):
    net, criterion = network(outputs=1), watch(nn.MSELoss())

    def step():
        x, y = measured()
        return criterion(net(x).data if wrong else net(x), y)

    return train(net, step)


@twins("graph", "prediction-without-gradient", "loss-made-a-leaf")
def thresholded_answers(watch, wrong):
    net, criterion = network(outputs=1), watch(nn.MSELoss() if wrong else nn.BCEWithLogitsLoss())

    def step():
        x, y = answered()
        out = net(x)
        return criterion((out.sigmoid() > 0.5).float(), y).requires_grad_() if wrong else criterion(out, y)

    return train(net, step)


@twins("graph", "loss-without-gradient")
def own_dice_of_thresholds(watch, wrong):
    def dice(logits, target):
        p = (logits.sigmoid() > 0.5).float() if wrong else logits.sigmoid()
        return 1 - (2 * (p * target).sum() + 1) / (p.sum() + target.sum() + 1)

    net, criterion = nn.Conv2d(1, 1, 3, padding=1), watch(dice)

    def step():
        x = torch.randn(2, 1, 6, 6)
        loss = criterion(net(x), (x > 0).float())
        return loss.requires_grad_() if wrong else loss

    return train(net, step)


@twins("call", "inputs-not-scaled")
def columns_of_different_units(watch, wrong):
    net, criterion = network(4, 1), watch(nn.MSELoss())

    def step():
        raw = torch.stack([torch.rand(32) * 60 + 18, torch.rand(32) * 90_000, torch.rand(32), torch.rand(32) * 10], 1)
        scaled = (raw - raw.mean(0)) / raw.std(0)
        return criterion(net(raw if wrong else scaled), scaled[:, :1])

    return train(net, step, lr=1e-3)


@twins("call", "target-not-finite")
def division_by_zero_in_targets(watch, wrong):
    net, criterion = network(outputs=1), watch(nn.L1Loss())

    def step():
        x, y = measured()
        scale = torch.ones(32, 1)
        scale[7] = 0 if wrong else 1
        return criterion(net(x), (y / scale))

    return train(net, step)


@twins("graph", "target-out-of-reach")
def decoder_ends_in_sigmoid(watch, wrong):
    net = nn.Sequential(nn.Linear(8, 4), nn.ReLU(), nn.Linear(4, 8), nn.Sigmoid() if wrong else nn.Identity())
    criterion = watch(nn.MSELoss())

    def step():
        x = torch.randn(32, 8)
        return criterion(net(x), x)

    return train(net, step)


@twins("graph", "target-carries-gradient")
def q_values_chase_themselves(watch, wrong):
    net, criterion = network(outputs=2), watch(F.mse_loss)

    def step():
        state, following, reward = torch.randn(16, 8), torch.randn(16, 8), torch.randn(16)
        action = torch.randint(2, (16, 1))
        target = reward + 0.99 * net(following).amax(1)
        return criterion(net(state).gather(1, action).squeeze(1), target if wrong else target.detach())

    return train(net, step, optimizer=torch.optim.Adam, lr=1e-3)


@twins("call", "logarithm-missing")
def student_without_logarithm(watch, wrong):
    student, teacher, criterion = network(), network(), watch(F.kl_div)

    def step():
        x, _ = labelled()
        with torch.no_grad():
            soft = F.softmax(teacher(x) / 2, dim=1)
        own = F.softmax(student(x) / 2, dim=1) if wrong else F.log_softmax(student(x) / 2, dim=1)
        return criterion(own, soft, reduction="batchmean") * 4

    return train(student, step)
