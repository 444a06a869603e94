"""What torch's samples never see: huge values, ties, kinks, hinges, certain probabilities, empty batches.

Torch is the oracle where it is right; where we decide otherwise, the test says so.
"""

import math

import pytest
import torch
from torch.nn import functional as F
from torch.testing import assert_close

from lossbook import beyond
from lossbook import functional as lf

INF, NAN = math.inf, math.nan

# name: (our function, torch's, the inputs, settings). Value and gradient for every prediction are compared.
LIKE_TORCH = {
    "l1 at a tie": ("l1_loss", ([1.0, -2.0], [1.0, 0.0]), {}),
    "l1 of huge numbers": ("l1_loss", ([1e30, -1e30], [0.0, 0.0]), {}),
    "mse of infinity": ("mse_loss", ([INF, 1.0], [0.0, 0.0]), {}),
    "smooth l1 at 0 and at beta": ("smooth_l1_loss", ([0.0, 1.0, -1.0, 3.0], [0.0, 0.0, 0.0, 0.0]), {}),
    "smooth l1 with beta 0": ("smooth_l1_loss", ([0.0, 1e-9, -3.0], [0.0, 0.0, 0.0]), {"beta": 0.0}),
    "smooth l1 of huge numbers": ("smooth_l1_loss", ([1e18, -1e18], [0.0, 0.0]), {"beta": 1e-6}),
    "huber at 0 and at delta": ("huber_loss", ([0.0, 2.0, -2.0, 9.0], [0.0, 0.0, 0.0, 0.0]), {"delta": 2.0}),
    "huber weighted": ("huber_loss", ([1.0, 5.0], [0.0, 0.0]), {"weight": torch.tensor([1.0, 3.0])}),
    "mse weighted": ("mse_loss", ([1.0, 5.0], [0.0, 0.0]), {"weight": torch.tensor([1.0, 3.0])}),
    "poisson with rate 0": ("poisson_nll_loss", ([0.0, 2.0], [0.0, 3.0]), {"log_input": False}),
    "poisson counts 0, 1 and 2": ("poisson_nll_loss", ([0.5, 0.5, 0.5], [0.0, 1.0, 2.0]), {"full": True}),
    "poisson far below": ("poisson_nll_loss", ([-100.0, 80.0], [3.0, 3.0]), {}),
    "gaussian without variance": ("gaussian_nll_loss", ([0.0, 1.0], [1.0, 1.0], [0.0, 0.0]), {}),
    "gaussian against one number": ("gaussian_nll_loss", ([0.0, 3.0], 1.0, [1.0, 2.0]), {}),
    "gaussian below eps": ("gaussian_nll_loss", ([0.0, 1.0], [1.0, 1.0], [0.1, 2.0]), {"eps": 0.5, "full": True}),
    "kl with target 0": ("kl_div", ([-1.0, -2.0], [0.0, 1.0]), {"reduction": "sum"}),
    "kl certain and right": ("kl_div", ([0.0, -INF], [1.0, 1.0]), {"reduction": "sum"}),
    "bce certain and right": ("binary_cross_entropy", ([1e-11, 0.5], [0.0, 1.0]), {}),
    "bce certain and wrong": ("binary_cross_entropy", ([0.0, 1.0], [1.0, 0.0]), {}),
    "bce nearly certain": ("binary_cross_entropy", ([1e-20, 1 - 1e-7], [1.0, 0.0]), {}),
    "bce soft": ("binary_cross_entropy", ([0.25, 0.75], [0.3, 0.6]), {}),
    "bce with logits at 0": ("binary_cross_entropy_with_logits", ([0.0, 0.0], [0.0, 1.0]), {}),
    "bce with huge logits": ("binary_cross_entropy_with_logits", ([1e4, -1e4, 90.0], [0.0, 1.0, 1.0]), {}),
    "bce with pos_weight": (
        "binary_cross_entropy_with_logits",
        ([3.0, -200.0], [0.3, 1.0]),
        {"pos_weight": torch.tensor([0.5, 4.0]), "weight": torch.tensor([2.0])},
    ),
    "hinge embedding at the hinge": ("hinge_embedding_loss", ([1.0, 1.0, 2.0, 0.0], [-1.0, 1.0, -1.0, -1.0]), {}),
    "soft margin at 0": ("soft_margin_loss", ([0.0, 50.0, -50.0], [1.0, 1.0, 1.0]), {}),
    "margin ranking at the hinge": ("margin_ranking_loss", ([1.0, 2.0], [1.0, 1.0], [1.0, 1.0]), {}),
    "margin ranking at the margin": ("margin_ranking_loss", ([1.0], [0.0], [1.0]), {"margin": 1.0}),
    "margin ranking, margin below 0": ("margin_ranking_loss", ([1.0, 2.0], [1.5, 4.0], [1.0, 1.0]), {"margin": -1.0}),
    "multi margin at the hinge": ("multi_margin_loss", ([[1.0, 0.0, 2.0]], [0]), {}),
    "multi margin squared, weighted": (
        "multi_margin_loss",
        ([[0.3, 0.0, 2.0]], [0]),
        {"p": 2, "weight": torch.tensor([3.0, 1.0, 1.0])},
    ),
    "multilabel margin at the hinge": ("multilabel_margin_loss", ([[1.0, 0.0, 2.0]], [[0, 2, -1]]), {}),
    "multilabel margin without labels": ("multilabel_margin_loss", ([[1.0, 0.0, 2.0]], [[-1, 0, 2]]), {}),
    "multilabel margin, a label twice": ("multilabel_margin_loss", ([[1.0, 0.5, 2.0]], [[1, 1, -1]]), {}),
    "multilabel soft margin huge": ("multilabel_soft_margin_loss", ([[1e4, -1e4, 0.0]], [[0.0, 1.0, 1.0]]), {}),
    "cosine of a zero vector": (
        "cosine_embedding_loss",
        ([[0.0, 0.0], [0.0, 0.0]], [[1.0, 0.0], [1.0, 0.0]], [1, -1]),
        {},
    ),
    "cosine of a zero and a long vector": ("cosine_embedding_loss", ([[0.0, 0.0]], [[3.0, 4.0]], [1]), {}),
    "cosine of long vectors": ("cosine_embedding_loss", ([[1e15, 0.0]], [[1e15, 1e15]], [1]), {}),
    "cosine at the margin": ("cosine_embedding_loss", ([[1.0, 0.0]], [[0.0, 1.0]], [-1]), {}),
    "triplet of one point": ("triplet_margin_loss", ([[1.0, 1.0]], [[1.0, 1.0]], [[1.0, 1.0]]), {}),
    "triplet, maximum norm": ("triplet_margin_loss", ([[1.0, 3.0]], [[2.0, 0.0]], [[4.0, 4.0]]), {"p": INF}),
    "triplet, swapped tie": ("triplet_margin_loss", ([[0.0]], [[2.0]], [[1.0]]), {"swap": True}),
}


def tensor(values):
    made = torch.tensor(values)
    return made if made.dtype == torch.int64 else made.float()


@pytest.mark.parametrize("compiling", [False, True], ids=["eager", "compiling"])
@pytest.mark.parametrize("case", LIKE_TORCH)
def test_as_torch_in_float32(case, compiling, monkeypatch):
    """torch.compile goes back through the operations, where a slope of ours is not asked."""
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: compiling)
    name, inputs, settings = LIKE_TORCH[case]
    ours, theirs = ([tensor(values) for values in inputs] for _ in range(2))
    variables = [i for i, x in enumerate(ours) if x.is_floating_point() and (i == 0 or len(inputs) == 3 and i < 2)]
    if name == "gaussian_nll_loss":
        variables = [0, 2]
    if name == "triplet_margin_loss":
        variables = [0, 1, 2]
    for inputs_ in (ours, theirs):
        for i in variables:
            inputs_[i].requires_grad_()
    value, expected = getattr(lf, name)(*ours, **settings), getattr(F, name)(*theirs, **settings)
    assert_close(value, expected, rtol=1e-5, atol=1e-7, equal_nan=True)
    if expected.isfinite():
        for a, b in zip(
            torch.autograd.grad(value, [ours[i] for i in variables]),
            torch.autograd.grad(expected, [theirs[i] for i in variables]),
            strict=True,
        ):
            assert_close(a, b, rtol=1e-5, atol=1e-7)


def test_bce_bounds_the_logarithm_of_every_probability():
    ours, theirs = (torch.tensor([1e-50, 1e-300], dtype=torch.float64, requires_grad=True) for _ in range(2))
    value, expected = (
        lf.binary_cross_entropy(ours, torch.ones_like(ours)),
        F.binary_cross_entropy(theirs, theirs * 0 + 1),
    )
    assert value == expected == 100
    assert_close(torch.autograd.grad(value, ours), torch.autograd.grad(expected, theirs))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_bce_has_the_slope_of_its_logarithm_where_it_is_certain_and_right(dtype):
    """In float16 the bound of the slope rounds to 0, and torch gives nan."""
    p = torch.tensor([0.0, 1.0], dtype=dtype, requires_grad=True)
    lf.binary_cross_entropy(p, p.detach(), reduction="sum").backward()
    assert p.grad.tolist() == [1, -1]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_bce_has_a_finite_slope_where_it_is_certain_and_wrong(dtype):
    p, y = torch.tensor([0.0, 1.0, 6e-8], dtype=dtype, requires_grad=True), torch.tensor([1.0, 0.0, 1.0], dtype=dtype)
    lf.binary_cross_entropy(p, y, reduction="sum").backward()
    each = lambda p: lf.binary_cross_entropy(p, y, reduction="none")  # noqa: E731
    losses, forward = torch.func.jvp(each, (p.detach(),), (torch.ones_like(p),))
    assert losses.isfinite().all()
    assert_close(forward, p.grad, rtol=1e-2, atol=0)
    assert (p.grad.sign() == 1 - 2 * y).all()
    expected = torch.tensor([min(1e12, torch.finfo(dtype).max / 2)] * 2).to(dtype)
    assert_close(p.grad[:2].abs(), expected, rtol=1e-2, atol=0)


def test_bce_at_0_and_1_is_no_anomaly():
    """Who looks for the origin of a nan is not stopped here."""
    p = torch.tensor([0.0, 1.0], requires_grad=True)
    for learns in (False, True):
        y = torch.tensor([1.0, 0.0], requires_grad=learns)
        with torch.autograd.set_detect_anomaly(True):
            lf.binary_cross_entropy(p, y).backward()
        assert p.grad.isfinite().all()
    assert_close(y.grad, torch.tensor([50.0, -50.0]))


def test_soft_margin_is_finite_where_torch_is_not():
    x = torch.tensor([-100.0, -1e6], requires_grad=True)
    ones = torch.ones(2)
    assert F.soft_margin_loss(x, ones).isinf()
    loss = lf.soft_margin_loss(x, ones, reduction="none")
    assert_close(loss, torch.tensor([100.0, 1e6]))
    assert_close(torch.autograd.grad(loss.sum(), x)[0], torch.tensor([-1.0, -1.0]))


def test_bce_slope_at_a_certain_and_right_answer():
    """The derivative of −ln(1 − p) at p = 0 is 1. torch says 0."""
    p = torch.tensor([0.0], requires_grad=True)
    assert_close(torch.autograd.grad(lf.binary_cross_entropy(p, torch.zeros(1)), p)[0], torch.tensor([1.0]))
    assert torch.autograd.grad(F.binary_cross_entropy(p, torch.zeros(1)), p)[0] == 0


def test_triplet_at_the_hinge():
    """Distances that add up exactly; both count there, as in torch."""
    points = [torch.tensor([[x]], requires_grad=True) for x in (0.0, 1.0, 2.0)]
    settings = {"distance_function": lambda x, y: (x - y).abs().sum(-1)}
    ours, theirs = (f.triplet_margin_with_distance_loss(*points, **settings) for f in (lf, F))
    assert ours == theirs == 0
    for a, b in zip(torch.autograd.grad(ours, points), torch.autograd.grad(theirs, points), strict=True):
        assert_close(a, b)


def test_l1_of_complex_numbers():
    x, zero = torch.tensor([3 + 4j, 0j], requires_grad=True), torch.zeros(2)
    loss = lf.l1_loss(x, zero, reduction="sum")
    assert loss == 5
    assert_close(torch.autograd.grad(loss, x)[0], torch.tensor([0.6 + 0.8j, 0j]))


def test_counts_may_carry_a_gradient():
    """The slope of Stirling's formula is ln y + 1 / 2y. torch: nan at 0, where the formula does not count."""
    x, y = torch.tensor([0.5, 0.5, 0.5]), torch.tensor([0.0, 1.0, 3.0], requires_grad=True)
    lf.poisson_nll_loss(x, y, full=True, reduction="sum").backward()
    assert_close(y.grad, torch.tensor([-0.5, -0.5, -0.5 + math.log(3) + 1 / 6]))


def test_kl_with_an_impossible_target():
    """0 · log 0 counts as 0, as logarithms too. torch: nan."""
    log_q, log_p = torch.tensor([-1.0, -1.0], requires_grad=True), torch.tensor([-INF, 0.0])
    loss = lf.kl_div(log_q, log_p, log_target=True, reduction="sum")
    assert_close(loss, torch.tensor(1.0))
    assert_close(torch.autograd.grad(loss, log_q)[0], torch.tensor([0.0, -1.0]))
    assert F.kl_div(log_q, log_p, log_target=True, reduction="sum").isnan()
    both = lf.kl_div(torch.tensor([-INF, 0.0]), torch.tensor([0.0, 1.0]), reduction="sum")
    assert both == 0


def test_the_slope_at_a_probability_of_0():
    """It is −log q there, although another class is impossible."""
    logits, p = torch.tensor([0.0, 0.0, -INF]), torch.tensor([1.0, 0.0, 0.0], requires_grad=True)
    (gradient,) = torch.autograd.grad(lf.cross_entropy(logits, p), p)
    assert_close(gradient[:2], torch.full((2,), math.log(2)))


def test_a_class_of_weight_0_may_be_impossible():
    """0 · 1 · log 0 counts as 0."""
    logits, p = torch.tensor([0.0, -INF]), torch.tensor([0.5, 0.5])
    assert lf.cross_entropy(logits, p, weight=torch.tensor([1.0, 0.0])) == 0


@pytest.mark.parametrize("margin_loss", ["multi_margin_loss", "multilabel_margin_loss"])
def test_empty_batch_where_torch_reads_uninitialized_memory(margin_loss):
    loss = getattr(lf, margin_loss)
    input = torch.empty(0, 3)
    target = torch.empty(0).long() if margin_loss == "multi_margin_loss" else torch.empty(0, 3).long()
    assert loss(input, target).isnan()
    assert loss(input, target, reduction="sum") == 0
    assert loss(input, target, reduction="none").shape == (0,)


@pytest.mark.parametrize(
    "name",
    [
        "l1_loss",
        "mse_loss",
        "smooth_l1_loss",
        "huber_loss",
        "poisson_nll_loss",
        "kl_div",
        "soft_margin_loss",
        "binary_cross_entropy",
    ],
)
def test_empty_batch(name):
    empty = torch.empty(0)
    loss = getattr(lf, name)
    assert loss(empty, empty).isnan()
    assert loss(empty, empty, reduction="sum") == 0
    assert loss(empty, empty, reduction="none").shape == (0,)


def test_nan_is_never_hidden():
    bad, good = torch.tensor([NAN, 1.0]), torch.tensor([1.0, 1.0])
    for name in (
        "l1_loss",
        "mse_loss",
        "smooth_l1_loss",
        "huber_loss",
        "poisson_nll_loss",
        "kl_div",
        "soft_margin_loss",
    ):
        assert getattr(lf, name)(bad, good).isnan(), name
    for name in ("hinge_embedding_loss", "binary_cross_entropy_with_logits"):
        assert getattr(lf, name)(bad, good).isnan(), name
    assert lf.margin_ranking_loss(bad, good, good).isnan()
    assert lf.gaussian_nll_loss(bad, good, good).isnan()


def test_sums_in_float32_stay_exact():
    """A shortcut such as torch.dot would lose four digits here."""
    generator = torch.Generator().manual_seed(0)
    x, y = torch.rand(2**20, generator=generator), torch.rand(2**20, generator=generator)
    for name in ("l1_loss", "mse_loss", "smooth_l1_loss", "binary_cross_entropy_with_logits"):
        exact = getattr(lf, name)(x.double(), y.double())
        assert_close(getattr(lf, name)(x, y).double(), exact, rtol=1e-6, atol=0)


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "binary_cross_entropy_with_logits"])
def test_under_autocast_a_loss_is_computed_in_float32(name):
    x, y = torch.full((4,), 300.0, dtype=torch.bfloat16), torch.zeros(4, dtype=torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        assert getattr(lf, name)(x, y).dtype == getattr(F, name)(x, y).dtype == torch.float32
    assert getattr(lf, name)(x, y).dtype == torch.bfloat16


def test_softmax_of_a_large_vocabulary_in_float16():
    assert_close(lf.softmax(torch.zeros(70_000).half(), dim=0).sum().float(), torch.tensor(1.0), rtol=0.2, atol=0)
    assert_close(lf.cross_entropy(torch.zeros(70_000).half(), torch.tensor(3)), torch.tensor(11.156).half())


MANY = 70_000
CLASSES, WEIGHTS = torch.arange(MANY) % 3, torch.arange(MANY) % 4
# name: the mean of a table of scores, with weights of the classes.
MEANS = {
    "nll": lambda z, w: lf.nll_loss(z.log_softmax(1), CLASSES, weight=w),
    "cross_entropy": lambda z, w: lf.cross_entropy(z, CLASSES, weight=w),
    "cross_entropy, smoothed": lambda z, w: lf.cross_entropy(z, CLASSES, weight=w, label_smoothing=0.3),
    "generalized_cross_entropy": lambda z, w: beyond.generalized_cross_entropy(z, CLASSES),
    "symmetric_cross_entropy": lambda z, w: beyond.symmetric_cross_entropy(z, CLASSES),
    "soft_target_cross_entropy": lambda z, w: beyond.soft_target_cross_entropy(z, z.detach().softmax(1), WEIGHTS),
    "token_cross_entropy": lambda z, w: beyond.token_cross_entropy(z, CLASSES, shift=False),
    "token_cross_entropy, counted": lambda z, w: beyond.token_cross_entropy(
        z, CLASSES, shift=False, num_items_in_batch=MANY
    ),
    "token_cross_entropy, sequences": lambda z, w: beyond.token_cross_entropy(
        z[None], CLASSES[None], average="sequence"
    ),
    "distillation": lambda z, w: beyond.distillation_loss(z, -z.detach(), CLASSES),
    "l1": lambda z, w: lf.l1_loss(z[:, 0], -z[:, 1], weight=WEIGHTS.to(z.dtype)),
    "mse": lambda z, w: lf.mse_loss(z[:, 0], -z[:, 1], weight=WEIGHTS.to(z.dtype)),
    "kl_div": lambda z, w: lf.kl_div(z.log_softmax(1), z.detach().flip(1).softmax(1), reduction="batchmean"),
    "dice": lambda z, w: beyond.dice_loss(z, CLASSES, mode="multiclass", weight=w, average="weights"),
    "gaussian_kl": lambda z, w: beyond.gaussian_kl_div(z, z.detach() / 3, reduction="batchmean"),
}


@pytest.mark.parametrize("name", MEANS)
def test_a_mean_of_more_samples_than_float16_counts(name):
    """float16 ends at 65504. torch gives inf or nan."""
    z, w = 3 * torch.randn(MANY, 3, generator=torch.Generator().manual_seed(0)), torch.tensor([1.0, 2.0, 0.5])
    found = []
    for dtype in (torch.float16, torch.float64):
        learnt = z.half().to(dtype).requires_grad_()
        loss = MEANS[name](learnt, w.to(dtype))
        found.append((loss.double(), torch.autograd.grad(loss, learnt)[0].double()))
    (loss, slope), (true, true_slope) = found
    assert_close(loss, true, rtol=2e-3, atol=0)
    assert_close(slope, true_slope, rtol=4e-3, atol=2e-7)  # subnormal numbers


def test_labels_smoothed_over_a_large_vocabulary_in_float16():
    z, target = torch.linspace(-8, 8, 70_000), torch.tensor(3)
    expected = F.cross_entropy(z.half().double(), target, label_smoothing=0.1)
    assert_close(lf.cross_entropy(z.half(), target, label_smoothing=0.1).double(), expected, rtol=2e-3, atol=0)


def test_the_parabola_of_the_tails_does_not_overflow():
    for name in ("huber_loss", "smooth_l1_loss"):
        x = torch.tensor([40_000.0], dtype=torch.half, requires_grad=True)
        getattr(lf, name)(x, torch.zeros(1).half()).backward()
        assert x.grad.isfinite()


@pytest.mark.parametrize("name", ["huber_loss", "smooth_l1_loss"])
def test_the_curvature_of_the_parabola(name):
    """1 near 0, none in the tails."""
    error = torch.tensor([0.0, 0.5, 3.0], dtype=torch.float64)
    curvature = torch.func.hessian(lambda e: getattr(lf, name)(e, torch.zeros_like(e), reduction="sum"))(error)
    assert_close(curvature, torch.diag(torch.tensor([1.0, 1.0, 0.0]).double()))


@pytest.mark.parametrize("name", ["binary_cross_entropy_with_logits", "soft_margin_loss"])
def test_the_curvature_far_out(name):
    """torch.logaddexp would give nan."""
    x = torch.tensor([-300.0, 300.0], requires_grad=True)
    (slope,) = torch.autograd.grad(getattr(lf, name)(x, torch.ones(2)), x, create_graph=True)
    assert_close(torch.autograd.grad(slope.sum(), x)[0], torch.zeros(2))


def test_an_infinite_variance_is_no_nan():
    x = torch.tensor([1.0], requires_grad=True)
    loss = lf.gaussian_nll_loss(x, torch.zeros(1), torch.tensor([INF]))
    assert loss.isinf()
    assert torch.autograd.grad(loss, x)[0] == 0


def test_a_byte_is_a_class_number_and_never_the_ignored_one():
    """In a byte −100 would be 156."""
    target = torch.tensor([156, 0], dtype=torch.uint8)
    losses = lf.cross_entropy(torch.zeros(2, 200), target, reduction="none", label_smoothing=0.1)
    assert_close(losses, torch.full((2,), math.log(200)))


def test_gradients_for_each_sample():
    """torch.func.vmap over grad, as in differentially private training."""
    p, y = torch.rand(5, dtype=torch.float64) * 0.9 + 0.05, torch.ones(5, dtype=torch.float64)
    for name in ("binary_cross_entropy", "hinge_embedding_loss", "mse_loss"):
        each = torch.func.vmap(torch.func.grad(getattr(lf, name)))(p, y)
        alone = torch.stack([torch.func.grad(getattr(F, name))(a, b) for a, b in zip(p, y, strict=True)])
        assert_close(each, alone)
