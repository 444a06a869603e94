"""Right trainings of the kinds that faults are reported of."""

import torch
from torch import nn
from torch.nn import functional as F

from . import answered, fit, labelled, measured, network, suspicious, train


@suspicious
def ranked_within_the_batch(watch, wrong=False):
    net, criterion = network(outputs=1), watch(nn.KLDivLoss(reduction="sum"))

    def step():
        x, y = measured()
        return criterion(net(x).log_softmax(0), y.softmax(0))

    return train(net, step)


@suspicious
def list_of_sequences(watch, wrong=False):
    net, criterion = nn.Linear(8, 5), watch(nn.CrossEntropyLoss(reduction="sum"))

    def step():
        lengths = [3, 7, 5]
        return sum(criterion(net(torch.randn(t, 8)), torch.randint(5, (t,))) for t in lengths) / sum(lengths)

    return train(net, step)


@suspicious
def variational_autoencoder(watch, wrong=False):
    encoder, decoder, criterion = nn.Linear(8, 8), nn.Linear(4, 8), watch(nn.MSELoss(reduction="sum"))
    both = nn.ModuleList([encoder, decoder])

    def step():
        x = torch.randn(16, 8)
        mu, log_var = encoder(x).chunk(2, 1)
        z = mu + torch.randn_like(mu) * (log_var / 2).exp()
        return criterion(decoder(z), x) / 16 - 0.5 * (1 + log_var - mu.square() - log_var.exp()).sum() / 16

    return train(both, step, lr=0.01)


@suspicious
def quantized_codes(watch, wrong=False):
    encoder, decoder, book, criterion = nn.Linear(8, 4), nn.Linear(4, 8), nn.Embedding(16, 4), watch(nn.MSELoss())
    both = nn.ModuleList([encoder, decoder, book])

    def step():
        x = torch.randn(16, 8)
        z = encoder(x)
        q = book(torch.cdist(z, book.weight).argmin(1))
        loss = criterion(q, z.detach()) + 0.25 * criterion(z, q.detach())
        return loss + criterion(decoder(z + (q - z).detach()), x)

    return train(both, step)


@suspicious
def deep_q_network(watch, wrong=False):
    net, slow, criterion = network(outputs=2), network(outputs=2), watch(nn.SmoothL1Loss())

    def step():
        with torch.no_grad():
            target = torch.randn(16) + 0.99 * slow(torch.randn(16, 8)).amax(1)
        return criterion(net(torch.randn(16, 8)).gather(1, torch.randint(2, (16, 1))).squeeze(1), target)

    return train(net, step)


@suspicious
def least_squares_gan(watch, wrong=False):
    maker, judge, criterion, losses = network(4, 8), network(8, 1), watch(nn.MSELoss()), []
    of_maker, of_judge = torch.optim.RMSprop(maker.parameters(), 1e-3), torch.optim.RMSprop(judge.parameters(), 1e-3)
    for _ in range(4):
        real, fake = torch.randn(16, 8) + 2, maker(torch.randn(16, 4))
        loss = 0.5 * criterion(judge(real), torch.ones(16, 1)) + 0.5 * criterion(
            judge(fake.detach()), torch.zeros(16, 1)
        )
        of_judge.zero_grad()
        loss.backward()
        of_judge.step()
        loss = criterion(judge(fake), torch.ones(16, 1))
        of_maker.zero_grad()
        loss.backward()
        of_maker.step()
        losses.append(loss.detach())
    return losses


@suspicious
def pretrained_then_frozen_in_part(watch, wrong=False):
    net, criterion = (
        nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 4)),
        watch(nn.CrossEntropyLoss()),
    )
    for p in net[0].parameters():
        p.requires_grad = False

    return fit(net, criterion, labelled, optimizer=torch.optim.AdamW, lr=0.01)


@suspicious
def class_weights_by_inverse_frequency(watch, wrong=False):
    counts = torch.tensor([90.0, 9.0, 1.0])
    net, criterion = network(outputs=3), watch(nn.CrossEntropyLoss(weight=counts.sum() / (3 * counts)))

    def step():
        y = torch.multinomial(counts, 32, replacement=True)
        return criterion(net(torch.randn(32, 8) + y[:, None]), y)

    return train(net, step, lr=0.01)


@suspicious
def perfectly_fitted(watch, wrong=False):
    net, criterion = nn.Linear(8, 1), watch(nn.MSELoss())
    rule = net.weight.detach().clone(), net.bias.detach().clone()

    def step():
        x = torch.randn(16, 8)
        return criterion(net(x), F.linear(x, *rule))

    return train(net, step)


@suspicious
def masked_as_one_should(watch, wrong=False):
    net, criterion = nn.Linear(3, 1), watch(nn.MSELoss(reduction="none"))

    def step():
        x, y = torch.randn(6, 9, 3), torch.randn(6, 9)
        mask = (torch.arange(9) < torch.randint(2, 10, (6, 1))).float()
        return (criterion(net(x * mask[..., None]).squeeze(-1), y * mask) * mask).sum() / mask.sum()

    return train(net, step)


@suspicious
def sharp_large_logits(watch, wrong=False):
    net, criterion = network(outputs=1), watch(nn.BCEWithLogitsLoss())

    def step():
        x, y = answered()
        return criterion(net(x * 50), y)

    return train(net, step, lr=1e-4)


@suspicious
def momentum_and_decay(watch, wrong=False):
    net, criterion = network(), watch(nn.CrossEntropyLoss())

    def step():
        x, y = labelled()
        return criterion(net(x), y)

    return train(
        net, step, optimizer=lambda p, lr: torch.optim.SGD(p, lr, momentum=0.9, nesterov=True, weight_decay=1e-2)
    )


@suspicious
def siamese_triplets(watch, wrong=False):
    net, criterion = network(outputs=6), watch(nn.TripletMarginLoss(margin=1.0, swap=True))

    def step():
        x = torch.randn(16, 8)
        return criterion(net(x), net(x + 0.2 * torch.randn(16, 8)), net(torch.randn(16, 8)))

    return train(net, step)


@suspicious
def small_tabular_adam(watch, wrong=False):
    net, criterion = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1)), watch(nn.HuberLoss())

    def step():
        x = torch.rand(8, 3)
        return criterion(net(x), x.sum(1, keepdim=True))

    return train(net, step, optimizer=torch.optim.Adam, lr=0.1)
