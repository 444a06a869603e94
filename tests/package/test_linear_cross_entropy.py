"""Linear cross-entropy: equal to the plain composition in every way, without ever holding all logits."""

import copy
import itertools
import math
import pickle

import pytest
import torch
from torch.autograd import forward_ad
from torch.nn import functional as F
from torch.testing import assert_close
from torch.utils._python_dispatch import TorchDispatchMode

from lossbook.functional import cross_entropy
from lossbook.losses.linear_cross_entropy import LinearCrossEntropyLoss, Options, linear_cross_entropy

SAMPLES, FEATURES, CLASSES = 7, 3, 5
by_two = Options(batch_chunk_size=2)


def plain(input, linear_weight, target, linear_bias=None, **settings):
    """All logits, then cross-entropy."""
    bias = None if linear_bias is None else linear_bias.flatten()
    logits = F.linear(input, linear_weight.flatten(0, -2), bias)
    return cross_entropy(logits.reshape(*input.shape[:-1], *linear_weight.shape[:-1]), target, **settings)


def problem(generator, samples=(SAMPLES,), out=(), probabilities=False, bias=True):
    """Input, matrix, target and bias in float64, with gradients."""

    def random(*shape):
        return (torch.rand(shape, generator=generator).double() * 4 - 2).requires_grad_()

    input, matrix = random(*samples, FEATURES), random(CLASSES, *out, FEATURES)
    if probabilities:
        target = torch.rand(*samples, CLASSES, *out, generator=generator).double().softmax(len(samples))
    else:
        target = torch.randint(CLASSES, (*samples, *out), generator=generator)
    return input, matrix, target, random(CLASSES, *out) if bias else None


def learning(inputs):
    return [x for x in inputs if x is not None and x.requires_grad]


class Watch(TorchDispatchMode):
    """The operations that run, and the largest tensor that any of them makes; views are not made."""

    def __init__(self):
        super().__init__()
        self.largest, self.names = 0, []

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        result = operation(*args, **(kwargs or {}))
        self.names.append(operation.__name__)
        given = {x.untyped_storage().data_ptr() for x in args if isinstance(x, torch.Tensor)}
        if isinstance(result, torch.Tensor) and result.untyped_storage().data_ptr() not in given:
            self.largest = max(self.largest, result.numel())
        return result


@pytest.mark.parametrize(
    ("samples", "out"),
    [((), ()), ((1,), ()), ((SAMPLES,), ()), ((1,), (2,)), ((SAMPLES,), (2,)), ((SAMPLES,), (2, 3))],
    ids=str,
)
@pytest.mark.parametrize("probabilities", [False, True], ids=["numbers", "probabilities"])
def test_equals_the_plain_composition(samples, out, probabilities, generator):
    inputs = problem(generator, samples, out, probabilities)
    weight = torch.rand(CLASSES, generator=generator).double() + 0.5
    tried = 0
    for w, smoothing, ignored, reduction, options in itertools.product(
        (None, weight), (0.0, 0.3, 1.0), (None, 1), ("none", "mean", "sum"), (None, by_two)
    ):
        if probabilities and ignored is not None:
            continue
        settings = {"weight": w, "label_smoothing": smoothing, "reduction": reduction}
        ours = linear_cross_entropy(*inputs, ignore_index=ignored, options=options, **settings)
        theirs = plain(*inputs, ignore_index=-100 if ignored is None else ignored, **settings)
        assert_close(ours, theirs, rtol=1e-12, atol=1e-12, equal_nan=True)
        upstream = torch.rand(ours.shape, generator=generator).double() + 0.5
        mine = torch.autograd.grad(ours, learning(inputs), upstream)
        for a, b in zip(mine, torch.autograd.grad(theirs, learning(inputs), upstream), strict=True):
            assert_close(a, b, rtol=1e-10, atol=1e-12)
        tried += 1
    assert tried == (36 if probabilities else 72)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_never_holds_all_logits(reduction, smoothing, generator):
    input, matrix = torch.rand(64, 4, generator=generator), torch.rand(1000, 4, generator=generator)
    input, matrix = input.requires_grad_(), matrix.requires_grad_()
    target = torch.randint(1000, (64,), generator=generator)
    options = Options(batch_chunk_size=8)
    with Watch() as ours:
        linear_cross_entropy(
            input, matrix, target, reduction=reduction, label_smoothing=smoothing, options=options
        ).sum().backward()
    assert ours.largest == 8 * 1000
    with Watch() as theirs:
        plain(input, matrix, target, reduction=reduction, label_smoothing=smoothing).sum().backward()
    assert theirs.largest == 64 * 1000


def test_rows_fit_into_a_chunk(monkeypatch):
    """As many rows as fit into the chunk; for a huge vocabulary an eighth of the features, not one by one."""
    from lossbook.losses import linear_cross_entropy as file

    target = torch.zeros(64).long()
    for chunk, features, expected in ((4000, 8, 4 * 1000), (1, 160, 20 * 1000), (1, 4, 1000)):
        monkeypatch.setattr(file, "CHUNK", chunk)
        input, matrix = torch.zeros(64, features), torch.zeros(1000, features)
        with Watch() as watch:
            linear_cross_entropy(input, matrix, target)
        assert watch.largest == expected


def test_evaluation_computes_no_gradients(generator):
    inputs = problem(generator)
    with torch.no_grad(), Watch() as watch:
        loss = linear_cross_entropy(*inputs)
    assert not loss.requires_grad
    assert watch.names.count("addmm.default") == 1  # the logits, and no other product of matrices
    assert not [name for name in watch.names if name.startswith(("mm", "addmm_", "mul_"))]


def test_a_frozen_layer_gets_no_gradient(generator):
    input, matrix, target, bias = problem(generator)
    with Watch() as watch:
        linear_cross_entropy(input, matrix.detach(), target, bias.detach()).backward()
    assert "addmm_.default" not in watch.names
    expected = torch.autograd.grad(plain(input, matrix, target, bias), input)[0]
    assert_close(input.grad, expected)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_backward_again(reduction, generator):
    inputs = problem(generator)
    loss = linear_cross_entropy(*inputs, reduction=reduction, options=by_two).sum()
    first = [g.clone() for g in torch.autograd.grad(loss, learning(inputs), retain_graph=True)]
    for _ in range(2):
        for a, b in zip(first, torch.autograd.grad(loss, learning(inputs), retain_graph=True), strict=True):
            assert_close(a, b)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_second_derivatives(reduction, generator):
    input, matrix, target, bias = problem(generator)
    settings = {"reduction": reduction, "weight": torch.rand(CLASSES).double(), "ignore_index": 1, "options": by_two}

    def loss(x, a, b):
        return linear_cross_entropy(x, a, target, b, **settings)

    assert torch.autograd.gradcheck(loss, (input, matrix, bias), check_batched_grad=True)
    assert torch.autograd.gradgradcheck(loss, (input, matrix, bias))


def test_torch_func_and_forward_mode(generator):
    input, matrix, target, bias = (x.detach() for x in problem(generator))

    def loss(x, reduction="mean"):
        return linear_cross_entropy(x, matrix, target, bias, reduction=reduction)

    variable = input.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(loss(variable), variable)
    assert_close(torch.func.grad(loss)(input), gradient)
    assert_close(torch.func.jvp(loss, (input,), (input,))[1], (gradient * input).sum())
    with forward_ad.dual_level():
        dual = loss(forward_ad.make_dual(input, input))
        assert_close(forward_ad.unpack_dual(dual).tangent, (gradient * input).sum())
    alone = torch.func.vmap(lambda x, t: linear_cross_entropy(x, matrix, t, bias))(input, target)
    assert_close(alone, loss(input, "none"))
    hessian = torch.autograd.functional.hessian(loss, input)
    assert_close(hessian, torch.func.hessian(loss)(input))


def test_targets_that_learn(generator):
    input, matrix, target, bias = problem(generator, probabilities=True)
    target.requires_grad_()
    weight = torch.rand(CLASSES).double().requires_grad_()
    variables = input, target, weight
    ours = torch.autograd.grad(linear_cross_entropy(input, matrix, target, bias, weight=weight), variables)
    theirs = torch.autograd.grad(plain(input, matrix, target, bias, weight=weight), variables)
    for a, b in zip(ours, theirs, strict=True):
        assert_close(a, b)


def test_compiles_with_its_gradient(generator):
    inputs = problem(generator)
    compiled = torch.compile(linear_cross_entropy, fullgraph=True, backend="aot_eager")
    assert_close(
        torch.autograd.grad(compiled(*inputs), learning(inputs)),
        torch.autograd.grad(linear_cross_entropy(*inputs), learning(inputs)),
    )


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("anything", [math.nan, math.inf])
def test_an_ignored_sample_may_hold_anything(reduction, anything, generator):
    input, matrix, target, bias = problem(generator)
    target[2] = -100
    broken = input.detach().clone()
    broken[2] = anything
    broken.requires_grad_()
    ours = linear_cross_entropy(broken, matrix, target, bias, reduction=reduction)
    theirs = plain(input, matrix, target, bias, reduction=reduction)
    assert_close(ours, theirs)
    for a, b in zip(
        torch.autograd.grad(ours.sum(), (broken, matrix, bias)),
        torch.autograd.grad(theirs.sum(), (input, matrix, bias)),
        strict=True,
    ):
        assert_close(a, b)


def test_nothing_to_count(generator):
    input, matrix, target, bias = problem(generator)
    ignored = torch.full_like(target, -100)
    weightless = linear_cross_entropy(input, matrix, target, bias, weight=torch.zeros(CLASSES).double())
    for loss in (linear_cross_entropy(input, matrix, ignored, bias), weightless):
        assert loss.isnan()
        for gradient in torch.autograd.grad(loss, (input, matrix, bias)):
            assert (gradient == 0).all()
    assert linear_cross_entropy(input, matrix, ignored, bias, reduction="sum") == 0
    assert linear_cross_entropy(input, matrix, ignored, bias, reduction="none").tolist() == [0] * SAMPLES
    for empty in (target[:0], torch.zeros(0, CLASSES).double()):
        assert linear_cross_entropy(input[:0], matrix, empty, bias).isnan()
        assert linear_cross_entropy(input[:0], matrix, empty, bias, reduction="sum") == 0
        assert linear_cross_entropy(input[:0], matrix, empty, bias, reduction="none").shape == (0,)


def test_a_class_that_the_bias_forbids():
    """A logit of −∞: as target it costs ∞, otherwise nothing, and no gradient is nan."""
    input, matrix = torch.zeros(1, 2, requires_grad=True), torch.zeros(3, 2, requires_grad=True)
    bias = torch.tensor([0.0, 0.0, -math.inf])
    for target in (torch.tensor([0]), torch.tensor([[0.5, 0.5, 0.0]])):
        loss = linear_cross_entropy(input, matrix, target, bias)
        assert_close(loss, torch.tensor(math.log(2)))
        assert all(g.isfinite().all() for g in torch.autograd.grad(loss, (input, matrix)))
    loss = linear_cross_entropy(input, matrix, torch.tensor([2]), bias)
    assert loss.isinf()
    assert all(g.isfinite().all() for g in torch.autograd.grad(loss, (input, matrix)))


def test_each_sample_is_shifted_by_its_own_largest_logit():
    """Logits (1000, 0) beside (0, 0): one shift for both would leave no normalizer to the second."""
    input, matrix = torch.tensor([[1.0], [0.0]]), torch.tensor([[1000.0], [0.0]])
    losses = linear_cross_entropy(input, matrix, torch.tensor([0, 0]), reduction="none")
    assert_close(losses, torch.tensor([0.0, math.log(2)]))


@pytest.mark.parametrize("scale", [1e2, 1e4, 1e30])
def test_huge_logits_stay_finite_in_float32(scale):
    input, matrix = torch.tensor([[1.0]], requires_grad=True), torch.tensor([[scale], [0.0], [-scale]])
    for wrong in range(3):
        loss = linear_cross_entropy(input, matrix, torch.tensor([wrong]))
        assert_close(loss, torch.tensor(scale * wrong))
        assert torch.autograd.grad(loss, input)[0].isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_adds_up_in_float32(dtype):
    """100 000 losses of ln 2: their sum is past the largest float16, one of them in the mean below the smallest."""
    input, matrix = torch.zeros(100_000, 2, dtype=dtype), torch.zeros(2, 2, dtype=dtype, requires_grad=True)
    loss = linear_cross_entropy(input, matrix, torch.zeros(100_000).long())
    assert loss.dtype == dtype
    assert_close(loss.item(), math.log(2), rtol=torch.finfo(dtype).eps, atol=0)
    loss.backward()
    assert matrix.grad.dtype == dtype


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"bias": True},
        {"out_features": (2, 3)},
        {"out_features": [2], "bias": True},
        {"weight": torch.arange(1.0, 6.0)},
    ],
    ids=str,
)
def test_module_is_torchs(settings, generator, in_torch):
    modules = []
    for module in (LinearCrossEntropyLoss, in_torch(getattr(torch.nn, "LinearCrossEntropyLoss", None))):
        torch.manual_seed(0)
        modules.append(module(FEATURES, CLASSES, **settings))
    ours, theirs = modules
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for name, value in theirs.state_dict().items():
        assert torch.equal(ours.state_dict()[name], value)
    input = torch.rand(SAMPLES, FEATURES, generator=generator)
    target = torch.randint(CLASSES, (SAMPLES, *settings.get("out_features", ())), generator=generator)
    assert_close(ours(input, target), theirs(input, target))
    for twin in (pickle.loads(pickle.dumps(ours)), copy.deepcopy(ours)):
        assert_close(twin(input, target), ours(input, target))
    ours(input, target).backward()
    theirs(input, target).backward()
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert_close(a.grad, b.grad)
    assert ours.to("meta").linear.weight.is_meta
    assert "num_classes=5" in repr(ours)


X, A, T = torch.zeros(2, 3), torch.zeros(4, 3), torch.tensor([0, 1])
WRONG = {
    "a list": (lambda: linear_cross_entropy([0.0], A, T), TypeError, "input must be a torch.Tensor"),
    "integers": (lambda: linear_cross_entropy(X, A.long(), T), TypeError, "linear_weight must hold floating"),
    "sequences": (lambda: linear_cross_entropy(X[None], A, T), ValueError, r"\(1, 2, 3\).*flatten\(0, 1\)"),
    "a vector of weights": (lambda: linear_cross_entropy(X, A[0], T), ValueError, r"linear_weight.*\(C, D\).*\(3,\)"),
    "a transposed matrix": (lambda: linear_cross_entropy(X, A.T, T), ValueError, r"input must hold 4 numbers.*got 3.*\(C, D\)"),
    "one sample, many classes": (lambda: linear_cross_entropy(X[0], torch.zeros(4, 2, 3), T), ValueError, r"needs a batch.*unsqueeze\(0\)"),
    "shape of bias": (lambda: linear_cross_entropy(X, A, T, T.float()), ValueError, r"linear_bias.*\(4,\), got \(2,\)"),
    "shape of target": (lambda: linear_cross_entropy(X, A, T[:1]), ValueError, r"table of logits of shape \(2, 4\) needs.*\(2,\), got \(1,\)"),
    "class numbers as floats": (lambda: linear_cross_entropy(X, A, T.float()), TypeError, "class numbers"),
    "one-hot integers": (lambda: linear_cross_entropy(X, A, torch.ones(2, 4).long()), TypeError, "class probabilities"),
    "ignoring a probability": (lambda: linear_cross_entropy(X, A, torch.ones(2, 4), ignore_index=0), ValueError, "ignore_index=0"),
    "a class too many": (lambda: linear_cross_entropy(X, A, T + 3), IndexError, "class 4.*numbered from 0"),
    "a negative class": (lambda: linear_cross_entropy(X, A, T - 1), IndexError, "class -1"),
    "class weights": (lambda: linear_cross_entropy(X, A, T, weight=torch.ones(2)), ValueError, r"weight.*\(4,\)"),
    "no target": (lambda: linear_cross_entropy(X, A), TypeError, "missing: target"),
    "options": (lambda: linear_cross_entropy(X, A, T, options=2), TypeError, "LinearCrossEntropyOptions, or .* None; got int"),
    "ignore_index": (lambda: linear_cross_entropy(X, A, T, ignore_index=0.5), TypeError, "must be an integer"),
    "class weights of a module": (lambda: LinearCrossEntropyLoss(3, 4, weight=torch.ones(2)), ValueError, r"\(4,\)"),
    "a setting": (lambda: LinearCrossEntropyLoss(3, 4, reductoin="sum"), TypeError, "Did you mean 'reduction'"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input(case, refuses):
    call, kind, sentence = WRONG[case]
    with refuses(kind, sentence):
        call()
