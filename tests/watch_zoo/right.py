"""Trainings that look suspicious and are right."""

import copy

import torch
from torch import nn
from torch.nn import functional as F

from . import STEPS, answered, fit, labelled, measured, network, suspicious, train


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


@suspicious
def frozen_backbone(watch, wrong=False):
    net, criterion = network(), watch(nn.CrossEntropyLoss())
    net[0].requires_grad_(False)

    return fit(net, criterion, labelled)


@suspicious
def backbone_without_gradient(watch, wrong=False):
    net, criterion = network(), watch(nn.CrossEntropyLoss())

    def step():
        x, y = labelled()
        with torch.no_grad():
            hidden = net[:2](x)
        return criterion(net[2](hidden), y)

    return train(net[2], step)


@suspicious
def linear_probe_of_optimizer(watch, wrong=False):
    net, criterion = network(), watch(nn.CrossEntropyLoss())

    def step():
        x, y = labelled()
        return criterion(net(x), y)

    return train(net[2], step)


@suspicious
def detached_teacher(watch, wrong=False):
    net, teacher, criterion = network(), network(), watch(nn.KLDivLoss(reduction="batchmean", log_target=True))

    def step():
        x, _ = labelled()
        with torch.no_grad():
            target = teacher(x).log_softmax(1)
        return criterion(net(x).log_softmax(1), target)

    return train(net, step)


@suspicious
def gradient_accumulation(watch, wrong=False):
    net, criterion = network(), watch(nn.CrossEntropyLoss())
    optimizer, losses = torch.optim.SGD(net.parameters(), lr=0.05), []
    for i in range(STEPS):
        x, y = labelled()
        loss = criterion(net(x), y)
        (loss / 4).backward()
        if i % 4 == 3:
            optimizer.step()
            optimizer.zero_grad()
        losses.append(loss.detach())
    return losses


@suspicious
def zero_grad_after_step(watch, wrong=False):
    net, criterion = network(), watch(nn.CrossEntropyLoss())
    optimizer, losses = torch.optim.SGD(net.parameters(), lr=0.05), []
    for _ in range(STEPS):
        x, y = labelled()
        loss = criterion(net(x), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=False)
        losses.append(loss.detach())
    return losses


@suspicious
def zero_grad_after_forward(watch, wrong=False):
    net, criterion = network(), watch(nn.CrossEntropyLoss())
    optimizer, losses = torch.optim.Adam(net.parameters(), lr=0.01), []
    for _ in range(STEPS):
        x, y = labelled()
        loss = criterion(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 0.1)
        optimizer.step()
        losses.append(loss.detach())
    return losses


@suspicious
def generative_adversarial(watch, wrong=False):
    maker, judge = network(8, 8), network(8, 1)
    criterion = watch(nn.BCEWithLogitsLoss())
    of_maker, of_judge = torch.optim.Adam(maker.parameters(), 1e-3), torch.optim.Adam(judge.parameters(), 1e-3)
    losses = []
    for _ in range(STEPS):
        real, fake = torch.randn(16, 8) + 1, maker(torch.randn(16, 8))
        of_judge.zero_grad()
        loss = criterion(judge(real), torch.ones(16, 1)) + criterion(judge(fake.detach()), torch.zeros(16, 1))
        loss.backward()
        of_judge.step()
        of_maker.zero_grad()
        loss = criterion(judge(fake), torch.ones(16, 1))
        loss.backward()
        of_maker.step()
        losses.append(loss.detach())
    return losses


@suspicious
def adversarial_example(watch, wrong=False):
    net, criterion, losses = network(), watch(nn.CrossEntropyLoss()), []
    x, y = labelled()
    change = torch.zeros_like(x, requires_grad=True)
    for _ in range(STEPS):
        loss = criterion(net(x + change), y)
        loss.backward()
        with torch.no_grad():
            change += 0.1 * change.grad.sign()
            change.grad.zero_()
        losses.append(loss.detach())
    return losses


@suspicious
def image_is_optimized(watch, wrong=False):
    net, criterion = network(), watch(nn.MSELoss())
    image, target = torch.randn(4, 8, requires_grad=True), torch.randn(4, 4)
    optimizer, losses = torch.optim.Adam([image], lr=0.1), []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = criterion(net(image), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return losses


@suspicious
def one_point_by_hand(watch, wrong=False):
    criterion, w, losses = watch(nn.MSELoss()), torch.zeros(4, requires_grad=True), []
    for _ in range(STEPS):
        loss = criterion(w, torch.tensor([1.0, 2.0, 3.0, 4.0]))
        loss.backward()
        w = (w - 0.5 * w.grad).detach().requires_grad_()
        losses.append(loss.detach())
    return losses


@suspicious
def mean_as_parameter(watch, wrong=False):
    criterion, mean = watch(nn.MSELoss()), nn.Parameter(torch.zeros(1))
    optimizer, losses = torch.optim.SGD([mean], lr=0.1), []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = criterion(mean.expand(16), torch.randn(16) + 3)
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return losses


@suspicious
def evaluated_between(watch, wrong=False):
    net, criterion = network(), watch(nn.CrossEntropyLoss())

    def step():
        x, y = labelled()
        with torch.no_grad():
            criterion(net(x), y)
        criterion(net(x).detach(), y)
        return criterion(net(x), y)

    return train(net, step)


@suspicious
def zero_initialized_head(watch, wrong=False):
    net, criterion = network(), watch(nn.CrossEntropyLoss())
    nn.init.zeros_(net[2].weight)
    nn.init.zeros_(net[2].bias)

    return fit(net, criterion, labelled)


@suspicious
def warm_up(watch, wrong=False):
    net, criterion = network(), watch(nn.CrossEntropyLoss())
    optimizer, losses = torch.optim.Adam(net.parameters(), lr=1e-2), []
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: step / 1_000_000)
    for _ in range(STEPS):
        x, y = labelled()
        optimizer.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.detach())
    return losses


@suspicious
def masked_language_model(watch, wrong=False):
    net, criterion = nn.Sequential(nn.Embedding(12, 16), nn.Linear(16, 12)), watch(nn.CrossEntropyLoss())

    def step():
        tokens = torch.randint(12, (8, 10))
        labels = torch.where(torch.rand(8, 10) < 0.2, tokens, -100)
        return criterion(net(tokens).view(-1, 12), labels.view(-1))

    return train(net, step)


@suspicious
def images_as_classes(watch, wrong=False):
    net, criterion = nn.Conv2d(1, 3, 3, padding=1), watch(nn.CrossEntropyLoss())

    def step():
        x = torch.randn(2, 1, 6, 6)
        return criterion(net(x), (x[:, 0] > 0).long() + (x[:, 0] > 1).long())

    return train(net, step)


@suspicious
def contrastive_labels_in_order(watch, wrong=False):
    net, criterion = nn.Linear(8, 6), watch(nn.CrossEntropyLoss())

    def step():
        x = torch.randn(16, 8)
        a, b = F.normalize(net(x), dim=1), F.normalize(net(x + 0.1 * torch.randn(16, 8)), dim=1)
        return criterion(a @ b.T / 0.1, torch.arange(16))

    return train(net, step)


@suspicious
def momentum_contrast(watch, wrong=False):
    net, criterion = nn.Linear(8, 6), watch(F.cross_entropy)
    slow, queue = copy.deepcopy(net), F.normalize(torch.randn(32, 6), dim=1)

    def step():
        x = torch.randn(16, 8)
        q = F.normalize(net(x), dim=1)
        with torch.no_grad():
            k = F.normalize(slow(x), dim=1)
        logits = torch.cat([(q * k).sum(1, keepdim=True), q @ queue.T], 1) / 0.2
        return criterion(logits, torch.zeros(16, dtype=torch.long))

    return train(net, step)


@suspicious
def stop_gradient_twins(watch, wrong=False):
    net, head, criterion = nn.Linear(8, 6), nn.Linear(6, 6), watch(nn.CosineEmbeddingLoss())
    both = nn.ModuleList([net, head])

    def step():
        x = torch.randn(16, 8)
        return criterion(head(net(x)), net(x + 0.1).detach(), torch.ones(16))

    return train(both, step)


@suspicious
def twins_without_stop(watch, wrong=False):
    net, criterion = network(outputs=6), watch(nn.MSELoss())

    def step():
        x = torch.randn(16, 8)
        return criterion(net(x), net(x + 0.1))

    return train(net, step)


@suspicious
def mixed_up(watch, wrong=False):
    net, criterion = network(), watch(nn.CrossEntropyLoss())

    def step():
        x, y = labelled()
        z, share = net(0.7 * x + 0.3 * x.flip(0)), 0.7
        return share * criterion(z, y) + (1 - share) * criterion(z, y.flip(0))

    return train(net, step)


@suspicious
def gradient_penalty(watch, wrong=False):
    net, criterion = nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 1)), watch(nn.MSELoss())

    def step():
        x, y = measured()
        x.requires_grad_()
        loss = criterion(net(x), y)
        (slope,) = torch.autograd.grad(loss, x, create_graph=True)
        return loss + slope.square().sum()

    return train(net, step)


@suspicious
def second_order_closure(watch, wrong=False):
    net, criterion = nn.Linear(8, 1), watch(nn.MSELoss())
    optimizer, losses = torch.optim.LBFGS(net.parameters(), max_iter=3), []
    for _ in range(3):
        x, y = measured()

        def closure(x=x, y=y):
            optimizer.zero_grad()
            loss = criterion(net(x), y)
            loss.backward()
            return loss

        losses.append(optimizer.step(closure).detach())
    return losses


@suspicious
def two_optimizers(watch, wrong=False):
    net, criterion = network(), watch(nn.CrossEntropyLoss())
    optimizers, losses = [torch.optim.SGD(net[0].parameters(), 0.01), torch.optim.Adam(net[2].parameters(), 0.01)], []
    for _ in range(STEPS):
        x, y = labelled()
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
        losses.append(loss.detach())
    return losses


@suspicious
def hand_written_descent(watch, wrong=False):
    w, b, criterion, losses = (
        torch.zeros(8, 1, requires_grad=True),
        torch.zeros(1, requires_grad=True),
        watch(nn.MSELoss()),
        [],
    )
    for _ in range(STEPS):
        x, y = measured()
        loss = criterion(x @ w + b, y)
        loss.backward()
        with torch.no_grad():
            for p in (w, b):
                p -= 0.1 * p.grad
                p.grad = None
        losses.append(loss.detach())
    return losses


@suspicious
def autoencoder(watch, wrong=False):
    net, criterion = network(outputs=8), watch(nn.MSELoss())

    def step():
        x = torch.randn(32, 8)
        return criterion(net(x), x)

    return train(net, step)


@suspicious
def pairwise_on_purpose(watch, wrong=False):
    net, criterion = network(outputs=1), watch(lambda s, y: F.softplus(-(s - s.T) * (y - y.T).sign()).mean())

    return fit(net, criterion, measured)


@suspicious
def batch_of_one(watch, wrong=False):
    net, criterion = network(outputs=1), watch(nn.MSELoss())

    return fit(net, criterion, lambda: measured(n=1))


@suspicious
def recurrent_with_truncation(watch, wrong=False):
    net, head, criterion = nn.GRU(3, 8, batch_first=True), nn.Linear(8, 5), watch(nn.CrossEntropyLoss())
    both, state = nn.ModuleList([net, head]), [None]

    def step():
        out, hidden = net(torch.randn(4, 6, 3), state[0])
        state[0] = hidden.detach()
        return criterion(head(out).transpose(1, 2), torch.randint(5, (4, 6)))

    return train(both, step)


@suspicious
def scaled_loss(watch, wrong=False):
    net, criterion = network(), watch(nn.CrossEntropyLoss())

    def step():
        x, y = labelled()
        return criterion(net(x), y) * 1024

    return train(net, step, lr=1e-5)


@suspicious
def rises_once(watch, wrong=False):
    net, criterion = nn.Linear(8, 1), watch(nn.MSELoss())
    count = iter(range(STEPS))

    def step():
        x, y = measured()
        return criterion(net(x), y * (20 if next(count) == 4 else 1))

    return train(net, step, lr=0.02)


@suspicious
def gaussian_with_softplus(watch, wrong=False):
    net, criterion = network(outputs=2), watch(nn.GaussianNLLLoss())

    def step():
        x, y = measured()
        out = net(x)
        return criterion(out[:, :1], y, F.softplus(out[:, 1:]) + 1e-4)

    return train(net, step)


@suspicious
def squared_deviation(watch, wrong=False):
    net, criterion = network(outputs=2), watch(nn.GaussianNLLLoss())

    def step():
        x, y = measured()
        out = net(x)
        return criterion(out[:, :1], y, (out[:, 1:] * 0.5).exp().square())

    return train(net, step)


@suspicious
def ends_that_happen_to_be_zero(watch, wrong=False):
    net, criterion = nn.Sequential(nn.Embedding(5, 16), nn.Linear(16, 5)), watch(nn.CrossEntropyLoss())

    def step():
        tokens = torch.randint(5, (8, 10))
        return criterion(net(tokens).transpose(1, 2), tokens)

    return train(net, step)


@suspicious
def heatmap_divergence(watch, wrong=False):
    net, criterion = nn.Conv2d(1, 2, 3, padding=1), watch(nn.KLDivLoss(reduction="batchmean"))

    def step():
        x = torch.randn(2, 1, 6, 6)
        target = torch.randn(2, 2, 36).softmax(-1).view(2, 2, 6, 6)
        return criterion(net(x).flatten(2).log_softmax(-1).view(2, 2, 6, 6), target)

    return train(net, step)


@suspicious
def regularized_by_dropout(watch, wrong=False):
    net, criterion = (
        nn.Sequential(nn.Linear(8, 16), nn.Dropout(0.3), nn.Linear(16, 4)),
        watch(nn.KLDivLoss(reduction="batchmean")),
    )

    def step():
        x, y = labelled()
        one, other = net(x), net(x)
        return F.cross_entropy(one, y) + criterion(one.log_softmax(1), other.softmax(1))

    return train(net, step)


@suspicious
def two_towers(watch, wrong=False):
    net, other, criterion = network(outputs=6), network(outputs=6), watch(nn.MSELoss())
    both = nn.ModuleList([net, other])

    def step():
        x = torch.randn(16, 8)
        return criterion(net(x), other(x.flip(1)))

    return train(both, step)


@suspicious
def teacher_in_no_optimizer(watch, wrong=False):
    net, teacher, criterion = network(), network(), watch(nn.KLDivLoss(reduction="batchmean"))

    def step():
        x, _ = labelled()
        return criterion(net(x).log_softmax(1), teacher(x).softmax(1))

    return train(net, step)


def _scheduled(name, make):
    def run(watch, wrong=False):
        net, criterion = network(), watch(nn.CrossEntropyLoss())
        optimizer, losses = torch.optim.SGD(net.parameters(), lr=0.05), []
        schedule = make(optimizer)
        for _ in range(STEPS):
            x, y = labelled()
            optimizer.zero_grad()
            loss = criterion(net(x), y)
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.detach())
        return losses

    run.__name__ = name
    return suspicious(run)


cosine_schedule = _scheduled("cosine_schedule", lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, STEPS))
one_cycle = _scheduled("one_cycle", lambda o: torch.optim.lr_scheduler.OneCycleLR(o, 0.1, total_steps=STEPS + 1))
linear_decay = _scheduled("linear_decay", lambda o: torch.optim.lr_scheduler.LinearLR(o, 1.0, 0.01, STEPS))


@suspicious
def dropped_out_infinite_logits(watch, wrong=False):
    net, criterion = network(), watch(nn.CrossEntropyLoss())

    def step():
        x, y = labelled(3)
        ruled_out = torch.tensor([0.0, 0.0, 0.0, -float("inf")])
        return criterion(net(x) + ruled_out, y)

    return train(net, step)


@suspicious
def validated_under_inference_mode(watch, wrong=False):
    net, criterion = network(), watch(nn.CrossEntropyLoss())

    def step():
        x, y = labelled()
        with torch.inference_mode():
            criterion(net(x), y)
        return criterion(net(x), y)

    return train(net, step)


@suspicious
def metric_of_classes(watch, wrong=False):
    net, criterion = network(), watch(nn.L1Loss())

    def step():
        x, y = labelled()
        out = net(x)
        criterion(out.argmax(1).float(), y.float())
        return criterion(out.softmax(1), F.one_hot(y, 4).float())

    return train(net, step)


@suspicious
def multi_task(watch, wrong=False):
    net, criterion, second = network(outputs=5), watch(nn.CrossEntropyLoss()), watch(nn.MSELoss())

    def step():
        x, y = labelled()
        out = net(x)
        return criterion(out[:, :4], y) + 0.1 * second(out[:, 4], x[:, 0])

    return train(net, step)


@suspicious
def heads_in_turn(watch, wrong=False):
    trunk, heads, criterion = (
        nn.Linear(8, 16),
        nn.ModuleList([nn.Linear(16, 4), nn.Linear(16, 4)]),
        watch(nn.CrossEntropyLoss()),
    )
    both, count = nn.ModuleList([trunk, heads]), iter(range(STEPS))

    def step():
        x, y = labelled()
        return criterion(heads[next(count) % 2](trunk(x).relu()), y)

    return train(both, step)


@suspicious
def weights_by_sample(watch, wrong=False):
    net, criterion = network(), watch(nn.CrossEntropyLoss(reduction="none"))

    def step():
        x, y = labelled()
        return (criterion(net(x), y) * torch.rand(32)).mean()

    return train(net, step)


@suspicious
def hardest_examples(watch, wrong=False):
    net, criterion = network(), watch(nn.CrossEntropyLoss(reduction="none"))

    def step():
        x, y = labelled()
        return criterion(net(x), y).topk(8).values.mean()

    return train(net, step)


@suspicious
def clipped_gradients(watch, wrong=False):
    net, criterion = network(), watch(nn.CrossEntropyLoss())
    optimizer, losses = torch.optim.SGD(net.parameters(), lr=0.1), []
    for _ in range(STEPS):
        x, y = labelled()
        optimizer.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 0.1)
        optimizer.step()
        losses.append(loss.detach())
    return losses


@suspicious
def several_models_in_turn(watch, wrong=False):
    criterion, losses = watch(nn.CrossEntropyLoss()), []
    for _ in range(3):
        net = network()
        losses += train(net, lambda net=net: criterion(net(labelled()[0]), torch.randint(4, (32,))))
    return losses


@suspicious
def large_targets_that_are_learned(watch, wrong=False):
    net, criterion = nn.Linear(8, 1), watch(nn.MSELoss())

    def step():
        x, y = measured()
        return criterion(net(x), 200 + 30 * y)

    return train(net, step, lr=0.1)


@suspicious
def tokens_of_language_model(watch, wrong=False):
    net, criterion = nn.Sequential(nn.Embedding(20, 16), nn.Linear(16, 20)), watch(nn.CrossEntropyLoss())

    def step():
        tokens = torch.randint(1, 20, (8, 13))
        return criterion(net(tokens[:, :-1]).transpose(1, 2), tokens[:, 1:])

    return train(net, step)


@suspicious
def residual_with_hidden_relu(watch, wrong=False):
    net, criterion = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.BatchNorm1d(8), nn.Linear(8, 1)), watch(nn.L1Loss())

    def step():
        x, y = measured()
        return criterion(net(x * 100 + 300), y)

    return train(net, step, lr=1e-3, optimizer=torch.optim.Adam)


@suspicious
def sparse_embeddings(watch, wrong=False):
    net, criterion = nn.Sequential(nn.Embedding(30, 4, sparse=True)), watch(nn.CrossEntropyLoss())

    def step():
        return criterion(net(torch.randint(30, (16,))), torch.randint(4, (16,)))

    return train(net, step)


@suspicious
def checkpointed(watch, wrong=False):
    from torch.utils.checkpoint import checkpoint

    net, criterion = network(), watch(nn.CrossEntropyLoss())

    def step():
        x, y = labelled()
        return criterion(checkpoint(net, x, use_reentrant=False), y)

    return train(net, step)


@suspicious
def automatic_mixed_precision(watch, wrong=False):
    net, criterion = network(), watch(nn.CrossEntropyLoss())

    def step():
        x, y = labelled()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return criterion(net(x), y)

    return train(net, step)


@suspicious
def adapted_domain(watch, wrong=False):
    class Reverse(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.view_as(x)

        @staticmethod
        def backward(ctx, gradient):
            return -0.1 * gradient

    trunk, domain, criterion = nn.Linear(8, 8), nn.Linear(8, 1), watch(nn.BCEWithLogitsLoss())
    both = nn.ModuleList([trunk, domain])

    def step():
        x, y = answered()
        return criterion(domain(Reverse.apply(trunk(x).tanh())), y)

    return train(both, step)


@suspicious
def actor_and_advantage(watch, wrong=False):
    net, criterion = network(), watch(nn.CrossEntropyLoss(reduction="none"))

    def step():
        x, action = labelled()
        return (criterion(net(x), action) * torch.randn(32)).mean()

    return train(net, step)


@suspicious
def gradient_norms_of_two_losses(watch, wrong=False):
    net, criterion = network(outputs=5), watch(nn.CrossEntropyLoss())

    def step():
        x, y = labelled()
        out = net(x)
        loss = criterion(out[:, :4], y)
        (slope,) = torch.autograd.grad(loss, net[0].weight, retain_graph=True)
        return loss / (1 + slope.norm())

    return train(net, step)


@suspicious
def two_losses_two_backwards(watch, wrong=False):
    net, criterion, losses = network(outputs=8), watch(nn.CrossEntropyLoss()), []
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
    for _ in range(STEPS):
        x, y = labelled()
        out = net(x)
        optimizer.zero_grad()
        one, other = criterion(out[:, :4], y), criterion(out[:, 4:], y)
        one.backward(retain_graph=True)
        other.backward()
        optimizer.step()
        losses.append(one.detach())
    return losses


@suspicious
def average_of_a_teacher(watch, wrong=False):
    net, criterion = network(), watch(nn.KLDivLoss(reduction="batchmean"))
    slow = copy.deepcopy(net).requires_grad_(False)

    def step():
        x, y = labelled()
        for p, q in zip(slow.parameters(), net.parameters(), strict=True):
            p.mul_(0.9).add_(0.1 * q.detach())
        out = net(x)
        return F.cross_entropy(out, y) + criterion(out.log_softmax(1), slow(x).softmax(1))

    return train(net, step)
