"""The exercises of the guide to losses: cross-entropy and its family."""

from __future__ import annotations

import math

import torch

from ... import functional as lf
from ...language import gettext as _
from .exercise import Exercise
from .plain import Plain
from .written_loss import WrittenLoss

LOGITS, FIRST = torch.tensor([2.0, 0.0, -1.0]), torch.tensor(0)
SOFTMAX_OUTPUT = torch.tensor([0.61, 0.39])
SURE = torch.tensor([0.85])
YES, NO = torch.ones(1), torch.zeros(1)
POSITIVES, NEGATIVES = 100, 900
P, Q = torch.tensor([0.5, 0.5]), torch.tensor([0.25, 0.75])
TWO_P, TWO_Q = torch.stack([P, Q]), torch.stack([Q, P])  # targets and what the model says
OF_TRUE_CLASS = torch.tensor([0.5, 0.8, 0.1])  # probabilities
HALF_YES, ANSWERS = torch.tensor([0.5, 0.5]), torch.tensor([0.7, 0.9])


def divergence(q: torch.Tensor, p: torch.Tensor) -> float:
    return float(lf.kl_div(q.log(), p, reduction="sum"))


def error_of_softmax() -> tuple[float, ...]:
    """The gradient of the cross-entropy of `LOGITS`."""
    z = LOGITS.clone().requires_grad_()
    return tuple(torch.autograd.grad(lf.cross_entropy(z, FIRST), z)[0].tolist())


def soft_losses() -> tuple[float, ...]:
    return tuple(lf.binary_cross_entropy(ANSWERS, HALF_YES, reduction="none").tolist())


def of_two_samples(reduction: str) -> float:
    return float(lf.kl_div(TWO_Q.log(), TWO_P, reduction=reduction))


EXERCISES = {
    "cross-entropy-of-logits": Exercise(
        answer=lambda: float(lf.cross_entropy(LOGITS, FIRST)),
        praise=lambda: _("The true class leads by 2 and by 3, so it gets 84 percent, and −ln 0.8438 = 0.1698."),
        mistakes=lambda: [
            (
                float(lf.cross_entropy(lf.softmax(LOGITS, dim=0), FIRST)),
                _("That is softmax applied twice. The three numbers are logits: apply it once."),
            ),
            (-2.0, _("That is minus the logit itself, what NLLLoss does with logits. Turn them into probabilities.")),
            (math.log(3), _("That is ln 3, the loss of a model that knows nothing. The logits differ: use them.")),
            (
                float(lf.softmax(LOGITS, dim=0)[0]),
                _("That is the probability of class 0. The loss is minus its logarithm."),
            ),
            (
                float(lf.cross_entropy(LOGITS, FIRST + 1)),
                _("That is the loss if class 1 were the true one. Classes count from 0."),
            ),
            (
                -float(lf.cross_entropy(LOGITS, FIRST)),
                _(
                    "The size is right, the sign is not: a probability is at most 1, so minus its logarithm is not "
                    "below 0."
                ),
            ),
        ],
        hint=lambda: _("Exponentials first: e², e⁰ and e⁻¹. What share of their sum is the first?"),
    ),
    "nll-of-probabilities": Exercise(
        answer=lambda: float(lf.nll_loss(SOFTMAX_OUTPUT.log(), FIRST)),
        praise=lambda: _("NLLLoss gave minus the probability, −0.61; with log_softmax it gives −ln 0.61."),
        mistakes=lambda: [
            (-0.61, _("No likelihood of classes exceeds 1, so no −log of one is below 0. The logarithm is missing.")),
            (
                0.61,
                _("Taking the absolute value turns the training around: a surer right answer would cost more."),
            ),
            (
                float(lf.cross_entropy(SOFTMAX_OUTPUT, FIRST)),
                _(
                    "That is CrossEntropyLoss on probabilities, softmax applied twice. Take minus the logarithm of "
                    "0.61."
                ),
            ),
            (math.log(0.61), _("The logarithm is right. The loss is minus that.")),
            (
                float(lf.nll_loss(SOFTMAX_OUTPUT.log(), FIRST + 1)),
                _("That is −ln 0.39. The probability of the true class is the one that was printed, 0.61."),
            ),
            (0.39, _("That is 1 − 0.61. The loss is minus the logarithm of 0.61.")),
        ],
        hint=lambda: _("Without a logarithm the loss is minus the probability of the true class. So what is that?"),
    ),
    "bce-by-hand": Exercise(
        answer=lambda: (
            float(lf.binary_cross_entropy(SURE, YES)),
            float(lf.binary_cross_entropy(SURE, NO)),
        ),
        praise=lambda: _("The same answer, 0.85, costs about twelve times as much where it is wrong."),
        mistakes=lambda: [
            (
                (-math.log(0.85), -math.log(0.85)),
                _("The first is right. For the label 0 the probability that counts is 1 − p = 0.15."),
            ),
            (
                (math.log(0.85), math.log(0.15)),
                _("Those are the logarithms. The loss is minus the logarithm."),
            ),
            (
                (-math.log(0.15), -math.log(0.85)),
                _("Both numbers are right, in the wrong order: the label 1 comes first."),
            ),
            (
                (-math.log(0.85), math.log(0.15)),
                _("The first is right. The second has the wrong sign: no loss of a probability is below 0."),
            ),
            ((0.15, 0.85), _("Those are the differences of p and the label, the L1 loss. Take logarithms.")),
        ],
        hint=lambda: _("One of the two terms of the formula is multiplied by 0. Which one is left for each label?"),
    ),
    "positive-weight": Exercise(
        answer=lambda: NEGATIVES / POSITIVES,
        praise=lambda: _("100 positives that count 9 times each weigh as much as 900 negatives."),
        mistakes=lambda: [
            (POSITIVES / NEGATIVES, _("That makes the rare positives count even less. Turn the fraction around.")),
            (
                (POSITIVES + NEGATIVES) / POSITIVES,
                _("That is all samples divided by the positives. Only the negatives have to be balanced."),
            ),
            (
                POSITIVES / (POSITIVES + NEGATIVES),
                _(
                    "That is the share of positives. It would make them count less. How many negatives are there for "
                    "each positive?"
                ),
            ),
            (
                (1.0, NEGATIVES / POSITIVES),
                _(
                    "One number is enough for one label: it multiplies the term with y = 1, the other keeps the weight "
                    "1."
                ),
            ),
        ],
        hint=lambda: _("After weighting, the positives should weigh as much together as the negatives do."),
    ),
    "kl-by-hand": Exercise(
        answer=lambda: divergence(Q, P),
        praise=lambda: _("½ ln 2 + ½ ln (2/3) = 0.1438: one term above 0 and one below, and the sum is above 0."),
        mistakes=lambda: [
            (divergence(P, Q), _("That is KL(Q ‖ P). The order matters: the true distribution P weighs the terms.")),
            (divergence(Q, P) / 2, _("That is what reduction='mean' gives: it divides by the 2 classes too.")),
            (
                float(-(P * Q.log()).sum()),
                _("That is the cross-entropy of P and Q. Subtract the entropy of P, ln 2."),
            ),
            (-divergence(Q, P), _("A KL divergence is never below 0. The fraction is p / q, not q / p.")),
            (divergence(Q, P) / math.log(2), _("That is the result in bits. PyTorch takes the natural logarithm.")),
            (0.0, _("The terms do not cancel: ln 2 and ln (2/3) are of different size.")),
            (
                float((P * (P / Q).log().abs()).sum()),
                _("You took the size of each term. The second is below 0: 0.5 is less than 0.75."),
            ),
        ],
        hint=lambda: _("Two terms, p · ln (p / q): one with 0.5 / 0.25, the other with 0.5 / 0.75."),
    ),
    "error-of-softmax": Exercise(
        answer=error_of_softmax,
        praise=lambda: _(
            "Softmax minus one-hot. The true class is pulled up by as much as the other two are pushed down."
        ),
        mistakes=lambda: [
            (
                tuple(lf.softmax(LOGITS, dim=0).tolist()),
                _("Those are the probabilities. Subtract 1 from that of the true class."),
            ),
            (tuple(-slope for slope in error_of_softmax()), _("The sizes are right, the signs are swapped.")),
            ((-1.0, 0.0, 0.0), _("That would be NLLLoss on logits. The softmax inside moves the other classes too.")),
        ],
        hint=lambda: _("The three probabilities first. Then the gradient is softmax minus one-hot."),
    ),
    "mend-cross-entropy": WrittenLoss(
        "cross_entropy",
        names_the_slip=False,
        plain=Plain(
            "logits, target",
            """
                largest = max(logits)
                log_of_sum = math.log(sum(math.exp(z - largest) for z in logits))
                log_p = [z - largest - log_of_sum for z in logits]
                one_hot = [c == target for c in range(len(logits))]
                return -sum(hit * log for hit, log in zip(one_hot, log_p)) / len(log_p)
            """,
        ),
    ),
    "write-label-smoothing": WrittenLoss("cross_entropy", {"label_smoothing": 0.1}, plain=Plain("logits, target")),
    "likelihood": Exercise(
        answer=lambda: float((-3 * lf.nll_loss(OF_TRUE_CLASS.log().unsqueeze(1), torch.zeros(3).long())).exp()),
        praise=lambda: _("0.5 · 0.8 · 0.1: the sum of the logarithms is the logarithm of the product."),
        mistakes=lambda: [
            (0.342, _("That is e to minus the mean, the geometric mean of the three probabilities. Three samples.")),
            (3.2189, _("That is the sum of the three losses. Which probability has minus that as its logarithm?")),
            (1.4 / 3, _("That is the mean of the probabilities. Those of independent events multiply.")),
            (25.0, _("That is one divided by it. A probability is at most 1: mind the sign.")),
        ],
        hint=lambda: _("Three times the mean is the sum. Undo the minus sign and the logarithm."),
    ),
    "mend-nll": WrittenLoss("nll", names_the_slip=False),
    "write-nll": WrittenLoss("nll", takes=("ignore_index",), plain=Plain("log_p, target")),
    "half-a-yes": Exercise(
        answer=soft_losses,
        praise=lambda: _("For a label between 0 and 1 both terms count, and no answer costs less than ln 2 here."),
        mistakes=lambda: [
            (
                (-math.log(0.7), -math.log(0.9)),
                _("That is the loss of a whole yes. With the label 0.5 the no counts as much."),
            ),
            ((-math.log(0.7) / 2, -math.log(0.9) / 2), _("That is the term of the yes alone. Add that of the no.")),
            ((0.2, 0.4), _("Those are the differences of p and the label, the L1 loss. Take logarithms.")),
        ],
        hint=lambda: _("Put y = 0.5 into the formula: half of −ln p and half of −ln (1 − p)."),
    ),
    "mend-bce": WrittenLoss(
        "bce",
        names_the_slip=False,
        plain=Plain(
            "p, y",
            """
                def log(x):
                    return max(math.log(x), -100) if x > 0 else -100

                return -y * log(p) + (1 - y) * log(1 - p)
            """,
        ),
    ),
    "write-bce": WrittenLoss("bce", plain=Plain("p, y")),
    "weight-taken-back": Exercise(
        answer=lambda: torch.sigmoid(torch.tensor(0.8).logit() - math.log(4)).item(),
        praise=lambda: _("Odds of 4 to 1, divided by the weight 4, are odds of 1 to 1."),
        mistakes=lambda: [
            (0.2, _("That is 0.8 / 4. The weight multiplies the odds p / (1 − p), not the probability.")),
            (16 / 17, _("That is the weight applied once more. Subtract its logarithm from the logit.")),
            (0.8, _("That is what the model says. With pos_weight it is no probability any more.")),
            (0.0, _("That is the logit. Its sigmoid is the probability.")),
        ],
        hint=lambda: _("The logit of 0.8 is ln (0.8 / 0.2) = ln 4. Subtract ln 4, and take the sigmoid."),
    ),
    "mend-bce-with-logits": WrittenLoss(
        "bce_with_logits", names_the_slip=False, plain=Plain("z, y", "return math.log(1 + math.exp(z)) - y * z")
    ),
    "write-bce-with-logits": WrittenLoss("bce_with_logits", takes=("pos_weight",), plain=Plain("z, y")),
    "three-reductions": Exercise(
        answer=lambda: (of_two_samples("sum"), of_two_samples("batchmean"), of_two_samples("mean")),
        praise=lambda: _("Divided by nothing, by two samples, and by four elements."),
        mistakes=lambda: [
            (
                (of_two_samples("sum"),) * 3,
                _("The sum is right. The other two divide: by the samples, and by all elements."),
            ),
            (
                (of_two_samples("sum"), of_two_samples("batchmean"), of_two_samples("batchmean")),
                _("In PyTorch mean divides by the classes too: two samples of two classes are four elements."),
            ),
            (
                (2 * divergence(Q, P), divergence(Q, P), divergence(Q, P) / 2),
                _("In the second sample target and model are exchanged, and KL(Q ‖ P) is another number."),
            ),
            (
                (of_two_samples("sum"), of_two_samples("mean"), of_two_samples("batchmean")),
                _("All three numbers are right, in the wrong order: sum, batchmean, mean."),
            ),
        ],
        hint=lambda: _("The sum is KL(P ‖ Q) plus KL(Q ‖ P). Then count samples, and elements."),
        digits=3,
    ),
    "mend-kl": WrittenLoss(
        "kl_div",
        {"reduction": "batchmean"},
        names_the_slip=False,
        plain=Plain("log_q, p", "return sum(math.exp(a) * (a - math.log(b)) for a, b in zip(log_q, p))"),
    ),
    "write-kl": WrittenLoss("kl_div", {"reduction": "batchmean"}, plain=Plain("log_q, p")),
}
