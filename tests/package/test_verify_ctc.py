"""What `verify` says of CTC by hand: which alignments count, and which do not."""

import pytest
import torch

from lossbook.verifying.verify import verify

NEVER = -1e30


def rows_of(targets, lengths):
    return targets if targets.dim() == 2 else targets.split(lengths.tolist())


class InLogarithms:
    """State after state, in a loop."""

    def __init__(self, *, over=True, over_equal=False, ends=2, likeliest=False, begins=2):
        self.over, self.over_equal, self.ends, self.likeliest, self.begins = over, over_equal, ends, likeliest, begins

    def of_one(self, scores, labels, blank):
        states = [blank]
        for label in labels:
            states += [label, blank]
        alpha = [scores[0, states[s]] if s < self.begins else scores[0, 0] * 0 + NEVER for s in range(len(states))]
        plus = (lambda v: v.max()) if self.likeliest else (lambda v: v.logsumexp(0))
        for row in scores[1:]:
            new = []
            for s, state in enumerate(states):
                ways = alpha[max(s - 1, 0) : s + 1]
                if s > 1 and self.over and state != blank and (self.over_equal or state != states[s - 2]):
                    ways = [alpha[s - 2], *ways]
                new.append(plus(torch.stack(ways)) + row[state])
            alpha = new
        return -plus(torch.stack(alpha[-self.ends :]))

    def __call__(self, log_probs, targets, input_lengths, target_lengths, blank=0):
        if log_probs.dim() == 2:
            log_probs, input_lengths = log_probs[:, None], input_lengths.reshape(1)
            targets, target_lengths = targets.reshape(1, -1), target_lengths.reshape(1)
        rows = rows_of(targets, target_lengths)
        each = [
            self.of_one(log_probs[:n, i], row[:size].tolist(), blank) / max(int(size), 1)
            for i, (row, n, size) in enumerate(zip(rows, input_lengths, target_lengths, strict=True))
        ]
        return torch.stack(each).mean()


class InMatrices(InLogarithms):
    """One matrix of transitions, and probabilities that are scaled at each step."""

    def of_one(self, scores, labels, blank):
        states = torch.full((2 * len(labels) + 1,), blank)
        states[1::2] = torch.tensor(labels, dtype=torch.int64)
        size = len(states)
        moves = torch.eye(size) + torch.ones(size - 1).diag(-1) if size > 1 else torch.eye(1)
        for s in range(2, size):
            differs = self.over_equal or states[s] != states[s - 2]
            moves[s, s - 2] = float(self.over and states[s] != blank and differs)
        moves = moves.to(scores.dtype)
        alpha = scores[0, states].exp() * (torch.arange(size) < self.begins)
        total = 0.0
        for row in scores[1:]:
            alpha = (moves * alpha).amax(1) if self.likeliest else moves @ alpha
            alpha = alpha * row[states].exp()
            total, alpha = total + alpha.sum().log(), alpha / alpha.sum()
        end = alpha[-self.ends :]
        return -(total + (end.max() if self.likeliest else end.sum()).log())


def report(loss):
    return verify(loss, like="ctc", exclude=["(T, C)"])


@pytest.mark.parametrize(
    ("kind", "settings", "said"),
    [
        (InLogarithms, {"over_equal": True}, "between two equal labels too"),
        (InMatrices, {"over_equal": True}, "between two equal labels too"),
        (InMatrices, {"over": False}, "over the blank between, is missing"),
        (InLogarithms, {"ends": 1}, "alignments that end in the last label are left out"),
        (InMatrices, {"begins": 1}, "alignments that begin with the first label are left out"),
        (InLogarithms, {"likeliest": True}, "only the likeliest alignment counts"),
    ],
)
def test_which_alignments_count(kind, settings, said):
    assert said in report(kind(**settings)).diagnosis


def test_the_right_one_passes():
    assert "alignment" not in str(report(InLogarithms()))
    assert all(check.name != "value" for check in report(InLogarithms()).failures)
