"""Wrong input gets a sentence that says what came, what was expected and how to mend it."""

import inspect

import pytest
import torch
from torch.testing import assert_close

import lossbook
from lossbook import functional as lf
from lossbook import nn as lnn
from lossbook.catalogue import CATALOGUE, settings_of_module
from lossbook.softmax import cross_entropy_gradient, softmax_jacobian
from lossbook.testing import loss_checks

ONE, TWO = torch.tensor([1.0]), torch.tensor([1.0, 2.0])
LOGITS, CLASSES = torch.zeros(2, 3), torch.tensor([0, 1])
CUBE, NAN = torch.ones(2, 3, 4), float("nan")
ADAPTIVE = torch.nn.AdaptiveLogSoftmaxWithLoss(4, 4, [2])


def own(input, target):
    return (input - target).abs().mean()


class Own(torch.nn.Module):
    def forward(self, input, target):
        return own(input, target)


class Sized(Own):
    def __init__(self, classes):
        super().__init__()


WRONG = {
    "a list": (lambda: lf.l1_loss([1.0], ONE), TypeError, r"input must be a torch.Tensor, got list.*torch.tensor\("),
    "integers": (
        lambda: lf.mse_loss(torch.tensor([1]), ONE),
        TypeError,
        r"floating-point.*torch.int64.*input.float\(\)",
    ),
    "complex": (lambda: lf.mse_loss(ONE.cfloat(), ONE.cfloat()), TypeError, "floating-point.*complex64"),
    "shapes that broadcast": (
        lambda: lf.mse_loss(torch.zeros(3, 1), torch.zeros(3)),
        ValueError,
        r"same shape, got \(3, 1\) and \(3,\).*Broadcasting.*squeeze",
    ),
    "shape of weight": (lambda: lf.l1_loss(TWO, TWO, weight=ONE), ValueError, r"input and weight.*\(2,\) and \(1,\)"),
    "a missing tensor": (lambda: lf.l1_loss(ONE), TypeError, "l1_loss needs input and target; missing: target"),
    "missing tensors": (
        lambda: lf.ctc_loss(CUBE, CLASSES),
        TypeError,
        "ctc_loss needs log_probs, targets, input_lengths and target_lengths; missing: input_lengths and target_lengths",
    ),
    "a setting by position": (
        lambda: lf.cross_entropy(LOGITS, CLASSES, None),
        TypeError,
        r"2 tensors.*Name the settings.*weight=",
    ),
    "a setting of PyTorch 0.4": (
        lambda: lf.l1_loss(ONE, ONE, size_average=False),
        TypeError,
        "deprecated.*reduction='sum'",
    ),
    "another of them": (lambda: lnn.MSELoss(reduce=False), TypeError, "deprecated"),
    "a typing error": (lambda: lnn.MSELoss(reductoin="sum"), TypeError, "Did you mean 'reduction'?"),
    "an unknown setting": (lambda: lf.l1_loss(ONE, ONE, xyz=1), TypeError, "It takes .*reduction"),
    "a module's setting by position": (
        lambda: lnn.CrossEntropyLoss(TWO),
        TypeError,
        "by name: CrossEntropyLoss.weight=…",
    ),
    "a reduction": (
        lambda: lf.l1_loss(ONE, ONE, reduction="avg"),
        ValueError,
        "one of 'none', 'mean', 'sum', got 'avg'",
    ),
    "a reduction, when it is built": (lambda: lnn.L1Loss(reduction="avg"), ValueError, "got 'avg'"),
    "smoothing": (lambda: lnn.CrossEntropyLoss(label_smoothing=1.5), ValueError, "between 0 and 1, got 1.5"),
    "smoothing in words": (lambda: lnn.CrossEntropyLoss(label_smoothing="a"), TypeError, "must be a number, got str"),
    "ignore_index": (lambda: lnn.NLLLoss(ignore_index=0.5), TypeError, "must be an integer, got float"),
    "a weight as list": (lambda: lnn.NLLLoss(weight=[1.0]), TypeError, "weight must be a torch.Tensor, got list"),
    "a weight of integers": (lambda: lnn.NLLLoss(weight=torch.tensor([1])), TypeError, "weight must hold floating"),
    "classes of the weight": (
        lambda: lf.cross_entropy(LOGITS, CLASSES, weight=TWO),
        ValueError,
        r"one number for each class, shape \(3,\), got \(2,\).*not samples",
    ),
    "a single number": (lambda: lf.nll_loss(torch.tensor(1.0), torch.tensor(0)), ValueError, "got a single number"),
    "a column of classes": (
        lambda: lf.cross_entropy(LOGITS, CLASSES.unsqueeze(1)),
        ValueError,
        r"input of shape \(2, 3\) needs target of shape \(2,\), got \(2, 1\).*squeeze\(1\)",
    ),
    "class numbers as floats": (
        lambda: lf.cross_entropy(LOGITS, CLASSES.float()),
        TypeError,
        r"torch.int64, got torch.float32.*long\(\)",
    ),
    "class numbers as int32": (lambda: lf.nll_loss(LOGITS, CLASSES.int()), TypeError, "torch.int64, got torch.int32"),
    "one-hot integers": (
        lambda: lf.cross_entropy(LOGITS, torch.ones(2, 3).long()),
        TypeError,
        r"shape of input, \(2, 3\).*class probabilities.*torch.int64.*target.float\(\)",
    ),
    "a class too many": (
        lambda: lf.cross_entropy(LOGITS, torch.tensor([0, 3])),
        IndexError,
        "class 3, but input has 3 classes, numbered from 0.*ignore_index=3",
    ),
    "a negative class": (lambda: lf.nll_loss(LOGITS, torch.tensor([0, -1])), IndexError, "class -1.*ignore_index=-1"),
    "ignoring a probability": (
        lambda: lf.cross_entropy(LOGITS, torch.ones(2, 3) / 3, ignore_index=1),
        ValueError,
        "ignore_index=1 has no meaning",
    ),
    "a probability above 1": (
        lambda: lf.binary_cross_entropy(torch.tensor([0.5, 1.5]), TWO - 1),
        ValueError,
        "between 0 and 1, got 1.5.*sigmoid",
    ),
    "a negative probability": (lambda: lf.binary_cross_entropy(-ONE, ONE), ValueError, "between 0 and 1, got -1"),
    "nan among probabilities": (
        lambda: lf.binary_cross_entropy(ONE * NAN, ONE),
        ValueError,
        "between 0 and 1, got nan",
    ),
    "a negative variance": (lambda: lf.gaussian_nll_loss(TWO, TWO, 1.5 - TWO), ValueError, "not be negative, got -0.5"),
    "labels 0 and 1": (lambda: lf.hinge_embedding_loss(TWO, TWO - 1), ValueError, "1 and −1 only, got 0"),
    "label 2": (lambda: lf.cosine_embedding_loss(LOGITS, LOGITS, TWO), ValueError, "1 and −1 only, got 2"),
    "sequences of embeddings": (
        lambda: lf.cosine_embedding_loss(CUBE, CUBE, CUBE[..., 0]),
        ValueError,
        r"embeddings.*\(N, D\)",
    ),
    "triplets of numbers": (lambda: lf.triplet_margin_loss(*[ONE[0]] * 3), ValueError, r"embeddings.*got \(\)"),
    "images": (lambda: lf.multi_margin_loss(CUBE, CUBE[:, 0].long()), ValueError, r"\(N, C\).*movedim"),
    "labels of other classes": (
        lambda: lf.multilabel_margin_loss(LOGITS, CLASSES.expand(2, 2)),
        ValueError,
        r"same shape, got \(2, 3\) and \(2, 2\)",
    ),
    "a distance of all with all": (
        lambda: lf.triplet_margin_with_distance_loss(LOGITS, LOGITS, LOGITS, distance_function=torch.cdist),
        ValueError,
        r"one distance for each pair, shape \(2,\), got \(2, 2\).*pairwise_distance",
    ),
    "a distance of the whole batch": (
        lambda: lf.triplet_margin_with_distance_loss(
            LOGITS, LOGITS, LOGITS, distance_function=lambda x, y: (x - y).norm().reshape(1)
        ),
        ValueError,
        r"one distance for each pair, shape \(2,\), got \(1,\)",
    ),
    "a distance that is a number": (
        lambda: lf.triplet_margin_with_distance_loss(ONE, ONE, ONE, distance_function=lambda x, y: 1.0),
        ValueError,
        r"one distance for each pair, shape \(\), got float",
    ),
    "two devices": (
        lambda: lf.l1_loss(ONE, ONE.to("meta")),
        ValueError,
        r"one device, got cpu and meta.*target.to\(input.device",
    ),
    "truth values": (lambda: lf.mse_loss(ONE, ONE > 0), TypeError, r"real numbers, got torch.bool.*target.float\(\)"),
    "a complex target": (lambda: lf.mse_loss(ONE, ONE.cfloat()), TypeError, "real numbers, got torch.complex64"),
    "a setting too late": (
        lambda: lnn.L1Loss()(ONE, ONE, reduction="sum"),
        TypeError,
        r"takes reduction when it is built.*L1Loss\(reduction=…\)\(…\)",
    ),
    "one score": (lambda: lf.multilabel_soft_margin_loss(ONE[0], ONE[0]), ValueError, "got a single number"),
    "a delta of 0": (lambda: lf.huber_loss(ONE, ONE, delta=0.0), ValueError, "larger than 0"),
    "a negative beta": (lambda: lf.smooth_l1_loss(ONE, ONE, beta=-1.0), ValueError, "beta must .*, got -1"),
    "a setting that is nan": (lambda: lf.huber_loss(ONE, ONE, delta=NAN), ValueError, "delta must .*, got nan"),
    "a switch as number": (lambda: lf.kl_div(ONE, ONE, log_target=1), TypeError, "True or False, got 1"),
    "a number as switch": (lambda: lf.nll_loss(LOGITS, CLASSES, ignore_index=True), TypeError, "an integer, got bool"),
    "smoothing as switch": (
        lambda: lf.cross_entropy(LOGITS, CLASSES, label_smoothing=True),
        TypeError,
        "number, got bool",
    ),
    "ignoring probability 0": (
        lambda: lf.cross_entropy(LOGITS, torch.ones(2, 3) / 3, ignore_index=0),
        ValueError,
        "ignore_index=0 has no meaning",
    ),
    "the Jacobian of a batch": (lambda: softmax_jacobian(LOGITS), ValueError, r"shape \(C,\).*take one row"),
    "the gradient of floats": (
        lambda: cross_entropy_gradient(LOGITS, TWO),
        TypeError,
        "torch.int64, got torch.float32",
    ),
    "softmax over a truth value": (lambda: lnn.Softmax(dim=True), TypeError, "number of one dimension.*got True"),
    "softmax without dim": (lambda: lf.softmax(LOGITS), ValueError, "softmax needs dim"),
    "softmax of integers": (lambda: lf.softmax(CLASSES, dim=0), TypeError, "floating-point"),
    "an unknown loss": (lambda: lossbook.explain("mes", ONE, ONE), ValueError, "no loss 'mes'. Did you mean 'mse'?"),
    "no loss at all": (lambda: lossbook.explain("xyzzy", ONE, ONE), ValueError, "It holds: l1, mse"),
    "wrong input to explain": (lambda: lossbook.explain("l1", ONE, TWO), ValueError, "same shape"),
    "an unknown exercise": (
        lambda: lossbook.check("l1-mse", 1),
        ValueError,
        "no exercise 'l1-mse'. Did you mean 'l1-and-mse'?",
    ),
    "softmax of nothing": (lambda: lossbook.explain("softmax"), TypeError, "softmax takes a tensor of logits, and dim"),
    "softmax with a setting": (lambda: lossbook.explain("softmax", TWO, reduction="sum"), TypeError, "softmax takes"),
    "softmax of a list": (lambda: lossbook.explain("softmax", [1.0, 2.0]), TypeError, "input must be a torch.Tensor"),
    "no numbers to explain": (lambda: lossbook.explain(own), TypeError, r"Write explain\(own, input, target\)"),
    "a class to explain": (lambda: lossbook.explain(Sized, ONE), TypeError, r"Build it: explain\(Sized\(\), …\)"),
    "a module without numbers": (lambda: lossbook.explain(ADAPTIVE), TypeError, "takes input and target, got 0"),
    "a module that owns a layer without numbers": (
        lambda: lossbook.explain(lnn.LinearCrossEntropyLoss(3, 4), ONE),
        TypeError,
        "LinearCrossEntropyLoss takes input and target, got 1",
    ),
    "a built module with a setting": (
        lambda: lossbook.explain(ADAPTIVE, torch.ones(1, 4), torch.tensor([0]), reduction="sum"),
        TypeError,
        "got its settings when it was built.* no reduction",
    ),
    "a module for settings": (lambda: settings_of_module(ADAPTIVE), TypeError, "adaptive_log_softmax has no function"),
    "the gradient of no class": (lambda: cross_entropy_gradient(TWO, torch.tensor(5)), IndexError, "holds class 5"),
    "the gradient of a cube": (lambda: cross_entropy_gradient(CUBE, CLASSES), ValueError, r"\(C,\) for one sample"),
    "a check that is none": (lambda: loss_checks(own, like="l1")("valu"), ValueError, "no check 'valu'.*'value'"),
    "nothing to verify against": (
        lambda: lossbook.verify(own),
        TypeError,
        "hold the loss against. Give what it should",
    ),
    "a setting of nothing": (
        lambda: lossbook.verify(own, inputs=[(ONE, ONE)], beta=1),
        TypeError,
        "beta would be a setting of like, which is missing",
    ),
    "a call that is none": (lambda: lossbook.verify(own, "l1", call=1), TypeError, "call must be a function.* got int"),
    "a part that is none": (
        lambda: lossbook.verify(own, "l1", pick=1.0),
        TypeError,
        "pick must be the name.* got float",
    ),
    "a form that is not tried": (lambda: lossbook.verify(own, "l1", exclude="(X)"), ValueError, "is no form of input"),
    "a function to copy": (lambda: lossbook.verify(own, "l1", fresh=True), TypeError, "a function cannot be copied"),
    "batches built differently": (
        lambda: lossbook.verify(own, inputs=[(ONE, "a"), (ONE, "b")]),
        ValueError,
        "The batches of inputs are built differently",
    ),
    "an unknown language": (lambda: lossbook.set_language("fr"), ValueError, "en, pt, vi, zh, not 'fr'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_the_sentence(case, refuses):
    call, kind, sentence = WRONG[case]
    with refuses(kind, sentence):
        call()


def test_warns_of_nothing(recwarn):
    lf.l1_loss(ONE, ONE)
    lf.cross_entropy(LOGITS, CLASSES)
    assert not recwarn.list


every_loss = pytest.mark.parametrize("entry", [e for e in CATALOGUE if e.function], ids=lambda entry: entry.name)


def each_replaced(entry, generator, replace):
    """A batch with one tensor replaced, and the name of that one, for each tensor; lengths may come in any form."""
    inputs = entry.sample(generator)
    for i, name in enumerate(list(inspect.signature(entry.function).parameters)[: len(inputs)]):
        if not name.endswith("_lengths") and inputs[i].dtype is not torch.bool:
            yield name, [*inputs[:i], replace(inputs[i]), *inputs[i + 1 :]]


@every_loss
def test_nothing_is_broadcast(entry, generator):
    for _name, inputs in each_replaced(entry, generator, lambda x: x.unsqueeze(-1)):
        with pytest.raises(ValueError):  # noqa: PT011  (torch raises RuntimeError)
            entry.function(*inputs)


@every_loss
def test_lists_are_no_tensors(entry, generator):
    for name, inputs in each_replaced(entry, generator, torch.Tensor.tolist):
        with pytest.raises(TypeError, match=f"{name} must be a torch.Tensor, got list"):
            entry.function(*inputs)


def is_distribution(target):
    """Whether it holds probabilities that lie between 0 and 1."""
    return target.is_floating_point() and bool(((target >= 0) & (target <= 1)).all()) and target.frac().any()


@every_loss
def test_integers_are_refused_or_mean_the_same_numbers(entry, generator):
    """A prediction carries a gradient, and a probability is no integer; other numbers may be integers."""
    for name, inputs in each_replaced(entry, generator, torch.Tensor.trunc):
        integers = [x.long() if x.is_floating_point() and torch.equal(x, x.trunc()) else x for x in inputs]
        target = name == "target" and not is_distribution(entry.sample(generator)[1])
        if target or name in ("targets", "var", "anchor", "positive", "negative"):
            assert_close(entry.function(*integers), entry.function(*inputs))
        else:
            with pytest.raises(TypeError, match=f"{name} must hold floating-point numbers, got torch.int64"):
                entry.function(*integers)


@every_loss
def test_weights_of_another_shape_are_refused(entry, generator):
    inputs = entry.sample(generator)
    for settings in entry.settings:
        for name, weight in settings.items():
            if isinstance(weight, torch.Tensor):
                for wrong in (weight.repeat(2, 1), weight.repeat(2)):
                    with pytest.raises(ValueError, match=name):
                        entry.function(*inputs, **{**settings, name: wrong})


@pytest.mark.parametrize("loss", [lf.nll_loss, lf.cross_entropy, lf.multi_margin_loss, lf.multilabel_margin_loss])
def test_classes_must_exist_and_be_int64(loss):
    many = loss is lf.multilabel_margin_loss
    target = torch.tensor([[0, 3, -1], [1, -1, -1]]) if many else torch.tensor([0, 3])
    with pytest.raises(IndexError, match="class 3, but input has 3 classes, numbered from 0"):
        loss(LOGITS, target)
    with pytest.raises(TypeError, match="torch.int64, got torch.int32"):
        loss(LOGITS, target.clamp(max=2).int())
