"""Cross-entropy of tokens against peers: shifted, with prompt and padding, over accumulated batches."""

import pytest
import torch
from torch.nn import functional as F
from torch.testing import assert_close

from lossbook.beyond import TokenCrossEntropyLoss, token_cross_entropy
from tests.package.peers import assert_same, learned

TOKENS = torch.tensor([[0, 3, 1, 2, 4], [-100, -100, 2, 0, -100], [1, 1, -100, -100, -100]])


@pytest.fixture
def logits(generator):
    return learned(generator, 3, 5, 6)


def by_transformers(logits, labels, num_items_in_batch=None):
    """ForCausalLMLoss of Hugging Face's transformers, but for its cast to float32: the labels are padded, not cut."""
    labels = F.pad(labels, (0, 1), value=-100)[..., 1:]
    if num_items_in_batch is None:
        return F.cross_entropy(logits.reshape(-1, logits.shape[-1]), labels.reshape(-1), ignore_index=-100)
    total = F.cross_entropy(
        logits.reshape(-1, logits.shape[-1]), labels.reshape(-1), ignore_index=-100, reduction="sum"
    )
    return total / num_items_in_batch


def by_log_probabilities(logits, labels, num_items_in_batch=None):
    """As reinforcement learning has it: the log-probability of each token, times a mask."""
    picked = logits[:, :-1].log_softmax(-1).gather(-1, labels[:, 1:].clamp_min(0).unsqueeze(-1)).squeeze(-1)
    mask = labels[:, 1:] != -100
    return -(picked * mask).sum() / (num_items_in_batch or mask.sum())


@pytest.mark.parametrize("peer", [by_transformers, by_log_probabilities])
@pytest.mark.parametrize("count", [None, 11, torch.tensor(11)])
def test_equals_its_peers(peer, count, logits):
    assert_same(
        lambda z: token_cross_entropy(z, TOKENS, num_items_in_batch=count), lambda z: peer(z, TOKENS, count), logits
    )


def test_shifted_in_the_data(logits):
    """As in nanoGPT, with its ignore_index of −1."""
    tokens = TOKENS.where(TOKENS != -100, -1)
    expected = F.cross_entropy(logits.view(-1, 6), tokens.view(-1), ignore_index=-1)
    assert_close(token_cross_entropy(logits, tokens, shift=False, ignore_index=-1), expected)
    alone = TokenCrossEntropyLoss(shift=False)(logits[:, :-1], TOKENS[:, 1:])
    assert_close(alone, token_cross_entropy(logits, TOKENS))


def test_each_token(logits):
    losses = token_cross_entropy(logits, TOKENS, reduction="none")
    assert losses.shape == (3, 4)
    assert_close(losses[0, 2], -logits[0, 2].log_softmax(0)[TOKENS[0, 3]])
    assert not losses[TOKENS[:, 1:] == -100].any()
    assert_close(token_cross_entropy(logits, TOKENS, reduction="sum"), losses.sum())
    assert_close(token_cross_entropy(logits[0], TOKENS[0], reduction="none"), losses[0])
    assert_close(token_cross_entropy(logits.unsqueeze(0), TOKENS.unsqueeze(0), reduction="none"), losses.unsqueeze(0))


def test_means_of_sequences(logits):
    each = [token_cross_entropy(z, t) for z, t in zip(logits, TOKENS, strict=True)]
    assert_close(token_cross_entropy(logits, TOKENS, average="sequence"), sum(each) / 3)
    without = TOKENS.clone()
    without[2, 1:] = -100  # a sequence without a token to predict: it has no mean
    assert_close(token_cross_entropy(logits, without, average="sequence"), sum(each[:2]) / 2)
    assert token_cross_entropy(logits, TOKENS).item() != pytest.approx(sum(each).item() / 3)


def test_accumulated_micro_batches_are_one_batch(logits):
    """With the count of all; the mean of their means is another number."""
    count = (TOKENS[:, 1:] != -100).sum()
    parts = [token_cross_entropy(logits[i : i + 1], TOKENS[i : i + 1], num_items_in_batch=count) for i in range(3)]
    assert_close(sum(parts), token_cross_entropy(logits, TOKENS))


@pytest.mark.parametrize("create_graph", [False, True])
def test_the_last_logits_may_hold_anything(logits, create_graph):
    wild = logits.detach().clone()
    wild[:, -1] = torch.nan
    wild.requires_grad_()
    found = torch.autograd.grad(token_cross_entropy(wild, TOKENS), wild, create_graph=create_graph)[0]
    expected = torch.autograd.grad(token_cross_entropy(logits, TOKENS), logits)[0]
    assert_close(found[:, :-1], expected[:, :-1])
    assert not found[:, -1].any()


def test_nothing_to_predict(logits):
    none = torch.full_like(TOKENS, -100)
    for average in ("token", "sequence"):
        assert token_cross_entropy(logits, none, average=average).isnan()
        assert token_cross_entropy(logits, none, average=average, reduction="sum") == 0


SHORT = torch.zeros(2, 1, 6)
WRONG = {
    "vocabulary not last": ((torch.zeros(3, 6, 5), TOKENS), {}, ValueError, r"write input.movedim\(1, -1\)"),
    "flat": ((torch.zeros(15, 6), TOKENS), {}, ValueError, r"got \(15, 6\) and \(3, 5\)"),
    "one token": ((SHORT, torch.zeros(2, 1).long()), {}, ValueError, "two tokens at least.*write shift=False"),
    "floats": ((torch.zeros(3, 5, 6), TOKENS.float()), {}, TypeError, "torch.int64, got torch.float32"),
    "a token too many": ((torch.zeros(3, 5, 4), TOKENS), {}, IndexError, "class 4, but input has 4 classes"),
    "a count of sequences": (
        (torch.zeros(3, 5, 6), TOKENS),
        {"average": "sequence", "num_items_in_batch": 3},
        ValueError,
        "no meaning with average='sequence'",
    ),
    "a count of 0": ((torch.zeros(3, 5, 6), TOKENS), {"num_items_in_batch": 0}, ValueError, "larger than 0, got 0"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_gets_a_sentence(case):
    tensors, settings, error, message = WRONG[case]
    with pytest.raises(error, match=message):
        token_cross_entropy(*tensors, **settings)
